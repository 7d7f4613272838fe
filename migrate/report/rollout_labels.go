package report

import (
	"slices"
	"strings"
)

// LabelChange is the change of one namespace label, as a report shows it. Before and After are nil where there is none.
type LabelChange struct {
	// Key of a label that a step changes is without the prefix of Pod Security: enforce, enforce-version.
	Key           string
	Before, After *string
}

// isChange reports whether the label of a report's LabelChange has another value after than before.
func (c *LabelChange) isChange() bool {
	return (c.Before == nil) != (c.After == nil) || c.Before != nil && *c.Before != *c.After
}

// versionSuffix ends the key of the label that pins the version of a mode.
const versionSuffix = "-version"

// modeChange is the changes of the two labels of one mode in a report: the level and the version; nil for none.
type modeChange struct {
	mode           string
	level, version *LabelChange
}

// modeChanges groups the changes of namespace labels in a report by mode, in the order of their first labels.
func modeChanges(changes []LabelChange) []modeChange {
	var out []modeChange
	for i := range changes {
		mode, isVersion := strings.CutSuffix(changes[i].Key, versionSuffix)
		at := slices.IndexFunc(out, func(m modeChange) bool { return m.mode == mode })
		if at < 0 {
			at, out = len(out), append(out, modeChange{mode: mode})
		}
		if isVersion {
			out[at].version = &changes[i]
		} else {
			out[at].level = &changes[i]
		}
	}
	return out
}

// labelPart is one part of a report's text on label changes: a label or mode, and what happens to it.
type labelPart struct{ name, text string }

// joinParts joins the parts of a report's text on label changes, those with one text together: "audit, warn removed". Each
// has the separator between its names and its text.
func joinParts(parts []labelPart, separator string) string {
	var texts []string
	names := map[string][]string{}
	for _, p := range parts {
		if names[p.text] == nil {
			texts = append(texts, p.text)
		}
		names[p.text] = append(names[p.text], p.name)
	}
	for i, text := range texts {
		texts[i] = strings.Join(names[text], ", ") + separator + text
	}
	return strings.Join(texts, "; ")
}

// changedLabels returns the report's text on label changes of a roll-out: "enforce: privileged -> baseline:v1.25".
func changedLabels(changes []LabelChange) string {
	var parts []labelPart
	for _, m := range modeChanges(changes) {
		if m.isPair() {
			parts = append(parts, labelPart{m.mode, levelWithVersion(m.level.Before, m.version.Before) + " -> " + levelWithVersion(m.level.After, m.version.After)})
			continue
		}
		for _, c := range m.labels() {
			parts = append(parts, labelPart{c.Key, labelValue(c.Before) + " -> " + labelValue(c.After)})
		}
	}
	return joinParts(parts, ": ")
}

// restoredLabels returns the report's text on what a rollback does to labels, which are Before it as the roll-out left
// them: "enforce removed (was baseline)", "enforce restored to privileged (was baseline)". The version of a mode goes with
// its level where both go.
func restoredLabels(changes []LabelChange) string {
	var parts []labelPart
	for _, m := range modeChanges(changes) {
		switch {
		case m.isPair() && m.level.After != nil && m.version.After != nil && m.level.isChange() && m.version.isChange():
			parts = append(parts, labelPart{m.mode, "restored to " + levelWithVersion(m.level.After, m.version.After) + " (was " + levelWithVersion(m.level.Before, m.version.Before) + ")"})
			continue
		case m.isPair() && m.level.After == nil && m.version.After == nil:
			m.version = nil
		}
		for _, c := range m.labels() {
			parts = append(parts, labelPart{c.Key, restoredLabel(c)})
		}
	}
	return joinParts(parts, " ")
}

// restoredLabel returns the report's text on what a rollback does to one label, without its key.
func restoredLabel(c *LabelChange) string {
	switch {
	case !c.isChange():
		return "stays " + labelValue(c.After)
	case c.After == nil:
		return "removed (was " + labelValue(c.Before) + ")"
	}
	return "restored to " + labelValue(c.After) + " (was " + labelValue(c.Before) + ")"
}

// isPair reports whether the level and the version of a mode both change in a report, and no version stands without a
// level.
func (m *modeChange) isPair() bool {
	return m.level != nil && m.version != nil && (m.level.Before != nil || m.version.Before == nil) && (m.level.After != nil || m.version.After == nil)
}

// labels returns the label changes of a mode in a report, the level first.
func (m *modeChange) labels() []*LabelChange {
	return slices.DeleteFunc([]*LabelChange{m.level, m.version}, func(c *LabelChange) bool { return c == nil })
}

// levelWithVersion returns a level and its version as Pod Security Admission writes them together in a report:
// "restricted:v1.25".
func levelWithVersion(level, version *string) string {
	if version == nil {
		return labelValue(level)
	}
	return labelValue(level) + ":" + labelValue(version)
}

// labelValue returns the value of a label in a report; none if it is absent.
func labelValue(value *string) string {
	switch {
	case value == nil:
		return "none"
	case *value == "":
		return `""`
	}
	return *value
}

// admissionLabelChanges returns the report's text on changes of any labels of a namespace, by their whole keys. A label
// that is not there looks like an empty one, as kubectl get -L shows it.
func admissionLabelChanges(changes []LabelChange) string {
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
