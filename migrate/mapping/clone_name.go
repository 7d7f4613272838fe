package mapping

import (
	"iter"
	"strings"
)

// maxNameLength of a Kubernetes object (a DNS-1123 subdomain).
const maxNameLength = 253

// namesSortingBefore yields valid names that sort before the given one, byte by byte as admission sorts policies, the best first.
//
// No name may begin with a character that sorts before 0, and none may hold one that sorts before the dash. So 0 and
// a dash come before every name, but for one that begins with 0 and dashes itself: there it takes a dash more than
// those. A name that becomes too long loses its end. The name 0 alone comes before all others, and nothing before it.
func namesSortingBefore(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if name == "0" {
			return
		}
		dashes := 1
		if rest, ok := strings.CutPrefix(name, "0"); ok {
			dashes += len(rest) - len(strings.TrimLeft(rest, "-"))
		}
		for ; dashes+1 < maxNameLength; dashes++ {
			prefix := "0" + strings.Repeat("-", dashes)
			kept := strings.TrimRight(name[:min(len(name), maxNameLength-len(prefix))], "-.")
			if !yield(prefix + kept) {
				return
			}
		}
		yield("0")
	}
}
