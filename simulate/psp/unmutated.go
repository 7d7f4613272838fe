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
	Mutation *Mutation
	// BeyondTemplate is true to take values off what the template does not speak of, too.
	BeyondTemplate bool
}

// Shape returns the pod without what the policy filled in, or the pod itself if that is nothing. It undoes PSP
// admission's mutating pass field by field: a value is taken off where whoever wrote the pod left it unset, as far as
// the template tells, and where it is what the policy would have written.
func (u *Unmutated) Shape() *inventory.Shape {
	if u.Mutation.isEmpty {
		return u.Pod
	}
	s := &mutationRemover{mutation: u.Mutation, pod: inventory.Shape{Annotations: maps.Clone(u.Pod.Annotations), Spec: *u.Pod.Spec.DeepCopy()}}
	template := u.Template
	if template == nil {
		template = &inventory.Shape{}
	}
	s.removeFromPod(template)
	s.removeFromContainers(u, s.pod.Spec.InitContainers, template.Spec.InitContainers)
	s.removeFromContainers(u, s.pod.Spec.Containers, template.Spec.Containers)
	if !s.changed {
		return u.Pod
	}
	return &s.pod
}

// mutationRemover takes values off its copy of a pod.
type mutationRemover struct {
	mutation *Mutation
	pod      inventory.Shape
	changed  bool
}

// unsetField sets a field back to nil.
func unsetField[T any](s *mutationRemover, field **T) {
	*field = nil
	s.changed = true
}

// removeFromPod takes off pod-level values.
func (s *mutationRemover) removeFromPod(template *inventory.Shape) {
	spec, f := &s.pod.Spec, s.mutation
	if template.Spec.RuntimeClassName == nil && mayHaveWritten(f, f.runtimeClassName, spec.RuntimeClassName) {
		unsetField(s, &spec.RuntimeClassName)
	}
	written := podspec.OrEmpty(template.Spec.SecurityContext)
	sc := podspec.OrEmpty(spec.SecurityContext)
	if written.SupplementalGroups == nil && len(sc.SupplementalGroups) == 1 &&
		mayHaveWritten(f, f.supplementalGroup, &sc.SupplementalGroups[0]) {
		sc.SupplementalGroups, s.changed = nil, true
	}
	if written.FSGroup == nil && mayHaveWritten(f, f.fsGroup, sc.FSGroup) {
		unsetField(s, &sc.FSGroup)
	}
	if written.SELinuxOptions == nil && mayHaveWritten(f, f.seLinuxOptions, sc.SELinuxOptions) {
		unsetField(s, &sc.SELinuxOptions)
	}
	if written.SeccompProfile == nil && template.Annotations[podspec.SeccompPodAnnotation] == "" {
		annotation, field := f.mayHaveWrittenSeccomp(s.pod.Annotations[podspec.SeccompPodAnnotation], sc.SeccompProfile)
		if annotation {
			s.removeAnnotation(podspec.SeccompPodAnnotation)
		}
		if field {
			unsetField(s, &sc.SeccompProfile)
		}
	}
}

func (s *mutationRemover) removeAnnotation(key string) {
	delete(s.pod.Annotations, key)
	s.changed = true
}

// removeFromContainers takes values off one list of containers. What the author wrote is the template's container of the same
// name, under the template's pod-level values; of a container beyond the template nothing is known, so every value may be
// the policy's, unless a pod-level value (those the policy never writes) had spared the container.
func (s *mutationRemover) removeFromContainers(u *Unmutated, list, templates []corev1.Container) {
	byName := podspec.ContainersByName(templates)
	for i := range list {
		c := &list[i]
		known := podspec.ContainerNamed(templates, byName, c.Name)
		switch {
		case known != nil:
			s.removeFromContainer(c, podspec.OrEmpty(known.SecurityContext), podspec.OrEmpty(u.Template.Spec.SecurityContext),
				u.Template.Annotations[podspec.AppArmorAnnotationPrefix+c.Name])
		case u.BeyondTemplate:
			s.removeFromContainer(c, &corev1.SecurityContext{}, podspec.OrEmpty(s.pod.Spec.SecurityContext), "")
		}
	}
}

// removeFromContainer takes off a container's values, given the security context and AppArmor profile that were written for
// it, and for its pod.
func (s *mutationRemover) removeFromContainer(c *corev1.Container, written *corev1.SecurityContext, pod *corev1.PodSecurityContext, appArmor string) {
	f := s.mutation
	key := podspec.AppArmorAnnotationPrefix + c.Name
	if got := s.pod.Annotations[key]; appArmor == "" && got != "" && (f.isUnknown || got == f.appArmor) {
		s.removeAnnotation(key)
	}
	sc := c.SecurityContext
	if sc == nil {
		return
	}
	s.removeIdentity(sc, written, pod)
	s.removeCapabilities(sc, podspec.OrEmpty(written.Capabilities))
	if f.readOnlyRootFilesystem && written.ReadOnlyRootFilesystem == nil && podspec.IsTrue(sc.ReadOnlyRootFilesystem) {
		unsetField(s, &sc.ReadOnlyRootFilesystem)
	}
	if written.AllowPrivilegeEscalation == nil && mayHaveWritten(f, f.allowPrivilegeEscalation, sc.AllowPrivilegeEscalation) {
		unsetField(s, &sc.AllowPrivilegeEscalation)
	}
}

// removeIdentity takes off user, group and runAsNonRoot. The policy leaves them alone where the pod level sets them, and
// demands runAsNonRoot only where no user is set at all.
func (s *mutationRemover) removeIdentity(sc, written *corev1.SecurityContext, pod *corev1.PodSecurityContext) {
	f := s.mutation
	noUser := written.RunAsUser == nil && pod.RunAsUser == nil
	if noUser && mayHaveWritten(f, f.runAsUser, sc.RunAsUser) {
		unsetField(s, &sc.RunAsUser)
	}
	if written.RunAsGroup == nil && pod.RunAsGroup == nil && mayHaveWritten(f, f.runAsGroup, sc.RunAsGroup) {
		unsetField(s, &sc.RunAsGroup)
	}
	if f.runAsNonRoot && written.RunAsNonRoot == nil && pod.RunAsNonRoot == nil &&
		noUser && sc.RunAsUser == nil && podspec.IsTrue(sc.RunAsNonRoot) {
		unsetField(s, &sc.RunAsNonRoot)
	}
}

// removeCapabilities takes the policy's capabilities off both lists, but for those that were written.
func (s *mutationRemover) removeCapabilities(sc *corev1.SecurityContext, written *corev1.Capabilities) {
	if sc.Capabilities == nil {
		return
	}
	take := func(from, written []corev1.Capability, filled map[corev1.Capability]bool) []corev1.Capability {
		isWritten := membershipTest(written)
		kept := slices.DeleteFunc(slices.Clone(from), func(c corev1.Capability) bool {
			return (s.mutation.isUnknown || filled[c]) && !isWritten(c)
		})
		s.changed = s.changed || len(kept) != len(from)
		return kept
	}
	sc.Capabilities.Add = take(sc.Capabilities.Add, written.Add, s.mutation.add)
	sc.Capabilities.Drop = take(sc.Capabilities.Drop, written.Drop, s.mutation.drop)
}
