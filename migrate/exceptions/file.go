package exceptions

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// FileName is the file of exceptions that is read from the working directory where none is named.
const FileName = ".psp2pss.yaml"

// APIVersion and Kind identify a file of exceptions.
const (
	APIVersion = finding.APIVersion
	Kind       = finding.ExceptionsKind
)

// The limits of a file of exceptions.
const (
	// MaxFileSize is how many bytes it may have.
	MaxFileSize = 1 << 20
	maxEntries  = 2000
	// maxText is how many bytes one value of it may have.
	maxText = 1000
)

// File is a file of exceptions from checks.
type File struct {
	// Name is its path as the user gave it.
	Name    string
	Entries []Entry
}

// Entry is one exception of a file, with the objects that it is for.
type Entry struct {
	finding.Exception
	Object Selector
}

// Parse reads a file of exceptions; name is its path as the user gave it. It returns an error for what is not one YAML or JSON
// document of Kind, and for a key or value that such a file cannot have: "NAME:LINE: FIELD: what is wrong". What is wrong with an
// exception itself (no reason, an unknown check, its day) is not for Parse to say, see Apply.
func Parse(name string, data []byte) (*File, error) {
	if len(data) > MaxFileSize {
		return nil, fmt.Errorf("%s: it has more than %d bytes: a file of exceptions is smaller", name, MaxFileSize)
	}
	root, err := parseDocument(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f, err := fileOf(root)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	f.Name = name
	for i := range f.Entries {
		f.Entries[i].File = name
	}
	return f, nil
}

// parseDocument returns the root of the one document of a file of exceptions.
func parseDocument(data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty: " + howToWrite)
	} else if err != nil {
		return nil, syntaxError(err)
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one document: write all exceptions in one")
	}
	if len(document.Content) != 1 {
		return nil, errors.New("it is empty: " + howToWrite)
	}
	if err := yamlnode.CheckExpansion(&document); err != nil {
		return nil, err
	}
	return document.Content[0], nil
}

// howToWrite is the end of an error about what should be a file of exceptions.
const howToWrite = `it begins with "apiVersion: ` + APIVersion + `" and "kind: ` + Kind + `", and has a list "exceptions"`

// yamlErrorLine matches the line in an error of the YAML parser.
var yamlErrorLine = regexp.MustCompile(`line ([0-9]+): (.*)`)

// syntaxError returns the error for a file of exceptions that is no YAML, with the line as far as the parser says it.
func syntaxError(err error) error {
	if at := yamlErrorLine.FindStringSubmatch(err.Error()); at != nil {
		return fmt.Errorf("line %s: it is no YAML: %s", at[1], english.EscapeInput(at[2]))
	}
	return fmt.Errorf("it is no YAML: %s", english.EscapeInput(strings.TrimPrefix(err.Error(), "yaml: ")))
}

// fieldError is the error for a field that a file of exceptions cannot have.
type fieldError struct {
	line  int
	field fieldpath.Path
	why   string
}

// Error returns the line of the field, its path and what is wrong with it.
func (e *fieldError) Error() string {
	if len(e.field) == 0 {
		return fmt.Sprintf("%d: %s", e.line, e.why)
	}
	return fmt.Sprintf("%d: %s: %s", e.line, english.EscapeInput(e.field.String()), e.why)
}

// fileOf returns the file of exceptions that a document holds.
func fileOf(root *yaml.Node) (*File, error) {
	fields, err := fieldsOf(root, nil, "apiVersion", "kind", "exceptions")
	if err != nil {
		return nil, err
	}
	var apiVersion, kind string
	if err := fields.texts(map[string]*string{"apiVersion": &apiVersion, "kind": &kind}); err != nil {
		return nil, err
	}
	if apiVersion != APIVersion {
		return nil, fields.problem("apiVersion", fmt.Sprintf("it is %s, and this version reads %s", english.QuoteInput(apiVersion, maxShown), APIVersion))
	}
	if kind != Kind {
		return nil, fields.problem("kind", fmt.Sprintf("it is %s, want %s", english.QuoteInput(kind, maxShown), Kind))
	}
	list := fields.values["exceptions"]
	if list == nil {
		return nil, &fieldError{root.Line, nil, `there is no list "exceptions"`}
	}
	if list.Kind != yaml.SequenceNode {
		return nil, fields.problem("exceptions", "it is no list")
	}
	if len(list.Content) > maxEntries {
		return nil, fields.problem("exceptions", fmt.Sprintf("it has %d entries, and %d is the most", len(list.Content), maxEntries))
	}
	f := &File{Entries: make([]Entry, len(list.Content))}
	for i, n := range list.Content {
		if f.Entries[i], err = entryOf(n, fieldpath.Keys("exceptions").Item(i)); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// entryOf returns the exception that an item of the list in a file holds.
func entryOf(n *yaml.Node, at fieldpath.Path) (Entry, error) {
	fields, err := fieldsOf(n, at, "rule", "object", "reason", "until")
	if err != nil {
		return Entry{}, err
	}
	e := Entry{}
	e.Field, e.Range = at.String(), rangeOf(n)
	if err := fields.texts(map[string]*string{"rule": &e.Rule, "reason": &e.Reason, "until": &e.Until}); err != nil {
		return Entry{}, err
	}
	e.Reason = strings.TrimSpace(e.Reason)
	if e.Rule == "" {
		return Entry{}, fields.problem("rule", "it is missing: it is the ID of the check that may fail")
	}
	object := fields.values["object"]
	if object == nil {
		return Entry{}, fields.problem("object", "it is missing: say by kind, namespace and name which objects may fail the check")
	}
	e.Object, err = selectorOf(object, at.Keys("object"))
	return e, err
}

// selectorOf returns the selector of an exception in a file. One of every object is an error.
func selectorOf(n *yaml.Node, at fieldpath.Path) (Selector, error) {
	fields, err := fieldsOf(n, at, "kind", "namespace", "name")
	if err != nil {
		return Selector{}, err
	}
	var s Selector
	if err := fields.texts(map[string]*string{"kind": &s.Kind, "namespace": &s.Namespace, "name": &s.Name}); err != nil {
		return Selector{}, err
	}
	if s.isEverything() {
		return Selector{}, &fieldError{n.Line, at, "it is every object: name a kind, a namespace or a name"}
	}
	return s, nil
}

// rangeOf returns the line and column of a node of a file of exceptions. It ends where its first line is known to go on.
func rangeOf(n *yaml.Node) finding.Range {
	end := n.Column + 1
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 && n.Content[0].Line == n.Line {
		end = n.Content[0].Column + len([]rune(n.Content[0].Value))
	}
	return finding.Range{Line: n.Line, Column: n.Column, EndLine: n.Line, EndColumn: end}
}

// fields are the keys of a mapping in a file of exceptions.
type fields struct {
	line   int
	at     fieldpath.Path
	lines  map[string]int
	values map[string]*yaml.Node
}

// fieldsOf returns the keys of a mapping in a file of exceptions. A key that it may not have is an error, with the one that was
// probably meant, and so is one that is given twice or is no text, and a merge key.
func fieldsOf(n *yaml.Node, at fieldpath.Path, known ...string) (*fields, error) {
	n = yamlnode.AliasTarget(n)
	if n.Kind != yaml.MappingNode {
		why := "it is no mapping of " + english.And(known)
		if len(at) == 0 {
			why += ": " + howToWrite
		}
		return nil, &fieldError{n.Line, at, why}
	}
	out := &fields{line: n.Line, at: at, lines: map[string]int{}, values: map[string]*yaml.Node{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, isText := yamlnode.KeyName(yamlnode.AliasTarget(n.Content[i]))
		line := n.Content[i].Line
		switch {
		case !isText:
			return nil, &fieldError{line, at, "it has a key that is no text"}
		case !slices.Contains(known, name):
			return nil, &fieldError{line, at, unknownKey(name, known)}
		case out.values[name] != nil:
			return nil, &fieldError{line, at.Keys(name), fmt.Sprintf("it is given twice, on line %d too", out.lines[name])}
		}
		out.lines[name], out.values[name] = line, yamlnode.AliasTarget(n.Content[i+1])
	}
	return out, nil
}

// maxShown is how many bytes of a key or value an error about a file of exceptions shows.
const maxShown = 64

// unknownKey returns what is wrong with a key that a mapping in a file of exceptions may not have.
func unknownKey(name string, known []string) string {
	text := "there is no key " + english.QuoteInput(name, maxShown)
	if meant := pspparse.SuggestName(name, known); meant != "" {
		return text + fmt.Sprintf(": did you mean %q?", meant)
	}
	return text + ", only " + english.And(known)
}

// problem returns an error about a key of a mapping in a file of exceptions, on its line if it is there.
func (f *fields) problem(key, why string) error {
	line := f.line
	if at, ok := f.lines[key]; ok {
		line = at
	}
	return &fieldError{line, f.at.Keys(key), why}
}

// text returns the text of a key in a file of exceptions, "" if it is not there. Anything but a text is an error.
func (f *fields) text(key string) (string, error) {
	n := f.values[key]
	if n == nil || yamlnode.IsNull(n) {
		return "", nil
	}
	s := yamlnode.ResolveScalar(n)
	switch {
	case s.Kind == yamlnode.ScalarText && len(s.Text) > maxText:
		return "", f.problem(key, fmt.Sprintf("it has %d bytes, and %d is the most", len(s.Text), maxText))
	case s.Kind == yamlnode.ScalarText:
		return s.Text, nil
	case n.Kind == yaml.ScalarNode:
		if why := yamlnode.Misreading(n); why != "" {
			return "", f.problem(key, why)
		}
	}
	return "", f.problem(key, "it is no text: "+what(n))
}

// texts sets texts to those of their keys in a file of exceptions. It returns the error about the first key by name that is no text.
func (f *fields) texts(to map[string]*string) error {
	for _, key := range slices.Sorted(maps.Keys(to)) {
		text, err := f.text(key)
		if err != nil {
			return err
		}
		*to[key] = text
	}
	return nil
}

// what returns what a node of a file of exceptions is, for people.
func what(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list; write an exception for each"
	case yaml.MappingNode:
		return "a mapping"
	}
	return "a value of another type"
}
