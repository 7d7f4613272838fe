package psp

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// What the registry does to a pod before it validates and stores it: pkg/registry/core/pod/strategy.go, pkg/api/pod/util.go.

// prepareForCreate changes a new pod of the simulated admission as the API server does before it stores it: seccomp
// annotations and fields agree. It also resets every procMount to Default, since the feature gate is off.
func prepareForCreate(pod *corev1.Pod) {
	resetProcMounts(pod)
	SyncSeccompFields(pod)
}

// SyncSeccompFields makes, for PSP admission, seccomp annotations and fields of a pod agree, as API servers do up to
// v1.26. It copies annotations to unset fields and fields to missing annotations, and reports whether it set a field.
// The pod must have a security context.
func SyncSeccompFields(pod *corev1.Pod) (set bool) {
	level := pod.Spec.SecurityContext
	if synced := syncedSeccompProfile(pod, podspec.SeccompPodAnnotation, level.SeccompProfile); synced != level.SeccompProfile {
		level.SeccompProfile, set = synced, true
	}
	for _, c := range allContainers(&pod.Spec) {
		field := podspec.OrEmpty(c.SecurityContext).SeccompProfile
		if synced := syncedSeccompProfile(pod, c.seccompKey, field); synced != field {
			c.SecurityContext = podspec.OrEmpty(c.SecurityContext)
			c.SecurityContext.SeccompProfile, set = synced, true
		}
	}
	return set
}

// syncedSeccompProfile returns the seccompProfile field, for PSP admission, that a pod or container has once it agrees
// with its annotation. It writes the annotation where only the field is set. A value that the other cannot express
// stays as it is.
func syncedSeccompProfile(pod *corev1.Pod, key string, field *corev1.SeccompProfile) *corev1.SeccompProfile {
	annotation, annotated := pod.Annotations[key]
	switch {
	case field == nil:
		return podspec.SeccompProfile(annotation)
	case annotated || podspec.SeccompAnnotation(field) == "":
		return field
	}
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[key] = podspec.SeccompAnnotation(field)
	return field
}

// resetProcMounts sets, for PSP admission, every procMount of a pod to Default, as the API server does with the
// ProcMountType gate off.
func resetProcMounts(pod *corev1.Pod) {
	for _, c := range allContainers(&pod.Spec) {
		if c.SecurityContext != nil && c.SecurityContext.ProcMount != nil {
			c.SecurityContext.ProcMount = new(corev1.DefaultProcMount)
		}
	}
}

// prepareForUpdate restores, for PSP admission, in a changed pod what a change cannot touch, as the API server does
// before it stores it. A stored procMount other than Default stays.
func prepareForUpdate(pod, old *corev1.Pod) {
	pod.Status = old.Status
	if !usesProcMount(old) {
		resetProcMounts(pod)
	}
	pod.Generation = old.Generation
	if pod.UID == "" {
		pod.UID = old.UID
	}
	if !old.CreationTimestamp.IsZero() {
		pod.CreationTimestamp = old.CreationTimestamp
	}
	if !old.DeletionTimestamp.IsZero() {
		pod.DeletionTimestamp = old.DeletionTimestamp
	}
	if pod.DeletionGracePeriodSeconds == nil {
		pod.DeletionGracePeriodSeconds = old.DeletionGracePeriodSeconds
	}
}

// usesProcMount reports, for PSP admission, whether a container of a changed pod has a procMount other than Default.
func usesProcMount(pod *corev1.Pod) bool {
	for _, c := range allContainers(&pod.Spec) {
		if sc := c.SecurityContext; sc != nil && sc.ProcMount != nil && *sc.ProcMount != corev1.DefaultProcMount {
			return true
		}
	}
	return false
}
