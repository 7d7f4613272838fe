package rollout

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/migrate"
)

// Object is one that a step creates for the bypass. What it holds follows from this.
type Object struct {
	// Kind is PodSecurityPolicy, ClusterRole or RoleBinding.
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Policy is the name of the policy that lets everything pass.
	Policy string `json:"policy"`
}

// ManagedByLabel marks what the bypass is made of, with the value Manager.
const ManagedByLabel = "app.kubernetes.io/managed-by"

// journalAnnotation names the journal of the roll-out that created an object: what is there already is not ours to delete.
const journalAnnotation = "psp2pss.dev/journal"

const policyKind = "PodSecurityPolicy"

// bypassRole is the name of the ClusterRole and of the RoleBindings. Only the policy's own name decides its place.
const bypassRole = "psp2pss-bypass" //nolint:gosec // G101: a name, no secret

// bypassName is the name of the policy that lets everything pass: it has to sort before every other one. That a policy
// that fills nothing in goes first does not hold for pods with a seccomp profile of their own, which are just those that
// are ready for restricted; for them the first by name wins.
//
// It is "" where no name sorts before all. A policy of an earlier roll-out is used again.
func bypassName(policies []migrate.Policy) string {
	first, ours := "", ""
	for i := range policies {
		switch name := policies[i].Name; {
		case isBypassName(name):
			ours = name
		case first == "" || name < first:
			first = name
		}
	}
	before := func(name string) bool { return name != "" && (first == "" || name < first) }
	if before(ours) {
		return ours
	}
	// Of all that a name may begin with, 0 sorts first, and of what may follow it the dash.
	const most = 200
	name := "000-" + bypassRole
	for dashes := 1; !before(name) && dashes < most; dashes++ {
		name = "0" + strings.Repeat("-", dashes) + bypassRole
	}
	if !before(name) {
		return ""
	}
	return name
}

// isBypassName is true for what bypassName may give.
func isBypassName(name string) bool {
	return strings.HasSuffix(name, "-"+bypassRole) && len(validation.IsDNS1123Subdomain(name)) == 0
}

// sharedObjects are the policy, and the role that lets it be used.
func sharedObjects(policy string) []Object {
	return []Object{{Kind: policyKind, Name: policy, Policy: policy}, {Kind: "ClusterRole", Name: bypassRole, Policy: policy}}
}

// bindingObject lets the pods of one namespace past the policies: those with a service account, so all but mirror pods.
func bindingObject(policy, namespace string) Object {
	return Object{Kind: "RoleBinding", Namespace: namespace, Name: bypassRole, Policy: policy}
}

const rbac = "rbac.authorization.k8s.io"

func (o *Object) resource() schema.GroupVersionResource {
	switch o.Kind {
	case policyKind:
		return schema.GroupVersionResource{Group: "policy", Version: "v1beta1", Resource: "podsecuritypolicies"}
	case "ClusterRole":
		return schema.GroupVersionResource{Group: rbac, Version: "v1", Resource: "clusterroles"}
	}
	return schema.GroupVersionResource{Group: rbac, Version: "v1", Resource: "rolebindings"}
}

// content is what the object holds beside its metadata.
//
// The policy is wider than the guide's: that one still refuses an unmasked /proc and unsafe sysctls.
func (o *Object) content() map[string]any {
	switch o.Kind {
	case policyKind:
		anything, all := map[string]any{"rule": "RunAsAny"}, []any{"*"}
		return map[string]any{"spec": map[string]any{
			"privileged": true, "allowPrivilegeEscalation": true, "allowedCapabilities": all, "volumes": all,
			"hostNetwork": true, "hostPID": true, "hostIPC": true, "hostPorts": []any{map[string]any{"min": int64(0), "max": int64(65535)}},
			"runAsUser": anything, "seLinux": anything, "supplementalGroups": anything, "fsGroup": anything,
			"allowedUnsafeSysctls": all, "allowedProcMountTypes": []any{"Default", "Unmasked"},
		}}
	case "ClusterRole":
		return map[string]any{"rules": []any{map[string]any{
			"apiGroups": []any{"policy"}, "resources": []any{"podsecuritypolicies"}, "resourceNames": []any{o.Policy}, "verbs": []any{"use"},
		}}}
	}
	return map[string]any{
		"roleRef":  map[string]any{"apiGroup": rbac, "kind": "ClusterRole", "name": bypassRole},
		"subjects": []any{map[string]any{"apiGroup": rbac, "kind": "Group", "name": "system:serviceaccounts:" + o.Namespace}},
	}
}

// object is what is sent to the server.
func (o *Object) object(journal string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: o.content()}
	u.SetAPIVersion(o.resource().GroupVersion().String())
	u.SetKind(o.Kind)
	u.SetNamespace(o.Namespace)
	u.SetName(o.Name)
	u.SetLabels(map[string]string{ManagedByLabel: Manager})
	annotations := map[string]string{}
	if o.Kind == policyKind {
		annotations["seccomp.security.alpha.kubernetes.io/allowedProfileNames"] = "*"
	}
	if journal != "" {
		annotations[journalAnnotation] = journal
	}
	u.SetAnnotations(annotations)
	return u
}

// String names the object as kubectl does.
func (o *Object) String() string {
	name := strings.ToLower(o.Kind) + "/" + o.Name
	if o.Namespace != "" {
		return name + " in " + o.Namespace
	}
	return name
}
