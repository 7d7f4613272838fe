package inventory

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
)

// objectKind is one kind of Kubernetes' own API that the inventory decodes.
type objectKind struct {
	name string
	// apiVersions are those under which it is or was served, the current one first.
	apiVersions []string
	// part is what objects of the kind can change of a namespace; "" for anything.
	part GapPart
}

// objectKinds is the table of all kinds that are read: the workload kinds and those beside them.
var objectKinds = func() []objectKind {
	const rbacGroup = "rbac.authorization.k8s.io/"
	core, rbac := []string{"v1"}, []string{rbacGroup + "v1", rbacGroup + "v1beta1", rbacGroup + "v1alpha1"}
	kinds := []objectKind{
		{"Namespace", core, ""}, // its labels and annotations may ask for more than a level, such as a sidecar in its pods
		{"ServiceAccount", core, PartGrants},
		{"Role", rbac, PartGrants},
		{"ClusterRole", rbac, PartGrants},
		{"RoleBinding", rbac, PartGrants},
		{"ClusterRoleBinding", rbac, PartGrants},
		{pspparse.PolicyKind, []string{"policy/v1beta1", "extensions/v1beta1"}, PartPolicies},
	}
	for i := range workloadKinds {
		kinds = append(kinds, objectKind{workloadKinds[i].Name, workloadKinds[i].APIVersions, PartWorkloads})
	}
	slices.SortFunc(kinds, func(a, b objectKind) int { return strings.Compare(a.name, b.name) })
	return kinds
}()

// kindByName returns the kind that the inventory decodes by its exact name; nil for none.
func kindByName(name string) *objectKind {
	for i := range objectKinds {
		if objectKinds[i].name == name {
			return &objectKinds[i]
		}
	}
	return nil
}

// kindIgnoringCase returns the kind that the inventory decodes by its name in any case; nil for none.
func kindIgnoringCase(name string) *objectKind {
	if k := kindByName(name); k != nil {
		return k
	}
	for i := range objectKinds {
		if strings.EqualFold(objectKinds[i].name, name) {
			return &objectKinds[i]
		}
	}
	return nil
}

// inGroup reports whether the kind of the inventory is or was served in an API group.
func (k *objectKind) inGroup(group string) bool {
	return slices.ContainsFunc(k.apiVersions, func(version string) bool { return groupOf(version) == group })
}

// isForeign reports whether an apiVersion belongs to somebody else's API, in which a kind may have the same name: its group
// has a dot in it and is none of Kubernetes' own.
func (k *objectKind) isForeign(apiVersion string) bool {
	group := groupOf(apiVersion)
	return strings.Contains(group, ".") && !k.inGroup(group)
}

// groupOf returns the API group of a Kubernetes object's apiVersion; "" is the core group.
func groupOf(apiVersion string) string {
	if group, _, ok := strings.Cut(apiVersion, "/"); ok {
		return group
	}
	return ""
}

// Decode decodes one JSON object into the inventory if its kind is one that is read. Handled is false for any other
// kind, for a kind of the same name in another API group, and for a PodSecurityPolicy, which package pspparse reads. An
// error is a *DecodeError; nothing of the object is added then, but the name of a Namespace stays in the inventory.
// What an Add method refuses is a gap already, and no error.
//
// Keys match case-sensitively, as on the API server. A key given twice is an error where it is one that is read.
// Fields that are not read are not checked.
func (b *Builder) Decode(apiVersion, kind string, data []byte, at pspparse.Position) (handled bool, err error) {
	k := kindIgnoringCase(kind)
	if k == nil || k.isForeign(apiVersion) {
		return false, nil
	}
	_, err = servedKind(apiVersion, kind)
	switch {
	case err != nil:
	case kind == pspparse.PolicyKind:
		return false, nil
	default:
		err = b.decodeObject(data, documentHeader{apiVersion: apiVersion, kind: kind, position: at})
	}
	if err == nil {
		return true, nil
	}
	e := newDecodeError(k.name, data, err)
	if k.name == "Namespace" && IsDNSLabel(e.Name) {
		b.conflictingNamespaces = append(b.conflictingNamespaces, e.Name)
	}
	return true, e
}

// decodeObject decodes one JSON object of a known kind into the inventory, other than a PodSecurityPolicy.
func (b *Builder) decodeObject(data []byte, from documentHeader) error {
	switch from.kind {
	case "Pod":
		return b.decodePod(data, from)
	case "Namespace":
		return b.decodeNamespace(data, from)
	case "ServiceAccount":
		return b.decodeServiceAccount(data, from)
	case "Role", "ClusterRole":
		return b.decodeRole(data, from)
	case "RoleBinding", "ClusterRoleBinding":
		return b.decodeBinding(data, from)
	default:
		return b.decodeTemplate(data, from)
	}
}
