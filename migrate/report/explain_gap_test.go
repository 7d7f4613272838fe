package report

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// TestExplainGap checks that of a workload that could not be judged its gaps are shown, and of no other.
func TestExplainGap(t *testing.T) {
	t.Parallel()
	plan := &migrate.Plan{
		TargetVersion: "v1.25", Source: inventory.Source{Kind: inventory.SourceDemo},
		Namespaces: []migrate.Namespace{{Name: "a", Complete: true, Workloads: []migrate.Workload{{Kind: "Deployment", Name: "read", Evaluation: &migrate.Evaluation{}}}}},
		Gaps: []migrate.Gap{
			{What: "document 3", Message: message.Message{Text: "broken"}, Affects: []string{"*"}},
			{What: `Deployment "a/web"`, Message: message.Message{Text: "it has no containers"}, Affects: []string{"a"}, Position: pspparse.Position{File: "f\x1b", Line: 2}},
			{What: `Deployment "a/web"`, Message: message.Message{Text: "it is defined twice"}, Affects: []string{"a"}},
			{What: `StatefulSet "a/web"`, Message: message.Message{Text: "no"}, Affects: []string{"a"}},
			{What: `Job "b/web"`, Message: message.Message{Text: "in a namespace that was not read"}, Affects: []string{"b"}},
		},
	}
	for _, tt := range []struct{ namespace, kind, name, want, err string }{
		{"a", "deployment", "web", `Deployment "a/web" could not be read or evaluated, from the built-in demo cluster.

GAPS: why, and what to try next
  f\x1b:2: Deployment "a/web": it has no containers
  Deployment "a/web": it is defined twice
`, ""},
		{"b", "job", "web", `Job "b/web" could not be read or evaluated, from the built-in demo cluster.

GAPS: why, and what to try next
  Job "b/web": in a namespace that was not read
`, ""},
		{"a", "pod", "web", "", `there is no workload "a/pod/web" in what was read; known: a/deployment/read`},
		{"b", "pod", "web", "", `there is no namespace "b" in what was read, but there may be more than was read (document 3: broken); known: a`},
	} {
		var got bytes.Buffer
		d, err := ExplainWorkload(plan, tt.namespace, tt.kind, tt.name)
		if err == nil {
			err = Text(&got, d, Options{})
		}
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != tt.err {
			t.Errorf("%s/%s/%s: error %q, want %q", tt.namespace, tt.kind, tt.name, text, tt.err)
		}
		if diff := cmp.Diff(tt.want, got.String()); diff != "" {
			t.Errorf("%s/%s/%s (-want +got):\n%s", tt.namespace, tt.kind, tt.name, diff)
		}
	}
}
