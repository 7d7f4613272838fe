package ciformat_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/migrate/ciformat"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/finding"
)

// hostileTexts do harm in one format or another, wherever they are not escaped.
func hostileTexts() []string {
	return []string{
		"::set-output name=x::y", "a\n::set-output name=x::y", "a\r::error::y", "%0A::error::y", "a%0D%0Ab", "##[set-output name=x;]y", "####[error]y", "##vso[task.setvariable variable=x]y",
		"]]>", "<failure>", "</testcase>", "&lt;", `" onclick="x`, "a\x00b", "a\x01\x08\x0b\x0c\x1fb", "\ufffe\uffff", "\xff\xc0", "\ud7ff\ue000",
		"\x1b[31mred\x1b]0;title\x07", "\u2028\u2029", "x\u202e\u2066\u200b\ufeff\U000e0041", "\u0085\u009b31m", "",
		" ", "\t", "a\n---\nkind: Secret", "- a: b", "{{x}}", "{0}", "[x](https://evil.example)", "![x](y)", "<script>alert(1)</script>", "`x`\n```\n# x", "@admin", "* | _ ~", "| a | b |",
		"yes", "null", "1e3", "0x1f", "~", "!!binary x", "&a *a", "key: value", "# comment", "'", "\"", "\\", "../../etc/passwd", "file:///etc/passwd", "C:\\x", "javascript:alert(1)",
		strings.Repeat("x", 5_000),
	}
}

// hostileResult is the result with everything, and a text in place of every other text in it.
func hostileResult(t *testing.T, text string) *finding.Result {
	t.Helper()
	r := everything(t)
	setTexts(reflect.ValueOf(r).Elem(), text)
	return r
}

// setTexts puts a text in place of every string in a value, but in raw JSON, the severity and what says how to read a finding.
func setTexts(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		if !v.IsNil() {
			setTexts(v.Elem(), text)
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			if quoted, err := json.Marshal(text); err == nil && v.Len() > 0 {
				v.SetBytes(quoted)
			}
			return
		}
		for i := range v.Len() {
			setTexts(v.Index(i), text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			switch v.Type().Field(i).Name {
			case "Severity", "Op", "Safety", "Args":
			default:
				setTexts(v.Field(i), text)
			}
		}
	}
}

// No text of the input breaks a format, acts on a terminal or gives a command to what reads the log of a pipeline.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	for _, text := range hostileTexts() {
		t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
			t.Parallel()
			r := hostileResult(t, text)
			for _, f := range ciformat.Formats() {
				got, _ := write(t, f.Name, r)
				checkHarmless(t, f.Name, got)
				checkReadable(t, f.Name, got, r)
			}
		})
	}
}

// checkHarmless fails where the output of a format holds what acts on a terminal, or what a pipeline takes for a command.
func checkHarmless(t *testing.T, format, output string) {
	t.Helper()
	if !utf8.ValidString(output) {
		t.Errorf("%s: not UTF-8", format)
	}
	for line := range strings.Lines(output) {
		line = strings.TrimSuffix(line, "\n")
		for _, r := range line {
			if !escape.IsVisible(r) {
				t.Errorf("%s: %U in %q", format, r, line)
				break
			}
		}
		if format == "junit" && strings.Contains(line, "]]>") {
			t.Errorf("%s: the end of a CDATA section in %q", format, line)
		}
		if strings.Contains(line, "##[") || strings.Contains(line, "##vso[") || format != "github" && strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("%s: a command of a pipeline in %q", format, line)
		}
	}
}

// checkReadable fails where the output of a format is not what its readers take, or lacks a finding.
func checkReadable(t *testing.T, format, output string, r *finding.Result) {
	t.Helper()
	switch format {
	case "sarif":
		var log sarif
		if err := json.Unmarshal([]byte(output), &log); err != nil {
			t.Fatal(err)
		}
		run := log.Runs[0]
		if len(run.Results) != len(r.Findings)+len(r.Ignored) {
			t.Errorf("got %d results", len(run.Results))
		}
		for _, result := range run.Results {
			if run.Tool.Driver.Rules[result.RuleIndex].ID != result.RuleID {
				t.Errorf("result of rule %q is of rule %q", result.RuleID, run.Tool.Driver.Rules[result.RuleIndex].ID)
			}
		}
	case "junit":
		readJUnit(t, r)
	case "github":
		checkAnnotations(t, output, r)
	case "github-summary":
		if rows := strings.Count(output, "\n| ") - 4; rows != len(r.Findings)+len(r.Ignored) || strings.ContainsAny(strings.ReplaceAll(output, "\\`", ""), "<@`") || strings.Contains(output, "://") {
			t.Errorf("got %d rows:\n%.2000s", rows, output)
		}
	case "gitlab":
		var issues []struct{ Fingerprint string }
		if err := json.Unmarshal([]byte(output), &issues); err != nil || len(issues) != len(r.Findings)+len(r.Ignored)+len(r.Gaps) {
			t.Errorf("got %d issues, %v", len(issues), err)
		}
		seen := map[string]bool{}
		for _, i := range issues {
			if seen[i.Fingerprint] || i.Fingerprint == "" {
				t.Errorf("fingerprint %q is there twice", i.Fingerprint)
			}
			seen[i.Fingerprint] = true
		}
	default:
		for _, object := range readReports(t, output) {
			if !strings.HasPrefix(object.Metadata.Name, "psp2pss") || object.Metadata.Namespace != strings.ToLower(object.Metadata.Namespace) || strings.ContainsAny(object.Metadata.Namespace, " \n:./") {
				t.Errorf("got the object %+v", object.Metadata)
			}
		}
	}
}

// checkAnnotations fails where a log of GitHub has other commands than one for each finding and one that sums up.
func checkAnnotations(t *testing.T, output string, r *finding.Result) {
	t.Helper()
	got := readAnnotations(t, output)
	if len(got) != len(r.Findings)+1 {
		t.Errorf("got %d annotations of %d findings", len(got), len(r.Findings))
	}
	for _, a := range got {
		if a.command != "error" && a.command != "warning" && a.command != "notice" {
			t.Errorf("got the command %q", a.command)
		}
		for key := range a.properties {
			if !strings.Contains(" file line endLine col endColumn title ", " "+key+" ") {
				t.Errorf("got the property %q", key)
			}
		}
	}
}

// report is what tests read of a report object.
type report struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name, Namespace string }
	Summary    struct{ Pass, Fail, Warn, Error, Skip int }
	Results    []struct {
		Policy, Rule, Result, Severity, Message string
		Resources                               []struct{ Kind, Namespace, Name string }
	}
}

// readReports returns the objects of a stream of YAML documents.
func readReports(t *testing.T, text string) []report {
	t.Helper()
	var out []report
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		var one report
		err := decoder.Decode(&one)
		if err != nil {
			if err.Error() != "EOF" {
				t.Fatalf("%v in\n%.2000s", err, text)
			}
			return out
		}
		out = append(out, one)
	}
}
