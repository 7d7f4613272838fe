package psp

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// Admitter simulates PodSecurityPolicy admission of Kubernetes v1.24 under the policies of one cluster. It follows
// plugin/pkg/admission/security/podsecuritypolicy. It does not change once made and is safe for concurrent use.
type Admitter struct {
	// policies are sorted by name, without those that admission cannot build a provider from. Policies with pseudonyms stand in the order
	// of their real names.
	policies []*compiledPolicy
	// places are the indexes in policies by name.
	places map[string]int
	// maxRefusals is the number of refusals per policy that get a text, 0 for all.
	maxRefusals int
}

// NewAdmitter returns an Admitter, which does PSP admission, for all policies of one cluster, whoever may use them.
// Names are unique.
func NewAdmitter(policies []*pspparse.Policy) *Admitter {
	a := &Admitter{places: map[string]int{}}
	for _, p := range policies {
		if len(p.UnusableReasons()) == 0 {
			a.policies = append(a.policies, compilePolicy(p))
		}
	}
	slices.SortStableFunc(a.policies, func(x, y *compiledPolicy) int {
		return cmp.Or(cmp.Compare(x.order, y.order), cmp.Compare(x.name, y.name))
	})
	for i, p := range a.policies {
		a.places[p.name] = i
	}
	return a
}

// AdmissionRequest is a request to create or to change a pod, as PSP admission gets it.
type AdmissionRequest struct {
	// Pod is the pod as it is sent. For a change it is the whole object with the change in it.
	Pod *corev1.Pod
	// OldPod is the pod as it is stored; nil if the pod is to be created.
	OldPod *corev1.Pod
	// Subresource is the subresource of pods that the request is for, such as "ephemeralcontainers"; "" for the pod itself.
	Subresource string
	// UsablePolicies are the policies that the pod's account, or whoever sends the request, may use.
	UsablePolicies UsablePolicies
	// Automount is automountServiceAccountToken of the pod's service account; nil if it is unset there.
	Automount *bool
}

// AdmissionPass is one of the two passes of PSP admission over a new pod: admit, which may mutate it, and validate. The
// validating pass comes after the registry has prepared the pod for storage. Changed pods are only validated.
type AdmissionPass string

// The passes.
const (
	AdmitPass    AdmissionPass = "admit"
	ValidatePass AdmissionPass = "validate"
)

// Admission is the result of PSP admission for one request to create or change a pod.
type Admission struct {
	// Ignored is true if PSP admission does not look at such a request: it lets it pass, and all other fields are empty.
	Ignored bool
	// Policy is the name of the policy that admits the pod. A new pod carries it in its annotation; a changed pod may carry
	// another name. Empty if the pod is refused.
	Policy string
	// Mutated is true if the policy changes a new pod beyond the annotation with its name.
	Mutated bool
	// Pod is a new pod as it would be stored, its seccomp annotations and fields in agreement, or a changed pod. It shares
	// nothing with the request. Nil if the admitting pass refuses.
	Pod *corev1.Pod

	// Refused is the pass that refuses the pod; "" if the pod is admitted.
	Refused AdmissionPass
	// Refusals are the errors of all usable policies, by policy name and then in admission's order. The list may be empty
	// for a refused pod: nobody may use any policy, or WouldMutate says why.
	Refusals []Refusal
	// OmittedRefusals counts the refusals without a text, by policy name; nil if all have one.
	OmittedRefusals map[string]int
	// WouldMutate are the usable policies that would admit the pod only with a mutation, in a pass that may not mutate.
	// They give no error.
	WouldMutate []string
	// NoPolicies is true if the pod is refused because no policy of the cluster can admit anything.
	NoPolicies bool

	// InvalidMutations are the errors of API validation about what the policy wrote into a new pod. Such a pod is not
	// created, although a policy admits it. What its author wrote is not validated.
	InvalidMutations []Refusal
}

// Admit runs PSP admission for one request to create or change a pod and returns who admits it, or every refusal.
//
// It applies what comes before and after PSP admission, too (see ApplyAdmissionDefaults). It runs no API validation other
// than for InvalidMutations, and no other admission plugins and webhooks. A webhook that changes a new pod makes admission
// start over with the changed pod: that is a second request.
func (a *Admitter) Admit(r AdmissionRequest) Admission {
	switch {
	case r.Subresource != "":
		return Admission{Ignored: true}
	case r.OldPod != nil:
		return a.validateChangedPod(&r)
	default:
		return a.admitNewPod(&r)
	}
}

// admitNewPod runs both passes of PSP admission for a pod that is to be created.
func (a *Admitter) admitNewPod(r *AdmissionRequest) Admission {
	defaulted := ApplyAdmissionDefaults(r.Pod, r.Automount)
	first := a.choosePolicy(defaulted, r.UsablePolicies, AdmitPass)
	if first.chosen == nil {
		return a.refusedAdmission(&first, AdmitPass)
	}
	pod := first.chosen.mutatedPod()
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[podspec.AdmittedByAnnotation] = first.chosen.policy.name
	prepareForCreate(pod)
	prepareForCreate(defaulted)
	out := Admission{
		Policy:           first.chosen.policy.name,
		Mutated:          first.chosen.mutated,
		Pod:              pod,
		InvalidMutations: invalidMutations(defaulted, pod),
	}
	if second := a.choosePolicy(pod, r.UsablePolicies, ValidatePass); second.chosen == nil {
		refused := a.refusedAdmission(&second, ValidatePass)
		refused.Pod, refused.InvalidMutations = out.Pod, out.InvalidMutations
		return refused
	}
	return out
}

// validateChangedPod runs the validating pass of PSP admission for a change to a stored pod.
func (a *Admitter) validateChangedPod(r *AdmissionRequest) Admission {
	pod, old := withAPIDefaults(r.Pod), withAPIDefaults(r.OldPod)
	prepareForUpdate(pod, old)
	if changesOnlyGarbageCollectionFields(pod, old) {
		return Admission{Ignored: true}
	}
	c := a.choosePolicy(pod, r.UsablePolicies, ValidatePass)
	if c.chosen == nil {
		refused := a.refusedAdmission(&c, ValidatePass)
		refused.Pod = pod
		return refused
	}
	return Admission{Policy: c.chosen.policy.name, Pod: pod}
}

// changesOnlyGarbageCollectionFields reports whether a pod changes in nothing but owner references and finalizers. PSP
// admission ignores such changes (pkg/registry/rbac/helpers.go).
func changesOnlyGarbageCollectionFields(pod, old *corev1.Pod) bool {
	copied := *pod
	copied.OwnerReferences, copied.Finalizers, copied.ManagedFields = old.OwnerReferences, old.Finalizers, old.ManagedFields
	copied.SetSelfLink(old.GetSelfLink())
	return equality.Semantic.DeepEqual(&copied, old)
}

// policyChoice is the result of one pass of PSP admission: the policy that it chose, or the refusals of all.
type policyChoice struct {
	chosen          *policyEvaluation
	refusals        [][]Refusal // of each policy that refused
	omittedRefusals map[string]int
	wouldMutate     []string
	noPolicies      bool
}

// choosePolicy returns the PodSecurityPolicy that one pass of admission chooses for a pod. It is computeSecurityContext of
// upstream: the first usable policy by name that accepts the pod unchanged, else, in the admitting pass, the first that
// accepts it with a mutation. In the validating pass the policy of the pod's annotation comes first.
func (a *Admitter) choosePolicy(pod *corev1.Pod, usable UsablePolicies, pass AdmissionPass) policyChoice {
	c := policyChoice{noPolicies: len(a.policies) == 0}
	withAccount := pod.Spec.ServiceAccountName != ""
	containers := allContainers(&pod.Spec)
	var mutating *policyEvaluation
	e := &policyEvaluation{}
	for _, i := range a.policyOrder(pod, pass) {
		if !usable.includes(i, withAccount) {
			continue
		}
		if e == mutating {
			e = &policyEvaluation{} // one that refused is not needed any more
		}
		e.assignSecurityContext(a.policies[i], pod, containers, a.maxRefusals)
		switch {
		case len(e.refusals) > 0:
			c.addRefusals(e)
		case !e.mutated:
			c.chosen = e
			return c
		case pass == ValidatePass:
			c.wouldMutate = append(c.wouldMutate, e.policy.name)
		case mutating == nil:
			mutating = e
		}
	}
	c.chosen = mutating
	return c
}

// addRefusals adds the refusals of one PodSecurityPolicy to the result of an admission pass.
func (c *policyChoice) addRefusals(e *policyEvaluation) {
	c.refusals = append(c.refusals, e.refusals)
	if e.omittedRefusals > 0 {
		if c.omittedRefusals == nil {
			c.omittedRefusals = map[string]int{}
		}
		c.omittedRefusals[e.policy.name] = e.omittedRefusals
	}
}

// policyOrder returns the indexes of all PodSecurityPolicies in the order in which an admission pass asks them.
func (a *Admitter) policyOrder(pod *corev1.Pod, pass AdmissionPass) []int {
	all := make([]int, len(a.policies))
	for i := range all {
		all[i] = i
	}
	if pass == AdmitPass {
		return all
	}
	hint := pod.Annotations[podspec.AdmittedByAnnotation]
	if at, found := a.places[hint]; found {
		copy(all[1:at+1], all[:at])
		all[0] = at
	}
	return all
}

// refusedAdmission returns the Admission of a pass that chose no policy, its refusals sorted by policy.
func (a *Admitter) refusedAdmission(c *policyChoice, pass AdmissionPass) Admission {
	slices.SortFunc(c.refusals, func(x, y []Refusal) int { return cmp.Compare(a.places[x[0].Policy], a.places[y[0].Policy]) })
	slices.SortFunc(c.wouldMutate, func(x, y string) int { return cmp.Compare(a.places[x], a.places[y]) })
	return Admission{Refused: pass, Refusals: slices.Concat(c.refusals...), OmittedRefusals: c.omittedRefusals, WouldMutate: c.wouldMutate, NoPolicies: c.noPolicies}
}
