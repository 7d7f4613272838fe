package cluster

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// pods puts n pods on the server.
func (s *server) pods(n int) {
	s.objects["/api/v1/pods"] = nil
	for i := range n {
		s.objects["/api/v1/pods"] = append(s.objects["/api/v1/pods"], pod(fmt.Sprintf("p-%d", i)))
	}
}

// asked are the queries for pods so far.
func (s *server) asked() []string {
	var out []string
	for _, r := range s.seen() {
		if r.URL.Path == "/api/v1/pods" {
			out = append(out, r.URL.RawQuery)
		}
	}
	return out
}

// How a list is asked for depends on how long it is, on the server and on the caller's wish.
func TestHowListsAreAsked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, version  string
		pods, pageSize int
		want           []string
	}{
		{"none", "v1.24.17", 0, 0, []string{"limit=1"}},
		{"one", "v1.24.17", 1, 0, []string{"limit=1"}},
		{"one page", "v1.24.17", smallPageSize, 0, []string{"limit=1", "limit=500"}},
		{"from the cache", "v1.24.17", smallPageSize + 1, 0, []string{"limit=1", "resourceVersion=0"}},
		{"from a cache that is consistent", "v1.31.0", smallPageSize + 1, 0, []string{"limit=1", ""}},
		{"from a server that says no version", "rolling", smallPageSize + 1, 0, []string{"limit=1", "resourceVersion=0"}},
		{"pages on demand", "v1.24.17", 3, 2, []string{"limit=1", "limit=2", "continue=2&limit=2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.version = tt.version
			s.pods(tt.pods)
			r := s.reader()
			r.PageSize = tt.pageSize
			inv, err := r.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(inv.Workloads) != tt.pods || len(inv.Gaps) != 0 || len(inv.Notes) != 0 {
				t.Errorf("read %d pods, gaps %v, notes %v", len(inv.Workloads), inv.Gaps, inv.Notes)
			}
			if diff := cmp.Diff(tt.want, s.asked()); diff != "" {
				t.Errorf("queries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLongListsComeInPages(t *testing.T) {
	t.Parallel()
	for _, total := range []int64{unknownCount, maxUnpagedObjects + 1} {
		if diff := cmp.Diff(listQuery{limit: largePageSize}, listPaging{}.firstQuery("v1.24.17", &servedKind{total: total}), cmp.AllowUnexported(listQuery{})); diff != "" {
			t.Errorf("%d objects (-want +got):\n%s", total, diff)
		}
	}
}

// A server whose cache lags behind, as after a broken watch, must not hide what etcd holds.
func TestStaleCacheIsNotTrusted(t *testing.T) {
	t.Parallel()
	const there = 600
	tests := []struct {
		cached int
		want   []string
		notes  []inventory.Note
		read   int
	}{
		{there - 6, []string{"limit=1", "resourceVersion=0"}, nil, there - 6},
		{
			there - 7,
			[]string{"limit=1", "resourceVersion=0", "limit=2000"},
			[]inventory.Note{{What: "pods", Why: message.Message{Text: "the server's cache held fewer than there are, and it was read again from the start; " +
				"what changed or was deleted in between counts as it was first read"}}},
			there,
		},
	}
	for _, tt := range tests {
		s := newServer(t)
		s.pods(there)
		all := s.objects["/api/v1/pods"]
		s.before = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
			if r.URL.Path != "/api/v1/pods" {
				return false
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.objects["/api/v1/pods"] = all
			if r.URL.Query().Get("resourceVersion") == "0" {
				s.objects["/api/v1/pods"] = all[:tt.cached]
			}
			return false
		}
		inv := s.load()
		if diff := cmp.Diff(tt.want, s.asked()); diff != "" {
			t.Errorf("queries (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(tt.notes, inv.Notes, messageText()); diff != "" {
			t.Errorf("notes (-want +got):\n%s", diff)
		}
		if len(inv.Workloads) != tt.read {
			t.Errorf("read %d pods, want %d", len(inv.Workloads), tt.read)
		}
	}
}

// Where answers break off in the middle, less is asked for at a time, and what came is not counted twice.
func TestBrokenAnswersAreAskedForInParts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		// most is the largest page that comes whole.
		most  int
		want  []string
		notes []inventory.Note
		whole bool
	}{
		{
			most: 499, whole: true,
			want:  []string{"limit=1", "resourceVersion=0", "limit=500", "limit=250", "continue=250&limit=250", "continue=500&limit=250"},
			notes: []inventory.Note{listRestartNote("pods", "the answer broke off")},
		},
		{
			most: 1,
			want: []string{"limit=1", "resourceVersion=0", "limit=500", "limit=250", "limit=125", "limit=62", "limit=62", "limit=62", "limit=62"},
		},
	}
	for _, tt := range tests {
		s := newServer(t)
		s.pods(700)
		s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
			if r.URL.Path != "/api/v1/pods" || 0 < limit && limit <= tt.most {
				return false
			}
			s.breakOff(w, limit)
			return true
		}
		inv := s.load()
		if diff := cmp.Diff(tt.want, s.asked()); diff != "" {
			t.Errorf("queries (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(tt.notes, inv.Notes, messageText()); diff != "" {
			t.Errorf("notes (-want +got):\n%s", diff)
		}
		read := len(inv.Workloads)
		if (read == 700) != tt.whole || read == 0 {
			t.Errorf("read %d of 700 pods", read)
		}
		var gaps []inventory.Gap
		if !tt.whole {
			gaps = append(gaps, failedListGap("pods", read, io.ErrUnexpectedEOF))
		}
		if diff := cmp.Diff(gaps, inv.Gaps, messageText()); diff != "" {
			t.Errorf("gaps (-want +got):\n%s", diff)
		}
	}
}

// breakOff sends a quarter of a page of pods, or of all of them, and ends the connection.
func (s *server) breakOff(w http.ResponseWriter, limit int) {
	all := s.objects["/api/v1/pods"]
	var names []string
	for _, o := range all {
		names = append(names, o.(*corev1.Pod).Name)
	}
	if limit == 0 {
		limit = len(all)
	}
	w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
	w.Header().Set("Content-Length", "1000000")
	whole := encoded(s.t, runtime.ContentTypeProtobuf, metav1.ListMeta{}, names[:limit]...)
	_, _ = w.Write(whole[:len(whole)/4])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// What may not be listed is told at once, all of it, while the long lists have not been begun.
func TestRefusedIsToldFirst(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.fill()
	s.pods(3)
	var mu sync.Mutex
	var told [][]string
	s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		for _, resource := range []string{"roles", "podsecuritypolicies"} {
			if _, asked := split(r.URL.Path); asked == resource {
				refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden, "no")
				return true
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Query().Get("limit") == "500" && len(told) == 0 {
			t.Errorf("%s was asked for before anything was told", r.URL)
		}
		return false
	}
	r := s.reader()
	r.OnForbidden = func(resources []string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, slices.Clone(resources))
	}
	if _, err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"roles", "podsecuritypolicies"}}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// Interrupted in the middle of a list, the reading says how far it came.
func TestInterruptedSaysWhatWasNotRead(t *testing.T) {
	t.Parallel()
	got := newInventoryCollector(inventory.NewBuilder(), builtinKinds()[:4], nil)
	got.addBatch(inventoryBatch{resource: "pods", total: 7000})
	got.addBatch(inventoryBatch{resource: "pods", entries: make([]decodedObject, 0)})
	got.progressOfKinds[0].read = 1500
	got.addBatch(inventoryBatch{resource: "replicasets", done: true})
	got.progressOfKinds[2].read = 3
	err := got.interruptedError("prod", http.ErrHandlerTimeout)
	const want = `reading the cluster of context "prod": http: Handler timeout; not read: pods (1500 of 7000 read), jobs (3 read), deployments`
	if err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
