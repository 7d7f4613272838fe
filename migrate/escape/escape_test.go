package escape_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

func TestTerminal(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"plain", "web-1/api:v2", "web-1/api:v2"},
		{"other scripts show", "größe 日本 é", "größe 日本 é"},
		{"line ends and tabs", "a\nb\rc\td", `a\nb\rc\td`},
		{"escape sequences", "\x1b[31mred\x1b]0;title\x07", `\x1b[31mred\x1b]0;title\x07`},
		{"delete and C1 controls", "\x7f\u0085\u009b", `\x7f\u0085\u009b`},
		{"bidirectional overrides", "a\u202eb\u2066c", `a\u202eb\u2066c`},
		{"zero width", "a\u200b\ufeff\u00ad\u2060b", `a\u200b\ufeff\u00ad\u2060b`},
		{"printable by category and yet unseen", "a\u3164\ufe0f\u034f\u2800", `a\u3164\ufe0f\u034f\u2800`},
		{"beyond the first plane", "\U000e0041\U0001f600", `\U000e0041` + "\U0001f600"},
		{"line and paragraph separators", "a\u2028b\u2029", `a\u2028b\u2029`},
		{"not UTF-8", "a\xff\xc0b", `a\xff\xc0b`},
		{"commands of pipelines", "a ##[error]b ####[x] ##vso[task.y]##TeamCity[z] ## # #[", `a ##\[error]b ####\[x] ##vso\[task.y]##TeamCity\[z] ## # #[`},
		{"a command of a pipeline behind what does not show", "\u202e##[error]é", `\u202e##\[error]é`},
		{"empty", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := escape.Terminal(test.in); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// What a browser shows is what a terminal shows, but for the backslash that breaks commands of pipelines.
func TestVisible(t *testing.T) {
	t.Parallel()
	if got, want := escape.Visible("##[error]\u202e\x00\xffé"), `##[error]\u202e\x00\xffé`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                             "",
		"a ::b\n":                      "a ::b\n",
		"::error::x":                   `\::error::x`,
		"a\n  ::error::x\n::y\n":       "a\n  \\::error::x\n\\::y\n",
		"\x1b[1m \x1b[31m::x\x1b[0m\n": "\x1b[1m \x1b[31m\\::x\x1b[0m\n",
		"\r\x1b[K::x":                  "\r\x1b[K\\::x",
		" : :x ##[y]":                  ` : :x ##\[y]`,
	} {
		if got := escape.Lines(in); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestShell(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"plain", "pod-security.kubernetes.io/enforce=baseline", "pod-security.kubernetes.io/enforce=baseline"},
		{"empty", "", "''"},
		{"a space", "a b", "'a b'"},
		{"quotes", `it's "it"`, `'it'\''s "it"'`},
		{"expansion", "$(id)`id`$HOME", "'$(id)`id`$HOME'"},
		{"an address", "admin@prod", "'admin@prod'"},
		{"a last line end", "a\n", "'a\n'"},
		{"what does not show", "a\u202eb\x1b[0m\n\xff", `'a'"$(printf '\342\200\256')"'b'"$(printf '\033')"'[0m` + "\n'" + `"$(printf '\377')"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := escape.Shell(test.in); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// FuzzShell: a POSIX shell reads every word back as it was.
func FuzzShell(f *testing.F) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Skip("there is no sh here")
	}
	for _, seed := range []string{"", "web", "it's", "$(id)", "`id`", "a\nb", "\\", `\'`, "~", "*", "-n", "\u202e", "\xff", "!x", "#"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if strings.ContainsRune(word, 0) {
			return
		}
		out, err := exec.CommandContext(t.Context(), sh, "-c", "printf '%s.' "+escape.Shell(word)).Output()
		if err != nil || string(out) != word+"." {
			t.Errorf("%q came back as %q (%v)", word, out, err)
		}
		for _, r := range escape.Shell(word) {
			if r != '\n' && !escape.IsVisible(r) {
				t.Errorf("%q is written as %q", word, escape.Shell(word))
			}
		}
	})
}

// FuzzText: what is shown holds nothing that does not show, and documents say the same before and after.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "web", "a\nb", "\x1b[0m", "\u202e\u200b", "\U000e0041", "\xff", "\x7f\u0085", `\u202e`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, shown := range []string{escape.Terminal(text), escape.Comment(text)} {
			for _, r := range shown {
				if r == utf8.RuneError && !strings.ContainsRune(text, utf8.RuneError) || !escape.IsVisible(r) {
					t.Fatalf("%q shows %q", text, shown)
				}
			}
		}
		doc, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var want, got, fromYAML string
		if err := json.Unmarshal(doc, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(escape.JSON(doc), &got); err != nil || got != want {
			t.Fatalf("as JSON %q became %q (%v)", want, got, err)
		}
		if strings.ContainsFunc(want, func(r rune) bool { return r > 0xffff }) {
			if err := yaml.Unmarshal(escape.YAML(doc), &fromYAML); err != nil || fromYAML != want {
				t.Fatalf("as YAML %q became %q (%v)", want, fromYAML, err)
			}
		}
	})
}
