package psp

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

const (
	mirrorPodAnnotation = "kubernetes.io/config.mirror"

	// What the server mounts for a service account, and where.
	serviceAccountTokenVolumePrefix = "kube-api-access-"
	serviceAccountTokenMountPath    = "/var/run/secrets/kubernetes.io/serviceaccount" //nolint:gosec // a path, no secret
)

// ApplyAdmissionDefaults returns a new pod as PSP admission of Kubernetes v1.24 gets to see it: with the API defaults that make a difference
// to it, and with what the ServiceAccount admission plugin adds. automount is automountServiceAccountToken of the pod's
// service account. The pod itself is not changed. The random end of the token volume's name is "xxxxx".
//
// Not modelled: API defaults that PSP admission does not look at (pull policies, probes, default modes, ...); fields newer
// than v1.24, which such a server drops, but for a volume's image source; the image pull secrets that the account adds;
// the ServiceAccount plugin's own refusals (an account that does not exist, secrets that an account may not mount, mirror
// pods that name secrets or accounts); other plugins and webhooks.
func ApplyAdmissionDefaults(pod *corev1.Pod, automount *bool) *corev1.Pod {
	out := withAPIDefaults(pod)
	if _, mirror := out.Annotations[mirrorPodAnnotation]; mirror {
		return out
	}
	spec := &out.Spec
	if spec.ServiceAccountName == "" {
		spec.ServiceAccountName, spec.DeprecatedServiceAccount = "default", "default"
	}
	if mounts := cmp.Or(spec.AutomountServiceAccountToken, automount); mounts == nil || *mounts {
		mountServiceAccountToken(spec)
	}
	return out
}

// withAPIDefaults is a copy of the pod after decoding: pkg/apis/core/v1/defaults.go and conversion.go.
func withAPIDefaults(pod *corev1.Pod) *corev1.Pod {
	out := podspec.OrEmpty(pod).DeepCopy()
	spec := &out.Spec
	if spec.SecurityContext == nil {
		spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	name := cmp.Or(spec.ServiceAccountName, spec.DeprecatedServiceAccount)
	spec.ServiceAccountName, spec.DeprecatedServiceAccount = name, name
	if spec.HostNetwork {
		defaultHostPorts(spec.InitContainers)
		defaultHostPorts(spec.Containers)
	}
	for i := range spec.Volumes {
		defaultVolume(&spec.Volumes[i].VolumeSource)
	}
	return out
}

// defaultHostPorts: under hostNetwork a port is one of the host.
func defaultHostPorts(containers []corev1.Container) {
	for i := range containers {
		ports := containers[i].Ports
		for j := range ports {
			if ports[j].HostPort == 0 {
				ports[j].HostPort = ports[j].ContainerPort
			}
		}
	}
}

func defaultVolume(s *corev1.VolumeSource) {
	s.Image = nil // unknown to v1.24
	if *s == (corev1.VolumeSource{}) {
		s.EmptyDir = &corev1.EmptyDirVolumeSource{}
	}
	if s.Projected == nil {
		return
	}
	for i := range s.Projected.Sources {
		if files := s.Projected.Sources[i].DownwardAPI; files != nil {
			defaultDownwardFiles(files.Items)
		}
	}
}

func defaultDownwardFiles(files []corev1.DownwardAPIVolumeFile) {
	for i := range files {
		if ref := files[i].FieldRef; ref != nil && ref.APIVersion == "" {
			ref.APIVersion = "v1"
		}
	}
}

// mountServiceAccountToken is mountServiceAccountToken (plugin/pkg/admission/serviceaccount): each init and each regular container
// that has nothing mounted at the place gets the token, from a volume that is there by the right name or from a new one.
func mountServiceAccountToken(spec *corev1.PodSpec) {
	at := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return strings.HasPrefix(v.Name, serviceAccountTokenVolumePrefix) })
	name := serviceAccountTokenVolumePrefix + "xxxxx"
	if at >= 0 {
		name = spec.Volumes[at].Name
	}
	mounted := mountTokenInContainers(spec.InitContainers, name)
	mounted = mountTokenInContainers(spec.Containers, name) || mounted
	if mounted && at < 0 {
		spec.Volumes = append(spec.Volumes, serviceAccountTokenVolume(name))
	}
}

func mountTokenInContainers(containers []corev1.Container, volume string) (mounted bool) {
	taken := func(m corev1.VolumeMount) bool { return m.MountPath == serviceAccountTokenMountPath }
	for i := range containers {
		c := &containers[i]
		if !slices.ContainsFunc(c.VolumeMounts, taken) {
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: volume, ReadOnly: true, MountPath: serviceAccountTokenMountPath})
			mounted = true
		}
	}
	return mounted
}

func serviceAccountTokenVolume(name string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		DefaultMode: new(corev1.ProjectedVolumeSourceDefaultMode),
		Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: new(int64(3607))}},
			{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"},
				Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
			}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{
				Path:     "namespace",
				FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"},
			}}}},
		},
	}}}
}
