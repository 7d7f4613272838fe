package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/manifest"
)

// PlanJSON writes the Plan itself, which migrate.ReadPlan reads back. The Plan of a large cluster is hundreds of megabytes of
// text: it is encoded one namespace and one policy at a time, and what is large of a namespace in pieces as well.
func PlanJSON(w io.Writer, p *migrate.Plan, _ Options) error {
	out := bufio.NewWriter(w)
	if err := newPieceEncoder(out).fields(p, ""); err != nil {
		return err
	}
	_, _ = out.WriteString("\n") // Flush reports the error
	return out.Flush()
}

// writtenInPieces is true for what is written in pieces.
func writtenInPieces(item any) bool {
	const many = 100
	switch x := item.(type) {
	case *migrate.Namespace:
		return len(x.Workloads) > many
	case *migrate.Evaluation:
		return len(x.Mutations) > many || slices.ContainsFunc(x.StricterEdits, func(r migrate.StricterEdits) bool { return writtenInPieces(&r) })
	case *migrate.StricterEdits:
		return len(x.Edits) > many
	}
	return false
}

// pieceEncoder writes a document piece by piece, with one encoder: each would bring buffers of its own.
type pieceEncoder struct {
	*bufio.Writer
	piece   bytes.Buffer
	encoder *json.Encoder
}

func newPieceEncoder(out *bufio.Writer) *pieceEncoder {
	p := &pieceEncoder{Writer: out}
	p.encoder = json.NewEncoder(&p.piece)
	p.encoder.SetEscapeHTML(false)
	return p
}

// encode keeps < > & readable and shows by escapes what would not show as itself. The prefix is the indentation at which
// the value stands.
func (out *pieceEncoder) encode(v any, prefix string) error {
	out.piece.Reset()
	out.encoder.SetIndent(prefix, "  ")
	if err := out.encoder.Encode(v); err != nil {
		return err
	}
	_, err := out.Write(escape.JSON(bytes.TrimSuffix(out.piece.Bytes(), []byte("\n"))))
	return err
}

// fields writes the JSON form of a Plan, or of what is large in it, one field, and in lists one item, at a time.
func (out *pieceEncoder) fields(of any, prefix string) error {
	separator, inner := "{\n", prefix+"  "
	err := eachJSONField(of, func(name string, value any, list bool) error {
		_, _ = out.WriteString(separator + inner + `"` + name + `": `) // Flush reports the error
		separator = ",\n"
		if !list {
			return out.encode(value, inner)
		}
		items := reflect.ValueOf(value)
		for i := range items.Len() {
			_, _ = out.WriteString([]string{"[\n", ",\n"}[min(i, 1)] + inner + "  ")
			item, write := items.Index(i).Addr().Interface(), out.encode
			if items.Index(i).Kind() == reflect.Pointer {
				item = items.Index(i).Interface()
			}
			if writtenInPieces(item) {
				write = out.fields
			}
			if err := write(item, inner+"  "); err != nil {
				return err
			}
		}
		_, err := out.WriteString("\n" + inner + "]")
		return err
	})
	_, _ = out.WriteString("\n" + prefix + "}")
	return err
}

// PlanYAML writes the Plan itself, with its fields in the order of the JSON form, and like it piece by piece.
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

// eachJSONField visits the fields of a struct of the Plan that its JSON form has, in order; list is true for one with
// items, which can be written one by one.
func eachJSONField(of any, visit func(name string, value any, list bool) error) error {
	plan := reflect.ValueOf(of).Elem()
	for i := range plan.NumField() {
		name, options, _ := strings.Cut(plan.Type().Field(i).Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		field := plan.Field(i)
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

// writeJSON writes any value as one document.
func writeJSON(w io.Writer, v any) error {
	out := newPieceEncoder(bufio.NewWriter(w))
	if err := out.encode(v, ""); err != nil {
		return err
	}
	_, _ = out.WriteString("\n") // Flush reports the error
	return out.Flush()
}

// PlanNames writes "namespace/NAME" lines, as kubectl does.
func PlanNames(w io.Writer, p *migrate.Plan, _ Options) error {
	var b bytes.Buffer
	for i := range p.Namespaces {
		b.WriteString("namespace/" + escape.Terminal(p.Namespaces[i].Name) + "\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}
