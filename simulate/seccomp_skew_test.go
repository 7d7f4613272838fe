package simulate

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

// A server before v1.27 writes a pod's seccomp annotations into its fields and evaluates the fields. Both the template and the
// pod that such a server makes of it count.
func TestAfterPSPOfSeccompAnnotations(t *testing.T) {
	t.Parallel()
	const forContainer = "container.seccomp.security.alpha.kubernetes.io/app"
	annotated := func(key, value string, edits ...func(*inventory.Shape)) *inventory.Shape {
		s := podtest.Edited(podtest.ShapeOf(podtest.Hardened("app")), edits...)
		s.Annotations = map[string]string{key: value}
		return s
	}
	without := func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext.SeccompProfile = nil }
	plainly := func(s *inventory.Shape) { s.Spec.Containers[0].SecurityContext = nil }
	set := func(s *inventory.Shape) {
		s.Spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
	initially := func(s *inventory.Shape) {
		s.Spec.InitContainers, s.Spec.Containers = s.Spec.Containers, []corev1.Container{podtest.Hardened("other")}
	}
	const (
		both       = "privileged, then baseline"
		privileged = "privileged, then restricted"
		baseline   = "baseline, then baseline"
		restricted = "restricted, then restricted"
	)
	for name, c := range map[string]struct {
		template *inventory.Shape
		want     string
	}{
		"pod unconfined":                       {annotated(podspec.SeccompPodAnnotation, "unconfined"), privileged},
		"pod unconfined, field missing":        {annotated(podspec.SeccompPodAnnotation, "unconfined", without), both},
		"pod unconfined, field set":            {annotated(podspec.SeccompPodAnnotation, "unconfined", set), restricted},
		"container unconfined":                 {annotated(forContainer, "unconfined", without), both},
		"container unconfined, nothing set":    {annotated(forContainer, "unconfined", plainly), both},
		"container unconfined, field set":      {annotated(forContainer, "unconfined"), restricted},
		"init container unconfined":            {annotated(forContainer, "unconfined", without, initially), both},
		"pod at the runtime's default":         {annotated(podspec.SeccompPodAnnotation, "runtime/default", without), baseline},
		"pod at a profile that is not known":   {annotated(podspec.SeccompPodAnnotation, "Unconfined", without), baseline},
		"a container that the pod has not got": {annotated(forContainer+"x", "unconfined"), restricted},
	} {
		for form, w := range map[string]inventory.Workload{
			"template": {Kind: "Deployment", Name: "web", Template: c.template},
			"bare pod": {Kind: "Pod", Name: "web-1", PodGroups: podtest.PodsOf(c.template, "")},
		} {
			sim, err := NewSimulator(nil)
			if err != nil {
				t.Fatal(err)
			}
			last, first := sim.AfterPSP(&w, api.MajorMinorVersion(1, 26)), sim.AfterPSP(&w, api.MajorMinorVersion(1, 27))
			if diff := cmp.Diff(c.want, fmt.Sprintf("%s, then %s", last.Level, first.Level)); diff != "" {
				t.Errorf("%s, %s: level at v1.26 and at v1.27 (-want +got):\n%s", form, name, diff)
			}
			if last.Estimated || form == "template" && last.Pod != "" {
				t.Errorf("%s, %s: estimated=%t by pod %q", form, name, last.Estimated, last.Pod)
			}
		}
	}
}

// A pod without annotations that fails by what no policy writes is not estimated, at versions after the seccomp annotations either.
func TestNoPolicyMattersWithoutAnnotations(t *testing.T) {
	t.Parallel()
	sim, err := NewSimulator(nil)
	if err != nil {
		t.Fatal(err)
	}
	privileged := podtest.Plain("app")
	privileged.SecurityContext = &corev1.SecurityContext{Privileged: new(true)}
	w := inventory.Workload{Kind: "Pod", Name: "p", PodGroups: podtest.PodsOf(podtest.ShapeOf(privileged), "gone")}
	for _, minor := range []int{26, 27} {
		if got := sim.AfterPSP(&w, api.MajorMinorVersion(1, minor)); got.Level != api.LevelPrivileged || got.Estimated {
			t.Errorf("v1.%d: level %s, estimated %t; want privileged, and sure", minor, got.Level, got.Estimated)
		}
	}
}
