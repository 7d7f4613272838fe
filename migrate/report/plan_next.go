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
	switch {
	case s.plan.Source.Redacted:
		back := Invocation{Tool: c.Tool}.command("unredact", []string{"--key", "names.key", "redacted.json"})
		out = append(out, pointer{text: "take the names back", command: back + " > " + savedPlan})
	case s.mustBeSaved():
		out = append(out, pointer{text: "save the plan", command: "add -o table -o json=" + savedPlan})
	}
	unknown, patched := s.countRank(rankUnknown), len(s.patched)
	observe := len(s.withOutcome(labels.StageObserve, labels.OutcomeToLabel))
	step(unknown, "see the gaps of "+namespaces(unknown), "plan", c.Source, c.Target, c.Decide, c.Scope, []string{"-o", "wide"})
	step(patched+s.byHand, s.patchText()+", plan again", "patch", c.Source, c.Target, c.Scope)
	if old, worst := s.oldRevisions(); old > 0 {
		step(old, "delete "+english.Count(old, "old ReplicaSet", "old ReplicaSets")+", plan again", "explain ns", []string{worst}, c.Source, c.Target, c.Decide)
	}
	step(observe, "warn and audit in "+namespaces(observe), s.stageVerb(), c.Source, c.Target, c.Decide, c.Scope, []string{"--stage=observe"})
	enforce, refuse := s.enforced()
	switch {
	case refuse == 0:
		step(len(enforce), "enforce in "+namespaces(len(enforce)), s.stageVerb(), c.Source, c.Target, c.Decide, c.Scope, []string{"--stage=enforce"})
	case len(enforce) == 0:
		out = append(out, pointer{text: fmt.Sprintf("enforce nothing: %d would refuse what runs", refuse)})
	default:
		step(len(enforce), fmt.Sprintf("enforce in %s; %d would refuse what runs", namespaces(len(enforce)), refuse), s.stageVerb(), c.Source, c.Target, c.Decide, scopeOf(enforce), []string{"--stage=enforce"})
	}
	owned, stage := s.withOutcome(labels.StageObserve, labels.OutcomeOwned), labels.StageObserve
	if len(owned) == 0 {
		owned, stage = s.withOutcome(labels.StageEnforce, labels.OutcomeOwned), labels.StageEnforce
	}
	step(len(owned), fmt.Sprintf("label %d at source", len(owned)), "labels", c.Source, c.Target, c.Decide, scopeOf(owned), []string{"--stage=" + string(stage)})
	step(1, "see if the upgrade can begin", "gate", c.Source, c.Target)
	out[0].title = "NEXT"
	return out
}

// oldRevisions returns the number of old revisions of Deployments that alone keep namespaces of the report from a stricter
// level, once 'patch --keep' is applied, and the namespace with most of them.
func (s *planScreen) oldRevisions() (n int, worst string) {
	most := 0
	for i := range s.plan.Namespaces {
		ns := &s.plan.Namespaces[i]
		old := len(ns.OldRevisions())
		if old == 0 || old+s.keptIn(ns) < len(blockedWorkloads(ns)) {
			continue
		}
		n += old
		if old > most {
			most, worst = old, ns.Name
		}
	}
	return n, worst
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
	case s.byHand == 0:
		return "patch " + english.Count(n, "workload", "workloads")
	case n == 0:
		return "change " + english.Count(s.byHand, "workload", "workloads") + " by hand"
	}
	return fmt.Sprintf("patch %s, %d by hand", english.Count(n, "workload", "workloads"), s.byHand)
}

// enforced returns the names of the namespaces of the report that the stage enforce labels and whose pods go on running,
// and the number of those in which it would refuse what runs.
func (s *planScreen) enforced() (names []string, refuse int) {
	refuses := map[string]bool{}
	for i := range s.plan.Namespaces {
		refuses[s.plan.Namespaces[i].Name] = rankOf(&s.plan.Namespaces[i]) == rankRefusing
	}
	for _, name := range s.withOutcome(labels.StageEnforce, labels.OutcomeToLabel) {
		if refuses[name] {
			refuse++
		} else {
			names = append(names, name)
		}
	}
	return names, refuse
}

// withOutcome returns the names of the namespaces of the report for which a stage has an outcome, sorted.
func (s *planScreen) withOutcome(stage labels.Stage, outcome labels.Outcome) []string {
	var out []string
	for i := range s.plan.Namespaces {
		if ns := &s.plan.Namespaces[i]; labels.OutcomeOf(ns, stage) == outcome {
			out = append(out, ns.Name)
		}
	}
	slices.Sort(out)
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
