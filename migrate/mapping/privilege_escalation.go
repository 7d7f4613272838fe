package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
privilegeEscalationControl is about gaining privileges beyond the parent process (setuid and the like).

PSP fields: spec.allowPrivilegeEscalation (absent is true, the API default); false refuses true and sets false.
spec.defaultAllowPrivilegeEscalation only sets a value, before that.
Check: allowPrivilegeEscalation (restricted, from v1.8; does not apply to Windows pods from v1.25).

	baseline    anything
	restricted  false, stated by every container

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
*/
func privilegeEscalationControl() pspControl {
	return pspControl{
		fields: []string{"defaultAllowPrivilegeEscalation", "allowPrivilegeEscalation"},
		checks: []registeredCheck{{id: "allowPrivilegeEscalation", level: api.LevelRestricted, revisions: minorVersions(8, 25)}},
		assess: assessPrivilegeEscalation, constraints: privilegeEscalationConstraints,
	}
}

// assessPrivilegeEscalation compares the privilege escalation fields of a PodSecurityPolicy with the standards.
func assessPrivilegeEscalation(p *pspparse.Policy, v api.Version) (f controlResult) {
	const path = "containers[*].securityContext.allowPrivilegeEscalation"
	allowed := p.Spec.AllowPrivilegeEscalation == nil || *p.Spec.AllowPrivilegeEscalation
	byDefault := p.Spec.DefaultAllowPrivilegeEscalation
	f.checks = []checkStatus{escalationCheckStatus(allowed, byDefault)}

	lenient := levelsWithoutRestricted(v, 8)
	switch {
	case !allowed:
		f.recordRefusal("allowPrivilegeEscalation", boolValue(false), message.New("lost-escalation"), lenient...)
		if versionAtLeast(v, 25) {
			f.recordDrift("allowPrivilegeEscalation", boolValue(false), message.New("drift-windows-escalation"),
				api.LevelRestricted)
		}
		if byDefault == nil || !*byDefault {
			f.requireInTemplate("allowPrivilegeEscalation", path, false, message.New("template-escalation"))
		}
	case byDefault != nil && !*byDefault:
		f.recordSuppliedValue("defaultAllowPrivilegeEscalation", boolValue(false),
			message.New("lost-escalation-default"), lenient...)
		f.requireInTemplate("defaultAllowPrivilegeEscalation", path, false, message.New("template-escalation-default"))
	}
	f.explainPrivilegeEscalation(p, allowed)
	return f
}

// escalationCheckStatus returns the status of the check allowPrivilegeEscalation, by whether a PodSecurityPolicy allows
// escalation and by its default.
func escalationCheckStatus(allowed bool, byDefault *bool) checkStatus {
	status := checkStatus{id: "allowPrivilegeEscalation", fields: []string{"allowPrivilegeEscalation"}}
	if !allowed {
		status.status, status.note = StatusByMutation, message.New("escalation-false-set")
		return status
	}
	status.status, status.nearestMiss = StatusNotEnsured, message.New("miss-escalation")
	status.note = message.New("escalation-allowed")
	if byDefault != nil && !*byDefault {
		status.fields = append(status.fields, "defaultAllowPrivilegeEscalation")
		status.note = message.New("escalation-false-by-default")
	}
	return status
}

// explainPrivilegeEscalation adds the explanations of both privilege escalation fields of a PodSecurityPolicy.
func (f *controlResult) explainPrivilegeEscalation(p *pspparse.Policy, allowed bool) {
	if byDefault := p.Spec.DefaultAllowPrivilegeEscalation; byDefault != nil {
		f.explainField(p, "defaultAllowPrivilegeEscalation", boolValue(*byDefault),
			message.New("field-escalation-default"))
	}
	_, stated := p.Lines[fieldLineKey("allowPrivilegeEscalation")]
	switch {
	case !allowed:
		f.explainField(p, "allowPrivilegeEscalation", boolValue(false),
			message.New("field-escalation-refused"))
	case stated || (p.Spec.AllowPrivilegeEscalation != nil && len(p.Lines) == 0):
		f.explainField(p, "allowPrivilegeEscalation", boolValue(true), message.New("field-escalation-allowed"))
	default:
		f.explainField(p, "allowPrivilegeEscalation", Value{},
			message.New("field-escalation-allowed", "absent", true))
	}
}

// privilegeEscalationConstraints returns what a policy's two fields about privilege escalation demand of pods and write into them.
func privilegeEscalationConstraints(p *pspparse.Policy) []Constraint {
	allowed, byDefault := p.Spec.AllowPrivilegeEscalation, p.Spec.DefaultAllowPrivilegeEscalation
	c := PrivilegeEscalation{Forbidden: allowed != nil && !*allowed, Default: byDefault}
	switch {
	case c.Forbidden && byDefault == nil:
		c.Default = allowed
	case !c.Forbidden && byDefault == nil:
		return nil
	}
	return []Constraint{c}
}
