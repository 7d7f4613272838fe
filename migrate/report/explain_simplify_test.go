package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/fixtures/controlplane/admission"
	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// cloneManifest cuts the manifest of the clone out of what explain says of a policy; "" if there is none.
func cloneManifest(t *testing.T, plan *migrate.Plan, name string) string {
	t.Helper()
	var page bytes.Buffer
	if err := explained(&page, report.Options{Width: 40})(report.ExplainPolicy(plan, name, true)); err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(page.String(), "\n  apiVersion: ")
	if !found {
		return ""
	}
	text, _, _ = strings.Cut(text, "\n\n")
	return "  apiVersion: " + text + "\n"
}

// roundTripped is a plan as another command reads it.
func roundTripped(t *testing.T, plan *migrate.Plan) *migrate.Plan {
	t.Helper()
	text, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	out, err := migrate.ReadPlan(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// planOf is the plan of one generated policy that has not a problem; nil if it has one.
func planOf(t *testing.T, doc admission.YAMLObject) *migrate.Plan {
	t.Helper()
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := pspparse.ParseJSON(text, pspparse.Position{})
	if p == nil || len(p.Problems) > 0 {
		return nil
	}
	b := inventory.NewBuilder()
	b.AddPolicy(p)
	plan, err := migrate.Build(b.Build(inventory.Source{Kind: inventory.SourceFiles, Name: "f"}), migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return roundTripped(t, plan)
}

// The manifest on the page, cut out as it stands, is the clone of the saved plan, and free of problems where the policy is.
func TestTheManifestOfACloneIsTheClone(t *testing.T) {
	t.Parallel()
	var read int
	for seed := range uint64(150) {
		for _, doc := range admission.NewGenerator(seed).NewPodCase().Policies {
			plan := planOf(t, doc)
			if plan == nil || plan.Policies[0].Simplified == nil {
				continue
			}
			want := plan.Policies[0].Simplified.Clone
			text := cloneManifest(t, plan, plan.Policies[0].Name)
			var node yaml.Node
			if err := yaml.Unmarshal([]byte(text), &node); err != nil {
				t.Fatalf("seed %d: %v in\n%s", seed, err, text)
			}
			p, problems := pspparse.Parse(&node, "")
			if p == nil || len(p.Problems) > 0 {
				t.Fatalf("seed %d: %v, %+v in\n%s", seed, problems, p, text)
			}
			if diff := cmp.Diff(want, migrate.NonMutatingClone{Name: p.Name, Annotations: p.Annotations, Spec: p.Spec}); diff != "" {
				t.Fatalf("seed %d (-want +got):\n%s\n%s", seed, diff, text)
			}
			read++
		}
	}
	if read < 50 {
		t.Errorf("too few cases: %d manifests", read)
	}
}

// A plan from a file may hold any name for the clone: what no policy can be named is not written.
func TestNoManifestUnderABadName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"0-\u202eweb": "  refused: 0-\\u202eweb is not a valid name of a policy\n",
		"":            "  no valid and free name sorts before web, so that no clone can come before it\n",
	} {
		po := migrate.Policy{Name: "web", Simplified: &migrate.SimplifiedPolicy{Clone: migrate.NonMutatingClone{Name: name}}}
		var got bytes.Buffer
		if err := explained(&got, report.Options{})(report.ExplainPolicy(&migrate.Plan{Policies: []migrate.Policy{po}}, "web", true)); err != nil {
			t.Fatal(err)
		}
		if _, tail, _ := strings.Cut(got.String(), "SIMPLIFY: the clone that mutates nothing\n"); tail != want {
			t.Errorf("%q: got %q, want %q", name, tail, want)
		}
	}
}
