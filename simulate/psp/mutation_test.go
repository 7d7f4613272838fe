package psp

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

// A policy is mutating, by pspparse's list, exactly if its Mutation is not empty.
func TestMutationAgreesWithMutatingFields(t *testing.T) {
	t.Parallel()
	idle := MutationOf(&pspparse.Policy{Spec: pspparse.Spec{AllowPrivilegeEscalation: new(true)}})
	if !idle.isEmpty {
		t.Errorf("a policy that states nothing: %+v, want nothing", idle)
	}
	mutating := 0
	for seed := range int64(500) {
		r := podtest.NewRandom(seed)
		p := r.Policy()
		f := MutationOf(p)
		empty := *idle
		if empty.isEmpty = f.isEmpty; f.isEmpty != reflect.DeepEqual(&empty, f) {
			t.Errorf("policy %+v mutates %q; mutation %+v", p.Spec, p.MutatingFields(), f)
		}
		if !f.isEmpty {
			mutating++
		}
	}
	if mutating == 0 {
		t.Error("no random policy is mutating")
	}
}

// Policies with equal mutations share one, which pods are cached by; of a name read twice, and of a policy that can admit no pod,
// the mutation is unknown.
func TestMutationsOfPolicies(t *testing.T) {
	t.Parallel()
	unusable := podtest.PolicyOf("unusable", func(p *pspparse.Policy) { p.Spec.RunAsUser.Rule = pspparse.MustRunAs })
	all := NewMutations([]*pspparse.Policy{
		podtest.Hardening("a"), podtest.Hardening("b"), podtest.PolicyOf("plain", nil), podtest.PolicyOf("twice", nil), podtest.Hardening("twice"), unusable,
	})
	if a := all.OfPolicy("a"); a != all.OfPolicy("b") || a == all.Unknown() {
		t.Error("equal policies do not share their mutation")
	}
	if plain := all.OfPolicy("plain"); plain == all.OfPolicy("a") || plain == all.Unknown() {
		t.Error("different policies share their mutation")
	}
	for _, name := range []string{"twice", "unusable", "not read"} {
		if all.OfPolicy(name) != all.Unknown() {
			t.Errorf("the mutation of %q is known", name)
		}
	}
	if all.OfPolicy("") != nil {
		t.Error("no policy has a mutation")
	}
}

// Mutations of policies that differ in one value have different fingerprints, equal ones the same: few are compared in whole.
func TestFingerprintsOfMutations(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for i, edit := range []func(m *Mutation){
		func(*Mutation) {},
		func(m *Mutation) { m.runAsUser = new(int64(1)) },
		func(m *Mutation) { m.runAsGroup = new(int64(1)) },
		func(m *Mutation) { m.fsGroup = new(int64(1)) },
		func(m *Mutation) { m.supplementalGroup = new(int64(1)) },
		func(m *Mutation) { m.runAsNonRoot = true },
		func(m *Mutation) { m.readOnlyRootFilesystem = true },
		func(m *Mutation) { m.seLinuxOptions = &corev1.SELinuxOptions{Level: "s0"} },
		func(m *Mutation) { m.seccomp = "unconfined" },
		func(m *Mutation) { m.runtimeClassName = new("fast") },
		func(m *Mutation) { m.add = capabilitySet([]string{"CHOWN"}) },
		func(m *Mutation) { m.drop = capabilitySet([]string{"CHOWN"}) },
	} {
		one, other := &Mutation{}, &Mutation{}
		edit(one)
		edit(other)
		text := one.fingerprint()
		if text != other.fingerprint() {
			t.Errorf("equal mutations %d have two fingerprints: %s and %s", i, text, other.fingerprint())
		}
		if first, ok := seen[text]; ok {
			t.Errorf("mutations %d and %d have one fingerprint: %s", first, i, text)
		}
		seen[text] = i
	}
}
