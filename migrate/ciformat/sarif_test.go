package ciformat_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/migrate/finding"
)

// sarif is what tests read of a SARIF document.
type sarif struct {
	Runs []struct {
		Tool struct {
			Driver struct {
				Rules []struct {
					ID, Name         string
					ShortDescription struct{ Text string }
					FullDescription  struct{ Text string }
					Help             struct{ Text, Markdown string }
				}
			}
		}
		Invocations []struct {
			ExecutionSuccessful        bool
			ToolExecutionNotifications []struct{ Message struct{ Text string } }
		}
		Results []struct {
			RuleID           string
			RuleIndex        int
			Level            string
			BaselineState    string
			Message          struct{ Text string }
			Locations        []sarifPlace
			RelatedLocations []sarifPlace
			Suppressions     []struct{ Justification string }
		}
	}
}

// sarifPlace is what tests read of a place in a SARIF document.
type sarifPlace struct {
	PhysicalLocation struct {
		ArtifactLocation struct{ URI string }
		Region           struct{ StartLine, StartColumn, EndLine, EndColumn int }
	}
}

// readSARIF returns what the format sarif writes of a result.
func readSARIF(t *testing.T, r *finding.Result) sarif {
	t.Helper()
	text, _ := write(t, "sarif", r)
	var log sarif
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	return log
}

// A clean result has an empty list of results, which GitHub needs to close alerts, and a successful invocation.
func TestCleanSARIF(t *testing.T) {
	t.Parallel()
	text, remarks := write(t, "sarif", clean())
	if !strings.Contains(text, `"results": []`) || !strings.Contains(text, `"executionSuccessful": true`) || len(remarks) > 0 {
		t.Errorf("remarks %q and\n%s", remarks, text)
	}
}

// A gap makes the invocation unsuccessful, and is no result.
func TestGapInSARIF(t *testing.T) {
	t.Parallel()
	r := clean()
	r.Gaps = everything(t).Gaps
	run := readSARIF(t, r).Runs[0]
	if run.Invocations[0].ExecutionSuccessful || len(run.Invocations[0].ToolExecutionNotifications) != 1 || len(run.Results) != 0 {
		t.Errorf("got %+v", run)
	}
}

// Every check of the library has a rule with all that GitHub's rules ask for, within its limits.
func TestSARIFRules(t *testing.T) {
	t.Parallel()
	r := everyRule()
	rules := readSARIF(t, r).Runs[0].Tool.Driver.Rules
	if len(rules) != len(policy.DefaultChecks())+3 {
		t.Errorf("got %d rules", len(rules))
	}
	names := map[string]bool{}
	for _, rule := range rules {
		if strings.EqualFold(rule.Name, rule.ID) || strings.HasPrefix(rule.Name, "Rule ") || names[rule.Name] {
			t.Errorf("rule %s has the name %q: enter one of its own in controlNames", rule.ID, rule.Name)
		}
		names[rule.Name] = true
		for _, text := range []string{rule.ShortDescription.Text, rule.FullDescription.Text, rule.Help.Text, rule.Help.Markdown} {
			if text == "" {
				t.Errorf("rule %s is not described whole: %+v", rule.ID, rule)
			}
		}
		if len([]rune(rule.FullDescription.Text)) > 1024 {
			t.Errorf("rule %s: the description is too long", rule.ID)
		}
	}
}

// everyRule is a result with one finding of each rule.
func everyRule() *finding.Result {
	r := clean()
	add := func(id string) {
		r.Findings = append(r.Findings, finding.Finding{Rule: id, Severity: "error", Object: r.Workloads[0].Object, Message: id, Places: []finding.Place{{Range: finding.Range{File: "a.yaml", Line: 2, Column: 3, EndLine: 2, EndColumn: 9}}}})
	}
	for _, c := range policy.DefaultChecks() {
		add(string(c.ID))
	}
	for _, id := range []string{finding.RuleExceptionExpired, finding.RuleExceptionUnknown, finding.RuleExceptionWithoutReason} {
		add(id)
	}
	return r
}

// Where --since was used each result says whether it is new; without it none does, and what is fixed is left out.
func TestBaselineState(t *testing.T) {
	t.Parallel()
	var states []string
	for _, result := range readSARIF(t, everything(t)).Runs[0].Results {
		states = append(states, result.BaselineState)
	}
	if diff := cmp.Diff([]string{"new", "unchanged", "unchanged", "unchanged", "unchanged", "unchanged", "unchanged"}, states); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// many is a result with n findings, each with a message of random words of eight bytes, so that it does not compress.
func many(n, words int) *finding.Result {
	random := rand.New(rand.NewPCG(1, 2))
	r := clean()
	for i := range n {
		var bytes []byte
		for range words {
			bytes = binary.LittleEndian.AppendUint64(bytes, random.Uint64())
		}
		r.Findings = append(r.Findings, finding.Finding{
			Rule: "privileged", Severity: "error", Object: finding.Object{Kind: "Pod", Namespace: "web", Name: fmt.Sprintf("p%d", i)}, Message: base64.RawURLEncoding.EncodeToString(bytes),
			Places: []finding.Place{{Range: finding.Range{File: "a.yaml", Line: i + 1}}}, Fingerprint: fmt.Sprintf("%x", i),
		})
	}
	return r
}

// A document keeps to what GitHub takes. What was cut, and what GitHub does not show, is said; the worst are kept.
func TestSARIFLimits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		count, words int
		want         int
		remarks      []string
	}{
		{"all shown", 5_000, 1, 5_000, nil},
		{"not all shown", 5_001, 1, 5_001, []string{"sarif: GitHub shows the first 5,000 of the 5,001 results, the worst"}},
		{"too many", 25_001, 1, 25_000, []string{
			"sarif: GitHub takes at most 25,000 results and 10 MB of gzipped SARIF, so the file has the worst 25,000 of 25,001; -o json has all",
			"sarif: GitHub shows the first 5,000 of the 25,000 results, the worst",
		}},
		{"too large", 1_400, 1_000, 700, []string{
			"sarif: GitHub takes at most 25,000 results and 10 MB of gzipped SARIF, so the file has the worst 700 of 1,400; -o json has all",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text, remarks := write(t, "sarif", many(test.count, test.words))
			var log sarif
			if err := json.Unmarshal([]byte(text), &log); err != nil {
				t.Fatal(err)
			}
			results := log.Runs[0].Results
			if len(results) != test.want || !strings.HasPrefix(results[0].Message.Text, "Pod web/p0: ") {
				t.Errorf("got %d results, want %d", len(results), test.want)
			}
			if diff := cmp.Diff(test.remarks, remarks); diff != "" {
				t.Errorf("remarks (-want +got):\n%s", diff)
			}
		})
	}
}

// What GitHub shows otherwise than it is meant is said: excepted findings.
func TestSARIFRemarks(t *testing.T) {
	t.Parallel()
	_, remarks := write(t, "sarif", everything(t))
	want := []string{
		"sarif: the file has 1 excepted finding as suppressed; GitHub shows these as open alerts until somebody dismisses them there",
	}
	if diff := cmp.Diff(want, remarks); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A finding with more places than a result may have locations keeps the first, and says how many there are.
func TestManyPlaces(t *testing.T) {
	t.Parallel()
	r := many(1, 1)
	for i := range 1_500 {
		r.Findings[0].Places = append(r.Findings[0].Places, finding.Place{Field: fmt.Sprintf("spec.containers[%d]", i), Range: finding.Range{File: "a.yaml", Line: i + 2}})
	}
	result := readSARIF(t, r).Runs[0].Results[0]
	if n := len(result.Locations) + len(result.RelatedLocations); n != 1_000 || !strings.Contains(result.Message.Text, "and at 1496 more places") {
		t.Errorf("got %d locations and %q", n, result.Message.Text)
	}
}

// Nothing of the input becomes a link in a message.
func TestNoLinkFromInput(t *testing.T) {
	t.Parallel()
	r := many(1, 1)
	r.Findings[0].Message = "see [this](https://evil.example/x)"
	if got := readSARIF(t, r).Runs[0].Results[0].Message.Text; strings.Contains(got, "](") {
		t.Errorf("got a link: %q", got)
	}
}
