package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Windows containers that run as processes of the node.

PSP field: none. The API server demands hostNetwork: true of such pods, so a policy with hostNetwork: false keeps them
out indirectly; with hostNetwork: true the policy cannot tell.
Check: windowsHostProcess (baseline, from v1.0).

	baseline    hostProcess unset or false
	restricted  hostProcess unset or false

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func windowsHostProcess() control {
	return control{
		checks: []check{{id: "windowsHostProcess", level: api.LevelBaseline, since: minors(0)}},
		judge:  judgeWindowsHostProcess,
	}
}

func judgeWindowsHostProcess(p *pspparse.Policy, _ api.Version) (f finding) {
	v := verdict{
		id: "windowsHostProcess", tier: uncovered, fields: []string{"hostNetwork"},
		status: Guaranteed, note: "such pods need hostNetwork, which is refused",
	}
	if p.Spec.HostNetwork {
		v.status = Unknown
		v.note = "hostNetwork is allowed and the policy knows no other rule for host processes: scan the workloads"
	}
	f.verdicts = []verdict{v}
	return f
}
