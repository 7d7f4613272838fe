package psp_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/randfill"

	"github.com/psp2pss/psp2pss/fixtures/controlplane/admission"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// forEachCase calls check, which returns what is wrong, with random requests for new pods; the account may use every policy.
func forEachCase(t *testing.T, check func(ps []*pspparse.Policy, a *psp.Admitter, r psp.AdmissionRequest) string) {
	t.Helper()
	for seed := range uint64(100) {
		g := admission.NewGenerator(seed)
		for range 5 {
			c := g.NewPodCase()
			ps := policies(t, c)
			a := psp.NewAdmitter(ps)
			r := psp.AdmissionRequest{Pod: c.Pod, Automount: c.Automount, UsablePolicies: a.UsablePolicies(c.PolicyNames(), nil)}
			if wrong := check(ps, a, r); wrong != "" {
				t.Fatalf("seed %d: %s\n%s", seed, wrong, c.Fixture())
			}
		}
	}
}

// Admit changes neither the pod nor the policies, and its result shares nothing with them.
func TestAdmitSharesNothing(t *testing.T) {
	t.Parallel()
	forEachCase(t, func(_ []*pspparse.Policy, a *psp.Admitter, r psp.AdmissionRequest) string {
		sent := r.Pod.DeepCopy()
		first := a.Admit(r)
		if diff := gocmp.Diff(sent, r.Pod); diff != "" {
			return "the pod was changed (-before +after):\n" + diff
		}
		if first.Pod == nil {
			return ""
		}
		kept := first.Pod.DeepCopy()
		scribble(first.Pod)
		return gocmp.Diff(kept, a.Admit(r).Pod)
	})
}

// scribble overwrites everything that a policy may have written.
func scribble(pod *corev1.Pod) {
	clear(pod.Annotations)
	s := &pod.Spec
	if s.RuntimeClassName != nil {
		*s.RuntimeClassName = "scribble"
	}
	over := func(ids ...*int64) {
		for _, id := range ids {
			if id != nil {
				*id = -1
			}
		}
	}
	sc := s.SecurityContext
	over(sc.FSGroup, sc.RunAsUser, sc.RunAsGroup)
	clear(sc.SupplementalGroups)
	if sc.SELinuxOptions != nil {
		sc.SELinuxOptions.Level = "scribble"
	}
	for _, list := range [][]corev1.Container{s.InitContainers, s.Containers} {
		for i := range list {
			if c := list[i].SecurityContext; c != nil {
				over(c.RunAsUser, c.RunAsGroup)
				if c.AllowPrivilegeEscalation != nil {
					*c.AllowPrivilegeEscalation = !*c.AllowPrivilegeEscalation
				}
				if c.Capabilities != nil {
					clear(c.Capabilities.Add)
					clear(c.Capabilities.Drop)
				}
			}
		}
	}
}

// A pod that was admitted is admitted as it is, and an update that changes nothing but a label passes.
func TestAdmitIsStable(t *testing.T) {
	t.Parallel()
	forEachCase(t, func(_ []*pspparse.Policy, a *psp.Admitter, r psp.AdmissionRequest) string {
		first := a.Admit(r)
		if first.Policy == "" {
			return ""
		}
		again := a.Admit(psp.AdmissionRequest{Pod: first.Pod, Automount: r.Automount, UsablePolicies: r.UsablePolicies})
		if again.Mutated || again.Refused != "" {
			return fmt.Sprintf("admitted by %s; then mutated %t, refused %q: %s", first.Policy, again.Mutated, again.Refused, again.RefusalMessage("p"))
		}
		changed := first.Pod.DeepCopy()
		changed.Labels = map[string]string{"x": "y"}
		if update := a.Admit(psp.AdmissionRequest{Pod: changed, OldPod: first.Pod, UsablePolicies: r.UsablePolicies}); update.Policy != first.Policy {
			return fmt.Sprintf("admitted by %s; a change of labels: %+v", first.Policy, update)
		}
		return ""
	})
}

// The order in which policies are given makes no difference.
func TestAdmitIgnoresPolicyOrder(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	forEachCase(t, func(ps []*pspparse.Policy, a *psp.Admitter, r psp.AdmissionRequest) string {
		want := a.Admit(r)
		names := make([]string, len(ps))
		for i, at := range rng.Perm(len(ps)) {
			names[i] = ps[at].Name
		}
		shuffled := slices.Clone(ps)
		slices.SortFunc(shuffled, func(x, y *pspparse.Policy) int { return slices.Index(names, x.Name) - slices.Index(names, y.Name) })
		b := psp.NewAdmitter(shuffled)
		r.UsablePolicies = b.UsablePolicies(names, nil)
		return gocmp.Diff(want, b.Admit(r))
	})
}

// The shape of a pod gets the same result as the whole pod: policy, refusals, invalid mutations.
func TestAdmitOfAShape(t *testing.T) {
	t.Parallel()
	forEachCase(t, func(_ []*pspparse.Policy, a *psp.Admitter, r psp.AdmissionRequest) string {
		want := a.Admit(r)
		shape := inventory.ReducePod(r.Pod.Annotations, &r.Pod.Spec)
		reduced := &corev1.Pod{Spec: shape.Spec}
		reduced.Annotations = shape.Annotations
		const mirror = "kubernetes.io/config.mirror" // inventory.PodGroup tells
		if value, ok := r.Pod.Annotations[mirror]; ok {
			reduced.Annotations = map[string]string{mirror: value}
			for k, v := range shape.Annotations {
				reduced.Annotations[k] = v
			}
		}
		r.Pod = reduced
		return gocmp.Diff(want, a.Admit(r), cmpopts.IgnoreFields(psp.Admission{}, "Pod"))
	})
}

// No pod whatever makes it panic.
func TestAdmitOfAnyPod(t *testing.T) {
	t.Parallel()
	g := admission.NewGenerator(7)
	for seed := range int64(300) {
		fill := randfill.NewWithSeed(seed).NilChance(0.3).NumElements(0, 3).MaxDepth(12)
		c := g.NewPodCase()
		a := psp.NewAdmitter(policies(t, c))
		r := psp.AdmissionRequest{UsablePolicies: a.UsablePolicies(c.PolicyNames(), nil)}
		a.Admit(r) // without a pod
		var pod, old corev1.Pod
		fill.Fill(&pod)
		fill.Fill(&old)
		r.Pod = &pod
		a.Admit(r)
		r.OldPod = &old
		a.Admit(r)
	}
}

// Sets of usable policies are equal for the same policies, in any order, with or without unknown names.
func TestUsablePoliciesAreComparable(t *testing.T) {
	t.Parallel()
	var ps []*pspparse.Policy
	var names []string
	for i := range 20 {
		ps = append(ps, policies(t, admission.NewGenerator(uint64(i+1)).NewPodCase())...)
	}
	for i, p := range ps {
		p.Name = fmt.Sprint("p", i)
		names = append(names, p.Name)
	}
	a := psp.NewAdmitter(ps)
	some, same := names[3:11], append([]string{"unknown"}, names[3:11]...)
	slices.Reverse(same)
	known := map[psp.UsablePolicies]int{a.UsablePolicies(some, nil): 1, a.UsablePolicies(nil, some): 2, a.UsablePolicies(names, nil): 3}
	if len(known) != 3 || known[a.UsablePolicies(same, nil)] != 1 || known[a.UsablePolicies([]string{}, same)] != 2 {
		t.Errorf("got %v", known)
	}
}
