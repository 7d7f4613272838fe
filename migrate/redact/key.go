package redact

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// KeyKind is the kind of the document that a key file of a redaction begins with.
const (
	KeyKind       = "RedactionKey"
	keyAPIVersion = "psp2pss.dev/v1"
	// SecretSize is the number of random bytes that a new key is made from.
	SecretSize = 32
)

// Key holds the secret from which the pseudonyms of a redaction are made, and what each of them stands for.
type Key struct {
	secret []byte
	// originals has the name that a pseudonym stands for, pseudonyms is the other way round, by kind and name.
	originals, pseudonyms map[string]string
	// added are the pseudonyms since the key was made or read, in the order in which they were made.
	added []string
}

// keyHeader is the first line of the key file of a redaction.
type keyHeader struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Secret     string `json:"secret"`
}

// keyEntry is any further line of the key file of a redaction.
type keyEntry struct {
	Pseudonym string `json:"pseudonym"`
	Original  string `json:"original"`
}

// NewKey returns a redaction's key without pseudonyms. The secret is SecretSize random bytes.
func NewKey(secret []byte) *Key {
	return &Key{secret: bytes.Clone(secret), originals: map[string]string{}, pseudonyms: map[string]string{}}
}

// WholeLines returns the length of the text of a redaction's key file up to the end of its last whole line: what follows was cut off
// while it was written, and no output has used it.
func WholeLines(data []byte) int { return bytes.LastIndexByte(data, '\n') + 1 }

// ReadKey reads the text of a redaction's key file. It returns an error for what is none.
func ReadKey(data []byte) (*Key, error) {
	lines := bytes.Split(data[:WholeLines(data)], []byte("\n"))
	var header keyHeader
	if json.Unmarshal(lines[0], &header) != nil || header.Kind != KeyKind {
		return nil, errors.New("it is not a key file of psp2pss")
	}
	if header.APIVersion != keyAPIVersion {
		return nil, fmt.Errorf("it is a key file of %q, and this version reads %s", header.APIVersion, keyAPIVersion)
	}
	secret, err := hex.DecodeString(header.Secret)
	if err != nil || len(secret) < SecretSize {
		return nil, errors.New("its secret is damaged on line 1")
	}
	key := NewKey(secret)
	for i, line := range lines[1:] {
		if len(line) == 0 {
			continue
		}
		var e keyEntry
		if json.Unmarshal(line, &e) != nil || !pseudonymPattern().MatchString(e.Pseudonym) || e.Original == "" {
			return nil, fmt.Errorf("line %d is damaged", i+2)
		}
		if known, taken := key.originals[e.Pseudonym]; taken && known != e.Original {
			return nil, fmt.Errorf("line %d gives a second meaning to %s", i+2, e.Pseudonym)
		}
		key.keep(e.Pseudonym, e.Original)
	}
	return key, nil
}

// Header returns the first line of the redaction's key file.
func (k *Key) Header() []byte {
	return jsonLine(keyHeader{keyAPIVersion, KeyKind, hex.EncodeToString(k.secret)})
}

// Added returns the lines of the redaction's key file for the pseudonyms since the key was made or read; none for none.
func (k *Key) Added() []byte {
	var out []byte
	for _, pseudonym := range k.added {
		out = append(out, jsonLine(keyEntry{pseudonym, k.originals[pseudonym]})...)
	}
	return out
}

// jsonLine returns a line of the redaction's key file.
func jsonLine(v any) []byte {
	line, _ := json.Marshal(v) // texts always marshal
	return append(line, '\n')
}

// keep remembers what a pseudonym of the redaction stands for.
func (k *Key) keep(pseudonym, original string) {
	k.originals[pseudonym] = original
	k.pseudonyms[mapKey(prefixOf(pseudonym), original)] = pseudonym
}

// codeAlphabet has no vowels, so that no code of a pseudonym is a word.
const (
	codeAlphabet  = "0123456789bcdfghjkmnpqrstvwxyz"
	minCodeLength = 8
	maxCodeLength = sha256.Size
)

// pseudonymPattern matches what can be a pseudonym of a redaction in a text: a prefix and a code.
func pseudonymPattern() *regexp.Regexp { return pseudonymExpression }

var pseudonymExpression = regexp.MustCompile(`[A-Za-z]+[-.][` + codeAlphabet + `]{8,32}`)

// pseudonym returns what stands for a name in a redaction; the prefix says what kind of name it is. The empty name has none.
func (k *Key) pseudonym(prefix, name string) string {
	if name == "" {
		return ""
	}
	if known := k.pseudonyms[mapKey(prefix, name)]; known != "" {
		return known
	}
	if whole := k.RestoreText(name); whole != name { // a part of it was replaced already
		return k.pseudonym(prefix, whole)
	}
	code := k.code(prefix, name)
	for n := minCodeLength; ; n++ {
		pseudonym := prefix + code[:n]
		if _, taken := k.originals[pseudonym]; taken && n < maxCodeLength {
			continue
		}
		k.keep(pseudonym, name)
		k.added = append(k.added, pseudonym)
		return pseudonym
	}
}

// code returns the characters that, by the secret of the redaction, belong to a name. A kind has the same in lower case: forms of the plan
// write it so.
func (k *Key) code(prefix, name string) string {
	if prefix == prefixKind {
		prefix, name = prefixLowerKind, strings.ToLower(name)
	}
	mac := hmac.New(sha256.New, k.secret)
	_, _ = mac.Write([]byte(mapKey(prefix, name))) // it never fails
	sum := mac.Sum(nil)
	for i, b := range sum {
		sum[i] = codeAlphabet[int(b)%len(codeAlphabet)]
	}
	return string(sum)
}

// mapKey returns the key by which a redaction remembers the pseudonym of a name.
func mapKey(prefix, name string) string { return prefix + "\x00" + name }

// prefixOf returns the part of a redaction's pseudonym that says what kind of name it stands for.
func prefixOf(pseudonym string) string {
	return pseudonym[:strings.IndexAny(pseudonym, "-.")+1]
}

// RestoreText returns a text with the names in place of the redaction's pseudonyms, as they are. What the key does not know stays.
func (k *Key) RestoreText(text string) string {
	return k.restoreEach(text, func(original string) string { return original })
}
