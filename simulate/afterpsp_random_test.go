package simulate

import (
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// Where the template is known, the verdict on pods that a policy has mutated is that on the template.
func TestAfterPSPOfMutatedPods(t *testing.T) {
	t.Parallel()
	changed := 0
	for seed := range int64(200) {
		r := podtest.NewRandom(seed)
		p, template := r.Policy(), r.Template()
		pod := podtest.Mutate(p, template)
		w := &inventory.Workload{Kind: "Deployment", Template: template, PodGroups: podtest.PodsOf(pod, "psp")}
		sim := mustSimulator(t, p)
		for _, v := range pss.VersionsWithChanges() {
			want := sim.AfterPSP(&inventory.Workload{Kind: "Deployment", Template: template}, v)
			wantAfterPSP(t, want, sim.AfterPSP(w, v))
			if !want.Verdict.Equal(sim.Evaluate(pod, v)) {
				changed++
			}
		}
	}
	if changed == 0 {
		t.Error("no policy changed any verdict: the comparison says nothing")
	}
}

// Without a template the answer may be too loose, and must never be too strict: neither than the pod as its author wrote
// it nor than the pod as stored; whether the policy is known or not. What is not estimated is what the author wrote.
func TestAfterPSPOfABarePodIsNeverTooStrict(t *testing.T) {
	t.Parallel()
	looser, estimated, certain := 0, 0, 0
	for seed := range int64(200) {
		r := podtest.NewRandom(seed)
		p, written := r.Policy(), r.Template()
		pod := podtest.Mutate(p, written)
		w := &inventory.Workload{Kind: "Pod", PodGroups: podtest.PodsOf(pod, "psp")}
		for _, sim := range []*Simulator{mustSimulator(t, p), mustSimulator(t)} {
			for _, v := range pss.VersionsWithChanges() {
				got := sim.AfterPSP(w, v)
				for _, other := range []*inventory.Shape{written, pod} {
					if o := sim.Evaluate(other, v); api.CompareLevels(got.Level, o.Level) > 0 {
						t.Fatalf("seed %d at %s: %s, but the pod may be %s: %s", seed, v.String(), got.Level, o.Level, pss.ViolationMessage(o.Violations))
					}
				}
				if got.Estimated {
					estimated++
				} else {
					certain++
					wantAfterPSP(t, AfterPSP{Verdict: sim.Evaluate(written, v), Pod: "web-1"}, got)
				}
				if got.Level != sim.Evaluate(pod, v).Level {
					looser++
				}
			}
		}
	}
	if looser == 0 || estimated == 0 || certain == 0 {
		t.Errorf("%d levels differ without the mutation, %d answers estimated, %d not: the comparison says too little", looser, estimated, certain)
	}
}

// The same for a container that a webhook injects before PSP admission: the verdict is never too strict.
func TestAfterPSPOfAnInjectedContainerIsNeverTooStrict(t *testing.T) {
	t.Parallel()
	for seed := range int64(200) {
		r := podtest.NewRandom(seed)
		p, template := r.Policy(), r.Template()
		written := &inventory.Shape{Annotations: template.Annotations, Spec: *template.Spec.DeepCopy()}
		written.Spec.InitContainers = append(written.Spec.InitContainers, r.Container("injected"))
		pod := podtest.Mutate(p, written)
		w := &inventory.Workload{Kind: "Deployment", Template: template, PodGroups: podtest.PodsOf(pod, "psp")}
		for _, sim := range []*Simulator{mustSimulator(t, p), mustSimulator(t)} {
			for _, v := range pss.VersionsWithChanges() {
				got := sim.AfterPSP(w, v)
				for _, other := range []*inventory.Shape{template, written} {
					if o := sim.Evaluate(other, v); api.CompareLevels(got.Level, o.Level) > 0 {
						t.Fatalf("seed %d at %s: %s, but the pod may be %s: %s", seed, v.String(), got.Level, o.Level, pss.ViolationMessage(o.Violations))
					}
				}
			}
		}
	}
}
