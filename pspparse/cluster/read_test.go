package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"

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
