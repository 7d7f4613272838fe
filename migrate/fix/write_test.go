package fix

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// What is left of one object is told together, one line for each reason, and then what was not read and what the reader notes.
func TestWriteLeft(t *testing.T) {
	t.Parallel()
	left := func(line int, object string, r Reason, what, why string) Left {
		return Left{Position: pspparse.Position{File: "a.yaml", Line: line}, Object: object, Reason: r, What: what, Why: why}
	}
	f := fixer{result: &Result{Left: []Left{
		left(9, "Pod c", ReasonTest, "seccomp", "z"),
		left(1, "Pod b", ReasonTest, "escalation", "x"), left(1, "Pod b", ReasonDecide, "hostPorts", "q"), left(1, "Pod b", ReasonTest, "seccomp", "y"),
		left(1, "Pod a", ReasonDecide, "hostPorts", "q"), left(1, "Pod a", ReasonTest, "seccomp", "y"), left(1, "Pod b", ReasonFile, "volumes", "it is a template"),
	}}}
	f.sortLeft()
	at := pspparse.Position{File: "a.yaml", Line: 12}
	c := &Collector{
		Gaps:  []inventory.Gap{{What: "document 3", Position: at, Why: message.New("document-is-sequence")}},
		Notes: []inventory.Note{{What: `"k8s"`, Position: pspparse.Position{File: "k8s"}, Why: message.New("folders-below-not-read")}, {What: "document 4", Position: at, Why: message.New("file-empty")}},
	}
	var out bytes.Buffer
	WriteLeft(&out, f.result, c)
	want := `left: a.yaml:1: Pod b: volumes: it is a template
left: a.yaml:1: Pod b: edits have to be tried, add --include=test: escalation, seccomp
left: a.yaml:1: Pod b: for you to decide: hostPorts: q
left: a.yaml:1: Pod a: edits have to be tried, add --include=test: seccomp
left: a.yaml:1: Pod a: for you to decide: hostPorts: q
left: a.yaml:9: Pod c: edits have to be tried, add --include=test: seccomp
`
	want += "not read: a.yaml:12: document 3: " + message.New("document-is-sequence").Text + "\n" +
		"note: \"k8s\": the folders below it were not read: add -R to read them\n" +
		"note: a.yaml:12: document 4: " + message.New("file-empty").Text + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The summary ends with what to do next, and names no git apply that would refuse the diff.
func TestWriteSummary(t *testing.T) {
	t.Parallel()
	file := func(name string) File { return File{Name: name, Edits: make([]Edit, 2)} }
	for _, c := range []struct {
		result  Result
		written bool
		want    string
	}{
		{Result{}, false, "no edits\n"},
		{Result{Files: []File{file("k8s/a.yaml")}}, false, "2 edits in 1 file; nothing is written yet: add --write, or pipe the diff into 'git apply'\n"},
		{Result{Files: []File{file("k8s/a.yaml")}}, true, "2 edits in 1 file\n"},
		{
			Result{Files: []File{file("a.yaml"), file("../b.yaml")}},
			false,
			"4 edits in 2 files; nothing is written yet: add --write, or run this in a folder above all the files, where 'git apply' takes the diff\n",
		},
		{
			Result{Files: []File{file("a.yaml")}, NamespacesWithoutManifest: []string{"a", "b"}},
			false,
			"2 edits in 1 file; there is no manifest of namespaces a, b; nothing is written yet: add --write, or pipe the diff into 'git apply'\n",
		},
	} {
		var out bytes.Buffer
		WriteSummary(&out, &c.result, c.written)
		if diff := cmp.Diff(c.want, out.String()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}
