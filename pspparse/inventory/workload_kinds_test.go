package inventory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Every kind of the table is decoded at its template path, with the number of pods that it asks for, under every apiVersion.
func TestWorkloadKindsAreDecoded(t *testing.T) {
	t.Parallel()
	for _, k := range WorkloadKinds() {
		for _, version := range k.APIVersions {
			t.Run(k.Name+" "+version, func(t *testing.T) {
				t.Parallel()
				object := `{"containers":[{"name":"c"}]}`
				if k.TemplatePath == nil {
					object = fmt.Sprintf(`"spec":%s,"metadata":{"namespace":"web","name":"a","uid":"u"}`, object)
				} else {
					object = fmt.Sprintf(`{"spec":%s}`, object)
					for i := len(k.TemplatePath) - 1; i > 0; i-- {
						object = fmt.Sprintf(`{%q:%s}`, k.TemplatePath[i], object)
						if i == 1 {
							object = fmt.Sprintf(`{"replicas":3,"parallelism":3,%s`, object[1:])
						}
					}
					object = fmt.Sprintf(`%q:%s,"metadata":{"namespace":"web","name":"a"}`, k.TemplatePath[0], object)
				}
				b := NewBuilder()
				if handled, err := b.Decode(version, k.Name, []byte("{"+object+"}"), pspparse.Position{}); !handled || err != nil {
					t.Fatalf("handled %t, error %v", handled, err)
				}
				want := 0
				switch {
				case k.TemplatePath == nil:
					want = 1
				case k.ReplicasField != "":
					want = 3
				}
				inv := b.Build(Source{})
				if len(inv.Gaps) > 0 || len(inv.Workloads) != 1 || inv.Workloads[0].Kind != k.Name || inv.Workloads[0].Replicas != want {
					t.Errorf("want one %s with %d pods, got %+v, gaps %+v", k.Name, want, inv.Workloads, inv.Gaps)
				}
			})
		}
	}
}

// The rows of the table agree with one another.
func TestWorkloadKindsAreSound(t *testing.T) {
	t.Parallel()
	resources := map[string]string{}
	for _, k := range WorkloadKinds() {
		if resources[k.Resource] != "" || k.Resource != strings.ToLower(k.Name)+"s" {
			t.Errorf("%s: resource %q", k.Name, k.Resource)
		}
		resources[k.Resource] = k.Name
		if k.CountsPods && k.ReplicasField != "" || (k.ParentKind == "") != (k.isNameSuffix == nil) {
			t.Errorf("%s: %+v", k.Name, k)
		}
		if k.ParentKind == "" {
			continue
		}
		parent, ok := WorkloadKindOf(k.ParentKind)
		if !ok || parent.ParentKind != "" || cmp.Diff(parent.Controller, k.Controller) != "" {
			t.Errorf("%s: its parent is %+v", k.Name, parent)
		}
	}
	if _, ok := WorkloadKindOf("deployment"); ok {
		t.Error("kinds match exactly")
	}
}
