package cel

import (
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/mapping"
)

const (
	// maxShown is how many characters of a value of a pod a reason shows, and maxAllowed how many bytes of what a policy allows. The
	// API server takes no message of more than 5 KiB.
	maxShown   = 100
	maxAllowed = 200
)

// reason returns a CEL string for a pod that a policy does not accept by a constraint: the first thing that is wrong, where it is,
// and what is allowed, in the words of PSP's own refusals; empty exactly where accepts of the same form holds. It is one line of at
// most some hundred characters, asks no authorizer, and is never an error.
func reason(c mapping.Constraint, f form) string {
	var lists []string
	for _, k := range checksOf(c, f) {
		switch {
		case k.good == "true":
		case k.each == "":
			lists = append(lists, "("+k.good+" ? [] : ["+k.wrong+"])")
		default:
			lists = append(lists, k.each+".filter("+k.as+", !("+k.good+")).map("+k.as+", "+k.wrong+")")
		}
	}
	if len(lists) == 0 {
		return "''"
	}
	return "(" + strings.Join(lists, " + ") + " + [''])[0]"
}

// inContainer returns a CEL string: a text about the container c.
func inContainer(text string) string { return "'container ' + c.name + ': ' + " + text }

// shown returns a CEL string that shows a CEL string of a pod: quoted, on one line, and cut off where it is long.
func shown(value string) string {
	return fmt.Sprintf("strings.quote(%s.size() > %d ? %s.substring(0, %d) + '...' : %s)", value, maxShown, value, maxShown, value)
}

// allowedList returns the values that a policy allows, as a reason shows them: "none", or at least the first, and how many more.
func allowedList(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			if b.Len()+len(v) > maxAllowed {
				fmt.Fprintf(&b, " and %d more", len(values)-i)
				break
			}
			b.WriteString(", ")
		}
		if v == "" {
			v = `""`
		}
		b.WriteString(cutOff(v))
	}
	return b.String()
}

// cutOff returns a value of a policy, as a reason shows it: on one line, and cut off where it is long.
func cutOff(value string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, value))
	if len(runes) > maxShown {
		return string(runes[:maxShown]) + "..."
	}
	return string(runes)
}
