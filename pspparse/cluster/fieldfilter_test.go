package cluster

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/randfill"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// randomObjects fills API objects with few different values, so that names meet and annotations mean something.
func randomObjects(seed int64) *randfill.Filler {
	words := []string{
		"", "a", "b", "web", "default-token-abcde", "kube-api-access-abcde", "/var/run/secrets/kubernetes.io/serviceaccount",
		"windows", "kubernetes.io/os", "kubernetes.io/psp", "kubernetes.io/config.mirror", "pod-security.k8s.io/warn", "Localhost",
		"seccomp.security.alpha.kubernetes.io/pod", "container.apparmor.security.beta.kubernetes.io/a", "app.kubernetes.io/managed-by", "Helm",
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"o"},"spec":{"containers":[{"name":"a","image":"i"}]}}`, "kubectl.kubernetes.io/last-applied-configuration",
	}
	pick := func(c randfill.Continue) string { return words[c.Intn(len(words))] }
	return randfill.NewWithSeed(seed).NilChance(0.3).NumElements(0, 2).MaxDepth(14).Funcs(
		func(s *string, c randfill.Continue) { *s = pick(c) },
		func(n *int32, c randfill.Continue) { *n = int32(c.Intn(3)) },
		func(n *int64, c randfill.Continue) { *n = int64(c.Intn(3)) },
		func(q *resource.Quantity, c randfill.Continue) { *q = resource.MustParse(fmt.Sprint(c.Intn(9))) },
		func(v *intstr.IntOrString, c randfill.Continue) { *v = intstr.FromInt32(int32(c.Intn(9))) },
		func(*metav1.Time, randfill.Continue) {},
		func(*metav1.FieldsV1, randfill.Continue) {},
	)
}

// marshaler is an API object that protobuf can hold.
type marshaler interface{ Marshal() ([]byte, error) }

// readBothWays decodes objects with a decoder as a server sends them, and whole, and compares what a Builder makes of each alone and
// of all together. Batches of some objects are decoded before the first is added, as it happens.
func readBothWays[T any, P interface {
	protobufObject[T]
	marshaler
}](t *testing.T, decode objectDecoder, add func(inventory.Sink, P), fill func(P)) {
	t.Helper()
	unexported := cmpopts.IgnoreUnexported(inventory.MisplacedKey{})
	all, wantAll := inventory.NewBuilder(), inventory.NewBuilder()
	var held []decodedObject
	for i := range 200 {
		x := P(new(T))
		fill(x)
		x.SetNamespace("web")
		x.SetName(fmt.Sprint("o", i%100))
		if i%50 == 0 {
			x.SetNamespace("kube-system")
			x.SetName(fmt.Sprint("kube-apiserver-", i))
		}
		data, err := x.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		var whole P = new(T)
		if err := whole.Unmarshal(data); err != nil {
			t.Fatal(err)
		}
		want := inventory.NewBuilder()
		add(want, whole)
		add(wantAll, whole)
		got := inventory.NewBuilder()
		for _, b := range []*inventory.Builder{got, all} {
			o, err := decode(append([]byte(nil), data...), protobufEncoding)
			if err != nil {
				t.Fatal(err)
			}
			if o.key != (objectKey{x.GetNamespace(), x.GetName()}) {
				t.Fatalf("the key is %v", o.key)
			}
			if b == got {
				o.add(got)
				continue
			}
			if held = append(held, o); len(held) == 7 {
				for _, o := range held {
					o.add(all)
				}
				held = nil
			}
		}
		if diff := cmp.Diff(want.Build(inventory.Source{}), got.Build(inventory.Source{}), unexported); diff != "" {
			t.Fatalf("object %d (-whole +filtered):\n%s", i, diff)
		}
	}
	for _, o := range held {
		o.add(all)
	}
	if diff := cmp.Diff(wantAll.Build(inventory.Source{}), all.Build(inventory.Source{}), unexported); diff != "" {
		t.Errorf("all objects (-whole +filtered):\n%s", diff)
	}
}

// A field that is not decoded makes no difference to the inventory, and nor does memory that is used again.
func TestFilteredFieldsChangeNothing(t *testing.T) {
	t.Parallel()
	t.Run("pods", func(t *testing.T) {
		t.Parallel()
		f := randomObjects(2)
		readBothWays(t, podDecoder(), addPod, func(p *corev1.Pod) { f.Fill(p) })
	})
	t.Run("API servers", func(t *testing.T) {
		t.Parallel()
		f, n := randomObjects(3), 0
		readBothWays(t, podDecoder(), addPod, func(p *corev1.Pod) {
			f.Fill(&p.Spec)
			p.Annotations = map[string]string{"kubernetes.io/config.mirror": "x"}
			if n++; n%2 == 1 {
				p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "kube-apiserver", Command: []string{"kube-apiserver", "--feature-gates=A=true"}})
			}
		})
	})
	workloads := func(t *testing.T, kind string) objectDecoder {
		t.Helper()
		for _, k := range workloadKinds() {
			if k.resource == kind {
				return k.sources[0].decode
			}
		}
		t.Fatalf("no kind %s", kind)
		return nil
	}
	t.Run("cronjobs", func(t *testing.T) {
		t.Parallel()
		f := randomObjects(4)
		readBothWays(t, workloads(t, "cronjobs"), wholeController(t, "CronJob", podsOfCronJob), func(x *batchv1.CronJob) { f.Fill(x) })
	})
	t.Run("jobs", func(t *testing.T) {
		t.Parallel()
		f := randomObjects(5)
		readBothWays(t, workloads(t, "jobs"), wholeController(t, "Job", podsOfJob), func(x *batchv1.Job) { f.Fill(x) })
	})
	t.Run("statefulsets", func(t *testing.T) {
		t.Parallel()
		f := randomObjects(6)
		readBothWays(t, workloads(t, "statefulsets"), wholeController(t, "StatefulSet", podsOfStatefulSet), func(x *appsv1.StatefulSet) { f.Fill(x) })
	})
	t.Run("podtemplates", func(t *testing.T) {
		t.Parallel()
		f := randomObjects(7)
		readBothWays(t, workloads(t, "podtemplates"), wholeController(t, "PodTemplate", podsOfPodTemplate), func(x *corev1.PodTemplate) { f.Fill(x) })
	})
}

// wholeController adds a controller as controllerDecoder does.
func wholeController[P metav1.Object](_ *testing.T, name string, find func(P) wantedPods) func(inventory.Sink, P) {
	return func(b inventory.Sink, x P) {
		w := find(x)
		b.AddTemplate(name, inventoryMeta(x), w.replicas, w.template, noPosition)
	}
}

// Every field of the narrower type is one of the API's: a misspelt name would lose it without a word.
func TestFieldFilterKnowsEveryField(t *testing.T) {
	t.Parallel()
	var check func(path string, api []reflect.Type, narrow reflect.Type)
	check = func(path string, api []reflect.Type, narrow reflect.Type) {
		narrow = elementType(narrow)
		if narrow.Kind() != reflect.Struct {
			return
		}
		for i := range narrow.NumField() {
			name := jsonName(narrow.Field(i))
			if name == "-" {
				continue
			}
			var found []reflect.Type
			for _, a := range api {
				if f, ok := fieldByJSON(elementType(a), name); ok {
					found = append(found, f.Type)
				}
			}
			if len(found) == 0 {
				t.Errorf("%s.%s: no API type has it", path, name)
				continue
			}
			if elementType(found[0]) != elementType(narrow.Field(i).Type) {
				check(path+"."+name, found, narrow.Field(i).Type)
			}
		}
	}
	check("pod", []reflect.Type{reflect.TypeFor[corev1.Pod]()}, inventory.PodFields(true))
	check("pod", []reflect.Type{reflect.TypeFor[corev1.Pod]()}, inventory.PodFields(false))
	check("workload", []reflect.Type{
		reflect.TypeFor[appsv1.StatefulSet](), reflect.TypeFor[batchv1.Job](), reflect.TypeFor[batchv1.CronJob](), reflect.TypeFor[corev1.PodTemplate](),
	}, inventory.WorkloadFields())
}

// fieldByJSON finds a field of an API type by its name in JSON, where it has a number in protobuf.
func fieldByJSON(t reflect.Type, name string) (reflect.StructField, bool) {
	if t.Kind() != reflect.Struct {
		return reflect.StructField{}, false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if _, ok := protobufNumber(f); !ok {
			continue
		}
		if jsonName(f) == name {
			return f, true
		}
		if jsonName(f) == "" {
			if f, ok := fieldByJSON(elementType(f.Type), name); ok {
				return f, true
			}
		}
	}
	return reflect.StructField{}, false
}

// What is cut off or nonsense is an error, and never a shorter object.
func TestFieldFilterRefusesBrokenMessages(t *testing.T) {
	t.Parallel()
	filter := newFieldFilter(reflect.TypeFor[corev1.Pod](), inventory.PodFields(true))
	p := pod("p")
	p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}
	p.Status.Message = "long"
	data, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(data); i++ {
		cut := append([]byte(nil), data[:i]...)
		var whole corev1.Pod
		_, ok := filter.apply(cut)
		if err := whole.Unmarshal(data[:i]); (err == nil) != ok {
			t.Errorf("cut after %d bytes: ok is %t, and the error of the whole is %v", i, ok, err)
		}
	}
	if _, ok := filter.apply([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")); ok {
		t.Error("a tag without end is taken")
	}
}
