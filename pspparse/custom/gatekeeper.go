package custom

import (
	"bytes"
	"encoding/json"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	// gatekeeperMutations is the API group of Gatekeeper's mutators.
	gatekeeperMutations = "mutations.gatekeeper.sh"
	// gatekeeperConstraints is the API group of Gatekeeper's constraints.
	gatekeeperConstraints = "constraints.gatekeeper.sh"
)

// gatekeeperResources returns the mutators of Gatekeeper. The kinds of its constraints are made by templates and not known
// ahead.
func gatekeeperResources() []KnownResource {
	versions := []string{"v1", "v1beta1", "v1alpha1"}
	return []KnownResource{
		{Group: gatekeeperMutations, Versions: versions, Name: "assign", Kind: "Assign", Purpose: ChangesPods},
		{Group: gatekeeperMutations, Versions: versions, Name: "assignmetadata", Kind: "AssignMetadata", Purpose: ChangesPods},
		{Group: gatekeeperMutations, Versions: versions, Name: "modifyset", Kind: "ModifySet", Purpose: ChangesPods},
		{Group: gatekeeperMutations, Versions: []string{"v1alpha1"}, Name: "assignimage", Kind: "AssignImage", Purpose: ChangesPods},
	}
}

// gatekeeperMatch says which objects a mutator or constraint of Gatekeeper matches.
type gatekeeperMatch struct {
	Kinds []struct {
		APIGroups []string `json:"apiGroups"`
		Kinds     []string `json:"kinds"`
	} `json:"kinds"`
	Name               string                `json:"name"`
	Namespaces         []string              `json:"namespaces"`
	ExcludedNamespaces []string              `json:"excludedNamespaces"`
	LabelSelector      *metav1.LabelSelector `json:"labelSelector"`
	NamespaceSelector  *metav1.LabelSelector `json:"namespaceSelector"`
	Scope              string                `json:"scope"`
}

// scope returns which pods a Gatekeeper object matches; false for none. A mutator names its kinds in applyTo.
func (m *gatekeeperMatch) scope(applyTo []string) (inventory.AdmissionScope, bool) {
	kinds := applyTo
	for _, k := range m.Kinds {
		if len(applyTo) == 0 {
			kinds = append(kinds, k.Kinds...)
		}
	}
	s := inventory.AdmissionScope{Namespaces: m.Namespaces, NamespaceLabels: m.NamespaceSelector, PodLabels: m.LabelSelector}
	if m.Name != "" {
		s.Names = []string{m.Name}
	}
	if len(kinds) == 0 {
		kinds = []string{"*"}
	}
	var ok bool
	s.Kinds, ok = podMakingKinds(kinds)
	return s, ok && m.Scope != "Cluster"
}

// excludedScopes returns the namespaces that a Gatekeeper object excludes.
func (m *gatekeeperMatch) excludedScopes() []inventory.AdmissionScope {
	if len(m.ExcludedNamespaces) == 0 {
		return nil
	}
	return []inventory.AdmissionScope{{Namespaces: m.ExcludedNamespaces}}
}

// podMakingKinds picks those kinds of a Gatekeeper or Kyverno match that make pods. It returns nil and true if pods are
// among them, and false if it finds none. A kind may have its group and version before it ("apps/v1/Deployment"); a
// subresource is no kind.
func podMakingKinds(kinds []string) ([]string, bool) {
	var out []string
	for _, k := range kinds {
		k = k[strings.LastIndexByte(k, '/')+1:]
		k = k[strings.LastIndexByte(k, '.')+1:]
		if k == "Pod" || k == "*" {
			return nil, true
		}
		if known, _ := inventory.WorkloadKindOf(k); known.Controller != "" {
			out = append(out, k)
		}
	}
	return out, len(out) > 0
}

// readGatekeeper adds the admission rule of a mutator or constraint of Gatekeeper. It returns false for any other kind.
func readGatekeeper(sink inventory.CustomSink, o RawObject) bool {
	group := o.group()
	switch {
	case group == gatekeeperConstraints:
		readConstraint(sink, o)
	case group != gatekeeperMutations:
		return false
	case o.Kind == "Assign" || o.Kind == "ModifySet":
		readMutator(sink, o)
	case o.Kind != "AssignMetadata" && o.Kind != "AssignImage": // these set labels, annotations, images
		return false
	}
	return true
}

// readConstraint adds a constraint of Gatekeeper that matches pods and refuses them.
func readConstraint(sink inventory.CustomSink, o RawObject) {
	var doc struct {
		Spec struct {
			EnforcementAction string          `json:"enforcementAction"`
			Match             gatekeeperMatch `json:"match"`
		} `json:"spec"`
	}
	if !decodeAdmissionObject(sink, o, false, &doc) {
		return
	}
	switch doc.Spec.EnforcementAction {
	case "dryrun", "warn":
		return
	}
	s, ok := doc.Spec.Match.scope(nil)
	if !ok {
		return
	}
	sink.AddAdmissionRule(inventory.AdmissionRule{
		Kind: o.Kind, Name: o.Name, Scopes: []inventory.AdmissionScope{s}, ExceptScopes: doc.Spec.Match.excludedScopes(), Position: o.Position,
	})
}

// readMutator adds an Assign or ModifySet of Gatekeeper that matches pods, with what it changes in them.
func readMutator(sink inventory.CustomSink, o RawObject) {
	var doc struct {
		Spec struct {
			ApplyTo []struct {
				Kinds []string `json:"kinds"`
			} `json:"applyTo"`
			Location   string          `json:"location"`
			Match      gatekeeperMatch `json:"match"`
			Parameters struct {
				Operation string `json:"operation"`
				Assign    struct {
					Value json.RawMessage `json:"value"`
				} `json:"assign"`
				Values struct {
					FromList json.RawMessage `json:"fromList"`
				} `json:"values"`
			} `json:"parameters"`
		} `json:"spec"`
	}
	if !decodeAdmissionObject(sink, o, true, &doc) {
		return
	}
	applyTo := []string{}
	for _, a := range doc.Spec.ApplyTo {
		applyTo = append(applyTo, a.Kinds...)
	}
	s, ok := doc.Spec.Match.scope(applyTo)
	if !ok {
		return
	}
	r := inventory.AdmissionRule{
		Kind: o.Kind, Name: o.Name, Mutates: true, Scopes: []inventory.AdmissionScope{s}, ExceptScopes: doc.Spec.Match.excludedScopes(), Position: o.Position,
	}
	c := &podPatch{}
	value := doc.Spec.Parameters.Assign.Value
	if o.Kind == "ModifySet" {
		value = doc.Spec.Parameters.Values.FromList
	}
	var tree any
	if err := json.Unmarshal(value, &tree); err != nil || doc.Spec.Parameters.Operation == "prune" {
		c.unknown = true // a value from elsewhere, or something that is taken away
	} else {
		c.mergeValue(locationSteps(doc.Spec.Location), tree)
	}
	r.Effect, r.SetFields, r.AddedParts = c.effect(), c.setFields, c.addedShape()
	sink.AddAdmissionRule(r)
}

// locationSteps returns the fields of a Gatekeeper mutator's location: "spec.containers[name:*].securityContext" has
// three. A list item by name is one that exists, no new one.
func locationSteps(location string) []string {
	var out []string
	for _, step := range strings.FieldsFunc(location, func(r rune) bool { return r == '.' }) {
		step = string(bytes.Trim([]byte(step), `"`))
		if name, _, list := strings.Cut(step, "["); list {
			out = append(out, name, existingItem)
			continue
		}
		out = append(out, step)
	}
	return out
}
