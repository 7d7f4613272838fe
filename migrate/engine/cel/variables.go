package cel

import (
	"fmt"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// variables are the variables of one policy, in the order in which they need each other.
type variables struct {
	list  []admissionregistrationv1.Variable
	named map[string]string // the variable of a kind and an expression
	// policies is how many have variables of their own for each constraint.
	policies int
}

// newVariables returns the variables that all policies for pods have.
func newVariables() *variables {
	return &variables{list: podVariables(), named: map[string]string{}}
}

// add adds a variable of a kind (accepts, may_use) for a policy, and returns the expression that reads it. One of the kind with an
// equal expression is read instead of a second one.
func (v *variables) add(kind, id, expression string) string {
	key := kind + "\x00" + expression
	if have, ok := v.named[key]; ok {
		return have
	}
	v.named[key] = v.set(kind+"_"+id, expression)
	return v.named[key]
}

// set adds a variable of a name that nothing else has, and returns the expression that reads it.
func (v *variables) set(name, expression string) string {
	v.list = append(v.list, admissionregistrationv1.Variable{Name: name, Expression: expression})
	return "variables." + name
}

// next returns an identifier for the variables of a kind of one more policy.
func (v *variables) next(kind string) string {
	v.policies++
	return fmt.Sprintf("%s_%d", kind, v.policies)
}

// all returns the expression that is true where all of the parts are, "" for none.
func all(parts []string) string { return joined(parts, " &&\n") }

// one returns the expression that is true where one of the parts is, "" for none.
func one(parts []string) string { return joined(parts, " ||\n") }

// joined returns expressions with an operator between them, each but a single one and plain variables in brackets.
func joined(parts []string, operator string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	out := make([]string, len(parts))
	for i, p := range parts {
		if !strings.HasPrefix(p, "variables.") || strings.ContainsAny(p, " (!?") {
			p = "(" + p + ")"
		}
		out[i] = p
	}
	return strings.Join(out, operator)
}
