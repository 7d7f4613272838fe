package migrate

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/harden"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// patchable adds what patches are made from: what to write, and what it is written into.
func (b *builder) patchable(out *Workload, w *inventory.Workload, admitted *psp.Prediction) {
	if w.Template != nil {
		for _, e := range harden.EditsFromAnnotations(w.Template, b.target) {
			out.Mutations = append(out.Mutations, Mutation{Path: e.Path, Container: e.Container, Value: e.Value})
		}
	}
	for l := nextStricter(out.Level.DayAfter); l != ""; l = nextStricter(l) {
		out.Raise = append(out.Raise, b.raise(w, admitted, l))
	}
	if w.Origin == nil {
		return
	}
	if m := (ManagedBy{w.Origin.Manager.Tool, w.Origin.Manager.Source, w.Origin.Chart}); m != (ManagedBy{}) {
		out.ManagedBy = &m
	}
	if len(out.Mutations) > 0 || len(out.Raise) > 0 {
		out.Template = templateOf(w, b.judge.ExpectedPods(w))
	}
}

// raiseKey knows an answer of the judge by where it is: equal workloads share one.
type raiseKey struct {
	level     api.Level
	edits     *harden.Edit
	obstacles *harden.Obstacle
}

func (b *builder) raise(w *inventory.Workload, admitted *psp.Prediction, l api.Level) Raise {
	got := b.judge.HardenTemplate(w, admitted, l, b.enforceAt...)
	key := raiseKey{level: l, edits: first(got.Edits), obstacles: first(got.Obstacles)}
	if known, ok := b.raises[key]; ok {
		return known
	}
	out := Raise{Level: l, Edits: []Edit{}, Obstacles: []Obstacle{}}
	for _, e := range got.Edits {
		out.Edits = append(out.Edits, Edit{e.Path, e.Container, e.Value, e.Check, string(e.Safety), e.Why})
	}
	for _, o := range got.Obstacles {
		out.Obstacles = append(out.Obstacles, Obstacle(o))
	}
	b.raises[key] = out
	return out
}

func first[T any](s []T) *T {
	if len(s) == 0 {
		return nil
	}
	return &s[0]
}

// templateOf describes the workload's template as far as writing to it goes. The shapes are what its pods are taken to become.
func templateOf(w *inventory.Workload, expected []*inventory.Shape) *Template {
	t := &Template{Parents: []string{}}
	if w.Origin.Metadata {
		t.Parents = append(t.Parents, "metadata")
	}
	if w.Origin.Annotations {
		t.Parents = append(t.Parents, "metadata.annotations")
	}
	if w.Origin.SecurityContext {
		t.Parents = append(t.Parents, "spec.securityContext")
	}
	known := map[string]bool{}
	add := func(list string, containers []corev1.Container) {
		for i := range containers {
			c := &containers[i]
			known[c.Name] = true
			t.Containers = append(t.Containers, Container{Name: c.Name, Image: w.Origin.Images[len(t.Containers)]})
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
	for _, g := range w.Pods {
		shapes = append(shapes, g.Shape)
	}
	for _, s := range shapes {
		for _, list := range [][]corev1.Container{s.Spec.InitContainers, s.Spec.Containers} {
			for i := range list {
				if name := list[i].Name; !known[name] {
					known[name] = true
					t.Containers = append(t.Containers, Container{Name: name, Injected: true})
				}
			}
		}
	}
	return t
}
