package labels

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/wording"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// told is what there is to say of a namespace at a stage, a line each, the same in every form: what it gets and why, what
// is withheld, what blocks the next level, the cautions, and who else writes its labels.
func told(ns *migrate.Namespace, stage Stage) []string {
	outcome := OutcomeOf(ns, stage)
	switch {
	case outcome == ToRefuse:
		return []string{fmt.Sprintf("%s: refused, %s", quoted(ns.Name), Refused(ns))}
	case outcome == ToSkip && len(Wanted(ns, StageAll)) == 0:
		return append([]string{ns.Name + ": left alone, nothing is recommended"}, cautions(ns)...)
	}
	lines := []string{ns.Name + ": " + decision(ns, stage)}
	if blocked := wording.Blocked(ns); blocked != "" {
		lines = append(lines, fmt.Sprintf("  %s is blocked by %s", wording.NextStricter(ns.Needed), blocked))
	}
	if outcome == ToOwner {
		lines = append(lines, cautions(ns, ns.OwnerCautions()...)...)
	} else {
		lines = append(lines, cautions(ns)...)
	}
	if repaired := repairsTold(ns, stage); repaired != "" {
		lines = append(lines, "  "+repaired)
	}
	switch outcome {
	case ToSkip:
		if ns.Recommended.Enforce == "" {
			break // the first line says why
		}
		lines = append(lines, "  there is nothing to write at this stage")
	case ToStay:
		lines = append(lines, "  the labels are already so")
	case ToOwner:
		lines = append(lines, source(ns, stage)...)
	}
	return lines
}

// source says where the labels belong whose namespace another tool writes.
func source(ns *migrate.Namespace, stage Stage) []string {
	if ns.Owner == migrate.OpenShiftSyncer {
		return []string{
			"  " + ns.Owner + " writes these labels; it leaves the namespace to you once it has the label",
			"    " + migrate.OpenShiftOptOut + "=false",
		}
	}
	var lines []string
	writers := ns.Here()
	for _, w := range writers {
		at := w.Path
		if w.Position.File != "" {
			at += " (" + wording.Position(w.Position) + ")"
		}
		lines = append(lines, fmt.Sprintf("  %s %s, and its next %s would undo a change: put these into its %s", w.Object, migrate.Writes(w), next(w), at))
		if w.New != "" {
			lines = append(lines, "  it writes them on "+w.New+": only a level that all of these meet belongs there")
		}
	}
	if len(lines) == 0 {
		return []string{"  " + ns.Owner + " writes this namespace and would undo what is not in its source: put these labels there"}
	}
	if key := contradicted(writers); key != "" {
		lines = append(lines, "  they contradict each other in "+strings.TrimPrefix(key, labelPrefix)+": leave these labels to one of them")
	}
	return append(lines, inForms(writers, Wanted(ns, stage))...)
}

// next is what a writer does again.
func next(w *inventory.LabelWriter) string {
	if w.Form == inventory.LabelHCL {
		return "apply"
	}
	return "sync"
}

// contradicted is the first label to which two of the writers give different values; "" for none.
func contradicted(writers []*inventory.LabelWriter) string {
	for _, key := range migrate.LabelKeys() {
		values := map[string]bool{}
		for _, w := range writers {
			if value, ok := w.Labels[key]; ok {
				values[value] = true
			}
		}
		if len(values) > 1 {
			return key
		}
	}
	return ""
}

// inForms are the labels, once in each form that the writers have.
func inForms(writers []*inventory.LabelWriter, set []Label) []string {
	var lines []string
	done := map[inventory.LabelForm]bool{}
	for _, w := range writers {
		if done[w.Form] {
			continue
		}
		done[w.Form] = true
		for _, l := range set {
			lines = append(lines, "    "+inForm(w.Form, l))
		}
	}
	return lines
}

// inForm is a label as an object has it.
func inForm(form inventory.LabelForm, l Label) string {
	switch form {
	case inventory.LabelPairs:
		return "- {key: " + l.Key + ", value: " + l.Value + "}"
	case inventory.LabelHCL:
		return strconv.Quote(l.Key) + " = " + strconv.Quote(l.Value)
	}
	return l.Key + ": " + l.Value
}

// decision is the level, and what decided it.
func decision(ns *migrate.Namespace, stage Stage) string {
	level, rec := ns.Recommended.Enforce, ns.Recommended
	switch {
	case stage == StageObserve:
		return fmt.Sprintf("audit %s, warn %s", wording.LevelVersion(rec.Audit, rec.AuditVersion), wording.LevelVersion(rec.Warn, rec.WarnVersion))
	case HeldBack(ns):
		now, wanted := ns.Today().Enforce, level
		today, labelled := ns.Standing(api.EnforceLevelLabel)
		stays := "enforce stays " + quoted(today)
		if !labelled {
			stays = "enforce stays unset, with the default " + quoted(string(now.Level))
		}
		for _, l := range repairs(ns, Planned(ns, stage)) {
			if l.Key == api.EnforceLevelLabel {
				stays = fmt.Sprintf("enforce becomes %s, as which the server takes %s today", l.Value, quoted(today))
			}
		}
		if string(now.Level) == wanted {
			stays, wanted = strings.Replace(stays, quoted(wanted), quoted(now.String()), 1), wanted+":"+rec.EnforceVersion
		}
		return fmt.Sprintf("%s; %s, %s, is looser than today: ask for it with --enforce=%s -n %s, or mend the workloads",
			stays, wanted, wording.Because(ns), level, ns.Name)
	case level == "" && stage == StageEnforce:
		return "no enforce: something that touches it could not be read"
	case level == "":
		return "audit and warn only, no enforce: something that touches it could not be read"
	}
	today := ""
	if value := wording.Standing(ns, api.EnforceLevelLabel); value != "" && value != level {
		today = " (today: " + value + ")"
	}
	return fmt.Sprintf("enforce %s, %s%s", level, wording.Because(ns), today)
}

// cautions are those of the namespace but for what is said in another line.
func cautions(ns *migrate.Namespace, said ...string) []string {
	var lines []string
	for _, c := range ns.Cautions {
		if !slices.Contains(said, c) {
			lines = append(lines, "  caution: "+c)
		}
	}
	return lines
}

// elsewhere is true for a namespace whose owner is known to have the labels: an object with them applied would be fought
// over.
func elsewhere(ns *migrate.Namespace, stage Stage) bool {
	return ns.OwnerTold() && OutcomeOf(ns, stage) != ToRefuse
}

// snippets is true where source has the labels, in the form of what writes them.
func snippets(ns *migrate.Namespace) bool {
	return ns.Owner != migrate.OpenShiftSyncer && len(ns.Here()) > 0
}

// bare lists the labels of a namespace to put elsewhere, where told does not.
func bare(b *bytes.Buffer, ns *migrate.Namespace, stage Stage) {
	if snippets(ns) || OutcomeOf(ns, stage) != ToOwner {
		return
	}
	for _, l := range Wanted(ns, stage) {
		comment(b, "    %s: %s", l.Key, l.Value)
	}
}

// say writes each line as a comment.
func say(b *bytes.Buffer, lines []string) {
	for _, line := range lines {
		comment(b, "%s", line)
	}
}
