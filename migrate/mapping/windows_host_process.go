package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
windowsHostProcessControl is about Windows containers that run as processes of the node.

PSP field: none. The API server demands hostNetwork: true of such pods, so a policy with hostNetwork: false keeps them
out indirectly; with hostNetwork: true the policy says nothing about them.
Check: windowsHostProcess (baseline, from v1.0).

	baseline    hostProcess unset or false
	restricted  hostProcess unset or false

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func windowsHostProcessControl() pspControl {
	return pspControl{
		checks: []registeredCheck{{id: "windowsHostProcess", level: api.LevelBaseline, revisions: minorVersions(0)}},
		assess: assessWindowsHostProcess,
	}
}

// assessWindowsHostProcess compares spec.hostNetwork of a PodSecurityPolicy with the standard for Windows host processes.
func assessWindowsHostProcess(p *pspparse.Policy, _ api.Version) (f controlResult) {
	status := checkStatus{
		id: "windowsHostProcess", tier: uncoveredTier, fields: []string{"hostNetwork"},
		status: StatusGuaranteed, note: message.New("host-process-refused"),
	}
	if p.Spec.HostNetwork {
		status.status = StatusUnknown
		status.note = message.New("host-process-not-covered")
	}
	f.checks = []checkStatus{status}
	return f
}
