package yamlnode

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

	"github.com/psp2pss/psp2pss/pspparse/english"
)

// AppendScalar appends a YAML scalar node to buf as the JSON value that kubectl converts it to: unquoted yes and on are
// booleans, 0777 is octal, dates stay text. It fails where an explicit tag contradicts the value, and for numbers that JSON
// lacks.
func AppendScalar(buf []byte, n *yaml.Node) ([]byte, error) {
	switch s := ResolveScalar(n); s.Kind {
	case ScalarText:
		return AppendJSONString(buf, s.Text), nil
	case ScalarBool:
		return strconv.AppendBool(buf, s.Bool), nil
	case ScalarInt:
		if s.beyondInt64 {
			return strconv.AppendUint(buf, s.uintValue, 10), nil
		}
		return strconv.AppendInt(buf, s.intValue, 10), nil
	case ScalarFloat:
		if math.IsInf(s.floatValue, 0) || math.IsNaN(s.floatValue) {
			return nil, fmt.Errorf("JSON has no number %s: quote it if it is text", n.Value)
		}
		number, err := json.Marshal(s.floatValue)
		return append(buf, number...), err
	case ScalarNull:
		return append(buf, "null"...), nil
	case ScalarInvalid:
	}
	if n.ShortTag() == "!!binary" {
		data, err := base64.StdEncoding.DecodeString(n.Value)
		if err != nil || !utf8.Valid(data) {
			return nil, errors.New("the !!binary value is not text in base64")
		}
		return AppendJSONString(buf, string(data)), nil
	}
	return nil, fmt.Errorf("the value %s is no %s", english.QuoteInput(n.Value, 64), n.ShortTag())
}

// AppendJSONString appends a string of a YAML document to buf as JSON. Strings without escapes, which dumps are full
// of, take a shorter way.
func AppendJSONString(buf []byte, s string) []byte {
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

// KeyName returns the key to which kubectl converts a YAML scalar node: numbers and booleans become strings. It is false
// for what cannot be a key.
func KeyName(n *yaml.Node) (string, bool) {
	if n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value != "" && !strings.ContainsAny(n.Value[:1], "+-.0123456789~yYnNtTfFoO") {
		return n.Value, true
	}
	switch s := ResolveScalar(n); {
	case s.Kind == ScalarText:
		return s.Text, true
	case s.Kind == ScalarBool:
		return strconv.FormatBool(s.Bool), true
	case s.Kind == ScalarInt && !s.beyondInt64:
		return strconv.FormatInt(s.intValue, 10), true
	case s.Kind == ScalarFloat:
		return strconv.FormatFloat(s.floatValue, 'g', -1, 32), true
	}
	return "", false
}
