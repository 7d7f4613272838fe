package migrate

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// A runtime class of one of several templates in a custom object does not exempt the pods of the others.
func TestRuntimeClassOfOneTemplate(t *testing.T) {
	t.Parallel()
	const group = "jobset.x-k8s.io/v1alpha2"
	opts := Options{Admission: &Admission{Defaults: defaultsOf("privileged", "latest"), RuntimeClasses: []string{"gvisor"}}}
	jobs := func(class string) object {
		return func(b *inventory.Builder) {
			one := func(class, host string) []byte {
				return fmt.Appendf(nil, `{"spec":{"runtimeClassName":%q,%q:true,"containers":[{"name":"c","image":"i"}]}}`, class, host)
			}
			err := b.AddCustomObject(inventory.CustomObject{
				APIVersion: group, Kind: "JobSet", JSON: []byte(`{"metadata":{"name":"j","namespace":"a"}}`),
				Templates: []inventory.CustomTemplate{{Path: "x", JSON: one("gvisor", "hostPID")}, {Path: "y", JSON: one(class, "hostNetwork")}},
			})
			if err != nil {
				t.Fatal(err)
			}
			meta := inventory.ObjectMeta{Name: "j-0", Namespace: "a", OwnerReferences: []metav1.OwnerReference{{APIVersion: group, Kind: "JobSet", Name: "j", Controller: new(true)}}}
			spec := sandboxed(hostNetworked())
			b.AddPod(meta, &spec, corev1.PodRunning, pspparse.Position{})
		}
	}
	for class, want := range map[string]string{"gvisor": "restricted", "other": "privileged"} {
		if got := only(t, build(t, cluster("v1.25.3"), opts, namespace("a"), jobs(class)), "a").RecommendedLabels.Enforce; got != want {
			t.Errorf("the other template is of class %s: enforce %q, want %q", class, got, want)
		}
	}
}
