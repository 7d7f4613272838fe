package simulate

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

// Each pod template within a custom object counts, as written and after PSP; what servers make of seccomp annotations does only
// where the object has the whole template.
func TestEmbeddedTemplates(t *testing.T) {
	t.Parallel()
	hardened, plain := podtest.ShapeOf(podtest.Hardened("app")), podtest.ShapeOf(podtest.Plain("app"))
	unconfined := podtest.ShapeOf(podtest.Hardened("app"))
	unconfined.Spec.Containers[0].SecurityContext.SeccompProfile = nil
	unconfined.Annotations = map[string]string{podspec.SeccompPodAnnotation: "unconfined"}
	for name, c := range map[string]struct {
		embedded []inventory.EmbeddedTemplate
		want     string
	}{
		"one that meets restricted":            {[]inventory.EmbeddedTemplate{{Shape: hardened}}, "restricted as written, restricted after PSP"},
		"one of two that meets baseline":       {[]inventory.EmbeddedTemplate{{Shape: hardened}, {Shape: plain}}, "baseline as written, baseline after PSP"},
		"one that an annotation unconfines":    {[]inventory.EmbeddedTemplate{{Shape: unconfined}}, "baseline as written, privileged after PSP"},
		"a part that an annotation unconfines": {[]inventory.EmbeddedTemplate{{Shape: unconfined, Partial: true}}, "baseline as written, baseline after PSP"},
		"no template":                          {nil, " as written,  after PSP"},
	} {
		sim, v := mustSimulator(t), api.MajorMinorVersion(1, 26)
		w := &inventory.Workload{Kind: "Runner", Embedded: c.embedded}
		written, _ := sim.AsWritten(w, v)
		after := sim.AfterPSP(w, v)
		got := fmt.Sprintf("%s as written, %s after PSP", written.Level, after.Level)
		if diff := cmp.Diff(c.want, got); diff != "" || after.Estimated || after.Pod != "" {
			t.Errorf("%s: estimated %t by pod %q (-want +got):\n%s", name, after.Estimated, after.Pod, diff)
		}
	}
}

// What an injector is expected to add decides the level, and no live pod is named for it.
func TestAfterPSPOfAnExpectedPod(t *testing.T) {
	t.Parallel()
	sim := mustSimulator(t)
	w := &inventory.Workload{Kind: "Deployment", Name: "web", Template: podtest.ShapeOf(podtest.Hardened("app"))}
	sim.AddExpectedPod(w, podtest.ShapeOf(podtest.Hardened("app"), podtest.Plain("proxy")))
	if got := sim.AfterPSP(w, api.MajorMinorVersion(1, 25)); got.Level != api.LevelBaseline || got.Pod != "" || got.Estimated {
		t.Errorf("level %s by pod %q, estimated: %t; want baseline by no pod, and sure", got.Level, got.Pod, got.Estimated)
	}
}

// Readings of a workload are alike if their levels are the same at every version, whatever they say.
func TestSameLevelAfterPSP(t *testing.T) {
	t.Parallel()
	reading := func(s *inventory.Shape) inventory.Workload {
		return inventory.Workload{Kind: "Deployment", Name: "web", Template: s}
	}
	plain, hardened := podtest.ShapeOf(podtest.Plain("app")), podtest.ShapeOf(podtest.Hardened("app"))
	annotated := podtest.ShapeOf(podtest.Plain("app")) // privileged up to v1.26, then baseline
	annotated.Annotations = map[string]string{podspec.SeccompPodAnnotation: "unconfined"}
	same := SameLevelAfterPSP([]*pspparse.Policy{podtest.Hardening("hardening")})
	for name, c := range map[string]struct {
		readings []inventory.Workload
		want     bool
	}{
		"one":                           {[]inventory.Workload{reading(plain)}, true},
		"another container":             {[]inventory.Workload{reading(plain), reading(podtest.ShapeOf(podtest.Plain("other")))}, true},
		"another level":                 {[]inventory.Workload{reading(plain), reading(hardened)}, false},
		"another level, third":          {[]inventory.Workload{reading(plain), reading(plain), reading(hardened)}, false},
		"another level at old versions": {[]inventory.Workload{reading(plain), reading(annotated)}, false},
	} {
		if got := same(c.readings); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
