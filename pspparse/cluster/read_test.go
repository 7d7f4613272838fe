package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	appsv1beta1 "k8s.io/api/apps/v1beta1"
	appsv1beta2 "k8s.io/api/apps/v1beta2"
	batchv1 "k8s.io/api/batch/v1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	corev1 "k8s.io/api/core/v1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	rbacv1 "k8s.io/api/rbac/v1"
	rbacv1beta1 "k8s.io/api/rbac/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

func named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "web", Name: name, UID: "1"}
}

func web() *corev1.Namespace { return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "web"}} }

func spec() corev1.PodSpec {
	return corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}
}

func template() corev1.PodTemplateSpec { return corev1.PodTemplateSpec{Spec: spec()} }

// claims are templates of what a controller gives each pod beside the volumes of its own template.
func claims() []corev1.PersistentVolumeClaim {
	return []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "data"}}}
}

func pod(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: named(name), Spec: spec(), Status: corev1.PodStatus{Phase: corev1.PodRunning}}
}

func psp(name string) map[string]any {
	anything := map[string]any{"rule": "RunAsAny"}
	return map[string]any{
		"metadata": map[string]any{"name": name, "uid": "1"},
		"spec": map[string]any{
			"privileged": true, "seLinux": anything, "runAsUser": anything, "supplementalGroups": anything, "fsGroup": anything,
		},
	}
}

// digest tells what was read in one line each, enough to see that everything arrived under its current kind.
func digest(inv *inventory.Inventory) []string {
	var out []string
	for _, p := range inv.Policies {
		out = append(out, "policy "+p.Name)
	}
	for _, n := range inv.Namespaces {
		out = append(out, fmt.Sprintf("namespace %s declared=%t", n.Name, n.Declared))
	}
	for _, s := range inv.ServiceAccounts {
		out = append(out, "account "+s.Namespace+"/"+s.Name)
	}
	for _, r := range inv.Roles {
		out = append(out, fmt.Sprintf("role %s/%s rules=%d live=%t", r.Namespace, r.Name, len(r.Rules), r.Stored))
	}
	for _, b := range inv.Bindings {
		out = append(out, fmt.Sprintf("binding %s/%s %s %s subjects=%d", b.Namespace, b.Name, b.RoleKind, b.RoleName, len(b.Subjects)))
	}
	for _, w := range inv.Workloads {
		pods := 0
		for _, g := range w.PodGroups {
			pods += g.Count
		}
		line := fmt.Sprintf("%s %s/%s replicas=%d pods=%d", w.Kind, w.Namespace, w.Name, w.Replicas, pods)
		if w.Template != nil && len(w.Template.Spec.Volumes) > 0 {
			var names []string
			for _, v := range w.Template.Spec.Volumes {
				names = append(names, v.Name)
			}
			line += fmt.Sprintf(" volumes=%v", names)
		}
		out = append(out, line)
	}
	for _, n := range inv.Notes {
		out = append(out, "note "+n.What)
	}
	for _, g := range inv.Gaps {
		out = append(out, "gap "+g.What)
	}
	return out
}

func ptr[T any](v T) *T { return &v }

// fill puts one object of every kind on the server, under the current group versions.
func (s *server) fill() {
	rules := []rbacv1.PolicyRule{{Verbs: []string{"use"}, APIGroups: []string{"policy"}, Resources: []string{podSecurityPoliciesResource}}}
	subjects := []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "web", Name: "default"}}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cr"}
	cluster := metav1.ObjectMeta{Name: "cr", UID: "1"}
	s.psps = []map[string]any{psp("open")}
	s.objects = map[string][]runtime.Object{
		"/api/v1/namespaces":             {web()},
		"/api/v1/pods":                   {pod("bare")},
		"/api/v1/serviceaccounts":        {&corev1.ServiceAccount{ObjectMeta: named("default")}},
		"/api/v1/replicationcontrollers": {&corev1.ReplicationController{ObjectMeta: named("rc"), Spec: corev1.ReplicationControllerSpec{Template: ptr(template())}}},
		"/api/v1/podtemplates":           {&corev1.PodTemplate{ObjectMeta: named("pt"), Template: template()}},
		"/apis/apps/v1/replicasets":      {&appsv1.ReplicaSet{ObjectMeta: named("rs"), Spec: appsv1.ReplicaSetSpec{Replicas: ptr(int32(0)), Template: template()}}},
		"/apis/apps/v1/deployments":      {&appsv1.Deployment{ObjectMeta: named("d"), Spec: appsv1.DeploymentSpec{Replicas: ptr(int32(3)), Template: template()}}},
		"/apis/apps/v1/statefulsets":     {&appsv1.StatefulSet{ObjectMeta: named("sts"), Spec: appsv1.StatefulSetSpec{Template: template(), VolumeClaimTemplates: claims()}}},
		"/apis/apps/v1/daemonsets":       {&appsv1.DaemonSet{ObjectMeta: named("ds"), Spec: appsv1.DaemonSetSpec{Template: template()}}},
		"/apis/batch/v1/jobs": {
			&batchv1.Job{ObjectMeta: named("j"), Spec: batchv1.JobSpec{Suspend: ptr(true), Template: template()}},
			&batchv1.Job{ObjectMeta: named("k"), Spec: batchv1.JobSpec{Parallelism: ptr(int32(4)), Template: template()}},
		},
		"/apis/batch/v1/cronjobs":                                {&batchv1.CronJob{ObjectMeta: named("cj"), Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template()}}}}},
		"/apis/rbac.authorization.k8s.io/v1/roles":               {&rbacv1.Role{ObjectMeta: named("r"), Rules: rules}},
		"/apis/rbac.authorization.k8s.io/v1/clusterroles":        {&rbacv1.ClusterRole{ObjectMeta: cluster, Rules: rules}},
		"/apis/rbac.authorization.k8s.io/v1/rolebindings":        {&rbacv1.RoleBinding{ObjectMeta: named("rb"), RoleRef: ref, Subjects: subjects}},
		"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings": {&rbacv1.ClusterRoleBinding{ObjectMeta: cluster, RoleRef: ref, Subjects: subjects}},
	}
}

var everything = []string{
	"policy open",
	"namespace web declared=true",
	"account web/default",
	"role /cr rules=1 live=true",
	"role web/r rules=1 live=true",
	"binding /cr ClusterRole cr subjects=1",
	"binding web/rb ClusterRole cr subjects=1",
	"CronJob web/cj replicas=0 pods=0",
	"DaemonSet web/ds replicas=0 pods=0",
	"Deployment web/d replicas=3 pods=0",
	"Job web/j replicas=0 pods=0",
	"Job web/k replicas=4 pods=0",
	"Pod web/bare replicas=1 pods=1",
	"PodTemplate web/pt replicas=0 pods=0",
	"ReplicaSet web/rs replicas=0 pods=0",
	"ReplicationController web/rc replicas=1 pods=0",
	"StatefulSet web/sts replicas=1 pods=0 volumes=[data]",
}

func TestReadEveryKind(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.fill()
	inv := s.load()
	if diff := cmp.Diff(everything, digest(inv)); diff != "" {
		t.Errorf("inventory (-want +got):\n%s", diff)
	}
	want := inventory.Source{Kind: inventory.SourceCluster, Name: "test", ServerVersion: "v1.24.17"}
	if diff := cmp.Diff(want, inv.Source); diff != "" {
		t.Errorf("source (-want +got):\n%s", diff)
	}
}

// A reader that can only read: every request is a get of /version or a list, in protobuf but for policies.
func TestReadOnlyGetsAndLists(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.fill()
	s.load()
	type request struct{ Method, Path, Query, Accept string }
	const pb = "application/vnd.kubernetes.protobuf,application/json"
	want := []request{{"GET", "/version", "", pb}}
	for _, k := range builtinKinds() {
		accept := pb
		if k.resource == podSecurityPoliciesResource {
			accept = "application/json"
		}
		want = append(want, request{"GET", groupVersionPath(k.sources[0].gv) + "/" + k.resource, "limit=1", accept})
		if k.resource == "jobs" { // there are two of them
			want = append(want, request{"GET", groupVersionPath(k.sources[0].gv) + "/" + k.resource, "limit=500", accept})
		}
	}
	var got []request
	for _, r := range s.seen() {
		got = append(got, request{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Accept")})
		if agent := r.UserAgent(); !strings.HasPrefix(agent, "psp2pss ") {
			t.Errorf("user agent of %s is %q", r.URL, agent)
		}
	}
	byPath := func(a, b request) int { return strings.Compare(a.Path+"?"+a.Query, b.Path+"?"+b.Query) }
	slices.SortFunc(want, byPath)
	slices.SortFunc(got, byPath)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestImpersonation(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := s.reader()
	r.Config.Impersonate = rest.ImpersonationConfig{UserName: "jane", Groups: []string{"dev", "ops"}, UID: "7"}
	if _, err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, req := range s.seen() {
		got := []string{req.Header.Get("Impersonate-User"), strings.Join(req.Header["Impersonate-Group"], ","), req.Header.Get("Impersonate-Uid")}
		if diff := cmp.Diff([]string{"jane", "dev,ops", "7"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", req.URL, diff)
		}
	}
}

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

// A server of the years before apps/v1, rbac v1 and batch/v1 CronJobs: everything reads as its current kind.
func TestOldServer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.fill()
	s.version = "v1.7.16"
	for _, gv := range []string{"apps/v1", "apps/v1beta2", "batch/v1/cronjobs", "rbac.authorization.k8s.io/v1", "policy/v1beta1"} {
		s.absent[gv] = true
	}
	for path := range s.objects {
		if strings.HasPrefix(path, "/apis/apps/v1/") || strings.HasPrefix(path, "/apis/rbac") || path == "/apis/batch/v1/cronjobs" {
			delete(s.objects, path)
		}
	}
	rules := []rbacv1beta1.PolicyRule{{Verbs: []string{"use"}, APIGroups: []string{"policy"}, Resources: []string{podSecurityPoliciesResource}}}
	subjects := []rbacv1beta1.Subject{{Kind: "ServiceAccount", Namespace: "web", Name: "default"}}
	ref := rbacv1beta1.RoleRef{Kind: "ClusterRole", Name: "cr"}
	cluster := metav1.ObjectMeta{Name: "cr", UID: "1"}
	for path, o := range map[string]runtime.Object{
		"/apis/extensions/v1beta1/replicasets":                        &extensionsv1beta1.ReplicaSet{ObjectMeta: named("rs"), Spec: extensionsv1beta1.ReplicaSetSpec{Replicas: ptr(int32(0)), Template: template()}},
		"/apis/extensions/v1beta1/deployments":                        &extensionsv1beta1.Deployment{ObjectMeta: named("d"), Spec: extensionsv1beta1.DeploymentSpec{Replicas: ptr(int32(3)), Template: template()}},
		"/apis/extensions/v1beta1/daemonsets":                         &extensionsv1beta1.DaemonSet{ObjectMeta: named("ds"), Spec: extensionsv1beta1.DaemonSetSpec{Template: template()}},
		"/apis/apps/v1beta1/statefulsets":                             &appsv1beta1.StatefulSet{ObjectMeta: named("sts"), Spec: appsv1beta1.StatefulSetSpec{Template: template(), VolumeClaimTemplates: claims()}},
		"/apis/batch/v1beta1/cronjobs":                                &batchv1beta1.CronJob{ObjectMeta: named("cj"), Spec: batchv1beta1.CronJobSpec{JobTemplate: batchv1beta1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template()}}}},
		"/apis/rbac.authorization.k8s.io/v1beta1/roles":               &rbacv1beta1.Role{ObjectMeta: named("r"), Rules: rules},
		"/apis/rbac.authorization.k8s.io/v1beta1/clusterroles":        &rbacv1beta1.ClusterRole{ObjectMeta: cluster, Rules: rules},
		"/apis/rbac.authorization.k8s.io/v1beta1/rolebindings":        &rbacv1beta1.RoleBinding{ObjectMeta: named("rb"), RoleRef: ref, Subjects: subjects},
		"/apis/rbac.authorization.k8s.io/v1beta1/clusterrolebindings": &rbacv1beta1.ClusterRoleBinding{ObjectMeta: cluster, RoleRef: ref, Subjects: subjects},
	} {
		s.objects[path] = []runtime.Object{o}
	}
	inv := s.load()
	if diff := cmp.Diff(everything, digest(inv)); diff != "" {
		t.Errorf("inventory (-want +got):\n%s", diff)
	}
	if len(inv.Policies) == 1 && inv.Policies[0].APIVersion != "extensions/v1beta1" {
		t.Errorf("policy was read from %s", inv.Policies[0].APIVersion)
	}
}

// A server of v1.8: controllers are in apps/v1beta2.
func TestServerOfV18(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.absent["apps/v1"] = true
	s.objects = map[string][]runtime.Object{
		"/api/v1/namespaces":              {web()},
		"/apis/apps/v1beta2/replicasets":  {&appsv1beta2.ReplicaSet{ObjectMeta: named("rs"), Spec: appsv1beta2.ReplicaSetSpec{Replicas: ptr(int32(0)), Template: template()}}},
		"/apis/apps/v1beta2/deployments":  {&appsv1beta2.Deployment{ObjectMeta: named("d"), Spec: appsv1beta2.DeploymentSpec{Replicas: ptr(int32(3)), Template: template()}}},
		"/apis/apps/v1beta2/daemonsets":   {&appsv1beta2.DaemonSet{ObjectMeta: named("ds"), Spec: appsv1beta2.DaemonSetSpec{Template: template()}}},
		"/apis/apps/v1beta2/statefulsets": {&appsv1beta2.StatefulSet{ObjectMeta: named("sts"), Spec: appsv1beta2.StatefulSetSpec{Template: template(), VolumeClaimTemplates: claims()}}},
	}
	want := []string{
		"namespace web declared=true",
		"DaemonSet web/ds replicas=0 pods=0",
		"Deployment web/d replicas=3 pods=0",
		"ReplicaSet web/rs replicas=0 pods=0",
		"StatefulSet web/sts replicas=1 pods=0 volumes=[data]",
	}
	if diff := cmp.Diff(want, digest(s.load())); diff != "" {
		t.Errorf("inventory (-want +got):\n%s", diff)
	}
}

func TestControllerWithoutTemplateIsAGap(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.objects["/api/v1/replicationcontrollers"] = []runtime.Object{&corev1.ReplicationController{ObjectMeta: named("rc")}}
	want := []inventory.Gap{{
		What:       `ReplicationController "web/rc"`,
		Why:        message.Message{Text: "the server returned it without a pod template; look at it with kubectl get -o yaml"},
		Namespaces: []string{"web"},
		Affects:    inventory.PartWorkloads,
	}}
	if diff := cmp.Diff(want, s.load().Gaps, messageText()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

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
	want := []string{"reading pods 2/7", "reading pods 4/7", "reading pods 6/7", "reading pods 7/7"}
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
	if diff := cmp.Diff([]time.Duration{initialRetryDelay, 7 * time.Second}, waited); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

func TestTimeoutIsAGap(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.before = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Path != "/api/v1/pods" {
			return false
		}
		<-r.Context().Done()
		return true
	}
	r := s.reader()
	r.Timeout = 5 * time.Second // long enough for the others, however busy the machine is
	inv, err := r.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []inventory.Gap{{
		What:       "pods",
		Why:        message.Message{Text: "listing them failed after 0 were read: no whole answer within 5s; try again"},
		Namespaces: []string{inventory.AllNamespaces},
		Affects:    inventory.PartWorkloads,
	}}
	if diff := cmp.Diff(want, inv.Gaps, messageText()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
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

func TestLabelManagers(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const enforce = "pod-security.kubernetes.io/enforce"
	owns := func(manager, fields string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationApply, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields)}
	}
	s.objects["/api/v1/namespaces"] = []runtime.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:   "web",
		Labels: map[string]string{enforce: "baseline", "team": "a"},
		Annotations: map[string]string{
			"owner": "jane", corev1.LastAppliedConfigAnnotation: "{}",
		},
		ManagedFields: []metav1.ManagedFieldsEntry{
			owns("kubectl-label", `{"f:metadata":{"f:labels":{".":{},"f:team":{},"f:`+enforce+`":{}}}}`),
			owns("argocd", `{"f:metadata":{"f:annotations":{"f:owner":{}},"f:labels":{"f:`+enforce+`":{}}}}`),
			owns("odd", `[`),
			owns("argocd", `{"f:metadata":{"f:labels":{"f:`+enforce+`":{}}},"f:status":{}}`),
		},
	}}}
	want := []inventory.Namespace{{
		Name: "web", Declared: true,
		Labels:        map[string]string{enforce: "baseline", "team": "a"},
		Annotations:   map[string]string{"owner": "jane"},
		ClientApplied: true,
		LabelManagers: map[string][]string{enforce: {"argocd", "kubectl-label"}, "team": {"kubectl-label"}},
	}}
	if diff := cmp.Diff(want, s.load().Namespaces); diff != "" {
		t.Errorf("namespaces (-want +got):\n%s", diff)
	}
}

func TestTerminatingNamespaces(t *testing.T) {
	t.Parallel()
	now := metav1.Unix(1, 0)
	s := newServer(t)
	s.objects["/api/v1/namespaces"] = []runtime.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Status: corev1.NamespaceStatus{Phase: corev1.NamespaceActive}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "b", DeletionTimestamp: &now}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Status: corev1.NamespaceStatus{Phase: corev1.NamespaceTerminating}},
	}
	for i, want := range []bool{false, true, true} {
		if ns := s.load().Namespaces[i]; ns.Terminating != want {
			t.Errorf("namespace %s: terminating=%t, want %t", ns.Name, ns.Terminating, want)
		}
	}
}

func TestUnreadablePolicyIsAGap(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	odd := psp("odd")
	odd["spec"].(map[string]any)["privileged"] = "yes"
	s.psps = []map[string]any{odd, psp("open")}
	inv := s.load()
	if diff := cmp.Diff([]string{"policy open", `gap PodSecurityPolicy "odd"`}, digest(inv)); diff != "" {
		t.Errorf("inventory (-want +got):\n%s", diff)
	}
}

// What the rules grant is what the table of kinds that are always read lists, no more: get and list.
func TestRules(t *testing.T) {
	t.Parallel()
	want := []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"pods", "replicationcontrollers", "podtemplates", "serviceaccounts", "namespaces"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{"apps"}, Resources: []string{"replicasets", "deployments", "statefulsets", "daemonsets"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{"extensions"}, Resources: []string{"replicasets", "deployments", "daemonsets", "podsecuritypolicies"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{"batch"}, Resources: []string{"jobs", "cronjobs"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{"rbac.authorization.k8s.io"}, Resources: []string{"rolebindings", "roles", "clusterrolebindings", "clusterroles"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{"policy"}, Resources: []string{"podsecuritypolicies"}, Verbs: []string{"get", "list"}},
	}
	if diff := cmp.Diff(want, CoreReadRules()); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

// The flags of API servers come with their mirror pods, in either coding.
func TestAPIServers(t *testing.T) {
	t.Parallel()
	for _, onlyJSON := range []bool{false, true} {
		s := newServer(t)
		s.onlyJSON = onlyJSON
		mirror := pod("kube-apiserver-n1")
		mirror.Namespace, mirror.Annotations = "kube-system", map[string]string{"kubernetes.io/config.mirror": "x"}
		mirror.Spec.Containers[0].Name = "kube-apiserver"
		mirror.Spec.Containers[0].Command = []string{"kube-apiserver", "--enable-admission-plugins=NodeRestriction,PodSecurityPolicy", "--v=2"}
		s.objects["/api/v1/pods"] = []runtime.Object{mirror, pod("web")}
		want := []inventory.APIServer{{Pod: "kube-apiserver-n1", Flags: map[string]string{"enable-admission-plugins": "NodeRestriction,PodSecurityPolicy"}}}
		if diff := cmp.Diff(want, s.load().APIServers); diff != "" {
			t.Errorf("only JSON %t (-want +got):\n%s", onlyJSON, diff)
		}
	}
}
