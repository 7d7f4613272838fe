package mapping

import (
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Sharing the node's network, process or IPC namespace.

PSP fields: spec.hostNetwork, spec.hostPID, spec.hostIPC (absent is false).
Check: hostNamespaces (baseline, from v1.0).

	baseline    all false
	restricted  all false

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func hostNamespacesControl() pspControl {
	return pspControl{
		fields: []string{"hostNetwork", "hostPID", "hostIPC"},
		checks: []registeredCheck{{id: "hostNamespaces", level: api.LevelBaseline, revisions: minorVersions(0)}},
		assess: assessHostNamespaces,
	}
}

func assessHostNamespaces(p *pspparse.Policy, _ api.Version) (f controlResult) {
	flags := []struct {
		field, noun string
		shared      bool
	}{
		{"hostNetwork", "network", p.Spec.HostNetwork},
		{"hostPID", "process", p.Spec.HostPID},
		{"hostIPC", "IPC", p.Spec.HostIPC},
	}
	v := checkStatus{
		id: "hostNamespaces", fields: []string{"hostNetwork", "hostPID", "hostIPC"},
		status: StatusGuaranteed, note: "no namespace of the node may be shared",
	}
	var open []string
	for _, flag := range flags {
		noun := "the node's " + flag.noun + " namespace"
		if flag.shared {
			open = append(open, flag.field)
			f.explainStatedField(p, flag.field, values("true"), "pods may share "+noun+"; only the privileged level allows it")
			continue
		}
		f.recordRefusal(flag.field, values("false"),
			"pods may share "+noun+"; an admission policy can go on refusing them", api.LevelPrivileged)
		f.explainStatedField(p, flag.field, values("false"), "pods may not share "+noun+", as at baseline")
	}
	if len(open) > 0 {
		list := strings.Join(open, ", ")
		v.status, v.fields = StatusNotEnsured, open
		v.note, v.nearestMiss = "pods may share the node's namespaces: "+list, "host namespaces ("+list+")"
	}
	f.checks = []checkStatus{v}
	return f
}
