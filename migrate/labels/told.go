package labels

import (
	"bytes"
	"fmt"
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
	lines = append(lines, cautions(ns)...)
	if repaired := repairsTold(ns, stage); repaired != "" {
		lines = append(lines, "  "+repaired)
	}
	switch outcome {
	case ToSkip:
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
	for i := range ns.Writers {
		w := &ns.Writers[i]
		if w.Elsewhere != "" {
			continue
		}
		lines = append(lines, "  "+w.Object+" writes labels of this namespace, and its next sync would undo a change: put these into its "+w.Path)
		if w.New != "" {
			lines = append(lines, "  it writes them on "+w.New+": only a level that all of these meet belongs there")
		}
		for _, l := range Wanted(ns, stage) {
			lines = append(lines, "    "+inForm(w.Form, l))
		}
	}
	if len(lines) == 0 {
		return []string{"  " + ns.Owner + " writes this namespace and would undo what is not in its source: put these labels there"}
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
		if string(now.Level) == wanted {
			stays, wanted = strings.Replace(stays, quoted(wanted), quoted(now.String()), 1), wanted+":"+rec.EnforceVersion
		}
		return fmt.Sprintf("%s; %s, %s, is looser than today: ask for it with --enforce=%s -n %s, or mend the workloads",
			stays, wanted, wording.Because(ns), level, ns.Name)
	case level == "":
		return "audit and warn only, no enforce: something that touches it could not be read"
	}
	today := ""
	if value := wording.Standing(ns, api.EnforceLevelLabel); value != "" && value != level {
		today = " (today: " + value + ")"
	}
	return fmt.Sprintf("enforce %s, %s%s", level, wording.Because(ns), today)
}

func cautions(ns *migrate.Namespace) []string {
	lines := make([]string, len(ns.Cautions))
	for i, c := range ns.Cautions {
		lines[i] = "  caution: " + c
	}
	return lines
}

// say writes each line as a comment.
func say(b *bytes.Buffer, lines []string) {
	for _, line := range lines {
		comment(b, "%s", line)
	}
}
