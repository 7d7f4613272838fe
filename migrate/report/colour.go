package report

import (
	"regexp"
	"strings"

	"k8s.io/pod-security-admission/api"
)

// The colours of a report. They repeat what a word says already, so that nothing is lost without them. Red is what refuses
// or breaks, and nothing else. Yellow is what needs a look: the level privileged, which holds nothing back, and what
// is unknown. Green is an outcome that asks for nothing more. The levels baseline and restricted have no colour:
// whether they are good news depends on what they refuse.
const (
	colourRed    = "\x1b[31m"
	colourGreen  = "\x1b[32m"
	colourYellow = "\x1b[33m"
	bold         = "\x1b[1m"
	plain        = "\x1b[0m"
)

// statusColours returns the outcomes that a report has a colour for. No outcome is the beginning of a later one.
func statusColours() []struct{ status, colour string } {
	return []struct{ status, colour string }{
		{"not ok", colourRed},
		{"FAIL", colourRed},
		{"violates", colourRed},
		{"would violate", colourRed},
		{"refused", colourRed},
		{"would break", colourRed},
		{"unknown", colourYellow},
		{"UNKNOWN", colourYellow},
		{"altered", colourYellow},
		{"not-reverted", colourRed},
		{"done", colourGreen},
		{"already", colourGreen},
		{"undone", colourGreen},
		{"ok", colourGreen},
		{"PASS", colourGreen},
	}
}

// colourByRole colours what a value of a report begins with, if its role has a colour for that. The value is one cell
// or text, folded or not: only its first line can be coloured.
func colourByRole(text string, role Role) string {
	switch role {
	case RoleLevel:
		return colourLevel(text)
	case RoleStatus:
		return colourStatus(text)
	case RoleStep:
		number := stepNumber.FindString(text)
		return number + colourStatus(text[len(number):])
	}
	return text
}

// stepNumber matches the number that a step of a report begins with.
var stepNumber = regexp.MustCompile(`^ *\d+/\d+ `)

// colourLevel colours the level privileged in a table cell of a report, with the mark before it; a version or a remark
// may follow the level.
func colourLevel(cell string) string {
	start := 0
	if len(cell) > 2 && cell[1] == ' ' {
		start = 2
	}
	end := len(cell)
	if i := strings.IndexAny(cell[start:], ":, \n"); i >= 0 {
		end = start + i
	}
	if api.Level(cell[start:end]) != api.LevelPrivileged {
		return cell
	}
	return colourYellow + cell[:end] + plain + cell[end:]
}

// colourStatus colours the outcome that a text of a report begins with; a text that begins with none has no colour.
func colourStatus(text string) string {
	for _, c := range statusColours() {
		rest, ok := strings.CutPrefix(text, c.status)
		if ok && (rest == "" || strings.Contains(" :,\n", rest[:1])) {
			return c.colour + c.status + plain + rest
		}
	}
	return text
}
