package ciformat

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/manifest"
)

// gitlabIssue is one entry of a Code Quality report of GitLab.
type gitlabIssue struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

// gitlabLocation is where an entry of a Code Quality report is.
type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

// gitlabLines are the lines of an entry of a Code Quality report.
type gitlabLines struct {
	Begin int `json:"begin"`
}

// WriteGitLab writes a check's result as a Code Quality report of GitLab: its findings, then what is excepted as information and what was
// not evaluated as major, since the format has no other place for them. It returns the error of writing.
func WriteGitLab(w io.Writer, r *finding.Result, o Options) error {
	report := gitlabReport{o: o, out: manifest.NewJSONWriter(w), seen: map[string]bool{}}
	for i := range r.Findings {
		f := &r.Findings[i]
		severity := map[string]string{finding.SeverityWarning: "minor", finding.SeverityNote: "info"}[f.Severity]
		report.add(f.Object, firstRange(f), gitlabIssue{Description: headline(f), CheckName: f.Rule, Severity: cmp.Or(severity, "critical"), Fingerprint: f.Fingerprint})
	}
	for i := range r.Ignored {
		f := &r.Ignored[i].Finding
		report.add(f.Object, firstRange(f), gitlabIssue{
			Description: headline(f) + ": " + exceptionText(&r.Ignored[i]), CheckName: f.Rule, Severity: "info", Fingerprint: f.Fingerprint,
		})
	}
	for i := range r.Gaps {
		g := &r.Gaps[i]
		report.add(finding.Object{}, positionRange(g.Position), gitlabIssue{Description: "Not evaluated: " + gapText(g), CheckName: cmp.Or(g.ID, "gap"), Severity: "major"})
	}
	return report.close()
}

// gitlabReport is a Code Quality report of GitLab that is being written.
type gitlabReport struct {
	o    Options
	out  *manifest.JSONWriter
	seen map[string]bool // fingerprints
	// err is the first error of writing.
	err error
}

// add writes an entry of a Code Quality report, at a place of the input. GitLab takes entries of one fingerprint for one: each gets
// its own.
func (g *gitlabReport) add(object finding.Object, at finding.Range, issue gitlabIssue) {
	r := g.o.regionOf(object, at)
	issue.CheckName = shown(issue.CheckName)
	issue.Location = gitlabLocation{shown(r.file), gitlabLines{r.line}}
	own := shown(issue.Fingerprint)
	for i := 0; own == "" || g.seen[own]; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %d", issue.Fingerprint, issue.CheckName, issue.Location.Path, issue.Description, i))
		own = hex.EncodeToString(sum[:])
	}
	separator := ",\n  "
	if len(g.seen) == 0 {
		separator = "[\n  "
	}
	g.seen[own] = true
	issue.Fingerprint = own
	if g.err == nil {
		_, _ = g.out.WriteString(separator) // Flush reports the error
		g.err = g.out.Encode(issue, "  ")
	}
}

// close writes the end of a Code Quality report, and returns the first error of writing.
func (g *gitlabReport) close() error {
	end := "\n]\n"
	if len(g.seen) == 0 {
		end = "[]\n"
	}
	_, _ = g.out.WriteString(end) // Flush reports the error
	if g.err != nil {
		return g.err
	}
	return g.out.Flush()
}
