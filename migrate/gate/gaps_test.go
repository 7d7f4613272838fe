package gate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
)

// TestGapsAreToldOnce checks that a gap is told once, though it takes the level from several namespaces, and by one name,
// though it is found in several files.
func TestGapsAreToldOnce(t *testing.T) {
	t.Parallel()
	all := migrate.Gap{What: "document 2", Why: "broken", Affects: []string{"*"}}
	withheld := func(name string) migrate.Namespace {
		return migrate.Namespace{Name: name, Action: migrate.ActionWithheld, Recommended: migrate.Labels{Audit: "restricted", Warn: "restricted"}}
	}
	p := &migrate.Plan{Gaps: []migrate.Gap{all, all}, Namespaces: []migrate.Namespace{withheld("a"), withheld("b"), withheld("c")}}
	r := gate.Judge(p, gate.Facts{}, gate.Options{To: api.MajorMinorVersion(1, 25)})
	want := []gate.Note{{
		What:  "no enforce level is recommended, and none is set: the API server's default holds, which is privileged unless it is configured",
		Where: []string{"a", "b", "c"},
	}}
	if diff := cmp.Diff(want, r.Told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got, want := r.Unknown[0].Why, "2 things could not be read or judged: document 2"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
