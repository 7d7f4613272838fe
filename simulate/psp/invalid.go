package psp

import (
	"fmt"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// invalidated tells what API validation (pkg/apis/core/validation) has against a new pod with what a policy filled in,
// and not against the pod as it was seen; both are prepared for storage. It assumes that the policy itself is valid: what
// may be wrong is that a value does not fit the pod, or is an ID that policies may hold and pods may not.
func invalidated(seen, pod *corev1.Pod) []Refusal {
	v := &invalidity{}
	windows := pod.Spec.OS != nil && pod.Spec.OS.Name == corev1.Windows
	v.ids(seen.Spec.SecurityContext, pod.Spec.SecurityContext)
	if windows {
		v.onWindows(seen.Spec.SecurityContext, pod.Spec.SecurityContext)
	}
	before := containersOf(&seen.Spec)
	for i, after := range containersOf(&pod.Spec) {
		v.containerIDs(&after, &before[i].security)
		v.contradiction(&after, &before[i].security)
		if windows {
			v.containerOnWindows(&after, &before[i].security)
		}
	}
	return v.found
}

type invalidity struct{ found []Refusal }

func (v *invalidity) add(field string, kind RefusalType, detail string) {
	v.found = append(v.found, Refusal{Field: field, Type: kind, Detail: detail})
}

func (v *invalidity) ids(before, after *corev1.PodSecurityContext) {
	if before.FSGroup == nil && !validID(after.FSGroup) {
		v.badID("spec.securityContext.fsGroup")
	}
	if before.SupplementalGroups == nil && len(after.SupplementalGroups) > 0 && !validID(&after.SupplementalGroups[0]) {
		v.badID("spec.securityContext.supplementalGroups[0]")
	}
}

func (v *invalidity) containerIDs(c *container, before *corev1.SecurityContext) {
	if before.RunAsUser == nil && !validID(c.security.RunAsUser) {
		v.badID(c.path("securityContext.runAsUser"))
	}
	if before.RunAsGroup == nil && !validID(c.security.RunAsGroup) {
		v.badID(c.path("securityContext.runAsGroup"))
	}
}

// validID is about users and groups alike. A policy cannot hold negative ones.
func validID(id *int64) bool { return id == nil || *id <= math.MaxInt32 }

func (v *invalidity) badID(field string) {
	v.add(field, InvalidValue, fmt.Sprintf("must be between 0 and %d, inclusive", math.MaxInt32))
}

// contradiction: a container cannot be denied privilege escalation and be privileged, or add CAP_SYS_ADMIN by that name.
func (v *invalidity) contradiction(c *container, before *corev1.SecurityContext) {
	const what = "cannot set `allowPrivilegeEscalation` to false and "
	privileged, admin := contradictions(&c.security)
	privilegedBefore, adminBefore := contradictions(before)
	if privileged && !privilegedBefore {
		v.add(c.path("securityContext"), InvalidValue, what+"`privileged` to true")
	}
	if admin && !adminBefore {
		v.add(c.path("securityContext"), InvalidValue, what+"`capabilities.Add` CAP_SYS_ADMIN")
	}
}

func contradictions(sc *corev1.SecurityContext) (privileged, admin bool) {
	if sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation {
		return false, false
	}
	return podspec.IsTrue(sc.Privileged), slices.Contains(podspec.OrEmpty(sc.Capabilities).Add, "CAP_SYS_ADMIN")
}

// What a policy may fill into a pod for Windows is, but for runAsNonRoot and annotations, for Linux only.

func (v *invalidity) onWindows(before, after *corev1.PodSecurityContext) {
	v.linuxOnly("spec.securityContext.seLinuxOptions", before.SELinuxOptions == nil && after.SELinuxOptions != nil)
	v.linuxOnly("spec.securityContext.seccompProfile", before.SeccompProfile == nil && after.SeccompProfile != nil)
	v.linuxOnly("spec.securityContext.fsGroup", before.FSGroup == nil && after.FSGroup != nil)
	v.linuxOnly("spec.securityContext.supplementalGroups", before.SupplementalGroups == nil && after.SupplementalGroups != nil)
}

func (v *invalidity) containerOnWindows(c *container, before *corev1.SecurityContext) {
	after, path := &c.security, c.path("securityContext.")
	v.linuxOnly(path+"capabilities", before.Capabilities == nil && after.Capabilities != nil)
	v.linuxOnly(path+"readOnlyRootFilesystem", before.ReadOnlyRootFilesystem == nil && after.ReadOnlyRootFilesystem != nil)
	v.linuxOnly(path+"allowPrivilegeEscalation", before.AllowPrivilegeEscalation == nil && after.AllowPrivilegeEscalation != nil)
	v.linuxOnly(path+"runAsUser", before.RunAsUser == nil && after.RunAsUser != nil)
	v.linuxOnly(path+"runAsGroup", before.RunAsGroup == nil && after.RunAsGroup != nil)
}

func (v *invalidity) linuxOnly(field string, filledIn bool) {
	if filledIn {
		v.add(field, Forbidden, "cannot be set for a windows pod")
	}
}
