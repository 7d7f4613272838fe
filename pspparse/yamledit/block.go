package yamledit

import (
	"bytes"
	"strings"

	"gopkg.in/yaml.v3"
)

// planBlockMapping adds the splices of a YAML mapping in block style.
func (p *planner) planBlockMapping(v *value, h holder) error {
	own, added, err := slotsByIndex(v)
	if err != nil {
		return err
	}
	p.outer = append(p.outer, v.node)
	defer func() { p.outer = p.outer[:len(p.outer)-1] }()
	column, err := p.blockColumn(v.node)
	if err != nil {
		return err
	}
	first, kept := -1, -1 // the first entry that goes, the last that stays
	for i := 0; i < len(v.node.Content); i += 2 {
		s := own[i]
		switch {
		case s != nil && s.now == nil:
			if err := p.removable(v.node.Content[i+1]); err != nil {
				return err
			}
			if first < 0 {
				first = i
			}
			continue
		case s != nil && (s.now != s.old || s.now.dirty):
			if err := p.planEntry(v.node, i, s, column); err != nil {
				return err
			}
		}
		kept = i
	}
	if kept < 0 {
		return p.emptyBlockMapping(v.node, added, h, column)
	}
	if err := p.removeEntries(v.node, own, column); err != nil {
		return err
	}
	return p.addEntries(v.node, kept, added, column)
}

// blockColumn returns the column of the keys of a YAML mapping in block style.
func (p *planner) blockColumn(n *yaml.Node) (int, error) {
	start, err := p.d.lines.offset(n.Content[0].Line, n.Content[0].Column)
	if err != nil {
		return 0, err
	}
	before := p.d.text[p.d.lines.lineStart(start):start]
	if len(bytes.Trim(before, " -")) > 0 {
		return 0, layoutError{"a key has a question mark or a tab before it"}
	}
	return len(before), nil
}

// planEntry adds the splices of an entry of a YAML mapping in block style that stays.
func (p *planner) planEntry(n *yaml.Node, i int, s *slot, column int) error {
	key, err := p.d.extentOf(n.Content[i])
	if err != nil {
		return err
	}
	colon, err := p.d.colon(key.end, false)
	if err != nil {
		return err
	}
	return p.planSlot(s, holder{key: true, colon: colon, column: column})
}

// removeEntries adds the splices that take entries out of a YAML mapping in block style of which others stay.
func (p *planner) removeEntries(n *yaml.Node, own map[int]*slot, column int) error {
	gone := func(i int) bool { return i < len(n.Content) && own[i] != nil && own[i].now == nil }
	for i := 0; i < len(n.Content); i += 2 {
		if !gone(i) {
			continue
		}
		start, end, err := p.d.entry(n, i)
		if err != nil {
			return err
		}
		if p.d.startsLine(start) {
			p.removeLines(start, end, column)
			continue
		}
		// It stands behind the dash of an item: what follows takes its place.
		for ; gone(i + 2); i += 2 {
			if _, end, err = p.d.entry(n, i+2); err != nil {
				return err
			}
		}
		next, _ := p.d.skipFold(p.d.lastLine(end, column))
		p.replace(start, next, "")
	}
	return nil
}

// removeLines adds the splice that takes the lines of a YAML entry or item away, with the comments that are indented more.
func (p *planner) removeLines(start, end, column int) {
	stop := p.d.lastLine(end, column)
	line := p.d.lines.lineOf(start)
	if line > 0 {
		p.replace(p.d.lines.lineEnd(p.d.lines.starts[line-1]), stop, "")
		return
	}
	if next := p.d.lines.lineOf(stop) + 1; next < len(p.d.lines.starts) {
		stop = p.d.lines.starts[next]
	}
	p.replace(0, stop, "")
}

// addEntries adds the splice that puts new entries below one of a YAML mapping in block style.
func (p *planner) addEntries(n *yaml.Node, below int, added []*slot, column int) error {
	if len(added) == 0 {
		return nil
	}
	start, end, err := p.d.entry(n, below)
	if err != nil {
		return err
	}
	st := p.style(n)
	var b strings.Builder
	for _, s := range added {
		b.WriteString(p.newline + spaces(column) + st.blockEntry(s.name, s.now, column))
	}
	at := p.d.lastLine(end, column)
	if at == len(p.d.text) && endsInBlockScalar(n.Content[below+1]) {
		// A line end behind such a text would become part of it.
		if line := p.d.lines.lineOf(start); line > 0 && p.d.startsLine(start) {
			at = p.d.lines.lineEnd(p.d.lines.starts[line-1])
		}
	}
	p.replace(at, at, b.String())
	return nil
}

// endsInBlockScalar reports whether the last text of a YAML node is a block scalar (| or >).
func endsInBlockScalar(n *yaml.Node) bool {
	for len(n.Content) > 0 && !isFlow(n) {
		n = n.Content[len(n.Content)-1]
	}
	return n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
}

// emptyBlockMapping adds the splices of a YAML mapping in block style of which no entry stays.
func (p *planner) emptyBlockMapping(n *yaml.Node, added []*slot, h holder, column int) error {
	st := p.style(n)
	var lines []string
	for _, s := range added {
		lines = append(lines, st.blockEntry(s.name, s.now, column))
	}
	ranges, _, err := p.blockRanges(n)
	if err != nil {
		return err
	}
	return p.emptyBlock(n, ranges, strings.Join(lines, p.newline+spaces(column)), "{}", h, column)
}

// blockRanges returns where the entries or items of a YAML mapping or sequence in block style begin and end, and their column.
func (p *planner) blockRanges(n *yaml.Node) (ranges [][2]int, column int, err error) {
	if n.Kind == yaml.SequenceNode {
		seq, err := p.blockSequence(n)
		for i := 0; i < len(n.Content) && err == nil; i++ {
			var r [2]int
			r, err = seq.item(i)
			ranges = append(ranges, r)
		}
		return ranges, seq.column, err
	}
	if column, err = p.blockColumn(n); err != nil {
		return nil, 0, err
	}
	for i := 0; i < len(n.Content); i += 2 {
		start, end, err := p.d.entry(n, i)
		if err != nil {
			return nil, 0, err
		}
		ranges = append(ranges, [2]int{start, end})
	}
	return ranges, column, nil
}

// emptyBlock adds the splices that take all entries or items away from a YAML mapping or sequence in block style, with new ones in the
// place of the first, or else with empty brackets.
func (p *planner) emptyBlock(n *yaml.Node, ranges [][2]int, added, brackets string, h holder, column int) error {
	switch {
	case n.Anchor != "" || n.Style&yaml.TaggedStyle != 0:
		return layoutError{"nothing would be left behind an anchor or a tag"}
	case added == "" && h.key:
		p.replace(h.colon, h.colon, " "+brackets)
	default:
		if added == "" {
			added = brackets
		}
		// A comment behind what goes stays on the first of the new lines.
		line, rest, _ := strings.Cut(added, p.newline)
		p.replace(ranges[0][0], ranges[0][1], line)
		if at := p.d.lines.lineEnd(ranges[0][1]); rest != "" {
			p.replace(at, at, p.newline+rest)
		}
		ranges = ranges[1:]
	}
	for _, r := range ranges {
		p.removeLines(r[0], r[1], column)
	}
	return nil
}

// planBlockSequence adds the splices of a YAML sequence in block style.
func (p *planner) planBlockSequence(v *value, h holder) error {
	own, added, err := slotsByIndex(v)
	if err != nil {
		return err
	}
	seq, err := p.blockSequence(v.node)
	if err != nil {
		return err
	}
	kept := -1
	var ranges [][2]int
	for i, item := range v.node.Content {
		s := own[i]
		if s.now != nil {
			if kept = i; s.now != s.old || s.now.dirty {
				if err := p.planSlot(s, holder{}); err != nil {
					return err
				}
			}
			continue
		}
		if err := p.removable(item); err != nil {
			return err
		}
		r, err := seq.item(i)
		if err != nil {
			return err
		}
		ranges = append(ranges, r)
	}
	if kept < 0 {
		lines := strings.TrimPrefix(seq.lines(added), p.newline+spaces(seq.column))
		return p.emptyBlock(v.node, ranges, lines, "[]", h, seq.column)
	}
	for _, r := range ranges {
		if !p.d.startsLine(r[0]) {
			return layoutError{"the list begins behind the dash of another one"}
		}
		p.removeLines(r[0], r[1], seq.column)
	}
	return seq.add(kept, added)
}

// blockSequence is a YAML sequence in block style that is planned, with its first dash and the column of all.
type blockSequence struct {
	*planner
	n             *yaml.Node
	first, column int
}

// blockSequence returns a YAML sequence in block style to be planned.
func (p *planner) blockSequence(n *yaml.Node) (blockSequence, error) {
	if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		return blockSequence{}, layoutError{"the list has an anchor or a tag"}
	}
	start, err := p.d.lines.offset(n.Line, n.Column)
	if err == nil && (start >= len(p.d.text) || p.d.text[start] != '-') {
		err = errNoPlace
	}
	return blockSequence{planner: p, n: n, first: start, column: p.d.lines.column(start)}, err
}

// item returns where the dash of an item of the YAML sequence stands, and where its text ends.
func (s blockSequence) item(i int) ([2]int, error) {
	n := s.n.Content[i]
	if isEmpty(n) {
		return [2]int{}, layoutError{"an item of a list is empty"}
	}
	e, err := s.d.extentOf(n)
	if err != nil {
		return [2]int{}, err
	}
	if i == 0 {
		return [2]int{s.first, e.end}, nil
	}
	for line := s.d.lines.lineOf(e.start); line >= 0; line-- {
		at := s.d.lines.starts[line] + s.column
		if at < len(s.d.text) && s.d.text[at] == '-' && s.d.startsLine(at) && at < e.start && at > s.first {
			return [2]int{at, e.end}, nil
		}
	}
	return [2]int{}, errNoPlace
}

// lines returns new items of the YAML sequence as lines, each behind a line end.
func (s blockSequence) lines(added []*slot) string {
	st := s.style(s.n)
	var b strings.Builder
	for _, x := range added {
		b.WriteString(s.newline + spaces(s.column) + "-" + st.blockItem(x.now, s.column+len("- ")))
	}
	return b.String()
}

// add adds the splice that puts new items below one of the YAML sequence.
func (s blockSequence) add(below int, added []*slot) error {
	if len(added) == 0 {
		return nil
	}
	r, err := s.item(below)
	if err != nil {
		return err
	}
	at := s.d.lastLine(r[1], s.column)
	s.replace(at, at, s.lines(added))
	return nil
}
