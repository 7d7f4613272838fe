package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Gaining privileges beyond the parent process (setuid and the like).

PSP fields: spec.allowPrivilegeEscalation (absent is true, the API default); false refuses true and fills in false.
spec.defaultAllowPrivilegeEscalation only fills in, before that.
Check: allowPrivilegeEscalation (restricted, from v1.8; Windows pods are let off from v1.25).

	baseline    anything
	restricted  false, stated by every container

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
*/
func privilegeEscalationControl() pspControl {
	return pspControl{
		fields: []string{"defaultAllowPrivilegeEscalation", "allowPrivilegeEscalation"},
		checks: []registeredCheck{{id: "allowPrivilegeEscalation", level: api.LevelRestricted, revisions: minorVersions(8, 25)}},
		assess: assessPrivilegeEscalation,
	}
}

func assessPrivilegeEscalation(p *pspparse.Policy, v api.Version) (f controlResult) {
	const path = "containers[*].securityContext.allowPrivilegeEscalation"
	allowed := p.Spec.AllowPrivilegeEscalation == nil || *p.Spec.AllowPrivilegeEscalation
	byDefault := p.Spec.DefaultAllowPrivilegeEscalation
	f.checks = []checkStatus{escalationCheckStatus(allowed, byDefault)}

	// Levels that do not themselves ask for false.
	lenient := []api.Level{api.LevelPrivileged, api.LevelBaseline}
	if !versionAtLeast(v, 8) {
		lenient = levelsLooseToStrict()
	}
	switch {
	case !allowed:
		f.recordRefusal("allowPrivilegeEscalation", values("false"), "containers may gain privileges; templates that set it to false, "+
			"or an admission policy, can prevent it", lenient...)
		if versionAtLeast(v, 25) {
			f.recordDrift("allowPrivilegeEscalation", values("false"), "pods with os.name windows need not state it from v1.25",
				api.LevelRestricted)
		}
		if byDefault == nil || !*byDefault {
			f.requireInTemplate("allowPrivilegeEscalation", path, "false", "in every container, init containers included; restricted asks for it")
		}
	case byDefault != nil && !*byDefault:
		f.recordSuppliedValue("defaultAllowPrivilegeEscalation", values("false"),
			"false is no longer filled in: setuid programs gain privileges again", lenient...)
		f.requireInTemplate("defaultAllowPrivilegeEscalation", path, "false", "where the program allows it; restricted asks for it")
	}
	f.explainPrivilegeEscalation(p, allowed)
	return f
}

func escalationCheckStatus(allowed bool, byDefault *bool) checkStatus {
	v := checkStatus{id: "allowPrivilegeEscalation", fields: []string{"allowPrivilegeEscalation"}}
	if !allowed {
		v.status, v.note = StatusByMutation, "the policy fills in false: templates must state it themselves"
		return v
	}
	v.status, v.nearestMiss = StatusNotEnsured, "privilege escalation (allowPrivilegeEscalation true)"
	v.note = "escalation is allowed: verify that workloads set it to false"
	if byDefault != nil && !*byDefault {
		v.fields = append(v.fields, "defaultAllowPrivilegeEscalation")
		v.note = "the policy fills in false, so running pods comply, but authors may say true and templates do not state it"
	}
	return v
}

func (f *controlResult) explainPrivilegeEscalation(p *pspparse.Policy, allowed bool) {
	if byDefault := p.Spec.DefaultAllowPrivilegeEscalation; byDefault != nil {
		f.explainField(p, "defaultAllowPrivilegeEscalation", values(boolean(*byDefault)),
			"filled in where a container states nothing; it refuses nobody")
	}
	_, stated := p.Lines[fieldLineKey("allowPrivilegeEscalation")]
	switch {
	case !allowed:
		f.explainField(p, "allowPrivilegeEscalation", values("false"),
			"escalation is refused and false filled in; restricted asks for it to be stated")
	case stated || (p.Spec.AllowPrivilegeEscalation != nil && len(p.Lines) == 0):
		f.explainField(p, "allowPrivilegeEscalation", values("true"), "escalation is allowed, as at baseline")
	default:
		f.explainField(p, "allowPrivilegeEscalation", Value{},
			"absent, which the API server reads as true: escalation is allowed, as at baseline")
	}
}
