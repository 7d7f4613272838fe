package cluster

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

func listGap(resource string, read int, why string) inventory.Gap {
	return inventory.Gap{
		What: resource, Why: message.Message{Text: fmt.Sprintf("listing them failed after %d were read: %s", read, why)}, Namespaces: []string{inventory.AllNamespaces},
		Affects: changedBy(resource),
	}
}

// protobufList begins a list of pods in protobuf that goes on for as long as anybody may want.
const protobufList = "k8s\x00\x0a\x0d\x0a\x02v1\x12\x07PodList\x12\xff\xff\xff\xff\xff\xff\xff\x7f\x0a\x00"

const jsonListOfPods = `{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[`

// endless writes for as long as somebody reads.
func endless(w http.ResponseWriter, mediaType, start string, next func(n int) string) {
	w.Header().Set("Content-Type", mediaType)
	_, err := io.WriteString(w, start)
	for n := 0; err == nil; n++ {
		_, err = io.WriteString(w, next(n))
	}
}

// jsonPod is a pod with an annotation.
func jsonPod(n int, note string) string {
	return fmt.Sprintf(`{"metadata":{"name":"p-%d","namespace":"web","annotations":{"a":%q}},"spec":{"containers":[{"name":"c"}]}}`, n, note)
}

// protobufPod is one item of a list, a pod with nothing but a name.
func protobufPod(t *testing.T, name string) string {
	t.Helper()
	data, err := pod(name).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(append(append([]byte{0x12}, varint(len(data))...), data...))
}

func varint(n int) []byte {
	var out []byte
	for ; n > 0x7f; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// little is a limit that a test reaches soon.
var little = serverLimits{listBytes: 1 << 20, listObjects: 1000, responseBytes: 1 << 20, errorResponseBytes: 1 << 10, idleTime: time.Hour}

// Whatever the answer to the list of pods is, it becomes a gap that says what is wrong with it, and what else there is is read.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	const (
		where  = "; check what answers at the server's address in the kubeconfig"
		answer = "the answer to GET /api/v1/pods"
		again  = "; try again"
		wrong  = "decoding the answer: "
	)
	json := runtime.ContentTypeJSON
	tests := []struct {
		name string
		// later spares the first request, which asks for one object.
		later bool
		spoil func(w http.ResponseWriter, r *http.Request, nth int)
		read  int
		want  string
	}{
		{
			name: "protobuf that never ends", later: true, read: 1000,
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				endless(w, runtime.ContentTypeProtobuf, protobufList, func(n int) string { return protobufPod(t, fmt.Sprint("p-", n)) })
			},
			want: "there are over 1000 of them, more than an API server can hold" + where,
		},
		{
			name: "JSON that never ends", later: true, read: 1000,
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				endless(w, json, jsonListOfPods, func(n int) string { return jsonPod(n, "") + "," })
			},
			want: "there are over 1000 of them, more than an API server can hold" + where,
		},
		{
			name: "pods that are long", later: true, read: 31,
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				endless(w, json, jsonListOfPods, func(n int) string {
					return jsonPod(n, strings.Repeat("x", 32<<10)) + ","
				})
			},
			want: answer + " is longer than 1 MiB" + where,
		},
		{
			name: "white space without end",
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				endless(w, json, "", func(int) string { return strings.Repeat(" ", 1000) })
			},
			want: wrong + "one of its parts, or the white space between them, is too long for a list" + again,
		},
		{
			name: "a text without end",
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				endless(w, json, `{"kind":"`, func(int) string { return "PodList" })
			},
			want: answer + " is longer than 1 MiB" + where,
		},
		{
			name: "a length beyond the limit",
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.Header().Set("Content-Length", "5000000000")
				w.WriteHeader(http.StatusOK)
			},
			want: answer + " is longer than 1 MiB (it announces 5000000000 bytes)" + where,
		},
		{
			name: "a failure that never ends",
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.WriteHeader(http.StatusInternalServerError)
				endless(w, "text/plain", "", func(int) string { return "sorry " })
			},
			want: answer + " (500) is longer than 1 KiB" + where,
		},
		{
			name: "a refusal that never ends",
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.WriteHeader(http.StatusForbidden)
				endless(w, "text/plain", "", func(int) string { return "no " })
			},
			want: answer + " (403) is longer than 1 KiB" + where,
		},
		{
			name: "gzip that inflates to a long text",
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = io.WriteString(w, packed(t, `{"kind":"`+strings.Repeat(" ", 2<<20)))
			},
			want: answer + " is longer than 1 MiB" + where,
		},
		{
			name: "an object of empty containers",
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.Header().Set("Content-Type", json)
				_, _ = io.WriteString(w, jsonListOfPods+`{"metadata":{"name":"p"},"spec":{"containers":[`+strings.Repeat("{},", 10_000)+"{}]}}]}")
			},
			want: wrong + "an item of 30052 bytes holds more parts than any object has" + again,
		},
		{
			name: "pages that bring nothing", read: 0,
			spoil: func(w http.ResponseWriter, _ *http.Request, nth int) {
				writeJSON(w, http.StatusOK, page(strconv.Itoa(nth)))
			},
			want: "11 pages in a row brought nothing, and there is said to be more" + where,
		},
		{
			name: "pages in a circle", read: 3,
			spoil: func(w http.ResponseWriter, r *http.Request, _ int) {
				at, _ := strconv.Atoi(r.URL.Query().Get("continue"))
				next := at%3 + 1
				writeJSON(w, http.StatusOK, page(strconv.Itoa(next), fmt.Sprint("p-", next)))
			},
			want: "the server leads from page to page in a circle" + where,
		},
		{
			name: "pages without end", read: 1000,
			spoil: func(w http.ResponseWriter, r *http.Request, _ int) {
				at, _ := strconv.Atoi(r.URL.Query().Get("continue"))
				var names []string
				for i := range 100 {
					names = append(names, fmt.Sprintf("p-%d-%d", at, i))
				}
				writeJSON(w, http.StatusOK, page(strconv.Itoa(at+1), names...))
			},
			want: "there are over 1000 of them, more than an API server can hold" + where,
		},
		{
			name: "pods that say they are JSON and are not",
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.Header().Set("Content-Type", json)
				_, _ = io.WriteString(w, "k8s\x01\x02\x03")
			},
			want: wrong + "invalid character 'k' looking for beginning of value" + again,
		},
		{
			name: "nesting without end",
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.Header().Set("Content-Type", json)
				_, _ = io.WriteString(w, jsonListOfPods+strings.Repeat("[", 100_000))
			},
			want: wrong + "invalid character '[' exceeded max depth" + again,
		},
		{
			name: "headers without end",
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				for i := range 11 {
					w.Header().Add("X-Long", strings.Repeat(strconv.Itoa(i%10), 1<<20))
				}
			},
			want: "net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded 10485760 bytes; aborted" + again,
		},
		{
			name: "more bytes than announced", read: 0,
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				conn, buf, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = buf.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 70\r\n\r\n" + jsonListOfPods + strings.Repeat(" ", 100))
				_ = buf.Flush()
				_ = conn.Close()
			},
			want: "unexpected EOF" + again,
		},
		{
			name: "a long wait",
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.Header().Set("Retry-After", "86400")
				w.WriteHeader(http.StatusTooManyRequests)
			},
			want: answer + " (429) asks to wait 86400 seconds before the next attempt, and a request waits for 1m0s in all; try again later",
		},
		{
			name: "a long wait that the body asks for",
			spoil: func(w http.ResponseWriter, _ *http.Request, _ int) {
				writeJSON(w, 503, metav1.Status{
					TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: 503,
					Reason: metav1.StatusReasonServerTimeout, Details: &metav1.StatusDetails{RetryAfterSeconds: 61},
				})
			},
			want: "the server (503) asks to wait 61 seconds before the next attempt, and a request waits for 1m0s in all; try again later",
		},
	}
	for _, tt := range tests {
		for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
			if protocol == "HTTP/2.0" && (strings.HasPrefix(tt.name, "headers") || strings.HasPrefix(tt.name, "more bytes")) {
				continue // these are about what HTTP/1.1 looks like
			}
			t.Run(tt.name+", "+protocol, func(t *testing.T) {
				t.Parallel()
				s := unstarted(t)
				r := s.speaking(protocol)
				s.pods(2)
				s.before = func(w http.ResponseWriter, r *http.Request, nth int) bool {
					if r.Proto != protocol {
						t.Errorf("asked by %s", r.Proto)
					}
					if r.URL.Path != "/api/v1/pods" || tt.later && nth == 1 {
						return false
					}
					tt.spoil(w, r, nth)
					return true
				}
				r.limits = little
				inv, err := r.Load(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]inventory.Gap{listGap("pods", tt.read, tt.want)}, inv.Gaps, messageText()); diff != "" {
					t.Errorf("gaps (-want +got):\n%s", diff)
				}
				if len(inv.Notes) > 0 {
					t.Errorf("notes %v", inv.Notes)
				}
			})
		}
	}
}

// page is a page of pods that another one follows.
func page(next string, names ...string) map[string]any {
	items := []any{}
	for _, name := range names {
		items = append(items, pod(name))
	}
	return map[string]any{"kind": "PodList", "apiVersion": "v1", "metadata": map[string]any{"continue": next}, "items": items}
}

// speaking starts the server with one protocol, and returns a reader of it.
func (s *server) speaking(protocol string) *Reader {
	s.Server = httptest.NewUnstartedServer(s)
	s.Server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	if protocol == "HTTP/1.1" {
		s.Start()
		return s.reader()
	}
	s.EnableHTTP2 = true
	s.StartTLS()
	r := s.reader()
	r.Config.TLSClientConfig.Insecure = true
	return r
}

// However long a server asks to wait or takes, a list ends within a minute of waiting, or of silence, or of its own time.
func TestNoWaitIsLong(t *testing.T) {
	t.Parallel()
	busy := func(seconds string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", seconds)
			http.Error(w, "Too many requests, please try again later.", http.StatusTooManyRequests)
		}
	}
	drip := func(every time.Duration) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", runtime.ContentTypeJSON)
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(every):
				case <-r.Context().Done():
				}
			}
		}
	}
	tests := []struct {
		name          string
		answer        func(http.ResponseWriter, *http.Request)
		left, timeout time.Duration
		want          string
		took          time.Duration
	}{
		{
			name: "half a minute again and again", answer: busy("30"), took: time.Minute,
			want: "the server (429) asks to wait 30 seconds before the next attempt, and a request waits for 1m0s in all; try again later",
		},
		{
			name: "a second again and again", answer: busy("1"), took: maxRetryAfterWaits * time.Second,
			want: "the server has received too many requests and has asked us to try again later; try again",
		},
		{
			name: "no more time is left", answer: busy("30"), left: 20 * time.Second, took: 0,
			want: "the answer to GET /api/v1/pods (429) asks to wait 30 seconds before the next attempt, and less than that is left; allow more time with --timeout, or try again later",
		},
		{
			name: "not a number of seconds", answer: busy("-99999999999999999999"), took: 7 * requestBackoff().Duration,
			want: "the server has received too many requests and has asked us to try again later; try again",
		},
		{
			name: "silence", answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			timeout: time.Hour, took: time.Minute, want: "not a byte within 1m0s; try again",
		},
		{
			name: "a byte, and silence", answer: drip(61 * time.Second),
			timeout: time.Hour, took: time.Minute, want: "not a byte within 1m0s; try again",
		},
		{
			name: "a byte now and then", answer: drip(50 * time.Second),
			timeout: time.Hour, took: time.Hour, want: "no whole answer within 1h0m0s; try again",
		},
		{
			name: "a byte now and then, with the usual time", answer: drip(50 * time.Second),
			took: time.Minute, want: "no whole answer within 1m0s; try again",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := unstarted(t)
				s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
					if r.URL.Path == "/api/v1/pods" {
						tt.answer(w, r)
						return true
					}
					return false
				}
				ctx := t.Context()
				if tt.left > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.left)
					defer cancel()
				}
				r := s.inBubble()
				r.Timeout = tt.timeout
				start := time.Now()
				inv, err := r.Load(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]inventory.Gap{listGap("pods", 0, tt.want)}, inv.Gaps, messageText()); diff != "" {
					t.Errorf("gaps (-want +got):\n%s", diff)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
			})
		})
	}
}

// Helm's objects come under the same limits, and what came before them is handed on.
func TestHostileReleases(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.objects["/api/v1/secrets"] = []runtime.Object{keptSecret(1)}
	s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Path == "/api/v1/configmaps" {
			list := page("again", "a")
			list["kind"] = "ConfigMapList"
			writeJSON(w, http.StatusOK, list)
			return true
		}
		return false
	}
	got, gaps := handed(t, s.reader())
	if diff := cmp.Diff([]string{"Secret web/s-1 1: secret 1", "ConfigMap web/a 1: "}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := []inventory.Gap{helmReleaseGap(listGap("configmaps", 1, "the server leads from page to page in a circle; "+checkAddressHint))}
	if diff := cmp.Diff(want, gaps, messageText()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

// The largest cluster that Kubernetes supports is within the limits, in JSON, too.
func TestLimitsAreWideEnough(t *testing.T) {
	t.Parallel()
	b := listBounds{limits: serverLimits{}.withDefaults()}
	for range 150_000 {
		if err := b.countObject(19_000); err != nil { // 2.7 GB in all
			t.Fatal(err)
		}
	}
}
