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
		text := english.Count(p.Pods, "pod", "pods") + " admitted by no policy"
		if p.Policy != "" {
			text = fmt.Sprintf("%s admitted by psp/%s", english.Count(p.Pods, "pod", "pods"), p.Policy)
		}
		if p.Changed > 0 || p.Unchanged > 0 {
			text += fmt.Sprintf(", %d changed, %d not", p.Changed, p.Unchanged)
		}
		text += loggedTime(p.First, p.Last)
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

// loggedTime returns the report's words on the time that something in an audit log took; "" where the log has no times.
func loggedTime(first, last string) string {
	switch {
	case first == "":
		return ""
	case first == last:
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
	return out
}
