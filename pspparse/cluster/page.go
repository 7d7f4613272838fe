package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

// listQuery is one request to an API server for a list, or for a page of one.
type listQuery struct {
	// limit is the size of the page; 0 asks for the whole list.
	limit int64
	// continueToken continues where a page ended.
	continueToken string
	// fromCache lets the server answer from its watch cache, which is fast and may be a moment old. Servers take no limit
	// then.
	fromCache bool
	// labels and fields select, if set.
	labels, fields string
}

// applyTo adds the parameters of a list query to a request to the API server.
func (q listQuery) applyTo(r *rest.Request) *rest.Request {
	if q.limit > 0 {
		r.Param("limit", strconv.FormatInt(q.limit, 10))
	}
	if q.continueToken != "" {
		r.Param("continue", q.continueToken)
	}
	if q.fromCache {
		r.Param("resourceVersion", "0")
	}
	if q.labels != "" {
		r.Param("labelSelector", q.labels)
	}
	if q.fields != "" {
		r.Param("fieldSelector", q.fields)
	}
	return r
}

// nextPage returns the query for the next page of the API server's list.
func (q listQuery) nextPage(next string) listQuery {
	q.continueToken = next
	return q
}

// pendingRequest is a request to the API server whose answer is not read yet. Nothing of its body is read until it is
// wanted, so that asking ahead costs the server the time and the network a little buffer.
type pendingRequest struct {
	// query is what was asked for.
	query listQuery
	// cancel ends the request with a cause.
	cancel context.CancelCauseFunc
	// ctx is the context of the request.
	ctx context.Context
	// done brings the answer.
	done chan openedBody
}

// openedBody is the body of an API server's answer, or the error of the request.
type openedBody struct {
	// body is the body of the answer.
	body io.ReadCloser
	// err is the error of the request; nil where there is a body.
	err error
}

// startRequest sends a request to the API server. The caller has to cancel it or to read it.
func (l *clusterLister) startRequest(ctx context.Context, s kindSource, k *listedKind, q listQuery) *pendingRequest {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &pendingRequest{query: q, ctx: ctx, cancel: cancel, done: make(chan openedBody, 1)} // nobody may be waiting any more
	request := q.applyTo(l.client.Get().AbsPath(k.listPath(s.gv)...))
	if s.asJSON {
		request.SetHeader("Accept", runtime.ContentTypeJSON)
	}
	// Where the server asks to wait, attempts does that, and not client-go.
	request.MaxRetries(0)
	go func() {
		body, err := request.Stream(context.WithValue(ctx, listRequestKey{}, true))
		p.done <- openedBody{body, err}
	}()
	return p
}

// cancelRequest ends a request to the API server whose answer is no longer wanted. A body that came meanwhile ends with
// its context.
func (p *pendingRequest) cancelRequest() {
	if p != nil {
		p.cancel(context.Canceled)
	}
}

// readBody waits for the API server's answer and hands its body to read, within the time limits for one request and for
// one without a byte. Beyond them it returns a *timeoutError.
func (p *pendingRequest) readBody(limit, idle time.Duration, read func(io.Reader) error) error {
	timer := time.AfterFunc(limit, func() { p.cancel(&timeoutError{"no whole answer", limit}) })
	defer timer.Stop()
	silence := time.AfterFunc(idle, func() { p.cancel(&timeoutError{"not a byte", idle}) })
	defer silence.Stop()
	defer p.cancelRequest()
	answer := <-p.done
	err := answer.err
	if err == nil {
		err = read(&idleTimeoutReader{answer.body, silence, idle})
		_ = answer.body.Close() // what matters was read, or err says so
	}
	var slow *timeoutError
	if err != nil && errors.As(context.Cause(p.ctx), &slow) {
		return slow
	}
	return err
}

// idleTimeoutReader starts the wait for the server's next byte anew whenever one comes.
type idleTimeoutReader struct {
	// from is what is read.
	from io.Reader
	// silence ends the request once idle has passed without a byte.
	silence *time.Timer
	// idle is how long that is.
	idle time.Duration
}

// Read reads a list from the server, starts the wait for the next byte anew, and returns the error of the answer.
func (w *idleTimeoutReader) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	if n > 0 {
		w.silence.Reset(w.idle)
	}
	return n, err
}

// timeoutError is the error of a request to the API server that took too long.
type timeoutError struct {
	// missing says what did not come.
	missing string
	// limit is the time that has passed.
	limit time.Duration
}

// Error returns what the API server did not send within which time.
func (e *timeoutError) Error() string { return fmt.Sprintf("%s within %s", e.missing, e.limit) }

// Unwrap returns context.DeadlineExceeded, since a request to the API server took too long.
func (e *timeoutError) Unwrap() error { return context.DeadlineExceeded }

// decodePage decodes one page of an API server's list and hands on its objects, some at a time. It calls begun as soon
// as the list's metadata is known, which is before its items; over receives the size of each object, and ends the
// reading by an error.
func (l *clusterLister) decodePage(t *servedKind, p *pendingRequest, over func(int) error, begun func(metav1.ListMeta), emit func([]decodedObject) error) error {
	var some []decodedObject
	var bytes int
	var stopped error
	h := listHandler{meta: begun, item: func(data []byte, c objectEncoding) error {
		if err := over(len(data)); err != nil {
			return err
		}
		if len(data) > largeObjectBytes {
			// One large object at a time, until it is handed on: decoded, it may be a multiple of what it was.
			l.decoding.Lock()
			defer l.decoding.Unlock()
		}
		e, err := t.source.decode(data, c)
		if err != nil {
			return err
		}
		some, bytes = append(some, e), bytes+len(data)
		if len(some) < batchObjects && bytes < largeObjectBytes {
			return nil
		}
		stopped = emit(some)
		some, bytes = nil, 0
		return stopped
	}}
	err := p.readBody(l.timeout, l.limits.idleTime, func(body io.Reader) error {
		return decodeList(body, t.source.gv.WithKind(t.listKind), h)
	})
	if stopped == nil && len(some) > 0 {
		stopped = emit(some)
	}
	return cmp.Or(stopped, err)
}

const (
	// batchObjects is how many objects go to the inventory at once.
	batchObjects = 100
	// largeObjectBytes is from how many bytes on an object, or some together, go to the inventory by themselves.
	largeObjectBytes = 128 << 10
)

// responseBody returns the body of an API server's answer, or the error with the server's own words; Raw alone would
// lose them.
func responseBody(r rest.Result) ([]byte, error) {
	if err := r.Error(); err != nil {
		return nil, err
	}
	return r.Raw()
}
