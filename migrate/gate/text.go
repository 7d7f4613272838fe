package gate

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/phrases"
)

// finding is a reason or an unknown, in the one order of both.
type finding struct {
	reason  *Reason
	unknown *Unknown
}

func (r *Result) findings() []finding {
	var out []finding
	for i := range r.Reasons {
		out = append(out, finding{reason: &r.Reasons[i]})
	}
	for i := range r.Unknown {
		out = append(out, finding{unknown: &r.Unknown[i]})
	}
	slices.SortStableFunc(out, func(a, b finding) int { return a.order() - b.order() })
	return out
}

func (s finding) order() int {
	if s.reason != nil {
		return s.reason.Order
	}
	return s.unknown.Order
}

// maxObjectsShown is how many objects are shown of a reason; the other formats have all of them.
const maxObjectsShown = 5

// WriteText writes the answer for people: the verdict, then every step in the order in which to take it.
func WriteText(w io.Writer, r *Result) error {
	var b bytes.Buffer
	line := func(format string, args ...any) { b.WriteString(escape.Terminal(fmt.Sprintf(format, args...)) + "\n") }
	line("%s", r.Summary())
	for i, s := range r.findings() {
		line("")
		if s.unknown != nil {
			u := s.unknown
			line("%d. COULD NOT TELL %s: %s", i+1, u.ID, u.Text)
			writeAdvice(line, u.Advice)
			writeCommandLines(line, u.Commands)
			if u.Assert != "" {
				line("   once you know: --assert=%s", u.Assert)
			}
			continue
		}
		line("%d. %s: %s", i+1, s.reason.ID, s.reason.Text)
		writeObjects(line, s.reason.Objects)
		writeAdvice(line, s.reason.Advice)
		if r.awaitsAssertion(s.reason) {
			line("   not before %s is known to hold", s.reason.Requires)
		}
		from := 0
		for _, stop := range s.reason.Stops {
			writeCommandLines(line, s.reason.Commands[from:stop])
			line("   and when you have looked at that:")
			from = stop
		}
		writeCommandLines(line, s.reason.Commands[from:])
	}
	if len(r.Notes) > 0 {
		line("")
		line("WORTH KNOWING")
		for _, n := range r.Notes {
			line("  %s", n.Text)
			writeObjects(line, n.Objects)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Summary is the verdict in a line.
func (r *Result) Summary() string {
	from := phrases.SourcePhrase(r.Source)
	switch {
	case r.Pass:
		return fmt.Sprintf("PASS: ready for %s, from %s.", r.To, from) + r.assertedText()
	case len(r.Reasons) == 0:
		return fmt.Sprintf("COULD NOT TELL whether this is ready for %s, from %s: %s open.", r.To, from, phrases.CountNoun(len(r.Unknown), "question", "questions")) + r.assertedText()
	}
	return fmt.Sprintf("FAIL: not ready for %s, from %s: %s, %s that could not be told.", r.To, from,
		phrases.CountNoun(len(r.Reasons), "reason", "reasons"), phrases.CountNoun(len(r.Unknown), "thing", "things")) + r.assertedText()
}

func (r *Result) assertedText() string {
	if len(r.Asserted) == 0 {
		return ""
	}
	return " Taken on trust: " + strings.Join(r.Asserted, ", ") + "."
}

type printLine func(format string, args ...any)

func writeObjects(line printLine, where []string) {
	for i, o := range where {
		if i == maxObjectsShown {
			line("     and %d more", len(where)-maxObjectsShown)
			return
		}
		line("     %s", o)
	}
}

func writeAdvice(line printLine, text string) {
	if text != "" {
		line("   %s", text)
	}
}

func writeCommandLines(line printLine, list []string) {
	for _, c := range list {
		line("   $ %s", c)
	}
}

// WriteNames writes the names of what fails and of what could not be told, one a line, for scripts.
func WriteNames(w io.Writer, r *Result) error {
	var b bytes.Buffer
	for _, s := range r.findings() {
		if s.reason != nil {
			fmt.Fprintf(&b, "reason/%s\n", s.reason.ID)
		} else {
			fmt.Fprintf(&b, "unknown/%s\n", s.unknown.ID)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// WriteJSON writes the Result.
func WriteJSON(w io.Writer, r *Result) error {
	text, err := marshalJSON(r)
	if err != nil {
		return err
	}
	_, err = w.Write(escape.JSON(text))
	return err
}

// WriteYAML writes the Result.
func WriteYAML(w io.Writer, r *Result) error { return manifest.WriteYAML(w, r) }
