package psp

import (
	"fmt"
	"strconv"
	"strings"
)

// Refusal is one error of a PodSecurityPolicy, or of API validation, about a pod, with the field and in upstream's words.
type Refusal struct {
	// Policy is the name of the policy; empty for an error of API validation.
	Policy string
	// Field is upstream's path. Some paths name no field that a pod has, such as "spec.volumes[0].hostPath.pathPrefix".
	Field string
	// Type is RefusalInvalidValue or RefusalForbidden.
	Type RefusalType
	// Value is as a message shows it: strings are quoted. Empty for types that show none.
	Value string
	// Detail may be empty.
	Detail string
}

// RefusalType is the kind of a refusal's error, as the messages of API servers spell it.
type RefusalType string

// The types.
const (
	RefusalInvalidValue RefusalType = "Invalid value"
	RefusalForbidden    RefusalType = "Forbidden"
)

// String returns the refusal as the message of an API server shows it.
func (r Refusal) String() string {
	text := r.Field + ": " + string(r.Type)
	if r.Value != "" {
		text += ": " + r.Value
	}
	if r.Detail != "" {
		text += ": " + r.Detail
	}
	return text
}

// RefusalMessage returns the text that a user reads whose pod PSP admission refuses; "" if the pod is admitted. name is the
// pod's name, or its generateName. Upstream lists policies in random order; here they are sorted by name.
func (a *Admission) RefusalMessage(name string) string {
	switch {
	case a.Refused == "":
		return ""
	case a.NoPolicies:
		return forbiddenMessage(name, "no providers available to validate pod request")
	}
	texts := make([]string, len(a.Refusals))
	for i := range a.Refusals {
		texts[i] = a.Refusals[i].String()
	}
	return forbiddenMessage(name, fmt.Sprintf("unable to %s pod: [%s]", a.Refused, strings.Join(texts, " ")))
}

// forbiddenMessage returns the text of a request that PSP admission forbids, for a pod name and a reason.
func forbiddenMessage(name, why string) string {
	if name == "" {
		name = "Unknown"
	}
	return fmt.Sprintf("pods %q is forbidden: PodSecurityPolicy: %s", name, why)
}

// refusalLimitReached reports whether a PodSecurityPolicy has as many refusals as get a text; if so, it counts one more
// as omitted.
func (e *policyEvaluation) refusalLimitReached() bool {
	full := e.maxRefusals > 0 && len(e.refusals) >= e.maxRefusals
	if full {
		e.omittedRefusals++
	}
	return full
}

// addInvalidValue adds a PodSecurityPolicy's refusal of the value of a pod's field.
func (e *policyEvaluation) addInvalidValue(field, value, detail string) {
	if e.refusalLimitReached() {
		return
	}
	e.refusals = append(e.refusals, Refusal{Policy: e.policy.name, Field: field, Type: RefusalInvalidValue, Value: value, Detail: detail})
}

// addForbidden adds a PodSecurityPolicy's refusal of a pod's field, without showing the value.
func (e *policyEvaluation) addForbidden(field, detail string) {
	if e.refusalLimitReached() {
		return
	}
	e.refusals = append(e.refusals, Refusal{Policy: e.policy.name, Field: field, Type: RefusalForbidden, Detail: detail})
}

// quotedValue returns a string as refusals of PSP admission show it.
func quotedValue(s string) string { return strconv.Quote(s) }

// numberValue returns a number as refusals of PSP admission show it.
func numberValue[T int32 | int64](n T) string { return strconv.FormatInt(int64(n), 10) }

// booleanValue returns a boolean as refusals of PSP admission show it.
func booleanValue(b bool) string { return strconv.FormatBool(b) }
