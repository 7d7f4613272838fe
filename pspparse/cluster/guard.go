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

// limits bound what one server can cost. A zero field takes its default.
type limits struct {
	// list is how many bytes all answers to one list may have. No list is as long as 2,000 objects of the 1.5 MiB that etcd
	// takes for one: 150,000 pods are 0.3 GiB in protobuf and 2.7 GiB in JSON. They are decoded while they arrive.
	list int64
	// objects is how many objects one list may have. Kubernetes supports 150,000 pods in a cluster.
	objects int
	// answer is how many bytes an answer that is read whole may have: a page of 500 objects in the client that writes.
	answer int64
	// failure is how many bytes an answer may have that says why there is no other.
	failure int64
	// wait is how long one request may wait between its attempts, all waits together.
	wait time.Duration
	// idle is how long a list may bring no byte.
	idle time.Duration
}

func (l limits) orDefault() limits {
	return limits{
		list:    cmp.Or(l.list, 2000*3<<19),
		objects: cmp.Or(l.objects, 500_000),
		answer:  cmp.Or(l.answer, 32<<20),
		failure: cmp.Or(l.failure, 64<<10),
		wait:    cmp.Or(l.wait, time.Minute),
		idle:    cmp.Or(l.idle, time.Minute),
	}
}

const (
	// maxParts is how many values JSON may have that is read whole. "[{},{}" takes 30 times its size in memory.
	maxParts = 5_000_000
	// maxRatio is by how much an answer may grow when it is inflated: lists of objects that are much alike reach 150, zeros
	// 1,000. It counts from ratioFrom on.
	maxRatio  = 400
	ratioFrom = 16 << 20
)

// Guard changes cfg so that no client made from it trusts the server with more than an API server needs: it follows no
// redirect, reads no answer without end, and waits no longer than a minute where the server asks to. Credentials, proxies
// and TLS stay as they are.
func Guard(cfg *rest.Config) { guardWith(cfg, limits{}.orDefault()) }

func guardWith(cfg *rest.Config, l limits) {
	inflate := !cfg.DisableCompression
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return &guard{next, l, inflate} })
}

// guard stands between a client and its connection, below whatever adds credentials to requests.
type guard struct {
	next    http.RoundTripper
	limits  limits
	inflate bool
}

// guardError tells of an answer that no API server gives. Asking again would bring the same.
type guardError struct{ text string }

func (e *guardError) Error() string { return e.text }

func guardf(format string, args ...any) error { return &guardError{fmt.Sprintf(format, args...)} }

// isList marks the context of a request whose answer is taken apart while it arrives.
type isList struct{}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	inflate := g.inflate && req.Header.Get("Accept-Encoding") == ""
	if inflate {
		// Asked for here and not by the transport, so that what arrives can be counted before it grows.
		req = req.Clone(req.Context())
		req.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := g.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(refuseRedirect(req, resp), g.refuseWait(req, resp)); err != nil {
		_ = resp.Body.Close() // nothing of it is wanted
		return nil, err
	}
	b := &guardedBody{ReadCloser: resp.Body, what: what(req, resp), limit: g.limits.answer}
	switch {
	case resp.StatusCode >= http.StatusMultipleChoices:
		b.limit = g.limits.failure
	case req.Context().Value(isList{}) != nil:
		b.limit, b.streamed = g.limits.list, true
	}
	if resp.ContentLength > b.limit {
		_ = resp.Body.Close() // it is too long
		return nil, b.tooLong(resp.ContentLength)
	}
	b.from = b.ReadCloser
	if inflate && resp.Header.Get("Content-Encoding") == "gzip" {
		b.packed = &counter{from: b.ReadCloser}
		b.from = &inflating{packed: b.packed}
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		resp.ContentLength, resp.Uncompressed = -1, true
	}
	resp.Body = b
	return resp, nil
}

// what names an answer in an error.
func what(req *http.Request, resp *http.Response) string {
	text := "the answer to " + req.Method + " " + req.URL.Path
	if resp.StatusCode >= http.StatusMultipleChoices {
		text = fmt.Sprintf("%s (%d)", text, resp.StatusCode)
	}
	return text
}

// refuseRedirect returns an error for an answer that sends the client elsewhere: client-go would take the credentials along,
// and what is there is not the cluster that was asked for.
func refuseRedirect(req *http.Request, resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil
	}
	return guardf("the server redirects %s to %s (%d), and redirects are not followed: the credentials would go along; "+
		"sign in with whatever stands between here and the API server, or correct the server's address in the kubeconfig",
		req.URL.Path, elsewhere(resp), resp.StatusCode)
}

// elsewhere is where a redirect leads, without what may be secret in it.
func elsewhere(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return "no address"
	}
	shown := url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}
	return strconv.Quote(clip(shown.String(), 200))
}

// clip shortens a text that a server chose.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return fmt.Sprintf("%s... (%d bytes)", bytes.ToValidUTF8([]byte(text[:most]), nil), len(text))
}

// refuseWait returns an error for an answer that asks for a longer wait than there may be; client-go would wait that long.
func (g *guard) refuseWait(req *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode < http.StatusInternalServerError {
		return nil
	}
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // 0 where it is no number, as client-go has it
	if seconds <= 0 {
		return nil
	}
	return g.limits.refuseWait(req.Context(), what(req, resp), seconds, 0)
}

// refuseWait returns an error where a request that has waited already would wait for too long, or for longer than ctx has.
func (l limits) refuseWait(ctx context.Context, what string, seconds int, waited time.Duration) error {
	if int64(seconds) > int64((l.wait-waited)/time.Second) {
		return guardf("%s asks to wait %d seconds before the next attempt, and a request waits for %s in all; try again later", what, seconds, l.wait)
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < time.Duration(seconds)*time.Second {
		return guardf("%s asks to wait %d seconds before the next attempt, and less than that is left; allow more time with --timeout, or try again later", what, seconds)
	}
	return nil
}

// guardedBody reads an answer up to its limit.
type guardedBody struct {
	io.ReadCloser
	what  string
	limit int64
	// from is what is read: the body, or what it inflates to; packed counts the body then.
	from   io.Reader
	packed *counter
	// streamed answers are never held whole; of others, parts counts the values.
	streamed bool
	read     int64
	parts    int
}

func (b *guardedBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.read += int64(n)
	switch {
	case b.read > b.limit:
		return max(0, n-int(b.read-b.limit)), b.tooLong(0)
	case b.packed != nil && b.read > ratioFrom && b.read/maxRatio > b.packed.n:
		return 0, guardf("%s grows from %d to over %d bytes when it is inflated, and no API server packs that tight; %s", b.what, b.packed.n, b.read, checkAddress)
	case b.streamed:
		return n, err
	}
	for _, mark := range []string{"{", "[", ","} {
		b.parts += bytes.Count(p[:n], []byte(mark))
	}
	if b.parts > maxParts {
		return 0, guardf("%s has over %d values; %s", b.what, maxParts, checkAddress)
	}
	return n, err
}

const checkAddress = "check what answers at the server's address in the kubeconfig"

// tooLong is the error for an answer longer than its limit; announced is its length if it says that.
func (b *guardedBody) tooLong(announced int64) error {
	long := ""
	if announced > 0 {
		long = fmt.Sprintf(" (it announces %d bytes)", announced)
	}
	return guardf("%s is longer than %s%s; %s", b.what, inBytes(b.limit), long, checkAddress)
}

// inBytes is a number of bytes for people.
func inBytes(n int64) string {
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

// counter counts what is read through it.
type counter struct {
	from io.Reader
	n    int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}

// inflating begins to read only when it is read from, as the transport's own does.
type inflating struct {
	packed io.Reader
	gz     *gzip.Reader
}

func (i *inflating) Read(p []byte) (int, error) {
	if i.gz == nil {
		gz, err := gzip.NewReader(i.packed)
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
