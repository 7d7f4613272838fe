package report

import (
	"fmt"
	"strings"
)

// RolloutStep is a step of a roll-out with its outcome, in the form in which it is reported.
type RolloutStep struct {
	// Outcome is what became of the step: done, refused, altered, undone or kept; "" if it was only printed.
	Outcome string
	// Already is true if there was nothing left to change; DryRun if the server was asked and changed nothing; Undo if the step
	// is taken back.
	Already, DryRun, Undo bool
	Stage, Wave           string
	Namespace             string
	// Labels are the changes of the namespace's labels, or Object is the object that is created: "RoleBinding shop/psp".
	Labels []LabelChange
	Object string
	// Why it was refused, altered or kept; Overrode says which field managers lost labels by force.
	Why, Overrode string
	// AdmissionLabels and AdmissionFields are what the server's admission changed along with the step.
	AdmissionLabels []LabelChange
	AdmissionFields []string
}

// LabelChange is the change of one namespace label, as a report shows it. Before and After are nil where there is none.
type LabelChange struct {
	Key           string
	Before, After *string
}

// RolloutStepDocument builds the one-line report on a step of a roll-out.
func RolloutStepDocument(s *RolloutStep) *Document {
	text := fmt.Sprintf("%-8s %-8s ", s.word(), s.Stage)
	if s.Wave != "" {
		text += "wave " + s.Wave + ": "
	}
	text += s.change()
	if s.Why != "" {
		text += ": " + s.Why
	}
	if s.Overrode != "" && s.Outcome == "done" {
		text += "; overrode: " + s.Overrode
	}
	if len(s.AdmissionLabels) > 0 {
		text += "; the server's admission also changed labels: " + labelChanges(s.AdmissionLabels)
	}
	if len(s.AdmissionFields) > 0 {
		text += "; the server's admission also changed, and rollback leaves: " + strings.Join(s.AdmissionFields, ", ")
	}
	return &Document{OneLine: true, Blocks: []Block{List{Flat: true, Items: []Item{{Text: text, Role: RoleStatus}}}}}
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

// change returns the report's text on what a roll-out step changes: "shop: enforce=baseline (was privileged)".
func (s *RolloutStep) change() string {
	switch {
	case s.Object != "" && s.Undo:
		return "delete " + s.Object
	case s.Object != "":
		return "create " + s.Object
	}
	return s.Namespace + ": " + labelChanges(s.Labels)
}

// labelChanges returns the report's text on changes of namespace labels, in one line. A label that is not there looks
// like an empty one, as kubectl get -L shows it.
func labelChanges(changes []LabelChange) string {
	words := make([]string, len(changes))
	for i, c := range changes {
		words[i] = c.Key + "="
		if c.After != nil {
			words[i] += *c.After
		}
		if c.Before != nil {
			words[i] += " (was " + *c.Before + ")"
		}
	}
	return strings.Join(words, " ")
}
