package cel

import (
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// namedExpression is an expression of an object, and what it is called where something is wrong with it.
type namedExpression struct{ name, text string }

// expressionsOf returns the expressions of a policy for admission; none of another object.
func expressionsOf(object any) []namedExpression {
	var out []namedExpression
	add := func(text, name string, args ...any) {
		out = append(out, namedExpression{fmt.Sprintf(name, args...), text})
	}
	switch p := object.(type) {
	case *admissionregistrationv1.ValidatingAdmissionPolicy:
		for _, v := range p.Spec.Variables {
			add(v.Expression, "variable %s", v.Name)
		}
		for i, v := range p.Spec.Validations {
			add(v.Expression, "validation %d", i)
			add(v.MessageExpression, "message %d", i)
		}
		for _, a := range p.Spec.AuditAnnotations {
			add(a.ValueExpression, "audit annotation %s", a.Key)
		}
	case *admissionregistrationv1.MutatingAdmissionPolicy:
		for _, v := range p.Spec.Variables {
			add(v.Expression, "variable %s", v.Name)
		}
		for i, m := range p.Spec.Mutations {
			if m.JSONPatch != nil {
				add(m.JSONPatch.Expression, "mutation %d", i)
			}
		}
	}
	return out
}
