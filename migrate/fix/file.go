package fix

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/yamledit"
)

// fixFile makes the wanted edits in one file and adds it to the result, or notes why they are left.
func (f *fixer) fixFile(ctx context.Context, name string, read []*document, wanted []group) {
	leaveAll := func(why string) {
		for _, g := range wanted {
			f.leave(g.document, ReasonFile, g.what(), why)
		}
	}
	if name == files.StdinPath {
		leaveAll("it comes from standard input: name its file")
		return
	}
	text, err := f.ReadFile(name)
	if err != nil {
		leaveAll(fileerror.Explain(name, err).Error())
		return
	}
	if isCompressed(name) || !utf8.Valid(text) {
		leaveAll("only plain text in UTF-8 is edited: the file is compressed, or in another encoding")
		return
	}
	now := documentsOf(ctx, text)
	if !slices.EqualFunc(read, now, func(a *document, b document) bool { return a.at.Line == b.at.Line && bytes.Equal(a.json, b.json) }) {
		leaveAll("the file was changed since it was read: run it again")
		return
	}
	for i := range read {
		read[i].column = now[i].column
	}
	wanted = f.withoutGenerated(text, wanted)
	t := &fileText{fixer: f, read: read, before: text}
	after, made := t.edit(ctx, wanted)
	if len(made) == 0 || bytes.Equal(after, text) {
		return
	}
	out := File{Name: name, Before: text, After: after}
	for _, g := range made {
		out.Edits = append(out.Edits, g.edits...)
	}
	f.result.Files = append(f.result.Files, out)
}

// what names, for a person, what a group of edits fixes: the check, else the field.
func (g *group) what() string {
	if g.check != "" || len(g.edits) == 0 {
		return g.check
	}
	return g.edits[0].Path.String()
}

// documentsOf returns the documents of a text that can be fixed, read as the reader reads a file.
func documentsOf(ctx context.Context, text []byte) []document {
	c := NewCollector(inventory.NewBuilder())
	r := files.Reader{Paths: []string{files.StdinPath}, Stdin: bytes.NewReader(text), EachObject: c.show}
	if r.Read(ctx, c) != nil {
		return nil
	}
	return c.documents
}

// fileText is the text of a file while it is fixed.
type fileText struct {
	*fixer
	read   []*document
	before []byte
}

// edit returns the file's text with as many of the groups of edits as can be made, and those groups. What cannot be edited safely is
// left out, as is a group with which its document, read again, does not meet its check.
func (t *fileText) edit(ctx context.Context, wanted []group) ([]byte, []group) {
	for len(wanted) > 0 {
		after, refused, err := yamledit.Apply(t.before, editsOf(wanted))
		if err != nil {
			t.leaveGroups(wanted, func(*group) string { return err.Error() })
			return t.before, nil
		}
		reasons := map[string]string{}
		for _, r := range refused {
			reasons[editKey(r.Edit)] = r.Reason.Text
		}
		why := func(g *group) string { return g.refusal(reasons) }
		if len(refused) == 0 {
			why = t.notMet(documentsOf(ctx, after), wanted)
		}
		failed := slices.DeleteFunc(slices.Clone(wanted), func(g group) bool { return why(&g) == "" })
		if len(failed) == 0 {
			return after, wanted
		}
		t.leaveGroups(failed, why)
		wanted = slices.DeleteFunc(slices.Clone(wanted), func(g group) bool { return why(&g) != "" })
	}
	return t.before, nil
}

// leaveGroups notes that groups of edits of the file are left, and why.
func (t *fileText) leaveGroups(groups []group, why func(*group) string) {
	for i := range groups {
		t.leave(groups[i].document, ReasonFile, groups[i].what(), why(&groups[i]))
	}
}

// editsOf returns the edits of groups as the editor of the file's text takes them.
func editsOf(groups []group) []yamledit.Edit {
	var out []yamledit.Edit
	for _, g := range groups {
		for _, e := range g.edits {
			out = append(out, yamledit.Edit{Line: e.Position.Line, Column: g.document.column, Path: e.Path, Value: e.Value})
		}
	}
	return out
}

// editKey identifies an edit of a file.
func editKey(e yamledit.Edit) string { return fmt.Sprint(e.Line, ":", e.Column, " ", e.Path) }

// refusal returns why the editor of the file's text refused an edit of the group; "" if it refused none.
func (g *group) refusal(reasons map[string]string) string {
	for _, e := range editsOf([]group{*g}) {
		if why := reasons[editKey(e)]; why != "" {
			return why
		}
	}
	return ""
}

// notMet returns a function that says why a group of edits must not be made, given what the edited file holds: its document does not
// meet the check then, or another document changed. It returns "" for a group that is as it should be.
func (t *fileText) notMet(after []document, wanted []group) func(*group) string {
	const unsure = "the edited text would not be read as it should be"
	edited := map[*document]bool{}
	for _, g := range wanted {
		edited[g.document] = true
	}
	index := map[*document]int{}
	intact := len(after) == len(t.read)
	for i, d := range t.read {
		index[d] = i
		intact = intact && (edited[d] || bytes.Equal(d.json, after[i].json))
	}
	return func(g *group) string {
		if !intact || !t.meets(&after[index[g.document]], g) {
			return unsure
		}
		return ""
	}
}

// meets reports whether a document of the edited file has what a group of edits writes, and meets its check.
func (t *fileText) meets(d *document, g *group) bool {
	var object map[string]any
	if unmarshal(d.json, &object) != nil {
		return false
	}
	for _, e := range g.edits {
		if !sameValue(valueAt(object, e.Path), e.Value) {
			return false
		}
	}
	if g.check == "" {
		return true
	}
	if g.template >= len(d.templates) {
		return false
	}
	shape := d.templates[g.template].shape
	return !t.evaluator.Fails(g.check, shape.Annotations, &shape.Spec, t.Version)
}

// The marks of a file that a program writes: in its first comment, and of Helm above a document.
var (
	generatedMark = regexp.MustCompile(`(?i)do not edit|@generated|code generated|auto-?generated|automatically generated`)
	helmMark      = regexp.MustCompile(`^# Source: (.*/templates/.*)$`)
)

// withoutGenerated returns the groups of edits of documents that no program writes, and notes the others: a fix would be lost.
func (f *fixer) withoutGenerated(text []byte, wanted []group) []group {
	lines := strings.Split(string(text), "\n")
	head := ""
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line != "" && line != "---" && !strings.HasPrefix(line, "#") {
			break
		}
		if head == "" && generatedMark.MatchString(line) {
			head = line
		}
	}
	above := map[int]string{} // of the lines that were looked above: many objects may begin on one
	return slices.DeleteFunc(slices.Clone(wanted), func(g group) bool {
		line := g.document.at.Line
		mark, known := above[line]
		if !known {
			mark = cmp.Or(head, markAbove(lines, line))
			above[line] = mark
		}
		if mark != "" {
			f.leave(g.document, ReasonFile, g.what(), fmt.Sprintf("a program writes it and would undo an edit (%s): change what it is made from", english.EscapeInput(mark)))
		}
		return mark != ""
	})
}

// markAbove returns the comment above a document by which a program says that it wrote it; "" for none.
func markAbove(lines []string, line int) string {
	for i := min(line-1, len(lines)) - 1; i >= 0; i-- {
		text := strings.TrimSpace(lines[i])
		if text != "" && !strings.HasPrefix(text, "#") {
			return ""
		}
		if generatedMark.MatchString(text) || helmMark.MatchString(text) {
			return text
		}
	}
	return ""
}
