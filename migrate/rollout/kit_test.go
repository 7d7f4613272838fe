package rollout

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

func text(s string) *string { return &s }

// observe and enforce are steps as a Plan would make them for a namespace without labels.
func observe(ns string) Step {
	return Step{Stage: StageObserve, Namespace: ns, Labels: []LabelChange{
		{Key: api.AuditLevelLabel, After: text("restricted")}, {Key: api.WarnLevelLabel, After: text("restricted")},
	}}
}

func enforce(ns, level string) Step {
	return Step{Stage: StageEnforce, Namespace: ns, Labels: []LabelChange{
		{Key: api.EnforceLevelLabel, After: &level}, {Key: api.EnforceVersionLabel, After: text("v1.25")},
	}}
}

// bypass are the steps that let namespaces past the policies.
func bypass(namespaces ...string) []Step {
	const policy = "000-psp2pss-bypass"
	var steps []Step
	for _, o := range sharedBypassObjects(policy) {
		steps = append(steps, Step{Stage: StageBypass, Create: &o})
	}
	for _, ns := range namespaces {
		o := bypassBinding(policy, ns)
		steps = append(steps, Step{Stage: StageBypass, Namespace: ns, Level: api.LevelBaseline, Create: &o})
	}
	return steps
}

// rollOut is one with its journal, on a cluster in memory.
type rollOut struct {
	*Runner
	t *testing.T
	m *memory
	// told are the outcomes in words: "done enforce: label namespace a".
	told []string
	// begun is the step that was told to begin, until its outcome is told.
	begun *Step
	// pauses is how often it waited, and waited for how long each time.
	pauses int
	waited []time.Duration
}

func begin(t *testing.T, m *memory, steps ...Step) *rollOut {
	t.Helper()
	j, err := CreateJournal(filepath.Join(t.TempDir(), "journal"), JournalHeader{Cluster: "c", Steps: steps})
	if err != nil {
		t.Fatal(err)
	}
	return with(t, m, j)
}

func with(t *testing.T, m *memory, j *Journal) *rollOut {
	t.Cleanup(func() { _ = j.Close() })
	r := &rollOut{t: t, m: m, Runner: &Runner{Client: m, Journal: j}}
	r.OnBegin = func(s *Step) { r.begun = s }
	r.OnOutcome = func(o Outcome) {
		if r.begun == nil || r.begun.String() != o.Step.String() {
			t.Errorf("%s has an outcome, and before it began %v", &o.Step, r.begun)
		}
		r.begun = nil
		line := string(o.Event) + " " + o.Step.String()
		if o.AlreadyDone {
			line = "already " + line
		}
		for _, why := range []message.Message{o.Reason, o.OverriddenOwners} {
			if !why.IsZero() {
				line += ": " + why.Text
				checkMessage(t, why)
			}
		}
		if o.AdmissionChanges != nil {
			line += "; also"
			for _, c := range o.AdmissionChanges.OtherLabels(&o.Step) {
				line += fmt.Sprintf(" %s=%s (%s)", c.Key, QuoteLabelValue(c.After), QuoteLabelValue(c.Before))
			}
			line += strings.Join(o.AdmissionChanges.Fields, ",")
		}
		r.told = append(r.told, line)
	}
	r.sleepFunc = func(ctx context.Context, d time.Duration) error {
		r.pauses++
		r.waited = append(r.waited, d)
		return ctx.Err()
	}
	return r
}

// checkMessage expects a message to have the text that its id and arguments make.
func checkMessage(t *testing.T, m message.Message) {
	t.Helper()
	if made, err := message.Render(m.ID, m.Args); err != nil || made != m.Text {
		t.Errorf("%s: %v make %q, %v, and it says %q", m.ID, m.Args, made, err, m.Text)
	}
}

// says returns the message of an id as far as sameMessages compares it.
func says(id, text string) message.Message { return message.Message{ID: id, Text: text} }

// sameMessages compares messages by id and text; checkMessage checks their arguments.
func sameMessages() cmp.Option {
	return cmp.Comparer(func(a, b message.Message) bool { return a.ID == b.ID && a.Text == b.Text })
}

// again opens the journal as another process does that goes on with it.
func (r *rollOut) again() *rollOut {
	r.t.Helper()
	if err := r.Journal.Close(); err != nil {
		r.t.Fatal(err)
	}
	j, err := OpenJournal(r.Journal.Path())
	if err != nil {
		r.t.Fatal(err)
	}
	next := with(r.t, r.m, j)
	next.Force, next.Recheck, next.KnownViolations = r.Force, r.Recheck, r.KnownViolations
	return next
}

// run expects the outcomes, and the error to be as told.
func (r *rollOut) run(wantErr string, want ...string) {
	r.t.Helper()
	r.told = nil
	left := len(r.StepsToTake())
	err := r.Run(context.Background())
	if err == nil && len(r.told) != left {
		r.t.Errorf("%d steps were to be taken, and %d were", left, len(r.told))
	}
	r.ends(err, wantErr, want)
}

func (r *rollOut) rollback(u RollbackScope, wantErr string, want ...string) {
	r.t.Helper()
	r.told = nil
	r.ends(r.Rollback(context.Background(), u), wantErr, want)
}

func (r *rollOut) ends(err error, wantErr string, want []string) {
	r.t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != wantErr {
		r.t.Errorf("error %q, want %q", got, wantErr)
	}
	if diff := cmp.Diff(want, r.told); diff != "" {
		r.t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// hasLock expects the lock to be there or not.
func (m *memory) hasLock(want bool) {
	m.t.Helper()
	if _, ok := m.objects["leases/kube-system/psp2pss-rollout"]; ok != want {
		m.t.Errorf("the lock is there: %t, want %t", ok, want)
	}
}

// on fails requests that contain text, the first n of them; n < 0 is all.
func on(request string, n int, err error) func(string) error {
	return func(r string) error {
		if n != 0 && strings.Contains(r, request) {
			n--
			return err
		}
		return nil
	}
}

var inNamespaces = schema.GroupResource{Resource: "namespaces"}
