package ciformat

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

const (
	// githubMost is how many annotations of one kind GitHub shows for one step.
	githubMost = 10
	// githubMostListed is how many exceptions and gaps the summary names.
	githubMostListed = 20
	// githubMostText is how many characters a message has at most: GitHub keeps 64 KiB of it.
	githubMostText = 16_000
)

// WriteGitHub writes a check's result as annotations of GitHub Actions: one for each of the worst ten findings, since GitHub shows no
// more, and one that sums up, with the exceptions and the gaps. It returns the error of writing.
func WriteGitHub(w io.Writer, r *finding.Result, o Options) error {
	var out bytes.Buffer
	for i := range r.Findings[:min(len(r.Findings), githubMost)] {
		out.WriteString(o.githubFinding(&r.Findings[i]))
	}
	out.WriteString(githubSummary(r))
	if n := len(r.Findings) - githubMost; n > 0 {
		o.remark(fmt.Sprintf("github: GitHub shows at most %d annotations of a step, so %s not among them; -o github-summary=$GITHUB_STEP_SUMMARY has all", githubMost, english.Count(n, "finding is", "findings are")))
	}
	_, err := w.Write(out.Bytes())
	return err
}

// githubFinding returns the annotation of a finding.
func (o Options) githubFinding(f *finding.Finding) string {
	command := "error"
	switch f.Severity {
	case finding.SeverityWarning:
		command = "warning"
	case finding.SeverityNote:
		command = "notice"
	}
	var properties []string
	if at := firstRange(f); at.File != "" && (at.File != "-" || f.Object.Template != "") {
		r := o.regionOf(f.Object, at)
		properties = append(properties, "file="+githubProperty(r.file), "line="+strconv.Itoa(r.line), "endLine="+strconv.Itoa(r.endLine))
		if r.line == r.endLine { // GitHub takes columns on one line only
			properties = append(properties, "col="+strconv.Itoa(r.column), "endColumn="+strconv.Itoa(r.endColumn))
		}
	}
	title := "Pod Security: " + f.Rule
	if f.New {
		title += " (new)"
	}
	properties = append(properties, "title="+githubProperty(title))
	lines := append([]string{headline(f)}, details(f, mostDetails)...)
	return githubCommand(command, properties, lines)
}

// githubSummary returns the annotation that sums a check's result up: a warning where something was not evaluated.
func githubSummary(r *finding.Result) string {
	command, lines := "notice", []string{tally(r)}
	if n := len(r.Findings); n > githubMost {
		lines[0] += fmt.Sprintf(" The worst %d are annotated.", githubMost)
	}
	list := func(n int, line func(i int) string) {
		for i := range min(n, githubMostListed) {
			lines = append(lines, line(i))
		}
		if n > githubMostListed {
			lines = append(lines, fmt.Sprintf("and %d more", n-githubMostListed))
		}
	}
	if len(r.Gaps) > 0 {
		command = "warning"
		list(len(r.Gaps), func(i int) string { return "Not evaluated: " + gapText(&r.Gaps[i]) })
	}
	list(len(r.Ignored), func(i int) string {
		return headline(&r.Ignored[i].Finding) + ": " + exceptionText(&r.Ignored[i])
	})
	list(len(r.Fixed), func(i int) string { return "Fixed: " + fixedText(r.Fixed[i]) })
	return githubCommand(command, []string{"title=Pod Security Standards"}, lines)
}

// githubCommand returns one command line of a GitHub workflow, with its properties as they are to stand there and a message of lines.
func githubCommand(name string, properties []string, lines []string) string {
	return "::" + name + " " + strings.Join(properties, ",") + "::" + githubData(firstRunes(strings.Join(lines, "\n"), githubMostText)) + "\n"
}

// githubData returns text as the message of a command of a GitHub workflow: it stays on its line, and reads there as it was.
func githubData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// githubProperty returns text as the value of a property of a command of a GitHub workflow.
func githubProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(githubData(shown(s)))
}
