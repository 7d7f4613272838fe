package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	// DefaultTimeout limits one request, retries included; API servers give up on a list after a minute too.
	DefaultTimeout = time.Minute
	// concurrency is the number of lists under way. Each holds at most two pages: one that is read, one that waits.
	concurrency = 8
	protobuf    = runtime.ContentTypeProtobuf
)

// Reader reads one cluster.
type Reader struct {
	// Config says which server, and as whom; see Config. It is not changed.
	Config *rest.Config
	// Context is the name under which the cluster is told apart; it goes into Inventory.Source.
	Context string
	// Timeout limits one request, retries included. 0 takes Config.Timeout, and DefaultTimeout if that is 0 too.
	Timeout time.Duration
	// Progress, if set, is called after each page with a short line such as "reading pods: 1500"; never concurrently.
	Progress func(string)

	// wait replaces the sleeping between attempts in tests.
	wait func(context.Context, time.Duration) error
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
// accept the credentials or is no API server, and the end of ctx; b is then of no use.
func (r *Reader) Read(ctx context.Context, b *inventory.Builder) (string, error) {
	// client-go logs to stderr on its own account; what matters of it is in the gaps.
	ctx, cancel := context.WithCancel(logr.NewContext(ctx, logr.Discard()))
	defer cancel()
	out := make(chan batch)
	l, err := r.lister(out)
	if err != nil {
		return "", fmt.Errorf("preparing a client for context %q: %w; check its entry in the kubeconfig", r.Context, err)
	}
	serverVersion, err := l.version(ctx, b)
	if ctx.Err() != nil {
		return "", fmt.Errorf("reading the cluster of context %q: %w", r.Context, ctx.Err())
	}
	if err != nil {
		return "", fmt.Errorf("reaching the API server of context %q at %s: %w", r.Context, r.Config.Host, err)
	}
	l.server = serverVersion
	go l.all(ctx, kinds(), out)
	read := map[string]int{}
	for batch := range out {
		batch.add(b)
		if read[batch.resource] += batch.count; batch.count > 0 && r.Progress != nil {
			r.Progress(fmt.Sprintf("reading %s: %d", batch.resource, read[batch.resource]))
		}
	}
	if ctx.Err() != nil {
		return "", fmt.Errorf("reading the cluster of context %q: %w", r.Context, ctx.Err())
	}
	return serverVersion, nil
}

// all lists the kinds, a few at a time and in their order, and closes out at the end. It stops early only when ctx ends.
func (l *lister) all(ctx context.Context, kinds []kind, out chan<- batch) {
	defer close(out)
	todo := make(chan kind, len(kinds))
	for _, k := range kinds {
		todo <- k
	}
	close(todo)
	var running sync.WaitGroup
	for range concurrency {
		running.Go(func() {
			for k := range todo {
				if l.kind(ctx, k) != nil {
					return
				}
			}
		})
	}
	running.Wait()
}

func (r *Reader) lister(out chan<- batch) (*lister, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	codecs := serializer.NewCodecFactory(scheme)
	cfg := rest.CopyConfig(r.Config)
	// Warnings about deprecated versions are for people who use them on purpose.
	cfg.WarningHandlerWithContext = rest.NoWarnings{}
	httpClient, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, err
	}
	dynamicClient, err := dynamic.NewForConfigAndClient(cfg, httpClient)
	if err != nil {
		return nil, err
	}
	typed := rest.CopyConfig(cfg)
	typed.GroupVersion = &schema.GroupVersion{}
	typed.NegotiatedSerializer = codecs.WithoutConversion()
	typed.ContentType = protobuf
	typed.AcceptContentTypes = protobuf + "," + runtime.ContentTypeJSON
	client, err := rest.UnversionedRESTClientForConfigAndClient(typed, httpClient)
	if err != nil {
		return nil, err
	}
	l := &lister{
		client: client, dynamic: dynamicClient, decoder: codecs.UniversalDeserializer(), out: out,
		timeout: cmp.Or(r.Timeout, r.Config.Timeout, DefaultTimeout), wait: r.wait,
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
