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
)

// mayPass is true for what another attempt may get past: a server that is busy, restarting or not there, a connection that
// broke. Whether a write that broke off was done is told by looking.
func mayPass(err error) bool {
	if apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		apierrors.IsInternalError(err) || apierrors.IsServiceUnavailable(err) {
		return true
	}
	var network net.Error
	return errors.As(err, &network) || utilnet.IsConnectionReset(err) || utilnet.IsConnectionRefused(err) || utilnet.IsProbableEOF(err)
}

// attempts does something until it is done, refused, or no further attempt would help.
func (r *Runner) attempts(ctx context.Context, do func() error) error {
	const most = 5
	for attempt := 1; ; attempt++ {
		err := do()
		switch {
		case err == nil:
			return nil
		case apierrors.IsConflict(err) && !fieldConflict(err) && attempt < most: // written by somebody else meanwhile: look again
		case mayPass(err) && attempt < most:
			if r.pause(ctx, attempt) != nil {
				return err
			}
		default:
			return judge(err)
		}
	}
}

// pause waits twice as long each time.
func (r *Runner) pause(ctx context.Context, attempt int) error {
	const first = 200 * time.Millisecond
	if r.wait != nil {
		return r.wait(ctx, first<<attempt)
	}
	if !sleep(ctx, first<<attempt) {
		return ctx.Err()
	}
	return nil
}

// judge tells what concerns one namespace from what stops everything: a server that does not take this write may take the
// next, while one that does not know the user, or does not answer, will not. A webhook may refuse with any code.
func judge(err error) error {
	var status apierrors.APIStatus
	switch {
	case fieldConflict(err):
		return refuse("%s; leave the labels to it, or take over with --force", err)
	case apierrors.IsConflict(err):
		return refuse("the object is written by others all the time: %s", err)
	case mayPass(err), apierrors.IsUnauthorized(err), !errors.As(err, &status):
		return err
	case status.Status().Code >= http.StatusBadRequest && status.Status().Code < http.StatusInternalServerError:
		return refuse("the server does not take it: %s", err)
	}
	return err
}

// fieldConflict is true if the server says that another field manager owns what was to be applied.
func fieldConflict(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsConflict(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	return slices.ContainsFunc(status.Status().Details.Causes, func(c metav1.StatusCause) bool {
		return c.Type == metav1.CauseTypeFieldManagerConflict
	})
}
