package mapping

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Seccomp profiles.

PSP annotations: .../allowedProfileNames, a comma list without trimming or globbing; * is anything, unset included.
Absent means that no profile may be set. A list without * means that the pod itself must set one from it (setting it per
container is not enough), unless .../defaultProfileName fills one in. docker/default and runtime/default imply each other.
Checks: seccompProfile_baseline (baseline, from v1.0 on annotations, from v1.19 on fields); seccompProfile_restricted
(restricted, from v1.19, overrides it; Windows pods are let off from v1.25).

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
		assess: assessSeccomp,
	}
}

// seccompRule is what the two annotations come to.
type seccompRule struct {
	hasList         bool   // the list is there
	list            string // as stated
	wildcard        bool   // *
	listsAccepted   bool   // some profile that the standards accept is in the list
	listsUnconfined bool   // unconfined is in the list, or *
	admitsUnset     bool   // a pod that ends up without a profile passes
	defaultProfile  string // filled in where the pod sets none
	defaultApplies  bool   // fallback is valid and the list admits it, so that admitted pods may carry it
}

func seccompRuleOf(p *pspparse.Policy) seccompRule {
	allowed, fallback := p.SeccompProfiles()
	r := seccompRule{hasList: allowed != nil, defaultProfile: fallback}
	var profiles []string
	if allowed != nil {
		r.list, profiles = *allowed, pspparse.SplitProfiles(*allowed)
	}
	r.wildcard = slices.Contains(profiles, "*")
	r.listsAccepted = r.wildcard || slices.ContainsFunc(profiles, isAcceptedSeccompProfile)
	r.listsUnconfined = r.wildcard || slices.Contains(profiles, "unconfined")
	// An empty entry admits the empty profile; API validation refuses it beside others, admission does not.
	r.admitsUnset = !r.hasList || r.wildcard || slices.Contains(profiles, "")
	admitted := r.wildcard || slices.Contains(profiles, fallback) ||
		(isRuntimeDefaultSeccomp(fallback) && slices.ContainsFunc(profiles, isRuntimeDefaultSeccomp))
	r.defaultApplies = admitted && (isAcceptedSeccompProfile(fallback) || fallback == "unconfined")
	return r
}

func isRuntimeDefaultSeccomp(profile string) bool {
	return profile == "runtime/default" || profile == "docker/default"
}

// isAcceptedSeccompProfile says whether the standards accept the profile. The API server admits no pod with any other but unconfined.
func isAcceptedSeccompProfile(profile string) bool {
	name, local := strings.CutPrefix(profile, "localhost/")
	return isRuntimeDefaultSeccomp(profile) || (local && name != "")
}

// forbidsAnyProfile says whether no profile at all may be set, as where the list is absent.
func (r seccompRule) forbidsAnyProfile() bool {
	return !r.listsAccepted && !r.listsUnconfined
}

// admitsPodWithoutProfile says whether a pod that sets no profile is admitted.
func (r seccompRule) admitsPodWithoutProfile() bool {
	if r.defaultProfile == "" {
		return r.admitsUnset
	}
	return r.defaultApplies
}

func assessSeccomp(p *pspparse.Policy, v api.Version) (f controlResult) {
	r := seccompRuleOf(p)
	f.checks = []checkStatus{r.baselineStatus(), r.restrictedStatus()}
	f.compareSeccompList(r)
	f.recordSeccompDefault(r, v)
	if r.forbidsAnyProfile() && !r.admitsPodWithoutProfile() {
		f.admitsNothing = r.admitsNothing()
	}
	f.explainField(p, pspparse.SeccompAllowedAnnotation, profileListValue(r.list), r.explain())
	f.explainStatedField(p, pspparse.SeccompDefaultAnnotation, valueOrAbsent(r.defaultProfile),
		"filled into pods that set no profile, as an annotation that the API server copies to the field up to v1.26")
	return f
}

func (r seccompRule) admitsNothing() string {
	if r.defaultProfile != "" && (!r.hasList || r.list == "") {
		return "the seccomp default " + r.defaultProfile + " is filled in and no seccomp profile may be set"
	}
	return "no pod can have a seccomp profile that the list has (" + r.list + ")"
}

func (r seccompRule) baselineStatus() checkStatus {
	v := checkStatus{
		id: "seccompProfile_baseline", tier: profileTier, status: StatusGuaranteed,
		fields: []string{pspparse.SeccompAllowedAnnotation},
	}
	switch {
	case r.listsUnconfined && !r.listsAccepted && (!r.admitsUnset || r.defaultProfile != ""):
		v.status = StatusImpossible
		v.note = "BLOCKER: change the policy first: unconfined is all that it admits"
	case r.listsUnconfined:
		v.status, v.note = StatusNotEnsured, "Unconfined is allowed (list "+r.list+"): verify that workloads do not use it"
		if r.defaultApplies && r.defaultProfile == "unconfined" {
			v.fields = append(v.fields, pspparse.SeccompDefaultAnnotation)
			v.note += "; false red: the default unconfined makes plain pods violate baseline, whose templates are clean"
		}
	case r.forbidsAnyProfile():
		v.note = "no profile may be set, Unconfined included"
	default:
		v.note = "Unconfined is not in the list"
	}
	return v
}

func (r seccompRule) restrictedStatus() checkStatus {
	v := checkStatus{
		id: "seccompProfile_restricted", tier: profileTier,
		fields: []string{pspparse.SeccompAllowedAnnotation},
	}
	if r.defaultProfile != "" {
		v.fields = append(v.fields, pspparse.SeccompDefaultAnnotation)
	}
	switch {
	case r.forbidsAnyProfile():
		v.status = StatusImpossible
		v.note = "BLOCKER: change the policy first: it refuses every pod that sets a seccomp profile, and restricted demands one"
	case !r.listsAccepted:
		v.status, v.note = StatusImpossible, "BLOCKER: change the policy first: unconfined is the only profile that it admits"
	case r.listsUnconfined || (r.admitsPodWithoutProfile() && r.defaultProfile == ""):
		v.status, v.note = StatusNotEnsured, "pods may be unconfined or without a profile (list "+r.list+"): verify that workloads set RuntimeDefault"
	case r.admitsPodWithoutProfile():
		v.status, v.note = StatusByMutation, "the policy fills in "+r.defaultProfile+": templates must state the field themselves"
	default:
		v.status = StatusGuaranteed
		v.note = "authors must set a listed profile at pod level; those who do so by annotation alone must move to the field"
	}
	return v
}

// compareSeccompList: only * lets through all that a level accepts, for any localhost profile passes even at restricted.
func (f *controlResult) compareSeccompList(r seccompRule) {
	const field = pspparse.SeccompAllowedAnnotation
	if r.wildcard {
		return
	}
	value := profileListValue(r.list).orEmpty()
	f.recordRefusal(field, value, "every seccomp profile becomes possible, and none; an admission policy can keep the list",
		api.LevelPrivileged)
	if r.forbidsAnyProfile() {
		f.recordRefusal(field, value, "pods may set RuntimeDefault, which only hardens, or a localhost profile, which may be looser; "+
			"an admission policy can refuse localhost", api.LevelBaseline, api.LevelRestricted)
		return
	}
	if r.admitsPodWithoutProfile() {
		f.recordRefusal(field, value, "any localhost profile becomes possible; an admission policy can keep the list", api.LevelBaseline)
	} else {
		f.recordRefusal(field, value, "pods without a profile, and any localhost profile, become possible; an admission policy can keep the list",
			api.LevelBaseline)
	}
	f.recordRefusal(field, value, "any localhost profile becomes possible; an admission policy can keep the list", api.LevelRestricted)
}

func (f *controlResult) recordSeccompDefault(r seccompRule, v api.Version) {
	const field = pspparse.SeccompDefaultAnnotation
	if !r.defaultApplies {
		return
	}
	levels := []api.Level{api.LevelPrivileged, api.LevelBaseline}
	if !versionAtLeast(v, 19) {
		levels = levelsLooseToStrict()
	}
	note := "a field, on the pod or on every container: the API server no longer copies annotations; restricted asks for it"
	gone := "the profile is no longer filled in: containers run unconfined unless the kubelet has a default"
	if r.defaultProfile == "unconfined" {
		note = "only where a program needs it, and privileged only: baseline refuses Unconfined"
		gone = "unconfined is no longer filled in: a kubelet with a default profile confines these containers"
	}
	f.recordSuppliedValue(field, values(r.defaultProfile), gone, levels...)
	f.requireInTemplate(field, "spec.securityContext.seccompProfile", seccompProfileField(r.defaultProfile), note)
}

// seccompProfileField returns the field that says what the annotation said, as compact JSON.
func seccompProfileField(profile string) string {
	field := struct {
		Type             string `json:"type"`
		LocalhostProfile string `json:"localhostProfile,omitempty"`
	}{Type: "RuntimeDefault"}
	name, local := strings.CutPrefix(profile, "localhost/")
	switch {
	case local:
		field.Type, field.LocalhostProfile = "Localhost", name
	case profile == "unconfined":
		field.Type = "Unconfined"
	}
	return compactJSON(field)
}

func (r seccompRule) explain() string {
	switch {
	case r.forbidsAnyProfile():
		return "no profile may be set, as where it is absent: hardened pods are refused, and no pod can meet restricted"
	case r.wildcard:
		return "any profile may be set, or none; baseline refuses Unconfined"
	case r.listsUnconfined:
		return "these profiles may be set, unconfined among them; baseline refuses it"
	default:
		return "pods must have one of these profiles; restricted asks for one, baseline only refuses Unconfined"
	}
}
