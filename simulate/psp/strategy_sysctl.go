package psp

import (
	"fmt"
)

// isSafeSysctl lists what v1.24 admits without being allowed; later releases have more.
func isSafeSysctl(name string) bool {
	switch name {
	case "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
		"net.ipv4.ip_unprivileged_port_start":
		return true
	default:
		return false
	}
}

// validateSysctls is pkg/security/podsecuritypolicy/sysctl: what is forbidden goes before what is safe.
func (t *evaluation) validateSysctls() {
	for i, s := range t.podSecurityContext.Sysctls {
		field := fmt.Sprintf("pod.spec.securityContext.sysctls[%d]", i)
		switch {
		case t.policy.forbiddenSysctls.match(s.Name):
			t.addForbidden(field, fmt.Sprintf("sysctl %q is not allowed", s.Name))
		case isSafeSysctl(s.Name), t.policy.allowedSysctls.match(s.Name):
		default:
			t.addForbidden(field, fmt.Sprintf("unsafe sysctl %q is not allowed", s.Name))
		}
	}
}
