package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

func TestPaging(t *testing.T) {
	t.Parallel()
	for _, onlyJSON := range []bool{false, true} {
		t.Run(fmt.Sprintf("onlyJSON=%t", onlyJSON), func(t *testing.T) {
			t.Parallel()
			testPaging(t, onlyJSON)
		})
	}
}

func testPaging(t *testing.T, onlyJSON bool) {
	s := newServer(t)
	s.onlyJSON = onlyJSON
	s.pageSize = 2
	for i := range 7 {
		s.objects["/api/v1/pods"] = append(s.objects["/api/v1/pods"], pod(fmt.Sprintf("p-%d", i)))
	}
	var lines []string
	r := s.reader()
	r.Progress = func(line string) { lines = append(lines, line) }
	inv, err := r.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"asking the API server for its version", "asking the API server what there is to read",
		"reading pods, 0 of 7", "reading pods, 2 of 7", "reading pods, 4 of 7", "reading pods, 6 of 7", "reading pods, 7 of 7",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if len(inv.Workloads) != 7 || len(inv.Gaps) != 0 {
		t.Errorf("read %q", digest(inv))
	}
}

// The list expires after the second page, and the world has changed when it is read again: p-0 is gone and p-new came.
// Nothing counts twice, and nothing that existed is missing.
func TestExpiredListIsReadAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.pageSize = 2
	owner := []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "p", Controller: ptr(true)}}
	owned := func(name string) *corev1.Pod {
		p := pod(name)
		p.OwnerReferences = owner
		return p
	}
	s.objects["/api/v1/namespaces"] = []runtime.Object{web()}
	s.objects["/api/v1/pods"] = []runtime.Object{owned("p-0"), owned("p-1"), owned("p-2"), owned("p-3"), owned("p-4")}
	s.before = func(w http.ResponseWriter, r *http.Request, nth int) bool {
		if r.URL.Path != "/api/v1/pods" || nth != 3 {
			return false
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.objects["/api/v1/pods"] = []runtime.Object{owned("p-1"), owned("p-2"), owned("p-3"), owned("p-4"), owned("p-new")}
		refuse(w, http.StatusGone, metav1.StatusReasonExpired, "too old")
		return true
	}
	inv := s.load()
	want := []string{"namespace web declared=true", "StatefulSet web/p replicas=6 pods=6", "note pods"}
	if diff := cmp.Diff(want, digest(inv)); diff != "" {
		t.Errorf("inventory (-want +got):\n%s", diff)
	}
}

// failures of the pods list that may pass, and how they end.
func TestFailingList(t *testing.T) {
	t.Parallel()
	status := func(code int, reason metav1.StatusReason) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { refuse(w, code, reason, "not now") }
	}
	failed := func(read int, cause string) []inventory.Gap {
		return []inventory.Gap{{
			What:       "pods",
			Why:        message.Message{Text: fmt.Sprintf("listing them failed after %d were read: %s; try again", read, cause)},
			Namespaces: []string{inventory.AllNamespaces},
			Affects:    inventory.PartWorkloads,
		}}
	}
	const broken = "unexpected EOF"
	tests := []struct {
		name   string
		answer func(http.ResponseWriter)
		// from and to are the requests for pods that fail: the first is the survey's, then the list has two pages of one pod.
		from, to int
		// later spares the first page.
		later bool
		pods  int
		gaps  []inventory.Gap
	}{
		{name: "429 passes", answer: status(429, metav1.StatusReasonTooManyRequests), from: 1, to: 2, pods: 2},
		{name: "429 stays", answer: status(429, metav1.StatusReasonTooManyRequests), from: 1, to: 99, gaps: failed(0, "not now")},
		{name: "503 passes", answer: status(503, metav1.StatusReasonServiceUnavailable), from: 3, to: 4, pods: 2},
		{name: "500 stays", answer: status(500, metav1.StatusReasonInternalError), from: 3, to: 99, pods: 1, gaps: failed(1, "not now")},
		{name: "cut and mended", answer: cut, from: 1, to: 1, pods: 2},
		{name: "cut for good", answer: cut, from: 3, to: 99, pods: 1, gaps: failed(1, broken)},
		{
			name: "expires once", answer: status(410, metav1.StatusReasonExpired), from: 3, to: 3, pods: 2,
		},
		{
			name: "expires every time", answer: status(410, metav1.StatusReasonExpired), from: 1, to: 99, later: true,
			pods: 1, gaps: failed(1, "not now"),
		},
		{
			name: "forbidden on the second page", answer: status(403, metav1.StatusReasonForbidden), from: 3, to: 3,
			pods: 1, gaps: failed(1, "not now"),
		},
		{
			name: "gone on the second page", answer: status(404, metav1.StatusReasonNotFound), from: 3, to: 3,
			pods: 1, gaps: failed(1, "not now"),
		},
		{
			name: "400 is final", answer: status(400, metav1.StatusReasonBadRequest), from: 1, to: 1, gaps: failed(0, "not now"),
		},
		{
			name: "an empty object is no empty list", from: 1, to: 99,
			answer: func(w http.ResponseWriter) { writeJSON(w, 200, map[string]any{}) },
			gaps:   failed(0, "decoding the answer: it does not say its kind"),
		},
		{
			name: "another list is no list of pods", from: 1, to: 99,
			answer: func(w http.ResponseWriter) {
				writeJSON(w, 200, map[string]any{"apiVersion": "v1", "kind": "ConfigMapList", "items": []any{}})
			},
			gaps: failed(0, "the answer is a ConfigMapList of v1"),
		},
		{
			name: "a sign-in page", from: 1, to: 99,
			answer: func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = fmt.Fprint(w, "<html>sign in</html>")
			},
			gaps: failed(0, "decoding the answer: invalid character '<' looking for beginning of value"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.pageSize = 1
			s.objects["/api/v1/pods"] = []runtime.Object{pod("p-0"), pod("p-1")}
			s.before = func(w http.ResponseWriter, r *http.Request, nth int) bool {
				if r.URL.Path != "/api/v1/pods" || nth < tt.from || nth > tt.to || tt.later && r.URL.Query().Get("continue") == "" {
					return false
				}
				tt.answer(w)
				return true
			}
			inv := s.load()
			if diff := cmp.Diff(tt.gaps, inv.Gaps, messageText()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if len(inv.Workloads) != tt.pods {
				t.Errorf("read %d pods, want %d", len(inv.Workloads), tt.pods)
			}
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testRetryAfter)
}

func testRetryAfter(t *testing.T) {
	t.Helper()
	s := unstarted(t)
	s.objects["/api/v1/pods"] = []runtime.Object{pod("p-0")}
	s.before = func(w http.ResponseWriter, r *http.Request, nth int) bool {
		if r.URL.Path != "/api/v1/pods" || nth > 1 {
			return false
		}
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Too many requests, please try again later.", http.StatusTooManyRequests)
		return true
	}
	start := time.Now()
	inv, err := s.inBubble().Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Workloads) != 1 || len(inv.Gaps) != 0 {
		t.Errorf("read %q", digest(inv))
	}
	if took := time.Since(start); took != time.Second {
		t.Errorf("asked again after %s, the server wanted a second", took)
	}
}

// A delay that stands in the answer's body only; client-go looks at the header alone.
func TestSuggestedDelayIsHonoured(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.before = func(w http.ResponseWriter, r *http.Request, nth int) bool {
		if r.URL.Path != "/api/v1/pods" || nth > 2 {
			return false
		}
		status := metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: 429, Reason: metav1.StatusReasonTooManyRequests}
		if nth == 2 {
			status.Details = &metav1.StatusDetails{RetryAfterSeconds: 7}
		}
		writeJSON(w, http.StatusTooManyRequests, status)
		return true
	}
	var waited []time.Duration
	r := s.reader()
	r.sleep = func(_ context.Context, d time.Duration) error {
		waited = append(waited, d)
		return nil
	}
	if _, err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Duration{requestBackoff().Duration, 7 * time.Second}, waited); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

// The clock of the bubble stands still while anything is done, so the other lists never time out.
func TestTimeoutIsAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := unstarted(t)
		s.before = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
			if r.URL.Path != "/api/v1/pods" {
				return false
			}
			<-r.Context().Done()
			return true
		}
		r := s.inBubble()
		r.Timeout = 50 * time.Millisecond
		inv, err := r.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []inventory.Gap{{
			What:       "pods",
			Why:        message.Message{Text: "listing them failed after 0 were read: no whole answer within 50ms; try again"},
			Namespaces: []string{inventory.AllNamespaces},
			Affects:    inventory.PartWorkloads,
		}}
		if diff := cmp.Diff(want, inv.Gaps, messageText()); diff != "" {
			t.Errorf("gaps (-want +got):\n%s", diff)
		}
	})
}

func TestCancelReturnsAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.before = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Path != "/api/v1/pods" {
			return false
		}
		cancel()
		<-r.Context().Done()
		return true
	}
	for _, when := range []string{"in the middle", "before it began"} {
		_, err := s.reader().Load(ctx)
		var got *InterruptedError
		if !errors.Is(err, context.Canceled) || !errors.As(err, &got) || !slices.Contains(got.Unread, "pods") {
			t.Errorf("canceled %s: got %v", when, err)
		}
	}
}
