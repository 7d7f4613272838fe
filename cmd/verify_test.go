package cmd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/fake"
	"sigs.k8s.io/yaml"
)

// verifyWorld is a cluster of one namespace that enforces baseline, a ReplicaSet in it that is refused its pods, and a
// journal that put the label on. Whatever could not be told of it would be a list that its client does not know.
func verifyWorld(t *testing.T) (deps Deps, journal string) {
	t.Helper()
	core, apps, batch := schema.GroupVersion{Version: "v1"}, schema.GroupVersion{Group: "apps", Version: "v1"}, schema.GroupVersion{Group: "batch", Version: "v1"}
	lists := map[schema.GroupVersionResource]string{
		core.WithResource("namespaces"): "NamespaceList", core.WithResource("pods"): "PodList", core.WithResource("events"): "EventList",
		core.WithResource("replicationcontrollers"): "ReplicationControllerList",
		apps.WithResource("deployments"):            "DeploymentList", apps.WithResource("replicasets"): "ReplicaSetList",
		apps.WithResource("statefulsets"): "StatefulSetList", apps.WithResource("daemonsets"): "DaemonSetList",
		batch.WithResource("jobs"): "JobList", batch.WithResource("cronjobs"): "CronJobList",
	}
	var objects []runtime.Object
	for _, text := range []string{
		`{apiVersion: v1, kind: Namespace, metadata: {name: kube-system, uid: here}}`,
		`{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}}`,
		`{apiVersion: v1, kind: Namespace, metadata: {name: blog, labels: {pod-security.kubernetes.io/enforce: baseline}}}`,
		`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web, namespace: shop, uid: u}, spec: {replicas: 1}, status: {conditions: [
			{type: ReplicaFailure, status: "True", reason: FailedCreate, message: 'pods "web-" is forbidden: violates PodSecurity "baseline:latest": x'}]}}`,
	} {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, u)
	}
	deps = world(nil)
	deps.Connect = func(SourceOptions) (dynamic.Interface, string, error) {
		return fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists, objects...), "ctx", nil
	}
	journal = filepath.Join(t.TempDir(), "journal")
	text := `{"apiVersion":"psp2pss.dev/v1","kind":"Journal","id":"X","cluster":"here","context":"ctx","steps":[` +
		stepOf("shop", "baseline") + `,` + stepOf("blog", "restricted") + `]}
{"step":0,"event":"begun","before":{"labels":{"pod-security.kubernetes.io/enforce":null}}}
{"step":0,"event":"done"}
{"step":1,"event":"begun","before":{"labels":{"pod-security.kubernetes.io/enforce":null}}}
`
	if err := os.WriteFile(journal, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return deps, journal
}

func stepOf(namespace, level string) string {
	return `{"stage":"enforce","namespace":"` + namespace + `","batch":0,"labels":[{"key":"pod-security.kubernetes.io/enforce","before":null,"after":"` + level + `"}]}`
}

const shopTable = `NAMESPACE  CHECK     WORKLOAD        STATUS  WHY
shop       labels                    ok      as planned
shop       refusals  replicaset/web  not ok  pods "web-" is forbidden: violates PodSecurity "baseline:latest": x
shop       pods      replicaset/web  not ok  has 0 of 1 pods
`

const shopAudited = `      audit log                  unknown  standard input:1: it is "" of "", not an event of audit.k8s.io
shop  labels                     ok       as planned
shop  refusals   replicaset/web  not ok   pods "web-" is forbidden: violates PodSecurity "baseline:latest": x
shop  pods       replicaset/web  not ok   has 0 of 1 pods
shop  audit log                  unknown  the log has no request in it that Pod Security evaluated
`

func TestVerify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
		code int
		out  string
		err  string
	}{
		{"table", []string{"-n", "shop"}, exitFindings, shopTable, "psp2pss: not ok: shop/replicaset/web\n"},
		{"name", []string{"-n", "shop", "-o", "name"}, exitFindings, "shop/replicaset/web\n", "psp2pss: not ok: shop/replicaset/web\n"},
		{"json", []string{"--exclude", "shop", "-o", "json"}, exitFindings, `{
  "apiVersion": "psp2pss.dev/v1",
  "kind": "Verification",
  "status": "not ok",
  "results": [
    {
      "namespace": "blog",
      "check": "labels",
      "status": "not ok",
      "why": {
        "id": "verify-labels-differ",
        "args": {
          "labels": [
            "pod-security.kubernetes.io/enforce is \"baseline\", and \"restricted\" is planned"
          ]
        },
        "text": "pod-security.kubernetes.io/enforce is \"baseline\", and \"restricted\" is planned"
      }
    },
    {
      "namespace": "blog",
      "check": "steps",
      "status": "could not tell",
      "why": {
        "id": "verify-step-cut-off",
        "args": {
          "stage": "enforce"
        },
        "text": "enforce: begun, and cut off: go on with 'rollout --resume'"
      }
    },
    {
      "namespace": "blog",
      "check": "refusals",
      "status": "ok",
      "why": {
        "id": "verify-no-new-refusals",
        "text": "no controller is newly refused pods"
      }
    },
    {
      "namespace": "blog",
      "check": "pods",
      "status": "ok",
      "why": {
        "id": "verify-controllers",
        "args": {
          "controllers": 0,
          "cronJobs": 0
        },
        "text": "controllers that lack no pods: 0"
      }
    }
  ]
}
`, "psp2pss: not ok: namespace/blog\n"},
		{"nobody may take it for done", []string{"-n", "blog", "-o", "name", "--allow-partial"}, exitFindings, "namespace/blog\n", "psp2pss: not ok: namespace/blog\n"},
		{"nobody", []string{"-n", "SHOP,else"}, exitUsage, "", `psp2pss: the journal has no step of namespace "SHOP"; did you mean "shop"?
  the journal has no step of namespace "else"; known: blog, shop
Try 'psp2pss verify --help'.
`},
		{"nobody is left", []string{"-n", "shop", "--exclude", "shop"}, exitUsage, "", "psp2pss: -n and --exclude leave no namespace of the journal: it has blog, shop\nTry 'psp2pss verify --help'.\n"},
		{"nobody is left out", []string{"-n", "blog", "--exclude", "shopp", "-o", "name", "--allow-partial"}, exitFindings, "namespace/blog\n", "warning: --exclude leaves nothing out: the journal has no step of namespace \"shopp\"; did you mean \"shop\"?\npsp2pss: not ok: namespace/blog\n"},
		{"audit log", []string{"-n", "shop", "--no-headers", "--audit-log", "-"}, exitFindings, shopAudited, "psp2pss: not ok: shop/replicaset/web\n"},
		{"a plan, too", []string{"--plan", "p"}, exitUsage, "", "psp2pss: --journal and --plan exclude each other: the journal says what is expected\nTry 'psp2pss verify --help'.\n"},
		{"stdin twice", []string{"--audit-log", "-", "--audit-log", "-"}, exitUsage, "", "psp2pss: standard input can be read once: name a file for all but one\nTry 'psp2pss verify --help'.\n"},
		{"no audit log", []string{"--audit-log", "/nonexistent/audit.log"}, exitFailed, "", "psp2pss: opening the audit log \"/nonexistent/audit.log\": there is no such file or folder; check the path\n"},
		{"time turned back", []string{"--wait", "-1s"}, exitUsage, "", "psp2pss: --wait=-1s is negative: give a duration such as 2m\nTry 'psp2pss verify --help'.\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			deps, journal := verifyWorld(t)
			streams, out, errOut := BufferStreams("{}")
			code := Run(t.Context(), streams, deps, append([]string{"verify", "--journal", journal}, c.args...))
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if diff := cmp.Diff(c.out, out.String()); diff != "" {
				t.Errorf("stdout (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.err, errOut.String()); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
		})
	}
}

// A plan says what is expected of the stages that are meant, and a journal of another cluster is refused.
func TestVerifyExpects(t *testing.T) {
	t.Parallel()
	deps, journal := verifyWorld(t)
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(journal, bytes.Replace(text, []byte(`"here"`), []byte(`"there"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	streams, _, errOut := BufferStreams("")
	want := fmt.Sprintf("psp2pss: the journal %q is of another cluster (context \"ctx\") than that of context \"ctx\": choose the right one with --kubeconfig\n", journal)
	if code := Run(t.Context(), streams, deps, []string{"verify", "--journal", journal}); code != exitFailed || errOut.String() != want {
		t.Errorf("exit code %d\n%s\nwant %s", code, errOut, want)
	}

	const plan = `{"apiVersion":"psp2pss.dev/v1","kind":"Plan","targetVersion":"v1.25","basis":"workloads","source":{"kind":"cluster","name":"ctx"},"policies":[],"gaps":[],"roles":[],"bindings":[],"evaluations":[],
		"namespaces":[{"name":"shop","cautions":[],"blockers":[],"workloads":[],"versions":[],"action":"add","current":{},"recommended":{"enforce":"baseline","warn":"restricted"}}]}`
	const warn = `shop labels not ok pod-security.kubernetes.io/warn is absent, and "restricted" is planned`
	const sound = "shop labels ok as planned"
	for stage, want := range map[string]string{"": warn, "observe": warn, "enforce": sound} {
		streams, out, errOut := BufferStreams(plan)
		args := []string{"verify", "--plan", "-", "--no-headers"}
		if stage != "" {
			args = append(args, "--stage", stage)
		}
		code := Run(t.Context(), streams, deps, args)
		if line, _, _ := strings.Cut(out.String(), "\n"); code != exitFindings || strings.Join(strings.Fields(line), " ") != want {
			t.Errorf("stage %q: exit code %d\n%s\nwant %s%s", stage, code, line, want, errOut)
		}
	}

	// What is being deleted is left out, and that is said.
	streams, out, errOut := BufferStreams(strings.Replace(plan, `"action":"add"`, `"action":"skip","terminating":true`, 1))
	code := Run(t.Context(), streams, deps, []string{"verify", "--plan", "-"})
	want = "warning: shop is not verified: it is being deleted\npsp2pss: nothing to verify: no namespace is meant\n"
	if code != exitPartial || out.Len() > 0 || errOut.String() != want {
		t.Errorf("being deleted: exit code %d\n%s%s\nwant %s", code, out, errOut, want)
	}
}
