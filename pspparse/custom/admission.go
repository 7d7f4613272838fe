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

// admissionGroup is the API group of Kubernetes' webhook configurations and admission policies.
const admissionGroup = "admissionregistration.k8s.io"

// admissionResources returns the webhook configurations and admission policies of Kubernetes, and the policies of
// Kubewarden.
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

// kubewardenGroup is the API group of Kubewarden's policies.
const kubewardenGroup = "policies.kubewarden.io"

// readAdmission adds the admission rules of a webhook configuration, of an admission policy of Kubernetes, of a binding of
// one, or of a Kubewarden policy, which has a similar form. It returns false for any other kind.
func readAdmission(sink inventory.CustomSink, o RawObject) bool {
	group := o.group()
	switch {
	case group == admissionGroup && strings.HasSuffix(o.Kind, "WebhookConfiguration"):
		readWebhooks(sink, o)
	case group == admissionGroup && strings.HasSuffix(o.Kind, "AdmissionPolicy"):
		readAdmissionPolicy(sink, o)
	case group == admissionGroup && strings.HasSuffix(o.Kind, "AdmissionPolicyBinding"):
		readAdmissionPolicyBinding(sink, o)
	case group == kubewardenGroup && (o.Kind == "ClusterAdmissionPolicy" || o.Kind == "AdmissionPolicy"):
		readKubewarden(sink, o)
	default:
		return false
	}
	return true
}

// webhookRule is one rule of an admission webhook or admission policy: the requests that it matches.
type webhookRule struct {
	APIGroups   []string `json:"apiGroups"`
	APIVersions []string `json:"apiVersions"`
	Resources   []string `json:"resources"`
	Operations  []string `json:"operations"`
	Scope       string   `json:"scope"`
	// ResourceNames stands in rules of admission policies alone.
	ResourceNames []string `json:"resourceNames"`
}

// matchesNewPods reports whether the creation of a pod matches the webhook's rule.
func (r *webhookRule) matchesNewPods() bool {
	has := func(list []string, words ...string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(words, s) })
	}
	return has(r.APIGroups, "", "*") && has(r.APIVersions, "v1", "*") && has(r.Resources, "pods", "*", "*/*") &&
		has(r.Operations, "CREATE", "*") && r.Scope != "Cluster"
}

// readWebhooks adds an admission rule for each webhook of a webhook configuration that new pods meet.
func readWebhooks(sink inventory.CustomSink, o RawObject) {
	var doc struct {
		Webhooks []struct {
			Name              string                `json:"name"`
			Rules             []webhookRule         `json:"rules"`
			NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
			ObjectSelector    *metav1.LabelSelector `json:"objectSelector"`
		} `json:"webhooks"`
	}
	mutates := strings.HasPrefix(o.Kind, "Mutating")
	if !decodeAdmissionObject(sink, o, mutates, &doc) {
		return
	}
	for i := range doc.Webhooks {
		w := &doc.Webhooks[i]
		if !slices.ContainsFunc(w.Rules, func(r webhookRule) bool { return r.matchesNewPods() }) {
			continue
		}
		sink.AddAdmissionRule(inventory.AdmissionRule{
			Kind: o.Kind, Name: o.Name, Rule: w.Name, Mutates: mutates, Position: o.Position,
			Scopes: []inventory.AdmissionScope{{NamespaceLabels: w.NamespaceSelector, PodLabels: w.ObjectSelector}},
		})
	}
}

// matchConstraints says which objects an admission policy of Kubernetes matches, or which of these a binding puts it into
// force for.
type matchConstraints struct {
	ResourceRules     []webhookRule         `json:"resourceRules"`
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
	ObjectSelector    *metav1.LabelSelector `json:"objectSelector"`
}

// scopes returns which pods an admission policy matches; nothing for a policy that is not for pods.
func (c *matchConstraints) scopes() []inventory.AdmissionScope {
	var out []inventory.AdmissionScope
	for i := range c.ResourceRules {
		if r := &c.ResourceRules[i]; r.matchesNewPods() {
			out = append(out, inventory.AdmissionScope{Names: r.ResourceNames, NamespaceLabels: c.NamespaceSelector, PodLabels: c.ObjectSelector})
		}
	}
	return out
}

// celMutation is one mutation of a MutatingAdmissionPolicy, with the CEL expression that makes it.
type celMutation struct {
	ApplyConfiguration struct {
		Expression string `json:"expression"`
	} `json:"applyConfiguration"`
	JSONPatch struct {
		Expression string `json:"expression"`
	} `json:"jsonPatch"`
}

// celMutationEffect says what the mutations of an admission policy can do to pods, as far as their expressions show: where
// they name no field that matters to a level, no pod needs a looser level for them.
func celMutationEffect(mutations []celMutation) inventory.MutationEffect {
	for _, m := range mutations {
		if mayLoosen(m.ApplyConfiguration.Expression) || mayLoosen(m.JSONPatch.Expression) {
			return inventory.EffectUnknown
		}
	}
	return inventory.EffectHarmless
}

// mayLoosen reports, of a custom policy, whether the text of an admission policy's expression or patch names a field by
// which a pod may need a looser level, or takes values from elsewhere.
func mayLoosen(text string) bool {
	return slices.ContainsFunc([]string{
		"ontainers", "olumes", "ecurityContext", "host", "privileged", "capabilities", "procMount", "sysctls", "seccomp", "apparmor", "params",
		`"/spec"`, "'/spec'", `""`,
	}, func(word string) bool { return strings.Contains(text, word) })
}

// readAdmissionPolicy adds an admission policy of Kubernetes that matches pods.
func readAdmissionPolicy(sink inventory.CustomSink, o RawObject) {
	var doc struct {
		Spec struct {
			MatchConstraints matchConstraints `json:"matchConstraints"`
			Mutations        []celMutation    `json:"mutations"`
		} `json:"spec"`
	}
	mutates := strings.HasPrefix(o.Kind, "Mutating")
	if !decodeAdmissionObject(sink, o, mutates, &doc) {
		return
	}
	ours := generatedPolicy(o)
	scopes := doc.Spec.MatchConstraints.scopes()
	r := inventory.AdmissionRule{Kind: o.Kind, Name: o.Name, Mutates: mutates, Scopes: scopes, Position: o.Position}
	if mutates {
		r.Effect = celMutationEffect(doc.Spec.Mutations)
	}
	if ours != nil && mutates && len(scopes) > 0 {
		effect, loosens, asWritten := generatedMutation(o)
		if ours.Changed = !asWritten; asWritten {
			r.Effect, r.SetFields = effect, loosens
		}
	}
	if ours != nil {
		sink.AddGeneratedPolicy(*ours)
	}
	if len(scopes) > 0 {
		sink.AddAdmissionRule(r)
	}
}

// readAdmissionPolicyBinding adds the binding of an admission policy of Kubernetes, unless it is for other objects than
// pods.
func readAdmissionPolicyBinding(sink inventory.CustomSink, o RawObject) {
	var doc struct {
		Spec struct {
			PolicyName        string           `json:"policyName"`
			MatchResources    matchConstraints `json:"matchResources"`
			ValidationActions []string         `json:"validationActions"`
		} `json:"spec"`
	}
	mutates := strings.HasPrefix(o.Kind, "Mutating")
	if !decodeAdmissionObject(sink, o, mutates, &doc) {
		return
	}
	if ours := generatedBinding(o, doc.Spec.PolicyName, doc.Spec.ValidationActions); ours != nil {
		sink.AddGeneratedPolicy(*ours)
	}
	m := &doc.Spec.MatchResources
	if len(m.ResourceRules) > 0 && len(m.scopes()) == 0 {
		return // not for pods
	}
	sink.AddAdmissionPolicyBinding(strings.TrimSuffix(o.Kind, "Binding"), doc.Spec.PolicyName,
		inventory.AdmissionScope{NamespaceLabels: m.NamespaceSelector, PodLabels: m.ObjectSelector},
		mutates || actionsRefuse(doc.Spec.ValidationActions))
}

// actionsRefuse reports whether the validation actions of an admission policy refuse requests, and do not only report
// them.
func actionsRefuse(actions []string) bool {
	return len(actions) == 0 || slices.Contains(actions, "Deny")
}

// readKubewarden adds a policy of Kubewarden that matches pods and is not in monitor mode.
func readKubewarden(sink inventory.CustomSink, o RawObject) {
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
	if !decodeAdmissionObject(sink, o, true, &doc) {
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
	sink.AddAdmissionRule(r)
}

// namespaceOrDefault returns the namespace of a namespaced custom object, "default" where it names none.
func namespaceOrDefault(o RawObject) string {
	if o.Namespace == "" {
		return "default"
	}
	return o.Namespace
}

// errWrongType is the error of an admission object with a field of a type that no server stores.
var errWrongType = errors.New("no server has it so")

// decodeAdmissionObject decodes a webhook configuration or admission policy into doc. If it cannot, it returns false
// and records that: as a gap for what changes pods, since it is not known what it changes, and as a note for what only
// refuses pods.
func decodeAdmissionObject(sink inventory.CustomSink, o RawObject, mutates bool, doc any) bool {
	err := json.Unmarshal(o.JSON, doc)
	if err == nil {
		return true
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) { // whose own text names Go types
		err = fmt.Errorf("%w: %s cannot be a %s", errWrongType, wrong.Field, wrong.Value)
	}
	name := o.Name
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	what := fmt.Sprintf("%s %q", o.Kind, name)
	if !mutates {
		sink.AddNote(inventory.Note{What: what, Why: message.New("refuser-not-parsed", "error", err), Position: o.Position})
		return false
	}
	sink.AddGap(inventory.Gap{
		What: what, Why: message.New("mutator-not-parsed", "error", err), Position: o.Position,
		Namespaces: []string{inventory.AllNamespaces}, Affects: inventory.PartWorkloads,
	})
	return false
}
