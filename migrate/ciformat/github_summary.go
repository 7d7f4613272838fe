package ciformat

import (
	"fmt"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// githubMostSummary is how many bytes of a summary GitHub takes, less what stands below its tables.
const githubMostSummary = 1_000_000

// WriteGitHubSummary writes a check's result as the Markdown of a step summary of GitHub Actions, which is what the file named by
// GITHUB_STEP_SUMMARY is for: all that the annotations have no room for. It returns the error of writing.
func WriteGitHubSummary(w io.Writer, r *finding.Result, o Options) error {
	s := githubTables{}
	s.text.WriteString("### Pod Security Standards\n\n" + markdown(tally(r)) + "\n")
	s.table("", "| Severity | Rule | Object | Place | Finding |\n| --- | --- | --- | --- | --- |\n", len(r.Findings), func(i int) string {
		f := &r.Findings[i]
		severity := f.Severity
		if f.New {
			severity += " (new)"
		}
		return o.githubRow(f, severity, markdown(f.Message))
	})
	s.table("Excepted", "| Rule | Object | Place | Finding | Reason |\n| --- | --- | --- | --- | --- |\n", len(r.Ignored), func(i int) string {
		return o.githubRow(&r.Ignored[i].Finding, "", markdown(r.Ignored[i].Finding.Message)+" | "+markdown(exceptionText(&r.Ignored[i])))
	})
	s.table("Not evaluated", "", len(r.Gaps), func(i int) string {
		return "- " + markdown(rangePosition(positionRange(r.Gaps[i].Position))+" "+gapText(&r.Gaps[i])) + "\n"
	})
	s.table("Fixed", "", len(r.Fixed), func(i int) string { return "- " + markdown(fixedText(r.Fixed[i])) + "\n" })
	s.table("Notes", "", len(r.Notes), func(i int) string {
		return "- " + markdown(gapText(&finding.Gap{Message: r.Notes[i].Message, What: r.Notes[i].What})) + "\n"
	})
	if s.left > 0 {
		s.text.WriteString("\nThere is no room for " + english.Count(s.left, "more line.", "more lines.") + "\n")
		o.remark(fmt.Sprintf("github-summary: GitHub takes 1 MiB, so %s left out; -o sarif has all", english.Count(s.left, "line is", "lines are")))
	}
	_, err := io.WriteString(w, s.text.String())
	return err
}

// githubTables is a step summary that is being made, with the number of lines that it had no room for.
type githubTables struct {
	text strings.Builder
	left int
}

// table adds lines to a step summary, under a title and a head, as far as there is room.
func (s *githubTables) table(title, head string, n int, line func(i int) string) {
	if n == 0 {
		return
	}
	if title != "" {
		s.text.WriteString("\n#### " + title + "\n")
	}
	s.text.WriteString("\n" + head)
	for i := range n {
		text := line(i)
		if s.left > 0 || s.text.Len()+len(text) > githubMostSummary {
			s.left += n - i
			return
		}
		s.text.WriteString(text)
	}
}

// githubRow returns one row on a finding for a step summary, with its first cell if there is one and the Markdown of its last.
func (o Options) githubRow(f *finding.Finding, first, last string) string {
	at := firstRange(f)
	place := ""
	if at.File != "" {
		r := o.regionOf(f.Object, at)
		place = fmt.Sprintf("%s:%d", r.file, r.line)
	}
	cells := []string{markdown(f.Rule), markdown(objectName(f.Object)), markdown(place), last}
	if first != "" {
		cells = append([]string{markdown(first)}, cells...)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}
