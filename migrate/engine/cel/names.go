package cel

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// Lengths of names.
const (
	maxLabelValue   = 63
	maxObjectName   = 253
	maxFileName     = 100
	maxVariableName = 60
)

// objectName returns a name for the objects of a set, valid as a DNS-1123 subdomain. Names that have to be changed or cut end in
// a hash of what they were.
func objectName(set string) string {
	const prefix = "psp2pss-"
	return prefix + plainName(set, maxObjectName-len(prefix))
}

// plainName returns a text as lower case letters, digits, - and ., that begins and ends with a letter or a digit and has at
// most so many bytes.
func plainName(text string, most int) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-', r == '.':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, text)
	for strings.Contains(plain, "..") || strings.Contains(plain, ".-") || strings.Contains(plain, "-.") {
		plain = strings.NewReplacer("..", ".", ".-", "-", "-.", "-").Replace(plain)
	}
	plain = strings.Trim(plain, "-.")
	if plain == text && text != "" && len(text) <= most {
		return text
	}
	hash := shortHash(text)
	if room := most - len(hash) - 1; len(plain) > room {
		plain = strings.TrimRight(plain[:room], "-.")
	}
	if plain == "" {
		return hash
	}
	return plain + "-" + hash
}

// shortHash returns eight hexadecimal digits of the hash of a text.
func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// identifiers gives policies names that expressions can have, each only once.
type identifiers map[string]bool

// of returns an identifier made of the name of a policy: its letters and digits, with a single _ between them. It is none by itself
// but the end of one, so that it may begin with a digit. API servers read __ as an escape, and do not find such variables.
func (taken identifiers) of(policy string) string {
	parts := strings.FieldsFunc(policy, func(r rune) bool {
		return (r < 'a' || 'z' < r) && (r < 'A' || 'Z' < r) && (r < '0' || '9' < r)
	})
	id := strings.Join(parts, "_")
	if id == "" {
		id = shortHash(policy)
	}
	if len(id) > maxVariableName {
		id = strings.TrimRight(id[:maxVariableName], "_") + "_" + shortHash(policy)
	}
	unique := id
	for n := 2; taken[unique]; n++ {
		unique = id + "_" + strconv.Itoa(n)
	}
	taken[unique] = true
	return unique
}
