package ciformat

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
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
// to be left out: the least severe, last. Until its size is known it holds the document as gzip, which is how GitHub counts it. It
// returns the error of writing.
func WriteSARIF(w io.Writer, r *finding.Result, o Options) error {
	o.since = r.Since != ""
	total := len(r.Findings) + len(r.Ignored)
	written := min(total, sarifMostResults)
	var packed bytes.Buffer
	for {
		packed.Reset()
		z := gzip.NewWriter(&packed)
		if err := writeSARIFResults(z, r, o, written); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		if packed.Len() <= sarifMostGzippedBytes || written == 0 {
			break
		}
		written /= 2
	}
	remarkOnSARIF(r, o, total, written)
	text, err := gzip.NewReader(&packed)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, text) //nolint:gosec // G110: this process packed it
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

// writeSARIFResults writes the SARIF document of the first n results, one at a time, with the rules that they name.
func writeSARIFResults(w io.Writer, r *finding.Result, o Options, n int) error {
	rules, index := []sarifRule{}, map[string]int{}
	for _, id := range ruleIDs(r, n) {
		index[id] = len(rules)
		rules = append(rules, o.ruleOf(id).sarif())
	}
	var frame bytes.Buffer
	if err := manifest.WriteJSON(&frame, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{{
		Tool:        sarifTool{sarifDriver{Name: "psp2pss", Version: strings.TrimPrefix(shown(r.ToolVersion), "v"), InformationURI: toolPage, Rules: rules}},
		Invocations: []sarifInvocation{sarifInvocationOf(r, o)}, ColumnKind: "unicodeCodePoints", Results: []sarifResult{},
	}}}); err != nil {
		return err
	}
	out := manifest.NewJSONWriter(w)
	if n == 0 {
		_, _ = out.Write(frame.Bytes()) // Flush reports the error
		return out.Flush()
	}
	const indent = "        "
	last := bytes.LastIndex(frame.Bytes(), []byte("[]")) // the results are the last field
	_, _ = out.Write(frame.Bytes()[:last])
	_, _ = out.WriteString("[\n" + indent)
	if err := out.EncodeList(n, func(i int) any { return o.sarifResultAt(r, i, index) }, indent); err != nil {
		return err
	}
	_, _ = out.WriteString("\n      ]")
	_, _ = out.Write(frame.Bytes()[last+len("[]"):])
	return out.Flush()
}

// ruleIDs returns the ids of the rules that the first n results of a SARIF document name, sorted.
func ruleIDs(r *finding.Result, n int) []string {
	seen := map[string]bool{}
	for i := range n {
		f, _ := sarifFinding(r, i)
		seen[shown(f.Rule)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// sarifFinding returns the finding of a check that is the i-th result of a SARIF document, and its exception if it has one: the worst
// first, then those that are excepted.
func sarifFinding(r *finding.Result, i int) (*finding.Finding, *finding.Ignored) {
	if i < len(r.Findings) {
		return &r.Findings[i], nil
	}
	ignored := &r.Ignored[i-len(r.Findings)]
	return &ignored.Finding, ignored
}

// sarifResultAt returns the i-th result of a SARIF document. index has the places of the rules.
func (o Options) sarifResultAt(r *finding.Result, i int, index map[string]int) *sarifResult {
	f, ignored := sarifFinding(r, i)
	out := o.sarifResult(f)
	out.RuleIndex = index[out.RuleID]
	if ignored != nil {
		out.Suppressions = []sarifSuppression{o.sarifSuppression(ignored)}
	}
	return &out
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
