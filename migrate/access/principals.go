package access

import (
	"slices"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// ServiceAccountPrincipal returns the identity that PSP admission makes up for the service account of a pod: it has the
// two groups of service accounts and, unlike an account that sends a request, not system:authenticated.
func ServiceAccountPrincipal(namespace, name string) Principal {
	return Principal{
		User:        accountPrefix + namespace + ":" + name,
		Groups:      []string{accountsGroup, accountsPrefix + namespace},
		Description: "service account " + namespace + "/" + name,
	}
}

// ServiceAccountRequester returns the RBAC identity of a service account that sends requests itself, as an operator or
// a CI runner does.
func ServiceAccountRequester(namespace, name string) Principal {
	p := ServiceAccountPrincipal(namespace, name)
	p.Groups = append(p.Groups, authenticatedGroup)
	return p
}

// ControllerPrincipal returns the RBAC identity of the built-in controller that creates the pods of a kind of workload:
// for a Deployment that of ReplicaSets, for a CronJob that of Jobs. ok is false for every other kind.
//
// A controller manager that runs without credentials for each controller (no --use-service-account-credentials) creates
// them under its own name instead; see ControllerManagerPrincipal.
func ControllerPrincipal(kind string) (Principal, bool) {
	name := controllerAccount(kind)
	if name == "" {
		return Principal{}, false
	}
	p := ServiceAccountRequester(kubeSystem, name)
	p.Description = name
	return p, true
}

// ControllerManagerPrincipal returns the RBAC identity that creates the pods of controllers in clusters without
// credentials for each controller. RBAC does not say which kind of cluster it is, so questions about a workload ask for
// both: a grant of a policy to this user is meant.
func ControllerManagerPrincipal() Principal {
	return Principal{User: controllerManager, Groups: []string{authenticatedGroup}, Description: "the controller manager"}
}

// NodePrincipal returns the RBAC identity of the kubelet that creates the mirror pods of static pods. An empty name
// stands for any node; then only the groups count.
func NodePrincipal(node string) Principal {
	p := Principal{Groups: []string{nodesGroup, authenticatedGroup}, Description: "the kubelet (mirror pods)"}
	if node != "" {
		p.User = nodePrefix + node
	}
	return p
}

// AnyRequester returns the RBAC identity of whoever creates a pod by hand: all that is known is that every request is
// authenticated.
func AnyRequester() Principal {
	return Principal{Groups: []string{authenticatedGroup}, Description: "whoever creates the pod"}
}

// controllerAccount returns the service account, in kube-system, of the controller that creates the pods of a kind of
// workload; "" for a kind without one.
func controllerAccount(kind string) string {
	k, _ := inventory.WorkloadKindOf(kind)
	return k.Controller
}

// isPodController reports whether an identity is the service account of a controller that creates pods.
func isPodController(p subjectClass) bool {
	return p.kind == accountClass && p.namespace == kubeSystem && p.name != "" &&
		slices.ContainsFunc(inventory.WorkloadKinds(), func(k inventory.WorkloadKind) bool { return k.Controller == p.name })
}

// podPrincipals returns the RBAC identities that PSP admission asks about for the pods of a workload: the service
// accounts of the pods, and their creator.
func podPrincipals(w *inventory.Workload) []Principal {
	var out []Principal
	for _, name := range podServiceAccounts(w) {
		out = append(out, ServiceAccountPrincipal(w.Namespace, name))
	}
	if hasMirrorPods(w) {
		out = append(out, NodePrincipal(""))
	}
	if controller, ok := ControllerPrincipal(w.Kind); ok {
		return append(out, controller, ControllerManagerPrincipal())
	}
	return append(out, AnyRequester())
}

// hasMirrorPods reports whether RBAC grants to nodes matter for a workload: mirror pods of static pods are among its
// pods. They belong to a node, or to nothing.
func hasMirrorPods(w *inventory.Workload) bool {
	return slices.ContainsFunc(w.PodGroups, func(p inventory.PodGroup) bool { return p.Mirror })
}

// podServiceAccounts returns the service accounts of the pods of a workload, by whose RBAC grants they may use
// policies. A mirror pod has none, whatever its name says.
func podServiceAccounts(w *inventory.Workload) []string {
	var out []string
	add := func(name string) {
		if name == "" {
			name = "default"
		}
		out = append(out, name)
	}
	if w.Template != nil || len(w.PodGroups) == 0 {
		add(w.ServiceAccount)
	}
	for i := range w.PodGroups {
		if !w.PodGroups[i].Mirror {
			add(w.PodGroups[i].ServiceAccount)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
