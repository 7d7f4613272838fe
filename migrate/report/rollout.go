package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/english"
)

// RolloutStep is a step of a roll-out with its outcome, in the form in which it is reported.
type RolloutStep struct {
	// Outcome is what became of the step: done, refused, altered, undone or not-reverted; "" if it was only printed.
	Outcome string
	// Number is the place of the step among the Total that are taken, from 1; 0 if it was only printed.
	Number, Total int
	// Already is true if there was nothing left to change; DryRun if the server was asked and changed nothing; Undo if the step
	// is taken back; Existed if the object was there before the roll-out, so that taking the step back leaves it.
	Already, DryRun, Undo, Existed bool
	Stage, Wave                    string
	Batch                          int
	Namespace                      string
	// Labels are the changes of the namespace's labels, or Object is the object that is created: "RoleBinding shop/psp".
	Labels []LabelChange
	Object string
	// Policy is an object of a set of admission policies that is installed, "validatingadmissionpolicy/psp2pss-shop"; Denies is true
	// where it is a binding that is to refuse.
	Policy string
	Denies bool
	// Why it was refused, altered or not reverted; Overrode says which field managers lost labels by force.
	Why, Overrode string
	// AdmissionLabels and AdmissionFields are what the server's admission changed along with the step.
	AdmissionLabels []LabelChange
	AdmissionFields []string
}

// RolloutStepDocument builds the report on one step of a roll-out that was tried: a line with its number, what became of it
// and what it changes.
func RolloutStepDocument(s *RolloutStep, opts Options) *Document {
	lead, text := "", ""
	if s.Total > 0 {
		lead = fmt.Sprintf("%*d/%d ", len(fmt.Sprint(s.Total)), s.Number, s.Total)
	}
	lead += fmt.Sprintf("%-8s %-8s", s.word(), s.Stage)
	if s.Wave != "" {
		text += "wave " + s.Wave + ": "
	}
	if s.Object == "" && s.Policy == "" {
		text += s.Namespace + ": "
	}
	text += s.change()
	if s.Why != "" {
		text += ": " + s.Why
	}
	if s.Overrode != "" && s.Outcome == "done" {
		text += "; overrode: " + s.Overrode
	}
	if len(s.AdmissionLabels) > 0 {
		text += "; the server's admission also changed labels: " + admissionLabelChanges(s.AdmissionLabels)
	}
	if len(s.AdmissionFields) > 0 {
		text += "; the server's admission also changed, and rollback leaves: " + strings.Join(s.AdmissionFields, ", ")
	}
	if opts.Width == 0 {
		return &Document{OneLine: true, Blocks: []Block{List{Flat: true, Items: []Item{{Text: lead + " " + text, Role: RoleStep}}}}}
	}
	return &Document{Blocks: []Block{&Table{Columns: []Column{{"", RoleStep}, {"", RoleText}}, Rows: [][]string{{lead, text}}}}}
}

// RolloutPreviewDocument builds the report on the steps that a roll-out would take, or a rollback take back: a table in
// their order, of the first most of them (0 for all), and the counts.
func RolloutPreviewDocument(steps []RolloutStep, most int, opts Options) *Document {
	t := &Table{}
	batches := hasBatchesWithinStage(steps)
	waves := slices.ContainsFunc(steps, func(s RolloutStep) bool { return s.Wave != "" })
	add := func(shown bool, title string) {
		if shown {
			t.Columns = append(t.Columns, Column{title, RoleText})
		}
	}
	add(batches, "BATCH")
	add(waves, "WAVE")
	for _, title := range []string{"STAGE", "NAMESPACE", "CHANGE"} {
		add(true, title)
	}
	shown := steps
	if most > 0 && len(steps) > most {
		shown = steps[:most]
		t.Omitted = fmt.Sprintf("... and %s: --dry-run=client prints all", english.Count(len(steps)-most, "more step", "more steps"))
	}
	for i := range shown {
		s := &shown[i]
		var row []string
		if batches {
			row = append(row, fmt.Sprint(s.Batch+1))
		}
		if waves {
			row = append(row, orDash(s.Wave))
		}
		t.Rows = append(t.Rows, append(row, s.Stage, orDash(s.Namespace), strings.TrimSuffix(s.change(), " in "+s.Namespace)))
	}
	return &Document{OneLine: opts.Width == 0, Blocks: []Block{t, Paragraph{RolloutSummary(steps) + "."}}}
}

// hasBatchesWithinStage reports whether a report on the steps of a roll-out has to name their batches: without a number of
// namespaces each stage of a wave is one batch, and taking steps back knows no batches.
func hasBatchesWithinStage(steps []RolloutStep) bool {
	for i := 1; i < len(steps); i++ {
		before, s := &steps[i-1], &steps[i]
		if !s.Undo && s.Batch != before.Batch && s.Stage == before.Stage && s.Wave == before.Wave {
			return true
		}
	}
	return false
}

// RolloutSummary returns, for a report, how many namespaces, labels and objects the steps of a roll-out or a rollback
// change: "2 namespaces: 8 labels to add, 1 to change; 3 objects to create".
func RolloutSummary(steps []RolloutStep) string {
	namespaces := map[string]bool{}
	var labels, objects, policies rolloutCounts
	for i := range steps {
		s := &steps[i]
		if s.Namespace != "" {
			namespaces[s.Namespace] = true
		}
		switch {
		case s.Policy != "" && s.Undo:
			policies.removed++
		case s.Denies:
			policies.changed++
		case s.Policy != "":
			policies.added++
		case s.Object == "" || s.Existed:
		case s.Undo:
			objects.removed++
		default:
			objects.added++
		}
		for k := range s.Labels {
			labels.add(&s.Labels[k])
		}
	}
	changed := "to change"
	if len(steps) > 0 && steps[0].Undo {
		changed = "to restore"
	}
	parts := slices.DeleteFunc([]string{
		labels.text("label", "to add", changed, "to remove"), objects.text("object", "to create", "", "to delete"),
		policies.text("policy object", "to install", "to set to deny", "to take back"),
	}, func(text string) bool { return text == "" })
	if len(parts) == 0 {
		parts = []string{"nothing to change"}
	}
	if len(namespaces) == 0 && policies != (rolloutCounts{}) {
		return strings.Join(parts, "; ")
	}
	return english.Count(len(namespaces), "namespace", "namespaces") + ": " + strings.Join(parts, "; ")
}

// rolloutCounts are, for a report, how many things the steps of a roll-out add, change and remove.
type rolloutCounts struct{ added, changed, removed int }

// add counts the change of one namespace label for a report.
func (n *rolloutCounts) add(c *LabelChange) {
	switch {
	case !c.isChange():
	case c.After == nil:
		n.removed++
	case c.Before == nil:
		n.added++
	default:
		n.changed++
	}
}

// text returns the counts in the words of a report: "8 labels to add, 1 to change"; "" if all are 0.
func (n *rolloutCounts) text(noun, added, changed, removed string) string {
	var parts []string
	for _, count := range []struct {
		n    int
		what string
	}{{n.added, added}, {n.changed, changed}, {n.removed, removed}} {
		switch {
		case count.n == 0:
		case len(parts) == 0:
			parts = append(parts, english.Count(count.n, noun, noun+"s")+" "+count.what)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", count.n, count.what))
		}
	}
	return strings.Join(parts, ", ")
}

// word returns the word of a report for the outcome of a roll-out step: done, already, would, refused.
func (s *RolloutStep) word() string {
	switch {
	case s.Outcome == "", s.Outcome == "done" && s.DryRun && !s.Already:
		return "would"
	case s.Outcome == "done" && s.Already:
		return "already"
	}
	return s.Outcome
}

// change returns the report's text on what a roll-out step changes, or a rollback restores: "enforce: none ->
// baseline:v1.25", "enforce removed (was baseline)".
func (s *RolloutStep) change() string {
	switch {
	case s.Policy != "" && s.Undo && s.Existed:
		return "put back " + s.Policy + " as it was"
	case s.Policy != "" && s.Undo:
		return "delete " + s.Policy
	case s.Denies:
		return "have " + s.Policy + " refuse"
	case s.Policy != "":
		return "install " + s.Policy
	case s.Object != "" && s.Undo && s.Existed:
		return "leave " + s.Object
	case s.Object != "" && s.Undo:
		return "delete " + s.Object
	case s.Object != "":
		return "create " + s.Object
	case s.Undo:
		return restoredLabels(s.Labels)
	}
	return changedLabels(s.Labels)
}
