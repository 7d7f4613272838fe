package labels

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// namespaceRemarks returns the comment lines on a namespace's labels at a stage, the same in every form of the labels:
// what it gets and why, what is withheld, what blocks the next level, the cautions, and who else writes its labels.
func namespaceRemarks(ns *migrate.Namespace, stage Stage) []string {
	outcome := OutcomeOf(ns, stage)
	switch {
	case outcome == OutcomeRefused:
		return []string{fmt.Sprintf("%s: refused, %s", strconv.QuoteToASCII(ns.Name), WhyRefused(ns))}
	case outcome == OutcomeSkipped && len(WantedLabels(ns, StageAll)) == 0:
		return append([]string{ns.Name + ": left alone, nothing is recommended"}, cautionRemarks(ns)...)
	}
	lines := []string{ns.Name + ": " + describeDecision(ns, stage)}
	if blocked := phrases.BlockersPhrase(ns); blocked != "" {
		lines = append(lines, fmt.Sprintf("  %s is blocked by %s", levels.NextStricter(ns.NeededLevel), blocked))
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

// labelSourceRemarks returns the remarks on where the labels of a namespace belong that another tool writes.
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
		lines = append(lines, "  they contradict each other in "+strings.TrimPrefix(key, inventory.PodSecurityLabelPrefix)+": leave these labels to one of them")
	}
	return append(lines, labelsInForms(writers, WantedLabels(ns, stage))...)
}

// nextOwnerRun returns what the owner of a namespace's labels does regularly: its next sync, or apply.
func nextOwnerRun(w *inventory.LabelWriter) string {
	if w.Syntax == inventory.LabelHCL {
		return "apply"
	}
	return "sync"
}

// contradictingKey returns the first label to which two of the writers of a namespace give different values; "" for
// none.
func contradictingKey(writers []*inventory.LabelWriter) string {
	for _, key := range inventory.PodSecurityLabelKeys() {
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

// labelsInForms returns the Pod Security labels to write once in each syntax that the writers of a namespace's labels
// use.
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

// labelInForm returns a Pod Security label in the syntax of an object that writes labels.
func labelInForm(form inventory.LabelSyntax, l Label) string {
	switch form {
	case inventory.LabelPairs:
		return "- {key: " + l.Key + ", value: " + l.Value + "}"
	case inventory.LabelHCL:
		return strconv.Quote(l.Key) + " = " + strconv.Quote(l.Value)
	}
	return l.Key + ": " + l.Value
}

// describeDecision returns the remark on which level the labels of a namespace get, and what decided it.
func describeDecision(ns *migrate.Namespace, stage Stage) string {
	level, rec := ns.RecommendedLabels.Enforce, ns.RecommendedLabels
	switch {
	case stage == StageObserve:
		return fmt.Sprintf("audit %s, warn %s", phrases.LevelVersion(rec.Audit, rec.AuditVersion), phrases.LevelVersion(rec.Warn, rec.WarnVersion))
	case WithholdsLoosening(ns):
		now, wanted := ns.EffectivePolicyToday().Enforce, level
		today, labelled := ns.LabelValue(api.EnforceLevelLabel)
		stays := "enforce stays " + strconv.QuoteToASCII(today)
		if !labelled {
			stays = "enforce stays unset, with the default " + strconv.QuoteToASCII(string(now.Level))
		}
		for _, l := range labelsToRepair(ns, StageLabels(ns, stage)) {
			if l.Key == api.EnforceLevelLabel {
				stays = fmt.Sprintf("enforce becomes %s, as which the server takes %s today", l.Value, strconv.QuoteToASCII(today))
			}
		}
		if string(now.Level) == wanted {
			stays, wanted = strings.Replace(stays, strconv.QuoteToASCII(wanted), strconv.QuoteToASCII(now.String()), 1), wanted+":"+rec.EnforceVersion
		}
		return fmt.Sprintf("%s; %s, %s, is looser than today: ask for it with --enforce=%s -n %s, or fix the workloads",
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

// cautionRemarks returns the cautions on a namespace's labels, without those that another remark has.
func cautionRemarks(ns *migrate.Namespace, said ...message.Message) []string {
	var lines []string
	for _, c := range ns.Cautions {
		if !slices.ContainsFunc(said, func(s message.Message) bool { return s.Text == c.Text }) {
			lines = append(lines, "  caution: "+c.Text)
		}
	}
	return lines
}

// belongsToOwner reports whether the labels of a namespace belong to an owner that is known to write them: an object with
// them applied would be overwritten again.
func belongsToOwner(ns *migrate.Namespace, stage Stage) bool {
	return ns.CautionsNameOwner() && OutcomeOf(ns, stage) != OutcomeRefused
}

// showsOwnerSnippets reports whether labelSourceRemarks has the labels, in the form of their owner.
func showsOwnerSnippets(ns *migrate.Namespace) bool {
	return ns.LabelOwner != migrate.OpenShiftLabelSyncer && len(ns.LocalLabelWriters()) > 0
}

// writeBareLabels writes comments with the labels of a namespace to put elsewhere, where namespaceRemarks does not have
// them.
func writeBareLabels(b *bytes.Buffer, ns *migrate.Namespace, stage Stage) {
	if showsOwnerSnippets(ns) || OutcomeOf(ns, stage) != OutcomeOwned {
		return
	}
	for _, l := range WantedLabels(ns, stage) {
		script.Comment(b, "    %s: %s", l.Key, l.Value)
	}
}

// writeComments writes each line as a comment into a form of the labels.
func writeComments(b *bytes.Buffer, lines []string) {
	for _, line := range lines {
		script.Comment(b, "%s", line)
	}
}
