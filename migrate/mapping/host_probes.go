package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
hostProbesControl is about probes and lifecycle hooks that make the kubelet call another host.

PSP field: none, and nothing that rules them out indirectly.
Check: hostProbesAndHostLifecycle (baseline, from v1.34).

	baseline    host unset or empty in HTTP and TCP probes and hooks
	restricted  the same

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func hostProbesControl() pspControl {
	return pspControl{
		checks: []registeredCheck{{id: "hostProbesAndHostLifecycle", level: api.LevelBaseline, revisions: minorVersions(34)}},
		assess: assessHostProbes,
	}
}

// assessHostProbes returns an unknown status: a PodSecurityPolicy has no field for the hosts of probes and hooks.
func assessHostProbes(*pspparse.Policy, api.Version) controlResult {
	return controlResult{checks: []checkStatus{{
		id: "hostProbesAndHostLifecycle", tier: uncoveredTier, status: StatusUnknown,
		note: message.New("probe-hosts-not-covered"),
	}}}
}
