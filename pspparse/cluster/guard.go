package cluster

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"k8s.io/client-go/rest"
)

// serverLimits bounds the time, memory and bytes that one API server can cost. A zero field takes its default.
type serverLimits struct {
	// listBytes is how many bytes all answers to one list may have. No list is as long as 2,000 objects of the 1.5 MiB that etcd
	// takes for one: 150,000 pods are 0.3 GiB in protobuf and 2.7 GiB in JSON. They are decoded while they arrive.
	listBytes int64
	// listObjects is how many objects one list may have. Kubernetes supports 150,000 pods in a cluster.
	listObjects int
	// responseBytes is how many bytes an answer that is read whole may have: a page of 500 objects in the client that writes.
	responseBytes int64
	// errorResponseBytes is how many bytes an answer may have that says why there is no other.
	errorResponseBytes int64
	// retryWait is how long one request may wait between its attempts, all waits together.
	retryWait time.Duration
	// idleTime is how long a list may bring no byte.
	idleTime time.Duration
}

// withDefaults returns the limits on an API server with the default for each that is zero.
func (l serverLimits) withDefaults() serverLimits {
	return serverLimits{
		listBytes:          cmp.Or(l.listBytes, 2000*3<<19),
		listObjects:        cmp.Or(l.listObjects, 500_000),
		responseBytes:      cmp.Or(l.responseBytes, 32<<20),
		errorResponseBytes: cmp.Or(l.errorResponseBytes, 64<<10),
		retryWait:          cmp.Or(l.retryWait, time.Minute),
		idleTime:           cmp.Or(l.idleTime, time.Minute),
	}
}

const (
	// maxJSONValues is how many values JSON may have that is read whole. "[{},{}" takes 30 times its size in memory.
	maxJSONValues = 5_000_000
	// maxGzipRatio is by how much an answer may grow when it is inflated: lists of objects that are much alike reach 150, zeros
	// 1,000. It counts from ratioFrom on.
	maxGzipRatio = 400
	// gzipRatioMinBytes is from how many bytes on maxGzipRatio counts.
	gzipRatioMinBytes = 16 << 20
)

// GuardConfig changes cfg so that no client made from it trusts the server with more than an API server needs: it follows no
// redirect, reads no answer without end, and waits no longer than a minute where the server asks to. Credentials, proxies
// and TLS stay as they are.
func GuardConfig(cfg *rest.Config) { guardConfigWith(cfg, serverLimits{}.withDefaults()) }

// guardConfigWith changes a client config as GuardConfig does, with the given limits on the API server.
func guardConfigWith(cfg *rest.Config, l serverLimits) {
	inflate := !cfg.DisableCompression
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return &guardedTransport{next, l, inflate} })
}

// guardedTransport stands between a client and its connection, below whatever adds credentials to requests, and refuses answers
// that no API server gives.
type guardedTransport struct {
	// base sends the requests.
	base http.RoundTripper
	// limits are what an answer may have.
	limits serverLimits
	// decompress asks for gzip, and inflates it.
	decompress bool
}

// untrustedAnswerError is the error of an answer that no API server gives. Asking again would bring the same.
type untrustedAnswerError struct{ text string }

// Error returns what is wrong with the server's answer, and what to do.
func (e *untrustedAnswerError) Error() string { return e.text }

// untrustedAnswerf returns an untrustedAnswerError about a server, with a formatted text.
func untrustedAnswerf(format string, args ...any) error {
	return &untrustedAnswerError{fmt.Sprintf(format, args...)}
}

// listRequestKey marks the context of a request for a list, whose answer is decoded while it arrives.
type listRequestKey struct{}

// RoundTrip sends a request to the API server and returns the answer with a bounded body. A redirect, a wait that is
// too long and an answer that announces too many bytes are an untrustedAnswerError.
func (g *guardedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	inflate := g.decompress && req.Header.Get("Accept-Encoding") == ""
	if inflate {
		// Asked for here and not by the transport, so that what arrives can be counted before it grows.
		req = req.Clone(req.Context())
		req.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := g.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(checkRedirect(req, resp), g.checkRetryAfter(req, resp)); err != nil {
		_ = resp.Body.Close() // nothing of it is wanted
		return nil, err
	}
	b := &boundedBody{ReadCloser: resp.Body, label: responseLabel(req, resp), limit: g.limits.responseBytes}
	switch {
	case resp.StatusCode >= http.StatusMultipleChoices:
		b.limit = g.limits.errorResponseBytes
	case req.Context().Value(listRequestKey{}) != nil:
		b.limit, b.isStreamed = g.limits.listBytes, true
	}
	if resp.ContentLength > b.limit {
		_ = resp.Body.Close() // it is too long
		return nil, b.tooLong(resp.ContentLength)
	}
	b.from = b.ReadCloser
	if inflate && resp.Header.Get("Content-Encoding") == "gzip" {
		b.compressed = &countingReader{from: b.ReadCloser}
		b.from = &lazyGzipReader{compressed: b.compressed}
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		resp.ContentLength, resp.Uncompressed = -1, true
	}
	resp.Body = b
	return resp, nil
}

// responseLabel returns the name of a server's answer in an error by method, path and status.
func responseLabel(req *http.Request, resp *http.Response) string {
	text := "the answer to " + req.Method + " " + req.URL.Path
	if resp.StatusCode >= http.StatusMultipleChoices {
		text = fmt.Sprintf("%s (%d)", text, resp.StatusCode)
	}
	return text
}

// checkRedirect returns an error for an API server's answer that redirects the client: client-go would take the
// credentials along, and what is there is not the cluster that the user named.
func checkRedirect(req *http.Request, resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil
	}
	return untrustedAnswerf("the server redirects %s to %s (%d), and redirects are not followed: the credentials would go along; "+
		"sign in with whatever stands between here and the API server, or correct the server's address in the kubeconfig",
		req.URL.Path, redirectTarget(resp), resp.StatusCode)
}

// redirectTarget returns where a redirect of an API server leads, without what may be secret in it.
func redirectTarget(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return "no address"
	}
	shown := url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}
	return strconv.Quote(shortenServerText(shown.String(), 200))
}

// shortenServerText cuts a text short that an API server chose.
func shortenServerText(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return fmt.Sprintf("%s... (%d bytes)", bytes.ToValidUTF8([]byte(text[:most]), nil), len(text))
}

// checkRetryAfter returns an error for a server's answer that asks for a longer wait than is allowed; client-go would
// wait that long.
func (g *guardedTransport) checkRetryAfter(req *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode < http.StatusInternalServerError {
		return nil
	}
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // 0 where it is no number, as client-go has it
	if seconds <= 0 {
		return nil
	}
	return g.limits.checkRetryWait(req.Context(), responseLabel(req, resp), seconds, 0)
}

// checkRetryWait returns an error where a request that has waited already would wait for too long, or for longer than ctx has.
func (l serverLimits) checkRetryWait(ctx context.Context, what string, seconds int, waited time.Duration) error {
	if int64(seconds) > int64((l.retryWait-waited)/time.Second) {
		return untrustedAnswerf("%s asks to wait %d seconds before the next attempt, and a request waits for %s in all; try again later", what, seconds, l.retryWait)
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < time.Duration(seconds)*time.Second {
		return untrustedAnswerf("%s asks to wait %d seconds before the next attempt, and less than that is left; allow more time with --timeout, or try again later", what, seconds)
	}
	return nil
}

// boundedBody reads the body of an API server's answer up to its limit.
type boundedBody struct {
	io.ReadCloser
	// label names the answer in errors.
	label string
	// limit is how many bytes it may have.
	limit int64
	// from is what is read: the body, or what it inflates to.
	from io.Reader
	// compressed counts the body where it is inflated; nil where it is not.
	compressed *countingReader
	// isStreamed is set for an answer that is never held whole.
	isStreamed bool
	// read is how many bytes were read.
	read int64
	// valueCount is how many JSON values an answer has that is held whole.
	valueCount int
}

// Read reads the body of a server's HTTP answer, and fails beyond its limits.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.read += int64(n)
	switch {
	case b.read > b.limit:
		return max(0, n-int(b.read-b.limit)), b.tooLong(0)
	case b.compressed != nil && b.read > gzipRatioMinBytes && b.read/maxGzipRatio > b.compressed.n:
		return 0, untrustedAnswerf("%s grows from %d to over %d bytes when it is inflated, and no API server packs that tight; %s", b.label, b.compressed.n, b.read, checkAddressHint)
	case b.isStreamed:
		return n, err
	}
	for _, mark := range []string{"{", "[", ","} {
		b.valueCount += bytes.Count(p[:n], []byte(mark))
	}
	if b.valueCount > maxJSONValues {
		return 0, untrustedAnswerf("%s has over %d values; %s", b.label, maxJSONValues, checkAddressHint)
	}
	return n, err
}

// checkAddressHint is the advice for an answer that no API server gives.
const checkAddressHint = "check what answers at the server's address in the kubeconfig"

// tooLong returns the error of an API server's answer that is longer than its limit; announced is its length if the
// server says that.
func (b *boundedBody) tooLong(announced int64) error {
	long := ""
	if announced > 0 {
		long = fmt.Sprintf(" (it announces %d bytes)", announced)
	}
	return untrustedAnswerf("%s is longer than %s%s; %s", b.label, formatBytes(b.limit), long, checkAddressHint)
}

// formatBytes returns a number of bytes that a server sent with its unit.
func formatBytes(n int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= unit.bytes && n%unit.bytes == 0 {
			return fmt.Sprintf("%d %s", n/unit.bytes, unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// countingReader counts the bytes of an API server's answer that are read through it.
type countingReader struct {
	from io.Reader
	n    int64
}

// Read reads from an API server's answer and counts the bytes; its errors are those of the answer.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}

// lazyGzipReader inflates the body of an API server's answer. It begins to read only when it is read from, as the
// transport's own does.
type lazyGzipReader struct {
	compressed io.Reader
	gz         *gzip.Reader
}

// Read reads inflated bytes of a server's HTTP answer; it returns an error for what is not gzip.
func (i *lazyGzipReader) Read(p []byte) (int, error) {
	if i.gz == nil {
		gz, err := gzip.NewReader(i.compressed)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // a packed answer of no byte is none
			}
			return 0, err
		}
		i.gz = gz
	}
	return i.gz.Read(p)
}
