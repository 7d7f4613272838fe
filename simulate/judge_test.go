package simulate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

func mustJudge(t testing.TB, policies ...*pspparse.Policy) *Judge {
	t.Helper()
	j, err := NewJudge(policies)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// The judge's short cut, every revision once, must come to what running a version's checks does, on reduced shapes too.
func TestJudgeLikeEvaluator(t *testing.T) {
	t.Parallel()
	e, j := mustEvaluator(t), mustJudge(t)
	for seed := range int64(200) {
		annotations, spec := newRandom(seed).pod()
		whole, reduced := &inventory.Shape{Annotations: annotations, Spec: *spec}, inventory.Reduce(annotations, spec)
		for _, v := range everyVersion() {
			want := e.Verdict(annotations, spec, v)
			for range 2 { // the second answer is the remembered one
				if diff := cmp.Diff(want, j.Evaluate(whole, v)); diff != "" {
					t.Fatalf("seed %d at %s (-evaluator +judge):\n%s", seed, v.String(), diff)
				}
			}
			if diff := cmp.Diff(want, j.Evaluate(reduced, v)); diff != "" {
				t.Fatalf("seed %d reduced, at %s (-evaluator +judge):\n%s", seed, v.String(), diff)
			}
		}
	}
}

func TestJudgeSharesWhatIsEqual(t *testing.T) {
	t.Parallel()
	j := mustJudge(t)
	plain := func() *inventory.Shape {
		return &inventory.Shape{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}}
	}
	v := api.MajorMinorVersion(1, 25)
	a, b := j.Evaluate(plain(), v), j.Evaluate(plain(), v)
	if &a.Violations[0] != &b.Violations[0] {
		t.Error("two shapes with one finding hold it twice")
	}
	later := j.Evaluate(plain(), api.MajorMinorVersion(1, 26))
	if &a.Violations[0] != &later.Violations[0] {
		t.Error("two versions with one finding hold it twice")
	}
	if grown := append(a.Violations, Violation{}); &grown[0] == &a.Violations[0] {
		t.Error("an append by a caller writes into what others hold")
	}
}

func TestAsWritten(t *testing.T) {
	t.Parallel()
	shape := &inventory.Shape{Spec: corev1.PodSpec{HostPID: true, Containers: []corev1.Container{{Name: "app"}}}}
	group := func(admittedBy string) []inventory.PodGroup {
		return []inventory.PodGroup{{Shape: shape, AdmittedBy: admittedBy, Count: 1, Example: "x"}}
	}
	filled := []inventory.PodGroup{{Shape: shapeOf(hardened("app")), AdmittedBy: "psp", Count: 1, Example: "x"}}
	cases := []struct {
		name     string
		workload inventory.Workload
		known    bool
	}{
		{"template", inventory.Workload{Kind: "Deployment", Template: shape}, true},
		{"template, whatever its pods are", inventory.Workload{Kind: "Deployment", Template: shape, Pods: group("psp")}, true},
		{"bare pod that no policy touched", inventory.Workload{Kind: "Pod", Pods: group("")}, true},
		{"bare pod to which no policy can have made a difference", inventory.Workload{Kind: "Pod", Pods: group("psp")}, true},
		{"bare pod that a policy may have filled in", inventory.Workload{Kind: "Pod", Pods: filled}, false},
		{"owner not read", inventory.Workload{Kind: "Rollout", Pods: group("")}, false},
		{"nothing", inventory.Workload{Kind: "Pod"}, false},
	}
	v := api.MajorMinorVersion(1, 25)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := mustJudge(t)
			want := Verdict{}
			if c.known {
				want = j.Evaluate(shape, v)
			}
			got, known := j.AsWritten(&c.workload, v)
			if known != c.known {
				t.Errorf("known = %t, want %t", known, c.known)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
