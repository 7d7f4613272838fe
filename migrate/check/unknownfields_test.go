package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/pod-security-admission/api"
	kjson "sigs.k8s.io/json"

	"github.com/psp2pss/psp2pss/migrate/finding"
)

// Fields that the API does not have are noted, each with its line and what it may be meant for.
func TestUnknownFields(t *testing.T) {
	t.Parallel()
	const says = ": kubectl apply refuses the object, and a server that gets it from another client drops the field"
	deployment := func(lines string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n" + lines
	}
	for title, test := range map[string]struct {
		text string
		want []string
	}{
		"wrong case": {
			"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  hostpid: true\n  containers:\n  - name: c\n    image: i\n    securitycontext:\n      privileged: true\n",
			[]string{`5 Pod p: "spec.hostpid" (did you mean "hostPID"?)`, `9 Pod p: "spec.containers[0].securitycontext" (did you mean "securityContext"?)`},
		},
		"misspelt": {
			"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {securityContext: {runAsNonroot: true, runAsUsr: 1}, containers: [{name: c, image: i}]}\n",
			[]string{`4 Pod p: "spec.securityContext.runAsNonroot" (did you mean "runAsNonRoot"?)`, `4 Pod p: "spec.securityContext.runAsUsr" (did you mean "runAsUser"?)`},
		},
		"of the pod, in the controller": {
			deployment("  securityContext: {runAsNonRoot: true}\n  template: {spec: {containers: [{name: c, image: i}]}}\n"),
			[]string{`5 Deployment web: "spec.securityContext" (did you mean "spec.template.spec.securityContext"?)`},
		},
		"of containers, in the pod": {
			deployment("  template:\n    spec:\n      securityContext:\n        privileged: true\n      containers: [{name: c, image: i}]\n"),
			[]string{`8 Deployment web: "spec.template.spec.securityContext.privileged" (did you mean "spec.template.spec.containers[].securityContext.privileged"?)`},
		},
		"of the security context, in the container": {
			deployment("  template: {spec: {containers: [{name: c, image: i, allowPrivilegeEscalation: false}]}}\n"),
			[]string{`5 Deployment web: "spec.template.spec.containers[0].allowPrivilegeEscalation" (did you mean "spec.template.spec.containers[].securityContext.allowPrivilegeEscalation"?)`},
		},
		"like no other": {"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {\"\": 1, fnord: {x: [1, {y: '}'}]}, hostPID: true, containers: [{name: c, image: i}]}\n", []string{`4 Pod p: "spec.fnord"`}},
		"in JSON":       {`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},` + "\n" + `"spec":{"host\u0050id":true,"containers":[{"name":"c","image":"i"}]}}`, []string{`2 Pod p: "spec.hostPid" (did you mean "hostPID"?)`}},
		"of an old version": {"apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: web}\nspec: {rollbackTo: {}, template: {spec: {hostpid: true, containers: [{name: c, image: i}]}}}\n", []string{
			`4 Deployment web: "spec.template.spec.hostpid" (did you mean "hostPID"?)`,
		}},
		"of a custom resource": {"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {template: {spec: {hostpid: true, containers: [{name: c, image: i}]}}}\n", nil},
		"what may hold anything": {
			"apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {hostpid: a}, annotations: {x: y}, managedFields: [{fieldsV1: {f:x: {}}}], creationTimestamp: null}\nspec: {nodeSelector: {a: b}, containers: [{name: c, image: i, resources: {limits: {example.com/gpu: 1}}}]}\nstatus: {fnord: 1}\n", nil,
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			r := checkText(t, test.text, Options{Level: api.LevelPrivileged})
			var got []string
			for _, n := range r.Notes {
				text := strings.ReplaceAll(n.Text, " is no field of the Kubernetes API", "")
				got = append(got, fmt.Sprintf("%d %s: %s", n.Position.Line, n.What, strings.TrimSuffix(text, says)))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

// Of very many fields of one object the rest is counted.
func TestManyUnknownFields(t *testing.T) {
	t.Parallel()
	var fields strings.Builder
	for i := range 25 {
		fmt.Fprintf(&fields, "x%d: 1, ", i)
	}
	r := checkText(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {"+fields.String()+"containers: [{name: c, image: i}]}\n", Options{Level: api.LevelPrivileged})
	if counts := func(n finding.Note) bool { return strings.HasSuffix(n.Text, "; 15 more fields of it are unknown") }; len(r.Notes) != 10 || !slices.ContainsFunc(r.Notes, counts) {
		t.Errorf("%d notes: %+v", len(r.Notes), r.Notes)
	}
}

// What is unknown is what Kubernetes' own decoder calls unknown, for generated Deployments with keys that were changed at random.
func TestUnknownFieldsAreThoseOfKubernetes(t *testing.T) {
	t.Parallel()
	fields := apiFieldReader{}.ofKind("apps/v1", "Deployment")
	changed := 0
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		object := jsonObject(t, randomDeployment(seed))
		delete(object, "status")
		changed += changeKeys(r, object)
		data, err := json.MarshalIndent(object, "", strings.Repeat(" ", r.IntN(3)))
		if err != nil {
			t.Fatal(err)
		}
		strict, err := kjson.UnmarshalStrict(data, &appsv1.Deployment{}, kjson.DisallowUnknownFields)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for _, e := range strict {
			want = append(want, e.Error())
		}
		scan := fieldScan{data: data, around: []apiField{{fields: fields}}}
		scan.object()
		for _, f := range scan.unknown {
			got = append(got, fmt.Sprintf("unknown field %q", f.path.String()))
		}
		slices.Sort(want)
		slices.Sort(got)
		if scan.more > 0 {
			continue
		}
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s\n%s", seed, diff, data)
		}
		if scan.at != len(data) {
			t.Fatalf("seed %d: read to %d of %d", seed, scan.at, len(data))
		}
	}
	if changed < 200 {
		t.Errorf("only %d keys were changed", changed)
	}
}

// changeKeys changes some keys below an object, and returns how many. Labels and the like are left.
func changeKeys(r *rand.Rand, value any) int {
	n := 0
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			n += changeKeys(r, item)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			inner := v[key]
			switch {
			case key == "labels" || key == "matchLabels" || key == "annotations":
			case r.IntN(50) == 0:
				delete(v, key)
				v["x"+key] = inner
				n++
			default:
				n += changeKeys(r, inner)
			}
		}
	}
	return n
}
