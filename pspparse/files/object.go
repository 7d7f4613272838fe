package files

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// object is one document, or one item of a List: a map in JSON or in YAML.
type object struct {
	what string // for messages, until a name is known
	head head
	// data is its JSON. It is made from node where node is set.
	data []byte
	node *yaml.Node
	// aliased is set where an alias stands for it: then it is read more than once.
	aliased bool
	// text is what it was read from, if it was read by itself, and textLine the line that starts on.
	text     []byte
	textLine int
	line     int
	// listed is what a typed list says of an item that does not say it itself.
	listed head
	nested int
}

// head is what an object says it is.
type head struct {
	apiVersion, kind string
	items            *yaml.Node // of a List in YAML
	hasItems         bool
}

func headOf(n *yaml.Node) head {
	var h head
	if n.Kind != yaml.MappingNode {
		return h
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := deref(n.Content[i+1])
		switch n.Content[i].Value {
		case "apiVersion":
			h.apiVersion = textOf(value)
		case "kind":
			h.kind = textOf(value)
		case "items":
			h.hasItems = value.Kind == yaml.SequenceNode
			h.items = value
		}
	}
	return h
}

// textOf is the value of a scalar that is a string, else "".
func textOf(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		return ""
	}
	text, err := pspparse.AppendScalar(nil, n)
	if err != nil || text[0] != '"' {
		return ""
	}
	return n.Value
}

// isList tells whether a kind is that of a list by its name; kubectl goes by the items.
func isList(kind string) bool { return strings.HasSuffix(kind, "List") }

// ofItems is what a list's kind says of its items: nothing, if it is a plain List.
func (h head) ofItems() head {
	kind := strings.TrimSuffix(h.kind, "List")
	if kind == h.kind || kind == "" {
		return head{}
	}
	return head{apiVersion: h.apiVersion, kind: kind}
}

// object hands on one object, or the items of a list.
func (s *stream) object(o *object) {
	if !s.affords(o) {
		return
	}
	if o.node != nil {
		o.head = headOf(o.node)
	}
	if o.head.kind == "" && o.listed.kind != "" {
		o.head.kind = o.listed.kind
		if o.head.apiVersion == "" {
			o.head.apiVersion = o.listed.apiVersion
		}
	}
	switch h := o.head; {
	case s.isTemplate(o):
	case h.kind == "":
		s.withoutKind(o)
	case isList(h.kind) && o.node != nil && h.hasItems:
		s.treeList(o)
	case h.kind == "List" && o.node != nil:
		// It has no items.
	case isList(h.kind) && o.node == nil && o.nested > 0:
		s.jsonListItem(o)
	case h.kind == pspparse.Kind && !foreignGroup(h.apiVersion):
		s.policy(o)
	default:
		s.other(o)
	}
}

// isTemplate tells, and records, that an object is named by a template: elsewhere braces may well be meant.
func (s *stream) isTemplate(o *object) bool {
	t := findTemplate(o.text)
	if t.hint == "" {
		return false
	}
	m := metaOf(o)
	if !isTemplated(m.Name) && !isTemplated(m.Namespace) && !isTemplated(o.head.kind) && !isTemplated(o.head.apiVersion) {
		return false
	}
	s.unrendered(o.what, o.textLine+t.line, t.hint)
	return true
}

// foreignGroup tells whether an API group is somebody's own, in which a kind may have any name.
func foreignGroup(apiVersion string) bool {
	group, _, _ := strings.Cut(apiVersion, "/")
	return strings.Contains(group, ".")
}

// treeList hands on the items of a list that was parsed whole.
func (s *stream) treeList(o *object) {
	if o.nested > s.limits.Depth {
		s.brokenObject(o, &syntaxError{line: o.line, msg: tooDeeply(s.limits)})
		return
	}
	if _, err := s.json.members(o.node, 1); err != nil {
		s.brokenObject(o, err)
		return
	}
	l := s.newList(o.what, o.line)
	s.pageOf(l, o.node)
	l.head, l.looked = o.head, true
	for _, item := range o.head.items.Content {
		if l.n++; s.strayed() {
			return
		}
		aliased := o.aliased || item.Kind == yaml.AliasNode
		item = deref(item)
		if item.Kind != yaml.MappingNode {
			s.odd(l, item.Line)
			continue
		}
		s.object(&object{what: l.item(), node: item, aliased: aliased, line: item.Line, listed: o.head.ofItems(), nested: o.nested + 1})
	}
	l.end(s)
}

// toJSON makes the JSON of an object; nil where that cannot be done, which is then told.
func (s *stream) toJSON(o *object) []byte {
	if o.node == nil {
		if err := checkText(o.data, o.line); err != nil {
			s.broken(part{}, o.what, o.line, err)
			return nil
		}
		if why := weigh(o.data, s.limits); why != "" {
			s.gap(inventory.Gap{What: s.label(o), Why: why, Position: s.at(o.line), Namespaces: namespaceOf(o), Changes: inventory.PartOf(o.head.apiVersion, o.head.kind)})
			return nil
		}
		return o.data
	}
	data, err := s.convert(o.node, o.aliased)
	if err != nil {
		if !s.twice(o, o.node, err) {
			s.brokenObject(o, err)
		}
		return nil
	}
	return data
}

// convert makes the JSON of a tree.
func (s *stream) convert(n *yaml.Node, aliased bool) ([]byte, error) {
	s.json.allowed = s.limits.Expanded + expansion*(s.w.base+int64(s.w.pos))
	return s.json.convert(n, aliased)
}

// affords counts an object that an alias stands for, and tells where there are too many of them.
func (s *stream) affords(o *object) bool {
	if !o.aliased {
		return true
	}
	s.json.spent += mergeCost
	if s.json.exhausted() {
		s.brokenObject(o, s.json.tooMuch(o.line))
		return false
	}
	return true
}

// brokenObject records an object whose text says nothing clear.
func (s *stream) brokenObject(o *object, err error) {
	s.broken(part{text: o.text, line: o.textLine}, o.what, o.line, err)
}

// policy reads a PodSecurityPolicy.
func (s *stream) policy(o *object) {
	var p *pspparse.Policy
	var problems []pspparse.Problem
	if o.node != nil {
		if !s.affordsPolicy(o) {
			return
		}
		p, problems = pspparse.Parse(o.node, s.name)
	} else {
		if why := weigh(o.data, s.limits); why != "" {
			s.gap(inventory.Gap{What: s.label(o), Why: why, Position: s.at(o.line), Changes: inventory.Policies})
			return
		}
		p, problems = pspparse.ParseJSON(o.data, s.at(o.line))
	}
	if p != nil {
		if p.APIVersion == "" {
			p.APIVersion = o.head.apiVersion
		}
		s.out.AddPolicy(p)
		return
	}
	s.gap(inventory.Gap{What: s.label(o), Why: reasons(problems), Position: s.at(firstLine(problems, o.line)), Changes: inventory.Policies})
}

// affordsPolicy tells whether a policy may be read; if not, that is told. What aliases make of it is counted by its JSON.
func (s *stream) affordsPolicy(o *object) bool {
	aliases, longest := survey(o.node)
	if longest > maxEntries {
		s.brokenObject(o, &syntaxError{line: o.line, msg: tooLong})
		return false
	}
	if !aliases && !o.aliased {
		return !findTemplate(o.text).bare || s.toJSON(o) != nil // of a template, keys are none
	}
	before := s.json.spent
	_, err := s.convert(o.node, o.aliased)
	switch {
	case s.json.exhausted():
		s.brokenObject(o, s.json.tooMuch(o.line))
		return false
	case err != nil: // pspparse says it better
		s.json.spent += brokenCost
	default:
		s.json.spent += (policyCost - 1) * (s.json.spent - before)
	}
	return true
}

// survey tells whether a tree has aliases, and how long its longest list or map is.
func survey(n *yaml.Node) (aliases bool, longest int) {
	aliases, longest = n.Kind == yaml.AliasNode, len(n.Content)
	if n.Kind == yaml.MappingNode {
		longest /= 2
	}
	for _, c := range n.Content {
		a, l := survey(c)
		aliases, longest = aliases || a, max(longest, l)
	}
	return aliases, longest
}

func firstLine(problems []pspparse.Problem, line int) int {
	for _, p := range problems {
		if p.Line > 0 {
			return p.Line
		}
	}
	return line
}

// maxReasons of one policy are named: what is told of it is not to be much longer than it.
const maxReasons = 10

func reasons(problems []pspparse.Problem) string {
	var out []string
	for i, p := range problems {
		if i == maxReasons {
			out = append(out, fmt.Sprintf("and %d more", len(problems)-i))
			break
		}
		text := p.Message
		if p.Field != "" && !strings.Contains(text, p.Field) {
			text = p.Field + ": " + text
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// label names an object as far as it can be read.
func (s *stream) label(o *object) string {
	m := metaOf(o)
	switch {
	case m.Name == "":
		return fmt.Sprintf("%s (%s)", o.what, clean(o.head.kind))
	case m.Namespace != "" && o.head.kind != pspparse.Kind:
		return fmt.Sprintf("%s %s", clean(o.head.kind), quote(m.Namespace+"/"+m.Name))
	}
	return fmt.Sprintf("%s %s", clean(o.head.kind), quote(m.Name))
}

type meta struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// metaOf reads the name of an object that may be broken elsewhere.
func metaOf(o *object) meta {
	if o.node == nil {
		var named struct {
			Metadata meta `json:"metadata"`
		}
		if err := json.Unmarshal(o.data, &named); err != nil {
			return meta{}
		}
		return named.Metadata
	}
	var m meta
	for i := 0; i+1 < len(o.node.Content); i += 2 {
		if o.node.Content[i].Value != "metadata" {
			continue
		}
		metadata := deref(o.node.Content[i+1])
		for j := 0; j+1 < len(metadata.Content); j += 2 {
			switch metadata.Content[j].Value {
			case "name":
				m.Name = textOf(deref(metadata.Content[j+1]))
			case "namespace":
				m.Namespace = textOf(deref(metadata.Content[j+1]))
			}
		}
	}
	return m
}

// namespaceOf is the namespace that an object is surely in, as a gap wants it.
func namespaceOf(o *object) []string {
	if m := metaOf(o); m.Namespace != "" && len(validation.IsDNS1123Label(m.Namespace)) == 0 {
		return []string{m.Namespace}
	}
	return everywhere()
}

// other reads every kind but policies.
func (s *stream) other(o *object) {
	data := s.toJSON(o)
	if data == nil {
		return
	}
	handled, err := s.out.Decode(o.head.apiVersion, o.head.kind, data, s.at(o.line))
	var failed *inventory.DecodeError
	switch {
	case errors.As(err, &failed):
		s.undecoded(o, data, failed)
	case err != nil:
		s.broken(part{}, s.label(o), o.line, err)
	case !handled:
		s.unknown(o, data)
	}
}

func (s *stream) undecoded(o *object, data []byte, failed *inventory.DecodeError) {
	if err := validJSON(data, o.line); o.node == nil && err != nil {
		s.brokenObject(o, err)
		return
	}
	if o.node == nil && duplicate.MatchString(failed.Err.Error()) && s.twiceJSON(o, data) {
		return
	}
	gap := failed.Gap(s.at(fieldLine(o, failed)))
	gap.Why += perhaps(o.text)
	s.gap(gap)
}

// validJSON finds the line of what is wrong with a text that a decoder refused.
func validJSON(data []byte, line int) error {
	if json.Valid(data) {
		return nil
	}
	_, err := pspparse.JSONNode(data, line)
	var syntax *pspparse.SyntaxError
	if errors.As(err, &syntax) {
		return &syntaxError{line: syntax.Line, msg: syntax.Reason}
	}
	return err
}

var duplicate = regexp.MustCompile(`^duplicate field "([^"]+)"`)

// fieldLine is the line of the field that an error of Decode names, or that of the object.
func fieldLine(o *object, failed *inventory.DecodeError) int {
	path := failed.Path
	if m := duplicate.FindStringSubmatch(failed.Err.Error()); m != nil {
		path = strings.FieldsFunc(m[1], func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	}
	if len(path) == 0 {
		return o.line
	}
	root := o.node
	if root == nil {
		var err error
		if root, err = pspparse.JSONNode(o.data, o.line); err != nil {
			return o.line
		}
	}
	if line := findField(root, path); line > 0 {
		return line
	}
	return o.line
}

// findField is the line of the key or item at a path, of a key given twice the last. It is 0 if there is none.
func findField(n *yaml.Node, path []string) int {
	n = deref(n)
	line := 0
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			switch {
			case deref(key).Value != path[0]:
			case len(path) == 1:
				line = key.Line
			default:
				line = cmp.Or(findField(value, path[1:]), line)
			}
		}
	case yaml.SequenceNode:
		i, err := strconv.Atoi(path[0])
		switch {
		case err != nil || i < 0 || i >= len(n.Content):
		case len(path) == 1:
			line = n.Content[i].Line
		default:
			line = findField(n.Content[i], path[1:])
		}
	}
	return line
}
