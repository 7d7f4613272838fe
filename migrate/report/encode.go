package report

import (
	"bufio"
	"bytes"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/manifest"
)

// PlanJSON writes, as a report, the Plan itself in JSON; it returns the first error of writing. migrate.ReadPlan reads
// it back. The Plan of a large cluster is hundreds of megabytes of text: it is encoded one namespace and one policy at
// a time, and what is large of a namespace in pieces as well.
func PlanJSON(w io.Writer, p *migrate.Plan, _ Options) error { return writeInPieces(w, p) }

// FindingJSON writes, as a report, the result of a check itself in JSON, one workload and one finding at a time; it returns the first
// error of writing. finding.ReadResult reads it back.
func FindingJSON(w io.Writer, r *finding.Result, _ Options) error { return writeInPieces(w, r) }

// writeInPieces writes, as a report, the JSON form of a Plan or of the result of a check, which v points to, piece by piece.
func writeInPieces(w io.Writer, v any) error {
	out := manifest.NewJSONWriter(w)
	if err := writeFields(out, v, ""); err != nil {
		return err
	}
	_, _ = out.WriteString("\n") // Flush reports the error
	return out.Flush()
}

// writtenInPieces reports whether JSON output has a part of a Plan, or a finding, that is so large that it is written piece by piece.
func writtenInPieces(item any) bool {
	const many = 100
	switch x := item.(type) {
	case *migrate.Namespace:
		return len(x.Workloads) > many
	case *migrate.Evaluation:
		return len(x.Mutations) > many || slices.ContainsFunc(x.StricterEdits, func(r migrate.StricterEdits) bool { return writtenInPieces(&r) })
	case *migrate.StricterEdits:
		return len(x.Edits) > many
	case *finding.Finding:
		return len(x.Places) > many
	}
	return false
}

// writeFields writes, as a report, the JSON form of a Plan or of the result of a check, or of a large part of it, one field, and in
// lists one item, at a time.
func writeFields(out *manifest.JSONWriter, of any, prefix string) error {
	separator, inner := "{\n", prefix+"  "
	err := eachJSONField(of, func(name string, value any, list bool) error {
		_, _ = out.WriteString(separator + inner + `"` + name + `": `) // Flush reports the error
		separator = ",\n"
		if !list {
			return out.Encode(value, inner)
		}
		_, _ = out.WriteString("[\n" + inner + "  ")
		if err := writeItems(out, reflect.ValueOf(value), inner+"  "); err != nil {
			return err
		}
		_, err := out.WriteString("\n" + inner + "]")
		return err
	})
	_, _ = out.WriteString("\n" + prefix + "}")
	return err
}

// writeItems writes the items of a list in a report: the large ones in pieces, those between them together.
func writeItems(out *manifest.JSONWriter, items reflect.Value, prefix string) error {
	item := func(i int) any {
		if items.Index(i).Kind() == reflect.Pointer {
			return items.Index(i).Interface()
		}
		return items.Index(i).Addr().Interface()
	}
	for i := 0; i < items.Len(); {
		if i > 0 {
			_, _ = out.WriteString(",\n" + prefix) // Flush reports the error
		}
		if writtenInPieces(item(i)) {
			if err := writeFields(out, item(i), prefix); err != nil {
				return err
			}
			i++
			continue
		}
		first := i
		for i < items.Len() && !writtenInPieces(item(i)) {
			i++
		}
		if err := out.EncodeList(i-first, func(k int) any { return item(first + k) }, prefix); err != nil {
			return err
		}
	}
	return nil
}

// PlanYAML writes, as a report, the Plan itself in YAML, with its fields in the order of the JSON form, and like it
// piece by piece.
func PlanYAML(w io.Writer, p *migrate.Plan, _ Options) error {
	out := bufio.NewWriter(w)
	err := eachJSONField(p, func(name string, value any, list bool) error {
		if !list {
			return manifest.WriteYAML(out, map[string]any{name: value})
		}
		_, _ = out.WriteString(name + ":\n") // Flush reports the error
		items := reflect.ValueOf(value)
		for i := range items.Len() {
			var item bytes.Buffer
			if err := manifest.WriteYAML(&item, map[string]any{name: []any{items.Index(i).Interface()}}); err != nil {
				return err
			}
			_, text, _ := strings.Cut(item.String(), "\n") // the first line is the name again
			_, _ = out.WriteString(text)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// eachJSONField visits, to write a report, the fields of a struct of the Plan or of the result of a check that its JSON form has, in
// order; list is true for one with items, which can be written one by one.
func eachJSONField(of any, visit func(name string, value any, list bool) error) error {
	fields := reflect.ValueOf(of).Elem()
	for i := range fields.NumField() {
		name, options, _ := strings.Cut(fields.Type().Field(i).Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		field := fields.Field(i)
		empty := field.IsZero() || (field.Kind() == reflect.Slice || field.Kind() == reflect.Map) && field.Len() == 0
		if strings.Contains(options, "omit") && empty {
			continue
		}
		if err := visit(name, field.Interface(), field.Kind() == reflect.Slice && field.Len() > 0); err != nil {
			return err
		}
	}
	return nil
}

// PlanNames writes the namespaces of a Plan as output lines "namespace/NAME", as kubectl does. It returns the error of
// writing.
func PlanNames(w io.Writer, p *migrate.Plan, _ Options) error {
	var b bytes.Buffer
	for i := range p.Namespaces {
		b.WriteString("namespace/" + escape.Terminal(p.Namespaces[i].Name) + "\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}
