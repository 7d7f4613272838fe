package rollout

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
)

func TestRunAndBack(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", map[string]string{"team": "x"})
	m.namespace("b", "kubectl", nil)
	start := m.state()
	steps := slices.Concat([]Step{observe("a"), observe("b"), enforce("a", "baseline"), enforce("b", "restricted")}, bypass("a", "b"))
	r := begin(t, m, steps...)
	r.run("", "done observe: label namespace a", "done observe: label namespace b", "done enforce: label namespace a", "done enforce: label namespace b",
		"done bypass: create podsecuritypolicy/000-psp2pss-bypass", "done bypass: create clusterrole/psp2pss-bypass",
		"done bypass: create rolebinding/psp2pss-bypass in a", "done bypass: create rolebinding/psp2pss-bypass in b")
	m.hasLock(false)
	want := map[string]string{"audit": "restricted", "warn": "restricted", "enforce": "baseline", "enforce-version": "v1.25"}
	if diff := cmp.Diff(want, m.labelsOf("a")); diff != "" {
		t.Errorf("labels of a (-want +got):\n%s", diff)
	}
	writes := len(m.writes)
	r = r.again()
	r.run("")
	if got := m.writes[writes:]; len(got) != 2 { // the lock, taken and given up
		t.Errorf("writes where all is done: %v", got)
	}
	r = r.again()
	r.rollback(RollbackScope{}, "", "undone bypass: create rolebinding/psp2pss-bypass in b", "undone bypass: create rolebinding/psp2pss-bypass in a",
		"undone bypass: create clusterrole/psp2pss-bypass", "undone bypass: create podsecuritypolicy/000-psp2pss-bypass",
		"undone enforce: label namespace b", "undone enforce: label namespace a", "undone observe: label namespace b", "undone observe: label namespace a")
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("after the way back (-want +got):\n%s", diff)
	}
	writes = len(m.writes)
	r = r.again()
	r.rollback(RollbackScope{}, "")
	if got := m.writes[writes:]; len(got) != 2 {
		t.Errorf("writes of a rollback that is repeated: %v", got)
	}
}

// What is refused of one namespace is told by name, and the others go on.
func TestRunRefuses(t *testing.T) {
	t.Parallel()
	denied := func(code int32, reason metav1.StatusReason) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Status: "Failure", Code: code, Reason: reason, Message: "admission webhook denied the request"}}
	}
	forbidden := apierrors.NewForbidden(inNamespaces, "a", errors.New("User cannot patch"))
	tests := []struct {
		name  string
		force bool
		prep  func(m *memory)
		step  Step
		want  string
	}{
		{name: "gone", prep: func(m *memory) { delete(m.objects, "namespaces/a") }, want: "the namespace is gone"},
		{name: "terminating", prep: func(m *memory) {
			now := metav1.Now()
			m.objects["namespaces/a"].SetDeletionTimestamp(&now)
		}, want: "the namespace is being deleted"},
		{
			name: "changed", prep: func(m *memory) { m.label("a", "kubectl", api.WarnLevelLabel, text("baseline")) },
			want: `the namespace has changed since the plan was made: pod-security.kubernetes.io/warn was absent and is "baseline"`,
		},
		{
			name: "partly as planned", prep: func(m *memory) { m.label("a", "kubectl", api.WarnLevelLabel, text("restricted")) },
			want: `the namespace has changed since the plan was made: pod-security.kubernetes.io/warn was absent and is "restricted"`,
		},
		{
			name: "owned", prep: func(m *memory) { m.label("a", "argocd", api.WarnLevelLabel, text("baseline")) },
			step: Step{Stage: StageObserve, Namespace: "a", Labels: []LabelChange{{Key: api.WarnLevelLabel, Before: text("baseline"), After: text("restricted")}}},
			want: `field manager "argocd" owns pod-security.kubernetes.io/warn: leave them to it, or take over with --force`,
		},
		{name: "may not", prep: func(m *memory) { m.hook = on("patch namespaces/a", -1, forbidden) }, want: `the server does not take it: namespaces "a" is forbidden: User cannot patch`},
		{name: "webhook 403", prep: func(m *memory) { m.hook = on("patch namespaces/a", -1, denied(403, metav1.StatusReasonForbidden)) }, want: "the server does not take it: admission webhook denied the request"},
		{name: "webhook 400", prep: func(m *memory) { m.hook = on("patch namespaces/a", -1, denied(400, metav1.StatusReasonBadRequest)) }, want: "the server does not take it: admission webhook denied the request"},
		{name: "policy 422", prep: func(m *memory) { m.hook = on("patch namespaces/a", -1, denied(422, metav1.StatusReasonInvalid)) }, want: "the server does not take it: admission webhook denied the request"},
		{
			name: "webhook without a reason", prep: func(m *memory) { m.hook = on("patch namespaces/a", -1, denied(418, "")) },
			want: "the server does not take it: admission webhook denied the request",
		},
		{
			name: "written all the time", prep: func(m *memory) {
				m.hook = on("patch namespaces/a", -1, apierrors.NewConflict(inNamespaces, "a", errors.New("the object has been modified")))
			},
			want: `the object is written by others all the time: Operation cannot be fulfilled on namespaces "a": the object has been modified`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newMemory(t)
			m.namespace("a", "kubectl", nil)
			m.namespace("b", "kubectl", nil)
			tt.prep(m)
			before := m.state()
			delete(before, "namespaces/b")
			step := tt.step
			if step.Stage == "" {
				step = observe("a")
			}
			r := begin(t, m, step, observe("b"), enforce("a", "baseline"))
			r.run("", "refused observe: label namespace a: "+tt.want, "done observe: label namespace b",
				"refused enforce: label namespace a: an earlier step of this namespace was refused")
			m.hasLock(false)
			after := m.state()
			delete(after, "namespaces/b")
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("written all the same (-before +after):\n%s", diff)
			}
			m.hook = nil
			r.rollback(RollbackScope{}, "", "undone observe: label namespace b")
		})
	}
}

// What stops a run leaves a journal to go on by, after as many attempts as may help.
func TestRunStopsAndGoesOn(t *testing.T) {
	t.Parallel()
	reset := &url.Error{Op: "Patch", URL: "u", Err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}}
	refused := &url.Error{Op: "Patch", URL: "u", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	tests := []struct {
		name   string
		err    error
		pauses int
	}{
		{"token expired", apierrors.NewUnauthorized("Unauthorized"), 0},
		{"internal error", apierrors.NewInternalError(errors.New("boom")), 4},
		{"unavailable", apierrors.NewServiceUnavailable("restarting"), 4},
		{"too many requests", apierrors.NewTooManyRequests("slow down", 1), 4},
		{"connection refused", refused, 4},
		{"connection reset", reset, 4},
	}
	for _, tt := range tests {
		for _, heard := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/heard=%t", tt.name, heard), func(t *testing.T) {
				t.Parallel()
				m := newMemory(t)
				m.namespace("a", "kubectl", nil)
				m.namespace("b", "kubectl", nil)
				start := m.state()
				r := begin(t, m, observe("a"), observe("b"))
				fault := on("namespaces/b", -1, tt.err)
				if heard {
					m.heard = fault
				} else {
					m.hook = fault
				}
				r.run("observe: label namespace b: "+tt.err.Error(), "done observe: label namespace a")
				if r.pauses != tt.pauses {
					t.Errorf("waited %d times, want %d", r.pauses, tt.pauses)
				}
				m.hasLock(true)
				m.hook, m.heard = nil, nil
				r = r.again()
				r.run("", "done observe: label namespace b")
				m.hasLock(false)
				r.rollback(RollbackScope{}, "", "undone observe: label namespace b", "undone observe: label namespace a")
				if diff := cmp.Diff(start, m.state()); diff != "" {
					t.Errorf("after the way back (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// A write whose answer is lost is seen to be done, and not told as somebody else's.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	start := m.state()
	r := begin(t, m, observe("a"))
	m.heard = on("patch", 1, apierrors.NewServiceUnavailable("restarting"))
	r.run("", "done observe: label namespace a")
	r.rollback(RollbackScope{}, "", "undone observe: label namespace a")
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("after the way back (-want +got):\n%s", diff)
	}
}

// A write whose answer is lost, and then somebody changes one of its labels: what is left of it is not forgotten.
func TestAnswerLostAndChanged(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	r := begin(t, m, observe("a"), enforce("a", "baseline"))
	m.heard = func(request string) error {
		if request != "patch namespaces/a" {
			return nil
		}
		m.heard = nil
		m.label("a", "kubectl", api.WarnLevelLabel, text("baseline"))
		return apierrors.NewServiceUnavailable("restarting")
	}
	r.run("", `altered observe: label namespace a: it was written, and has been changed since: pod-security.kubernetes.io/warn is "baseline", not "restricted"`,
		"refused enforce: label namespace a: an earlier step of this namespace was refused")
	r = r.again()
	r.rollback(RollbackScope{}, "", `not-reverted observe: label namespace a: somebody has changed it since: pod-security.kubernetes.io/warn is "baseline", and was set to "restricted" here`)
	m.hasLock(false)
	m.label("a", "kubectl", api.WarnLevelLabel, nil)
	r.rollback(RollbackScope{}, "", "undone observe: label namespace a")
	if diff := cmp.Diff(map[string]string{}, m.labelsOf("a")); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

// Others may write to the namespace at any time but to the labels in question.
func TestConflictThenDone(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	r := begin(t, m, enforce("a", "baseline"))
	checks := 0
	r.Recheck = func(context.Context, string, string, string) (*migrate.Namespace, error) {
		checks++
		m.label("a", "heartbeat", "beat", text(fmt.Sprint(checks))) // while it is looked at
		return &migrate.Namespace{Name: "a", Complete: true}, nil
	}
	beats := 0
	m.hook = func(request string) error {
		if request == "patch namespaces/a" && beats < 2 {
			beats++
			m.label("a", "heartbeat", "beat", text(fmt.Sprint("hook", beats)))
		}
		return nil
	}
	r.run("", "done enforce: label namespace a")
	if checks != 1 {
		t.Errorf("looked %d times at what runs in it, want once", checks)
	}
}

func TestForce(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "argocd", map[string]string{api.WarnLevelLabel: "baseline"})
	start := m.state()
	r := begin(t, m, Step{Stage: StageObserve, Namespace: "a", Labels: []LabelChange{{Key: api.WarnLevelLabel, Before: text("baseline"), After: text("restricted")}}})
	r.Force = true
	r.run("", `done observe: label namespace a: field manager "argocd" owns pod-security.kubernetes.io/warn`)
	r.rollback(RollbackScope{}, "", "undone observe: label namespace a")
	if diff := cmp.Diff(start, m.state()); diff != "" {
		t.Errorf("after the way back (-want +got):\n%s", diff)
	}
}

// A namespace from before there were field managers is nobody's: it needs no force.
func TestNobodysLabels(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "", map[string]string{api.WarnLevelLabel: "baseline", api.AuditLevelLabel: "baseline"})
	change := func(key string) Step {
		return Step{Stage: StageObserve, Namespace: "a", Labels: []LabelChange{{Key: key, Before: text("baseline"), After: text("restricted")}}}
	}
	r := begin(t, m, change(api.WarnLevelLabel), change(api.AuditLevelLabel))
	r.run("", "done observe: label namespace a", "done observe: label namespace a")
	r.rollback(RollbackScope{}, "", "undone observe: label namespace a", "undone observe: label namespace a")
	if diff := cmp.Diff(map[string]string{"warn": "baseline", "audit": "baseline"}, m.labelsOf("a")); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestRecheck(t *testing.T) {
	t.Parallel()
	workload := func(name string, level api.Level) migrate.Workload {
		w := migrate.Workload{Kind: "Pod", Name: name, Evaluation: &migrate.Evaluation{}}
		w.Levels.AfterPSP = level
		return w
	}
	onlyVersion := Step{Stage: StageEnforce, Namespace: "a", Labels: []LabelChange{{Key: api.EnforceVersionLabel, Before: text("v1.24"), After: text("v1.30")}}}
	tests := []struct {
		name         string
		step         Step
		ns           migrate.Namespace
		known        []string
		asked, event string
	}{
		{name: "nothing", step: enforce("a", "baseline"), ns: migrate.Namespace{Complete: true}, asked: "baseline v1.25", event: "done"},
		{name: "privileged is not looked at", step: enforce("a", "privileged"), event: "done"},
		{name: "observe is not looked at", step: observe("a"), event: "done"},
		{
			name: "a pod came", step: enforce("a", "baseline"), asked: "baseline v1.25", ns: migrate.Namespace{Complete: true, Workloads: []migrate.Workload{workload("p", "privileged"), workload("q", "baseline")}},
			event: "refused: since the plan was made something came that would not meet baseline: pod/p",
		},
		{name: "known before", step: enforce("a", "baseline"), asked: "baseline v1.25", ns: migrate.Namespace{Complete: true, Workloads: []migrate.Workload{workload("p", "privileged")}}, known: []string{"a/pod/p"}, event: "done"},
		{
			name: "an exempt pod came", step: enforce("a", "baseline"), asked: "baseline v1.25", event: "done",
			ns: migrate.Namespace{Complete: true, Workloads: []migrate.Workload{{Kind: "Pod", Name: "p", Evaluation: &migrate.Evaluation{Levels: migrate.WorkloadLevels{AfterPSP: "privileged"}, Exempt: &migrate.Exemption{RuntimeClass: "kata"}}}}},
		},
		{
			name: "a pod came into an exempt namespace", step: enforce("a", "baseline"), asked: "baseline v1.25", event: "done",
			ns: migrate.Namespace{Complete: true, Exempt: true, Workloads: []migrate.Workload{workload("p", "privileged")}},
		},
		{name: "not read whole", step: enforce("a", "baseline"), asked: "baseline v1.25", event: "refused: what runs in it now could not be read whole"},
		{
			name: "only the version changes", step: onlyVersion, asked: "restricted v1.30", ns: migrate.Namespace{Complete: true, Workloads: []migrate.Workload{workload("p", "baseline")}},
			event: "refused: since the plan was made something came that would not meet restricted: pod/p",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newMemory(t)
			labels := map[string]string{}
			if tt.name == "only the version changes" {
				labels = map[string]string{api.EnforceLevelLabel: "restricted", api.EnforceVersionLabel: "v1.24"}
			}
			m.namespace("a", FieldManager, labels)
			r := begin(t, m, tt.step)
			r.Force, r.KnownViolations = true, tt.known
			asked := ""
			r.Recheck = func(_ context.Context, name, level, version string) (*migrate.Namespace, error) {
				asked = level + " " + version
				ns := tt.ns
				ns.Name = name
				return &ns, nil
			}
			if err := r.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			if asked != tt.asked {
				t.Errorf("looked at it for %q, want %q", asked, tt.asked)
			}
			event, why, _ := strings.Cut(tt.event, ":")
			want := event + " " + tt.step.String()
			if why != "" {
				want += ":" + why
			}
			if !strings.HasPrefix(r.told[0], want) {
				t.Errorf("told %q, want %q", r.told[0], want)
			}
		})
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	m.namespace("b", "kubectl", nil)
	// A policy that is there already is looked at only.
	policy := sharedBypassObjects("000-psp2pss-bypass")[0]
	m.store("podsecuritypolicies/000-psp2pss-bypass", policy.manifest(""), true)
	start := m.state()
	r := &Runner{Client: m, Steps: slices.Concat([]Step{observe("a"), enforce("a", "baseline")}, bypass("a", "b"))}
	var got []string
	r.OnOutcome = func(o Outcome) { got = append(got, fmt.Sprint(o.Event, o.DryRun, " ", &o.Step, " ", o.Reason)) }
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"donetrue observe: label namespace a ", "donetrue enforce: label namespace a ",
		"donetrue bypass: create podsecuritypolicy/000-psp2pss-bypass ", "donetrue bypass: create clusterrole/psp2pss-bypass ",
		"donetrue bypass: create rolebinding/psp2pss-bypass in a ",
		"refusedtrue bypass: create rolebinding/psp2pss-bypass in b its enforce label is not on: without it and the policies nothing would hold its pods",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(start, m.state()); diff != "" || len(m.writes) > 0 {
		t.Errorf("a dry run wrote %v (-before +after):\n%s", m.writes, diff)
	}
}
