package finding_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse"
)

// whole returns a result with something in every part that is read back.
func whole() *finding.Result {
	object := finding.Object{APIVersion: "v1", Kind: "Pod", Namespace: "web", Name: "a"}
	at := finding.Range{File: "a.yaml", Line: 3, Column: 5, EndLine: 3, EndColumn: 9}
	f := finding.Finding{
		Rule: "privileged", Level: "baseline", Severity: finding.SeverityError, Object: object, Message: "privileged",
		Demand: finding.Demand{Level: "baseline", Version: "v1.25", Source: "flag", Mode: "enforce"},
		Places: []finding.Place{{Field: "spec", Container: "app", Range: at, Edit: &finding.Edit{Op: finding.OpSet, Value: json.RawMessage("false"), Safety: finding.SafetySafe}}},
	}
	rule := finding.Finding{Rule: finding.RuleExceptionExpired, Severity: finding.SeverityError, Object: object, Message: "ended", Places: []finding.Place{{Field: "metadata", Range: at}}}
	return &finding.Result{
		APIVersion: finding.APIVersion, Kind: finding.Kind, ToolVersion: "v1",
		Workloads: []finding.Workload{{Object: object, Position: pspparse.Position{File: "a.yaml", Line: 1}, Demands: []finding.Demand{f.Demand}, Passed: []string{}, Failed: []string{"privileged"}}},
		Findings:  []finding.Finding{f, rule}, Ignored: []finding.Ignored{{Finding: f, Reason: "x", Source: finding.SourceFile}}, Gaps: []finding.Gap{},
	}
}

// saved returns a result as it is saved.
func saved(t *testing.T, r *finding.Result) string {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	// Messages of a real result have an id.
	return strings.ReplaceAll(string(data), `{"id":"","text":""}`, `{"id":"check-level-flag","text":"x"}`)
}

func TestReadResult(t *testing.T) {
	t.Parallel()
	text := saved(t, whole())
	got, err := finding.ReadResult([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, saved(t, got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if _, err := finding.ReadResult([]byte(strings.Replace(text, `"kind":"CheckResult"`, `"kind":"CheckResult","later":1`, 1))); err != nil {
		t.Errorf("a field of a later version: %v", err)
	}
}

// What is no saved result is told with the field, or what it is instead.
func TestReadResultErrors(t *testing.T) {
	t.Parallel()
	text := saved(t, whole())
	const save = `; save one with "psp2pss check -o json=result.json"`
	const correct = "; correct it, or save the result again"
	for _, test := range []struct{ name, text, want string }{
		{"empty", " \n", "it is empty" + save},
		{"no JSON", "a: 1", "it is no JSON from line 1 on" + save},
		{"cut off", text[:len(text)-3], "the file ends early, on line 1" + save},
		{"no object", "[]", "it is not a result of check" + save},
		{"something else", `{"version":"2.1.0","runs":[]}`, "it is not a result of check" + save},
		{"a plan", `{"apiVersion":"psp2pss.dev/v1","kind":"Plan"}`, `it is a "Plan" of psp2pss, and not a result of check` + save},
		{"a pod", `{"apiVersion":"v1","kind":"Pod"}`, `it is a "Pod" of "v1", and not a result of check: give objects to -f` + save},
		{"other version", strings.Replace(text, "psp2pss.dev/v1", "psp2pss.dev/v2", 1), `it is a result of "psp2pss.dev/v2", and this version reads psp2pss.dev/v1: save it again, or read it with the psp2pss that saved it`},
		{"a key twice", strings.Replace(text, `"kind":"CheckResult"`, `"kind":"CheckResult","kind":"CheckResult"`, 1), `duplicate field "kind"; save the result again`},
		{"no findings", strings.Replace(text, `"findings":[`, `"finding":[`, 1), "findings: the list is missing" + correct},
		{"a severity", strings.Replace(text, `"severity":"error"`, `"severity":"bad"`, 1), `findings[0].severity: "bad" is not one of error, warning, note` + correct},
		{"a type", strings.Replace(text, `"line":3`, `"line":"3"`, 1), "findings[0].places[0].line: no string can stand here" + correct},
		{"a negative line", strings.Replace(text, `"line":3`, `"line":-3`, 1), "findings[0].places[0].line: -3 is negative" + correct},
		{"no rule", strings.Replace(text, `"rule":"privileged"`, `"rule":""`, 1), "findings[0].rule: it is missing" + correct},
		{"no kind", strings.Replace(text, `"findings":[{"rule":"privileged","level":"baseline","severity":"error","object":{"apiVersion":"v1","kind":"Pod"`, `"findings":[{"rule":"privileged","level":"baseline","severity":"error","object":{"apiVersion":"v1","kind":""`, 1), "findings[0].object.kind: it is missing" + correct},
		{"no place", strings.Replace(text, `"places":[{"field":"metadata"`, `"places":[],"x":[{"field":"metadata"`, 1), "findings[1].places: there is none" + correct},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := finding.ReadResult([]byte(test.text))
			if got != nil || err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// Whatever is given for a saved result, it is refused, or it is one that is whole.
func FuzzReadResult(f *testing.F) {
	f.Add([]byte(`{"apiVersion":"psp2pss.dev/v1","kind":"CheckResult","toolVersion":"","workloads":[],"findings":[],"ignored":[],"gaps":[]}`))
	f.Add([]byte(`{"apiVersion":"psp2pss.dev/v1","kind":"CheckResult","findings":[{"rule":1}]}`))
	f.Add([]byte(`[[[[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := finding.ReadResult(data)
		if err != nil {
			return
		}
		for i := range r.Findings {
			if r.Findings[i].Rule == "" || len(r.Findings[i].Places) == 0 {
				t.Errorf("a finding is not whole: %+v", r.Findings[i])
			}
		}
	})
}
