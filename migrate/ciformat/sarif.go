package ciformat

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// What GitHub takes of a SARIF file, and shows of it.
const (
	sarifMostResults      = 25_000
	sarifShownResults     = 5_000
	sarifMostLocations    = 1_000
	sarifMostGzippedBytes = 10_000_000
	sarifMostDescription  = 1_024
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	// toolPage is the page of psp2pss.
	toolPage = "https://github.com/psp2pss/psp2pss"
)

// WriteSARIF writes a check's result as one SARIF 2.1.0 document that keeps to the limits of GitHub, and tells Options.Remark what had
// to be left out: the least severe, last. It returns the error of writing.
func WriteSARIF(w io.Writer, r *finding.Result, o Options) error {
	o.since = r.Since != ""
	results := sarifResults(r, o)
	total := len(results)
	results = results[:min(total, sarifMostResults)]
	var text []byte
	for {
		var err error
		if text, err = encodeSARIF(r, o, results); err != nil {
			return err
		}
		size, err := gzippedSize(text, sarifMostGzippedBytes)
		if err != nil {
			return err
		}
		if size <= sarifMostGzippedBytes || len(results) == 0 {
			break
		}
		results = results[:len(results)/2]
	}
	remarkOnSARIF(r, o, total, len(results))
	_, err := w.Write(text)
	return err
}

// remarkOnSARIF tells what a SARIF document lacks of a check's result, and what GitHub does not show of it.
func remarkOnSARIF(r *finding.Result, o Options, total, written int) {
	number := func(n int) string { return english.Number(int64(n)) }
	if written < total {
		o.remark(fmt.Sprintf("sarif: GitHub takes at most %s results and 10 MB of gzipped SARIF, so the file has the worst %s of %s; -o json has all",
			number(sarifMostResults), number(written), number(total)))
	}
	if written > sarifShownResults {
		o.remark(fmt.Sprintf("sarif: GitHub shows the first %s of the %s results, the worst", number(sarifShownResults), number(written)))
	}
	if n := len(r.Ignored); n > 0 {
		o.remark(fmt.Sprintf("sarif: the file has %s as suppressed; GitHub shows these as open alerts until somebody dismisses them there", english.Count(n, "excepted finding", "excepted findings")))
	}
}

// gzippedSize returns how many bytes a text has in gzip, or its own where those are within limit already.
func gzippedSize(text []byte, limit int) (int, error) {
	if len(text) <= limit {
		return len(text), nil
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(text); err != nil {
		return 0, err
	}
	err := z.Close()
	return out.Len(), err
}

// encodeSARIF returns the SARIF document of results, with the rules that they name.
func encodeSARIF(r *finding.Result, o Options, results []sarifResult) ([]byte, error) {
	rules, index := []sarifRule{}, map[string]int{}
	for _, id := range ruleIDs(results) {
		index[id] = len(rules)
		rules = append(rules, o.ruleOf(id).sarif())
	}
	for i := range results {
		results[i].RuleIndex = index[results[i].RuleID]
	}
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "psp2pss", Version: strings.TrimPrefix(shown(r.ToolVersion), "v"), InformationURI: toolPage, Rules: rules}},
		Invocations: []sarifInvocation{sarifInvocationOf(r, o)}, ColumnKind: "unicodeCodePoints", Results: results,
	}
	var out bytes.Buffer
	err := manifest.WriteJSON(&out, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
	return out.Bytes(), err
}

// ruleIDs returns the ids of the rules that SARIF results name, sorted.
func ruleIDs(results []sarifResult) []string {
	var ids []string
	seen := map[string]bool{}
	for i := range results {
		if id := results[i].RuleID; !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// sarif returns a rule as SARIF has it. Rules about exceptions are none of security: they get no severity of that kind.
func (r rule) sarif() sarifRule {
	out := sarifRule{
		ID: shown(r.id), Name: r.name, ShortDescription: sarifText{Text: firstRunes(r.name, sarifMostDescription)},
		FullDescription: sarifText{Text: firstRunes(r.refuses, sarifMostDescription)},
		HelpURI:         standardsPage, Help: sarifText{Text: r.helpText(), Markdown: r.helpMarkdown()},
		DefaultConfiguration: sarifConfiguration{finding.SeverityError},
		Properties:           sarifRuleProperties{Tags: []string{"kubernetes", "pod-security"}, Precision: "very-high", ProblemSeverity: "error"},
	}
	switch r.level {
	case "baseline":
		out.HelpURI += "#baseline"
		out.Properties.Tags = append(out.Properties.Tags, "security", "pod-security-baseline")
		out.Properties.SecuritySeverity = "8.0" // high
	case "restricted":
		out.HelpURI += "#restricted"
		out.DefaultConfiguration.Level, out.Properties.ProblemSeverity = finding.SeverityWarning, "warning"
		out.Properties.Tags = append(out.Properties.Tags, "security", "pod-security-restricted")
		out.Properties.SecuritySeverity = "5.0" // medium
	}
	return out
}

// firstRunes returns the first characters of a text, most of them.
func firstRunes(s string, most int) string {
	if len(s) <= most { // no character has less than a byte
		return s
	}
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

// sarifInvocationOf returns what a SARIF document says of the run: it was not successful where there is a gap.
func sarifInvocationOf(r *finding.Result, o Options) sarifInvocation {
	out := sarifInvocation{ExecutionSuccessful: len(r.Gaps) == 0}
	if !o.Time.IsZero() {
		out.StartTimeUTC = o.Time.UTC().Format(time.RFC3339)
	}
	notify := func(level, id, text string, at finding.Range) {
		n := sarifNotification{Level: level, Message: sarifMessage(text)}
		if id != "" {
			n.Descriptor = &sarifDescriptor{shown(id)}
		}
		if at.File != "" {
			n.Locations = []sarifLocation{{PhysicalLocation: o.sarifPlace(finding.Object{}, at)}}
		}
		out.Notifications = append(out.Notifications, n)
	}
	for i := range r.Gaps {
		notify("error", r.Gaps[i].ID, gapText(&r.Gaps[i]), positionRange(r.Gaps[i].Position))
	}
	for _, n := range r.Notes {
		notify("note", n.ID, gapText(&finding.Gap{Message: n.Message, What: n.What}), positionRange(n.Position))
	}
	return out
}

// sarifResults returns the findings of a check as SARIF results, the worst first, then those that are excepted, then the
// fixed ones.
func sarifResults(r *finding.Result, o Options) []sarifResult {
	results := make([]sarifResult, 0, len(r.Findings)+len(r.Ignored))
	for i := range r.Findings {
		results = append(results, o.sarifResult(&r.Findings[i]))
	}
	for i := range r.Ignored {
		result := o.sarifResult(&r.Ignored[i].Finding)
		result.Suppressions = []sarifSuppression{o.sarifSuppression(&r.Ignored[i])}
		results = append(results, result)
	}
	return results
}

// sarifResult returns a finding as a SARIF result: its first place is the location, the others are related to it.
func (o Options) sarifResult(f *finding.Finding) sarifResult {
	out := sarifResult{RuleID: shown(f.Rule), Level: f.Severity, Locations: []sarifLocation{}}
	if f.Fingerprint != "" {
		out.PartialFingerprints = map[string]string{"primaryLocationLineHash": shown(f.Fingerprint)}
	}
	if o.since {
		out.BaselineState = "unchanged"
		if f.New {
			out.BaselineState = "new"
		}
	}
	links := ""
	for i, p := range f.Places {
		if i == sarifMostLocations {
			break
		}
		location := sarifLocation{PhysicalLocation: o.sarifPlace(f.Object, p.Range)}
		if i == 0 {
			location.LogicalLocations = sarifObject(f.Object)
			out.Locations = append(out.Locations, location)
			continue
		}
		message := sarifMessage(placeLine(p))
		location.ID, location.Message = i, &message
		out.RelatedLocations = append(out.RelatedLocations, location)
		if i <= mostDetails {
			links += fmt.Sprintf(", [line %d](%d)", location.PhysicalLocation.Region.StartLine, i)
		}
	}
	out.Message = sarifMessage(append([]string{headline(f)}, details(f, mostDetails)...)...)
	if links != "" {
		out.Message.Text += "\nSee also " + strings.TrimPrefix(links, ", ")
	}
	return out
}

// mostDetails is how many places of a finding are told in a message that a pipeline shows beside the code.
const mostDetails = 5

// sarifSuppression returns the exception of a finding as SARIF has it: one in the manifest is in the source.
func (o Options) sarifSuppression(i *finding.Ignored) sarifSuppression {
	out := sarifSuppression{Kind: "external", Status: "accepted", Justification: shown(i.Reason)}
	if i.Source == "annotation" {
		out.Kind = "inSource"
	}
	if i.Until != "" {
		out.Justification += " (until " + shown(i.Until) + ")"
	}
	if i.Position.File != "" {
		out.Location = &sarifLocation{PhysicalLocation: o.sarifPlace(i.Finding.Object, positionRange(i.Position))}
	}
	return out
}

// sarifPlace returns a place in a file as SARIF has it.
func (o Options) sarifPlace(object finding.Object, at finding.Range) sarifPhysicalLocation {
	r := o.regionOf(object, at)
	return sarifPhysicalLocation{
		ArtifactLocation: sarifArtifactLocation{fileURI(r.file)},
		Region:           &sarifRegion{StartLine: r.line, StartColumn: r.column, EndLine: r.endLine, EndColumn: r.endColumn},
	}
}

// sarifObject returns the name of an object as SARIF has it; nil for an object without a kind.
func sarifObject(object finding.Object) []sarifLogicalLocation {
	if object.Kind == "" {
		return nil
	}
	return []sarifLogicalLocation{{FullyQualifiedName: objectName(object), Kind: "resource"}}
}

// sarifMessage returns lines as a SARIF message. SARIF has links in messages, [text](target): no text of ours or of the input
// becomes one.
func sarifMessage(lines ...string) sarifText {
	return sarifText{Text: strings.ReplaceAll(strings.Join(lines, "\n"), "](", "] (")}
}
