package files

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// told gathers what holds for many documents or files, so that it becomes one note each.
type told struct {
	notes map[string]*gathered
}

type gathered struct {
	count int
	first pspparse.Position
	// what names the first, if it is no document.
	what string
}

// note records one more case; what names it if it is a file rather than a document.
func (t *told) note(why string, at pspparse.Position, what string) {
	if t.notes == nil {
		t.notes = map[string]*gathered{}
	}
	g := t.notes[why]
	if g == nil {
		g = &gathered{first: at, what: what}
		t.notes[why] = g
	}
	g.count++
	if cmp.Or(cmp.Compare(at.File, g.first.File), cmp.Compare(at.Line, g.first.Line)) < 0 {
		g.first, g.what = at, what
	}
}

// flush hands the notes on.
func (t *told) flush(out *inventory.Builder) {
	for _, why := range slices.Sorted(maps.Keys(t.notes)) {
		g := t.notes[why]
		one, many := "document", "documents"
		if g.what != "" {
			one, many = quote(g.what), "files"
		}
		what := one
		if g.count > 1 {
			what = fmt.Sprintf("%d %s", g.count, many)
			why += "; the first is shown"
		}
		out.AddNote(inventory.Note{What: what, Why: why, Position: g.first})
	}
}
