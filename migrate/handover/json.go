package handover

import (
	"io"

	"github.com/psp2pss/psp2pss/migrate/manifest"
)

// WriteJSON writes a Report as a JSON document, row by row, since that of a large cluster is hundreds of megabytes of text. It returns
// the errors of w.
func WriteJSON(w io.Writer, r *Report) error {
	out := manifest.NewJSONWriter(w)
	open := jsonOpener{out: out}
	open.fields("", []field{{"apiVersion", r.APIVersion}, {"kind", r.Kind}, {"cover", r.Cover}, {"summary", r.Summary}})
	open.list("", "sections", len(r.Sections), func(i int) { open.section(&r.Sections[i]) })
	open.raw("\n}\n")
	if open.err != nil {
		return open.err
	}
	return out.Flush()
}

// field is a field of a JSON object of the Report.
type field struct {
	name  string
	value any
}

// jsonOpener writes the JSON form of a Report piece by piece, and keeps the first error.
type jsonOpener struct {
	out *manifest.JSONWriter
	err error
}

// raw writes text between the values of the Report's JSON.
func (o *jsonOpener) raw(text string) {
	if o.err == nil {
		_, o.err = o.out.WriteString(text)
	}
}

// fields begins an object of the Report's JSON at an indentation and writes fields of it; the object stays open.
func (o *jsonOpener) fields(prefix string, fields []field) {
	separator := "{\n"
	for _, f := range fields {
		o.raw(separator + prefix + `  "` + f.name + `": `)
		separator = ",\n"
		if o.err == nil {
			o.err = o.out.Encode(f.value, prefix+"  ")
		}
	}
}

// list writes a list, the last field of an open object of the Report's JSON, by a function that writes each item at its indentation.
func (o *jsonOpener) list(prefix, name string, n int, item func(i int)) {
	o.raw(",\n" + prefix + `  "` + name + `": [`)
	for i := range n {
		if i > 0 {
			o.raw(",")
		}
		o.raw("\n" + prefix + "    ")
		item(i)
	}
	if n > 0 {
		o.raw("\n" + prefix + "  ")
	}
	o.raw("]")
}

// section writes a section of the Report's JSON.
func (o *jsonOpener) section(s *Section) {
	const at = "    "
	fields := []field{{"id", s.ID}, {"title", s.Title}}
	if len(s.Text) > 0 {
		fields = append(fields, field{"text", s.Text})
	}
	o.fields(at, fields)
	if len(s.Tables) > 0 {
		o.list(at, "tables", len(s.Tables), func(i int) { o.table(s.Tables[i]) })
	}
	o.raw("\n" + at + "}")
}

// table writes a table of the Report's JSON, its rows on all processors.
func (o *jsonOpener) table(t *Table) {
	const at = "        "
	fields := []field{{"id", t.ID}, {"title", t.Title}}
	if t.Text != "" {
		fields = append(fields, field{"text", t.Text})
	}
	fields = append(fields, field{"columns", t.Columns})
	if len(t.Details) > 0 {
		fields = append(fields, field{"details", t.Details})
	}
	o.fields(at, fields)
	if len(t.Rows) == 0 {
		o.raw(",\n" + at + "  \"rows\": []\n" + at + "}")
		return
	}
	o.raw(",\n" + at + "  \"rows\": [\n" + at + "    ")
	if o.err == nil {
		o.err = o.out.EncodeList(len(t.Rows), func(i int) any { return &t.Rows[i] }, at+"    ")
	}
	o.raw("\n" + at + "  ]\n" + at + "}")
}
