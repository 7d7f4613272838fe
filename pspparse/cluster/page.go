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
	// Where the server asks to wait, attempts does that, and not client-go.
	request.MaxRetries(0)
	go func() {
		body, err := request.Stream(context.WithValue(ctx, isList{}, true))
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

// read waits for the answer and takes it apart, within the time limit for one request and for one without a byte.
func (p *pending) read(limit, idle time.Duration, read func(io.Reader) error) error {
	timer := time.AfterFunc(limit, func() { p.cancel(&slowError{"no whole answer", limit}) })
	defer timer.Stop()
	silence := time.AfterFunc(idle, func() { p.cancel(&slowError{"not a byte", idle}) })
	defer silence.Stop()
	defer p.drop()
	answer := <-p.done
	err := answer.err
	if err == nil {
		err = read(&watched{answer.body, silence, idle})
		_ = answer.body.Close() // what matters was read, or err says so
	}
	var slow *slowError
	if err != nil && errors.As(context.Cause(p.ctx), &slow) {
		return slow
	}
	return err
}

// watched starts the wait for the next byte anew whenever one comes.
type watched struct {
	from    io.Reader
	silence *time.Timer
	idle    time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	if n > 0 {
		w.silence.Reset(w.idle)
	}
	return n, err
}

// slowError is a request that took too long.
type slowError struct {
	what  string
	limit time.Duration
}

func (e *slowError) Error() string { return fmt.Sprintf("%s within %s", e.what, e.limit) }
func (e *slowError) Unwrap() error { return context.DeadlineExceeded }

// page reads one answer and hands on its entries, a few at a time. begun is called as soon as the list's metadata is
// known, which is before its items; over is told the size of each, and ends the reading by an error.
func (l *lister) page(t *target, p *pending, over func(int) error, begun func(metav1.ListMeta), emit func([]entry) error) error {
	var some []entry
	var bytes int
	var stopped error
	h := handler{meta: begun, item: func(data []byte, c coding) error {
		if err := over(len(data)); err != nil {
			return err
		}
		if len(data) > large {
			// One large object at a time, until it is handed on: decoded, it may be a multiple of what it was.
			l.decoding.Lock()
			defer l.decoding.Unlock()
		}
		e, err := t.source.decode(data, c)
		if err != nil {
			return err
		}
		some, bytes = append(some, e), bytes+len(data)
		if len(some) < batchSize && bytes < large {
			return nil
		}
		stopped = emit(some)
		some, bytes = nil, 0
		return stopped
	}}
	err := p.read(l.timeout, l.limits.idle, func(body io.Reader) error {
		return readList(body, t.source.gv.WithKind(t.list), h)
	})
	if stopped == nil && len(some) > 0 {
		stopped = emit(some)
	}
	return cmp.Or(stopped, err)
}

const (
	// batchSize is how many objects go to the builder at once.
	batchSize = 100
	// large is from how many bytes on an object, or some together, go to the builder by themselves.
	large = 128 << 10
)

// body is the body of an answer, or the error with the server's own words; Raw alone would lose them.
func body(r rest.Result) ([]byte, error) {
	if err := r.Error(); err != nil {
		return nil, err
	}
	return r.Raw()
}
