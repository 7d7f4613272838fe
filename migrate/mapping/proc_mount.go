package mapping

import (
	"slices"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
procMountControl is about the masks on /proc.

PSP field: spec.allowedProcMountTypes; none means Default. A list without Default refuses every container that leaves
procMount unset. With the ProcMountType gate off (its default up to v1.32) the API server resets the field, so a grant of
Unmasked has no effect there; a policy read from a file does not show that, so the grant counts.
Checks: procMount (baseline, from v1.0; from v1.35 it does not apply to pods with hostUsers: false); procMount_restricted
(restricted, from v1.35, overrides it and applies to all).

	baseline    Default or unset
	restricted  Default or unset

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func procMountControl() pspControl {
	return pspControl{
		fields: []string{"allowedProcMountTypes"},
		checks: []registeredCheck{
			{id: "procMount", level: api.LevelBaseline, revisions: minorVersions(0, 35)},
			{id: "procMount_restricted", level: api.LevelRestricted, revisions: minorVersions(35), overrides: "procMount"},
		},
		assess: assessProcMount, constraints: procMountConstraints,
	}
}

// assessProcMount compares spec.allowedProcMountTypes of a PodSecurityPolicy with the standards.
func assessProcMount(p *pspparse.Policy, v api.Version) (f controlResult) {
	types := p.Spec.AllowedProcMountTypes
	masked := len(types) == 0 || slices.Contains(types, "Default")
	unmasked := slices.Contains(types, "Unmasked")
	inForce := listValue(types)
	if len(types) == 0 {
		inForce = textValue("Default")
	}

	status := checkStatus{fields: []string{"allowedProcMountTypes"}, status: StatusGuaranteed, note: message.New("proc-mount-default")}
	if unmasked {
		status.status, status.nearestMiss = StatusNotEnsured, message.New("miss-proc-mount")
		status.note = message.New("proc-mount-unmasked")
	}
	if unmasked && !masked {
		status.status = StatusImpossible
		status.note = message.New("proc-mount-only-unmasked")
	}
	for _, id := range []policy.CheckID{"procMount", "procMount_restricted"} {
		status.id = id
		f.checks = append(f.checks, status)
	}

	if !unmasked {
		f.recordRefusal("allowedProcMountTypes", inForce,
			message.New("lost-proc-mask"), api.LevelPrivileged)
		if versionAtLeast(v, 35) {
			f.recordDrift("allowedProcMountTypes", inForce,
				message.New("drift-proc-mask"), api.LevelBaseline)
		}
	}
	if !masked {
		f.recordRefusal("allowedProcMountTypes", inForce, message.New("lost-proc-unmasked"), levels.LooseToStrict()...)
	}
	if !masked && !unmasked {
		f.admitsNothing = message.New("no-proc-mount-type-possible", "types", types)
	}
	f.explainStatedField(p, "allowedProcMountTypes", listValue(types), message.New("field-proc-mount-types"))
	return f
}

// procMountConstraints returns what a policy's allowedProcMountTypes demand of pods.
func procMountConstraints(p *pspparse.Policy) []Constraint {
	types := p.Spec.AllowedProcMountTypes
	switch {
	case len(types) == 0:
		types = []string{"Default"}
	case slices.Contains(types, "Default") && slices.Contains(types, "Unmasked"):
		return nil // the API server knows no other
	}
	return []Constraint{ProcMounts{Types: types}}
}
