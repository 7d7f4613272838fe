package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// gutter is the space between the columns of a table.
const gutter = 2

// grid is a table of a report on its way to the terminal. The header is empty or has a title for every column.
type grid struct {
	header []string
	rows   [][]string // escaped
	roles  []Role     // of the columns
	// cellRole is the role of a cell: that of its column, but in Facts.
	cellRole func(row, column int) Role
	// spare are the columns that may be left out, the first to go first.
	spare []int
}

// facts draws the names and values of a report as a table of two columns without a header.
func (t *textRenderer) facts(facts Facts) error {
	g := grid{roles: []Role{RoleText, RoleText}, cellRole: func(row, column int) Role {
		if column == 0 {
			return RoleText
		}
		return facts[row].Role
	}}
	for _, f := range facts {
		g.rows = append(g.rows, []string{escape.Terminal(f.Name), escape.Terminal(f.Value)})
	}
	return t.grid(&g)
}

// table draws a table of a report, without its header where Options leave headers out.
func (t *textRenderer) table(table *Table) error {
	g := grid{cellRole: func(_, column int) Role { return table.Columns[column].Role }}
	titled := !t.opts.NoHeaders && slices.ContainsFunc(table.Columns, func(c Column) bool { return c.Title != "" })
	for i, c := range table.Columns {
		g.roles = append(g.roles, c.Role)
		if titled {
			g.header = append(g.header, c.Title)
		}
		if slices.Contains(table.Spare, c.Title) {
			g.spare = append(g.spare, i)
		}
	}
	slices.SortStableFunc(g.spare, func(a, b int) int {
		return slices.Index(table.Spare, table.Columns[a].Title) - slices.Index(table.Spare, table.Columns[b].Title)
	})
	for _, row := range table.Rows {
		escaped := make([]string, len(row))
		for column, text := range row {
			escaped[column] = escape.Terminal(text)
		}
		g.rows = append(g.rows, escaped)
	}
	if err := t.grid(&g); err != nil {
		return err
	}
	if table.Omitted != "" {
		t.fold("  ", "  ", table.Omitted)
	}
	return nil
}

// grid draws the rows of a report's table, within the width of Options; where there is no room for all columns, one below
// the other.
func (t *textRenderer) grid(g *grid) error {
	if len(g.rows) == 0 {
		return nil
	}
	widths, ok := g.fit(t.opts.Width)
	if !ok {
		return t.records(g)
	}
	var header, leftOut []string
	for column, title := range g.header {
		if widths[column] > 0 {
			header = append(header, layOut(title, RoleLevel, widths[column]))
		} else {
			leftOut = append(leftOut, title)
		}
	}
	rows := make([][]string, len(g.rows))
	for i, cells := range g.rows {
		for column, text := range cells {
			if widths[column] == 0 {
				continue
			}
			role := g.cellRole(i, column)
			text = layOut(text, role, widths[column])
			if t.opts.Colour {
				text = colourByRole(text, role)
			}
			rows[i] = append(rows[i], text)
		}
	}
	drawn, err := drawColumns(header, rows)
	if err != nil {
		return fmt.Errorf("drawing a table: %w", err)
	}
	for line := range strings.Lines(drawn) {
		t.line(strings.TrimRight(withoutResets(line), " \n"))
	}
	if len(leftOut) > 0 {
		t.fold(hanging, hanging+hanging, "no room here for "+strings.Join(leftOut, ", "))
	}
	return nil
}

// drawColumns returns the cells of a report's table, which may have several lines, in columns without borders, as kubectl
// does; the header may be empty. It returns the first error of tablewriter.
func drawColumns(header []string, rows [][]string) (string, error) {
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
	for _, row := range rows {
		if err := table.Append(row); err != nil {
			return "", err
		}
	}
	err := table.Render()
	return out.String(), err
}

// records draws the rows of a report's table one below the other: the cell of the first column, and indented below it the
// others behind their titles.
func (t *textRenderer) records(g *grid) error {
	below := textRenderer{width: t.width, opts: t.opts}
	below.opts.Width = max(t.opts.Width-len(hanging), 1)
	for i, row := range g.rows {
		t.foldRole("", hanging, row[0], g.cellRole(i, 0))
		record := grid{roles: []Role{RoleText, RoleText}, cellRole: func(row, column int) Role {
			if column == 0 {
				return RoleText
			}
			return g.cellRole(i, row+1)
		}}
		for column, text := range row[1:] {
			title := ""
			if len(g.header) > 0 {
				title = g.header[column+1]
			}
			record.rows = append(record.rows, []string{title, text})
		}
		below.out.Reset()
		if err := below.grid(&record); err != nil {
			return err
		}
		for line := range strings.Lines(below.out.String()) {
			t.line(hanging + strings.TrimSuffix(line, "\n"))
		}
	}
	return nil
}

// withoutResets returns a line of a report without the ends of colours that tablewriter adds where none has begun.
func withoutResets(line string) string {
	parts := strings.Split(line, plain)
	for i := range len(parts) - 1 {
		if strings.Contains(parts[i], "\x1b") {
			parts[i] += plain
		}
	}
	return strings.Join(parts, "")
}

// layOut returns the cell of a report's table in lines of at most width columns, by the rule of its role.
func layOut(text string, role Role, width int) string {
	if columnsOf(text) <= width {
		return text
	}
	switch role {
	case RoleCommand:
		return text
	case RoleSummary:
		return shortenEnd(text, width)
	case RoleText:
		return strings.Join(Fold(text, width), "\n")
	}
	shorten := shortenEnd
	if role == RoleName {
		shorten = shortenMiddle
	}
	words := strings.Fields(joinMark(text))
	for i, word := range words {
		words[i] = shorten(word, width)
	}
	text = strings.Join(Fold(strings.Join(words, " "), width), "\n")
	return strings.ReplaceAll(text, joined, " ")
}

// joined stands for a space in a table cell of a report at which no line may end. No text from input has it: it is
// escaped.
const joined = "\u2800"

// joinMark returns a table cell of a report in which the mark before a name or level stays with it: "+ baseline".
func joinMark(text string) string {
	if len(text) > 2 && text[1] == ' ' {
		return text[:1] + joined + text[2:]
	}
	return text
}

// fit returns the widths of the columns of a report's table for a terminal of some width, 0 for a column that is left
// out, and whether there is room for them; a terminal of width 0 has room for all. What can be told in less room gives
// way first: see floors.
func (g *grid) fit(width int) (widths []int, ok bool) {
	natural, word := g.measure()
	out := make([]bool, len(natural))
	if width == 0 || fits(natural, out, width) {
		return natural, true
	}
	least := g.floors(0, natural, word, width)
	for _, column := range g.spare {
		if fits(least, out, width) {
			break
		}
		out[column] = true
	}
	for stage := 1; stage < stages && !fits(least, out, width); stage++ {
		least = g.floors(stage, natural, word, width)
	}
	if len(natural) > 2 && !fits(least, out, width) {
		return nil, false
	}
	return grow(least, natural, out, width), true
}

// stages is how many times the columns of a report's table give way.
const stages = 5

// floors returns the least widths of the columns of a report's table at a stage. At first text wraps between words,
// summaries end early, and a name takes no more than half of the terminal; if that is not enough spare columns go, and
// then text is broken within words, names are shortened, levels wrap, and at last all but levels get equally little.
func (g *grid) floors(stage int, natural, word []int, width int) []int {
	const comfortable, short, little = 16, 12, 8
	out := make([]int, len(natural))
	for i, role := range g.roles {
		least := natural[i]
		switch {
		case stage == stages-1 && (role == RoleLevel || role == RoleStatus):
			least = min(word[i], short)
		case stage == stages-1:
			least = little
		case role == RoleText && stage == 0:
			least = max(comfortable, min(word[i], width/2))
		case role == RoleText, role == RoleSummary:
			least = short
		case role == RoleName && stage < 2:
			least = width / 2
		case role == RoleName && i == 0: // it tells the rows apart
			least = width / 3
		case role == RoleName:
			least = comfortable
		case role == RoleCommand && stage > 0: // it is the last, and drawn whole
			least = width / 2
		case stage == 3:
			least = word[i]
		}
		out[i] = min(natural[i], least)
	}
	return out
}

// measure returns the widths of the columns of a report's table where there is room for all, and of their longest words.
func (g *grid) measure() (natural, word []int) {
	natural, word = make([]int, len(g.roles)), make([]int, len(g.roles))
	see := func(column int, text string) {
		natural[column] = max(natural[column], columnsOf(text))
		for w := range strings.FieldsSeq(joinMark(text)) {
			word[column] = max(word[column], columnsOf(w))
		}
	}
	for column, title := range g.header {
		see(column, title)
	}
	for _, row := range g.rows {
		for column, text := range row {
			see(column, text)
		}
	}
	for i := range natural {
		natural[i] = max(natural[i], 1) // 0 is for a column that is left out
	}
	return natural, word
}

// fits reports whether the columns of a report's table that are not left out have room in a terminal.
func fits(widths []int, out []bool, width int) bool {
	sum := -gutter
	for i, w := range widths {
		if !out[i] {
			sum += w + gutter
		}
	}
	return sum <= width
}

// grow returns widths of the columns of a report's table from the least that they need up to the most that they can use:
// the columns that are short of room get the same.
func grow(floors, natural []int, out []bool, width int) []int {
	widths := make([]int, len(floors))
	for i := range floors {
		if !out[i] {
			widths[i] = floors[i]
		}
	}
	for grown := true; grown; {
		grown = false
		narrow := -1
		for i := range widths {
			if !out[i] && widths[i] < natural[i] && (narrow < 0 || widths[i] <= widths[narrow]) {
				narrow = i
			}
		}
		if narrow >= 0 {
			widths[narrow]++
			if grown = fits(widths, out, width); !grown {
				widths[narrow]--
			}
		}
	}
	return widths
}
