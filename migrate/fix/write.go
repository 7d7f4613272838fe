package fix

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// WriteDiff writes the diff of a fixed file below comments that say which edits are made, and each reason once. 'git apply'
// and 'patch' pass over these.
func WriteDiff(b *bytes.Buffer, f *File) {
	object := ""
	told := map[string]bool{}
	for i := range f.Edits {
		e := &f.Edits[i]
		if head := fmt.Sprintf("%s, line %d", e.Object, e.Position.Line); head != object {
			object = head
			fmt.Fprintf(b, "# %s\n", escape.Comment(head))
		}
		text := e.describe()
		if !told[e.Why] {
			told[e.Why], text = true, text+": "+e.Why
		}
		fmt.Fprintf(b, "#   %s\n", escape.Comment(text))
	}
	b.Write(UnifiedDiff(f))
}

// WriteEdits writes a line for each edit of a fixed file.
func WriteEdits(b *bytes.Buffer, f *File) {
	for i := range f.Edits {
		e := &f.Edits[i]
		fmt.Fprintf(b, "%s\n", escape.Lines(escape.Terminal(fmt.Sprintf("%s: %s: %s", phrases.FileLine(e.Position), e.Object, e.describe()))))
	}
}

// describe returns an edit of a fix in words: what is set, and whether it has to be tried.
func (e *Edit) describe() string {
	text := fmt.Sprintf("%s=%s", e.Path, e.Value)
	if e.Safety == finding.SafetyTest {
		text = "to test: " + text
	}
	return text
}

// WriteLeft writes what a fix leaves, with the reasons, what of the input could not be read, and what the reader notes about it. What is
// left of one document for one reason is one line.
func WriteLeft(w io.Writer, r *Result, c *Collector) {
	var b bytes.Buffer
	for rest := r.Left; len(rest) > 0; {
		same := 1
		for same < len(rest) && rest[0].isLike(&rest[same]) {
			same++
		}
		writeLeft(&b, rest[:same])
		rest = rest[same:]
	}
	for _, g := range c.Gaps {
		writeAbout(&b, "not read", g.What, g.Position, g.Why.Text)
	}
	for _, n := range c.Notes {
		writeAbout(&b, "note", n.What, n.Position, n.Why.Text)
	}
	_, _ = w.Write(b.Bytes())
}

// writeAbout writes a line about a piece of the input of a fix, with its position where that says more than what names it.
func writeAbout(b *bytes.Buffer, label, what string, at pspparse.Position, text string) {
	if at.File != "" && (at.Line > 0 || !strings.Contains(what, at.File)) {
		what = phrases.FileLine(at) + ": " + what
	}
	fmt.Fprintf(b, "%s: %s\n", label, escape.Terminal(what+": "+text))
}

// isLike reports whether two things that a fix leaves are told in one line.
func (l *Left) isLike(other *Left) bool {
	return l.Position == other.Position && l.Object == other.Object && l.Reason == other.Reason && l.Snippet == "" && other.Snippet == "" &&
		(l.Reason == ReasonTest || l.Why == other.Why)
}

// writeLeft writes a line about what a fix leaves of one document, and below it what to paste.
func writeLeft(b *bytes.Buffer, same []Left) {
	l := &same[0]
	var what []string
	for _, s := range same {
		if s.What != "" && !slices.Contains(what, s.What) {
			what = append(what, s.What)
		}
	}
	text := fmt.Sprintf("%s: %s: ", phrases.FileLine(l.Position), l.Object)
	list := strings.Join(what, ", ")
	switch {
	case l.Reason == ReasonTest:
		text += "edits have to be tried, add --include=test: " + list
	case list == "":
		text += l.Why
	case l.Reason == ReasonDecide:
		text += "for you to decide: " + list + ": " + l.Why
	default:
		text += list + ": " + l.Why
	}
	fmt.Fprintf(b, "left: %s\n", escape.Terminal(text))
	for line := range strings.SplitSeq(strings.TrimSuffix(l.Snippet, "\n"), "\n") {
		if line != "" {
			fmt.Fprintf(b, "    %s\n", escape.Terminal(line))
		}
	}
}

// WriteSummary writes a line that counts what was fixed and what is left, and what to do next.
func WriteSummary(w io.Writer, r *Result, written bool) {
	edits, left := 0, map[Reason]int{}
	for _, f := range r.Files {
		edits += len(f.Edits)
	}
	for _, l := range r.Left {
		left[l.Reason]++
	}
	text := fmt.Sprintf("%s in %s", english.Count(edits, "edit", "edits"), english.Count(len(r.Files), "file", "files"))
	if edits == 0 {
		text = "no edits"
	}
	if n := left[ReasonTest]; n > 0 {
		text += fmt.Sprintf(", %d to be tried first (--include=test)", n)
	}
	if n := left[ReasonDecide]; n > 0 {
		text += fmt.Sprintf(", %d for you to decide", n)
	}
	if n := left[ReasonNotPlanned]; n > 0 {
		text += fmt.Sprintf(", %s that the plan does not know", english.Count(n, "namespace", "namespaces"))
	}
	if r.Owned > 0 {
		text += fmt.Sprintf(", %s that a controller makes passed over", english.Count(r.Owned, "object", "objects"))
	}
	if n := len(r.NamespacesWithoutManifest); n > 0 {
		text += fmt.Sprintf("; there is no manifest of %s %s", english.Plural(n, "namespace", "namespaces"), english.First(r.NamespacesWithoutManifest, 5))
	}
	elsewhere := slices.ContainsFunc(r.Files, func(f File) bool { return !filepath.IsLocal(f.Name) })
	switch {
	case edits == 0 || written:
	case elsewhere:
		text += "; nothing is written yet: add --write, or run this in a folder above all the files, where 'git apply' takes the diff"
	default:
		text += "; nothing is written yet: add --write, or pipe the diff into 'git apply'"
	}
	_, _ = fmt.Fprintf(w, "%s\n", escape.Terminal(text))
}
