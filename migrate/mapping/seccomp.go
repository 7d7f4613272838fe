package mapping

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

/*
seccompControl is about seccomp profiles.

PSP annotations: .../allowedProfileNames, a comma list without trimming or globbing; * is anything, unset included.
Absent means that no profile may be set. A list without * means that the pod itself must set one from it (setting it per
container is not enough), unless .../defaultProfileName sets one. docker/default and runtime/default imply each other.
Checks: seccompProfile_baseline (baseline, from v1.0 on annotations, from v1.19 on fields); seccompProfile_restricted
(restricted, from v1.19, overrides it; does not apply to Windows pods from v1.25).

	baseline    unset, RuntimeDefault, Localhost
	restricted  RuntimeDefault or Localhost, at pod level or in every container

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func seccompControl() pspControl {
	return pspControl{
		fields: []string{pspparse.SeccompAllowedAnnotation, pspparse.SeccompDefaultAnnotation},
		checks: []registeredCheck{
			{id: "seccompProfile_baseline", level: api.LevelBaseline, revisions: minorVersions(0, 19)},
			{
				id: "seccompProfile_restricted", level: api.LevelRestricted, revisions: minorVersions(19, 25),
				overrides: "seccompProfile_baseline",
			},
		},
		assess: assessSeccomp, constraints: seccompConstraints,
	}
}

// seccompRule is the meaning of the two seccomp annotations of a PodSecurityPolicy.
type seccompRule struct {
	// list as stated and its profiles; hasList is false where the annotation is absent.
	list     string
	profiles []string
	hasList  bool
	// wildcard is true if the list has *.
	wildcard bool
	// listsAccepted is true if the list has a profile that the standards accept, or *.
	listsAccepted bool
	// listsUnconfined is true if the list has unconfined, or *.
	listsUnconfined bool
	// admitsUnset is true if a pod that ends up without a profile is admitted.
	admitsUnset bool
	// defaultProfile is set where the pod sets none; "" for none.
	defaultProfile string
	// defaultApplies is true if the default is valid and in the list, so that admitted pods may have it.
	defaultApplies bool
}

// seccompRuleOf reads the seccomp annotations of a PodSecurityPolicy.
func seccompRuleOf(p *pspparse.Policy) seccompRule {
	allowed, byDefault := p.SeccompProfiles()
	r := seccompRule{hasList: allowed != nil, defaultProfile: byDefault}
	if allowed != nil {
		r.list, r.profiles = *allowed, pspparse.SplitProfiles(*allowed)
	}
	demanded := profileConstraint(SeccompProfiles, allowed, byDefault)
	r.wildcard = demanded.Any
	r.listsAccepted = r.wildcard || slices.ContainsFunc(r.profiles, isAcceptedSeccompProfile)
	r.listsUnconfined = r.wildcard || slices.Contains(r.profiles, "unconfined")
	// An empty entry admits the empty profile; API validation refuses it beside others, admission does not.
	r.admitsUnset = demanded.Accepts("")
	r.defaultApplies = demanded.Accepts(byDefault) && podspec.SeccompProfile(byDefault) != nil
	return r
}

// isAcceptedSeccompProfile reports whether the standards accept the profile of a policy's seccomp annotation. The API
// server admits no other pods but those with unconfined.
func isAcceptedSeccompProfile(profile string) bool {
	return profile != "unconfined" && podspec.SeccompProfile(profile) != nil
}

// forbidsAnyProfile reports whether the policy forbids pods to set any seccomp profile, as where the list is absent.
func (r seccompRule) forbidsAnyProfile() bool {
	return !r.listsAccepted && !r.listsUnconfined
}

// admitsPodWithoutProfile reports whether the policy admits a pod that sets no seccomp profile.
func (r seccompRule) admitsPodWithoutProfile() bool {
	if r.defaultProfile == "" {
		return r.admitsUnset
	}
	return r.defaultApplies
}

// assessSeccomp compares the seccomp annotations of a PodSecurityPolicy with the standards.
func assessSeccomp(p *pspparse.Policy, v api.Version) (f controlResult) {
	r := seccompRuleOf(p)
	f.checks = []checkStatus{r.baselineStatus(), r.restrictedStatus()}
	f.compareSeccompList(r)
	f.recordSeccompDefault(r, v)
	if r.forbidsAnyProfile() && !r.admitsPodWithoutProfile() {
		f.admitsNothing = r.admitsNothing()
	}
	f.explainField(p, pspparse.SeccompAllowedAnnotation, profileListValue(r.list), r.explain())
	f.explainStatedField(p, pspparse.SeccompDefaultAnnotation, textValue(r.defaultProfile),
		message.New("field-seccomp-default"))
	return f
}

// admitsNothing returns why the seccomp annotations of a policy admit no pod.
func (r seccompRule) admitsNothing() message.Message {
	if r.defaultProfile != "" && (!r.hasList || r.list == "") {
		return message.New("seccomp-default-refused", "profile", r.defaultProfile)
	}
	return message.New("no-seccomp-profile-possible", "profiles", r.profiles)
}

// baselineStatus returns the status of the check seccompProfile_baseline for a policy.
func (r seccompRule) baselineStatus() checkStatus {
	status := checkStatus{
		id: "seccompProfile_baseline", tier: profileTier, status: StatusGuaranteed,
		fields: []string{pspparse.SeccompAllowedAnnotation},
	}
	switch {
	case r.listsUnconfined && !r.listsAccepted && (!r.admitsUnset || r.defaultProfile != ""):
		status.status = StatusImpossible
		status.note = message.New("seccomp-only-unconfined")
	case r.listsUnconfined:
		status.status, status.note = StatusNotEnsured, message.New("seccomp-unconfined-listed", "profiles", r.profiles)
		if r.defaultApplies && r.defaultProfile == "unconfined" {
			status.fields = append(status.fields, pspparse.SeccompDefaultAnnotation)
			status.note = status.note.With("byDefault", true)
		}
	case r.forbidsAnyProfile():
		status.note = message.New("seccomp-no-profile-allowed")
	default:
		status.note = message.New("seccomp-unconfined-not-listed")
	}
	return status
}

// restrictedStatus returns the status of the check seccompProfile_restricted for a policy.
func (r seccompRule) restrictedStatus() checkStatus {
	status := checkStatus{
		id: "seccompProfile_restricted", tier: profileTier,
		fields: []string{pspparse.SeccompAllowedAnnotation},
	}
	if r.defaultProfile != "" {
		status.fields = append(status.fields, pspparse.SeccompDefaultAnnotation)
	}
	switch {
	case r.forbidsAnyProfile():
		status.status = StatusImpossible
		status.note = message.New("seccomp-every-profile-refused")
	case !r.listsAccepted:
		status.status, status.note = StatusImpossible, message.New("seccomp-only-profile-unconfined")
	case r.listsUnconfined || (r.admitsPodWithoutProfile() && r.defaultProfile == ""):
		status.status, status.note = StatusNotEnsured, message.New("seccomp-unconfined-or-none", "profiles", r.profiles)
	case r.admitsPodWithoutProfile():
		status.status, status.note = StatusByMutation, message.New("seccomp-profile-set", "profile", r.defaultProfile)
	default:
		status.status = StatusGuaranteed
		status.note = message.New("seccomp-profile-demanded")
	}
	return status
}

// compareSeccompList records the seccomp profiles that a PodSecurityPolicy refuses and the levels accept. Only * admits
// all that a level accepts: any localhost profile meets even restricted.
func (f *controlResult) compareSeccompList(r seccompRule) {
	const field = pspparse.SeccompAllowedAnnotation
	if r.wildcard {
		return
	}
	value := profileListValue(r.list).orEmpty()
	f.recordRefusal(field, value, message.New("lost-seccomp-profiles"),
		api.LevelPrivileged)
	if r.forbidsAnyProfile() {
		f.recordRefusal(field, value, message.New("lost-seccomp-prohibition"), levels.WithChecks()...)
		return
	}
	if r.admitsPodWithoutProfile() {
		f.recordRefusal(field, value, message.New("lost-localhost-profiles"), api.LevelBaseline)
	} else {
		f.recordRefusal(field, value, message.New("lost-seccomp-demand"), api.LevelBaseline)
	}
	f.recordRefusal(field, value, message.New("lost-localhost-profiles"), api.LevelRestricted)
}

// recordSeccompDefault records the seccomp profile that a PodSecurityPolicy sets in pods without one.
func (f *controlResult) recordSeccompDefault(r seccompRule, v api.Version) {
	const field = pspparse.SeccompDefaultAnnotation
	if !r.defaultApplies {
		return
	}
	lenient := levelsWithoutRestricted(v, 19)
	note := message.New("template-seccomp")
	loss := message.New("lost-seccomp-default")
	if r.defaultProfile == "unconfined" {
		note = message.New("template-seccomp-unconfined")
		loss = message.New("lost-seccomp-unconfined-default")
	}
	f.recordSuppliedValue(field, textValue(r.defaultProfile), loss, lenient...)
	f.requireInTemplate(field, "spec.securityContext.seccompProfile", podspec.SeccompProfile(r.defaultProfile), note)
}

// explain returns the explanation of what a policy's list of allowed seccomp profiles does to pods.
func (r seccompRule) explain() message.Message {
	switch {
	case r.forbidsAnyProfile():
		return message.New("field-seccomp-none")
	case r.wildcard:
		return message.New("field-seccomp-any")
	case r.listsUnconfined:
		return message.New("field-seccomp-unconfined")
	default:
		return message.New("field-seccomp-profiles")
	}
}

// seccompConstraints returns what a policy's annotations about seccomp demand of pods and write into them.
func seccompConstraints(p *pspparse.Policy) []Constraint {
	allowed, byDefault := p.SeccompProfiles()
	return []Constraint{profileConstraint(SeccompProfiles, allowed, byDefault)}
}

// profileConstraint returns what a policy's list of allowed profiles, nil for none, and its default profile, "" for none, demand of
// pods and write into them.
func profileConstraint(kind string, allowed *string, byDefault string) Profiles {
	c := Profiles{Kind: kind, Listed: allowed != nil, Default: byDefault}
	if c.Listed {
		c.Allowed = pspparse.SplitProfiles(*allowed)
	}
	switch runtimeDefault := []string{"runtime/default", "docker/default"}; {
	case kind == AppArmorProfiles:
		c.Any = !c.Listed
		c.Allowed = slices.DeleteFunc(c.Allowed, func(profile string) bool { return profile == "" })
	case !c.Listed:
		c.Allowed = []string{""}
	case slices.Contains(c.Allowed, "*"):
		c.Any, c.Allowed = true, nil
	case slices.ContainsFunc(runtimeDefault, c.Accepts):
		c.Allowed = append(c.Allowed, slices.DeleteFunc(runtimeDefault, c.Accepts)...)
	}
	return c
}
