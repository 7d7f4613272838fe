package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/fixtures/cluster"
	"github.com/psp2pss/psp2pss/pspparse"
)

// document is one JSON object of a test, as a reader hands it over.
type document struct {
	apiVersion, kind string
	data             []byte
	at               pspparse.Position
}

// documents cuts JSON objects, one a line, numbered from 1 in file "f".
func documents(t *testing.T, lines string) []document {
	t.Helper()
	var out []document
	for i, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		var head metav1.TypeMeta
		if err := json.Unmarshal([]byte(line), &head); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		out = append(out, document{head.APIVersion, head.Kind, []byte(line), pspparse.Position{File: "f", Line: i + 1}})
	}
	return out
}

// build decodes documents and builds the Inventory; errors become gaps as a reader makes them.
func build(t *testing.T, docs []document) *Inventory {
	t.Helper()
	b := NewBuilder()
	for _, d := range docs {
		handled, err := b.Decode(d.apiVersion, d.kind, d.data, d.at)
		switch {
		case err != nil:
			e, ok := err.(*DecodeError) //nolint:errorlint // the documented type
			if !ok {
				t.Fatalf("%v is no DecodeError", err)
			}
			b.AddGap(e.Gap(d.at))
		case !handled && d.kind == "PodSecurityPolicy":
			p, problems := pspparse.ParseJSON(d.data, d.at)
			if p == nil {
				t.Fatalf("reading a policy: %v", problems)
			}
			b.AddPolicy(p)
		case !handled:
			b.CountSkipped(d.kind)
		}
	}
	return b.Build(Source{Kind: SourceFiles})
}

// summary is an Inventory in a few words a line: what a test of grouping wants to see.
func summary(inv *Inventory) []string {
	var out []string
	for _, n := range inv.Namespaces {
		out = append(out, fmt.Sprintf("namespace %s declared=%t labels=%d managers=%v", n.Name, n.Declared, len(n.Labels), n.LabelManagers))
	}
	for _, w := range inv.Workloads {
		line := fmt.Sprintf("%s %s/%s account=%s replicas=%d template=%t line=%d", w.Kind, w.Namespace, w.Name, w.ServiceAccount, w.Replicas, w.Template != nil, w.Position.Line)
		if w.Owner != nil {
			line += " owner=" + w.Owner.Kind + "/" + w.Owner.Name
		}
		out = append(out, line)
		for _, g := range w.PodGroups {
			out = append(out, fmt.Sprintf("  %d like %s account=%s admitted=%s mirror=%t as-template=%t", g.Count, g.ExamplePod, g.ServiceAccount, g.AdmittedBy, g.Mirror, g.Shape == w.Template))
			if g.Finished > 0 {
				out[len(out)-1] += fmt.Sprintf(" finished=%d", g.Finished)
			}
		}
	}
	if inv.FinishedPods > 0 {
		out = append(out, fmt.Sprintf("finished %d", inv.FinishedPods))
	}
	for _, s := range inv.ServiceAccounts {
		out = append(out, fmt.Sprintf("account %s/%s", s.Namespace, s.Name))
	}
	for _, r := range inv.Roles {
		out = append(out, fmt.Sprintf("role %s/%s rules=%d live=%t", r.Namespace, r.Name, len(r.Rules), r.Stored))
	}
	for _, x := range inv.Bindings {
		out = append(out, fmt.Sprintf("binding %s/%s to %s %s for %d", x.Namespace, x.Name, x.RoleKind, x.RoleName, len(x.Subjects)))
	}
	for _, g := range inv.Gaps {
		out = append(out, fmt.Sprintf("gap %s at %s touches %s: %s", g.What, positionText(g.Position), strings.Join(g.Namespaces, " "), g.Why))
	}
	for _, n := range inv.Notes {
		out = append(out, fmt.Sprintf("note %s at %s: %s", n.What, positionText(n.Position), n.Why))
	}
	for _, s := range inv.Skipped {
		out = append(out, fmt.Sprintf("skipped %d %s", s.Count, s.Kind))
	}
	return out
}

const (
	ns        = `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"web"}}` + "\n"
	done      = `,"status":{"phase":"Succeeded"}`
	plainPod  = `"spec":{"containers":[{"name":"c"}]}`
	template1 = `"template":{"spec":{"containers":[{"name":"c"}]}}`
	template2 = `"template":{"spec":{"hostPID":true,"containers":[{"name":"c"}]}}`
	byRS      = `"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"api-5d4f8","controller":true}]`
	byDeploy  = `"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"api","controller":true}]`
	byJob     = `"ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"backup-27900000","controller":true}]`
	byCron    = `"ownerReferences":[{"apiVersion":"batch/v1","kind":"CronJob","name":"backup","controller":true}]`
	deploy    = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"api","namespace":"web"},"spec":{"replicas":2,` + template1 + `}}` + "\n"
	cron      = `{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"backup","namespace":"web"},"spec":{"jobTemplate":{"spec":{` + template1 + `}}}}` + "\n"
)

func podLine(name, meta, spec string) string {
	if meta != "" {
		meta = "," + meta
	}
	return `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"` + name + `","namespace":"web","uid":"u"` + meta + `},` + spec + `}` + "\n"
}

func TestBuild(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		input string
		want  []string
	}{
		"pods of a ReplicaSet fold into its Deployment": {
			input: ns + deploy +
				`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"api-5d4f8","namespace":"web",` + byDeploy + `},"spec":{"replicas":2,` + template1 + `}}` + "\n" +
				podLine("api-5d4f8-bbbbb", byRS, plainPod) + podLine("api-5d4f8-aaaaa", byRS, plainPod) +
				podLine("api-5d4f8-ccccc", `"annotations":{"kubernetes.io/psp":"p"},`+byRS, plainPod),
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"Deployment web/api account=default replicas=2 template=true line=2",
				"  2 like api-5d4f8-aaaaa account=default admitted= mirror=false as-template=true",
				"  1 like api-5d4f8-ccccc account=default admitted=p mirror=false as-template=true",
			},
		},
		"a ReplicaSet with another template stays": {
			input: ns + deploy +
				`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"api-5d4f8","namespace":"web",` + byDeploy + `},"spec":{"replicas":0,` + template2 + `}}` + "\n" +
				podLine("api-5d4f8-aaaaa", byRS, plainPod),
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"Deployment web/api account=default replicas=2 template=true line=2",
				"ReplicaSet web/api-5d4f8 account=default replicas=0 template=true line=3 owner=Deployment/api",
				"  1 like api-5d4f8-aaaaa account=default admitted= mirror=false as-template=false",
			},
		},
		"a ReplicaSet with another account stays": {
			input: ns + deploy +
				`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"api-5d4f8","namespace":"web",` + byDeploy + `},"spec":{"template":{"spec":{"serviceAccount":"old","containers":[{"name":"c"}]}}}}`,
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"Deployment web/api account=default replicas=2 template=true line=2",
				"ReplicaSet web/api-5d4f8 account=old replicas=1 template=true line=3 owner=Deployment/api",
			},
		},
		"a ReplicaSet whose Deployment was not read": {
			input: ns + `{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"api-5d4f8","namespace":"web",` + byDeploy + `},"spec":{` + template1 + `}}`,
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"ReplicaSet web/api-5d4f8 account=default replicas=1 template=true line=2 owner=Deployment/api",
			},
		},
		"pods of a ReplicaSet that was not read, Deployment read": {
			input: ns + deploy + podLine("api-5d4f8-aaaaa", byRS, plainPod),
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"Deployment web/api account=default replicas=2 template=true line=2",
				"  1 like api-5d4f8-aaaaa account=default admitted= mirror=false as-template=true",
			},
		},
		"pods of an owner that was not read": {
			input: ns + podLine("a", byRS, plainPod) + podLine("b", byRS, `"spec":{"serviceAccountName":"other","containers":[{"name":"c"}]}`),
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"ReplicaSet web/api-5d4f8 account=default replicas=2 template=false line=0",
				"  1 like a account=default admitted= mirror=false as-template=false",
				"  1 like b account=other admitted= mirror=false as-template=false",
			},
		},
		"a CronJob, its Job and their pods": {
			input: ns + cron +
				`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"backup-27900000","namespace":"web",` + byCron + `},"spec":{` + template1 + `}}` + "\n" +
				podLine("backup-27900000-aaaaa", byJob, plainPod),
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"CronJob web/backup account=default replicas=1 template=true line=2",
				"  1 like backup-27900000-aaaaa account=default admitted= mirror=false as-template=true",
			},
		},
		"pods of a Job that was not read, CronJob read": {
			input: ns + cron + podLine("backup-27900000-aaaaa", byJob, plainPod),
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"CronJob web/backup account=default replicas=1 template=true line=2",
				"  1 like backup-27900000-aaaaa account=default admitted= mirror=false as-template=true",
			},
		},
		"a Job of another API group is not a Job": {
			input: ns + `{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"x","namespace":"web"},"spec":{"suspend":true,` + template1 + `}}` + "\n" +
				podLine("x-0", `"ownerReferences":[{"apiVersion":"batch.example.com/v1","kind":"Job","name":"x","controller":true}]`, plainPod),
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"Job web/x account=default replicas=0 template=true line=2",
				"Job.batch.example.com web/x account=default replicas=1 template=false line=0",
				"  1 like x-0 account=default admitted= mirror=false as-template=false",
			},
		},
		"an owner that cannot exist is none": {
			input: ns + podLine("a", `"ownerReferences":[{"apiVersion":"a/v1","kind":"\u001b[31mX","name":"x","controller":true}]`, plainPod) +
				podLine("b", `"ownerReferences":[{"apiVersion":"a/v1","kind":"X","name":"$(id)","controller":true}]`, plainPod) +
				podLine("c", `"ownerReferences":[{"apiVersion":"a/v1","kind":"X","name":"x"}]`, plainPod),
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"Pod web/a account=default replicas=1 template=false line=2",
				"  1 like a account=default admitted= mirror=false as-template=false",
				"Pod web/b account=default replicas=1 template=false line=3",
				"  1 like b account=default admitted= mirror=false as-template=false",
				"Pod web/c account=default replicas=1 template=false line=4",
				"  1 like c account=default admitted= mirror=false as-template=false",
			},
		},
		"mirror pods, finished pods, bare pods": {
			input: ns + podLine("etcd-n1", `"annotations":{"kubernetes.io/config.mirror":"x"},"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n1","controller":true}]`, plainPod) +
				podLine("done", "", plainPod+`,"status":{"phase":"Succeeded"}`) + podLine("failed", "", plainPod+`,"status":{"phase":"Failed"}`) +
				podLine("bare", "", plainPod+`,"status":{"phase":"Running"}`),
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"Pod web/bare account=default replicas=1 template=false line=5",
				"  1 like bare account=default admitted= mirror=false as-template=false",
				"Pod web/etcd-n1 account= replicas=1 template=false line=2",
				"  1 like etcd-n1 account= admitted= mirror=true as-template=false",
				"finished 2",
			},
		},
		"finished pods of an owner that was read are only counted": {
			input: deploy + cron + podLine("api-5d4f8-aaaaa", byRS, plainPod+done) + podLine("backup-27900000-aaaaa", byJob, plainPod+done) +
				`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"once","namespace":"web"},"spec":{` + template1 + "}}\n" +
				podLine("once-aaaaa", strings.ReplaceAll(byJob, "backup-27900000", "once"), plainPod+done),
			want: []string{
				"namespace web declared=false labels=0 managers=map[]",
				"CronJob web/backup account=default replicas=0 template=true line=2",
				"Deployment web/api account=default replicas=2 template=true line=1",
				"Job web/once account=default replicas=1 template=true line=5",
				"finished 3",
			},
		},
		"finished pods stand in for an owner that was not read": {
			input: podLine("backup-27900000-bbbbb", byJob, plainPod+done) + podLine("backup-27900000-aaaaa", byJob, plainPod+`,"status":{"phase":"Failed"}`) +
				podLine("backup-27900000-ccccc", `"annotations":{"kubernetes.io/psp":"p"},`+byJob, `"spec":{"serviceAccountName":"other","containers":[{"name":"c"}]}`+done) +
				podLine("api-5d4f8-aaaaa", byRS, plainPod+done) + podLine("api-5d4f8-bbbbb", byRS, plainPod) + podLine("api-5d4f8-ccccc", byRS, `"spec":{"hostPID":true,"containers":[{"name":"c"}]}`+done) +
				podLine("bare", "", plainPod+done) +
				podLine("etcd-n1", `"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n1","controller":true}]`, plainPod+done),
			want: []string{
				"namespace web declared=false labels=0 managers=map[]",
				"Job web/backup-27900000 account=default replicas=0 template=false line=0",
				"  0 like backup-27900000-aaaaa account=default admitted= mirror=false as-template=false finished=2",
				"  0 like backup-27900000-ccccc account=other admitted=p mirror=false as-template=false finished=1",
				"ReplicaSet web/api-5d4f8 account=default replicas=1 template=false line=0",
				"  1 like api-5d4f8-bbbbb account=default admitted= mirror=false as-template=false finished=1",
				"  0 like api-5d4f8-ccccc account=default admitted= mirror=false as-template=false finished=1",
				"finished 2",
			},
		},
		"finished pods of an owner that was not read, seen twice": {
			input: podLine("a", byRS, plainPod+done) + podLine("a", byRS, plainPod+`,"status":{"phase":"Failed"}`) + podLine("b", byRS, plainPod+done) + podLine("b", byRS, plainPod) +
				podLine("c", byRS, plainPod+done) + podLine("c", byRS, `"spec":{"hostPID":true,"containers":[{"name":"c"}]}`+done),
			want: []string{
				"namespace web declared=false labels=0 managers=map[]",
				"ReplicaSet web/api-5d4f8 account=default replicas=1 template=false line=0",
				"  1 like b account=default admitted= mirror=false as-template=false finished=1",
				`gap Pod "web/c" at f:5 touches web: it is defined 2 times with different content (f:5, f:6), and none was used: keep one of them`,
				"note repeated objects at f:1: 1 document repeats an object that was read elsewhere with the same content; it counts once",
			},
		},
		"names that the server will choose are never duplicates": {
			input: ns + `{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"p-","namespace":"web"},` + plainPod + "}\n" +
				`{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"p-","namespace":"web"},"spec":{"hostPID":true,"containers":[{"name":"c"}]}}` + "\n" +
				`{"apiVersion":"batch/v1","kind":"Job","metadata":{"generateName":"j-","namespace":"web"},"spec":{` + template1 + "}}\n" +
				`{"apiVersion":"batch/v1","kind":"Job","metadata":{"generateName":"j-","namespace":"web"},"spec":{` + template2 + "}}\n",
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"Job web/j-<generated> account=default replicas=1 template=true line=4",
				"Job web/j-<generated> account=default replicas=1 template=true line=5",
				"Pod web/p-<generated> account=default replicas=1 template=true line=2",
				"Pod web/p-<generated> account=default replicas=1 template=true line=3",
			},
		},
		"one pod seen twice, with another status": {
			input: ns + podLine("a", "", plainPod+`,"status":{"phase":"Running"}`) + podLine("a", "", plainPod+`,"status":{"phase":"Pending"}`) +
				podLine("a", "", plainPod+`,"status":{"phase":"Succeeded"}`) + podLine("b", "", plainPod+`,"status":{"phase":"Failed"}`) + podLine("b", "", plainPod+`,"status":{"phase":"Failed"}`),
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"Pod web/a account=default replicas=1 template=false line=2",
				"  1 like a account=default admitted= mirror=false as-template=false",
				"finished 1",
				"note repeated objects at f:2: 2 documents repeat an object that was read elsewhere with the same content; it counts once",
			},
		},
		"differing duplicates are a gap and not used": {
			input: podLine("a", "", plainPod) + podLine("a", "", `"spec":{"hostPID":true,"containers":[{"name":"c"}]}`) +
				deploy + strings.Replace(deploy, `"spec":{"containers"`, `"spec":{"hostIPC":true,"containers"`, 1) +
				`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"web","labels":{"a":"1"}}}` + "\n" +
				`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"web","labels":{"a":"2"}}}` + "\n" +
				`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"x"},"roleRef":{"kind":"ClusterRole","name":"a"}}` + "\n" +
				`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"x"},"roleRef":{"kind":"ClusterRole","name":"b"}}`,
			want: []string{
				"namespace web declared=false labels=0 managers=map[]",
				`gap Pod "web/a" at f:1 touches web: it is defined 2 times with different content (f:1, f:2), and none was used: keep one of them`,
				`gap Deployment "web/api" at f:3 touches web: it is defined 2 times with different content (f:3, f:4), and none was used: keep one of them`,
				`gap Namespace "web" at f:5 touches web: it is defined 2 times with different content (f:5, f:6), and none was used: keep one of them`,
				`gap ClusterRoleBinding "x" at f:7 touches *: it is defined 2 times with different content (f:7, f:8), and none was used: keep one of them`,
			},
		},
		"what manifests and servers disagree on makes no difference": {
			input: `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"web","labels":{"a":"1"}}}` + "\n" +
				`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"web","labels":{"a":"1","kubernetes.io/metadata.name":"web"},"managedFields":[{"manager":"flux","fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:a":{}}}}}]}}` + "\n" +
				deploy + strings.Replace(deploy, `"replicas":2`, `"replicas":5`, 1),
			want: []string{
				"namespace web declared=true labels=2 managers=map[a:[flux]]",
				"Deployment web/api account=default replicas=5 template=true line=3",
				"note repeated objects at f:1: 2 documents repeat an object that was read elsewhere with the same content; it counts once",
			},
		},
		"no namespace is the default one": {
			input: `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},` + plainPod + "}\n" +
				`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"r"},"rules":[]}`,
			want: []string{
				"namespace default declared=false labels=0 managers=map[]",
				"Pod default/a account=default replicas=1 template=true line=1",
				"role default/r rules=0 live=false",
				`note objects without a namespace at f:1: 2 objects name no namespace and count as in "default"`,
			},
		},
		"one object without a namespace": {
			input: `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"a"}}`,
			want: []string{
				"account default/a",
				`note objects without a namespace at f:1: 1 object names no namespace and counts as in "default"`,
			},
		},
		"old versions are read as the current ones": {
			input: ns +
				`{"apiVersion":"extensions/v1beta1","kind":"DaemonSet","metadata":{"name":"a","namespace":"web"},"spec":{` + template1 + "}}\n" +
				`{"apiVersion":"apps/v1beta1","kind":"Deployment","metadata":{"name":"b","namespace":"web"},"spec":{"replicas":0,` + template1 + "}}\n" +
				`{"apiVersion":"batch/v2alpha1","kind":"CronJob","metadata":{"name":"c","namespace":"web"},"spec":{"jobTemplate":{"spec":{` + template1 + "}}}}\n" +
				`{"apiVersion":"v1","kind":"PodTemplate","metadata":{"name":"d","namespace":"web"},` + template1 + "}\n" +
				`{"apiVersion":"v1","kind":"ReplicationController","metadata":{"name":"e","namespace":"web"},"spec":{` + template1 + "}}\n" +
				`{"apiVersion":"rbac.authorization.k8s.io/v1alpha1","kind":"RoleBinding","metadata":{"name":"f","namespace":"web"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"User","name":"*"},null]}`,
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				"CronJob web/c account=default replicas=0 template=true line=4",
				"DaemonSet web/a account=default replicas=0 template=true line=2",
				"Deployment web/b account=default replicas=0 template=true line=3",
				"PodTemplate web/d account=default replicas=0 template=true line=5",
				"ReplicationController web/e account=default replicas=1 template=true line=6",
				"binding web/f to ClusterRole r for 1",
				`note RoleBinding "web/f" at f:7: subjects[1] is null and grants nothing`,
			},
		},
		"roles": {
			input: `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"a","namespace":"web","uid":"1"},"rules":[` +
				`{"resources":["podsecuritypolicies"],"resourceName":["x"]},{"resources":["*/*"]},{"resources":["secrets"]},{"resources":["Pods/log"]},{"nonResourceURLs":["/*"]}]}`,
			want: []string{
				"role /a rules=3 live=true",
				`note ClusterRole "a" at f:1: its namespace "web" is ignored, as on the API server: a ClusterRole belongs to no namespace`,
				`note ClusterRole "a" at f:1: unknown field "rules[0].resourceName" is ignored, as on the API server`,
			},
		},
		"other people's kinds": {
			input: `{"apiVersion":"batch.example.com/v1","kind":"Job","metadata":{"name":"a"}}` + "\n" +
				`{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"}}` + "\n" + `{"apiVersion":"v1","kind":"Service","metadata":{"name":"b"}}`,
			want: []string{"skipped 1 Job", "skipped 2 Service"},
		},
		"values of the wrong type": {
			input: `{"apiVersion":"v1","kind":"Namespace","metadata":{"labels":{"a":"b","x":1},"name":"a"}}` + "\n" +
				`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"b","annotations":{"x.io/y z":{}}}}` + "\n" +
				`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"c","labels":[{}]}}` + "\n" +
				`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":7,"labels":{"x":"y"}}}` + "\n" +
				`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"d","labels":{"x":1},"name":"e"}}` + "\n" +
				`{"apiVersion":"v1","kind":"Namespace","metadata":{"Name":"f","labels":{"x":1}}}` + "\n" +
				`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"g","managedFields":[{},{"time":{}}]}}` + "\n" +
				podLine("a", `"annotations":{"x.io/y":true}`, plainPod) +
				podLine("b", "", `"spec":{"containers":[{"name":"c"},{"name":"d","ports":[{},{"hostPort":"1"}]}]}`) +
				`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c","namespace":"web","namespace":"w"},"spec":{"hostPID":"x"}}` + "\n" +
				`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"r","namespace":"web","labels":{"x":null,"y":1.5}}}`,
			want: []string{
				"namespace a declared=false labels=0 managers=map[]",
				"namespace b declared=false labels=0 managers=map[]",
				"namespace c declared=false labels=0 managers=map[]",
				"namespace g declared=false labels=0 managers=map[]",
				`gap Namespace "a" at f:1 touches a: metadata.labels.x must be a string, not a number`,
				`gap Namespace "b" at f:2 touches b: metadata.annotations["x.io/y z"] must be a string, not an object`,
				`gap Namespace "c" at f:3 touches c: metadata.labels must be an object, not a list`,
				`gap Namespace "(no name)" at f:4 touches *: metadata.name must be a string, not a number`,
				`gap Namespace "(no name)" at f:5 touches *: metadata.labels.x must be a string, not a number`,
				`gap Namespace "(no name)" at f:6 touches *: metadata.labels.x must be a string, not a number`,
				`gap Namespace "g" at f:7 touches g: metadata.managedFields.time must be a string, not an object`,
				`gap Pod "web/a" at f:8 touches web: metadata.annotations[x.io/y] must be a string, not a boolean`,
				`gap Pod "web/b" at f:9 touches web: spec.containers[1].ports[1].hostPort must be an integer that fits in int32, not a string`,
				`gap Pod "c" at f:10 touches *: spec.hostPID must be a boolean, not a string`,
				`gap Role "web/r" at f:11 touches web: metadata.labels.y must be a string, not a number`,
			},
		},
		"what cannot be read": {
			input: ns + `{"apiVersion":"apps/v1","kind":"deployment","metadata":{"name":"a","namespace":"web"}}` + "\n" +
				`{"apiVersion":"v1","kind":"Deployment","metadata":{"name":"a","namespace":"web"}}` + "\n" +
				`{"apiVersion":"policy/v1","kind":"PodSecurityPolicy","metadata":{"name":"a"}}` + "\n" +
				`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","namespace":"web"},"spec":{}}` + "\n" +
				podLine("a", "", `"spec":{}`) + podLine("A", "", plainPod) + podLine("", "", plainPod) +
				podLine("b", "", `"spec":{"hostPID":"yes","containers":[{"name":"c"}]}`) +
				podLine("c", "", `"spec":{"hostPID":true,"hostPID":false,"containers":[{"name":"c"}]}`) +
				`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"d","namespace":"w;b"},` + plainPod + "}\n" +
				`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"$(id)"}}` + "\n" +
				`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"a/b"},"rules":[]}`,
			want: []string{
				"namespace web declared=true labels=0 managers=map[]",
				`gap Deployment "web/a" at f:2 touches web: kind "deployment" is not known to any API server: did you mean "Deployment"?`,
				`gap Deployment "web/a" at f:3 touches web: apiVersion "v1" has no kind "Deployment": did you mean "apps/v1"?`,
				`gap PodSecurityPolicy "a" at f:4 touches *: apiVersion "policy/v1" has no kind "PodSecurityPolicy": did you mean "policy/v1beta1"?`,
				`gap Deployment "web/a" at f:5 touches web: nothing to evaluate: it has no pod template; give it one, or leave the document out`,
				`gap Pod "web/a" at f:6 touches web: nothing to evaluate: it has no containers; give it some, or leave the document out`,
				`gap Pod "web/A" at f:7 touches web: name "A" is not valid for a Pod: use at most 253 lower-case letters, digits, '-' and '.', starting and ending with a letter or digit`,
				`gap Pod "web/(no name)" at f:8 touches web: metadata.name is missing: give the Pod a name`,
				`gap Pod "web/b" at f:9 touches web: spec.hostPID must be a boolean, not a string`,
				`gap Pod "web/c" at f:10 touches web: duplicate field "spec.hostPID": a key may be given once`,
				`gap Pod "w;b/d" at f:11 touches *: namespace "w;b" is not a valid name: use at most 63 lower-case letters, digits and '-', starting and ending with a letter or digit`,
				`gap Namespace "$(id)" at f:12 touches : namespace "$(id)" is not a valid name: use at most 63 lower-case letters, digits and '-', starting and ending with a letter or digit`,
				`gap ClusterRole "a/b" at f:13 touches *: name "a/b" is not valid for a ClusterRole: it may not contain "/" or "%", nor be "." or ".."`,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			docs := documents(t, tt.input)
			got := summary(build(t, docs))
			if diff := cmp.Diff(tt.want, got, messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for seed := range uint64(5) {
				rand.New(rand.NewPCG(seed, 0)).Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
				if diff := cmp.Diff(got, summary(build(t, docs))); diff != "" {
					t.Fatalf("in another order (-first +shuffled):\n%s", diff)
				}
			}
		})
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		input string
		want  []string
	}{
		"nothing runs":                     {input: ns},
		"every kind once":                  {input: deploy + cron + strings.Replace(deploy, "api", "web", 1) + podLine("a", "", plainPod), want: []string{"CronJob", "Deployment", "Pod"}},
		"a finished pod was read as well":  {input: podLine("a", "", plainPod+`,"status":{"phase":"Succeeded"}`), want: []string{"Pod"}},
		"an owner that was not read":       {input: podLine("a", byRS, plainPod), want: []string{"Pod"}},
		"a ReplicaSet folded into another": {input: deploy + `{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"api-5d4f8","namespace":"web",` + byDeploy + `},"spec":{` + template1 + `}}`, want: []string{"Deployment", "ReplicaSet"}},
		"what cannot be read does not":     {input: podLine("A", "", plainPod)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, build(t, documents(t, tt.input)).KindsRead); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The order of the input changes nothing, in a cluster with everything in it and with duplicates of both kinds.
func TestOrderIndependence(t *testing.T) {
	t.Parallel()
	docs := dump(t, cluster.Spec{Seed: 1, Namespaces: 25, Pods: 400, Bindings: 60, Policies: 5})
	more := dump(t, cluster.Spec{Seed: 2, Namespaces: 5, Pods: 60, Bindings: 20})
	docs = append(docs, docs[:100]...)
	docs = append(docs, docs[len(docs)-150:]...)
	docs = append(docs, more...)
	want := build(t, docs)
	if len(want.Gaps) == 0 || len(want.Workloads) < 100 {
		t.Fatalf("the input shows too little: %d gaps, %d workloads", len(want.Gaps), len(want.Workloads))
	}
	for seed := range uint64(4) {
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
		if diff := cmp.Diff(want, build(t, docs)); diff != "" {
			t.Fatalf("order %d (-want +got):\n%s", seed, diff)
		}
	}
}

func dump(t *testing.T, spec cluster.Spec) []document {
	t.Helper()
	var text bytes.Buffer
	if err := spec.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var list struct{ Items []json.RawMessage }
	if err := json.Unmarshal(text.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	var out []document
	for i, item := range list.Items {
		var head metav1.TypeMeta
		if err := json.Unmarshal(item, &head); err != nil {
			t.Fatal(err)
		}
		out = append(out, document{head.APIVersion, head.Kind, item, pspparse.Position{File: fmt.Sprint("dump", spec.Seed), Line: i + 1}})
	}
	return out
}

// Every pod of a generated cluster is counted once, and with its controller.
func TestCounts(t *testing.T) {
	t.Parallel()
	inv := build(t, dump(t, cluster.Spec{Seed: 3, Namespaces: 30, Pods: 500, Bindings: 40}))
	pods := inv.FinishedPods
	for _, w := range inv.Workloads {
		n := 0
		for _, g := range w.PodGroups {
			n += g.Count
		}
		pods += n
		if w.Template == nil && w.Kind != "Pod" {
			t.Errorf("%s %s/%s was not found", w.Kind, w.Namespace, w.Name)
		}
	}
	if pods != 500 || len(inv.Bindings) != 43 || len(inv.Gaps) > 0 {
		t.Errorf("got %d pods, %d bindings, gaps %v; want 500, 43, none", pods, len(inv.Bindings), inv.Gaps)
	}
}

// JSON is read into a smaller type than the API's; nothing that matters may be lost by it.
func TestDecodedPodsAreWhole(t *testing.T) {
	t.Parallel()
	filler := randomPods(11)
	for i := range 500 {
		var pod corev1.Pod
		filler.Fill(&pod.Spec)
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "c"})
		filler.Fill(&pod.Annotations)
		pod.Name, pod.Namespace, pod.UID = "p", "web", "u"
		data, err := json.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		b := NewBuilder()
		if _, err := b.Decode("v1", "Pod", data, pspparse.Position{}); err != nil {
			t.Fatalf("pod %d: %v", i, err)
		}
		var whole corev1.Pod
		if err := json.Unmarshal(data, &whole); err != nil {
			t.Fatal(err)
		}
		want := ReducePod(whole.Annotations, &whole.Spec)
		w := b.Build(Source{}).Workloads[0]
		got := w.PodGroups[0]
		if debugged := len(whole.Spec.EphemeralContainers) > 0; debugged {
			if diff := cmp.Diff([]DebuggedPod{{Pod: "p", Shape: want, WithoutDebug: got.Shape}}, w.DebuggedPods); diff != "" {
				t.Fatalf("pod %d with its debug containers (-want +got):\n%s", i, diff)
			}
			whole.Spec.EphemeralContainers = nil
			want = ReducePod(whole.Annotations, &whole.Spec)
		}
		if diff := cmp.Diff(want, got.Shape); diff != "" {
			t.Fatalf("pod %d (-want +got):\n%s", i, diff)
		}
		if diff := cmp.Diff(serviceAccountName(&whole.Spec), got.ServiceAccount); diff != "" {
			t.Fatalf("pod %d: account (-want +got):\n%s", i, diff)
		}
	}
}

func TestNamesAreValidAsUpstreamSays(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	const alphabet = "ab9-._AZ é\x00"
	for range 20000 {
		name := make([]byte, rng.IntN(6))
		for i := range name {
			name[i] = alphabet[rng.IntN(len(alphabet))]
		}
		if s := string(name); IsDNSLabel(s) != (len(validation.IsDNS1123Label(s)) == 0) || IsDNSSubdomain(s) != (len(validation.IsDNS1123Subdomain(s)) == 0) {
			t.Errorf("%q: label %t, subdomain %t, upstream says otherwise", s, IsDNSLabel(s), IsDNSSubdomain(s))
		}
	}
	for _, n := range []int{62, 63, 64, 252, 253, 254} {
		if s := strings.Repeat("a", n); IsDNSLabel(s) != (len(validation.IsDNS1123Label(s)) == 0) || IsDNSSubdomain(s) != (len(validation.IsDNS1123Subdomain(s)) == 0) {
			t.Errorf("a name of %d letters: upstream says otherwise", n)
		}
	}
}

// TestOtherRules: rules that cannot matter are not kept, but that there are some is, whichever of two objects says so.
func TestOtherRules(t *testing.T) {
	t.Parallel()
	read := rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"configmaps"}}
	use := rbacv1.PolicyRule{Verbs: []string{"use"}, APIGroups: []string{"policy"}, Resources: []string{"podsecuritypolicies"}}
	aggregation := &rbacv1.AggregationRule{}
	at := func(line int, r Role) Role {
		r.Position = pspparse.Position{File: "f", Line: line}
		return r
	}
	for name, tc := range map[string]struct {
		in   []Role
		want bool
	}{
		"none":                   {[]Role{{Rules: []rbacv1.PolicyRule{use}}}, false},
		"some":                   {[]Role{{Rules: []rbacv1.PolicyRule{use, read}}}, true},
		"in one of two files":    {[]Role{{Rules: []rbacv1.PolicyRule{use}}, {Rules: []rbacv1.PolicyRule{use, read}}}, true},
		"written, and not live":  {[]Role{{Aggregation: aggregation, Rules: []rbacv1.PolicyRule{read}}, {Aggregation: aggregation, Stored: true}}, false},
		"not written, and live":  {[]Role{{Aggregation: aggregation}, {Aggregation: aggregation, Stored: true, Rules: []rbacv1.PolicyRule{read}}}, true},
		"twice by a live server": {[]Role{{Stored: true, Rules: []rbacv1.PolicyRule{read}}, {Stored: true}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, order := range [][]int{{0, 1}, {1, 0}} {
				b := NewBuilder()
				for i := range tc.in {
					r := tc.in[i]
					r.Name = "r"
					b.AddRole(at(1+order[i], r))
				}
				roles := b.Build(Source{}).Roles
				if len(roles) != 1 || roles[0].OtherRules != tc.want {
					t.Errorf("in order %v: %+v, want one role, others %t", order, roles, tc.want)
				}
			}
		})
	}
}

// Rules and subjects keep nothing of the object that was read.
func TestAddRoleCopies(t *testing.T) {
	t.Parallel()
	rules := []rbacv1.PolicyRule{{Verbs: []string{"use"}, APIGroups: []string{"policy"}, Resources: []string{"podsecuritypolicies"}}}
	b := NewBuilder()
	b.AddRole(Role{Name: "r", Rules: rules})
	rules[0].Verbs[0] = "other"
	want := []rbacv1.PolicyRule{{Verbs: []string{"use"}, APIGroups: []string{"policy"}, Resources: []string{"podsecuritypolicies"}}}
	if diff := cmp.Diff(want, b.Build(Source{}).Roles[0].Rules); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// BenchmarkRetainedPerPod measures what a Builder holds for each pod of a cluster.
func BenchmarkRetainedPerPod(b *testing.B) {
	docs := podDocuments(b, 20000)
	var before, after runtime.MemStats
	for b.Loop() {
		builder := NewBuilder()
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i, doc := range docs {
			if _, err := builder.Decode("v1", "Pod", doc, pspparse.Position{File: "f", Line: i}); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/float64(len(docs)), "B/pod")
		runtime.KeepAlive(builder)
	}
	runtime.KeepAlive(docs)
}

// Nothing that a document holds may stop the run, and what was read is an Inventory whatever it was.
func FuzzDecode(f *testing.F) {
	for _, k := range objectKinds {
		f.Add(k.apiVersions[0], k.name, `{"metadata":{"name":"a","namespace":"b"},"spec":{"containers":[{"name":"c"}],`+template1+`},`+template2+`}`)
	}
	f.Add("v1", "Pod", `{"metadata":{"generateName":"a-","ownerReferences":[{"kind":"Node","controller":true},null]},"spec":{"containers":[null]}}`)
	f.Add("v1", "Pod", admitted(appliedText))
	f.Add("v1", "Namespace", `{"metadata":{"name":"a","managedFields":[{"manager":"m","fieldsV1":{"f:metadata":{"f:labels":{"f:x":{}}}}},null]}}`)
	f.Add("rbac.authorization.k8s.io/v1alpha1", "RoleBinding", `{"metadata":{"name":"a"},"subjects":[null,{"kind":"User","name":"*"}],"roleRef":null}`)
	f.Fuzz(func(t *testing.T, apiVersion, kind, data string) {
		b := NewBuilder()
		for line := range 2 {
			if _, err := b.Decode(apiVersion, kind, []byte(data), pspparse.Position{File: "f", Line: line}); err != nil {
				var d *DecodeError
				if !errors.As(err, &d) {
					t.Fatalf("%v is no DecodeError", err)
				}
				b.AddGap(d.Gap(pspparse.Position{File: "f", Line: line}))
			}
		}
		for _, w := range b.Build(Source{}).Workloads {
			if !IsDNSLabel(w.Namespace) || w.Name == "" {
				t.Errorf("workload %q in namespace %q", w.Name, w.Namespace)
			}
		}
	})
}

// The pods of a StatefulSet have a volume of each claim template, in place of the template's own of that name.
func TestClaimsAreVolumes(t *testing.T) {
	t.Parallel()
	inv := build(t, documents(t, `
{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "web"}, "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}, {"metadata": {"name": "log"}}, {"metadata": {"name": "data"}}], "template": {"spec": {"volumes": [{"name": "log", "hostPath": {"path": "/var/log"}}, {"name": "tmp", "emptyDir": {}}], "containers": [{"name": "c"}]}}}}
{"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "db", "namespace": "web"}, "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}], "template": {"spec": {"containers": [{"name": "c"}]}}}}
`))
	claim := corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{}}
	want := map[string][]corev1.Volume{
		"ReplicaSet":  nil,
		"StatefulSet": {{Name: "data", VolumeSource: claim}, {Name: "log", VolumeSource: claim}, {Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
	}
	got := map[string][]corev1.Volume{}
	for _, w := range inv.Workloads {
		got[w.Kind] = w.Template.Spec.Volumes
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("volumes (-want +got):\n%s", diff)
	}
}
