package inventory

import (
	"encoding/binary"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Shapes gives equal pods one Shape, as a Builder does. It is not safe for concurrent use.
type Shapes struct{ interner *interner }

// NewShapes returns one that knows no shape yet.
func NewShapes() *Shapes { return &Shapes{newInterner()} }

// Of returns the one Shape of all pods that reduce to the same.
func (s *Shapes) Of(annotations map[string]string, spec *corev1.PodSpec) *Shape {
	return s.interner.shape(annotations, spec)
}

// interner gives equal pods one Shape. It writes down what Reduce would keep straight from the full pod, so that a pod
// whose shape is known costs no allocation; a test holds the two to the same answer field by field.
type interner struct {
	shapes map[string]*Shape
	buf    []byte
	names  []string // reused: annotation keys, then names of host path volumes
}

func newInterner() *interner { return &interner{shapes: map[string]*Shape{}} }

// shape returns the one Shape of all pods that reduce to the same.
func (n *interner) shape(annotations map[string]string, spec *corev1.PodSpec) *Shape {
	n.encode(annotations, spec)
	if s, ok := n.shapes[string(n.buf)]; ok {
		return s
	}
	s := Reduce(annotations, spec)
	n.shapes[string(n.buf)] = s
	return s
}

// keys returns the key of each shape, for a total order.
func (n *interner) keys() map[*Shape]string {
	keys := make(map[*Shape]string, len(n.shapes))
	for k, s := range n.shapes {
		keys[s] = k
	}
	return keys
}

// encode writes the key of a pod into n.buf. Every list starts with its length and every optional value with a byte
// that says whether it is there, so no two shapes can have the same key.
func (n *interner) encode(annotations map[string]string, spec *corev1.PodSpec) {
	n.buf = n.buf[:0]
	n.annotations(annotations)
	n.flags(spec.HostNetwork, spec.HostPID, spec.HostIPC)
	n.bool(spec.HostUsers)
	n.optional(spec.RuntimeClassName)
	n.bool(spec.AutomountServiceAccountToken)
	if n.present(spec.OS != nil) {
		n.string(string(spec.OS.Name))
	}
	n.podSecurity(spec.SecurityContext)
	n.count(len(spec.Volumes))
	for i := range spec.Volumes {
		n.volume(&spec.Volumes[i])
	}
	hostPaths := hostPathNames(n.names[:0], spec)
	n.names = hostPaths
	n.count(len(spec.InitContainers))
	for i := range spec.InitContainers {
		n.container(&spec.InitContainers[i], spec.HostNetwork, hostPaths)
	}
	n.count(len(spec.Containers))
	for i := range spec.Containers {
		n.container(&spec.Containers[i], spec.HostNetwork, hostPaths)
	}
	n.count(len(spec.EphemeralContainers))
	for i := range spec.EphemeralContainers {
		n.container((*corev1.Container)(&spec.EphemeralContainers[i].EphemeralContainerCommon), false, hostPaths)
	}
}

func (n *interner) annotations(in map[string]string) {
	keys := n.names[:0]
	for k := range in {
		if securityAnnotation(k) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	n.count(len(keys))
	for _, k := range keys {
		n.string(k)
		n.string(in[k])
	}
	n.names = keys
}

func (n *interner) podSecurity(in *corev1.PodSecurityContext) {
	if in == nil {
		in = &corev1.PodSecurityContext{}
	}
	n.seLinux(in.SELinuxOptions)
	n.windows(in.WindowsOptions)
	n.int(in.RunAsUser)
	n.int(in.RunAsGroup)
	n.bool(in.RunAsNonRoot)
	if n.present(in.SupplementalGroups != nil) {
		n.count(len(in.SupplementalGroups))
		for i := range in.SupplementalGroups {
			n.int(&in.SupplementalGroups[i])
		}
	}
	n.int(in.FSGroup)
	n.seccomp(in.SeccompProfile)
	n.appArmor(in.AppArmorProfile)
	n.count(len(in.Sysctls))
	for i := range in.Sysctls {
		n.string(in.Sysctls[i].Name)
	}
}

func (n *interner) security(in *corev1.SecurityContext) {
	if !n.present(in != nil) {
		return
	}
	if n.present(in.Capabilities != nil) {
		n.capabilities(in.Capabilities.Add)
		n.capabilities(in.Capabilities.Drop)
	}
	n.bool(in.Privileged)
	n.seLinux(in.SELinuxOptions)
	n.windows(in.WindowsOptions)
	n.int(in.RunAsUser)
	n.int(in.RunAsGroup)
	n.bool(in.RunAsNonRoot)
	n.bool(in.ReadOnlyRootFilesystem)
	n.bool(in.AllowPrivilegeEscalation)
	if p := procMount(in.ProcMount); n.present(p != nil) {
		n.string(string(*p))
	}
	n.seccomp(in.SeccompProfile)
	n.appArmor(in.AppArmorProfile)
}

func (n *interner) capabilities(list []corev1.Capability) {
	n.count(len(list))
	for _, c := range list {
		n.string(string(c))
	}
}

func (n *interner) seLinux(in *corev1.SELinuxOptions) {
	if n.present(in != nil) {
		n.string(in.User)
		n.string(in.Role)
		n.string(in.Type)
		n.string(in.Level)
	}
}

func (n *interner) windows(in *corev1.WindowsSecurityContextOptions) {
	if in == nil {
		n.bool(nil)
		return
	}
	n.bool(in.HostProcess)
}

func (n *interner) seccomp(in *corev1.SeccompProfile) {
	if n.present(in != nil) {
		n.string(string(in.Type))
		n.optional(in.LocalhostProfile)
	}
}

func (n *interner) appArmor(in *corev1.AppArmorProfile) {
	if n.present(in != nil) {
		n.string(string(in.Type))
	}
}

func (n *interner) container(c *corev1.Container, hostNetwork bool, hostPaths []string) {
	n.string(c.Name)
	n.security(c.SecurityContext)
	n.probe(c.LivenessProbe)
	n.probe(c.ReadinessProbe)
	n.probe(c.StartupProbe)
	if c.Lifecycle == nil {
		n.handler(nil)
		n.handler(nil)
	} else {
		n.handler(c.Lifecycle.PostStart)
		n.handler(c.Lifecycle.PreStop)
	}
	for i := range c.Ports {
		if port := hostPort(&c.Ports[i], hostNetwork); port != 0 {
			n.buf = binary.AppendVarint(n.buf, int64(port))
		}
	}
	n.buf = binary.AppendVarint(n.buf, 0) // no port is 0: the end of the list
	last := lastHostMount(c.VolumeMounts, hostPaths)
	for i := range c.VolumeMounts {
		m, keep := reduceMount(&c.VolumeMounts[i], hostPaths)
		if keep || i < last {
			n.present(true)
			n.string(m.Name)
			n.flags(m.ReadOnly, m.MountPath != "")
		}
	}
	n.present(false)
}

func (n *interner) volume(v *corev1.Volume) {
	n.string(volumeName(v))
	s := &v.VolumeSource
	n.flags(s.EmptyDir != nil || *s == (corev1.VolumeSource{}),
		s.GCEPersistentDisk != nil, s.AWSElasticBlockStore != nil, s.GitRepo != nil, s.Secret != nil, s.NFS != nil,
		s.ISCSI != nil, s.Glusterfs != nil, s.PersistentVolumeClaim != nil, s.RBD != nil, s.Cinder != nil,
		s.CephFS != nil, s.Flocker != nil, s.DownwardAPI != nil, s.FC != nil, s.AzureFile != nil, s.ConfigMap != nil,
		s.VsphereVolume != nil, s.Quobyte != nil, s.AzureDisk != nil, s.PhotonPersistentDisk != nil,
		s.PortworxVolume != nil, s.ScaleIO != nil, s.StorageOS != nil, s.Ephemeral != nil, s.Image != nil)
	if n.present(s.HostPath != nil) {
		n.string(s.HostPath.Path)
	}
	if n.present(s.FlexVolume != nil) {
		n.string(s.FlexVolume.Driver)
	}
	if n.present(s.CSI != nil) {
		n.string(s.CSI.Driver)
	}
	if n.present(s.Projected != nil) {
		n.count(len(s.Projected.Sources))
		for i := range s.Projected.Sources {
			n.projection(&s.Projected.Sources[i])
		}
	}
}

func (n *interner) projection(s *corev1.VolumeProjection) {
	n.flags(s.Secret != nil, s.ClusterTrustBundle != nil, s.PodCertificate != nil)
	if n.present(s.ServiceAccountToken != nil) {
		n.string(s.ServiceAccountToken.Audience)
		n.string(s.ServiceAccountToken.Path)
	}
	if n.present(s.ConfigMap != nil) {
		n.string(s.ConfigMap.Name)
	}
	if n.present(s.DownwardAPI != nil) {
		n.count(len(s.DownwardAPI.Items))
		for i := range s.DownwardAPI.Items {
			item := &s.DownwardAPI.Items[i]
			n.string(item.Path)
			if n.present(item.FieldRef != nil) {
				n.string(fieldRefVersion(item.FieldRef))
				n.string(item.FieldRef.FieldPath)
			}
		}
	}
}

func (n *interner) probe(in *corev1.Probe) {
	if in == nil {
		n.hosts(nil, nil)
		return
	}
	n.hosts(in.HTTPGet, in.TCPSocket)
}

func (n *interner) handler(in *corev1.LifecycleHandler) {
	if in == nil {
		n.hosts(nil, nil)
		return
	}
	n.hosts(in.HTTPGet, in.TCPSocket)
}

func (n *interner) hosts(http *corev1.HTTPGetAction, tcp *corev1.TCPSocketAction) {
	var h, t string
	if http != nil {
		h = http.Host
	}
	if tcp != nil {
		t = tcp.Host
	}
	n.string(h)
	n.string(t)
}

func (n *interner) count(c int) {
	n.buf = binary.AppendUvarint(n.buf, uint64(c)) //nolint:gosec // a length is never negative
}

func (n *interner) string(s string) {
	n.count(len(s))
	n.buf = append(n.buf, s...)
}

// present writes down whether a value follows, and returns it.
func (n *interner) present(ok bool) bool {
	n.flags(ok)
	return ok
}

func (n *interner) flags(flags ...bool) {
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

func (n *interner) bool(p *bool) {
	n.flags(p != nil, p != nil && *p)
}

func (n *interner) int(p *int64) {
	if n.present(p != nil) {
		n.buf = binary.AppendVarint(n.buf, *p)
	}
}

func (n *interner) optional(p *string) {
	if n.present(p != nil) {
		n.string(*p)
	}
}
