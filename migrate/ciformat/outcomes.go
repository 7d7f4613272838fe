package ciformat

import (
	"cmp"
	"iter"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse"
)

// status is what became of one rule for one workload.
type status int

const (
	statusPassed status = iota
	statusFailed
	// statusExcepted is a finding that an exception covers.
	statusExcepted
	// statusSkipped is a workload that no rule was judged of.
	statusSkipped
	// statusUnknown is a gap: something that was not read or evaluated.
	statusUnknown
)

// outcome is what became of one rule for one workload, for formats that list passes too; or one gap.
type outcome struct {
	status   status
	rule     string // "" for a skipped workload and for a gap
	object   finding.Object
	position pspparse.Position
	// level is the one that is demanded of the workload; "" where none is.
	level string
	// finding is that of a failed or excepted rule; nil where the result says only that it failed.
	finding *finding.Finding
	ignored *finding.Ignored
	gap     *finding.Gap
	// why says why a workload is skipped.
	why string
}

// outcomes returns what became of every rule for every workload of a check's result, in their order, then the findings that are
// of no workload, then the gaps.
func outcomes(r *finding.Result) []outcome {
	all := groupOutcomes(r, func(*finding.Object) string { return "" })[""]
	out := slices.Collect(all.outcomes())
	for i := range r.Gaps {
		out = append(out, gapOutcome(&r.Gaps[i]))
	}
	return out
}

// gapOutcome returns the outcome that a gap is.
func gapOutcome(g *finding.Gap) outcome {
	return outcome{status: statusUnknown, position: g.Position, gap: g}
}

// outcomeGroup is a part of a check's result: some of its workloads, and the findings about objects like these.
type outcomeGroup struct {
	workloads []*finding.Workload
	found     []found
}

// groupOutcomes splits the workloads and findings of a check's result into groups by their objects.
func groupOutcomes(r *finding.Result, groupOf func(*finding.Object) string) map[string]*outcomeGroup {
	groups := map[string]*outcomeGroup{}
	group := func(o *finding.Object) *outcomeGroup {
		name := groupOf(o)
		if groups[name] == nil {
			groups[name] = &outcomeGroup{}
		}
		return groups[name]
	}
	for i := range r.Workloads {
		g := group(&r.Workloads[i].Object)
		g.workloads = append(g.workloads, &r.Workloads[i])
	}
	add := func(f found) {
		g := group(&f.finding.Object)
		g.found = append(g.found, f)
	}
	for i := range r.Findings {
		add(found{finding: &r.Findings[i]})
	}
	for i := range r.Ignored {
		add(found{finding: &r.Ignored[i].Finding, ignored: &r.Ignored[i]})
	}
	return groups
}

// outcomes yields what became of every rule for every workload of a group, then the findings of it that no workload has. Nothing of
// it is kept. A nil group has none.
func (g *outcomeGroup) outcomes() iter.Seq[outcome] {
	return func(yield func(outcome) bool) {
		if g == nil {
			return
		}
		index := newFindingIndex(g.found)
		for _, w := range g.workloads {
			for _, o := range workloadOutcomes(w, index) {
				if !yield(o) {
					return
				}
			}
		}
		for _, o := range index.rest() {
			if !yield(o) {
				return
			}
		}
	}
}

// workloadOutcomes returns what became of every rule for one workload, by rule; one skipped outcome where no rule was judged.
func workloadOutcomes(w *finding.Workload, found *findingIndex) []outcome {
	base := outcome{object: w.Object, position: w.Position, level: demandedLevel(w)}
	rules := slices.Concat(w.Passed, w.Failed)
	slices.Sort(rules)
	var out []outcome
	for _, id := range slices.Compact(rules) {
		o := base
		o.rule = id
		if slices.Contains(w.Failed, id) {
			o.status = statusFailed
			if f := found.take(w, id); f != nil {
				o = f.outcome(base)
			}
		}
		out = append(out, o)
	}
	if len(out) == 0 || w.Partial {
		base.status, base.why = statusSkipped, "no level of the Pod Security Standards is demanded of it"
		switch {
		case w.Partial:
			base.why = "it holds a part of a pod only: nothing else is found against it as written, which does not say that its pods meet the level"
		case base.level != "":
			base.why = "no check was evaluated"
		}
		out = append(out, base)
	}
	return out
}

// demandedLevel returns the strictest level that is demanded of a workload; "" where none is.
func demandedLevel(w *finding.Workload) string {
	level := ""
	for _, d := range w.Demands {
		if d.Level == "restricted" || level == "" {
			level = d.Level
		}
	}
	return level
}

// found is one finding of a result, or one that is excepted.
type found struct {
	finding *finding.Finding
	ignored *finding.Ignored // nil for a finding that is not excepted
	taken   bool
}

// outcome returns the outcome of a finding, for a workload if base names one.
func (f *found) outcome(base outcome) outcome {
	base.rule, base.finding, base.ignored, base.status = f.finding.Rule, f.finding, f.ignored, statusFailed
	if f.ignored != nil {
		base.status = statusExcepted
	}
	return base
}

// findingIndex finds the findings of workloads in a result.
type findingIndex struct {
	all []*found
	// by has the findings that no workload has taken yet, by line.
	by map[findingKey][]*found
}

// findingKey is what a finding has in common with its workload.
type findingKey struct {
	object     finding.Object
	rule, file string
}

// newFindingIndex returns the index of findings, in their order. Those of one key are sorted by line: of two objects of one name in a
// file, the first has the first of the findings.
func newFindingIndex(list []found) *findingIndex {
	x := &findingIndex{all: make([]*found, len(list)), by: make(map[findingKey][]*found, len(list))}
	for i := range list {
		f := list[i] // a copy: each reading of the outcomes takes anew
		x.all[i] = &f
		key := findingKey{f.finding.Object, f.finding.Rule, firstRange(f.finding).File}
		x.by[key] = append(x.by[key], &f)
	}
	for _, same := range x.by {
		slices.SortStableFunc(same, func(a, b *found) int { return cmp.Compare(firstRange(a.finding).Line, firstRange(b.finding).Line) })
	}
	return x
}

// take returns the finding of a rule for a workload, and never one twice: the first in its file from its line on, else one above that,
// else one without a place; nil if there is none left.
func (x *findingIndex) take(w *finding.Workload, rule string) *found {
	for _, file := range []string{w.Position.File, ""} {
		key := findingKey{w.Object, rule, file}
		left := x.by[key]
		if len(left) == 0 {
			continue
		}
		i, _ := slices.BinarySearchFunc(left, w.Position.Line, func(f *found, line int) int { return cmp.Compare(firstRange(f.finding).Line, line) })
		if i == len(left) {
			i = 0
		}
		f := left[i]
		f.taken = true
		if x.by[key] = left[1:]; i > 0 { // not the usual case: workloads come in the order of their lines
			x.by[key] = slices.Delete(left, i, i+1)
		}
		return f
	}
	return nil
}

// rest returns the outcomes of findings that no workload has taken, in the order of the result.
func (x *findingIndex) rest() []outcome {
	var out []outcome
	for _, f := range x.all {
		if f.taken {
			continue
		}
		at := firstRange(f.finding)
		out = append(out, f.outcome(outcome{object: f.finding.Object, position: pspparse.Position{File: at.File, Line: at.Line}, level: f.finding.Demand.Level}))
	}
	return out
}

// firstRange returns the range of the first place of a finding; the zero value if it has none.
func firstRange(f *finding.Finding) finding.Range {
	if len(f.Places) == 0 {
		return finding.Range{}
	}
	return f.Places[0].Range
}
