package report_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// namespaceWith is a plan of one namespace that needs baseline, with these blockers and losses and a workload for each name.
func namespaceWith(blockers []migrate.Blocker, lost []migrate.LostConstraint, names ...string) *migrate.Plan {
	ns := migrate.Namespace{Name: "a", NeededLevel: api.LevelBaseline, Complete: true, Blockers: blockers, Lost: lost}
	for _, name := range names {
		ns.Workloads = append(ns.Workloads, migrate.Workload{Kind: "Pod", Name: name, Evaluation: &migrate.Evaluation{Levels: migrate.WorkloadLevels{AfterPSP: api.LevelBaseline}}})
	}
	return &migrate.Plan{TargetVersion: "v1.25", Namespaces: []migrate.Namespace{ns}}
}

// explainedNamespace is the text about the one namespace of a plan, from its reasons on.
func explainedNamespace(t *testing.T, plan *migrate.Plan, wide bool) string {
	t.Helper()
	var b bytes.Buffer
	if err := explained(&b, report.Options{})(report.ExplainNamespace(plan, "a", wide)); err != nil {
		t.Fatal(err)
	}
	_, text, _ := bytes.Cut(b.Bytes(), []byte("all read               yes\n"))
	return string(text)
}

// Workloads that fail alike are a table with one row for each check; what they do not share is left to -o wide. Where nothing is
// shared each workload stands with its own.
func TestBlockersOfSeveralWorkloads(t *testing.T) {
	t.Parallel()
	blocker := func(check, detail string, names ...string) migrate.Blocker {
		b := migrate.Blocker{Check: check, Level: api.LevelRestricted, Reason: check + " != true", Detail: detail}
		for _, name := range names {
			b.Workloads = append(b.Workloads, migrate.WorkloadRef{Kind: "Pod", Name: name})
		}
		return b
	}
	alike := namespaceWith([]migrate.Blocker{blocker("one", "c", "x"), blocker("one", "d", "y", "z"), blocker("three", "", "x"), blocker("two", "v", "x", "y")}, nil, "x", "y", "z")
	for _, test := range []struct {
		name string
		plan *migrate.Plan
		wide bool
		want string
	}{
		{"alike", alike, false, `
WHY, and what blocks restricted
POD SECURITY SAYS  OF WORKLOADS
one != true        all 3
three != true      pod/x
two != true (v)    pod/x, pod/y
  which containers, and which values: -o wide

WORKLOADS, and the level that their pods meet
WORKLOAD  AS ADMITTED  AFTER PSP  ADMITTED BY
pod/x     -            baseline   -
pod/y     -            baseline   -
pod/z     -            baseline   -
`},
		{"alike, wide", alike, true, `
WHY, and what blocks restricted
  pod/x
    one != true (c)
    three != true
    two != true (v)
  pod/y
    one != true (d)
    two != true (v)
  pod/z
    one != true (d)

WORKLOADS, and the level that their pods meet
WORKLOAD  AS ADMITTED  AFTER PSP  ADMITTED BY  AS WRITTEN  ACCOUNT
pod/x     -            baseline   -            -           -
pod/y     -            baseline   -            -           -
pod/z     -            baseline   -            -           -
`},
		{"each its own", namespaceWith([]migrate.Blocker{blocker("one", "c", "x"), blocker("two", "", "y")}, nil, "x", "y"), false, `
WHY, and what blocks restricted
  pod/x
    one != true (c)
  pod/y
    two != true

WORKLOADS, and the level that their pods meet
WORKLOAD  AS ADMITTED  AFTER PSP  ADMITTED BY
pod/x     -            baseline   -
pod/y     -            baseline   -
`},
		{"both", namespaceWith([]migrate.Blocker{blocker("one", "c", "x", "y")}, nil, "x", "y"), false, `
WHY, and what blocks restricted
POD SECURITY SAYS  OF WORKLOADS
one != true (c)    both

WORKLOADS, and the level that their pods meet
WORKLOAD  AS ADMITTED  AFTER PSP  ADMITTED BY
pod/x     -            baseline   -
pod/y     -            baseline   -
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, explainedNamespace(t, test.plan, test.wide)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A namespace with many workloads shows the first of them, and says how to see the others.
func TestManyWorkloads(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("p%02d", i))
	}
	plan := namespaceWith(nil, nil, names...)
	for wide, want := range map[bool]int{false: 33, true: 42} { // with the empty line, the heading, the titles and the remark
		if got := bytes.Count([]byte(explainedNamespace(t, plan, wide)), []byte("\n")) - 1; got != want {
			t.Errorf("wide %v: %d lines, want %d", wide, got, want)
		}
	}
}

// What is lost stands in two groups, the gravest first, equal losses by several policies once; wide has each with its value and what
// can take its place.
func TestLostGroups(t *testing.T) {
	t.Parallel()
	plan := namespaceWith(nil, []migrate.LostConstraint{
		{Field: "fsGroup", Value: mapping.Value{Values: []string{"1"}}, Class: mapping.FunctionalLoss, Note: message.Message{Text: "gone: a"}, Policies: []string{"p"}},
		{Field: "fsGroup", Value: mapping.Value{Values: []string{"2"}}, Class: mapping.FunctionalLoss, Note: message.Message{Text: "gone: a"}, Policies: []string{"q"}},
		{Field: "hostPorts", Value: mapping.Value{Empty: true}, Class: mapping.SecurityLoss, Note: message.Message{Text: "every port; keep it"}, Policies: []string{"q"}, MayBeCoveredBy: []string{"webhook w"}},
		{Field: "hostPorts", Value: mapping.Value{Values: []string{"80"}}, Class: mapping.SecurityLoss, Note: message.Message{Text: "every port; keep it"}, Policies: []string{"p"}},
		{Field: "privileged", Value: mapping.Value{Values: []string{"false"}}, Class: mapping.SecurityLoss, Note: message.Message{Text: "privileged; refuse it"}, Policies: []string{migrate.EveryPolicy}},
	})
	want := `
YOU LOSE: refused today, and allowed at baseline
  privileged (privileged of every policy)
  every port (hostPorts of p and q)

YOU LOSE: set in pods today, and no longer
  gone: a (fsGroup: 1 of p)
  gone: a (fsGroup: 2 of q)

What can take the place of each: -o wide.
`
	if diff := cmp.Diff(want, explainedNamespace(t, plan, false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want = `
YOU LOSE: refused today, and allowed at baseline
  privileged; refuse it (privileged: false, of every policy)
  every port; keep it (hostPorts: none, of q); webhook w may cover it
  every port; keep it (hostPorts: 80, of p)

YOU LOSE: set in pods today, and no longer
  gone: a (fsGroup: 1, of p)
  gone: a (fsGroup: 2, of q)
`
	if diff := cmp.Diff(want, explainedNamespace(t, plan, true)); diff != "" {
		t.Errorf("wide (-want +got):\n%s", diff)
	}
}
