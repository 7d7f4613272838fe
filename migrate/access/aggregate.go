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
)

// aggregation computes what a controller of the cluster would: the rules of an aggregated ClusterRole are replaced by
// those of the ClusterRoles that its selectors match, if those have any. A role that a server wrote has been through it
// already.
//
// Roles are known by their places in cluster. Many aggregated roles may select the same many roles, so what they select is
// kept once, and what has to be found out goes from role to selection to role.
type aggregation struct {
	cluster []*role // every ClusterRole, by name
	// selects is what each aggregated role selects.
	selects map[int]*selection
	// in are the selections that a role is in.
	in map[int][]*selection
	// groups are the aggregated roles that select each other, and those alone that do not, each group behind all that it takes
	// rules from.
	groups []*group
	// literal is what the file of an aggregated role states itself.
	literal map[int]reach
	// invalid are roles with a selector that no API server accepts, with the error.
	invalid map[int]error
	// steps counts how often a role or a selection was looked at. Only a test reads it.
	steps int
}

// selection is what equal selectors match.
type selection struct {
	// owners are the aggregated roles with these selectors.
	owners []int
	// members are the roles that they match, as far as those can contribute anything. An owner that is among them does not
	// select itself, but that would change nothing for it either.
	members []int
	// takes: there are rules, of whatever kind, in a member that is not aggregated itself.
	takes bool
	// full is how many members are known to come to rules of whatever kind.
	full int
	// reach is what the members come to, written what all aggregated roles that it takes rules from state themselves.
	reach, written reach
	// err is set if no API server accepts the selectors.
	err error
}

// aggregate widens the roles in place and returns the aggregation for the questions that it leaves open.
func aggregate(roles map[roleKey]*role) *aggregation {
	a := &aggregation{selects: map[int]*selection{}, in: map[int][]*selection{}, literal: map[int]reach{}, invalid: map[int]error{}}
	for _, r := range roles {
		if r.key.namespace == "" {
			a.cluster = append(a.cluster, r)
		}
	}
	slices.SortFunc(a.cluster, func(x, y *role) int { return cmp.Compare(x.key.name, y.key.name) })
	a.selectAll()
	a.keep()
	a.settle()
	return a
}

// selectAll finds out what each aggregated role selects, once for equal selectors.
func (a *aggregation) selectAll() {
	known := map[string]*selection{}
	byLabel := a.byLabel()
	for i, r := range a.cluster {
		if !r.aggregated() {
			continue
		}
		a.literal[i] = r.reach
		r.reach = reach{}
		text, _ := json.Marshal(r.source.Aggregation.ClusterRoleSelectors) // strings always marshal
		s := known[string(text)]
		if s == nil {
			s = &selection{}
			known[string(text)] = s
			var selectors []labels.Selector
			if selectors, s.err = compile(r.source.Aggregation.ClusterRoleSelectors); s.err == nil {
				s.members, s.takes = a.matching(r.source.Aggregation.ClusterRoleSelectors, selectors, byLabel)
			}
			for _, j := range s.members {
				a.in[j] = append(a.in[j], s)
			}
		}
		s.owners = append(s.owners, i)
		a.selects[i] = s
		if s.err != nil {
			a.invalid[i] = s.err
		}
	}
}

var errNoSelector = errors.New("reading the aggregation rule: it has no selector")

// compile refuses what no API server takes.
func compile(in []metav1.LabelSelector) ([]labels.Selector, error) {
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

// byLabel are the roles that have a label.
func (a *aggregation) byLabel() map[[2]string][]int {
	out := map[[2]string][]int{}
	for i, r := range a.cluster {
		for key, value := range r.source.Labels {
			out[[2]string{key, value}] = append(out[[2]string{key, value}], i)
		}
	}
	return out
}

// matching leaves out roles that can never contribute anything; takes tells of those, too. Where a selector asks for a label,
// only the roles with that label are looked at.
func (a *aggregation) matching(asked []metav1.LabelSelector, selectors []labels.Selector, byLabel map[[2]string][]int) (members []int, takes bool) {
	matched := make([]bool, len(a.cluster))
	match := func(i int, s labels.Selector) {
		a.steps++
		r := a.cluster[i]
		contributes := r.aggregated() || r.reach.uses() || r.reach.pods
		fills := !r.aggregated() && r.hasRules()
		if matched[i] || !contributes && (takes || !fills) || !s.Matches(labels.Set(r.source.Labels)) {
			return
		}
		takes, matched[i] = takes || fills, contributes
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

// keep gives those roles their own rules back whose selection comes to no rules at all: the controller applies rules, and
// to apply none changes nothing. (It has applied them since v1.21. Before, it wrote them, none as well.)
func (a *aggregation) keep() {
	full := map[int]bool{}
	var open []int
	fill := func(i int) {
		if !full[i] {
			full[i] = true
			open = append(open, i)
		}
	}
	for _, i := range a.aggregated() {
		if a.selects[i].takes || a.cluster[i].hasRules() {
			fill(i)
		}
	}
	for len(open) > 0 {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		for _, s := range a.in[i] {
			a.steps++
			if s.full++; s.full == 1 {
				for _, owner := range s.owners {
					a.steps++
					fill(owner) // if it is i, it is full already
				}
			}
		}
	}
	for i, s := range a.selects {
		others := s.full
		if full[i] && slices.Contains(a.in[i], s) {
			others--
		}
		if !s.takes && others == 0 && a.invalid[i] == nil {
			a.cluster[i].reach, a.cluster[i].kept = a.literal[i], true
		}
	}
}

// settle gives every group what it comes to: what its roles keep, and what all that they select come to. Aggregated roles
// start empty, unless they keep their own rules, so rules in a circle do not keep each other alive.
func (a *aggregation) settle() {
	a.groups = a.inOrder()
	for _, g := range a.groups {
		var comes, written union
		for _, i := range g.roles {
			a.steps++
			comes.add(a.cluster[i].reach)
			written.add(a.literal[i])
			comes.add(a.selects[i].reach) // empty yet if it is of this group
			written.add(a.selects[i].written)
		}
		for _, s := range g.selections {
			for _, j := range s.members {
				a.steps++
				comes.add(a.cluster[j].reach)
				if taken := a.selects[j]; taken != nil {
					written.add(a.literal[j])
					written.add(taken.written)
				}
			}
		}
		all, texts := comes.reach(), written.reach()
		for _, i := range g.roles {
			a.cluster[i].reach = all
		}
		for _, s := range g.selections {
			s.reach, s.written = all, texts
		}
		g.written = texts
	}
}

// union adds reaches up. Roles that have the same from each other share their names, which are added once.
type union struct {
	all   reach
	names [][]string
	known map[*string]bool
}

func (u *union) add(o reach) {
	u.all.every, u.all.pods = u.all.every || o.every, u.all.pods || o.pods
	if len(o.named) == 0 || u.known[&o.named[0]] {
		return
	}
	if u.known == nil {
		u.known = map[*string]bool{}
	}
	u.known[&o.named[0]] = true
	u.names = append(u.names, o.named)
}

func (u *union) reach() reach {
	switch out := u.all; {
	case out.every:
		return out
	case len(u.names) == 1:
		out.named = u.names[0]
		return out
	default:
		out.named = slices.Concat(u.names...)
		out.settle()
		return out
	}
}

func (a *aggregation) aggregated() []int {
	out := make([]int, 0, len(a.selects))
	for i := range a.selects {
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}

// overwritten says which roles lose rules of their own to aggregation for certain.
func (a *aggregation) overwritten(circles []*group) []*role {
	inCircle := map[int]bool{}
	for _, c := range circles {
		for _, i := range c.roles {
			inCircle[i] = true
		}
	}
	var out []*role
	for _, i := range a.aggregated() {
		literal := a.literal[i]
		if literal.uses() && !inCircle[i] && !a.cluster[i].reach.covers(literal) {
			out = append(out, a.cluster[i])
		}
	}
	return out
}

// circles are the groups of aggregated roles that select each other.
func (a *aggregation) circles() []*group {
	var out []*group
	for _, g := range a.groups {
		if len(g.roles) > 1 {
			slices.Sort(g.roles)
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(x, y *group) int { return slices.Compare(x.roles, y.roles) })
	return out
}

// group is a strongly connected part of the graph of roles and selections: one role, one selection, or a circle.
type group struct {
	roles      []int
	selections []*selection
	// written is what the aggregated roles that it takes rules from, and its own, state themselves.
	written reach
}

// inOrder finds the groups by Tarjan's algorithm, each behind all that it leads to; the depth of the recursion is at most
// twice the number of aggregated roles.
func (a *aggregation) inOrder() []*group {
	t := &tarjan{a: a, nodes: map[node]*visit{}}
	for _, i := range a.aggregated() {
		if n := (node{role: i}); t.nodes[n] == nil {
			t.visit(n)
		}
	}
	return t.groups
}

// node is an aggregated role, or a selection.
type node struct {
	role      int
	selection *selection
}

type tarjan struct {
	a      *aggregation
	nodes  map[node]*visit
	stack  []node
	groups []*group
}

type visit struct {
	number, low int
	open        bool
}

func (t *tarjan) visit(n node) *visit {
	v := &visit{number: len(t.nodes), low: len(t.nodes), open: true}
	t.nodes[n] = v
	t.stack = append(t.stack, n)
	if n.selection == nil {
		t.follow(v, node{selection: t.a.selects[n.role]})
	} else {
		for _, j := range n.selection.members {
			if t.a.selects[j] != nil { // else it is not aggregated: there is no way back
				t.follow(v, node{role: j})
			}
		}
	}
	if v.low == v.number {
		t.close(n)
	}
	return v
}

func (t *tarjan) follow(from *visit, to node) {
	switch known := t.nodes[to]; {
	case known == nil:
		from.low = min(from.low, t.visit(to).low)
	case known.open:
		from.low = min(from.low, known.number)
	}
}

// close takes a group off the stack.
func (t *tarjan) close(first node) {
	g := &group{}
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

// unjudged are the roles whose rules cannot be known: in a circle the real controller may copy a rule to another role
// before it overwrites it, and each copy then keeps the other alive; which way it goes is a matter of timing. The gap
// touches every namespace where such a role, or one that takes its rules, is bound.
func (a *aggregation) unjudged(circles []*group, bindings []inventory.Binding) []inventory.Gap {
	var out []inventory.Gap
	bound := sync.OnceValue(func() map[string][]string { return boundIn(bindings) })
	add := func(roles []int, why string) {
		names := make([]string, 0, len(roles))
		for _, i := range roles {
			names = append(names, a.cluster[i].label)
		}
		if namespaces := a.reachedIn(roles, bound()); len(namespaces) > 0 {
			out = append(out, inventory.Gap{
				What: strings.Join(names, ", "), Why: why, Position: a.cluster[roles[0]].source.Position, Namespaces: namespaces, Changes: inventory.Grants,
			})
		}
	}
	for _, circle := range circles {
		// At stake is a rule written in the circle, or in an aggregated role that it takes rules from, that would grant something
		// that is not granted anyway: copied in before it is overwritten at its origin, it stays in the circle. All roles of a
		// circle come to the same.
		if !a.cluster[circle.roles[0]].reach.covers(circle.written) {
			add(circle.roles, "they select each other through aggregationRule, and whether the rules written in them survive that is a matter of timing; read these ClusterRoles from the cluster instead, or move the rules to a ClusterRole without aggregationRule")
		}
	}
	for _, i := range a.aggregated() {
		if err := a.invalid[i]; err != nil {
			add([]int{i}, err.Error()+"; correct the selector")
		}
	}
	return out
}

// reachedIn are the namespaces in which the given roles are bound, or one that takes rules from them.
func (a *aggregation) reachedIn(roles []int, bound map[string][]string) []string {
	reached := map[int]bool{}
	taken := map[*selection]bool{}
	var out []string
	for open := slices.Clone(roles); len(open) > 0; {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		if reached[i] {
			continue
		}
		reached[i] = true
		out = append(out, bound[a.cluster[i].key.name]...)
		for _, s := range a.in[i] {
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

// boundIn are the namespaces in which each ClusterRole is bound.
func boundIn(bindings []inventory.Binding) map[string][]string {
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
