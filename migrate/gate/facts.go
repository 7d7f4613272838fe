package gate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse/helm"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Facts are what the answer needs beside a Plan. The zero value stands for a Plan alone: nothing of it is known.
type Facts struct {
	// InventoryRead is true where an inventory was read.
	InventoryRead bool
	// PolicyRoles that still let use policies.
	PolicyRoles []access.PolicyRole
	// RolesUnread is what could not be read and may be a role or a binding.
	RolesUnread []string
	// NamespaceWriters may write namespaces.
	NamespaceWriters []access.NamespaceWriter
	// Seccomp and AppArmor: what has an annotation that no field of the same template says: "shop/Deployment/web".
	Seccomp, AppArmor []string
	// APIServers are those whose flags were read.
	APIServers []inventory.APIServer
	// HelmReleases is not Gather's to find: an inventory holds no Secrets.
	HelmReleases HelmReleases
}

// HelmReleases is what was read of stored Helm releases.
type HelmReleases struct {
	// All is true where a cluster was asked for every release. Files hold those that somebody has put there.
	All       bool
	Histories []helm.ReleaseHistory
	// Gaps are what could not be read.
	Gaps []inventory.Gap
}

// GatherFacts takes the facts from what was read.
func GatherFacts(inv *inventory.Inventory) Facts {
	f := Facts{InventoryRead: true, PolicyRoles: access.PolicyRoles(inv.Roles, inv.Bindings), NamespaceWriters: access.NamespaceWriters(inv.Roles, inv.Bindings), RolesUnread: rolesUnread(inv.Gaps), APIServers: inv.APIServers}
	for i := range inv.Workloads {
		w := &inv.Workloads[i]
		shapes := []*inventory.Shape{w.Template}
		if w.Template == nil {
			shapes = shapes[:0]
			for j := range w.PodGroups {
				shapes = append(shapes, w.PodGroups[j].Shape)
			}
		}
		name := w.Namespace + "/" + w.Kind + "/" + w.Name
		if slices.ContainsFunc(shapes, needsSeccompAnnotation) {
			f.Seccomp = append(f.Seccomp, name)
		}
		if slices.ContainsFunc(shapes, needsAppArmorAnnotation) {
			f.AppArmor = append(f.AppArmor, name)
		}
	}
	return f
}

// rolesUnread are the gaps that may hide a role or a binding.
func rolesUnread(gaps []inventory.Gap) []string {
	var out []string
	for i := range gaps {
		if gaps[i].MayHide(inventory.PartGrants) && !isNoRoleGap(gaps[i].What) {
			out = append(out, gaps[i].What)
		}
	}
	return out
}

// isNoRoleGap is true for a gap that names a Namespace, all of them, or a policy template of Rancher: such may change
// anything of a namespace, and are no roles.
func isNoRoleGap(what string) bool {
	kind, _, _ := strings.Cut(what, " ")
	return slices.Contains([]string{"namespace", "namespaces", "podsecuritypolicytemplate"}, strings.ToLower(kind))
}

// needsSeccompAnnotation is true if an annotation sets a profile that no field sets, for the pod or for a container that is there.
func needsSeccompAnnotation(s *inventory.Shape) bool {
	pod := s.Spec.SecurityContext != nil && s.Spec.SecurityContext.SeccompProfile != nil
	if _, annotated := s.Annotations[corev1.SeccompPodAnnotationKey]; annotated && !pod {
		return true
	}
	return anyContainer(s, func(name string, c *corev1.SecurityContext) bool {
		_, annotated := s.Annotations[corev1.SeccompContainerAnnotationKeyPrefix+name]
		return annotated && (c == nil || c.SeccompProfile == nil)
	})
}

func needsAppArmorAnnotation(s *inventory.Shape) bool {
	pod := s.Spec.SecurityContext != nil && s.Spec.SecurityContext.AppArmorProfile != nil
	return anyContainer(s, func(name string, c *corev1.SecurityContext) bool {
		value := s.Annotations[corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix+name]
		return strings.TrimSpace(value) != "" && !pod && (c == nil || c.AppArmorProfile == nil)
	})
}

func anyContainer(s *inventory.Shape, is func(string, *corev1.SecurityContext) bool) bool {
	each := func(c corev1.Container) bool { return is(c.Name, c.SecurityContext) }
	return slices.ContainsFunc(s.Spec.InitContainers, each) || slices.ContainsFunc(s.Spec.Containers, each)
}
