package patch_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

func planOf(workloads ...migrate.Workload) *migrate.Plan {
	return &migrate.Plan{
		APIVersion: migrate.APIVersion, Kind: migrate.Kind, TargetVersion: "v1.25", Source: inventory.Source{Kind: inventory.SourceDemo},
		Policies:   []migrate.Policy{{Name: "shy", Checks: []migrate.PolicyCheck{{Check: "seccompProfile_restricted", Status: "impossible"}}}, {Name: "open"}},
		Namespaces: []migrate.Namespace{{Name: "shop", Workloads: workloads}},
	}
}

// raised is a workload that lacks two values for restricted, and what it meets otherwise.
func raised(kind, name string, obstacles ...migrate.StricterObstacle) migrate.Workload {
	return migrate.Workload{Kind: kind, Name: name, Pods: 1, Evaluation: &migrate.Evaluation{Levels: migrate.WorkloadLevels{AfterPSP: api.LevelBaseline}, StricterEdits: []migrate.StricterEdits{{Level: api.LevelRestricted, Edits: []migrate.TemplateEdit{
		{Path: "spec.containers[0].securityContext.capabilities.drop", Container: "app", Value: `["KILL", "ALL"]`, Check: "capabilities_restricted", Safety: "test", Why: message.Message{Text: "it may use one"}},
		{Path: "spec.securityContext.seccompProfile", Value: `{"type":"RuntimeDefault"}`, Check: "seccompProfile_restricted", Safety: "safe", Why: message.Message{Text: "its pods run with it today"}},
	}, Obstacles: obstacles}}, Template: &migrate.TemplateOutline{Parents: []string{"spec.securityContext"}, Containers: []migrate.TemplateContainer{{Name: "app", Image: "shop/app"}}}}}
}

func with(w migrate.Workload, edits ...func(*migrate.Workload)) migrate.Workload {
	for _, edit := range edits {
		edit(&w)
	}
	return w
}

func managedBy(m migrate.ManagedBy) func(*migrate.Workload) {
	return func(w *migrate.Workload) { w.ManagedBy = &m }
}

func ownedBy(kind, name string) func(*migrate.Workload) {
	return func(w *migrate.Workload) { w.Owner = &migrate.WorkloadRef{Kind: kind, Name: name} }
}

// What each kind of workload gets, below the head of a script.
func TestCommands(t *testing.T) {
	t.Parallel()
	const (
		head = `#!/bin/sh
# What workloads lack for restricted at v1.25: patches from the built-in demo cluster, by psp2pss v0.
# COUNTS.
# Review every line before you run it.
BEGIN
`
		values = `#   safe pod seccompProfile={"type":"RuntimeDefault"}: its pods run with it today
#   test container "app" capabilities.drop=["KILL","ALL"]: it may use one
`
		body    = `{"containers":[{"name":"app","securityContext":{"capabilities":{"drop":["KILL","ALL"]}}}],"securityContext":{"seccompProfile":{"type":"RuntimeDefault"}}}`
		command = `kubectl patch deployment web --namespace=shop --type=strategic --patch='{"spec":{"template":{"spec":` + body + "}}}'\n"
	)
	hostPath := migrate.StricterObstacle{Check: "restrictedVolumes", Why: `restricted volume types (volume "data")`, Advice: message.Message{Text: "use another"}}
	mesh := migrate.StricterObstacle{Check: "capabilities_baseline", Why: "non-default capabilities", Advice: message.Message{Text: "change it where it is put in"}, Injected: true}
	meshUser := migrate.StricterObstacle{Check: "runAsUser", Why: "runAsUser=0", Advice: mesh.Advice, Injected: true}
	istio := "#   the sidecar injector of Istio: install Istio with its CNI plugin: then no pod of the mesh has an init container that needs NET_ADMIN and NET_RAW, and only the plugin's own namespace stays at privileged (https://istio.io/latest/docs/setup/additional-setup/pod-security-admission/)\n"
	tests := map[string]struct {
		plan   *migrate.Plan
		opts   patch.Options
		counts string
		want   string
	}{
		"a deployment": {
			plan: planOf(raised("Deployment", "web")), counts: "1 workload to patch",
			want: "# shop/deployment/web\n" + values + command,
		},
		"a cron job": {
			plan: planOf(raised("CronJob", "web")), counts: "1 workload to patch",
			want: "# shop/cronjob/web\n" + values + `kubectl patch cronjob web --namespace=shop --type=strategic --patch='{"spec":{"jobTemplate":{"spec":{"template":{"spec":` + body + "}}}}}'\n",
		},
		"a pod template": {
			plan: planOf(raised("PodTemplate", "web")), counts: "1 workload to patch",
			want: "# shop/podtemplate/web\n" + values + `kubectl patch podtemplate web --namespace=shop --type=strategic --patch='{"template":{"spec":` + body + "}}'\n",
		},
		"a replica set by itself": {
			plan: planOf(raised("ReplicaSet", "web")), counts: "1 workload to patch",
			want: "# shop/replicaset/web\n" + values + "#   its pods stay as they are until they are deleted\n" + strings.Replace(command, "deployment", "replicaset", 1),
		},
		"a job": {
			plan: planOf(raised("Job", "web")), counts: "0 workloads to patch, 1 to change by hand",
			want: "# shop/job/web\n#   the template of a Job cannot be changed: put the values into the manifest that it is made from, for its next run\n" + values,
		},
		"a bare pod": {
			plan: planOf(raised("Pod", "web")), counts: "0 workloads to patch, 1 to change by hand",
			want: "# shop/pod/web\n#   a pod cannot be changed: put the values into the manifest that it is made from (of a static pod, on its node), and make it again\n" + values,
		},
		"the manifest of a pod": {
			plan: planOf(with(raised("Pod", "web"), func(w *migrate.Workload) { w.Pods = 0 })), counts: "0 workloads to patch, 1 to change by hand",
			want: "# shop/pod/web\n#   only its manifest was read, and no pod: put the values there\n" + values,
		},
		"a pod that has no name yet": {
			plan: planOf(raised("Job", "web-<generated>")), counts: "0 workloads to patch, 1 to change by hand",
			want: "# shop/job/web-<generated>\n#   the server chooses its name when it is made: put the values into its manifest\n" + values,
		},
		"an owner that was not read": {
			plan: planOf(raised("Rollout.example.com", "web")), counts: "0 workloads to patch, 1 to change by hand",
			want: "# shop/rollout.example.com/web\n#   its own manifest was not read, only its pods: put the values into the pod template that rollout.example.com/web has\n" + values,
		},
		"made by an operator": {
			plan: planOf(with(raised("StatefulSet", "web"), ownedBy("Prometheus", "k8s"))), counts: "0 workloads to patch, 1 to change by hand",
			want: "# shop/statefulset/web\n#   prometheus/k8s makes it and would undo a patch: set the values there\n" + values,
		},
		"an earlier revision": {
			plan: planOf(migrate.Workload{Kind: "Deployment", Name: "web", Evaluation: &migrate.Evaluation{}}, with(raised("ReplicaSet", "web-1"), ownedBy("Deployment", "web"))), counts: "0 workloads to patch, 1 to change by hand",
			want: "# shop/replicaset/web-1\n#   deployment/web made it from an earlier template: it matters only if that comes back; delete it, or leave it\n" + values,
		},
		"an earlier revision without pods": {
			plan: planOf(migrate.Workload{Kind: "Deployment", Name: "web", Evaluation: &migrate.Evaluation{}}, with(with(raised("ReplicaSet", "web-1"), ownedBy("Deployment", "web")), func(w *migrate.Workload) {
				w.Pods, w.Replicas = 0, 0
			})), counts: "0 workloads to patch, 1 to change by hand",
			want: "# shop/replicaset/web-1\n#   deployment/web made it from an earlier template, and 'kubectl rollout undo' could bring it back: it counts until it is deleted\n" + values,
		},
		"a revision of what was not read": {
			plan: planOf(with(raised("Job", "web-1"), ownedBy("CronJob", "web"))), counts: "0 workloads to patch, 1 to change by hand",
			want: "# shop/job/web-1\n#   cronjob/web makes it and was not read: put the values into that\n" + values,
		},
		"written by helm, from a chart that is known": {
			plan: planOf(with(raised("Deployment", "web"), managedBy(migrate.ManagedBy{Tool: "Helm", Source: "release shop/web", Chart: "grafana-6.58.7"}))), counts: "1 workload to patch",
			want: "# shop/deployment/web\n#   Helm (release shop/web) may undo a patch when it upgrades: put the values where the chart takes them\n" + values +
				"#   the chart grafana takes the pod's values under securityContext, and the container's under containerSecurityContext (https://github.com/grafana/helm-charts/blob/main/charts/grafana/values.yaml)\n#   " + command,
		},
		"written by helm, from another chart of a known name": {
			plan: planOf(with(raised("Deployment", "web"), managedBy(migrate.ManagedBy{Tool: "Helm", Chart: "postgresql-1.2.3"}))), counts: "1 workload to patch",
			want: "# shop/deployment/web\n#   Helm may undo a patch when it upgrades: put the values where the chart takes them\n" + values + "#   " + command,
		},
		"written by a GitOps controller": {
			plan: planOf(with(raised("Deployment", "web"), managedBy(migrate.ManagedBy{Tool: "Flux", Source: "Kustomization flux-system/apps"}))), counts: "1 workload to patch",
			want: "# shop/deployment/web\n#   Flux (Kustomization flux-system/apps) would undo a patch: put the values where it reads them\n" + values + "#   " + command,
		},
		"edits that do not reach the level": {
			plan: planOf(raised("Deployment", "web", hostPath)), counts: "0 workloads to patch, 1 that edits alone do not raise",
			want: "# shop/deployment/web\n" + values + "#   these edits alone do not reach restricted, so there is no patch of them:\n" +
				"#   restrictedVolumes: restricted volume types (volume \"data\"); use another\n",
		},
		"a mesh beside the template": {
			plan: planOf(with(raised("Deployment", "web", mesh), func(w *migrate.Workload) {
				w.Template.Containers = append(w.Template.Containers, migrate.TemplateContainer{Name: "istio-init", Injected: true})
			})), counts: "1 workload to patch",
			want: "# shop/deployment/web\n" + values + "#   the template meets restricted with it, its pods do not:\n" +
				"#   capabilities_baseline: non-default capabilities; change it where it is put in\n" + istio + command,
		},
		"nothing but a mesh": {
			plan: planOf(with(raised("Deployment", "web", mesh), func(w *migrate.Workload) { w.StricterEdits[0].Edits = nil })), counts: "0 workloads to patch, 1 that edits alone do not raise",
			want: "# shop/deployment/web\n#   no edit reaches restricted:\n#   capabilities_baseline: non-default capabilities; change it where it is put in\n",
		},
		"several checks that a mesh fails": {
			plan:   planOf(with(raised("Deployment", "web", mesh, meshUser, hostPath), func(w *migrate.Workload) { w.StricterEdits[0].Edits = nil })),
			counts: "0 workloads to patch, 1 that edits alone do not raise",
			want: "# shop/deployment/web\n#   no edit reaches restricted:\n#   capabilities_baseline: non-default capabilities\n" +
				"#   runAsUser: runAsUser=0\n#   for each of these: change it where it is put in\n#   restrictedVolumes: restricted volume types (volume \"data\"); use another\n",
		},
		"its policy forbids a profile, and fills in more": {
			plan: planOf(with(raised("Deployment", "web"), func(w *migrate.Workload) {
				w.ObservedPolicies = []string{"open", "shy"}
				w.Mutations = []migrate.TemplateMutation{
					{Path: "spec.securityContext.fsGroup", Value: "2000", Policy: "open"},
					{Path: "spec.containers[0].securityContext.capabilities.drop", Container: "app", Value: `["ALL"]`, Policy: "open"},
				}
			})), counts: "1 workload to patch",
			want: "# shop/deployment/web\n" + values +
				"#   shy, which admits its pods today, lets them set no seccomp profile and would refuse them: relax it or bypass it first\n" +
				"#   a policy sets more than this level asks for, and that would be lost: write it into the template first, with --keep (fsGroup)\n" + command,
		},
		"only what was asked for": {
			plan: planOf(raised("Deployment", "web"), raised("Deployment", "other")), opts: patch.Options{Only: []patch.WorkloadRef{{"shop", "deployment", "web"}}}, counts: "1 workload to patch",
			want: "# shop/deployment/web\n" + values + command,
		},
		"twice in the plan": {
			plan: planOf(raised("Deployment", "web"), raised("Deployment", "web")), counts: "1 workload to patch, 1 refused",
			want: "# shop/deployment/web\n" + values + command + "\n# shop/deployment/web\n#   refused: the plan has it twice\n",
		},
		"nothing to do": {plan: planOf(migrate.Workload{Kind: "Deployment", Name: "web", Evaluation: &migrate.Evaluation{}}), counts: "There is nothing to write"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.opts.Tool, tt.opts.Set, tt.opts.Level = "psp2pss v0", patch.SetRaise, api.LevelRestricted
			var got bytes.Buffer
			if err := patch.WriteCommands(&got, tt.plan, tt.opts); err != nil {
				t.Fatal(err)
			}
			counts := tt.counts + "."
			if strings.Contains(tt.want, "kubectl patch deployment") {
				counts += "\n# A Deployment keeps ReplicaSets of its earlier templates for 'kubectl rollout undo', and they count for the level: when its\n" +
					"# new pods run, delete those without replicas that nobody goes back to, then plan again."
			}
			if strings.Contains(tt.want, "kubectl patch ") {
				counts += "\n# If a workload comes from a chart or a repository, change it there: whatever is applied from there next may undo a patch."
			}
			want := strings.TrimSuffix(strings.NewReplacer("COUNTS.", counts, "BEGIN", script.Preamble(tt.plan.Source, "kubectl")).Replace(head)+tt.want, "\n\n")
			if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got.String())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// kept is a workload into whose pods a policy fills all that it can.
func kept() migrate.Workload {
	const app = "spec.containers[1].securityContext."
	fills := func(path, container, value string) migrate.TemplateMutation {
		return migrate.TemplateMutation{Path: path, Container: container, Value: value, Policy: "open"}
	}
	return migrate.Workload{Kind: "StatefulSet", Name: "db", Pods: 1, Evaluation: &migrate.Evaluation{AdmittedBy: "open", Levels: migrate.WorkloadLevels{AsAdmitted: api.LevelPrivileged, AfterPSP: api.LevelBaseline}, Mutations: []migrate.TemplateMutation{
		fills(app+"capabilities.add", "app", `["CHOWN"]`),
		fills(app+"capabilities.drop", "app", `["ALL"]`),
		fills(app+"allowPrivilegeEscalation", "app", "true"),
		fills(app+"runAsUser", "app", "5"),
		fills("spec.initContainers[0].securityContext.readOnlyRootFilesystem", "init", "true"),
		fills("metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]", "", `"docker/default"`),
		fills("spec.securityContext.seccompProfile", "", `{"type":"RuntimeDefault"}`),
		fills("metadata.annotations[container.seccomp.security.alpha.kubernetes.io/app]", "app", `"runtime/default"`),
		fills("metadata.annotations[container.apparmor.security.beta.kubernetes.io/app]", "app", `"localhost/it's"`),
		fills("spec.securityContext.supplementalGroups", "", "[1]"),
		fills("spec.runtimeClassName", "", `"sandbox"`),
		{Path: "spec.containers[0].securityContext.seccompProfile", Container: "first", Value: `{"type":"Localhost","localhostProfile":"a.json"}`},
	}, Template: &migrate.TemplateOutline{Parents: []string{"metadata", "spec.containers[1].securityContext", "spec.containers[1].securityContext.capabilities"}}}}
}

func TestKeepAsStrategicPatches(t *testing.T) {
	t.Parallel()
	unknown := migrate.Workload{Kind: "Deployment", Name: "x", Evaluation: &migrate.Evaluation{UsablePolicies: []string{"open"}}}
	p := planOf(kept(), unknown)
	p.Gaps = []migrate.Gap{{What: "pods", Message: message.Message{Text: "forbidden"}}}
	p.Namespaces[0].Workloads[0].Mutations = append(p.Namespaces[0].Workloads[0].Mutations, migrate.TemplateMutation{Path: "spec.securityContext.fsGroup", Value: "7", Policy: "a\nb"})
	var got bytes.Buffer
	if err := patch.WriteStrategic(&got, p, patch.Options{Tool: "psp2pss v0", Set: patch.SetKeep}); err != nil {
		t.Fatal(err)
	}
	want := `# Values that are set in pods today, to be written into their templates: patches from the built-in demo cluster, by psp2pss v0.
# 1 workload to patch, 1 of which it is not known what is set.
# 1 thing could not be read or evaluated: there may be more to patch.
# To apply one of them, save its document as a file:
#   kubectl patch KIND NAME --namespace=NAMESPACE --patch-file=FILE
# All of them as a script: 'psp2pss patch' again, with -o commands. 'kubectl apply' is wrong: it takes a document for the
# whole workload and would remove what is not in it, the image and the selector too; a server refuses that.
# If a workload comes from a chart or a repository, change it there: whatever is applied from there next may undo a patch.
---
# shop/statefulset/db
#   annotation container.apparmor.security.beta.kubernetes.io/app="localhost/it's": the policy open sets it today
#   pod runtimeClassName="sandbox": the policy open sets it today
#   pod fsGroup=7: the policy a\nb sets it today
#   pod seccompProfile={"type":"RuntimeDefault"}: the policy open sets it today
#   pod supplementalGroups=[1]: the policy open sets it today
#   container "init" readOnlyRootFilesystem=true: the policy open sets it today
#   container "first" seccompProfile={"type":"Localhost","localhostProfile":"a.json"}: the API server makes it of an annotation today
#   container "app" capabilities.add=["CHOWN"]: the policy open sets it today
#   container "app" capabilities.drop=["ALL"]: the policy open sets it today
#   container "app" runAsUser=5: the policy open sets it today
#   the policy open sets allowPrivilegeEscalation: true in container "app", which it is anyway: left out
#   written down, these values meet privileged only; without them it meets baseline
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
  namespace: shop
spec:
  template:
    metadata:
      annotations:
        container.apparmor.security.beta.kubernetes.io/app: localhost/it's
    spec:
      containers:
        - name: first
          securityContext:
            seccompProfile:
              type: Localhost
              localhostProfile: a.json
        - name: app
          securityContext:
            capabilities:
              add:
                - CHOWN
              drop:
                - ALL
            runAsUser: 5
      initContainers:
        - name: init
          securityContext:
            readOnlyRootFilesystem: true
      runtimeClassName: sandbox
      securityContext:
        fsGroup: 7
        seccompProfile:
          type: RuntimeDefault
        supplementalGroups:
          - 1

# shop/deployment/x
#   what a policy sets in its pods is not known: compare them with the template
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKeepAsJSONPatches(t *testing.T) {
	t.Parallel()
	w := kept()
	w.Mutations = append(w.Mutations[:2:2], w.Mutations[4], w.Mutations[8], w.Mutations[9])
	var got bytes.Buffer
	if err := patch.WriteJSONPatches(&got, planOf(w, with(kept(), func(w *migrate.Workload) { w.Kind, w.Mutations = "Pod", w.Mutations[:1] })), patch.Options{Set: patch.SetKeep}); err != nil {
		t.Fatal(err)
	}
	want := `{
  "apiVersion": "psp2pss.dev/v1",
  "kind": "Patches",
  "patches": [
    {
      "apiVersion": "apps/v1",
      "kind": "StatefulSet",
      "namespace": "shop",
      "name": "db",
      "remarks": [
        {
          "id": "patch-value",
          "args": {
            "annotation": "container.apparmor.security.beta.kubernetes.io/app",
            "value": "\"localhost/it's\"",
            "why": "the policy open sets it today",
            "whyId": "patch-value-in-force"
          },
          "text": "annotation container.apparmor.security.beta.kubernetes.io/app=\"localhost/it's\": the policy open sets it today"
        },
        {
          "id": "patch-value",
          "args": {
            "field": "supplementalGroups",
            "value": "[1]",
            "why": "the policy open sets it today",
            "whyId": "patch-value-in-force"
          },
          "text": "pod supplementalGroups=[1]: the policy open sets it today"
        },
        {
          "id": "patch-value",
          "args": {
            "container": "init",
            "field": "readOnlyRootFilesystem",
            "value": "true",
            "why": "the policy open sets it today",
            "whyId": "patch-value-in-force"
          },
          "text": "container \"init\" readOnlyRootFilesystem=true: the policy open sets it today"
        },
        {
          "id": "patch-value",
          "args": {
            "container": "app",
            "field": "capabilities.add",
            "value": "[\"CHOWN\"]",
            "why": "the policy open sets it today",
            "whyId": "patch-value-in-force"
          },
          "text": "container \"app\" capabilities.add=[\"CHOWN\"]: the policy open sets it today"
        },
        {
          "id": "patch-value",
          "args": {
            "container": "app",
            "field": "capabilities.drop",
            "value": "[\"ALL\"]",
            "why": "the policy open sets it today",
            "whyId": "patch-value-in-force"
          },
          "text": "container \"app\" capabilities.drop=[\"ALL\"]: the policy open sets it today"
        },
        {
          "id": "patch-values-lower-level",
          "args": {
            "level": "privileged",
            "without": "baseline"
          },
          "text": "written down, these values meet privileged only; without them it meets baseline"
        }
      ],
      "patch": [
        {
          "op": "test",
          "path": "/spec/template/spec/initContainers/0/name",
          "value": "init"
        },
        {
          "op": "test",
          "path": "/spec/template/spec/containers/1/name",
          "value": "app"
        },
        {
          "op": "add",
          "path": "/spec/template/metadata/annotations",
          "value": {
            "container.apparmor.security.beta.kubernetes.io/app": "localhost/it's"
          }
        },
        {
          "op": "add",
          "path": "/spec/template/spec/securityContext",
          "value": {
            "supplementalGroups": [
              1
            ]
          }
        },
        {
          "op": "add",
          "path": "/spec/template/spec/initContainers/0/securityContext",
          "value": {
            "readOnlyRootFilesystem": true
          }
        },
        {
          "op": "add",
          "path": "/spec/template/spec/containers/1/securityContext/capabilities/add",
          "value": [
            "CHOWN"
          ]
        },
        {
          "op": "add",
          "path": "/spec/template/spec/containers/1/securityContext/capabilities/drop",
          "value": [
            "ALL"
          ]
        }
      ]
    },
    {
      "apiVersion": "v1",
      "kind": "Pod",
      "namespace": "shop",
      "name": "db",
      "remarks": [
        {
          "id": "patch-of-pod",
          "text": "a pod cannot be changed: put the values into the manifest that it is made from (of a static pod, on its node), and make it again"
        },
        {
          "id": "patch-value",
          "args": {
            "container": "app",
            "field": "capabilities.add",
            "value": "[\"CHOWN\"]",
            "why": "the policy open sets it today",
            "whyId": "patch-value-in-force"
          },
          "text": "container \"app\" capabilities.add=[\"CHOWN\"]: the policy open sets it today"
        },
        {
          "id": "patch-values-lower-level",
          "args": {
            "level": "privileged",
            "without": "baseline"
          },
          "text": "written down, these values meet privileged only; without them it meets baseline"
        }
      ]
    }
  ]
}
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnconfinedIsLeftOut(t *testing.T) {
	t.Parallel()
	w := kept()
	w.Mutations = []migrate.TemplateMutation{
		{Path: "metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]", Value: `"unconfined"`, Policy: "open"},
		{Path: "spec.securityContext.seccompProfile", Value: `{"type":"Unconfined"}`, Policy: "open"},
	}
	got := patch.PatchesFor(planOf(w), patch.Options{Set: patch.SetKeep})
	want := []string{"the policy open sets the seccomp profile unconfined, which a pod without one has anyway: left out"}
	if len(got) != 1 || len(got[0].Values) != 0 || !cmp.Equal(want, message.Texts(got[0].Remarks)) {
		t.Errorf("got %+v, want no value and the remark %q", got, want)
	}
}

func TestKustomize(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long.", 50) + "n"
	files, err := patch.KustomizeFiles(planOf(raised("Deployment", "web"), raised("Pod", "bare"), raised("Deployment", long), raised("Deployment", long+"m")),
		patch.Options{Tool: "psp2pss v0", Set: patch.SetRaise, Level: api.LevelRestricted})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 4 {
		t.Fatalf("%d files, want 4", len(files))
	}
	want := `# What workloads lack for restricted at v1.25: patches from the built-in demo cluster, by psp2pss v0.
# 3 workloads to patch, 1 to change by hand.
# A Deployment keeps ReplicaSets of its earlier templates for 'kubectl rollout undo', and they count for the level: when its
# new pods run, delete those without replicas that nobody goes back to, then plan again.
# List this folder under components, below resources that have their namespace already: a kustomization that sets the
# namespace does so after its components.
# shop/pod/bare
#   a pod cannot be changed: put the values into the manifest that it is made from (of a static pod, on its node), and make it again
#   safe pod seccompProfile={"type":"RuntimeDefault"}: its pods run with it today
#   test container "app" capabilities.drop=["KILL","ALL"]: it may use one
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - path: shop.deployment.web.yaml
  - path: ` + files[2].Name + `
  - path: ` + files[3].Name + "\n"
	if diff := cmp.Diff(want, string(files[0].Data)); diff != "" || files[0].Name != "kustomization.yaml" {
		t.Errorf("%s (-want +got):\n%s", files[0].Name, diff)
	}
	if a, b := files[2].Name, files[3].Name; a == b || len(a) > 250 || len(b) > 250 {
		t.Errorf("long names become %q and %q", a, b)
	}
	want = `# shop/deployment/web
#   safe pod seccompProfile={"type":"RuntimeDefault"}: its pods run with it today
#   test container "app" capabilities.drop=["KILL","ALL"]: it may use one
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  template:
    spec:
      containers:
        - name: app
          securityContext:
            capabilities:
              drop:
                - KILL
                - ALL
      securityContext:
        seccompProfile:
          type: RuntimeDefault
`
	if diff := cmp.Diff(want, string(files[1].Data)); diff != "" || files[1].Name != "shop.deployment.web.yaml" {
		t.Errorf("%s (-want +got):\n%s", files[1].Name, diff)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	got := patch.MissingWorkloads(planOf(raised("Deployment", "web")), patch.Options{Only: []patch.WorkloadRef{{"shop", "deployment", "web"}, {"shop", "pod", "web"}, {"other", "deployment", "web"}}})
	if diff := cmp.Diff([]patch.WorkloadRef{{"shop", "pod", "web"}, {"other", "deployment", "web"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestKeepOfRunAsNonRoot checks that a runAsNonRoot which no live pod shows to work is said to depend on the image.
func TestKeepOfRunAsNonRoot(t *testing.T) {
	t.Parallel()
	remark := []string{"no live pod was read that starts with runAsNonRoot: true: none does whose image has root, or a name instead of a number, as its USER, unless runAsUser is set"}
	for _, tt := range []struct {
		field, value string
		pods         int
		want         []string
	}{
		{"runAsNonRoot", "true", 0, remark},
		{"runAsNonRoot", "true", 1, nil},
		{"runAsNonRoot", "false", 0, nil},
		{"readOnlyRootFilesystem", "true", 0, nil},
	} {
		w := migrate.Workload{Kind: "Deployment", Name: "web", Pods: tt.pods, Evaluation: &migrate.Evaluation{AdmittedBy: "open", Mutations: []migrate.TemplateMutation{
			{Path: "spec.containers[0].securityContext." + tt.field, Container: "app", Value: tt.value, Policy: "open"},
		}}}
		got := patch.PatchesFor(planOf(w), patch.Options{Set: patch.SetKeep})
		if len(got) != 1 {
			t.Fatalf("%+v: %d patches", tt, len(got))
		}
		if diff := cmp.Diff(tt.want, message.Texts(got[0].Remarks)); diff != "" {
			t.Errorf("%s: %s, %d pods (-want +got):\n%s", tt.field, tt.value, tt.pods, diff)
		}
	}
}
