package psp

import (
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// mutatePod writes what the PodSecurityPolicy sets where the pod leaves a value unset, in upstream's order. It is MutatePod
// of pkg/security/podsecuritypolicy/provider.go. Every value is written once, so mutated means that the pod differs.
//
// A policy never writes: privileged, procMount, ports, volumes, host namespaces, sysctls, seccomp fields, user and group of
// the pod level.
func (e *policyEvaluation) mutatePod() {
	m := e.policy.mutation
	if e.podSecurityContext.SupplementalGroups == nil && m.supplementalGroup != nil {
		e.podSecurityContext.SupplementalGroups = []int64{*m.supplementalGroup}
		e.mutated = true
	}
	setIfUnset(&e.mutated, &e.podSecurityContext.FSGroup, m.fsGroup)
	setIfUnset(&e.mutated, &e.podSecurityContext.SELinuxOptions, m.seLinuxOptions)
	if profile := e.seccompAnnotationToWrite(); profile != e.annotations[podspec.SeccompPodAnnotation] {
		e.setAnnotation(podspec.SeccompPodAnnotation, profile)
	}
	setIfUnset(&e.mutated, &e.runtimeClassName, m.runtimeClassName)
	for i := range e.containers {
		c := &e.containers[i]
		e.mutateContainer(c)
		e.mutated = e.mutated || c.mutated
	}
}

// setIfUnset writes a value into an unset field of a mutated pod and sets changed; a nil value writes nothing.
func setIfUnset[T any](changed *bool, field **T, value *T) {
	if *field == nil && value != nil {
		*field, *changed = value, true
	}
}

// mutateContainer writes what the PodSecurityPolicy sets where a container leaves a value unset. It is mutateContainer of
// upstream. SELinux options are never written to a container: the pod has them by now if the policy has any.
func (e *policyEvaluation) mutateContainer(c *podContainer) {
	m, sc := e.policy.mutation, &c.securityContext
	if e.podSecurityContext.RunAsUser == nil {
		setIfUnset(&c.mutated, &sc.RunAsUser, m.runAsUser)
	}
	if e.podSecurityContext.RunAsGroup == nil {
		setIfUnset(&c.mutated, &sc.RunAsGroup, m.runAsGroup)
	}
	if m.appArmor != "" && e.annotations[c.appArmorKey] == "" {
		e.setAnnotation(c.appArmorKey, m.appArmor)
	}
	if m.runAsNonRoot && e.effectiveRunAsUser(c) == nil && e.podSecurityContext.RunAsNonRoot == nil {
		setIfUnset(&c.mutated, &sc.RunAsNonRoot, new(true))
	}
	if mutated := e.policy.capabilities.mutateCapabilities(sc.Capabilities); mutated != sc.Capabilities {
		sc.Capabilities, c.mutated = mutated, true
	}
	if m.readOnlyRootFilesystem {
		setIfUnset(&c.mutated, &sc.ReadOnlyRootFilesystem, new(true))
	}
	setIfUnset(&c.mutated, &sc.AllowPrivilegeEscalation, m.allowPrivilegeEscalation)
}
