package psp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// A pod without any seccomp profile stays as it is; it does not get an empty map of annotations either.
func TestSyncSeccompFieldsWithoutProfile(t *testing.T) {
	t.Parallel()
	pod := &corev1.Pod{Spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{}, Containers: []corev1.Container{{Name: "app"}}}}
	before := pod.DeepCopy()
	if SyncSeccompFields(pod) {
		t.Error("a field was set")
	}
	if diff := cmp.Diff(before, pod); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}
