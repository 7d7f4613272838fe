package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Ports of the node.

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
		assess: assessHostPorts,
	}
}

func assessHostPorts(p *pspparse.Policy, _ api.Version) (f controlResult) {
	spans := portRanges(p.Spec.HostPorts)
	value := portRangeValue(p.Spec.HostPorts)
	text := value.Text("hostPorts", maxShownNames)
	v := checkStatus{id: "hostPorts", fields: []string{"hostPorts"}, status: StatusGuaranteed, note: "no host port is allowed"}
	meaning := "no port of the node may be used, as at baseline"
	if len(clipRanges(spans, 1, maxPort)) > 0 {
		v.status, v.note, v.nearestMiss = StatusNotEnsured, "host ports are allowed: "+text, "host ports ("+text+")"
		meaning = "pods may use these ports of the node; baseline allows none"
	}
	f.checks = []checkStatus{v}
	if !coversWhole(spans, 1, maxPort) {
		f.recordRefusal("hostPorts", value.orEmpty(),
			"every port of the node becomes possible; an admission policy can keep the ranges", api.LevelPrivileged)
	}
	f.explainStatedField(p, "hostPorts", value, meaning)
	return f
}
