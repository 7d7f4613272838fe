package snapshot

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// notKept are the fields of an inventory that no snapshot has, with the reason.
func notKept() map[string]string {
	return map[string]string{
		"Source.Kubeconfig":            "a file of whoever took the snapshot",
		"Source.Cluster":               "an entry of that file",
		"Source.User":                  "an entry of that file",
		"Source.Server":                "an address that whoever is given the snapshot does not reach",
		"Source.As":                    "who was impersonated, which no answer depends on",
		"Source.AsGroups":              "as As",
		"Source.WithToken":             "a credential",
		"LabelWriter.Target":           "it was resolved into the namespaces when they were read",
		"EmbeddedTemplate.Annotations": "only manifests that are edited have them",
		"EmbeddedTemplate.Pieces":      "only manifests that are edited have them",
	}
}

// filler makes random values of all types of an inventory.
type filler struct {
	*rand.Rand
	// filled are the fields that were set, as "Type.Field".
	filled map[string]bool
	// shapes are those that were made, of which pods share some.
	shapes []*inventory.Shape
}

// inventoryOf returns a random inventory that has all that an inventory can have.
func (f *filler) inventoryOf() *inventory.Inventory {
	inv := &inventory.Inventory{}
	f.fill(reflect.ValueOf(inv).Elem(), "")
	inv.Source.Kind, inv.Source.Of = inventory.SourceCluster, ""
	for i := range inv.Workloads {
		w := &inv.Workloads[i]
		w.Namespace = f.word()
		if w.Template != nil && w.TemplateMeta != nil {
			w.TemplateMeta.Images = []string{f.word()} // a shape has one container
		}
	}
	for i := range inv.Namespaces {
		inv.Namespaces[i].Name = f.word()
	}
	inv.ListedResources = map[string]bool{f.word(): true, f.word(): true}
	slices.SortFunc(inv.Namespaces, func(a, b inventory.Namespace) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(inv.Workloads, func(a, b inventory.Workload) int {
		return slices.Compare([]string{a.Namespace, a.Kind, a.Name}, []string{b.Namespace, b.Kind, b.Name})
	})
	inv.Policies = inv.Policies[:1]
	return inv
}

// word returns a random name.
func (f *filler) word() string { return fmt.Sprintf("n%d", f.IntN(1_000_000)) }

// fill sets a value of the inventory at random. Lists and pointers of types of ours are sometimes empty, and sometimes nil.
func (f *filler) fill(v reflect.Value, place string) {
	switch v.Type() {
	case reflect.TypeFor[message.Message]():
		v.Set(reflect.ValueOf(message.New("roles-unread", "bindings", []string{f.word(), f.word()})))
		return
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(int64(f.IntN(1<<30)), 0).UTC()))
		return
	case reflect.TypeFor[inventory.MutationEffect]():
		v.SetInt(int64(f.IntN(3)))
		return
	case reflect.TypeFor[*inventory.Shape]():
		v.Set(reflect.ValueOf(f.shape()))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(f.IntN(2) == 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.IntN(1000)) + 1)
	case reflect.String:
		v.SetString(f.word())
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), place)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			f.fill(v.Index(i), place)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, place)
		f.fill(value, place)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			name := v.Type().Name() + "." + field.Name
			if !field.IsExported() || notKept()[name] != "" {
				continue
			}
			f.filled[name] = true
			f.fill(v.Field(i), name)
			if k := v.Field(i).Kind(); (k == reflect.Slice || k == reflect.Pointer) && mayBeNil(name) && f.IntN(3) == 0 {
				v.Field(i).SetZero()
			}
		}
	default:
		panic(place + ": " + v.Type().String())
	}
}

// mayBeNil is true for lists and pointers of the inventory that are nil in some objects, and mean something by it.
func mayBeNil(name string) bool {
	return slices.Contains([]string{
		"ServiceAccount.Automount", "Role.RuleIndexes", "Role.Aggregation", "Workload.TemplateMeta", "Workload.Template", "Workload.Owner", "Workload.PodMetas",
		"AdmissionScope.Kinds", "AdmissionScope.Namespaces", "AdmissionScope.NamespaceLabels", "AdmissionScope.PodLabels", "AdmissionRule.AddedParts", "Source.Run",
		"Spec.RunAsGroup", "Spec.RuntimeClass", "Spec.AllowPrivilegeEscalation", "Spec.DefaultAllowPrivilegeEscalation",
	}, name)
}

// shape returns a random pod shape; one that was returned before every now and then.
func (f *filler) shape() *inventory.Shape {
	if len(f.shapes) > 0 && f.IntN(3) == 0 {
		return f.shapes[f.IntN(len(f.shapes))]
	}
	yes, user := f.IntN(2) == 0, int64(f.IntN(5))
	name := f.word()
	spec := corev1.PodSpec{
		HostPID: yes, RuntimeClassName: &name,
		SecurityContext: &corev1.PodSecurityContext{RunAsUser: &user, Sysctls: []corev1.Sysctl{{Name: name}}},
		Volumes:         []corev1.Volume{{Name: "a", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/" + name}}}, {Name: "b", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{}}}},
		Containers: []corev1.Container{{
			Name: name, SecurityContext: &corev1.SecurityContext{Privileged: &yes, Capabilities: &corev1.Capabilities{}},
			Ports: []corev1.ContainerPort{{HostPort: 80}}, VolumeMounts: []corev1.VolumeMount{{}, {Name: "a", ReadOnly: true}},
			LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: "10.0.0.1"}}},
		}},
		EphemeralContainers: []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug"}}},
	}
	switch f.IntN(3) {
	case 0:
		spec.SecurityContext.SupplementalGroups = []int64{}
	case 1:
		spec.SecurityContext.SupplementalGroups = []int64{user}
	}
	s := inventory.ReducePod(map[string]string{"seccomp.security.alpha.kubernetes.io/pod": name}, &spec)
	f.shapes = append(f.shapes, s)
	return s
}

// newFiller returns a filler of a seed.
func newFiller(seed uint64) *filler {
	return &filler{Rand: rand.New(rand.NewPCG(seed, 22)), filled: map[string]bool{}}
}

// saved returns the snapshot of an inventory.
func saved(t *testing.T, inv *inventory.Inventory) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := Write(&out, inv, "psp2pss (test)"); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestAllOfAnInventoryIsKept writes and reads inventories in which every field is set, and compares all but the fields that are left out.
func TestAllOfAnInventoryIsKept(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		f := newFiller(seed)
		inv := f.inventoryOf()
		archive := saved(t, inv)
		if !bytes.Equal(archive, saved(t, inv)) {
			t.Fatalf("seed %d: two snapshots of one inventory differ", seed)
		}
		got, err := Read(bytes.NewReader(archive))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want := *inv
		want.Source.Of, want.Source.Kind = inv.Source.Kind, inventory.SourceSnapshot
		if diff := cmp.Diff(&want, got, cmpopts.IgnoreUnexported(inventory.MisplacedKey{})); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
		if again := saved(t, got); !bytes.Equal(archive, again) {
			t.Fatalf("seed %d: the snapshot of a snapshot differs from it", seed)
		}
		if !Recognise(archive) {
			t.Fatalf("seed %d: it is not recognised", seed)
		}
	}
}

// TestPodsShareShapes checks that what shared a pod shape shares one after reading, since verdicts are kept by pointer.
func TestPodsShareShapes(t *testing.T) {
	t.Parallel()
	s := newFiller(1).shape()
	same := *s
	inv := &inventory.Inventory{Source: inventory.Source{Kind: inventory.SourceFiles}, Workloads: []inventory.Workload{
		{Namespace: "a", Kind: "Pod", Name: "a", PodGroups: []inventory.PodGroup{{Shape: s}}, Template: s},
		{Namespace: "a", Kind: "Pod", Name: "b", PodGroups: []inventory.PodGroup{{Shape: &same}}},
	}}
	got, err := Read(bytes.NewReader(saved(t, inv)))
	if err != nil {
		t.Fatal(err)
	}
	one := got.Workloads[0].Template
	if one == nil || one != got.Workloads[0].PodGroups[0].Shape || one != got.Workloads[1].PodGroups[0].Shape {
		t.Error("pods of one shape have several")
	}
}

// TestFieldsThatAreLeftOut checks that every field that a snapshot leaves out is one that an inventory has.
func TestFieldsThatAreLeftOut(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	var walk func(reflect.Type)
	seen := map[reflect.Type]bool{}
	walk = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || seen[of] || !strings.HasPrefix(of.PkgPath(), "github.com/psp2pss/") {
			return
		}
		seen[of] = true
		for i := range of.NumField() {
			have[of.Name()+"."+of.Field(i).Name] = true
			walk(of.Field(i).Type)
		}
	}
	walk(reflect.TypeFor[inventory.Inventory]())
	for name := range notKept() {
		if !have[name] {
			t.Errorf("there is no field %s", name)
		}
	}
}
