package psp

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// Unmutated names a pod without what a policy filled in.
type Unmutated struct {
	Pod *inventory.Shape
	// Template is nil if there is none: then the whole pod is beyond it.
	Template *inventory.Shape
	By       *Mutation
	// BeyondTemplate is true to take values off what the template does not speak of, too.
	BeyondTemplate bool
}

// Shape returns the pod without what the policy filled in, or the pod itself if that is nothing. It undoes PSP
// admission's mutating pass field by field: a value is taken off where whoever wrote the pod left it unset, as far as
// the template tells, and where it is what the policy would have written.
func (u *Unmutated) Shape() *inventory.Shape {
	if u.By.nothing {
		return u.Pod
	}
	s := &stripper{by: u.By, pod: inventory.Shape{Annotations: maps.Clone(u.Pod.Annotations), Spec: *u.Pod.Spec.DeepCopy()}}
	template := u.Template
	if template == nil {
		template = &inventory.Shape{}
	}
	s.fromPod(template)
	s.fromContainers(u, s.pod.Spec.InitContainers, template.Spec.InitContainers)
	s.fromContainers(u, s.pod.Spec.Containers, template.Spec.Containers)
	if !s.changed {
		return u.Pod
	}
	return &s.pod
}

// stripper takes values off its copy of a pod.
type stripper struct {
	by      *Mutation
	pod     inventory.Shape
	changed bool
}

// unset sets a field back to nil.
func unset[T any](s *stripper, field **T) {
	*field = nil
	s.changed = true
}

// fromPod takes off pod-level values.
func (s *stripper) fromPod(template *inventory.Shape) {
	spec, f := &s.pod.Spec, s.by
	if template.Spec.RuntimeClassName == nil && wrote(f, f.runtimeClassName, spec.RuntimeClassName) {
		unset(s, &spec.RuntimeClassName)
	}
	written := podspec.OrEmpty(template.Spec.SecurityContext)
	sc := podspec.OrEmpty(spec.SecurityContext)
	if written.SupplementalGroups == nil && len(sc.SupplementalGroups) == 1 &&
		wrote(f, f.supplementalGroup, &sc.SupplementalGroups[0]) {
		sc.SupplementalGroups, s.changed = nil, true
	}
	if written.FSGroup == nil && wrote(f, f.fsGroup, sc.FSGroup) {
		unset(s, &sc.FSGroup)
	}
	if written.SELinuxOptions == nil && wrote(f, f.seLinuxOptions, sc.SELinuxOptions) {
		unset(s, &sc.SELinuxOptions)
	}
	if written.SeccompProfile == nil && template.Annotations[podspec.SeccompPodAnnotation] == "" {
		annotation, field := f.wroteSeccomp(s.pod.Annotations[podspec.SeccompPodAnnotation], sc.SeccompProfile)
		if annotation {
			s.unannotate(podspec.SeccompPodAnnotation)
		}
		if field {
			unset(s, &sc.SeccompProfile)
		}
	}
}

func (s *stripper) unannotate(key string) {
	delete(s.pod.Annotations, key)
	s.changed = true
}

// fromContainers takes values off one list of containers. What the author wrote is the template's container of the same
// name, under the template's pod-level values; of a container beyond the template nothing is known, so every value may be
// the policy's, unless a pod-level value (those the policy never writes) had spared the container.
func (s *stripper) fromContainers(u *Unmutated, list, templates []corev1.Container) {
	byName := podspec.ContainersByName(templates)
	for i := range list {
		c := &list[i]
		known := podspec.ContainerNamed(templates, byName, c.Name)
		switch {
		case known != nil:
			s.fromContainer(c, podspec.OrEmpty(known.SecurityContext), podspec.OrEmpty(u.Template.Spec.SecurityContext),
				u.Template.Annotations[podspec.AppArmorAnnotationPrefix+c.Name])
		case u.BeyondTemplate:
			s.fromContainer(c, &corev1.SecurityContext{}, podspec.OrEmpty(s.pod.Spec.SecurityContext), "")
		}
	}
}

// fromContainer takes off a container's values, given the security context and AppArmor profile that were written for
// it, and for its pod.
func (s *stripper) fromContainer(c *corev1.Container, written *corev1.SecurityContext, pod *corev1.PodSecurityContext, appArmor string) {
	f := s.by
	key := podspec.AppArmorAnnotationPrefix + c.Name
	if got := s.pod.Annotations[key]; appArmor == "" && got != "" && (f.anything || got == f.appArmor) {
		s.unannotate(key)
	}
	sc := c.SecurityContext
	if sc == nil {
		return
	}
	s.fromIdentity(sc, written, pod)
	s.fromCapabilities(sc, podspec.OrEmpty(written.Capabilities))
	if f.readOnlyRootFilesystem && written.ReadOnlyRootFilesystem == nil && podspec.IsTrue(sc.ReadOnlyRootFilesystem) {
		unset(s, &sc.ReadOnlyRootFilesystem)
	}
	if written.AllowPrivilegeEscalation == nil && wrote(f, f.allowPrivilegeEscalation, sc.AllowPrivilegeEscalation) {
		unset(s, &sc.AllowPrivilegeEscalation)
	}
}

// fromIdentity takes off user, group and runAsNonRoot. The policy leaves them alone where the pod level sets them, and
// demands runAsNonRoot only where no user is set at all.
func (s *stripper) fromIdentity(sc, written *corev1.SecurityContext, pod *corev1.PodSecurityContext) {
	f := s.by
	noUser := written.RunAsUser == nil && pod.RunAsUser == nil
	if noUser && wrote(f, f.runAsUser, sc.RunAsUser) {
		unset(s, &sc.RunAsUser)
	}
	if written.RunAsGroup == nil && pod.RunAsGroup == nil && wrote(f, f.runAsGroup, sc.RunAsGroup) {
		unset(s, &sc.RunAsGroup)
	}
	if f.runAsNonRoot && written.RunAsNonRoot == nil && pod.RunAsNonRoot == nil &&
		noUser && sc.RunAsUser == nil && podspec.IsTrue(sc.RunAsNonRoot) {
		unset(s, &sc.RunAsNonRoot)
	}
}

// fromCapabilities takes the policy's capabilities off both lists, but for those that were written.
func (s *stripper) fromCapabilities(sc *corev1.SecurityContext, written *corev1.Capabilities) {
	if sc.Capabilities == nil {
		return
	}
	take := func(from, written []corev1.Capability, filled map[corev1.Capability]bool) []corev1.Capability {
		isWritten := among(written)
		kept := slices.DeleteFunc(slices.Clone(from), func(c corev1.Capability) bool {
			return (s.by.anything || filled[c]) && !isWritten(c)
		})
		s.changed = s.changed || len(kept) != len(from)
		return kept
	}
	sc.Capabilities.Add = take(sc.Capabilities.Add, written.Add, s.by.add)
	sc.Capabilities.Drop = take(sc.Capabilities.Drop, written.Drop, s.by.drop)
}
