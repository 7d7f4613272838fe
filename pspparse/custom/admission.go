package custom

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

const admissionGroup = "admissionregistration.k8s.io"

func admissionResources() []KnownResource {
	return []KnownResource{
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
func readAdmission(b *inventory.Builder, o RawObject) bool {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	switch {
	case group == admissionGroup && strings.HasSuffix(o.Kind, "WebhookConfiguration"):
		readWebhooks(b, o)
	case group == admissionGroup && strings.HasSuffix(o.Kind, "AdmissionPolicy"):
		readAdmissionPolicy(b, o)
	case group == admissionGroup && strings.HasSuffix(o.Kind, "AdmissionPolicyBinding"):
		readAdmissionPolicyBinding(b, o)
	case group == kubewardenGroup && (o.Kind == "ClusterAdmissionPolicy" || o.Kind == "AdmissionPolicy"):
		readKubewarden(b, o)
	default:
		return false
	}
	return true
}

// webhookRule is one of a webhook's or a policy's.
type webhookRule struct {
	APIGroups   []string `json:"apiGroups"`
	APIVersions []string `json:"apiVersions"`
	Resources   []string `json:"resources"`
	Operations  []string `json:"operations"`
	Scope       string   `json:"scope"`
	// ResourceNames are those of policies.
	ResourceNames []string `json:"resourceNames"`
}

// matchesNewPods is true for a rule that a new pod meets.
func (r *webhookRule) matchesNewPods() bool {
	has := func(list []string, words ...string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(words, s) })
	}
	return has(r.APIGroups, "", "*") && has(r.APIVersions, "v1", "*") && has(r.Resources, "pods", "*", "*/*") &&
		has(r.Operations, "CREATE", "*") && r.Scope != "Cluster"
}

func readWebhooks(b *inventory.Builder, o RawObject) {
	var doc struct {
		Webhooks []struct {
			Name              string                `json:"name"`
			Rules             []webhookRule         `json:"rules"`
			NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
			ObjectSelector    *metav1.LabelSelector `json:"objectSelector"`
		} `json:"webhooks"`
	}
	mutates := strings.HasPrefix(o.Kind, "Mutating")
	if !decodeAdmissionObject(b, o, mutates, &doc) {
		return
	}
	for i := range doc.Webhooks {
		w := &doc.Webhooks[i]
		if !slices.ContainsFunc(w.Rules, func(r webhookRule) bool { return r.matchesNewPods() }) {
			continue
		}
		b.AddAdmissionRule(inventory.AdmissionRule{
			Kind: o.Kind, Name: o.Name, Rule: w.Name, Mutates: mutates, Position: o.Position,
			Scopes: []inventory.AdmissionScope{{NamespaceLabels: w.NamespaceSelector, PodLabels: w.ObjectSelector}},
		})
	}
}

// matchConstraints say what a policy of Kubernetes, or the part of it that a binding puts into force, is for.
type matchConstraints struct {
	ResourceRules     []webhookRule         `json:"resourceRules"`
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
	ObjectSelector    *metav1.LabelSelector `json:"objectSelector"`
}

// scopes are those of a policy; none if it is not for pods.
func (c *matchConstraints) scopes() []inventory.AdmissionScope {
	var out []inventory.AdmissionScope
	for i := range c.ResourceRules {
		if r := &c.ResourceRules[i]; r.matchesNewPods() {
			out = append(out, inventory.AdmissionScope{Names: r.ResourceNames, NamespaceLabels: c.NamespaceSelector, PodLabels: c.ObjectSelector})
		}
	}
	return out
}

// celMutation is one of a MutatingAdmissionPolicy, in CEL.
type celMutation struct {
	ApplyConfiguration struct {
		Expression string `json:"expression"`
	} `json:"applyConfiguration"`
	JSONPatch struct {
		Expression string `json:"expression"`
	} `json:"jsonPatch"`
}

// celMutationEffect says what expressions can do: one that names no field that matters makes no pod need a looser level.
func celMutationEffect(mutations []celMutation) inventory.MutationEffect {
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

func readAdmissionPolicy(b *inventory.Builder, o RawObject) {
	var doc struct {
		Spec struct {
			MatchConstraints matchConstraints `json:"matchConstraints"`
			Mutations        []celMutation    `json:"mutations"`
		} `json:"spec"`
	}
	mutates := strings.HasPrefix(o.Kind, "Mutating")
	if !decodeAdmissionObject(b, o, mutates, &doc) {
		return
	}
	scopes := doc.Spec.MatchConstraints.scopes()
	if len(scopes) == 0 {
		return
	}
	r := inventory.AdmissionRule{Kind: o.Kind, Name: o.Name, Mutates: mutates, Scopes: scopes, Position: o.Position}
	if mutates {
		r.Effect = celMutationEffect(doc.Spec.Mutations)
	}
	b.AddAdmissionRule(r)
}

func readAdmissionPolicyBinding(b *inventory.Builder, o RawObject) {
	var doc struct {
		Spec struct {
			PolicyName        string           `json:"policyName"`
			MatchResources    matchConstraints `json:"matchResources"`
			ValidationActions []string         `json:"validationActions"`
		} `json:"spec"`
	}
	mutates := strings.HasPrefix(o.Kind, "Mutating")
	if !decodeAdmissionObject(b, o, mutates, &doc) {
		return
	}
	m := &doc.Spec.MatchResources
	if len(m.ResourceRules) > 0 && len(m.scopes()) == 0 {
		return // not for pods
	}
	b.AddAdmissionPolicyBinding(strings.TrimSuffix(o.Kind, "Binding"), doc.Spec.PolicyName,
		inventory.AdmissionScope{NamespaceLabels: m.NamespaceSelector, PodLabels: m.ObjectSelector},
		mutates || actionsRefuse(doc.Spec.ValidationActions))
}

// actionsRefuse is true for actions that are more than reports.
func actionsRefuse(actions []string) bool {
	return len(actions) == 0 || slices.Contains(actions, "Deny")
}

func readKubewarden(b *inventory.Builder, o RawObject) {
	var doc struct {
		Spec struct {
			Module            string                `json:"module"`
			Mode              string                `json:"mode"`
			Mutating          bool                  `json:"mutating"`
			Rules             []webhookRule         `json:"rules"`
			NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
			ObjectSelector    *metav1.LabelSelector `json:"objectSelector"`
		} `json:"spec"`
	}
	if !decodeAdmissionObject(b, o, true, &doc) {
		return
	}
	if doc.Spec.Mode == "monitor" || !slices.ContainsFunc(doc.Spec.Rules, func(r webhookRule) bool { return r.matchesNewPods() }) {
		return
	}
	s := inventory.AdmissionScope{NamespaceLabels: doc.Spec.NamespaceSelector, PodLabels: doc.Spec.ObjectSelector}
	r := inventory.AdmissionRule{Kind: o.Kind, Name: o.Name, Mutates: doc.Spec.Mutating, Category: doc.Spec.Module, Position: o.Position}
	if o.Kind == "AdmissionPolicy" {
		r.Namespace = namespaceOrDefault(o)
		s.Namespaces = []string{r.Namespace}
	}
	r.Scopes = []inventory.AdmissionScope{s}
	b.AddAdmissionRule(r)
}

// namespaceOrDefault is the namespace of a namespaced object.
func namespaceOrDefault(o RawObject) string {
	if o.Namespace == "" {
		return "default"
	}
	return o.Namespace
}

var errWrongType = errors.New("no server has it so")

// decodeAdmissionObject reads o into doc. If it can't, it says so, and returns false: of what changes pods it is a gap, since what it would
// change is not known.
func decodeAdmissionObject(b *inventory.Builder, o RawObject, mutates bool, doc any) bool {
	err := json.Unmarshal(o.JSON, doc)
	if err == nil {
		return true
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) { // whose own text tells the types of this program
		err = fmt.Errorf("%w: %s cannot be a %s", errWrongType, wrong.Field, wrong.Value)
	}
	name := o.Name
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	what := fmt.Sprintf("%s %q", o.Kind, name)
	if !mutates {
		b.AddNote(inventory.Note{What: what, Why: message.New("refuser-not-parsed", "error", err), Position: o.Position})
		return false
	}
	b.AddGap(inventory.Gap{
		What: what, Why: message.New("mutator-not-parsed", "error", err), Position: o.Position,
		Namespaces: []string{inventory.AllNamespaces}, Affects: inventory.PartWorkloads,
	})
	return false
}
