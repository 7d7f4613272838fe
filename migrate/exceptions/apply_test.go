package exceptions_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/exceptions"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse"
)

// today is the day on which the tests apply exceptions.
func today() time.Time { return time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC) }

// at returns a range of the file of objects.
func at(line int) finding.Range {
	return finding.Range{File: "a.yaml", Line: line, Column: 1, EndLine: line, EndColumn: 9}
}

func TestFromAnnotations(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		key, value, rule, reason, until string
	}{
		{"psp2pss.dev/allow.privileged", "reads the node's log", "privileged", "reads the node's log", ""},
		{"psp2pss.dev/allow.privileged", "needs it; until=2027-03-31", "privileged", "needs it", "2027-03-31"},
		{"psp2pss.dev/allow.privileged", " one; two ; until=2027-03-31 ", "privileged", "one; two", "2027-03-31"},
		{"psp2pss.dev/allow.privileged", "needs it until=2027-03-31", "privileged", "needs it", "2027-03-31"},
		{"psp2pss.dev/allow.privileged", "until=2027-03-31", "privileged", "", "2027-03-31"},
		{"psp2pss.dev/allow.privileged", "x; until=", "privileged", "x", "until="},
		{"psp2pss.dev/allow.privileged", "x; until 2027-03-31", "privileged", "x", "until 2027-03-31"},
		{"psp2pss.dev/allow.privileged", "x; Until=2027-03-31", "privileged", "x", "Until=2027-03-31"},
		{"psp2pss.dev/allow.privileged", "x; until=a; until=b", "privileged", "x", "a; until=b"},
		{"psp2pss.dev/allow.privileged", "wait until they patch it", "privileged", "wait until they patch it", ""},
		{"psp2pss.dev/allow.privileged", "", "privileged", "", ""},
		{"psp2pss.dev/allow.*", "x", "*", "x", ""},
		{"psp2pss.dev/allow-privileged", "x", "psp2pss.dev/allow-privileged", "x", ""},
		{"psp2pss.dev/Allow.privileged", "x", "psp2pss.dev/Allow.privileged", "x", ""},
	} {
		want := []finding.Exception{{Rule: test.rule, Reason: test.reason, Until: test.until, Field: "metadata.annotations[" + test.key + "]", Range: at(7)}}
		got := exceptions.FromAnnotations(map[string]string{test.key: test.value, "other.dev/allow.privileged": "x", "psp2pss.dev/other": "y"}, func(key string) finding.Range {
			if key != test.key {
				t.Errorf("asked where %q is", key)
			}
			return at(7)
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s (-want +got)\n%s", test.key, test.value, diff)
		}
	}
	if got := exceptions.FromAnnotations(nil, nil); got != nil {
		t.Errorf("got %v of no annotations", got)
	}
}

// deployment returns an object of the tests.
func deployment(name string) finding.Object {
	return finding.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "web", Name: name}
}

// fails returns a finding about an object.
func fails(object finding.Object, rule string, line int) finding.Finding {
	return finding.Finding{
		Rule: rule, Level: "baseline", Severity: finding.SeverityError, Object: object, Message: rule + " (container \"app\")",
		Places: []finding.Place{{Field: "spec", Container: "app", Range: at(line)}},
	}
}

// workload returns an object of a result, with exceptions from checks that its annotations ask for, with a value each.
func workload(object finding.Object, line int, annotations ...string) finding.Workload {
	w := finding.Workload{Object: object, Position: pspparse.Position{File: "a.yaml", Line: line}}
	for i := 0; i < len(annotations); i += 2 {
		w.Exceptions = append(w.Exceptions, exceptions.FromAnnotations(map[string]string{annotations[i]: annotations[i+1]}, func(string) finding.Range { return at(line + 1 + i/2) })...)
	}
	return w
}

// describe returns what a result says of exceptions, a line for each finding, ignored finding and note.
func describe(r *finding.Result) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s %s/%s %s:%d %s: %s", f.Severity, f.Object.Kind, f.Object.Name, f.Places[0].File, f.Places[0].Line, f.Rule, f.Message))
	}
	for _, i := range r.Ignored {
		out = append(out, fmt.Sprintf("ignored %s/%s %s: %s [%s] %s:%d %s", i.Finding.Object.Kind, i.Finding.Object.Name, i.Finding.Rule, i.Reason, i.Until, i.Position.File, i.Position.Line, i.Source))
	}
	for _, n := range r.Notes {
		out = append(out, fmt.Sprintf("note %s %s:%d %s", n.What, n.Position.File, n.Position.Line, n.Text))
	}
	return out
}

// Annotations cover findings of their own object while they give a reason and their day is not over.
func TestApplyAnnotations(t *testing.T) {
	t.Parallel()
	const prefix = exceptions.AnnotationPrefix
	for _, test := range []struct {
		name       string
		annotation []string
		want       []string
	}{
		{"covered", []string{prefix + "privileged", "needs it"}, []string{
			"error Deployment/b a.yaml:25 privileged: privileged (container \"app\")",
			"ignored Deployment/a privileged: needs it [] a.yaml:11 annotation",
		}},
		{"its last day", []string{prefix + "privileged", "needs it; until=2026-11-30"}, []string{
			"error Deployment/b a.yaml:25 privileged: privileged (container \"app\")",
			"ignored Deployment/a privileged: needs it [2026-11-30] a.yaml:11 annotation",
		}},
		{"past its day", []string{prefix + "privileged", "needs it; until=2026-11-29"}, []string{
			"error Deployment/a a.yaml:11 exception-expired: the exception from check privileged ended on 2026-11-29: meet the check now, or agree on a later day",
			"error Deployment/a a.yaml:15 privileged: privileged (container \"app\")",
			"error Deployment/b a.yaml:25 privileged: privileged (container \"app\")",
		}},
		{"no reason", []string{prefix + "privileged", " ; until=2027-01-01"}, []string{
			"error Deployment/a a.yaml:11 exception-without-reason: the exception from check privileged gives no reason, so it does not count: write why the check may fail here",
			"error Deployment/a a.yaml:15 privileged: privileged (container \"app\")",
			"error Deployment/b a.yaml:25 privileged: privileged (container \"app\")",
		}},
		{"no date", []string{prefix + "privileged", "needs it; until=spring"}, []string{
			`error Deployment/a a.yaml:11 exception-invalid-date: the exception from check privileged ends on "spring", which is no date, so it does not count: write "reason; until=2027-03-31"`,
			"error Deployment/a a.yaml:15 privileged: privileged (container \"app\")",
			"error Deployment/b a.yaml:25 privileged: privileged (container \"app\")",
		}},
		{"other case", []string{prefix + "Privileged", "needs it"}, []string{
			`error Deployment/a a.yaml:11 exception-unknown-check: the exception is from "Privileged", which is no check, so it does not count: did you mean privileged?`,
			"error Deployment/a a.yaml:15 privileged: privileged (container \"app\")",
			"error Deployment/b a.yaml:25 privileged: privileged (container \"app\")",
		}},
		{"everything", []string{prefix + "*", "needs it"}, []string{
			`error Deployment/a a.yaml:11 exception-unknown-check: the exception is from "*", which is no check, so it does not count: write an exception for each check`,
			"error Deployment/a a.yaml:15 privileged: privileged (container \"app\")",
			"error Deployment/b a.yaml:25 privileged: privileged (container \"app\")",
		}},
		{"not needed", []string{prefix + "privileged", "needs it", prefix + "hostPorts", "needs it"}, []string{
			"error Deployment/b a.yaml:25 privileged: privileged (container \"app\")",
			"ignored Deployment/a privileged: needs it [] a.yaml:11 annotation",
			"note Deployment web/a a.yaml:12 the exception from check hostPorts covers nothing: what it is for meets the check, or is not asked to",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, b := deployment("a"), deployment("b")
			r := &finding.Result{
				Workloads: []finding.Workload{workload(a, 10, test.annotation...), workload(b, 20)},
				Findings:  []finding.Finding{fails(a, "privileged", 15), fails(b, "privileged", 25)},
			}
			exceptions.Apply(r, nil, today())
			if diff := cmp.Diff(test.want, describe(r)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// What an exception was probably meant for is named.
func TestUnknownChecks(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		"hostport":                     ": did you mean hostPorts?",
		"capabilities":                 ": did you mean capabilities_baseline or capabilities_restricted?",
		"privileged,hostPorts":         ": write an exception for each check",
		"psp2pss.dev/allow-privileged": ": did you mean psp2pss.dev/allow.privileged?",
		"psp2pss.dev/Allow.hostport":   ": did you mean psp2pss.dev/allow.hostPorts?",
		"psp2pss.dev/allow":            "",
		"readOnlyRootFilesystem":       "",
		"\x1b[31m":                     "",
	} {
		w := workload(deployment("a"), 1)
		w.Exceptions = []finding.Exception{{Rule: rule, Reason: "x", Range: at(2)}}
		r := &finding.Result{Workloads: []finding.Workload{w}}
		exceptions.Apply(r, nil, today())
		text := fmt.Sprintf("the exception is from %q, which is no check, so it does not count%s", rule, want)
		if len(r.Findings) != 1 || r.Findings[0].Message != text {
			t.Errorf("got  %+v\nwant %s", describe(r), text)
		}
	}
}

// Two objects of one name in one file are told apart by nobody: an exception of one alone covers neither.
func TestAnnotationOfOneOfTwo(t *testing.T) {
	t.Parallel()
	a := deployment("a")
	allow := []string{exceptions.AnnotationPrefix + "privileged", "needs it"}
	for _, test := range []struct {
		second  []string
		ignored int
	}{{nil, 0}, {allow, 2}} {
		r := &finding.Result{
			Workloads: []finding.Workload{workload(a, 10, allow...), workload(a, 20, test.second...)},
			Findings:  []finding.Finding{fails(a, "privileged", 15), fails(a, "privileged", 25)},
		}
		exceptions.Apply(r, nil, today())
		if len(r.Ignored) != test.ignored || len(r.Findings) != 2-test.ignored {
			t.Errorf("got %q", describe(r))
		}
	}
}

// The exceptions of a file cover the objects that they select, behind those of annotations.
func TestApplyFile(t *testing.T) {
	t.Parallel()
	file, err := exceptions.Parse("ci/.psp2pss.yaml", []byte(head+`exceptions:
- {rule: privileged, object: {namespace: web, name: 'a*'}, reason: from the file, until: 2027-01-01}
- {rule: hostPorts, object: {kind: deployment, name: b}, reason: too late, until: 2026-01-01}
- {rule: hostPorts, object: {name: b}}
- {rule: hostPort, object: {name: b}, reason: x}
- {rule: hostPathVolumes, object: {name: b}, reason: x, until: soon}
- {rule: sysctls, object: {name: b}, reason: not needed}
- {rule: sysctls, object: {name: elsewhere}, reason: not read}
- {rule: sysctls, object: {kind: Pod}, reason: not read}
`))
	if err != nil {
		t.Fatal(err)
	}
	a, aa, b := deployment("a"), deployment("aa"), deployment("b")
	r := &finding.Result{
		Workloads: []finding.Workload{workload(a, 10), workload(aa, 20, exceptions.AnnotationPrefix+"privileged", "its own"), workload(b, 30)},
		Findings:  []finding.Finding{fails(a, "privileged", 15), fails(aa, "privileged", 25), fails(b, "hostPorts", 35), fails(b, "privileged", 36)},
	}
	exceptions.Apply(r, file, today())
	want := []string{
		`error Deployment/b a.yaml:35 hostPorts: hostPorts (container "app")`,
		`error Deployment/b a.yaml:36 privileged: privileged (container "app")`,
		"error Exceptions/.psp2pss.yaml ci/.psp2pss.yaml:5 exception-expired: the exception from check hostPorts ended on 2026-01-01: meet the check now, or agree on a later day",
		"error Exceptions/.psp2pss.yaml ci/.psp2pss.yaml:6 exception-without-reason: the exception from check hostPorts gives no reason, so it does not count: write why the check may fail here",
		`error Exceptions/.psp2pss.yaml ci/.psp2pss.yaml:7 exception-unknown-check: the exception is from "hostPort", which is no check, so it does not count: did you mean hostPorts?`,
		`error Exceptions/.psp2pss.yaml ci/.psp2pss.yaml:8 exception-invalid-date: the exception from check hostPathVolumes ends on "soon", which is no date, so it does not count: write until: 2027-03-31`,
		"ignored Deployment/a privileged: from the file [2027-01-01] ci/.psp2pss.yaml:4 file",
		"ignored Deployment/aa privileged: its own [] a.yaml:21 annotation",
		"note exceptions[5] ci/.psp2pss.yaml:9 the exception from check sysctls covers nothing: what it is for meets the check, or is not asked to",
		"note ci/.psp2pss.yaml ci/.psp2pss.yaml:0 2 exceptions are for no object that was read (exceptions[6], exceptions[7]): the objects were not among the files, or are named otherwise",
	}
	if diff := cmp.Diff(want, describe(r)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, f := range r.Findings {
		if f.Object.Kind == exceptions.Kind && f.Fingerprint == "" {
			t.Errorf("%s has no fingerprint", f.Rule)
		}
	}
}

// A result without exceptions stays as it is, and no exception covers a rule about exceptions.
func TestApplyNothing(t *testing.T) {
	t.Parallel()
	a := deployment("a")
	rule := fails(a, finding.RuleExceptionExpired, 3)
	rule.Level = ""
	r := &finding.Result{
		Workloads: []finding.Workload{workload(a, 1)}, Findings: []finding.Finding{fails(a, "privileged", 2), rule},
		Ignored: []finding.Ignored{}, Notes: []finding.Note{{What: "x"}},
	}
	before := *r
	exceptions.Apply(r, nil, today())
	if diff := cmp.Diff(&before, r); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
