package mapping

import (
	"strconv"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Running as root.

PSP field: spec.runAsUser. MustRunAsNonRoot refuses uid 0 and fills in runAsNonRoot: true where nothing is stated;
MustRunAs forces the effective uid into ranges and fills in the first one's min; RunAsAny lets authors choose.
Checks: runAsNonRoot (restricted, from v1.0), runAsUser (restricted, from v1.23); both let pods with their own user
namespace (hostUsers: false) off from v1.35.

	baseline    anything
	restricted  runAsNonRoot: true stated for every container, false nowhere; runAsUser: 0 nowhere

A policy ensures the effect at best, never the field: it accepts a non-zero uid in place of runAsNonRoot: true, and it
judges effective values where the standard judges every setting.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
*/
func runAsUser() control {
	return control{
		fields: []string{"runAsUser"},
		checks: []check{
			{id: "runAsNonRoot", level: api.LevelRestricted, since: minors(0, 35)},
			{id: "runAsUser", level: api.LevelRestricted, since: minors(23, 35)},
		},
		judge: judgeRunAsUser,
	}
}

func judgeRunAsUser(p *pspparse.Policy, v api.Version) (f finding) {
	s := p.Spec.RunAsUser
	f.verdicts = []verdict{runAsNonRootVerdict(s), runAsUserVerdict(s)}
	f.limitUsers(s, v)
	switch id, ok := filledID(s); {
	case s.Rule == pspparse.MustRunAsNonRoot:
		f.fill("runAsUser", "containers[*].securityContext.runAsNonRoot", "true",
			"also where a uid is set and the policy fills nothing in; restricted asks for it")
	case ok:
		f.supply("runAsUser", strconv.FormatInt(id, 10),
			"the uid is no longer filled in: the image's user takes over, often root", strictness()...)
		f.fill("runAsUser", "containers[*].securityContext.runAsUser", strconv.FormatInt(id, 10), uidNote(id))
	}
	if noID(s) {
		f.never = "no uid is in the ranges of runAsUser (" + spanList(idSpans(s.Ranges)) + ")"
	}
	f.explainAlways(p, "runAsUser", ruleValue(s), userMeaning(s))
	return f
}

// neverRoot says whether every container that the policy admits runs as another user than root.
func neverRoot(s pspparse.IDStrategy) bool {
	switch s.Rule {
	case pspparse.MustRunAsNonRoot:
		return true
	case pspparse.MustRunAs:
		return len(s.Ranges) > 0 && !holds(idSpans(s.Ranges), 0)
	default:
		return false
	}
}

// alwaysRoot says whether root is the only user that the policy admits.
func alwaysRoot(s pspparse.IDStrategy) bool {
	spans := within(idSpans(s.Ranges), 0, maxID)
	return s.Rule == pspparse.MustRunAs && len(spans) == 1 && spans[0] == span{0, 0}
}

func runAsNonRootVerdict(s pspparse.IDStrategy) verdict {
	v := verdict{id: "runAsNonRoot", fields: []string{"runAsUser"}}
	if neverRoot(s) {
		v.status = InEffect
		v.note = "root is refused, but the field is not always there: set runAsNonRoot: true in every template"
		return v
	}
	v.status, v.miss = NotEnsured, rootMiss(s)
	v.note = "root is admitted (" + ruleValue(s) + "): verify that workloads set runAsNonRoot: true"
	return v
}

func runAsUserVerdict(s pspparse.IDStrategy) verdict {
	v := verdict{id: "runAsUser", fields: []string{"runAsUser"}, status: NotEnsured, miss: rootMiss(s)}
	switch {
	case neverRoot(s):
		v.status, v.miss = InEffect, ""
		v.note = "no container runs as root, but a pod-level runAsUser: 0 that all containers override is admitted"
	case alwaysRoot(s):
		v.status = Impossible
		v.note = "BLOCKER: change the policy first: it admits no uid but 0"
	default:
		v.note = "uid 0 is admitted (" + ruleValue(s) + "): verify that workloads do not use it"
	}
	return v
}

func rootMiss(s pspparse.IDStrategy) string {
	return "root users (runAsUser " + ruleValue(s) + ")"
}

// limitUsers: what the policy refuses depends on whether a level refuses root itself. Restricted does from v1.23; before,
// it accepts runAsUser: 0 beside runAsNonRoot: true, which the policy refuses and the kubelet never starts.
func (f *finding) limitUsers(s pspparse.IDStrategy, v api.Version) {
	value := ruleValue(s)
	spans := idSpans(s.Ranges)
	rootRefused := atLeast(v, 23)
	lenient := []api.Level{api.LevelPrivileged, api.LevelBaseline}
	if !rootRefused {
		lenient = strictness()
	}
	switch s.Rule {
	case pspparse.MustRunAsNonRoot:
		f.refuse("runAsUser", value,
			"containers may run as root; templates that set runAsNonRoot, or an admission policy, can prevent it", lenient...)
	case pspparse.MustRunAs:
		note := "uids outside the ranges become possible; an admission policy can keep the ranges"
		if neverRoot(s) {
			note = "uids outside the ranges, root among them, become possible; an admission policy can keep the ranges"
		}
		if !whole(spans, 0, maxID) {
			f.refuse("runAsUser", value, note, lenient...)
		}
		if rootRefused && !whole(spans, 1, maxID) && !whole(spans, 0, maxID) {
			f.refuse("runAsUser", value,
				"uids outside the ranges become possible; an admission policy can keep the ranges", api.LevelRestricted)
		}
	}
	if neverRoot(s) && atLeast(v, 35) {
		f.drift("runAsUser", value, "pods with hostUsers: false may run as root inside their own user namespace from v1.35",
			api.LevelRestricted)
	}
}

func uidNote(id int64) string {
	if id == 0 {
		return "restricted refuses uid 0"
	}
	return "at pod level it does the same where no container sets its own; restricted asks for runAsNonRoot: true besides"
}

func userMeaning(s pspparse.IDStrategy) string {
	switch {
	case s.Rule == pspparse.RunAsAny:
		return "any user is admitted, root included, as at baseline; restricted refuses root"
	case s.Rule == pspparse.MustRunAsNonRoot:
		return "root is refused and runAsNonRoot filled in where nothing is stated; restricted asks for the field itself"
	case neverRoot(s):
		return "uids must be in the ranges, which leave out root, and the first is filled in; no level knows uid ranges"
	default:
		return "uids must be in the ranges and the first is filled in; no level knows uid ranges"
	}
}
