package custom

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const admissionGroup = "admissionregistration.k8s.io"

func admissionResources() []Resource {
	return []Resource{
		{Group: admissionGroup, Versions: []string{"v1", "v1beta1"}, Name: "mutatingwebhookconfigurations", Kind: "MutatingWebhookConfiguration", Purpose: ChangesPods},
		{Group: admissionGroup, Versions: []string{"v1", "v1beta1"}, Name: "validatingwebhookconfigurations", Kind: "ValidatingWebhookConfiguration", Purpose: RefusesPods},
		{Group: admissionGroup, Versions: []string{"v1", "v1beta1", "v1alpha1"}, Name: "mutatingadmissionpolicies", Kind: "MutatingAdmissionPolicy", Purpose: ChangesPods},
		{Group: admissionGroup, Versions: []string{"v1", "v1beta1", "v1alpha1"}, Name: "mutatingadmissionpolicybindings", Kind: "MutatingAdmissionPolicyBinding", Purpose: ChangesPods},
		{Group: admissionGroup, Versions: []string{"v1", "v1beta1", "v1alpha1"}, Name: "validatingadmissionpolicies", Kind: "ValidatingAdmissionPolicy", Purpose: RefusesPods},
		{Group: admissionGroup, Versions: []string{"v1", "v1beta1", "v1alpha1"}, Name: "validatingadmissionpolicybindings", Kind: "ValidatingAdmissionPolicyBinding", Purpose: RefusesPods},
		{Group: kubewardenGroup, Versions: []string{"v1", "v1alpha2"}, Name: "clusteradmissionpolicies", Kind: "ClusterAdmissionPolicy", Purpose: ChangesPods},
		{Group: kubewardenGroup, Versions: []string{"v1", "v1alpha2"}, Name: "admissionpolicies", Kind: "AdmissionPolicy", Namespaced: true, Purpose: ChangesPods},
	}
}

const kubewardenGroup = "policies.kubewarden.io"

// readAdmission reads the webhooks and admission policies of Kubernetes, and Kubewarden's policies, which have their form.
func readAdmission(b *inventory.Builder, o Object) bool {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	switch {
	case group == admissionGroup && strings.HasSuffix(o.Kind, "WebhookConfiguration"):
		readWebhooks(b, o)
	case group == admissionGroup && strings.HasSuffix(o.Kind, "AdmissionPolicy"):
		readAdmissionPolicy(b, o)
	case group == admissionGroup && strings.HasSuffix(o.Kind, "AdmissionPolicyBinding"):
		readBinding(b, o)
	case group == kubewardenGroup && (o.Kind == "ClusterAdmissionPolicy" || o.Kind == "AdmissionPolicy"):
		readKubewarden(b, o)
	default:
		return false
	}
	return true
}

// rule is one of a webhook's or a policy's.
type rule struct {
	APIGroups   []string `json:"apiGroups"`
	APIVersions []string `json:"apiVersions"`
	Resources   []string `json:"resources"`
	Operations  []string `json:"operations"`
	Scope       string   `json:"scope"`
	// ResourceNames are those of policies.
	ResourceNames []string `json:"resourceNames"`
}

// ofPods is true for a rule that a new pod meets.
func (r *rule) ofPods() bool {
	has := func(list []string, words ...string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(words, s) })
	}
	return has(r.APIGroups, "", "*") && has(r.APIVersions, "v1", "*") && has(r.Resources, "pods", "*", "*/*") &&
		has(r.Operations, "CREATE", "*") && r.Scope != "Cluster"
}

func readWebhooks(b *inventory.Builder, o Object) {
	var doc struct {
		Webhooks []struct {
			Name              string                `json:"name"`
			Rules             []rule                `json:"rules"`
			NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
			ObjectSelector    *metav1.LabelSelector `json:"objectSelector"`
		} `json:"webhooks"`
	}
	mutates := strings.HasPrefix(o.Kind, "Mutating")
	if !decodeReviewer(b, o, mutates, &doc) {
		return
	}
	for i := range doc.Webhooks {
		w := &doc.Webhooks[i]
		if !slices.ContainsFunc(w.Rules, func(r rule) bool { return r.ofPods() }) {
			continue
		}
		b.AddReviewer(inventory.Reviewer{
			Kind: o.Kind, Name: o.Name, Rule: w.Name, Mutates: mutates, Position: o.Position,
			Scopes: []inventory.Scope{{NamespaceLabels: w.NamespaceSelector, PodLabels: w.ObjectSelector}},
		})
	}
}

// constraints say what a policy of Kubernetes, or the part of it that a binding puts into force, is for.
type constraints struct {
	ResourceRules     []rule                `json:"resourceRules"`
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
	ObjectSelector    *metav1.LabelSelector `json:"objectSelector"`
}

// scopes are those of a policy; none if it is not for pods.
func (c *constraints) scopes() []inventory.Scope {
	var out []inventory.Scope
	for i := range c.ResourceRules {
		if r := &c.ResourceRules[i]; r.ofPods() {
			out = append(out, inventory.Scope{Names: r.ResourceNames, NamespaceLabels: c.NamespaceSelector, PodLabels: c.ObjectSelector})
		}
	}
	return out
}

// mutation is one of a MutatingAdmissionPolicy, in CEL.
type mutation struct {
	ApplyConfiguration struct {
		Expression string `json:"expression"`
	} `json:"applyConfiguration"`
	JSONPatch struct {
		Expression string `json:"expression"`
	} `json:"jsonPatch"`
}

// effectOf says what expressions can do: one that names no field that matters makes no pod need a looser level.
func effectOf(mutations []mutation) inventory.Effect {
	for _, m := range mutations {
		if mayLoosen(m.ApplyConfiguration.Expression) || mayLoosen(m.JSONPatch.Expression) {
			return inventory.EffectUnknown
		}
	}
	return inventory.EffectHarmless
}

// mayLoosen is true for a text (an expression, a patch) that names a field by which a pod may need a looser level, or takes
// values from elsewhere.
func mayLoosen(text string) bool {
	return slices.ContainsFunc([]string{
		"ontainers", "olumes", "ecurityContext", "host", "privileged", "capabilities", "procMount", "sysctls", "seccomp", "apparmor", "params",
		`"/spec"`, "'/spec'", `""`,
	}, func(word string) bool { return strings.Contains(text, word) })
}

func readAdmissionPolicy(b *inventory.Builder, o Object) {
	var doc struct {
		Spec struct {
			MatchConstraints constraints `json:"matchConstraints"`
			Mutations        []mutation  `json:"mutations"`
		} `json:"spec"`
	}
	mutates := strings.HasPrefix(o.Kind, "Mutating")
	if !decodeReviewer(b, o, mutates, &doc) {
		return
	}
	scopes := doc.Spec.MatchConstraints.scopes()
	if len(scopes) == 0 {
		return
	}
	r := inventory.Reviewer{Kind: o.Kind, Name: o.Name, Mutates: mutates, Scopes: scopes, Position: o.Position}
	if mutates {
		r.Effect = effectOf(doc.Spec.Mutations)
	}
	b.AddReviewer(r)
}

func readBinding(b *inventory.Builder, o Object) {
	var doc struct {
		Spec struct {
			PolicyName        string      `json:"policyName"`
			MatchResources    constraints `json:"matchResources"`
			ValidationActions []string    `json:"validationActions"`
		} `json:"spec"`
	}
	mutates := strings.HasPrefix(o.Kind, "Mutating")
	if !decodeReviewer(b, o, mutates, &doc) {
		return
	}
	m := &doc.Spec.MatchResources
	if len(m.ResourceRules) > 0 && len(m.scopes()) == 0 {
		return // not for pods
	}
	b.AddReviewerBinding(strings.TrimSuffix(o.Kind, "Binding"), doc.Spec.PolicyName,
		inventory.Scope{NamespaceLabels: m.NamespaceSelector, PodLabels: m.ObjectSelector},
		mutates || refuses(doc.Spec.ValidationActions))
}

// refuses is true for actions that are more than reports.
func refuses(actions []string) bool { return len(actions) == 0 || slices.Contains(actions, "Deny") }

func readKubewarden(b *inventory.Builder, o Object) {
	var doc struct {
		Spec struct {
			Module            string                `json:"module"`
			Mode              string                `json:"mode"`
			Mutating          bool                  `json:"mutating"`
			Rules             []rule                `json:"rules"`
			NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
			ObjectSelector    *metav1.LabelSelector `json:"objectSelector"`
		} `json:"spec"`
	}
	if !decodeReviewer(b, o, true, &doc) {
		return
	}
	if doc.Spec.Mode == "monitor" || !slices.ContainsFunc(doc.Spec.Rules, func(r rule) bool { return r.ofPods() }) {
		return
	}
	s := inventory.Scope{NamespaceLabels: doc.Spec.NamespaceSelector, PodLabels: doc.Spec.ObjectSelector}
	r := inventory.Reviewer{Kind: o.Kind, Name: o.Name, Mutates: doc.Spec.Mutating, Category: doc.Spec.Module, Position: o.Position}
	if o.Kind == "AdmissionPolicy" {
		r.Namespace = home(o)
		s.Namespaces = []string{r.Namespace}
	}
	r.Scopes = []inventory.Scope{s}
	b.AddReviewer(r)
}

// home is the namespace of a namespaced object.
func home(o Object) string {
	if o.Namespace == "" {
		return "default"
	}
	return o.Namespace
}

var errForm = errors.New("no server has it so")

// decodeReviewer reads o into doc. If it can't, it says so, and returns false: of what changes pods it is a gap, since what it would
// change is not known.
func decodeReviewer(b *inventory.Builder, o Object, mutates bool, doc any) bool {
	err := json.Unmarshal(o.JSON, doc)
	if err == nil {
		return true
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) { // whose own text tells the types of this program
		err = fmt.Errorf("%w: %s cannot be a %s", errForm, wrong.Field, wrong.Value)
	}
	name := o.Name
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	what := fmt.Sprintf("%s %q", o.Kind, name)
	if !mutates {
		b.AddNote(inventory.Note{What: what, Why: fmt.Sprintf("which pods it refuses is not known: %v", err), Position: o.Position})
		return false
	}
	b.AddGap(inventory.Gap{
		What: what, Why: fmt.Sprintf("what it adds to pods is not known: %v; mend it, or leave it out", err), Position: o.Position,
		Namespaces: []string{inventory.AllNamespaces}, Changes: inventory.Workloads,
	})
	return false
}
