package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// PlanDocument builds the report on a Plan that fits one screen: what can be done today, a line for each namespace with
// what stands in the way there, a line each for policies, losses, findings and gaps, and the next steps as commands. On
// a terminal many namespaces become few lines, see fitted. With NoHeaders it is the lines of the namespaces alone.
func PlanDocument(p *migrate.Plan, opts Options) *Document {
	s := newPlanScreen(p, opts)
	rows := s.rows()
	if opts.NoHeaders {
		return &Document{Blocks: []Block{rowsTable(rows)}}
	}
	return s.fitted(rows)
}

// document returns the report on a Plan around its table of namespaces.
func (s *planScreen) document(t *Table) *Document {
	d := &Document{}
	d.add(s.headline(), t)
	if len(s.plan.Namespaces)+len(s.plan.Policies)+len(s.plan.Gaps) > 0 {
		d.add(pointersTable(slices.Concat(s.summary(), s.nextPointers()), s.opts.Width))
	}
	return d
}

// planScreen is what the parts of the report on a Plan have in common.
type planScreen struct {
	// plan has only what is about its namespaces, see planInScope.
	plan *migrate.Plan
	opts Options
	// patched are the workloads into which 'patch --keep' writes something.
	patched map[patch.WorkloadRef]bool
	// byHand are those of which it says what to change, and changes nothing: how many have that name.
	byHand map[patch.WorkloadRef]int
}

// newPlanScreen returns what the parts of the report on a Plan share.
func newPlanScreen(p *migrate.Plan, opts Options) *planScreen {
	s := &planScreen{plan: p, opts: opts}
	s.patched, s.byHand = keptWorkloads(p)
	if len(opts.Invocation.Scope) > 0 {
		s.plan = planInScope(p)
	}
	return s
}

// keptWorkloads returns, for a report, the workloads into which 'patch --keep' writes something, and those of which it says
// what to change and changes nothing.
func keptWorkloads(p *migrate.Plan) (patched map[patch.WorkloadRef]bool, byHand map[patch.WorkloadRef]int) {
	patched, byHand = map[patch.WorkloadRef]bool{}, map[patch.WorkloadRef]int{}
	patches := patch.PatchesFor(p, patch.Options{Set: patch.SetKeep})
	for i := range patches {
		w := &patches[i]
		switch {
		case !w.ManualReason.IsZero() || w.Incomplete:
			byHand[w.WorkloadRef]++
		case len(w.Values) > 0:
			patched[w.WorkloadRef] = true
		}
	}
	return patched, byHand
}

// isPatched reports whether 'patch --keep' writes something into a workload of the report.
func (s *planScreen) isPatched(ns *migrate.Namespace, w *migrate.Workload) bool {
	return s.patched[patch.WorkloadRef{Namespace: ns.Name, Kind: w.Kind, Name: w.Name}]
}

// headline returns the report's sentences on what can be done today, how much stands in the way, and what was not read.
func (s *planScreen) headline() Paragraph {
	source := fmt.Sprintf("Plan for %s, from %s", s.plan.TargetVersion, phrases.SourcePhrase(s.plan.Source))
	if unread := s.unread(); len(unread) > 0 {
		source += "; " + strings.Join(unread, ", ")
	}
	if n := s.estimated(); n > 0 {
		source += fmt.Sprintf("; %d estimated", n)
	}
	if len(s.plan.Namespaces) == 0 {
		return Paragraph{source + ".", "No namespaces."}
	}
	return Paragraph{source + ".", s.namespacesSentence(), s.workloadsSentence()}
}

// unread returns the report's counts of what could not be read or judged: gaps, roles, lists of which a note says it.
func (s *planScreen) unread() []string {
	var parts []string
	if text := countsOrNone(count{len(s.plan.Gaps), "gap", "gaps"}, count{len(grantFindings(s.plan, true)), "role not read", "roles not read"}); text != "none" {
		parts = append(parts, text)
	}
	for _, list := range s.unreadLists() {
		parts = append(parts, list+" not read")
	}
	return parts
}

// estimated returns the number of namespaces of the report whose level rests on an estimate.
func (s *planScreen) estimated() int {
	n := 0
	for i := range s.plan.Namespaces {
		if ns := &s.plan.Namespaces[i]; isEstimated(ns) || len(injectorsThatDecide(ns)) > 0 {
			n++
		}
	}
	return n
}

// unreadLists returns the report's names of what the server did not list though it may change pods or refuse them: a
// note says that, and no gap.
func (s *planScreen) unreadLists() []string {
	webhooks, others := false, map[string]bool{}
	for i := range s.plan.Notes {
		for _, r := range unreadResources(&s.plan.Notes[i]) {
			if strings.Contains(r, "webhookconfigurations.") {
				webhooks = true
			} else {
				others[r] = true
			}
		}
	}
	var out []string
	if webhooks {
		out = append(out, "webhook configurations")
	}
	if len(others) > 0 {
		out = append(out, english.Count(len(others), "kind of custom resource", "kinds of custom resources"))
	}
	return out
}

// unreadResources returns the resources of which a note of the report says that the server refused their list, or that it
// failed; none for any other note.
func unreadResources(n *migrate.Note) []string {
	switch n.ID {
	case "custom-lists-forbidden":
		resources, _ := n.Args.Get("resources").([]string)
		return resources
	case "list-failed", "list-not-found", "version-not-served":
		return []string{n.What}
	}
	return nil
}

// namespacesSentence returns the report's sentence on how many namespaces can enforce which level today, and on the
// others.
func (s *planScreen) namespacesSentence() string {
	all := len(s.plan.Namespaces)
	some := func(n int) string {
		switch {
		case n < all:
			return fmt.Sprint(n)
		case n == 1:
			return "it"
		}
		return "all"
	}
	var can, parts []string
	for _, l := range []count{{s.countRank(rankRestricted), "restricted", "restricted today"}, {s.countRank(rankBaseline), "baseline", "baseline today"}, {s.countRank(rankPrivileged), "only privileged", "only privileged"}} {
		switch {
		case l.n > 0 && len(can) == 0:
			can = append(can, some(l.n)+" can enforce "+l.many)
		case l.n > 0:
			can = append(can, some(l.n)+" "+l.one)
		}
	}
	if len(can) > 0 {
		parts = []string{strings.Join(can, ", ")}
	}
	for _, other := range []count{
		{s.countRank(rankRefusing), "is asked to refuse what runs there", "are asked to refuse what runs there"},
		{s.countRank(rankLoosened), "enforces more than what runs there meets", "enforce more than what runs there meets"},
		{s.countRank(rankUnknown), "is unknown", "are unknown"},
		{s.countRank(rankSkipped), "is left alone", "are left alone"},
	} {
		if other.n > 0 {
			parts = append(parts, some(other.n)+" "+english.Plural(other.n, other.one, other.many))
		}
	}
	return namespaces(all) + ": " + strings.Join(parts, "; ") + "."
}

// workloadsSentence returns the report's sentence on how many workloads keep namespaces from a stricter level, and for
// how many of them 'patch --keep' is enough.
func (s *planScreen) workloadsSentence() string {
	workloads, blocking, kept := 0, 0, 0
	for i := range s.plan.Namespaces {
		ns := &s.plan.Namespaces[i]
		workloads += len(ns.Workloads)
		blocking += len(blockedWorkloads(ns))
		kept += s.keptIn(ns)
	}
	if workloads == 0 {
		return "No workloads."
	}
	text := english.Count(workloads, "workload", "workloads") + ": "
	switch {
	case blocking == 0:
		return text + "none keeps its namespace from the next level."
	case blocking == 1:
		text += "1 keeps its namespace from the next level"
	default:
		text += fmt.Sprintf("%d keep namespaces from the next level", blocking)
	}
	switch {
	case kept == 0:
		return text + "."
	case kept < blocking:
		return fmt.Sprintf("%s, %d only until patch --keep.", text, kept)
	case kept > 1:
		text += ", all"
	default:
		text += ","
	}
	return text + " only until patch --keep."
}

// keptIn returns how many of the workloads that keep a namespace of the report from its next level do so only until 'patch
// --keep' is applied.
func (s *planScreen) keptIn(ns *migrate.Namespace) int {
	n, blocked, next := 0, blockedWorkloads(ns), levels.NextStricter(ns.NeededLevel)
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		if blocked[migrate.WorkloadRef{Kind: w.Kind, Name: w.Name}] && s.isPatched(ns, w) && levels.Rank(w.Levels.AsAdmitted) >= levels.Rank(next) {
			n++
		}
	}
	return n
}

// blockedWorkloads returns the workloads that keep a namespace of the report from its next stricter level.
func blockedWorkloads(ns *migrate.Namespace) map[migrate.WorkloadRef]bool {
	out := map[migrate.WorkloadRef]bool{}
	for _, b := range ns.Blockers {
		for _, w := range b.Workloads {
			out[w] = true
		}
	}
	return out
}
