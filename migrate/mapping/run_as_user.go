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
func runAsUserControl() pspControl {
	return pspControl{
		fields: []string{"runAsUser"},
		checks: []registeredCheck{
			{id: "runAsNonRoot", level: api.LevelRestricted, revisions: minorVersions(0, 35)},
			{id: "runAsUser", level: api.LevelRestricted, revisions: minorVersions(23, 35)},
		},
		assess: assessRunAsUser,
	}
}

func assessRunAsUser(p *pspparse.Policy, v api.Version) (f controlResult) {
	s := p.Spec.RunAsUser
	f.checks = []checkStatus{runAsNonRootStatus(s), runAsUserStatus(s)}
	f.compareUserRanges(s, v)
	switch id, ok := defaultedID(s); {
	case s.Rule == pspparse.MustRunAsNonRoot:
		f.requireInTemplate("runAsUser", "containers[*].securityContext.runAsNonRoot", "true",
			"also where a uid is set and the policy fills nothing in; restricted asks for it")
	case ok:
		f.recordSuppliedValue("runAsUser", values(strconv.FormatInt(id, 10)),
			"the uid is no longer filled in: the image's user takes over, often root", levelsLooseToStrict()...)
		f.requireInTemplate("runAsUser", "containers[*].securityContext.runAsUser", strconv.FormatInt(id, 10), defaultedUIDNote(id))
	}
	if admitsNoID(s) {
		f.admitsNothing = "no uid is in the ranges of runAsUser (" + formatIDRanges(s.Ranges) + ")"
	}
	f.explainField(p, "runAsUser", idStrategyValue(s), explainUserStrategy(s))
	return f
}

// refusesRoot says whether every container that the policy admits runs as another user than root.
func refusesRoot(s pspparse.IDStrategy) bool {
	switch s.Rule {
	case pspparse.MustRunAsNonRoot:
		return true
	case pspparse.MustRunAs:
		return len(s.Ranges) > 0 && !containsNumber(idRanges(s.Ranges), 0)
	default:
		return false
	}
}

// admitsOnlyRoot says whether root is the only user that the policy admits.
func admitsOnlyRoot(s pspparse.IDStrategy) bool {
	spans := clipRanges(idRanges(s.Ranges), 0, maxID)
	return s.Rule == pspparse.MustRunAs && len(spans) == 1 && spans[0] == numberRange{0, 0}
}

func runAsNonRootStatus(s pspparse.IDStrategy) checkStatus {
	v := checkStatus{id: "runAsNonRoot", fields: []string{"runAsUser"}}
	if refusesRoot(s) {
		v.status = StatusInEffect
		v.note = "root is refused, but the field is not always there: set runAsNonRoot: true in every template"
		return v
	}
	v.status, v.nearestMiss = StatusNotEnsured, rootNearestMiss(s)
	v.note = "root is admitted (" + formatIDStrategy(s) + "): verify that workloads set runAsNonRoot: true"
	return v
}

func runAsUserStatus(s pspparse.IDStrategy) checkStatus {
	v := checkStatus{id: "runAsUser", fields: []string{"runAsUser"}, status: StatusNotEnsured, nearestMiss: rootNearestMiss(s)}
	switch {
	case refusesRoot(s):
		v.status, v.nearestMiss = StatusInEffect, ""
		v.note = "no container runs as root, but a pod-level runAsUser: 0 that all containers override is admitted"
	case admitsOnlyRoot(s):
		v.status = StatusImpossible
		v.note = "BLOCKER: change the policy first: it admits no uid but 0"
	default:
		v.note = "uid 0 is admitted (" + formatIDStrategy(s) + "): verify that workloads do not use it"
	}
	return v
}

func rootNearestMiss(s pspparse.IDStrategy) string {
	return "root users (runAsUser " + formatIDStrategy(s) + ")"
}

// compareUserRanges: what the policy refuses depends on whether a level refuses root itself. Restricted does from v1.23; before,
// it accepts runAsUser: 0 beside runAsNonRoot: true, which the policy refuses and the kubelet never starts.
func (f *controlResult) compareUserRanges(s pspparse.IDStrategy, v api.Version) {
	value := idStrategyValue(s)
	spans := idRanges(s.Ranges)
	rootRefused := versionAtLeast(v, 23)
	lenient := []api.Level{api.LevelPrivileged, api.LevelBaseline}
	if !rootRefused {
		lenient = levelsLooseToStrict()
	}
	switch s.Rule {
	case pspparse.MustRunAsNonRoot:
		f.recordRefusal("runAsUser", value,
			"containers may run as root; templates that set runAsNonRoot, or an admission policy, can prevent it", lenient...)
	case pspparse.MustRunAs:
		note := "uids outside the ranges become possible; an admission policy can keep the ranges"
		if refusesRoot(s) {
			note = "uids outside the ranges, root among them, become possible; an admission policy can keep the ranges"
		}
		if !coversWhole(spans, 0, maxID) {
			f.recordRefusal("runAsUser", value, note, lenient...)
		}
		if rootRefused && !coversWhole(spans, 1, maxID) && !coversWhole(spans, 0, maxID) {
			f.recordRefusal("runAsUser", value,
				"uids outside the ranges become possible; an admission policy can keep the ranges", api.LevelRestricted)
		}
	}
	if refusesRoot(s) && versionAtLeast(v, 35) {
		f.recordDrift("runAsUser", value, "pods with hostUsers: false may run as root inside their own user namespace from v1.35",
			api.LevelRestricted)
	}
}

func defaultedUIDNote(id int64) string {
	if id == 0 {
		return "restricted refuses uid 0"
	}
	return "at pod level it does the same where no container sets its own; restricted asks for runAsNonRoot: true besides"
}

func explainUserStrategy(s pspparse.IDStrategy) string {
	switch {
	case s.Rule == pspparse.RunAsAny:
		return "any user is admitted, root included, as at baseline; restricted refuses root"
	case s.Rule == pspparse.MustRunAsNonRoot:
		return "root is refused and runAsNonRoot filled in where nothing is stated; restricted asks for the field itself"
	case refusesRoot(s):
		return "uids must be in the ranges, which leave out root, and the first is filled in; no level knows uid ranges"
	default:
		return "uids must be in the ranges and the first is filled in; no level knows uid ranges"
	}
}
