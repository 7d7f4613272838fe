package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestManagedBy(t *testing.T) {
	t.Parallel()
	type m = map[string]string
	helm := m{"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "grafana"}
	release := m{"meta.helm.sh/release-name": "grafana", "meta.helm.sh/release-namespace": "web"}
	tests := map[string]struct {
		labels, annotations m
		want                Manager
	}{
		"nobody":                    {labels: m{"app.kubernetes.io/managed-by": "me"}},
		"a release":                 {labels: helm, annotations: release, want: Manager{"Helm", "release web/grafana"}},
		"rendered by helm":          {labels: helm, want: Manager{"Helm", "release grafana"}},
		"helm, and no more":         {labels: m{"app.kubernetes.io/managed-by": "Helm"}, want: Manager{Tool: "Helm"}},
		"a value in the label":      {labels: helm, annotations: m{"app.kubernetes.io/managed-by": "x"}, want: Manager{"Helm", "release grafana"}},
		"argo cd, of a chart":       {labels: helm, annotations: m{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:web/grafana"}, want: Manager{"Argo CD", "application shop"}},
		"argo cd by label":          {labels: m{"argocd.argoproj.io/instance": "shop"}, want: Manager{"Argo CD", "application shop"}},
		"flux":                      {labels: m{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"}, want: Manager{"Flux", "Kustomization flux/apps"}},
		"flux, of a chart":          {labels: m{"helm.toolkit.fluxcd.io/name": "grafana", "helm.toolkit.fluxcd.io/namespace": "web"}, annotations: release, want: Manager{"Flux", "HelmRelease web/grafana"}},
		"config sync":               {annotations: m{"configmanagement.gke.io/managed": "enabled"}, want: Manager{Tool: "Config Sync"}},
		"config sync, switched off": {annotations: m{"configmanagement.gke.io/managed": "disabled"}},
		"a tool without a name":     {labels: m{"kapp.k14s.io/app": "1690"}, want: Manager{Tool: "kapp"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, ManagerOf(tt.labels, tt.annotations)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRepository(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "web": "web", "web:v1": "web", "r.example:5000/web": "r.example:5000/web", "r.example:5000/a/web:v1": "r.example:5000/a/web",
		"web@sha256:0f": "web", "r.example/web:v1@sha256:0f": "r.example/web",
	} {
		if got := imageRepository(in); got != want {
			t.Errorf("repository(%q) = %q, want %q", in, got, want)
		}
	}
}

// What of the template's object is kept beside its shape, and once for all that agree.
func TestOrigin(t *testing.T) {
	t.Parallel()
	inv := build(t, documents(t, `
{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "web", "labels": {"helm.sh/chart": "web-1.2.3", "app.kubernetes.io/managed-by": "Helm"}}, "spec": {"template": {"metadata": {"annotations": {}}, "spec": {"securityContext": {}, "nodeSelector": {"kubernetes.io/os": "windows"}, "initContainers": [{"name": "i", "image": "init:v1"}], "containers": [{"name": "c", "image": "r.example/app:v1"}]}}}}
{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "b", "namespace": "web"}, "spec": {"template": {"metadata": {"name": "x"}, "spec": {"nodeSelector": {"kubernetes.io/os": "linux"}, "containers": [{"name": "c", "image": "app:v1"}]}}}}
{"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c", "namespace": "web"}, "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "app:v2"}]}}}}}}
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "d", "namespace": "web", "uid": "u"}, "spec": {"containers": [{"name": "c", "image": "app:v2"}]}}
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "e", "namespace": "web", "labels": {"app.kubernetes.io/managed-by": "Helm"}}, "spec": {"containers": [{"name": "c", "image": "app:v2"}]}}
`))
	want := map[string]*TemplateMeta{
		"a": {
			Manager: Manager{Tool: "Helm"}, Chart: "web-1.2.3", Images: []string{"init", "r.example/app"},
			SecurityContext: true, Metadata: true, Annotations: true, Windows: true,
		},
		"b": {Images: []string{"app"}},
		"c": {Images: []string{"app"}},
		"d": nil,
		"e": {Manager: Manager{Tool: "Helm"}, Images: []string{"app"}, Metadata: true},
	}
	got := map[string]*TemplateMeta{}
	for _, w := range inv.Workloads {
		got[w.Name] = w.TemplateMeta
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got["b"] != got["c"] {
		t.Error("two templates that agree have an origin each")
	}
}
