package check

import (
	"encoding/json"
	"fmt"
	"runtime"
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/fixtures/growth"
)

// annotatedContainers returns a pod of n containers, with an annotation for each that asks for no seccomp or AppArmor profile.
func annotatedContainers(n int) []byte {
	annotations, containers := map[string]string{}, make([]map[string]string, n)
	for i := range n {
		containers[i] = map[string]string{"name": fmt.Sprint("c", i), "image": "i"}
		annotations[fmt.Sprint("container.apparmor.security.beta.kubernetes.io/c", i)] = "unconfined"
		annotations[fmt.Sprint("container.seccomp.security.alpha.kubernetes.io/c", i)] = "unconfined"
	}
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "p", "annotations": annotations}, "spec": map[string]any{"containers": containers},
	})
	if err != nil {
		panic(err)
	}
	return text
}

// costOf returns how many bytes and objects the check of a file allocates, and how many places it finds.
func costOf(t *testing.T, text []byte) (costs [2]float64, found int) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := checkText(t, string(text), Options{Level: api.LevelRestricted})
	runtime.ReadMemStats(&after)
	for i := range r.Findings {
		found += len(r.Findings[i].Places)
	}
	return [2]float64{float64(after.TotalAlloc - before.TotalAlloc), float64(after.Mallocs - before.Mallocs)}, found
}

// TestCostIsInProportion checks files that grow: four times the input may cost about four times as much, in bytes and objects that
// are allocated. It runs alone, for what other tests allocate would be counted, too.
func TestCostIsInProportion(t *testing.T) { //nolint:paralleltest // see above
	const slack = 1.5     // lists grow by steps, and short ones by others than long ones
	_, _ = costOf(t, nil) // sets up what is made once
	none, _ := costOf(t, nil)
	annotated := growth.Dimension{Name: "annotations of containers", Size: 2_500, Write: annotatedContainers}
	for _, d := range append(growth.ObjectDimensions(), annotated) {
		t.Run(d.Name, func(t *testing.T) {
			n := max(20, d.Size/5)
			one, places := costOf(t, d.Write(n))
			four, morePlaces := costOf(t, d.Write(4*n))
			for i, what := range []string{"bytes", "objects"} {
				if ratio := (four[i] - none[i]) / (one[i] - none[i]); ratio > 4*slack {
					t.Errorf("%d cost %.0f %s, %d cost %.0f: %.1f times as much, want at most %.0f (places %d and %d)", n, one[i]-none[i], what, 4*n, four[i]-none[i], ratio, 4*slack, places, morePlaces)
				}
			}
		})
	}
}
