package ciformat

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/psp2pss/psp2pss/migrate/finding"
)

// junitMostBytes is how large a JUnit file may be for GitLab to read it.
const junitMostBytes = 30 << 20

// WriteJUnit writes a check's result as one JUnit XML document that meets the schemas of both Ant and Jenkins: a suite for each
// namespace, or for each file where objects name none, and a case for each rule of each workload. A pass is a passed case, a gap an
// error, an excepted finding a skipped case. It returns the error of writing.
func WriteJUnit(w io.Writer, r *finding.Result, o Options) error {
	out := &countingWriter{w: bufio.NewWriter(w)}
	_, _ = io.WriteString(out, xml.Header) // Flush reports the error
	encoder := xml.NewEncoder(out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(junitDocument(r, o)); err != nil {
		return err
	}
	_, _ = io.WriteString(out, "\n")
	if out.n > junitMostBytes {
		o.remark(fmt.Sprintf("junit: the file has %d MiB; GitLab reads at most %d", out.n>>20, junitMostBytes>>20))
	}
	return out.w.Flush()
}

// countingWriter writes a JUnit document through a buffer, and counts its bytes.
type countingWriter struct {
	w *bufio.Writer
	n int
}

// Write writes text, and returns the error of the writer below.
func (c *countingWriter) Write(text []byte) (int, error) {
	n, err := c.w.Write(text)
	c.n += n
	return n, err
}

// junitSuites is the root of a JUnit document.
type junitSuites struct {
	XMLName xml.Name      `xml:"testsuites"`
	Suites  []*junitSuite `xml:"testsuite"`
}

// junitSuite is one suite of a JUnit document, with the elements in the order that Ant's schema asks for.
type junitSuite struct {
	ID         int             `xml:"id,attr"`
	Name       string          `xml:"name,attr"`
	Package    string          `xml:"package,attr"`
	Hostname   string          `xml:"hostname,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Properties junitProperties `xml:"properties"`
	Cases      []junitCase     `xml:"testcase"`
	Out        string          `xml:"system-out"`
	Err        string          `xml:"system-err"`
}

// junitProperties are the properties of a JUnit suite.
type junitProperties struct {
	Properties []junitProperty `xml:"property"`
}

// junitProperty is one property of a JUnit suite.
type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

// junitCase is one case of a JUnit suite. It has at most one of the three elements.
type junitCase struct {
	Classname string       `xml:"classname,attr"`
	Name      string       `xml:"name,attr"`
	Time      string       `xml:"time,attr"`
	Failure   *junitReason `xml:"failure"`
	Error     *junitReason `xml:"error"`
	Skipped   *junitReason `xml:"skipped"`
}

// junitReason is why a JUnit case failed, could not run, or was skipped; a skipped one has no type.
type junitReason struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// junitSuiteKey tells the suites of namespaces, which come first, from those of files.
type junitSuiteKey struct {
	file bool
	name string
}

// junitDocument returns a check's result as a JUnit document.
func junitDocument(r *finding.Result, o Options) junitSuites {
	suites, keys := map[junitSuiteKey]*junitSuite{}, []junitSuiteKey{}
	names := junitNames{}
	for _, outcome := range outcomes(r) {
		key := junitSuiteKey{outcome.object.Namespace == "", cmp.Or(outcome.object.Namespace, o.fileName(outcome.position.File))}
		if suites[key] == nil {
			suites[key] = newJUnitSuite(key, r, o)
			keys = append(keys, key)
		}
		suites[key].add(outcome, names)
	}
	slices.SortFunc(keys, func(a, b junitSuiteKey) int {
		if a.file != b.file {
			return cmp.Compare(strconv.FormatBool(a.file), strconv.FormatBool(b.file))
		}
		return cmp.Compare(a.name, b.name)
	})
	doc := junitSuites{Suites: []*junitSuite{}}
	for i, key := range keys {
		suites[key].ID = i
		doc.Suites = append(doc.Suites, suites[key])
	}
	if len(doc.Suites) > 0 {
		doc.Suites[0].Out = junitRemarks(r)
	}
	return doc
}

// newJUnitSuite returns a JUnit suite without cases.
func newJUnitSuite(key junitSuiteKey, r *finding.Result, o Options) *junitSuite {
	name := junitToken(key.name)
	run := o.Time
	if run.IsZero() {
		run = time.Unix(0, 0)
	}
	kind := "namespace"
	if key.file {
		kind = "file"
	}
	return &junitSuite{
		Name: name, Package: name, Hostname: "localhost", Timestamp: run.UTC().Format("2006-01-02T15:04:05"), Time: "0",
		Properties: junitProperties{[]junitProperty{{kind, shown(key.name)}, {"psp2pss", shown(r.ToolVersion)}}},
	}
}

// junitToken returns text as a name in a JUnit document: not empty, whatever a reader does with spaces.
func junitToken(s string) string {
	if strings.TrimSpace(s) == "" {
		return strconv.Quote(s)
	}
	return shown(s)
}

// add puts an outcome into a JUnit suite as a case.
func (s *junitSuite) add(o outcome, names junitNames) {
	c := junitCase{Classname: s.Name, Name: junitToken(o.rule), Time: "0"}
	if o.object.Kind != "" {
		c.Classname += "." + junitToken(o.object.Kind) + "." + junitToken(o.object.Name)
	}
	s.Tests++
	switch o.status {
	case statusFailed:
		s.Failures++
		c.Failure = junitFailure(o)
	case statusExcepted:
		s.Skipped++
		c.Skipped = &junitReason{Message: exceptionText(o.ignored), Text: junitText(o.finding)}
	case statusSkipped:
		s.Skipped++
		c.Name = "Pod Security Standards"
		c.Skipped = &junitReason{Message: o.why}
	case statusUnknown:
		s.Errors++
		c.Name = junitToken(cmp.Or(o.gap.What, "could not be evaluated"))
		c.Error = &junitReason{Message: shown(o.gap.Text), Type: cmp.Or(shown(o.gap.ID), "gap"), Text: shown(rangePosition(positionRange(o.gap.Position)))}
	}
	names.makeUnique(&c, o.position.File, o.position.Line)
	s.Cases = append(s.Cases, c)
}

// junitFailure returns why a case failed in JUnit: the type is the severity of its finding.
func junitFailure(o outcome) *junitReason {
	if o.finding == nil {
		return &junitReason{Message: "failed", Type: finding.SeverityError, Text: shown(rangePosition(positionRange(o.position)))}
	}
	message := shown(o.finding.Message)
	if o.finding.New {
		message += " (new)"
	}
	return &junitReason{Message: message, Type: cmp.Or(shown(o.finding.Severity), finding.SeverityError), Text: junitText(o.finding)}
}

// junitText returns the text of a finding in JUnit, with every place of it.
func junitText(f *finding.Finding) string {
	return strings.Join(append([]string{headline(f)}, details(f, 0)...), "\n")
}

// junitRemarks returns what a check's result says beside its outcomes: notes, and what is fixed.
func junitRemarks(r *finding.Result) string {
	var lines []string
	for _, n := range r.Notes {
		lines = append(lines, "Note: "+gapText(&finding.Gap{Message: n.Message, What: n.What}))
	}
	for _, k := range r.Fixed {
		lines = append(lines, "Fixed: "+fixedText(k))
	}
	return strings.Join(lines, "\n")
}

// junitNames are the cases that a JUnit document has, by class and name: of equal ones readers count the first only. The value is the
// number that the next case of the name gets.
type junitNames map[[2]string]int

// makeUnique renames a case of a name that is taken: the position of its object tells it from the other, else a number.
func (n junitNames) makeUnique(c *junitCase, file string, line int) {
	key := func() [2]string { return [2]string{junitCollapsed(c.Classname), junitCollapsed(c.Name)} }
	if n[key()] > 0 && file != "" {
		c.Classname += " at " + shown(rangePosition(finding.Range{File: file, Line: line}))
	}
	name, first := c.Name, key()
	for n[key()] > 0 {
		c.Name = fmt.Sprintf("%s (%d)", name, n[first])
		n[first]++
	}
	n[key()] = 2
}

// junitCollapsed returns a name of a JUnit document as readers compare it: without spaces around it, and with single ones within.
func junitCollapsed(s string) string { return strings.Join(strings.Fields(s), " ") }
