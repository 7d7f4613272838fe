package rollout

import (
	"context"
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	m.namespace("b", "kubectl", nil)
	one := begin(t, m, observe("a"), observe("b"))
	two := begin(t, m, observe("a"))
	// Ctrl-C in the middle.
	ctx, cancel := context.WithCancel(context.Background())
	m.heard = func(request string) error {
		if request == "patch namespaces/a" {
			cancel()
		}
		return nil
	}
	if err := one.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want that it was cancelled", err)
	}
	m.heard = nil
	m.hasLock(true)
	writes := len(m.writes)
	err := two.Run(context.Background())
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder != one.Journal.ID {
		t.Fatalf("error %v, want that %s has the lock", err, one.Journal.ID)
	}
	if err := two.Rollback(context.Background(), RollbackScope{}); !errors.As(err, &locked) {
		t.Fatalf("rollback: error %v, want that %s has the lock", err, one.Journal.ID)
	}
	if len(m.writes) != writes {
		t.Errorf("writes without the lock: %v", m.writes[writes:])
	}
	// The same journal on another machine takes the lock away from the first.
	one.again().run("", "done observe: label namespace b")
	two.run("", "already done observe: label namespace a")
	m.hasLock(false)
}

func TestLockLost(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"removed", "taken by another process"} {
		m := newMemory(t)
		m.namespace("a", "kubectl", nil)
		m.namespace("b", "kubectl", nil)
		r := begin(t, m, observe("a"), observe("b"))
		r.OnOutcome = func(Outcome) {
			if how == "removed" {
				delete(m.objects, "leases/kube-system/psp2pss-rollout")
				return
			}
			if _, err := acquireLock(context.Background(), m, r.Journal.ID); err != nil {
				t.Error(err)
			}
		}
		err := r.Run(context.Background())
		if !errors.Is(err, errLockLost) {
			t.Errorf("%s: error %v, want %v", how, err, errLockLost)
		}
		if got := m.labelsOf("b"); len(got) > 0 {
			t.Errorf("%s: written without the lock: %v", how, got)
		}
	}
}

// Nothing that was not written leaves a lock.
func TestNothingDoneLeavesNoLock(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	r := begin(t, m, observe("a"))
	m.hook = on("get namespaces/a", -1, apierrors.NewUnauthorized("Unauthorized"))
	r.run("observe: label namespace a: Unauthorized")
	m.hasLock(false)
	m.hook = nil
	delete(m.objects, "namespaces/a")
	second := observe("kube-system")
	second.Batch = 1
	r = begin(t, m, observe("a"), second)
	r.BeforeBatch = func(_ context.Context, batch int) error { return fmt.Errorf("stopped before batch %d", batch) }
	r.run("stopped before batch 1", "refused observe: label namespace a: the namespace is gone")
	m.hasLock(false)
}
