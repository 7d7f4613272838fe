package report

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// ExplainWorkload builds the report on one workload: who may admit its pods and what each check says of them, or why it could
// not be evaluated. Kind may be in any case. It returns a *migrate.NotFoundError for a workload that neither the plan nor a gap
// names.
func ExplainWorkload(plan *migrate.Plan, namespace, kind, name string) (*Document, error) {
	ns := findNamespace(plan, namespace)
	for i := 0; ns != nil && i < len(ns.Workloads); i++ {
		wl := &ns.Workloads[i]
		if strings.EqualFold(wl.Kind, kind) && wl.Name == name {
			return explainWorkload(plan, ns, wl), nil
		}
	}
	if gaps := plan.GapsOfWorkload(namespace, kind, name); len(gaps) > 0 {
		unseen := ns != nil && slices.ContainsFunc(ns.UnseenWorkloads, func(u migrate.WorkloadRef) bool {
			return strings.EqualFold(u.Kind, kind) && u.Name == name
		})
		return explainUnread(plan, gaps, unseen), nil
	}
	if ns == nil {
		return nil, plan.NamespaceNotFound(namespace)
	}
	return nil, plan.WorkloadNotFound(namespace, kind, name)
}

// explainUnread builds the report on a workload of which nothing but gaps was read.
func explainUnread(plan *migrate.Plan, gaps []migrate.Gap, unseen bool) *Document {
	d := &Document{}
	outcome := "could not be read or evaluated"
	if unseen {
		outcome = "was read only in part: its controller adds to what it says, and no pod of it was read, so no level of it is known"
	}
	d.add(Paragraph{fmt.Sprintf("%s %s, from %s.", gaps[0].What, outcome, phrases.SourcePhrase(plan.Source))})
	var points []string
	for _, g := range gaps {
		points = append(points, MessageAt(g.What, g.Text, phrases.FileLine(g.Position)))
	}
	d.addSection("GAPS: why, and what to try next", points)
	return d
}

// explainWorkload builds the report on one workload of a Plan.
func explainWorkload(plan *migrate.Plan, ns *migrate.Namespace, wl *migrate.Workload) *Document {
	d := &Document{}
	d.add(Paragraph{fmt.Sprintf("Workload %s in namespace %s, at %s, from %s.", phrases.ObjectName(wl.Kind, wl.Name), ns.Name, plan.TargetVersion, phrases.SourcePhrase(plan.Source))})
	d.add(append(workloadFacts(plan, wl), workloadLevelFacts(ns, wl, plan.TargetVersion)...))
	if wl.PartialTemplates {
		d.add(Paragraph{"Its controller adds to what it says: the levels are those of what it says itself and of its live pods."})
	}
	if fields := mutatedFieldsThatCount(wl); len(fields) > 0 {
		d.add(Paragraph{fmt.Sprintf("It meets %[1]s today only through what psp/%[2]s sets by mutation (%[3]s): after PSP is gone, %[1]s refuses its pods.",
			wl.Levels.AsAdmitted, wl.AdmittedBy, strings.Join(fields, ", "))})
	}
	if ns.IsOldRevision(wl) {
		d.add(Paragraph{"It " + OldRevisionPhrase + "."})
	}
	d.addSection("GAPS that may change what is said here", gapTexts(plan, func(g *migrate.Gap) bool { return g.MayChangeWorkload(ns.Name, wl.Kind, wl.Name) }))
	d.addSection("ADDED to its new pods, though no live pod shows it", InjectionTexts(wl))
	d.addViolations(wl)
	d.addPolicyUsages("POLICIES its pods may use, as whom and by what", plan.PolicyUsagesOfWorkload(ns.Name, wl), wl.AdmissionReason())
	d.addSection("DEBUG CONTAINERS (kubectl debug): they go with their pod and decide no level", debuggedPodTexts(wl))
	d.addSection("REFUSED today by PSP admission", message.Texts(wl.Refused))
	d.addSection("WRITE DOWN YOURSELF: what policies set by mutation today", MutationTexts(wl))
	d.addSection("ADMITTED, by the audit log", loggedTexts(wl))
	d.addSection("LIVE PODS that would be treated differently today", admissionDriftTexts(wl))
	return d
}

// workloadFacts returns the report's Facts on what a workload is and which policies it has to do with.
func workloadFacts(plan *migrate.Plan, wl *migrate.Workload) Facts {
	facts := Facts{{Name: "read from", Value: orDash(phrases.FileLine(wl.Position))}}
	if wl.Owner != nil {
		facts = append(facts, Fact{Name: "made by", Value: phrases.ObjectName(wl.Owner.Kind, wl.Owner.Name)})
	}
	if len(wl.TemplatePaths) > 0 {
		facts = append(facts, Fact{Name: "pod templates at", Value: strings.Join(wl.TemplatePaths, ", ")})
	}
	facts = append(facts,
		Fact{Name: "service account", Value: orDash(wl.ServiceAccount)},
		Fact{Name: "replicas, live pods", Value: fmt.Sprintf("%d, %d", wl.Replicas, wl.Pods)},
		Fact{Name: "usable policies", Value: orDash(expandPolicies(plan, wl.UsablePolicies))},
		Fact{Name: "observed policies", Value: orDash(strings.Join(wl.ObservedPolicies, ", "))},
	)
	if wl.AdmittedBy != "" {
		facts = append(facts, Fact{Name: "admitted today by", Value: wl.AdmittedBy})
	}
	return facts
}

// workloadLevelFacts returns the report's Facts on the levels of a workload in its three forms, with the version that decides, and those of
// its namespace.
func workloadLevelFacts(ns *migrate.Namespace, wl *migrate.Workload, target string) Facts {
	facts := Facts{{"as written", orDash(string(wl.Levels.AsWritten)), RoleLevel}}
	if wl.Levels.AsAdmitted != "" {
		facts = append(facts, Fact{"as admitted", string(wl.Levels.AsAdmitted), RoleLevel})
	}
	after := orDash(string(wl.Levels.AfterPSP))
	if wl.LevelEstimated {
		after += ", estimated: " + estimateReason(wl)
	}
	facts = append(facts, Fact{"after PSP", after, RoleLevel})
	if at := wl.AtTarget; at != nil && at.AfterPSP != wl.Levels.AfterPSP {
		facts = append(facts, Fact{Name: "decided at", Value: fmt.Sprintf("%s, until the server is upgraded; by %s alone it would be %s", at.Server, target, at.AfterPSP)})
	}
	switch {
	case ns.Exempt:
		facts = append(facts, Fact{Name: "exempt", Value: "by its namespace"})
	case wl.Exempt != nil:
		facts = append(facts, Fact{Name: "exempt", Value: phrases.ExemptionPhrase(wl.Exempt)})
	}
	return append(facts, Fact{"namespace needs", orDash(string(ns.NeededLevel)), RoleLevel}, Fact{"namespace gets", orDash(ns.RecommendedLabels.Enforce), RoleLevel})
}

// InjectionTexts returns the report's texts on what webhooks are expected to add to the pods of a workload.
func InjectionTexts(wl *migrate.Workload) []string {
	var items []string
	for _, one := range wl.Injections {
		text := fmt.Sprintf("%s (%s): %s", one.Injector, one.Trigger, one.Why.Text)
		if len(one.Containers) > 0 {
			text = fmt.Sprintf("%s by %s", strings.Join(one.Containers, ", "), text)
		}
		text += fmt.Sprintf("; such a pod needs %s", one.Level)
		if one.Source != "" {
			text += "; see " + one.Source
		}
		items = append(items, text)
	}
	return items
}

// mutatedFieldsThatCount returns, for a report, the fields that a policy sets by mutation and without which a workload,
// admitted at a level today, is refused at that level after PSP: a check of the level asks for each.
func mutatedFieldsThatCount(wl *migrate.Workload) []string {
	if wl.Levels.AsAdmitted == "" || api.CompareLevels(wl.Levels.AsAdmitted, wl.Levels.AfterPSP) <= 0 {
		return nil
	}
	var fields []string
	for _, m := range wl.Mutations {
		_, field, _ := strings.Cut(m.Path, "securityContext.")
		name, _, _ := strings.Cut(field, ".")
		asked := slices.ContainsFunc(wl.Violations, func(v migrate.Violation) bool {
			return api.CompareLevels(v.Level, wl.Levels.AsAdmitted) <= 0 && (v.Check == name || strings.HasPrefix(v.Check, name+"_"))
		})
		if name != "" && m.Policy != "" && asked {
			fields = append(fields, field)
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// MutationTexts returns the report's texts on the values that the template of a workload has to state itself once the
// policies are gone.
func MutationTexts(wl *migrate.Workload) []string {
	var items []string
	for _, m := range wl.Mutations {
		text := m.Path + " = " + m.Value
		if m.Container != "" {
			text += " in container " + m.Container
		}
		if m.Policy != "" {
			text += " (by psp/" + m.Policy + ")"
		}
		items = append(items, text)
	}
	return items
}

// admissionDriftTexts returns the report's texts on the live pods of a workload that would be treated differently if
// they were created today.
func admissionDriftTexts(wl *migrate.Workload) []string {
	var items []string
	for _, d := range wl.AdmissionDrift {
		text := fmt.Sprintf("%d admitted by psp/%s (pod %s", d.Pods, d.Observed, d.Example)
		if d.Pods > 1 {
			text += " and others"
		}
		text += ")"
		if d.Predicted != "" {
			text += ", today it would be psp/" + d.Predicted
		}
		items = append(items, text+": "+d.Why.Text)
	}
	return items
}

// debuggedPodTexts returns the report's texts on the pods of a workload that have debug containers, each with the level
// that it meets with them.
func debuggedPodTexts(wl *migrate.Workload) []string {
	var items []string
	for _, d := range wl.DebuggedPods {
		text := fmt.Sprintf("pod %s needs %s with %s", d.Pod, d.Level, english.First(d.Containers, 5))
		if d.RefusedAt != "" {
			text += fmt.Sprintf("; as long as the pod is there, %s refuses it new debug containers and new images", d.RefusedAt)
		}
		items = append(items, text)
	}
	return items
}

// estimateReason returns the report's text on why the level of a workload after PSP could only be estimated.
func estimateReason(wl *migrate.Workload) string {
	if wl.Levels.AsWritten == "" {
		return "only pods that a policy had changed were seen"
	}
	return "its live pods differ from its template, and what a policy set there by mutation had to be removed by rule"
}

// addViolations adds to a report the checks that a workload fails, level by level, in the words of Pod Security admission, and
// below them by which names the checks are explained.
func (d *Document) addViolations(wl *migrate.Workload) {
	if len(wl.Violations) == 0 {
		d.add(Paragraph{"It fails no check of any level."})
		return
	}
	var ids []string
	for _, level := range levels.WithChecks() {
		var points []string
		for _, v := range wl.Violations {
			if v.Level == level {
				if !slices.Contains(ids, v.Check) {
					ids = append(ids, v.Check)
				}
				point := ViolationText(v.Reason, v.Detail)
				if server := wl.OnlyOnServer(v.Check); server != "" {
					point += "; only at " + server + ", until the server is upgraded"
				}
				points = append(points, point)
			}
		}
		d.addSection("FAILS of "+string(level), points)
	}
	if len(ids) == 1 {
		d.add(Paragraph{"What it asks for, and how to meet it: explain check " + ids[0] + "."})
		return
	}
	d.add(Paragraph{"What each asks for, and how to meet it: explain check ID, with one of " + strings.Join(ids, ", ") + "."})
}
