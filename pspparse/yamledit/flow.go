package yamledit

import (
	"bytes"
	"strings"

	"gopkg.in/yaml.v3"
)

// flowCollection is a YAML mapping or sequence in brackets, or a JSON object or array, that is planned.
type flowCollection struct {
	*planner
	n    *yaml.Node
	at   extent
	per  int // nodes of an entry: 2 of a mapping, 1 of a sequence
	size int // how many entries it has
}

// planFlow adds the splices of a YAML mapping or sequence in brackets.
func (p *planner) planFlow(v *value, h holder) error {
	own, added, err := slotsByIndex(v)
	if err != nil {
		return err
	}
	at, err := p.d.extentOf(v.node)
	if err != nil {
		return err
	}
	f := flowCollection{planner: p, n: v.node, at: at, per: 1, size: len(v.node.Content)}
	if v.kind == yaml.MappingNode {
		f.per, f.size = 2, f.size/2
	}
	if f.size == 0 {
		return f.fill(v, h)
	}
	st, err := f.style(h)
	if err != nil {
		return err
	}
	kept, err := f.planEntries(own, st)
	if err != nil {
		return err
	}
	if kept < 0 {
		if err := f.noComment(at.body, at.end, v.node); err != nil {
			return err
		}
		st.indent = p.d.keyIndentation(at.body)
		p.replace(at.body, at.end, st.flowValue(v))
		return nil
	}
	return f.add(kept, added, st)
}

// fill adds the splices that put entries into empty brackets of YAML text: where a key in block style holds them, as lines below it.
func (f flowCollection) fill(v *value, h holder) error {
	if inside := f.d.text[f.at.body+1 : f.at.end-1]; len(bytes.TrimSpace(inside)) > 0 {
		return layoutError{"there is a comment within brackets"}
	}
	if h.flow == nil && f.d.json {
		h.flow = &style{flow: true, newline: f.newline, keyQuote: '"', textQuote: '"', colon: ": ", comma: ", "}
	}
	return f.write(f.at.body, f.at.end, f.n, v, h)
}

// entry returns where an entry of the YAML brackets begins and ends.
func (f flowCollection) entry(i int) (start, end int, err error) {
	if f.per == 2 {
		return f.d.entry(f.n, 2*i)
	}
	e, err := f.d.extentOf(f.n.Content[i])
	return e.start, e.end, err
}

// planEntries adds the splices of the entries of YAML brackets that stay and those that take others away. It returns the last that
// stays; -1 if none does.
func (f flowCollection) planEntries(own map[int]*slot, st style) (kept int, err error) {
	kept = -1
	for i := range f.size {
		s := own[f.per*i]
		switch {
		case s != nil && s.now == nil:
			if err := f.removable(f.n.Content[f.per*i+f.per-1]); err != nil {
				return 0, err
			}
			continue
		case s != nil && (s.now != s.old || s.now.dirty):
			if err := f.planFlowSlot(i, s, st); err != nil {
				return 0, err
			}
		}
		if err := f.removeBetween(kept, i); err != nil {
			return 0, err
		}
		kept = i
	}
	if kept >= 0 {
		err = f.removeBetween(kept, f.size)
	}
	return kept, err
}

// planFlowSlot adds the splices of an entry of YAML brackets that stays.
func (f flowCollection) planFlowSlot(i int, s *slot, st style) error {
	h := holder{flow: &st}
	if f.per == 2 {
		key, err := f.d.extentOf(f.n.Content[2*i])
		if err != nil {
			return err
		}
		if h.colon, err = f.d.colon(key.end, true); err != nil {
			return err
		}
		if f.d.text[h.colon-1] != ':' {
			return layoutError{"a key has no colon"}
		}
	}
	return f.planSlot(s, h)
}

// removeBetween adds the splice that takes the entries between two of YAML brackets away; -1 and the size stand for the brackets.
func (f flowCollection) removeBetween(before, next int) error {
	if next-before <= 1 {
		return nil
	}
	first, _, err := f.entry(max(before, 0))
	if err != nil {
		return err
	}
	start, end := first, 0
	switch {
	case before < 0:
		end, _, err = f.entry(next)
	default:
		if _, start, err = f.entry(before); err == nil {
			_, end, err = f.entry(next - 1)
		}
	}
	if err != nil {
		return err
	}
	if err := f.noComment(start, end, f.n); err != nil {
		return err
	}
	f.replace(start, end, "")
	return nil
}

// add adds the splices that put new entries behind one of YAML brackets.
func (f flowCollection) add(behind int, added []*slot, st style) error {
	if len(added) == 0 {
		return nil
	}
	_, end, err := f.entry(behind)
	if err != nil {
		return err
	}
	between := st.comma
	if st.lines {
		between = "," + st.newline + st.indent
	}
	var parts []string
	for _, s := range added {
		if f.per == 2 {
			parts = append(parts, st.flowEntry(s.name, s.now))
		} else {
			parts = append(parts, st.flowValue(s.now))
		}
	}
	text := strings.Join(parts, between)
	lineEnd := f.d.lines.lineEnd(end)
	next := f.d.nextOnLine(end)
	comma := next < lineEnd && f.d.text[next] == ','
	if comma {
		next = f.d.nextOnLine(next + 1)
	}
	switch {
	case next >= lineEnd || f.d.text[next] != '#':
		f.replace(end, end, between+text)
	case !st.lines:
		return layoutError{"there is a comment within brackets"}
	case comma:
		f.replace(lineEnd, lineEnd, st.newline+st.indent+text+",")
	default:
		f.replace(end, end, ",")
		f.replace(lineEnd, lineEnd, st.newline+st.indent+text)
	}
	return nil
}

// style returns how entries of the YAML brackets are written.
func (f flowCollection) style(h holder) (style, error) {
	st := style{flow: true, newline: f.newline, colon: ": ", comma: ", ", unit: "  "}
	if h.flow != nil {
		st = *h.flow
	}
	if key, text := quotesIn(f.n); f.d.json {
		st.keyQuote, st.textQuote = '"', '"'
	} else if f.per == 2 {
		st.keyQuote, st.textQuote = key, text
	} else {
		st.textQuote = text
	}
	first, firstEnd, err := f.entry(0)
	if err != nil {
		return st, err
	}
	last, _, err := f.entry(f.size - 1)
	if err != nil {
		return st, err
	}
	if err := f.separators(&st, firstEnd); err != nil {
		return st, err
	}
	outer := f.d.keyIndentation(f.at.body)
	st.indent = outer
	st.lines = f.d.lines.lineOf(first) > f.d.lines.lineOf(f.at.body) && f.d.startsLine(last)
	if st.lines {
		st.indent = f.d.indentation(last)
		if unit, ok := strings.CutPrefix(st.indent, outer); ok && unit != "" {
			st.unit = unit
		}
	}
	return st, nil
}

// separators reads from the YAML brackets what stands between a key and its value, and between entries.
func (f flowCollection) separators(st *style, firstEnd int) error {
	if f.per == 2 && !isEmpty(f.n.Content[1]) {
		key, err := f.d.extentOf(f.n.Content[0])
		if err != nil {
			return err
		}
		v, err := f.d.extentOf(f.n.Content[1])
		if err != nil {
			return err
		}
		if colon := string(f.d.text[key.end:v.start]); !strings.ContainsAny(colon, "\n#") {
			if st.colon = colon; colon == ":" {
				st.comma = ","
			}
		}
	}
	if f.size > 1 {
		second, _, err := f.entry(1)
		if err != nil {
			return err
		}
		if comma := string(f.d.text[firstEnd:second]); !strings.ContainsAny(comma, "\n#") && strings.Contains(comma, ",") {
			st.comma = comma
		}
	}
	return nil
}

// noComment fails if a piece of YAML text that a node in brackets takes may have a comment in it.
func (p *planner) noComment(start, end int, n *yaml.Node) error {
	for i := start + 1; i < end && !p.d.json && isFlow(n); i = p.d.lines.pass(i, i+1) {
		if p.d.text[i] == '#' && isSpace(p.d.text[i-1]) {
			return layoutError{"there is a comment within brackets"}
		}
	}
	return nil
}
