package podspec

import (
	corev1 "k8s.io/api/core/v1"
)

const (
	// AdmittedByAnnotation is the pod annotation in which PSP admission writes the name of the policy that admitted the pod.
	AdmittedByAnnotation = "kubernetes.io/psp"
	// ServiceAccountTokenVolumePrefix begins the name of the volume that the API server adds to pods for the token of their
	// service account; five random characters follow.
	ServiceAccountTokenVolumePrefix = "kube-api-access-"
	// ServiceAccountTokenMountPath is where the API server mounts the token, unless something is mounted there already.
	ServiceAccountTokenMountPath = "/var/run/secrets/kubernetes.io/serviceaccount" //nolint:gosec // a path, no secret
)

// HostPort returns the host port of a container port with the API default: under hostNetwork a port is a port of the host.
func HostPort(p *corev1.ContainerPort, hostNetwork bool) int32 {
	if p.HostPort == 0 && hostNetwork {
		return p.ContainerPort
	}
	return p.HostPort
}

// IsEmptyDir reports whether a volume of a pod spec is an emptyDir, as one without a source is by API default.
func IsEmptyDir(s *corev1.VolumeSource) bool {
	return s.EmptyDir != nil || *s == (corev1.VolumeSource{})
}

// FieldRefAPIVersion returns the apiVersion of a field reference with the API default.
func FieldRefAPIVersion(f *corev1.ObjectFieldSelector) string {
	if f.APIVersion == "" {
		return "v1"
	}
	return f.APIVersion
}
