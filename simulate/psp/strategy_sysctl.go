package psp

import (
	"fmt"
)

// isSafeSysctl reports whether PSP admission of Kubernetes v1.24 admits a sysctl that a policy does not allow. Later
// releases have more of them.
func isSafeSysctl(name string) bool {
	switch name {
	case "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
		"net.ipv4.ip_unprivileged_port_start":
		return true
	default:
		return false
	}
}

// validateSysctls adds a refusal for each sysctl that the PodSecurityPolicy forbids, or that is unsafe and not allowed.
// It follows pkg/security/podsecuritypolicy/sysctl: forbidden precedes safe.
func (e *policyEvaluation) validateSysctls() {
	for i, s := range e.podSecurityContext.Sysctls {
		field := fmt.Sprintf("pod.spec.securityContext.sysctls[%d]", i)
		switch {
		case e.policy.forbiddenSysctls.match(s.Name):
			e.addForbidden(field, fmt.Sprintf("sysctl %q is not allowed", s.Name))
		case isSafeSysctl(s.Name), e.policy.allowedSysctls.match(s.Name):
		default:
			e.addForbidden(field, fmt.Sprintf("unsafe sysctl %q is not allowed", s.Name))
		}
	}
}
