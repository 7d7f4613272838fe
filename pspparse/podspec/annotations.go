// Package podspec holds what the Kubernetes API says about the fields of a pod spec: which annotation stands for which
// field, which values are defaults, and how containers are found by name. It reads and copies values of
// k8s.io/api/core/v1 and knows neither policies nor standards.
package podspec

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The annotations of pods that state a profile. The second and third are followed by the name of a container.
const (
	SeccompPodAnnotation             = corev1.SeccompPodAnnotationKey
	SeccompContainerAnnotationPrefix = corev1.SeccompContainerAnnotationKeyPrefix
	AppArmorAnnotationPrefix         = corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix
)

// SeccompProfile returns the seccompProfile field that the API server derives from a seccomp annotation of a pod. It is nil
// for an annotation that means nothing.
func SeccompProfile(annotation string) *corev1.SeccompProfile {
	switch localhost, is := strings.CutPrefix(annotation, "localhost/"); {
	case annotation == "runtime/default" || annotation == "docker/default":
		return &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	case annotation == "unconfined":
		return &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
	case is && localhost != "":
		return &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: &localhost}
	}
	return nil
}

// SeccompAnnotation returns a seccompProfile field as an annotation spells it, "" if none can. It is the counterpart of
// SeccompProfile and is SeccompAnnotationForField of Kubernetes (pkg/api/pod/util.go).
func SeccompAnnotation(field *corev1.SeccompProfile) string {
	switch {
	case field.Type == corev1.SeccompProfileTypeUnconfined:
		return "unconfined"
	case field.Type == corev1.SeccompProfileTypeRuntimeDefault:
		return "runtime/default"
	case field.Type == corev1.SeccompProfileTypeLocalhost && field.LocalhostProfile != nil:
		return "localhost/" + *field.LocalhostProfile
	default:
		return ""
	}
}

// SameSeccompProfile reports whether two seccomp profiles of pod specs are set and equal.
func SameSeccompProfile(a, b *corev1.SeccompProfile) bool {
	if a == nil || b == nil || a.Type != b.Type {
		return false
	}
	if a.LocalhostProfile == nil || b.LocalhostProfile == nil {
		return a.LocalhostProfile == b.LocalhostProfile
	}
	return *a.LocalhostProfile == *b.LocalhostProfile
}
