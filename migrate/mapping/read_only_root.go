package mapping

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
readOnlyRootControl is about a read-only root file system.

PSP field: spec.readOnlyRootFilesystem; true refuses false and sets true. Check: none; it is part of no level, not
even restricted.

https://kubernetes.io/docs/reference/access-authn-authz/psp-to-pod-security-standards/
*/
func readOnlyRootControl() pspControl {
	return pspControl{fields: []string{"readOnlyRootFilesystem"}, assess: assessReadOnlyRoot, constraints: readOnlyRootConstraints}
}

// assessReadOnlyRoot compares spec.readOnlyRootFilesystem of a PodSecurityPolicy with the standards.
func assessReadOnlyRoot(p *pspparse.Policy, _ api.Version) (f controlResult) {
	meaning := message.New("field-read-only-root-open")
	if p.Spec.ReadOnlyRootFilesystem {
		meaning = message.New("field-read-only-root")
		f.recordRefusal("readOnlyRootFilesystem", boolValue(true), message.New("lost-read-only-root"), levels.LooseToStrict()...)
		f.requireInTemplate("readOnlyRootFilesystem", "containers[*].securityContext.readOnlyRootFilesystem", true,
			message.New("template-no-level"))
	}
	f.explainStatedField(p, "readOnlyRootFilesystem", boolValue(p.Spec.ReadOnlyRootFilesystem), meaning)
	return f
}

// readOnlyRootConstraints returns what a policy's readOnlyRootFilesystem demands of pods and writes into them.
func readOnlyRootConstraints(p *pspparse.Policy) []Constraint {
	if !p.Spec.ReadOnlyRootFilesystem {
		return nil
	}
	return []Constraint{ReadOnlyRootFilesystem{}}
}
