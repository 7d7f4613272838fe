package ciformat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// shown returns text of the input as every format shows it: on one line, with what would not show as itself as a Go escape, and
// with nothing that the log of GitHub, Azure or TeamCity takes for a command in the middle of a line (##[error], ##vso[...]).
func shown(s string) string { return escape.Terminal(s) }

// objectName returns how the object of a finding is called: "Deployment web/api".
func objectName(o finding.Object) string {
	name := o.Name
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	return shown(strings.TrimSpace(o.Kind + " " + name))
}

// headline returns what a finding says, with the object that it says it of, on one line.
func headline(f *finding.Finding) string {
	if name := objectName(f.Object); name != "" {
		return name + ": " + shown(f.Message)
	}
	return shown(f.Message)
}

// details returns the lines below the headline of a finding: what the server does, what demands the level, where the object comes
// from and, for the first places (most of them, 0 for all), what to do there.
func details(f *finding.Finding, most int) []string {
	var lines []string
	if f.Effect.Text != "" {
		lines = append(lines, shown(f.Effect.Text))
	}
	if f.Demand.Why.Text != "" {
		lines = append(lines, fmt.Sprintf("Demanded: %s at %s: %s", shown(f.Demand.Level), shown(versions(f)), shown(f.Demand.Why.Text)))
	}
	if rendered := renderedFrom(f); rendered != "" {
		lines = append(lines, rendered)
	}
	for i, p := range f.Places {
		if i == most && most > 0 {
			lines = append(lines, "and at "+english.Count(len(f.Places)-i, "more place", "more places"))
			break
		}
		lines = append(lines, placeLine(p))
	}
	return lines
}

// versions returns the versions of the standards at which a finding is one.
func versions(f *finding.Finding) string {
	if len(f.Versions) == 0 {
		return f.Demand.Version
	}
	return english.And(f.Versions)
}

// renderedFrom returns the line on the Helm chart that a finding's object was rendered from; "" where it was not.
func renderedFrom(f *finding.Finding) string {
	switch {
	case f.Object.Template != "" && f.Object.Hook != "":
		return fmt.Sprintf("Rendered from %s, run by Helm at %s", shown(f.Object.Template), shown(f.Object.Hook))
	case f.Object.Template != "":
		return "Rendered from " + shown(f.Object.Template)
	case f.Object.Hook != "":
		return "Run by Helm at " + shown(f.Object.Hook)
	}
	return ""
}

// placeLine returns one line on a place of a finding: where it is, and the edit that meets the check there.
func placeLine(p finding.Place) string {
	field := shown(p.Field)
	if p.Container != "" {
		field += " of container " + strconv.Quote(shown(p.Container))
	}
	line := fmt.Sprintf("At %s: ", shown(rangePosition(p.Range)))
	if p.Edit == nil {
		return line + field + missing(p)
	}
	switch p.Edit.Op {
	case finding.OpRemove:
		line += "remove " + field
	default:
		line += fmt.Sprintf("set %s to %s", field, shown(compact(p.Edit.Value)))
	}
	switch p.Edit.Safety {
	case finding.SafetySafe:
		line += " (safe)"
	case finding.SafetyTest:
		line += " (try it out first)"
	case finding.SafetyDecide:
		line += " (decide whether the pod can do without it)"
	}
	if p.Edit.Why.Text != "" {
		line += ": " + shown(p.Edit.Why.Text)
	}
	return line
}

// compact returns a JSON value without the spaces and lines that it was written with.
func compact(value json.RawMessage) string {
	var out bytes.Buffer
	if err := json.Compact(&out, value); err != nil {
		return string(value)
	}
	return out.String()
}

// missing returns what is said of a field that is not there.
func missing(p finding.Place) string {
	if p.Missing {
		return " is not set"
	}
	return ""
}

// rangePosition returns a place in a file as file:line:column, as far as it is known.
func rangePosition(r finding.Range) string {
	file := r.File
	if file == "-" {
		file = stdin
	}
	switch {
	case r.Line == 0:
		return file
	case r.Column == 0:
		return fmt.Sprintf("%s:%d", file, r.Line)
	}
	return fmt.Sprintf("%s:%d:%d", file, r.Line, r.Column)
}

// positionRange returns the position of an object as a range in its file.
func positionRange(p pspparse.Position) finding.Range {
	return finding.Range{File: p.File, Line: p.Line}
}

// gapText returns what a gap says, with the name of what it is about.
func gapText(g *finding.Gap) string {
	if g.What == "" {
		return shown(g.Text)
	}
	return shown(g.What + ": " + g.Text)
}

// exceptionText returns why a finding is no finding: the reason of its exception, its last day and where it stands.
func exceptionText(i *finding.Ignored) string {
	text := "excepted: " + shown(i.Reason)
	if i.Until != "" {
		text += ", until " + shown(i.Until)
	}
	if i.Position.File != "" {
		text += ", by " + shown(rangePosition(positionRange(i.Position)))
	}
	return text
}

// fixedText returns what is said of a finding of an earlier result that is found no longer.
func fixedText(k finding.Known) string {
	text := objectName(k.Object) + ": " + shown(k.Message)
	if k.File != "" {
		text += " in " + shown(k.File)
	}
	return text
}

// tally returns what a check found in numbers, as a sentence: "2 errors and 1 warning in 2 of 5 workloads; 1 excepted finding.".
func tally(r *finding.Result) string {
	counts := map[string]int{}
	for i := range r.Findings {
		counts[r.Findings[i].Severity]++
	}
	var found []string
	for _, severity := range []string{finding.SeverityError, finding.SeverityWarning, finding.SeverityNote} {
		if n := counts[severity]; n > 0 {
			found = append(found, english.Count(n, severity, severity+"s"))
		}
	}
	if len(r.Findings) == 0 {
		found = []string{"Nothing found"}
	}
	text := english.And(found) + " in "
	if n := ownersWithFindings(r); n > 0 {
		text += fmt.Sprintf("%d of ", n)
	}
	text += english.Count(len(r.Workloads), "workload", "workloads")
	if n := len(r.Ignored); n > 0 {
		text += "; " + english.Count(n, "excepted finding", "excepted findings")
	}
	if n := len(r.Gaps); n > 0 {
		text += "; " + english.Count(n, "gap", "gaps") + ": not all was read or evaluated"
	}
	return text + "."
}

// ownersWithFindings returns how many workloads of a result have findings.
func ownersWithFindings(r *finding.Result) int {
	workloads := map[int]bool{}
	for _, owner := range r.Owners() {
		if owner >= 0 {
			workloads[owner] = true
		}
	}
	return len(workloads)
}
