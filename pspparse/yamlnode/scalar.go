package yamlnode

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/english"
)

// ScalarKind is the type of a YAML scalar as kubectl reads it.
type ScalarKind int

const (
	// ScalarInvalid is no scalar, or a scalar whose tag contradicts it.
	ScalarInvalid ScalarKind = iota
	// ScalarText is a string.
	ScalarText
	// ScalarBool is a boolean.
	ScalarBool
	// ScalarInt is a whole number.
	ScalarInt
	// ScalarFloat is any other number.
	ScalarFloat
	// ScalarNull is null, or nothing.
	ScalarNull
)

// Scalar is the value of a YAML scalar as kubectl reads it: by the rules of YAML 1.1, where yes and on are booleans and
// 0777 is octal. Only the field of its kind is set.
type Scalar struct {
	Kind       ScalarKind
	Text       string
	Bool       bool
	intValue   int64
	floatValue float64
	// beyondInt64 marks a whole number that is in uintValue.
	beyondInt64 bool
	uintValue   uint64
}

// quotedStyles are the styles of YAML scalars that are text whatever they say.
const quotedStyles = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// ResolveScalar returns the value of a YAML scalar node. An explicit tag is obeyed (!!str 5 is a string) or contradicted
// (!!int x is invalid).
func ResolveScalar(n *yaml.Node) Scalar {
	if n.Kind != yaml.ScalarNode {
		return Scalar{}
	}
	if n.Style&yaml.TaggedStyle == 0 {
		if n.Style&quotedStyles != 0 {
			return Scalar{Kind: ScalarText, Text: n.Value}
		}
		return resolvePlainScalar(n.Value)
	}
	s := resolvePlainScalar(n.Value)
	switch n.ShortTag() {
	case "!!bool":
		return scalarIf(s, s.Kind == ScalarBool)
	case "!!int":
		return scalarIf(s, s.Kind == ScalarInt)
	case "!!float":
		if s.Kind == ScalarInt && !s.beyondInt64 {
			return Scalar{Kind: ScalarFloat, floatValue: float64(s.intValue)}
		}
		return scalarIf(s, s.Kind == ScalarFloat)
	case "!!null":
		return scalarIf(s, s.Kind == ScalarNull)
	case "!!binary":
		return Scalar{}
	}
	return Scalar{Kind: ScalarText, Text: n.Value}
}

// Misreading returns what a YAML scalar that somebody meant as text is to kubectl, and what to write instead: YAML reads n as false:
// write "n". It returns "" for what is text, is nothing, or is no scalar.
func Misreading(n *yaml.Node) string {
	const most = 64
	text := english.EscapeInput(n.Value)
	switch s := ResolveScalar(n); {
	case len(n.Value) > most && (s.Kind == ScalarInt || s.Kind == ScalarFloat): // no other is as long
		return "YAML reads it as a number: put it into quotes"
	case s.Kind == ScalarBool && !strings.EqualFold(n.Value, strconv.FormatBool(s.Bool)):
		return fmt.Sprintf(`YAML reads %s as %v: write "%s"`, text, s.Bool, text)
	case s.Kind == ScalarBool:
		return fmt.Sprintf(`YAML reads %s as a boolean: write "%s"`, text, text)
	case s.Kind == ScalarInt || s.Kind == ScalarFloat:
		return fmt.Sprintf(`YAML reads %s as a number: write "%s"`, text, text)
	case s.Kind == ScalarNull && n.Value != "":
		return fmt.Sprintf(`YAML reads %s as nothing: write "%s"`, text, text)
	}
	return ""
}

// scalarIf returns a YAML scalar's value if a condition holds, and else an invalid one.
func scalarIf(s Scalar, ok bool) Scalar {
	if ok {
		return s
	}
	return Scalar{}
}

// IsNull reports whether a YAML node is null.
func IsNull(n *yaml.Node) bool {
	t := AliasTarget(n)
	return t.Kind == yaml.ScalarNode && ResolveScalar(t).Kind == ScalarNull
}

// resolvePlainScalar returns the value of an unquoted YAML scalar. Dates stay text, as in kubectl.
func resolvePlainScalar(s string) Scalar {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return Scalar{Kind: ScalarNull}
	case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return Scalar{Kind: ScalarBool, Bool: true}
	case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return Scalar{Kind: ScalarBool}
	case ".nan", ".NaN", ".NAN":
		return Scalar{Kind: ScalarFloat, floatValue: math.NaN()}
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return Scalar{Kind: ScalarFloat, floatValue: math.Inf(1)}
	case "-.inf", "-.Inf", "-.INF":
		return Scalar{Kind: ScalarFloat, floatValue: math.Inf(-1)}
	}
	switch c := s[0]; {
	case c == '.':
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return Scalar{Kind: ScalarFloat, floatValue: f}
		}
	case c == '+', c == '-', '0' <= c && c <= '9':
		return resolveNumberScalar(s)
	}
	return Scalar{Kind: ScalarText, Text: s}
}

// floatSyntax matches decimal numbers of YAML 1.1.
var floatSyntax = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

// resolveNumberScalar returns the value of an unquoted YAML scalar that begins like a number.
func resolveNumberScalar(s string) Scalar {
	digits := strings.ReplaceAll(s, "_", "")
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return Scalar{Kind: ScalarInt, intValue: i}
	}
	if u, err := strconv.ParseUint(digits, 0, 64); err == nil {
		return Scalar{Kind: ScalarInt, beyondInt64: true, uintValue: u}
	}
	if floatSyntax.MatchString(digits) {
		if f, err := strconv.ParseFloat(digits, 64); err == nil {
			return Scalar{Kind: ScalarFloat, floatValue: f}
		}
	}
	return Scalar{Kind: ScalarText, Text: s}
}

// IntegerFit says whether a YAML scalar fits an integer field of the API.
type IntegerFit int

const (
	// FitsInteger is a whole number that fits in 64 bits.
	FitsInteger IntegerFit = iota
	// NotInteger is no number, or has a fraction.
	NotInteger
	// OutOfRange is a whole number beyond 64 bits.
	OutOfRange
)

// Int64 returns the value of a YAML scalar for an integer field. kubectl writes 1e9 and 1.0 as whole numbers before
// it sends them, so a fraction without a fractional part is one; from 1e21 on it writes an exponent, which no integer
// field takes.
func (s Scalar) Int64() (int64, IntegerFit) {
	switch {
	case s.Kind == ScalarInt && s.beyondInt64:
		return 0, OutOfRange
	case s.Kind == ScalarInt:
		return s.intValue, FitsInteger
	case s.Kind != ScalarFloat || s.floatValue != math.Trunc(s.floatValue) || math.IsInf(s.floatValue, 0):
		return 0, NotInteger
	// 1<<63 is exact as a float; the greatest int64 is not.
	case s.floatValue < -1<<63 || s.floatValue >= 1<<63:
		return 0, OutOfRange
	}
	return int64(s.floatValue), FitsInteger
}
