package simulate

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse"
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

// What sets of policies share is what each would be told by itself: every set of four random policies, pods of all sorts.
func TestSharedAnswersAreThoseOfAdmission(t *testing.T) {
	t.Parallel()
	admitted, refused, filled := 0, 0, 0
	for seed := range int64(150) {
		r := newRandom(seed)
		var policies []*pspparse.Policy
		for i := range 4 {
			p := r.policy()
			if i == 3 {
				p = policyOf("", nil)
			}
			if i != 1 {
				generous(p)
			}
			p.Name = fmt.Sprint("p", i)
			policies = append(policies, p)
		}
		j := mustJudge(t, policies...)
		for range 2 {
			template := r.template()
			for bits := range 1 << len(policies) {
				by := Author{Usable: j.Usable(subset(policies, bits)), Mirror: bits%3 == 0}
				if bits%2 == 0 {
					by.Automount = new(false)
				}
				want := mustJudge(t, policies...).ask(question{newPod{template, by.Mirror, by.Automount == nil}, by.Usable})
				got := j.Foresee(template, by)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d, policies %v (-alone +shared):\n%s", seed, subset(policies, bits), diff)
				}
				switch {
				case got.Policy == "":
					refused++
				case len(got.Filled) > 0:
					filled++
				default:
					admitted++
				}
			}
		}
	}
	if min(admitted, refused, filled) < 100 {
		t.Errorf("%d admitted as they are, %d filled in, %d refused: the comparison says too little", admitted, filled, refused)
	}
}

// Equal pods under equal sets are judged once, however many workloads ask, and pods that a set admits once for each policy.
func TestEqualQuestionsAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	var policies []*pspparse.Policy
	for i := range 5 {
		p := hardening(fmt.Sprint("p", i))
		p.Annotations[pspparse.SeccompAllowedAnnotation], p.Spec.Volumes = "*", []string{"*"}
		p.Spec.HostNetwork = i == 4 // the only one for what asks for it
		policies = append(policies, p)
	}
	j := mustJudge(t, policies...)
	ordinary, onTheHost := shapeOf(plain("app")), shapeOf(plain("app"))
	onTheHost.Spec.HostNetwork = true
	answers := map[*Foresight]int{}
	for range 100 {
		for bits := range 1 << len(policies) {
			names := subset(policies, bits)
			for _, same := range [][]string{names, slices.Concat(names, names, []string{"gone"})} {
				answers[j.Foresee(ordinary, Author{Usable: j.Usable(same)})]++
				answers[j.Foresee(onTheHost, Author{Usable: j.Usable(same), Automount: new(true)})]++
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
	if want := 2 * 32; len(j.foreseen) != want {
		t.Errorf("%d pairs of pod and set were told apart, want %d", len(j.foreseen), want)
	}
}
