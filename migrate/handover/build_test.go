package handover_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// The sections that are asked for are there, in the order of all, and those of one table have one.
func TestSections(t *testing.T) {
	t.Parallel()
	p := demoPlan(t)
	var ids []string
	for _, s := range reportOn(p).Sections {
		ids = append(ids, s.ID)
		if single := slices.Contains(handover.SectionsOfOneTable(), s.ID); single != (len(s.Tables) == 1) {
			t.Errorf("%s has %d tables, and is said to have one: %t", s.ID, len(s.Tables), single)
		}
	}
	if diff := cmp.Diff(handover.SectionIDs(), ids); diff != "" {
		t.Errorf("all sections (-want +got):\n%s", diff)
	}
	some := handover.Build(p, answerOf(p), handover.Options{Sections: []string{"unseen", "workloads"}})
	if len(some.Sections) != 2 || some.Sections[0].ID != "workloads" || some.Sections[1].ID != "unseen" {
		t.Errorf("sections %+v, want workloads and unseen", some.Sections)
	}
	if diff := cmp.Diff(reportOn(p).Summary, some.Summary); diff != "" {
		t.Errorf("the first screen depends on the sections (-want +got):\n%s", diff)
	}
}

// The JSON and the YAML that are written row by row are those of the whole, also where there is nothing.
func TestPiecesMakeTheWhole(t *testing.T) {
	t.Parallel()
	for _, r := range []*handover.Report{reportOn(demoPlan(t)), reportOn(&migrate.Plan{TargetVersion: "v1.25"}), hostileReport(t), {}} {
		if r.Sections == nil {
			r.Sections = []handover.Section{}
		}
		var want, got bytes.Buffer
		if err := manifest.WriteJSON(&want, r); err != nil {
			t.Fatal(err)
		}
		if err := handover.WriteJSON(&got, r); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(want.String(), "\n"), strings.Split(got.String(), "\n")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		var whole, pieces bytes.Buffer
		if err := manifest.WriteYAML(&whole, r); err != nil {
			t.Fatal(err)
		}
		if err := handover.WriteYAML(&pieces, r); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(whole.String(), "\n"), strings.Split(pieces.String(), "\n")); diff != "" {
			t.Errorf("YAML (-want +got):\n%s", diff)
		}
		var again handover.Report
		if err := json.Unmarshal(got.Bytes(), &again); err != nil {
			t.Fatal(err)
		}
	}
}

// An error of writing is returned by every form.
func TestErrorsOfWriting(t *testing.T) {
	t.Parallel()
	r := reportOn(demoPlan(t))
	for name, write := range map[string]func(*failing) error{
		"json":     func(w *failing) error { return handover.WriteJSON(w, r) },
		"yaml":     func(w *failing) error { return handover.WriteYAML(w, r) },
		"markdown": func(w *failing) error { return handover.WriteMarkdown(w, r) },
		"csv":      func(w *failing) error { return handover.WriteCSV(w, r.Sections[0].Tables[0], false) },
		"bom":      func(w *failing) error { return handover.WriteCSV(w, r.Sections[0].Tables[0], true) },
	} {
		if err := write(&failing{}); err == nil || err.Error() != "no room" {
			t.Errorf("%s: %v, want the error of the writer", name, err)
		}
	}
}

// failing is a writer that has no room.
type failing struct{}

func (*failing) Write([]byte) (int, error) { return 0, fmt.Errorf("no room") }

// Gaps that say the same are one sentence of the first screen, those that can change what runs come first, and there are few.
func TestUnseenIsShort(t *testing.T) {
	t.Parallel()
	gap := func(id, what, changes string, affects ...string) migrate.Gap {
		return migrate.Gap{Message: message.Message{ID: id, Text: "it may not be listed"}, What: what, Changes: changes, Affects: affects}
	}
	p := &migrate.Plan{TargetVersion: "v1.25", Gaps: []migrate.Gap{
		gap("a", "roles", "grants", "*"), gap("b", "pods of web", "workloads", "web"), gap("b", "pods of shop", "workloads", "shop"), gap("c", "everything", "", "*"),
	}}
	want := []string{
		"everything: it may not be listed [touches every namespace]", "pods of web, and 1 more: it may not be listed [touches web]",
		"roles: it may not be listed [touches every namespace, grants only]",
	}
	if diff := cmp.Diff(want, reportOn(p).Summary.Unseen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i := range 20 {
		p.Gaps = append(p.Gaps, gap(fmt.Sprint(i), "more", "", "*"))
	}
	if got := reportOn(p).Summary.Unseen; len(got) != 6 || got[5] != "18 more: see the section on what could not be seen" {
		t.Errorf("%q, want five sentences and the number of the others", got)
	}
}

// With a scope the report is about the namespaces in it, and the verdict about the whole.
func TestScope(t *testing.T) {
	t.Parallel()
	p := demoPlan(t)
	shown := p.SelectNamespaces(migrate.NamespaceScope{Namespaces: []string{"shop"}})
	r := handover.Build(shown, answerOf(p), handover.Options{
		AllNamespaces: len(p.Namespaces), Invocation: report.Invocation{Source: []string{"--demo"}, Scope: []string{"-n", "shop"}},
	})
	if r.Cover.Scope != "1 of 13 namespaces; the verdict is on all 13" {
		t.Errorf("the cover says of the scope %q", r.Cover.Scope)
	}
	if whole := reportOn(p).Cover.Scope; whole != "" {
		t.Errorf("the cover of the whole says of a scope %q", whole)
	}
	if diff := cmp.Diff(answerOf(p).Verdict(), r.Summary.Verdict.Text); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if r.Cover.Command != "psp2pss report --demo -n shop" {
		t.Errorf("the command is %q", r.Cover.Command)
	}
	for i := range r.Sections {
		if r.Sections[i].ID == "upgrade" || r.Sections[i].ID == "glossary" {
			continue
		}
		for _, table := range r.Sections[i].Tables {
			for _, row := range table.Rows {
				for _, c := range row.Cells {
					if strings.Contains(c.Text, "payments") || strings.Contains(c.Text, "bookings") {
						t.Errorf("%s tells of another namespace: %q", row.ID, c.Text)
					}
				}
			}
		}
	}
	checkReferences(t, r)
}

// The first step says who writes the values that policies set: what the plan leaves to people is not said to be patched.
func TestStepByHand(t *testing.T) {
	t.Parallel()
	const patched, byHand = "Write into the pod templates what policies set in pods today", "by hand"
	shop := func(p *migrate.Plan) *migrate.Namespace {
		return &p.Namespaces[slices.IndexFunc(p.Namespaces, func(ns migrate.Namespace) bool { return ns.Name == "shop" })]
	}
	all, some, none := demoPlan(t), demoPlan(t), demoPlan(t)
	shop(some).Workloads[0].Kind = "Pod" // which no patch changes
	ns := shop(none)
	ns.Workloads = ns.Workloads[:1]
	ns.Workloads[0].Kind = "Pod"
	none.Namespaces = []migrate.Namespace{*ns}
	for want, p := range map[string]*migrate.Plan{patched + ", then": all, patched + " (into 1 of them " + byHand + "), then": some, "Write " + byHand + " what policies may set": none} {
		if got := reportOn(p).Summary.Next[0].Text; !strings.HasPrefix(got, want) {
			t.Errorf("%q, want it to begin with %q", got, want)
		}
	}
}

// Where nothing is to be patched or labelled, and the verdict is not that all is ready, what it counts is left to do.
func TestStepOfTheGate(t *testing.T) {
	t.Parallel()
	p := demoPlan(t)
	p.Namespaces = nil
	answer := answerOf(p)
	r := handover.Build(p, answer, handover.Options{Asked: []string{"--to=v1.26"}, Invocation: report.Invocation{Source: []string{"--demo"}}})
	want := []handover.NextStep{{
		Text:   "Clear the reasons and questions of the section on the upgrade, in their order, and ask again.",
		Effort: fmt.Sprintf("%d reasons, %d questions", len(answer.Reasons), len(answer.Unknown)), Commands: []string{"psp2pss gate --demo --to=v1.26"},
	}}
	if diff := cmp.Diff(want, r.Summary.Next); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Cover.Command != "psp2pss report --demo --to=v1.26" {
		t.Errorf("the command is %q", r.Cover.Command)
	}
	answer.Pass = true
	if got := handover.Build(p, answer, handover.Options{}).Summary.Next[0].Text; !strings.HasPrefix(got, "Ask again right before the upgrade") {
		t.Errorf("what is ready has the step %q", got)
	}
}

// Levels that were asked for are not said to be met where they would refuse what runs, and the labels to observe have the levels
// that were chosen for them.
func TestLevelsAskedFor(t *testing.T) {
	t.Parallel()
	texts := func(o migrate.Options) string {
		r := reportOn(readPlan(t, &files.Reader{Paths: []string{"../../fixtures/demo/input"}, Recursive: true}, o, nil))
		var b bytes.Buffer
		if err := handover.WriteMarkdown(&b, r); err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(b.String(), "\n## Namespaces\n")
		return fmt.Sprintf("%d refusing\n%s", r.Summary.Refusing, first)
	}
	const meets = "Enforce the recommended levels: what runs there today meets them."
	for _, c := range []struct {
		options migrate.Options
		want    []string
	}{
		{migrate.Options{}, []string{"0 refusing", meets + " |", "show what the level restricted would refuse."}},
		{migrate.Options{Enforce: api.LevelRestricted}, []string{
			"10 refusing", "The recommended levels were asked for: in 10 namespaces they would refuse what runs there today.",
			meets + " It does not in 10 namespaces, which the command leaves out. |",
		}},
		{migrate.Options{Audit: api.LevelBaseline, Warn: api.LevelBaseline}, []string{"show what the level baseline would refuse."}},
		{migrate.Options{Warn: api.LevelBaseline}, []string{"show what the levels baseline and restricted would refuse."}},
	} {
		got := texts(c.options)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%+v: %q is not in\n%s", c.options, want, got)
			}
		}
	}
}

// A namespace whose labels another tool writes has them to paste into its source, and no command that the tool would undo.
func TestCommandOfOwnedNamespace(t *testing.T) {
	t.Parallel()
	details := map[string]string{}
	for _, row := range reportOn(demoPlan(t)).Sections[0].Tables[0].Rows {
		for _, d := range row.Detail {
			details[row.Cells[0].Text+" "+d.ID] = strings.Join(d.Lines, "\n")
		}
	}
	if command, there := details["payments command"]; there || details["payments labels"] == "" {
		t.Errorf("payments, which Argo CD labels, has the command %q and the labels %q", command, details["payments labels"])
	}
	if !strings.HasPrefix(details["shop command"], "kubectl label ") {
		t.Errorf("shop has the command %q", details["shop command"])
	}
}

// What can be read once has no commands that read it again.
func TestReadOnce(t *testing.T) {
	t.Parallel()
	p := demoPlan(t)
	p.Source = inventory.Source{Kind: inventory.SourceFiles, Name: "-"}
	r := handover.Build(p, answerOf(p), handover.Options{Invocation: report.Invocation{Source: []string{"-f", "-"}, OneTime: true}})
	for _, step := range r.Summary.Next {
		if !strings.Contains(strings.Join(step.Commands, " "), "--plan plan.json") {
			t.Errorf("the command %q reads standard input again", step.Commands)
		}
	}
	method := r.Sections[slices.Index(handover.SectionIDs(), "method")].Text
	if last := method[len(method)-1]; !strings.Contains(last, "-o json=plan.json") {
		t.Errorf("nothing says how plan.json is made: %q", last)
	}
}
