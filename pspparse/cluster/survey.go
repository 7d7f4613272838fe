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

// servedKind is a kind that the API server serves, as the survey found it.
type servedKind struct {
	listedKind
	// source is where the server serves the kind.
	source kindSource
	// total is how many there are, unknown where the server does not say.
	total int64
	// complete is true once nothing is left to read.
	complete bool
}

// unknownCount stands for a number of objects that the server does not report.
const unknownCount = -1

// errLimitIgnored ends an answer that holds more than was asked for: servers before v1.9 take no limit and send everything.
var errLimitIgnored = &badAnswerError{errors.New("the server takes no limit")}

// surveyKinds asks the API server for one object of every kind, all at once except custom resources, of which there may
// be many: that shows what the user may list, where it is served and how much there is, before anything long begins. A
// kind with a single object is thereby read. It returns the kinds that are left to read and the resources that are
// forbidden; only the end of ctx is an error.
func (l *clusterLister) surveyKinds(ctx context.Context, kinds []listedKind) (left []*servedKind, refused []string, err error) {
	found := make([]*servedKind, len(kinds))
	gaps := make([]*forbiddenList, len(kinds))
	errs := make([]error, len(kinds))
	var asking sync.WaitGroup
	slots := make(chan struct{}, concurrentLists)
	for i, k := range kinds {
		asking.Go(func() {
			if k.custom != nil {
				slots <- struct{}{}
				defer func() { <-slots }()
			}
			found[i], gaps[i], errs[i] = l.findServedKind(ctx, k)
		})
	}
	asking.Wait()
	var customs []*forbiddenList
	for i, k := range kinds {
		switch {
		case errs[i] != nil:
			return nil, nil, errs[i]
		case gaps[i] != nil && k.custom != nil:
			customs = append(customs, gaps[i])
			if k.custom.Purpose == custom.MakesPods {
				refused = append(refused, k.qualifiedResource())
			}
			if err := l.sendBatch(ctx, inventoryBatch{resource: k.qualifiedResource(), done: true}); err != nil {
				return nil, nil, err
			}
		case gaps[i] != nil:
			refused = append(refused, k.resource)
			if err := l.sendBatch(ctx, inventoryBatch{resource: k.qualifiedResource(), done: true, addToInventory: reportGap(gaps[i].gap())}); err != nil {
				return nil, nil, err
			}
		case found[i] != nil && !found[i].complete:
			left = append(left, found[i])
		}
	}
	if len(customs) == 0 {
		return left, refused, nil
	}
	return left, refused, l.sendBatch(ctx, inventoryBatch{addToInventory: reportForbiddenCustomResources(customs)})
}

// findServedKind looks for the group version that serves a kind. It returns that, or the refusal, or neither where it has sent
// a gap or a note; only the end of ctx is an error.
func (l *clusterLister) findServedKind(ctx context.Context, k listedKind) (*servedKind, *forbiddenList, error) {
	var refused *forbiddenList
	for _, s := range k.sources {
		t, err := l.probeSource(ctx, k, s)
		switch {
		case err == nil:
			return t, nil, nil
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case isForbidden(err):
			// A server asks for permission before it looks whether there is such a thing. Who may not list what is not
			// even served is missing nothing, and there is nothing to grant.
			if refused == nil && l.isServed(ctx, &k, s.gv) {
				refused = &forbiddenList{resource: k.resource, group: s.gv.Group, custom: k.custom, cause: err}
			}
		case httpStatus(err) != http.StatusNotFound:
			return nil, nil, l.sendBatch(ctx, inventoryBatch{resource: k.qualifiedResource(), done: true, addToInventory: k.reportMissing(failedListGap(k.qualifiedResource(), 0, err))})
		}
	}
	if refused != nil {
		return nil, refused, nil
	}
	for _, s := range k.sources {
		// What stands between here and the server may say 404 as well, and then there may be some.
		if s.gv.Group != "" && l.isServed(ctx, &k, s.gv) {
			return nil, nil, l.sendBatch(ctx, inventoryBatch{resource: k.qualifiedResource(), done: true, addToInventory: k.reportMissing(servedButNotFoundGap(k.qualifiedResource(), s.gv))})
		}
	}
	return nil, nil, l.sendBatch(ctx, inventoryBatch{resource: k.qualifiedResource(), done: true, addToInventory: l.reportNotServed(k)})
}

// probeSource asks the API server for one object of a kind in one group version.
func (l *clusterLister) probeSource(ctx context.Context, k listedKind, s kindSource) (*servedKind, error) {
	t := &servedKind{listedKind: k, source: s, total: unknownCount}
	var meta metav1.ListMeta
	var entries []decodedObject
	err := l.retryRequest(ctx, func() error {
		entries = nil
		came := 0
		one := func(int) error {
			if came++; came > 1 {
				return errLimitIgnored
			}
			return nil
		}
		p := l.startRequest(ctx, s, &k, listQuery{limit: 1})
		return l.decodePage(t, p, one, func(m metav1.ListMeta) { meta = m }, func(e []decodedObject) error {
			entries = append(entries, e...)
			return nil
		})
	})
	switch {
	case errors.Is(err, errLimitIgnored): // everything was on its way, and will be again when the list is read
	case err != nil:
		return nil, err
	case meta.Continue == "":
		t.total, t.complete = int64(len(entries)), true
		return t, l.sendBatch(ctx, inventoryBatch{resource: k.qualifiedResource(), done: true, entries: entries, addToInventory: t.reportListed})
	case meta.RemainingItemCount != nil:
		t.total = int64(len(entries)) + *meta.RemainingItemCount
	}
	return t, l.sendBatch(ctx, inventoryBatch{resource: k.qualifiedResource(), total: t.total})
}

// isServed asks discovery whether a kind is served in a group version. In doubt it is: then a refusal stands, and becomes a
// gap.
func (l *clusterLister) isServed(ctx context.Context, k *listedKind, gv schema.GroupVersion) bool {
	if k.custom != nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	found, err := l.discoverResources(ctx, gv)
	if err != nil {
		return httpStatus(err) != http.StatusNotFound
	}
	for _, r := range found.APIResources {
		if r.Name == k.resource {
			return true
		}
	}
	return false
}

// listPath returns the path of the kind's list in a group version on an API server.
func (k *listedKind) listPath(gv schema.GroupVersion) []string {
	if k.namespace == "" {
		return []string{groupVersionPath(gv), k.resource}
	}
	return []string{groupVersionPath(gv), "namespaces", k.namespace, k.resource}
}

// groupVersionPath returns the path of a group version on an API server.
func groupVersionPath(gv schema.GroupVersion) string {
	if gv.Group == "" {
		return "/api/" + gv.Version
	}
	return "/apis/" + gv.Group + "/" + gv.Version
}
