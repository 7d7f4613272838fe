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
func privilegeEscalation() control {
	return control{
		fields: []string{"defaultAllowPrivilegeEscalation", "allowPrivilegeEscalation"},
		checks: []check{{id: "allowPrivilegeEscalation", level: api.LevelRestricted, since: minors(8, 25)}},
		judge:  judgePrivilegeEscalation,
	}
}

func judgePrivilegeEscalation(p *pspparse.Policy, v api.Version) (f finding) {
	const path = "containers[*].securityContext.allowPrivilegeEscalation"
	allowed := p.Spec.AllowPrivilegeEscalation == nil || *p.Spec.AllowPrivilegeEscalation
	byDefault := p.Spec.DefaultAllowPrivilegeEscalation
	f.verdicts = []verdict{escalationVerdict(allowed, byDefault)}

	// Levels that do not themselves ask for false.
	lenient := []api.Level{api.LevelPrivileged, api.LevelBaseline}
	if !atLeast(v, 8) {
		lenient = strictness()
	}
	switch {
	case !allowed:
		f.refuse("allowPrivilegeEscalation", "false", "containers may gain privileges; templates that set it to false, "+
			"or an admission policy, can prevent it", lenient...)
		if atLeast(v, 25) {
			f.drift("allowPrivilegeEscalation", "false", "pods with os.name windows need not state it from v1.25",
				api.LevelRestricted)
		}
		if byDefault == nil || !*byDefault {
			f.fill("allowPrivilegeEscalation", path, "false", "in every container, init containers included; restricted asks for it")
		}
	case byDefault != nil && !*byDefault:
		f.supply("defaultAllowPrivilegeEscalation", "false",
			"false is no longer filled in: setuid programs gain privileges again", lenient...)
		f.fill("defaultAllowPrivilegeEscalation", path, "false", "where the program allows it; restricted asks for it")
	}
	f.explainEscalation(p, allowed)
	return f
}

func escalationVerdict(allowed bool, byDefault *bool) verdict {
	v := verdict{id: "allowPrivilegeEscalation", fields: []string{"allowPrivilegeEscalation"}}
	if !allowed {
		v.status, v.note = ByMutation, "the policy fills in false: templates must state it themselves"
		return v
	}
	v.status, v.miss = NotEnsured, "privilege escalation (allowPrivilegeEscalation true)"
	v.note = "escalation is allowed: verify that workloads set it to false"
	if byDefault != nil && !*byDefault {
		v.fields = append(v.fields, "defaultAllowPrivilegeEscalation")
		v.note = "the policy fills in false, so running pods comply, but authors may say true and templates do not state it"
	}
	return v
}

func (f *finding) explainEscalation(p *pspparse.Policy, allowed bool) {
	if byDefault := p.Spec.DefaultAllowPrivilegeEscalation; byDefault != nil {
		f.explainAlways(p, "defaultAllowPrivilegeEscalation", boolean(*byDefault),
			"filled in where a container states nothing; it refuses nobody")
	}
	_, stated := p.Lines[linePath("allowPrivilegeEscalation")]
	switch {
	case !allowed:
		f.explainAlways(p, "allowPrivilegeEscalation", "false",
			"escalation is refused and false filled in; restricted asks for it to be stated")
	case stated || (p.Spec.AllowPrivilegeEscalation != nil && len(p.Lines) == 0):
		f.explainAlways(p, "allowPrivilegeEscalation", "true", "escalation is allowed, as at baseline")
	default:
		f.explainAlways(p, "allowPrivilegeEscalation", "",
			"absent, which the API server reads as true: escalation is allowed, as at baseline")
	}
}
