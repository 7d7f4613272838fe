package report_test

import (
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse"
)

// TestWorkloadsOfOneName checks that the summary of a check tells manifests of one object in two files apart: one that has an exception
// does not count as failing because the other fails.
func TestWorkloadsOfOneName(t *testing.T) {
	web := finding.Object{Kind: "Pod", Namespace: "a", Name: "web"}
	demands := []finding.Demand{{Level: "baseline", Version: "latest", Source: "flag", Mode: "enforce"}}
	found := func(file string) finding.Finding {
		return finding.Finding{
			Rule: "hostNamespaces", Level: "baseline", Severity: "error", Object: web,
			Places: []finding.Place{{Field: "spec.hostNetwork", Range: finding.Range{File: file, Line: 5, Column: 3}}},
		}
	}
	r := &finding.Result{
		Workloads: []finding.Workload{
			{Object: web, Position: pspparse.Position{File: "dev.yaml", Line: 1}, Demands: demands, Failed: []string{"hostNamespaces"}},
			{Object: web, Position: pspparse.Position{File: "prod.yaml", Line: 1}, Demands: demands, Failed: []string{"hostNamespaces"}},
		},
		Findings: []finding.Finding{found("dev.yaml")},
		Ignored:  []finding.Ignored{{Finding: found("prod.yaml"), Reason: "needs it", Source: "annotation"}},
	}
	var out strings.Builder
	if err := report.Text(&out, report.FindingsDocument(r, report.Options{}), report.Options{}); err != nil {
		t.Fatal(err)
	}
	if want := "1 finding in 1 of 2 workloads; 0 meet what is asked; 1 fails only checks that an exception covers."; !strings.Contains(out.String(), want) {
		t.Errorf("the summary is not %q:\n%s", want, out.String())
	}
}
