package rollout

import (
	"cmp"
	"strings"
)

// compareWaves orders the values of a wave label, by which namespaces are rolled out. Digits in a row count as a
// number, so that wave-2 comes before wave-10. The empty value, of a namespace without the label, comes last. Different
// values are never equal.
func compareWaves(a, b string) int {
	if (a == "") != (b == "") {
		return cmp.Compare(b, a)
	}
	x, y := a, b
	for x != "" && y != "" {
		var m, n string
		m, x = cutNumberOrByte(x)
		n, y = cutNumberOrByte(y)
		if c := compareWaveTokens(m, n); c != 0 {
			return c
		}
	}
	// What is left of either decides. 1 and 01 are the same number, and still two waves.
	return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
}

// cutNumberOrByte splits, to order a roll-out's waves, the value of a wave label after its leading digits, or after its
// first byte if that is no digit.
func cutNumberOrByte(s string) (token, rest string) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	return s[:max(digits, 1)], s[max(digits, 1):]
}

// compareWaveTokens compares, to order a roll-out, two parts of wave labels: numbers of any length by value, and
// everything else as text.
func compareWaveTokens(a, b string) int {
	if startsWithDigit(a) && startsWithDigit(b) {
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	}
	return cmp.Compare(a, b)
}

// startsWithDigit reports whether a token of a roll-out wave's name is a number.
func startsWithDigit(token string) bool { return token[0] >= '0' && token[0] <= '9' }
