package files

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse"
)

// parseYAML reads one document that starts on the given line. The lines of the nodes are those of the file. A document
// that holds nothing yields nil.
func parseYAML(text []byte, line int, limits Limits) (root *yaml.Node, err error) {
	if err := checkText(text, line); err != nil {
		return nil, err
	}
	if crowded(text, limits.Values) {
		return nil, &syntaxError{line: line, msg: tooMany(limits)}
	}
	root, err = unmarshalYAML(text)
	if err != nil {
		return nil, locate(err, text, line)
	}
	if at := hiddenDocument(text); at >= 0 {
		return nil, &syntaxError{line: line + bytes.Count(text[:at], newline), msg: hidden}
	}
	if root != nil {
		shift(root, line-1)
	}
	return root, nil
}

// unmarshalYAML turns a panic of the parser into an error: no input may end the run.
func unmarshalYAML(text []byte) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("yaml: the parser gave up: %v", r)
		}
	}()
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, nil
	}
	return doc.Content[0], nil
}

// hidden says why a document is not read that another one follows after a break that only YAML knows.
const hidden = `a second document begins in it, after a character that YAML takes for the end of a line (a carriage return alone, or U+0085, U+2028 or U+2029): put "---" on a line of its own`

// hiddenDocument returns the place in a document of what may be a mark of the next one, behind a break of YAML that does
// not end a line here, or -1. The parser would drop what follows without a word. Where the mark stands in a quoted text it
// is none, and the document is refused all the same.
func hiddenDocument(text []byte) int {
	for _, br := range []string{"\r", "\u0085", "\u2028", "\u2029"} {
		for _, mark := range []string{"---", "..."} {
			if at := bytes.Index(text, []byte(br+mark)); at >= 0 {
				return at
			}
		}
	}
	return -1
}

// checkText finds the bytes that YAML forbids: its parser would not say on which line.
func checkText(text []byte, line int) error {
	at := func(i int) int { return line + bytes.Count(text[:i], newline) }
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return &syntaxError{line: at(i), msg: "it has a NUL byte"}
	}
	if utf8.Valid(text) {
		return nil
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return &syntaxError{line: at(i), msg: fmt.Sprintf("it is not UTF-8: byte 0x%02x", text[i])}
		}
		i += size
	}
	return nil
}

// crowded guesses from the text whether it has more values than allowed, before the parser spends memory on them.
func crowded(text []byte, most int) bool {
	if len(text)/2 <= most {
		return false
	}
	n := 0
	for _, c := range []byte("\n,[{") {
		n += bytes.Count(text, []byte{c})
	}
	return n > most
}

func tooMany(l Limits) string {
	return fmt.Sprintf("it holds more than %d values: split it, or write its aliases out", l.Values)
}

var (
	tooLong  = fmt.Sprintf("it has a list or map of more than %d entries, which no API server stores: split it, or leave it out", maxEntries)
	tooHeavy = fmt.Sprintf("it is larger than %d bytes as JSON without white space, which no API server stores: split it, or leave it out", maxObject)
)

func shift(n *yaml.Node, by int) {
	n.Line += by
	for _, c := range n.Content {
		shift(c, by)
	}
}

var parserLine = regexp.MustCompile(`^line ([0-9]+): `)

// locate puts the parser's error on its line of the file.
func locate(err error, text []byte, line int) error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &syntaxError{line: line}
	if m := parserLine.FindStringSubmatch(msg); m != nil {
		n, convErr := strconv.Atoi(m[1])
		if convErr == nil {
			e.line += n - 1
		}
		msg = msg[len(m[0]):]
		// The parser counts from 0 where its scanner counts from 1.
		if strings.HasPrefix(msg, "did not find expected") {
			e.line++
		}
	}
	e.line = min(e.line, line+bytes.Count(bytes.TrimRight(text, "\r\n"), newline))
	e.msg = "it is not valid YAML: " + msg
	return e
}

// toJSON writes trees as the JSON that kubectl would send. Aliases and merges are written out, within what the file may
// spend on that; the lines of problems are those of the nodes.
type toJSON struct {
	buf    []byte
	limits Limits
	values int
	open   map[*yaml.Node]bool     // anchors that are being written
	merged map[*yaml.Node][]member // members of anchored maps
	keep   kept                    // of a key that is given twice

	// spent is what the aliases and merge keys of the file have cost so far, of what is allowed.
	spent, allowed int64
	// aliased counts the aliases that are being written, from is where the first of them began.
	aliased, from int
}

// convert returns the JSON of a tree, which is valid until the next call. Aliased is true of a tree that another one has been
// written for.
func (c *toJSON) convert(root *yaml.Node, aliased bool) ([]byte, error) {
	c.buf, c.values = c.buf[:0], 0
	clear(c.merged)
	if aliased {
		c.enter()
	}
	err := c.value(root, 1)
	if c.aliased > 0 { // it was aliased, or went wrong within an alias
		c.aliased = 1
		c.leave()
	}
	return c.buf, err
}

// enter begins to count what is written; leave ends that.
func (c *toJSON) enter() {
	if c.aliased++; c.aliased == 1 {
		c.from = len(c.buf)
	}
}

func (c *toJSON) leave() {
	if c.aliased--; c.aliased == 0 {
		c.spent += int64(len(c.buf) - c.from)
	}
}

// exhausted tells whether aliases have made all of the file that they may.
func (c *toJSON) exhausted() bool {
	spent := c.spent
	if c.aliased > 0 {
		spent += int64(len(c.buf) - c.from)
	}
	return spent > c.allowed
}

// tooMuch is the error of aliases that have made all that they may.
func (c *toJSON) tooMuch(line int) error {
	return &syntaxError{line: line, msg: fmt.Sprintf("the aliases and merge keys (*name, <<) up to here make more than %d bytes of the file: write them out, or split the file", c.allowed)}
}

func (c *toJSON) value(n *yaml.Node, depth int) error {
	if c.values++; c.values > c.limits.Values {
		return &syntaxError{line: n.Line, msg: tooMany(c.limits)}
	}
	if len(c.buf) > maxObject {
		return &syntaxError{line: n.Line, msg: tooHeavy}
	}
	if c.aliased > 0 && c.exhausted() {
		return c.tooMuch(n.Line)
	}
	if depth > c.limits.Depth {
		return &syntaxError{line: n.Line, msg: tooDeeply(c.limits)}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.alias(n, depth)
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.SequenceNode:
		return c.sequence(n, depth)
	}
	buf, err := pspparse.AppendScalar(c.buf, n)
	if err != nil {
		return &syntaxError{line: n.Line, msg: err.Error()}
	}
	c.buf = buf
	return nil
}

func tooDeeply(l Limits) string { return fmt.Sprintf("it nests deeper than %d levels", l.Depth) }

func (c *toJSON) alias(n *yaml.Node, depth int) error {
	if c.open[n.Alias] {
		return &syntaxError{line: n.Line, msg: fmt.Sprintf("the alias *%s stands within what it stands for", clean(n.Value))}
	}
	if c.open == nil {
		c.open = map[*yaml.Node]bool{}
	}
	c.open[n.Alias] = true
	defer delete(c.open, n.Alias)
	c.enter()
	if err := c.value(n.Alias, depth); err != nil {
		return err
	}
	c.leave()
	return nil
}

func (c *toJSON) sequence(n *yaml.Node, depth int) error {
	if len(n.Content) > maxEntries {
		return &syntaxError{line: n.Line, msg: tooLong}
	}
	c.buf = append(c.buf, '[')
	for i, item := range n.Content {
		if i > 0 {
			c.buf = append(c.buf, ',')
		}
		if err := c.value(item, depth+1); err != nil {
			return err
		}
	}
	c.buf = append(c.buf, ']')
	return nil
}

func (c *toJSON) mapping(n *yaml.Node, depth int) error {
	if n.Anchor != "" {
		if c.open == nil {
			c.open = map[*yaml.Node]bool{}
		}
		if !c.open[n] {
			c.open[n] = true
			defer delete(c.open, n)
		}
	}
	members, err := c.members(n, depth)
	if err != nil {
		return err
	}
	c.buf = append(c.buf, '{')
	for i, m := range members {
		if i > 0 {
			c.buf = append(c.buf, ',')
		}
		if err := c.member(m, depth); err != nil {
			return err
		}
	}
	c.buf = append(c.buf, '}')
	return nil
}

func (c *toJSON) member(m member, depth int) error {
	if m.index < 0 {
		c.enter()
	}
	c.buf = append(pspparse.AppendString(c.buf, m.name), ':')
	if err := c.value(m.value, depth+1); err != nil {
		return err
	}
	if m.index < 0 {
		c.leave()
	}
	return nil
}

// member is one key of a mapping.
type member struct {
	name       string
	key, value *yaml.Node
	// index is where the key stands in its mapping, -1 for a merged one.
	index int
}

var errNoMap = errors.New("a merge key (<<) takes a map, or a list of maps")

// members are a mapping's own keys and those merged into it. Those of a mapping that aliases may stand for are found once.
func (c *toJSON) members(n *yaml.Node, depth int) ([]member, error) {
	if known, ok := c.merged[n]; ok {
		return known, nil
	}
	members, err := c.collect(n, depth)
	if err != nil || n.Anchor == "" {
		return members, err
	}
	if c.merged == nil {
		c.merged = map[*yaml.Node][]member{}
	}
	c.merged[n] = members
	return members, nil
}

func (c *toJSON) collect(n *yaml.Node, depth int) ([]member, error) {
	if len(n.Content)/2 > maxEntries {
		return nil, &syntaxError{line: n.Line, msg: tooLong}
	}
	members := make([]member, 0, len(n.Content)/2)
	place := places{}
	var merges []int
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := deref(n.Content[i]), n.Content[i+1]
		if isMergeKey(key) {
			merges = append(merges, i)
			continue
		}
		name, ok := pspparse.KeyName(key)
		if !ok {
			return nil, &syntaxError{line: key.Line, msg: "a key is no string"}
		}
		if first := place.find(members, name); first >= 0 && c.keep != neither {
			if c.keep == theLast {
				members[first] = member{name: name, key: key, value: value, index: i}
			}
			continue
		} else if first >= 0 {
			return nil, &syntaxError{line: key.Line, twice: true, msg: fmt.Sprintf("the key %s is given twice (lines %d and %d): which one counts depends on the reader, remove one",
				quote(name), members[first].key.Line, key.Line)}
		}
		members = append(members, member{name: name, key: key, value: value, index: i})
	}
	for _, i := range merges {
		var err error
		if members, err = c.merge(members, &place, n, i, depth); err != nil {
			return nil, err
		}
	}
	return members, nil
}

// merge adds the keys of the merge key at index i that the mapping does not have itself. Where one stands above the
// merge key with another value, kubectl takes the merged one and other readers the mapping's own: neither is taken.
func (c *toJSON) merge(members []member, place *places, n *yaml.Node, i, depth int) ([]member, error) {
	key := n.Content[i]
	sources := []*yaml.Node{deref(n.Content[i+1])}
	if sources[0].Kind == yaml.SequenceNode {
		sources = sources[0].Content
	}
	for _, source := range sources {
		source = deref(source)
		if source.Kind != yaml.MappingNode {
			return nil, &syntaxError{line: key.Line, msg: errNoMap.Error()}
		}
		if depth >= c.limits.Depth {
			return nil, &syntaxError{line: key.Line, msg: tooDeeply(c.limits)}
		}
		merged, err := c.members(source, depth+1)
		if err != nil {
			return nil, err
		}
		if c.spent += int64(mergeCost * (1 + len(merged))); c.exhausted() {
			return nil, c.tooMuch(key.Line)
		}
		for _, m := range merged {
			at := place.find(members, m.name)
			if at < 0 {
				m.index = -1
				members = append(members, m)
				continue
			}
			own := members[at]
			if own.index >= 0 && own.index < i && !sameScalar(own.value, m.value) {
				return nil, &syntaxError{line: own.key.Line, msg: fmt.Sprintf("the merge key (<<) below %s holds another value for it: readers differ on which one counts, move the merge key to the top", quote(m.name))}
			}
		}
	}
	return members, nil
}

func sameScalar(a, b *yaml.Node) bool {
	a, b = deref(a), deref(b)
	return a == b || a.Kind == yaml.ScalarNode && b.Kind == yaml.ScalarNode && a.Value == b.Value && a.Style == b.Style
}

func isMergeKey(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "<<" && n.ShortTag() == "!!merge"
}

func deref(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// places finds members by name: most mappings are small enough to look through.
type places struct {
	index map[string]int
	known int
}

func (p *places) find(members []member, name string) int {
	const small = 24
	if len(members) <= small {
		for i := range members {
			if members[i].name == name {
				return i
			}
		}
		return -1
	}
	if p.index == nil {
		p.index = make(map[string]int, 2*len(members))
	}
	for ; p.known < len(members); p.known++ {
		p.index[members[p.known].name] = p.known
	}
	if i, ok := p.index[name]; ok {
		return i
	}
	return -1
}
