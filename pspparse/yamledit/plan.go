package yamledit

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// splice replaces the bytes of a YAML or JSON text from start to end.
type splice struct {
	start, end int
	text       string
}

// spliced returns the text of the YAML document with splices made. Those of one place are made in their order.
func (d *document) spliced(splices []splice) ([]byte, error) {
	slices.SortStableFunc(splices, func(a, b splice) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(min(a.end-a.start, 1), min(b.end-b.start, 1)))
	})
	var out []byte
	at := 0
	for _, s := range splices {
		if s.start < at || s.end < s.start {
			return nil, layoutError{"two edits are of one place"}
		}
		out = append(append(out, d.text[at:s.start]...), s.text...)
		at = s.end
	}
	return append(out, d.text[at:]...), nil
}

// planner finds the splices that bring a YAML or JSON document to the value that edits have made of it.
type planner struct {
	d       *document
	splices []splice
	// outer are the mappings in block style around the value that is planned.
	outer   []*yaml.Node
	habits  map[*yaml.Node]habits
	newline string
}

var (
	errAlias  = errors.New("part of it comes from an alias or a merge key")
	errShared = errors.New("an anchor within it is used elsewhere")
)

// replace adds a splice of the YAML text. New lines at the end of one end as that does, which may not be as the first of the file does.
func (p *planner) replace(start, end int, text string) {
	if here := lineEndAt(p.d.text[end:]); here != "" && here != p.newline {
		text = strings.ReplaceAll(text, p.newline, here)
	}
	p.splices = append(p.splices, splice{start, end, text})
}

// lineEndAt returns the end of a line with which a YAML text begins; "" if it begins with anything else.
func lineEndAt(text []byte) string {
	for _, end := range []string{"\r\n", "\n"} {
		if bytes.HasPrefix(text, []byte(end)) {
			return end
		}
	}
	return ""
}

// holder is what holds a YAML value in its text: the key of a mapping in block style, or anything else.
type holder struct {
	// key is set where a key of a mapping in block style holds the value. It ends with its colon at colon and stands in a column.
	key           bool
	colon, column int
	// flow is the style of the brackets around the value; nil outside of any.
	flow *style
}

// plan adds the splices of a YAML value that has edits within.
func (p *planner) plan(v *value, h holder) error {
	switch {
	case !v.dirty:
		return nil
	case v.node.Kind == yaml.AliasNode:
		return errAlias
	case p.d.shared[v.node]:
		return errShared
	case isFlow(v.node):
		return p.planFlow(v, h)
	case v.kind == yaml.MappingNode:
		return p.planBlockMapping(v, h)
	}
	return p.planBlockSequence(v, h)
}

// removable fails for a YAML value that must not be taken away: aliases elsewhere stand for something in it.
func (p *planner) removable(n *yaml.Node) error {
	if p.d.shared[n] {
		return errShared
	}
	if n.Kind == yaml.AliasNode {
		return nil
	}
	for _, c := range n.Content {
		if err := p.removable(c); err != nil {
			return err
		}
	}
	return nil
}

// slotsByIndex returns the slots of a YAML value that stand in its text by their index in the content of the node, and those that edits
// bring. It fails for edits of what is merged in.
func slotsByIndex(v *value) (own map[int]*slot, added []*slot, err error) {
	own = map[int]*slot{}
	for _, s := range append(slices.Clone(v.entries), v.items...) {
		switch {
		case s.index >= 0:
			own[s.index] = s
		case s.old == nil && s.now != nil:
			added = append(added, s)
		case s.old != nil && (s.now != s.old || s.now.dirty):
			return nil, nil, errAlias
		}
	}
	return own, added, nil
}

// planSlot adds the splices of one entry or item of a YAML value that stays.
func (p *planner) planSlot(s *slot, h holder) error {
	if s.now == s.old {
		return p.plan(s.now, h)
	}
	n := s.old.node
	if n.Kind == yaml.AliasNode {
		return errAlias
	}
	if err := p.removable(n); err != nil {
		return err
	}
	if n.Kind != yaml.ScalarNode && len(n.Content) > 0 && !isFlow(n) {
		return p.rewriteBlock(n, s.now, h)
	}
	return p.rewrite(n, s.now, h)
}

// rewrite adds the splices that put another value in the place of a YAML scalar, or of brackets.
func (p *planner) rewrite(n *yaml.Node, now *value, h holder) error {
	if isEmpty(n) && n.Anchor == "" {
		if h.colon == 0 {
			return layoutError{"an item of a list is empty"}
		}
		return p.write(h.colon, h.colon, n, now, h)
	}
	e, err := p.d.extentOf(n)
	if err != nil {
		return err
	}
	if err := p.noComment(e.body, e.end, n); err != nil {
		return err
	}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		header := e.body + len(p.d.text[e.body:e.end]) - len(bytes.TrimLeft(p.d.text[e.body:e.end], "|>+-0123456789"))
		p.replace(p.d.lines.lineEnd(e.body), e.end, "")
		e.end = header
	}
	return p.write(e.body, e.end, n, now, h)
}

// rewriteBlock adds the splices that put another value in the place of a YAML mapping or sequence in block style.
func (p *planner) rewriteBlock(n *yaml.Node, now *value, h holder) error {
	ranges, column, err := p.blockRanges(n)
	if err != nil {
		return err
	}
	st := p.style(nil)
	lines := st.blockValue(now, h.column)
	if many := len(live(now.entries))+len(live(now.items)) > 0; many && h.key {
		at := p.d.lines.lineEnd(h.colon)
		p.replace(at, at, lines)
		for _, r := range ranges {
			p.removeLines(r[0], r[1], column)
		}
		return nil
	}
	added := ""
	if !h.key {
		added = strings.TrimPrefix(st.blockItem(now, p.d.lines.column(ranges[0][0])), " ")
	}
	return p.emptyBlock(n, ranges, added, strings.TrimPrefix(lines, " "), h, column)
}

// write adds the splices that put a value in the place of the text of a YAML node from start to end.
func (p *planner) write(start, end int, n *yaml.Node, now *value, h holder) error {
	st := p.style(nil)
	if h.flow != nil {
		st = *h.flow
	}
	if quote := quoteOf(n); n.Kind == yaml.ScalarNode && quote != 0 && !p.d.json {
		st.textQuote = quote
	}
	many := len(live(now.entries))+len(live(now.items)) > 0
	text := ""
	switch {
	case h.flow != nil:
		text = st.flowValue(now)
	case many && h.key:
		return p.writeBelow(start, end, st.blockValue(now, h.column), h)
	case many:
		text = strings.TrimPrefix(st.blockItem(now, p.d.lines.column(start)), " ")
	default:
		text = strings.TrimPrefix(st.blockValue(now, 0), " ")
	}
	if start == end {
		text = " " + text
	}
	p.replace(start, end, text)
	return nil
}

// writeBelow adds the splices that put lines below the key of a YAML mapping, in the place of a text behind its colon.
func (p *planner) writeBelow(start, end int, lines string, h holder) error {
	if strings.ContainsAny(string(p.d.text[h.colon:start]), "\n#") || strings.Contains(string(p.d.text[start:end]), "\n") {
		return layoutError{"its value stands on other lines than its key"}
	}
	// An anchor stays; the white space before what goes does not.
	from := start
	for from > h.colon && (p.d.text[from-1] == ' ' || p.d.text[from-1] == '\t') {
		from--
	}
	if start < end {
		p.replace(from, end, "")
	}
	at := p.d.lines.lineEnd(end)
	p.replace(at, at, lines)
	return nil
}

// style returns how text is written within a YAML mapping or sequence in block style; nil for the mapping around the place that is planned.
func (p *planner) style(n *yaml.Node) style {
	st := style{newline: p.newline, step: defaultStep, listStep: defaultStep, unit: spaces(defaultStep)}
	if n == nil && len(p.outer) > 0 {
		n = p.outer[len(p.outer)-1]
	}
	if n != nil {
		own := p.habitsOf(n)
		st.keyQuote, st.textQuote = own.keyQuote, own.textQuote
	}
	step, listStep := false, false
	for i := len(p.outer) - 1; i >= 0 && !(step && listStep); i-- {
		near := p.habitsOf(p.outer[i])
		if !step && near.step > 0 {
			st.step, step = near.step, true
		}
		if !listStep && near.listStep >= 0 {
			st.listStep, listStep = near.listStep, true
		}
	}
	return st
}

// defaultStep is how much YAML is indented where the text shows nothing.
const defaultStep = 2

// habits are what the text of a YAML mapping or sequence shows of how its author writes.
type habits struct {
	// step is how much a map within is indented, 0 if unknown; listStep a list, -1 if unknown.
	step, listStep      int
	keyQuote, textQuote byte
}

// habitsOf returns the habits of a YAML mapping or sequence; each is looked through once.
func (p *planner) habitsOf(n *yaml.Node) habits {
	if known, ok := p.habits[n]; ok {
		return known
	}
	h := habits{listStep: -1}
	h.keyQuote, h.textQuote = quotesIn(n)
	for j := 1; j < len(n.Content) && n.Kind == yaml.MappingNode; j += 2 {
		v, key := n.Content[j], n.Content[j-1]
		if isFlow(v) || v.Anchor != "" || v.Style&yaml.TaggedStyle != 0 || v.Line == key.Line {
			continue
		}
		if v.Kind == yaml.MappingNode && h.step == 0 {
			h.step = v.Column - key.Column
		}
		if v.Kind == yaml.SequenceNode && h.listStep < 0 {
			h.listStep = v.Column - key.Column
		}
	}
	p.habits[n] = h
	return h
}
