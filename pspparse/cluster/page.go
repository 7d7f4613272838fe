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

// query is one request for a list or for a page of one.
type query struct {
	// limit is the size of the page; 0 asks for the whole list.
	limit int64
	// next continues where a page ended.
	next string
	// cached lets the server answer from its watch cache, which is fast and may be a moment old. Servers take no limit
	// then.
	cached bool
	// labels and fields select, if set.
	labels, fields string
}

func (q query) params(r *rest.Request) *rest.Request {
	if q.limit > 0 {
		r.Param("limit", strconv.FormatInt(q.limit, 10))
	}
	if q.next != "" {
		r.Param("continue", q.next)
	}
	if q.cached {
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

// after is the query for the page that follows.
func (q query) after(next string) query {
	q.next = next
	return q
}

// pending is a request under way. Nothing of its body is read until it is wanted, so that asking ahead costs the server
// the time and the network a little buffer.
type pending struct {
	query  query
	cancel context.CancelCauseFunc
	ctx    context.Context
	done   chan opened
}

type opened struct {
	body io.ReadCloser
	err  error
}

// ask sends a request. Whoever asks drops it or reads it.
func (l *lister) ask(ctx context.Context, s source, k *kind, q query) *pending {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &pending{query: q, ctx: ctx, cancel: cancel, done: make(chan opened, 1)} // nobody may be waiting any more
	request := q.params(l.client.Get().AbsPath(k.path(s.gv)...))
	if s.asJSON {
		request.SetHeader("Accept", runtime.ContentTypeJSON)
	}
	go func() {
		body, err := request.Stream(ctx)
		p.done <- opened{body, err}
	}()
	return p
}

// drop ends a request whose answer is no longer wanted. A body that came meanwhile ends with its context.
func (p *pending) drop() {
	if p != nil {
		p.cancel(context.Canceled)
	}
}

var errTooSlow = errors.New("the time for one request is over")

// read waits for the answer and takes it apart, within the time limit for one request.
func (p *pending) read(limit time.Duration, read func(io.Reader) error) error {
	timer := time.AfterFunc(limit, func() { p.cancel(errTooSlow) })
	defer timer.Stop()
	defer p.drop()
	answer := <-p.done
	err := answer.err
	if err == nil {
		err = read(answer.body)
		_ = answer.body.Close() // what matters was read, or err says so
	}
	if err != nil && errors.Is(context.Cause(p.ctx), errTooSlow) {
		return &slowError{limit}
	}
	return err
}

// slowError is a request that took too long.
type slowError struct{ limit time.Duration }

func (e *slowError) Error() string { return fmt.Sprintf("no whole answer within %s", e.limit) }
func (e *slowError) Unwrap() error { return context.DeadlineExceeded }

// page reads one answer and hands on its entries, a few at a time. begun is called as soon as the list's metadata is
// known, which is before its items.
func (l *lister) page(t *target, p *pending, begun func(metav1.ListMeta), emit func([]entry) error) error {
	var some []entry
	var stopped error
	h := handler{meta: begun, item: func(data []byte, c coding) error {
		e, err := t.source.decode(data, c)
		if err != nil {
			return err
		}
		some = append(some, e)
		if len(some) < batchSize {
			return nil
		}
		stopped = emit(some)
		some = nil
		return stopped
	}}
	err := p.read(l.timeout, func(body io.Reader) error {
		return readList(body, t.source.gv.WithKind(t.list), h)
	})
	if stopped == nil && len(some) > 0 {
		stopped = emit(some)
	}
	return cmp.Or(stopped, err)
}

// batchSize is how many objects go to the builder at once.
const batchSize = 100

// body is the body of an answer, or the error with the server's own words; Raw alone would lose them.
func body(r rest.Result) ([]byte, error) {
	if err := r.Error(); err != nil {
		return nil, err
	}
	return r.Raw()
}
