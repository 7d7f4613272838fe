package places

import (
	"encoding/json"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// manifest is a pod as a file has it: JSON values, which edits are made in by path alone.
type manifest map[string]any

// manifestOf returns the pod as a manifest.
func manifestOf(t *testing.T, annotations map[string]string, spec *corev1.PodSpec) manifest {
	t.Helper()
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{"name": "pod", "annotations": annotations}, "spec": spec})
	if err != nil {
		t.Fatal(err)
	}
	var out manifest
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// shape reads the manifest as the check and the edit of manifests do.
func (m manifest) shape(t *testing.T) *inventory.Shape {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	pod, _, err := inventory.DecodeWrittenWorkload("v1", "Pod", text)
	if err != nil {
		t.Fatal(err)
	}
	return pod.Templates[0].Shape
}

// edited returns the manifest with the edits of places made in a copy. Later items of a list are removed before earlier ones, so that
// the paths stay true.
func (m manifest) edited(t *testing.T, all []Place) manifest {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var out manifest
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	for _, p := range slices.Backward(all) {
		if p.Edit == nil {
			continue
		}
		var value any
		if !p.Edit.Remove {
			if err := json.Unmarshal(p.Edit.Value, &value); err != nil {
				t.Fatalf("%s: the value %s: %v", p.Path, p.Edit.Value, err)
			}
		}
		change(t, map[string]any(out), p.Path, p.Edit.Remove, value)
	}
	return out
}

// change sets or removes the value at a path, makes missing objects on the way, and returns what is then in place of in.
func change(t *testing.T, in any, path fieldpath.Path, remove bool, value any) any {
	t.Helper()
	step, rest := path[0], path[1:]
	if step.IsIndex {
		list, ok := in.([]any)
		if !ok || step.Index >= len(list) {
			t.Fatalf("there is no item %d", step.Index)
		}
		if len(rest) == 0 && remove {
			return slices.Delete(list, step.Index, step.Index+1)
		}
		list[step.Index] = change(t, list[step.Index], rest, remove, value)
		return list
	}
	object, ok := in.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	switch {
	case len(rest) > 0:
		object[step.Key] = change(t, object[step.Key], rest, remove, value)
	case remove:
		delete(object, step.Key)
	default:
		object[step.Key] = value
	}
	return object
}

// valueAt returns the value of the manifest at a path; nil if there is none.
func (m manifest) valueAt(path fieldpath.Path) any {
	var at any = map[string]any(m)
	for _, step := range path {
		if step.IsIndex {
			list, _ := at.([]any)
			if step.Index >= len(list) {
				return nil
			}
			at = list[step.Index]
			continue
		}
		object, _ := at.(map[string]any)
		at = object[step.Key]
	}
	return at
}
