package podtest

import (
	"fmt"
	"math/rand"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// Random makes random pods and policies for tests, whose security fields are unset, harmless or not. A seed always makes
// the same.
type Random struct{ *rand.Rand }

// NewRandom returns a maker of random pods for tests with a seed.
func NewRandom(seed int64) *Random {
	return &Random{rand.New(rand.NewSource(seed))} //nolint:gosec // repeatable on purpose
}

// Maybe returns, for a test's random pod, nil or a pointer to one of some values, at random.
func Maybe[T any](r *Random, values ...T) *T {
	if r.Intn(2) == 0 {
		return nil
	}
	return &values[r.Intn(len(values))]
}

// Some returns, for a test's random pod, some of the values in order.
func Some[T any](r *Random, values ...T) []T {
	var out []T
	for _, v := range values {
		if r.Intn(len(values)+1) == 0 {
			out = append(out, v)
		}
	}
	return out
}

// Pod returns the annotations and the spec of a random pod for tests.
func (r *Random) Pod() (map[string]string, *corev1.PodSpec) {
	spec := &corev1.PodSpec{
		HostNetwork:     r.Intn(8) == 0,
		HostPID:         r.Intn(8) == 0,
		HostIPC:         r.Intn(8) == 0,
		HostUsers:       Maybe(r, true, false),
		SecurityContext: r.podSecurity(),
		Volumes:         r.volumes(),
	}
	if os := Maybe(r, corev1.Linux, corev1.Windows); os != nil && r.Intn(2) == 0 {
		spec.OS = &corev1.PodOS{Name: *os}
	}
	for i := range r.Intn(2) {
		spec.InitContainers = append(spec.InitContainers, r.Container(fmt.Sprintf("init%d", i)))
	}
	for i := range 1 + r.Intn(2) {
		spec.Containers = append(spec.Containers, r.Container(fmt.Sprintf("app%d", i)))
	}
	if r.Intn(6) == 0 {
		spec.EphemeralContainers = append(spec.EphemeralContainers, corev1.EphemeralContainer{
			EphemeralContainerCommon: corev1.EphemeralContainerCommon(r.Container("debug")),
		})
	}
	annotations := map[string]string{}
	for _, c := range spec.Containers {
		if p := Maybe(r, "runtime/default", "localhost/x", "unconfined"); p != nil && r.Intn(3) == 0 {
			annotations[podspec.AppArmorAnnotationPrefix+c.Name] = *p
		}
		if p := Maybe(r, "runtime/default", "localhost/x", "unconfined"); p != nil && r.Intn(3) == 0 {
			annotations["container.seccomp.security.alpha.kubernetes.io/"+c.Name] = *p
		}
	}
	if p := Maybe(r, "runtime/default", "docker/default", "unconfined"); p != nil {
		annotations[podspec.SeccompPodAnnotation] = *p
	}
	return annotations, spec
}

// podSecurity returns a random security context of a pod for tests, or nil.
func (r *Random) podSecurity() *corev1.PodSecurityContext {
	if r.Intn(3) == 0 {
		return nil
	}
	sc := &corev1.PodSecurityContext{
		RunAsNonRoot:   Maybe(r, true, true, true, false),
		RunAsUser:      Maybe(r, int64(1), 1000, 0),
		RunAsGroup:     Maybe(r, int64(1), 0),
		FSGroup:        Maybe(r, int64(1), 0),
		SeccompProfile: r.seccomp(),
		SELinuxOptions: r.seLinux(),
		WindowsOptions: Maybe(r, corev1.WindowsSecurityContextOptions{HostProcess: Maybe(r, true, false)}),
	}
	for _, name := range Some(r, "kernel.shm_rmid_forced", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_rmem", "kernel.msgmax") {
		sc.Sysctls = append(sc.Sysctls, corev1.Sysctl{Name: name})
	}
	if p := Maybe(r, corev1.AppArmorProfileTypeRuntimeDefault, corev1.AppArmorProfileTypeUnconfined); p != nil && r.Intn(3) == 0 {
		sc.AppArmorProfile = &corev1.AppArmorProfile{Type: *p}
	}
	return sc
}

// Container returns a random container of a name for tests.
func (r *Random) Container(name string) corev1.Container {
	c := corev1.Container{Name: name, Image: "registry.example/" + name}
	if r.Intn(8) == 0 {
		c.Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}
	}
	if r.Intn(8) == 0 {
		c.LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: "10.0.0.1"}}}
	}
	if r.Intn(4) == 0 {
		return c
	}
	c.SecurityContext = &corev1.SecurityContext{
		AllowPrivilegeEscalation: Maybe(r, false, false, true),
		RunAsNonRoot:             Maybe(r, true, true, false),
		RunAsUser:                Maybe(r, int64(1), 1000, 0),
		RunAsGroup:               Maybe(r, int64(1), 0),
		ReadOnlyRootFilesystem:   Maybe(r, true, false),
		SeccompProfile:           r.seccomp(),
	}
	if r.Intn(6) == 0 {
		c.SecurityContext.Privileged = Maybe(r, true, false)
		c.SecurityContext.ProcMount = Maybe(r, corev1.DefaultProcMount, corev1.UnmaskedProcMount)
		c.SecurityContext.SELinuxOptions = r.seLinux()
	}
	if r.Intn(2) == 0 {
		c.SecurityContext.Capabilities = &corev1.Capabilities{
			Add:  Some(r, corev1.Capability("CHOWN"), "NET_ADMIN", "NET_BIND_SERVICE", "SYS_TIME"),
			Drop: Some(r, corev1.Capability("ALL"), "KILL", "NET_RAW"),
		}
	}
	return c
}

// seccomp returns a random seccomp profile for tests, or nil.
func (r *Random) seccomp() *corev1.SeccompProfile {
	kind := Maybe(r, corev1.SeccompProfileTypeRuntimeDefault, corev1.SeccompProfileTypeLocalhost, corev1.SeccompProfileTypeUnconfined)
	if kind == nil {
		return nil
	}
	p := &corev1.SeccompProfile{Type: *kind}
	if p.Type == corev1.SeccompProfileTypeLocalhost {
		p.LocalhostProfile = new("x.json")
	}
	return p
}

// seLinux returns random SELinux options for tests, mostly nil.
func (r *Random) seLinux() *corev1.SELinuxOptions {
	if r.Intn(3) > 0 {
		return nil
	}
	return Maybe(r, corev1.SELinuxOptions{Level: "s0"}, corev1.SELinuxOptions{Type: "container_t"},
		corev1.SELinuxOptions{Type: "spc_t"}, corev1.SELinuxOptions{User: "u"})
}

// volumes returns some volumes for tests, chosen at random.
func (r *Random) volumes() []corev1.Volume {
	return Some(r,
		corev1.Volume{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}},
		corev1.Volume{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		corev1.Volume{Name: "nfs", VolumeSource: corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{}}},
		corev1.Volume{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/etc"}}},
	)
}

// Policy returns, for tests, a random PodSecurityPolicy that admission can use, one of three a hardening one. Whether
// it admits a pod is random.
func (r *Random) Policy() *pspparse.Policy {
	ids := func(rules ...string) pspparse.IDStrategy {
		return pspparse.IDStrategy{Rule: rules[r.Intn(len(rules))], Ranges: []pspparse.IDRange{{Min: int64(r.Intn(3)), Max: 3000}}}
	}
	p := &pspparse.Policy{Name: "psp", Annotations: map[string]string{}, Spec: pspparse.Spec{
		RunAsUser:                       ids(pspparse.MustRunAs, pspparse.MustRunAsNonRoot, pspparse.RunAsAny),
		RunAsGroup:                      Maybe(r, ids(pspparse.MustRunAs, pspparse.MayRunAs)),
		SupplementalGroups:              ids(pspparse.MustRunAs, pspparse.RunAsAny),
		FSGroup:                         ids(pspparse.MustRunAs, pspparse.RunAsAny),
		SELinux:                         pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny},
		ReadOnlyRootFilesystem:          r.Intn(2) == 0,
		DefaultAllowPrivilegeEscalation: Maybe(r, true, false),
		AllowPrivilegeEscalation:        new(r.Intn(2) == 0),
		DefaultAddCapabilities:          Some(r, "CHOWN", "NET_ADMIN", "SYS_TIME"),
		RequiredDropCapabilities:        Some(r, "ALL", "KILL", "NET_RAW"),
	}}
	if o := r.seLinux(); o != nil {
		p.Spec.SELinux = pspparse.SELinuxStrategy{
			Rule:           pspparse.MustRunAs,
			SELinuxOptions: &pspparse.SELinuxOptions{User: o.User, Role: o.Role, Type: o.Type, Level: o.Level},
		}
	}
	if s := Maybe(r, "runtime/default", "docker/default", "unconfined", "localhost/x.json"); s != nil {
		p.Annotations[pspparse.SeccompDefaultAnnotation] = *s
	}
	if s := Maybe(r, "runtime/default", "unconfined"); s != nil {
		p.Annotations[pspparse.AppArmorDefaultAnnotation] = *s
	}
	if class := Maybe(r, "sandbox"); class != nil {
		p.Spec.RuntimeClass = &pspparse.RuntimeClassStrategy{AllowedRuntimeClassNames: []string{"*"}, DefaultRuntimeClassName: class}
	}
	if r.Intn(3) == 0 {
		hard := Hardening(p.Name)
		hard.Spec.ReadOnlyRootFilesystem = p.Spec.ReadOnlyRootFilesystem
		return hard
	}
	return p
}

// Template returns, for tests, a random pod as an author writes it, without debug containers. Two of three only leave
// values unset, so that what a policy writes decides.
func (r *Random) Template() *inventory.Shape {
	annotations, spec := r.Pod()
	spec.EphemeralContainers = nil
	if r.Intn(3) == 0 {
		return &inventory.Shape{Annotations: annotations, Spec: *spec}
	}
	mild := corev1.PodSpec{InitContainers: spec.InitContainers, Containers: spec.Containers}
	if sc := spec.SecurityContext; sc != nil && r.Intn(2) == 0 {
		mild.SecurityContext = &corev1.PodSecurityContext{RunAsUser: harmless(sc.RunAsUser, 1), RunAsNonRoot: harmless(sc.RunAsNonRoot, true)}
	}
	for _, list := range [][]corev1.Container{mild.InitContainers, mild.Containers} {
		for i := range list {
			list[i] = corev1.Container{Name: list[i].Name, SecurityContext: mildSecurity(list[i].SecurityContext)}
		}
	}
	return &inventory.Shape{Spec: mild}
}

// mildSecurity returns a test's security context with harmless values in place of the given ones.
func mildSecurity(sc *corev1.SecurityContext) *corev1.SecurityContext {
	if sc == nil {
		return nil
	}
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: harmless(sc.AllowPrivilegeEscalation, false),
		RunAsNonRoot:             harmless(sc.RunAsNonRoot, true),
		RunAsUser:                harmless(sc.RunAsUser, 1),
		ReadOnlyRootFilesystem:   sc.ReadOnlyRootFilesystem,
	}
}

// harmless returns, for a test's random pod, a pointer to a harmless value if the given pointer is set.
func harmless[T any](p *T, value T) *T {
	if p == nil {
		return nil
	}
	return &value
}
