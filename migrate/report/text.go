package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

const (
	// paragraphWidth is the width of running text where there is no terminal to ask.
	paragraphWidth = 100
	// narrowest is the width below which text is not folded any further.
	narrowest = 16
	// gutter is the space between the columns of a table.
	gutter = 2
)

// Text writes a report Document as text, or returns the error of writing, for a terminal, or for a file that people
// read: escaped, folded to the width of Options, with headings and levels in colour where Options ask for it. It writes
// all of the Document at once, and nothing if a part of it cannot be drawn.
func Text(w io.Writer, d *Document, opts Options) error {
	t := textRenderer{width: paragraphWidth, opts: opts}
	switch {
	case d.OneLine:
		t.width, t.opts.Width = 0, 0
	case opts.Width > 0:
		t.width = opts.Width
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

// line writes a line of a report that is escaped and folded already.
func (t *textRenderer) line(text string) { t.out.WriteString(text + "\n") }

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
	if t.opts.Colour {
		text = "\x1b[1m" + text + "\x1b[0m"
	}
	t.line(text)
}

// fold writes text in lines that keep to the width of the report, the first behind one indentation and the others behind another.
func (t *textRenderer) fold(first, others, text string) {
	text = escape.Terminal(text)
	if t.width == 0 {
		t.line(first + text)
		return
	}
	indent := first
	for _, line := range foldText(text, max(t.width-len(others), narrowest)) {
		t.line(indent + line)
		indent = others
	}
}

// list draws a list of a report as indented points.
func (t *textRenderer) list(l List) {
	indent := "  "
	if l.Flat {
		indent = ""
	}
	t.items(l.Items, indent, indent)
	if l.Omitted != "" {
		t.line(indent + escape.Terminal(l.Omitted))
	}
}

// items writes the points of a list in a report at an indentation, and those below each at step more.
func (t *textRenderer) items(items []Item, indent, step string) {
	for _, item := range items {
		t.fold(indent, indent+step, item.Text)
		t.items(item.Items, indent+step, step)
		t.objects(item.Objects)
	}
}

// objects draws the names of Kubernetes objects that a sentence of a report is about, one a line.
func (t *textRenderer) objects(o Objects) {
	const indent = "     "
	for _, name := range o.Names {
		t.line(indent + escape.Terminal(name))
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
		t.fold("", "   ", fmt.Sprintf("%d. %s", i+1, step.Text))
		for _, b := range step.Blocks {
			if err := t.block(b, "   "); err != nil {
				return err
			}
		}
	}
	return nil
}

// facts draws the names and values of a report as a table of two columns without a header.
func (t *textRenderer) facts(facts Facts) error {
	rows, levels := make([][]string, len(facts)), make([]bool, len(facts))
	for i, f := range facts {
		rows[i], levels[i] = []string{f.Name, f.Value}, f.Role == RoleLevel
	}
	return t.grid(nil, rows, func(row, column int) bool { return column == 1 && levels[row] })
}

// table draws a table of a report, without its header where Options leave headers out.
func (t *textRenderer) table(table *Table) error {
	var header []string
	for _, c := range table.Columns {
		if c.Title != "" && !t.opts.NoHeaders {
			header = append(header, c.Title)
		}
	}
	err := t.grid(header, table.Rows, func(_, column int) bool { return table.Columns[column].Role == RoleLevel })
	if err == nil && table.Omitted != "" {
		t.line("  " + escape.Terminal(table.Omitted))
	}
	return err
}

// grid draws the rows of a report's table without borders, as kubectl does. Where the terminal is too narrow the last
// column is folded, so that nothing is lost. A cell for which isLevel is true is coloured.
func (t *textRenderer) grid(header []string, values [][]string, isLevel func(row, column int) bool) error {
	if len(values) == 0 {
		return nil
	}
	var out bytes.Buffer
	table := tablewriter.NewTable(&out,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Symbols:  tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})),
		tablewriter.WithPadding(tw.Padding{Right: strings.Repeat(" ", gutter), Overwrite: true}),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithTrimTab(tw.Off),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAlignment(tw.AlignLeft),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAlignment(tw.AlignLeft),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
	)
	if len(header) > 0 {
		table.Header(header)
	}
	for i, row := range foldLastColumn(header, values, t.opts.Width) {
		for column := range row {
			if t.opts.Colour && isLevel(i, column) {
				row[column] = colourLevel(row[column])
			}
		}
		if err := table.Append(row); err != nil {
			return fmt.Errorf("drawing a table: %w", err)
		}
	}
	if err := table.Render(); err != nil {
		return fmt.Errorf("drawing a table: %w", err)
	}
	for line := range strings.Lines(out.String()) {
		t.line(strings.TrimRight(line, " \n"))
	}
	return nil
}

// foldLastColumn returns the escaped rows of a report's table, with a last column that keeps to what the others leave
// of the width; 0 for no limit.
func foldLastColumn(header []string, values [][]string, width int) [][]string {
	rows := make([][]string, len(values))
	for i, row := range values {
		rows[i] = make([]string, len(row))
		for column, text := range row {
			rows[i][column] = escape.Terminal(text)
		}
	}
	if width == 0 {
		return rows
	}
	last, before := len(rows[0])-1, 0
	for column := range last {
		widest := 0
		if len(header) > column {
			widest = twwidth.Width(header[column])
		}
		for _, row := range rows {
			widest = max(widest, twwidth.Width(row[column]))
		}
		before += widest + gutter
	}
	for _, row := range rows {
		row[last] = strings.Join(foldText(row[last], max(width-before, narrowest)), "\n")
	}
	return rows
}

// foldText breaks the text of a report at spaces into lines of at most width columns. A word that is longer has a line
// of its own and is left to the terminal: a name that was broken could not be copied.
func foldText(text string, width int) []string {
	if twwidth.Width(text) <= width {
		return []string{text}
	}
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case twwidth.Width(line)+1+twwidth.Width(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// colourLevel colours the Pod Security level in a table cell of a report, with the mark before it; a version or a
// remark may follow the level.
func colourLevel(cell string) string {
	start := 0
	if len(cell) > 2 && cell[1] == ' ' {
		start = 2
	}
	end := len(cell)
	if i := strings.IndexAny(cell[start:], ":, \n"); i >= 0 {
		end = start + i
	}
	colour := ""
	switch api.Level(cell[start:end]) {
	case api.LevelPrivileged:
		colour = "\x1b[31m"
	case api.LevelBaseline:
		colour = "\x1b[33m"
	case api.LevelRestricted:
		colour = "\x1b[32m"
	default:
		return cell
	}
	return colour + cell[:end] + "\x1b[0m" + cell[end:]
}
