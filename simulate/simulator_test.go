package simulate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

func mustSimulator(t testing.TB, policies ...*pspparse.Policy) *Simulator {
	t.Helper()
	sim, err := NewSimulator(policies)
	if err != nil {
		t.Fatal(err)
	}
	return sim
}

func TestAsWritten(t *testing.T) {
	t.Parallel()
	shape := &inventory.Shape{Spec: corev1.PodSpec{HostPID: true, Containers: []corev1.Container{{Name: "app"}}}}
	group := func(admittedBy string) []inventory.PodGroup {
		return []inventory.PodGroup{{Shape: shape, AdmittedBy: admittedBy, Count: 1, ExamplePod: "x"}}
	}
	mutated := []inventory.PodGroup{{Shape: podtest.ShapeOf(podtest.Hardened("app")), AdmittedBy: "psp", Count: 1, ExamplePod: "x"}}
	cases := []struct {
		name     string
		workload inventory.Workload
		known    bool
	}{
		{"template", inventory.Workload{Kind: "Deployment", Template: shape}, true},
		{"template, whatever its pods are", inventory.Workload{Kind: "Deployment", Template: shape, PodGroups: group("psp")}, true},
		{"bare pod that no policy touched", inventory.Workload{Kind: "Pod", PodGroups: group("")}, true},
		{"bare pod to which no policy can have made a difference", inventory.Workload{Kind: "Pod", PodGroups: group("psp")}, true},
		{"bare pod that a policy may have mutated", inventory.Workload{Kind: "Pod", PodGroups: mutated}, false},
		{"owner not read", inventory.Workload{Kind: "Rollout", PodGroups: group("")}, false},
		{"nothing", inventory.Workload{Kind: "Pod"}, false},
	}
	v := api.MajorMinorVersion(1, 25)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sim := mustSimulator(t)
			want := pss.Verdict{}
			if c.known {
				want = sim.Evaluate(shape, v)
			}
			got, known := sim.AsWritten(&c.workload, v)
			if known != c.known {
				t.Errorf("known = %t, want %t", known, c.known)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
