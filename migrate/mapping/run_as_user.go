package mapping

import (
	"strconv"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
runAsUserControl is about running as root.

PSP field: spec.runAsUser. MustRunAsNonRoot refuses uid 0 and sets runAsNonRoot: true where nothing is stated;
MustRunAs keeps the effective uid in ranges and sets the first one's minimum; RunAsAny lets authors choose.
Checks: runAsNonRoot (restricted, from v1.0), runAsUser (restricted, from v1.23); from v1.35 both do not apply to pods with
their own user namespace (hostUsers: false).

	baseline    anything
	restricted  runAsNonRoot: true stated for every container, false nowhere; runAsUser: 0 nowhere

A policy ensures the effect at best, never the field: it accepts a non-zero uid in place of runAsNonRoot: true, and it
looks at effective values where the standard looks at every setting.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
*/
func runAsUserControl() pspControl {
	return pspControl{
		fields: []string{"runAsUser"},
		checks: []registeredCheck{
			{id: "runAsNonRoot", level: api.LevelRestricted, revisions: minorVersions(0, 35)},
			{id: "runAsUser", level: api.LevelRestricted, revisions: minorVersions(23, 35)},
		},
		assess: assessRunAsUser, constraints: userConstraints,
	}
}

// assessRunAsUser compares spec.runAsUser of a PodSecurityPolicy with the standards.
func assessRunAsUser(p *pspparse.Policy, v api.Version) (f controlResult) {
	s := p.Spec.RunAsUser
	f.checks = []checkStatus{runAsNonRootStatus(s), runAsUserStatus(s)}
	f.compareUserRanges(s, v)
	switch id, ok := defaultedID(s); {
	case s.Rule == pspparse.MustRunAsNonRoot:
		f.requireInTemplate("runAsUser", "containers[*].securityContext.runAsNonRoot", true,
			message.New("template-non-root"))
	case ok:
		f.recordSuppliedValue("runAsUser", textValue(strconv.FormatInt(id, 10)), message.New("lost-user"), levels.LooseToStrict()...)
		f.requireInTemplate("runAsUser", "containers[*].securityContext.runAsUser", id, defaultedUIDNote(id))
	}
	if admitsNoID(s) {
		f.admitsNothing = message.New("no-user-possible", "ranges", strategyValue(s).entries())
	}
	f.explainField(p, "runAsUser", strategyValue(s), explainUserStrategy(s))
	return f
}

// refusesRoot reports whether every container that a policy's runAsUser strategy admits runs as another user than root.
func refusesRoot(s pspparse.IDStrategy) bool {
	switch s.Rule {
	case pspparse.MustRunAsNonRoot:
		return true
	case pspparse.MustRunAs:
		return len(s.Ranges) > 0 && !containsNumber(s.Ranges, 0)
	default:
		return false
	}
}

// admitsOnlyRoot reports whether root is the only user that a policy's runAsUser strategy admits.
func admitsOnlyRoot(s pspparse.IDStrategy) bool {
	ranges := clipRanges(s.Ranges, 0, maxID)
	return s.Rule == pspparse.MustRunAs && len(ranges) == 1 && ranges[0] == (pspparse.IDRange{})
}

// runAsNonRootStatus returns the status of the check runAsNonRoot for a policy's runAsUser strategy.
func runAsNonRootStatus(s pspparse.IDStrategy) checkStatus {
	status := checkStatus{id: "runAsNonRoot", fields: []string{"runAsUser"}}
	if refusesRoot(s) {
		status.status = StatusInEffect
		status.note = message.New("root-refused")
		return status
	}
	status.status, status.nearestMiss = StatusNotEnsured, rootNearestMiss(s)
	status.note = message.New("root-admitted", "rule", s.Rule, "ranges", strategyValue(s).entries())
	return status
}

// runAsUserStatus returns the status of the check runAsUser for a policy's runAsUser strategy.
func runAsUserStatus(s pspparse.IDStrategy) checkStatus {
	status := checkStatus{id: "runAsUser", fields: []string{"runAsUser"}, status: StatusNotEnsured, nearestMiss: rootNearestMiss(s)}
	switch {
	case refusesRoot(s):
		status.status, status.nearestMiss = StatusInEffect, message.Message{}
		status.note = message.New("root-refused-in-containers")
	case admitsOnlyRoot(s):
		status.status = StatusImpossible
		status.note = message.New("root-only-admitted")
	default:
		status.note = message.New("root-uid-admitted", "rule", s.Rule, "ranges", strategyValue(s).entries())
	}
	return status
}

// rootNearestMiss returns the root users that a policy's runAsUser strategy admits, for NearestMiss.
func rootNearestMiss(s pspparse.IDStrategy) message.Message {
	return message.New("miss-root", "rule", s.Rule, "ranges", strategyValue(s).entries())
}

// compareUserRanges records the users that a PodSecurityPolicy refuses and the levels accept. That depends on whether a
// level refuses root itself. Restricted does from v1.23; before, it accepts runAsUser: 0 beside runAsNonRoot: true,
// which the policy refuses and the kubelet never starts.
func (f *controlResult) compareUserRanges(s pspparse.IDStrategy, v api.Version) {
	value := strategyValue(s)
	ranges := s.Ranges
	restrictedRefusesRoot := versionAtLeast(v, 23)
	lenient := levelsWithoutRestricted(v, 23)
	switch s.Rule {
	case pspparse.MustRunAsNonRoot:
		f.recordRefusal("runAsUser", value,
			message.New("lost-non-root"), lenient...)
	case pspparse.MustRunAs:
		if !coversWhole(ranges, 0, maxID) {
			f.recordRefusal("runAsUser", value, message.New("lost-user-ranges", "root", refusesRoot(s)), lenient...)
		}
		if restrictedRefusesRoot && !coversWhole(ranges, 1, maxID) && !coversWhole(ranges, 0, maxID) {
			f.recordRefusal("runAsUser", value, message.New("lost-user-ranges"), api.LevelRestricted)
		}
	}
	if refusesRoot(s) && versionAtLeast(v, 35) {
		f.recordDrift("runAsUser", value, message.New("drift-user-namespace-root"),
			api.LevelRestricted)
	}
}

// defaultedUIDNote returns the note on a uid that templates have to state once a policy no longer sets it.
func defaultedUIDNote(id int64) message.Message {
	if id == 0 {
		return message.New("template-root")
	}
	return message.New("template-user")
}

// explainUserStrategy returns the explanation of what a policy's runAsUser strategy does to pods.
func explainUserStrategy(s pspparse.IDStrategy) message.Message {
	switch {
	case s.Rule == pspparse.RunAsAny:
		return message.New("field-user-any")
	case s.Rule == pspparse.MustRunAsNonRoot:
		return message.New("field-user-non-root")
	case refusesRoot(s):
		return message.New("field-user-ranges", "withoutRoot", true)
	default:
		return message.New("field-user-ranges")
	}
}

// userConstraints returns what a policy's runAsUser strategy demands of pods and writes into them.
func userConstraints(p *pspparse.Policy) []Constraint {
	if p.Spec.RunAsUser.Rule == pspparse.MustRunAsNonRoot {
		return []Constraint{NonRootUser{}}
	}
	return idConstraints(RunAsUserField, p.Spec.RunAsUser)
}

// idConstraints returns what a policy's strategy for user or group IDs demands of a field of pods and writes into it.
func idConstraints(field string, s pspparse.IDStrategy) []Constraint {
	if s.Rule != pspparse.MustRunAs && s.Rule != pspparse.MayRunAs || len(s.Ranges) == 0 {
		return nil
	}
	return []Constraint{IDRanges{Field: field, Ranges: s.Ranges, Optional: s.Rule == pspparse.MayRunAs, Default: s.Ranges[0].Min}}
}
