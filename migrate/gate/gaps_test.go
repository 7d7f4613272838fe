package gate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// TestGapsAreToldOnce checks that a gap is told once, though it takes the level from several namespaces, and by one name,
// though it is found in several files.
func TestGapsAreToldOnce(t *testing.T) {
	t.Parallel()
	all := migrate.Gap{What: "document 2", Message: message.Message{Text: "broken"}, Affects: []string{"*"}}
	withheld := func(name string) migrate.Namespace {
		return migrate.Namespace{Name: name, Action: migrate.ActionWithheld, RecommendedLabels: migrate.PodSecurityLabels{Audit: "restricted", Warn: "restricted"}}
	}
	p := &migrate.Plan{Gaps: []migrate.Gap{all, all}, Namespaces: []migrate.Namespace{withheld("a"), withheld("b"), withheld("c")}}
	r := gate.Evaluate(p, gate.Facts{}, gate.Options{To: api.MajorMinorVersion(1, 25)})
	want := []gate.Note{{
		Message: says("no-enforce-recommended", "no enforce level is recommended, and none is set: the API server's default holds, which is privileged unless it is configured"),
		Objects: objects("object-namespace", "a", "b", "c"),
	}}
	if diff := cmp.Diff(want, r.Notes, sameMessages()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got, want := r.Unknown[0].Text, "2 things could not be read or evaluated: document 2"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
