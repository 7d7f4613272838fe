package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// grid is a table before it is drawn: gathered first, drawn last.
type grid struct {
	header []string
	rows   [][]string
	// levels are the columns that hold levels, levelRows the rows whose second cell is one. Only these are coloured: in
	// another column the same word is a name or a reason.
	levels    []int
	levelRows []int
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// addLevel adds a row that says which level something has.
func (g *grid) addLevel(what, level string) {
	g.levelRows = append(g.levelRows, len(g.rows))
	g.add(what, level)
}

func (g *grid) isLevel(row, column int) bool {
	return slices.Contains(g.levels, column) || column == 1 && slices.Contains(g.levelRows, row)
}

const (
	gutter = 2
	// narrowest is the width below which a last column is not folded any further.
	narrowest = 16
)

// draw draws the grid without borders, as kubectl does. Where the terminal is too narrow the last column is folded, so
// that nothing is lost. paint, if not nil, colours a finished cell that holds a level.
func (g *grid) draw(w io.Writer, opts Options, paint func(string) string) error {
	if len(g.rows) == 0 {
		return nil
	}
	rows := fold(g.header, g.rows, opts.Width)
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
	if !opts.NoHeaders && len(g.header) > 0 {
		table.Header(g.header)
	}
	for i, row := range rows {
		for column := range row {
			if paint != nil && g.isLevel(i, column) {
				row[column] = paint(row[column])
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
		if _, err := io.WriteString(w, strings.TrimRight(line, " \n")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// fold returns a copy of the rows in which the last column keeps to what is left of the width.
func fold(header []string, rows [][]string, width int) [][]string {
	out := make([][]string, len(rows))
	before := 0
	for column := range len(rows[0]) - 1 {
		widest := 0
		if len(header) > column {
			widest = twwidth.Width(header[column])
		}
		for _, row := range rows {
			widest = max(widest, twwidth.Width(row[column]))
		}
		before += widest + gutter
	}
	for i, row := range rows {
		out[i] = append([]string(nil), row...)
		if last := len(row) - 1; width > 0 {
			out[i][last] = strings.Join(foldText(row[last], max(width-before, narrowest)), "\n")
		}
	}
	return out
}

// foldText breaks text at spaces into lines of at most width columns. A word that is longer has a line of its own and
// is left to the terminal: a name that was broken could not be copied.
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
