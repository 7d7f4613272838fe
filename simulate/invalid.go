package simulate

import (
	"fmt"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// invalidated tells what API validation (pkg/apis/core/validation) has against a new pod with what a policy filled in,
// and not against the pod as it was seen; both are prepared for storage. It assumes that the policy itself is valid: what
// may be wrong is that a value does not fit the pod, or is an ID that policies may hold and pods may not.
func invalidated(seen, pod *corev1.Pod) []Refusal {
	v := &invalidity{windows: pod.Spec.OS != nil && pod.Spec.OS.Name == corev1.Windows}
	v.pod(seen.Spec.SecurityContext, pod.Spec.SecurityContext)
	before := containersOf(&seen.Spec)
	for i, after := range containersOf(&pod.Spec) {
		v.container(&after, &before[i].security)
	}
	return v.found
}

type invalidity struct {
	windows bool
	found   []Refusal
}

func (v *invalidity) pod(before, after *corev1.PodSecurityContext) {
	const path = "spec.securityContext."
	if before.FSGroup == nil {
		v.id(path+"fsGroup", after.FSGroup)
	}
	if before.SupplementalGroups == nil {
		for i := range after.SupplementalGroups {
			v.id(fmt.Sprintf(path+"supplementalGroups[%d]", i), &after.SupplementalGroups[i])
		}
	}
	v.notOnWindows(path+"fsGroup", before.FSGroup == nil && after.FSGroup != nil)
	v.notOnWindows(path+"supplementalGroups", before.SupplementalGroups == nil && after.SupplementalGroups != nil)
	v.notOnWindows(path+"seLinuxOptions", before.SELinuxOptions == nil && after.SELinuxOptions != nil)
	v.notOnWindows(path+"seccompProfile", before.SeccompProfile == nil && after.SeccompProfile != nil)
}

func (v *invalidity) container(c *container, before *corev1.SecurityContext) {
	after := &c.security
	const path = "securityContext."
	if before.RunAsUser == nil {
		v.id(c.path(path+"runAsUser"), after.RunAsUser)
	}
	if before.RunAsGroup == nil {
		v.id(c.path(path+"runAsGroup"), after.RunAsGroup)
	}
	v.contradiction(c, before)
	v.notOnWindows(c.path(path+"capabilities"), before.Capabilities == nil && after.Capabilities != nil)
	v.notOnWindows(c.path(path+"readOnlyRootFilesystem"), before.ReadOnlyRootFilesystem == nil && after.ReadOnlyRootFilesystem != nil)
	v.notOnWindows(c.path(path+"allowPrivilegeEscalation"), before.AllowPrivilegeEscalation == nil && after.AllowPrivilegeEscalation != nil)
	v.notOnWindows(c.path(path+"runAsUser"), before.RunAsUser == nil && after.RunAsUser != nil)
	v.notOnWindows(c.path(path+"runAsGroup"), before.RunAsGroup == nil && after.RunAsGroup != nil)
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
	return isTrue(sc.Privileged), slices.Contains(orEmpty(sc.Capabilities).Add, "CAP_SYS_ADMIN")
}

// id is about users and groups alike.
func (v *invalidity) id(field string, id *int64) {
	if id != nil && (*id < 0 || *id > math.MaxInt32) {
		v.add(field, InvalidValue, "must be between 0 and 2147483647, inclusive")
	}
}

func (v *invalidity) notOnWindows(field string, filledIn bool) {
	if v.windows && filledIn {
		v.add(field, Forbidden, "cannot be set for a windows pod")
	}
}

func (v *invalidity) add(field string, kind RefusalType, detail string) {
	v.found = append(v.found, Refusal{Field: field, Type: kind, Detail: detail})
}
