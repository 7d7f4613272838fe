package migrate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// isUnseenWorkload reports, for a Plan, whether the level of a custom object is not known: it describes only part of
// its pods, none of them was read, and what it describes violates nothing. A gap names it.
func isUnseenWorkload(w *inventory.Workload, built *Workload) bool {
	return w.IsPartial() && built.Levels.AfterPSP == api.LevelRestricted
}

// describeEmbeddedTemplates writes into a workload of the Plan where a custom object has its pod templates and, where no edit
// can be made to a single one, what keeps each template from a stricter level.
func (b *planBuilder) describeEmbeddedTemplates(out *Workload, w *inventory.Workload) {
	for _, e := range w.Embedded {
		if e.Path != "" {
			out.TemplatePaths = append(out.TemplatePaths, e.Path)
		}
		out.PartialTemplates = out.PartialTemplates || e.Partial
	}
	if len(w.Embedded) == 0 || w.Template != nil {
		return
	}
	for i := range out.StricterEdits {
		r := &out.StricterEdits[i]
		for _, e := range w.Embedded {
			r.Obstacles = append(r.Obstacles, b.embeddedTemplateObstacles(w, e, r.Level)...)
		}
	}
}

// embeddedTemplateObstacles returns the checks that one pod template within a custom object fails at a level.
func (b *planBuilder) embeddedTemplateObstacles(w *inventory.Workload, e inventory.EmbeddedTemplate, l api.Level) []StricterObstacle {
	var out []StricterObstacle
	seen := map[pss.Violation]bool{}
	for _, v := range b.enforceAt {
		for _, found := range b.evaluator.ViolationsAtLevel(b.evaluator.Evaluate(e.Shape, v).Violations, api.LevelVersion{Level: l, Version: v}) {
			if seen[found] {
				continue
			}
			seen[found] = true
			out = append(out, StricterObstacle{Check: found.Check, Why: pss.ViolationMessage([]pss.Violation{found}), Advice: message.New("obstacle-in-custom-resource", "kind", w.Kind, "name", w.Name, "path", e.Path)})
		}
	}
	return out
}
