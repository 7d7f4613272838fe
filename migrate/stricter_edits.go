package migrate

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/harden"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// addPatchInput adds to a workload of the Plan what patches are made from: the values to write, and an outline of its
// template.
func (b *planBuilder) addPatchInput(out *Workload, w *inventory.Workload, admitted *psp.Prediction) {
	if w.Template != nil {
		for _, e := range harden.ProfileEditsFromAnnotations(w.Template, b.target) {
			out.Mutations = append(out.Mutations, TemplateMutation{Path: e.Path, Container: e.Container, Value: e.Value})
		}
	}
	for l := levels.NextStricter(out.Levels.AfterPSP); l != ""; l = levels.NextStricter(l) {
		out.StricterEdits = append(out.StricterEdits, b.stricterEdits(w, admitted, l))
	}
	if w.TemplateMeta == nil {
		return
	}
	if len(out.Mutations) > 0 || len(out.StricterEdits) > 0 {
		out.Template = templateOutline(w, b.evaluator.ExpectedPods(w))
	}
}

// stricterEditsCacheKey is the cache key of the proposed edits of a workload: equal workloads share one list, known by its
// address.
type stricterEditsCacheKey struct {
	level     api.Level
	edits     *harden.Edit
	obstacles *harden.Obstacle
}

// stricterEdits returns the edits that a workload's template needs for a stricter level, and the obstacles, in the form
// of the Plan.
func (b *planBuilder) stricterEdits(w *inventory.Workload, admitted *psp.Prediction, l api.Level) StricterEdits {
	got := b.evaluator.HardenTemplate(w, admitted, l, b.enforceAt...)
	key := stricterEditsCacheKey{level: l, edits: firstItem(got.Edits), obstacles: firstItem(got.Obstacles)}
	if known, ok := b.stricterEditsCache[key]; ok {
		return known
	}
	out := StricterEdits{Level: l, Edits: []TemplateEdit{}, Obstacles: []StricterObstacle{}}
	for _, e := range got.Edits {
		out.Edits = append(out.Edits, TemplateEdit{e.Path, e.Container, e.Value, e.Check, string(e.Safety), e.Why})
	}
	for _, o := range got.Obstacles {
		out.Obstacles = append(out.Obstacles, StricterObstacle(o))
	}
	b.stricterEditsCache[key] = out
	return out
}

// firstItem returns, for a Plan's stricter edits, the address of the first item of a list, nil for an empty one, to
// know a shared list of edits by.
func firstItem[T any](s []T) *T {
	if len(s) == 0 {
		return nil
	}
	return &s[0]
}

// templateOutline returns what a patch needs to know of a workload's template. The shapes are what its pods are taken
// to become.
func templateOutline(w *inventory.Workload, expected []*inventory.Shape) *TemplateOutline {
	t := &TemplateOutline{Parents: []string{}}
	if w.TemplateMeta.Metadata {
		t.Parents = append(t.Parents, "metadata")
	}
	if w.TemplateMeta.Annotations {
		t.Parents = append(t.Parents, "metadata.annotations")
	}
	if w.TemplateMeta.SecurityContext {
		t.Parents = append(t.Parents, "spec.securityContext")
	}
	known := map[string]bool{}
	add := func(list string, containers []corev1.Container) {
		for i := range containers {
			c := &containers[i]
			known[c.Name] = true
			t.Containers = append(t.Containers, TemplateContainer{Name: c.Name, Image: w.TemplateMeta.Images[len(t.Containers)]})
			if c.SecurityContext == nil {
				continue
			}
			path := fmt.Sprintf("spec.%s[%d].securityContext", list, i)
			t.Parents = append(t.Parents, path)
			if c.SecurityContext.Capabilities != nil {
				t.Parents = append(t.Parents, path+".capabilities")
			}
		}
	}
	add("initContainers", w.Template.Spec.InitContainers)
	add("containers", w.Template.Spec.Containers)
	shapes := slices.Clone(expected)
	for _, g := range w.PodGroups {
		shapes = append(shapes, g.Shape)
	}
	for _, s := range shapes {
		for _, list := range [][]corev1.Container{s.Spec.InitContainers, s.Spec.Containers} {
			for i := range list {
				if name := list[i].Name; !known[name] {
					known[name] = true
					t.Containers = append(t.Containers, TemplateContainer{Name: name, Injected: true})
				}
			}
		}
	}
	return t
}
