package psp

import (
	"fmt"
	"strconv"
	"strings"
)

// Refusal is one error that a policy has with a pod, in the words of PSP admission.
type Refusal struct {
	// Policy is empty for an error of API validation.
	Policy string
	// Field is upstream's path. Some paths name no field that a pod has, as "spec.volumes[0].hostPath.pathPrefix".
	Field string
	// Type is InvalidValue or Forbidden.
	Type RefusalType
	// Value as a message shows it: strings are quoted. Empty for types that show none.
	Value string
	// Detail may be empty.
	Detail string
}

// RefusalType is the kind of an error, as messages spell it.
type RefusalType string

// The types.
const (
	RefusalInvalidValue RefusalType = "Invalid value"
	RefusalForbidden    RefusalType = "Forbidden"
)

// String is the error as a message tells it.
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

// RefusalMessage is what a user reads whose request for a pod of that name (generateName, if it has none) was refused by a pass;
// "" if it was not. Upstream tells policies in random order; here they come by name.
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

func forbiddenMessage(name, why string) string {
	if name == "" {
		name = "Unknown"
	}
	return fmt.Sprintf("pods %q is forbidden: PodSecurityPolicy: %s", name, why)
}

// refusalLimitReached is true where no more refusals are to be worded; this one is counted then.
func (t *evaluation) refusalLimitReached() bool {
	full := t.maxRefusals > 0 && len(t.refusals) >= t.maxRefusals
	if full {
		t.omittedRefusals++
	}
	return full
}

// addInvalidValue adds an error with a value.
func (t *evaluation) addInvalidValue(field, value, detail string) {
	if t.refusalLimitReached() {
		return
	}
	t.refusals = append(t.refusals, Refusal{Policy: t.policy.name, Field: field, Type: RefusalInvalidValue, Value: value, Detail: detail})
}

// addForbidden adds an error without one.
func (t *evaluation) addForbidden(field, detail string) {
	if t.refusalLimitReached() {
		return
	}
	t.refusals = append(t.refusals, Refusal{Policy: t.policy.name, Field: field, Type: RefusalForbidden, Detail: detail})
}

// quotedValue, number and boolean are values as messages show them.
func quotedValue(s string) string { return strconv.Quote(s) }

func numberValue[T int32 | int64](n T) string { return strconv.FormatInt(int64(n), 10) }

func booleanValue(b bool) string { return strconv.FormatBool(b) }
