package mapping

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
appArmorControl is about AppArmor profiles.

PSP annotations: .../allowedProfileNames, a comma list without trimming, globbing or wildcard. Absent restricts nothing,
unconfined included. Present makes a profile from the list mandatory on every container, and an empty string admits nothing.
.../defaultProfileName is set on containers that name no profile.
Check: appArmorProfile (baseline, from v1.0).

	baseline    unset, runtime/default, localhost/...
	restricted  the same

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func appArmorControl() pspControl {
	return pspControl{
		fields: []string{pspparse.AppArmorAllowedAnnotation, pspparse.AppArmorDefaultAnnotation},
		checks: []registeredCheck{{id: "appArmorProfile", level: api.LevelBaseline, revisions: minorVersions(0)}},
		assess: assessAppArmor, constraints: appArmorConstraints,
	}
}

// isAcceptedAppArmorProfile reports whether baseline accepts an AppArmor profile of a policy. The API server admits no
// other pods but those with unconfined.
func isAcceptedAppArmorProfile(profile string) bool {
	return profile == "runtime/default" || strings.HasPrefix(profile, "localhost/")
}

// assessAppArmor compares the AppArmor annotations of a PodSecurityPolicy with the standards.
func assessAppArmor(p *pspparse.Policy, _ api.Version) (f controlResult) {
	allowed, fallback := p.AppArmorProfiles()
	var list string
	var profiles []string
	stated := allowed != nil
	if stated {
		list, profiles = *allowed, pspparse.SplitProfiles(*allowed)
	}
	accepted := slices.ContainsFunc(profiles, isAcceptedAppArmorProfile)
	unconfined := slices.Contains(profiles, "unconfined")
	defaultApplies := (isAcceptedAppArmorProfile(fallback) || fallback == "unconfined") && profileConstraint(AppArmorProfiles, allowed, fallback).Accepts(fallback)

	v := appArmorCheckStatus(profiles, stated, accepted, unconfined)
	if defaultApplies && fallback == "unconfined" && v.status == StatusNotEnsured {
		v.fields = append(v.fields, pspparse.AppArmorDefaultAnnotation)
		v.note = v.note.With("byDefault", true)
	}
	f.checks = []checkStatus{v}
	if stated {
		f.recordRefusal(pspparse.AppArmorAllowedAnnotation, profileListValue(list).orEmpty(),
			message.New("lost-apparmor-profiles"),
			levels.LooseToStrict()...)
	}
	if defaultApplies {
		f.recordSuppliedValue(pspparse.AppArmorDefaultAnnotation, textValue(fallback),
			message.New("lost-apparmor-default"), levels.LooseToStrict()...)
		f.requireInTemplate(pspparse.AppArmorDefaultAnnotation,
			"metadata.annotations[container.apparmor.security.beta.kubernetes.io/<container>]", fallback,
			message.New("template-apparmor"))
	}
	if stated && !accepted && !unconfined {
		f.admitsNothing = message.New("no-apparmor-profile-possible", "profiles", profileListValue(list).Values)
	}
	f.explainField(p, pspparse.AppArmorAllowedAnnotation, profileListValue(list), explainAppArmorList(stated, unconfined))
	f.explainStatedField(p, pspparse.AppArmorDefaultAnnotation, textValue(fallback), message.New("field-apparmor-default"))
	return f
}

// appArmorCheckStatus returns the status of the check appArmorProfile for a list of allowed AppArmor profiles: whether
// the policy states one, and whether an accepted profile and unconfined are in it.
func appArmorCheckStatus(profiles []string, stated, accepted, unconfined bool) checkStatus {
	status := checkStatus{
		id: "appArmorProfile", tier: profileTier, status: StatusGuaranteed,
		fields: []string{pspparse.AppArmorAllowedAnnotation},
		note:   message.New("apparmor-profile-accepted"),
	}
	switch {
	case !stated:
		status.status = StatusNotEnsured
		status.note = message.New("apparmor-any-profile")
	case unconfined && !accepted:
		status.status, status.note = StatusImpossible, message.New("apparmor-only-unconfined")
	case unconfined:
		status.status, status.note = StatusNotEnsured, message.New("apparmor-unconfined-listed", "profiles", profiles)
	}
	return status
}

// explainAppArmorList returns the explanation of what a list of allowed AppArmor profiles of a PodSecurityPolicy does
// to pods.
func explainAppArmorList(stated, unconfined bool) message.Message {
	switch {
	case !stated:
		return message.New("field-apparmor-absent")
	case unconfined:
		return message.New("field-apparmor-unconfined")
	default:
		return message.New("field-apparmor-profiles")
	}
}

// appArmorConstraints returns what a policy's annotations about AppArmor demand of pods and write into them.
func appArmorConstraints(p *pspparse.Policy) []Constraint {
	allowed, byDefault := p.AppArmorProfiles()
	return []Constraint{profileConstraint(AppArmorProfiles, allowed, byDefault)}
}
