package psp

import (
	"fmt"
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

// Of more policies than a byte has bits, each is usable by its own name alone.
func TestUsablePoliciesOfMany(t *testing.T) {
	t.Parallel()
	const many = 20
	var policies []*pspparse.Policy
	for i := range many {
		policies = append(policies, podtest.PolicyOf(fmt.Sprintf("p%02d", i), nil))
	}
	a := NewAdmitter(policies)
	for i, p := range policies {
		byCreator, byAccount := a.UsablePolicies(nil, []string{p.Name}), a.UsablePolicies([]string{p.Name}, nil)
		for j := range many {
			if got := byCreator.includes(j, false); got != (i == j) {
				t.Errorf("policy %d, usable by its creator: %d is usable: %t", i, j, got)
			}
			if got := byAccount.includes(j, true); got != (i == j) {
				t.Errorf("policy %d, usable by its account: %d is usable: %t", i, j, got)
			}
			if byAccount.includes(j, false) {
				t.Errorf("policy %d, usable by its account: %d is usable without one", i, j)
			}
		}
	}
}

// No index beyond the end of a bit set is in it.
func TestIndexBeyondBitSet(t *testing.T) {
	t.Parallel()
	if inBitSet("", 0) || inBitSet("\xff", 8) || !inBitSet("\xff", 7) {
		t.Error("the set of eight has another size")
	}
}
