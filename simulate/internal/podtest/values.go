package podtest

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// PathValue is, for tests, a JSON value and its path in a pod, such as "spec.containers[0].securityContext.runAsUser".
type PathValue struct{ Path, Value string }

// SetValues returns, for tests, a copy of a pod with values set at their paths. It uses nothing but the paths, as
// people do.
func SetValues(t *testing.T, pod *inventory.Shape, values []PathValue) *inventory.Shape {
	t.Helper()
	text, err := json.Marshal(map[string]any{"spec": pod.Spec})
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, e := range values {
		var value any
		if err := json.Unmarshal([]byte(e.Value), &value); err != nil {
			t.Fatalf("%s: the value %s: %v", e.Path, e.Value, err)
		}
		doc = put(t, doc, strings.Split(e.Path, "."), value)
	}
	if text, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	var out struct{ Spec corev1.PodSpec }
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return &inventory.Shape{Annotations: pod.Annotations, Spec: out.Spec}
}

var indexed = regexp.MustCompile(`^(\w+)\[(\d+)\]$`)

// put sets a value at a path in a test pod's JSON and makes missing objects on the way.
func put(t *testing.T, in any, path []string, value any) any {
	t.Helper()
	if len(path) == 0 {
		return value
	}
	object, ok := in.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	if m := indexed.FindStringSubmatch(path[0]); m != nil {
		list, _ := object[m[1]].([]any)
		at, err := strconv.Atoi(m[2])
		if err != nil || at >= len(list) {
			t.Fatalf("there is no %s", path[0])
		}
		list[at] = put(t, list[at], path[1:], value)
		return object
	}
	object[path[0]] = put(t, object[path[0]], path[1:], value)
	return object
}
