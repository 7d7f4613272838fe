package rollout

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/dynamic"
)

// PolicyAction is what a step does to an object of a set of admission policies.
type PolicyAction string

const (
	// InstallPolicy is the action of a step that puts an object on the cluster. A binding of a ValidatingAdmissionPolicy refuses
	// nothing after it, unless it did before.
	InstallPolicy PolicyAction = "install"
	// DenyPolicy is the action of a step that has a binding refuse what its policy does not accept.
	DenyPolicy PolicyAction = "deny"
)

// PolicyObject is an object of a set of admission policies that a roll-out installs, or a binding of one that it has refuse.
type PolicyObject struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Name       string       `json:"name"`
	Action     PolicyAction `json:"action" values:"install deny"`
	// MayDeny is true if the roll-out ends with bindings that refuse. Without it nothing is changed that refuses already.
	MayDeny bool `json:"mayDeny,omitempty"`
	// Manifest is the object as the step leaves it. What is printed of a roll-out does not have it.
	Manifest json.RawMessage `json:"manifest,omitempty"`
	// Probe tells whether the API server has the policy of a binding in force; nil where nothing tells.
	Probe *PolicyProbe `json:"probe,omitempty"`
	// AuditOnly is true for a binding that nothing tells of, since it only writes into the audit log.
	AuditOnly bool `json:"auditOnly,omitempty"`
}

// PolicyProbe is a pod whose dry run an API server answers in a way of its own once it has a policy in force.
type PolicyProbe struct {
	// Policy is the name of the policy that answers, and Says what it says: in a refusal or a warning or, if Annotation is set, as
	// the value of that annotation of the pod.
	Policy     string `json:"policy"`
	Says       string `json:"says"`
	Annotation string `json:"annotation,omitempty"`
	// Begins is how the answers of all policies begin that refuse or warn.
	Begins string `json:"begins"`
	// Namespaces are some in which the policy is in force, to be asked in until there is an answer.
	Namespaces []string        `json:"namespaces"`
	Pod        json.RawMessage `json:"pod"`
}

// PolicySet is a set of admission policies to install, with what tells whether it is in force.
type PolicySet struct {
	// Objects of the set in the order in which to install them.
	Objects []*unstructured.Unstructured
	// Pod is the one that every policy answers in a dry run: by a refusal or a warning that Answer makes of its revision, or by
	// writing its revision into the Annotation of the pod. A policy has its revision in an annotation, too.
	Pod                            json.RawMessage
	AnswerBegins                   string
	RevisionAnnotation, Annotation string
	// Deny has the set refuse pods in the end.
	Deny bool
}

// The labels of what 'generate' writes, beside ManagedByLabel.
const (
	policySetLabel  = "psp2pss.dev/set"
	policyModeLabel = "psp2pss.dev/mode"
)

const (
	// The kinds of objects that a set of admission policies may have.
	validatingPolicyKind  = "ValidatingAdmissionPolicy"
	validatingBindingKind = "ValidatingAdmissionPolicyBinding"
	mutatingPolicyKind    = "MutatingAdmissionPolicy"
	mutatingBindingKind   = "MutatingAdmissionPolicyBinding"
	clusterRoleKind       = "ClusterRole"
)

// admissionGroup is the API group of admission policies.
const admissionGroup = "admissionregistration.k8s.io"

// The grant that a set with guards of labels has a role for.
const (
	looseningGroup    = "psp2pss.dev"
	looseningResource = "podsecuritylabels"
	looseningVerb     = "loosen"
)

// String returns the kind and name of an object that a roll-out installs.
func (o *PolicyObject) String() string { return strings.ToLower(o.Kind) + "/" + o.Name }

// Resource returns the API resource of the object that a roll-out installs.
func (o *PolicyObject) Resource() schema.GroupVersionResource {
	group, version, _ := strings.Cut(o.APIVersion, "/")
	plural := strings.ToLower(o.Kind) + "s"
	if stem, found := strings.CutSuffix(plural, "ys"); found {
		plural = stem + "ies"
	}
	return schema.GroupVersionResource{Group: group, Version: version, Resource: plural}
}

// Client returns the client for objects of the kind that a roll-out installs.
func (o *PolicyObject) Client(client dynamic.Interface) dynamic.ResourceInterface {
	return client.Resource(o.Resource())
}

// object returns the object as the roll-out's step leaves it.
func (o *PolicyObject) object() (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(o.Manifest); err != nil {
		return nil, fmt.Errorf("%s has no manifest that can be read: %w", o, err)
	}
	return u, nil
}

// set returns the name of the set that an object to install is of.
func (o *PolicyObject) set() string {
	u, err := o.object()
	if err != nil {
		return ""
	}
	return u.GetLabels()[policySetLabel]
}

// CheckPolicyObject returns an error for an object that is none of those that 'generate' writes: such a thing is never put on a
// cluster, whatever a folder or a journal says.
func CheckPolicyObject(u *unstructured.Unstructured) error {
	name := strings.ToLower(u.GetKind()) + "/" + u.GetName()
	group := admissionGroup
	if u.GetKind() == clusterRoleKind {
		group = rbacGroup
	}
	switch got, version, _ := strings.Cut(u.GetAPIVersion(), "/"); {
	case !slices.Contains([]string{validatingPolicyKind, validatingBindingKind, mutatingPolicyKind, mutatingBindingKind, clusterRoleKind}, u.GetKind()):
		return fmt.Errorf("%s is of a kind that no set of policies has", name)
	case got != group || version != "v1" && (version != "v1beta1" || u.GetKind() == clusterRoleKind):
		return fmt.Errorf("%s is of the version %q, which no set of policies has", name, u.GetAPIVersion())
	case !strings.HasPrefix(u.GetName(), "psp2pss-") || len(validation.IsDNS1123Subdomain(u.GetName())) > 0 || u.GetNamespace() != "":
		return fmt.Errorf("%s has a name that 'generate' gives to nothing", name)
	case !isGeneratedPolicy(u):
		return fmt.Errorf("%s has not the labels that 'generate' gives to all that it writes", name)
	case u.GetKind() == clusterRoleKind && !grantsLooseningAlone(u):
		return fmt.Errorf("%s allows something else than to loosen labels", name)
	}
	return nil
}

// isGeneratedPolicy reports, to a roll-out, whether an object has the labels of what 'generate' writes.
func isGeneratedPolicy(u *unstructured.Unstructured) bool {
	return u.GetLabels()[ManagedByLabel] == FieldManager && u.GetLabels()[policySetLabel] != ""
}

// grantsLooseningAlone reports, to a roll-out, whether a ClusterRole allows nothing but to loosen labels that a set guards.
func grantsLooseningAlone(u *unstructured.Unstructured) bool {
	rules, found, err := unstructured.NestedSlice(u.Object, "rules")
	_, aggregates := u.Object["aggregationRule"]
	return found && err == nil && !aggregates && !slices.ContainsFunc(rules, func(rule any) bool {
		fields, ok := rule.(map[string]any)
		return !ok || !listIs(fields, "apiGroups", looseningGroup) || !listIs(fields, "resources", looseningResource) || !listIs(fields, "verbs", looseningVerb)
	})
}

// listIs reports, for a roll-out, whether a list of a rule has exactly one value.
func listIs(fields map[string]any, list, value string) bool {
	have, _, _ := unstructured.NestedStringSlice(fields, list)
	return slices.Equal(have, []string{value})
}

// validationActions returns what a binding of a ValidatingAdmissionPolicy does with what its policy does not accept, as a roll-out
// reads it.
func validationActions(u *unstructured.Unstructured) []string {
	actions, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "validationActions")
	return actions
}

// The validation actions of bindings that a roll-out reads and writes.
const (
	denyAction  = "Deny"
	warnAction  = "Warn"
	auditAction = "Audit"
)

// isDenying reports, to a roll-out, whether a binding refuses what its policy does not accept.
func isDenying(u *unstructured.Unstructured) bool {
	return slices.Contains(validationActions(u), denyAction)
}

// PlanPolicySteps returns the steps that install a set of admission policies: each object in the order of the set, and then with Deny
// the bindings that refuse, as a second batch. It returns an error for a set that 'generate' did not write, or that cannot be
// installed so.
func PlanPolicySteps(s *PolicySet) ([]Step, error) {
	if len(s.Objects) == 0 {
		return nil, errors.New("it has no object to install")
	}
	var install, deny []Step
	for _, u := range s.Objects {
		if err := CheckPolicyObject(u); err != nil {
			return nil, err
		}
		if err := s.checkAction(u); err != nil {
			return nil, err
		}
		o := PolicyObject{APIVersion: u.GetAPIVersion(), Kind: u.GetKind(), Name: u.GetName(), Action: InstallPolicy, MayDeny: s.Deny}
		if err := s.addProbe(&o, u); err != nil {
			return nil, err
		}
		tried := u.DeepCopy()
		if u.GetKind() == validatingBindingKind && isDenying(u) {
			if err := setActions(tried, warnAction, auditAction); err != nil {
				return nil, err
			}
		}
		step, err := policyInstallation(o, tried, 0)
		if err != nil {
			return nil, err
		}
		install = append(install, step)
		if u.GetKind() != validatingBindingKind || !s.Deny {
			continue
		}
		o.Action, o.AuditOnly = DenyPolicy, false
		denying := u.DeepCopy()
		if !isDenying(u) {
			if err := setActions(denying, denyAction, auditAction); err != nil {
				return nil, err
			}
		}
		if step, err = policyInstallation(o, denying, 1); err != nil {
			return nil, err
		}
		deny = append(deny, step)
	}
	return append(install, deny...), nil
}

// policyInstallation returns the step that leaves an object of a set as it is given.
func policyInstallation(o PolicyObject, u *unstructured.Unstructured, batch int) (Step, error) {
	var err error
	if o.Manifest, err = json.Marshal(u.Object); err != nil {
		return Step{}, fmt.Errorf("writing %s: %w", &o, err)
	}
	return Step{Stage: StagePolicies, Batch: batch, Policy: &o}, nil
}

// setActions sets what a binding of a set does.
func setActions(u *unstructured.Unstructured, actions ...string) error {
	return unstructured.SetNestedStringSlice(u.Object, actions, "spec", "validationActions")
}

// ErrPolicySetAction is returned for a set of admission policies that was written for another action than is asked for.
var ErrPolicySetAction = errors.New("it was written for another action")

// checkAction returns an error that is ErrPolicySetAction for an object of a set that was written to refuse and must not, or that has to
// be another one to refuse.
func (s *PolicySet) checkAction(u *unstructured.Unstructured) error {
	mode := u.GetLabels()[policyModeLabel]
	switch {
	case u.GetKind() == validatingBindingKind && isDenying(u) && !s.Deny:
		return fmt.Errorf("%s refuses what it does not accept: %w", u.GetName(), ErrPolicySetAction)
	case u.GetKind() == mutatingBindingKind && !s.Deny:
		return fmt.Errorf("%s writes into what is created, which cannot be tried without effect: %w", u.GetName(), ErrPolicySetAction)
	case u.GetKind() == validatingBindingKind && !isDenying(u) && s.Deny && mode != "delta" && mode != "restricted-but-for":
		return fmt.Errorf("%s is of a set that has other objects to refuse than to warn: %w", u.GetName(), ErrPolicySetAction)
	}
	return nil
}

// addProbe adds, to the binding of a policy for pods, what tells that the policy is in force.
func (s *PolicySet) addProbe(o *PolicyObject, binding *unstructured.Unstructured) error {
	kind := map[string]string{validatingBindingKind: validatingPolicyKind, mutatingBindingKind: mutatingPolicyKind}[binding.GetKind()]
	if kind == "" {
		return nil
	}
	name, _, _ := unstructured.NestedString(binding.Object, "spec", "policyName")
	at := slices.IndexFunc(s.Objects, func(u *unstructured.Unstructured) bool { return u.GetKind() == kind && u.GetName() == name })
	if at < 0 {
		return fmt.Errorf("%s binds the policy %q, which is not in the set", o, name)
	}
	revision := s.Objects[at].GetAnnotations()[s.RevisionAnnotation]
	if revision == "" {
		return nil
	}
	if kind == validatingPolicyKind {
		o.AuditOnly = !isDenying(binding) && !slices.Contains(validationActions(binding), warnAction)
	}
	o.Probe = &PolicyProbe{Policy: name, Says: s.AnswerBegins + revision, Begins: s.AnswerBegins, Namespaces: namespacesToProbe(binding), Pod: s.Pod}
	if kind == mutatingPolicyKind {
		o.Probe.Says, o.Probe.Annotation = revision, s.Annotation
	}
	return nil
}

// namespacesToProbe returns a few of the namespaces in which a binding puts its policy in force.
func namespacesToProbe(binding *unstructured.Unstructured) []string {
	const most, always = 3, "default"
	expressions, _, _ := unstructured.NestedSlice(binding.Object, "spec", "matchResources", "namespaceSelector", "matchExpressions")
	for _, e := range expressions {
		fields, ok := e.(map[string]any)
		if !ok {
			continue
		}
		values, _, _ := unstructured.NestedStringSlice(fields, "values")
		switch {
		case fields["operator"] == "In":
			return values[:min(len(values), most)]
		case slices.Contains(values, always):
			return nil
		}
	}
	return []string{always}
}
