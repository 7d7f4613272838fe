package mapping

import (
	"slices"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
The masks on /proc.

PSP field: spec.allowedProcMountTypes; none means Default. A list without Default refuses every container that leaves
procMount unset. With the ProcMountType gate off (its default up to v1.32) the API server resets the field, so a grant of
Unmasked is dead there; a policy read from a file does not tell, so the grant is taken at its word.
Checks: procMount (baseline, from v1.0; from v1.35 pods with hostUsers: false are let off); procMount_restricted
(restricted, from v1.35, overrides it and lets nobody off).

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
		assess: assessProcMount,
	}
}

func assessProcMount(p *pspparse.Policy, v api.Version) (f controlResult) {
	types := p.Spec.AllowedProcMountTypes
	masked := len(types) == 0 || slices.Contains(types, "Default")
	unmasked := slices.Contains(types, "Unmasked")
	value := values(types...)
	allowed := value
	if len(types) == 0 {
		allowed = values("Default") // what an absent list allows
	}

	judged := checkStatus{fields: []string{"allowedProcMountTypes"}, status: StatusGuaranteed, note: "only the Default mask is allowed"}
	if unmasked {
		judged.status, judged.nearestMiss = StatusNotEnsured, "procMount (Unmasked)"
		judged.note = "Unmasked is allowed (dead while the server's ProcMountType gate is off)"
	}
	if unmasked && !masked {
		judged.status = StatusImpossible
		judged.note = "BLOCKER: change the policy first: it admits Unmasked alone"
	}
	for _, id := range []policy.CheckID{"procMount", "procMount_restricted"} {
		judged.id = id
		f.checks = append(f.checks, judged)
	}

	if !unmasked {
		f.recordRefusal("allowedProcMountTypes", allowed,
			"containers may run with /proc unmasked; an admission policy can go on refusing it", api.LevelPrivileged)
		if versionAtLeast(v, 35) {
			f.recordDrift("allowedProcMountTypes", allowed,
				"pods with hostUsers: false may unmask /proc from v1.35", api.LevelBaseline)
		}
	}
	if !masked {
		f.recordRefusal("allowedProcMountTypes", value, "containers with the Default mask become possible", levelsLooseToStrict()...)
	}
	if !masked && !unmasked {
		f.admitsNothing = "allowedProcMountTypes has no type that a container can have (" + joinShortened(types) + ")"
	}
	f.explainStatedField(p, "allowedProcMountTypes", value, "containers may choose these masks of /proc; baseline accepts Default")
	return f
}

func orDefault(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
