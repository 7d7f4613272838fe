// Package report owns how results look: a Plan, the explanation of one thing in it, the answer of the gate, a simulation,
// the steps of a roll-out and what its verification found. For people it builds a Document, which one renderer draws; for
// programs it has one JSON and one YAML encoder. It never changes a result, decides nothing, and lets no character of the
// input act on a terminal.
package report

import (
	"io"

	"github.com/psp2pss/psp2pss/migrate"
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
	// Invocation is how the tool was called, for the commands that a report names.
	Invocation Invocation
}

// Format is one output format of reports, by name, for a result of type R.
type Format[R any] struct {
	Name  string
	Write func(io.Writer, R, Options) error
}

// PlanFormats returns the formats of the report on a Plan, the default first.
func PlanFormats() []Format[*migrate.Plan] {
	return []Format[*migrate.Plan]{
		document("table", PlanDocument), document("wide", PlanWideDocument), {"json", PlanJSON}, {"yaml", PlanYAML}, {"name", PlanNames},
	}
}

// GateFormats returns the formats of the report on the gate's answer, the default first.
func GateFormats() []Format[*gate.Result] {
	return []Format[*gate.Result]{
		document("table", GateDocument), jsonFormat[*gate.Result](), yamlFormat[*gate.Result](), {"name", GateNames},
	}
}

// SimulationFormats returns the formats of the report on a simulation, the default first.
func SimulationFormats() []Format[*simulation.Result] {
	return []Format[*simulation.Result]{document("text", SimulationDocument), jsonFormat[*simulation.Result]()}
}

// VerificationFormats returns the formats of the report on what a verification found, the default first; name has what
// is not ok.
func VerificationFormats() []Format[*Verification] {
	return []Format[*Verification]{document("table", VerificationDocument), jsonFormat[*Verification](), {"name", VerificationNames}}
}

// document returns the output format that draws the report which build makes from a result.
func document[R any](name string, build func(R, Options) *Document) Format[R] {
	return Format[R]{name, func(w io.Writer, result R, opts Options) error { return Text(w, build(result, opts), opts) }}
}

// jsonFormat returns the output format that writes a result as a JSON document.
func jsonFormat[R any]() Format[R] {
	return Format[R]{"json", func(w io.Writer, result R, _ Options) error { return manifest.WriteJSON(w, result) }}
}

// yamlFormat returns the output format that writes a result as a YAML document.
func yamlFormat[R any]() Format[R] {
	return Format[R]{"yaml", func(w io.Writer, result R, _ Options) error { return manifest.WriteYAML(w, result) }}
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
