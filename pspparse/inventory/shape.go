package inventory

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// Fixed names of the token volumes that the server adds to each pod under a random one: projected ones from v1.21 on,
// secrets before. They keep the form of the real names, so that reducing twice changes nothing.
const (
	projectedTokenVolume = podspec.ServiceAccountTokenVolumePrefix + "xxxxx"
	secretTokenVolume    = "default-token-xxxxx"
)

// ReducePod returns the Shape of a pod: what a rule of PSP admission or of the Pod Security Standards can distinguish, with
// the API defaults applied that change an answer. The result shares no slice, map or pointer with its input.
//
// Volumes and containers stay in order, and mounts before a host path's mount stay as empty entries, because PSP names both
// by index.
func ReducePod(annotations map[string]string, spec *corev1.PodSpec) *Shape {
	hostPaths := hostPathNames(nil, spec)
	out := corev1.PodSpec{
		HostNetwork:                  spec.HostNetwork,
		HostPID:                      spec.HostPID,
		HostIPC:                      spec.HostIPC,
		HostUsers:                    clonePointer(spec.HostUsers),
		RuntimeClassName:             clonePointer(spec.RuntimeClassName),
		AutomountServiceAccountToken: clonePointer(spec.AutomountServiceAccountToken),
		OS:                           clonePointer(spec.OS),
		SecurityContext:              reducePodSecurity(spec.SecurityContext),
	}
	for i := range spec.Volumes {
		out.Volumes = append(out.Volumes, reduceVolume(&spec.Volumes[i]))
	}
	for i := range spec.InitContainers {
		out.InitContainers = append(out.InitContainers, reduceContainer(&spec.InitContainers[i], spec.HostNetwork, hostPaths))
	}
	for i := range spec.Containers {
		out.Containers = append(out.Containers, reduceContainer(&spec.Containers[i], spec.HostNetwork, hostPaths))
	}
	for i := range spec.EphemeralContainers {
		c := corev1.Container(spec.EphemeralContainers[i].EphemeralContainerCommon)
		c = reduceContainer(&c, false, hostPaths) // the defaulting of host ports passes over ephemeral containers
		out.EphemeralContainers = append(out.EphemeralContainers,
			corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(c)})
	}
	return &Shape{Annotations: reduceAnnotations(annotations), Spec: out}
}

// reduceAnnotations returns the annotations of a pod that a rule reads.
func reduceAnnotations(in map[string]string) map[string]string {
	var out map[string]string
	for k, v := range in {
		if securityAnnotation(k) {
			if out == nil {
				out = map[string]string{}
			}
			out[k] = v
		}
	}
	return out
}

// securityAnnotation reports whether a rule reads an annotation of pods.
func securityAnnotation(key string) bool {
	return key == podspec.SeccompPodAnnotation || strings.HasPrefix(key, podspec.SeccompContainerAnnotationPrefix) ||
		strings.HasPrefix(key, podspec.AppArmorAnnotationPrefix)
}

// reducePodSecurity reduces the security context of a pod. It never returns nil, since API defaulting sets an empty one.
func reducePodSecurity(in *corev1.PodSecurityContext) *corev1.PodSecurityContext {
	if in == nil {
		return &corev1.PodSecurityContext{}
	}
	out := &corev1.PodSecurityContext{
		SELinuxOptions:     clonePointer(in.SELinuxOptions),
		WindowsOptions:     reduceWindows(in.WindowsOptions),
		RunAsUser:          clonePointer(in.RunAsUser),
		RunAsGroup:         clonePointer(in.RunAsGroup),
		RunAsNonRoot:       clonePointer(in.RunAsNonRoot),
		SupplementalGroups: slices.Clone(in.SupplementalGroups), // an explicit empty list is not an absent one
		FSGroup:            clonePointer(in.FSGroup),
		SeccompProfile:     reduceSeccomp(in.SeccompProfile),
		AppArmorProfile:    reduceAppArmor(in.AppArmorProfile),
	}
	for i := range in.Sysctls {
		out.Sysctls = append(out.Sysctls, corev1.Sysctl{Name: in.Sysctls[i].Name})
	}
	return out
}

// reduceSecurity reduces the security context of a container for a pod's shape.
func reduceSecurity(in *corev1.SecurityContext) *corev1.SecurityContext {
	if in == nil {
		return nil
	}
	return &corev1.SecurityContext{
		Capabilities:             reduceCapabilities(in.Capabilities),
		Privileged:               clonePointer(in.Privileged),
		SELinuxOptions:           clonePointer(in.SELinuxOptions),
		WindowsOptions:           reduceWindows(in.WindowsOptions),
		RunAsUser:                clonePointer(in.RunAsUser),
		RunAsGroup:               clonePointer(in.RunAsGroup),
		RunAsNonRoot:             clonePointer(in.RunAsNonRoot),
		ReadOnlyRootFilesystem:   clonePointer(in.ReadOnlyRootFilesystem),
		AllowPrivilegeEscalation: clonePointer(in.AllowPrivilegeEscalation),
		ProcMount:                clonePointer(nonDefaultProcMount(in.ProcMount)),
		SeccompProfile:           reduceSeccomp(in.SeccompProfile),
		AppArmorProfile:          reduceAppArmor(in.AppArmorProfile),
	}
}

// nonDefaultProcMount returns a procMount for a pod's Shape, nil for the default: servers differ in whether they write
// it into every security context.
func nonDefaultProcMount(in *corev1.ProcMountType) *corev1.ProcMountType {
	if in != nil && *in == corev1.DefaultProcMount {
		return nil
	}
	return in
}

// reduceCapabilities copies the capabilities of a container into a pod's shape.
func reduceCapabilities(in *corev1.Capabilities) *corev1.Capabilities {
	if in == nil {
		return nil
	}
	return &corev1.Capabilities{
		Add:  append([]corev1.Capability(nil), in.Add...),
		Drop: append([]corev1.Capability(nil), in.Drop...),
	}
}

// reduceWindows keeps in a pod's shape of the Windows options only hostProcess.
func reduceWindows(in *corev1.WindowsSecurityContextOptions) *corev1.WindowsSecurityContextOptions {
	if in == nil || in.HostProcess == nil {
		return nil
	}
	return &corev1.WindowsSecurityContextOptions{HostProcess: clonePointer(in.HostProcess)}
}

// reduceSeccomp copies a seccomp profile into a pod's shape.
func reduceSeccomp(in *corev1.SeccompProfile) *corev1.SeccompProfile {
	if in == nil {
		return nil
	}
	return &corev1.SeccompProfile{Type: in.Type, LocalhostProfile: clonePointer(in.LocalhostProfile)}
}

// reduceAppArmor keeps in a pod's shape of an AppArmor profile only its type.
func reduceAppArmor(in *corev1.AppArmorProfile) *corev1.AppArmorProfile {
	if in == nil {
		return nil
	}
	return &corev1.AppArmorProfile{Type: in.Type}
}

// reduceContainer reduces a container. HostPaths are the names of the pod's host path volumes, sorted.
func reduceContainer(c *corev1.Container, hostNetwork bool, hostPaths []string) corev1.Container {
	out := corev1.Container{
		Name:            c.Name,
		SecurityContext: reduceSecurity(c.SecurityContext),
		LivenessProbe:   reduceProbe(c.LivenessProbe),
		ReadinessProbe:  reduceProbe(c.ReadinessProbe),
		StartupProbe:    reduceProbe(c.StartupProbe),
		Lifecycle:       reduceLifecycle(c.Lifecycle),
	}
	for i := range c.Ports {
		if port := podspec.HostPort(&c.Ports[i], hostNetwork); port != 0 {
			out.Ports = append(out.Ports, corev1.ContainerPort{HostPort: port})
		}
	}
	last := lastHostMount(c.VolumeMounts, hostPaths)
	for i := range c.VolumeMounts {
		m, keep := reduceMount(&c.VolumeMounts[i], hostPaths)
		if keep || i < last {
			out.VolumeMounts = append(out.VolumeMounts, m)
		}
	}
	return out
}

// hostPathNames appends, to reduce a pod to its shape, the names of its host path volumes to buf, sorted for a binary
// search.
func hostPathNames(buf []string, spec *corev1.PodSpec) []string {
	for i := range spec.Volumes {
		if spec.Volumes[i].HostPath != nil {
			buf = append(buf, spec.Volumes[i].Name)
		}
	}
	slices.Sort(buf)
	return buf
}

// lastHostMount returns, for a pod's shape, the index of a container's last mount of a host path volume; -1 for none.
func lastHostMount(mounts []corev1.VolumeMount, hostPaths []string) int {
	for i := len(mounts) - 1; i >= 0 && len(hostPaths) > 0; i-- {
		if _, ok := slices.BinarySearch(hostPaths, mounts[i].Name); ok {
			return i
		}
	}
	return -1
}

// reduceMount keeps in a pod's shape of the mount of a host path whether it is read-only, and of any other mount only
// that it takes the place of the service account's token. The second result says whether anything was kept.
func reduceMount(m *corev1.VolumeMount, hostPaths []string) (corev1.VolumeMount, bool) {
	var out corev1.VolumeMount
	_, host := slices.BinarySearch(hostPaths, m.Name)
	if host {
		out.Name, out.ReadOnly = m.Name, m.ReadOnly
	}
	if m.MountPath == podspec.ServiceAccountTokenMountPath {
		out.MountPath = podspec.ServiceAccountTokenMountPath
	}
	return out, host || out.MountPath != ""
}

// reduceVolume reduces, for a pod's shape, a volume to its type, with what a rule reads of a host path, a FlexVolume, a
// CSI or a projected volume.
func reduceVolume(v *corev1.Volume) corev1.Volume {
	s := &v.VolumeSource
	out := corev1.Volume{Name: volumeName(v), VolumeSource: corev1.VolumeSource{
		EmptyDir:              presenceOnly(s.EmptyDir),
		GCEPersistentDisk:     presenceOnly(s.GCEPersistentDisk),
		AWSElasticBlockStore:  presenceOnly(s.AWSElasticBlockStore),
		GitRepo:               presenceOnly(s.GitRepo),
		Secret:                presenceOnly(s.Secret),
		NFS:                   presenceOnly(s.NFS),
		ISCSI:                 presenceOnly(s.ISCSI),
		Glusterfs:             presenceOnly(s.Glusterfs),
		PersistentVolumeClaim: presenceOnly(s.PersistentVolumeClaim),
		RBD:                   presenceOnly(s.RBD),
		Cinder:                presenceOnly(s.Cinder),
		CephFS:                presenceOnly(s.CephFS),
		Flocker:               presenceOnly(s.Flocker),
		DownwardAPI:           presenceOnly(s.DownwardAPI),
		FC:                    presenceOnly(s.FC),
		AzureFile:             presenceOnly(s.AzureFile),
		ConfigMap:             presenceOnly(s.ConfigMap),
		VsphereVolume:         presenceOnly(s.VsphereVolume),
		Quobyte:               presenceOnly(s.Quobyte),
		AzureDisk:             presenceOnly(s.AzureDisk),
		PhotonPersistentDisk:  presenceOnly(s.PhotonPersistentDisk),
		PortworxVolume:        presenceOnly(s.PortworxVolume),
		ScaleIO:               presenceOnly(s.ScaleIO),
		StorageOS:             presenceOnly(s.StorageOS),
		Ephemeral:             presenceOnly(s.Ephemeral),
		Image:                 presenceOnly(s.Image),
		Projected:             reduceProjected(s.Projected),
	}}
	if s.HostPath != nil {
		out.HostPath = &corev1.HostPathVolumeSource{Path: s.HostPath.Path}
	}
	if s.FlexVolume != nil {
		out.FlexVolume = &corev1.FlexVolumeSource{Driver: s.FlexVolume.Driver}
	}
	if s.CSI != nil {
		out.CSI = &corev1.CSIVolumeSource{Driver: s.CSI.Driver}
	}
	if s.EmptyDir == nil && podspec.IsEmptyDir(s) {
		out.EmptyDir = &corev1.EmptyDirVolumeSource{}
	}
	return out
}

// volumeName returns the name of a volume; one name for all token volumes that servers add to pods. No rule shows or
// compares the name of a volume whose only source is projected or a secret, except that the server looks for the prefix
// "kube-api-access-", which stays.
func volumeName(v *corev1.Volume) string {
	switch {
	case v.Projected != nil && randomSuffix(v.Name, podspec.ServiceAccountTokenVolumePrefix) == 0:
		if v.VolumeSource == (corev1.VolumeSource{Projected: v.Projected}) {
			return projectedTokenVolume
		}
	case v.Secret != nil && randomSuffix(v.Name, "-token-") > 0:
		if v.VolumeSource == (corev1.VolumeSource{Secret: v.Secret}) {
			return secretTokenVolume
		}
	}
	return v.Name
}

// randomSuffix returns, for a pod's shape, where a marker starts in a volume's name that ends in it and in five random
// characters as servers choose them; else -1.
func randomSuffix(name, marker string) int {
	const random = 5
	at := len(name) - random - len(marker)
	if at < 0 || name[at:len(name)-random] != marker {
		return -1
	}
	for _, c := range []byte(name[len(name)-random:]) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return -1
		}
	}
	return at
}

// reduceProjected keeps in a pod's shape of a projected volume what decides whether it is the standard token bundle,
// which PSP admits as a secret.
func reduceProjected(in *corev1.ProjectedVolumeSource) *corev1.ProjectedVolumeSource {
	if in == nil {
		return nil
	}
	out := &corev1.ProjectedVolumeSource{}
	for i := range in.Sources {
		s := &in.Sources[i]
		p := corev1.VolumeProjection{
			Secret:             presenceOnly(s.Secret),
			ClusterTrustBundle: presenceOnly(s.ClusterTrustBundle),
			PodCertificate:     presenceOnly(s.PodCertificate),
		}
		if s.ServiceAccountToken != nil {
			p.ServiceAccountToken = &corev1.ServiceAccountTokenProjection{
				Audience: s.ServiceAccountToken.Audience, Path: s.ServiceAccountToken.Path,
			}
		}
		if s.ConfigMap != nil {
			p.ConfigMap = &corev1.ConfigMapProjection{LocalObjectReference: s.ConfigMap.LocalObjectReference}
		}
		if s.DownwardAPI != nil {
			p.DownwardAPI = &corev1.DownwardAPIProjection{}
			for j := range s.DownwardAPI.Items {
				p.DownwardAPI.Items = append(p.DownwardAPI.Items, reduceDownward(&s.DownwardAPI.Items[j]))
			}
		}
		out.Sources = append(out.Sources, p)
	}
	return out
}

// reduceDownward reduces for a pod's shape a file of the downward API to its path and its field.
func reduceDownward(in *corev1.DownwardAPIVolumeFile) corev1.DownwardAPIVolumeFile {
	out := corev1.DownwardAPIVolumeFile{Path: in.Path}
	if in.FieldRef != nil {
		out.FieldRef = &corev1.ObjectFieldSelector{APIVersion: podspec.FieldRefAPIVersion(in.FieldRef), FieldPath: in.FieldRef.FieldPath}
	}
	return out
}

// A probe or handler matters only where it names a host; then only the host is kept.

// reduceProbe keeps in a pod's shape of a probe only the host that it names; nil if it names none.
func reduceProbe(in *corev1.Probe) *corev1.Probe {
	if in == nil {
		return nil
	}
	http, tcp := reduceHTTP(in.HTTPGet), reduceTCP(in.TCPSocket)
	if http == nil && tcp == nil {
		return nil
	}
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: http, TCPSocket: tcp}}
}

// reduceLifecycle keeps in a pod's shape of the lifecycle handlers of a container only the hosts that they name; nil if
// they name none.
func reduceLifecycle(in *corev1.Lifecycle) *corev1.Lifecycle {
	if in == nil {
		return nil
	}
	start, stop := reduceHandler(in.PostStart), reduceHandler(in.PreStop)
	if start == nil && stop == nil {
		return nil
	}
	return &corev1.Lifecycle{PostStart: start, PreStop: stop}
}

// reduceHandler keeps in a pod's shape of a lifecycle handler only the host that it names; nil if it names none.
func reduceHandler(in *corev1.LifecycleHandler) *corev1.LifecycleHandler {
	if in == nil {
		return nil
	}
	http, tcp := reduceHTTP(in.HTTPGet), reduceTCP(in.TCPSocket)
	if http == nil && tcp == nil {
		return nil
	}
	return &corev1.LifecycleHandler{HTTPGet: http, TCPSocket: tcp}
}

// reduceHTTP keeps in a pod's shape of an HTTP action only the host that it names; nil if it names none.
func reduceHTTP(in *corev1.HTTPGetAction) *corev1.HTTPGetAction {
	if in == nil || in.Host == "" {
		return nil
	}
	return &corev1.HTTPGetAction{Host: in.Host}
}

// reduceTCP keeps in a pod's shape of a TCP action only the host that it names; nil if it names none.
func reduceTCP(in *corev1.TCPSocketAction) *corev1.TCPSocketAction {
	if in == nil || in.Host == "" {
		return nil
	}
	return &corev1.TCPSocketAction{Host: in.Host}
}

// clonePointer copies the value behind a pointer of a pod spec, which has no pointers of its own.
func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// presenceOnly returns, for a pod's Shape, a pointer to an empty value where there is a value: it keeps that a field is
// set, and nothing of it.
func presenceOnly[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(T)
}
