package psp

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

// subset names the policies whose bit is set.
func subset(policies []*pspparse.Policy, bits int) []string {
	var names []string
	for i, p := range policies {
		if bits&(1<<i) != 0 {
			names = append(names, p.Name)
		}
	}
	return names
}

// Sets of policies that share a prediction would each get the same one: every set of four random policies, all sorts of pods.
func TestSharedPredictionsAgreeWithAdmission(t *testing.T) {
	t.Parallel()
	admitted, refused, mutated := 0, 0, 0
	for seed := range int64(150) {
		r := podtest.NewRandom(seed)
		var policies []*pspparse.Policy
		for i := range 4 {
			p := r.Policy()
			if i == 3 {
				p = podtest.PolicyOf("", nil)
			}
			if i != 1 {
				generous(p)
			}
			p.Name = fmt.Sprint("p", i)
			policies = append(policies, p)
		}
		predictor := newPredictor(policies...)
		for range 2 {
			template := r.Template()
			for bits := range 1 << len(policies) {
				by := AdmissionContext{UsablePolicies: predictor.UsablePolicies(subset(policies, bits)), Mirror: bits%3 == 0}
				if bits%2 == 0 {
					by.Automount = new(false)
				}
				want := newPredictor(policies...).admit(predictionKey{newPodKey{template, by.Mirror, by.Automount == nil}, by.UsablePolicies})
				got := predictor.PredictAdmission(template, by)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d, policies %v (-alone +shared):\n%s", seed, subset(policies, bits), diff)
				}
				switch {
				case got.Policy == "":
					refused++
				case len(got.MutatedFields) > 0:
					mutated++
				default:
					admitted++
				}
			}
		}
	}
	if min(admitted, refused, mutated) < 100 {
		t.Errorf("%d admitted as they are, %d mutated, %d refused: the comparison says too little", admitted, mutated, refused)
	}
}

// Equal pods under equal sets are predicted once, however many workloads have them, and admitted pods once for each policy.
func TestEqualRequestsArePredictedOnce(t *testing.T) {
	t.Parallel()
	var policies []*pspparse.Policy
	for i := range 5 {
		p := podtest.Hardening(fmt.Sprint("p", i))
		p.Annotations[pspparse.SeccompAllowedAnnotation], p.Spec.Volumes = "*", []string{"*"}
		p.Spec.HostNetwork = i == 4 // the only one for what asks for it
		policies = append(policies, p)
	}
	predictor := newPredictor(policies...)
	ordinary, onTheHost := podtest.ShapeOf(podtest.Plain("app")), podtest.ShapeOf(podtest.Plain("app"))
	onTheHost.Spec.HostNetwork = true
	answers := map[*Prediction]int{}
	for range 100 {
		for bits := range 1 << len(policies) {
			names := subset(policies, bits)
			for _, same := range [][]string{names, slices.Concat(names, names, []string{"gone"})} {
				answers[predictor.PredictAdmission(ordinary, AdmissionContext{UsablePolicies: predictor.UsablePolicies(same)})]++
				answers[predictor.PredictAdmission(onTheHost, AdmissionContext{UsablePolicies: predictor.UsablePolicies(same), Automount: new(true)})]++
			}
		}
	}
	asked := 0
	for _, n := range answers {
		asked += n
	}
	// The ordinary pod is admitted by each of 5, or refused where there is none; the other by one, or refused by 16 sets.
	if want := 5 + 1 + 1 + 16; len(answers) != want || asked != 100*32*2*2 {
		t.Errorf("%d answers to %d questions, want %d", len(answers), asked, want)
	}
	if want := 2 * 32; len(predictor.predictions) != want {
		t.Errorf("%d pairs of pod and set are cached, want %d", len(predictor.predictions), want)
	}
}
