package cluster

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const token = "secret-token"

// stranger is a server that no credentials may reach. It counts its requests.
func stranger(t *testing.T) (address string, requests *atomic.Int64) {
	t.Helper()
	requests = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		t.Errorf("%s was sent here with authorization %q", r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

// A redirect is an error that says where it leads, and nothing goes there.
func TestRedirectsAreRefused(t *testing.T) {
	t.Parallel()
	const why = "the server redirects /api/v1/%s to %q (%d), and redirects are not followed: the credentials would go along; " +
		"sign in with whatever stands between here and the API server, or correct the server's address in the kubeconfig"
	evil, requests := stranger(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := newServer(t)
		s.objects["/api/v1/pods"] = []runtime.Object{pod("p-0")}
		s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			if r.URL.Path != "/api/v1/pods" && r.URL.Path != "/api/v1/secrets" {
				return false
			}
			if got := r.Header.Get("Authorization"); got != "Bearer "+token {
				t.Errorf("asked with authorization %q", got)
			}
			w.Header().Set("Location", strings.Replace(evil, "http://", "http://user:password@", 1)+"/sign-in\u202e?code=secret")
			w.WriteHeader(status)
			return true
		}
		r := s.reader()
		r.Config.BearerToken = token
		inv, err := r.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []inventory.Gap{listGap("pods", 0, fmt.Sprintf(why, "pods", evil+"/sign-in%E2%80%AE", status))}
		if diff := cmp.Diff(want, inv.Gaps, messageText()); diff != "" {
			t.Errorf("%d: gaps (-want +got):\n%s", status, diff)
		}
		_, gaps := handed(t, r)
		want = []inventory.Gap{helmReleaseGap(listGap("secrets", 0, fmt.Sprintf(why, "secrets", evil+"/sign-in%E2%80%AE", status)))}
		if diff := cmp.Diff(want, gaps, messageText()); diff != "" {
			t.Errorf("%d: gaps of releases (-want +got):\n%s", status, diff)
		}
	}
	if requests.Load() != 0 {
		t.Errorf("%d requests reached another server", requests.Load())
	}
}

// Nor does what asks for the version or for what is served follow a redirect.
func TestRedirectsOfDiscoveryAreRefused(t *testing.T) {
	t.Parallel()
	evil, _ := stranger(t)
	s := newServer(t)
	everything := false
	s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		switch {
		case everything || r.URL.Path == "/apis/batch/v1":
			http.Redirect(w, r, evil, http.StatusFound)
		case r.URL.Path == "/apis/batch/v1/jobs":
			refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden, "no")
		default:
			return false
		}
		return true
	}
	r := s.reader()
	r.Config.BearerToken = token
	inv, err := r.Load(t.Context())
	if err != nil || len(inv.Gaps) != 1 || inv.Gaps[0].What != "jobs" {
		t.Errorf("the refusal stands where discovery does not answer: got %v, %v", inv.Gaps, err)
	}
	everything = true
	_, err = r.Load(t.Context())
	want := fmt.Sprintf("reaching the API server of context \"test\" at %s: the server redirects /version to %q (302), and redirects are not followed: "+
		"the credentials would go along; sign in with whatever stands between here and the API server, or correct the server's address in the kubeconfig", s.URL, evil)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// A server whose /version does not end, or asks to wait, is one error.
func TestHostileVersion(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter)
		want   string
	}{
		{
			"no end", func(w http.ResponseWriter) {
				endless(w, "application/json", `{"gitVersion":"`, func(int) string { return "v1.24" })
			},
			"the answer to GET /version is longer than 1 MiB; check what answers at the server's address in the kubeconfig",
		},
		{
			"a failure without end", func(w http.ResponseWriter) {
				w.WriteHeader(http.StatusUnauthorized)
				endless(w, "text/plain", "", func(int) string { return "who are you? " })
			},
			"the answer to GET /version (401) is longer than 1 KiB; check what answers at the server's address in the kubeconfig",
		},
		{
			"a wait", func(w http.ResponseWriter) {
				w.Header().Set("Retry-After", "100000")
				w.WriteHeader(http.StatusServiceUnavailable)
			},
			"the answer to GET /version (503) asks to wait 100000 seconds before the next attempt, and a request waits for 1m0s in all; try again later",
		},
	}
	for _, tt := range tests {
		s := newServer(t)
		s.before = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			tt.answer(w)
			return true
		}
		r := s.reader()
		r.limits = little
		_, err := r.Load(t.Context())
		want := fmt.Sprintf("reaching the API server of context \"test\" at %s: %s", s.URL, tt.want)
		if err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", tt.name, err, want)
		}
	}
}

// A server that takes no limit sends everything to whoever asks for one object: it is asked again, and read as it comes.
func TestServerWithoutLimits(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.pods(700)
	s.before = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		q := r.URL.Query()
		q.Del("limit")
		r.URL.RawQuery = q.Encode()
		return false
	}
	if inv := s.load(); len(inv.Workloads) != 700 || len(inv.Gaps) != 0 || len(inv.Notes) != 0 {
		t.Errorf("read %d pods, gaps %v, notes %v", len(inv.Workloads), inv.Gaps, inv.Notes)
	}
	if diff := cmp.Diff([]string{"limit=1", "limit=2000"}, s.asked()); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

// What signs in and what stands in between keeps working: a plugin that is run for a token, and a proxy. The plugin's token
// goes nowhere else either.
func TestGuardKeepsPluginsAndProxies(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh here")
	}
	evil, _ := stranger(t)
	s := newServer(t)
	s.pods(3)
	s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if got := r.Header.Get("Authorization"); got != "Bearer "+token {
			t.Errorf("asked with authorization %q", got)
		}
		if r.Host != "cluster.invalid" {
			t.Errorf("asked for host %s", r.Host)
		}
		if r.URL.Path == "/api/v1/namespaces" {
			http.Redirect(w, r, evil, http.StatusFound)
			return true
		}
		return false
	}
	r := s.reader()
	r.Config.Host = "http://cluster.invalid"
	proxy, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	r.Config.Proxy = http.ProxyURL(proxy)
	r.Config.ExecProvider = &clientcmdapi.ExecConfig{
		APIVersion: "client.authentication.k8s.io/v1", Command: sh, InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
		Args: []string{"-c", `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"` + token + `"}}'`},
	}
	inv, err := r.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Workloads) != 3 || len(inv.Gaps) != 1 || inv.Gaps[0].What != "namespaces" {
		t.Errorf("read %d pods, gaps %v", len(inv.Workloads), inv.Gaps)
	}
}
