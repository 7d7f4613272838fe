package pspparse

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// AppendScalar writes a scalar node as the JSON value that kubectl makes of it: unquoted yes and on are booleans, 0777
// is octal, dates stay text. It fails where an explicit tag contradicts the value, and for numbers that JSON lacks.
func AppendScalar(buf []byte, n *yaml.Node) ([]byte, error) {
	switch s := resolve(n); s.kind {
	case text:
		return AppendString(buf, s.text), nil
	case boolean:
		return strconv.AppendBool(buf, s.truth), nil
	case whole:
		if s.tooBig {
			return strconv.AppendUint(buf, s.big, 10), nil
		}
		return strconv.AppendInt(buf, s.whole, 10), nil
	case fraction:
		if math.IsInf(s.fraction, 0) || math.IsNaN(s.fraction) {
			return nil, fmt.Errorf("JSON has no number %s: quote it if it is text", n.Value)
		}
		number, err := json.Marshal(s.fraction)
		return append(buf, number...), err
	case null:
		return append(buf, "null"...), nil
	case invalid:
	}
	if n.ShortTag() == "!!binary" {
		data, err := base64.StdEncoding.DecodeString(n.Value)
		if err != nil || !utf8.Valid(data) {
			return nil, errors.New("the !!binary value is not text in base64")
		}
		return AppendString(buf, string(data)), nil
	}
	return nil, fmt.Errorf("the value %s is no %s", quote(n.Value), n.ShortTag())
}

// AppendString writes a string as JSON. Most need no escapes, which is worth a look: dumps are full of them.
func AppendString(buf []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			escaped, err := json.Marshal(s)
			if err != nil { // a string always marshals
				return append(buf, `""`...)
			}
			return append(buf, escaped...)
		}
	}
	buf = append(buf, '"')
	buf = append(buf, s...)
	return append(buf, '"')
}

// KeyName returns the key that kubectl makes of a scalar node: numbers and booleans become strings. It is false for what
// cannot be a key.
func KeyName(n *yaml.Node) (string, bool) {
	if n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value != "" && !strings.ContainsAny(n.Value[:1], "+-.0123456789~yYnNtTfFoO") {
		return n.Value, true
	}
	switch s := resolve(n); {
	case s.kind == text:
		return s.text, true
	case s.kind == boolean:
		return strconv.FormatBool(s.truth), true
	case s.kind == whole && !s.tooBig:
		return strconv.FormatInt(s.whole, 10), true
	case s.kind == fraction:
		return strconv.FormatFloat(s.fraction, 'g', -1, 32), true
	}
	return "", false
}
