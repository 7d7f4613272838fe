package access

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// aggregation computes what a controller of the cluster would: the rules of an aggregated ClusterRole are replaced by
// those of the ClusterRoles that its selectors match, if those have any. A role that a server wrote has been through it
// already.
type aggregation struct {
	cluster []*role // every ClusterRole, by name
	// selects: for each aggregated role, by its place in cluster, the places of the roles it selects but itself, as far
	// as those can contribute anything.
	selects map[int][]int
	// takes: it selects a role with rules, of whatever kind, that is not aggregated itself.
	takes map[int]bool
	// literal is what the file of an aggregated role states itself.
	literal map[int]reach
	// invalid are roles with a selector that no API server accepts, with the error.
	invalid map[int]error
}

// aggregate widens the roles in place and returns the aggregation for the questions that it leaves open.
func aggregate(roles map[roleKey]*role) *aggregation {
	a := &aggregation{selects: map[int][]int{}, takes: map[int]bool{}, literal: map[int]reach{}, invalid: map[int]error{}}
	for _, r := range roles {
		if r.key.namespace == "" {
			a.cluster = append(a.cluster, r)
		}
	}
	slices.SortFunc(a.cluster, func(x, y *role) int { return cmp.Compare(x.key.name, y.key.name) })
	for i, r := range a.cluster {
		if !r.aggregated() {
			continue
		}
		selectors, err := compile(r.source.Aggregation.ClusterRoleSelectors)
		if err != nil {
			a.invalid[i] = err
		}
		a.literal[i] = r.reach
		r.reach = reach{}
		a.selects[i], a.takes[i] = a.matching(selectors, i)
	}
	a.keep()
	a.settle()
	return a
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

// matching leaves out roles that can never contribute anything; takes tells of those, too.
func (a *aggregation) matching(selectors []labels.Selector, self int) (selects []int, takes bool) {
	for i, r := range a.cluster {
		contributes := r.aggregated() || r.reach.uses() || r.reach.pods
		fills := !r.aggregated() && r.hasRules()
		if i == self || !contributes && (takes || !fills) {
			continue
		}
		if !slices.ContainsFunc(selectors, func(s labels.Selector) bool { return s.Matches(labels.Set(r.source.Labels)) }) {
			continue
		}
		takes = takes || fills
		if contributes {
			selects = append(selects, i)
		}
	}
	return selects, takes
}

// keep gives those roles their own rules back whose selection comes to no rules at all: the controller applies rules, and
// to apply none changes nothing. (It has applied them since v1.21. Before, it wrote them, none as well.)
func (a *aggregation) keep() {
	full := map[int]bool{}
	for i := range a.selects {
		full[i] = a.takes[i] || a.cluster[i].hasRules()
	}
	for changed := true; changed; {
		changed = false
		for i, selected := range a.selects {
			if !full[i] && slices.ContainsFunc(selected, func(j int) bool { return full[j] }) {
				full[i], changed = true, true
			}
		}
	}
	for i, selected := range a.selects {
		overwritten := a.takes[i] || slices.ContainsFunc(selected, func(j int) bool { return full[j] })
		if !overwritten && a.invalid[i] == nil {
			a.cluster[i].reach, a.cluster[i].kept = a.literal[i], true
		}
	}
}

// settle repeats to the fixed point. Aggregated roles start empty, unless they keep their own rules, so rules in a circle
// do not keep each other alive.
func (a *aggregation) settle() {
	order := a.aggregated()
	for changed := true; changed; {
		changed = false
		for _, i := range order {
			for _, j := range a.selects[i] {
				changed = a.cluster[i].reach.add(a.cluster[j].reach) || changed
			}
		}
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
func (a *aggregation) overwritten(circles [][]int) []*role {
	var out []*role
	for _, i := range a.aggregated() {
		inCircle := slices.ContainsFunc(circles, func(c []int) bool { return slices.Contains(c, i) })
		literal := a.literal[i]
		if literal.uses() && !inCircle && !a.cluster[i].reach.covers(literal) {
			out = append(out, a.cluster[i])
		}
	}
	return out
}

// circles are the groups of aggregated roles that select each other, by Tarjan's algorithm; the depth of the recursion
// is at most the number of aggregated roles.
func (a *aggregation) circles() [][]int {
	t := &tarjan{selects: a.selects, number: map[int]int{}, low: map[int]int{}, open: map[int]bool{}}
	for _, i := range a.aggregated() {
		if t.number[i] == 0 {
			t.visit(i)
		}
	}
	slices.SortFunc(t.circles, slices.Compare)
	return t.circles
}

type tarjan struct {
	selects     map[int][]int
	number, low map[int]int
	open        map[int]bool
	stack       []int
	circles     [][]int
}

func (t *tarjan) visit(i int) {
	t.number[i] = len(t.number) + 1
	t.low[i] = t.number[i]
	t.stack = append(t.stack, i)
	t.open[i] = true
	for _, j := range t.selects[i] {
		switch {
		case t.selects[j] == nil: // not aggregated, or it selects nothing: no way back
		case t.number[j] == 0:
			t.visit(j)
			t.low[i] = min(t.low[i], t.low[j])
		case t.open[j]:
			t.low[i] = min(t.low[i], t.number[j])
		}
	}
	if t.low[i] != t.number[i] {
		return
	}
	at := slices.Index(t.stack, i)
	circle := slices.Clone(t.stack[at:])
	t.stack = t.stack[:at]
	for _, j := range circle {
		delete(t.open, j)
	}
	if len(circle) > 1 {
		slices.Sort(circle)
		t.circles = append(t.circles, circle)
	}
}

// unjudged are the roles whose rules cannot be known: in a circle the real controller may copy a rule to another role
// before it overwrites it, and each copy then keeps the other alive; which way it goes is a matter of timing. The gap
// touches every namespace where such a role, or one that takes its rules, is bound.
func (a *aggregation) unjudged(circles [][]int, bindings []inventory.Binding) []inventory.Gap {
	var out []inventory.Gap
	for _, circle := range circles {
		if !a.literalAtStake(circle) {
			continue
		}
		if gap, bound := a.gap(circle, bindings, "they select each other through aggregationRule, and whether the rules written in them survive that is a matter of timing; read these ClusterRoles from the cluster instead, or move the rules to a ClusterRole without aggregationRule"); bound {
			out = append(out, gap)
		}
	}
	for _, i := range a.aggregated() {
		if err := a.invalid[i]; err != nil {
			if gap, bound := a.gap([]int{i}, bindings, err.Error()+"; correct the selector"); bound {
				out = append(out, gap)
			}
		}
	}
	return out
}

// literalAtStake is true if a rule written in the circle, or in an aggregated role that it takes rules from, would
// grant something that is not granted anyway: copied in before it is overwritten at its origin, it stays in the circle.
func (a *aggregation) literalAtStake(circle []int) bool {
	for i := range spread(circle, func(i int) []int { return a.selects[i] }) {
		literal := a.literal[i]
		if slices.ContainsFunc(circle, func(j int) bool { return !a.cluster[j].reach.covers(literal) }) {
			return true
		}
	}
	return false
}

// spread follows next from the given places, which it includes.
func spread(from []int, next func(int) []int) map[int]bool {
	reached := map[int]bool{}
	for open := slices.Clone(from); len(open) > 0; {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		if !reached[i] {
			reached[i] = true
			open = append(open, next(i)...)
		}
	}
	return reached
}

func (a *aggregation) gap(circle []int, bindings []inventory.Binding, why string) (inventory.Gap, bool) {
	names := make([]string, 0, len(circle))
	for _, i := range circle {
		names = append(names, a.cluster[i].label)
	}
	namespaces := boundIn(a.downstream(circle), bindings)
	return inventory.Gap{
		What:       strings.Join(names, ", "),
		Why:        why,
		Position:   a.cluster[circle[0]].source.Position,
		Namespaces: namespaces,
	}, len(namespaces) > 0
}

// downstream names the given roles and all that take rules from them.
func (a *aggregation) downstream(from []int) map[string]bool {
	takers := map[int][]int{}
	for i, selected := range a.selects {
		for _, j := range selected {
			takers[j] = append(takers[j], i)
		}
	}
	reached := spread(from, func(i int) []int { return takers[i] })
	names := make(map[string]bool, len(reached))
	for i := range reached {
		names[a.cluster[i].key.name] = true
	}
	return names
}

func boundIn(clusterRoles map[string]bool, bindings []inventory.Binding) []string {
	var out []string
	for i := range bindings {
		b := &bindings[i]
		switch {
		case b.RoleKind != clusterRoleKind || !clusterRoles[b.RoleName]:
		case b.Namespace == "":
			return []string{inventory.AllNamespaces}
		default:
			out = append(out, b.Namespace)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
