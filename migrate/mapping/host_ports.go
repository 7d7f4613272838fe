package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
hostPortsControl is about ports of the node.

PSP field: spec.hostPorts, a list of inclusive ranges; none means no host port. The API server validates none of it:
0-0, inverted ranges and ranges beyond 65535 hold no port.
Check: hostPorts (baseline, from v1.0).

	baseline    none
	restricted  none

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func hostPortsControl() pspControl {
	return pspControl{
		fields: []string{"hostPorts"},
		checks: []registeredCheck{{id: "hostPorts", level: api.LevelBaseline, revisions: minorVersions(0)}},
		assess: assessHostPorts, constraints: hostPortConstraints,
	}
}

// assessHostPorts compares spec.hostPorts of a PodSecurityPolicy with the standards.
func assessHostPorts(p *pspparse.Policy, _ api.Version) (f controlResult) {
	ranges := portRanges(p.Spec.HostPorts)
	ports := Value{Ranges: ranges}
	status := checkStatus{id: "hostPorts", fields: []string{"hostPorts"}, status: StatusGuaranteed, note: message.New("host-ports-refused")}
	meaning := message.New("field-host-ports-none")
	if len(clipRanges(ranges, 1, maxPort)) > 0 {
		status.status, status.note, status.nearestMiss = StatusNotEnsured, message.New("host-ports-allowed", "ports", ports.entries()), message.New("miss-host-ports", "ports", ports.entries())
		meaning = message.New("field-host-ports")
	}
	f.checks = []checkStatus{status}
	if !coversWhole(ranges, 1, maxPort) {
		f.recordRefusal("hostPorts", ports.orEmpty(),
			message.New("lost-host-ports"), api.LevelPrivileged)
	}
	f.explainStatedField(p, "hostPorts", ports, meaning)
	return f
}

// hostPortConstraints returns what a policy's hostPorts demand of pods.
func hostPortConstraints(p *pspparse.Policy) []Constraint {
	if coversWhole(portRanges(p.Spec.HostPorts), 1, maxPort) {
		return nil
	}
	return []Constraint{HostPorts{Ranges: p.Spec.HostPorts}}
}
