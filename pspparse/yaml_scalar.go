package pspparse

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// scalarKind is the type of a YAML scalar as kubectl reads it.
type scalarKind int

const (
	// scalarInvalid is no scalar, or a scalar whose tag contradicts it.
	scalarInvalid scalarKind = iota
	// scalarText is a string.
	scalarText
	// scalarBool is a boolean.
	scalarBool
	// scalarInt is a whole number.
	scalarInt
	// scalarFloat is any other number.
	scalarFloat
	// scalarNull is null, or nothing.
	scalarNull
)

// yamlScalar is the value of a YAML scalar as kubectl reads it: by the rules of YAML 1.1, where yes and on are booleans and
// 0777 is octal. Only the field of its kind is set.
type yamlScalar struct {
	kind       scalarKind
	text       string
	boolValue  bool
	intValue   int64
	floatValue float64
	// beyondInt64 marks a whole number that is in uintValue.
	beyondInt64 bool
	uintValue   uint64
}

// quotedStyles are the styles of YAML scalars that are text whatever they say.
const quotedStyles = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// resolveScalar returns the value of a YAML scalar node. An explicit tag is obeyed (!!str 5 is a string) or contradicted
// (!!int x is invalid).
func resolveScalar(n *yaml.Node) yamlScalar {
	if n.Kind != yaml.ScalarNode {
		return yamlScalar{}
	}
	if n.Style&yaml.TaggedStyle == 0 {
		if n.Style&quotedStyles != 0 {
			return yamlScalar{kind: scalarText, text: n.Value}
		}
		return resolvePlainScalar(n.Value)
	}
	s := resolvePlainScalar(n.Value)
	switch n.ShortTag() {
	case "!!bool":
		return scalarIf(s, s.kind == scalarBool)
	case "!!int":
		return scalarIf(s, s.kind == scalarInt)
	case "!!float":
		if s.kind == scalarInt && !s.beyondInt64 {
			return yamlScalar{kind: scalarFloat, floatValue: float64(s.intValue)}
		}
		return scalarIf(s, s.kind == scalarFloat)
	case "!!null":
		return scalarIf(s, s.kind == scalarNull)
	case "!!binary":
		return yamlScalar{}
	}
	return yamlScalar{kind: scalarText, text: n.Value}
}

// scalarIf returns a YAML scalar's value if a condition holds, and else an invalid one.
func scalarIf(s yamlScalar, ok bool) yamlScalar {
	if ok {
		return s
	}
	return yamlScalar{}
}

// isNullNode reports whether a YAML node is null.
func isNullNode(n *yaml.Node) bool {
	t := AliasTarget(n)
	return t.Kind == yaml.ScalarNode && resolveScalar(t).kind == scalarNull
}

// resolvePlainScalar returns the value of an unquoted YAML scalar. Dates stay text, as in kubectl.
func resolvePlainScalar(s string) yamlScalar {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return yamlScalar{kind: scalarNull}
	case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return yamlScalar{kind: scalarBool, boolValue: true}
	case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return yamlScalar{kind: scalarBool}
	case ".nan", ".NaN", ".NAN":
		return yamlScalar{kind: scalarFloat, floatValue: math.NaN()}
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return yamlScalar{kind: scalarFloat, floatValue: math.Inf(1)}
	case "-.inf", "-.Inf", "-.INF":
		return yamlScalar{kind: scalarFloat, floatValue: math.Inf(-1)}
	}
	switch c := s[0]; {
	case c == '.':
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return yamlScalar{kind: scalarFloat, floatValue: f}
		}
	case c == '+', c == '-', '0' <= c && c <= '9':
		return resolveNumberScalar(s)
	}
	return yamlScalar{kind: scalarText, text: s}
}

// floatSyntax matches decimal numbers of YAML 1.1.
var floatSyntax = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

// resolveNumberScalar returns the value of an unquoted YAML scalar that begins like a number.
func resolveNumberScalar(s string) yamlScalar {
	digits := strings.ReplaceAll(s, "_", "")
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return yamlScalar{kind: scalarInt, intValue: i}
	}
	if u, err := strconv.ParseUint(digits, 0, 64); err == nil {
		return yamlScalar{kind: scalarInt, beyondInt64: true, uintValue: u}
	}
	if floatSyntax.MatchString(digits) {
		if f, err := strconv.ParseFloat(digits, 64); err == nil {
			return yamlScalar{kind: scalarFloat, floatValue: f}
		}
	}
	return yamlScalar{kind: scalarText, text: s}
}

// integerFit says whether a YAML scalar fits an integer field of the API.
type integerFit int

const (
	// fitsInteger is a whole number that fits in 64 bits.
	fitsInteger integerFit = iota
	// notInteger is no number, or has a fraction.
	notInteger
	// outOfRange is a whole number beyond 64 bits.
	outOfRange
)

// toInt64 returns the value of a YAML scalar for an integer field. kubectl writes 1e9 and 1.0 as whole numbers before
// it sends them, so a fraction without a fractional part is one; from 1e21 on it writes an exponent, which no integer
// field takes.
func (s yamlScalar) toInt64() (int64, integerFit) {
	switch {
	case s.kind == scalarInt && s.beyondInt64:
		return 0, outOfRange
	case s.kind == scalarInt:
		return s.intValue, fitsInteger
	case s.kind != scalarFloat || s.floatValue != math.Trunc(s.floatValue) || math.IsInf(s.floatValue, 0):
		return 0, notInteger
	// 1<<63 is exact as a float; the greatest int64 is not.
	case s.floatValue < -1<<63 || s.floatValue >= 1<<63:
		return 0, outOfRange
	}
	return int64(s.floatValue), fitsInteger
}
