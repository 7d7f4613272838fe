package pspparse

import (
	"iter"
	"strings"
)

// MaxNameLength of a Kubernetes object (a DNS-1123 subdomain).
const MaxNameLength = 253

// PrefixesBefore yields beginnings for names that new PodSecurityPolicy objects can have, the shortest first: names that
// begin with one sort before the given name. Bytes are compared, as PSP admission does when it tries policies by name. It yields none for
// "0", the first of all names.
//
// No name may begin with a character that sorts before 0, and none may hold one that sorts before the dash. So 0 and
// a dash come before every name, except one that begins with 0 and dashes itself: there it takes a dash more.
func PrefixesBefore(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if name == "0" {
			return
		}
		dashes := 1
		if rest, ok := strings.CutPrefix(name, "0"); ok {
			dashes += len(rest) - len(strings.TrimLeft(rest, "-"))
		}
		for ; dashes+1 < MaxNameLength && yield("0"+strings.Repeat("-", dashes)); dashes++ {
		}
	}
}
