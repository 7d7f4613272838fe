package report

import (
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// loggedTexts returns the report's texts on what audit logs say of the pods of a workload: each policy, and what it set.
func loggedTexts(wl *migrate.Workload) []string {
	if wl.Logged == nil {
		return nil
	}
	var out []string
	for _, p := range wl.Logged.Policies {
		text := english.Count(p.Pods, "pod", "pods") + " admitted by no policy" + loggedTime(p.First, p.Last)
		if p.Policy != "" {
			text = fmt.Sprintf("%s admitted%s by psp/%s%s", english.Count(p.Pods, "pod", "pods"), changedText(p), p.Policy, loggedTime(p.First, p.Last))
		}
		var set []string
		for _, m := range p.Mutations {
			set = append(set, m.Path+": "+m.Value)
		}
		if len(set) > 0 {
			text += "; it set " + strings.Join(set, ", ")
		}
		if p.Various {
			text += " in the last, and other values in others"
		}
		out = append(out, text)
	}
	switch wl.Logged.Result {
	case "agrees":
		out = append(out, "the simulation says the same of a new pod")
	case "differs":
		out = append(out, "the simulation says something else of a new pod")
	case "unseen":
		out = append(out, "the log has none of its pods")
	}
	return out
}

// changedText returns the report's words on how many pods a policy changed, by audit logs; "" where these do not show it.
func changedText(p migrate.LoggedPolicies) string {
	switch {
	case p.Changed == 0 && p.Unchanged == 0:
		return ""
	case p.Changed == p.Pods:
		return " and changed"
	case p.Unchanged == p.Pods:
		return " unchanged"
	case p.Changed+p.Unchanged == p.Pods:
		return fmt.Sprintf(", %d of them changed,", p.Changed)
	}
	return fmt.Sprintf(", %d of them changed and %d not,", p.Changed, p.Unchanged)
}

// loggedTime returns the report's words on the time that something in an audit log took; "" where the log has no times.
func loggedTime(first, last string) string {
	switch {
	case first == "":
		return ""
	case first == last:
		if !strings.Contains(first, "T") {
			return " on " + first
		}
		return " at " + first
	}
	return fmt.Sprintf(" from %s to %s", first, last)
}

// requesterTexts returns the report's texts on who created pods in a namespace, by audit logs.
func requesterTexts(ns *migrate.Namespace) []string {
	var out []string
	for _, r := range ns.PodRequesters {
		out = append(out, fmt.Sprintf("%s: %s by psp/%s%s", r.User, english.Count(r.Pods, "pod", "pods"), strings.Join(r.Policies, ", psp/"), loggedTime(r.First, r.Last)))
	}
	return out
}

// refusedTexts returns the report's texts on who was refused pods in a namespace, by audit logs.
func refusedTexts(ns *migrate.Namespace) []string {
	var out []string
	for _, r := range ns.RefusedPods {
		of := ""
		if r.Workload != nil {
			of = " of " + phrases.ObjectName(r.Workload.Kind, r.Workload.Name)
		}
		out = append(out, fmt.Sprintf("%s: %s%s%s: %s", r.User, english.Count(r.Pods, "pod", "pods"), of, loggedTime(r.First, r.Last), r.Message))
	}
	return out
}

// policyUseTexts returns the report's texts on the use of a policy, by audit logs.
func policyUseTexts(plan *migrate.Plan, policy string) []string {
	var out []string
	for i := range plan.Notes {
		if n := &plan.Notes[i]; n.What == "psp/"+policy && strings.HasPrefix(n.ID, "audit-policy-") {
			out = append(out, n.Text)
		}
	}
	if plan.AuditEvidence == nil {
		return out
	}
	for _, p := range plan.AuditEvidence.Policies {
		if p.Policy != policy || p.Pods == 0 || len(p.Unused) == 0 {
			continue
		}
		var names []string
		for _, s := range p.Unused {
			names = append(names, subjectText(s))
		}
		if more := p.GrantedTo - p.UsedBy - len(names); more > 0 {
			names = append(names, fmt.Sprintf("%d more", more))
		}
		out = append(out, "not used in that time: the "+english.Plural(len(p.Unused), "grant", "grants")+" to "+english.And(names))
	}
	return out
}

// dayOf returns the day of a time of the Plan; "" of none.
func dayOf(at string) string {
	day, _, _ := strings.Cut(at, "T")
	return day
}

// auditLogText returns the report's line on what audit logs cover.
func auditLogText(e *migrate.AuditEvidence) string {
	return english.Count(e.PodsCreated, "pod", "pods") + " created, " + fmt.Sprint(e.PodsRefused) + " refused" + loggedTime(dayOf(e.First), dayOf(e.Last))
}
