package helm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// CleanedRelease is a stored revision of a Helm release without PodSecurityPolicies.
type CleanedRelease struct {
	// Payload replaces the old one. It is the old one if nothing was removed.
	Payload []byte
	Removed []Document
}

// RemovePolicies removes the PodSecurityPolicies from the manifest and the hooks of a stored revision of a Helm release.
// Every other byte of the manifest stays, and every other field of the release as it is written, also those that are not
// known here. Roles that let somebody use policies stay, since servers go on to serve them. It returns an error for a payload
// that cannot be decoded, and for a List that holds other objects beside policies; no error quotes the release.
func RemovePolicies(payload []byte) (CleanedRelease, error) {
	data, err := decodePayload(payload)
	if err != nil {
		return CleanedRelease{}, err
	}
	r, err := decodeReleaseJSON(data)
	if err != nil {
		return CleanedRelease{}, err
	}
	if len(r.Policies) == 0 {
		return CleanedRelease{Payload: payload}, nil
	}
	cleaned, err := removePoliciesFromJSON(data)
	if err != nil {
		return CleanedRelease{}, err
	}
	packed, err := encodePayload(cleaned)
	if err != nil {
		return CleanedRelease{}, err
	}
	return CleanedRelease{Payload: packed, Removed: r.Policies}, nil
}

// removePoliciesFromJSON replaces the manifest and the hooks in the JSON of a Helm release by ones without policies.
func removePoliciesFromJSON(data []byte) ([]byte, error) {
	fields, err := jsonMembers(data)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	kept := 0
	for _, f := range fields {
		var value []byte
		switch {
		case strings.EqualFold(f.name, "manifest"):
			value, err = removePoliciesFromManifest(data[f.begin:f.end])
		case strings.EqualFold(f.name, "hooks"):
			value, err = removePoliciesFromHooks(data[f.begin:f.end])
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

// jsonMember is a field in the JSON of a Helm release: its value is data[begin:end].
type jsonMember struct {
	name       string
	begin, end int
}

// jsonMembers returns the fields of a Helm release's JSON object with their places. It returns an error for a name that
// occurs twice, whatever its case: Go's decoder, by which Helm reads, would take the last.
func jsonMembers(data []byte) ([]jsonMember, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return nil, errJSON
	}
	var all []jsonMember
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
		m := jsonMember{name: name.(string), begin: end - len(value), end: end} // a key is a string
		if seen[foldCase(m.name)] {
			return nil, errRepeated
		}
		seen[foldCase(m.name)] = true
		all = append(all, m)
	}
	return all, nil
}

// foldCase returns the same string for field names in a Helm release's JSON that differ in case only, by the rules of
// strings.EqualFold.
func foldCase(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}

// removePoliciesFromManifest removes the documents that are policies from a Helm release's manifest, which is a JSON
// string.
func removePoliciesFromManifest(value []byte) ([]byte, error) {
	var manifest string
	if err := json.Unmarshal(value, &manifest); err != nil {
		return nil, errJSON
	}
	var kept strings.Builder
	parser := newManifestParser()
	for i, p := range splitManifest(manifest) {
		what, err := parser.isOnlyPolicies(p.documentText(manifest))
		if err != nil {
			return nil, fmt.Errorf("document %d of the manifest %w", i+1, err)
		}
		if !what {
			kept.WriteString(manifest[p.begin:p.end])
		}
	}
	return json.Marshal(kept.String())
}

// removePoliciesFromHooks removes the hooks that are policies from a Helm release's JSON list of hooks, which hold one
// document each.
func removePoliciesFromHooks(value []byte) ([]byte, error) {
	hooks, err := splitHooks(value)
	if err != nil {
		return nil, err
	}
	kept := make([][]byte, 0, len(hooks))
	parser := newManifestParser()
	for i, raw := range hooks {
		var h releaseHook
		if err := json.Unmarshal(raw, &h); err != nil {
			return nil, errJSON
		}
		what, err := parser.isOnlyPolicies(h.Manifest)
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

// isOnlyPolicies reports whether a document of a Helm manifest holds PodSecurityPolicies and nothing else. It returns
// false for a document that cannot be read, and an error for a List that holds other objects, too.
func (p *manifestParser) isOnlyPolicies(text string) (bool, error) {
	if !mayMentionPolicies(text) {
		return false, nil
	}
	whole, ok := p.parse(text)
	if !ok {
		return false, nil
	}
	all := whole.listItems()
	policies := len(all) - len(slices.DeleteFunc(slices.Clone(all), func(o manifestObject) bool { return o.isPolicy() }))
	switch policies {
	case 0:
		return false, nil
	case len(all):
		return true, nil
	}
	return false, errMixed
}
