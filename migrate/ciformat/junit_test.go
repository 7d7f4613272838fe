package ciformat_test

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// junit is what tests read of a JUnit document.
type junit struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []struct {
		Name     string `xml:"name,attr"`
		ID       int    `xml:"id,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Cases    []struct {
			Classname string   `xml:"classname,attr"`
			Name      string   `xml:"name,attr"`
			Failure   []reason `xml:"failure"`
			Error     []reason `xml:"error"`
			Skipped   []reason `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

// reason is why a case of a JUnit document did not pass.
type reason struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
}

// readJUnit returns what the format junit writes of a result, and checks what readers rely on: the structure that both schemas
// have in common, counts that are right, and no name twice.
func readJUnit(t *testing.T, r *finding.Result) junit {
	t.Helper()
	text, _ := write(t, "junit", r)
	checkElements(t, text)
	var doc junit
	if err := xml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	names := map[string]bool{}
	for i, s := range doc.Suites {
		var failures, errors, skipped int
		for _, c := range s.Cases {
			key := fmt.Sprint(strings.Fields(c.Classname), strings.Fields(c.Name))
			if names[key] || strings.TrimSpace(c.Classname) == "" || strings.TrimSpace(c.Name) == "" {
				t.Errorf("case %s is there twice or has no name", key)
			}
			names[key] = true
			if len(c.Failure)+len(c.Error)+len(c.Skipped) > 1 {
				t.Errorf("case %s has more than one answer", key)
			}
			failures, errors, skipped = failures+len(c.Failure), errors+len(c.Error), skipped+len(c.Skipped)
		}
		if s.ID != i || strings.TrimSpace(s.Name) == "" || s.Tests != len(s.Cases) || s.Failures != failures || s.Errors != errors || s.Skipped != skipped {
			t.Errorf("suite %q counts wrong: %+v", s.Name, s)
		}
	}
	return doc
}

// checkElements fails where a JUnit document has an element or attribute that one of the two schemas lacks, or lacks one that
// Ant's schema demands.
func checkElements(t *testing.T, text string) {
	t.Helper()
	attributes := map[string]string{
		"testsuites": "", "testsuite": "errors failures hostname id name package skipped tests time timestamp", "properties": "", "property": "name value",
		"testcase": "classname name time", "failure": "message type", "error": "message type", "skipped": "message", "system-out": "", "system-err": "",
	}
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := decoder.Token()
		if token == nil {
			if err.Error() != "EOF" {
				t.Fatalf("%v in\n%s", err, text)
			}
			return
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		want, known := attributes[start.Name.Local]
		missing := map[string]bool{}
		for _, name := range strings.Fields(want) {
			missing[name] = true
		}
		for _, a := range start.Attr {
			if !missing[a.Name.Local] {
				t.Errorf("element %s has the attribute %s", start.Name.Local, a.Name.Local)
			}
			delete(missing, a.Name.Local)
		}
		if !known || len(missing) > 0 {
			t.Errorf("element %s is unknown, or lacks %v", start.Name.Local, missing)
		}
	}
}

// Suites are namespaces, then files; every check of every workload is a case; gaps are errors and exceptions are skipped.
func TestJUnitSuites(t *testing.T) {
	t.Parallel()
	var got []string
	for _, s := range readJUnit(t, everything(t)).Suites {
		got = append(got, fmt.Sprintf("%s: %d, %d failed, %d errors, %d skipped", s.Name, s.Tests, s.Failures, s.Errors, s.Skipped))
	}
	want := []string{
		"ci: 2, 1 failed, 0 errors, 1 skipped", "kube-system: 1, 0 failed, 0 errors, 1 skipped", "node: 3, 0 failed, 0 errors, 1 skipped",
		"web: 6, 3 failed, 0 errors, 0 skipped", ".psp2pss.yaml: 1, 1 failed, 0 errors, 0 skipped", "deploy/broken.yaml: 1, 0 failed, 1 errors, 0 skipped",
		"stdin: 3, 1 failed, 0 errors, 0 skipped",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Objects of one name, gaps of one name and two findings of one exception file keep their own cases.
func TestJUnitNamesAreUnique(t *testing.T) {
	t.Parallel()
	r := everything(t)
	for _, line := range []int{1, 60} {
		w := clean().Workloads[0]
		w.Position = pspparse.Position{File: "twice.yaml", Line: line}
		r.Workloads = append(r.Workloads, w, w)
	}
	r.Gaps = append(r.Gaps, r.Gaps...)
	r.Gaps = append(r.Gaps, finding.Gap{Message: message.Message{Text: "x"}}, finding.Gap{Message: message.Message{Text: "y"}})
	r.Findings = append(r.Findings, r.Findings...)
	readJUnit(t, r)
}

// Of two objects of one name in one file each has its own finding.
func TestSameNameInOneFile(t *testing.T) {
	t.Parallel()
	r := clean()
	r.Workloads, r.Findings = nil, nil
	for _, line := range []int{1, 60} {
		w := clean().Workloads[0]
		w.Passed, w.Failed, w.Position = nil, []string{"privileged"}, pspparse.Position{File: "a.yaml", Line: line}
		r.Workloads = append(r.Workloads, w)
		r.Findings = append([]finding.Finding{{Rule: "privileged", Object: w.Object, Message: fmt.Sprintf("found from %d", line), Places: []finding.Place{{Range: finding.Range{File: "a.yaml", Line: line + 5}}}}}, r.Findings...)
	}
	doc := readJUnit(t, r)
	if got := doc.Suites[0].Cases; len(got) != 2 || got[0].Failure[0].Message != "found from 1" || got[1].Failure[0].Message != "found from 60" {
		t.Errorf("got %+v", got)
	}
}

// A file that GitLab does not read is written whole, and said.
func TestJUnitLimit(t *testing.T) {
	t.Parallel()
	r := many(1, 1)
	r.Findings[0].Message = strings.Repeat("x", 16<<20)
	_, remarks := write(t, "junit", r)
	if diff := cmp.Diff([]string{"junit: the file has 32 MiB; GitLab reads at most 30"}, remarks); diff != "" {
		t.Errorf("remarks (-want +got):\n%s", diff)
	}
}
