package yamlnode

import (
	"testing"

	"gopkg.in/yaml.v3"
	kyaml "sigs.k8s.io/yaml"
)

func TestAppendScalar(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"", "null"},
		{"~", "null"},
		{"Null", "null"},
		{"yes", "true"},
		{"Off", "false"},
		{"y", "true"},
		{`"yes"`, `"yes"`},
		{"'1'", `"1"`},
		{"1", "1"},
		{"-1", "-1"},
		{"+1", "1"},
		{"0777", "511"},
		{"0o17", "15"},
		{"0x1f", "31"},
		{"0b11", "3"},
		{"1_000", "1000"},
		{"9223372036854775807", "9223372036854775807"},
		{"18446744073709551615", "18446744073709551615"},
		{"18446744073709551616", "18446744073709552000"},
		{"1.50", "1.5"},
		{".5", "0.5"},
		{"1e3", "1000"},
		{"1e21", "1e+21"},
		{"1.2.3", `"1.2.3"`},
		{"08", "8"},
		{"12:30", `"12:30"`},
		{"2021-04-06", `"2021-04-06"`},
		{"a\tb", `"a\tb"`},
		{"é", `"é"`},
		{"|\n  a\n  b", `"a\nb\n"`},
		{"!!str 5", `"5"`},
		{"!!float 5", "5"},
		{"!!binary aGk=", `"hi"`},
		{"!x 5", `"5"`},
		{"!!int x", `error: the value "x" is no !!int`},
		{"!!float 18446744073709551615", `error: the value "18446744073709551615" is no !!float`},
		{"!!int 1.5", `error: the value "1.5" is no !!int`},
		{"!!binary /w==", "error: the !!binary value is not text in base64"},
		{".inf", "error: JSON has no number .inf: quote it if it is text"},
	} {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte("a: "+tt.text+"\n"), &doc); err != nil {
			t.Fatalf("%q: %v", tt.text, err)
		}
		data, err := AppendScalar(nil, doc.Content[0].Content[1])
		got := string(data)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.text, got, tt.want)
		}
		if tt.text == "!!binary /w==" {
			continue // kubectl makes U+FFFD of what is not UTF-8, which hides it
		}
		if kubectl, kubectlErr := kyaml.YAMLToJSON([]byte("a: " + tt.text + "\n")); (err == nil) != (kubectlErr == nil) || err == nil && string(kubectl) != `{"a":`+got+"}" {
			t.Errorf("%q: kubectl reads %s, %v", tt.text, kubectl, kubectlErr)
		}
	}
}

func TestKeyName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"a", "a"},
		{"yes", "true"},
		{"no", "false"},
		{"nope", "nope"},
		{`"no"`, "no"},
		{"010", "8"},
		{"1.0", "1"},
		{"1e21", "1e+21"},
		{"~", "(none)"},
		{"18446744073709551615", "(none)"},
		{"!!int a", "(none)"},
		{"[a]", "(none)"},
	} {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte("? "+tt.text+"\n: 1\n"), &doc); err != nil {
			t.Fatalf("%q: %v", tt.text, err)
		}
		got, ok := KeyName(doc.Content[0].Content[0])
		if !ok {
			got = "(none)"
		}
		if got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestMisreading(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"n": `YAML reads n as false: write "n"`, "on": `YAML reads on as true: write "on"`, "true": `YAML reads true as a boolean: write "true"`,
		"123": `YAML reads 123 as a number: write "123"`, "1.10": `YAML reads 1.10 as a number: write "1.10"`, "~": `YAML reads ~ as nothing: write "~"`,
		"web": "", `"n"`: "", "[n]": "",
	} {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(in), &doc); err != nil {
			t.Fatal(err)
		}
		if got := Misreading(doc.Content[0]); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
