package psp

import (
	"cmp"
	"slices"
)

// UsablePolicies says which policies of one Admitter a request may use: through the pod's service account, or through whoever
// sends the request. It is a value: equal ones are ==, so that it can be part of a key.
type UsablePolicies struct {
	accountPolicies, creatorPolicies string // sets of places in Admitter.policies
}

// UsablePolicies makes one from the names of the policies that the account may use, and of those that the creator may use; a name
// that is no policy's, or that of one which cannot admit anything, does not count. What the account may use does not
// count for a pod that has none: for a mirror pod.
func (a *Admitter) UsablePolicies(account, creator []string) UsablePolicies {
	return UsablePolicies{accountPolicies: a.policyBitSet(account), creatorPolicies: a.policyBitSet(creator)}
}

func (a *Admitter) policyBitSet(names []string) string {
	bits := make([]byte, (len(a.policies)+7)/8)
	for _, name := range names {
		at, found := slices.BinarySearchFunc(a.policies, name, func(p *compiledPolicy, name string) int { return cmp.Compare(p.name, name) })
		if found {
			bits[at/8] |= 1 << (at % 8)
		}
	}
	return string(bits)
}

func (u UsablePolicies) includes(i int, withAccount bool) bool {
	return inBitSet(u.creatorPolicies, i) || withAccount && inBitSet(u.accountPolicies, i)
}

func inBitSet(set string, i int) bool {
	return i/8 < len(set) && set[i/8]&(1<<(i%8)) != 0
}
