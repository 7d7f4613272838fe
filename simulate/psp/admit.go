package psp

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/psp2pss/psp2pss/pspparse"
)

// pspAnnotation is where PSP admission writes the policy that it chose.
const pspAnnotation = "kubernetes.io/psp"

// Admitter answers for PodSecurityPolicy admission as Kubernetes v1.24 does it
// (plugin/pkg/admission/security/podsecuritypolicy), under one set of policies. It never changes once made and is safe for
// concurrent use.
type Admitter struct {
	// policies, by name; without those that admission cannot build a provider from.
	policies []*compiledPolicy
	// maxRefusals is how many refusals of one policy are worded, 0 for all.
	maxRefusals int
}

// NewAdmitter prepares the policies of one cluster: all of them, whoever may use them. Names are unique.
func NewAdmitter(policies []*pspparse.Policy) *Admitter {
	a := &Admitter{}
	for _, p := range policies {
		if p.UnusableReason() == "" {
			a.policies = append(a.policies, compilePolicy(p))
		}
	}
	slices.SortStableFunc(a.policies, func(x, y *compiledPolicy) int { return cmp.Compare(x.name, y.name) })
	return a
}

// AdmissionRequest is what admission is asked: to create a pod, or to change one.
type AdmissionRequest struct {
	// Pod as it is sent. For a change it is the whole object with the change in it.
	Pod *corev1.Pod
	// OldPod is the pod as it is stored; nil if the pod is to be created.
	OldPod *corev1.Pod
	// Subresource of pods that the request is for, as "ephemeralcontainers"; "" for the pod itself.
	Subresource string
	// UsablePolicies are the policies that the pod's account, or whoever sends the request, may use.
	UsablePolicies UsablePolicies
	// Automount is automountServiceAccountToken of the pod's service account, nil if it does not say.
	Automount *bool
}

// AdmissionPass is one of the two times that PSP admission looks at a request: first to fill in and admit, and, after the registry
// has prepared the pod for storage, to validate. Changes are only validated.
type AdmissionPass string

// The passes.
const (
	AdmitPass    AdmissionPass = "admit"
	ValidatePass AdmissionPass = "validate"
)

// Admission is the answer to a Request.
type Admission struct {
	// Ignored is true if PSP admission does not look at such a request: it lets it pass, and all else is empty.
	Ignored bool
	// Policy is what admitted the pod. For a new pod it is the name that the pod now carries, for a changed one the policy
	// that vouches for it, which need not be the one it carries. Empty if the pod was refused.
	Policy string
	// Mutated is true if that policy changed a new pod, other than by its name.
	Mutated bool
	// Pod is a new pod as it would be stored, with its seccomp annotations and fields in step, or a changed one. It shares
	// nothing with the request. Nil if the first pass refused.
	Pod *corev1.Pod

	// Refused is the pass that refused the pod, if one did.
	Refused AdmissionPass
	// Refusals are the reasons of all usable policies, by name of policy, and within one in admission's order. There may be
	// none: nobody may use any policy, or Withheld says why.
	Refusals []Refusal
	// OmittedRefusals counts by policy the refusals that are not worded; nil if all are.
	OmittedRefusals map[string]int
	// WouldMutate are the usable policies that would accept the pod and would have to fill something in, in a pass that may
	// not. They give no reason.
	WouldMutate []string
	// NoPolicies is true if the pod was refused because there is no policy at all that could admit anything.
	NoPolicies bool

	// InvalidMutations is what API validation has against a new pod because of what the policy filled in. Such a pod is not
	// created, although a policy admits it. What its author wrote is not judged.
	InvalidMutations []Refusal
}

// Admit answers one request.
//
// It starts from the pod as sent and takes it through what comes before and after PSP admission (see ApplyAdmissionDefaults); it does not
// go through API validation, other than for Invalid, nor through other admission plugins and webhooks. A webhook that
// changes a new pod makes admission start over on what is there by then: that is a second Request.
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

func (a *Admitter) admitNewPod(r *AdmissionRequest) Admission {
	seen := ApplyAdmissionDefaults(r.Pod, r.Automount)
	first := a.choosePolicy(seen, r.UsablePolicies, AdmitPass)
	if first.chosen == nil {
		return first.refusedAdmission(AdmitPass)
	}
	pod := first.chosen.mutatedPod()
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[pspAnnotation] = first.chosen.policy.name
	prepareForCreate(pod)
	prepareForCreate(seen)
	out := Admission{
		Policy:           first.chosen.policy.name,
		Mutated:          first.chosen.mutated,
		Pod:              pod,
		InvalidMutations: invalidMutations(seen, pod),
	}
	if second := a.choosePolicy(pod, r.UsablePolicies, ValidatePass); second.chosen == nil {
		refused := second.refusedAdmission(ValidatePass)
		refused.Pod, refused.InvalidMutations = out.Pod, out.InvalidMutations
		return refused
	}
	return out
}

func (a *Admitter) validateChangedPod(r *AdmissionRequest) Admission {
	pod, old := withAPIDefaults(r.Pod), withAPIDefaults(r.OldPod)
	prepareForUpdate(pod, old)
	if changesOnlyGarbageCollectionFields(pod, old) {
		return Admission{Ignored: true}
	}
	c := a.choosePolicy(pod, r.UsablePolicies, ValidatePass)
	if c.chosen == nil {
		refused := c.refusedAdmission(ValidatePass)
		refused.Pod = pod
		return refused
	}
	return Admission{Policy: c.chosen.policy.name, Pod: pod}
}

// changesOnlyGarbageCollectionFields is true for a change that touches nothing but what garbage collection does, or nothing at all
// (pkg/registry/rbac/helpers.go).
func changesOnlyGarbageCollectionFields(pod, old *corev1.Pod) bool {
	copied := *pod
	copied.OwnerReferences, copied.Finalizers, copied.ManagedFields = old.OwnerReferences, old.Finalizers, old.ManagedFields
	copied.SetSelfLink(old.GetSelfLink())
	return equality.Semantic.DeepEqual(&copied, old)
}

// policyChoice is the outcome of one pass.
type policyChoice struct {
	chosen          *evaluation
	refusals        [][]Refusal // of each policy that refused
	omittedRefusals map[string]int
	wouldMutate     []string
	noPolicies      bool
}

// choosePolicy is computeSecurityContext: the first usable policy by name that accepts the pod as it is, else, in the first
// pass, the first that accepts it after filling something in. In the second pass the policy that the pod carries comes
// first.
func (a *Admitter) choosePolicy(pod *corev1.Pod, usable UsablePolicies, pass AdmissionPass) policyChoice {
	c := policyChoice{noPolicies: len(a.policies) == 0}
	withAccount := pod.Spec.ServiceAccountName != ""
	containers := allContainers(&pod.Spec)
	var filledIn *evaluation
	t := &evaluation{}
	for _, i := range a.policyOrder(pod, pass) {
		if !usable.includes(i, withAccount) {
			continue
		}
		if t == filledIn {
			t = &evaluation{} // one that refused is not needed any more
		}
		t.assignSecurityContext(a.policies[i], pod, containers, a.maxRefusals)
		switch {
		case len(t.refusals) > 0:
			c.addRefusals(t)
		case !t.mutated:
			c.chosen = t
			return c
		case pass == ValidatePass:
			c.wouldMutate = append(c.wouldMutate, t.policy.name)
		case filledIn == nil:
			filledIn = t
		}
	}
	c.chosen = filledIn
	return c
}

func (c *policyChoice) addRefusals(t *evaluation) {
	c.refusals = append(c.refusals, t.refusals)
	if t.omittedRefusals > 0 {
		if c.omittedRefusals == nil {
			c.omittedRefusals = map[string]int{}
		}
		c.omittedRefusals[t.policy.name] = t.omittedRefusals
	}
}

// policyOrder lists the policies in the order of a pass.
func (a *Admitter) policyOrder(pod *corev1.Pod, pass AdmissionPass) []int {
	all := make([]int, len(a.policies))
	for i := range all {
		all[i] = i
	}
	if pass == AdmitPass {
		return all
	}
	hint := pod.Annotations[pspAnnotation]
	at, found := slices.BinarySearchFunc(a.policies, hint, func(p *compiledPolicy, name string) int { return cmp.Compare(p.name, name) })
	if found {
		copy(all[1:at+1], all[:at])
		all[0] = at
	}
	return all
}

// refusedAdmission words a pass that chose nothing. The hint changed only the order in which policies were asked.
func (c *policyChoice) refusedAdmission(pass AdmissionPass) Admission {
	slices.SortFunc(c.refusals, func(x, y []Refusal) int { return cmp.Compare(x[0].Policy, y[0].Policy) })
	slices.Sort(c.wouldMutate)
	return Admission{Refused: pass, Refusals: slices.Concat(c.refusals...), OmittedRefusals: c.omittedRefusals, WouldMutate: c.wouldMutate, NoPolicies: c.noPolicies}
}
