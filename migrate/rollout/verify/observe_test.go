package verify

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// A list that expires half-way is read again from its beginning: nothing is lost and nothing counted twice.
func TestListRestarts(t *testing.T) {
	t.Parallel()
	page := func(next string, names ...string) *unstructured.UnstructuredList {
		l := &unstructured.UnstructuredList{Object: map[string]any{"metadata": map[string]any{"continue": next}}}
		for _, name := range names {
			l.Items = append(l.Items, unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": name, "namespace": "shop"}}})
		}
		return l
	}
	c := fakeCluster(t, shop)
	var asked []string
	c.PrependReactor("list", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		o := a.(clienttesting.ListActionImpl).ListOptions
		asked = append(asked, fmt.Sprint(o.Limit, o.Continue))
		switch len(asked) {
		case 1:
			return true, page("x", "a"), nil
		case 2:
			return true, nil, apierrors.NewResourceExpired("too old")
		case 3:
			return true, page("y", "a", "b"), nil
		}
		return true, page("", "c"), nil
	})
	name := func(u *unstructured.Unstructured) (string, error) { return u.GetName(), nil }
	got, failed := listInNamespaces(t.Context(), newNamespaceReader(c, []string{"shop"}), podResource(), "", name)
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" || len(failed) > 0 {
		t.Errorf("items (-want +got):\n%s%v", diff, failed)
	}
	if diff := cmp.Diff([]string{"500", "500x", "500", "500y"}, asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// Many namespaces are listed at once, and one by one for who may not do that.
func TestManyNamespaces(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range maxSingleLists + 1 {
		names = append(names, fmt.Sprint("ns-", i))
	}
	names[0] = "shop"
	for _, forbidden := range []bool{false, true} {
		c := fakeCluster(t, join(shop, replicaSet(failing(refusedPSA)), strings.Replace(replicaSet(failing(refusedPSA)), "metadata: {", "metadata: {namespace: elsewhere, ", 1)))
		wide := 0
		c.PrependReactor("list", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
			if a.GetNamespace() != "" {
				return false, nil, nil
			}
			wide++
			if forbidden {
				return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "x"}, "", errors.New("no"))
			}
			return false, nil, nil
		})
		failures, err := FailingControllers(t.Context(), c, names)
		if diff := cmp.Diff([]rollout.FailingController{failingOf("Deployment", "web", refusedPSA)}, failures); diff != "" || err != nil {
			t.Errorf("forbidden=%v (-want +got):\n%s%v", forbidden, diff, err)
		}
		if wide != 9 {
			t.Errorf("forbidden=%v: %d lists of all namespaces, want 9", forbidden, wide)
		}
		is, failed := newNamespaceReader(c, names).namespaceLabels(t.Context())
		if want := map[string]map[string]string{"shop": {api.EnforceLevelLabel: "baseline"}}; !cmp.Equal(want, is) || len(failed) > 0 || wide != 10 {
			t.Errorf("forbidden=%v: labels %v, %v after %d lists, want %v", forbidden, is, failed, wide, want)
		}
	}
}
