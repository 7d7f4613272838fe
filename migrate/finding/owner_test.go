package finding_test

import (
	"reflect"
	"testing"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse"
)

// TestOwners checks that each finding is given to the workload of its file and line, also where objects have one name.
func TestOwners(t *testing.T) {
	web := finding.Object{Kind: "Pod", Namespace: "a", Name: "web"}
	workload := func(file string, line int, failed ...string) finding.Workload {
		return finding.Workload{Object: web, Position: pspparse.Position{File: file, Line: line}, Failed: failed}
	}
	found := func(rule, file string, line int) finding.Finding {
		return finding.Finding{Rule: rule, Object: web, Places: []finding.Place{{Range: finding.Range{File: file, Line: line}}}}
	}
	r := &finding.Result{
		Workloads: []finding.Workload{
			workload("dev.yaml", 1), workload("dev.yaml", 9, "privileged"),
			workload("list.json", 1), workload("list.json", 1, "privileged"), workload("list.json", 1, "privileged", "hostPorts"),
			workload("prod.yaml", 3, "hostPorts"),
		},
		Findings: []finding.Finding{
			found("privileged", "dev.yaml", 12),
			found("privileged", "list.json", 1), found("privileged", "list.json", 1), found("hostPorts", "list.json", 1),
			found("hostPorts", "prod.yaml", 1), // above the object, as an anchor is
			found("exception-expired", "dev.yaml", 2),
			found("exception-expired", ".psp2pss.yaml", 2),
			{Rule: "privileged", Object: web},
		},
	}
	if got, want := r.Owners(), []int{1, 3, 4, 4, 5, 0, -1, -1}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
