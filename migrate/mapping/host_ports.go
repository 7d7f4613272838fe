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
func hostPorts() control {
	return control{
		fields: []string{"hostPorts"},
		checks: []check{{id: "hostPorts", level: api.LevelBaseline, since: minors(0)}},
		judge:  judgeHostPorts,
	}
}

func judgeHostPorts(p *pspparse.Policy, _ api.Version) (f finding) {
	spans := portSpans(p.Spec.HostPorts)
	value := spanList(spans)
	v := verdict{id: "hostPorts", fields: []string{"hostPorts"}, status: Guaranteed, note: "no host port is allowed"}
	meaning := "no port of the node may be used, as at baseline"
	if len(within(spans, 1, maxPort)) > 0 {
		v.status, v.note, v.miss = NotEnsured, "host ports are allowed: "+value, "host ports ("+value+")"
		meaning = "pods may use these ports of the node; baseline allows none"
	}
	f.verdicts = []verdict{v}
	if !whole(spans, 1, maxPort) {
		f.refuse("hostPorts", orDefault(value, "none"),
			"every port of the node becomes possible; an admission policy can keep the ranges", api.LevelPrivileged)
	}
	f.explain(p, "hostPorts", value, meaning)
	return f
}
