package files

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// What a document that has a key twice can change, and what a page of a list: no more than its kind and namespace say.
func TestWhatAGapCanChange(t *testing.T) {
	t.Parallel()
	const twice = " is given twice (lines %d and %d): which one counts depends on the reader, remove one"
	deployment := func(pod string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: shop}\nspec:\n  template:\n    spec:\n" + pod
	}
	uneven := deployment("      hostPID: true\n      hostPID: false\n      containers: [{name: c, image: i}]\n")
	tests := []struct {
		name, text string
		alike      bool
		want       []string
	}{
		{"readings that are not alike", uneven, false, []string{`gap Deployment "shop/d": the key "hostPID"` + fmt.Sprintf(twice, 7, 8) + " [shop] workloads"}},
		{"readings that are alike", uneven, true, []string{`note Deployment "shop/d": the key "hostPID"` + fmt.Sprintf(twice, 7, 8) + "; its level is the same either way, and what is said of it is by the first"}},
		{"the same in JSON", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"shop"},"spec":{"template":{"spec":{"hostPID":true,` + "\n" + `"hostPID":false,"containers":[{"name":"c"}]}}}}`, false, []string{
			`gap Deployment "shop/d": the key "hostPID"` + fmt.Sprintf(twice, 1, 2) + " [shop] workloads",
		}},
		{"a name twice", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\n  name: e\n  namespace: shop\n", true, []string{`gap document 1: the key "name"` + fmt.Sprintf(twice, 4, 5) + " [*] "}},
		{"a namespace twice", "apiVersion: v1\nkind: Pod\nmetadata:\n  namespace: shop\n  namespace: m\n", true, []string{`gap document 1: the key "namespace"` + fmt.Sprintf(twice, 4, 5) + " [*] "}},
		{"a kind twice", "apiVersion: v1\nkind: Service\nkind: Pod\nmetadata: {name: d, namespace: shop}\n", true, []string{`gap document 1: the key "kind" is given twice (lines 2 and 3): if two documents run together, put --- before line 3; else remove one [*] `}},
		{"a binding", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\nsubjects: []\nsubjects: []\n", true, []string{`gap ClusterRoleBinding "b": the key "subjects"` + fmt.Sprintf(twice, 4, 5) + " [*] grants"}},
		{"a binding of a namespace", "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: shop}\nsubjects: []\nsubjects: []\n", true, []string{`gap RoleBinding "shop/b": the key "subjects"` + fmt.Sprintf(twice, 4, 5) + " [shop] grants"}},
		{"a namespace", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels: {a: b}\n  labels: {a: c}\n", true, []string{`gap Namespace "shop": the key "labels"` + fmt.Sprintf(twice, 5, 6) + " [shop] "}},
		{"a policy", "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: p}\nspec:\n  privileged: true\n  privileged: false\n", true, []string{
			`gap PodSecurityPolicy "p": spec.privileged: the key "privileged" stands twice (lines 5 and 6): which one counts depends on the reader; remove one [*] policies`,
		}},
		{"something that runs nothing", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {}\nspec: {}\n", true, []string{`note Service "s": the key "spec"` + fmt.Sprintf(twice, 4, 5)}},
		{"something that may run, by one reading", "apiVersion: example.org/v1\nkind: App\nmetadata: {name: s, namespace: shop}\nspec: {containers: [{name: c, image: i}]}\nspec: {}\n", true, []string{`gap App "shop/s": the key "spec"` + fmt.Sprintf(twice, 4, 5) + " [shop] "}},
		{"a page of pods", `{"apiVersion":"v1","kind":"PodList","metadata":{"continue":"x"},"items":[]}`, true, []string{"gap document 1: this is one page of a list, more items were not read; dump the list again with kubectl get, which asks for every page [*] workloads"}},
		{"a page of anything", `{"apiVersion":"v1","kind":"List","metadata":{"continue":"x"},"items":[]}`, true, []string{"gap document 1: this is one page of a list, more items were not read; dump the list again with kubectl get, which asks for every page [*] "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := inventory.NewBuilder()
			b.SameLevels = func([]*pspparse.Policy) func([]inventory.Workload) bool {
				return func([]inventory.Workload) bool { return tt.alike }
			}
			r := &Reader{Paths: []string{"-"}, Stdin: strings.NewReader(tt.text)}
			if err := r.Read(context.Background(), b); err != nil {
				t.Fatal(err)
			}
			inv := b.Build(inventory.Source{})
			var got []string
			for _, g := range inv.Gaps {
				got = append(got, fmt.Sprintf("gap %s: %s %v %s", g.What, g.Why, g.Namespaces, g.Affects))
			}
			for _, n := range inv.Notes {
				got = append(got, "note "+n.What+": "+n.Why.Text)
			}
			if diff := cmp.Diff(tt.want, got, messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
