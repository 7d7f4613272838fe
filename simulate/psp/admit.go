package psp

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/psp2pss/psp2pss/pspparse"
)

// admittedByAnnotation is where PSP admission writes the policy that it chose.
const admittedByAnnotation = "kubernetes.io/psp"

// Admitter answers for PodSecurityPolicy admission as Kubernetes v1.24 does it
// (plugin/pkg/admission/security/podsecuritypolicy), under one set of policies. It never changes once made and is safe for
// concurrent use.
type Admitter struct {
	// policies, by name; without those that admission cannot build a provider from.
	policies []*compiled
	// most is how many refusals of one policy are worded, 0 for all.
	most int
}

// NewAdmitter prepares the policies of one cluster: all of them, whoever may use them. Names are unique.
func NewAdmitter(policies []*pspparse.Policy) *Admitter {
	a := &Admitter{}
	for _, p := range policies {
		if p.Unusable() == "" {
			a.policies = append(a.policies, compile(p))
		}
	}
	slices.SortStableFunc(a.policies, func(x, y *compiled) int { return cmp.Compare(x.name, y.name) })
	return a
}

// Request is what admission is asked: to create a pod, or to change one.
type Request struct {
	// Pod as it is sent. For a change it is the whole object with the change in it.
	Pod *corev1.Pod
	// Old is the pod as it is stored; nil if the pod is to be created.
	Old *corev1.Pod
	// Subresource of pods that the request is for, as "ephemeralcontainers"; "" for the pod itself.
	Subresource string
	// Usable are the policies that the pod's account, or whoever sends the request, may use.
	Usable Usable
	// Automount is automountServiceAccountToken of the pod's service account, nil if it does not say.
	Automount *bool
}

// Pass is one of the two times that PSP admission looks at a request: first to fill in and admit, and, after the registry
// has prepared the pod for storage, to validate. Changes are only validated.
type Pass string

// The passes.
const (
	Admit    Pass = "admit"
	Validate Pass = "validate"
)

// Admission is the answer to a Request.
type Admission struct {
	// Ignored is true if PSP admission does not look at such a request: it lets it pass, and all else is empty.
	Ignored bool
	// Policy is what admitted the pod. For a new pod it is the name that the pod now carries, for a changed one the policy
	// that vouches for it, which need not be the one it carries. Empty if the pod was refused.
	Policy string
	// FilledIn is true if that policy changed a new pod, other than by its name.
	FilledIn bool
	// Pod is a new pod as it would be stored, with its seccomp annotations and fields in step, or a changed one. It shares
	// nothing with the request. Nil if the first pass refused.
	Pod *corev1.Pod

	// Refused is the pass that refused the pod, if one did.
	Refused Pass
	// Refusals are the reasons of all usable policies, by name of policy, and within one in admission's order. There may be
	// none: nobody may use any policy, or Withheld says why.
	Refusals []Refusal
	// Untold counts by policy the refusals that are not worded; nil if all are.
	Untold map[string]int
	// Withheld are the usable policies that would accept the pod and would have to fill something in, in a pass that may
	// not. They give no reason.
	Withheld []string
	// NoPolicies is true if the pod was refused because there is no policy at all that could admit anything.
	NoPolicies bool

	// Invalid is what API validation has against a new pod because of what the policy filled in. Such a pod is not
	// created, although a policy admits it. What its author wrote is not judged.
	Invalid []Refusal
}

// Admit answers one request.
//
// It starts from the pod as sent and takes it through what comes before and after PSP admission (see ApplyAdmissionDefaults); it does not
// go through API validation, other than for Invalid, nor through other admission plugins and webhooks. A webhook that
// changes a new pod makes admission start over on what is there by then: that is a second Request.
func (a *Admitter) Admit(r Request) Admission {
	switch {
	case r.Subresource != "":
		return Admission{Ignored: true}
	case r.Old != nil:
		return a.change(&r)
	default:
		return a.create(&r)
	}
}

func (a *Admitter) create(r *Request) Admission {
	seen := ApplyAdmissionDefaults(r.Pod, r.Automount)
	first := a.choose(seen, r.Usable, Admit)
	if first.chosen == nil {
		return first.refused(Admit)
	}
	pod := first.chosen.result()
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[admittedByAnnotation] = first.chosen.policy.name
	prepareForCreate(pod)
	prepareForCreate(seen)
	out := Admission{
		Policy:   first.chosen.policy.name,
		FilledIn: first.chosen.changed,
		Pod:      pod,
		Invalid:  invalidated(seen, pod),
	}
	if second := a.choose(pod, r.Usable, Validate); second.chosen == nil {
		refused := second.refused(Validate)
		refused.Pod, refused.Invalid = out.Pod, out.Invalid
		return refused
	}
	return out
}

func (a *Admitter) change(r *Request) Admission {
	pod, old := decoded(r.Pod), decoded(r.Old)
	prepareForUpdate(pod, old)
	if onlyForCollection(pod, old) {
		return Admission{Ignored: true}
	}
	c := a.choose(pod, r.Usable, Validate)
	if c.chosen == nil {
		refused := c.refused(Validate)
		refused.Pod = pod
		return refused
	}
	return Admission{Policy: c.chosen.policy.name, Pod: pod}
}

// onlyForCollection is true for a change that touches nothing but what garbage collection does, or nothing at all
// (pkg/registry/rbac/helpers.go).
func onlyForCollection(pod, old *corev1.Pod) bool {
	copied := *pod
	copied.OwnerReferences, copied.Finalizers, copied.ManagedFields = old.OwnerReferences, old.Finalizers, old.ManagedFields
	copied.SetSelfLink(old.GetSelfLink())
	return equality.Semantic.DeepEqual(&copied, old)
}

// choice is the outcome of one pass.
type choice struct {
	chosen     *trial
	refusals   [][]Refusal // of each policy that refused
	untold     map[string]int
	withheld   []string
	noPolicies bool
}

// choose is computeSecurityContext: the first usable policy by name that accepts the pod as it is, else, in the first
// pass, the first that accepts it after filling something in. In the second pass the policy that the pod carries comes
// first.
func (a *Admitter) choose(pod *corev1.Pod, usable Usable, pass Pass) choice {
	c := choice{noPolicies: len(a.policies) == 0}
	withAccount := pod.Spec.ServiceAccountName != ""
	containers := containersOf(&pod.Spec)
	var filledIn *trial
	t := &trial{}
	for _, i := range a.order(pod, pass) {
		if !usable.has(i, withAccount) {
			continue
		}
		if t == filledIn {
			t = &trial{} // one that refused is not needed any more
		}
		t.try(a.policies[i], pod, containers, a.most)
		switch {
		case len(t.refusals) > 0:
			c.refuse(t)
		case !t.changed:
			c.chosen = t
			return c
		case pass == Validate:
			c.withheld = append(c.withheld, t.policy.name)
		case filledIn == nil:
			filledIn = t
		}
	}
	c.chosen = filledIn
	return c
}

func (c *choice) refuse(t *trial) {
	c.refusals = append(c.refusals, t.refusals)
	if t.untold > 0 {
		if c.untold == nil {
			c.untold = map[string]int{}
		}
		c.untold[t.policy.name] = t.untold
	}
}

// order lists the policies in the order of a pass.
func (a *Admitter) order(pod *corev1.Pod, pass Pass) []int {
	all := make([]int, len(a.policies))
	for i := range all {
		all[i] = i
	}
	if pass == Admit {
		return all
	}
	hint := pod.Annotations[admittedByAnnotation]
	at, found := slices.BinarySearchFunc(a.policies, hint, func(p *compiled, name string) int { return cmp.Compare(p.name, name) })
	if found {
		copy(all[1:at+1], all[:at])
		all[0] = at
	}
	return all
}

// refused words a pass that chose nothing. The hint changed only the order in which policies were asked.
func (c *choice) refused(pass Pass) Admission {
	slices.SortFunc(c.refusals, func(x, y []Refusal) int { return cmp.Compare(x[0].Policy, y[0].Policy) })
	slices.Sort(c.withheld)
	return Admission{Refused: pass, Refusals: slices.Concat(c.refusals...), Untold: c.untold, Withheld: c.withheld, NoPolicies: c.noPolicies}
}
