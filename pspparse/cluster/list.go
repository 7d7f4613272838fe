package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	// pageSize bounds what is held of one list, here and on the server; kubectl uses the same.
	pageSize = 500
	// maxRestarts bounds how often a list that expires while it is paged is begun again. A list that cannot be paged
	// within the server's compaction interval (five minutes) three times over will not be the fourth time.
	maxRestarts = 3
	// maxAttempts bounds how often one page is asked for, on top of the waiting that client-go does by itself where the
	// server says for how long.
	maxAttempts = 4
	// firstDelay doubles with each attempt.
	firstDelay = 500 * time.Millisecond
)

// lister lists one kind after the other and sends what it finds, page by page.
//
// Lists are consistent reads (no resourceVersion). A read "from the cache" (resourceVersion=0) would be cheaper for old
// servers, but it may be stale, a namespace or grant made a second ago could be missing, and it ignores the limit: all
// pods of a big cluster would come in one answer. Newer servers answer consistent reads from their cache anyway.
type lister struct {
	client  rest.Interface
	dynamic dynamic.Interface
	decoder runtime.Decoder
	timeout time.Duration
	// wait sleeps, or returns early with the context's error.
	wait func(context.Context, time.Duration) error
	out  chan<- batch
}

// batch is the part of a list that enters the inventory in one go.
type batch struct {
	resource string
	count    int
	add      func(*inventory.Builder)
}

// key names an object within its kind.
type key struct{ namespace, name string }

// page is one answer of a list.
type page struct {
	items []runtime.Object
	next  string
}

// kind lists one kind from the first source that serves it. What goes wrong becomes a gap or a note; the error is the
// context's alone.
func (l *lister) kind(ctx context.Context, k kind) error {
	var refused *refusal
	for _, s := range k.sources {
		n, err := l.list(ctx, k, s)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case n > 0:
			return l.gap(ctx, failedGap(k.resource, n, err))
		case isRefused(err):
			// A server asks for permission before it looks whether there is such a thing. Who may not list what is not
			// even served is missing nothing, and there is nothing to grant.
			if refused == nil && l.serves(ctx, s.gv, k.resource) {
				refused = &refusal{resource: k.resource, group: s.gv.Group, cause: err}
			}
		case code(err) != http.StatusNotFound:
			return l.gap(ctx, failedGap(k.resource, n, err))
		}
	}
	if refused != nil {
		return l.gap(ctx, refused.gap())
	}
	return l.send(ctx, notServed(k))
}

// list reads one kind from one source and returns how many objects it sent on.
//
// A list that expires between two pages is begun again from the start. What was sent cannot be taken back, so the keys
// of what was sent are kept, and nothing is sent twice: the result is everything that existed in either reading, and a
// note says so.
func (l *lister) list(ctx context.Context, k kind, s source) (int, error) {
	var (
		sent     map[key]bool
		n        int
		next     string
		restarts int
	)
	for {
		p, err := l.page(ctx, k, s, next)
		if err != nil && next != "" && code(err) == http.StatusGone && restarts < maxRestarts {
			restarts++
			next = ""
			continue
		}
		if err != nil {
			return n, err
		}
		if p.next != "" && sent == nil {
			sent = map[key]bool{}
		}
		items, err := unsent(p.items, sent)
		if err != nil {
			return n, err
		}
		n += len(items)
		if err := l.send(ctx, newBatch(k.resource, s, items)); err != nil {
			return n, err
		}
		if p.next == "" {
			break
		}
		next = p.next
	}
	if restarts > 0 {
		return n, l.send(ctx, note(restartedNote(k.resource)))
	}
	return n, nil
}

// unsent drops the items that are in sent and adds the others. A nil map stands for a list of one page, in which
// nothing repeats.
func unsent(items []runtime.Object, sent map[key]bool) ([]runtime.Object, error) {
	if sent == nil {
		return items, nil
	}
	kept := items[:0]
	for _, o := range items {
		m, err := apimeta.Accessor(o)
		if err != nil {
			return nil, fmt.Errorf("reading an object's name: %w", err)
		}
		k := key{m.GetNamespace(), m.GetName()}
		if !sent[k] {
			sent[k] = true
			kept = append(kept, o)
		}
	}
	return kept, nil
}

func newBatch(resource string, s source, items []runtime.Object) batch {
	return batch{resource: resource, count: len(items), add: func(b *inventory.Builder) {
		for _, o := range items {
			if !s.add(b, o) {
				b.AddGap(strangeGap(resource, o))
			}
		}
	}}
}

func note(n inventory.Note) batch {
	return batch{add: func(b *inventory.Builder) { b.AddNote(n) }}
}

func (l *lister) gap(ctx context.Context, g inventory.Gap) error {
	return l.send(ctx, batch{add: func(b *inventory.Builder) { b.AddGap(g) }})
}

func (l *lister) send(ctx context.Context, b batch) error {
	select {
	case l.out <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// page gets one page, and tries again after failures that may pass, as long as the timeout allows.
func (l *lister) page(ctx context.Context, k kind, s source, next string) (page, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	var last error
	for attempt := 1; ; attempt++ {
		p, err := l.fetch(ctx, k, s, next)
		if ctx.Err() != nil && err != nil {
			return page{}, fmt.Errorf("no answer within %s: %w", l.timeout, errors.Join(last, ctx.Err()))
		}
		if err == nil || !mayPass(err) || attempt == maxAttempts {
			return p, err
		}
		delay := max(firstDelay<<(attempt-1), suggested(err))
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < delay {
			return page{}, err
		}
		if l.wait(ctx, delay) != nil {
			return page{}, err
		}
		last = err
	}
}

func (l *lister) fetch(ctx context.Context, k kind, s source, next string) (page, error) {
	if s.asJSON {
		return l.fetchJSON(ctx, k, s, next)
	}
	request := l.client.Get().AbsPath(groupPath(s.gv), k.resource).Param("limit", strconv.Itoa(pageSize))
	if next != "" {
		request.Param("continue", next)
	}
	body, err := answer(request.Do(ctx))
	if err != nil {
		return page{}, err
	}
	// The type is taken from the answer, never from what was asked for: into a given type, "{}" would decode as an
	// empty list, and an empty list is the most dangerous thing that can be read by mistake.
	list, gvk, err := l.decoder.Decode(body, nil, nil)
	if err != nil {
		return page{}, &answerError{fmt.Errorf("decoding the answer: %w", err)}
	}
	return newPage(list, *gvk, s.gv.WithKind(k.list))
}

// answer is the body, or the error with the server's own words; Raw alone would lose them.
func answer(r rest.Result) ([]byte, error) {
	if err := r.Error(); err != nil {
		return nil, err
	}
	return r.Raw()
}

func (l *lister) fetchJSON(ctx context.Context, k kind, s source, next string) (page, error) {
	list, err := l.dynamic.Resource(s.gv.WithResource(k.resource)).List(ctx, metav1.ListOptions{Limit: pageSize, Continue: next})
	if err != nil {
		return page{}, err
	}
	return newPage(list, list.GroupVersionKind(), s.gv.WithKind(k.list))
}

func newPage(o runtime.Object, got, want schema.GroupVersionKind) (page, error) {
	if got != want {
		return page{}, &answerError{fmt.Errorf("the answer is a %s of %s", got.Kind, got.GroupVersion())}
	}
	list, err := apimeta.ListAccessor(o)
	if err != nil {
		return page{}, &answerError{err}
	}
	p := page{next: list.GetContinue()}
	err = apimeta.EachListItem(o, func(item runtime.Object) error {
		p.items = append(p.items, item)
		return nil
	})
	if err != nil {
		return page{}, &answerError{err}
	}
	return p, nil
}

// serves asks discovery. In doubt the answer is yes: then the refusal stands, and is told.
func (l *lister) serves(ctx context.Context, gv schema.GroupVersion, resource string) bool {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	found, err := l.discover(ctx, gv)
	if err != nil {
		return code(err) != http.StatusNotFound
	}
	for _, r := range found.APIResources {
		if r.Name == resource {
			return true
		}
	}
	return false
}

func groupPath(gv schema.GroupVersion) string {
	if gv.Group == "" {
		return "/api/" + gv.Version
	}
	return "/apis/" + gv.Group + "/" + gv.Version
}
