package psp

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// Unmutated identifies a live pod without what a PodSecurityPolicy wrote into it. It is a cache key, and Shape computes the
// pod.
type Unmutated struct {
	Pod *inventory.Shape
	// Template is the pod template of the pod; nil if there is none: then the whole pod is beyond it.
	Template *inventory.Shape
	Mutation *Mutation
	// BeyondTemplate is true to take values off containers that the template does not have, too.
	BeyondTemplate bool
}

// Shape returns the live pod without what the PodSecurityPolicy wrote into it, or the pod itself if that is nothing. It
// undoes the mutating pass field by field: a value is taken off where the template leaves it unset and where the policy
// would have written it.
func (u *Unmutated) Shape() *inventory.Shape {
	if u.Mutation.isEmpty {
		return u.Pod
	}
	r := &mutationRemover{mutation: u.Mutation, pod: inventory.Shape{Annotations: maps.Clone(u.Pod.Annotations), Spec: *u.Pod.Spec.DeepCopy()}}
	template := u.Template
	if template == nil {
		template = &inventory.Shape{}
	}
	r.removeFromPod(template)
	r.removeFromContainers(u, r.pod.Spec.InitContainers, template.Spec.InitContainers)
	r.removeFromContainers(u, r.pod.Spec.Containers, template.Spec.Containers)
	if !r.changed {
		return u.Pod
	}
	return &r.pod
}

// mutationRemover removes from a copy of a live pod what a PodSecurityPolicy wrote into it.
type mutationRemover struct {
	mutation *Mutation
	pod      inventory.Shape
	changed  bool
}

// unsetField unsets a field of a live pod that a PodSecurityPolicy wrote.
func unsetField[T any](r *mutationRemover, field **T) {
	*field = nil
	r.changed = true
}

// removeFromPod removes pod-level values that a PodSecurityPolicy may have written and the template leaves unset.
func (r *mutationRemover) removeFromPod(template *inventory.Shape) {
	spec, m := &r.pod.Spec, r.mutation
	if template.Spec.RuntimeClassName == nil && mayHaveWritten(m, m.runtimeClassName, spec.RuntimeClassName) {
		unsetField(r, &spec.RuntimeClassName)
	}
	written := podspec.OrEmpty(template.Spec.SecurityContext)
	sc := podspec.OrEmpty(spec.SecurityContext)
	if written.SupplementalGroups == nil && len(sc.SupplementalGroups) == 1 &&
		mayHaveWritten(m, m.supplementalGroup, &sc.SupplementalGroups[0]) {
		sc.SupplementalGroups, r.changed = nil, true
	}
	if written.FSGroup == nil && mayHaveWritten(m, m.fsGroup, sc.FSGroup) {
		unsetField(r, &sc.FSGroup)
	}
	if written.SELinuxOptions == nil && mayHaveWritten(m, m.seLinuxOptions, sc.SELinuxOptions) {
		unsetField(r, &sc.SELinuxOptions)
	}
	if written.SeccompProfile == nil && template.Annotations[podspec.SeccompPodAnnotation] == "" {
		annotation, field := m.mayHaveWrittenSeccomp(r.pod.Annotations[podspec.SeccompPodAnnotation], sc.SeccompProfile)
		if annotation {
			r.removeAnnotation(podspec.SeccompPodAnnotation)
		}
		if field {
			unsetField(r, &sc.SeccompProfile)
		}
	}
}

// removeAnnotation removes an annotation that a PodSecurityPolicy wrote from the copy of a live pod.
func (r *mutationRemover) removeAnnotation(key string) {
	delete(r.pod.Annotations, key)
	r.changed = true
}

// removeFromContainers removes from one list of containers what a PodSecurityPolicy may have written. What the author
// wrote is the template's container of the same name, under the template's pod-level values. Of a container beyond the
// template nothing is known, so every value may be the policy's, except where a pod-level value, which a policy never
// writes, keeps the policy from writing.
func (r *mutationRemover) removeFromContainers(u *Unmutated, list, templates []corev1.Container) {
	byName := podspec.ContainersByName(templates)
	for i := range list {
		c := &list[i]
		known := podspec.ContainerNamed(templates, byName, c.Name)
		switch {
		case known != nil:
			r.removeFromContainer(c, podspec.OrEmpty(known.SecurityContext), podspec.OrEmpty(u.Template.Spec.SecurityContext),
				u.Template.Annotations[podspec.AppArmorAnnotationPrefix+c.Name])
		case u.BeyondTemplate:
			r.removeFromContainer(c, &corev1.SecurityContext{}, podspec.OrEmpty(r.pod.Spec.SecurityContext), "")
		}
	}
}

// removeFromContainer removes from one container what a PodSecurityPolicy may have written and its author did not.
// written, pod and appArmor are what the template states for the container and its pod.
func (r *mutationRemover) removeFromContainer(c *corev1.Container, written *corev1.SecurityContext, pod *corev1.PodSecurityContext, appArmor string) {
	m := r.mutation
	key := podspec.AppArmorAnnotationPrefix + c.Name
	if got := r.pod.Annotations[key]; appArmor == "" && got != "" && (m.isUnknown || got == m.appArmor) {
		r.removeAnnotation(key)
	}
	sc := c.SecurityContext
	if sc == nil {
		return
	}
	r.removeIdentity(sc, written, pod)
	r.removeCapabilities(sc, podspec.OrEmpty(written.Capabilities))
	if m.readOnlyRootFilesystem && written.ReadOnlyRootFilesystem == nil && podspec.IsTrue(sc.ReadOnlyRootFilesystem) {
		unsetField(r, &sc.ReadOnlyRootFilesystem)
	}
	if written.AllowPrivilegeEscalation == nil && mayHaveWritten(m, m.allowPrivilegeEscalation, sc.AllowPrivilegeEscalation) {
		unsetField(r, &sc.AllowPrivilegeEscalation)
	}
}

// removeIdentity removes user, group and runAsNonRoot from a container, which a PodSecurityPolicy wrote. The policy
// leaves them alone where the pod level sets them, and writes runAsNonRoot only where no user is set.
func (r *mutationRemover) removeIdentity(sc, written *corev1.SecurityContext, pod *corev1.PodSecurityContext) {
	m := r.mutation
	noUser := written.RunAsUser == nil && pod.RunAsUser == nil
	if noUser && mayHaveWritten(m, m.runAsUser, sc.RunAsUser) {
		unsetField(r, &sc.RunAsUser)
	}
	if written.RunAsGroup == nil && pod.RunAsGroup == nil && mayHaveWritten(m, m.runAsGroup, sc.RunAsGroup) {
		unsetField(r, &sc.RunAsGroup)
	}
	if m.runAsNonRoot && written.RunAsNonRoot == nil && pod.RunAsNonRoot == nil &&
		noUser && sc.RunAsUser == nil && podspec.IsTrue(sc.RunAsNonRoot) {
		unsetField(r, &sc.RunAsNonRoot)
	}
}

// removeCapabilities removes the PodSecurityPolicy's capabilities from both lists of a container, except for those of
// the template.
func (r *mutationRemover) removeCapabilities(sc *corev1.SecurityContext, written *corev1.Capabilities) {
	if sc.Capabilities == nil {
		return
	}
	take := func(from, written []corev1.Capability, mutated map[corev1.Capability]bool) []corev1.Capability {
		isWritten := membershipTest(written)
		kept := slices.DeleteFunc(slices.Clone(from), func(c corev1.Capability) bool {
			return (r.mutation.isUnknown || mutated[c]) && !isWritten(c)
		})
		r.changed = r.changed || len(kept) != len(from)
		return kept
	}
	sc.Capabilities.Add = take(sc.Capabilities.Add, written.Add, r.mutation.add)
	sc.Capabilities.Drop = take(sc.Capabilities.Drop, written.Drop, r.mutation.drop)
}
