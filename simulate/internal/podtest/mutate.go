package podtest

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// Mutate returns a pod with what PSP admission writes into it for a PodSecurityPolicy. It sets the seccomp field that
// follows the annotation, too, and is written from the rules of admission and not from the code under test.
func Mutate(p *pspparse.Policy, pod *inventory.Shape) *inventory.Shape {
	out := &inventory.Shape{Annotations: maps.Clone(pod.Annotations), Spec: *pod.Spec.DeepCopy()}
	if out.Annotations == nil {
		out.Annotations = map[string]string{}
	}
	if out.Spec.SecurityContext == nil {
		out.Spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	s, sc := &p.Spec, out.Spec.SecurityContext
	if sc.SupplementalGroups == nil && s.SupplementalGroups.Rule == pspparse.MustRunAs {
		sc.SupplementalGroups = []int64{s.SupplementalGroups.Ranges[0].Min}
	}
	if sc.FSGroup == nil && s.FSGroup.Rule == pspparse.MustRunAs {
		sc.FSGroup = new(s.FSGroup.Ranges[0].Min)
	}
	if o := s.SELinux.SELinuxOptions; sc.SELinuxOptions == nil && s.SELinux.Rule == pspparse.MustRunAs {
		sc.SELinuxOptions = &corev1.SELinuxOptions{User: o.User, Role: o.Role, Type: o.Type, Level: o.Level}
	}
	mutateSeccomp(p.Annotations[pspparse.SeccompDefaultAnnotation], out)
	if s.RuntimeClass != nil && out.Spec.RuntimeClassName == nil {
		out.Spec.RuntimeClassName = s.RuntimeClass.DefaultRuntimeClassName
	}
	for _, list := range [][]corev1.Container{out.Spec.InitContainers, out.Spec.Containers} {
		for i := range list {
			mutateContainer(p, out, &list[i])
		}
	}
	return out
}

// mutateSeccomp writes, for tests, a policy's default seccomp profile into the annotation and the field of a pod that
// has none.
func mutateSeccomp(profile string, pod *inventory.Shape) {
	sc := pod.Spec.SecurityContext
	if profile == "" || pod.Annotations[podspec.SeccompPodAnnotation] != "" || sc.SeccompProfile != nil {
		return
	}
	pod.Annotations[podspec.SeccompPodAnnotation] = profile
	switch profile {
	case "runtime/default", "docker/default":
		sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	case "unconfined":
		sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
	case "localhost/x.json":
		sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: new("x.json")}
	}
}

// mutateContainer writes, for tests, into a container what the policy sets where the container and its pod leave it
// unset.
func mutateContainer(p *pspparse.Policy, pod *inventory.Shape, c *corev1.Container) {
	if profile, key := p.Annotations[pspparse.AppArmorDefaultAnnotation], podspec.AppArmorAnnotationPrefix+c.Name; profile != "" && pod.Annotations[key] == "" {
		pod.Annotations[key] = profile
	}
	s, level := &p.Spec, pod.Spec.SecurityContext
	sc := c.SecurityContext
	if sc == nil {
		sc = &corev1.SecurityContext{}
	}
	noUser := sc.RunAsUser == nil && level.RunAsUser == nil
	if noUser && s.RunAsUser.Rule == pspparse.MustRunAs {
		sc.RunAsUser = new(s.RunAsUser.Ranges[0].Min)
	}
	if sc.RunAsGroup == nil && level.RunAsGroup == nil && s.RunAsGroup != nil && s.RunAsGroup.Rule == pspparse.MustRunAs {
		sc.RunAsGroup = new(s.RunAsGroup.Ranges[0].Min)
	}
	if noUser && sc.RunAsNonRoot == nil && level.RunAsNonRoot == nil && s.RunAsUser.Rule == pspparse.MustRunAsNonRoot {
		sc.RunAsNonRoot = new(true)
	}
	mutateCapabilities(s, sc)
	if s.ReadOnlyRootFilesystem && sc.ReadOnlyRootFilesystem == nil {
		sc.ReadOnlyRootFilesystem = new(true)
	}
	if sc.AllowPrivilegeEscalation == nil {
		sc.AllowPrivilegeEscalation = s.DefaultAllowPrivilegeEscalation
	}
	if sc.AllowPrivilegeEscalation == nil && !*s.AllowPrivilegeEscalation {
		sc.AllowPrivilegeEscalation = new(false)
	}
	if *sc != (corev1.SecurityContext{}) {
		c.SecurityContext = sc
	}
}

// mutateCapabilities adds and drops, for tests, the policy's capabilities in a container.
func mutateCapabilities(s *pspparse.Spec, sc *corev1.SecurityContext) {
	add, drop := map[corev1.Capability]bool{}, map[corev1.Capability]bool{}
	for _, c := range s.DefaultAddCapabilities {
		add[corev1.Capability(c)] = true
	}
	for _, c := range s.RequiredDropCapabilities {
		drop[corev1.Capability(c)] = true
	}
	if sc.Capabilities != nil {
		for _, c := range sc.Capabilities.Drop {
			delete(add, c)
			drop[c] = true
		}
		for _, c := range sc.Capabilities.Add {
			add[c] = true
		}
	}
	if len(add)+len(drop) > 0 {
		sc.Capabilities = &corev1.Capabilities{Add: slices.Sorted(maps.Keys(add)), Drop: slices.Sorted(maps.Keys(drop))}
	}
}
