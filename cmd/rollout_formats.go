package cmd

import (
	"bytes"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// stepsReport is the document of the steps of a roll-out, as -o json writes it.
type stepsReport struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Steps      []stepReport `json:"steps"`

	// planned are the steps that would be taken, of a dry run; lines those that were tried.
	planned []report.RolloutStep
	lines   []*report.RolloutStep
}

// stepFormats returns the output formats of the steps of a roll-out, the default first.
func stepFormats() []report.Format[*stepsReport] {
	return []report.Format[*stepsReport]{{Name: "table", Write: writeStepLines}, report.NewJSONFormat[*stepsReport]("steps"), {Name: "name", Write: writeStepNames}}
}

// isLiveTable is true for the output of a roll-out that has the line of each step as it is taken.
func isLiveTable(o outputTarget[*stepsReport]) bool { return o.format.Name == "table" && o.file == "" }

// writeStepLines writes the table of the steps of a roll-out that would be taken, and the line of each that was tried. It
// returns the error of writing.
func writeStepLines(w io.Writer, r *stepsReport, opts report.Options) error {
	if len(r.planned) > 0 {
		if err := report.Text(w, report.RolloutPreviewDocument(r.planned, 0, opts), opts); err != nil {
			return err
		}
	}
	for _, line := range r.lines {
		if err := report.Text(w, report.RolloutStepDocument(line, opts), opts); err != nil {
			return err
		}
	}
	return nil
}

// writeStepNames writes what each step of a roll-out is about, once: namespace/NAME whose labels it changes, or the object
// that it creates, KIND/NAME or NAMESPACE/KIND/NAME. Namespaces without a step have no line. It returns the error of writing.
func writeStepNames(w io.Writer, r *stepsReport, _ report.Options) error {
	var b bytes.Buffer
	seen := map[string]bool{}
	for _, s := range r.Steps {
		name := "namespace/" + s.Namespace
		switch c := s.Create; {
		case s.Result == skippedResult:
			continue
		case s.Policy != nil:
			name = s.Policy.String()
		case c != nil && c.Namespace != "":
			name = c.Namespace + "/" + strings.ToLower(c.Kind) + "/" + c.Name
		case c != nil:
			name = strings.ToLower(c.Kind) + "/" + c.Name
		}
		if !seen[name] {
			b.WriteString(escape.Lines(escape.Terminal(name)) + "\n")
		}
		seen[name] = true
	}
	_, err := w.Write(b.Bytes())
	return err
}
