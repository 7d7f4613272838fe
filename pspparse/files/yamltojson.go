package files

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// parseYAMLDocument parses one YAML document of a file that starts on the given line; the lines of the nodes are those
// of the file. It returns nil for a document that holds nothing, and a *syntaxError.
func parseYAMLDocument(text []byte, line int, limits Limits) (root *yaml.Node, err error) {
	if err := checkUTF8Text(text, line); err != nil {
		return nil, err
	}
	if yamlnode.MayExceedValues(text, limits.Values) {
		return nil, &syntaxError{line: line, msg: tooManyValuesReason(limits)}
	}
	root, err = unmarshalYAML(text)
	if err != nil {
		return nil, yamlSyntaxError(err, text, line)
	}
	if at := hiddenDocumentOffset(text); at >= 0 {
		return nil, &syntaxError{line: line + bytes.Count(text[:at], newlineBytes), msg: hiddenDocumentReason}
	}
	if root != nil {
		shiftLines(root, line-1)
	}
	return root, nil
}

// unmarshalYAML parses a YAML document of a file. A panic of the parser becomes an error: no input may end the run.
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

// hiddenDocumentReason is the gap's reason for a document in which another one begins after a line break that only YAML knows.
const hiddenDocumentReason = `a second document begins in it, after a character that YAML takes for the end of a line (a carriage return alone, or U+0085, U+2028 or U+2029): put "---" on a line of its own`

// hiddenDocumentOffset returns the place in a YAML document of what may be the mark of another one, behind a YAML line
// break that ends no line here; -1 if there is none. The parser would drop what follows without a word. A mark in a
// quoted text is none, and the document is refused all the same.
func hiddenDocumentOffset(text []byte) int {
	for _, br := range []string{"\r", "\u0085", "\u2028", "\u2029"} {
		for _, mark := range []string{"---", "..."} {
			if at := bytes.Index(text, []byte(br+mark)); at >= 0 {
				return at
			}
		}
	}
	return -1
}

// checkUTF8Text returns an error with the line in the file for a NUL byte or invalid UTF-8, which the YAML parser
// refuses without a line.
func checkUTF8Text(text []byte, line int) error {
	at := func(i int) int { return line + bytes.Count(text[:i], newlineBytes) }
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return &syntaxError{line: at(i), msg: "it has a NUL byte"}
	}
	if utf8.Valid(text) {
		return nil
	}
	i := yamlnode.FirstInvalidUTF8(text)
	return &syntaxError{line: at(i), msg: fmt.Sprintf("it is not UTF-8: byte 0x%02x", text[i])}
}

// tooManyValuesReason returns the reason of a file's gap for more than Limits.Values.
func tooManyValuesReason(l Limits) string {
	return fmt.Sprintf("it holds more than %d values: split it, or write its aliases out", l.Values)
}

var (
	// tooManyEntriesReason is the gap's reason for more than maxListEntries.
	tooManyEntriesReason = fmt.Sprintf("it has a list or map of more than %d entries, which no API server stores: split it, or leave it out", maxListEntries)
	// objectTooLargeReason is the gap's reason for more than maxObjectBytes.
	objectTooLargeReason = fmt.Sprintf("it is larger than %d bytes as JSON without white space, which no API server stores: split it, or leave it out", maxObjectBytes)
)

// shiftLines adds a number to the lines of all nodes of a document's YAML tree.
func shiftLines(n *yaml.Node, by int) {
	n.Line += by
	for _, c := range n.Content {
		shiftLines(c, by)
	}
}

// yamlErrorLine matches the line in an error of the YAML parser.
var yamlErrorLine = regexp.MustCompile(`^line ([0-9]+): `)

// yamlSyntaxError returns an error of the YAML parser with its line in the file.
func yamlSyntaxError(err error, text []byte, line int) error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &syntaxError{line: line}
	if m := yamlErrorLine.FindStringSubmatch(msg); m != nil {
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
	e.line = min(e.line, line+bytes.Count(bytes.TrimRight(text, "\r\n"), newlineBytes))
	e.msg = "it is not valid YAML: " + yamlReason(msg)
	return e
}

// yamlReason returns what the YAML parser says of a document in words that tell what to do, where its own are about its tokens.
func yamlReason(msg string) string {
	if msg == "found character that cannot start any token" {
		return "a tab, %, @ or ` stands where a value should begin: indent with spaces, or quote the text"
	}
	return msg
}

// yamlToJSON converts the YAML trees of a file to the JSON that kubectl would send. It writes out aliases and merge
// keys, within what the file may spend on them; errors have the lines of the nodes.
type yamlToJSON struct {
	buf         []byte
	root        *yaml.Node // what is being converted
	limits      Limits
	valueCount  int
	openAnchors map[*yaml.Node]bool // anchors that are being written
	mappings    *yamlnode.MappingReader
	duplicates  duplicateKeyRule // of a key that is given twice

	// aliasCost is what the aliases and merge keys of the file have cost so far, of what is allowed.
	aliasCost, aliasBudget int64
	// aliasDepth is how many aliases are being written, and aliasStart where in buf the first of them began.
	aliasDepth, aliasStart int
}

// convert returns the JSON of a YAML tree, which is valid until the next call. Aliased is true of a tree that was converted
// before under another name. Errors are *syntaxError.
func (c *yamlToJSON) convert(root *yaml.Node, aliased bool) ([]byte, error) {
	c.buf, c.valueCount, c.root = c.buf[:0], 0, root
	if c.mappings != nil {
		clear(c.mappings.Known)
	}
	if aliased {
		c.enterAlias()
	}
	err := c.writeValue(root, 1)
	if c.aliasDepth > 0 { // it was aliased, or went wrong within an alias
		c.aliasDepth = 1
		c.leaveAlias()
	}
	return c.buf, err
}

// enterAlias begins to count what a YAML alias of the file expands to; leaveAlias ends that.
func (c *yamlToJSON) enterAlias() {
	if c.aliasDepth++; c.aliasDepth == 1 {
		c.aliasStart = len(c.buf)
	}
}

// leaveAlias adds what was written since enterAlias to the cost of the file's aliases.
func (c *yamlToJSON) leaveAlias() {
	if c.aliasDepth--; c.aliasDepth == 0 {
		c.aliasCost += int64(len(c.buf) - c.aliasStart)
	}
}

// overAliasBudget reports whether the aliases of the file have made all that they may.
func (c *yamlToJSON) overAliasBudget() bool {
	spent := c.aliasCost
	if c.aliasDepth > 0 {
		spent += int64(len(c.buf) - c.aliasStart)
	}
	return spent > c.aliasBudget
}

// aliasBudgetError returns the error of a file whose YAML aliases expand to more than the limit.
func (c *yamlToJSON) aliasBudgetError(line int) error {
	return &syntaxError{line: line, msg: fmt.Sprintf("the aliases and merge keys (*name, <<) up to here make more than %d bytes of the file: write them out, or split the file", c.aliasBudget)}
}

// writeValue writes a YAML node as JSON.
func (c *yamlToJSON) writeValue(n *yaml.Node, depth int) error {
	if c.valueCount++; c.valueCount > c.limits.Values {
		return &syntaxError{line: n.Line, msg: tooManyValuesReason(c.limits)}
	}
	if len(c.buf) > maxObjectBytes {
		return &syntaxError{line: n.Line, msg: objectTooLargeReason}
	}
	if c.aliasDepth > 0 && c.overAliasBudget() {
		return c.aliasBudgetError(n.Line)
	}
	if depth > c.limits.Depth {
		return &syntaxError{line: n.Line, msg: tooDeepReason(c.limits)}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.writeAlias(n, depth)
	case yaml.MappingNode:
		return c.writeMapping(n, depth)
	case yaml.SequenceNode:
		return c.writeSequence(n, depth)
	}
	buf, err := yamlnode.AppendScalar(c.buf, n)
	if err != nil {
		return &syntaxError{line: n.Line, msg: err.Error()}
	}
	if c.aliasDepth > 0 {
		c.aliasCost += int64(max(0, len(n.Value)-(len(buf)-len(c.buf)))) // all of it was read, however short it is in JSON
	}
	c.buf = buf
	return nil
}

// tooDeepReason returns the reason of a file's gap for more than Limits.Depth.
func tooDeepReason(l Limits) string { return fmt.Sprintf("it nests deeper than %d levels", l.Depth) }

// writeAlias writes what a YAML alias of the file stands for.
func (c *yamlToJSON) writeAlias(n *yaml.Node, depth int) error {
	if c.openAnchors[n.Alias] {
		return &syntaxError{line: n.Line, msg: fmt.Sprintf("the alias *%s stands within what it stands for", english.EscapeInput(n.Value))}
	}
	if c.openAnchors == nil {
		c.openAnchors = map[*yaml.Node]bool{}
	}
	c.openAnchors[n.Alias] = true
	defer delete(c.openAnchors, n.Alias)
	c.enterAlias()
	if err := c.writeValue(n.Alias, depth); err != nil {
		return err
	}
	c.leaveAlias()
	return nil
}

// writeSequence writes a YAML sequence as a JSON array.
func (c *yamlToJSON) writeSequence(n *yaml.Node, depth int) error {
	if len(n.Content) > maxListEntries {
		return &syntaxError{line: n.Line, msg: tooManyEntriesReason}
	}
	c.buf = append(c.buf, '[')
	for i, item := range n.Content {
		if i > 0 {
			c.buf = append(c.buf, ',')
		}
		if err := c.writeValue(item, depth+1); err != nil {
			return err
		}
	}
	c.buf = append(c.buf, ']')
	return nil
}

// writeMapping writes a YAML mapping, with what is merged into it, as a JSON object.
func (c *yamlToJSON) writeMapping(n *yaml.Node, depth int) error {
	if n.Anchor != "" {
		if c.openAnchors == nil {
			c.openAnchors = map[*yaml.Node]bool{}
		}
		if !c.openAnchors[n] {
			c.openAnchors[n] = true
			defer delete(c.openAnchors, n)
		}
	}
	members, err := c.mappingEntries(n, depth)
	if err != nil {
		return err
	}
	c.buf = append(c.buf, '{')
	for i, m := range members {
		if i > 0 {
			c.buf = append(c.buf, ',')
		}
		if err := c.writeMember(m, depth); err != nil {
			return err
		}
	}
	c.buf = append(c.buf, '}')
	return nil
}

// writeMember writes a key of a YAML mapping and its value as JSON.
func (c *yamlToJSON) writeMember(m yamlnode.MappingEntry, depth int) error {
	merged := m.Index < 0
	if merged {
		c.enterAlias()
	}
	c.buf = append(yamlnode.AppendJSONString(c.buf, m.Name), ':')
	if err := c.writeValue(m.Value, depth+1); err != nil {
		return err
	}
	if merged {
		c.leaveAlias()
	}
	return nil
}

// mappingEntries returns the keys and values of a document's YAML mapping, merged ones (<<) among them. It fails where
// readers differ on what they are. Those of a mapping that aliases may stand for are found once.
func (c *yamlToJSON) mappingEntries(n *yaml.Node, depth int) ([]yamlnode.MappingEntry, error) {
	if err := c.countMapping(n); err != nil {
		return nil, err
	}
	if c.mappings == nil {
		c.mappings = &yamlnode.MappingReader{
			Problem: c.mappingProblem, BeforeMerge: c.beforeMerge, AfterMerge: c.afterMerge, AfterCompare: c.afterCompare, Known: map[*yaml.Node][]yamlnode.MappingEntry{},
		}
	}
	c.mappings.KeepLast = c.duplicates == keepLast
	return c.mappings.Entries(n, depth)
}

// countMapping counts the long keys of a document's mapping that aliases make the reader read again, and returns an error
// where the file may not have more, or for more entries than any API server stores.
func (c *yamlToJSON) countMapping(n *yaml.Node) error {
	if len(n.Content)/2 > maxListEntries {
		return &syntaxError{line: n.Line, msg: tooManyEntriesReason}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		text := len(yamlnode.AliasTarget(key).Value)
		if text <= maxUncountedKey || c.aliasDepth == 0 && key.Kind != yaml.AliasNode {
			continue
		}
		if c.aliasCost += int64(text); c.overAliasBudget() {
			return c.aliasBudgetError(key.Line)
		}
	}
	return nil
}

// mappingProblem returns the error of what is wrong with a document's YAML mapping; nil for a key that is given twice
// where one of its values is to be kept.
func (c *yamlToJSON) mappingProblem(p yamlnode.MappingProblem) error {
	key := yamlnode.AliasTarget(p.First.Key)
	switch p.Kind {
	case yamlnode.KeyNotText:
		return &syntaxError{line: key.Line, msg: "a key is no string"}
	case yamlnode.MergeNotMapping:
		return &syntaxError{line: key.Line, msg: "a merge key (<<) takes a map, or a list of maps"}
	case yamlnode.MergeConflict:
		return &syntaxError{line: key.Line, msg: fmt.Sprintf("the merge key (<<) below %s holds another value for it: readers differ on which one counts, move the merge key to the top", quoteInput(p.First.Name))}
	case yamlnode.DuplicateKey:
		if c.duplicates == refuseDuplicates {
			second := yamlnode.AliasTarget(p.Second.Key)
			advice := "which one counts depends on the reader, remove one"
			if c.startsObject(p.Second) && second.Line > key.Line {
				advice = fmt.Sprintf("if two documents run together, put --- before line %d; else remove one", second.Line)
			}
			lines := fmt.Sprintf("lines %d and %d", key.Line, second.Line)
			if key.Line == second.Line {
				lines = fmt.Sprintf("both on line %d", key.Line)
			}
			return &syntaxError{line: second.Line, duplicateKey: true, msg: fmt.Sprintf("the key %s is given twice (%s): %s", quoteInput(p.Second.Name), lines, advice)}
		}
	case yamlnode.DuplicateMergeKey: // kubectl merges all of them
	}
	return nil
}

// startsObject reports whether an entry of the document is at its top and a key with which an object can begin.
func (c *yamlToJSON) startsObject(e yamlnode.MappingEntry) bool {
	return (e.Name == "apiVersion" || e.Name == "kind") && c.root != nil && e.Index >= 0 && e.Index < len(c.root.Content) && c.root.Content[e.Index] == e.Key
}

// beforeMerge returns an error for a merged YAML mapping that is too deep or too large.
func (c *yamlToJSON) beforeMerge(key, merged *yaml.Node, depth int) error {
	if depth >= c.limits.Depth {
		return &syntaxError{line: key.Line, msg: tooDeepReason(c.limits)}
	}
	return c.countMapping(merged)
}

// afterMerge counts what the keys of a merged YAML mapping cost, and returns an error where the file may not have more.
func (c *yamlToJSON) afterMerge(key *yaml.Node, keys int) error {
	if c.aliasCost += int64(mergedKeyCost * (1 + keys)); c.overAliasBudget() {
		return c.aliasBudgetError(key.Line)
	}
	return nil
}

// afterCompare counts what was compared of a merged YAML mapping, and returns an error where the file may not have more.
func (c *yamlToJSON) afterCompare(key *yaml.Node, values, text int) error {
	if c.aliasCost += int64(mergedKeyCost*values + text); c.overAliasBudget() {
		return c.aliasBudgetError(key.Line)
	}
	return nil
}
