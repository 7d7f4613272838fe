package custom_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// inventoryOf is what documents in YAML hold.
func inventoryOf(t *testing.T, docs ...string) *inventory.Inventory {
	t.Helper()
	r := &files.Reader{Paths: []string{files.StdinPath}, Stdin: strings.NewReader(strings.Join(docs, "\n---\n"))}
	inv, err := r.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// Pods of a custom object get the labels and annotations of its templates, by which injectors select them.
func TestMetadataOfTemplates(t *testing.T) {
	t.Parallel()
	meta := func(app string) *inventory.PodMeta {
		return &inventory.PodMeta{Labels: map[string]string{"app": app}}
	}
	template := func(app string) string { return "{metadata: {labels: {app: " + app + "}}, spec: " + podSpec + "}" }
	type embedded map[string][]*inventory.PodMeta
	for name, test := range map[string]struct {
		docs     []string
		want     []*inventory.PodMeta
		embedded embedded
	}{
		"Rollout": {
			[]string{owned("argoproj.io/v1alpha1", "Rollout", "a", "", "spec: {template: "+template("web")+"}")},
			[]*inventory.PodMeta{meta("web")},
			embedded{"spec.template": {meta("web")}},
		},
		"Rollout with ReplicaSets, one of them older": {
			[]string{
				owned("argoproj.io/v1alpha1", "Rollout", "a", "", "spec: {template: "+template("web")+"}"),
				owned("apps/v1", "ReplicaSet", "a-1", "argoproj.io/v1alpha1 Rollout a", "spec: {replicas: 0, template: "+template("old")+"}"),
				owned("apps/v1", "ReplicaSet", "a-2", "argoproj.io/v1alpha1 Rollout a", "spec: {replicas: 1, template: "+template("made")+"}"),
			},
			[]*inventory.PodMeta{meta("made"), meta("web")},
			embedded{"spec.template": {meta("made"), meta("web")}},
		},
		"read twice": {
			[]string{
				owned("argoproj.io/v1alpha1", "Rollout", "a", "", "spec: {template: "+template("web")+"}"),
				owned("argoproj.io/v1alpha1", "Rollout", "a", "", "spec: {template: "+template("live")+"}"),
			},
			[]*inventory.PodMeta{meta("live"), meta("web")},
			embedded{"spec.template": {meta("live"), meta("web")}},
		},
		"several templates": {
			[]string{owned("jobset.x-k8s.io/v1alpha2", "JobSet", "a", "", "spec: {replicatedJobs: [{template: {spec: {template: "+template("x")+"}}}, {template: {spec: {template: {spec: "+goodSpec+"}}}}]}")},
			[]*inventory.PodMeta{{}, meta("x")},
			embedded{"spec.replicatedJobs[0].template.spec.template": {meta("x")}, "spec.replicatedJobs[1].template.spec.template": nil},
		},
		"parts of templates": {
			[]string{owned("argoproj.io/v1alpha1", "Workflow", "a", "", "spec: {podMetadata: {labels: {app: all}}, templates: [{name: a, metadata: {labels: {app: one}}, container: {image: i}}]}")},
			[]*inventory.PodMeta{meta("all"), meta("one")},
			embedded{"spec.templates[0].container": {meta("all"), meta("one")}},
		},
		"labels that a run hands on": {
			[]string{"apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {name: a, namespace: shop, labels: {app: run}}\nspec: {taskSpec: {steps: [{image: i}]}}"},
			[]*inventory.PodMeta{meta("run")},
			embedded{"spec.taskSpec.steps[0]": {meta("run")}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := inventoryOf(t, test.docs...).Workloads[0]
			if diff := cmp.Diff(test.want, w.PodMetas); diff != "" {
				t.Errorf("of the workload (-want +got):\n%s", diff)
			}
			got := embedded{}
			for _, e := range w.Embedded {
				got[e.Path] = e.PodMetas
			}
			if diff := cmp.Diff(test.embedded, got); diff != "" {
				t.Errorf("of its templates (-want +got):\n%s", diff)
			}
		})
	}
}
