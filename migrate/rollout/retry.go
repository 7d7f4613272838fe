package rollout

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// isTransient reports whether another attempt at a write or read of a roll-out may succeed after an error: the server
// is busy, restarting or unreachable, or the connection broke. A write that broke off may have been done.
func isTransient(err error) bool {
	if apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		apierrors.IsInternalError(err) || apierrors.IsServiceUnavailable(err) {
		return true
	}
	var network net.Error
	return errors.As(err, &network) || utilnet.IsConnectionReset(err) || utilnet.IsConnectionRefused(err) || utilnet.IsProbableEOF(err)
}

// RetryTransient calls a read of a roll-out until it succeeds or fails for a reason that another attempt would not get
// past: four times at the most, and longer apart each time. It returns the error of the last call.
func RetryTransient(ctx context.Context, do func() error) error {
	backoff := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Steps: 3}
	err := do()
	for isTransient(err) && backoff.Steps > 0 && sleep(ctx, backoff.Step()) == nil {
		err = do()
	}
	return err
}

// sleep waits for d between attempts of a roll-out, and returns the error of ctx if that ends before.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryWrite calls a write of a roll-out step until it succeeds, is refused, or no further attempt would help. It waits
// between attempts, longer each time: for a server that is not there, and for others who write to the same object. It
// returns a *stepRefusal for what concerns one step alone.
func (r *Runner) retryWrite(ctx context.Context, do func() error) error {
	outages := wait.Backoff{Duration: 400 * time.Millisecond, Factor: 2, Steps: 4}
	conflicts := wait.Backoff{Duration: 20 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 8}
	for {
		err := do()
		var backoff *wait.Backoff
		switch {
		case err == nil:
			return nil
		case apierrors.IsConflict(err) && !isFieldManagerConflict(err): // look again at what was written meanwhile
			backoff = &conflicts
		case isTransient(err):
			backoff = &outages
		}
		if backoff == nil || backoff.Steps == 0 {
			return classifyWriteError(err)
		}
		if stopped := r.waitBetweenAttempts(ctx, backoff.Step()); stopped != nil {
			return stopped
		}
	}
}

// waitBetweenAttempts waits for d between two attempts of a roll-out step, and returns the error of ctx if that ends
// before.
func (r *Runner) waitBetweenAttempts(ctx context.Context, d time.Duration) error {
	if r.sleepFunc != nil {
		return r.sleepFunc(ctx, d)
	}
	return sleep(ctx, d)
}

// classifyWriteError returns a *stepRefusal for an error that concerns the write of one roll-out step alone, and err
// itself for one that would meet the next write, too: the server does not answer, or does not know the user. A webhook
// may refuse with any code.
func classifyWriteError(err error) error {
	var status apierrors.APIStatus
	switch {
	case isFieldManagerConflict(err):
		return newStepRefusal(message.New("rollout-labels-conflict", "error", err))
	case apierrors.IsConflict(err):
		return newStepRefusal(message.New("rollout-write-conflict", "error", err))
	case isTransient(err), apierrors.IsUnauthorized(err), !errors.As(err, &status):
		return err
	case status.Status().Code >= http.StatusBadRequest && status.Status().Code < http.StatusInternalServerError:
		return newStepRefusal(message.New("rollout-write-refused", "error", err))
	}
	return err
}

// isFieldManagerConflict reports whether the server refuses a roll-out's step as it says that another field manager
// owns what was to be applied.
func isFieldManagerConflict(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsConflict(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	return slices.ContainsFunc(status.Status().Details.Causes, func(c metav1.StatusCause) bool {
		return c.Type == metav1.CauseTypeFieldManagerConflict
	})
}
