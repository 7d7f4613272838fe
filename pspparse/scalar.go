package pspparse

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// scalarKind is what a scalar is to kubectl.
type scalarKind int

const (
	invalid scalarKind = iota // not a scalar, or its tag contradicts it
	text
	boolean
	whole
	fraction
	null
)

// scalar is a value as kubectl reads it: by the rules of YAML 1.1, where yes and on are booleans and 0777 is octal.
// Only the field of its kind is set.
type scalar struct {
	kind     scalarKind
	text     string
	truth    bool
	whole    int64
	fraction float64
	// tooBig marks a whole number beyond int64, which is in big.
	tooBig bool
	big    uint64
}

const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// resolve reads a scalar node. An explicit tag is obeyed (!!str 5 is a string) or contradicted (!!int x is invalid).
func resolve(n *yaml.Node) scalar {
	if n.Kind != yaml.ScalarNode {
		return scalar{}
	}
	if n.Style&yaml.TaggedStyle == 0 {
		if n.Style&quoted != 0 {
			return scalar{kind: text, text: n.Value}
		}
		return resolvePlain(n.Value)
	}
	s := resolvePlain(n.Value)
	switch n.ShortTag() {
	case "!!bool":
		return keepIf(s, s.kind == boolean)
	case "!!int":
		return keepIf(s, s.kind == whole)
	case "!!float":
		if s.kind == whole && !s.tooBig {
			return scalar{kind: fraction, fraction: float64(s.whole)}
		}
		return keepIf(s, s.kind == fraction)
	case "!!null":
		return keepIf(s, s.kind == null)
	case "!!binary":
		return scalar{}
	}
	return scalar{kind: text, text: n.Value}
}

func keepIf(s scalar, ok bool) scalar {
	if ok {
		return s
	}
	return scalar{}
}

func isNull(n *yaml.Node) bool {
	t := target(n)
	return t.Kind == yaml.ScalarNode && resolve(t).kind == null
}

// resolvePlain reads an unquoted scalar. Dates stay text, as in kubectl.
func resolvePlain(s string) scalar {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return scalar{kind: null}
	case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return scalar{kind: boolean, truth: true}
	case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return scalar{kind: boolean}
	case ".nan", ".NaN", ".NAN":
		return scalar{kind: fraction, fraction: math.NaN()}
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return scalar{kind: fraction, fraction: math.Inf(1)}
	case "-.inf", "-.Inf", "-.INF":
		return scalar{kind: fraction, fraction: math.Inf(-1)}
	}
	switch c := s[0]; {
	case c == '.':
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return scalar{kind: fraction, fraction: f}
		}
	case c == '+', c == '-', '0' <= c && c <= '9':
		return resolveNumber(s)
	}
	return scalar{kind: text, text: s}
}

var floatSyntax = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

func resolveNumber(s string) scalar {
	digits := strings.ReplaceAll(s, "_", "")
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return scalar{kind: whole, whole: i}
	}
	if u, err := strconv.ParseUint(digits, 0, 64); err == nil {
		return scalar{kind: whole, tooBig: true, big: u}
	}
	if floatSyntax.MatchString(digits) {
		if f, err := strconv.ParseFloat(digits, 64); err == nil {
			return scalar{kind: fraction, fraction: f}
		}
	}
	return scalar{kind: text, text: s}
}

// fit says how a scalar fits an integer field.
type fit int

const (
	fitsInteger fit = iota
	notInteger
	outOfRange
)

// integer returns the value for an integer field. kubectl writes 1e9 and 1.0 as whole numbers before it sends them, so
// a fraction without a fractional part is one; from 1e21 on it writes an exponent, which no integer field takes.
func (s scalar) integer() (int64, fit) {
	switch {
	case s.kind == whole && s.tooBig:
		return 0, outOfRange
	case s.kind == whole:
		return s.whole, fitsInteger
	case s.kind != fraction || s.fraction != math.Trunc(s.fraction) || math.IsInf(s.fraction, 0):
		return 0, notInteger
	// 1<<63 is exact as a float; the greatest int64 is not.
	case s.fraction < -1<<63 || s.fraction >= 1<<63:
		return 0, outOfRange
	}
	return int64(s.fraction), fitsInteger
}
