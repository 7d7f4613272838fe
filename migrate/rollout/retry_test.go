package rollout

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Who meets another writer waits before each further look, longer each time and by chance, so that two do not keep step.
func TestConflictsAreRetriedWithBackOff(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	r := begin(t, m, observe("a"))
	const conflicts = 8
	m.hook = on("patch namespaces/a", conflicts, apierrors.NewConflict(inNamespaces, "a", errors.New("the object has been modified")))
	r.run("", "done observe: label namespace a")
	if len(r.waited) != conflicts {
		t.Fatalf("it waited %d times, want %d", len(r.waited), conflicts)
	}
	for i, d := range r.waited {
		if least := 20 * time.Millisecond << i; d < least || d > least*3/2 {
			t.Errorf("it waited %s before attempt %d, want %s to %s", d, i+2, least, least*3/2)
		}
	}
}

// An outage in the middle of conflicts has attempts of its own.
func TestOutagesAmongConflicts(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	r := begin(t, m, observe("a"))
	conflict := on("patch namespaces/a", 3, apierrors.NewConflict(inNamespaces, "a", errors.New("the object has been modified")))
	outage := on("patch namespaces/a", 4, apierrors.NewServiceUnavailable("restarting"))
	m.hook = func(request string) error {
		if err := conflict(request); err != nil {
			return err
		}
		return outage(request)
	}
	r.run("", "done observe: label namespace a")
	want := []time.Duration{400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond, 3200 * time.Millisecond}
	if diff := cmp.Diff(want, r.waited[3:]); diff != "" {
		t.Errorf("waits for the server (-want +got):\n%s", diff)
	}
}

// Who is interrupted while he waits is told so, and the journal does not have it that the step was refused.
func TestInterruptedBetweenAttempts(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	r := begin(t, m, observe("a"))
	ctx, cancel := context.WithCancel(t.Context())
	m.hook = func(request string) error {
		if request != "patch namespaces/a" {
			return nil
		}
		cancel()
		return apierrors.NewConflict(inNamespaces, "a", errors.New("the object has been modified"))
	}
	if err := r.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	if last, why := r.Journal.LastEvent(0); last != Begun {
		t.Errorf("the journal ends with %s: %s", last, why)
	}
}
