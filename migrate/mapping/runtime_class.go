package mapping

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
runtimeClassControl is about runtime classes.

PSP field: spec.runtimeClass. Absent restricts nothing; an empty list of names forbids naming any class, * allows all;
the default is set where a pod names none. Check: none at any level.

https://kubernetes.io/docs/reference/access-authn-authz/psp-to-pod-security-standards/
*/
func runtimeClassControl() pspControl {
	return pspControl{fields: []string{"runtimeClass"}, assess: assessRuntimeClass, constraints: runtimeClassConstraints}
}

// assessRuntimeClass compares spec.runtimeClass of a PodSecurityPolicy with the standards.
func assessRuntimeClass(p *pspparse.Policy, _ api.Version) (f controlResult) {
	if p.Spec.RuntimeClass == nil {
		return f
	}
	allowed, byDefault := p.Spec.RuntimeClass.AllowedRuntimeClassNames, p.Spec.RuntimeClass.DefaultRuntimeClassName
	value := listValue(allowed).orEmpty()
	anyClass := slices.Contains(allowed, "*")
	if !anyClass {
		f.recordRefusal("runtimeClass", value, message.New("lost-runtime-classes"),
			levels.LooseToStrict()...)
	}
	meaning := message.New("field-runtime-classes")
	if len(allowed) == 0 {
		meaning = message.New("field-runtime-class-none")
	}
	if byDefault != nil {
		value.Default, value.Empty = *byDefault, false
		meaning = message.New("field-runtime-class-default")
	}
	switch {
	case byDefault == nil:
	case anyClass || slices.Contains(allowed, *byDefault):
		f.recordSuppliedValue("runtimeClass", textValue(*byDefault), message.New("lost-default-runtime-class"), levels.LooseToStrict()...)
		f.requireInTemplate("runtimeClass", "spec.runtimeClassName", *byDefault, message.New("template-no-level"))
	case len(allowed) == 0:
		f.admitsNothing = message.New("no-runtime-class-possible", "class", *byDefault)
	}
	f.explainField(p, "runtimeClass", value, meaning)
	return f
}

// runtimeClassConstraints returns what a policy's runtimeClass demands of pods and writes into them.
func runtimeClassConstraints(p *pspparse.Policy) []Constraint {
	s := p.Spec.RuntimeClass
	if s == nil {
		return nil
	}
	c := RuntimeClasses{Any: slices.Contains(s.AllowedRuntimeClassNames, "*"), Default: s.DefaultRuntimeClassName}
	if !c.Any {
		c.Names = s.AllowedRuntimeClassNames
	}
	return []Constraint{c}
}
