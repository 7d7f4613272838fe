package mapping

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Runtime classes.

PSP field: spec.runtimeClass. Absent restricts nothing; an empty list of names forbids naming any class, * allows all;
the default is filled in where a pod names none. Check: none at any level.

https://kubernetes.io/docs/reference/access-authn-authz/psp-to-pod-security-standards/
*/
func runtimeClassControl() pspControl {
	return pspControl{fields: []string{"runtimeClass"}, assess: assessRuntimeClass}
}

func assessRuntimeClass(p *pspparse.Policy, _ api.Version) (f controlResult) {
	if p.Spec.RuntimeClass == nil {
		return f
	}
	allowed, filled := p.Spec.RuntimeClass.AllowedRuntimeClassNames, p.Spec.RuntimeClass.DefaultRuntimeClassName
	value := values(allowed...).orEmpty()
	anyClass := slices.Contains(allowed, "*")
	if !anyClass {
		f.recordRefusal("runtimeClass", value, "pods may name any runtime class; an admission policy can keep the list",
			levelsLooseToStrict()...)
	}
	meaning := "pods may name these runtime classes only; no level looks at them"
	if filled != nil {
		value = Value{Values: allowed, Default: *filled}
		meaning = "pods may name these runtime classes only and get the default where they name none; no level looks at them"
	}
	switch {
	case filled == nil:
	case anyClass || slices.Contains(allowed, *filled):
		f.recordSuppliedValue("runtimeClass", values(*filled), "the class is no longer filled in: pods move to the plain runtime, "+
			"out of a sandbox if the class is one", levelsLooseToStrict()...)
		f.requireInTemplate("runtimeClass", "spec.runtimeClassName", compactJSON(*filled), "no level looks at it")
	case len(allowed) == 0:
		f.admitsNothing = "runtimeClass fills in " + *filled + " and allows no class to be named"
	}
	f.explainField(p, "runtimeClass", value, meaning)
	return f
}
