package custom_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// owned is an object in the namespace shop that another one made.
func owned(apiVersion, kind, name, by, body string) string {
	owner := ""
	if by != "" {
		f := strings.Fields(by)
		owner = fmt.Sprintf(", uid: u-%s, ownerReferences: [{apiVersion: %s, kind: %s, name: %s, uid: x, controller: true}]", name, f[0], f[1], f[2])
	}
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: %s, namespace: shop%s}\n%s\n", apiVersion, kind, name, owner, body)
}

const (
	badSpec  = "{containers: [{name: c, image: i, securityContext: {privileged: true}}]}"
	podSpec  = "{containers: [{name: c, image: i}]}"
	goodSpec = "{securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, containers: [{name: c, image: i, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}"
)

// Pods stand for the object that made them, whatever lies between: a partial object is no gap then, and a whole one and its
// pods are one workload.
func TestOwners(t *testing.T) {
	t.Parallel()
	knative := []string{
		owned("serving.knative.dev/v1", "Service", "web", "", "spec: {template: {spec: {containers: [{image: i}]}}}"),
		owned("serving.knative.dev/v1", "Configuration", "web", "serving.knative.dev/v1 Service web", "spec: {template: {spec: {containers: [{image: i}]}}}"),
		owned("serving.knative.dev/v1", "Revision", "web-1", "serving.knative.dev/v1 Configuration web", "spec: {containers: [{image: i}]}"),
	}
	deployment := owned("apps/v1", "Deployment", "web-1-deployment", "serving.knative.dev/v1 Revision web-1", "spec: {template: {spec: "+goodSpec+"}}")
	for name, test := range map[string]struct {
		docs []string
		want string
	}{
		"Knative, to the Deployment": {append([]string{deployment}, knative...), "  Deployment at : restricted\n  enforce \"restricted\"\n"},
		"Knative, to the pod of a Deployment that was not read": {append([]string{
			owned("apps/v1", "ReplicaSet", "web-1-deployment-55", "apps/v1 Deployment web-1-deployment", "spec: {template: {spec: "+goodSpec+"}}"),
		}, append([]string{deployment}, knative...)...), "  Deployment at : restricted\n  enforce \"restricted\"\n"},
		"Tekton": {[]string{
			owned("tekton.dev/v1", "Task", "build", "", "spec: {steps: [{image: i}]}"),
			owned("tekton.dev/v1", "Pipeline", "release", "", "spec: {tasks: [{name: b, taskRef: {name: build}}]}"),
			owned("tekton.dev/v1", "PipelineRun", "release-1", "", "spec: {pipelineRef: {name: release}}"),
			owned("tekton.dev/v1", "TaskRun", "release-1-build", "tekton.dev/v1 PipelineRun release-1", "spec: {taskRef: {name: build}}"),
			owned("v1", "Pod", "release-1-build-pod", "tekton.dev/v1 TaskRun release-1-build", "spec: "+goodSpec),
		}, "  TaskRun at : restricted\n  enforce \"restricted\"\n"},
		"Tekton, of another Task": {[]string{
			owned("tekton.dev/v1", "Task", "build", "", "spec: {steps: [{image: i}]}"),
			owned("tekton.dev/v1", "TaskRun", "test-1", "", "spec: {taskRef: {name: test}}"),
			owned("v1", "Pod", "test-1-pod", "tekton.dev/v1 TaskRun test-1", "spec: "+goodSpec),
		}, "  TaskRun at : restricted\n  enforce \"\"\n" +
			"  gap Task \"shop/build\": the controller of tekton.dev/v1 makes pods of it and adds to them: only what it says itself is evaluated (spec.steps[0]); read the pods that it makes, too (-f of a dump, or --context) [\"shop\"]\n"},
		"a run that is over": {[]string{
			owned("tekton.dev/v1", "TaskRun", "old", "", "spec: {taskRef: {name: build}}\nstatus: {completionTime: '2022-01-01T00:00:00Z'}"),
		}, "  enforce \"restricted\"\n"},
		"Argo": {[]string{
			owned("argoproj.io/v1alpha1", "WorkflowTemplate", "build", "", "spec: {templates: [{name: a, container: {image: i}}]}"),
			owned("argoproj.io/v1alpha1", "CronWorkflow", "nightly", "", "spec: {workflowSpec: {workflowTemplateRef: {name: build}}}"),
			owned("argoproj.io/v1alpha1", "Workflow", "nightly-1", "argoproj.io/v1alpha1 CronWorkflow nightly", "spec: {workflowTemplateRef: {name: build}}"),
			owned("v1", "Pod", "nightly-1-a", "argoproj.io/v1alpha1 Workflow nightly-1", "spec: "+podSpec),
		}, "  Workflow at : baseline\n  enforce \"baseline\"\n"},
		"Prometheus": {[]string{
			owned("monitoring.coreos.com/v1", "Prometheus", "k8s", "", "spec: {securityContext: {runAsUser: 1000}}"),
			owned("apps/v1", "StatefulSet", "prometheus-k8s", "monitoring.coreos.com/v1 Prometheus k8s", "spec: {template: {spec: "+goodSpec+"}}"),
		}, "  StatefulSet at : restricted\n  enforce \"restricted\"\n"},
		"what violates stays although pods were read": {[]string{
			owned("monitoring.coreos.com/v1", "Prometheus", "k8s", "", "spec: {hostNetwork: true}"),
			owned("apps/v1", "StatefulSet", "prometheus-k8s", "monitoring.coreos.com/v1 Prometheus k8s", "spec: {template: {spec: "+goodSpec+"}}"),
		}, "  Prometheus at spec.hostNetwork: privileged; host namespaces hostNetwork=true\n  StatefulSet at : restricted\n  enforce \"privileged\"\n"},
		"Rollout": {[]string{
			owned("argoproj.io/v1alpha1", "Rollout", "web", "", "spec: {template: {spec: "+goodSpec+"}}"),
			owned("apps/v1", "ReplicaSet", "web-5d", "argoproj.io/v1alpha1 Rollout web", "spec: {template: {spec: "+goodSpec+"}}"),
			owned("v1", "Pod", "web-5d-x", "apps/v1 ReplicaSet web-5d", "spec: "+goodSpec),
		}, "  Rollout at spec.template: restricted\n  enforce \"restricted\"\n"},
		"Rollout, without its ReplicaSets": {[]string{
			owned("argoproj.io/v1alpha1", "Rollout", "web", "", "spec: {template: {spec: "+goodSpec+"}}"),
			owned("v1", "Pod", "web-5d-x", "apps/v1 ReplicaSet web-5d", "spec: "+goodSpec),
		}, "  Rollout at spec.template: restricted\n  enforce \"restricted\"\n"},
		"Rollout of a Deployment": {[]string{
			owned("argoproj.io/v1alpha1", "Rollout", "web", "", "spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: console}}"),
		}, "  enforce \"restricted\"\n"},
		"Rollout of a Deployment that was not read": {[]string{
			owned("argoproj.io/v1alpha1", "Rollout", "web", "", "spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: gone}}"),
		}, "  enforce \"\"\n  gap Rollout \"shop/web\": it takes its pod template from Deployment \"shop/gone\", which was not read: read that, too [\"shop\"]\n"},
		"CloneSet and its pods": {[]string{
			owned("apps.kruise.io/v1alpha1", "CloneSet", "web", "", "spec: {template: {spec: "+goodSpec+"}}"),
			owned("v1", "Pod", "web-x", "apps.kruise.io/v1alpha1 CloneSet web", "spec: "+goodSpec),
		}, "  CloneSet at spec.template: restricted\n  enforce \"restricted\"\n"},
		"RayCluster of a RayJob": {[]string{
			owned("ray.io/v1", "RayJob", "j", "", "spec: {rayClusterSpec: {headGroupSpec: {template: {spec: "+goodSpec+"}}}}"),
			owned("ray.io/v1", "RayCluster", "j-raycluster", "ray.io/v1 RayJob j", "spec: {headGroupSpec: {template: {spec: "+goodSpec+"}}}"),
			owned("v1", "Pod", "j-head", "ray.io/v1 RayCluster j-raycluster", "spec: "+goodSpec),
		}, "  RayJob at spec.rayClusterSpec.headGroupSpec.template: restricted\n  enforce \"restricted\"\n"},
		"an unknown kind of which a pod was read": {[]string{
			owned("example.com/v1", "Widget", "w", "", "spec: {podSecurityContext: {fsGroup: 1}}"),
			owned("v1", "Pod", "w-0", "example.com/v1 Widget w", "spec: "+goodSpec),
		}, "  Widget at : restricted\n  enforce \"restricted\"\n"},
		"a Job of Volcano is not one of batch": {[]string{
			owned("batch.volcano.sh/v1alpha1", "Job", "j", "", "spec: {tasks: [{template: {spec: "+goodSpec+"}}]}"),
			owned("batch/v1", "Job", "j", "", "spec: {template: {spec: "+goodSpec+"}}"),
			owned("v1", "Pod", "j-0", "batch.volcano.sh/v1alpha1 Job j", "spec: "+goodSpec),
		}, "  Job at : restricted\n  Job.batch.volcano.sh at spec.tasks[0].template: restricted\n  enforce \"restricted\"\n"},
		"a pod of Argo that has ended": {[]string{
			owned("argoproj.io/v1alpha1", "CronWorkflow", "nightly", "", "spec: {workflowSpec: {templates: [{name: a, container: {image: i}}]}}"),
			owned("argoproj.io/v1alpha1", "Workflow", "nightly-1", "argoproj.io/v1alpha1 CronWorkflow nightly", "spec: {templates: [{name: a, container: {image: i}}]}"),
			owned("v1", "Pod", "nightly-1-a", "argoproj.io/v1alpha1 Workflow nightly-1", "spec: "+badSpec+"\nstatus: {phase: Succeeded}"),
		}, "  Workflow at spec.templates[0].container: privileged; privileged container \"c\" must not set securityContext.privileged=true\n  enforce \"privileged\"\n"},
		"a pod of Tekton that has ended, with its run": {[]string{
			owned("tekton.dev/v1", "Task", "build", "", "spec: {steps: [{image: i}]}"),
			owned("tekton.dev/v1", "TaskRun", "build-1", "", "spec: {taskRef: {name: build}}\nstatus: {completionTime: '2022-01-01T00:00:00Z'}"),
			owned("v1", "Pod", "build-1-pod", "tekton.dev/v1 TaskRun build-1", "spec: "+badSpec+"\nstatus: {phase: Failed}"),
		}, "  TaskRun at : privileged; privileged container \"c\" must not set securityContext.privileged=true\n  enforce \"privileged\"\n"},
		"a run that has ended with its pod, of which no definition is left": {[]string{
			owned("tekton.dev/v1", "TaskRun", "build-1", "", "spec: {taskSpec: {steps: [{image: i}]}}\nstatus: {completionTime: '2022-01-01T00:00:00Z'}"),
			owned("v1", "Pod", "build-1-pod", "tekton.dev/v1 TaskRun build-1", "spec: "+badSpec+"\nstatus: {phase: Succeeded}"),
		}, "  TaskRun at spec.taskSpec.steps[0]: privileged; privileged container \"c\" must not set securityContext.privileged=true\n  enforce \"privileged\"\n"},
		"a pod that has ended, of an object that tells all of its pods": {[]string{
			owned("apps.kruise.io/v1alpha1", "CloneSet", "web", "", "spec: {template: {spec: "+goodSpec+"}}"),
			owned("v1", "Pod", "web-x", "apps.kruise.io/v1alpha1 CloneSet web", "spec: "+badSpec+"\nstatus: {phase: Failed}"),
		}, "  CloneSet at spec.template: restricted\n  enforce \"restricted\"\n"},
		"a pod of another group's TaskRun": {[]string{
			owned("tekton.dev/v1", "TaskRun", "build", "", "spec: {taskSpec: {steps: [{image: i}]}}"),
			owned("v1", "Pod", "build-pod", "foo.dev/v1 TaskRun build", "spec: "+goodSpec),
		}, "  TaskRun at spec.taskSpec.steps[0]: restricted\n  enforce \"\"\n" +
			"  gap TaskRun \"shop/build\": the controller of tekton.dev/v1 makes pods of it and adds to them: only what it says itself is evaluated (spec.taskSpec.steps[0]); read the pods that it makes, too (-f of a dump, or --context) [\"shop\"]\n"},
		"a Deployment of another group's Prometheus": {[]string{
			owned("monitoring.coreos.com/v1", "Prometheus", "k8s", "", "spec: {}"),
			owned("apps/v1", "Deployment", "k8s", "foo.dev/v1 Prometheus k8s", "spec: {template: {spec: "+goodSpec+"}}"),
		}, "  Deployment at : restricted\n  enforce \"\"\n" +
			"  gap Prometheus \"shop/k8s\": the controller of monitoring.coreos.com/v1 makes pods of it and adds to them: it says nothing of them itself; read the pods that it makes, too (-f of a dump, or --context) [\"shop\"]\n"},
		"owners in a ring": {[]string{
			owned("serving.knative.dev/v1", "Configuration", "a", "serving.knative.dev/v1 Configuration b", "spec: {template: {spec: {hostPID: true}}}"),
			owned("serving.knative.dev/v1", "Configuration", "b", "serving.knative.dev/v1 Configuration a", "spec: {template: {spec: {hostPID: true}}}"),
		}, "  Configuration at spec.template.spec.hostPID: privileged; host namespaces hostPID=true\n  Configuration at spec.template.spec.hostPID: privileged; host namespaces hostPID=true\n  enforce \"privileged\"\n" +
			"  gap Configuration \"shop/a\": the controller of serving.knative.dev/v1 makes pods of it and adds to them: only what it says itself is evaluated (spec.template.spec.hostPID); read the pods that it makes, too (-f of a dump, or --context) [\"shop\"]\n" +
			"  gap Configuration \"shop/b\": the controller of serving.knative.dev/v1 makes pods of it and adds to them: only what it says itself is evaluated (spec.template.spec.hostPID); read the pods that it makes, too (-f of a dump, or --context) [\"shop\"]\n"},
		"twice the same, and twice another": {[]string{
			owned("apps.kruise.io/v1alpha1", "CloneSet", "a", "", "spec: {template: {spec: "+goodSpec+"}}"),
			owned("apps.kruise.io/v1alpha1", "CloneSet", "a", "", "spec: {replicas: 3, template: {spec: "+goodSpec+"}}"),
			owned("apps.kruise.io/v1alpha1", "CloneSet", "b", "", "spec: {template: {spec: "+goodSpec+"}}"),
			owned("apps.kruise.io/v1alpha1", "CloneSet", "b", "", "spec: {template: {spec: "+podSpec+"}}"),
		}, "  CloneSet at spec.template: restricted\n  enforce \"\"\n  gap CloneSet \"shop/b\": it is defined 2 times with different content (-:28, -:34), and none was used: keep one of them [\"shop\"]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := planOf(t, append([]string{compliant}, test.docs...)...)
			if diff := cmp.Diff(test.want, told(p)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// clustered is an object that belongs to no namespace.
func clustered(apiVersion, kind, name, spec string) string {
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: %s}\nspec: %s\n", apiVersion, kind, name, spec)
}

// A definition of the cluster touches the namespaces in which it is used, none where it is used nowhere, and none once pods were
// made of it.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	const task = "apiVersion: tekton.dev/v1beta1\nkind: ClusterTask\nmetadata: {name: build}\nspec: {steps: [{image: i}]}\n"
	run := owned("tekton.dev/v1", "TaskRun", "r", "", "spec: {taskRef: {kind: ClusterTask, name: build}}")
	elsewhere := strings.ReplaceAll(run, "namespace: shop", "namespace: bank")
	pod := owned("v1", "Pod", "r-pod", "tekton.dev/v1 TaskRun r", "spec: "+goodSpec)
	for name, test := range map[string]struct {
		docs []string
		want string
	}{
		"used nowhere":                     {nil, ``},
		"used":                             {[]string{elsewhere}, `ClusterTask "build" [bank] TaskRun "bank/r" [bank]`},
		"used under a name that is put in": {[]string{strings.Replace(elsewhere, "name: build", "name: $(params.task)", 1)}, `ClusterTask "build" [bank] TaskRun "bank/r" [bank]`},
		"used, and pods read":              {[]string{run, pod}, ``},
		"pods of another read":             {[]string{strings.Replace(run, "name: build", "name: test", 1), pod}, ``},
		"used by a Rollout whose pods were read": {[]string{
			clustered("argoproj.io/v1alpha1", "ClusterAnalysisTemplate", "smoke", "{metrics: [{name: m, provider: {job: {spec: {template: {spec: "+podSpec+"}}}}}]}"),
			owned("argoproj.io/v1alpha1", "Rollout", "web", "", "spec: {strategy: {canary: {analysis: {templates: [{templateName: smoke, clusterScope: true}]}}}, template: {spec: "+goodSpec+"}}"),
			owned("v1", "Pod", "web-x", "argoproj.io/v1alpha1 Rollout web", "spec: "+goodSpec),
		}, `ClusterAnalysisTemplate "smoke" [shop]`},
		"an analysis without a Job": {[]string{
			clustered("argoproj.io/v1alpha1", "ClusterAnalysisTemplate", "smoke", "{metrics: [{name: m, provider: {prometheus: {query: q}}}]}"),
			owned("argoproj.io/v1alpha1", "AnalysisTemplate", "smoke", "", "spec: {metrics: [{name: m, provider: {web: {url: u}}}]}"),
			owned("argoproj.io/v1alpha1", "Experiment", "e", "", "spec: {templates: [{template: {spec: "+goodSpec+"}}], analyses: [{templateName: smoke, clusterScope: true}]}"),
		}, ``},
		"used by one of the cluster that is used": {[]string{
			clustered("argoproj.io/v1alpha1", "ClusterWorkflowTemplate", "outer", "{templates: [{name: a, steps: [[{name: s, templateRef: {name: inner, template: t, clusterScope: true}}]]}]}"),
			clustered("argoproj.io/v1alpha1", "ClusterWorkflowTemplate", "inner", "{templates: [{name: t, container: {image: i}}]}"),
			owned("argoproj.io/v1alpha1", "CronWorkflow", "c", "", "spec: {workflowSpec: {workflowTemplateRef: {name: outer, clusterScope: true}}}"),
		}, `ClusterWorkflowTemplate "outer" [shop] ClusterWorkflowTemplate "inner" [shop] CronWorkflow "shop/c" [shop]`},
		"a runtime of training": {[]string{
			clustered("trainer.kubeflow.org/v1alpha1", "ClusterTrainingRuntime", "torch", "{template: {spec: {replicatedJobs: [{template: {spec: {template: {spec: "+podSpec+"}}}}]}}}"),
			owned("trainer.kubeflow.org/v1alpha1", "TrainJob", "j", "", "spec: {runtimeRef: {name: torch}}"),
		}, `ClusterTrainingRuntime "torch" [shop] TrainJob "shop/j" [shop]`},
		"Crossplane without providers": {[]string{clustered("pkg.crossplane.io/v1beta1", "DeploymentRuntimeConfig", "default", "{}")}, ``},
		"Crossplane": {[]string{
			clustered("pkg.crossplane.io/v1beta1", "DeploymentRuntimeConfig", "default", "{}"),
			strings.ReplaceAll(owned("apps/v1", "Deployment", "aws", "pkg.crossplane.io/v1 ProviderRevision aws-1", "spec: {template: {spec: "+goodSpec+"}}"), "namespace: shop", "namespace: bank"),
		}, `DeploymentRuntimeConfig "default" [bank]`},
		"a collector in sidecars": {[]string{owned("opentelemetry.io/v1beta1", "OpenTelemetryCollector", "o", "", "spec: {mode: sidecar, config: {}}")}, ``},
		"a collector of its own":  {[]string{owned("opentelemetry.io/v1beta1", "OpenTelemetryCollector", "o", "", "spec: {config: {}}")}, `OpenTelemetryCollector "shop/o" [shop]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, g := range planOf(t, append([]string{compliant, task}, test.docs...)...).Gaps {
				got = append(got, fmt.Sprint(g.What, " ", g.Affects))
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	want := []inventory.Note{{
		What: `ClusterTask "build"`, Why: message.Message{Text: "pods are made of it in a namespace only where another object uses it, and none that was read does; no namespace waits for it"},
		Position: pspparse.Position{File: "-", Line: 16},
	}}
	if diff := cmp.Diff(want, inventoryOf(t, compliant, task).Notes, messageText()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Names come from anybody: none that is not valid becomes a workload.
func TestNamesThatAreNotValid(t *testing.T) {
	t.Parallel()
	const template = `"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}`
	for doc, want := range map[string]string{
		`{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"A_","namespace":"shop"},` + template + `}`:            `Rollout "shop/A_" [shop]`,
		`{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"a","namespace":"A_"},` + template + `}`:               `Rollout "A_/a" [*]`,
		`{"apiVersion":"example.com/v1","kind":"\u001b[2JThing","metadata":{"name":"a","namespace":"shop"},` + template + `}`:            `\x1b[2JThing "shop/a" [shop]`,
		`{"apiVersion":"example.com\u001b/v1","kind":"Job","metadata":{"name":"a","namespace":"shop"},` + template + `}`:                 `Job "shop/a" [shop]`,
		`{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a","namespace":"shop"},"spec":{"\u001b\n":{"hostPID":true}}}`: `Thing "shop/a" [shop]`,
	} {
		p := planOf(t, compliant, doc)
		var got []string
		for _, g := range p.Gaps {
			got = append(got, fmt.Sprint(g.What, " ", g.Affects))
			if strings.ContainsAny(g.What+g.Text, "\x1b\n") {
				t.Errorf("%q: control characters in %q", doc, g.Text)
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", doc, diff)
		}
		for _, ns := range p.Namespaces {
			if ns.Name == "shop" && len(ns.Workloads) != 1 {
				t.Errorf("%s: it became a workload", doc)
			}
		}
	}
}

// An object of a cluster has no file, and its pods were read with it.
func TestReadOfACluster(t *testing.T) {
	t.Parallel()
	b := inventory.NewBuilder()
	if !custom.ReadObject(b, custom.RawObject{APIVersion: "tekton.dev/v1", Kind: "Task", Namespace: "a", Name: "t", JSON: []byte(`{"metadata":{"name":"t","namespace":"a"},"spec":{"steps":[{"image":"i"}]}}`)}) {
		t.Fatal("a Task is not read")
	}
	if custom.ReadObject(b, custom.RawObject{APIVersion: "example.com/v1", Kind: "Task", Namespace: "a", Name: "t", JSON: []byte(`{}`)}) {
		t.Error("a Task of another group is read")
	}
	want := []inventory.Gap{{
		What: `Task "a/t"`, Namespaces: []string{"a"}, Affects: inventory.PartWorkloads,
		Why: message.Message{Text: "the controller of tekton.dev/v1 makes pods of it and adds to them: only what it says itself is evaluated (spec.steps[0]); none of its pods is there now: have it make one, or accept this with --allow-partial"},
	}}
	if diff := cmp.Diff(want, b.Build(inventory.Source{}).Gaps, messageText()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A plan with workloads of custom kinds can be read back, whatever group their name has.
func TestPlanOfCustomKinds(t *testing.T) {
	t.Parallel()
	p := planOf(t, append([]string{compliant}, documents(t, "testdata/kinds.yaml")...)...)
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	back, err := migrate.ReadPlan(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, back); diff != "" {
		t.Errorf("the plan changed on its way through JSON (-want +got):\n%s", diff)
	}
}
