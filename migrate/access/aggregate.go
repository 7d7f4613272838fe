package access

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// aggregation computes the rules of aggregated ClusterRoles as a controller of the cluster would: they are replaced by
// those of the ClusterRoles that its selectors match, if those have any. A role that a server wrote has been through it
// already.
//
// Roles are known by their index in cluster. Many aggregated roles may select the same many roles, so a selection is kept
// once, and what has to be found out goes from role to selection to role.
type aggregation struct {
	// cluster has every ClusterRole, by name.
	cluster []*resolvedRole
	// selectionOf is what each aggregated role selects.
	selectionOf map[int]*roleSelection
	// selectionsWith are the selections that a role is a member of.
	selectionsWith map[int][]*roleSelection
	// groups are the aggregated roles that select each other, and those alone that do not, each group after all that it
	// takes rules from.
	groups []*aggregationGroup
	// statedIn is what the file of an aggregated role states itself.
	statedIn map[int]grantedPolicies
	// invalid are roles with a selector that no API server accepts, with the error.
	invalid map[int]error
	// steps counts how often a role or a selection was looked at. Only a test reads it.
	steps int
}

// roleSelection is what equal selectors of aggregated ClusterRoles match.
type roleSelection struct {
	// owners are the aggregated roles with these selectors.
	owners []int
	// members are the roles that they match, as far as those can contribute anything. An owner that is among them does not
	// select itself, but that would change nothing for it either.
	members []int
	// hasRules is true if a member that is not aggregated itself has rules, of whatever kind.
	hasRules bool
	// membersWithRules is how many members are known to get rules of whatever kind.
	membersWithRules int
	// granted is what the members grant; stated is what all aggregated roles that it takes rules from state themselves.
	granted, stated grantedPolicies
	// err is set if no API server accepts the selectors.
	err error
}

// aggregateClusterRoles sets what aggregated roles grant, in place. It returns the aggregation for the questions that are
// left open.
func aggregateClusterRoles(roles map[roleKey]*resolvedRole) *aggregation {
	a := &aggregation{selectionOf: map[int]*roleSelection{}, selectionsWith: map[int][]*roleSelection{}, statedIn: map[int]grantedPolicies{}, invalid: map[int]error{}}
	for _, r := range roles {
		if r.key.namespace == "" {
			a.cluster = append(a.cluster, r)
		}
	}
	slices.SortFunc(a.cluster, func(x, y *resolvedRole) int { return cmp.Compare(x.key.name, y.key.name) })
	a.resolveSelections()
	a.restoreOwnRules()
	a.resolveGroups()
	return a
}

// resolveSelections finds the ClusterRoles that each aggregated ClusterRole selects, once for equal selectors.
func (a *aggregation) resolveSelections() {
	known := map[string]*roleSelection{}
	byLabel := a.rolesByLabel()
	for i, r := range a.cluster {
		if !r.awaitsAggregation() {
			continue
		}
		a.statedIn[i] = r.granted
		r.granted = grantedPolicies{}
		text, _ := json.Marshal(r.source.Aggregation.ClusterRoleSelectors) // strings always marshal
		s := known[string(text)]
		if s == nil {
			s = &roleSelection{}
			known[string(text)] = s
			var selectors []labels.Selector
			if selectors, s.err = compileSelectors(r.source.Aggregation.ClusterRoleSelectors); s.err == nil {
				s.members, s.hasRules = a.matchMembers(r.source.Aggregation.ClusterRoleSelectors, selectors, byLabel)
			}
			for _, j := range s.members {
				a.selectionsWith[j] = append(a.selectionsWith[j], s)
			}
		}
		s.owners = append(s.owners, i)
		a.selectionOf[i] = s
		if s.err != nil {
			a.invalid[i] = s.err
		}
	}
}

var errNoSelector = errors.New("reading the aggregation rule: it has no selector")

// compileSelectors returns the selectors of an RBAC role's aggregationRule. It returns an error for what no API server
// accepts.
func compileSelectors(in []metav1.LabelSelector) ([]labels.Selector, error) {
	if len(in) == 0 {
		return nil, errNoSelector
	}
	out := make([]labels.Selector, 0, len(in))
	for i := range in {
		selector, err := metav1.LabelSelectorAsSelector(&in[i])
		if err != nil {
			return nil, fmt.Errorf("reading selector %d of the aggregation rule: %w", i+1, err)
		}
		out = append(out, selector)
	}
	return out, nil
}

// rolesByLabel returns the ClusterRoles that have a label, by key and value.
func (a *aggregation) rolesByLabel() map[[2]string][]int {
	out := map[[2]string][]int{}
	for i, r := range a.cluster {
		for key, value := range r.source.Labels {
			out[[2]string{key, value}] = append(out[[2]string{key, value}], i)
		}
	}
	return out
}

// matchMembers returns the ClusterRoles that an aggregationRule selects, without roles that can never contribute
// anything, and whether a matching role that is not aggregated has rules. Where a selector asks for a label, only the
// roles with that label are looked at.
func (a *aggregation) matchMembers(asked []metav1.LabelSelector, selectors []labels.Selector, byLabel map[[2]string][]int) (members []int, takes bool) {
	matched := make([]bool, len(a.cluster))
	match := func(i int, s labels.Selector) {
		a.steps++
		r := a.cluster[i]
		contributes := r.awaitsAggregation() || r.granted.anyPolicy() || r.granted.createPods
		adds := !r.awaitsAggregation() && r.hasRules()
		if matched[i] || !contributes && (takes || !adds) || !s.Matches(labels.Set(r.source.Labels)) {
			return
		}
		takes, matched[i] = takes || adds, contributes
	}
	for n, s := range selectors {
		rarest, found := []int(nil), false
		for key, value := range asked[n].MatchLabels {
			if with := byLabel[[2]string{key, value}]; !found || len(with) < len(rarest) {
				rarest, found = with, true
			}
		}
		for _, i := range rarest {
			match(i, s)
		}
		for i := 0; !found && i < len(a.cluster); i++ {
			match(i, s)
		}
	}
	for i, is := range matched {
		if is {
			members = append(members, i)
		}
	}
	return members, takes
}

// restoreOwnRules gives those aggregated ClusterRoles their own rules back whose selection has no rules at all: the
// controller applies rules, and to apply none changes nothing. (It has applied them since v1.21. Before, it wrote them,
// none as well.)
func (a *aggregation) restoreOwnRules() {
	full := map[int]bool{}
	var open []int
	fill := func(i int) {
		if !full[i] {
			full[i] = true
			open = append(open, i)
		}
	}
	for _, i := range a.aggregatedRoles() {
		if a.selectionOf[i].hasRules || a.cluster[i].hasRules() {
			fill(i)
		}
	}
	for len(open) > 0 {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		for _, s := range a.selectionsWith[i] {
			a.steps++
			if s.membersWithRules++; s.membersWithRules == 1 {
				for _, owner := range s.owners {
					a.steps++
					fill(owner) // if it is i, it is full already
				}
			}
		}
	}
	for i, s := range a.selectionOf {
		others := s.membersWithRules
		if full[i] && slices.Contains(a.selectionsWith[i], s) {
			others--
		}
		if !s.hasRules && others == 0 && a.invalid[i] == nil {
			a.cluster[i].granted, a.cluster[i].keepsOwnRules = a.statedIn[i], true
		}
	}
}

// resolveGroups sets what every group of aggregated ClusterRoles grants: what its roles keep, and what all that they
// select grant. Aggregated roles start empty, unless they keep their own rules, so rules in a cycle do not keep each
// other alive.
func (a *aggregation) resolveGroups() {
	a.groups = a.groupsInOrder()
	for _, g := range a.groups {
		var comes, written grantedUnion
		for _, i := range g.roles {
			a.steps++
			comes.add(a.cluster[i].granted)
			written.add(a.statedIn[i])
			comes.add(a.selectionOf[i].granted) // empty yet if it is of this group
			written.add(a.selectionOf[i].stated)
		}
		for _, s := range g.selections {
			for _, j := range s.members {
				a.steps++
				comes.add(a.cluster[j].granted)
				if taken := a.selectionOf[j]; taken != nil {
					written.add(a.statedIn[j])
					written.add(taken.stated)
				}
			}
		}
		all, texts := comes.total(), written.total()
		for _, i := range g.roles {
			a.cluster[i].granted = all
		}
		for _, s := range g.selections {
			s.granted, s.stated = all, texts
		}
		g.stated = texts
	}
}

// grantedUnion adds up what RBAC roles grant. Roles that have the same from each other share their names, which are
// added once.
type grantedUnion struct {
	all   grantedPolicies
	names [][]string
	known map[*string]bool
}

// add adds what one RBAC role grants.
func (u *grantedUnion) add(o grantedPolicies) {
	u.all.everyPolicy, u.all.createPods = u.all.everyPolicy || o.everyPolicy, u.all.createPods || o.createPods
	if len(o.policies) == 0 || u.known[&o.policies[0]] {
		return
	}
	if u.known == nil {
		u.known = map[*string]bool{}
	}
	u.known[&o.policies[0]] = true
	u.names = append(u.names, o.policies)
}

// total returns what all added RBAC roles grant.
func (u *grantedUnion) total() grantedPolicies {
	switch out := u.all; {
	case out.everyPolicy:
		return out
	case len(u.names) == 1:
		out.policies = u.names[0]
		return out
	default:
		out.policies = slices.Concat(u.names...)
		out.sortPolicies()
		return out
	}
}

// aggregatedRoles returns the indexes of the aggregated ClusterRoles, sorted.
func (a *aggregation) aggregatedRoles() []int {
	out := make([]int, 0, len(a.selectionOf))
	for i := range a.selectionOf {
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}

// overwrittenRoles returns the ClusterRoles that lose rules of their own to aggregation for certain.
func (a *aggregation) overwrittenRoles(circles []*aggregationGroup) []*resolvedRole {
	inCircle := map[int]bool{}
	for _, c := range circles {
		for _, i := range c.roles {
			inCircle[i] = true
		}
	}
	var out []*resolvedRole
	for _, i := range a.aggregatedRoles() {
		literal := a.statedIn[i]
		if literal.anyPolicy() && !inCircle[i] && !a.cluster[i].granted.covers(literal) {
			out = append(out, a.cluster[i])
		}
	}
	return out
}

// cyclicGroups returns the groups of aggregated ClusterRoles that select each other, sorted.
func (a *aggregation) cyclicGroups() []*aggregationGroup {
	var out []*aggregationGroup
	for _, g := range a.groups {
		if len(g.roles) > 1 {
			slices.Sort(g.roles)
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(x, y *aggregationGroup) int { return slices.Compare(x.roles, y.roles) })
	return out
}

// aggregationGroup is a strongly connected part of the graph of aggregated ClusterRoles and their selections: one role,
// one selection, or a cycle.
type aggregationGroup struct {
	roles      []int
	selections []*roleSelection
	// stated is what the aggregated roles that it takes rules from, and its own, state themselves.
	stated grantedPolicies
}

// groupsInOrder finds the groups of aggregated ClusterRoles by Tarjan's algorithm, each after all that it leads to. The
// depth of the recursion is at most twice the number of aggregated roles.
func (a *aggregation) groupsInOrder() []*aggregationGroup {
	t := &tarjanSearch{a: a, nodes: map[aggregationNode]*nodeVisit{}}
	for _, i := range a.aggregatedRoles() {
		if n := (aggregationNode{role: i}); t.nodes[n] == nil {
			t.visit(n)
		}
	}
	return t.groups
}

// aggregationNode is a node of the aggregation graph: an aggregated ClusterRole, or what one selects.
type aggregationNode struct {
	role      int
	selection *roleSelection
}

// tarjanSearch is the state of Tarjan's search for strongly connected parts of the aggregation graph.
type tarjanSearch struct {
	a      *aggregation
	nodes  map[aggregationNode]*nodeVisit
	stack  []aggregationNode
	groups []*aggregationGroup
}

// nodeVisit is what Tarjan's search knows of a node of the aggregation graph: its number, the lowest number that it
// leads to, and whether it is on the stack.
type nodeVisit struct {
	number, low int
	open        bool
}

// visit searches the aggregation graph of ClusterRoles from a node.
func (t *tarjanSearch) visit(n aggregationNode) *nodeVisit {
	v := &nodeVisit{number: len(t.nodes), low: len(t.nodes), open: true}
	t.nodes[n] = v
	t.stack = append(t.stack, n)
	if n.selection == nil {
		t.followEdge(v, aggregationNode{selection: t.a.selectionOf[n.role]})
	} else {
		for _, j := range n.selection.members {
			if t.a.selectionOf[j] != nil { // else it is not aggregated: there is no way back
				t.followEdge(v, aggregationNode{role: j})
			}
		}
	}
	if v.low == v.number {
		t.closeGroup(n)
	}
	return v
}

// followEdge searches the aggregation graph of ClusterRoles from a node along one edge.
func (t *tarjanSearch) followEdge(from *nodeVisit, to aggregationNode) {
	switch known := t.nodes[to]; {
	case known == nil:
		from.low = min(from.low, t.visit(to).low)
	case known.open:
		from.low = min(from.low, known.number)
	}
}

// closeGroup takes the group of aggregated ClusterRoles that began with a node off the stack.
func (t *tarjanSearch) closeGroup(first aggregationNode) {
	g := &aggregationGroup{}
	for done := false; !done; {
		n := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.nodes[n].open = false
		if n.selection == nil {
			g.roles = append(g.roles, n.role)
		} else {
			g.selections = append(g.selections, n.selection)
		}
		done = n == first
	}
	t.groups = append(t.groups, g)
}

// unresolvedRoles returns the aggregated ClusterRoles whose rules cannot be known, as gaps. In a cycle the real
// controller may copy a rule to another role before it overwrites it, and each copy then keeps the other alive; which
// way it goes depends on timing. A gap touches every namespace where such a role, or one that takes its rules, is
// bound.
func (a *aggregation) unresolvedRoles(circles []*aggregationGroup, bindings []inventory.Binding) []inventory.Gap {
	var out []inventory.Gap
	bound := sync.OnceValue(func() map[string][]string { return namespacesByRole(bindings) })
	add := func(roles []int, why message.Message) {
		names := make([]string, 0, len(roles))
		for _, i := range roles {
			names = append(names, a.cluster[i].reference)
		}
		if namespaces := a.namespacesBinding(roles, bound()); len(namespaces) > 0 {
			out = append(out, inventory.Gap{
				What: strings.Join(names, ", "), Why: why, Position: a.cluster[roles[0]].source.Position, Namespaces: namespaces, Affects: inventory.PartGrants,
			})
		}
	}
	for _, circle := range circles {
		// At stake is a rule written in the circle, or in an aggregated role that it takes rules from, that would grant something
		// that is not granted anyway: copied in before it is overwritten at its origin, it stays in the circle. All roles of a
		// circle come to the same.
		if !a.cluster[circle.roles[0]].granted.covers(circle.stated) {
			add(circle.roles, message.New("role-aggregation-circle"))
		}
	}
	for _, i := range a.aggregatedRoles() {
		if err := a.invalid[i]; err != nil {
			add([]int{i}, message.New("role-aggregation-invalid", "error", err))
		}
	}
	return out
}

// namespacesBinding returns the namespaces with a binding to the given ClusterRoles, or one that takes rules from them.
func (a *aggregation) namespacesBinding(roles []int, bound map[string][]string) []string {
	reached := map[int]bool{}
	taken := map[*roleSelection]bool{}
	var out []string
	for open := slices.Clone(roles); len(open) > 0; {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		if reached[i] {
			continue
		}
		reached[i] = true
		out = append(out, bound[a.cluster[i].key.name]...)
		for _, s := range a.selectionsWith[i] {
			if !taken[s] {
				taken[s] = true
				open = append(open, s.owners...)
			}
		}
	}
	if slices.Contains(out, inventory.AllNamespaces) {
		return []string{inventory.AllNamespaces}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// namespacesByRole returns the namespaces in which each ClusterRole is bound.
func namespacesByRole(bindings []inventory.Binding) map[string][]string {
	out := map[string][]string{}
	for i := range bindings {
		b := &bindings[i]
		switch {
		case b.RoleKind != clusterRoleKind:
		case b.Namespace == "":
			out[b.RoleName] = append(out[b.RoleName], inventory.AllNamespaces)
		default:
			out[b.RoleName] = append(out[b.RoleName], b.Namespace)
		}
	}
	return out
}
