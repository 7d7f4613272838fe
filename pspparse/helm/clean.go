package helm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Cleaned is a stored revision without PodSecurityPolicies.
type Cleaned struct {
	// Payload is what to keep in place of the old one; the old one itself where nothing was removed.
	Payload []byte
	Removed []Document
}

// Clean removes the PodSecurityPolicies from the manifest and the hooks of a stored revision. Every other byte of the
// manifest stays, and every other field of the release as it is written, also what is not known here. Roles that let use
// policies stay: servers go on serving them. A List that holds other objects beside policies is an error.
func Clean(payload []byte) (Cleaned, error) {
	data, err := unpack(payload)
	if err != nil {
		return Cleaned{}, err
	}
	r, err := decode(data)
	if err != nil {
		return Cleaned{}, err
	}
	if len(r.Policies) == 0 {
		return Cleaned{Payload: payload}, nil
	}
	cleaned, err := clean(data)
	if err != nil {
		return Cleaned{}, err
	}
	packed, err := pack(cleaned)
	if err != nil {
		return Cleaned{}, err
	}
	return Cleaned{Payload: packed, Removed: r.Policies}, nil
}

// clean edits the JSON of a release in place.
func clean(data []byte) ([]byte, error) {
	fields, err := members(data)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	kept := 0
	for _, f := range fields {
		var value []byte
		switch {
		case strings.EqualFold(f.name, "manifest"):
			value, err = cleanManifest(data[f.begin:f.end])
		case strings.EqualFold(f.name, "hooks"):
			value, err = cleanHooks(data[f.begin:f.end])
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Write(data[kept:f.begin])
		out.Write(value)
		kept = f.end
	}
	out.Write(data[kept:])
	return out.Bytes(), nil
}

// member is a field of an object: its value is data[begin:end].
type member struct {
	name       string
	begin, end int
}

// members finds the fields of a release. Go's decoder, which Helm reads by, takes names in any case, and of one given twice
// the last: a release that makes use of that is not Helm's.
func members(data []byte) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return nil, errJSON
	}
	var all []member
	seen := map[string]bool{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, errJSON
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errJSON
		}
		end := int(dec.InputOffset())
		m := member{name: name.(string), begin: end - len(value), end: end} // a key is a string
		if seen[folded(m.name)] {
			return nil, errRepeated
		}
		seen[folded(m.name)] = true
		all = append(all, m)
	}
	return all, nil
}

// folded is the same for names that differ in case only, as strings.EqualFold has it.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}

func cleanManifest(value []byte) ([]byte, error) {
	var manifest string
	if err := json.Unmarshal(value, &manifest); err != nil {
		return nil, errJSON
	}
	var kept strings.Builder
	parser := newParser()
	for i, p := range split(manifest) {
		what, err := parser.policiesIn(p.text(manifest))
		if err != nil {
			return nil, fmt.Errorf("document %d of the manifest %w", i+1, err)
		}
		if !what {
			kept.WriteString(manifest[p.begin:p.end])
		}
	}
	return json.Marshal(kept.String())
}

// cleanHooks drops whole hooks: each holds one document.
func cleanHooks(value []byte) ([]byte, error) {
	hooks, err := rawHooks(value)
	if err != nil {
		return nil, err
	}
	kept := make([][]byte, 0, len(hooks))
	parser := newParser()
	for i, raw := range hooks {
		var h hook
		if err := json.Unmarshal(raw, &h); err != nil {
			return nil, errJSON
		}
		what, err := parser.policiesIn(h.Manifest)
		if err != nil {
			return nil, fmt.Errorf("hook %d %w", i+1, err)
		}
		if !what {
			kept = append(kept, raw)
		}
	}
	if len(kept) == len(hooks) {
		return value, nil
	}
	return slices.Concat([]byte("["), bytes.Join(kept, []byte(",")), []byte("]")), nil
}

// policiesIn is true of a document that is nothing but policies. One that cannot be read stays.
func (p *parser) policiesIn(text string) (bool, error) {
	if !mayConcern(text) {
		return false, nil
	}
	whole, ok := p.parse(text)
	if !ok {
		return false, nil
	}
	all := whole.flat()
	policies := len(all) - len(slices.DeleteFunc(slices.Clone(all), func(o object) bool { return o.isPolicy() }))
	switch policies {
	case 0:
		return false, nil
	case len(all):
		return true, nil
	}
	return false, errMixed
}
