package files

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// noteCollector collects notes that hold for many documents or files, so that each becomes one.
type noteCollector struct {
	// notes are the notes by their text.
	notes map[string]*collectedNote
}

// collectedNote is one note and how many documents or files it is for.
type collectedNote struct {
	why message.Message
	// count is how many documents or files it is for.
	count int
	// first is the position of the first.
	first pspparse.Position
	// subject names the first, if it is a file.
	subject string
}

// add counts one more document or file of a note; what names it if it is a file and no document.
func (t *noteCollector) add(why message.Message, at pspparse.Position, what string) {
	if t.notes == nil {
		t.notes = map[string]*collectedNote{}
	}
	g := t.notes[why.Text]
	if g == nil {
		g = &collectedNote{why: why, first: at, subject: what}
		t.notes[why.Text] = g
	}
	g.count++
	if cmp.Or(cmp.Compare(at.File, g.first.File), cmp.Compare(at.Line, g.first.Line)) < 0 {
		g.first, g.subject = at, what
	}
}

// flush adds the collected notes on documents and files to the inventory.
func (t *noteCollector) flush(out inventory.Sink) {
	for _, text := range slices.Sorted(maps.Keys(t.notes)) {
		g := t.notes[text]
		one, many := "document", "documents"
		if g.subject != "" {
			one, many = quoteInput(g.subject), "files"
		}
		what := one
		if g.count > 1 {
			what = fmt.Sprintf("%d %s", g.count, many)
			g.why = g.why.With("many", true)
		}
		out.AddNote(inventory.Note{What: what, Why: g.why, Position: g.first})
	}
}
