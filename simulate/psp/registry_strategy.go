package psp

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// What the registry does to a pod before it validates and stores it: pkg/registry/core/pod/strategy.go, pkg/api/pod/util.go.

// prepareForCreate brings seccomp annotations and fields of a new pod in step, and makes any procMount Default, since
// its feature gate is off.
func prepareForCreate(pod *corev1.Pod) {
	resetProcMounts(pod)
	SyncSeccompFields(pod)
}

// SyncSeccompFields reports whether it set a field; the pod has a security context.
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

// syncedSeccompProfile writes the annotation where only the field is set, and returns the field as it is to be where only the
// annotation is. What one cannot express in the other stays as it is.
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

func resetProcMounts(pod *corev1.Pod) {
	for _, c := range allContainers(&pod.Spec) {
		if c.SecurityContext != nil && c.SecurityContext.ProcMount != nil {
			c.SecurityContext.ProcMount = new(corev1.DefaultProcMount)
		}
	}
}

// prepareForUpdate takes over what a change to a pod cannot touch. A procMount other than Default that is stored stays.
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

func usesProcMount(pod *corev1.Pod) bool {
	for _, c := range allContainers(&pod.Spec) {
		if sc := c.SecurityContext; sc != nil && sc.ProcMount != nil && *sc.ProcMount != corev1.DefaultProcMount {
			return true
		}
	}
	return false
}
