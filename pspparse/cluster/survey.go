package cluster

import (
	"context"
	"errors"
	"net/http"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/psp2pss/psp2pss/pspparse/custom"
)

// target is a kind as the survey found it.
type target struct {
	kind
	// source is where the server serves the kind.
	source source
	// total is how many there are, unknown where the server does not say.
	total int64
	// whole is true once nothing is left to read.
	whole bool
}

const unknown = -1

// errNoLimit ends an answer that holds more than was asked for: servers before v1.9 take no limit and send everything.
var errNoLimit = &answerError{errors.New("the server takes no limit")}

// survey asks for one object of every kind, all at once but for custom resources, of which there may be many: that tells
// what the user may list, where it is served and how much there is, before anything long begins. A kind with a single
// object is thereby read.
func (l *lister) survey(ctx context.Context, kinds []kind) (left []*target, refused []string, err error) {
	found := make([]*target, len(kinds))
	gaps := make([]*refusal, len(kinds))
	errs := make([]error, len(kinds))
	var asking sync.WaitGroup
	slots := make(chan struct{}, concurrency)
	for i, k := range kinds {
		asking.Go(func() {
			if k.custom != nil {
				slots <- struct{}{}
				defer func() { <-slots }()
			}
			found[i], gaps[i], errs[i] = l.find(ctx, k)
		})
	}
	asking.Wait()
	var customs []*refusal
	for i, k := range kinds {
		switch {
		case errs[i] != nil:
			return nil, nil, errs[i]
		case gaps[i] != nil && k.custom != nil:
			customs = append(customs, gaps[i])
			if k.custom.Purpose == custom.MakesPods {
				refused = append(refused, k.name())
			}
			if err := l.send(ctx, batch{resource: k.name(), settled: true}); err != nil {
				return nil, nil, err
			}
		case gaps[i] != nil:
			refused = append(refused, k.resource)
			if err := l.send(ctx, batch{resource: k.name(), settled: true, add: gap(gaps[i].gap())}); err != nil {
				return nil, nil, err
			}
		case found[i] != nil && !found[i].whole:
			left = append(left, found[i])
		}
	}
	if len(customs) == 0 {
		return left, refused, nil
	}
	return left, refused, l.send(ctx, batch{add: refusedCustom(customs)})
}

// find looks for the source that serves a kind. It returns a target, or a refusal, or neither where a gap or a note has
// said why; the error is the context's alone.
func (l *lister) find(ctx context.Context, k kind) (*target, *refusal, error) {
	var refused *refusal
	for _, s := range k.sources {
		t, err := l.look(ctx, k, s)
		switch {
		case err == nil:
			return t, nil, nil
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case isRefused(err):
			// A server asks for permission before it looks whether there is such a thing. Who may not list what is not
			// even served is missing nothing, and there is nothing to grant.
			if refused == nil && l.serves(ctx, &k, s.gv) {
				refused = &refusal{resource: k.resource, group: s.gv.Group, custom: k.custom, cause: err}
			}
		case code(err) != http.StatusNotFound:
			return nil, nil, l.send(ctx, batch{resource: k.name(), settled: true, add: k.missing(failedGap(k.name(), 0, err))})
		}
	}
	if refused != nil {
		return nil, refused, nil
	}
	for _, s := range k.sources {
		// What stands between here and the server may say 404 as well, and then there may be some.
		if s.gv.Group != "" && l.serves(ctx, &k, s.gv) {
			return nil, nil, l.send(ctx, batch{resource: k.name(), settled: true, add: k.missing(hiddenGap(k.name(), s.gv))})
		}
	}
	return nil, nil, l.send(ctx, batch{resource: k.name(), settled: true, add: l.notServed(k)})
}

// look asks one source for one object.
func (l *lister) look(ctx context.Context, k kind, s source) (*target, error) {
	t := &target{kind: k, source: s, total: unknown}
	var meta metav1.ListMeta
	var entries []entry
	err := l.attempts(ctx, func() error {
		entries = nil
		came := 0
		one := func(int) error {
			if came++; came > 1 {
				return errNoLimit
			}
			return nil
		}
		p := l.ask(ctx, s, &k, query{limit: 1})
		return l.page(t, p, one, func(m metav1.ListMeta) { meta = m }, func(e []entry) error {
			entries = append(entries, e...)
			return nil
		})
	})
	switch {
	case errors.Is(err, errNoLimit): // everything was on its way, and will be again when the list is read
	case err != nil:
		return nil, err
	case meta.Continue == "":
		t.total, t.whole = int64(len(entries)), true
		return t, l.send(ctx, batch{resource: k.name(), settled: true, entries: entries, add: t.listed})
	case meta.RemainingItemCount != nil:
		t.total = int64(len(entries)) + *meta.RemainingItemCount
	}
	return t, l.send(ctx, batch{resource: k.name(), total: t.total})
}

// serves asks discovery, unless it has answered before. In doubt the answer is yes: then the refusal stands, and is told.
func (l *lister) serves(ctx context.Context, k *kind, gv schema.GroupVersion) bool {
	if k.custom != nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	found, err := l.discover(ctx, gv)
	if err != nil {
		return code(err) != http.StatusNotFound
	}
	for _, r := range found.APIResources {
		if r.Name == k.resource {
			return true
		}
	}
	return false
}

// path is where a group version serves the kind's list.
func (k *kind) path(gv schema.GroupVersion) []string {
	if k.namespace == "" {
		return []string{groupPath(gv), k.resource}
	}
	return []string{groupPath(gv), "namespaces", k.namespace, k.resource}
}

func groupPath(gv schema.GroupVersion) string {
	if gv.Group == "" {
		return "/api/" + gv.Version
	}
	return "/apis/" + gv.Group + "/" + gv.Version
}
