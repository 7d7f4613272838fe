package migrate

import (
	"fmt"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// isUnseenWorkload is true for a workload of which nothing can be said: its object does not say all of its pods, none of them was
// read, and what it says violates nothing. That it meets a level is not known; a gap tells of it.
func isUnseenWorkload(w *inventory.Workload, judged *Workload) bool {
	return w.IsPartial() && judged.Levels.AfterPSP == api.LevelRestricted
}

// describeEmbeddedTemplates writes into out where a custom object has its pod templates and, where no edit can be made to a single one of
// them, what keeps each from a stricter level.
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

// embeddedTemplateObstacles are the checks that one template within a custom object fails at a level.
func (b *planBuilder) embeddedTemplateObstacles(w *inventory.Workload, e inventory.EmbeddedTemplate, l api.Level) []StricterObstacle {
	var out []StricterObstacle
	told := map[pss.Violation]bool{}
	for _, v := range b.enforceAt {
		for _, found := range b.evaluator.ViolationsAtLevel(b.evaluator.Evaluate(e.Shape, v).Violations, api.LevelVersion{Level: l, Version: v}) {
			if told[found] {
				continue
			}
			told[found] = true
			out = append(out, StricterObstacle{Check: found.Check, Why: pss.ViolationMessage([]pss.Violation{found}), Advice: fmt.Sprintf("change it in %s %s at %s", w.Kind, w.Name, e.Path)})
		}
	}
	return out
}
