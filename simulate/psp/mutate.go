package psp

import (
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// fillIn is MutatePod (pkg/security/podsecuritypolicy/provider.go): what the policy writes where the pod leaves a value
// unset, in upstream's order. Everything is written once, so changed means that the pod differs.
//
// Never written: privileged, procMount, ports, volumes, host namespaces, sysctls, seccomp fields, user and group of the pod
// level.
func (t *trial) fillIn() {
	f := t.policy.fills
	if t.security.SupplementalGroups == nil && f.supplementalGroup != nil {
		t.security.SupplementalGroups = []int64{*f.supplementalGroup}
		t.changed = true
	}
	fill(&t.changed, &t.security.FSGroup, f.fsGroup)
	fill(&t.changed, &t.security.SELinuxOptions, f.seLinuxOptions)
	if profile := t.seccompToWrite(); profile != t.annotations[podspec.SeccompPodAnnotation] {
		t.annotate(podspec.SeccompPodAnnotation, profile)
	}
	fill(&t.changed, &t.runtimeClassName, f.runtimeClassName)
	for i := range t.containers {
		c := &t.containers[i]
		t.fillInContainer(c)
		t.changed = t.changed || c.changed
	}
}

// fill writes a value that is wanted where there is none.
func fill[T any](changed *bool, field **T, value *T) {
	if *field == nil && value != nil {
		*field, *changed = value, true
	}
}

// fillInContainer is mutateContainer. The pod's SELinux options are there by now if the policy has any, so that none are
// ever written to a container.
func (t *trial) fillInContainer(c *container) {
	f, sc := t.policy.fills, &c.security
	if t.security.RunAsUser == nil {
		fill(&c.changed, &sc.RunAsUser, f.runAsUser)
	}
	if t.security.RunAsGroup == nil {
		fill(&c.changed, &sc.RunAsGroup, f.runAsGroup)
	}
	if f.appArmor != "" && t.annotations[c.appArmorKey] == "" {
		t.annotate(c.appArmorKey, f.appArmor)
	}
	if f.runAsNonRoot && t.runAsUser(c) == nil && t.security.RunAsNonRoot == nil {
		fill(&c.changed, &sc.RunAsNonRoot, new(true))
	}
	if filled := t.policy.capabilities.fillIn(sc.Capabilities); filled != sc.Capabilities {
		sc.Capabilities, c.changed = filled, true
	}
	if f.readOnlyRootFilesystem {
		fill(&c.changed, &sc.ReadOnlyRootFilesystem, new(true))
	}
	fill(&c.changed, &sc.AllowPrivilegeEscalation, f.allowPrivilegeEscalation)
}
