package cmd

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// breaks has a ReplicaSet of the namespace refused its pods from the moment at which the namespace is labelled.
func (g *ground) breaks(namespace string) {
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web, namespace: `+namespace+`, uid: u}, spec: {replicas: 1}, status: {conditions: [
		{type: ReplicaFailure, status: "True", reason: FailedCreate, message: 'pods "web-" is forbidden: violates PodSecurity "restricted:latest": x'}]}}`), &u.Object); err != nil {
		g.t.Fatal(err)
	}
	g.patched = func(name string) error {
		if name != namespace {
			return nil
		}
		return g.client.Tracker().Create(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}, u, namespace)
	}
}

// interrupts cancels at the second listing of replica sets: the first is before the roll-out, the second verifies a batch.
func (g *ground) interrupts() context.Context {
	ctx, cancel := context.WithCancel(g.t.Context())
	lists := 0
	g.client.PrependReactor("list", "replicasets", func(clienttesting.Action) (bool, runtime.Object, error) {
		if lists++; lists == 2 {
			cancel()
		}
		return false, nil, nil
	})
	return ctx
}

func (g *ground) expect(code, want int, errOut, wantErr string) {
	g.t.Helper()
	if diff := cmp.Diff(wantErr, errOut); diff != "" || code != want {
		g.t.Errorf("exit code %d, want %d, stderr (-want +got):\n%s", code, want, diff)
	}
}

// begun is what a roll-out of observe over both namespaces says before its first write where nobody is asked.
const begun = "2 namespaces: 8 labels to add, on the cluster of context prod.\n"

// ended is what a roll-out says at its end.
func (g *ground) ended(done string) string {
	return "Done: " + done + ".\n  to check: psp2pss verify --journal " + g.journal() + "\n  to go back: psp2pss rollback --journal " + g.journal() + "\n"
}

// A roll-out that is to go back where something is not ok is cut off before it looked: whoever goes on looks first. Once it
// went back nobody goes on.
func TestResumeKeepsTheGuards(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.breaks("blog")
	code, out, errOut := g.run(g.interrupts(), nil, g.both("--yes", "--batch", "1", "--rollback-on-failure")...)
	g.expect(code, exitFailed, errOut, begun+"The journal is "+g.journal()+".\n  to go back: psp2pss rollback --journal "+g.journal()+`
Verifying 1 namespace.
Done: 1 of 2 steps.
psp2pss: interrupted: nothing more was read or written
  to go on: psp2pss rollout --resume --journal `+g.journal()+`
  to go back: psp2pss rollback --journal `+g.journal()+"\n")
	if strings.Count(out, "done ") != 1 || !strings.HasPrefix(out, "1/2 done     observe  blog: ") {
		t.Errorf("told %q", out)
	}
	before := len(g.writes())
	code, out, errOut = g.run(t.Context(), nil, "rollout", "--resume", "--yes", "--journal", g.journal())
	g.expect(code, exitFindings, errOut, `1 namespace: 4 labels to add, on the cluster of context prod.
Verifying 1 namespace.
NAMESPACE  CHECK     WORKLOAD        STATUS  WHY
blog       refusals  replicaset/web  not ok  pods "web-" is forbidden: violates PodSecurity "restricted:latest": x
blog       pods      replicaset/web  not ok  has 0 of 1 pods
Something is not ok: going back.
Taken back: 1 of 1 step.
psp2pss: not ok: blog/replicaset/web
`)
	if !strings.HasPrefix(out, "1/1 undone   observe  blog: audit, warn removed (was restricted)\n") || strings.Count(out, "\n") != 1 {
		t.Errorf("told %q", out)
	}
	patches := 0
	for _, write := range g.writes()[before:] {
		if write == "patch namespaces" {
			patches++
		}
	}
	if patches != 1 { // that of the way back
		t.Errorf("a label was put on: %v", g.writes()[before:])
	}
	code, out, errOut = g.run(t.Context(), nil, "rollout", "--resume", "--yes", "--journal", g.journal())
	g.expect(code, exitFailed, errOut, "psp2pss: the roll-out of this journal was taken back (not ok: blog/replicaset/web), and cannot be continued\n  mend what was not ok, and begin a new roll-out\n")
	if out != "" {
		t.Errorf("told %q", out)
	}
}

// Admission makes another level of what is written: --verify does not take that for as planned, and no further batch begins.
func TestVerifyOfAnAlteredStep(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.made = func(name string, labels map[string]string) {
		if name == "blog" {
			labels["pod-security.kubernetes.io/warn"] = "privileged"
		}
	}
	code, out, errOut := g.run(t.Context(), nil, g.both("--yes", "--batch", "1", "--rollback-on-failure")...)
	g.expect(code, exitFindings, errOut, begun+"The journal is "+g.journal()+".\n  to go back: psp2pss rollback --journal "+g.journal()+`
Verifying 1 namespace.
NAMESPACE  CHECK   WORKLOAD  STATUS  WHY
blog       labels            not ok  pod-security.kubernetes.io/warn is "privileged", and "restricted" is planned
Done: 0 of 2 steps (1 altered by the server).
Something is not ok: going back.
Taken back: 1 of 1 step.
psp2pss: not ok: namespace/blog
`)
	if !strings.HasPrefix(out, "1/2 altered  observe  blog: ") || !strings.Contains(out, "\n1/1 undone   observe  blog: ") || strings.Contains(out, "shop") {
		t.Errorf("told %q", out)
	}
}

// The way back from a failure is cut off before its first write: that there was a failure is not forgotten.
func TestResumeAfterAWayBackThatWasCutOff(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.breaks("blog")
	down := true
	g.client.PrependReactor("patch", "namespaces", func(a clienttesting.Action) (bool, runtime.Object, error) {
		back := a.(clienttesting.PatchAction).GetPatchType() == types.MergePatchType
		return down && back, nil, apierrors.NewUnauthorized("Unauthorized")
	})
	back := "psp2pss rollback --journal " + g.journal()
	code, _, errOut := g.run(t.Context(), nil, g.both("--yes", "--batch", "1", "--rollback-on-failure")...)
	if want := "psp2pss: not ok: blog/replicaset/web\n  going back failed: taking back observe: label namespace blog: Unauthorized\n  to go back: " + back + "\n"; code != exitFindings || !strings.HasSuffix(errOut, want) {
		t.Errorf("exit code %d, told %q, want it to end with %q", code, errOut, want)
	}
	down = false
	code, _, errOut = g.run(t.Context(), nil, "rollout", "--resume", "--yes", "--journal", g.journal())
	g.expect(code, exitFailed, errOut, "psp2pss: the roll-out of this journal was taken back (not ok: blog/replicaset/web), and cannot be continued\n  to take back what is left of it: "+back+"\n")
	if code, out, errOut := g.run(t.Context(), nil, "rollback", "--yes", "--journal", g.journal()); code != exitDone || !strings.HasPrefix(out, "1/1 undone   observe  blog: audit, warn removed (was restricted)\n") {
		t.Errorf("exit code %d, %q, %q", code, out, errOut)
	}
}

// What is added when a roll-out is gone on with is not in its journal: the command to go on again repeats it.
func TestResumeAddsGuards(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.patched = func(string) error { return apierrors.NewUnauthorized("Unauthorized") }
	if code, _, errOut := g.run(t.Context(), nil, g.both("--yes")...); code != exitFailed {
		t.Fatal(code, errOut)
	}
	again := []string{"rollout", "--resume", "--yes", "--journal", g.journal()}
	code, out, errOut := g.run(t.Context(), nil, append(again, "--rollback-on-failure", "--verify-wait", "2m", "--allow-partial", "--force", "--timeout", "1h", "--custom-resources=false", "--exclude", "shop,else")...)
	g.expect(code, exitFailed, errOut, `warning: --exclude leaves nothing out: the journal has no step of namespace "else"; known: blog, shop
left alone at observe: shop: left out with --exclude
1 namespace: 4 labels to add, on the cluster of context prod.
psp2pss: observe: label namespace blog: Unauthorized
  to go on: psp2pss rollout --resume --journal `+g.journal()+` --rollback-on-failure --verify-wait 2m0s --allow-partial --force --timeout 1h0m0s --custom-resources=false --exclude shop --exclude else
  to go back: psp2pss rollback --journal `+g.journal()+"\n")
	if out != "" {
		t.Errorf("told %q", out)
	}
	g.patched = nil
	const one = "1 namespace: 4 labels to add, on the cluster of context prod.\n"
	code, out, errOut = g.run(t.Context(), nil, append(again, "--exclude", "shop")...)
	g.expect(code, exitDone, errOut, "left alone at observe: shop: left out with --exclude\n"+one+g.ended("1 of 1 step"))
	if !strings.HasPrefix(out, "1/1 done     observe  blog: ") || strings.Count(out, "\n") != 1 {
		t.Errorf("told %q", out)
	}
	const nothing = "psp2pss: nothing was done: what was asked for is left alone (shop: left out with --exclude)\n"
	code, out, errOut = g.run(t.Context(), nil, append(again, "--exclude", "shop", "-o", "json")...)
	g.expect(code, exitPartial, errOut, "left alone at observe: shop: left out with --exclude\n"+nothing)
	if want := "{\n  \"apiVersion\": \"psp2pss.dev/v1\",\n  \"kind\": \"RolloutSteps\",\n  \"steps\": [\n    {\n      \"stage\": \"observe\",\n      \"namespace\": \"shop\",\n      \"batch\": 0,\n      \"result\": \"skipped\",\n      \"why\": {\n        \"id\": \"rollout-skips-excluded\",\n        \"text\": \"left out with --exclude\"\n      }\n    }\n  ]\n}\n"; out != want {
		t.Errorf("told %s, want %s", out, want)
	}
	code, out, errOut = g.run(t.Context(), nil, again...)
	g.expect(code, exitDone, errOut, one+g.ended("1 of 1 step"))
	if !strings.HasPrefix(out, "1/1 done     observe  shop: ") {
		t.Errorf("told %q", out)
	}
}

// A guard is not dropped, not even by who says so.
func TestResumeDropsNoGuard(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.patched = func(string) error { return apierrors.NewUnauthorized("Unauthorized") }
	if code, _, errOut := g.run(t.Context(), nil, g.both("--yes", "--rollback-on-failure", "--verify-wait", "1s")...); code != exitFailed {
		t.Fatal(code, errOut)
	}
	before := len(g.writes())
	for _, flag := range []string{"--verify=false", "--rollback-on-failure=false"} {
		code, _, errOut := g.run(t.Context(), nil, "rollout", "--resume", "--yes", "--journal", g.journal(), flag)
		g.expect(code, exitUsage, errOut, "psp2pss: the roll-out was begun with --verify or --rollback-on-failure, and is continued with the same guard: leave out the flag that takes it away\nTry 'psp2pss rollout --help'.\n")
	}
	if got := g.writes()[before:]; len(got) > 0 {
		t.Errorf("written: %v", got)
	}
	// Time to wait needs no --verify beside it: the journal has that.
	g.patched = nil
	code, _, errOut := g.run(t.Context(), nil, "rollout", "--resume", "--yes", "--journal", g.journal(), "--verify-wait", "2s")
	g.expect(code, exitDone, errOut, begun+"Verifying 2 namespaces, for up to 2s.\n"+g.ended("2 of 2 steps"))
}

// What the journal has and what the flags say, put together.
func TestKeep(t *testing.T) {
	t.Parallel()
	wait := metav1.Duration{Duration: time.Minute}
	all := rollout.JournalHeader{Force: true, Guards: rollout.Guards{Verify: true, VerifyWait: wait, RollbackOnFailure: true, AllowPartial: true}}
	for _, tt := range []struct {
		name   string
		header rollout.JournalHeader
		args   []string
		want   rollout.Guards
		force  bool
		goOn   string
	}{
		{name: "nothing"},
		{name: "all of the journal", header: all, want: all.Guards, force: true},
		{
			name: "flags add", args: []string{"--verify", "--allow-partial", "--force"}, force: true,
			want: rollout.Guards{Verify: true, AllowPartial: true}, goOn: " --verify --allow-partial --force",
		},
		{
			name: "the other guard is added", header: rollout.JournalHeader{Guards: rollout.Guards{Verify: true, VerifyWait: wait}}, args: []string{"--rollback-on-failure"},
			want: rollout.Guards{Verify: true, VerifyWait: wait, RollbackOnFailure: true}, goOn: " --rollback-on-failure",
		},
		{
			name: "flags are stricter", header: all, args: []string{"--allow-partial=false", "--force=false", "--verify-wait=2m"},
			want: rollout.Guards{Verify: true, VerifyWait: metav1.Duration{Duration: 2 * time.Minute}, RollbackOnFailure: true},
			goOn: " --verify-wait 2m0s --allow-partial=false --force=false",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			streams, _, _ := BufferStreams("")
			var o *rolloutOptions
			cmd := newRollout(streams, Deps{ToolName: "psp2pss"}, func(_ context.Context, got *rolloutOptions) error {
				o = got
				return nil
			})
			cmd.SetArgs(append([]string{"--resume", "--yes", "--journal", "j"}, tt.args...))
			if err := cmd.Execute(); err != nil {
				t.Fatal(err)
			}
			if err := o.keepGuards(&tt.header); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, o.guards()); diff != "" || o.Rollout.Force != tt.force {
				t.Errorf("force %t, guards (-want +got):\n%s", o.Rollout.Force, diff)
			}
			if got, want := o.resumeCommand(&rollout.Journal{JournalHeader: tt.header}), "psp2pss rollout --resume --journal ''"+tt.goOn; got != want {
				t.Errorf("to go on: %s, want %s", got, want)
			}
		})
	}
}

// The person is asked between batches also when the roll-out is gone on with, and once at its beginning.
func TestResumeAsks(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	if code, out, errOut := g.run(t.Context(), strings.NewReader("y\nno\n"), g.both("--batch", "1", "--stage", "observe,enforce")...); code != exitFailed || strings.Count(out, "done ") != 1 {
		t.Fatal(code, out, errOut)
	}
	code, out, errOut := g.run(t.Context(), strings.NewReader("y\nno\n"), "rollout", "--resume", "--journal", g.journal())
	want := "\nBATCH  STAGE    NAMESPACE  CHANGE\n" +
		"2      observe  shop       audit, warn: none -> restricted:v1.25\n" +
		"3      enforce  blog       enforce: none -> baseline:v1.25\n" +
		"4      enforce  shop       enforce: none -> baseline:v1.25\n\n2 namespaces: 8 labels to add.\n" +
		"Go on with 3 steps in 2 namespaces on the cluster of context prod? [y/N] " +
		"Go on with batch 3 of 4 (enforce: 1 step) on the cluster of context prod? [y/N] Done: 1 of 3 steps.\npsp2pss: stopped before batch 3\n  to go on: psp2pss rollout --resume --journal " + g.journal() + "\n  to go back: psp2pss rollback --journal " + g.journal() + "\n"
	g.expect(code, exitFailed, errOut, want)
	if strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, "1/3 done     observe  shop: ") {
		t.Errorf("told %q", out)
	}
}

// What may not be listed is told once a kind, a line each.
func TestRolloutWarnsOfWhatItCannotTell(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	for _, resource := range []string{"events", "pods"} {
		g.client.PrependReactor("list", resource, func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no"))
		})
	}
	code, _, errOut := g.run(t.Context(), nil, g.both("--yes")...)
	const warning = `warning: which controllers lack pods already is not known whole, and verify may put them down to this roll-out: in namespaces "blog", "shop": `
	g.expect(code, exitDone, errOut, begun+warning+"events could not be read: events is forbidden: no; grant: list events\n"+
		warning+"pods could not be read: pods is forbidden: no; grant: list pods\nThe journal is "+g.journal()+".\n  to go back: psp2pss rollback --journal "+g.journal()+"\n"+g.ended("2 of 2 steps"))
}
