package psp

import (
	"reflect"
	"testing"

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
