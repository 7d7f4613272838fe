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
	"github.com/psp2pss/psp2pss/pspparse/message"
)

const (
	// DefaultRequestTimeout limits one request; API servers give up on one after a minute, too.
	DefaultRequestTimeout = time.Minute
	// concurrentLists is the number of lists under way.
	concurrentLists = 8
)

// Reader reads one live cluster into an Inventory.
type Reader struct {
	// Config says which server, and as whom; see LoadConfig. It is not changed.
	Config *rest.Config
	// Context is the name of the cluster in Inventory.Source and in errors.
	Context string
	// Timeout limits one request. 0 takes Config.Timeout, and DefaultRequestTimeout if that is 0 too.
	Timeout time.Duration
	// PageSize, if set, has every list read in pages of that many objects, consistently. 0 leaves it to the reader, which
	// may take a list of some thousands whole from the server's cache.
	PageSize int
	// Namespace, if set, has only what runs in that namespace read, and the policies.
	Namespace string
	// OnlyNamespaces has nothing read but the namespaces, which is no gap.
	OnlyNamespaces bool
	// WithoutCustomResources leaves out the kinds of package custom, which is a gap.
	WithoutCustomResources bool
	// Progress, if set, is called now and then with how far the reading is, on a short line. It is never called concurrently,
	// nor is OnForbidden.
	Progress func(string)
	// OnForbidden, if set, is called with all resources that may not be listed, before the long lists are begun.
	OnForbidden func(resources []string)

	// sleep replaces the waits between attempts in tests.
	sleep func(context.Context, time.Duration) error
	// limits bound what the server can cost; a zero field takes its default.
	limits serverLimits
	// custom, if set, replaces what package custom knows in tests.
	custom *customResourceTable
}

// Load reads the cluster into an Inventory of its own. Its errors are those of Read.
func (r *Reader) Load(ctx context.Context) (*inventory.Inventory, error) {
	b := inventory.NewBuilder()
	serverVersion, err := r.Read(ctx, b)
	if err != nil {
		return nil, err
	}
	return b.Build(inventory.Source{Kind: inventory.SourceCluster, Name: r.Context, ServerVersion: serverVersion}), nil
}

// Read delivers everything in the cluster to b and returns the server's gitVersion, empty if it may not be known. A
// kind that cannot be listed is a gap in b. The error is for what stops everything: a server that cannot be reached,
// does not accept the credentials or is no API server, and the end of ctx, which is an *InterruptedError; b is of no
// use then.
func (r *Reader) Read(ctx context.Context, b inventory.Sink) (string, error) {
	// client-go logs to stderr on its own account; what matters of it is in the gaps.
	ctx, cancel := context.WithCancel(logr.NewContext(ctx, logr.Discard()))
	defer cancel()
	out := make(chan inventoryBatch)
	l, err := r.newClusterLister(out)
	if err != nil {
		return "", fmt.Errorf("preparing a client for context %q: %w; check its entry in the kubeconfig", r.Context, err)
	}
	c := newInventoryCollector(b, r.kindsToRead(), r.Progress)
	table := r.customTable()
	if r.OnlyNamespaces {
		c.reportProgress("reading nothing but namespaces")
	} else if r.WithoutCustomResources {
		b.AddGap(customResourcesOffGap())
	} else if len(table.resources) > 0 {
		c.addKinds(customResourcesLabel)
	}
	c.reportProgress("asking the API server for its version")
	serverVersion, err := l.serverVersion(ctx, b)
	if ctx.Err() != nil {
		return "", c.interruptedError(r.Context, ctx.Err())
	}
	if err != nil {
		return "", fmt.Errorf("reaching the API server%s at %s: %w", r.ofContext(), r.Config.Host, err)
	}
	l.serverGitVersion = serverVersion
	c.reportProgress("asking the API server what there is to read")
	go func() {
		defer close(out)
		l.readAllKinds(ctx, r.kindsToRead(), table, r.OnForbidden)
	}()
	if err := c.collect(ctx, out); err != nil {
		return "", c.interruptedError(r.Context, err)
	}
	return serverVersion, nil
}

// ofContext returns the words that name the context of the cluster in an error which has the address, too.
func (r *Reader) ofContext() string {
	if r.Context == r.Config.Host { // a flag named the cluster
		return ""
	}
	return fmt.Sprintf(" of context %q", r.Context)
}

// kindsToRead returns the kinds that are read from the cluster: all, or those of one namespace and the policies.
func (r *Reader) kindsToRead() []listedKind {
	if r.OnlyNamespaces {
		return slices.DeleteFunc(builtinKinds(), func(k listedKind) bool { return k.resource != "namespaces" })
	}
	if r.Namespace == "" {
		return builtinKinds()
	}
	some := workloadKinds()
	for i := range some {
		some[i].namespace = r.Namespace
	}
	access := accessControlKinds()
	return append(some, access[slices.IndexFunc(access, func(k listedKind) bool { return k.resource == podSecurityPoliciesResource })])
}

// customTable returns the custom resources that are read from the cluster.
func (r *Reader) customTable() customResourceTable {
	t := customResourceTable{}
	switch {
	case r.WithoutCustomResources, r.OnlyNamespaces:
		return t
	case r.custom != nil:
		t = *r.custom
	default:
		t = knownCustomResources()
	}
	return t.forNamespace(r.Namespace)
}

// readAllKinds surveys the kinds that the cluster serves, those of the table that are served among them, and then lists
// what is left of them, a few at a time and in their order. It stops early only when ctx ends.
func (l *clusterLister) readAllKinds(ctx context.Context, kinds []listedKind, table customResourceTable, report func([]string)) {
	more, err := l.servedCustomKinds(ctx, table)
	if err != nil {
		return
	}
	left, refused, err := l.surveyKinds(ctx, append(kinds, more...))
	if err != nil {
		return
	}
	if len(refused) > 0 && report != nil {
		report(refused)
	}
	todo := make(chan *servedKind, len(left))
	for _, t := range left {
		todo <- t
	}
	close(todo)
	var running sync.WaitGroup
	for range concurrentLists {
		running.Go(func() {
			for t := range todo {
				if l.readKind(ctx, t) != nil {
					return
				}
			}
		})
	}
	running.Wait()
}

// newClusterLister returns a lister of the cluster's kinds whose client refuses answers that no API server sends.
func (r *Reader) newClusterLister(out chan<- inventoryBatch) (*clusterLister, error) {
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
	limits := r.limits.withDefaults()
	guardConfigWith(cfg, limits)
	client, err := rest.UnversionedRESTClientFor(cfg)
	if err != nil {
		return nil, err
	}
	l := &clusterLister{
		client: client, batches: out, paging: listPaging{pageSize: int64(r.PageSize)},
		timeout: cmp.Or(r.Timeout, r.Config.Timeout, DefaultRequestTimeout), sleep: r.sleep, limits: limits,
	}
	if l.sleep == nil {
		l.sleep = sleepContext
	}
	return l, nil
}

// sleepContext waits for some time between requests to the API server, or returns the error of a context that ends
// before.
func sleepContext(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// serverVersion asks for the gitVersion of the API server, once and first: where this fails, every list would fail for
// the same reason, and one error says more than sixteen gaps. Without the right to know the version, it adds a note and
// returns "".
func (l *clusterLister) serverVersion(ctx context.Context, b inventory.Sink) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	data, err := responseBody(l.client.Get().AbsPath("/version").Do(ctx))
	var info version.Info
	switch c := httpStatus(err); {
	case c == http.StatusForbidden:
		b.AddNote(inventory.Note{
			What: "server version",
			Why:  message.New("server-version-forbidden"),
		})
		return "", nil
	case c == http.StatusUnauthorized:
		return "", fmt.Errorf("the server does not accept the credentials: %w; sign in again, or choose another context with --context", err)
	case c == http.StatusNotFound:
		return "", errors.New("there is no /version (404), so this is no Kubernetes API server; check the address in the kubeconfig")
	case isUntrustedAnswer(err):
		return "", withoutRequestURL(err)
	case errors.Is(err, context.DeadlineExceeded):
		return "", fmt.Errorf("no answer within %s; check the address in the kubeconfig, or allow more time with --timeout", l.timeout)
	case err != nil:
		return "", fmt.Errorf("%w; check that kubectl version works with the same context", withoutRequestURL(err))
	}
	if err := json.Unmarshal(data, &info); err != nil || info.GitVersion == "" {
		return "", errors.New("the answer to /version is not that of a Kubernetes API server; check the address in the kubeconfig")
	}
	return info.GitVersion, nil
}

// discoverResources asks the API server which resources it serves in a group version.
func (l *clusterLister) discoverResources(ctx context.Context, gv schema.GroupVersion) (*metav1.APIResourceList, error) {
	data, err := responseBody(l.client.Get().AbsPath(groupVersionPath(gv)).SetHeader("Accept", runtime.ContentTypeJSON).Do(ctx))
	if err != nil {
		return nil, err
	}
	var found metav1.APIResourceList
	if err := json.Unmarshal(data, &found); err != nil {
		return nil, fmt.Errorf("decoding the resources of %s: %w", gv, err)
	}
	return &found, nil
}
