package psp

import (
	"fmt"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// invalidMutations returns the errors of API validation about what a PodSecurityPolicy wrote into a new pod. It follows
// pkg/apis/core/validation. Both pods are prepared for storage; what is wrong with the pod before the mutation is not an
// error. It assumes that the policy itself is valid: a value may not fit the pod, or be an ID that policies may hold and
// pods may not.
func invalidMutations(defaulted, pod *corev1.Pod) []Refusal {
	v := &mutationValidator{}
	windows := pod.Spec.OS != nil && pod.Spec.OS.Name == corev1.Windows
	v.validateGroupIDs(defaulted.Spec.SecurityContext, pod.Spec.SecurityContext)
	if windows {
		v.validateWindowsPod(defaulted.Spec.SecurityContext, pod.Spec.SecurityContext)
	}
	before := allContainers(&defaulted.Spec)
	for i, after := range allContainers(&pod.Spec) {
		v.validateContainerIDs(&after, &before[i].securityContext)
		v.validateEscalationConflicts(&after, &before[i].securityContext)
		if windows {
			v.validateWindowsContainer(&after, &before[i].securityContext)
		}
	}
	return v.refusals
}

// mutationValidator collects the errors of API validation about what a PodSecurityPolicy wrote into a new pod.
type mutationValidator struct{ refusals []Refusal }

// add adds an error of API validation about a field of a mutated pod.
func (v *mutationValidator) add(field string, kind RefusalType, detail string) {
	v.refusals = append(v.refusals, Refusal{Field: field, Type: kind, Detail: detail})
}

// validateGroupIDs adds errors for an fsGroup or supplemental group that a policy wrote and pods may not hold.
func (v *mutationValidator) validateGroupIDs(before, after *corev1.PodSecurityContext) {
	if before.FSGroup == nil && !validID(after.FSGroup) {
		v.addInvalidID("spec.securityContext.fsGroup")
	}
	if before.SupplementalGroups == nil && len(after.SupplementalGroups) > 0 && !validID(&after.SupplementalGroups[0]) {
		v.addInvalidID("spec.securityContext.supplementalGroups[0]")
	}
}

// validateContainerIDs adds errors for a runAsUser or runAsGroup that a policy wrote and containers may not hold.
func (v *mutationValidator) validateContainerIDs(c *podContainer, before *corev1.SecurityContext) {
	if before.RunAsUser == nil && !validID(c.securityContext.RunAsUser) {
		v.addInvalidID(c.fieldPath("securityContext.runAsUser"))
	}
	if before.RunAsGroup == nil && !validID(c.securityContext.RunAsGroup) {
		v.addInvalidID(c.fieldPath("securityContext.runAsGroup"))
	}
}

// validID reports whether a user or group ID is within the limits of API validation for pods. A policy cannot hold
// negative IDs.
func validID(id *int64) bool { return id == nil || *id <= math.MaxInt32 }

// addInvalidID adds, for a pod that a policy changed, the error of API validation about a user or group ID out of
// range.
func (v *mutationValidator) addInvalidID(field string) {
	v.add(field, RefusalInvalidValue, fmt.Sprintf("must be between 0 and %d, inclusive", math.MaxInt32))
}

// validateEscalationConflicts adds errors where a policy denies privilege escalation to a container that needs it: one that
// is privileged, or adds the capability under the name CAP_SYS_ADMIN.
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

// escalationConflicts returns what in a mutated container's security context contradicts allowPrivilegeEscalation:
// false.
func escalationConflicts(sc *corev1.SecurityContext) (privileged, admin bool) {
	if sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation {
		return false, false
	}
	return podspec.IsTrue(sc.Privileged), slices.Contains(podspec.OrEmpty(sc.Capabilities).Add, "CAP_SYS_ADMIN")
}

// validateWindowsPod adds errors for pod-level Linux fields that a policy wrote into a Windows pod.
func (v *mutationValidator) validateWindowsPod(before, after *corev1.PodSecurityContext) {
	v.forbidOnWindows("spec.securityContext.seLinuxOptions", before.SELinuxOptions == nil && after.SELinuxOptions != nil)
	v.forbidOnWindows("spec.securityContext.seccompProfile", before.SeccompProfile == nil && after.SeccompProfile != nil)
	v.forbidOnWindows("spec.securityContext.fsGroup", before.FSGroup == nil && after.FSGroup != nil)
	v.forbidOnWindows("spec.securityContext.supplementalGroups", before.SupplementalGroups == nil && after.SupplementalGroups != nil)
}

// validateWindowsContainer adds errors for Linux fields that a policy wrote into a container of a Windows pod. Only
// runAsNonRoot and annotations are valid there.
func (v *mutationValidator) validateWindowsContainer(c *podContainer, before *corev1.SecurityContext) {
	after, path := &c.securityContext, c.fieldPath("securityContext.")
	v.forbidOnWindows(path+"capabilities", before.Capabilities == nil && after.Capabilities != nil)
	v.forbidOnWindows(path+"readOnlyRootFilesystem", before.ReadOnlyRootFilesystem == nil && after.ReadOnlyRootFilesystem != nil)
	v.forbidOnWindows(path+"allowPrivilegeEscalation", before.AllowPrivilegeEscalation == nil && after.AllowPrivilegeEscalation != nil)
	v.forbidOnWindows(path+"runAsUser", before.RunAsUser == nil && after.RunAsUser != nil)
	v.forbidOnWindows(path+"runAsGroup", before.RunAsGroup == nil && after.RunAsGroup != nil)
}

// forbidOnWindows adds the error of API validation about a Linux field of a Windows pod that was mutated.
func (v *mutationValidator) forbidOnWindows(field string, mutated bool) {
	if mutated {
		v.add(field, RefusalForbidden, "cannot be set for a windows pod")
	}
}
