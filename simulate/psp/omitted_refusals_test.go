package psp

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

// A Prediction has the first refusals of each policy that admission has, and the number of the others.
func TestPredictionHasTheFirstRefusals(t *testing.T) {
	t.Parallel()
	cut := 0
	for seed := range int64(400) {
		r := podtest.NewRandom(seed)
		policies := []*pspparse.Policy{r.Policy(), r.Policy()}
		policies[0].Name, policies[1].Name = "a", "b"
		template := r.Template()
		predictor := newPredictor(policies...)
		got := predictor.PredictAdmission(template, AdmissionContext{UsablePolicies: predictor.UsablePolicies([]string{"a", "b"})})
		if len(got.InvalidMutations) > 0 || got.Policy != "" {
			continue
		}
		whole := NewAdmitter(policies)
		q := newPodKey{shape: template}
		all := whole.Admit(AdmissionRequest{Pod: q.asPod(), UsablePolicies: whole.UsablePolicies(nil, []string{"a", "b"}), Automount: new(true)})
		for _, name := range []string{"a", "b"} {
			of := func(in []Refusal) (out []Refusal) {
				for _, refusal := range in {
					if refusal.Policy == name {
						out = append(out, refusal)
					}
				}
				return out
			}
			want := of(all.Refusals)
			kept := min(len(want), MaxRefusalsPerPolicy)
			if diff := cmp.Diff(slices.Clip(want[:kept]), of(got.Refusals)); diff != "" {
				t.Fatalf("seed %d, policy %s (-first of admission +kept):\n%s", seed, name, diff)
			}
			if omitted := len(want) - kept; got.OmittedRefusals[name] != omitted {
				t.Fatalf("seed %d, policy %s: %d omitted, want %d", seed, name, got.OmittedRefusals[name], omitted)
			} else if omitted > 0 {
				cut++
			}
		}
	}
	if cut < 25 {
		t.Errorf("only %d lists of refusals are cut short", cut)
	}
}

// A refusal beyond the limit is counted once, whichever field it is about: here the AppArmor profiles of many containers.
// Up to the limit nothing is omitted, and there is no count of nothing.
func TestOmittedRefusalsAreCountedOnce(t *testing.T) {
	t.Parallel()
	policy := podtest.PolicyOf("a", func(p *pspparse.Policy) { p.Annotations[pspparse.AppArmorAllowedAnnotation] = "runtime/default" })
	for more, want := range map[int]map[string]int{0: nil, 5: {"a": 5}} {
		template := &inventory.Shape{Annotations: map[string]string{}}
		for i := range MaxRefusalsPerPolicy + more {
			name := fmt.Sprintf("c%d", i)
			template.Spec.Containers = append(template.Spec.Containers, podtest.Plain(name))
			template.Annotations[podspec.AppArmorAnnotationPrefix+name] = "localhost/x"
		}
		predictor := newPredictor(policy)
		got := predictor.PredictAdmission(template, AdmissionContext{UsablePolicies: predictor.UsablePolicies([]string{"a"}), Automount: new(false)})
		if diff := cmp.Diff(want, got.OmittedRefusals); diff != "" || len(got.Refusals) != MaxRefusalsPerPolicy {
			t.Errorf("%d refusals, want %d; omitted (-want +got):\n%s", len(got.Refusals), MaxRefusalsPerPolicy, diff)
		}
	}
}

// An evaluation gives as many refusals a text as it is asked for, a single one included, and counts the others; 0 is no limit.
func TestLimitOfRefusals(t *testing.T) {
	t.Parallel()
	policy := compilePolicy(podtest.PolicyOf("a", nil))
	pod := &corev1.Pod{Spec: corev1.PodSpec{HostNetwork: true, HostPID: true, HostIPC: true}}
	for most, want := range map[int][2]int{0: {3, 0}, 1: {1, 2}, 2: {2, 1}, 3: {3, 0}, 4: {3, 0}} {
		var e policyEvaluation
		e.assignSecurityContext(policy, pod, nil, most)
		if got := [2]int{len(e.refusals), e.omittedRefusals}; got != want {
			t.Errorf("at most %d: %d with a text and %d omitted, want %d and %d", most, got[0], got[1], want[0], want[1])
		}
	}
}
