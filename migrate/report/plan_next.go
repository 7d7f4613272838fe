package report

import (
	"slices"

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

// nextSteps returns the report's lines on the commands that go on from it, in their order, with the counts of what they
// do.
func (s *planScreen) nextSteps() []pointer {
	if len(s.plan.Namespaces) == 0 {
		return nil
	}
	var out []pointer
	c := s.invocation()
	step := func(n int, text, verb string, arguments ...[]string) {
		if n > 0 {
			out = append(out, pointer{text: text, command: c.command(verb, arguments...)})
		}
	}
	if s.mustBeSaved() {
		out = append(out, pointer{text: "save the plan", command: "add -o table -o json=" + savedPlan})
	}
	withheld, patched := s.countRank(rankWithheld), len(s.patched)
	observe, enforce := s.countOutcome(labels.StageObserve, labels.OutcomeToLabel), s.countOutcome(labels.StageEnforce, labels.OutcomeToLabel)
	owned := s.countOutcome(labels.StageAll, labels.OutcomeOwned)
	step(withheld, "read what was not seen", "plan", c.Source, c.Target, c.Decide, c.Scope, []string{"-o", "wide"})
	step(patched, "patch "+english.Count(patched, "workload", "workloads")+", plan again", "patch", c.Source, c.Target, c.Scope)
	step(observe, "warn and audit in "+namespaces(observe), s.stageVerb(), c.Source, c.Target, c.Decide, c.Scope, []string{"--stage=observe"})
	step(enforce, "enforce in "+namespaces(enforce), s.stageVerb(), c.Source, c.Target, c.Decide, c.Scope, []string{"--stage=enforce"})
	step(owned, "label "+namespaces(owned)+" at "+english.Plural(owned, "its", "their")+" source", "labels", c.Source, c.Target, c.Decide, c.Scope, []string{"-o", "manifest"})
	step(1, "see if the upgrade can begin", "gate", c.Source, c.Target)
	out[0].title = "NEXT"
	return out
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

// countOutcome returns the number of namespaces of the report for which a stage has an outcome.
func (s *planScreen) countOutcome(stage labels.Stage, outcome labels.Outcome) int {
	n := 0
	for i := range s.plan.Namespaces {
		if labels.OutcomeOf(&s.plan.Namespaces[i], stage) == outcome {
			n++
		}
	}
	return n
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
