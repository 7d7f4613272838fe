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
func appArmor() control {
	return control{
		fields: []string{pspparse.AppArmorAllowedAnnotation, pspparse.AppArmorDefaultAnnotation},
		checks: []check{{id: "appArmorProfile", level: api.LevelBaseline, since: minors(0)}},
		judge:  judgeAppArmor,
	}
}

// goodAppArmor says whether baseline accepts the profile. The API server admits no pod with any other but unconfined.
func goodAppArmor(profile string) bool {
	return profile == "runtime/default" || strings.HasPrefix(profile, "localhost/")
}

func judgeAppArmor(p *pspparse.Policy, _ api.Version) (f finding) {
	allowed, fallback := p.AppArmor()
	var list string
	var profiles []string
	stated := allowed != nil
	if stated {
		list, profiles = *allowed, pspparse.SplitProfiles(*allowed)
	}
	good := slices.ContainsFunc(profiles, goodAppArmor)
	loose := slices.Contains(profiles, "unconfined")
	filled := (goodAppArmor(fallback) || fallback == "unconfined") && (!stated || slices.Contains(profiles, fallback))

	v := appArmorVerdict(list, stated, good, loose)
	if filled && fallback == "unconfined" && v.status == NotEnsured {
		v.fields = append(v.fields, pspparse.AppArmorDefaultAnnotation)
		v.note += "; false red: the default unconfined makes plain pods violate baseline, whose templates are clean"
	}
	f.verdicts = []verdict{v}
	if stated {
		f.refuse(pspparse.AppArmorAllowedAnnotation, orDefault(list, "none"),
			"containers need no AppArmor profile any more and may have others; an admission policy can keep the list",
			strictness()...)
	}
	if filled {
		f.supply(pspparse.AppArmorDefaultAnnotation, fallback,
			"the profile is no longer filled in: containers get the runtime's own where AppArmor is on", strictness()...)
		f.fill(pspparse.AppArmorDefaultAnnotation,
			"metadata.annotations[container.apparmor.security.beta.kubernetes.io/<container>]", fallback,
			"one per container; from v1.30 the field securityContext.appArmorProfile takes its place")
	}
	if stated && !good && !loose {
		f.never = "an AppArmor profile is mandatory and the list has none that a container can have (" + orDefault(list, "empty") + ")"
	}
	f.explainAlways(p, pspparse.AppArmorAllowedAnnotation, list, appArmorMeaning(stated, loose))
	f.explain(p, pspparse.AppArmorDefaultAnnotation, fallback, "filled into every container that names no profile")
	return f
}

func appArmorVerdict(list string, stated, good, loose bool) verdict {
	v := verdict{
		id: "appArmorProfile", tier: profile, status: Guaranteed,
		fields: []string{pspparse.AppArmorAllowedAnnotation},
		note:   "every container must have a profile that baseline accepts",
	}
	switch {
	case !stated:
		v.status = NotEnsured
		v.note = "without the annotation any profile may be set, unconfined included: verify that workloads set none"
	case loose && !good:
		v.status, v.note = Impossible, "BLOCKER: change the policy first: it admits no profile but unconfined"
	case loose:
		v.status, v.note = NotEnsured, "unconfined is in the list ("+list+"): verify that workloads do not use it"
	}
	return v
}

func appArmorMeaning(stated, loose bool) string {
	switch {
	case !stated:
		return "absent, so any profile may be set, unconfined included, which is looser than baseline"
	case loose:
		return "every container must have one of these profiles, unconfined among them; baseline refuses it"
	default:
		return "every container must have one of these profiles; baseline accepts them and also none"
	}
}
