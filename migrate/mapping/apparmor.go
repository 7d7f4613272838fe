package mapping

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
AppArmor profiles.

PSP annotations: .../allowedProfileNames, a comma list without trimming, globbing or wildcard. Absent restricts nothing,
unconfined included; present makes a profile from it mandatory on every container, and an empty string lets nothing pass.
.../defaultProfileName fills one in per container.
Check: appArmorProfile (baseline, from v1.0).

	baseline    unset, runtime/default, localhost/...
	restricted  the same

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func appArmorControl() pspControl {
	return pspControl{
		fields: []string{pspparse.AppArmorAllowedAnnotation, pspparse.AppArmorDefaultAnnotation},
		checks: []registeredCheck{{id: "appArmorProfile", level: api.LevelBaseline, revisions: minorVersions(0)}},
		assess: assessAppArmor,
	}
}

// isAcceptedAppArmorProfile says whether baseline accepts the profile. The API server admits no pod with any other but unconfined.
func isAcceptedAppArmorProfile(profile string) bool {
	return profile == "runtime/default" || strings.HasPrefix(profile, "localhost/")
}

func assessAppArmor(p *pspparse.Policy, _ api.Version) (f controlResult) {
	allowed, fallback := p.AppArmorProfiles()
	var list string
	var profiles []string
	var value Value
	stated := allowed != nil
	if stated {
		list, profiles = *allowed, pspparse.SplitProfiles(*allowed)
		value = profileListValue(*allowed)
	}
	good := slices.ContainsFunc(profiles, isAcceptedAppArmorProfile)
	loose := slices.Contains(profiles, "unconfined")
	filled := (isAcceptedAppArmorProfile(fallback) || fallback == "unconfined") && (!stated || slices.Contains(profiles, fallback))

	v := appArmorCheckStatus(list, stated, good, loose)
	if filled && fallback == "unconfined" && v.status == StatusNotEnsured {
		v.fields = append(v.fields, pspparse.AppArmorDefaultAnnotation)
		v.note += "; false red: the default unconfined makes plain pods violate baseline, whose templates are clean"
	}
	f.checks = []checkStatus{v}
	if stated {
		f.recordRefusal(pspparse.AppArmorAllowedAnnotation, value.orEmpty(),
			"containers need no AppArmor profile any more and may have others; an admission policy can keep the list",
			levelsLooseToStrict()...)
	}
	if filled {
		f.recordSuppliedValue(pspparse.AppArmorDefaultAnnotation, values(fallback),
			"the profile is no longer filled in: containers get the runtime's own where AppArmor is on", levelsLooseToStrict()...)
		f.requireInTemplate(pspparse.AppArmorDefaultAnnotation,
			"metadata.annotations[container.apparmor.security.beta.kubernetes.io/<container>]", compactJSON(fallback),
			"one per container; from v1.30 the field securityContext.appArmorProfile takes its place")
	}
	if stated && !good && !loose {
		f.admitsNothing = "an AppArmor profile is mandatory and the list has none that a container can have (" + orDefault(list, "empty") + ")"
	}
	f.explainField(p, pspparse.AppArmorAllowedAnnotation, value, explainAppArmorList(stated, loose))
	f.explainStatedField(p, pspparse.AppArmorDefaultAnnotation, valueOrAbsent(fallback), "filled into every container that names no profile")
	return f
}

func appArmorCheckStatus(list string, stated, good, loose bool) checkStatus {
	v := checkStatus{
		id: "appArmorProfile", tier: profileTier, status: StatusGuaranteed,
		fields: []string{pspparse.AppArmorAllowedAnnotation},
		note:   "every container must have a profile that baseline accepts",
	}
	switch {
	case !stated:
		v.status = StatusNotEnsured
		v.note = "without the annotation any profile may be set, unconfined included: verify that workloads set none"
	case loose && !good:
		v.status, v.note = StatusImpossible, "BLOCKER: change the policy first: it admits no profile but unconfined"
	case loose:
		v.status, v.note = StatusNotEnsured, "unconfined is in the list ("+list+"): verify that workloads do not use it"
	}
	return v
}

func explainAppArmorList(stated, loose bool) string {
	switch {
	case !stated:
		return "absent, so any profile may be set, unconfined included, which is looser than baseline"
	case loose:
		return "every container must have one of these profiles, unconfined among them; baseline refuses it"
	default:
		return "every container must have one of these profiles; baseline accepts them and also none"
	}
}
