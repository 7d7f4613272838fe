package rollout

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// cutOff is a roll-out over a and b in batches of one that ended at a request.
func cutOff(t *testing.T, request string) (*memory, *rollOut) {
	t.Helper()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	m.namespace("b", "kubectl", nil)
	r := begin(t, m, observe("a"), at(observe("b"), 1, ""))
	m.hook = on(request, -1, errCrash)
	if err := r.Run(t.Context()); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	m.hook = nil
	return m, r.again()
}

// A batch that was finished and not looked at is looked at before the next one; one that was begun is gone on with.
func TestResumeLooksBetweenBatches(t *testing.T) {
	t.Parallel()
	for request, want := range map[string][]int{"get namespaces/a": nil, "get namespaces/b": {1}, "patch namespaces/b": nil} {
		_, r := cutOff(t, request)
		var batches []int
		r.BeforeBatch = func(_ context.Context, batch int) error {
			if len(r.told) == 0 {
				batches = append(batches, batch)
			}
			return nil
		}
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, batches); diff != "" {
			t.Errorf("cut off at %s: looked before the first step (-want +got):\n%s", request, diff)
		}
	}
}

// That something was not ok is in the journal though the way back did not get as far as the lock.
func TestNobodyGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	m, r := cutOff(t, "get namespaces/b")
	m.hook = on("leases", -1, apierrors.NewUnauthorized("Unauthorized"))
	r.rollback(RollbackScope{Failure: "not ok: a/deployment/web"}, "taking the lock, lease psp2pss-rollout in kube-system: Unauthorized")
	m.hook = nil
	writes := len(m.writes)
	r = r.again()
	r.run("the roll-out of this journal was taken back (not ok: a/deployment/web), and cannot be continued")
	if len(m.writes) > writes {
		t.Errorf("written: %v", m.writes[writes:])
	}
	r.rollback(RollbackScope{}, "", "undone observe: label namespace a")
	r = r.again()
	r.run("the roll-out of this journal was taken back (not ok: a/deployment/web), and cannot be continued")
}

// Where somebody asks for a rollback and it does not get the lock, nothing was begun.
func TestRollbackWithoutTheLock(t *testing.T) {
	t.Parallel()
	m, r := cutOff(t, "get namespaces/b")
	m.hook = on("leases", -1, apierrors.NewUnauthorized("Unauthorized"))
	r.rollback(RollbackScope{}, "taking the lock, lease psp2pss-rollout in kube-system: Unauthorized")
	m.hook = nil
	r = r.again()
	r.run("", "done observe: label namespace b")
	r.rollback(RollbackScope{}, "", "undone observe: label namespace b", "undone observe: label namespace a")
	r = r.again()
	r.run("the roll-out of this journal was taken back, and cannot be continued")
}

// A rollback of one namespace that was cut off before its first write keeps that namespace from further steps.
func TestResumeAfterARollbackThatWasCutOff(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	m.namespace("b", "kubectl", nil)
	r := begin(t, m, observe("a"), observe("b"), enforce("a", "baseline"), enforce("b", "baseline"))
	m.hook = func(request string) error {
		if request == "patch namespaces/a" && len(m.labelsOf("a")) > 0 {
			return errCrash
		}
		return nil
	}
	r.run("enforce: label namespace a: "+errCrash.Error(), "done observe: label namespace a", "done observe: label namespace b")
	m.hook = on("get namespaces/a", -1, errCrash)
	r.rollback(RollbackScope{Namespaces: []string{"a"}, Stages: []Stage{StageObserve}}, "taking back observe: label namespace a: "+errCrash.Error())
	m.hook = nil
	r = r.again()
	r.run("", "altered enforce: label namespace a: an earlier step of this namespace was taken back", "done enforce: label namespace b")
}

// What is left out is still there to be taken later.
func TestRunLeavesOut(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	m.namespace("b", "kubectl", nil)
	r := begin(t, m, append([]Step{observe("a"), observe("b"), enforce("a", "baseline")}, bypass()...)...)
	r.Exclude = []string{"a", ""} // the empty name is nobody's
	r.run("", "done observe: label namespace b", "done bypass: create podsecuritypolicy/000-psp2pss-bypass", "done bypass: create clusterrole/psp2pss-bypass")
	m.hasLock(false)
	want := []Skipped{{"a", StageObserve, says("rollout-skips-excluded", "left out with --exclude")}, {"a", StageEnforce, says("rollout-skips-excluded", "left out with --exclude")}}
	if diff := cmp.Diff(want, r.Journal.SkippedByExclude([]string{"a", "b"}), sameMessages()); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	r = r.again()
	r.run("", "done observe: label namespace a", "done enforce: label namespace a")
	if left := r.Journal.SkippedByExclude([]string{"a", "b"}); len(left) > 0 {
		t.Errorf("left out: %v", left)
	}
}
