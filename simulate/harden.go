package simulate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/harden"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// HardenTemplate returns the edits that a workload's template needs for a level, and the checks that no edit meets. The
// level is needed at each of the versions. Where the template was not read, the edits are to what its author is taken to
// have written: its first live pod without what its policy wrote. Equal workloads share a result, which callers must not
// write into. A workload without template and pods gets an empty one.
//
// Where no pods run, admitted is what PSP admission would do with the template today; nil if that is not known.
func (sim *Simulator) HardenTemplate(w *inventory.Workload, admitted *psp.Prediction, level api.Level, versions ...api.Version) harden.TemplateChanges {
	if w.Template == nil && len(w.PodGroups) == 0 {
		return harden.TemplateChanges{}
	}
	if slices.ContainsFunc(w.PodGroups, func(g inventory.PodGroup) bool { return g.Count > 0 }) {
		admitted = nil
	}
	key := sim.templateChangesKey(w, admitted, level, versions)
	found, ok := sim.templateChanges[key]
	if !ok {
		found = harden.ProposeTemplateEdits(sim.evaluator, sim.templateWithPods(w, admitted), level, versions...)
		sim.templateChanges[key] = found
	}
	return found
}

// templateChangesKey returns the cache key of a workload's template changes. Shapes and mutations are identified by their
// pointers.
func (sim *Simulator) templateChangesKey(w *inventory.Workload, admitted *psp.Prediction, level api.Level, versions []api.Version) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v %p %p %t", level, versions, admitted, w.Template, w.TemplateMeta != nil && w.TemplateMeta.Windows)
	for i := range w.PodGroups {
		g := &w.PodGroups[i]
		fmt.Fprintf(&b, " %p %t %p", g.Shape, g.Count > 0, sim.mutations.OfPolicy(g.AdmittedBy))
	}
	for _, shape := range sim.expectedPods[w] {
		fmt.Fprintf(&b, " expected %p", shape)
	}
	return b.String()
}

// templateWithPods returns a workload's template with its running and its future pods.
func (sim *Simulator) templateWithPods(w *inventory.Workload, admitted *psp.Prediction) *harden.TemplateWithPods {
	s := &harden.TemplateWithPods{Template: w.Template, OnWindows: w.TemplateMeta != nil && w.TemplateMeta.Windows}
	known := map[*inventory.Shape]bool{}
	for i := range w.PodGroups {
		g := &w.PodGroups[i]
		if g.Count > 0 || w.Template == nil {
			s.RunningPods = append(s.RunningPods, g.Shape)
		}
		if g.Shape == w.Template {
			continue
		}
		stored, without := sim.replacementShapes(w.Template, g)
		if s.Template == nil {
			s.Template = without
		}
		for _, next := range []*inventory.Shape{stored, without} {
			if next != s.Template && !known[next] {
				known[next] = true
				s.FuturePods = append(s.FuturePods, next)
			}
		}
	}
	s.FuturePods = append(s.FuturePods, sim.expectedPods[w]...)
	if len(s.RunningPods) == 0 && admitted != nil && admitted.Shape != nil {
		s.RunningPods, s.Policy = []*inventory.Shape{admitted.Shape}, admitted.Policy
	}
	return s
}

// replacementShapes returns the pod that replaces a live one in two forms: as stored, and without a policy's mutation.
func (sim *Simulator) replacementShapes(template *inventory.Shape, g *inventory.PodGroup) (stored, without *inventory.Shape) {
	m := sim.mutations.OfPolicy(g.AdmittedBy)
	if m == nil {
		return g.Shape, g.Shape
	}
	stored = g.Shape
	if template != nil && m != sim.mutations.Unknown() {
		stored = (&psp.Unmutated{Pod: g.Shape, Template: template, Mutation: m}).Shape()
	}
	return stored, (&psp.Unmutated{Pod: g.Shape, Template: template, Mutation: m, BeyondTemplate: true}).Shape()
}
