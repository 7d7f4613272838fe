package cel

import (
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/psp2pss/psp2pss/migrate/mapping"
)

// Expressions are all that CEL says of the constraints of one policy, for whoever embeds it in something else than the documents of
// this package. They read object and Variables.
type Expressions struct {
	// Variables stand before all that use them, as variables.NAME.
	Variables []admissionregistrationv1.Variable
	// Accepts is true for a pod that the policy accepts and nobody writes into; AcceptsAsFilled for one that it accepts after it has
	// written into it.
	Accepts, AcceptsAsFilled string
	// WouldWrite is true for a pod into which the policy writes.
	WouldWrite string
	// Patches is a list of JSONPatch that writes what the policy writes; "" if it writes nothing.
	Patches string
	// Reasons and ReasonsAsFilled are strings, one for each constraint in its order: what is wrong with a pod that is not accepted; ''
	// where nothing is.
	Reasons, ReasonsAsFilled []string
}

// ExpressionsOf returns what CEL says of the constraints of one policy, for an API server v1.minor.
func ExpressionsOf(constraints []mapping.Constraint, minor int) Expressions {
	out := Expressions{Variables: append(podVariables(), variablesFor(constraints)...), Patches: strings.Join(patches(constraints, minor), " + ")}
	var accepted, filled, writes []string
	for _, c := range constraints {
		accepted = append(accepted, accepts(c, strict))
		filled = append(filled, accepts(c, asFilled))
		if w := wouldWrite(c); w != "" {
			writes = append(writes, w)
		}
		out.Reasons = append(out.Reasons, reason(c, strict))
		out.ReasonsAsFilled = append(out.ReasonsAsFilled, reason(c, asFilled))
	}
	out.Accepts, out.AcceptsAsFilled, out.WouldWrite = allOf(accepted...), allOf(filled...), anyOf(writes...)
	return out
}
