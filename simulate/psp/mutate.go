package psp

import (
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// mutatePod is MutatePod (pkg/security/podsecuritypolicy/provider.go): what the policy writes where the pod leaves a value
// unset, in upstream's order. Everything is written once, so changed means that the pod differs.
//
// Never written: privileged, procMount, ports, volumes, host namespaces, sysctls, seccomp fields, user and group of the pod
// level.
func (t *evaluation) mutatePod() {
	f := t.policy.mutation
	if t.podSecurityContext.SupplementalGroups == nil && f.supplementalGroup != nil {
		t.podSecurityContext.SupplementalGroups = []int64{*f.supplementalGroup}
		t.mutated = true
	}
	setIfUnset(&t.mutated, &t.podSecurityContext.FSGroup, f.fsGroup)
	setIfUnset(&t.mutated, &t.podSecurityContext.SELinuxOptions, f.seLinuxOptions)
	if profile := t.seccompAnnotationToWrite(); profile != t.annotations[podspec.SeccompPodAnnotation] {
		t.setAnnotation(podspec.SeccompPodAnnotation, profile)
	}
	setIfUnset(&t.mutated, &t.runtimeClassName, f.runtimeClassName)
	for i := range t.containers {
		c := &t.containers[i]
		t.mutateContainer(c)
		t.mutated = t.mutated || c.mutated
	}
}

// setIfUnset writes a value that is wanted where there is none.
func setIfUnset[T any](changed *bool, field **T, value *T) {
	if *field == nil && value != nil {
		*field, *changed = value, true
	}
}

// mutateContainer is mutateContainer. The pod's SELinux options are there by now if the policy has any, so that none are
// ever written to a container.
func (t *evaluation) mutateContainer(c *podContainer) {
	f, sc := t.policy.mutation, &c.securityContext
	if t.podSecurityContext.RunAsUser == nil {
		setIfUnset(&c.mutated, &sc.RunAsUser, f.runAsUser)
	}
	if t.podSecurityContext.RunAsGroup == nil {
		setIfUnset(&c.mutated, &sc.RunAsGroup, f.runAsGroup)
	}
	if f.appArmor != "" && t.annotations[c.appArmorKey] == "" {
		t.setAnnotation(c.appArmorKey, f.appArmor)
	}
	if f.runAsNonRoot && t.effectiveRunAsUser(c) == nil && t.podSecurityContext.RunAsNonRoot == nil {
		setIfUnset(&c.mutated, &sc.RunAsNonRoot, new(true))
	}
	if filled := t.policy.capabilities.mutateCapabilities(sc.Capabilities); filled != sc.Capabilities {
		sc.Capabilities, c.mutated = filled, true
	}
	if f.readOnlyRootFilesystem {
		setIfUnset(&c.mutated, &sc.ReadOnlyRootFilesystem, new(true))
	}
	setIfUnset(&c.mutated, &sc.AllowPrivilegeEscalation, f.allowPrivilegeEscalation)
}
