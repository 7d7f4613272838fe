package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

const (
	// paragraphWidth is the width of running text where there is no terminal to ask.
	paragraphWidth = 100
	// narrowest is the width below which text is not folded any further.
	narrowest = 16
	// hanging is the indentation of the further lines of a point, and of the points below it.
	hanging = "  "
)

// Text writes a report Document as text, or returns the error of writing, for a terminal, or for a file that people
// read: escaped, with headings, levels and outcomes in colour where Options ask for it. It writes all of the Document at
// once, and nothing if a part of it cannot be drawn.
//
// On a terminal, whose width Options name, no line is longer than that, but lines for a shell and manifests, which are
// copied: text is folded at spaces (Fold), names that stand alone are shortened in the middle, and tables narrow by the
// roles of their columns. Elsewhere nothing is shortened, tables and Documents of OneLine are as wide as they need to be,
// and running text is folded to be readable.
func Text(w io.Writer, d *Document, opts Options) error {
	t := textRenderer{width: paragraphWidth, opts: opts}
	switch {
	case opts.Width > 0:
		t.width = opts.Width
	case d.OneLine:
		t.width = 0
	}
	var before Block
	for _, b := range d.Blocks {
		if table, ok := b.(*Table); ok && len(table.Rows) == 0 {
			continue
		}
		if before != nil && needsEmptyLineBetween(before, b) {
			t.line("")
		}
		if err := t.block(b, ""); err != nil {
			return err
		}
		before = b
	}
	_, err := w.Write(t.out.Bytes())
	return err
}

// needsEmptyLineBetween reports whether two blocks of a report have an empty line between them.
func needsEmptyLineBetween(before, b Block) bool {
	if _, ok := before.(Heading); ok {
		return false
	}
	_, list := b.(List)
	_, paragraph := before.(Paragraph)
	return !list || paragraph
}

// textRenderer draws the blocks of a report Document as text.
type textRenderer struct {
	out   bytes.Buffer
	opts  Options
	width int // of running text; 0 for no folding
}

// line writes a line of a report that is escaped and folded already. It gives no command to the log of a pipeline.
func (t *textRenderer) line(text string) { t.out.WriteString(escape.Lines(text) + "\n") }

// block draws a block of a report at an indentation.
func (t *textRenderer) block(b Block, indent string) error {
	switch b := b.(type) {
	case Heading:
		t.heading(string(b))
	case Paragraph:
		for _, text := range b {
			t.fold(indent, indent, text)
		}
	case List:
		t.list(b)
	case *Table:
		return t.table(b)
	case Facts:
		return t.facts(b)
	case Steps:
		return t.steps(b)
	case Objects:
		t.objects(b)
	case Commands:
		for _, command := range b {
			t.line(indent + "$ " + escape.Terminal(command))
		}
	case Manifest:
		for line := range strings.Lines(string(b)) {
			t.line("  " + strings.TrimSuffix(line, "\n"))
		}
	default:
		return fmt.Errorf("drawing a report: there is no way to draw a %T", b)
	}
	return nil
}

// heading draws a section heading of a report, bold where colours are on.
func (t *textRenderer) heading(text string) {
	text = escape.Terminal(text)
	lines := []string{text}
	if t.opts.Width > 0 {
		lines = Fold(text, max(t.opts.Width-len(hanging), narrowest))
	}
	indent := ""
	for _, line := range lines {
		if t.opts.Colour {
			line = bold + line + plain
		}
		t.line(indent + line)
		indent = hanging
	}
}

// fold writes text in lines that keep to the width of the report, the first behind one indentation and the others behind another.
func (t *textRenderer) fold(first, others, text string) { t.foldRole(first, others, text, RoleText) }

// foldRole folds text as fold does, coloured by its role in the report.
func (t *textRenderer) foldRole(first, others, text string, role Role) {
	lines := []string{escape.Terminal(text)}
	if t.width > 0 {
		lines = Fold(lines[0], max(t.width-max(len(first), len(others)), narrowest))
	}
	if t.opts.Colour {
		lines[0] = colourByRole(lines[0], role)
	}
	indent := first
	for _, line := range lines {
		t.line(indent + line)
		indent = others
	}
}

// list draws a list of a report as indented points.
func (t *textRenderer) list(l List) {
	indent := hanging
	if l.Flat {
		indent = ""
	}
	t.items(l.Items, indent, indent)
	if l.Omitted != "" {
		t.fold(indent, indent+hanging, l.Omitted)
	}
}

// items writes the points of a list in a report at an indentation, and those below each at step more.
func (t *textRenderer) items(items []Item, indent, step string) {
	for _, item := range items {
		t.foldRole(indent, indent+hanging, item.Text, item.Role)
		t.items(item.Items, indent+step, step)
		t.objects(item.Objects)
	}
}

// objects draws the names of Kubernetes objects that a sentence of a report is about, one a line.
func (t *textRenderer) objects(o Objects) {
	const indent = "     "
	for _, name := range o.Names {
		name = escape.Terminal(name)
		if t.opts.Width > 0 {
			name = shortenMiddle(name, max(t.opts.Width-len(indent), narrowest))
		}
		t.line(indent + name)
	}
	if o.Omitted > 0 {
		t.line(fmt.Sprintf("%sand %d more", indent, o.Omitted))
	}
}

// steps draws the numbered steps of a report, with an empty line between them.
func (t *textRenderer) steps(steps Steps) error {
	for i, step := range steps {
		if i > 0 {
			t.line("")
		}
		t.foldRole(fmt.Sprintf("%d. ", i+1), "   ", step.Text, step.Role)
		for _, b := range step.Blocks {
			if err := t.block(b, "   "); err != nil {
				return err
			}
		}
	}
	return nil
}
