package psp

import (
	"cmp"
	"slices"
)

// Usable says which policies of one Admitter a request may use: through the pod's service account, or through whoever
// sends the request. It is a value: equal ones are ==, so that it can be part of a key.
type Usable struct {
	account, creator string // sets of places in Admitter.policies
}

// Usable makes one from the names of the policies that the account may use, and of those that the creator may use; a name
// that is no policy's, or that of one which cannot admit anything, does not count. What the account may use does not
// count for a pod that has none: for a mirror pod.
func (a *Admitter) Usable(account, creator []string) Usable {
	return Usable{account: a.set(account), creator: a.set(creator)}
}

func (a *Admitter) set(names []string) string {
	bits := make([]byte, (len(a.policies)+7)/8)
	for _, name := range names {
		at, found := slices.BinarySearchFunc(a.policies, name, func(p *compiled, name string) int { return cmp.Compare(p.name, name) })
		if found {
			bits[at/8] |= 1 << (at % 8)
		}
	}
	return string(bits)
}

func (u Usable) has(i int, withAccount bool) bool {
	return isIn(u.creator, i) || withAccount && isIn(u.account, i)
}

func isIn(set string, i int) bool {
	return i/8 < len(set) && set[i/8]&(1<<(i%8)) != 0
}
