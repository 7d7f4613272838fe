package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
privilegedControl is about privileged containers, for which most isolation is off.

PSP field: spec.privileged (absent is false).
Check: privileged (baseline, from v1.0).

	baseline    false
	restricted  false

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func privilegedControl() pspControl {
	return pspControl{
		fields: []string{"privileged"},
		checks: []registeredCheck{{id: "privileged", level: api.LevelBaseline, revisions: minorVersions(0)}},
		assess: assessPrivileged, constraints: privilegedConstraints,
	}
}

// assessPrivileged compares spec.privileged of a PodSecurityPolicy with the standards.
func assessPrivileged(p *pspparse.Policy, _ api.Version) (f controlResult) {
	status := checkStatus{
		id: "privileged", fields: []string{"privileged"},
		status: StatusGuaranteed, note: message.New("privileged-refused"),
	}
	meaning := message.New("field-privileged-refused")
	if p.Spec.Privileged {
		status.status, status.note, status.nearestMiss = StatusNotEnsured, message.New("privileged-admitted"), message.New("miss-privileged")
		meaning = message.New("field-privileged-admitted")
	} else {
		f.recordRefusal("privileged", boolValue(false),
			message.New("lost-privileged"), api.LevelPrivileged)
	}
	f.checks = []checkStatus{status}
	f.explainStatedField(p, "privileged", boolValue(p.Spec.Privileged), meaning)
	return f
}

// privilegedConstraints returns what a policy's privileged field demands of pods.
func privilegedConstraints(p *pspparse.Policy) []Constraint {
	if p.Spec.Privileged {
		return nil
	}
	return []Constraint{PrivilegedContainers{}}
}
