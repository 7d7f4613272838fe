package cluster

import (
	"context"
	"fmt"
	"net/http"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// maxRestarts bounds how often a list that expires while it is paged is begun again. A list that cannot be paged within
// the server's compaction interval (five minutes) three times over will not be the fourth time.
const maxRestarts = 3

// lister lists one kind after the other and sends what it finds, page by page.
//
// Lists are consistent reads (no resourceVersion). A read "from the cache" (resourceVersion=0) would be cheaper for old
// servers, but it may be stale, a namespace or grant made a second ago could be missing, and it ignores the limit: all
// pods of a big cluster would come in one answer. Newer servers answer consistent reads from their cache anyway.
type lister struct {
	client  rest.Interface
	dynamic dynamic.Interface
	decoder runtime.Decoder
	// server is its version, empty if it may not be known.
	server  string
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
	return l.send(ctx, l.notServed(k))
}

// list reads one kind from one source and returns how many objects it sent on.
//
// A list that expires between two pages is begun again from the start. What was sent cannot be taken back, so the keys
// of what was sent are kept, and nothing is sent twice: the result is everything that existed in either reading, and a
// note says so.
func (l *lister) list(ctx context.Context, k kind, s source) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the request for a page that is no longer wanted
	var (
		sent     map[key]bool
		n        int
		later    bool
		restarts int
	)
	ahead := l.ask(ctx, k, s, "")
	for {
		a, err := ahead()
		if err != nil && later && code(err) == http.StatusGone && restarts < maxRestarts {
			restarts++
			later = false
			ahead = l.ask(ctx, k, s, "")
			continue
		}
		if err != nil {
			return n, err
		}
		if a.next != "" {
			ahead = l.ask(ctx, k, s, a.next)
		}
		p, err := a.decode()
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
		if p.next != a.next {
			ahead = l.ask(ctx, k, s, p.next)
		}
		later = true
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
