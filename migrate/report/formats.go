// Package report owns how results look: a Plan, the explanation of one thing in it, the answer of the gate, a simulation,
// the steps of a roll-out and what its verification found. For people it builds a Document, which one renderer draws; for
// programs it has one JSON and one YAML encoder. It never changes a result, decides nothing, and lets no character of the
// input act on a terminal.
package report

import (
	"bytes"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/migrate/simulation"
)

// Options say how a report is drawn. The zero value suits a pipe or a file.
type Options struct {
	// Width is the number of columns to keep to; 0 means that tables are as wide as they need to be.
	Width int
	// Colour marks levels with colours.
	Colour bool
	// NoHeaders leaves the lines of the first table and nothing around them. Formats for programs ignore it.
	NoHeaders bool
	// Quiet leaves, of the report on a check of manifests, what was found and what was not read.
	Quiet bool
	// Invocation is how the tool was called, for the commands that a report names.
	Invocation Invocation
}

// Format is one output format of reports, by name, for a result of type R.
type Format[R any] struct {
	Name  string
	Write func(io.Writer, R, Options) error
	// Rows are, of a JSON format, the lists at the top of the document whose items are rows of custom-columns.
	Rows []string
}

// WithRows returns the JSON format of a report with the lists whose items are rows of custom-columns.
func (f Format[R]) WithRows(lists ...string) Format[R] {
	f.Rows = lists
	return f
}

// PlanFormats returns the formats of the report on a Plan, the default first.
func PlanFormats() []Format[*migrate.Plan] {
	return []Format[*migrate.Plan]{
		document("table", PlanDocument), document("wide", PlanWideDocument),
		{Name: JSONFormat, Write: PlanJSON, Rows: []string{"namespaces"}},
		{Name: "yaml", Write: PlanYAML},
		{Name: "name", Write: PlanNames},
	}
}

// GateFormats returns the formats of the report on the gate's answer, the default first.
func GateFormats() []Format[*gate.Result] {
	return []Format[*gate.Result]{
		document("table", GateDocument), NewJSONFormat[*gate.Result]("reasons", "unknown"), NewYAMLFormat[*gate.Result](), {Name: "name", Write: GateNames},
	}
}

// SimulationFormats returns the formats of the report on a simulation, the default first; name has what would be refused.
func SimulationFormats() []Format[*simulation.Result] {
	return []Format[*simulation.Result]{document("text", SimulationDocument), NewJSONFormat[*simulation.Result]("results"), {Name: "name", Write: SimulationNames}}
}

// FindingFormats returns the formats of the report on what a check of manifests found that people read or that are ours, the default
// first; name has the workloads that do not meet what is asked of them.
func FindingFormats() []Format[*finding.Result] {
	return []Format[*finding.Result]{document("table", FindingsDocument), {Name: JSONFormat, Write: FindingJSON, Rows: []string{"findings"}}, {Name: "name", Write: FindingNames}}
}

// VerificationFormats returns the formats of the report on what a verification found, the default first; name has what
// is not ok.
func VerificationFormats() []Format[*Verification] {
	return []Format[*Verification]{document("table", VerificationDocument), NewJSONFormat[*Verification]("results"), {Name: "name", Write: VerificationNames}}
}

// document returns the output format that draws the report which build makes from a result.
func document[R any](name string, build func(R, Options) *Document) Format[R] {
	return Format[R]{Name: name, Write: func(w io.Writer, result R, opts Options) error { return Text(w, build(result, opts), opts) }}
}

// JSONFormat is the name of the output format that writes a result as a JSON document.
const JSONFormat = "json"

// NewJSONFormat returns the output format of a report that writes a result as a JSON document, with the lists whose items
// are rows of custom-columns.
func NewJSONFormat[R any](rows ...string) Format[R] {
	return Format[R]{Name: JSONFormat, Write: func(w io.Writer, result R, _ Options) error { return manifest.WriteJSON(w, result) }, Rows: rows}
}

// NewYAMLFormat returns the output format that writes a result as a YAML document.
func NewYAMLFormat[R any]() Format[R] {
	return Format[R]{Name: "yaml", Write: func(w io.Writer, result R, _ Options) error { return manifest.WriteYAML(w, result) }}
}

// FindFormat returns the format of a report by name, and whether there is one.
func FindFormat[R any](formats []Format[R], name string) (Format[R], bool) {
	for _, f := range formats {
		if f.Name == name {
			return f, true
		}
	}
	return Format[R]{}, false
}

// FormatNames returns the names of a report's output formats, in their order.
func FormatNames[R any](formats []Format[R]) []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.Name
	}
	return names
}

// SimulationNames writes the workloads that a simulation says would be refused as output lines NAMESPACE/KIND/NAME, which
// other commands take. It returns the error of writing.
func SimulationNames(w io.Writer, s *simulation.Result, _ Options) error {
	var b bytes.Buffer
	for _, r := range s.Results {
		if r.Exempt == "" && r.Unknown == "" && !r.Allowed {
			b.WriteString(escape.Lines(escape.Terminal(r.Namespace+"/"+strings.ToLower(r.Kind)+"/"+r.Name)) + "\n")
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}
