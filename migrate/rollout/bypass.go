package rollout

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse"
)

// BypassObject is an object that the roll-out stage bypass creates to let pods past PSP. Its content follows from these
// fields.
type BypassObject struct {
	// Kind is PodSecurityPolicy, ClusterRole or RoleBinding.
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Policy is the name of the policy that lets everything pass.
	Policy string `json:"policy"`
}

// ManagedByLabel is the label that marks the objects of the bypass and the lock; its value is FieldManager.
const ManagedByLabel = "app.kubernetes.io/managed-by"

// journalAnnotation is the annotation with the ID of the journal under which an object of the bypass was created. A rollback
// deletes no other object.
const journalAnnotation = "psp2pss.dev/journal"

// podSecurityPolicyKind is the kind of the policy that the bypass creates.
const podSecurityPolicyKind = "PodSecurityPolicy"

// BypassName is the name of the ClusterRole and of the RoleBindings of the bypass. Only the policy's own name decides its place.
const BypassName = "psp2pss-bypass" //nolint:gosec // G101: a name, no secret

// bypassPolicyName returns the name of the roll-out's PodSecurityPolicy that lets every pod in. It sorts before all
// others: a policy that changes nothing usually goes first anyway, but not for a pod with a seccomp profile of its own,
// which gets the first policy by name. The policy of an earlier roll-out is used again. It returns "" if no name sorts
// before all.
func bypassPolicyName(policies []migrate.Policy) string {
	first, ours := "", ""
	for i := range policies {
		switch name := policies[i].Name; {
		case isBypassPolicyName(name):
			ours = name
		case first == "" || name < first:
			first = name
		}
	}
	before := func(name string) bool { return name != "" && (first == "" || name < first) }
	if before(ours) {
		return ours
	}
	if name := "000-" + BypassName; before(name) {
		return name
	}
	for prefix := range pspparse.PrefixesBefore(first) {
		name := prefix + BypassName
		if len(name) > pspparse.MaxNameLength {
			break
		}
		if before(name) {
			return name
		}
	}
	return ""
}

// isBypassPolicyName reports whether a name may be that of the PodSecurityPolicy of a roll-out's bypass.
func isBypassPolicyName(name string) bool {
	return strings.HasSuffix(name, "-"+BypassName) && len(validation.IsDNS1123Subdomain(name)) == 0
}

// sharedBypassObjects returns the PodSecurityPolicy of the roll-out stage bypass and the ClusterRole that allows its
// use.
func sharedBypassObjects(policy string) []BypassObject {
	return []BypassObject{{Kind: podSecurityPolicyKind, Name: policy, Policy: policy}, {Kind: "ClusterRole", Name: BypassName, Policy: policy}}
}

// bypassBinding returns the RoleBinding that lets all service accounts of one namespace use the policy of the roll-out
// stage bypass. Mirror pods have none and are not let in.
func bypassBinding(policy, namespace string) BypassObject {
	return BypassObject{Kind: "RoleBinding", Namespace: namespace, Name: BypassName, Policy: policy}
}

// rbacGroup is the API group of roles and bindings.
const rbacGroup = "rbac.authorization.k8s.io"

// resource returns the API resource of the kind of a roll-out's bypass object.
func (o *BypassObject) resource() schema.GroupVersionResource {
	switch o.Kind {
	case podSecurityPolicyKind:
		return schema.GroupVersionResource{Group: "policy", Version: "v1beta1", Resource: "podsecuritypolicies"}
	case "ClusterRole":
		return schema.GroupVersionResource{Group: rbacGroup, Version: "v1", Resource: "clusterroles"}
	}
	return RoleBindings()
}

// RoleBindings returns the API resource of RoleBindings, which the roll-out stage bypass creates.
func RoleBindings() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: rbacGroup, Version: "v1", Resource: "rolebindings"}
}

// fields returns the content of a roll-out's bypass object beside its metadata.
//
// The policy allows more than the one in the migration guide, which refuses an unmasked /proc and unsafe sysctls.
func (o *BypassObject) fields() map[string]any {
	switch o.Kind {
	case podSecurityPolicyKind:
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
		"roleRef":  map[string]any{"apiGroup": rbacGroup, "kind": "ClusterRole", "name": BypassName},
		"subjects": []any{map[string]any{"apiGroup": rbacGroup, "kind": "Group", "name": "system:serviceaccounts:" + o.Namespace}},
	}
}

// manifest returns the bypass object as the roll-out step creates it, with the ID of the journal as an annotation;
// without one in a dry run.
func (o *BypassObject) manifest(journal string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: o.fields()}
	u.SetAPIVersion(o.resource().GroupVersion().String())
	u.SetKind(o.Kind)
	u.SetNamespace(o.Namespace)
	u.SetName(o.Name)
	u.SetLabels(map[string]string{ManagedByLabel: FieldManager})
	annotations := map[string]string{}
	if o.Kind == podSecurityPolicyKind {
		annotations["seccomp.security.alpha.kubernetes.io/allowedProfileNames"] = "*"
	}
	if journal != "" {
		annotations[journalAnnotation] = journal
	}
	u.SetAnnotations(annotations)
	return u
}

// String returns the kind and name of a roll-out's bypass object, and its namespace if it has one.
func (o *BypassObject) String() string {
	name := strings.ToLower(o.Kind) + "/" + o.Name
	if o.Namespace != "" {
		return name + " in " + o.Namespace
	}
	return name
}
