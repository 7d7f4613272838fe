package report

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/migrate/phrases"
)

// Overview is what the report on a Plan says at a glance, as values: its sentences, its line for each namespace, and the steps that
// go on from it. Other reports say the same with it.
type Overview struct {
	// Plan has only what is about its namespaces where the invocation has a scope.
	Plan *migrate.Plan
	// Invocation is how the tool is called again for the same source.
	Invocation Invocation
	// Sentences are those at the head of the report.
	Sentences []string
	// UnreadLists are the names of lists that a note says were not read. Estimated is the number of namespaces whose level rests on an
	// estimate.
	UnreadLists []string
	Estimated   int
	// Namespaces are the lines of the report's table, the worst first.
	Namespaces []NamespaceLine
	// Next are the steps that go on from the report, in their order.
	Next []NextStep
	// Patched are the workloads into which 'patch --keep' writes something, ByHand those of which it says what to change, with how many
	// have that name.
	Patched map[patch.WorkloadRef]bool
	ByHand  map[patch.WorkloadRef]int
	// Refusing is in how many namespaces the recommended level refuses what runs there, as somebody asked for.
	Refusing int
}

// NamespaceLine is what a line of the report's table says of one namespace.
type NamespaceLine struct {
	*migrate.Namespace
	// TodayText and EnforceText are the cells on the level that is enforced today, and the one to enforce: "none", "as today".
	TodayText, EnforceText string
	// Today, Recommended and WithPatches are the levels that are in force today, once the recommended labels are set, and once also
	// what 'patch --keep' writes is applied: "none" without a label, "unknown" where that is not known.
	Today, Recommended, WithPatches string
	// InTheWay is what stands in the way of the next level.
	InTheWay string
}

// The words of a NamespaceLine of the report for what is no level.
const (
	NoLevel      = "none"
	UnknownLevel = "unknown"
)

// NewOverview returns what the report on a Plan says at a glance.
func NewOverview(p *migrate.Plan, opts Options) *Overview {
	s := newPlanScreen(p, opts)
	o := &Overview{
		Plan: s.plan, Invocation: s.invocation(), Sentences: s.headline(), UnreadLists: s.unreadLists(), Estimated: s.estimated(),
		Next: s.nextSteps(), Patched: s.patched, ByHand: s.byHand, Refusing: s.countRank(rankRefusing),
	}
	byName := map[string]*migrate.Namespace{}
	for i := range s.plan.Namespaces {
		byName[s.plan.Namespaces[i].Name] = &s.plan.Namespaces[i]
	}
	for _, r := range s.rows() {
		line := NamespaceLine{Namespace: byName[r.names[0]], TodayText: r.today, EnforceText: r.enforce, InTheWay: r.inTheWay()}
		line.setLevels(r.rank, s.levelAfterKeep(line.Namespace))
		o.Namespaces = append(o.Namespaces, line)
	}
	return o
}

// setLevels sets the levels of a namespace's line in the report from its place in the table and the level after 'patch --keep'.
func (l *NamespaceLine) setLevels(rank rowRank, afterKeep api.Level) {
	l.Today = levelToday(l.Namespace)
	switch rank {
	case rankUnknown:
		l.Recommended, l.WithPatches = UnknownLevel, UnknownLevel
		return
	case rankSkipped, rankLoosened:
		l.Recommended = l.Today
	default:
		l.Recommended = l.RecommendedLabels.Enforce
	}
	l.WithPatches = l.Recommended
	if afterKeep != "" && !levels.Looser(afterKeep, api.Level(l.Recommended)) {
		l.WithPatches = string(afterKeep)
	}
}

// levelToday returns the level that a namespace of the report enforces today, by its labels or the admission configuration.
func levelToday(ns *migrate.Namespace) string {
	label := phrases.CurrentLabel(ns, api.EnforceLevelLabel)
	switch {
	case ns.Exempt, label == "" && ns.EffectiveLabels == nil && !ns.ObjectNotRead:
		return NoLevel
	case label == "" && ns.EffectiveLabels == nil:
		return UnknownLevel
	}
	return string(ns.EffectivePolicyToday().Enforce.Level)
}

// RolesNotRead returns, for a report, what the Plan says of roles that bindings refer to and that were not read.
func RolesNotRead(p *migrate.Plan) []string { return grantFindings(p, true) }
