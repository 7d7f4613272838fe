package psp

// UsablePolicies is what the simulation of PSP admission is given of a request: the set of policies that it may try for the
// pod, through the pod's account or through the sender. It is a comparable value and can be part of a map key.
type UsablePolicies struct {
	accountPolicies, creatorPolicies string // bit sets of indexes in Admitter.policies
}

// UsablePolicies returns the set of policies that PSP admission may try: those that the pod's account and that the
// sender of the request may use. Names of no policy, and of policies that can admit no pod, do not count. A mirror pod
// has no account: for it only creator counts.
func (a *Admitter) UsablePolicies(account, creator []string) UsablePolicies {
	return UsablePolicies{accountPolicies: a.policyBitSet(account), creatorPolicies: a.policyBitSet(creator)}
}

// policyBitSet returns the indexes of PodSecurityPolicies with the given names as a bit set.
func (a *Admitter) policyBitSet(names []string) string {
	bits := make([]byte, (len(a.policies)+7)/8)
	for _, name := range names {
		if at, found := a.places[name]; found {
			bits[at/8] |= 1 << (at % 8)
		}
	}
	return string(bits)
}

// includes reports whether the PodSecurityPolicy of an index is usable; withAccount is false for a pod without an account.
func (u UsablePolicies) includes(i int, withAccount bool) bool {
	return inBitSet(u.creatorPolicies, i) || withAccount && inBitSet(u.accountPolicies, i)
}

// inBitSet reports whether the index of a PodSecurityPolicy is in a bit set.
func inBitSet(set string, i int) bool {
	return i/8 < len(set) && set[i/8]&(1<<(i%8)) != 0
}
