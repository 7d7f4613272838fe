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
func seccomp() control {
	return control{
		fields: []string{pspparse.SeccompAllowedAnnotation, pspparse.SeccompDefaultAnnotation},
		checks: []check{
			{id: "seccompProfile_baseline", level: api.LevelBaseline, since: minors(0, 19)},
			{
				id: "seccompProfile_restricted", level: api.LevelRestricted, since: minors(19, 25),
				overrides: "seccompProfile_baseline",
			},
		},
		judge: judgeSeccomp,
	}
}

// seccompRule is what the two annotations come to.
type seccompRule struct {
	stated   bool   // the list is there
	list     string // as stated
	any      bool   // *
	good     bool   // some profile that the standards accept is in the list
	loose    bool   // unconfined is in the list, or *
	unset    bool   // a pod that ends up without a profile passes
	fallback string // filled in where the pod sets none
	filled   bool   // fallback is valid and the list admits it, so that admitted pods may carry it
}

func readSeccomp(p *pspparse.Policy) seccompRule {
	allowed, fallback := p.Seccomp()
	r := seccompRule{stated: allowed != nil, fallback: fallback}
	var profiles []string
	if allowed != nil {
		r.list, profiles = *allowed, pspparse.SplitProfiles(*allowed)
	}
	r.any = slices.Contains(profiles, "*")
	r.good = r.any || slices.ContainsFunc(profiles, goodSeccomp)
	r.loose = r.any || slices.Contains(profiles, "unconfined")
	// An empty entry admits the empty profile; API validation refuses it beside others, admission does not.
	r.unset = !r.stated || r.any || slices.Contains(profiles, "")
	admitted := r.any || slices.Contains(profiles, fallback) ||
		(runtimeSeccomp(fallback) && slices.ContainsFunc(profiles, runtimeSeccomp))
	r.filled = admitted && (goodSeccomp(fallback) || fallback == "unconfined")
	return r
}

func runtimeSeccomp(profile string) bool {
	return profile == "runtime/default" || profile == "docker/default"
}

// goodSeccomp says whether the standards accept the profile. The API server admits no pod with any other but unconfined.
func goodSeccomp(profile string) bool {
	name, local := strings.CutPrefix(profile, "localhost/")
	return runtimeSeccomp(profile) || (local && name != "")
}

// forbidsAll says whether no profile at all may be set, as where the list is absent.
func (r seccompRule) forbidsAll() bool {
	return !r.good && !r.loose
}

// plainPasses says whether a pod that sets no profile is admitted.
func (r seccompRule) plainPasses() bool {
	if r.fallback == "" {
		return r.unset
	}
	return r.filled
}

func judgeSeccomp(p *pspparse.Policy, v api.Version) (f finding) {
	r := readSeccomp(p)
	f.verdicts = []verdict{r.baseline(), r.restricted()}
	f.limitSeccomp(r)
	f.fillSeccomp(r, v)
	if r.forbidsAll() && !r.plainPasses() {
		f.never = r.never()
	}
	f.explainAlways(p, pspparse.SeccompAllowedAnnotation, r.list, r.meaning())
	f.explain(p, pspparse.SeccompDefaultAnnotation, r.fallback,
		"filled into pods that set no profile, as an annotation that the API server copies to the field up to v1.26")
	return f
}

func (r seccompRule) never() string {
	if r.fallback != "" && (!r.stated || r.list == "") {
		return "the seccomp default " + r.fallback + " is filled in and no seccomp profile may be set"
	}
	return "no pod can have a seccomp profile that the list has (" + r.list + ")"
}

func (r seccompRule) baseline() verdict {
	v := verdict{
		id: "seccompProfile_baseline", tier: profile, status: Guaranteed,
		fields: []string{pspparse.SeccompAllowedAnnotation},
	}
	switch {
	case r.loose && !r.good && (!r.unset || r.fallback != ""):
		v.status = Impossible
		v.note = "BLOCKER: change the policy first: unconfined is all that it admits"
	case r.loose:
		v.status, v.note = NotEnsured, "Unconfined is allowed (list "+r.list+"): verify that workloads do not use it"
		if r.filled && r.fallback == "unconfined" {
			v.fields = append(v.fields, pspparse.SeccompDefaultAnnotation)
			v.note += "; false red: the default unconfined makes plain pods violate baseline, whose templates are clean"
		}
	case r.forbidsAll():
		v.note = "no profile may be set, Unconfined included"
	default:
		v.note = "Unconfined is not in the list"
	}
	return v
}

func (r seccompRule) restricted() verdict {
	v := verdict{
		id: "seccompProfile_restricted", tier: profile,
		fields: []string{pspparse.SeccompAllowedAnnotation},
	}
	if r.fallback != "" {
		v.fields = append(v.fields, pspparse.SeccompDefaultAnnotation)
	}
	switch {
	case r.forbidsAll():
		v.status = Impossible
		v.note = "BLOCKER: change the policy first: it refuses every pod that sets a seccomp profile, and restricted demands one"
	case !r.good:
		v.status, v.note = Impossible, "BLOCKER: change the policy first: unconfined is the only profile that it admits"
	case r.loose || (r.plainPasses() && r.fallback == ""):
		v.status, v.note = NotEnsured, "pods may be unconfined or without a profile (list "+r.list+"): verify that workloads set RuntimeDefault"
	case r.plainPasses():
		v.status, v.note = ByMutation, "the policy fills in "+r.fallback+": templates must state the field themselves"
	default:
		v.status = Guaranteed
		v.note = "authors must set a listed profile at pod level; those who do so by annotation alone must move to the field"
	}
	return v
}

// limitSeccomp: only * lets through all that a level accepts, for any localhost profile passes even at restricted.
func (f *finding) limitSeccomp(r seccompRule) {
	const field = pspparse.SeccompAllowedAnnotation
	if r.any {
		return
	}
	value := orDefault(r.list, "none")
	f.refuse(field, value, "every seccomp profile becomes possible, and none; an admission policy can keep the list",
		api.LevelPrivileged)
	if r.forbidsAll() {
		f.refuse(field, value, "pods may set RuntimeDefault, which only hardens, or a localhost profile, which may be looser; "+
			"an admission policy can refuse localhost", api.LevelBaseline, api.LevelRestricted)
		return
	}
	if r.plainPasses() {
		f.refuse(field, value, "any localhost profile becomes possible; an admission policy can keep the list", api.LevelBaseline)
	} else {
		f.refuse(field, value, "pods without a profile, and any localhost profile, become possible; an admission policy can keep the list",
			api.LevelBaseline)
	}
	f.refuse(field, value, "any localhost profile becomes possible; an admission policy can keep the list", api.LevelRestricted)
}

func (f *finding) fillSeccomp(r seccompRule, v api.Version) {
	const field = pspparse.SeccompDefaultAnnotation
	if !r.filled {
		return
	}
	levels := []api.Level{api.LevelPrivileged, api.LevelBaseline}
	if !atLeast(v, 19) {
		levels = strictness()
	}
	note := "a field, on the pod or on every container: the API server no longer copies annotations; restricted asks for it"
	gone := "the profile is no longer filled in: containers run unconfined unless the kubelet has a default"
	if r.fallback == "unconfined" {
		note = "only where a program needs it, and privileged only: baseline refuses Unconfined"
		gone = "unconfined is no longer filled in: a kubelet with a default profile confines these containers"
	}
	f.supply(field, r.fallback, gone, levels...)
	f.fill(field, "spec.securityContext.seccompProfile", seccompField(r.fallback), note)
}

// seccompField is the field that says what the annotation said.
func seccompField(profile string) string {
	if name, local := strings.CutPrefix(profile, "localhost/"); local {
		return "type: Localhost, localhostProfile: " + name
	}
	if profile == "unconfined" {
		return "type: Unconfined"
	}
	return "type: RuntimeDefault"
}

func (r seccompRule) meaning() string {
	switch {
	case r.forbidsAll():
		return "no profile may be set, as where it is absent: hardened pods are refused, and no pod can meet restricted"
	case r.any:
		return "any profile may be set, or none; baseline refuses Unconfined"
	case r.loose:
		return "these profiles may be set, unconfined among them; baseline refuses it"
	default:
		return "pods must have one of these profiles; restricted asks for one, baseline only refuses Unconfined"
	}
}
