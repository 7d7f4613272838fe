package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/engine/forecast"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// deltaColumn is the column of the report's wide table on what admission policies would have to add to the label.
const deltaColumn = "DELTA"

// deltaCell returns the table cell for what delta would have to add in a namespace.
func deltaCell(d *migrate.DeltaNeed) string {
	switch {
	case d == nil:
		return orDash("")
	case d.Result == migrate.DeltaConstraints:
		return english.Count(d.Constraints, "constraint", "constraints")
	case d.Result == migrate.DeltaNotExpressible:
		return "not expressible"
	}
	return "nothing"
}

// dropColumn takes a column out of a table of a report.
func (t *Table) dropColumn(title string) {
	at := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Title == title })
	if at < 0 {
		return
	}
	t.Columns = slices.Delete(t.Columns, at, at+1)
	for i := range t.Rows {
		t.Rows[i] = slices.Delete(t.Rows[i], at, at+1)
	}
}

// DeltaTexts returns the report's texts on what delta would have to add in a namespace, with the command that writes it; nil where the
// Plan does not say.
func DeltaTexts(ns *migrate.Namespace) []string {
	d := ns.Delta
	if d == nil {
		return nil
	}
	beside := "the label"
	if d.Beside != "" {
		beside = "enforce=" + string(d.Beside)
	}
	command := "psp2pss generate --mode delta -n " + escape.Shell(ns.Name)
	var texts []string
	switch {
	case d.Result == migrate.DeltaNothing:
		texts = append(texts, fmt.Sprintf("nothing: %s demands nothing beyond %s, and all pods here may use it; %s says the same", policyName(d.Policy), beside, command))
	case d.Result == migrate.DeltaNotExpressible:
		texts = append(texts, fmt.Sprintf("not expressible: %s; %s writes nothing here", deltaObstacle(d.Why, beside), command))
	case d.Constraints == 0:
		texts = append(texts, fmt.Sprintf("that only those create pods who may use a policy that demands nothing beyond %s: %s", beside, command))
	default:
		count := english.Count(d.Constraints, "constraint", "constraints")
		texts = append(texts, fmt.Sprintf("%s of %s beyond %s (%s): %s", count, english.Count(d.Policies, "policy", "policies"), beside, shortFields(d.Fields), command))
	}
	if len(d.NotKept) > 0 {
		texts = append(texts, "not kept: what they refuse by "+shortFields(d.NotKept))
	}
	if ns.HasUncertainPart(inventory.PartGrants) || ns.HasUncertainPart(inventory.PartPolicies) {
		texts = append(texts, "it can be more or less: not all policies and grants were read")
	}
	return texts
}

// deltaObstacle returns the report's words for why nothing is generated for a namespace though pods are refused there.
func deltaObstacle(why migrate.DeltaObstacle, beside string) string {
	switch why {
	case migrate.NoPolicyAdmits:
		return "none of the policies admits any pod, so that PodSecurityPolicy refuses all"
	case migrate.NobodyMayUse:
		return "nobody but administrators may use a policy here, so that PodSecurityPolicy refuses every other pod"
	}
	return "no pod for Linux satisfies both " + beside + " and a policy that somebody may use here"
}

// shortFields joins fields of policies for a sentence of a report.
func shortFields(fields []string) string {
	return shortAnnotation(strings.Join(fields, ", "))
}

// addKept adds to a report which way to go on keeps what of a policy, by field, and what each does otherwise.
func (d *Document) addKept(plan *migrate.Plan, po *migrate.Policy) {
	fields := forecast.OfPolicy(plan, po)
	if len(fields) == 0 {
		return
	}
	t := &Table{Columns: []Column{{"FIELD", RoleText}, {"LABEL ONLY", RoleText}, {"DELTA", RoleText}, {"CONTINUITY", RoleText}}}
	var notes []string
	checked := false
	for _, f := range fields {
		checked = checked || f.Label == forecast.Checked || f.Delta == forecast.Checked || f.Continuity == forecast.Checked
		var marks []string
		for _, m := range f.Notes {
			at := slices.Index(notes, m.Text)
			if at < 0 {
				at = len(notes)
				notes = append(notes, m.Text)
			}
			marks = append(marks, fmt.Sprint(at+1))
		}
		mark := ""
		if len(marks) > 0 {
			mark = " (" + strings.Join(marks, ", ") + ")"
		}
		t.Rows = append(t.Rows, []string{shortFields(f.Names), string(f.Label), string(f.Delta) + mark, string(f.Continuity) + mark})
	}
	points := []string{"label only is enforce=" + string(po.ClosestLevel) + "; the others are psp2pss generate --mode delta, and --mode continuity"}
	if checked {
		points = append(points, string(forecast.Checked)+": pods are refused as today, and templates have to state what the policy set")
	}
	for i, note := range notes {
		points = append(points, fmt.Sprintf("(%d) %s", i+1, note))
	}
	d.add(Heading("MODES of generate, and what of it they keep"), t, listOf(points))
}
