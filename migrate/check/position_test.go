package check

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
)

// positionedObjects returns objects of several kinds with a random pod spec each, as JSON values: a Pod, a Deployment, a StatefulSet
// whose claims have names of volumes and others, and a custom resource that holds a whole template.
func positionedObjects(t *testing.T, seed uint64) []map[string]any {
	t.Helper()
	pod, deployment := randomPod(seed), randomDeployment(seed)
	for _, spec := range []*corev1.PodSpec{&pod.Spec, &deployment.Spec.Template.Spec} {
		for i := range spec.InitContainers {
			spec.InitContainers[i].Ports = append([]corev1.ContainerPort{{ContainerPort: 1}}, spec.InitContainers[i].Ports...)
		}
	}
	stateful, custom := jsonObject(t, deployment), jsonObject(t, deployment)
	stateful["kind"] = "StatefulSet"
	spec := stateful["spec"].(map[string]any)
	spec["volumeClaimTemplates"] = []any{map[string]any{"metadata": map[string]any{"name": "claim"}}, map[string]any{"metadata": map[string]any{"name": "host"}}}
	custom["apiVersion"], custom["kind"] = "argoproj.io/v1alpha1", "Rollout"
	return []map[string]any{jsonObject(t, pod), jsonObject(t, deployment), stateful, custom}
}

// jsonObject returns an object as JSON values.
func jsonObject(t *testing.T, object any) map[string]any {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPositionsOfFields wants at the line and column of each place of generated manifests the key of its field, or the key of what a
// missing field has to go into, in YAML and in JSON. What is not there is not to be removed.
func TestPositionsOfFields(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for seed := range tries(150) {
		for _, object := range positionedObjects(t, seed) {
			block, err := yaml.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			flow, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"# first\n---\n" + string(block), string(flow)} {
				for _, f := range checkText(t, text, Options{Level: api.LevelRestricted}).Findings {
					for i := range f.Places {
						wantPosition(t, text, object, &f.Places[i])
						seen[f.Rule]++
						if f.Rule == "hostPorts" && strings.HasSuffix(f.Places[i].Field, "hostNetwork") {
							seen["host ports by default"]++
						}
					}
				}
				if t.Failed() {
					t.Fatalf("seed %d:\n%s", seed, text)
				}
			}
		}
	}
	for _, rule := range []string{"hostPorts", "host ports by default", "restrictedVolumes", "capabilities_restricted", "sysctls"} {
		if seen[rule] < 20 && !testing.Short() {
			t.Errorf("%s: only %d places", rule, seen[rule])
		}
	}
}

// wantPosition checks where a place is in the text of an object, and that it is missing if the object has no such field.
func wantPosition(t *testing.T, text string, object map[string]any, p *finding.Place) {
	t.Helper()
	path, err := fieldpath.Parse(p.Field)
	if err != nil {
		t.Fatal(err)
	}
	depth, value := deepest(object, path)
	if missing := depth < len(path); p.Missing != missing {
		t.Errorf("%s is missing: %t", p.Field, p.Missing)
	}
	if p.Missing && p.Edit != nil && p.Edit.Op == finding.OpRemove {
		t.Errorf("%s is not there, and is to be removed", p.Field)
	}
	key := path[depth-1].Key
	if path[depth-1].IsIndex {
		key = firstOf(value)
	}
	line := []rune(strings.Split(text, "\n")[p.Line-1])
	rest := string(line[min(p.Column-1, len(line)):])
	if path[depth-1].IsIndex { // an object in braces begins with one
		rest = strings.TrimPrefix(rest, "{")
	}
	if !strings.HasPrefix(strings.TrimPrefix(rest, `"`), key) {
		t.Errorf("%s of %s: at %d:%d is %.40q, want %q", p.Field, p.Container, p.Line, p.Column, rest, key)
	}
	if own, ok := containerName(object, path); ok && own != p.Container {
		t.Errorf("%s is of %q, not of %q", p.Field, own, p.Container)
	}
}

// deepest returns how many steps of a path an object has, and what the last of them leads to.
func deepest(object map[string]any, path fieldpath.Path) (int, any) {
	var at any = object
	for i, step := range path {
		next, ok := at, false
		if step.IsIndex {
			list, _ := at.([]any)
			if ok = step.Index < len(list); ok {
				next = list[step.Index]
			}
		} else {
			next, ok = at.(map[string]any)[step.Key]
		}
		if !ok {
			return i, at
		}
		at = next
	}
	return len(path), at
}

// firstOf returns with what the text of an item of a list begins: its value, or its first key in alphabetical order.
func firstOf(value any) string {
	object, ok := value.(map[string]any)
	if !ok {
		return fmt.Sprint(value)
	}
	first := ""
	for key := range object {
		if first == "" || key < first {
			first = key
		}
	}
	return first
}

// containerName returns the name of the container that a path leads into.
func containerName(object map[string]any, path fieldpath.Path) (string, bool) {
	for i, step := range path {
		if step.IsIndex && strings.HasSuffix(strings.ToLower(path[i-1].Key), "containers") {
			_, c := deepest(object, path[:i+1])
			name, ok := c.(map[string]any)["name"].(string)
			return name, ok
		}
	}
	return "", false
}
