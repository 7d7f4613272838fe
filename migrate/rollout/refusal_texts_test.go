package rollout

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	createPolicy  = "bypass: create podsecuritypolicy/000-psp2pss-bypass"
	createRole    = "bypass: create clusterrole/psp2pss-bypass"
	createBinding = "bypass: create rolebinding/psp2pss-bypass in "
)

// TestBypassOfAGoneNamespace creates no binding in a namespace that is gone, or is being deleted.
func TestBypassOfAGoneNamespace(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("going", "kubectl", nil)
	now := metav1.Now()
	m.objects["namespaces/going"].SetDeletionTimestamp(&now)
	r := begin(t, m, bypass("going", "gone")...)
	r.run("", "done "+createPolicy, "done "+createRole, "refused "+createBinding+"going: the namespace is being deleted",
		"refused "+createBinding+"gone: the namespace is gone")
}

// TestRollbackOfAReplacedBinding leaves a binding that is another one than was created, and what it needs.
func TestRollbackOfAReplacedBinding(t *testing.T) {
	t.Parallel()
	m, _ := done(t, enforce("a", "baseline"))
	r := begin(t, m, bypass("a")...)
	r.run("", "done "+createPolicy, "done "+createRole, "done "+createBinding+"a")
	binding := bypassBinding("x", "a")
	m.store("rolebindings/a/psp2pss-bypass", binding.manifest("another"), true)
	m.hook = on("list rolebindings", 1, apierrors.NewForbidden(rbacBindings, "", errors.New("no")))
	r.rollback(RollbackScope{}, "", "not-reverted "+createBinding+"a: rolebinding/psp2pss-bypass in a is another one by now than was created here",
		"not-reverted "+createRole+": whether it is still needed is not known: rolebindings.rbac.authorization.k8s.io is forbidden: no",
		"not-reverted "+createPolicy+": pods still come past the policies by it: take the bypass of a back first")
}

// TestLabelsOfAnotherFieldManager says what to do where the server names the field manager that owns a label.
func TestLabelsOfAnotherFieldManager(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.namespace("a", "kubectl", nil)
	conflict := apierrors.NewApplyConflict([]metav1.StatusCause{{Type: metav1.CauseTypeFieldManagerConflict, Message: "x"}}, "conflict with x")
	m.hook = on("patch namespaces/a", -1, conflict)
	r := begin(t, m, observe("a"))
	r.run("", "refused observe: label namespace a: conflict with x; leave the labels to it, or take over with --force")
}
