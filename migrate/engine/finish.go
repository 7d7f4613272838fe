package engine

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// finish names the sets, says what they do not cover, sorts the table and lists the policies that its alternatives name.
func (b *builder) finish() {
	t := b.table
	for i := range t.Sets {
		slices.Sort(t.Sets[i].Namespaces)
	}
	nameSets(t.Sets)
	slices.SortFunc(t.Sets, func(x, y Set) int { return strings.Compare(x.Name, y.Name) })
	if len(t.Sets) > 0 && !slices.ContainsFunc(t.Sets, func(s Set) bool { return len(s.Namespaces) == 0 }) {
		b.leaveOut(message.New("engine-new-namespaces"), nil)
	}
	named := map[string]bool{}
	for _, s := range t.Sets {
		for _, a := range s.Alternatives {
			named[a.Policy] = true
		}
	}
	for _, c := range b.candidates {
		if named[c.policy.Name] {
			t.Policies = append(t.Policies, b.tablePolicy(c))
		}
	}
	slices.SortStableFunc(t.LeftOut, func(x, y Remark) int {
		return cmp.Or(strings.Compare(x.Policy, y.Policy), strings.Compare(x.Field, y.Field))
	})
}

// byRequester is Policy.ByRequester of every policy: members of system:masters may use each by what they are, and whoever sends a request
// counts beside the pod's account.
const byRequester = true

// tablePolicy returns a candidate as the table has it.
func (b *builder) tablePolicy(c *candidate) Policy {
	out := Policy{Name: c.policy.Name, Constraints: c.all, ByRequester: byRequester}
	groups := b.grants.groups[c.number]
	if groups.extensions {
		out.Groups = append(out.Groups, "extensions")
	}
	if groups.policy || !groups.extensions {
		out.Groups = append(out.Groups, "policy")
	}
	return out
}

// allNamespaces is the name of a set that is for namespaces to come, too.
const allNamespaces = "all-namespaces"

// isReserved reports whether a set may not have the name of its only namespace: it would be taken for the set of all namespaces, or its
// objects for the guards of labels, and one would be applied over the other.
func isReserved(namespace string) bool {
	return namespace == allNamespaces || strings.HasPrefix(namespace, "guard")
}

// nameSets gives each set its name: that of its only namespace, or what it is and a hash of the namespaces, or all-namespaces. No two
// get the same.
func nameSets(sets []Set) {
	taken := map[string]bool{}
	for i := range sets {
		if s := &sets[i]; len(s.Namespaces) == 1 && !isReserved(s.Namespaces[0]) {
			s.Name = s.Namespaces[0]
			taken[s.Name] = true
		}
	}
	for i := range sets {
		s := &sets[i]
		switch {
		case s.Name != "":
			continue
		case len(s.Namespaces) == 0:
			s.Name = allNamespaces
		default:
			s.Name = hashedName(s, 8)
		}
		for digits := 8; taken[s.Name]; digits += 8 { // a namespace may have any name
			s.Name = hashedName(s, digits)
		}
		taken[s.Name] = true
	}
}

// hashedName returns a name for a set of several namespaces, with the beginning of the hash of their names.
func hashedName(s *Set, digits int) string {
	sum := sha256.Sum256([]byte(strings.Join(s.Namespaces, "\n")))
	return cmp.Or(string(s.Level), "namespaces") + "-" + hex.EncodeToString(sum[:])[:min(digits, 2*len(sum))]
}

// namesOf returns the names of namespaces of the Plan.
func namesOf(namespaces []*migrate.Namespace) []string {
	out := make([]string, 0, len(namespaces))
	for _, ns := range namespaces {
		out = append(out, ns.Name)
	}
	return out
}
