package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// inWide is the flag with which an explanation leaves nothing out.
const inWide = "-o wide"

// restInWide returns the text on how many points an explanation leaves out, and which flag shows them.
func restInWide(n int) string { return fmt.Sprintf("... and %d more: %s", n, inWide) }

// mostValues is the number of entries of a list that one line shows.
const mostValues = 6

// addLost adds to a report what policies enforce and a level does not: first what becomes possible, then what is no longer set. The
// level is named as "at baseline"; text is how each loss is told.
func (d *Document) addLost(lost []migrate.LostConstraint, level string, text func(*migrate.LostConstraint) string) {
	lost = GravestFirst(lost)
	d.addSection("YOU LOSE: refused today, and allowed "+level, lostTexts(lost, mapping.SecurityLoss, text))
	d.addSection("YOU LOSE: set in pods today, and no longer", lostTexts(lost, mapping.FunctionalLoss, text))
}

// GravestFirst returns lost constraints for a report, those that keep pods from the node and from root before the others.
func GravestFirst(lost []migrate.LostConstraint) []migrate.LostConstraint {
	gravest := []string{"privileged", "hostPID", "hostNetwork", "hostIPC", "volumes", "allowedHostPaths", "hostPorts", "allowedCapabilities", "runAsUser", "allowPrivilegeEscalation"}
	rank := func(l migrate.LostConstraint) int {
		if i := slices.Index(gravest, l.Field); i >= 0 {
			return i
		}
		return len(gravest)
	}
	lost = slices.Clone(lost)
	slices.SortStableFunc(lost, func(a, b migrate.LostConstraint) int { return rank(a) - rank(b) })
	return lost
}

// mergeLost returns lost constraints for a report, those that differ only in the policies and their values as one.
func mergeLost(lost []migrate.LostConstraint) []migrate.LostConstraint {
	var out []migrate.LostConstraint
	for _, l := range lost {
		same := func(o migrate.LostConstraint) bool {
			return o.Class == l.Class && o.Field == l.Field && o.Note.Text == l.Note.Text &&
				(l.Class != mapping.FunctionalLoss || o.Text(o.Field, 0) == l.Text(l.Field, 0))
		}
		i := slices.IndexFunc(out, same)
		if i < 0 {
			out = append(out, l)
			continue
		}
		all := slices.Concat(out[i].Policies, l.Policies)
		slices.Sort(all)
		out[i].Policies = slices.Compact(all)
	}
	return out
}

// lostTexts returns the report's texts on the lost constraints of one class, equal ones once.
func lostTexts(lost []migrate.LostConstraint, class mapping.LossClass, text func(*migrate.LostConstraint) string) []string {
	var items []string
	for i := range lost {
		if lost[i].Class != class {
			continue
		}
		if t := text(&lost[i]); !slices.Contains(items, t) {
			items = append(items, t)
		}
	}
	return items
}

// shortLostText returns the report's text on what the loss of a constraint of policies means, with the field, and without what
// could take its place.
func shortLostText(l *migrate.LostConstraint) string {
	text, _, _ := strings.Cut(l.Note.Text, "; ")
	of := shortAnnotation(l.Field)
	if l.Class == mapping.FunctionalLoss {
		of = fieldWithValue(l.Field, l.Value)
	}
	if len(l.Policies) > 0 {
		of += " of " + joinPolicies(l.Policies)
	}
	return text + " (" + of + ")"
}

// WholeLostText returns the report's text on the loss of a constraint of policies, with its value, what it means, and what could
// take its place.
func WholeLostText(l *migrate.LostConstraint) string {
	text := l.Note.Text + " (" + fieldWithValue(l.Field, l.Value)
	if len(l.Policies) > 0 {
		text += ", of " + joinPolicies(l.Policies)
	}
	text += ")"
	if len(l.MayBeCoveredBy) > 0 {
		text += "; " + strings.Join(l.MayBeCoveredBy[:min(3, len(l.MayBeCoveredBy))], ", ") + " may cover it"
	}
	return text
}

// fieldWithValue returns the report's text on a field of a policy: "fsGroup: MustRunAs 1-65535", or the name alone.
func fieldWithValue(field string, value mapping.Value) string {
	if text := value.Text(field, mostValues); text != "" {
		return shortAnnotation(field) + ": " + text
	}
	return shortAnnotation(field)
}

// joinPolicies returns the names of policies in a report, or "every policy".
func joinPolicies(names []string) string {
	if slices.Equal(names, []string{migrate.EveryPolicy}) {
		return "every policy"
	}
	return english.And(names)
}
