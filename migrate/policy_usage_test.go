package migrate

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
)

// As whom and by what the pods of each kind of workload may use policies, and why one of them wins.
func TestUsages(t *testing.T) {
	t.Parallel()
	controllers, nodes := everyAccountOf("kube-system"), group("system:nodes")
	p := build(t, cluster("v1.24.1"), Options{},
		namespace("a"),
		policy(t, "all", anythingGoes), policy(t, "made", baselineLike), policy(t, "own", restrictedLike), policy(t, "elsewhere", baselineLike), policy(t, "manager", baselineLike),
		grant("all", "", controllers), grant("all", "", nodes), grant("made", "", account("kube-system/replicaset-controller")),
		grant("own", "a", account("a/web")), grant("own", "a", everyAccountOf("a")),
		grant("elsewhere", "b", account("a/web")),
		grant("made", "a", rbacv1.Subject{Kind: "User", APIGroup: rbacv1.GroupName, Name: "system:serviceaccount:a:job"}),
		grant("made", "a", everybody()), grant("manager", "", rbacv1.Subject{Kind: "User", APIGroup: rbacv1.GroupName, Name: "system:kube-controller-manager"}),
		deployment("a/front", as("web", plain())),
		template("DaemonSet", "a/agent", as("job", hostNetworked())),
		template("StatefulSet", "a/none", as("web", hardened())),
		running("a/bare", "made", as("job", plain())),
	)
	const (
		all   = "ClusterRoleBinding use-all--system-serviceaccounts-kube-system, ClusterRole use-all--system-serviceaccounts-kube-system"
		rs    = "ClusterRoleBinding use-made--kube-systemreplicaset-controller, ClusterRole use-made--kube-systemreplicaset-controller"
		group = "RoleBinding a/use-own-a-system-serviceaccounts-a, ClusterRole use-own-a-system-serviceaccounts-a"
		job   = "RoleBinding a/use-made-a-system-serviceaccount-a-job, ClusterRole use-made-a-system-serviceaccount-a-job"
		mgr   = "manager: the controller manager, where it creates pods under its own name (user system:kube-controller-manager): " +
			"ClusterRoleBinding use-manager--system-kube-controller-manager, ClusterRole use-manager--system-kube-controller-manager"
		auth = "RoleBinding a/use-made-a-system-authenticated, ClusterRole use-made-a-system-authenticated"
	)
	ns := only(t, p, "a")
	want := map[string][]string{
		"Deployment/front": {
			"all: replicaset-controller, which creates its pods (group system:serviceaccounts:kube-system): " + all,
			"made: replicaset-controller, which creates its pods (itself): " + rs + " +1",
			mgr,
			"own: service account a/web (group system:serviceaccounts:a): " + group + " +1",
			"psp/all admits them: of the policies that take them as they are, the first by name wins",
		},
		"DaemonSet/agent": {
			"all: daemon-set-controller, which creates its pods (group system:serviceaccounts:kube-system): " + all,
			"made: service account a/job (user system:serviceaccount:a:job): " + job,
			"made: daemon-set-controller, which creates its pods (group system:authenticated): " + auth,
			mgr,
			"own: service account a/job (group system:serviceaccounts:a): " + group,
			"psp/all admits them: of the policies that take them as they are, the first by name wins",
		},
		"Pod/bare": {
			"made: service account a/job (user system:serviceaccount:a:job): " + job,
			"made: whoever creates the pod (group system:authenticated): " + auth,
			"own: service account a/job (group system:serviceaccounts:a): " + group,
			"psp/made admits them: of the policies that take them as they are, the first by name wins",
		},
	}
	got := map[string][]string{}
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		if w.Name == "none" {
			continue
		}
		for _, u := range p.PolicyUsagesOfWorkload("a", w) {
			got[w.Kind+"/"+w.Name] = append(got[w.Kind+"/"+w.Name], usageText(u))
		}
		got[w.Kind+"/"+w.Name] = append(got[w.Kind+"/"+w.Name], w.AdmissionReason())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	var runs []*Workload
	for i := range ns.Workloads {
		if ns.Workloads[i].ServiceAccount == "web" {
			runs = append(runs, &ns.Workloads[i])
		}
	}
	var makers []string
	for _, u := range p.PolicyUsagesByControllers("a", "web", runs) {
		makers = append(makers, usageText(u))
	}
	wantMakers := []string{
		"all: replicaset-controller, which creates its pods (group system:serviceaccounts:kube-system): " + all,
		"all: statefulset-controller, which creates its pods (group system:serviceaccounts:kube-system): " + all,
		mgr, // and not made, which the account may use where it sends the request
	}
	if diff := cmp.Diff(wantMakers, makers); diff != "" {
		t.Errorf("what its pods get through others (-want +got):\n%s", diff)
	}
}

func usageText(u PolicyUsage) string {
	text := fmt.Sprintf("%s: %s (%s): %s", u.Policy.Name, u.Requester, u.GrantedAs, u.FirstGrant.Binding+", "+u.FirstGrant.Role)
	if u.OtherGrants > 0 {
		text += fmt.Sprintf(" +%d", u.OtherGrants)
	}
	return text
}

// Of policies that all have to change a pod the first by name wins.
func TestAdmittedWithChanges(t *testing.T) {
	t.Parallel()
	p := build(t, cluster("v1.24.1"), Options{},
		policy(t, "b", restrictedLike), policy(t, "c", restrictedLike), grant("", "", everyAccountOf("a")), deployment("a/web", plain()))
	w := only(t, p, "a").Workloads[0]
	const want = "psp/b admits them: no policy takes them as they are, and of those that take them with what they set the first by name wins"
	if w.AdmissionMode != "changed" || w.AdmissionReason() != want {
		t.Errorf("admitted as %q: %q", w.AdmissionMode, w.AdmissionReason())
	}
}
