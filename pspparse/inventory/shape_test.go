package inventory

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/randfill"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// words are the strings of random pods: those that rules know, those that nearly are, and few enough that two fields
// often agree.
var words = []string{
	"", "a", "b", "c", "ALL", "NET_BIND_SERVICE", "CHOWN", "SYS_ADMIN", "RuntimeDefault", "Localhost", "Unconfined",
	"Default", "Unmasked", "windows", "linux", "container_t", "container_engine_t", "spc_t", "net.ipv4.tcp_rmem",
	"kernel.shm_rmid_forced", "net.core.somaxconn", "runtime/default", "docker/default", "localhost/x", "unconfined",
	"kube-api-access-abcde", "kube-api-access-abcdE", "kube-api-access-abcdef", "sa-token-x2y4z", "-token-x2y4z",
	"kube-root-ca.crt", "token", "namespace", "metadata.namespace", "v1", tokenMountPath, "127.0.0.1",
}

var annotationKeys = []string{
	podspec.SeccompPodAnnotation, podspec.SeccompContainerAnnotationPrefix + "a", podspec.SeccompContainerAnnotationPrefix + "b", podspec.AppArmorAnnotationPrefix + "a",
	podspec.AppArmorAnnotationPrefix + "zz", "kubernetes.io/psp", "a", "seccomp.security.alpha.kubernetes.io/pods",
}

// randomPods fills pods of every field, seeded.
func randomPods(seed int64) *randfill.Filler {
	pick := func(c randfill.Continue) string { return words[c.Intn(len(words))] }
	return randfill.NewWithSeed(seed).NilChance(0.4).NumElements(0, 3).MaxDepth(20).Funcs(
		func(s *string, c randfill.Continue) { *s = pick(c) },
		func(n *int32, c randfill.Continue) { *n = int32(c.Intn(3)) },
		func(n *int64, c randfill.Continue) { *n = int64(c.Intn(3)) },
		func(q *resource.Quantity, c randfill.Continue) { *q = resource.MustParse(fmt.Sprint(c.Intn(9))) },
		func(v *intstr.IntOrString, c randfill.Continue) { *v = intstr.FromInt32(int32(c.Intn(9))) },
		func(*metav1.Time, randfill.Continue) {},
		func(*metav1.FieldsV1, randfill.Continue) {},
		func(m *map[string]string, c randfill.Continue) {
			*m = map[string]string{}
			for range c.Intn(4) {
				(*m)[annotationKeys[c.Intn(len(annotationKeys))]] = pick(c)
			}
		},
		// One source per volume, mostly, as the API server demands.
		func(v *corev1.Volume, c randfill.Continue) {
			c.FillNoCustom(v)
			if c.Intn(4) == 0 {
				return
			}
			keep := c.Intn(reflect.TypeFor[corev1.VolumeSource]().NumField() + 1)
			s := reflect.ValueOf(&v.VolumeSource).Elem()
			for i := range s.NumField() {
				switch {
				case i != keep:
					s.Field(i).SetZero()
				case s.Field(i).IsNil():
					s.Field(i).Set(reflect.New(s.Field(i).Type().Elem()))
				}
			}
		},
	)
}

// versions returns every version at which some check changes: between them all answers are the same.
func versions(checks []policy.Check) []api.Version {
	seen := map[api.Version]bool{}
	var out []api.Version
	for _, check := range checks {
		for _, v := range check.Versions {
			if !seen[v.MinimumVersion] {
				seen[v.MinimumVersion] = true
				out = append(out, v.MinimumVersion)
			}
		}
	}
	return out
}

// The reduction may lose nothing that a check of the library sees: reason and detail too.
func TestReducedPodsAreJudgedAlike(t *testing.T) {
	t.Parallel()
	checks := policy.DefaultChecks()
	evaluator, err := policy.NewEvaluator(checks, nil)
	if err != nil {
		t.Fatal(err)
	}
	filler := randomPods(1)
	forbidden := map[string]int{}
	for i := range 800 {
		var pod corev1.Pod
		filler.Fill(&pod.Spec)
		filler.Fill(&pod.Annotations)
		full := withDefaults(pod.Spec.DeepCopy())
		shape := ReducePod(pod.Annotations, &pod.Spec)
		for _, version := range versions(checks) {
			for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
				lv := api.LevelVersion{Level: level, Version: version}
				want := evaluator.EvaluatePod(lv, &metav1.ObjectMeta{Annotations: pod.Annotations}, full)
				got := evaluator.EvaluatePod(lv, &metav1.ObjectMeta{Annotations: shape.Annotations}, &shape.Spec)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("pod %d at %s (-full +reduced):\n%s", i, lv.String(), diff)
				}
				for _, r := range got {
					forbidden[r.ForbiddenReason]++
				}
			}
		}
	}
	if len(forbidden) < len(checks) {
		t.Errorf("random pods failed only %d kinds of check: %v", len(forbidden), forbidden)
	}
}

// withDefaults applies the API defaults that Reduce applies, the slow way.
func withDefaults(spec *corev1.PodSpec) *corev1.PodSpec {
	for i := range spec.Volumes {
		if spec.Volumes[i].VolumeSource == (corev1.VolumeSource{}) {
			spec.Volumes[i].EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			for j := range list[i].Ports {
				if p := &list[i].Ports[j]; spec.HostNetwork && p.HostPort == 0 {
					p.HostPort = p.ContainerPort
				}
			}
		}
	}
	return spec
}

func keyOf(annotations map[string]string, spec *corev1.PodSpec) string {
	n := newShapeEncoder()
	n.encodePod(annotations, spec)
	return string(n.buf)
}

// Two pods have one key exactly if they reduce to the same: every single field is changed in turn.
func TestKeysAreEqualWhereShapesAre(t *testing.T) {
	t.Parallel()
	var same, differ int
	for seed := range int64(10) {
		var pod corev1.Pod
		filler := randomPods(seed)
		if seed%2 == 0 {
			filler.NilChance(0).NumElements(1, 1) // every field there is
		}
		filler.Fill(&pod.Spec)
		filler.Fill(&pod.Annotations)
		type both struct {
			Annotations map[string]string
			Spec        corev1.PodSpec
		}
		before := both{pod.Annotations, pod.Spec}
		shape, key := ReducePod(before.Annotations, &before.Spec), keyOf(before.Annotations, &before.Spec)
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		change(reflect.ValueOf(&before).Elem(), "", rng, func(path string) {
			newShape, newKey := ReducePod(before.Annotations, &before.Spec), keyOf(before.Annotations, &before.Spec)
			if reflect.DeepEqual(shape, newShape) != (key == newKey) {
				t.Fatalf("seed %d: changing %s: keys equal %t, shapes (-before +after):\n%s", seed, path, key == newKey, cmp.Diff(shape, newShape))
			}
			if key == newKey {
				same++
			} else {
				differ++
			}
		})
		if again := ReducePod(shape.Annotations, &shape.Spec); !reflect.DeepEqual(shape, again) {
			t.Errorf("seed %d: reducing twice (-once +twice):\n%s", seed, cmp.Diff(shape, again))
		}
		if again := keyOf(shape.Annotations, &shape.Spec); again != key {
			t.Errorf("seed %d: the reduced pod has another key", seed)
		}
	}
	if same < 1000 || differ < 1000 {
		t.Errorf("changed too little: %d keys stayed, %d became others", same, differ)
	}
}

// change alters each value below v, calls check, and undoes it: strings, numbers and flags get another value, pointers,
// lists and maps become nil or, if they were, empty; lists lose their last element.
func change(v reflect.Value, path string, rng *rand.Rand, check func(path string)) {
	try := func(to reflect.Value) {
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		v.Set(to.Convert(v.Type()))
		check(path)
		v.Set(old)
	}
	switch v.Kind() {
	case reflect.String:
		try(reflect.ValueOf(words[rng.IntN(len(words))]))
		try(reflect.ValueOf("other"))
		try(reflect.Zero(v.Type()))
	case reflect.Bool:
		try(reflect.ValueOf(!v.Bool()))
	case reflect.Int32, reflect.Int64:
		try(reflect.ValueOf(v.Int() + 1))
		try(reflect.Zero(v.Type()))
	case reflect.Pointer:
		if v.IsNil() {
			try(reflect.New(v.Type().Elem()))
			return
		}
		try(reflect.Zero(v.Type()))
		change(v.Elem(), path, rng, check)
	case reflect.Slice:
		if v.Len() == 0 {
			try(reflect.Zero(v.Type()))
			try(reflect.MakeSlice(v.Type(), 0, 0))
			try(reflect.MakeSlice(v.Type(), 1, 1))
			return
		}
		try(v.Slice(0, v.Len()-1))
		for i := range v.Len() {
			change(v.Index(i), fmt.Sprintf("%s[%d]", path, i), rng, check)
		}
	case reflect.Map:
		try(reflect.Zero(v.Type()))
		if v.Type() == reflect.TypeFor[map[string]string]() {
			for _, key := range annotationKeys {
				try(reflect.ValueOf(map[string]string{key: "x"}))
				try(reflect.ValueOf(map[string]string{key: ""}))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				change(f, path+"."+v.Type().Field(i).Name, rng, check)
			}
		}
	}
}

func TestReduceSharesNothing(t *testing.T) {
	t.Parallel()
	var pod corev1.Pod
	randomPods(7).NilChance(0).NumElements(1, 1).Fill(&pod.Spec)
	shape := ReducePod(nil, &pod.Spec)
	want := ReducePod(nil, pod.Spec.DeepCopy())
	change(reflect.ValueOf(&pod.Spec).Elem(), "", rand.New(rand.NewPCG(1, 1)), func(path string) {
		if !reflect.DeepEqual(want, shape) {
			t.Fatalf("changing %s changed the shape (-want +got):\n%s", path, cmp.Diff(want, shape))
		}
	})
}

func TestReduce(t *testing.T) {
	t.Parallel()
	yes, id := true, int64(0)
	tests := map[string]struct {
		annotations map[string]string
		spec        corev1.PodSpec
		want        Shape
	}{
		"nothing": {want: Shape{Spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{}}}},
		"annotations": {
			annotations: map[string]string{podspec.SeccompPodAnnotation: "", podspec.AppArmorAnnotationPrefix + "c": "unconfined", "kubernetes.io/psp": "p"},
			want: Shape{
				Annotations: map[string]string{podspec.SeccompPodAnnotation: "", podspec.AppArmorAnnotationPrefix + "c": "unconfined"},
				Spec:        corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{}},
			},
		},
		"host ports under hostNetwork": {
			spec: corev1.PodSpec{
				HostNetwork:    true,
				InitContainers: []corev1.Container{{Name: "i", Ports: []corev1.ContainerPort{{ContainerPort: 80}}}},
				Containers:     []corev1.Container{{Name: "c", Ports: []corev1.ContainerPort{{ContainerPort: 81, HostPort: 82}}}},
				EphemeralContainers: []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
					Name: "e", Ports: []corev1.ContainerPort{{ContainerPort: 83}},
				}}},
			},
			want: Shape{Spec: corev1.PodSpec{
				HostNetwork:     true,
				SecurityContext: &corev1.PodSecurityContext{},
				InitContainers:  []corev1.Container{{Name: "i", Ports: []corev1.ContainerPort{{HostPort: 80}}}},
				Containers:      []corev1.Container{{Name: "c", Ports: []corev1.ContainerPort{{HostPort: 82}}}},
				EphemeralContainers: []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
					Name: "e",
				}}},
			}},
		},
		"what a container is and does": {
			spec: corev1.PodSpec{
				ServiceAccountName: "sa",
				NodeName:           "n",
				Containers: []corev1.Container{{
					Name: "c", Image: "i", Command: []string{"x"}, SecurityContext: &corev1.SecurityContext{RunAsUser: &id},
					LivenessProbe:  &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/", Host: "h"}}},
					ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/"}}},
					Ports:          []corev1.ContainerPort{{ContainerPort: 80}},
				}},
			},
			want: Shape{Spec: corev1.PodSpec{
				SecurityContext: &corev1.PodSecurityContext{},
				Containers: []corev1.Container{{
					Name: "c", SecurityContext: &corev1.SecurityContext{RunAsUser: &id},
					LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: "h"}}},
				}},
			}},
		},
		"volumes and mounts": {
			spec: corev1.PodSpec{
				AutomountServiceAccountToken: &yes,
				Volumes: []corev1.Volume{
					{Name: "none"},
					{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/x", Type: new(corev1.HostPathType)}}},
					{Name: "claim", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "c"}}},
					{Name: "kube-api-access-x7k2p", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
						{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: &id}},
						{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}, Items: []corev1.KeyToPath{{Key: "ca.crt"}}}},
						{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}}}},
					}}}},
					{Name: "sa-token-ab2cd", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "sa-token-ab2cd"}}},
				},
				Containers: []corev1.Container{{Name: "c", VolumeMounts: []corev1.VolumeMount{
					{Name: "claim", MountPath: "/data"},
					{Name: "host", MountPath: "/host", ReadOnly: true},
					{Name: "none", MountPath: "/none"},
					{Name: "kube-api-access-x7k2p", MountPath: tokenMountPath, ReadOnly: true},
				}}},
			},
			want: Shape{Spec: corev1.PodSpec{
				AutomountServiceAccountToken: &yes,
				SecurityContext:              &corev1.PodSecurityContext{},
				Volumes: []corev1.Volume{
					{Name: "none", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
					{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/x"}}},
					{Name: "claim", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{}}},
					{Name: projectedTokenVolume, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
						{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
						{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}}},
						{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"}}}}},
					}}}},
					{Name: secretTokenVolume, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{}}},
				},
				Containers: []corev1.Container{{Name: "c", VolumeMounts: []corev1.VolumeMount{
					{}, {Name: "host", ReadOnly: true}, {MountPath: tokenMountPath},
				}}},
			}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(&tt.want, ReducePod(tt.annotations, &tt.spec)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestInternerAllocatesNothingForAKnownShape(t *testing.T) {
	var pod corev1.Pod
	randomPods(3).NilChance(0).Fill(&pod.Spec)
	randomPods(3).Fill(&pod.Annotations)
	n := newShapeEncoder()
	first := n.shape(pod.Annotations, &pod.Spec)
	allocs := testing.AllocsPerRun(100, func() {
		if n.shape(pod.Annotations, &pod.Spec) != first {
			t.Error("one pod has two shapes")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for a known shape, want 0", allocs)
	}
}
