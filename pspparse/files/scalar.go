package files

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const quotedStyle = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// appendScalar writes a scalar node as the JSON value that kubectl makes of it.
func appendScalar(buf []byte, n *yaml.Node) ([]byte, error) {
	if n.Style&yaml.TaggedStyle == 0 {
		if n.Style&quotedStyle != 0 {
			return appendString(buf, n.Value), nil
		}
		return appendPlain(buf, n.Value)
	}
	tag := n.ShortTag()
	if tag == "!!binary" {
		data, err := base64.StdEncoding.DecodeString(n.Value)
		if err != nil || !utf8.Valid(data) {
			return nil, errors.New("the !!binary value is not text in base64")
		}
		return appendString(buf, string(data)), nil
	}
	plain, err := appendPlain(nil, n.Value)
	if err != nil {
		return nil, err
	}
	var fits bool
	switch tag {
	case "!!bool":
		fits = plain[0] == 't' || plain[0] == 'f'
	case "!!int", "!!float":
		fits = plain[0] == '-' || isDigit(plain[0])
	case "!!null":
		fits = plain[0] == 'n'
	default:
		return appendString(buf, n.Value), nil
	}
	if !fits {
		return nil, fmt.Errorf("the value %s is no %s", quote(n.Value), tag)
	}
	return append(buf, plain...), nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// appendPlain writes an unquoted scalar by the rules of YAML 1.1, as kubectl reads it: yes and on are booleans, 0777
// is octal, dates stay text.
func appendPlain(buf []byte, s string) ([]byte, error) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return append(buf, "null"...), nil
	case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return append(buf, "true"...), nil
	case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return append(buf, "false"...), nil
	case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF":
		return nil, fmt.Errorf("JSON has no number %s: quote it if it is text", s)
	}
	switch c := s[0]; {
	case c == '.':
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return appendFloat(buf, f)
		}
	case c == '+', c == '-', isDigit(c):
		return appendNumber(buf, s)
	}
	return appendString(buf, s), nil
}

// floatSyntax is YAML's, without the forms that appendPlain has seen to.
var floatSyntax = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

func appendNumber(buf []byte, s string) ([]byte, error) {
	digits := strings.ReplaceAll(s, "_", "")
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return strconv.AppendInt(buf, i, 10), nil
	}
	if u, err := strconv.ParseUint(digits, 0, 64); err == nil {
		return strconv.AppendUint(buf, u, 10), nil
	}
	if floatSyntax.MatchString(digits) {
		if f, err := strconv.ParseFloat(digits, 64); err == nil {
			return appendFloat(buf, f)
		}
	}
	return appendString(buf, s), nil
}

func appendFloat(buf []byte, f float64) ([]byte, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, errors.New("the number is out of range")
	}
	text, err := json.Marshal(f)
	return append(buf, text...), err
}

func appendString(buf []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			text, err := json.Marshal(s)
			if err != nil { // a string always marshals
				return append(buf, `""`...)
			}
			return append(buf, text...)
		}
	}
	buf = append(buf, '"')
	buf = append(buf, s...)
	return append(buf, '"')
}

// keyName is the key that kubectl makes of a scalar: numbers and booleans become strings.
func keyName(n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		return "", false
	}
	if n.Style&(yaml.TaggedStyle|quotedStyle) == 0 && n.Value != "" && !strings.ContainsAny(n.Value[:1], "+-.0123456789~yYnNtTfFoO") {
		return n.Value, true
	}
	text, err := appendScalar(nil, n)
	switch {
	case err != nil || text[0] == 'n':
		return "", false
	case text[0] == '"':
		name, err := unquote(text)
		return name, err == nil
	default:
		return string(text), true
	}
}
