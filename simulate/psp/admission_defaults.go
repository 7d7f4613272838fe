package psp

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// ApplyAdmissionDefaults returns a copy of a new pod as PSP admission of Kubernetes v1.24 gets it. It sets the API defaults
// that PSP admission looks at and adds what the ServiceAccount admission plugin adds. automount is
// automountServiceAccountToken of the pod's service account. The random end of the token volume's name is "xxxxx".
//
// Not modelled: API defaults that PSP admission does not look at (pull policies, probes, default modes, ...); fields newer
// than v1.24, which such a server drops, except for a volume's image source; the image pull secrets that the account adds;
// refusals of the ServiceAccount plugin itself (an account that does not exist, secrets that an account may not mount,
// mirror pods that name secrets or accounts); other plugins and webhooks.
func ApplyAdmissionDefaults(pod *corev1.Pod, automount *bool) *corev1.Pod {
	out := withAPIDefaults(pod)
	if _, mirror := out.Annotations[corev1.MirrorPodAnnotationKey]; mirror {
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

// withAPIDefaults returns a copy of a pod with the API defaults of v1.24 that PSP admission looks at, as after decoding. It
// follows pkg/apis/core/v1/defaults.go and conversion.go.
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

// defaultHostPorts sets before PSP admission the host port of each container port that has none, as the API server does
// for hostNetwork pods.
func defaultHostPorts(containers []corev1.Container) {
	for i := range containers {
		ports := containers[i].Ports
		for j := range ports {
			ports[j].HostPort = podspec.HostPort(&ports[j], true)
		}
	}
}

// defaultVolume sets the API defaults of a volume before PSP admission: one without a source is an emptyDir. It also
// defaults downward API files and drops an image source. A server of v1.24 does not know image volumes.
func defaultVolume(s *corev1.VolumeSource) {
	s.Image = nil // unknown to v1.24
	if s.EmptyDir == nil && podspec.IsEmptyDir(s) {
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

// defaultDownwardFiles sets, before PSP admission, the default apiVersion of the field references of downward API
// files.
func defaultDownwardFiles(files []corev1.DownwardAPIVolumeFile) {
	for i := range files {
		if ref := files[i].FieldRef; ref != nil {
			ref.APIVersion = podspec.FieldRefAPIVersion(ref)
		}
	}
}

// mountServiceAccountToken mounts the service account token into the containers of a new pod, as before PSP admission.
// It follows mountServiceAccountToken of plugin/pkg/admission/serviceaccount: a container that mounts something at the
// token's path gets none, nor do ephemeral containers. A volume whose name has the token prefix is used again, else one
// is added.
func mountServiceAccountToken(spec *corev1.PodSpec) {
	at := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return strings.HasPrefix(v.Name, podspec.ServiceAccountTokenVolumePrefix) })
	name := podspec.ServiceAccountTokenVolumePrefix + "xxxxx"
	if at >= 0 {
		name = spec.Volumes[at].Name
	}
	mounted := mountTokenInContainers(spec.InitContainers, name)
	mounted = mountTokenInContainers(spec.Containers, name) || mounted
	if mounted && at < 0 {
		spec.Volumes = append(spec.Volumes, serviceAccountTokenVolume(name))
	}
}

// mountTokenInContainers adds, before PSP admission, the token mount to each container of a list that mounts nothing at
// its path. It reports whether it added any.
func mountTokenInContainers(containers []corev1.Container, volume string) (mounted bool) {
	taken := func(m corev1.VolumeMount) bool { return m.MountPath == podspec.ServiceAccountTokenMountPath }
	for i := range containers {
		c := &containers[i]
		if !slices.ContainsFunc(c.VolumeMounts, taken) {
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: volume, ReadOnly: true, MountPath: podspec.ServiceAccountTokenMountPath})
			mounted = true
		}
	}
	return mounted
}

// serviceAccountTokenVolume returns, for PSP admission, the projected volume that the API server adds to pods for the
// service account token.
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
