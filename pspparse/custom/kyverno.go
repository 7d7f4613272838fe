package custom

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

const (
	// kyvernoGroup is the API group of Kyverno's Policy and ClusterPolicy.
	kyvernoGroup = "kyverno.io"
	// kyvernoPoliciesGroup is the API group of Kyverno's policies in CEL.
	kyvernoPoliciesGroup = "policies.kyverno.io"
	// kruiseGroup is the API group of OpenKruise's SidecarSet.
	kruiseGroup = "apps.kruise.io"
	// jspolicyGroup is the API group of jsPolicy's JsPolicy.
	jspolicyGroup = "policy.jspolicy.com"
)

// kyvernoResources returns the policies of Kyverno, the SidecarSet of OpenKruise and the JsPolicy of jsPolicy.
func kyvernoResources() []KnownResource {
	versions := []string{"v1", "v1beta1", "v1alpha1"}
	return []KnownResource{
		{Group: kyvernoGroup, Versions: []string{"v1", "v2beta1"}, Name: "clusterpolicies", Kind: "ClusterPolicy", Purpose: ChangesPods},
		{Group: kyvernoGroup, Versions: []string{"v1", "v2beta1"}, Name: "policies", Kind: "Policy", Namespaced: true, Purpose: ChangesPods},
		{Group: kyvernoPoliciesGroup, Versions: versions, Name: "mutatingpolicies", Kind: "MutatingPolicy", Purpose: ChangesPods},
		{Group: kyvernoPoliciesGroup, Versions: versions, Name: "validatingpolicies", Kind: "ValidatingPolicy", Purpose: RefusesPods},
		{Group: kruiseGroup, Versions: []string{"v1alpha1"}, Name: "sidecarsets", Kind: "SidecarSet", Purpose: ChangesPods},
		{Group: jspolicyGroup, Versions: []string{"v1beta1"}, Name: "jspolicies", Kind: "JsPolicy", Purpose: ChangesPods},
	}
}

// readPolicyEngines adds the admission rules of a policy of Kyverno, of a SidecarSet of OpenKruise or of a JsPolicy. It
// returns false for any other kind.
func readPolicyEngines(sink inventory.CustomSink, o RawObject) bool {
	group := o.group()
	switch {
	case group == kyvernoGroup && (o.Kind == "ClusterPolicy" || o.Kind == "Policy"):
		readKyverno(sink, o)
	case group == kyvernoPoliciesGroup && slices.Contains([]string{"MutatingPolicy", "NamespacedMutatingPolicy", "ValidatingPolicy", "NamespacedValidatingPolicy"}, o.Kind):
		readKyvernoPolicy(sink, o)
	case group == kruiseGroup && o.Kind == "SidecarSet":
		readSidecarSet(sink, o)
	case group == jspolicyGroup && o.Kind == "JsPolicy":
		readJsPolicy(sink, o)
	default:
		return false
	}
	return true
}

// kyvernoFilter describes objects that a rule of Kyverno matches or excludes.
type kyvernoFilter struct {
	Resources struct {
		Kinds             []string              `json:"kinds"`
		Name              string                `json:"name"`
		Names             []string              `json:"names"`
		Namespaces        []string              `json:"namespaces"`
		Annotations       map[string]string     `json:"annotations"`
		Selector          *metav1.LabelSelector `json:"selector"`
		NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
		Operations        []string              `json:"operations"`
	} `json:"resources"`
	Subjects     []any    `json:"subjects"`
	Roles        []string `json:"roles"`
	ClusterRoles []string `json:"clusterRoles"`
}

// kyvernoMatch is the match or exclude block of a rule of Kyverno: any of several filters, all of them, or one.
type kyvernoMatch struct {
	Any []kyvernoFilter `json:"any"`
	All []kyvernoFilter `json:"all"`
	kyvernoFilter
}

// scope returns which pods the Kyverno filter matches; false for none. What is not known here, annotations and who
// asks, counts as met.
func (f *kyvernoFilter) scope() (inventory.AdmissionScope, bool) {
	r := &f.Resources
	s := inventory.AdmissionScope{Namespaces: r.Namespaces, Names: r.Names, NamespaceLabels: r.NamespaceSelector, PodLabels: r.Selector}
	if r.Name != "" {
		s.Names = append(slices.Clip(s.Names), r.Name)
	}
	kinds, ok := podMakingKinds(r.Kinds)
	s.Kinds = kinds
	return s, ok && (len(r.Operations) == 0 || slices.Contains(r.Operations, "CREATE"))
}

// scopes returns which pods the match block of a Kyverno rule matches.
func (m *kyvernoMatch) scopes() []inventory.AdmissionScope {
	var out []inventory.AdmissionScope
	for i := range m.Any {
		if s, ok := m.Any[i].scope(); ok {
			out = append(out, s)
		}
	}
	if len(m.All) > 0 {
		if s, ok := m.All[0].scope(); ok { // the others only leave less of it
			out = append(out, s)
		}
	}
	if len(m.Any) == 0 && len(m.All) == 0 {
		if s, ok := m.kyvernoFilter.scope(); ok {
			out = append(out, s)
		}
	}
	return out
}

// excludedScopes returns the pods that the exclude block of a Kyverno rule excludes for certain: by namespaces, names
// and labels, and by nothing else.
func (m *kyvernoMatch) excludedScopes() []inventory.AdmissionScope {
	all := m.Any
	switch {
	case len(m.All) == 1 && len(m.Any) == 0:
		all = m.All
	case len(m.Any) == 0 && len(m.All) == 0:
		all = []kyvernoFilter{m.kyvernoFilter}
	}
	var out []inventory.AdmissionScope
	for i := range all {
		f := &all[i]
		r := &f.Resources
		narrow := len(f.Subjects)+len(f.Roles)+len(f.ClusterRoles)+len(r.Annotations)+len(r.Operations) > 0
		some := len(r.Kinds)+len(r.Namespaces)+len(r.Names)+len(r.Name) > 0 || r.Selector != nil || r.NamespaceSelector != nil
		if narrow || !some {
			continue
		}
		if len(r.Kinds) == 0 {
			r.Kinds = []string{"*"}
		}
		if s, ok := f.scope(); ok {
			out = append(out, s)
		}
	}
	return out
}

// kyvernoMutate is the mutate block of a rule of Kyverno.
type kyvernoMutate struct {
	PatchStrategicMerge any             `json:"patchStrategicMerge"`
	PatchesJSON6902     string          `json:"patchesJson6902"`
	ForEach             []kyvernoMutate `json:"foreach"`
	Targets             []any           `json:"targets"`
}

// kyvernoValidate is the validate block of a rule of Kyverno.
type kyvernoValidate struct {
	FailureAction string `json:"failureAction"`
}

// readKyverno adds the rules of a Policy or ClusterPolicy of Kyverno that mutate new pods, or refuse them.
func readKyverno(sink inventory.CustomSink, o RawObject) {
	var doc struct {
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
		Spec struct {
			FailureAction string `json:"validationFailureAction"`
			Rules         []struct {
				Name     string           `json:"name"`
				Match    kyvernoMatch     `json:"match"`
				Exclude  kyvernoMatch     `json:"exclude"`
				Mutate   *kyvernoMutate   `json:"mutate"`
				Validate *kyvernoValidate `json:"validate"`
			} `json:"rules"`
		} `json:"spec"`
	}
	if !decodeAdmissionObject(sink, o, true, &doc) {
		return
	}
	for i := range doc.Spec.Rules {
		rule := &doc.Spec.Rules[i]
		r := inventory.AdmissionRule{
			Kind: o.Kind, Name: o.Name, Rule: rule.Name, Scopes: rule.Match.scopes(), ExceptScopes: rule.Exclude.excludedScopes(), Position: o.Position,
			Category: doc.Metadata.Annotations["policies.kyverno.io/category"],
		}
		if o.Kind == "Policy" {
			r.Namespace = namespaceOrDefault(o)
			limitToNamespace(r.Scopes, r.Namespace)
		}
		switch {
		case len(r.Scopes) == 0:
		case rule.Mutate != nil && len(rule.Mutate.Targets) == 0:
			c := &podPatch{}
			c.applyKyvernoMutation(rule.Mutate)
			r.Mutates, r.Effect, r.SetFields, r.AddedParts = true, c.effect(), c.setFields, c.addedShape()
			sink.AddAdmissionRule(r)
		case rule.Validate != nil && failureActionEnforces(rule.Validate.FailureAction, doc.Spec.FailureAction):
			sink.AddAdmissionRule(r)
		}
	}
}

// limitToNamespace narrows the scopes of a Kyverno Policy to its namespace.
func limitToNamespace(scopes []inventory.AdmissionScope, namespace string) {
	for i := range scopes {
		scopes[i].Namespaces = []string{namespace}
	}
}

// failureActionEnforces reports whether a rule of Kyverno refuses pods, and does not only report them: the rule's own action
// goes before the policy's.
func failureActionEnforces(rule, policy string) bool {
	if rule == "" {
		rule = policy
	}
	return strings.EqualFold(rule, "Enforce")
}

// applyKyvernoMutation records what the mutate block of a rule of Kyverno changes in pods.
func (c *podPatch) applyKyvernoMutation(m *kyvernoMutate) {
	if m.PatchStrategicMerge != nil {
		c.mergeValue(nil, m.PatchStrategicMerge)
	}
	if m.PatchesJSON6902 != "" {
		c.applyJSONPatchText(m.PatchesJSON6902)
	}
	for i := range m.ForEach {
		c.applyKyvernoMutation(&m.ForEach[i])
	}
}

// jsonPatchPathPattern finds the paths in a JSON patch that is written as YAML or JSON text.
var jsonPatchPathPattern = regexp.MustCompile(`path"?\s*:\s*["']?([^\s"',}]+)`)

// applyJSONPatchText records what a policy's JSON patch that is written as text may change in pods, by its paths alone.
func (c *podPatch) applyJSONPatchText(text string) {
	for _, found := range jsonPatchPathPattern.FindAllStringSubmatch(text, -1) {
		steps := strings.Split(strings.TrimPrefix(found[1], "/"), "/")
		in, ok := pathInPod(steps)
		switch {
		case !ok, len(in) == 0:
			c.unknown = true
		case in[0] == "metadata":
			key := strings.NewReplacer("~1", "/", "~0", "~").Replace(in[len(in)-1])
			c.setMetadata(steps, append(in[:len(in)-1:len(in)-1], key), "")
		case in[0] == "containers" || in[0] == "initContainers":
			c.unknown = c.unknown || len(in) < 3 || in[2] == "securityContext" || in[2] == "ports" || strings.HasSuffix(in[2], "Probe") || in[2] == "lifecycle"
		case slices.Contains([]string{"volumes", "securityContext", "hostNetwork", "hostPID", "hostIPC", "hostUsers", "ephemeralContainers", "os"}, in[0]):
			c.unknown = true
		}
	}
}

// readKyvernoPolicy adds a MutatingPolicy or ValidatingPolicy of Kyverno, which has the form of Kubernetes' own admission
// policies.
func readKyvernoPolicy(sink inventory.CustomSink, o RawObject) {
	var doc struct {
		Spec struct {
			MatchConstraints  matchConstraints `json:"matchConstraints"`
			Mutations         []celMutation    `json:"mutations"`
			ValidationActions []string         `json:"validationActions"`
		} `json:"spec"`
	}
	mutates := strings.Contains(o.Kind, "Mutating")
	if !decodeAdmissionObject(sink, o, mutates, &doc) {
		return
	}
	r := inventory.AdmissionRule{Kind: o.Kind, Name: o.Name, Mutates: mutates, Scopes: doc.Spec.MatchConstraints.scopes(), Position: o.Position}
	if strings.HasPrefix(o.Kind, "Namespaced") {
		r.Namespace = namespaceOrDefault(o)
		limitToNamespace(r.Scopes, r.Namespace)
	}
	if mutates {
		r.Effect = celMutationEffect(doc.Spec.Mutations)
	}
	if len(r.Scopes) > 0 && (mutates || actionsRefuse(doc.Spec.ValidationActions)) {
		sink.AddAdmissionRule(r)
	}
}

// readSidecarSet adds a SidecarSet of OpenKruise, with the containers and volumes that it adds to the pods that it selects, both as
// written and as a rule.
func readSidecarSet(sink inventory.CustomSink, o RawObject) {
	c := inventory.CustomObject{APIVersion: o.APIVersion, Kind: o.Kind, Name: o.Name, ClusterScoped: true, JSON: o.JSON, Position: o.Position}
	tree, why := parseTree(o.JSON)
	if why != "" {
		c.UnevaluatedReason = message.New("object-not-searched", "reason", why)
	}
	c.Templates = newPartialTemplate(tree).templates()
	sink.AddInjectedParts(c)
	var doc struct {
		Spec struct {
			Selector          *metav1.LabelSelector `json:"selector"`
			Namespace         string                `json:"namespace"`
			NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
			InitContainers    []json.RawMessage     `json:"initContainers"`
			Containers        []json.RawMessage     `json:"containers"`
			Volumes           []json.RawMessage     `json:"volumes"`
			InjectionStrategy struct {
				Paused bool `json:"paused"`
			} `json:"injectionStrategy"`
		} `json:"spec"`
	}
	if !decodeAdmissionObject(sink, o, true, &doc) || doc.Spec.InjectionStrategy.Paused || doc.Spec.Selector == nil {
		return
	}
	patch := &podPatch{}
	for list, items := range map[string][]json.RawMessage{"initContainers": doc.Spec.InitContainers, "containers": doc.Spec.Containers, "volumes": doc.Spec.Volumes} {
		var values []any
		for _, item := range items {
			var v any
			if json.Unmarshal(item, &v) != nil {
				patch.unknown = true
			}
			values = append(values, v)
		}
		if len(values) > 0 {
			patch.setValue([]string{"spec", list}, values)
		}
	}
	slices.Sort(patch.setFields)
	s := inventory.AdmissionScope{PodLabels: doc.Spec.Selector, NamespaceLabels: doc.Spec.NamespaceSelector}
	if doc.Spec.Namespace != "" {
		s.Namespaces = []string{doc.Spec.Namespace}
	}
	sink.AddAdmissionRule(inventory.AdmissionRule{
		Kind: o.Kind, Name: o.Name, Mutates: true, Scopes: []inventory.AdmissionScope{s}, Effect: patch.effect(), SetFields: patch.setFields, AddedParts: patch.addedShape(), Position: o.Position,
	})
}

// readJsPolicy adds to the rules of custom kinds a JsPolicy that matches new pods.
func readJsPolicy(sink inventory.CustomSink, o RawObject) {
	var doc struct {
		Spec struct {
			Type              string                `json:"type"`
			Operations        []string              `json:"operations"`
			Resources         []string              `json:"resources"`
			NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
			ObjectSelector    *metav1.LabelSelector `json:"objectSelector"`
		} `json:"spec"`
	}
	if !decodeAdmissionObject(sink, o, true, &doc) {
		return
	}
	r := webhookRule{APIGroups: []string{"*"}, APIVersions: []string{"*"}, Resources: doc.Spec.Resources, Operations: doc.Spec.Operations}
	if !r.matchesNewPods() || doc.Spec.Type == "Controller" {
		return
	}
	sink.AddAdmissionRule(inventory.AdmissionRule{
		Kind: o.Kind, Name: o.Name, Mutates: doc.Spec.Type == "Mutating", Position: o.Position,
		Scopes: []inventory.AdmissionScope{{NamespaceLabels: doc.Spec.NamespaceSelector, PodLabels: doc.Spec.ObjectSelector}},
	})
}
