package ciformat_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/finding"
)

// annotation is one command of a workflow's log, as the runner of GitHub Actions reads it.
type annotation struct {
	command    string
	properties map[string]string
	message    string
}

// readAnnotations reads the commands of a log by the rules of the runner: a line that begins with two colons, after spaces, is one.
func readAnnotations(t *testing.T, log string) []annotation {
	t.Helper()
	var out []annotation
	for _, line := range strings.FieldsFunc(log, func(r rune) bool { return r == '\n' || r == '\r' }) {
		rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), "::")
		if !ok {
			t.Errorf("no command: %q", line)
			continue
		}
		head, message, _ := strings.Cut(rest, "::")
		name, properties, _ := strings.Cut(head, " ")
		a := annotation{name, map[string]string{}, strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n").Replace(message)}
		for p := range strings.SplitSeq(properties, ",") {
			key, value, _ := strings.Cut(p, "=")
			a.properties[key] = strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",").Replace(value)
		}
		out = append(out, a)
	}
	return out
}

// The worst ten are annotated, and one more annotation says how many there are.
func TestGitHubLimit(t *testing.T) {
	t.Parallel()
	text, remarks := write(t, "github", many(25, 1))
	got := readAnnotations(t, text)
	if len(got) != 11 || !strings.HasPrefix(got[0].message, "Pod web/p0: ") || got[10].message != "25 errors in 1 workload. The worst 10 are annotated." {
		t.Errorf("got %d annotations:\n%s", len(got), text)
	}
	if diff := cmp.Diff([]string{"github: GitHub shows at most 10 annotations of a step, so 15 findings are not among them; -o github-summary=$GITHUB_STEP_SUMMARY has all"}, remarks); diff != "" {
		t.Errorf("remarks (-want +got):\n%s", diff)
	}
}

// A clean result is one line that says so.
func TestCleanGitHub(t *testing.T) {
	t.Parallel()
	if got, _ := write(t, "github", clean()); got != "::notice title=Pod Security Standards::Nothing found in 1 workload.\n" {
		t.Errorf("got %q", got)
	}
}

// Properties and messages read back as they were, whatever separates them.
func TestGitHubEscapes(t *testing.T) {
	t.Parallel()
	const odd = "a%0A::b,c:d=%25e"
	r := many(1, 1)
	r.Findings[0].Places[0].File, r.Findings[0].Message, r.Findings[0].Rule = odd, odd, odd
	text, _ := write(t, "github", r)
	got := readAnnotations(t, text)[0]
	want := map[string]string{"file": odd, "line": "1", "endLine": "1", "col": "1", "endColumn": "2", "title": "Pod Security: " + odd}
	if diff := cmp.Diff(want, got.properties); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if first, _, _ := strings.Cut(got.message, "\n"); first != "Pod web/p0: "+odd {
		t.Errorf("got the message %q", got.message)
	}
}

// A range of several lines has no columns: GitHub refuses them there.
func TestGitHubLines(t *testing.T) {
	t.Parallel()
	r := many(1, 1)
	r.Findings[0].Places[0].Range = finding.Range{File: "a.yaml", Line: 3, Column: 5, EndLine: 6, EndColumn: 2}
	text, _ := write(t, "github", r)
	if got := readAnnotations(t, text)[0].properties; fmt.Sprintf("%s-%s %s", got["line"], got["endLine"], got["col"]) != "3-6 " {
		t.Errorf("got %v", got)
	}
}

// A summary keeps to what GitHub takes of one, and says what it has no room for.
func TestGitHubSummaryLimit(t *testing.T) {
	t.Parallel()
	text, remarks := write(t, "github-summary", many(20_000, 5))
	lines := strings.Count(text, "\n| error ")
	left := 20_000 - lines
	if len(text) > 1<<20 || lines < 5_000 || !strings.HasSuffix(text, fmt.Sprintf("\nThere is no room for %d more lines.\n", left)) {
		t.Errorf("got %d bytes and %d lines, ending in %q", len(text), lines, text[len(text)-100:])
	}
	if diff := cmp.Diff([]string{fmt.Sprintf("github-summary: GitHub takes 1 MiB, so %d lines are left out; -o sarif has all", left)}, remarks); diff != "" {
		t.Errorf("remarks (-want +got):\n%s", diff)
	}
}
