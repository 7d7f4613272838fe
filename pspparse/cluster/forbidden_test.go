package cluster

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// changedBy is what the list of a resource can change, where it cannot be read.
func changedBy(resource string) inventory.GapPart {
	switch resource {
	case podSecurityPoliciesResource:
		return inventory.PartPolicies
	case "clusterroles", "clusterrolebindings", "roles", "rolebindings", "serviceaccounts":
		return inventory.PartGrants
	case "namespaces", "secrets", "configmaps":
		return ""
	}
	return inventory.PartWorkloads
}

func TestForbiddenKindIsOneGap(t *testing.T) {
	t.Parallel()
	for _, k := range builtinKinds() {
		t.Run(k.resource, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.fill()
			s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if !strings.HasSuffix(r.URL.Path, "/"+k.resource) {
					return false
				}
				refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden, "jane may not")
				return true
			}
			group := k.sources[0].gv.Group
			want := []inventory.Gap{{
				What: k.resource,
				Why: message.Message{Text: fmt.Sprintf(`listing them is forbidden (403: jane may not); grant the verb list on the resource %s in API group %q, `+
					`with this rule in a ClusterRole: {apiGroups: [%q], resources: [%q], verbs: ["list"]}`, k.resource, group, group, k.resource)},
				Namespaces: []string{inventory.AllNamespaces}, Affects: changedBy(k.resource),
			}}
			inv := s.load()
			if diff := cmp.Diff(want, inv.Gaps, messageText()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if n := len(digest(inv)); n < len(everything)-3 {
				t.Errorf("only %d lines were read beside the gap: %q", n, digest(inv))
			}
		})
	}
}

// A server asks for permission before it looks whether it serves something, so a reader without a grant on policies
// gets a 403 from a server that has none. Nothing is missing then, and there is nothing to grant.
func TestForbiddenButNotServedIsNoGap(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.fill()
	s.absent["policy/v1beta1"], s.absent["extensions/v1beta1"] = true, true
	s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if !strings.HasSuffix(r.URL.Path, "/"+podSecurityPoliciesResource) {
			return false
		}
		refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden, "jane may not")
		return true
	}
	want := slices.Concat(everything[1:], []string{"note podsecuritypolicies"})
	if diff := cmp.Diff(want, digest(s.load())); diff != "" {
		t.Errorf("inventory (-want +got):\n%s", diff)
	}
}

// Something in between answers 404 for what the server does serve: that must not pass for "there are none".
func TestNotFoundButServedIsAGap(t *testing.T) {
	t.Parallel()
	for _, k := range builtinKinds() {
		s := newServer(t)
		s.fill()
		s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			if !strings.HasSuffix(r.URL.Path, "/"+k.resource) {
				return false
			}
			http.NotFound(w, r)
			return true
		}
		inv := s.load()
		if len(inv.Notes) != 0 || len(inv.Gaps) != 1 || inv.Gaps[0].What != k.resource {
			t.Errorf("404 for %s: notes %v, gaps %v; want one gap", k.resource, inv.Notes, inv.Gaps)
		}
	}
}

func TestExpiredCredentialsOfOneListAreAGap(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Path != "/api/v1/pods" {
			return false
		}
		refuse(w, http.StatusUnauthorized, metav1.StatusReasonUnauthorized, "Unauthorized")
		return true
	}
	want := []inventory.Gap{{
		What: "pods",
		Why: message.Message{Text: `listing them needs valid credentials (401: Unauthorized); grant the verb list on the resource pods in API group "", ` +
			`with this rule in a ClusterRole: {apiGroups: [""], resources: ["pods"], verbs: ["list"]}`},
		Namespaces: []string{inventory.AllNamespaces}, Affects: inventory.PartWorkloads,
	}}
	if diff := cmp.Diff(want, s.load().Gaps, messageText()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

func TestNotServed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		version string
		absent  []string
		gaps    []inventory.Gap
		notes   []inventory.Note
	}{
		{
			name: "policies from v1.25 on", version: "v1.25.0", absent: []string{"policy/v1beta1", "extensions/v1beta1"},
			notes: []inventory.Note{{
				What: "podsecuritypolicies",
				Why:  message.Message{Text: "the server does not serve them (v1.25 removed them); policies kept elsewhere can be read with -f"},
			}},
		},
		{
			name: "policies switched off", version: "v1.24.17-eks-0a21954", absent: []string{"policy/v1beta1", "extensions/v1beta1"},
			notes: []inventory.Note{{
				What: "podsecuritypolicies",
				Why:  message.Message{Text: "the server does not serve them, though one of v1.24.17-eks-0a21954 can (policy/v1beta1 may be switched off); policies kept elsewhere can be read with -f"},
			}},
		},
		{
			name: "policies of a server that says no version we know", version: "rolling", absent: []string{"policy/v1beta1", "extensions/v1beta1"},
			notes: []inventory.Note{{
				What: "podsecuritypolicies",
				Why:  message.Message{Text: "the server does not serve them; policies kept elsewhere can be read with -f"},
			}},
		},
		{
			name: "group switched off", absent: []string{"batch/v1/cronjobs", "batch/v1beta1"},
			notes: []inventory.Note{{What: "cronjobs", Why: message.Message{Text: "the server does not serve them in any version known here, so there are none"}}},
		},
		{
			name: "no Kubernetes at all", absent: []string{"v1/pods"},
			gaps: []inventory.Gap{{
				What:       "pods",
				Why:        message.Message{Text: "the server does not know them (404), as every Kubernetes API server does; check the server's address in the kubeconfig"},
				Namespaces: []string{inventory.AllNamespaces},
				Affects:    inventory.PartWorkloads,
			}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			if tt.version != "" {
				s.version = tt.version
			}
			for _, a := range tt.absent {
				s.absent[a] = true
			}
			inv := s.load()
			if diff := cmp.Diff(tt.gaps, inv.Gaps, messageText()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.notes, inv.Notes, messageText()); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoServerIsOneError(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	answers := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	tests := []struct{ name, host, want string }{
		{
			name: "nobody listens", host: closed.URL,
			want: "dial tcp " + strings.TrimPrefix(closed.URL, "http://") + ": connect: connection refused; check that kubectl version works with the same context",
		},
		{
			name: "credentials are refused", host: answers(func(w http.ResponseWriter, _ *http.Request) {
				refuse(w, http.StatusUnauthorized, metav1.StatusReasonUnauthorized, "Unauthorized")
			}),
			want: "the server does not accept the credentials: Unauthorized; sign in again, or choose another context with --context",
		},
		{
			name: "another kind of server", host: answers(http.NotFound),
			want: "there is no /version (404), so this is no Kubernetes API server; check the address in the kubeconfig",
		},
		{
			name: "a sign-in page", host: answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>") }),
			want: "the answer to /version is not that of a Kubernetes API server; check the address in the kubeconfig",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := (&Reader{Config: &rest.Config{Host: tt.host}, Context: "prod"}).Load(t.Context())
			want := fmt.Sprintf("reaching the API server of context %q at %s: %s", "prod", tt.host, tt.want)
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestForbiddenVersionIsANote(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Path != "/version" {
			return false
		}
		refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden, "no")
		return true
	}
	inv := s.load()
	want := []inventory.Note{{
		What: "server version",
		Why:  message.Message{Text: "reading /version is forbidden (403); name the server's version with --target-version"},
	}}
	if diff := cmp.Diff(want, inv.Notes, messageText()); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if inv.Source.ServerVersion != "" {
		t.Errorf("server version is %q", inv.Source.ServerVersion)
	}
}
