package rollout

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
)

// reviewer is a server that is asked what a user may do, and remembers what it was asked.
type reviewer struct {
	*fake.FakeDynamicClient
	may   func(a map[string]string) bool
	asked int
}

func newReviewer(t *testing.T, may func(a map[string]string) bool) *reviewer {
	t.Helper()
	r := &reviewer{FakeDynamicClient: fake.NewSimpleDynamicClient(runtime.NewScheme()), may: may}
	r.PrependReactor("create", "selfsubjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		r.asked++
		ask := action.(clienttesting.CreateAction).GetObject().(*unstructured.Unstructured).DeepCopy()
		attributes, _, err := unstructured.NestedStringMap(ask.Object, "spec", "resourceAttributes")
		if err != nil {
			t.Error(err)
		}
		return true, ask, unstructured.SetNestedField(ask.Object, r.may(attributes), "status", "allowed")
	})
	return r
}

func texts(rights []Permission) []string {
	var out []string
	for _, r := range rights {
		out = append(out, r.String())
	}
	return out
}

func nobodyMay(map[string]string) bool { return false }

// All rights that steps need are named with where they are needed, for the way there and the way back.
func TestRightsOf(t *testing.T) {
	t.Parallel()
	lock := []string{
		"create leases.coordination.k8s.io (in kube-system)", "get leases.coordination.k8s.io psp2pss-rollout (in kube-system)",
		"update leases.coordination.k8s.io psp2pss-rollout (in kube-system)", "delete leases.coordination.k8s.io psp2pss-rollout (in kube-system)",
	}
	lists := func(in string) []string {
		var out []string
		for _, r := range []string{"deployments.apps", "replicasets.apps", "replicationcontrollers", "statefulsets.apps", "daemonsets.apps", "jobs.batch", "cronjobs.batch", "podtemplates", "pods"} {
			out = append(out, "list "+r+in)
		}
		return out
	}
	many := []Step{observe("g"), observe("f"), observe("e"), observe("d"), observe("c"), observe("b"), observe("a")}
	tests := []struct {
		name  string
		steps []Step
		needs PermissionOptions
		want  []string
	}{
		{"nothing but the lock", nil, PermissionOptions{}, nil},
		{"observe", []Step{observe("b"), observe("a")}, PermissionOptions{Recheck: true}, []string{"get namespaces (in a, b)", "patch namespaces (in a, b)"}},
		{"many", many, PermissionOptions{}, []string{"get namespaces (in a, b, c, d, e and 2 more)", "patch namespaces (in a, b, c, d, e and 2 more)"}},
		{
			"enforce",
			[]Step{observe("a"), enforce("b", "baseline")},
			PermissionOptions{Recheck: true},
			append([]string{"get namespaces (in a, b)", "patch namespaces (in a, b)", "get rolebindings.rbac.authorization.k8s.io psp2pss-bypass (in b)"}, lists(" (in b)")...),
		},
		{
			"verified",
			[]Step{observe("a")},
			PermissionOptions{Verify: true},
			slices.Concat([]string{"get namespaces (in a)", "patch namespaces (in a)"}, lists(" (in a)"), []string{"list events (in a)", "create pods (in a)"}),
		},
		{"bypass", bypass("a"), PermissionOptions{Recheck: true}, []string{
			"get namespaces (in a)", "create podsecuritypolicies.policy", "get podsecuritypolicies.policy 000-psp2pss-bypass", "delete podsecuritypolicies.policy 000-psp2pss-bypass",
			"use podsecuritypolicies.policy 000-psp2pss-bypass", "create clusterroles.rbac.authorization.k8s.io", "get clusterroles.rbac.authorization.k8s.io psp2pss-bypass",
			"delete clusterroles.rbac.authorization.k8s.io psp2pss-bypass", "list rolebindings.rbac.authorization.k8s.io", "create rolebindings.rbac.authorization.k8s.io (in a)",
			"get rolebindings.rbac.authorization.k8s.io psp2pss-bypass (in a)", "delete rolebindings.rbac.authorization.k8s.io psp2pss-bypass (in a)",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rights := requiredPermissions(tt.steps, tt.needs)
			if diff := cmp.Diff(append(slices.Clone(lock), tt.want...), texts(rights)); diff != "" {
				t.Errorf("rights (-want +got):\n%s", diff)
			}
			// Who may do nothing lacks all of them, in every place.
			missing, err := missingPermissions(t.Context(), newReviewer(t, nobodyMay), rights)
			if diff := cmp.Diff(texts(rights), texts(missing)); err != nil || diff != "" {
				t.Errorf("missing (-want +got), %v:\n%s", err, diff)
			}
		})
	}
}

// A right in the whole cluster is asked for once, whatever the number of namespaces.
func TestMissingAsksOnce(t *testing.T) {
	t.Parallel()
	var steps []Step
	for _, ns := range []string{"a", "b", "c", "d", "e", "f"} {
		steps = append(steps, observe(ns), enforce(ns, "baseline"))
	}
	r := newReviewer(t, func(map[string]string) bool { return true })
	rights := requiredPermissions(steps, PermissionOptions{Recheck: true, Verify: true})
	missing, err := missingPermissions(t.Context(), r, rights)
	if err != nil || len(missing) > 0 {
		t.Errorf("missing %v, %v", texts(missing), err)
	}
	if r.asked != len(rights) {
		t.Errorf("%d reviews for %d rights", r.asked, len(rights))
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		steps []Step
		may   func(a map[string]string) bool
		want  []string
	}{
		{
			"in single namespaces",
			[]Step{observe("a"), observe("b"), observe("c")},
			func(a map[string]string) bool {
				return a["resource"] != "namespaces" || a["namespace"] == "b" && a["name"] == "b"
			},
			[]string{"get namespaces (in a, c)", "patch namespaces (in a, c)"},
		},
		{
			"not back", bypass("a"), func(a map[string]string) bool { return a["verb"] != "delete" },
			[]string{
				"delete leases.coordination.k8s.io psp2pss-rollout (in kube-system)", "delete podsecuritypolicies.policy 000-psp2pss-bypass",
				"delete clusterroles.rbac.authorization.k8s.io psp2pss-bypass", "delete rolebindings.rbac.authorization.k8s.io psp2pss-bypass (in a)",
			},
		},
		{"may give what it may not do", bypass("a"), func(a map[string]string) bool { return a["verb"] != "use" }, nil},
		{
			"may give half", bypass("a"), func(a map[string]string) bool { return a["verb"] != "use" && a["verb"] != "bind" },
			[]string{"use podsecuritypolicies.policy 000-psp2pss-bypass"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			missing, err := missingPermissions(t.Context(), newReviewer(t, tt.may), requiredPermissions(tt.steps, PermissionOptions{}))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, texts(missing)); diff != "" {
				t.Errorf("missing (-want +got):\n%s", diff)
			}
		})
	}
}

// Where the server does not say, nothing is made up.
func TestMissingNotToBeAsked(t *testing.T) {
	t.Parallel()
	r := newReviewer(t, nobodyMay)
	refused := apierrors.NewForbidden(schema.GroupResource{Group: "authorization.k8s.io", Resource: "selfsubjectaccessreviews"}, "", errors.New("no"))
	r.PrependReactor("create", "selfsubjectaccessreviews", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, refused })
	missing, err := missingPermissions(t.Context(), r, requiredPermissions([]Step{observe("a")}, PermissionOptions{}))
	if !errors.Is(err, refused) || missing != nil {
		t.Errorf("missing %v, error %v", texts(missing), err)
	}
	r.PrependReactor("create", "selfsubjectaccessreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
		return true, a.(clienttesting.CreateAction).GetObject(), nil
	})
	missing, err = missingPermissions(t.Context(), r, requiredPermissions([]Step{observe("a")}, PermissionOptions{}))
	if want := "asking the server what this user may do (selfsubjectaccessreviews): the answer says nothing of it"; err == nil || err.Error() != want || missing != nil {
		t.Errorf("missing %v, error %v, want %s", texts(missing), err, want)
	}
}

// The rules grant all that is asked for, and no more than that beside what is read.
func TestRules(t *testing.T) {
	t.Parallel()
	reads := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"namespaces", "pods"}, Verbs: []string{"get", "list"}}}
	rules, lock, in := RBACRules(PermissionOptions{}, reads)
	want := []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"patch"}},
		{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: []string{"list"}},
		{APIGroups: []string{"admissionregistration.k8s.io"}, Resources: []string{"mutatingwebhookconfigurations"}, Verbs: []string{"list"}},
		{APIGroups: []string{"admissionregistration.k8s.io"}, Resources: []string{"mutatingadmissionpolicies"}, Verbs: []string{"list"}},
	}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	want = []rbacv1.PolicyRule{
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"create"}},
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "update", "delete"}, ResourceNames: []string{"psp2pss-rollout"}},
	}
	if diff := cmp.Diff(want, lock); diff != "" || in != "kube-system" {
		t.Errorf("rules for the lock, in %s (-want +got):\n%s", in, diff)
	}
	// A user with the rules lacks nothing.
	all := PermissionOptions{Stages: Stages(), Recheck: true, Verify: true}
	rules, lock, _ = RBACRules(all, nil)
	granted := func(a map[string]string) bool {
		from := rules
		if a["namespace"] == in {
			from = lock
		}
		return slices.ContainsFunc(from, func(r rbacv1.PolicyRule) bool {
			return slices.Contains(r.Verbs, a["verb"]) && slices.Contains(r.APIGroups, a["group"]) && slices.Contains(r.Resources, a["resource"]) &&
				(len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, a["name"]))
		})
	}
	missing, err := missingPermissions(t.Context(), newReviewer(t, granted), requiredPermissions(append([]Step{observe("a"), enforce("a", "baseline")}, bypass("a")...), all))
	if err != nil || len(missing) > 0 {
		t.Errorf("with all rules this is missing: %v, %v", texts(missing), err)
	}
}
