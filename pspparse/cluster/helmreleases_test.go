package cluster

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

func keptSecret(n int) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: helms(named(fmt.Sprintf("s-%d", n))), Data: map[string][]byte{"release": fmt.Appendf(nil, "secret %d", n), "other": nil}}
}

func keptMap(n int) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: helms(named(fmt.Sprintf("m-%d", n))), Data: map[string]string{"release": fmt.Sprintf("map %d", n)}}
}

func helms(m metav1.ObjectMeta) metav1.ObjectMeta {
	m.Labels = map[string]string{"owner": "helm"}
	return m
}

func tillers(n int) *corev1.ConfigMap {
	m := keptMap(n)
	m.Labels = map[string]string{"OWNER": "TILLER"}
	return m
}

// handed are the releases that a reading hands on, one line each.
func handed(t *testing.T, r *Reader) ([]string, []inventory.Gap) {
	t.Helper()
	var got []string
	gaps, err := r.HelmReleases(t.Context(), func(kind string, m metav1.ObjectMeta, payload []byte) {
		got = append(got, fmt.Sprintf("%s %s/%s %s: %s", kind, m.Namespace, m.Name, m.UID, payload))
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, gaps
}

func TestReleases(t *testing.T) {
	t.Parallel()
	for _, onlyJSON := range []bool{false, true} {
		for _, namespace := range []string{"", "web"} {
			s := newServer(t)
			s.onlyJSON, s.pageSize = onlyJSON, 2
			at := map[string]string{"": "/api/v1/", "web": "/api/v1/namespaces/web/"}[namespace]
			s.objects[at+"secrets"] = []runtime.Object{keptSecret(1), keptSecret(2), keptSecret(3)}
			s.objects[at+"configmaps"] = []runtime.Object{keptMap(1), tillers(2), &corev1.ConfigMap{ObjectMeta: named("other")}}
			r := s.reader()
			r.Namespace = namespace
			got, gaps := handed(t, r)
			want := []string{"Secret web/s-1 1: secret 1", "Secret web/s-2 1: secret 2", "Secret web/s-3 1: secret 3", "ConfigMap web/m-1 1: map 1", "ConfigMap web/m-2 1: map 2"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(gaps) != 0 {
				t.Errorf("gaps %v", gaps)
			}
			var asked []string
			for _, r := range s.seen() {
				asked = append(asked, r.Method+" "+r.URL.String())
			}
			wantAsked := []string{
				"GET " + at + "secrets?fieldSelector=type%3Dhelm.sh%2Frelease.v1&labelSelector=owner%3Dhelm&limit=20",
				"GET " + at + "secrets?continue=2&fieldSelector=type%3Dhelm.sh%2Frelease.v1&labelSelector=owner%3Dhelm&limit=20",
				"GET " + at + "configmaps?labelSelector=owner%3Dhelm&limit=20",
				"GET " + at + "configmaps?labelSelector=OWNER%3DTILLER&limit=20",
			}
			if diff := cmp.Diff(wantAsked, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		}
	}
}

// ConfigMaps that may not be listed are told once, and are asked for once.
func TestReleasesForbiddenOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Path == "/api/v1/configmaps" {
			refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden, "jane may not")
		}
		return r.URL.Path == "/api/v1/configmaps"
	}
	_, gaps := handed(t, s.reader())
	if len(gaps) != 1 || gaps[0].What != "Helm releases in configmaps" || s.count["/api/v1/configmaps"] != 1 {
		t.Errorf("asked %v, gaps %v", s.count, gaps)
	}
}

// What may not be read is a gap, and the other kind is read.
func TestReleasesForbidden(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.objects["/api/v1/configmaps"] = []runtime.Object{keptMap(1)}
	s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Path != "/api/v1/secrets" {
			return false
		}
		refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden, "jane may not")
		return true
	}
	got, gaps := handed(t, s.reader())
	if diff := cmp.Diff([]string{"ConfigMap web/m-1 1: map 1"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := []inventory.Gap{{
		What: "Helm releases in secrets",
		Why: message.Message{Text: `listing them is forbidden (403: jane may not); grant the verb list on the resource secrets in API group "", ` +
			`with this rule in a ClusterRole: {apiGroups: [""], resources: ["secrets"], verbs: ["list"]}`},
		Namespaces: []string{inventory.AllNamespaces},
	}}
	if diff := cmp.Diff(want, gaps, messageText()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

// A page that breaks off is asked for again, and none of it was handed on; one that never comes is a gap.
func TestReleasesBrokenOff(t *testing.T) {
	t.Parallel()
	for _, forGood := range []bool{false, true} {
		s := newServer(t)
		s.pageSize = 1
		s.objects["/api/v1/secrets"] = []runtime.Object{keptSecret(1), keptSecret(2)}
		s.before = func(w http.ResponseWriter, r *http.Request, nth int) bool {
			if r.URL.Path == "/api/v1/secrets" && (nth == 2 || nth > 2 && forGood) {
				cut(w)
			}
			return false
		}
		want, wantGaps := []string{"Secret web/s-1 1: secret 1", "Secret web/s-2 1: secret 2"}, []inventory.Gap(nil)
		if forGood {
			want = want[:1]
			wantGaps = []inventory.Gap{{
				What: "Helm releases in secrets", Why: message.Message{Text: "listing them failed after 1 were read: unexpected EOF; try again"},
				Namespaces: []string{inventory.AllNamespaces},
			}}
		}
		got, gaps := handed(t, s.reader())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(wantGaps, gaps, messageText()); diff != "" {
			t.Errorf("gaps (-want +got):\n%s", diff)
		}
	}
}

// A list that expires is begun again, more than once if need be, and nothing is handed on twice; one that always expires is a gap.
func TestReleasesExpired(t *testing.T) {
	t.Parallel()
	for _, always := range []bool{false, true} {
		s := newServer(t)
		s.pageSize = 1
		s.objects["/api/v1/secrets"] = []runtime.Object{keptSecret(1), keptSecret(2), keptSecret(3)}
		s.before = func(w http.ResponseWriter, r *http.Request, nth int) bool {
			if r.URL.Query().Get("continue") != "2" || nth > 6 && !always {
				return false
			}
			refuse(w, http.StatusGone, metav1.StatusReasonExpired, "too old")
			return true
		}
		got, gaps := handed(t, s.reader())
		want := []string{"Secret web/s-1 1: secret 1", "Secret web/s-2 1: secret 2", "Secret web/s-3 1: secret 3"}
		if always {
			want = want[:2]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("always=%t (-want +got):\n%s", always, diff)
		}
		if always != (len(gaps) == 1) {
			t.Errorf("always=%t: gaps %v", always, gaps)
		}
	}
}

// The rule for Secrets is none of those that everything else needs.
func TestReleaseRules(t *testing.T) {
	t.Parallel()
	for _, rule := range ReadRules() {
		if slices.Contains(rule.Resources, "secrets") {
			t.Errorf("Rules has %v", rule)
		}
	}
	if got := fmt.Sprint(HelmReleaseRules()); got != "[{[list] [] [secrets configmaps] [] []}]" {
		t.Errorf("got %s", got)
	}
}
