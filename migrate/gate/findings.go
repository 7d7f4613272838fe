package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/phrases"
)

// Finding is a reason against the upgrade or something unknown about it: exactly one of them is set.
type Finding struct {
	Reason  *Reason
	Unknown *Unknown
}

// Findings returns the gate's reasons and unknowns, in the one order in which to clear them.
func (r *Result) Findings() []Finding {
	var out []Finding
	for i := range r.Reasons {
		out = append(out, Finding{Reason: &r.Reasons[i]})
	}
	for i := range r.Unknown {
		out = append(out, Finding{Unknown: &r.Unknown[i]})
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return a.order() - b.order() })
	return out
}

// order returns the number by which the gate's reasons and unknowns are sorted.
func (f Finding) order() int {
	if f.Reason != nil {
		return f.Reason.Order
	}
	return f.Unknown.Order
}

// Summary returns the verdict of the gate in a line.
func (r *Result) Summary() string {
	from := phrases.SourcePhrase(r.Source)
	switch {
	case r.Pass:
		return fmt.Sprintf("PASS: ready for %s, from %s.", r.To, from) + r.assertedText()
	case len(r.Reasons) == 0:
		return fmt.Sprintf("UNKNOWN whether this is ready for %s, from %s: %s open.", r.To, from, phrases.CountNoun(len(r.Unknown), "question", "questions")) + r.assertedText()
	}
	return fmt.Sprintf("FAIL: not ready for %s, from %s: %s, %s open.", r.To, from,
		phrases.CountNoun(len(r.Reasons), "reason", "reasons"), phrases.CountNoun(len(r.Unknown), "question", "questions")) + r.assertedText()
}

// Status returns the verdict of the gate in a word: ready, not-ready, or unknown where nothing is against the upgrade and something
// is not known.
func (r *Result) Status() string {
	switch {
	case r.Pass:
		return "ready"
	case len(r.Reasons) == 0:
		return "unknown"
	}
	return "not-ready"
}

// Verdict returns the verdict of the gate in a sentence for a reader who has not asked it, without the source.
func (r *Result) Verdict() string {
	reasons, open := phrases.CountNoun(len(r.Reasons), "reason", "reasons"), phrases.CountNoun(len(r.Unknown), "question", "questions")
	switch {
	case r.Pass:
		return fmt.Sprintf("Ready for the upgrade to Kubernetes %s: nothing was found against it, and nothing is unknown.", r.To) + r.assertedText()
	case len(r.Reasons) == 0:
		return fmt.Sprintf("It is not known whether this is ready for the upgrade to Kubernetes %s: nothing was found against it, and %s open.", r.To, open) + r.assertedText()
	case len(r.Unknown) == 0:
		return fmt.Sprintf("Not ready for the upgrade to Kubernetes %s: %s against it.", r.To, reasons) + r.assertedText()
	}
	return fmt.Sprintf("Not ready for the upgrade to Kubernetes %s: %s against it, and %s open.", r.To, reasons, open) + r.assertedText()
}

// assertedText returns the sentence on the assertions that the gate takes on trust; "" for none.
func (r *Result) assertedText() string {
	if len(r.Asserted) == 0 {
		return ""
	}
	return " Taken on trust: " + strings.Join(r.Asserted, ", ") + "."
}
