package cmd

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// The client that writes trusts a server no more than the one that reads: it follows no redirect, and gives up on an answer
// or a wait without end.
func TestConnectIsGuarded(t *testing.T) {
	t.Parallel()
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was sent to another server, with authorization %q", r.Method, r.URL, r.Header.Get("Authorization"))
	}))
	defer stranger.Close()
	const where = "check what answers at the server's address in the kubeconfig"
	long := strings.Repeat("x", 1<<20)
	forEver := func(w http.ResponseWriter, text string) {
		for err := error(nil); err == nil; {
			_, err = w.Write([]byte(text))
		}
	}
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{
			"a redirect", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, stranger.URL, http.StatusTemporaryRedirect)
			},
			fmt.Sprintf("the server redirects /api/v1/namespaces%%s to %q (307), and redirects are not followed: the credentials would go along; "+
				"sign in with whatever stands between here and the API server, or correct the server's address in the kubeconfig", stranger.URL),
		},
		{
			"an answer without end", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"a":"`))
				forEver(w, long)
			},
			"the answer to %s /api/v1/namespaces%s is longer than 32 MiB; " + where,
		},
		{
			"an answer of very many values", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"items":[`))
				forEver(w, strings.Repeat("{},", 10_000))
			},
			"the answer to %s /api/v1/namespaces%s has over 5000000 values; " + where,
		},
		{
			"a failure without end", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusConflict)
				forEver(w, long)
			},
			"the answer to %s /api/v1/namespaces%s (409) is longer than 64 KiB; " + where,
		},
		{
			"a long wait", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader(http.StatusTooManyRequests)
			},
			"the answer to %s /api/v1/namespaces%s (429) asks to wait 3600 seconds before the next attempt, and a request waits for 1m0s in all; try again later",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(tt.answer)
			defer s.Close()
			config := filepath.Join(t.TempDir(), "config")
			text := fmt.Sprintf(`{current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: {server: %q}}], users: [{name: u, user: {token: secret}}]}`, s.URL)
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			client, _, err := connectToCluster(SourceOptions{Kubeconfig: config})
			if err != nil {
				t.Fatal(err)
			}
			namespaces := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
			_, listed := namespaces.List(t.Context(), metav1.ListOptions{Limit: 500})
			_, patched := namespaces.Patch(t.Context(), "web", types.MergePatchType, []byte(`{}`), metav1.PatchOptions{})
			for _, asked := range []struct {
				verb, name string
				err        error
			}{{"GET", "", listed}, {"PATCH", "/web", patched}} {
				want := strings.Replace(tt.want, "%s /api/v1/namespaces%s", asked.verb+" /api/v1/namespaces"+asked.name, 1)
				want = strings.Replace(want, "/api/v1/namespaces%s", "/api/v1/namespaces"+asked.name, 1)
				if asked.err == nil || !strings.HasSuffix(asked.err.Error(), want) {
					t.Errorf("%s: got %v\nwant ...%s", asked.verb, asked.err, want)
				}
			}
		})
	}
}
