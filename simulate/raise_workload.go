package simulate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Raise is Evaluator.Raise for a workload. Where its template was not read, the edits are to what its author is taken to
// have written: its first live pod without what its policy fills in. Equal workloads get the same answer, which callers must
// not write into. A workload that has neither template nor pods gets an empty one.
//
// Where no pods run, admitted says what PSP admission would make of the template today; nil if that is not known.
func (j *Judge) Raise(w *inventory.Workload, admitted *Foresight, level api.Level, versions ...api.Version) Raise {
	if w.Template == nil && len(w.Pods) == 0 {
		return Raise{}
	}
	if slices.ContainsFunc(w.Pods, func(g inventory.PodGroup) bool { return g.Count > 0 }) {
		admitted = nil
	}
	key := j.raiseKey(w, admitted, level, versions)
	found, ok := j.raises[key]
	if !ok {
		found = j.evaluator.Raise(j.subject(w, admitted), level, versions...)
		j.raises[key] = found
	}
	return found
}

// raiseKey is all that the answer depends on. Shapes and fillings are known by where they are: there is one of each.
func (j *Judge) raiseKey(w *inventory.Workload, admitted *Foresight, level api.Level, versions []api.Version) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v %p %p %t", level, versions, admitted, w.Template, w.Origin != nil && w.Origin.Windows)
	for i := range w.Pods {
		g := &w.Pods[i]
		fmt.Fprintf(&b, " %p %t %p", g.Shape, g.Count > 0, j.fillingBy(g.AdmittedBy))
	}
	for _, shape := range j.expected[w] {
		fmt.Fprintf(&b, " expected %p", shape)
	}
	return b.String()
}

// subject gathers what is known of a workload's pods.
func (j *Judge) subject(w *inventory.Workload, admitted *Foresight) *Subject {
	s := &Subject{Template: w.Template, Windows: w.Origin != nil && w.Origin.Windows}
	known := map[*inventory.Shape]bool{}
	for i := range w.Pods {
		g := &w.Pods[i]
		if g.Count > 0 || w.Template == nil {
			s.Running = append(s.Running, g.Shape)
		}
		if g.Shape == w.Template {
			continue
		}
		stored, without := j.nextShapes(w.Template, g)
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
	s.Next = append(s.Next, j.expected[w]...)
	if len(s.Running) == 0 && admitted != nil && admitted.Shape != nil {
		s.Running, s.Policy = []*inventory.Shape{admitted.Shape}, admitted.Policy
	}
	return s
}

// nextShapes are the two readings of a live pod that DayAfter judges, as shapes.
func (j *Judge) nextShapes(template *inventory.Shape, g *inventory.PodGroup) (stored, without *inventory.Shape) {
	f := j.fillingBy(g.AdmittedBy)
	if f == nil {
		return g.Shape, g.Shape
	}
	stored = g.Shape
	if template != nil && f != j.unknown {
		stored = (&estimate{pod: g.Shape, template: template, by: f}).shape()
	}
	return stored, (&estimate{pod: g.Shape, template: template, by: f, beyond: true}).shape()
}
