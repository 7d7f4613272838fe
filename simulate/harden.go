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

// HardenTemplate is harden.ProposeEdits for a workload. Where its template was not read, the edits are to what its author is taken to
// have written: its first live pod without what its policy fills in. Equal workloads get the same answer, which callers must
// not write into. A workload that has neither template nor pods gets an empty one.
//
// Where no pods run, admitted says what PSP admission would make of the template today; nil if that is not known.
func (sim *Simulator) HardenTemplate(w *inventory.Workload, admitted *psp.Prediction, level api.Level, versions ...api.Version) harden.TemplateChanges {
	if w.Template == nil && len(w.Pods) == 0 {
		return harden.TemplateChanges{}
	}
	if slices.ContainsFunc(w.Pods, func(g inventory.PodGroup) bool { return g.Count > 0 }) {
		admitted = nil
	}
	key := sim.raiseKey(w, admitted, level, versions)
	found, ok := sim.raises[key]
	if !ok {
		found = harden.ProposeEdits(sim.evaluator, sim.subject(w, admitted), level, versions...)
		sim.raises[key] = found
	}
	return found
}

// raiseKey is all that the answer depends on. Shapes and fillings are known by where they are: there is one of each.
func (sim *Simulator) raiseKey(w *inventory.Workload, admitted *psp.Prediction, level api.Level, versions []api.Version) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v %p %p %t", level, versions, admitted, w.Template, w.Origin != nil && w.Origin.Windows)
	for i := range w.Pods {
		g := &w.Pods[i]
		fmt.Fprintf(&b, " %p %t %p", g.Shape, g.Count > 0, sim.mutations.By(g.AdmittedBy))
	}
	for _, shape := range sim.expected[w] {
		fmt.Fprintf(&b, " expected %p", shape)
	}
	return b.String()
}

// subject gathers what is known of a workload's pods.
func (sim *Simulator) subject(w *inventory.Workload, admitted *psp.Prediction) *harden.TemplateWithPods {
	s := &harden.TemplateWithPods{Template: w.Template, Windows: w.Origin != nil && w.Origin.Windows}
	known := map[*inventory.Shape]bool{}
	for i := range w.Pods {
		g := &w.Pods[i]
		if g.Count > 0 || w.Template == nil {
			s.Running = append(s.Running, g.Shape)
		}
		if g.Shape == w.Template {
			continue
		}
		stored, without := sim.nextShapes(w.Template, g)
		if s.Template == nil {
			s.Template = without
		}
		for _, next := range []*inventory.Shape{stored, without} {
			if next != s.Template && !known[next] {
				known[next] = true
				s.Next = append(s.Next, next)
			}
		}
	}
	s.Next = append(s.Next, sim.expected[w]...)
	if len(s.Running) == 0 && admitted != nil && admitted.Shape != nil {
		s.Running, s.Policy = []*inventory.Shape{admitted.Shape}, admitted.Policy
	}
	return s
}

// nextShapes are the two readings of a live pod that AfterPSP judges, as shapes.
func (sim *Simulator) nextShapes(template *inventory.Shape, g *inventory.PodGroup) (stored, without *inventory.Shape) {
	m := sim.mutations.By(g.AdmittedBy)
	if m == nil {
		return g.Shape, g.Shape
	}
	stored = g.Shape
	if template != nil && m != sim.mutations.Unknown() {
		stored = (&psp.Unmutated{Pod: g.Shape, Template: template, By: m}).Shape()
	}
	return stored, (&psp.Unmutated{Pod: g.Shape, Template: template, By: m, BeyondTemplate: true}).Shape()
}
