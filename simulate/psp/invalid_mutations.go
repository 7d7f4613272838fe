package psp

import (
	"fmt"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// invalidMutations tells what API validation (pkg/apis/core/validation) has against a new pod with what a policy filled in,
// and not against the pod as it was seen; both are prepared for storage. It assumes that the policy itself is valid: what
// may be wrong is that a value does not fit the pod, or is an ID that policies may hold and pods may not.
func invalidMutations(seen, pod *corev1.Pod) []Refusal {
	v := &mutationValidator{}
	windows := pod.Spec.OS != nil && pod.Spec.OS.Name == corev1.Windows
	v.validateGroupIDs(seen.Spec.SecurityContext, pod.Spec.SecurityContext)
	if windows {
		v.validateWindowsPod(seen.Spec.SecurityContext, pod.Spec.SecurityContext)
	}
	before := allContainers(&seen.Spec)
	for i, after := range allContainers(&pod.Spec) {
		v.validateContainerIDs(&after, &before[i].securityContext)
		v.validateEscalationConflicts(&after, &before[i].securityContext)
		if windows {
			v.validateWindowsContainer(&after, &before[i].securityContext)
		}
	}
	return v.refusals
}

type mutationValidator struct{ refusals []Refusal }

func (v *mutationValidator) add(field string, kind RefusalType, detail string) {
	v.refusals = append(v.refusals, Refusal{Field: field, Type: kind, Detail: detail})
}

func (v *mutationValidator) validateGroupIDs(before, after *corev1.PodSecurityContext) {
	if before.FSGroup == nil && !validID(after.FSGroup) {
		v.addInvalidID("spec.securityContext.fsGroup")
	}
	if before.SupplementalGroups == nil && len(after.SupplementalGroups) > 0 && !validID(&after.SupplementalGroups[0]) {
		v.addInvalidID("spec.securityContext.supplementalGroups[0]")
	}
}

func (v *mutationValidator) validateContainerIDs(c *podContainer, before *corev1.SecurityContext) {
	if before.RunAsUser == nil && !validID(c.securityContext.RunAsUser) {
		v.addInvalidID(c.fieldPath("securityContext.runAsUser"))
	}
	if before.RunAsGroup == nil && !validID(c.securityContext.RunAsGroup) {
		v.addInvalidID(c.fieldPath("securityContext.runAsGroup"))
	}
}

// validID is about users and groups alike. A policy cannot hold negative ones.
func validID(id *int64) bool { return id == nil || *id <= math.MaxInt32 }

func (v *mutationValidator) addInvalidID(field string) {
	v.add(field, RefusalInvalidValue, fmt.Sprintf("must be between 0 and %d, inclusive", math.MaxInt32))
}

// validateEscalationConflicts: a container cannot be denied privilege escalation and be privileged, or add CAP_SYS_ADMIN by that name.
func (v *mutationValidator) validateEscalationConflicts(c *podContainer, before *corev1.SecurityContext) {
	const what = "cannot set `allowPrivilegeEscalation` to false and "
	privileged, admin := escalationConflicts(&c.securityContext)
	privilegedBefore, adminBefore := escalationConflicts(before)
	if privileged && !privilegedBefore {
		v.add(c.fieldPath("securityContext"), RefusalInvalidValue, what+"`privileged` to true")
	}
	if admin && !adminBefore {
		v.add(c.fieldPath("securityContext"), RefusalInvalidValue, what+"`capabilities.Add` CAP_SYS_ADMIN")
	}
}

func escalationConflicts(sc *corev1.SecurityContext) (privileged, admin bool) {
	if sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation {
		return false, false
	}
	return podspec.IsTrue(sc.Privileged), slices.Contains(podspec.OrEmpty(sc.Capabilities).Add, "CAP_SYS_ADMIN")
}

// What a policy may fill into a pod for Windows is, but for runAsNonRoot and annotations, for Linux only.

func (v *mutationValidator) validateWindowsPod(before, after *corev1.PodSecurityContext) {
	v.forbidOnWindows("spec.securityContext.seLinuxOptions", before.SELinuxOptions == nil && after.SELinuxOptions != nil)
	v.forbidOnWindows("spec.securityContext.seccompProfile", before.SeccompProfile == nil && after.SeccompProfile != nil)
	v.forbidOnWindows("spec.securityContext.fsGroup", before.FSGroup == nil && after.FSGroup != nil)
	v.forbidOnWindows("spec.securityContext.supplementalGroups", before.SupplementalGroups == nil && after.SupplementalGroups != nil)
}

func (v *mutationValidator) validateWindowsContainer(c *podContainer, before *corev1.SecurityContext) {
	after, path := &c.securityContext, c.fieldPath("securityContext.")
	v.forbidOnWindows(path+"capabilities", before.Capabilities == nil && after.Capabilities != nil)
	v.forbidOnWindows(path+"readOnlyRootFilesystem", before.ReadOnlyRootFilesystem == nil && after.ReadOnlyRootFilesystem != nil)
	v.forbidOnWindows(path+"allowPrivilegeEscalation", before.AllowPrivilegeEscalation == nil && after.AllowPrivilegeEscalation != nil)
	v.forbidOnWindows(path+"runAsUser", before.RunAsUser == nil && after.RunAsUser != nil)
	v.forbidOnWindows(path+"runAsGroup", before.RunAsGroup == nil && after.RunAsGroup != nil)
}

func (v *mutationValidator) forbidOnWindows(field string, filledIn bool) {
	if filledIn {
		v.add(field, RefusalForbidden, "cannot be set for a windows pod")
	}
}
