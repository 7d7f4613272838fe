package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/rest"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	// DefaultTimeout limits one request; API servers give up on one after a minute, too.
	DefaultTimeout = time.Minute
	// concurrency is the number of lists under way.
	concurrency = 8
)

// Reader reads one cluster.
type Reader struct {
	// Config says which server, and as whom; see Config. It is not changed.
	Config *rest.Config
	// Context is the name under which the cluster is told apart; it goes into Inventory.Source.
	Context string
	// Timeout limits one request. 0 takes Config.Timeout, and DefaultTimeout if that is 0 too.
	Timeout time.Duration
	// PageSize, if set, has every list read in pages of that many objects, consistently. 0 leaves it to the reader, which
	// may take a list of some thousands whole from the server's cache.
	PageSize int
	// Namespace, if set, has only what runs in that namespace read, and the policies.
	Namespace string
	// WithoutCustom leaves out the kinds of package custom, which is a gap.
	WithoutCustom bool
	// Progress, if set, is told now and then how far the reading is, on a short line. It is never called concurrently,
	// and nor is Refused.
	Progress func(string)
	// Refused, if set, is told of all resources that may not be listed, before the long lists are begun.
	Refused func(resources []string)

	// wait replaces the sleeping between attempts in tests.
	wait func(context.Context, time.Duration) error
	// limits bound what the server can cost; a zero field takes its default.
	limits limits
	// custom, if set, replaces what package custom knows in tests.
	custom *customTable
}

// Load reads the cluster into an Inventory of its own.
func (r *Reader) Load(ctx context.Context) (*inventory.Inventory, error) {
	b := inventory.NewBuilder()
	serverVersion, err := r.Read(ctx, b)
	if err != nil {
		return nil, err
	}
	return b.Build(inventory.Source{Kind: inventory.SourceCluster, Name: r.Context, ServerVersion: serverVersion}), nil
}

// Read adds everything in the cluster to b and returns the server's gitVersion, empty if it may not be known. A kind
// that cannot be listed is a gap in b. The error is for what stops everything: a server that cannot be reached, does not
// accept the credentials or is no API server, and the end of ctx, which is told as Interrupted; b is then of no use.
func (r *Reader) Read(ctx context.Context, b *inventory.Builder) (string, error) {
	// client-go logs to stderr on its own account; what matters of it is in the gaps.
	ctx, cancel := context.WithCancel(logr.NewContext(ctx, logr.Discard()))
	defer cancel()
	out := make(chan batch)
	l, err := r.lister(out)
	if err != nil {
		return "", fmt.Errorf("preparing a client for context %q: %w; check its entry in the kubeconfig", r.Context, err)
	}
	c := newCollector(b, r.kinds(), r.Progress)
	table := r.customTable()
	if r.WithoutCustom {
		b.AddGap(offGap())
	} else if len(table.resources) > 0 {
		c.expect(customResources)
	}
	serverVersion, err := l.version(ctx, b)
	if ctx.Err() != nil {
		return "", c.interrupted(r.Context, ctx.Err())
	}
	if err != nil {
		return "", fmt.Errorf("reaching the API server of context %q at %s: %w", r.Context, r.Config.Host, err)
	}
	l.server = serverVersion
	go func() {
		defer close(out)
		l.all(ctx, r.kinds(), table, r.Refused)
	}()
	if err := c.collect(ctx, out); err != nil {
		return "", c.interrupted(r.Context, err)
	}
	return serverVersion, nil
}

// kinds are those that are read.
func (r *Reader) kinds() []kind {
	if r.Namespace == "" {
		return kinds()
	}
	some := workloadKinds()
	for i := range some {
		some[i].namespace = r.Namespace
	}
	access := accessKinds()
	return append(some, access[slices.IndexFunc(access, func(k kind) bool { return k.resource == podSecurityPolicies })])
}

// customTable has the custom resources that are read.
func (r *Reader) customTable() customTable {
	t := customTable{}
	switch {
	case r.WithoutCustom:
		return t
	case r.custom != nil:
		t = *r.custom
	default:
		t = knownCustom()
	}
	return t.in(r.Namespace)
}

// all surveys the kinds, those of the table that are served among them, and then lists what is left of them, a few at a
// time and in their order. It stops early only when ctx ends.
func (l *lister) all(ctx context.Context, kinds []kind, table customTable, tell func([]string)) {
	more, err := l.customKinds(ctx, table)
	if err != nil {
		return
	}
	left, refused, err := l.survey(ctx, append(kinds, more...))
	if err != nil {
		return
	}
	if len(refused) > 0 && tell != nil {
		tell(refused)
	}
	todo := make(chan *target, len(left))
	for _, t := range left {
		todo <- t
	}
	close(todo)
	var running sync.WaitGroup
	for range concurrency {
		running.Go(func() {
			for t := range todo {
				if l.list(ctx, t) != nil {
					return
				}
			}
		})
	}
	running.Wait()
}

func (r *Reader) lister(out chan<- batch) (*lister, error) {
	cfg := rest.CopyConfig(r.Config)
	// Warnings about deprecated versions are for people who use them on purpose.
	cfg.WarningHandlerWithContext = rest.NoWarnings{}
	// The only objects that client-go decodes here are the Status of a failure; lists are taken apart in this package.
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	cfg.GroupVersion = &schema.GroupVersion{}
	cfg.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	cfg.ContentType = runtime.ContentTypeProtobuf
	cfg.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	limits := r.limits.orDefault()
	guardWith(cfg, limits)
	client, err := rest.UnversionedRESTClientFor(cfg)
	if err != nil {
		return nil, err
	}
	l := &lister{
		client: client, out: out, plan: plan{pageSize: int64(r.PageSize)},
		timeout: cmp.Or(r.Timeout, r.Config.Timeout, DefaultTimeout), wait: r.wait, limits: limits,
	}
	if l.wait == nil {
		l.wait = sleep
	}
	return l, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// version is asked for first and only once: where this fails, every list would fail for the same reason, and sixteen
// gaps would say less than one error. Only the right to know the version is not needed for anything else.
func (l *lister) version(ctx context.Context, b *inventory.Builder) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	data, err := body(l.client.Get().AbsPath("/version").Do(ctx))
	var info version.Info
	switch c := code(err); {
	case c == http.StatusForbidden:
		b.AddNote(inventory.Note{
			What: "server version",
			Why:  "reading /version is forbidden (403); name the server's version with --target-version",
		})
		return "", nil
	case c == http.StatusUnauthorized:
		return "", fmt.Errorf("the server does not accept the credentials: %w; sign in again, or choose another context with --context", err)
	case c == http.StatusNotFound:
		return "", errors.New("there is no /version (404), so this is no Kubernetes API server; check the address in the kubeconfig")
	case isGuard(err):
		return "", plain(err)
	case errors.Is(err, context.DeadlineExceeded):
		return "", fmt.Errorf("no answer within %s; check the address in the kubeconfig, or allow more time with --timeout", l.timeout)
	case err != nil:
		return "", fmt.Errorf("%w; check that kubectl version works with the same context", plain(err))
	}
	if err := json.Unmarshal(data, &info); err != nil || info.GitVersion == "" {
		return "", errors.New("the answer to /version is not that of a Kubernetes API server; check the address in the kubeconfig")
	}
	return info.GitVersion, nil
}

func (l *lister) discover(ctx context.Context, gv schema.GroupVersion) (*metav1.APIResourceList, error) {
	data, err := body(l.client.Get().AbsPath(groupPath(gv)).SetHeader("Accept", runtime.ContentTypeJSON).Do(ctx))
	if err != nil {
		return nil, err
	}
	var found metav1.APIResourceList
	if err := json.Unmarshal(data, &found); err != nil {
		return nil, fmt.Errorf("decoding the resources of %s: %w", gv, err)
	}
	return &found, nil
}
