package patch_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// jsonObject is a JSON object; its keys are written in alphabetical order.
type jsonObject struct {
	kind string
	// empty is a value of its type, template finds the pod template in the type.
	empty    any
	template func(any) *corev1.PodTemplateSpec
	wrap     func(corev1.PodTemplateSpec) any
}

func objects() []jsonObject {
	meta := metav1.ObjectMeta{Name: "web", Namespace: "shop", Labels: map[string]string{"app": "web"}}
	return []jsonObject{
		{
			"Deployment", &appsv1.Deployment{}, func(o any) *corev1.PodTemplateSpec { return &o.(*appsv1.Deployment).Spec.Template },
			func(t corev1.PodTemplateSpec) any {
				return &appsv1.Deployment{TypeMeta: typeOf("apps/v1", "Deployment"), ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Template: t}}
			},
		},
		{
			"StatefulSet", &appsv1.StatefulSet{}, func(o any) *corev1.PodTemplateSpec { return &o.(*appsv1.StatefulSet).Spec.Template },
			func(t corev1.PodTemplateSpec) any {
				return &appsv1.StatefulSet{TypeMeta: typeOf("apps/v1", "StatefulSet"), ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Template: t}}
			},
		},
		{
			"DaemonSet", &appsv1.DaemonSet{}, func(o any) *corev1.PodTemplateSpec { return &o.(*appsv1.DaemonSet).Spec.Template },
			func(t corev1.PodTemplateSpec) any {
				return &appsv1.DaemonSet{TypeMeta: typeOf("apps/v1", "DaemonSet"), ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Template: t}}
			},
		},
		{
			"ReplicaSet", &appsv1.ReplicaSet{}, func(o any) *corev1.PodTemplateSpec { return &o.(*appsv1.ReplicaSet).Spec.Template },
			func(t corev1.PodTemplateSpec) any {
				return &appsv1.ReplicaSet{TypeMeta: typeOf("apps/v1", "ReplicaSet"), ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Template: t}}
			},
		},
		{
			"ReplicationController", &corev1.ReplicationController{}, func(o any) *corev1.PodTemplateSpec { return o.(*corev1.ReplicationController).Spec.Template },
			func(t corev1.PodTemplateSpec) any {
				return &corev1.ReplicationController{TypeMeta: typeOf("v1", "ReplicationController"), ObjectMeta: meta, Spec: corev1.ReplicationControllerSpec{Template: &t}}
			},
		},
		{
			"CronJob", &batchv1.CronJob{}, func(o any) *corev1.PodTemplateSpec { return &o.(*batchv1.CronJob).Spec.JobTemplate.Spec.Template },
			func(t corev1.PodTemplateSpec) any {
				return &batchv1.CronJob{TypeMeta: typeOf("batch/v1", "CronJob"), ObjectMeta: meta, Spec: batchv1.CronJobSpec{Schedule: "@daily", JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: t}}}}
			},
		},
		{
			"PodTemplate", &corev1.PodTemplate{}, func(o any) *corev1.PodTemplateSpec { return &o.(*corev1.PodTemplate).Template },
			func(t corev1.PodTemplateSpec) any {
				return &corev1.PodTemplate{TypeMeta: typeOf("v1", "PodTemplate"), ObjectMeta: meta, Template: t}
			},
		},
	}
}

func typeOf(apiVersion, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}
}

// random makes templates whose security fields are now unset, now good, now not.
type random struct{ *rand.Rand }

func maybe[T any](r random, values ...T) *T {
	if r.IntN(2) == 0 {
		return nil
	}
	return &values[r.IntN(len(values))]
}

func (r random) template() corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, ServiceAccountName: "web", HostNetwork: r.IntN(12) == 0,
		Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: "Memory"}}}},
	}}
	if r.IntN(3) > 0 {
		t.Labels = map[string]string{"app": "web"}
	}
	if r.IntN(3) == 0 {
		t.Annotations = map[string]string{"example.com/note": "a/b~c"}
		if r.IntN(2) == 0 {
			t.Annotations["seccomp.security.alpha.kubernetes.io/pod"] = []string{"runtime/default", "localhost/a.json", "unconfined"}[r.IntN(3)]
		}
	}
	if r.IntN(2) == 0 {
		t.Spec.SecurityContext = &corev1.PodSecurityContext{
			FSGroup: maybe(r, int64(7)), FSGroupChangePolicy: maybe(r, corev1.FSGroupChangeOnRootMismatch), RunAsNonRoot: maybe(r, true, true, false),
			Sysctls: []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "0"}}, SeccompProfile: r.seccomp(),
		}
	}
	for i := range r.IntN(3) {
		t.Spec.InitContainers = append(t.Spec.InitContainers, r.container(fmt.Sprint("init", i)))
	}
	for i := range 1 + r.IntN(3) {
		t.Spec.Containers = append(t.Spec.Containers, r.container(fmt.Sprint("app", i)))
	}
	return t
}

func (r random) container(name string) corev1.Container {
	c := corev1.Container{
		Name: name, Image: "registry.example/" + name + ":v1", Args: []string{"--a", "b"}, Env: []corev1.EnvVar{{Name: "A", Value: "1"}, {Name: "B"}},
		VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}, Ports: []corev1.ContainerPort{{ContainerPort: 80, Name: "http"}},
	}
	if r.IntN(3) == 0 {
		return c
	}
	c.SecurityContext = &corev1.SecurityContext{
		AllowPrivilegeEscalation: maybe(r, false, false, true), RunAsNonRoot: maybe(r, true, true, false), RunAsUser: maybe(r, int64(7)),
		RunAsGroup: maybe(r, int64(0)), ReadOnlyRootFilesystem: maybe(r, true, false), SeccompProfile: r.seccomp(),
	}
	switch r.IntN(4) {
	case 0:
		c.SecurityContext.Capabilities = &corev1.Capabilities{}
	case 1:
		c.SecurityContext.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"NET_RAW", "KILL"}}
	case 2:
		c.SecurityContext.Capabilities = &corev1.Capabilities{Add: []corev1.Capability{"NET_BIND_SERVICE"}, Drop: []corev1.Capability{"ALL"}}
	}
	return c
}

func (r random) seccomp() *corev1.SeccompProfile {
	return maybe(r, corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}, corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}, corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: new("x.json")})
}

// planFor reads the manifest as a file is read, and gives the plan as a saved one is read.
func planFor(t *testing.T, apiVersion, kind string, manifest []byte) *migrate.Plan {
	t.Helper()
	b := inventory.NewBuilder()
	if _, err := b.Decode(apiVersion, kind, manifest, pspparse.Position{File: "web.json"}); err != nil {
		t.Fatal(err)
	}
	p, err := migrate.Build(b.Build(inventory.Source{Kind: inventory.SourceFiles, Name: "web.json"}), migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = migrate.ReadPlan(bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return p
}

// manifestOf is the object as a file has it: a template without metadata has none, for Go writes an empty one.
func manifestOf(t *testing.T, o any) []byte {
	t.Helper()
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(data, []byte(`"template":{"metadata":{},`), []byte(`"template":{`))
}

// applied is the object after each form of the patch, which have to agree: whole objects are compared.
func applied(t *testing.T, o jsonObject, manifest []byte, p *patch.Patch, plan *migrate.Plan, opts patch.Options) []byte {
	t.Helper()
	strategic, err := p.StrategicMerge()
	if err != nil {
		t.Fatal(err)
	}
	byMerge := merged(t, o, manifest, strategic)
	operations, err := p.JSONPatch()
	if err != nil {
		t.Fatal(err)
	}
	byOperations := operated(t, manifest, operations)
	wantSame(t, "a JSON patch and a strategic one", byMerge, byOperations)
	wantSame(t, "a strategic patch applied again", byMerge, merged(t, o, byMerge, strategic))
	wantSame(t, "a JSON patch applied again", byOperations, operated(t, byOperations, operations))

	var stream bytes.Buffer
	if err := patch.WriteStrategic(&stream, plan, opts); err != nil {
		t.Fatal(err)
	}
	document, err := yaml.YAMLToJSON(stream.Bytes()[bytes.Index(stream.Bytes(), []byte("---\n"))+4:])
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "a manifest and a strategic patch", byMerge, merged(t, o, manifest, document))
	return byMerge
}

func merged(t *testing.T, o jsonObject, manifest, by []byte) []byte {
	t.Helper()
	out, err := strategicpatch.StrategicMergePatch(manifest, by, o.empty)
	if err != nil {
		t.Fatalf("%v\n%s", err, by)
	}
	return out
}

func operated(t *testing.T, manifest, by []byte) []byte {
	t.Helper()
	operations, err := jsonpatch.DecodePatch(by)
	if err != nil {
		t.Fatalf("%v\n%s", err, by)
	}
	out, err := operations.Apply(manifest)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, by, manifest)
	}
	return out
}

func wantSame(t *testing.T, what string, want, got []byte) {
	t.Helper()
	if diff := cmp.Diff(tree(t, want), tree(t, got)); diff != "" {
		t.Fatalf("%s differ (-first +second):\n%s", what, diff)
	}
}

func tree(t *testing.T, data []byte) any {
	t.Helper()
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// leaves are all values of a document by their path; a list is a leaf unless its items are objects.
func leaves(at string, doc any, out map[string]any) map[string]any {
	switch d := doc.(type) {
	case map[string]any:
		for key, value := range d {
			leaves(at+"/"+key, value, out)
		}
		if len(d) > 0 {
			return out
		}
	case []any:
		if len(d) > 0 {
			if _, objects := d[0].(map[string]any); objects {
				for i, item := range d {
					leaves(fmt.Sprintf("%s/%d", at, i), item, out)
				}
				return out
			}
		}
	}
	out[at] = doc
	return out
}

// wantUntouched: what a template had is there still, but for the values that the patch writes.
func wantUntouched(t *testing.T, before, after []byte, p *patch.Patch) {
	t.Helper()
	now := leaves("", tree(t, after), map[string]any{})
	for path, was := range leaves("", tree(t, before), map[string]any{}) {
		if m, empty := was.(map[string]any); empty && len(m) == 0 { // an empty object may have got something
			continue
		}
		written := slices.ContainsFunc(p.Values, func(v patch.TemplateValue) bool {
			_, field, _ := strings.Cut(v.Path, "securityContext.")
			return strings.Contains(path, "/securityContext/"+strings.ReplaceAll(field, ".", "/"))
		})
		if !written && !cmp.Equal(was, now[path]) {
			t.Fatalf("%s was %v and is %v", path, was, now[path])
		}
	}
}

func mustLibrary(t *testing.T) policy.Evaluator {
	t.Helper()
	e, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Raised by any form of its patch, a workload meets the level: from the manifest through the saved plan and back into the
// manifest. What is not raised is told why.
func TestRaisedManifestsMeetTheLevel(t *testing.T) {
	t.Parallel()
	library := mustLibrary(t)
	opts := patch.Options{Tool: "psp2pss", Set: patch.SetRaise, Level: api.LevelRestricted}
	lv := api.LevelVersion{Level: api.LevelRestricted, Version: api.MajorMinorVersion(1, 25)}
	raised, not := 0, 0
	for seed := range uint64(400) {
		r := random{rand.New(rand.NewPCG(seed, 1))}
		o := objects()[seed%uint64(len(objects()))]
		whole := o.wrap(r.template())
		manifest := manifestOf(t, whole)
		meets := func(data []byte) bool {
			into := o.wrap(corev1.PodTemplateSpec{})
			if err := json.Unmarshal(data, into); err != nil {
				t.Fatal(err)
			}
			template := o.template(into)
			for _, result := range library.EvaluatePod(lv, &metav1.ObjectMeta{Annotations: template.Annotations}, &template.Spec) {
				if !result.Allowed {
					return false
				}
			}
			return true
		}
		var head metav1.TypeMeta
		if err := json.Unmarshal(manifest, &head); err != nil {
			t.Fatal(err)
		}
		plan := planFor(t, head.APIVersion, head.Kind, manifest)
		patches := patch.PatchesFor(plan, opts)
		t.Logf("seed %d: %s, %d patches", seed, o.kind, len(patches))
		if met := meets(manifest); met != (len(patches) == 0) {
			t.Fatalf("seed %d: meets the level: %t, patches: %d", seed, met, len(patches))
		}
		for i := range patches {
			p := &patches[i]
			if !p.ManualReason.IsZero() || p.Incomplete {
				if len(plan.Namespaces[0].Workloads[0].StricterEdits[0].Obstacles) == 0 && len(p.Values) == 0 {
					t.Fatalf("seed %d: no patch and no reason: %+v", seed, p)
				}
				not++
				continue
			}
			after := applied(t, o, manifest, p, plan, opts)
			wantUntouched(t, manifest, after, p)
			if !meets(after) {
				t.Fatalf("seed %d: patched, and does not meet the level:\n%s", seed, after)
			}
			raised++
		}
	}
	if raised < 100 || not < 50 {
		t.Errorf("%d raised, %d not: the cases are too much alike", raised, not)
	}
}

// Values that are in force today, of every field that a policy fills in, reach a manifest by each form.
func TestKeptManifestsHaveTheValues(t *testing.T) {
	t.Parallel()
	opts := patch.Options{Tool: "psp2pss", Set: patch.SetKeep}
	for seed := range uint64(200) {
		r := random{rand.New(rand.NewPCG(seed, 2))}
		o := objects()[seed%uint64(len(objects()))]
		template := r.template()
		manifest := manifestOf(t, o.wrap(template))
		var head metav1.TypeMeta
		if err := json.Unmarshal(manifest, &head); err != nil {
			t.Fatal(err)
		}
		plan := planFor(t, head.APIVersion, head.Kind, manifest)
		w := &plan.Namespaces[0].Workloads[0]
		w.Mutations, w.AdmittedBy = r.mutations(&template), "p"
		if w.Template == nil { // a template that meets restricted has nothing to be raised, and no mutation was known then
			continue
		}
		patches := patch.PatchesFor(plan, opts)
		if len(w.Mutations) == 0 {
			continue
		}
		if len(patches) != 1 || !patches[0].ManualReason.IsZero() || len(patches[0].Values) != len(w.Mutations) {
			t.Fatalf("seed %d: %+v\nof %+v", seed, patches, w.Mutations)
		}
		after := applied(t, o, manifest, &patches[0], plan, opts)
		wantUntouched(t, manifest, after, &patches[0])
		into := o.wrap(corev1.PodTemplateSpec{})
		if err := json.Unmarshal(after, into); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r.filledIn(&template, w.Mutations), o.template(into)); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

// mutations are some of the values that a policy fills into pods of the template.
func (r random) mutations(t *corev1.PodTemplateSpec) []migrate.TemplateMutation {
	var out []migrate.TemplateMutation
	add := func(path, container, value string) {
		if r.IntN(2) == 0 {
			out = append(out, migrate.TemplateMutation{Path: path, Container: container, Value: value, Policy: "p"})
		}
	}
	add("spec.securityContext.fsGroup", "", "2000")
	add("spec.securityContext.supplementalGroups", "", "[1]")
	add("spec.securityContext.seLinuxOptions", "", `{"level":"s0"}`)
	add("spec.runtimeClassName", "", `"sandbox"`)
	for list, containers := range map[string][]corev1.Container{"initContainers": t.Spec.InitContainers, "containers": t.Spec.Containers} {
		for i, c := range containers {
			at := fmt.Sprintf("spec.%s[%d].securityContext.", list, i)
			add(at+"runAsUser", c.Name, "5")
			add(at+"runAsGroup", c.Name, "6")
			add(at+"readOnlyRootFilesystem", c.Name, "true")
			add(at+"allowPrivilegeEscalation", c.Name, "false")
			add(at+"capabilities.add", c.Name, `["CHOWN"]`)
			add(at+"capabilities.drop", c.Name, `["ALL","KILL"]`)
			add("metadata.annotations[container.apparmor.security.beta.kubernetes.io/"+c.Name+"]", c.Name, `"runtime/default"`)
		}
	}
	return out
}

// filledIn is the template with the values, by the API's own types.
func (r random) filledIn(template *corev1.PodTemplateSpec, mutations []migrate.TemplateMutation) *corev1.PodTemplateSpec {
	t := template.DeepCopy()
	pod := func() *corev1.PodSecurityContext {
		if t.Spec.SecurityContext == nil {
			t.Spec.SecurityContext = &corev1.PodSecurityContext{}
		}
		return t.Spec.SecurityContext
	}
	for _, m := range mutations {
		var c *corev1.SecurityContext
		for _, list := range [][]corev1.Container{t.Spec.InitContainers, t.Spec.Containers} {
			for i := range list {
				if list[i].Name == m.Container && strings.HasPrefix(m.Path, "spec.") {
					if list[i].SecurityContext == nil {
						list[i].SecurityContext = &corev1.SecurityContext{}
					}
					c = list[i].SecurityContext
				}
			}
		}
		caps := func() *corev1.Capabilities {
			if c.Capabilities == nil {
				c.Capabilities = &corev1.Capabilities{}
			}
			return c.Capabilities
		}
		switch m.Path[strings.LastIndexByte(m.Path, '.')+1:] {
		case "fsGroup":
			pod().FSGroup = new(int64(2000))
		case "supplementalGroups":
			pod().SupplementalGroups = []int64{1}
		case "seLinuxOptions":
			pod().SELinuxOptions = &corev1.SELinuxOptions{Level: "s0"}
		case "runtimeClassName":
			t.Spec.RuntimeClassName = new("sandbox")
		case "runAsUser":
			c.RunAsUser = new(int64(5))
		case "runAsGroup":
			c.RunAsGroup = new(int64(6))
		case "readOnlyRootFilesystem":
			c.ReadOnlyRootFilesystem = new(true)
		case "allowPrivilegeEscalation":
			c.AllowPrivilegeEscalation = new(false)
		case "add":
			caps().Add = []corev1.Capability{"CHOWN"}
		case "drop":
			caps().Drop = []corev1.Capability{"ALL", "KILL"}
		default:
			if t.Annotations == nil {
				t.Annotations = map[string]string{}
			}
			t.Annotations["container.apparmor.security.beta.kubernetes.io/"+m.Container] = "runtime/default"
		}
	}
	return t
}
