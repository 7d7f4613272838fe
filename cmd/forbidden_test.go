package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/psp2pss/psp2pss/migrate"
)

// served is every kind that a v1.24 server lists, by path.
func served() map[string]string {
	return map[string]string{
		"/apis/policy/v1beta1/podsecuritypolicies":               "PodSecurityPolicyList",
		"/apis/rbac.authorization.k8s.io/v1/roles":               "RoleList",
		"/apis/rbac.authorization.k8s.io/v1/clusterroles":        "ClusterRoleList",
		"/apis/rbac.authorization.k8s.io/v1/rolebindings":        "RoleBindingList",
		"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings": "ClusterRoleBindingList",
		"/api/v1/serviceaccounts":                                "ServiceAccountList",
		"/api/v1/namespaces":                                     "NamespaceList",
		"/api/v1/pods":                                           "PodList",
		"/api/v1/replicationcontrollers":                         "ReplicationControllerList",
		"/api/v1/podtemplates":                                   "PodTemplateList",
		"/apis/apps/v1/replicasets":                              "ReplicaSetList",
		"/apis/apps/v1/deployments":                              "DeploymentList",
		"/apis/apps/v1/statefulsets":                             "StatefulSetList",
		"/apis/apps/v1/daemonsets":                               "DaemonSetList",
		"/apis/batch/v1/jobs":                                    "JobList",
		"/apis/batch/v1/cronjobs":                                "CronJobList",
	}
}

// keeping are the kinds that only gate lists, by path.
func keeping() map[string]string {
	return map[string]string{"/api/v1/secrets": "SecretList", "/api/v1/configmaps": "ConfigMapList"}
}

// server is an apiServer that records every method, with a kubeconfig of it.
func server(t *testing.T, forbidden string) (kubeconfig string, methods func() []string) {
	t.Helper()
	var mu sync.Mutex
	seen := map[string]bool{}
	s := httptest.NewServer(apiServer(t, forbidden, func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.Method] = true
	}))
	t.Cleanup(s.Close)
	kubeconfig = filepath.Join(t.TempDir(), "config")
	config := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"clusters": [{"name": "c", "cluster": {"server": %q}}], "users": [{"name": "c", "user": {"token": "t"}}],
		"contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}]}`, s.URL)
	if err := os.WriteFile(kubeconfig, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return kubeconfig, func() []string {
		mu.Lock()
		defer mu.Unlock()
		var out []string
		for m := range seen {
			out = append(out, m)
		}
		slices.Sort(out)
		return out
	}
}

// servedObjects are those of apiServer.
var servedObjects = objects{"p", "web", "deployment/d", "default"}

// apiServer answers lists with one policy, one namespace, one Deployment and one Helm release in it, and refuses one path; it calls saw
// with every request.
func apiServer(t *testing.T, forbidden string, saw func(*http.Request)) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		saw(r)
		w.Header().Set("Content-Type", "application/json")
		kind, ok := served()[r.URL.Path]
		if !ok {
			kind, ok = keeping()[r.URL.Path]
		}
		switch {
		case r.URL.Path == "/version":
			_, _ = w.Write([]byte(`{"major": "1", "minor": "24", "gitVersion": "v1.24.17"}`))
		case r.URL.Path == "/apis":
			_, _ = w.Write([]byte(`{"kind": "APIGroupList", "apiVersion": "v1", "groups": []}`))
		case r.URL.Path == "/api/v1/namespaces/kube-system":
			_, _ = w.Write([]byte(`{"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "kube-system", "uid": "0"}}`))
		case r.URL.Path == forbidden:
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "message": "no", "code": 403}`))
		case ok:
			items := map[string]string{
				"PodSecurityPolicyList": `{"metadata": {"name": "p"}, "spec": {"privileged": true}}`,
				"NamespaceList":         `{"metadata": {"name": "web", "uid": "1"}}`,
				"SecretList":            storedRelease(t, 1),
				"DeploymentList":        `{"metadata": {"name": "d", "namespace": "web", "uid": "2"}, "spec": {"template": {"spec": {"containers": [{"name": "c"}]}}}}`,
			}
			version := strings.TrimPrefix(strings.TrimPrefix(filepath.Dir(r.URL.Path), "/apis/"), "/api/")
			_, _ = fmt.Fprintf(w, `{"kind": %q, "apiVersion": %q, "metadata": {}, "items": [%s]}`, kind, version, items[kind])
		case r.URL.Path+"/" == forbidden[:strings.LastIndex(forbidden, "/")+1]: // discovery of the refused kind's group
			name := filepath.Base(forbidden)
			_ = json.NewEncoder(w).Encode(map[string]any{
				"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "x/v1",
				"resources": []any{map[string]any{"name": name, "kind": strings.TrimSuffix(served()[forbidden], "List"), "verbs": []string{"list"}}},
			})
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}`))
		}
	}
}

// Forbidden on any one kind: exit code 4 and one gap that names the verb and the resource to grant. It touches every namespace,
// and no enforce is given unless it is known that only policies or grants are missing, since what runs decides. Nothing but
// GET is ever sent.
func TestForbiddenOnAnyKind(t *testing.T) {
	t.Parallel()
	paths := []string{""}
	for path := range served() {
		paths = append(paths, path)
	}
	for _, forbidden := range paths {
		t.Run(filepath.Base(forbidden), func(t *testing.T) {
			t.Parallel()
			kubeconfig, methods := server(t, "/"+strings.TrimPrefix(forbidden, "/"))
			var out, errOut bytes.Buffer
			code := Run(context.Background(), Streams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}, SystemDeps("psp2pss"), []string{"plan", "--kubeconfig", kubeconfig, "-o", "json"})
			plan, err := migrate.ReadPlan(&out)
			if err != nil {
				t.Fatalf("exit code %d, %v: %s", code, err, errOut.String())
			}
			if got := methods(); !slices.Equal(got, []string{"GET"}) {
				t.Errorf("methods sent: %v", got)
			}
			if forbidden == "" {
				if code != 0 || len(plan.Gaps) != 0 || plan.Namespaces[0].RecommendedLabels.Enforce == "" {
					t.Errorf("everything allowed: exit code %d, gaps %v, enforce %q", code, plan.Gaps, plan.Namespaces[0].RecommendedLabels.Enforce)
				}
				return
			}
			resource := filepath.Base(forbidden)
			if code != 4 || len(plan.Gaps) != 1 {
				t.Fatalf("exit code %d, gaps %v; want 4 and one gap; %s", code, plan.Gaps, errOut.String())
			}
			if g := plan.Gaps[0]; g.What != resource || !strings.Contains(g.Text, "list") || !strings.Contains(g.Text, resource) || !slices.Equal(g.Affects, []string{"*"}) {
				t.Errorf("gap %+v does not name list and %s, or does not touch every namespace", g, resource)
			}
			enforce := ""
			switch resource {
			case "podsecuritypolicies", "clusterroles", "clusterrolebindings", "roles", "rolebindings", "serviceaccounts":
				enforce = "baseline"
			}
			for _, ns := range plan.Namespaces {
				if ns.RecommendedLabels.Enforce != enforce || ns.Complete != (enforce != "") || ns.RecommendedLabels.Warn != "restricted" {
					t.Errorf("namespace %s: complete=%t, recommended %+v", ns.Name, ns.Complete, ns.RecommendedLabels)
				}
			}
		})
	}
}
