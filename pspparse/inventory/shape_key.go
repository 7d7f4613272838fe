package inventory

import (
	"encoding/binary"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// ShapeInterner returns one Shape for all pods that reduce to the same, as a Builder does. It is not safe for
// concurrent use.
type ShapeInterner struct{ interner *shapeEncoder }

// NewShapeInterner returns a ShapeInterner without any pod shape.
func NewShapeInterner() *ShapeInterner { return &ShapeInterner{newShapeEncoder()} }

// Intern returns the one Shape of all pods that reduce to the same.
func (s *ShapeInterner) Intern(annotations map[string]string, spec *corev1.PodSpec) *Shape {
	return s.interner.shape(annotations, spec)
}

// shapeEncoder returns one Shape for all pods that reduce to the same. It encodes what ReducePod would keep directly
// from the full pod as the key of the shape, so that a pod whose shape is known costs no allocation (ADR-0002). A test
// compares the two field by field.
type shapeEncoder struct {
	shapes map[string]*Shape
	// buf is the key of the last pod.
	buf []byte
	// names is reused for the keys of annotations, and then for the names of host path volumes.
	names []string
}

// newShapeEncoder returns a shapeEncoder without any pod shape.
func newShapeEncoder() *shapeEncoder { return &shapeEncoder{shapes: map[string]*Shape{}} }

// shape returns the one Shape of all pods that reduce to the same.
func (n *shapeEncoder) shape(annotations map[string]string, spec *corev1.PodSpec) *Shape {
	n.encodePod(annotations, spec)
	if s, ok := n.shapes[string(n.buf)]; ok {
		return s
	}
	s := ReducePod(annotations, spec)
	n.shapes[string(n.buf)] = s
	return s
}

// shapeKeys returns the key of each pod shape, to sort by.
func (n *shapeEncoder) shapeKeys() map[*Shape]string {
	keys := make(map[*Shape]string, len(n.shapes))
	for k, s := range n.shapes {
		keys[s] = k
	}
	return keys
}

// encodePod writes the key of a pod's shape into buf. Every list starts with its length and every optional value with a
// byte that says whether it is there, so that no two shapes have the same key.
func (n *shapeEncoder) encodePod(annotations map[string]string, spec *corev1.PodSpec) {
	n.buf = n.buf[:0]
	n.writeAnnotations(annotations)
	n.writeFlags(spec.HostNetwork, spec.HostPID, spec.HostIPC)
	n.writeBool(spec.HostUsers)
	n.writeOptional(spec.RuntimeClassName)
	n.writeBool(spec.AutomountServiceAccountToken)
	if n.writePresent(spec.OS != nil) {
		n.writeString(string(spec.OS.Name))
	}
	n.writePodSecurityContext(spec.SecurityContext)
	n.writeCount(len(spec.Volumes))
	for i := range spec.Volumes {
		n.writeVolume(&spec.Volumes[i])
	}
	hostPaths := hostPathNames(n.names[:0], spec)
	n.names = hostPaths
	n.writeCount(len(spec.InitContainers))
	for i := range spec.InitContainers {
		n.writeContainer(&spec.InitContainers[i], spec.HostNetwork, hostPaths)
	}
	n.writeCount(len(spec.Containers))
	for i := range spec.Containers {
		n.writeContainer(&spec.Containers[i], spec.HostNetwork, hostPaths)
	}
	n.writeCount(len(spec.EphemeralContainers))
	for i := range spec.EphemeralContainers {
		n.writeContainer((*corev1.Container)(&spec.EphemeralContainers[i].EphemeralContainerCommon), false, hostPaths)
	}
}

// writeAnnotations writes into a pod shape's key the annotations that reduceAnnotations keeps, in order.
func (n *shapeEncoder) writeAnnotations(in map[string]string) {
	keys := n.names[:0]
	for k := range in {
		if securityAnnotation(k) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	n.writeCount(len(keys))
	for _, k := range keys {
		n.writeString(k)
		n.writeString(in[k])
	}
	n.names = keys
}

// writePodSecurityContext writes into a pod shape's key what reducePodSecurity keeps.
func (n *shapeEncoder) writePodSecurityContext(in *corev1.PodSecurityContext) {
	if in == nil {
		in = &corev1.PodSecurityContext{}
	}
	n.writeSELinux(in.SELinuxOptions)
	n.writeWindowsOptions(in.WindowsOptions)
	n.writeInt(in.RunAsUser)
	n.writeInt(in.RunAsGroup)
	n.writeBool(in.RunAsNonRoot)
	if n.writePresent(in.SupplementalGroups != nil) {
		n.writeCount(len(in.SupplementalGroups))
		for i := range in.SupplementalGroups {
			n.writeInt(&in.SupplementalGroups[i])
		}
	}
	n.writeInt(in.FSGroup)
	n.writeSeccomp(in.SeccompProfile)
	n.writeAppArmor(in.AppArmorProfile)
	n.writeCount(len(in.Sysctls))
	for i := range in.Sysctls {
		n.writeString(in.Sysctls[i].Name)
	}
}

// writeSecurityContext writes into a pod shape's key what reduceSecurity keeps.
func (n *shapeEncoder) writeSecurityContext(in *corev1.SecurityContext) {
	if !n.writePresent(in != nil) {
		return
	}
	if n.writePresent(in.Capabilities != nil) {
		n.writeCapabilities(in.Capabilities.Add)
		n.writeCapabilities(in.Capabilities.Drop)
	}
	n.writeBool(in.Privileged)
	n.writeSELinux(in.SELinuxOptions)
	n.writeWindowsOptions(in.WindowsOptions)
	n.writeInt(in.RunAsUser)
	n.writeInt(in.RunAsGroup)
	n.writeBool(in.RunAsNonRoot)
	n.writeBool(in.ReadOnlyRootFilesystem)
	n.writeBool(in.AllowPrivilegeEscalation)
	if p := nonDefaultProcMount(in.ProcMount); n.writePresent(p != nil) {
		n.writeString(string(*p))
	}
	n.writeSeccomp(in.SeccompProfile)
	n.writeAppArmor(in.AppArmorProfile)
}

// writeCapabilities writes into a pod shape's key a list of capabilities.
func (n *shapeEncoder) writeCapabilities(list []corev1.Capability) {
	n.writeCount(len(list))
	for _, c := range list {
		n.writeString(string(c))
	}
}

// writeSELinux writes into a pod shape's key SELinux options.
func (n *shapeEncoder) writeSELinux(in *corev1.SELinuxOptions) {
	if n.writePresent(in != nil) {
		n.writeString(in.User)
		n.writeString(in.Role)
		n.writeString(in.Type)
		n.writeString(in.Level)
	}
}

// writeWindowsOptions writes into a pod shape's key what reduceWindows keeps.
func (n *shapeEncoder) writeWindowsOptions(in *corev1.WindowsSecurityContextOptions) {
	if in == nil {
		n.writeBool(nil)
		return
	}
	n.writeBool(in.HostProcess)
}

// writeSeccomp writes into a pod shape's key a seccomp profile.
func (n *shapeEncoder) writeSeccomp(in *corev1.SeccompProfile) {
	if n.writePresent(in != nil) {
		n.writeString(string(in.Type))
		n.writeOptional(in.LocalhostProfile)
	}
}

// writeAppArmor writes into a pod shape's key what reduceAppArmor keeps.
func (n *shapeEncoder) writeAppArmor(in *corev1.AppArmorProfile) {
	if n.writePresent(in != nil) {
		n.writeString(string(in.Type))
	}
}

// writeContainer writes into a pod shape's key what reduceContainer keeps.
func (n *shapeEncoder) writeContainer(c *corev1.Container, hostNetwork bool, hostPaths []string) {
	n.writeString(c.Name)
	n.writeSecurityContext(c.SecurityContext)
	n.writeProbe(c.LivenessProbe)
	n.writeProbe(c.ReadinessProbe)
	n.writeProbe(c.StartupProbe)
	if c.Lifecycle == nil {
		n.writeLifecycleHandler(nil)
		n.writeLifecycleHandler(nil)
	} else {
		n.writeLifecycleHandler(c.Lifecycle.PostStart)
		n.writeLifecycleHandler(c.Lifecycle.PreStop)
	}
	for i := range c.Ports {
		if port := podspec.HostPort(&c.Ports[i], hostNetwork); port != 0 {
			n.buf = binary.AppendVarint(n.buf, int64(port))
		}
	}
	n.buf = binary.AppendVarint(n.buf, 0) // no port is 0: the end of the list
	last := lastHostMount(c.VolumeMounts, hostPaths)
	for i := range c.VolumeMounts {
		m, keep := reduceMount(&c.VolumeMounts[i], hostPaths)
		if keep || i < last {
			n.writePresent(true)
			n.writeString(m.Name)
			n.writeFlags(m.ReadOnly, m.MountPath != "")
		}
	}
	n.writePresent(false)
}

// writeVolume writes into a pod shape's key what reduceVolume keeps.
func (n *shapeEncoder) writeVolume(v *corev1.Volume) {
	n.writeString(volumeName(v))
	s := &v.VolumeSource
	n.writeFlags(podspec.IsEmptyDir(s),
		s.GCEPersistentDisk != nil, s.AWSElasticBlockStore != nil, s.GitRepo != nil, s.Secret != nil, s.NFS != nil,
		s.ISCSI != nil, s.Glusterfs != nil, s.PersistentVolumeClaim != nil, s.RBD != nil, s.Cinder != nil,
		s.CephFS != nil, s.Flocker != nil, s.DownwardAPI != nil, s.FC != nil, s.AzureFile != nil, s.ConfigMap != nil,
		s.VsphereVolume != nil, s.Quobyte != nil, s.AzureDisk != nil, s.PhotonPersistentDisk != nil,
		s.PortworxVolume != nil, s.ScaleIO != nil, s.StorageOS != nil, s.Ephemeral != nil, s.Image != nil)
	if n.writePresent(s.HostPath != nil) {
		n.writeString(s.HostPath.Path)
	}
	if n.writePresent(s.FlexVolume != nil) {
		n.writeString(s.FlexVolume.Driver)
	}
	if n.writePresent(s.CSI != nil) {
		n.writeString(s.CSI.Driver)
	}
	if n.writePresent(s.Projected != nil) {
		n.writeCount(len(s.Projected.Sources))
		for i := range s.Projected.Sources {
			n.writeProjection(&s.Projected.Sources[i])
		}
	}
}

// writeProjection writes into a pod shape's key what reduceProjected keeps of one source.
func (n *shapeEncoder) writeProjection(s *corev1.VolumeProjection) {
	n.writeFlags(s.Secret != nil, s.ClusterTrustBundle != nil, s.PodCertificate != nil)
	if n.writePresent(s.ServiceAccountToken != nil) {
		n.writeString(s.ServiceAccountToken.Audience)
		n.writeString(s.ServiceAccountToken.Path)
	}
	if n.writePresent(s.ConfigMap != nil) {
		n.writeString(s.ConfigMap.Name)
	}
	if n.writePresent(s.DownwardAPI != nil) {
		n.writeCount(len(s.DownwardAPI.Items))
		for i := range s.DownwardAPI.Items {
			item := &s.DownwardAPI.Items[i]
			n.writeString(item.Path)
			if n.writePresent(item.FieldRef != nil) {
				n.writeString(podspec.FieldRefAPIVersion(item.FieldRef))
				n.writeString(item.FieldRef.FieldPath)
			}
		}
	}
}

// writeProbe writes into a pod shape's key the hosts that a probe names.
func (n *shapeEncoder) writeProbe(in *corev1.Probe) {
	if in == nil {
		n.writeHosts(nil, nil)
		return
	}
	n.writeHosts(in.HTTPGet, in.TCPSocket)
}

// writeLifecycleHandler writes into a pod shape's key the hosts that a lifecycle handler names.
func (n *shapeEncoder) writeLifecycleHandler(in *corev1.LifecycleHandler) {
	if in == nil {
		n.writeHosts(nil, nil)
		return
	}
	n.writeHosts(in.HTTPGet, in.TCPSocket)
}

// writeHosts writes into a pod shape's key the hosts of an HTTP and a TCP action.
func (n *shapeEncoder) writeHosts(http *corev1.HTTPGetAction, tcp *corev1.TCPSocketAction) {
	var h, t string
	if http != nil {
		h = http.Host
	}
	if tcp != nil {
		t = tcp.Host
	}
	n.writeString(h)
	n.writeString(t)
}

// writeCount writes into a pod shape's key the length of a list.
func (n *shapeEncoder) writeCount(c int) {
	n.buf = binary.AppendUvarint(n.buf, uint64(c)) //nolint:gosec // a length is never negative
}

// writeString writes into a pod shape's key a string after its length.
func (n *shapeEncoder) writeString(s string) {
	n.writeCount(len(s))
	n.buf = append(n.buf, s...)
}

// writePresent writes into a pod shape's key whether a value follows, and returns that.
func (n *shapeEncoder) writePresent(ok bool) bool {
	n.writeFlags(ok)
	return ok
}

// writeFlags writes into a pod shape's key booleans as bits.
func (n *shapeEncoder) writeFlags(flags ...bool) {
	var b byte
	for i, f := range flags {
		if f {
			b |= 1 << (i % 8)
		}
		if i%8 == 7 || i == len(flags)-1 {
			n.buf = append(n.buf, b)
			b = 0
		}
	}
}

// writeBool writes into a pod shape's key an optional boolean.
func (n *shapeEncoder) writeBool(p *bool) {
	n.writeFlags(p != nil, p != nil && *p)
}

// writeInt writes into a pod shape's key an optional number.
func (n *shapeEncoder) writeInt(p *int64) {
	if n.writePresent(p != nil) {
		n.buf = binary.AppendVarint(n.buf, *p)
	}
}

// writeOptional writes into a pod shape's key an optional string.
func (n *shapeEncoder) writeOptional(p *string) {
	if n.writePresent(p != nil) {
		n.writeString(*p)
	}
}
