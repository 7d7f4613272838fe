package report

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/manifest"
)

// JSON writes the Plan itself, which migrate.ReadPlan reads back.
func JSON(w io.Writer, p *migrate.Plan, _ Options) error { return writeJSON(w, p) }

// YAML writes the Plan itself, with its fields in the order of the JSON form.
func YAML(w io.Writer, p *migrate.Plan, _ Options) error { return manifest.Write(w, p) }

// writeJSON keeps < > & readable and shows by escapes what would not show as itself.
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escape.JSON(b.Bytes()))
	return err
}

// Name writes "namespace/NAME" lines, as kubectl does.
func Name(w io.Writer, p *migrate.Plan, _ Options) error {
	var b bytes.Buffer
	for i := range p.Namespaces {
		b.WriteString("namespace/" + escape.Terminal(p.Namespaces[i].Name) + "\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}
