package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// savedPlan is the file that a report names where its source cannot be read again.
const savedPlan = "plan.json"

// invocation returns how the report's tool is called again for the same source.
func (s *planScreen) invocation() Invocation {
	c := s.opts.Invocation
	if s.mustBeSaved() {
		c.Source, c.Target, c.Decide = []string{"--plan", savedPlan}, nil, nil
		c.Secret = ""
	} else if len(c.Source) == 0 && s.plan.Source.Kind == inventory.SourceDemo {
		c.Source = []string{"--demo"}
	}
	return c
}

// mustBeSaved reports whether the commands of a report can go on from a saved plan only: what it was made from is not
// known, or can be read once.
func (s *planScreen) mustBeSaved() bool {
	c := s.opts.Invocation
	return c.OneTime || len(c.Source) == 0 && slices.Contains([]inventory.SourceKind{inventory.SourceFiles, inventory.SourceSnapshot}, s.plan.Source.Kind)
}

// NextStep is one of the steps that go on from the report on a Plan: what it is, what has to be touched, and the command.
type NextStep struct {
	ID      StepID
	Text    string
	Command string
	// Workloads and Namespaces are how many it touches; Workloads is 0 where it touches none of them.
	Workloads, Namespaces int
	// ByHand is how many of the Workloads a command only names: people change them.
	ByHand int
}

// StepID names one of the steps that go on from the report on a Plan.
type StepID string

// The steps, in their order.
const (
	// StepUnredact is there in place of StepSave where names are pseudonyms.
	StepUnredact     StepID = "unredact"
	StepSave         StepID = "save"
	StepGaps         StepID = "gaps"
	StepPatch        StepID = "patch"
	StepOldRevisions StepID = "old-revisions"
	StepObserve      StepID = "observe"
	StepEnforce      StepID = "enforce"
	StepOwned        StepID = "owned"
	StepGate         StepID = "gate"
)

// nextSteps returns the steps that go on from the report, in their order, with the counts of what they do.
func (s *planScreen) nextSteps() []NextStep {
	if len(s.plan.Namespaces) == 0 {
		return nil
	}
	var out []NextStep
	c := s.invocation()
	step := func(to NextStep, verb string, arguments ...[]string) {
		if to.Namespaces > 0 {
			to.Command = c.Command(verb, arguments...)
			out = append(out, to)
		}
	}
	switch {
	case s.plan.Source.Redacted:
		back := Invocation{Tool: c.Tool}.Command("unredact", []string{"--key", "names.key", "redacted.json"})
		out = append(out, NextStep{ID: StepUnredact, Text: "take the names back", Command: back + " > " + savedPlan})
	case s.mustBeSaved():
		out = append(out, NextStep{ID: StepSave, Text: "save the plan", Command: "add -o table -o json=" + savedPlan})
	}
	unknown, workloads := s.countRank(rankUnknown), len(s.patched)+s.countByHand()
	observed, atEnforce := s.outcomes(labels.StageObserve), s.outcomes(labels.StageEnforce)
	observe := len(observed[labels.OutcomeToLabel])
	step(NextStep{ID: StepGaps, Text: "see the gaps of " + namespaces(unknown), Namespaces: unknown}, "plan", c.Source, c.Target, c.Decide, c.Scope, []string{"-o", "wide"})
	step(NextStep{ID: StepPatch, Text: s.patchText() + ", plan again", Workloads: workloads, ByHand: s.countByHand(), Namespaces: s.namespacesToPatch()}, "patch", c.Source, c.Target, c.Scope)
	if old, worst, in := s.oldRevisions(); old > 0 {
		step(NextStep{ID: StepOldRevisions, Text: "delete " + english.Count(old, "old ReplicaSet", "old ReplicaSets") + ", plan again", Workloads: old, Namespaces: in}, "explain ns", []string{worst}, c.Source, c.Target, c.Decide)
	}
	step(NextStep{ID: StepObserve, Text: "warn and audit in " + namespaces(observe), Namespaces: observe}, s.stageVerb(), c.Source, c.Target, c.Decide, c.Scope, []string{"--stage=observe"})
	enforce, refuse := s.enforced(atEnforce[labels.OutcomeToLabel])
	switch n := len(enforce); {
	case refuse == 0:
		step(NextStep{ID: StepEnforce, Text: "enforce in " + namespaces(n), Namespaces: n}, s.stageVerb(), c.Source, c.Target, c.Decide, c.Scope, []string{"--stage=enforce"})
	case n == 0:
		out = append(out, NextStep{ID: StepEnforce, Text: fmt.Sprintf("enforce nothing: %d would refuse what runs", refuse)})
	default:
		step(NextStep{ID: StepEnforce, Text: fmt.Sprintf("enforce in %s; %d would refuse what runs", namespaces(n), refuse), Namespaces: n}, s.stageVerb(), c.Source, c.Target, c.Decide, scopeOf(enforce), []string{"--stage=enforce"})
	}
	owned, stage := observed[labels.OutcomeOwned], labels.StageObserve
	if len(owned) == 0 {
		owned, stage = atEnforce[labels.OutcomeOwned], labels.StageEnforce
	}
	step(NextStep{ID: StepOwned, Text: fmt.Sprintf("label %d at source", len(owned)), Namespaces: len(owned)}, "labels", c.Source, c.Target, c.Decide, scopeOf(owned), []string{"--stage=" + string(stage)})
	step(NextStep{ID: StepGate, Text: "see if the upgrade can begin", Namespaces: len(s.plan.Namespaces)}, "gate", c.Source, c.Target)
	return out
}

// nextPointers returns the report's lines on the steps that go on from it.
func (s *planScreen) nextPointers() []pointer {
	var out []pointer
	for i, step := range s.nextSteps() {
		out = append(out, pointer{title: []string{"NEXT", ""}[min(i, 1)], text: step.Text, command: step.Command})
	}
	return out
}

// namespacesToPatch returns the number of namespaces of the report with workloads that 'patch --keep' writes into, or says
// what to change of.
func (s *planScreen) namespacesToPatch() int {
	in := map[string]bool{}
	for w := range s.patched {
		in[w.Namespace] = true
	}
	for w := range s.byHand {
		in[w.Namespace] = true
	}
	return len(in)
}

// countByHand returns the number of workloads of the report of which 'patch --keep' says what to change, and changes nothing.
func (s *planScreen) countByHand() int {
	n := 0
	for _, some := range s.byHand {
		n += some
	}
	return n
}

// oldRevisions returns the number of old revisions of Deployments that alone keep namespaces of the report from a stricter
// level, once 'patch --keep' is applied, the namespace with most of them, and the number of namespaces that have some.
func (s *planScreen) oldRevisions() (n int, worst string, in int) {
	most := 0
	for i := range s.plan.Namespaces {
		ns := &s.plan.Namespaces[i]
		old := len(ns.OldRevisions())
		if old == 0 || old+s.keptIn(ns) < len(blockedWorkloads(ns)) {
			continue
		}
		n, in = n+old, in+1
		if old > most {
			most, worst = old, ns.Name
		}
	}
	return n, worst, in
}

// namespaces returns a number of namespaces for a sentence of a report.
func namespaces(n int) string { return english.Count(n, "namespace", "namespaces") }

// stageVerb returns the command that goes on from the report with a stage of the labels: rollout where a cluster was
// read, labels where no cluster is known.
func (s *planScreen) stageVerb() string {
	switch s.plan.Source.Kind {
	case inventory.SourceDemo, inventory.SourceFiles, inventory.SourceSnapshot:
		return "labels"
	}
	return "rollout"
}

// scopeOf returns the arguments that select namespaces by name for a command of a report.
func scopeOf(names []string) []string { return []string{"-n", strings.Join(names, ",")} }

// patchText returns the report's text on how many workloads 'patch' changes, and how many it leaves to people.
func (s *planScreen) patchText() string {
	n := len(s.patched)
	switch {
	case len(s.byHand) == 0:
		return "patch " + english.Count(n, "workload", "workloads")
	case n == 0:
		return "change " + english.Count(s.countByHand(), "workload", "workloads") + " by hand"
	}
	return fmt.Sprintf("patch %s, %d by hand", english.Count(n, "workload", "workloads"), s.countByHand())
}

// enforced returns those of the namespaces of the report that the stage enforce labels whose pods go on running,
// and the number of those in which it would refuse what runs.
func (s *planScreen) enforced(toLabel []string) (names []string, refuse int) {
	refuses := map[string]bool{}
	for i := range s.plan.Namespaces {
		refuses[s.plan.Namespaces[i].Name] = rankOf(&s.plan.Namespaces[i]) == rankRefusing
	}
	for _, name := range toLabel {
		if refuses[name] {
			refuse++
		} else {
			names = append(names, name)
		}
	}
	return names, refuse
}

// outcomes returns the names of the namespaces of the report by the outcome that a stage has for them, sorted.
func (s *planScreen) outcomes(stage labels.Stage) map[labels.Outcome][]string {
	out := map[labels.Outcome][]string{}
	for i := range s.plan.Namespaces {
		outcome := labels.OutcomeOf(&s.plan.Namespaces[i], stage)
		out[outcome] = append(out[outcome], s.plan.Namespaces[i].Name)
	}
	for _, names := range out {
		slices.Sort(names)
	}
	return out
}

// countRank returns the number of namespaces of the report that have a place in its table.
func (s *planScreen) countRank(rank rowRank) int {
	n := 0
	for i := range s.plan.Namespaces {
		if rankOf(&s.plan.Namespaces[i]) == rank {
			n++
		}
	}
	return n
}
