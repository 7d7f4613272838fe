package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/difference"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// writeChanges writes changes in a format that there is.
func writeChanges(t *testing.T, c *difference.Changes, format string, opts report.Options) string {
	t.Helper()
	f, ok := report.FindFormat(report.ChangeFormats(), format)
	if !ok {
		t.Fatalf("there is no format %q", format)
	}
	var b bytes.Buffer
	if err := f.Write(&b, c, opts); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Nothing in the names of either plan acts on a terminal or breaks a line, in any format; JSON stays JSON.
func TestHostileChanges(t *testing.T) {
	t.Parallel()
	const name = "x\x1b[31m\u202e\n::error::y\r\u2028z"
	plan := func(pid bool) *migrate.Plan {
		p := readPlan(t, "hostile")
		ns := migrate.Namespace{
			Name: name, Complete: true, NeededLevel: "baseline", PermittedLevel: "privileged", PermittedBy: []string{name},
			Workloads: []migrate.Workload{{Kind: "Deployment", Name: name, Evaluation: &migrate.Evaluation{Levels: migrate.WorkloadLevels{AfterPSP: "baseline"}}}},
		}
		po := migrate.Policy{Name: name, Annotations: map[string]string{name: fmt.Sprint(pid)}}
		if po.Spec.HostPID = pid; pid {
			ns.NeededLevel, ns.Labels = "privileged", map[string]string{"pod-security.kubernetes.io/enforce": name}
			ns.Workloads[0].Evaluation = &migrate.Evaluation{Levels: migrate.WorkloadLevels{AfterPSP: "privileged"}, Violations: []migrate.Violation{{Check: name}}}
			ns.Blockers = []migrate.Blocker{{Check: name, Workloads: []migrate.WorkloadRef{{Kind: "Deployment", Name: name}}}}
			p.Bindings = append(p.Bindings, migrate.Binding{Namespace: name, Name: name, Role: "ClusterRole " + name, Subjects: []migrate.Subject{{User: name}}})
			p.Gaps = append(p.Gaps, migrate.Gap{What: name, Affects: []string{name}})
			p.Source.Name, p.Source.UID = name, name
		} else {
			p.Source.UID = "one"
		}
		p.Roles = append(p.Roles, migrate.Role{Name: name, Policies: []string{name}})
		p.Policies, p.Namespaces = append(p.Policies, po), append(p.Namespaces, ns)
		return p
	}
	for _, c := range []*difference.Changes{
		difference.Compare(plan(false), plan(true)), difference.Compare(plan(true), plan(false)), difference.Compare(&migrate.Plan{}, plan(true)),
	} {
		for _, f := range report.ChangeFormats() {
			for _, opts := range []report.Options{{}, {Width: 60}, {NoHeaders: true}} {
				out := writeChanges(t, c, f.Name, opts)
				if strings.ContainsAny(out, "\x1b\u202e\r\u2028") {
					t.Errorf("%s, %+v: a character of a name acts:\n%q", f.Name, opts, out)
				}
				if strings.HasPrefix(out, "::") || strings.Contains(out, "\n::") {
					t.Errorf("%s, %+v: a name commands a pipeline:\n%s", f.Name, opts, out)
				}
				if f.Name == report.JSONFormat && !json.Valid([]byte(out)) {
					t.Errorf("no JSON:\n%s", out)
				}
			}
		}
	}
}

// A long group is cut, with the number of the others; wide and JSON have all.
func TestLongListsOfChanges(t *testing.T) {
	t.Parallel()
	after := &migrate.Plan{}
	const n = 40
	for i := range n {
		after.Namespaces = append(after.Namespaces, migrate.Namespace{Name: fmt.Sprintf("n%02d", i), Complete: true})
	}
	c := difference.Compare(&migrate.Plan{}, after)
	table, wide := writeChanges(t, c, "table", report.Options{}), writeChanges(t, c, "wide", report.Options{})
	if !strings.Contains(table, "\n  and 25 more: -o wide has all\n") || strings.Count(table, " is new") != n-25 || strings.Count(wide, " is new") != n {
		t.Errorf("table:\n%s\nwide:\n%s", table, wide)
	}
	if lines := strings.Count(writeChanges(t, c, "table", report.Options{NoHeaders: true}), "\n"); lines != n {
		t.Errorf("without headers there are %d lines, want %d", lines, n)
	}
}

// That the plans are of two clusters is the first thing that is said.
func TestChangesBetweenTwoClusters(t *testing.T) {
	t.Parallel()
	one, two := &migrate.Plan{}, &migrate.Plan{}
	one.Source.UID, two.Source.UID = "1", "2"
	if out := writeChanges(t, difference.Compare(one, two), "table", report.Options{}); !strings.HasPrefix(out, "These are plans of two clusters (kube-system has the UID 1 in the earlier one and 2 in the later\n") {
		t.Error(out)
	}
}
