package rollout

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
)

// inOrder are values of a wave label in the order in which their waves come.
func inOrder() []string {
	return []string{
		"0", "01", "1", "1-a", "1.9", "1.10", "02", "2", "10", "99999999999999999999", "100000000000000000000",
		"a", "a1", "a02", "a2", "a2b", "a2c", "a10", "dev", "wave-2", "wave-10", "wave-x", "",
	}
}

func TestCompareWaves(t *testing.T) {
	t.Parallel()
	want := inOrder()
	for i, a := range want {
		for k, b := range want {
			if got := compareWaves(a, b); got < 0 != (i < k) || got > 0 != (i > k) {
				t.Errorf("compareWaves(%q, %q) is %d", a, b, got)
			}
		}
	}
}

// Values at random of few characters, so that many begin alike: the order is total.
func TestCompareWavesIsTotal(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	value := func() string {
		out := make([]byte, random.IntN(5))
		for i := range out {
			out[i] = "0129a-."[random.IntN(7)]
		}
		return string(out)
	}
	for range 20000 {
		a, b, c := value(), value(), value()
		if (compareWaves(a, b) == 0) != (a == b) || compareWaves(a, b) != -compareWaves(b, a) {
			t.Fatalf("%q and %q: %d, %d", a, b, compareWaves(a, b), compareWaves(b, a))
		}
		if compareWaves(a, b) < 0 && compareWaves(b, c) < 0 && compareWaves(a, c) >= 0 {
			t.Fatalf("%q, %q, %q: no order", a, b, c)
		}
	}
}

// Waves come in the same order where no more than a number of namespaces is changed.
func TestWavesOfSteps(t *testing.T) {
	t.Parallel()
	var namespaces []migrate.Namespace
	for _, name := range []string{"1", "10", "2", "x"} {
		ns := planned("ns-"+name, "baseline")
		if name != "x" {
			wave(name)(&ns)
		}
		namespaces = append(namespaces, ns)
	}
	waves := func(o StepOptions) []string {
		o.WaveLabel = "wave"
		steps, _ := PlanSteps(&migrate.Plan{Namespaces: slices.Clone(namespaces)}, o)
		var out []string
		for i := range steps {
			out = append(out, steps[i].Namespace+" "+steps[i].Wave)
		}
		return out
	}
	if diff := cmp.Diff([]string{"ns-1 1", "ns-2 2", "ns-10 10", "ns-x "}, waves(StepOptions{})); diff != "" {
		t.Errorf("waves (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ns-1 1", "ns-2 2"}, waves(StepOptions{MaxNamespaces: 2})); diff != "" {
		t.Errorf("waves of two namespaces (-want +got):\n%s", diff)
	}
}
