package labels

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// namespaceRemarks is what there is to say of a namespace at a stage, a line each, the same in every form: what it gets and why, what
// is withheld, what blocks the next level, the cautions, and who else writes its labels.
func namespaceRemarks(ns *migrate.Namespace, stage Stage) []string {
	outcome := OutcomeOf(ns, stage)
	switch {
	case outcome == OutcomeRefused:
		return []string{fmt.Sprintf("%s: refused, %s", quoteASCII(ns.Name), WhyRefused(ns))}
	case outcome == OutcomeSkipped && len(WantedLabels(ns, StageAll)) == 0:
		return append([]string{ns.Name + ": left alone, nothing is recommended"}, cautionRemarks(ns)...)
	}
	lines := []string{ns.Name + ": " + describeDecision(ns, stage)}
	if blocked := phrases.BlockersPhrase(ns); blocked != "" {
		lines = append(lines, fmt.Sprintf("  %s is blocked by %s", phrases.NextStricterLevel(ns.NeededLevel), blocked))
	}
	if outcome == OutcomeOwned {
		lines = append(lines, cautionRemarks(ns, ns.LabelOwnerCautions()...)...)
	} else {
		lines = append(lines, cautionRemarks(ns)...)
	}
	if repaired := describeRepairs(ns, stage); repaired != "" {
		lines = append(lines, "  "+repaired)
	}
	switch outcome {
	case OutcomeSkipped:
		if ns.RecommendedLabels.Enforce == "" {
			break // the first line says why
		}
		lines = append(lines, "  there is nothing to write at this stage")
	case OutcomeUnchanged:
		lines = append(lines, "  the labels are already so")
	case OutcomeOwned:
		lines = append(lines, labelSourceRemarks(ns, stage)...)
	}
	return lines
}

// labelSourceRemarks says where the labels belong whose namespace another tool writes.
func labelSourceRemarks(ns *migrate.Namespace, stage Stage) []string {
	if ns.LabelOwner == migrate.OpenShiftLabelSyncer {
		return []string{
			"  " + ns.LabelOwner + " writes these labels; it leaves the namespace to you once it has the label",
			"    " + migrate.OpenShiftSyncOptOutLabel + "=false",
		}
	}
	var lines []string
	writers := ns.LocalLabelWriters()
	for _, w := range writers {
		at := w.Path
		if w.Position.File != "" {
			at += " (" + phrases.FileLine(w.Position) + ")"
		}
		lines = append(lines, fmt.Sprintf("  %s %s, and its next %s would undo a change: put these into its %s", w.Object, migrate.LabelWriterText(w), nextOwnerRun(w), at))
		if w.NewNamespaces != "" {
			lines = append(lines, "  it writes them on "+w.NewNamespaces+": only a level that all of these meet belongs there")
		}
	}
	if len(lines) == 0 {
		return []string{"  " + ns.LabelOwner + " writes this namespace and would undo what is not in its source: put these labels there"}
	}
	if key := contradictingKey(writers); key != "" {
		lines = append(lines, "  they contradict each other in "+strings.TrimPrefix(key, podSecurityLabelPrefix)+": leave these labels to one of them")
	}
	return append(lines, labelsInForms(writers, WantedLabels(ns, stage))...)
}

// nextOwnerRun is what a writer does again.
func nextOwnerRun(w *inventory.LabelWriter) string {
	if w.Syntax == inventory.LabelHCL {
		return "apply"
	}
	return "sync"
}

// contradictingKey is the first label to which two of the writers give different values; "" for none.
func contradictingKey(writers []*inventory.LabelWriter) string {
	for _, key := range migrate.PodSecurityLabelKeys() {
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

// labelsInForms are the labels, once in each form that the writers have.
func labelsInForms(writers []*inventory.LabelWriter, set []Label) []string {
	var lines []string
	done := map[inventory.LabelSyntax]bool{}
	for _, w := range writers {
		if done[w.Syntax] {
			continue
		}
		done[w.Syntax] = true
		for _, l := range set {
			lines = append(lines, "    "+labelInForm(w.Syntax, l))
		}
	}
	return lines
}

// labelInForm is a label as an object has it.
func labelInForm(form inventory.LabelSyntax, l Label) string {
	switch form {
	case inventory.LabelPairs:
		return "- {key: " + l.Key + ", value: " + l.Value + "}"
	case inventory.LabelHCL:
		return strconv.Quote(l.Key) + " = " + strconv.Quote(l.Value)
	}
	return l.Key + ": " + l.Value
}

// describeDecision is the level, and what decided it.
func describeDecision(ns *migrate.Namespace, stage Stage) string {
	level, rec := ns.RecommendedLabels.Enforce, ns.RecommendedLabels
	switch {
	case stage == StageObserve:
		return fmt.Sprintf("audit %s, warn %s", phrases.LevelVersion(rec.Audit, rec.AuditVersion), phrases.LevelVersion(rec.Warn, rec.WarnVersion))
	case WithholdsLoosening(ns):
		now, wanted := ns.EffectivePolicyToday().Enforce, level
		today, labelled := ns.LabelValue(api.EnforceLevelLabel)
		stays := "enforce stays " + quoteASCII(today)
		if !labelled {
			stays = "enforce stays unset, with the default " + quoteASCII(string(now.Level))
		}
		for _, l := range labelsToRepair(ns, StageLabels(ns, stage)) {
			if l.Key == api.EnforceLevelLabel {
				stays = fmt.Sprintf("enforce becomes %s, as which the server takes %s today", l.Value, quoteASCII(today))
			}
		}
		if string(now.Level) == wanted {
			stays, wanted = strings.Replace(stays, quoteASCII(wanted), quoteASCII(now.String()), 1), wanted+":"+rec.EnforceVersion
		}
		return fmt.Sprintf("%s; %s, %s, is looser than today: ask for it with --enforce=%s -n %s, or mend the workloads",
			stays, wanted, phrases.DecisionReason(ns), level, ns.Name)
	case level == "" && stage == StageEnforce:
		return "no enforce: something that touches it could not be read"
	case level == "":
		return "audit and warn only, no enforce: something that touches it could not be read"
	}
	today := ""
	if value := phrases.CurrentLabel(ns, api.EnforceLevelLabel); value != "" && value != level {
		today = " (today: " + value + ")"
	}
	return fmt.Sprintf("enforce %s, %s%s", level, phrases.DecisionReason(ns), today)
}

// cautionRemarks are those of the namespace but for what is said in another line.
func cautionRemarks(ns *migrate.Namespace, said ...string) []string {
	var lines []string
	for _, c := range ns.Cautions {
		if !slices.Contains(said, c) {
			lines = append(lines, "  caution: "+c)
		}
	}
	return lines
}

// belongsToOwner is true for a namespace whose owner is known to have the labels: an object with them applied would be fought
// over.
func belongsToOwner(ns *migrate.Namespace, stage Stage) bool {
	return ns.CautionsNameOwner() && OutcomeOf(ns, stage) != OutcomeRefused
}

// showsOwnerSnippets is true where source has the labels, in the form of what writes them.
func showsOwnerSnippets(ns *migrate.Namespace) bool {
	return ns.LabelOwner != migrate.OpenShiftLabelSyncer && len(ns.LocalLabelWriters()) > 0
}

// writeBareLabels lists the labels of a namespace to put elsewhere, where told does not.
func writeBareLabels(b *bytes.Buffer, ns *migrate.Namespace, stage Stage) {
	if showsOwnerSnippets(ns) || OutcomeOf(ns, stage) != OutcomeOwned {
		return
	}
	for _, l := range WantedLabels(ns, stage) {
		writeComment(b, "    %s: %s", l.Key, l.Value)
	}
}

// writeComments writes each line as a comment.
func writeComments(b *bytes.Buffer, lines []string) {
	for _, line := range lines {
		writeComment(b, "%s", line)
	}
}
