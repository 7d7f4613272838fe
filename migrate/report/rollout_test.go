package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// change returns a label change; "-" is an absent label.
func change(key, before, after string) report.LabelChange {
	value := func(text string) *string {
		if text == "-" {
			return nil
		}
		return &text
	}
	return report.LabelChange{Key: key, Before: value(before), After: value(after)}
}

// A step says what becomes of what, the level and the version of a mode together; on the way back, what is removed and what
// is restored.
func TestRolloutStepChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		step  report.RolloutStep
		want  string
		count string
	}{
		{
			"two modes that change alike",
			report.RolloutStep{Labels: []report.LabelChange{
				change("audit", "-", "restricted"), change("audit-version", "-", "v1.25"), change("warn", "-", "restricted"), change("warn-version", "-", "v1.25"),
			}},
			"audit, warn: none -> restricted:v1.25", "4 labels to add",
		},
		{
			"two modes that differ",
			report.RolloutStep{Labels: []report.LabelChange{change("audit", "-", "restricted"), change("warn", "baseline", "restricted"), change("warn-version", "v1.24", "v1.25")}},
			"audit: none -> restricted; warn: baseline:v1.24 -> restricted:v1.25", "1 label to add, 2 to change",
		},
		{
			"a version is added",
			report.RolloutStep{Labels: []report.LabelChange{change("enforce", "privileged", "baseline"), change("enforce-version", "-", "v1.25")}},
			"enforce: privileged -> baseline:v1.25", "1 label to add, 1 to change",
		},
		{
			"a version alone",
			report.RolloutStep{Labels: []report.LabelChange{change("enforce-version", "v1.24", "v1.25")}},
			"enforce-version: v1.24 -> v1.25", "1 label to change",
		},
		{
			"a version that was there without a level",
			report.RolloutStep{Labels: []report.LabelChange{change("enforce", "-", "baseline"), change("enforce-version", "v1.24", "v1.25")}},
			"enforce: none -> baseline; enforce-version: v1.24 -> v1.25", "1 label to add, 1 to change",
		},
		{"an empty value", report.RolloutStep{Labels: []report.LabelChange{change("warn", "", "baseline")}}, `warn: "" -> baseline`, "1 label to change"},
		{
			"back to nothing",
			report.RolloutStep{Undo: true, Labels: []report.LabelChange{
				change("audit", "restricted", "-"), change("audit-version", "v1.25", "-"), change("warn", "restricted", "-"), change("warn-version", "v1.25", "-"),
			}},
			"audit, warn removed (was restricted)", "4 labels to remove",
		},
		{
			"back to a level",
			report.RolloutStep{Undo: true, Labels: []report.LabelChange{change("enforce", "restricted", "baseline")}},
			"enforce restored to baseline (was restricted)", "1 label to restore",
		},
		{
			"back to a level and a version",
			report.RolloutStep{Undo: true, Labels: []report.LabelChange{change("enforce", "restricted", "baseline"), change("enforce-version", "v1.25", "v1.24")}},
			"enforce restored to baseline:v1.24 (was restricted:v1.25)", "2 labels to restore",
		},
		{
			"back to a level without a version",
			report.RolloutStep{Undo: true, Labels: []report.LabelChange{change("enforce", "restricted", "baseline"), change("enforce-version", "v1.25", "-")}},
			"enforce restored to baseline (was restricted); enforce-version removed (was v1.25)", "1 label to restore, 1 to remove",
		},
		{
			"back to a version alone",
			report.RolloutStep{Undo: true, Labels: []report.LabelChange{change("enforce", "restricted", "-"), change("enforce-version", "v1.25", "v1.24")}},
			"enforce removed (was restricted); enforce-version restored to v1.24 (was v1.25)", "1 label to restore, 1 to remove",
		},
		{
			"what no server takes back",
			report.RolloutStep{Undo: true, Labels: []report.LabelChange{change("enforce", "restricted", "restricted")}},
			"enforce stays restricted", "nothing to change",
		},
		{"an object", report.RolloutStep{Object: "rolebinding/b in shop"}, "create rolebinding/b", "1 object to create"},
		{"an object back", report.RolloutStep{Undo: true, Object: "rolebinding/b in shop"}, "delete rolebinding/b", "1 object to delete"},
		{"an object that was there", report.RolloutStep{Undo: true, Existed: true, Object: "rolebinding/b in shop"}, "leave rolebinding/b", "nothing to change"},
	} {
		tt.step.Stage, tt.step.Namespace = "enforce", "shop"
		got := drawn(t, report.RolloutPreviewDocument([]report.RolloutStep{tt.step}, 0, report.Options{}))
		want := "STAGE    NAMESPACE  CHANGE\nenforce  shop       " + tt.want + "\n\n1 namespace: " + tt.count + ".\n"
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if tt.step.Object == "" {
			tt.step.Outcome, tt.step.Number, tt.step.Total = "done", 3, 12
			want = " 3/12 done     enforce  shop: " + tt.want + "\n"
			if diff := cmp.Diff(want, drawn(t, report.RolloutStepDocument(&tt.step, report.Options{}))); diff != "" {
				t.Errorf("%s, done (-want +got):\n%s", tt.name, diff)
			}
		}
	}
}

// Batches are named where a stage has more than one; what is left out for room is counted all the same.
func TestRolloutPreview(t *testing.T) {
	t.Parallel()
	var steps []report.RolloutStep
	for i, name := range []string{"a", "b", "c"} {
		steps = append(steps, report.RolloutStep{Stage: "observe", Batch: i / 2, Namespace: name, Labels: []report.LabelChange{change("warn", "-", "baseline")}})
	}
	steps = append(steps, report.RolloutStep{Stage: "bypass", Batch: 2, Object: "clusterrole/psp2pss-bypass"})
	want := `BATCH  STAGE    NAMESPACE  CHANGE
1      observe  a          warn: none -> baseline
1      observe  b          warn: none -> baseline
2      observe  c          warn: none -> baseline
  ... and 1 more step: --dry-run=client prints all

3 namespaces: 3 labels to add; 1 object to create.
`
	if diff := cmp.Diff(want, drawn(t, report.RolloutPreviewDocument(steps, 3, report.Options{}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	steps = append(steps[:2], steps[3])
	if got := drawn(t, report.RolloutPreviewDocument(steps, 0, report.Options{})); strings.Contains(got, "BATCH") || !strings.Contains(got, "\nbypass   -          create clusterrole/psp2pss-bypass\n") {
		t.Errorf("a batch to a stage:\n%s", got)
	}
}

// drawn returns a report as text.
func drawn(t *testing.T, d *report.Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Text(&b, d, report.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// On a terminal what does not fit goes on below itself, and the reasons of a verification get the room that there is.
func TestRolloutOnATerminal(t *testing.T) {
	t.Parallel()
	opts := report.Options{Width: 80}
	step := report.RolloutStep{
		Outcome: "refused", Number: 1, Total: 8, Stage: "observe", Namespace: "search", Labels: []report.LabelChange{change("audit", "-", "restricted"), change("warn", "baseline", "restricted")},
		Why: `field manager "kubectl-create" owns pod-security.kubernetes.io/warn: leave them to it, or take over with --force`,
	}
	verified := &report.Verification{Results: []report.VerificationResult{
		{Namespace: "search", Check: "labels", Status: "not ok", Why: message.Message{Text: `pod-security.kubernetes.io/audit is absent, and "restricted" is planned; pod-security.kubernetes.io/warn is absent, and "restricted" is planned`}},
		{Namespace: "search", Check: "steps", Workload: "rolebinding/psp2pss-bypass", Status: "not ok", Why: message.Message{Text: "bypass: refused: an earlier step of this namespace was refused"}},
		{Check: "audit log", Status: "could not tell", Why: message.Message{Text: "line 7 is broken"}},
	}}
	var b bytes.Buffer
	for _, d := range []*report.Document{report.RolloutStepDocument(&step, opts), report.VerificationDocument(verified, opts)} {
		if err := report.Text(&b, d, opts); err != nil {
			t.Fatal(err)
		}
	}
	want := `1/8 refused  observe   search: audit: none -> restricted; warn: baseline ->
                       restricted: field manager "kubectl-create" owns
                       pod-security.kubernetes.io/warn: leave them to it, or
                       take over with --force
NAMESPACE  CHECK      STATUS   WHY
search     labels     not ok   audit is absent, and "restricted" is planned;
                               warn is absent, and "restricted" is planned
search     steps      not ok   rolebinding/psp2pss-bypass: bypass: refused: an
                               earlier step of this namespace was refused
-          audit log  unknown  line 7 is broken
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
