package yamledit

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// layoutError says which layout of the YAML text is not edited.
type layoutError struct{ what string }

// Error returns the layout of the YAML text that is not edited.
func (e layoutError) Error() string { return e.what }

// extent is where the text of a YAML node stands: properties (anchor, tag) from start to body, the value from body to end.
type extent struct{ start, body, end int }

// extentOf returns where a YAML node's text stands. It fails where the text there is not that of the node.
func (d *document) extentOf(n *yaml.Node) (extent, error) {
	start, err := d.lines.offset(n.Line, n.Column)
	if err != nil {
		return extent{}, err
	}
	e := extent{start: start, body: d.skipProperties(start, n)}
	e.end, err = d.endOf(n, e.body)
	return e, err
}

// skipProperties returns the offset of a YAML node's value behind its anchor and its tag.
func (d *document) skipProperties(at int, n *yaml.Node) int {
	for (n.Anchor != "" || n.Style&yaml.TaggedStyle != 0) && at < len(d.text) && (d.text[at] == '&' || d.text[at] == '!') {
		for at < len(d.text) && !isSpace(d.text[at]) && !(d.text[at] == ',' || d.text[at] == ']' || d.text[at] == '}') {
			at++
		}
		if isEmpty(n) {
			continue
		}
		at = d.skipBlank(at, 0)
	}
	return at
}

// isEmpty reports whether a YAML node is a value of which nothing is written.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&^yaml.TaggedStyle == 0
}

// isFlow reports whether a YAML node is a mapping or sequence in brackets.
func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// isSpace reports whether a byte of YAML text is white space or ends a line.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// skipBlank returns the offset of the first byte of YAML text that is no white space, no comment and not the byte also (a comma).
func (d *document) skipBlank(from int, also byte) int {
	at := from
	for at < len(d.text) {
		switch c := d.text[at]; {
		case isSpace(c) || c == also && also != 0:
			at++
		case c == '#' && (at == 0 || isSpace(d.text[at-1]) || d.text[at-1] == also):
			at = d.lines.lineEnd(at)
		default:
			return d.lines.pass(from, at)
		}
	}
	return d.lines.pass(from, at)
}

// endOf returns where a YAML node's text ends, of which the value begins at an offset.
func (d *document) endOf(n *yaml.Node, at int) (int, error) {
	switch {
	case n.Kind == yaml.AliasNode:
		return d.after(at, "*"+n.Value)
	case n.Kind == yaml.ScalarNode:
		return d.endOfScalar(n, at)
	case isFlow(n):
		return d.endOfFlow(n, at)
	case len(n.Content) == 0:
		return 0, errNoPlace
	}
	last := n.Content[len(n.Content)-1]
	if n.Kind == yaml.MappingNode {
		_, end, err := d.entry(n, len(n.Content)-2)
		return end, err
	}
	e, err := d.extentOf(last)
	return e.end, err
}

// entry returns where the key at an index of a YAML mapping's content begins, and where its value ends: after the colon if there is none.
func (d *document) entry(n *yaml.Node, i int) (start, end int, err error) {
	key, value := n.Content[i], n.Content[i+1]
	k, err := d.extentOf(key)
	if err != nil {
		return 0, 0, err
	}
	if isEmpty(value) && value.Anchor == "" && value.Style == 0 {
		end, err := d.colon(k.end, isFlow(n))
		return k.start, end, err
	}
	v, err := d.extentOf(value)
	return k.start, v.end, err
}

// colon returns the offset behind the colon that follows a key of a YAML mapping. A key in brackets may lack it.
func (d *document) colon(at int, flow bool) (int, error) {
	if flow {
		next := d.skipBlank(at, 0)
		if next < len(d.text) && d.text[next] == ':' {
			return next + 1, nil
		}
		return at, nil
	}
	for at < len(d.text) && (d.text[at] == ' ' || d.text[at] == '\t') {
		at++
	}
	if at >= len(d.text) || d.text[at] != ':' {
		return 0, layoutError{"the colon of a key stands on another line"}
	}
	return at + 1, nil
}

// after returns the offset behind a text that has to stand at an offset of the YAML text.
func (d *document) after(at int, text string) (int, error) {
	if at > len(d.text) || !bytes.HasPrefix(d.text[at:], []byte(text)) {
		return 0, errNoPlace
	}
	return at + len(text), nil
}

// endOfFlow returns where a YAML mapping or sequence in brackets ends.
func (d *document) endOfFlow(n *yaml.Node, at int) (int, error) {
	open, shut := "[", "]"
	if n.Kind == yaml.MappingNode {
		open, shut = "{", "}"
	}
	at, err := d.after(at, open)
	if err != nil {
		return 0, err
	}
	if last := len(n.Content) - 1; last >= 0 && n.Kind == yaml.MappingNode {
		_, at, err = d.entry(n, last-1)
	} else if last >= 0 {
		var e extent
		e, err = d.extentOf(n.Content[last])
		at = e.end
	}
	if err != nil {
		return 0, err
	}
	return d.after(d.skipBlank(at, ','), shut)
}

// endOfScalar returns where a YAML scalar ends.
func (d *document) endOfScalar(n *yaml.Node, at int) (int, error) {
	switch {
	case isEmpty(n):
		return at, nil
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return d.endOfQuoted(at, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return d.endOfQuoted(at, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.endOfBlockScalar(at)
	}
	return d.endOfPlain(n.Value, at)
}

// endOfQuoted returns where a YAML scalar in quotes ends.
func (d *document) endOfQuoted(at int, quote byte) (int, error) {
	from, err := d.after(at, string(quote))
	if err != nil {
		return 0, err
	}
	for at := from; at < len(d.text); at++ {
		switch c := d.text[at]; {
		case c == '\\' && quote == '"':
			at++
		case c == quote && quote == '\'' && at+1 < len(d.text) && d.text[at+1] == quote:
			at++
		case c == quote:
			return d.lines.pass(from, at+1), nil
		}
	}
	return 0, errNoPlace
}

// endOfPlain returns where a YAML scalar without quotes ends, which may stand on several lines.
func (d *document) endOfPlain(value string, from int) (int, error) {
	at := from
	for len(value) > 0 {
		if at >= len(d.text) {
			return 0, errNoPlace
		}
		if c := value[0]; c == d.text[at] && c != '\n' {
			_, size := utf8.DecodeRuneInString(value)
			end, err := d.after(at, value[:size])
			if err != nil {
				return 0, err
			}
			// A space where the line is folded is the last of its line only if the value goes on elsewhere.
			if c != ' ' || !d.breaksAt(at) {
				at, value = end, value[size:]
				continue
			}
		}
		next, breaks := d.skipFold(at)
		folded := " "
		if breaks > 1 {
			folded = strings.Repeat("\n", breaks-1)
		}
		if breaks == 0 || !strings.HasPrefix(value, folded) {
			return 0, errNoPlace
		}
		at, value = next, value[len(folded):]
	}
	return d.lines.pass(from, at), nil
}

// breaksAt reports whether only white space follows up to the end of a line of the YAML text.
func (d *document) breaksAt(at int) bool {
	for at < len(d.text) && (d.text[at] == ' ' || d.text[at] == '\t') {
		at++
	}
	return at == len(d.text) || d.text[at] == '\n' || d.text[at] == '\r'
}

// skipFold returns the offset behind white space of the YAML text, and how many lines end in it.
func (d *document) skipFold(at int) (next, breaks int) {
	for at < len(d.text) && isSpace(d.text[at]) {
		if d.text[at] == '\n' {
			breaks++
		}
		at++
	}
	return at, breaks
}

// endOfBlockScalar returns where a YAML block scalar (| or >) ends, of which the header begins at an offset: the end of its last
// line, with the empty lines behind it if they count.
func (d *document) endOfBlockScalar(at int) (int, error) {
	if at >= len(d.text) || d.text[at] != '|' && d.text[at] != '>' {
		return 0, errNoPlace
	}
	header := d.text[at+1 : d.lines.lineEnd(at)]
	if i := bytes.IndexByte(header, '#'); i >= 0 {
		header = header[:i]
	}
	indent := 0
	for _, c := range header {
		if c >= '1' && c <= '9' {
			indent = d.blockParentColumn(at) + int(c-'0')
		}
	}
	end := d.lines.lineEnd(at)
	for line := d.lines.lineOf(at) + 1; line < len(d.lines.starts); line++ {
		start := d.lines.starts[line]
		if start == len(d.text) {
			break
		}
		stop := d.lines.lineEnd(start)
		content := d.text[start:stop]
		spaces := len(content) - len(bytes.TrimLeft(content, " "))
		blank := spaces == len(content)
		switch {
		case !blank && indent == 0 && spaces > d.blockParentColumn(at):
			indent = spaces
		case !blank && spaces < max(indent, 1):
			return end, nil
		}
		if !blank || bytes.IndexByte(header, '+') >= 0 || indent > 0 && spaces > indent {
			end = stop
		}
	}
	return end, nil
}

// blockParentColumn returns the column of the YAML mapping or sequence that a block scalar is in, from 0, for a header that stands
// on the line of its key or dash.
func (d *document) blockParentColumn(header int) int {
	start := d.lines.lineStart(header)
	at, dash := start, start
	for at < header && (d.text[at] == ' ' || d.text[at] == '-' && (d.text[at+1] == ' ' || d.text[at+1] == '\t')) {
		if d.text[at] == '-' {
			dash = at
		}
		at++
	}
	if at == header {
		return dash - start
	}
	return at - start
}

// lastLine returns the end of the line with which the YAML text up to an offset is complete: that line's, or that of the last of
// the comment lines right below it that are indented more than a column.
func (d *document) lastLine(offset, column int) int {
	end := d.lines.lineEnd(offset)
	for line := d.lines.lineOf(offset) + 1; line < len(d.lines.starts); line++ {
		start := d.lines.starts[line]
		text := d.text[start:d.lines.lineEnd(start)]
		spaces := len(text) - len(bytes.TrimLeft(text, " "))
		if spaces <= column || spaces == len(text) || text[spaces] != '#' {
			return end
		}
		end = d.lines.lineEnd(start)
	}
	return end
}

// nextOnLine returns the offset of the first byte of YAML text from an offset on that is no space and no tab.
func (d *document) nextOnLine(from int) int {
	at := from
	for at < len(d.text) && (d.text[at] == ' ' || d.text[at] == '\t') {
		at++
	}
	return d.lines.pass(from, at)
}

// indentation returns the white space at the start of the line of the YAML text that a byte is in.
func (d *document) indentation(offset int) string {
	start := d.lines.lineStart(offset)
	return string(d.text[start:d.nextOnLine(start)])
}

// keyIndentation returns the indentation of the YAML key, or item, with which the line begins that a byte is in: dashes before it count.
func (d *document) keyIndentation(offset int) string {
	start := d.lines.lineStart(offset)
	at := start
	for at < offset && (d.text[at] == ' ' || d.text[at] == '-' && d.text[at+1] == ' ') {
		at++
	}
	if bytes.IndexByte(d.text[start:d.lines.pass(start, at)], '-') < 0 {
		return d.indentation(offset)
	}
	return spaces(at - start)
}

// startsLine reports whether only white space stands before a byte on its line of the YAML text.
func (d *document) startsLine(offset int) bool {
	return len(d.indentation(offset)) == d.lines.column(offset)
}

// spaces returns so many spaces, as a YAML block is indented by.
func spaces(n int) string { return fmt.Sprintf("%*s", max(n, 0), "") }
