package rollout

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse"
)

// BypassObject is one that a step creates for the bypass. What it holds follows from this.
type BypassObject struct {
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

const podSecurityPolicyKind = "PodSecurityPolicy"

// bypassRole is the name of the ClusterRole and of the RoleBindings. Only the policy's own name decides its place.
const bypassRole = "psp2pss-bypass" //nolint:gosec // G101: a name, no secret

// bypassPolicyName is the name of the policy that lets everything pass: it has to sort before every other one. That a policy
// that fills nothing in goes first does not hold for pods with a seccomp profile of their own, which are just those that
// are ready for restricted; for them the first by name wins.
//
// It is "" where no name sorts before all. A policy of an earlier roll-out is used again.
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
	if name := "000-" + bypassRole; before(name) {
		return name
	}
	for prefix := range pspparse.PrefixesBefore(first) {
		name := prefix + bypassRole
		if len(name) > pspparse.MaxNameLength {
			break
		}
		if before(name) {
			return name
		}
	}
	return ""
}

// isBypassPolicyName is true for what bypassName may give.
func isBypassPolicyName(name string) bool {
	return strings.HasSuffix(name, "-"+bypassRole) && len(validation.IsDNS1123Subdomain(name)) == 0
}

// sharedBypassObjects are the policy, and the role that lets it be used.
func sharedBypassObjects(policy string) []BypassObject {
	return []BypassObject{{Kind: podSecurityPolicyKind, Name: policy, Policy: policy}, {Kind: "ClusterRole", Name: bypassRole, Policy: policy}}
}

// bypassBinding lets the pods of one namespace past the policies: those with a service account, so all but mirror pods.
func bypassBinding(policy, namespace string) BypassObject {
	return BypassObject{Kind: "RoleBinding", Namespace: namespace, Name: bypassRole, Policy: policy}
}

const rbacGroup = "rbac.authorization.k8s.io"

func (o *BypassObject) resource() schema.GroupVersionResource {
	switch o.Kind {
	case podSecurityPolicyKind:
		return schema.GroupVersionResource{Group: "policy", Version: "v1beta1", Resource: "podsecuritypolicies"}
	case "ClusterRole":
		return schema.GroupVersionResource{Group: rbacGroup, Version: "v1", Resource: "clusterroles"}
	}
	return schema.GroupVersionResource{Group: rbacGroup, Version: "v1", Resource: "rolebindings"}
}

// fields is what the object holds beside its metadata.
//
// The policy is wider than the guide's: that one still refuses an unmasked /proc and unsafe sysctls.
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
		"roleRef":  map[string]any{"apiGroup": rbacGroup, "kind": "ClusterRole", "name": bypassRole},
		"subjects": []any{map[string]any{"apiGroup": rbacGroup, "kind": "Group", "name": "system:serviceaccounts:" + o.Namespace}},
	}
}

// manifest is what is sent to the server.
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

// String names the object as kubectl does.
func (o *BypassObject) String() string {
	name := strings.ToLower(o.Kind) + "/" + o.Name
	if o.Namespace != "" {
		return name + " in " + o.Namespace
	}
	return name
}
