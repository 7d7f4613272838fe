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
	"k8s.io/client-go/rest"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	// maxRestarts bounds how often a list that expires while it is paged is begun again. A list that cannot be paged
	// within the server's compaction interval (five minutes) three times over will not be the fourth time.
	maxRestarts = 3
	// maxAttempts bounds how often one page is asked for, without the times that the server said how long to wait;
	// maxAsked bounds those.
	maxAttempts = 4
	maxAsked    = 10
	// firstDelay doubles with each attempt.
	firstDelay = 500 * time.Millisecond
	// leastPage is the smallest page to fall back to where answers break off.
	leastPage = 50
)

// lister reads the kinds and sends on what it finds.
type lister struct {
	client rest.Interface
	// server is its version, empty if it may not be known.
	server  string
	plan    plan
	timeout time.Duration
	// wait sleeps, or returns early with the context's error.
	wait   func(context.Context, time.Duration) error
	limits limits
	out    chan<- batch
	// decoding is held while an object is decoded that is large.
	decoding sync.Mutex
}

// batch is what enters the inventory in one go: some entries of a kind, or why there are none.
type batch struct {
	resource string
	// total is how many there are, 0 if this batch does not say.
	total   int64
	entries []entry
	add     func(*inventory.Builder)
	// settled says that no more will come of the kind.
	settled bool
	// kinds are names of further kinds that are read from now on.
	kinds []string
}

// attempts does something until it succeeds, fails for good, or has failed often enough.
func (l *lister) attempts(ctx context.Context, do func() error) error {
	var t tries
	for {
		err := do()
		if err == nil {
			return nil
		}
		if err := l.pause(ctx, &t, err); err != nil {
			return err
		}
	}
}

// tries counts how often one thing failed: without a word about when to ask again, and with one. waited is the time that
// went by in between.
type tries struct {
	failed, asked int
	waited        time.Duration
}

// pause waits before the next attempt. It returns the error that ends the attempts, if there is to be no other: who did
// not answer in time will not be asked to take as long again.
func (l *lister) pause(ctx context.Context, t *tries, err error) error {
	if ctx.Err() != nil || !mayPass(err) || isSlow(err) {
		return err
	}
	seconds, _ := apierrors.SuggestsClientDelay(err)
	delay := time.Duration(seconds) * time.Second
	if delay > 0 {
		t.asked++
	} else {
		delay = firstDelay << t.failed
		t.failed++
	}
	if t.failed >= maxAttempts || t.asked > maxAsked {
		return err
	}
	if seconds > 0 {
		if err := l.limits.refuseWait(ctx, fmt.Sprintf("the server (%d)", code(err)), seconds, t.waited); err != nil {
			return err
		}
	}
	t.waited += delay
	if l.wait(ctx, delay) != nil {
		return err
	}
	return nil
}

// list reads what the survey found; what goes wrong becomes a gap or a note. The error is the context's alone.
func (l *lister) list(ctx context.Context, t *target) error {
	r := &reading{lister: l, target: t, sent: map[key]bool{}, bounds: bounds{limits: l.limits}, query: l.plan.first(l.server, t)}
	end := batch{resource: t.name(), settled: true}
	switch err := r.all(ctx); {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		end.add = t.missing(failedGap(t.name(), len(r.sent), err))
	case r.again != "":
		end.add = func(b *inventory.Builder) {
			note(againNote(t.name(), r.again))(b)
			t.listed(b)
		}
	default:
		end.add = t.listed
	}
	return l.send(ctx, end)
}

// listed tells b that every object of a kind was read, if it is one of package custom: what no object of it says is then known.
func (k *kind) listed(b *inventory.Builder) {
	if k.custom != nil && k.namespace == "" {
		b.AddListed(k.custom.Group, k.custom.Name)
	}
}

// reading is one kind on its way.
//
// A list that breaks off or expires may have to be begun again from the start. What was sent on cannot be taken back, so
// the keys of what was sent are kept, and nothing is sent twice: the result is everything that existed in either reading,
// and a note says so.
type reading struct {
	*lister
	target *target
	query  query
	// ahead is the request for the next page, once it is known.
	ahead *pending
	// came is how many entries the last answer brought, those included that had been sent.
	came int
	sent map[key]bool
	// bounds end a list that does not end.
	bounds bounds
	// restarts counts expired lists; again says why the list was begun again, and is empty if it was not.
	restarts int
	again    string
}

func (r *reading) all(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the request for a page that is no longer wanted
	var t tries
	for {
		next, err := r.one(ctx)
		switch {
		case err == nil && next != "":
			if err := r.bounds.follow(next, r.came); err != nil {
				return err
			}
			r.query = r.query.after(next)
		case err == nil && r.stale():
			r.restart(query{limit: r.plan.page()}, "the server's cache held fewer than there are")
		case err == nil:
			return nil
		case r.query.next != "" && code(err) == http.StatusGone && r.restarts < maxRestarts:
			r.restarts++
			r.restart(query{limit: r.query.limit}, "the list expired on the server while it was read (410)")
		case r.came > 0 && mayPass(err) && r.smaller() && r.wait(ctx, firstDelay) == nil:
		default:
			if err := r.pause(ctx, &t, err); err != nil {
				return err
			}
			continue
		}
		t = tries{}
	}
}

// one reads one answer and returns what continues it.
func (r *reading) one(ctx context.Context) (next string, err error) {
	p := r.ahead
	r.came = 0
	if r.ahead = nil; p == nil {
		p = r.ask(ctx, r.target.source, &r.target.kind, r.query)
	}
	err = r.page(r.target, p, r.bounds.over, func(m metav1.ListMeta) {
		if next = m.Continue; next != "" {
			r.ahead = r.ask(ctx, r.target.source, &r.target.kind, r.query.after(next))
		}
	}, func(some []entry) error {
		return r.send(ctx, batch{resource: r.target.name(), entries: r.unsent(some)})
	})
	if err != nil {
		r.ahead.drop()
		r.ahead = nil
	}
	return next, err
}

// unsent drops the entries that were sent and remembers the others.
func (r *reading) unsent(some []entry) []entry {
	r.came += len(some)
	kept := some[:0]
	for _, e := range some {
		if !r.sent[e.key] {
			r.sent[e.key] = true
			kept = append(kept, e)
		}
	}
	return kept
}

func (r *reading) restart(q query, why string) {
	r.query, r.again = q, why
	r.bounds.restart()
}

// smaller asks for less at a time after an answer broke off, if it still can: API servers end a request after a minute,
// so where the network is slow a long list never comes whole.
func (r *reading) smaller() bool {
	switch {
	case r.query.limit == 0:
		r.restart(query{limit: shortPage}, "the answer broke off")
	case r.query.limit/2 < leastPage:
		return false
	default:
		r.query.limit /= 2
	}
	return true
}

// stale is true where the server's cache was behind by more than what comes and goes in a moment: by one in a hundred.
func (r *reading) stale() bool {
	return r.query.cached && r.target.total-int64(len(r.sent)) > r.target.total/100
}

func isSlow(err error) bool {
	var slow *slowError
	return errors.As(err, &slow)
}

func note(n inventory.Note) func(*inventory.Builder) {
	return func(b *inventory.Builder) { b.AddNote(n) }
}

func gap(g inventory.Gap) func(*inventory.Builder) {
	return func(b *inventory.Builder) { b.AddGap(g) }
}

func (l *lister) send(ctx context.Context, b batch) error {
	select {
	case l.out <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
