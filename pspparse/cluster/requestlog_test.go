package cluster

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
)

// answer is a connection that answers every request alike, after some time.
type answer struct {
	after time.Duration
	resp  *http.Response
	err   error
}

func (a answer) RoundTrip(*http.Request) (*http.Response, error) {
	time.Sleep(a.after)
	return a.resp, a.err
}

// A line about a request has the verb, the URL, the status and how long it took, and no credentials.
func TestRequestLog(t *testing.T) {
	t.Parallel()
	ok := &http.Response{Status: "200 OK"}
	tests := []struct {
		name, url string
		answer    answer
		want      string
	}{
		{"a list", "https://a/api/v1/pods?limit=500", answer{12 * time.Millisecond, ok, nil}, "GET https://a/api/v1/pods?limit=500 200 OK in 12ms"},
		{"a list that goes on", "https://a/api/v1/pods?continue=eyJ2Ijoi&limit=500", answer{0, ok, nil}, "GET https://a/api/v1/pods?continue=...&limit=500 200 OK in 0s"},
		{"credentials in the address", "https://user:canary@a/version", answer{1500 * time.Millisecond, ok, nil}, "GET https://a/version 200 OK in 1.5s"},
		{"no answer", "https://a/version", answer{3 * time.Second, nil, errors.New("dial tcp: refused")}, "GET https://a/version no answer in 3s: dial tcp: refused"},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			var lines []string
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.url, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer canary")
			logged := &loggedTransport{tt.answer, func(line string) { lines = append(lines, line) }}
			if resp, err := logged.RoundTrip(req); resp != tt.answer.resp || !errors.Is(err, tt.answer.err) {
				t.Errorf("%s: %v, %v", tt.name, resp, err)
			}
			if diff := cmp.Diff([]string{tt.want}, lines); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		})
	}
}

// Every request of a reading is told.
func TestReadingIsLogged(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/version" {
			_, _ = w.Write([]byte(`{"gitVersion": "v1.24.17"}`))
			return
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	defer s.Close()
	var mu sync.Mutex
	var lines []string
	cfg := &rest.Config{Host: s.URL}
	setClientDefaults(cfg, ConnectionFlags{OnRequest: func(line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
	}})
	if _, err := (&Reader{Config: cfg, Context: "test"}).Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GET " + s.URL + "/version 200 OK in ", "GET " + s.URL + "/api/v1/pods?limit=1 404 Not Found in "} {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, want) }) {
			t.Errorf("no line begins with %q:\n%s", want, strings.Join(lines, "\n"))
		}
	}
}
