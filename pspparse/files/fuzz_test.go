package files

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// parts splits a stream that arrives in small pieces.
func parts(data []byte, s *yamlSplitter) []yamlPart {
	s.input = newLineBuffer(iotestReader(data))
	var all []yamlPart
	for p, ok := s.next(); ok; p, ok = s.next() {
		p.text = bytes.Clone(p.text)
		all = append(all, p)
	}
	return all
}

// iotestReader hands out a few bytes at a time, so that every boundary is met.
func iotestReader(data []byte) io.Reader {
	rest := data
	return readerFunc(func(p []byte) (int, error) {
		if len(rest) == 0 {
			return 0, io.EOF
		}
		n := copy(p, rest[:min(len(rest), 7)])
		rest = rest[n:]
		return n, nil
	})
}

// FuzzSplit: the parts are the stream, each is on the line it says, and there are as many documents as yaml.v3 finds.
// Lists that are cut hold what they hold uncut.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		"", "a: 1\n", "a: 1\n---\nb: 2\n", "---\n---\n\n--- # c\nkind: x\n...\n# after\n", "--- {a: 1}\n--- text\n",
		"a: |\n  ---\n  x\n---\r\nb: 1\r\n", "%YAML 1.1\n---\na: 1\n...\n%YAML 1.1\n---\nb: 1\n", "a\n...\nb\n", "a: 1\r---\rb: 2\r", "0: 00000\n1: 0\r--- ",
		"apiVersion: v1\nitems:\n- a: 1\n  b:\n  - x\n- a: 2\nkind: List\nmetadata: {}\n",
		"items:\n    - a: &x 1\n    # c\n    - b: *x\n---\nitems:\n  a: b\n", "items:\n- {a: [1,\n2]}\n- |\n b\n", "items:\n---\nitems: # none\n",
		"items:\n- {a: 1,\n}\n- \"x\n  y\"\nkind: List", "items:\n-\n  a: 1\n- - b\n  - c\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all := parts(data, &yamlSplitter{maxBytes: 1 << 20})
		var joined []byte
		for _, p := range all {
			if want := 1 + bytes.Count(joined, newlineBytes); p.line != want {
				t.Errorf("the part %q is on line %d, not %d", p.text, want, p.line)
			}
			joined = append(joined, p.text...)
		}
		if !bytes.Equal(joined, data) {
			t.Fatalf("the parts are %q, not %q", joined, data)
		}
		want, ok := decodeAll(data)
		if !ok {
			return
		}
		got, ok := decodeParts(t, all)
		if !ok {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q in %d parts (-want +got):\n%s", data, len(all), diff)
		}
	})
}

// decodeAll is what yaml.v3 makes of a stream; false if it is not valid, or has what cannot be compared.
func decodeAll(data []byte) (docs []string, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		err := d.Decode(&n)
		if errors.Is(err, io.EOF) {
			return docs, true
		}
		if err != nil || len(n.Content) != 1 {
			return nil, false
		}
		text, err := convertFreely(n.Content[0])
		if err != nil {
			return nil, false
		}
		docs = append(docs, text)
	}
}

func convertFreely(n *yaml.Node) (string, error) {
	c := yamlToJSON{limits: Limits{Values: 10000}.withDefaults(), aliasBudget: 1 << 20}
	text, err := c.convert(n, false)
	return string(text), err
}

// decodeParts is the same from the parts; the pieces of a List are put together again. False if an alias crosses pieces.
func decodeParts(t *testing.T, all []yamlPart) (docs []string, ok bool) {
	t.Helper()
	var list []byte
	for _, p := range all {
		if hiddenDocumentOffset(p.text) >= 0 { // it will be told as a gap
			return nil, false
		}
		switch p.kind {
		case listHead:
			list = bytes.Clone(p.text)
			continue
		case listItem:
			list = append(list, p.text...)
			if _, err := unmarshalYAML(p.text); isUnknownAnchorError(err) {
				return nil, false
			} else if err != nil {
				// The whole is valid, the piece is not: quoted text at column 0, say. It will be told as a gap.
				return nil, false
			}
			continue
		case listTail:
			p.text = append(list, p.text...)
		}
		n, err := unmarshalYAML(p.text)
		if err != nil {
			t.Errorf("the stream is valid, but its part %q is not: %v", p.text, err)
			return nil, false
		}
		if n == nil {
			continue
		}
		text, err := convertFreely(n)
		if err != nil {
			return nil, false
		}
		docs = append(docs, text)
	}
	return docs, true
}

// FuzzJSONItems: where encoding/json finds a list, the scanner finds the same items.
func FuzzJSONItems(f *testing.F) {
	for _, seed := range []string{
		`{"items":[]}`, `{"apiVersion":"v1","items":[{"a":1},{"b":"x\"}]"}],"kind":"List"}`, "{\n \"items\" : [\n null , [1,[2]] ,\n\"a\\\\\" ,-1.5e3]\n}",
		`{"it\u0065ms":[{"\"":{}}]}`, `{"x":{"items":[1]},"items":[true,false]}`, `{"items":{"a":[]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var list map[string]json.RawMessage
		if json.Unmarshal(data, &list) != nil || list == nil {
			return
		}
		var want []json.RawMessage
		if json.Unmarshal(list["items"], &want) != nil || duplicateItems(data) {
			return
		}
		var got []json.RawMessage
		err := eachItem(iotestReader(data), func(item []byte) { got = append(got, bytes.Clone(item)) })
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if len(want) != len(got) {
			t.Fatalf("%q: %d items, not %d", data, len(got), len(want))
		}
		for i := range want {
			if !bytes.Equal(bytes.TrimSpace(want[i]), got[i]) {
				t.Errorf("%q: item %d is %q, not %q", data, i, got[i], want[i])
			}
		}
	})
}

// duplicateItems tells of what encoding/json takes the last of.
func duplicateItems(data []byte) bool {
	n := 0
	s := &jsonScanner{input: newLineBufferOfText(data, 1), maxBytes: 1 << 20, maxDepth: 1000}
	s.skipWhitespace()
	err := s.scanObject(func(key string) error {
		if key == "items" {
			n++
		}
		_, err := s.skipValue()
		return err
	})
	return err != nil || n > 1
}
