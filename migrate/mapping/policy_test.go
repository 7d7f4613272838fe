package mapping

import (
	"maps"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
)

// openPolicy admits every pod there is: the starting point of cases that tighten one thing.
func openPolicy() *pspparse.Policy {
	yes := true
	return &pspparse.Policy{
		Name:        "open",
		Annotations: map[string]string{pspparse.SeccompAllowedAnnotation: "*"},
		Spec: pspparse.Spec{
			Privileged: true, HostNetwork: true, HostPID: true, HostIPC: true,
			AllowedCapabilities:      []string{"*"},
			Volumes:                  []string{"*"},
			HostPorts:                []pspparse.HostPortRange{{Min: 0, Max: 65535}},
			SELinux:                  pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny},
			RunAsUser:                pspparse.IDStrategy{Rule: pspparse.RunAsAny},
			SupplementalGroups:       pspparse.IDStrategy{Rule: pspparse.RunAsAny},
			FSGroup:                  pspparse.IDStrategy{Rule: pspparse.RunAsAny},
			AllowPrivilegeEscalation: &yes,
			AllowedUnsafeSysctls:     []string{"*"},
			AllowedProcMountTypes:    []string{"Default", "Unmasked"},
		},
	}
}

// closedPolicy is restricted as far as a policy can be, by forbidding alone, and admits something: the starting point of
// cases that loosen one thing.
func closedPolicy() *pspparse.Policy {
	no := false
	return &pspparse.Policy{
		Name: "closed",
		Annotations: map[string]string{
			pspparse.SeccompAllowedAnnotation:  "runtime/default",
			pspparse.AppArmorAllowedAnnotation: "runtime/default",
		},
		Spec: pspparse.Spec{
			RequiredDropCapabilities: []string{"ALL"},
			Volumes:                  []string{"configMap"},
			SELinux: pspparse.SELinuxStrategy{
				Rule: pspparse.MustRunAs, SELinuxOptions: &pspparse.SELinuxOptions{Type: "container_t"},
			},
			RunAsUser:                pspparse.IDStrategy{Rule: pspparse.MustRunAsNonRoot},
			SupplementalGroups:       pspparse.IDStrategy{Rule: pspparse.RunAsAny},
			FSGroup:                  pspparse.IDStrategy{Rule: pspparse.RunAsAny},
			AllowPrivilegeEscalation: &no,
		},
	}
}

// with returns a copy of the policy with one change.
func with(p *pspparse.Policy, change func(*pspparse.Policy)) *pspparse.Policy {
	c := *p
	c.Annotations = maps.Clone(p.Annotations)
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	// Appending to a list of the copy must not reach into the original.
	c.Spec.AllowedCapabilities = slices.Clip(c.Spec.AllowedCapabilities)
	c.Spec.DefaultAddCapabilities = slices.Clip(c.Spec.DefaultAddCapabilities)
	c.Spec.RequiredDropCapabilities = slices.Clip(c.Spec.RequiredDropCapabilities)
	c.Spec.Volumes = slices.Clip(c.Spec.Volumes)
	c.Spec.HostPorts = slices.Clip(c.Spec.HostPorts)
	c.Spec.AllowedHostPaths = slices.Clip(c.Spec.AllowedHostPaths)
	c.Spec.AllowedUnsafeSysctls = slices.Clip(c.Spec.AllowedUnsafeSysctls)
	change(&c)
	return &c
}

// randomPolicy draws every field from the values that mean something, and from some that do not.
func randomPolicy(pick func(n int) int) *pspparse.Policy {
	some := func(values ...string) []string {
		var out []string
		for range pick(4) {
			out = append(out, values[pick(len(values))])
		}
		return out
	}
	one := func(values ...string) string { return values[pick(len(values))] }
	flag := func() bool { return pick(3) == 0 }
	maybe := func() *bool {
		switch pick(3) {
		case 0:
			return nil
		case 1:
			b := true
			return &b
		default:
			b := false
			return &b
		}
	}
	ids := func(rules ...string) pspparse.IDStrategy {
		s := pspparse.IDStrategy{Rule: one(rules...)}
		edges := []int64{-5, 0, 1, 1000, 2000, 65535, 2147483647, 3000000000}
		for range pick(3) {
			s.Ranges = append(s.Ranges, pspparse.IDRange{Min: edges[pick(len(edges))], Max: edges[pick(len(edges))]})
		}
		return s
	}
	p := &pspparse.Policy{Name: "random", Annotations: map[string]string{}}
	s := &p.Spec
	s.Privileged, s.HostNetwork, s.HostPID, s.HostIPC = flag(), flag(), flag(), flag()
	s.ReadOnlyRootFilesystem = flag()
	caps := []string{"NET_RAW", "CHOWN", "NET_BIND_SERVICE", "SYS_ADMIN", "KILL", "all", "CAP_CHOWN"}
	s.DefaultAddCapabilities = some(caps...)
	s.AllowedCapabilities = some(append(caps, "*", "ALL")...)
	s.RequiredDropCapabilities = some("ALL", "all", "NET_RAW", "MKNOD")
	if pick(2) == 0 {
		s.DefaultAddCapabilities = nil
	}
	for range pick(10) {
		s.Volumes = append(s.Volumes, one(append(pspparse.FSTypes(), "cephfs", "image")...))
	}
	ports := []int32{-1, 0, 80, 8080, 65535, 70000}
	for range pick(3) {
		s.HostPorts = append(s.HostPorts, pspparse.HostPortRange{Min: ports[pick(len(ports))], Max: ports[pick(len(ports))]})
	}
	s.SELinux.Rule = one(pspparse.RunAsAny, pspparse.MustRunAs)
	if s.SELinux.Rule == pspparse.MustRunAs {
		s.SELinux.SELinuxOptions = &pspparse.SELinuxOptions{
			User: one("", "", "", "system_u"), Role: one("", "", "", "object_r"),
			Type: one("", "container_t", "container_engine_t", "spc_t"), Level: one("", "s0:c1,c2"),
		}
	}
	s.RunAsUser = ids(pspparse.RunAsAny, pspparse.MustRunAsNonRoot, pspparse.MustRunAs)
	s.SupplementalGroups = ids(pspparse.RunAsAny, pspparse.MustRunAs, pspparse.MayRunAs)
	s.FSGroup = ids(pspparse.RunAsAny, pspparse.MustRunAs, pspparse.MayRunAs)
	if pick(2) == 0 {
		g := ids(pspparse.RunAsAny, pspparse.MustRunAs, pspparse.MayRunAs)
		s.RunAsGroup = &g
	}
	s.AllowPrivilegeEscalation, s.DefaultAllowPrivilegeEscalation = maybe(), maybe()
	if pick(2) == 0 {
		s.AllowedHostPaths = []pspparse.AllowedHostPath{{PathPrefix: one("/", "/var/log"), ReadOnly: flag()}}
	}
	if pick(3) == 0 {
		s.AllowedFlexVolumes = []pspparse.AllowedFlexVolume{{Driver: "example/lvm"}}
		s.AllowedCSIDrivers = []pspparse.AllowedCSIDriver{{Name: "inline.example.com"}}
	}
	s.AllowedUnsafeSysctls = some("kernel.msgmax", "net.*", "*", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_rmem")
	if pick(2) == 0 {
		s.ForbiddenSysctls = some("kernel.*", "*", "net.ipv4.tcp_syncookies", "net.core.somaxconn")
	}
	s.AllowedProcMountTypes = some("Default", "Default", "Unmasked", "default")
	if pick(3) == 0 {
		name := one("gvisor", "runc")
		s.RuntimeClass = &pspparse.RuntimeClassStrategy{AllowedRuntimeClassNames: some("gvisor", "*")}
		if flag() {
			s.RuntimeClass.DefaultRuntimeClassName = &name
		}
	}
	for _, key := range []string{
		pspparse.SeccompAllowedAnnotation, pspparse.SeccompDefaultAnnotation,
		pspparse.AppArmorAllowedAnnotation, pspparse.AppArmorDefaultAnnotation,
	} {
		if pick(2) == 0 {
			p.Annotations[key] = one("runtime/default", "docker/default", "unconfined", "localhost/a", "*", "",
				"runtime/default,unconfined", "runtime/default,localhost/a", "runtime/default,", "localhost/*", "odd")
		}
	}
	return p
}
