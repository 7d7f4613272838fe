package fix

import (
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/places"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// wantedToRaise returns the edits with which a template of a document to fix meets the checks of the level, one group for each check.
func (f *fixer) wantedToRaise(d *document, index int) []group {
	t := &d.templates[index]
	known := indexEdits(f.plannedEdits(d, t))
	var out []group
	for _, v := range f.evaluator.Evaluate(t.shape.Annotations, &t.shape.Spec, api.LevelVersion{Level: f.Level, Version: f.Version}) {
		g := group{document: d, template: index, check: v.Check}
		worst, why := finding.SafetySafe, message.Message{}
		for _, p := range places.Of(f.evaluator, t.shape, v.Check, f.Version) {
			e, safety, reason := d.raisingEdit(t, &p, known)
			if e.Check = v.Check; safetyRank(safety) > safetyRank(worst) {
				worst, why = safety, reason
			}
			g.edits = append(g.edits, e)
		}
		switch {
		case worst == finding.SafetyDecide:
			f.leave(d, ReasonDecide, pss.ViolationMessage([]pss.Violation{v}), why.Text)
		case worst == finding.SafetyTest && !f.IncludeTest:
			f.leave(d, ReasonTest, v.Check, why.Text)
		default:
			out = append(out, g)
		}
	}
	return out
}

// safetyRank orders the safety of edits that fix a check, the safest first.
func safetyRank(safety string) int {
	return slices.Index([]string{finding.SafetySafe, finding.SafetyTest, finding.SafetyDecide}, safety)
}

// raisingEdit returns the edit that fixes a place of a template, with its safety and the reason: those of the Plan, which knows what
// runs, where it has an edit of the same field. A value that the template states is replaced only by the one that pods run with.
func (d *document) raisingEdit(t *template, p *places.Place, known map[plannedField][]*migrate.TemplateEdit) (Edit, string, message.Message) {
	if p.Edit == nil {
		return Edit{}, finding.SafetyDecide, message.New("obstacle-windows-on-older-server")
	}
	e := d.edit(t, p.Path, p.Edit.Value)
	safety, why := p.Edit.Safety, p.Edit.Why
	ask := safety == finding.SafetyTest || p.Edit.ReplacesStated
	onlyLinux := !strings.HasSuffix(p.Path.String(), ".runAsNonRoot")
	if t.onWindows && t.shape.Spec.OS == nil && onlyLinux {
		safety, why = finding.SafetyDecide, message.New("obstacle-windows-not-stated")
		ask = false
	}
	if ask {
		for _, planned := range known[newPlannedField(p.Container, p.Path.String())] {
			counts := !p.Edit.ReplacesStated || isInForce(planned)
			if counts && keepsList(t.valueAt(p.Path), planned.Value) {
				e.Value, safety, why = json.RawMessage(planned.Value), planned.Safety, planned.Why
			}
		}
	}
	e.Safety, e.Why = safety, why.Text
	return e, safety, why
}

// plannedField is a field that edits of the Plan and fixes of a template have in common: in a container by name, "" for the pod, below
// its security context.
type plannedField struct{ container, field string }

// newPlannedField returns the field to fix at a path.
func newPlannedField(container, path string) plannedField {
	_, field, _ := strings.Cut(path, ".securityContext.")
	return plannedField{container, field}
}

// indexEdits returns edits of the Plan by the fields that they fix.
func indexEdits(edits []migrate.TemplateEdit) map[plannedField][]*migrate.TemplateEdit {
	out := map[plannedField][]*migrate.TemplateEdit{}
	for i := range edits {
		field := newPlannedField(edits[i].Container, edits[i].Path)
		out[field] = append(out[field], &edits[i])
	}
	return out
}

// isInForce reports whether an edit of the Plan writes what the pods of today run with. What a policy would set if there were pods
// does not count: it sets nothing where the template to fix states a value.
func isInForce(e *migrate.TemplateEdit) bool {
	return e.Safety == finding.SafetySafe && e.Why.ID == "edit-in-force" && e.Why.Args.Get("policy") == nil
}

// plannedEdits returns the edits that the Plan has for the workload of a document to fix. Those for all containers are left out where
// the template has a container that the Plan does not know.
func (f *fixer) plannedEdits(d *document, t *template) []migrate.TemplateEdit {
	if f.Plan == nil || len(d.templates) != 1 {
		return nil
	}
	ref, _ := f.refOf(d)
	w := f.workloads[ref]
	if w == nil || w.Evaluation == nil {
		return nil
	}
	for _, s := range w.StricterEdits {
		if s.Level == f.Level {
			known := t.isKnownBy(w.Template)
			return slices.DeleteFunc(slices.Clone(s.Edits), func(e migrate.TemplateEdit) bool { return e.Container == "" && !known })
		}
	}
	return nil
}

// isKnownBy reports whether the Plan's outline of a template has all containers of the template to fix, by name.
func (t *template) isKnownBy(outline *migrate.TemplateOutline) bool {
	if outline == nil {
		return false
	}
	names := map[string]bool{}
	for _, c := range outline.Containers {
		names[c.Name] = true
	}
	return !slices.ContainsFunc(slices.Concat(t.shape.Spec.InitContainers, t.shape.Spec.Containers), func(c corev1.Container) bool { return !names[c.Name] })
}
