package engine

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/migrate"
)

// grantIndex answers who may use which candidate in a namespace. Namespaces whose grants are alike, seen from each, get the same
// answer, which is made once.
type grantIndex struct {
	candidates []*candidate
	// policies of each role set, by number, as numbers of candidates.
	policies [][]int
	// base are the grants that hold in every namespace, as those see them whom no grant names; homes are what some namespaces see
	// differently of them. local are the grants of each namespace.
	base         []heldGrant
	homes, local map[string][]heldGrant
	// administrators may use every policy everywhere: they make no policy usable in a namespace.
	administrators []grantee
	answers        map[string]*grantSet
	groups         []apiGroups
	work           *int
}

// heldGrant is the right of a grantee to use the policies of a role set.
type heldGrant struct {
	grantee
	set int
}

// grantSet is who may use which candidates in the namespaces whose grants are alike.
type grantSet struct {
	// key is equal for equal sets.
	key string
	// byCandidate has an entry for each that somebody may use.
	byCandidate map[int]*users
}

// apiGroups are the API groups of the rules by which somebody may use a candidate.
type apiGroups struct{ policy, extensions bool }

// newGrantIndex returns the index of the grants of a Plan to use candidates. It adds to work what it does.
func newGrantIndex(p *migrate.Plan, candidates []*candidate, work *int) *grantIndex {
	x := &grantIndex{
		candidates: candidates, homes: map[string][]heldGrant{}, local: map[string][]heldGrant{}, answers: map[string]*grantSet{},
		groups: make([]apiGroups, len(candidates)), work: work,
	}
	byName := make(map[string]int, len(candidates))
	for _, c := range candidates {
		byName[c.policy.Name] = c.number
	}
	sets := x.addRoles(p, byName)
	admins := administratorsOf(p)
	for i := range p.Bindings {
		b := &p.Bindings[i]
		set, known := sets[b.Role]
		if !known {
			continue
		}
		for _, s := range b.Subjects {
			if b.Namespace != "" {
				x.local[b.Namespace] = append(x.local[b.Namespace], heldGrant{granteeIn(s, b.Namespace), set})
				continue
			}
			if home := homeOf(s); home != "" {
				x.homes[home] = append(x.homes[home], heldGrant{granteeIn(s, home), set})
			}
			general := granteeIn(s, "")
			if admins[adminGrant{s, b.Reference()}] && general.kind != everybody && general.kind != controllers {
				x.administrators = append(x.administrators, general)
				continue
			}
			x.base = append(x.base, heldGrant{general, set})
		}
	}
	return x
}

// adminGrant is what a Plan has of a grant of every policy everywhere.
type adminGrant struct {
	migrate.Subject
	binding string
}

// administratorsOf returns the grants of the Plan's cluster administrators.
func administratorsOf(p *migrate.Plan) map[adminGrant]bool {
	out := map[adminGrant]bool{}
	for _, g := range p.ClusterAdministrators {
		out[adminGrant{g.Subject, g.Binding}] = true
	}
	return out
}

// addRoles numbers the sets of candidates that the Plan's roles let use, notes the API groups of their rules, and returns the number
// of each role's set by its reference.
func (x *grantIndex) addRoles(p *migrate.Plan, byName map[string]int) map[string]int {
	sets, known := map[string]int{}, map[string]int{}
	for i := range p.Roles {
		r := &p.Roles[i]
		var policies []int
		if slices.Equal(r.Policies, []string{migrate.EveryPolicy}) {
			for _, c := range x.candidates {
				policies = append(policies, c.number)
			}
		} else {
			for _, name := range r.Policies {
				if number, is := byName[name]; is {
					policies = append(policies, number)
				}
			}
		}
		slices.Sort(policies)
		if len(policies) == 0 {
			continue
		}
		x.addAPIGroups(r, policies, byName)
		key := fmt.Sprint(policies)
		number, is := known[key]
		if !is {
			number = len(x.policies)
			known[key] = number
			x.policies = append(x.policies, policies)
		}
		sets[r.Reference()] = number
	}
	return sets
}

// addAPIGroups notes by the rules of which API groups a role lets use candidates. Those that a role has by no rule of its own,
// because another one lends it the rules, are noted for both groups.
func (x *grantIndex) addAPIGroups(r *migrate.Role, policies []int, byName map[string]int) {
	found := make(map[int]apiGroups, len(policies))
	note := func(number int, g apiGroups) {
		old := found[number]
		found[number] = apiGroups{old.policy || g.policy, old.extensions || g.extensions}
	}
	for i := range r.Rules {
		rule := &r.Rules[i]
		g, uses := groupsOfRule(rule)
		switch {
		case !uses:
		case len(rule.ResourceNames) == 0:
			for _, number := range policies {
				note(number, g)
			}
		default:
			for _, name := range rule.ResourceNames {
				if number, is := byName[name]; is {
					note(number, g)
				}
			}
		}
	}
	for _, number := range policies {
		g, is := found[number]
		if !is {
			g = apiGroups{policy: true, extensions: r.Aggregated}
		}
		if g.policy && !r.Aggregated {
			g.extensions = false // whoever has both passes by the first
		}
		x.groups[number] = apiGroups{x.groups[number].policy || g.policy, x.groups[number].extensions || g.extensions}
	}
}

// groupsOfRule returns by which API groups a rule of a role lets use policies, and whether it does. A rule for any group counts for
// the first.
func groupsOfRule(r *rbacv1.PolicyRule) (g apiGroups, uses bool) {
	has := func(list []string, words ...string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(words, s) })
	}
	if !has(r.Verbs, "use", "*") || !has(r.Resources, "podsecuritypolicies", "*") {
		return g, false
	}
	g = apiGroups{policy: has(r.APIGroups, "policy", "*"), extensions: has(r.APIGroups, "extensions")}
	return g, g.policy || g.extensions
}

// in returns who may use which candidates in a namespace.
func (x *grantIndex) in(namespace string) *grantSet {
	own := slices.Concat(x.homes[namespace], x.local[namespace])
	slices.SortFunc(own, compareHeldGrants)
	own = slices.Compact(own)
	var key strings.Builder
	for _, g := range own {
		fmt.Fprintf(&key, "%c%d %s\n", g.kind, g.set, g.name)
	}
	answer, known := x.answers[key.String()]
	if !known {
		answer = x.join(key.String(), own)
		x.answers[key.String()] = answer
	}
	return answer
}

// join returns who may use which candidates by the grants of some namespaces and those that hold everywhere.
func (x *grantIndex) join(key string, own []heldGrant) *grantSet {
	out := &grantSet{key: key, byCandidate: map[int]*users{}}
	var shared map[int]*users
	base := []heldGrant(nil)
	if key == "" {
		base = x.base
	} else {
		shared = x.in("").byCandidate
	}
	byCandidate := map[int][]grantee{}
	for _, g := range slices.Concat(own, base) {
		for _, number := range x.policies[g.set] {
			*x.work++
			byCandidate[number] = append(byCandidate[number], g.grantee)
		}
	}
	for number, u := range shared {
		*x.work++
		out.byCandidate[number] = u
	}
	for number, grantees := range byCandidate {
		u := usersOf(grantees)
		if more := shared[number]; more != nil {
			u = u.and(more)
		}
		out.byCandidate[number] = u
	}
	return out
}

// and returns all who are in one of two sets.
func (u *users) and(o *users) *users {
	join := func(a, b []string) []string {
		all := slices.Concat(a, b)
		slices.Sort(all)
		return slices.Compact(all)
	}
	return &users{
		everybody: u.everybody || o.everybody, controllers: u.controllers || o.controllers, onlyNodes: u.onlyNodes && o.onlyNodes,
		accounts: join(u.accounts, o.accounts), users: join(u.users, o.users), groups: join(u.groups, o.groups),
	}
}

// usable returns the candidates that somebody but kubelets may use, in the order of a list of all.
func (s *grantSet) usable(all []*candidate) []*candidate {
	var out []*candidate
	for _, c := range all {
		if u := s.byCandidate[c.number]; u != nil && !u.onlyNodes {
			out = append(out, c)
		}
	}
	return out
}

// compareHeldGrants orders grants by grantee and role set.
func compareHeldGrants(x, y heldGrant) int {
	if x.kind != y.kind {
		return int(x.kind) - int(y.kind)
	}
	if c := strings.Compare(x.name, y.name); c != 0 {
		return c
	}
	return x.set - y.set
}
