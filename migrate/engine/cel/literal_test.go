package cel

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// decode reads a CEL string literal in single quotes, as the language definition has it: it returns the text and what follows the
// literal, or an error where the literal is none.
func decode(literal string) (text, rest string, err error) {
	in, ok := strings.CutPrefix(literal, "'")
	if !ok || strings.HasPrefix(in, "''") {
		return "", "", fmt.Errorf("%q is no literal in single quotes", literal)
	}
	var out strings.Builder
	for in != "" {
		r, n := utf8.DecodeRuneInString(in)
		switch {
		case r == utf8.RuneError && n == 1:
			return "", "", fmt.Errorf("%q is not UTF-8", literal)
		case r == '\'':
			return out.String(), in[1:], nil
		case r == '\n' || r == '\r':
			return "", "", fmt.Errorf("%q has a line break", literal)
		case r != '\\':
			out.WriteRune(r)
			in = in[n:]
			continue
		}
		if len(in) < 2 {
			break
		}
		digits := map[byte]int{'x': 2, 'X': 2, 'u': 4, 'U': 8}[in[1]]
		if i := strings.IndexByte(`abfnrtv`, in[1]); i >= 0 {
			out.WriteByte("\a\b\f\n\r\t\v"[i])
			in = in[2:]
			continue
		}
		if strings.IndexByte("\\\"'`?", in[1]) >= 0 {
			out.WriteByte(in[1])
			in = in[2:]
			continue
		}
		if digits == 0 || len(in) < 2+digits {
			return "", "", fmt.Errorf("%q has an unknown escape", literal)
		}
		code, err := strconv.ParseUint(in[2:2+digits], 16, 32)
		if err != nil || code > 0x10ffff || code >= 0xd800 && code < 0xe000 {
			return "", "", fmt.Errorf("%q has an escape of no character", literal)
		}
		out.WriteRune(rune(code))
		in = in[2+digits:]
	}
	return "", "", fmt.Errorf("%q does not end", literal)
}

// hostileTexts are texts that would end or change a literal if they were not escaped.
func hostileTexts() []string {
	return []string{
		"", "a", "'", "''", "'''", `\`, `\\`, `\'`, `'\`, `") || true || ("`, "') || true || ('", "${x}", "$(x)", "{{x}}", "a\nb", "a\r\nb", "\x00", "\u2028\u2029\u0085", "\ufeff", "\x7f",
		"\xff\xfe'", "\xc3", "über", "😀", "\U000e0001", "`", "//", "r'", `\u0027`, `\x27`, `\047`, strings.Repeat("'", 253), strings.Repeat(`\`, 253),
	}
}

// A literal is the text that it is made of, and nothing of the text stands behind it.
func TestQuote(t *testing.T) {
	t.Parallel()
	for _, text := range hostileTexts() {
		checkQuote(t, text)
	}
	r := rand.New(rand.NewPCG(1, 2))
	const alphabet = "'\\\"`\n\r\t\x00\x7f\xff\xc3aunxU027{}$()|&😀\u2028\ufffd"
	for range 20_000 {
		text := make([]byte, r.IntN(12))
		for i := range text {
			text[i] = alphabet[r.IntN(len(alphabet))]
		}
		checkQuote(t, string(text))
	}
}

func checkQuote(t *testing.T, text string) {
	t.Helper()
	got, rest, err := decode(quote(text))
	if err != nil || rest != "" || got != strings.ToValidUTF8(eachInvalidByte(text), "") {
		t.Errorf("quote(%q) = %s, which is %q and then %q (%v)", text, quote(text), got, rest, err)
	}
	for _, c := range quote(text) {
		if c < ' ' || c == 0x7f || c == '\u2028' || c == '\u0085' {
			t.Errorf("quote(%q) = %q has %q", text, quote(text), c)
		}
	}
}

// eachInvalidByte replaces each byte that is not UTF-8 by U+FFFD, as the decoder of JSON does.
func eachInvalidByte(text string) string { return string([]rune(text)) }

func FuzzQuote(f *testing.F) {
	for _, text := range hostileTexts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkQuote(t, text) })
}
