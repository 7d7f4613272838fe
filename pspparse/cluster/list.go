package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	// maxListRestarts bounds how often a list that expires while it is paged is begun again. A list that cannot be paged
	// within the server's compaction interval (five minutes) three times over will not be the fourth time.
	maxListRestarts = 3
	// maxRetryAfterWaits bounds how often one page is asked for again because the server said when; requestBackoff bounds how often
	// without such a word.
	maxRetryAfterWaits = 10
	// minPageSize is the smallest page to fall back to where answers break off.
	minPageSize = 50
)

// clusterLister lists the kinds of a cluster and sends what it finds to the collector.
type clusterLister struct {
	// client sends the requests.
	client rest.Interface
	// serverGitVersion is the version of the server, empty if it may not be known.
	serverGitVersion string
	// paging says how lists are asked for.
	paging listPaging
	// timeout limits one request.
	timeout time.Duration
	// sleep waits, or returns early with the error of the context.
	sleep func(context.Context, time.Duration) error
	// limits bound what the server can cost.
	limits serverLimits
	// batches lead to the collector.
	batches chan<- inventoryBatch
	// decoding is held while a large object is decoded.
	decoding sync.Mutex
}

// inventoryBatch is what a reading of the cluster adds to the inventory at once: some objects of a kind, or why there
// are none.
type inventoryBatch struct {
	// resource names the kind.
	resource string
	// total is how many there are, 0 if this batch does not say.
	total int64
	// entries are objects of the kind.
	entries []decodedObject
	// addToInventory, if set, adds gaps and notes.
	addToInventory func(inventory.Sink)
	// done says that no more will come of the kind.
	done bool
	// moreKinds are names of further kinds that are read from now on.
	moreKinds []string
}

// requestBackoff returns the waits before the second, third and fourth attempt at a request to the API server: half a
// second, one and two.
func requestBackoff() wait.Backoff {
	return wait.Backoff{Duration: 500 * time.Millisecond, Factor: 2, Steps: 3}
}

// retryRequest calls a request to the API server until it returns no error, one that is final, or has failed often
// enough; it returns the last error.
func (l *clusterLister) retryRequest(ctx context.Context, do func() error) error {
	t := newRetryState()
	for {
		err := do()
		if err == nil {
			return nil
		}
		if err := l.waitForRetry(ctx, t, err); err != nil {
			return err
		}
	}
}

// retryState counts the failed attempts at one request to the server.
type retryState struct {
	// backoff has the waits that are left where the server does not say how long to wait.
	backoff wait.Backoff
	// retryAfterWaits counts the waits that the server asked for, and waited is how long all waits took.
	retryAfterWaits int
	waited          time.Duration
}

// newRetryState returns the state of a request to the server before its first attempt.
func newRetryState() *retryState { return &retryState{backoff: requestBackoff()} }

// waitForRetry waits before the next attempt at a request to the API server that failed with err. It returns the error
// that ends the attempts where there is to be no other: a server that did not answer in time is not asked to take as
// long again.
func (l *clusterLister) waitForRetry(ctx context.Context, t *retryState, err error) error {
	if ctx.Err() != nil || !isRetryable(err) || isTimeout(err) {
		return err
	}
	var delay time.Duration
	switch seconds, _ := apierrors.SuggestsClientDelay(err); {
	case seconds > 0:
		if t.retryAfterWaits++; t.retryAfterWaits > maxRetryAfterWaits {
			return err
		}
		if err := l.limits.checkRetryWait(ctx, fmt.Sprintf("the server (%d)", httpStatus(err)), seconds, t.waited); err != nil {
			return err
		}
		delay = time.Duration(seconds) * time.Second
	case t.backoff.Steps == 0:
		return err
	default:
		delay = t.backoff.Step()
	}
	t.waited += delay
	if l.sleep(ctx, delay) != nil {
		return err
	}
	return nil
}

// readKind lists one kind of the cluster that the survey found. What goes wrong becomes a gap or a note; only the end
// of ctx is an error.
func (l *clusterLister) readKind(ctx context.Context, t *servedKind) error {
	r := &serverListReading{clusterLister: l, target: t, sentKeys: newKeySet(), bounds: listBounds{limits: l.limits}, query: l.paging.firstQuery(l.serverGitVersion, t)}
	end := inventoryBatch{resource: t.qualifiedResource(), done: true}
	switch err := r.readPages(ctx); {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		end.addToInventory = t.reportMissing(failedListGap(t.qualifiedResource(), r.sentKeys.size(), err))
	case r.restartReason != "":
		end.addToInventory = func(b inventory.Sink) {
			reportNote(listRestartNote(t.qualifiedResource(), r.restartReason))(b)
			t.reportListed(b)
		}
	default:
		end.addToInventory = t.reportListed
	}
	return l.sendBatch(ctx, end)
}

// reportListed records in the inventory that every object of a custom resource was read: what no object of it says is then known.
func (k *listedKind) reportListed(b inventory.Sink) {
	if k.custom != nil && k.namespace == "" {
		b.AddListedResource(k.custom.Group, k.custom.Name)
	}
}

// serverListReading is the state of listing one kind from the API server, page by page.
//
// A list that breaks off or expires may have to be begun again from the start. What was sent on cannot be taken back, so
// the keys of what was sent are kept, and nothing is sent twice: the result is everything that existed in either reading,
// and a note says so.
type serverListReading struct {
	*clusterLister
	// target is the kind.
	target *servedKind
	// query is what is asked for next.
	query listQuery
	// nextPage is the request for the next page, once it is known.
	nextPage *pendingRequest
	// received is how many objects the last answer brought, those included that had been sent.
	received int
	// sentKeys are the objects that were sent.
	sentKeys keySet
	// bounds end a list that does not end.
	bounds listBounds
	// restarts counts how often the list has expired.
	restarts int
	// restartReason says why the list was begun again; "" if it was not.
	restartReason string
}

// readPages reads the API server's list to its end, page by page, and begins it again where that helps. It returns the
// error that ends it early.
func (r *serverListReading) readPages(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the request for a page that is no longer wanted
	t := newRetryState()
	for {
		next, err := r.readPage(ctx)
		switch {
		case err == nil && next != "":
			if err := r.bounds.countPage(next, r.received); err != nil {
				return err
			}
			r.query = r.query.nextPage(next)
		case err == nil && r.isCacheStale():
			r.restart(listQuery{limit: r.paging.defaultPageSize()}, "the server's cache held fewer than there are")
		case err == nil:
			return nil
		case r.query.continueToken != "" && httpStatus(err) == http.StatusGone && r.restarts < maxListRestarts:
			r.restarts++
			r.restart(listQuery{limit: r.query.limit}, "the list expired on the server while it was read (410)")
		case r.received > 0 && isRetryable(err) && r.reducePageSize() && r.sleep(ctx, requestBackoff().Duration) == nil:
		default:
			if err := r.waitForRetry(ctx, t, err); err != nil {
				return err
			}
			continue
		}
		t = newRetryState()
	}
}

// readPage reads one page of the API server's list, asks for the next page as soon as its token is known, and returns
// that token.
func (r *serverListReading) readPage(ctx context.Context) (next string, err error) {
	p := r.nextPage
	r.received = 0
	if r.nextPage = nil; p == nil {
		p = r.startRequest(ctx, r.target.source, &r.target.listedKind, r.query)
	}
	err = r.decodePage(r.target, p, r.bounds.countObject, func(m metav1.ListMeta) {
		if next = m.Continue; next != "" {
			r.nextPage = r.startRequest(ctx, r.target.source, &r.target.listedKind, r.query.nextPage(next))
		}
	}, func(some []decodedObject) error {
		return r.sendBatch(ctx, inventoryBatch{resource: r.target.qualifiedResource(), entries: r.withoutSent(some)})
	})
	if err != nil {
		r.nextPage.cancelRequest()
		r.nextPage = nil
	}
	return next, err
}

// withoutSent drops the objects of the API server's list that were collected before, and remembers the others.
func (r *serverListReading) withoutSent(some []decodedObject) []decodedObject {
	r.received += len(some)
	kept := some[:0]
	for _, e := range some {
		if r.sentKeys.add(e.key) {
			kept = append(kept, e)
		}
	}
	return kept
}

// restart begins the API server's list again with another query, and keeps why for the note.
func (r *serverListReading) restart(q listQuery, why string) {
	r.query, r.restartReason = q, why
	r.bounds.resetCounts()
}

// reducePageSize makes the next requests for the list smaller after an answer broke off, and reports whether that was
// possible: API servers end a request after a minute, so where the network is slow a long list never comes whole.
func (r *serverListReading) reducePageSize() bool {
	switch {
	case r.query.limit == 0:
		r.restart(listQuery{limit: smallPageSize}, "the answer broke off")
	case r.query.limit/2 < minPageSize:
		return false
	default:
		r.query.limit /= 2
	}
	return true
}

// isCacheStale reports whether the API server's cache held fewer objects than etcd counted, by more than one in a
// hundred: more than comes and goes in a moment.
func (r *serverListReading) isCacheStale() bool {
	return r.query.fromCache && r.target.total-int64(r.sentKeys.size()) > r.target.total/100
}

// isTimeout reports whether a request to the API server took longer than it may.
func isTimeout(err error) bool {
	var slow *timeoutError
	return errors.As(err, &slow)
}

// reportNote returns a function that adds a note on the reading of the cluster to the inventory.
func reportNote(n inventory.Note) func(inventory.Sink) {
	return func(b inventory.Sink) { b.AddNote(n) }
}

// reportGap returns a function that adds a gap of the reading of the cluster to the inventory.
func reportGap(g inventory.Gap) func(inventory.Sink) {
	return func(b inventory.Sink) { b.AddGap(g) }
}

// sendBatch sends a batch of objects of the cluster to the collector; its error is that of ctx.
func (l *clusterLister) sendBatch(ctx context.Context, b inventoryBatch) error {
	select {
	case l.batches <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
