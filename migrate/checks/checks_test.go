package checks_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/migrate/checks"
)

// Every check that API servers enable by default is told whole: a new version of the library has to be answered in the table.
func TestEveryCheckIsTold(t *testing.T) {
	t.Parallel()
	all, err := checks.All()
	if err != nil {
		t.Fatal(err)
	}
	ids := checks.IDs()
	if len(all) != len(policy.DefaultChecks()) || len(ids) != len(all) {
		t.Errorf("got %d checks and %d IDs, want %d", len(all), len(ids), len(policy.DefaultChecks()))
	}
	for i, c := range all {
		if c.ID != ids[i] || c.Refuses == "" || c.HowToMeet == "" || c.Refused == "" || c.Compliant == "" || c.Refusal == "" {
			t.Errorf("check %s (%s in the list of IDs) is not told whole: %+v", c.ID, ids[i], c)
		}
		for _, change := range c.Changes {
			if change.What == "" {
				t.Errorf("check %s: say what %s changed", c.ID, change.Version)
			}
		}
	}
	if c, err := checks.Find("nosuch"); c != nil || err == nil {
		t.Errorf("got %v, %v for a check that does not exist", c, err)
	}
}

// At the newest version of a check its first example is refused by it and its second is not.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, library := range policy.DefaultChecks() {
		c, err := checks.Find(string(library.ID))
		if err != nil || c == nil {
			t.Fatalf("%s: %v", library.ID, err)
		}
		run := library.Versions[len(library.Versions)-1].CheckPod
		for text, allowed := range map[string]bool{c.Refused: false, c.Compliant: true} {
			var pod corev1.Pod
			if err := yaml.UnmarshalStrict([]byte(text), &pod); err != nil {
				t.Errorf("%s: %v in\n%s", c.ID, err, text)
			}
			if got := run(&pod.ObjectMeta, &pod.Spec); got.Allowed != allowed {
				t.Errorf("%s: allowed %v, want %v:\n%s", c.ID, got.Allowed, allowed, text)
			}
		}
	}
}
