package handover

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/manifest"
)

// WriteYAML writes a Report as a YAML document, some rows at a time, as WriteJSON does. It returns the errors of w.
func WriteYAML(w io.Writer, r *Report) error {
	o := yamlOpener{out: bufio.NewWriter(w)}
	head := struct {
		APIVersion string  `json:"apiVersion"`
		Kind       string  `json:"kind"`
		Cover      Cover   `json:"cover"`
		Summary    Summary `json:"summary"`
	}{r.APIVersion, r.Kind, r.Cover, r.Summary}
	o.value(0, head)
	o.list(0, "sections", len(r.Sections))
	for i := range r.Sections {
		s := &r.Sections[i]
		o.value(1, []any{struct {
			ID    string   `json:"id"`
			Title string   `json:"title"`
			Text  []string `json:"text,omitempty"`
		}{s.ID, s.Title, s.Text}})
		if len(s.Tables) > 0 {
			o.list(2, "tables", len(s.Tables))
		}
		for _, t := range s.Tables {
			o.table(t)
		}
	}
	if o.err != nil {
		return o.err
	}
	return o.out.Flush()
}

// yamlOpener writes the YAML form of a Report piece by piece, and keeps the first error.
type yamlOpener struct {
	out *bufio.Writer
	err error
}

// value writes a value of the Report's YAML at a depth of indentation.
func (o *yamlOpener) value(depth int, v any) {
	if o.err != nil {
		return
	}
	var text bytes.Buffer
	if o.err = manifest.WriteYAML(&text, v); o.err != nil {
		return
	}
	for line := range strings.Lines(text.String()) {
		if line != "\n" {
			o.raw(strings.Repeat("  ", depth))
		}
		o.raw(line)
	}
}

// raw writes text of the Report's YAML.
func (o *yamlOpener) raw(text string) {
	if o.err == nil {
		_, o.err = o.out.WriteString(text)
	}
}

// list begins a list of n items in the Report's YAML.
func (o *yamlOpener) list(depth int, name string, n int) {
	o.raw(strings.Repeat("  ", depth) + name + ":")
	if n == 0 {
		o.raw(" []")
	}
	o.raw("\n")
}

// table writes a table of the Report's YAML.
func (o *yamlOpener) table(t *Table) {
	const depth, rowsAtATime = 3, 64
	o.value(depth, []any{struct {
		ID      string         `json:"id"`
		Title   string         `json:"title"`
		Text    string         `json:"text,omitempty"`
		Columns []Column       `json:"columns"`
		Details []DetailColumn `json:"details,omitempty"`
	}{t.ID, t.Title, t.Text, t.Columns, t.Details}})
	o.list(depth+1, "rows", len(t.Rows))
	for first := 0; first < len(t.Rows); first += rowsAtATime {
		o.value(depth+2, t.Rows[first:min(first+rowsAtATime, len(t.Rows))])
	}
}
