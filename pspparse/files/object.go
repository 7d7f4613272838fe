package files

import (
	"bytes"
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
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// manifestObject is one document, or one item of a List, of a file that is a map in JSON or YAML.
type manifestObject struct {
	// label names it in messages until its name is known.
	label string
	// header is its apiVersion and kind.
	header objectHeader
	// data is its JSON, which is made from node where that is set.
	data []byte
	// node is its YAML tree; nil for an object in JSON.
	node *yaml.Node
	// viaAlias is set where an alias stands for it: then it is read more than once.
	viaAlias bool
	// text is what it was read from, if it was read by itself, and textLine the line where that begins.
	text     []byte
	textLine int
	// line is where the object begins, and column where one in JSON does, as far as its buffer knows; nil is 1.
	line   int
	column func() int
	// listHeader is what a typed List gives it that it does not say itself.
	listHeader objectHeader
	// listDepth is how many Lists it stands in.
	listDepth int
}

// objectHeader is the apiVersion and the kind of a document's object, and its items if it is a List in YAML.
type objectHeader struct {
	apiVersion, kind string
	// items are the items of a List in YAML.
	items *yaml.Node
	// hasItems is set where they are a sequence.
	hasItems bool
}

// headerOfNode returns the apiVersion and kind of a document's object in YAML.
func headerOfNode(n *yaml.Node) objectHeader {
	var h objectHeader
	if n.Kind != yaml.MappingNode {
		return h
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := yamlnode.AliasTarget(n.Content[i+1])
		switch n.Content[i].Value {
		case "apiVersion":
			h.apiVersion = stringOfNode(value)
		case "kind":
			h.kind = stringOfNode(value)
		case "items":
			h.hasItems = value.Kind == yaml.SequenceNode
			h.items = value
		}
	}
	return h
}

// stringOfNode returns the value of a document's YAML scalar that is a string, "" for any other node.
func stringOfNode(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || isLongNumber(n) {
		return ""
	}
	if yamlnode.ResolveScalar(n).Kind == yamlnode.ScalarText {
		return n.Value
	}
	text, err := yamlnode.AppendScalar(nil, n)
	if err != nil || text[0] != '"' {
		return ""
	}
	return n.Value
}

// isLongNumber reports whether a document's YAML scalar may be a number that is longer than any name or kind. To find out costs
// time, which aliases could multiply.
func isLongNumber(n *yaml.Node) bool {
	return len(n.Value) > validation.DNS1123SubdomainMaxLength && n.Style == 0 && strings.Contains("+-.0123456789", n.Value[:1])
}

// isListKind reports whether the kind of a document is that of a List by its name; kubectl decides by the items.
func isListKind(kind string) bool { return strings.HasSuffix(kind, "List") }

// itemHeader returns the apiVersion and kind that a typed List in a file gives its items: those of a PodList are Pods.
// Of a plain List it returns none.
func (h objectHeader) itemHeader() objectHeader {
	kind := strings.TrimSuffix(h.kind, "List")
	if kind == h.kind || kind == "" {
		return objectHeader{}
	}
	return objectHeader{apiVersion: h.apiVersion, kind: kind}
}

// readObject adds one object of the file to the inventory, or the items of a List.
func (s *documentReader) readObject(o *manifestObject) {
	if !s.withinAliasBudget(o) {
		return
	}
	if o.node != nil {
		s.restoreNulls(o.node)
		o.header = headerOfNode(o.node)
	}
	if o.header.kind == "" && o.listHeader.kind == "" && o.listDepth == 0 && s.expected.kind != "" && nameOfObject(o).Name != "" {
		o.listHeader = s.expected
	}
	if o.header.kind == "" && o.listHeader.kind != "" {
		o.header.kind = o.listHeader.kind
		if o.header.apiVersion == "" {
			o.header.apiVersion = o.listHeader.apiVersion
		}
	}
	if s.onObject != nil {
		s.onObject(o.header.kind, o)
	}
	switch h := o.header; {
	case s.reportTemplatedName(o):
	case h.kind == "":
		s.readObjectWithoutKind(o)
	case isListKind(h.kind) && o.node != nil && h.hasItems:
		s.readParsedList(o)
	case h.kind == "List" && o.node != nil:
		// It has no items.
	case isListKind(h.kind) && o.node == nil && o.listDepth > 0:
		s.readNestedJSONList(o)
	case h.kind == pspparse.PolicyKind && !isCustomGroup(h.apiVersion):
		s.readPodSecurityPolicy(o)
	default:
		s.readOtherObject(o)
	}
}

// reportTemplatedName reports whether an object of the file has a template mark in its name, namespace or kind, and
// adds a gap if so. Elsewhere in an object braces may well be meant.
func (s *documentReader) reportTemplatedName(o *manifestObject) bool {
	if bytes.Contains(o.text, []byte(sopsMark)) && strings.HasPrefix(nameOfObject(o).Name+nameOfObject(o).Namespace, sopsMark) {
		s.addGap(gapOfDocument(o.label, message.New("document-is-printed", "what", "it is encrypted with SOPS, its name too: decrypt it first (sops -d FILE)"), s.position(o.line)))
		return true
	}
	t := findTemplateMark(o.text)
	if t.hint == "" {
		return false
	}
	m := nameOfObject(o)
	if !hasTemplateMark(m.Name) && !hasTemplateMark(m.Namespace) && !hasTemplateMark(o.header.kind) && !hasTemplateMark(o.header.apiVersion) {
		return false
	}
	s.addTemplateGap(o.label, o.textLine+t.line, t.hint)
	return true
}

// sopsMark is how a value begins that SOPS has encrypted.
const sopsMark = "ENC[AES256_GCM,"

// isCustomGroup reports whether the apiVersion of a document is of somebody's own API group, in which a kind may have
// any name.
func isCustomGroup(apiVersion string) bool {
	group, _, _ := strings.Cut(apiVersion, "/")
	return strings.Contains(group, ".")
}

// readParsedList reads the items of a List in a YAML file that was parsed whole.
func (s *documentReader) readParsedList(o *manifestObject) {
	if o.listDepth > s.limits.Depth {
		s.addBrokenObjectGap(o, &syntaxError{line: o.line, msg: tooDeepReason(s.limits)})
		return
	}
	if _, err := s.toJSON.mappingEntries(o.node, 1); err != nil {
		s.addBrokenObjectGap(o, err)
		return
	}
	l := s.newListReading(o.label, o.line)
	s.readPagination(l, o.node)
	l.header, l.headerComplete = o.header, true
	for _, item := range o.header.items.Content {
		if l.itemCount++; s.tooManyNonObjects() {
			return
		}
		aliased := o.viaAlias || item.Kind == yaml.AliasNode
		item = yamlnode.AliasTarget(item)
		if item.Kind != yaml.MappingNode {
			s.countNonObjectItem(l, item.Line)
			continue
		}
		s.readObject(&manifestObject{label: l.itemLabel(), node: item, viaAlias: aliased, line: item.Line, listHeader: o.header.itemHeader(), listDepth: o.listDepth + 1})
	}
	l.reportList(s)
}

// objectJSON returns the JSON of a file's object. Where it cannot be made, it adds a gap and returns nil.
func (s *documentReader) objectJSON(o *manifestObject) []byte {
	if o.node == nil {
		if err := checkUTF8Text(o.data, o.line); err != nil {
			s.addBrokenGap(yamlPart{}, o.label, o.line, err)
			return nil
		}
		if why := whyNoServerStoresJSON(o.data, s.limits); why != "" {
			s.addGap(inventory.Gap{What: s.objectLabel(o), Why: message.New("object-too-heavy", "reason", why), Position: s.position(o.line), Namespaces: namespacesOfGap(o), Affects: inventory.PartOfKind(o.header.apiVersion, o.header.kind)})
			return nil
		}
		return o.data
	}
	data, err := s.nodeToJSON(o.node, o.viaAlias)
	if err != nil {
		if !s.readObjectWithDuplicateKey(o, o.node, err) {
			s.addBrokenObjectGap(o, err)
		}
		return nil
	}
	return data
}

// nodeToJSON returns the JSON of a YAML tree of the file, within the limit of its aliases.
func (s *documentReader) nodeToJSON(n *yaml.Node, aliased bool) ([]byte, error) {
	s.toJSON.aliasBudget = s.limits.AliasBytes + aliasExpansionFactor*(s.input.baseOffset+int64(s.input.pos))
	return s.toJSON.convert(n, aliased)
}

// withinAliasBudget counts an object of the file that a YAML alias stands for. Where the file has too many of them, it
// adds a gap and returns false.
func (s *documentReader) withinAliasBudget(o *manifestObject) bool {
	if !o.viaAlias {
		return true
	}
	s.toJSON.aliasCost += mergedKeyCost
	if s.toJSON.overAliasBudget() {
		s.addBrokenObjectGap(o, s.toJSON.aliasBudgetError(o.line))
		return false
	}
	return true
}

// addBrokenObjectGap adds the gap of an object of the file that cannot be read.
func (s *documentReader) addBrokenObjectGap(o *manifestObject, err error) {
	s.addBrokenGap(yamlPart{text: o.text, line: o.textLine}, o.label, o.line, err)
}

// readPodSecurityPolicy adds a PodSecurityPolicy of the file to the inventory, or a gap with its problems.
func (s *documentReader) readPodSecurityPolicy(o *manifestObject) {
	var p *pspparse.Policy
	var problems []pspparse.Problem
	if o.node != nil {
		if !s.policyWithinAliasBudget(o) {
			return
		}
		p, problems = pspparse.Parse(o.node, s.name)
	} else {
		if why := whyNoServerStoresJSON(o.data, s.limits); why != "" {
			s.addGap(inventory.Gap{What: s.objectLabel(o), Why: message.New("object-too-heavy", "reason", why), Position: s.position(o.line), Affects: inventory.PartPolicies})
			return
		}
		p, problems = pspparse.ParseJSON(o.data, s.position(o.line))
	}
	if p != nil {
		if p.APIVersion == "" {
			p.APIVersion = o.header.apiVersion
		}
		s.noteUnrendered(o)
		s.sink.AddPolicy(p)
		return
	}
	s.addGap(inventory.Gap{What: s.objectLabel(o), Why: invalidPolicy(problems), Position: s.position(firstProblemLine(problems, o.line)), Affects: inventory.PartPolicies})
}

// policyWithinAliasBudget reports whether a PodSecurityPolicy of the file is within the limit of its aliases; if not,
// it adds a gap. What aliases expand to counts by the JSON of the policy.
func (s *documentReader) policyWithinAliasBudget(o *manifestObject) bool {
	aliases, longest := measureNode(o.node)
	if longest > maxListEntries {
		s.addBrokenObjectGap(o, &syntaxError{line: o.line, msg: tooManyEntriesReason})
		return false
	}
	if !aliases && !o.viaAlias {
		return !findTemplateMark(o.text).unquoted || s.objectJSON(o) != nil // of a template, keys are none
	}
	before := s.toJSON.aliasCost
	_, err := s.nodeToJSON(o.node, o.viaAlias)
	switch {
	case s.toJSON.overAliasBudget():
		s.addBrokenObjectGap(o, s.toJSON.aliasBudgetError(o.line))
		return false
	case err != nil: // pspparse says it better
		cost := int64(brokenPolicyCost)
		if _, text, ok := yamlnode.ExpandedSize(o.node); ok {
			cost = max(cost, policyCostFactor*text)
		}
		s.toJSON.aliasCost += cost
	default:
		s.toJSON.aliasCost += (policyCostFactor - 1) * (s.toJSON.aliasCost - before)
	}
	return true
}

// measureNode reports whether a document's YAML tree has aliases, and how long its longest list or map is.
func measureNode(n *yaml.Node) (aliases bool, longest int) {
	aliases, longest = n.Kind == yaml.AliasNode, len(n.Content)
	if n.Kind == yaml.MappingNode {
		longest /= 2
	}
	for _, c := range n.Content {
		a, l := measureNode(c)
		aliases, longest = aliases || a, max(longest, l)
	}
	return aliases, longest
}

// firstProblemLine returns the line of the first problem of a file's policy that has one, else the given line.
func firstProblemLine(problems []pspparse.Problem, line int) int {
	for _, p := range problems {
		if p.Line > 0 {
			return p.Line
		}
	}
	return line
}

// invalidPolicy returns the text on what is wrong with a file's policy.
func invalidPolicy(problems []pspparse.Problem) message.Message {
	var out []string
	for _, p := range problems {
		text := p.Message.Text
		if p.Field != "" && !strings.Contains(text, p.Field) {
			text = p.Field + ": " + text
		}
		out = append(out, text)
	}
	return message.New("policy-invalid", "problems", out)
}

// objectLabel returns the name of a file's object by its kind, namespace and name, as far as these can be read.
func (s *documentReader) objectLabel(o *manifestObject) string {
	m := nameOfObject(o)
	switch {
	case m.Name == "":
		return fmt.Sprintf("%s (%s)", o.label, english.EscapeInput(o.header.kind))
	case m.Namespace != "" && o.header.kind != pspparse.PolicyKind:
		return fmt.Sprintf("%s %s", english.EscapeInput(o.header.kind), quoteInput(m.Namespace+"/"+m.Name))
	}
	return fmt.Sprintf("%s %s", english.EscapeInput(o.header.kind), quoteInput(m.Name))
}

// objectName is the name and the namespace of a document's object.
type objectName struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// nameOfObject returns the name of a document's object whose other fields may be broken.
func nameOfObject(o *manifestObject) objectName {
	if o.node == nil {
		var named struct {
			Metadata objectName `json:"metadata"`
		}
		if err := json.Unmarshal(o.data, &named); err != nil {
			return objectName{}
		}
		return named.Metadata
	}
	var m objectName
	for i := 0; i+1 < len(o.node.Content); i += 2 {
		if o.node.Content[i].Value != "metadata" {
			continue
		}
		metadata := yamlnode.AliasTarget(o.node.Content[i+1])
		for j := 0; j+1 < len(metadata.Content); j += 2 {
			switch metadata.Content[j].Value {
			case "name":
				m.Name = stringOfNode(yamlnode.AliasTarget(metadata.Content[j+1]))
			case "namespace":
				m.Namespace = stringOfNode(yamlnode.AliasTarget(metadata.Content[j+1]))
			}
		}
	}
	return m
}

// namespacesOfGap returns the namespaces that a gap of a document's object touches: the object's namespace where that
// is certain, else every namespace.
func namespacesOfGap(o *manifestObject) []string {
	if m := nameOfObject(o); m.Namespace != "" && len(validation.IsDNS1123Label(m.Namespace)) == 0 {
		return []string{m.Namespace}
	}
	return allNamespaces()
}

// readOtherObject adds an object of the file of any kind but PodSecurityPolicy to the inventory.
func (s *documentReader) readOtherObject(o *manifestObject) {
	data := s.objectJSON(o)
	if data == nil {
		return
	}
	s.showObject(o)
	handled, err := s.sink.Decode(o.header.apiVersion, o.header.kind, data, s.position(o.line))
	var failed *inventory.DecodeError
	switch {
	case errors.As(err, &failed):
		s.addDecodeErrorGap(o, data, failed)
	case err != nil:
		s.addBrokenGap(yamlPart{}, s.objectLabel(o), o.line, err)
	case !handled:
		s.readUnknownKind(o, data)
	default:
		s.noteUnrendered(o)
	}
}

// addDecodeErrorGap adds the gap of an object of the file that could not be decoded, with the line of the field.
func (s *documentReader) addDecodeErrorGap(o *manifestObject, data []byte, failed *inventory.DecodeError) {
	if err := checkJSONSyntax(data, o.line); o.node == nil && err != nil {
		s.addBrokenObjectGap(o, err)
		return
	}
	if o.node == nil && duplicateFieldError.MatchString(failed.Err.Error()) && s.readJSONObjectWithDuplicateKey(o, data) {
		return
	}
	gap := failed.Gap(s.position(lineOfFailedField(o, failed)))
	gap.Why = gap.Why.With("hint", templateHint(o.text)).With("misread", misreadText(o, failed))
	s.addGap(gap)
}

// checkJSONSyntax returns an error with its line for a document that is not one JSON value.
func checkJSONSyntax(data []byte, line int) error {
	if json.Valid(data) {
		return nil
	}
	_, err := yamlnode.FromJSON(data, line)
	var syntax *yamlnode.DocumentError
	if errors.As(err, &syntax) {
		return &syntaxError{line: syntax.Line, msg: syntax.Reason}
	}
	return err
}

// duplicateFieldError matches the decoder's error for a key that stands twice.
var duplicateFieldError = regexp.MustCompile(`^duplicate field "([^"]+)"`)

// lineOfFailedField returns the line of the document's field that a decoding error names, or that of the object.
func lineOfFailedField(o *manifestObject, failed *inventory.DecodeError) int {
	path := failed.Path
	if m := duplicateFieldError.FindStringSubmatch(failed.Err.Error()); m != nil {
		path = strings.FieldsFunc(m[1], func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	}
	if len(path) == 0 {
		return o.line
	}
	root := o.node
	if root == nil {
		var err error
		if root, err = yamlnode.FromJSON(o.data, o.line); err != nil {
			return o.line
		}
	}
	if line := lineOfPath(root, path); line > 0 {
		return line
	}
	return o.line
}

// lineOfPath returns the line of the key or item at a path in a document's YAML tree, of a key that stands twice the
// last; 0 if there is none.
func lineOfPath(n *yaml.Node, path []string) int {
	n = yamlnode.AliasTarget(n)
	line := 0
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			switch {
			case yamlnode.AliasTarget(key).Value != path[0]:
			case len(path) == 1:
				line = key.Line
			default:
				line = cmp.Or(lineOfPath(value, path[1:]), line)
			}
		}
	case yaml.SequenceNode:
		i, err := strconv.Atoi(path[0])
		switch {
		case err != nil || i < 0 || i >= len(n.Content):
		case len(path) == 1:
			line = n.Content[i].Line
		default:
			line = lineOfPath(n.Content[i], path[1:])
		}
	}
	return line
}
