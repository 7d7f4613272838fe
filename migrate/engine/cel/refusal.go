package cel

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxReasons is how many reasons a refusal gives.
	maxReasons = 3
	// maxReason is how many characters of a reason a refusal shows. Three of them, each character of four bytes, and the names of
	// policies and account stay below the 5 KiB beyond which the API server does not show a message.
	maxReason = 300
	// maxOtherText is what a refusal needs at most beside its reasons.
	maxOtherText = 10_000
	// maxShownName is how many bytes of a policy's name a refusal shows: all of a name that a policy can have.
	maxShownName = 253
)

// plainRefusal is what a refusal says where its reasons cannot be computed.
const plainRefusal = "no usable pod security policy accepts this pod"

// addRefusal adds the variable with the text that a refused pod gets, and returns the expression that reads it. It names the first
// policies and what of them the pod does not meet; of a policy that accepts the pod it says that nobody may use it, since the
// refusal would not be there otherwise. It does not ask the authorizer: a message must not.
func addRefusal(v *variables, all []*candidate, f form) string {
	perPolicy := 1
	if len(all) == 1 {
		perPolicy = maxReasons
	}
	ids := identifiers{}
	var whys []string
	for _, c := range all[:min(len(all), maxReasons)] {
		whys = append(whys, v.set("why_not_"+ids.of(c.policy.Name), c.whyNot(v, f, perPolicy)))
	}
	text := quote(plainRefusal+" (account ") + " + (variables.account == '' ? 'none' : variables.account) + '): ' +\n" +
		strings.Join(whys, " + '; ' +\n")
	switch more := len(all) - len(whys); more {
	case 0:
	case 1:
		text += " +\n'; nor does one more policy'"
	default:
		text += fmt.Sprintf(" +\n'; nor does one of %d more policies'", more)
	}
	return v.set("refusal", "("+text+").replace('\\n', ' ')")
}

// whyNot returns the expression for the text why a policy does not admit the pod.
func (c *candidate) whyNot(v *variables, f form, most int) string {
	name := cutName(c.policy.Name)
	notGranted := quote(name + ": accepts it, but neither the account nor the sender of the request may use it")
	if c.accepts == "" {
		return notGranted
	}
	reasons := reasonsOf(v, c, f)
	var writes []string
	for _, constraint := range c.constraints {
		if constraint.Writes() {
			writes = append(writes, constraint.Fields()[0])
		}
	}
	other := "it does not meet the policy"
	if f == asFilled && len(writes) > 0 {
		slices.Sort(writes)
		other = "neither the account nor the sender of the request may use it, or the pod lacks what it writes (" + strings.Join(slices.Compact(writes), ", ") + ")"
	}
	list := "[" + strings.Join(reasons, ",\n") + "].filter(r, r != '')"
	if len(reasons) == 0 {
		list = "[" + quote(other) + "]"
	}
	first := fmt.Sprintf("[%s].map(l, size(l) == 0 ? [%s] : size(l) > %d ? [%s] : l)[0]", list, quote(other), most, elements(most))
	cut := fmt.Sprintf(".map(r, size(r) > %d ? r.substring(0, %d) + '...' : r).join(', ')", maxReason, maxReason)
	return c.accepts + " ? " + notGranted + " :\n" + quote(name+": ") + " + " + first + cut
}

// reasonsOf returns for each constraint of a policy by which it refuses pods the expression of the reason. Where they are too long
// for one expression, each is a variable; and one that is too long for that only names the field.
func reasonsOf(v *variables, c *candidate, f form) []string {
	var out []string
	size := 0
	for _, constraint := range c.constraints {
		if r := reason(constraint, f); r != "''" {
			out = append(out, r)
			size += utf8.RuneCountInString(r)
		}
	}
	if size <= maxExpressionSize-maxOtherText {
		return out
	}
	id := v.next("reason")
	out = nil
	for i, constraint := range c.constraints {
		r := reason(constraint, f)
		if r == "''" {
			continue
		}
		if utf8.RuneCountInString(r) > maxExpressionSize {
			r = "(" + accepts(constraint, f) + ") ? '' : " + quote(constraint.Fields()[0]+": does not accept it")
		}
		out = append(out, v.add("reason", fmt.Sprintf("%s_%d", id, i), r))
	}
	return out
}

// elements returns the first n elements of the list l.
func elements(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("l[%d]", i)
	}
	return strings.Join(out, ", ")
}

// cutName returns as much of a policy's name as a refusal shows.
func cutName(name string) string {
	if len(name) <= maxShownName {
		return name
	}
	return strings.ToValidUTF8(name[:maxShownName], "") + "..."
}
