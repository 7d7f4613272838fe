package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Privileged containers switch most isolation off.

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
		assess: assessPrivileged,
	}
}

func assessPrivileged(p *pspparse.Policy, _ api.Version) (f controlResult) {
	v := checkStatus{
		id: "privileged", fields: []string{"privileged"},
		status: StatusGuaranteed, note: "privileged containers are refused",
	}
	meaning := "privileged containers are refused, as at baseline"
	if p.Spec.Privileged {
		v.status, v.note, v.nearestMiss = StatusNotEnsured, "privileged containers are admitted", "privileged containers"
		meaning = "privileged containers are admitted; only the privileged level does so"
	} else {
		f.recordRefusal("privileged", values("false"),
			"privileged containers become possible; an admission policy can go on refusing them", api.LevelPrivileged)
	}
	f.checks = []checkStatus{v}
	f.explainStatedField(p, "privileged", values(boolean(p.Spec.Privileged)), meaning)
	return f
}

func boolean(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
