package gate

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/wording"
)

// step is a reason or an unknown, in the one order of both.
type step struct {
	reason  *Reason
	unknown *Unknown
}

func (r *Result) steps() []step {
	var out []step
	for i := range r.Reasons {
		out = append(out, step{reason: &r.Reasons[i]})
	}
	for i := range r.Unknown {
		out = append(out, step{unknown: &r.Unknown[i]})
	}
	slices.SortStableFunc(out, func(a, b step) int { return a.order() - b.order() })
	return out
}

func (s step) order() int {
	if s.reason != nil {
		return s.reason.Order
	}
	return s.unknown.Order
}

// most is how many objects are shown of a reason; the other formats have all of them.
const most = 5

// Text writes the answer for people: the verdict, then every step in the order in which to take it.
func Text(w io.Writer, r *Result) error {
	var b bytes.Buffer
	line := func(format string, args ...any) { b.WriteString(escape.Terminal(fmt.Sprintf(format, args...)) + "\n") }
	line("%s", r.Summary())
	for i, s := range r.steps() {
		line("")
		if s.unknown != nil {
			u := s.unknown
			line("%d. COULD NOT TELL %s: %s", i+1, u.ID, u.Why)
			how(line, u.How)
			commands(line, u.Clear)
			if u.Assert != "" {
				line("   once you know: --assert=%s", u.Assert)
			}
			continue
		}
		line("%d. %s: %s", i+1, s.reason.ID, s.reason.What)
		objects(line, s.reason.Where)
		how(line, s.reason.How)
		if r.waits(s.reason) {
			line("   not before %s is known to hold", s.reason.After)
		}
		from := 0
		for _, stop := range s.reason.Stops {
			commands(line, s.reason.Clear[from:stop])
			line("   and when you have looked at that:")
			from = stop
		}
		commands(line, s.reason.Clear[from:])
	}
	if len(r.Told) > 0 {
		line("")
		line("WORTH KNOWING")
		for _, n := range r.Told {
			line("  %s", n.What)
			objects(line, n.Where)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Summary is the verdict in a line.
func (r *Result) Summary() string {
	from := wording.Source(r.Source)
	switch {
	case r.Pass:
		return fmt.Sprintf("PASS: ready for %s, from %s.", r.To, from) + r.onTrust()
	case len(r.Reasons) == 0:
		return fmt.Sprintf("COULD NOT TELL whether this is ready for %s, from %s: %s open.", r.To, from, wording.Count(len(r.Unknown), "question", "questions")) + r.onTrust()
	}
	return fmt.Sprintf("FAIL: not ready for %s, from %s: %s, %s that could not be told.", r.To, from,
		wording.Count(len(r.Reasons), "reason", "reasons"), wording.Count(len(r.Unknown), "thing", "things")) + r.onTrust()
}

func (r *Result) onTrust() string {
	if len(r.Asserted) == 0 {
		return ""
	}
	return " Taken on trust: " + strings.Join(r.Asserted, ", ") + "."
}

type liner func(format string, args ...any)

func objects(line liner, where []string) {
	for i, o := range where {
		if i == most {
			line("     and %d more", len(where)-most)
			return
		}
		line("     %s", o)
	}
}

func how(line liner, text string) {
	if text != "" {
		line("   %s", text)
	}
}

func commands(line liner, list []string) {
	for _, c := range list {
		line("   $ %s", c)
	}
}

// Name writes the names of what fails and of what could not be told, one a line, for scripts.
func Name(w io.Writer, r *Result) error {
	var b bytes.Buffer
	for _, s := range r.steps() {
		if s.reason != nil {
			fmt.Fprintf(&b, "reason/%s\n", s.reason.ID)
		} else {
			fmt.Fprintf(&b, "unknown/%s\n", s.unknown.ID)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// JSON writes the Result.
func JSON(w io.Writer, r *Result) error {
	text, err := marshal(r)
	if err != nil {
		return err
	}
	_, err = w.Write(escape.JSON(text))
	return err
}

// YAML writes the Result.
func YAML(w io.Writer, r *Result) error { return manifest.Write(w, r) }
