package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
hostNamespacesControl is about sharing the node's network, process or IPC namespace.

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
		assess: assessHostNamespaces, constraints: hostNamespaceConstraints,
	}
}

// assessHostNamespaces compares the host namespace fields of a PodSecurityPolicy with the standards.
func assessHostNamespaces(p *pspparse.Policy, _ api.Version) (f controlResult) {
	flags := []struct {
		field, noun string
		shared      bool
	}{
		{"hostNetwork", "network", p.Spec.HostNetwork},
		{"hostPID", "process", p.Spec.HostPID},
		{"hostIPC", "IPC", p.Spec.HostIPC},
	}
	status := checkStatus{
		id: "hostNamespaces", fields: []string{"hostNetwork", "hostPID", "hostIPC"},
		status: StatusGuaranteed, note: message.New("host-namespaces-refused"),
	}
	var shared []string
	for _, flag := range flags {
		if flag.shared {
			shared = append(shared, flag.field)
			f.explainStatedField(p, flag.field, boolValue(true), message.New("field-host-namespace-shared", "namespace", flag.noun))
			continue
		}
		f.recordRefusal(flag.field, boolValue(false),
			message.New("lost-host-namespace", "namespace", flag.noun), api.LevelPrivileged)
		f.explainStatedField(p, flag.field, boolValue(false), message.New("field-host-namespace-refused", "namespace", flag.noun))
	}
	if len(shared) > 0 {
		status.status, status.fields = StatusNotEnsured, shared
		status.note, status.nearestMiss = message.New("host-namespaces-shared", "fields", shared), message.New("miss-host-namespaces", "fields", shared)
	}
	f.checks = []checkStatus{status}
	return f
}

// hostNamespaceConstraints returns what a policy's hostNetwork, hostPID and hostIPC demand of pods.
func hostNamespaceConstraints(p *pspparse.Policy) (out []Constraint) {
	for _, c := range []struct {
		name    string
		allowed bool
	}{{"hostNetwork", p.Spec.HostNetwork}, {"hostPID", p.Spec.HostPID}, {"hostIPC", p.Spec.HostIPC}} {
		if !c.allowed {
			out = append(out, HostNamespace{Name: c.name})
		}
	}
	return out
}
