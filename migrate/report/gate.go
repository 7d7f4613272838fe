package report

import (
	"bytes"
	"fmt"
	"io"

	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// maxGateObjects is how many objects are shown of a reason; the formats for programs have all of them.
const maxGateObjects = 5

// GateDocument builds the report on the gate's answer: the verdict, then every reason and open question in the order in which
// to clear them.
func GateDocument(r *gate.Result, _ Options) *Document {
	d := &Document{OneLine: true}
	d.add(List{Flat: true, Items: []Item{{Text: r.Summary(), Role: RoleStatus}}})
	var steps Steps
	for _, f := range r.Findings() {
		if f.Unknown != nil {
			steps = append(steps, unknownStep(f.Unknown))
		} else {
			steps = append(steps, reasonStep(r, f.Reason))
		}
	}
	if len(steps) > 0 {
		d.add(steps)
	}
	var notes List
	for _, n := range r.Notes {
		notes.Items = append(notes.Items, Item{Text: n.Text, Objects: firstObjects(n.Objects)})
	}
	if len(notes.Items) > 0 {
		d.add(Heading("WORTH KNOWING"), notes)
	}
	return d
}

// unknownStep returns the step of the report for an open question of the gate: what is unknown, and how to find out.
func unknownStep(u *gate.Unknown) Step {
	step := Step{Text: fmt.Sprintf("UNKNOWN %s: %s", u.ID, u.Text), Role: RoleStatus}
	if len(u.Advice) > 0 {
		step.Blocks = append(step.Blocks, Paragraph{u.Advice.String()})
	}
	step.Blocks = append(step.Blocks, Commands(u.Commands))
	if u.Assert != "" {
		step.Blocks = append(step.Blocks, Paragraph{fmt.Sprintf("once you know: --assert=%s", u.Assert)})
	}
	return step
}

// reasonStep returns the step of the report for a reason against the upgrade, with the commands that clear it.
func reasonStep(r *gate.Result, reason *gate.Reason) Step {
	step := Step{Text: reason.ID + ": " + reason.Text, Blocks: []Block{firstObjects(reason.Objects)}}
	if len(reason.Advice) > 0 {
		step.Blocks = append(step.Blocks, Paragraph{reason.Advice.String()})
	}
	if r.AwaitsAssertion(reason) {
		step.Blocks = append(step.Blocks, Paragraph{fmt.Sprintf("not before %s is known to hold", reason.Requires)})
	}
	from := 0
	for _, stop := range reason.Stops {
		step.Blocks = append(step.Blocks, Commands(reason.Commands[from:stop]), Paragraph{"and when you have looked at that:"})
		from = stop
	}
	step.Blocks = append(step.Blocks, Commands(reason.Commands[from:]))
	return step
}

// firstObjects returns, for a report, the first objects that a reason of the gate is about, and the number of the
// others.
func firstObjects(objects []message.Message) Objects {
	names := message.Texts(objects)
	if len(names) <= maxGateObjects {
		return Objects{Names: names}
	}
	return Objects{Names: names[:maxGateObjects], Omitted: len(names) - maxGateObjects}
}

// GateNames writes the ids of the gate's reasons and open questions, one a line, for scripts. It returns the error of
// writing.
func GateNames(w io.Writer, r *gate.Result, _ Options) error {
	var b bytes.Buffer
	for _, f := range r.Findings() {
		if f.Reason != nil {
			fmt.Fprintf(&b, "reason/%s\n", f.Reason.ID)
		} else {
			fmt.Fprintf(&b, "unknown/%s\n", f.Unknown.ID)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}
