package manifest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/migrate/manifest"
)

type object struct {
	Zed   string            `json:"zed"`
	Alpha any               `json:"alpha"`
	Map   map[string]string `json:"map,omitempty"`
}

func TestWrite(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		docs []any
		want string
	}{
		{"fields keep their order", []any{object{Zed: "z", Alpha: "a"}}, "zed: z\nalpha: a\n"},
		{"documents are parted", []any{object{Zed: "1a", Alpha: 1}, object{Zed: "b", Alpha: 1.5}}, "zed: \"1a\"\nalpha: 1\n---\nzed: b\nalpha: 1.5\n"},
		{"empty collections and null", []any{object{Zed: "z", Alpha: []any{[]string{}, map[string]any{}, nil, true}}}, "zed: z\nalpha:\n  - []\n  - {}\n  - null\n  - true\n"},
		{
			"words that some reader takes for something else",
			[]any{object{Alpha: []string{"no", "Y", "on", "null", "~", "1.5", "2021-04-06", "12:30", "0x1f", "+1", "<<", "=", ".inf", "v1.25"}, Zed: "true"}},
			"zed: \"true\"\nalpha:\n  - \"no\"\n  - \"Y\"\n  - \"on\"\n  - \"null\"\n  - \"~\"\n  - \"1.5\"\n  - \"2021-04-06\"\n  - \"12:30\"\n  - \"0x1f\"\n  - \"+1\"\n  - \"<<\"\n  - \"=\"\n  - \".inf\"\n  - v1.25\n",
		},
		{"syntax is quoted", []any{object{Zed: "a: b #c", Alpha: "{x}", Map: map[string]string{"*": "- a", "no": "&x"}}}, "zed: 'a: b #c'\nalpha: '{x}'\nmap:\n  '*': \"- a\"\n  \"no\": '&x'\n"},
		{"what does not show is escaped", []any{object{Zed: "a\nb\x1b", Alpha: "\u202ex\u200b\U000e0041"}}, "zed: \"a\\nb\\e\"\nalpha: \"\\u202ex\\u200b\\U000E0041\"\n"},
		{"lines of text stay lines", []any{object{Zed: "a: b\n  - c\n", Alpha: []string{"#\n"}}}, "zed: |\n  a: b\n    - c\nalpha:\n  - |\n    #\n"},
		{"lines of which some would not come back", []any{[]string{" a\n", "a \n", "a\n\n", "a\n\nb\n", "a\x1b\n", "\n"}}, "- \" a\\n\"\n- \"a \\n\"\n- \"a\\n\\n\"\n- \"a\\n\\nb\\n\"\n- \"a\\e\\n\"\n- \"\\n\"\n"},
		{"nothing", nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := manifest.WriteYAML(&got, test.docs...); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New("no") }

func TestWriteFails(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	err := manifest.WriteYAML(&got, object{}, failing{})
	want := "writing YAML document 2: json: error calling MarshalJSON for type manifest_test.failing: no"
	if err == nil || err.Error() != want || got.Len() > 0 {
		t.Errorf("got %v and %q, want %s and nothing", err, got.String(), want)
	}
}

// FuzzWrite: whatever text is written is read back the same, as a value and as a key.
func FuzzWrite(f *testing.F) {
	for _, seed := range []string{"", "web", "no", "a: b", "- x", "a\nb", " lead", "trail ", "\t", "\u0085", "\u2028", "\ufeff", "\x7f", "\U000e0041", "'", `"\`, "#", "|", ">", "%", "@", "---", "?", "a\n", "---\n", "a:\n  b\n", "\u00a0a\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var clean string // as JSON carries it: what is not UTF-8 is replaced
		data, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &clean); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := manifest.WriteYAML(&out, map[string]string{"k" + text: text}); err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := yaml.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatalf("%v in %q", err, out.String())
		}
		if diff := cmp.Diff(map[string]any{"k" + clean: clean}, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", out.String(), diff)
		}
	})
}
