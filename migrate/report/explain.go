package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// ExplainNamespace tells everything that the plan knows about one namespace: what is recommended, what decided, what
// blocks the next level in the words of Pod Security admission, what is lost, and what runs there.
func ExplainNamespace(w io.Writer, plan *migrate.Plan, name string, opts Options) error {
	ns := findNamespace(plan, name)
	if ns == nil {
		return plan.NamespaceNotFound(name)
	}
	p := &page{opts: opts}
	p.prose("Namespace %s, at %s, from %s.", ns.Name, plan.TargetVersion, phrases.SourcePhrase(plan.Source))
	p.labels(ns)
	p.decision(ns)
	p.section("WHY", message.Texts(ns.Reasons))
	p.section("CAUTIONS", message.Texts(ns.Cautions))
	p.blockers(ns)
	p.lostWith("LOST: what the policies enforce and the recommended level does not", ns.Lost)
	p.section("ALSO REFUSES pods here, whatever the level", ns.AlsoRefusedBy)
	p.usableHere(ns)
	p.workloads(ns)
	p.versions(ns)
	p.section("GAPS that touch it", gapsOfNamespace(plan, ns.Name))
	return p.flush(w)
}

func (p *page) labels(ns *migrate.Namespace) {
	p.line("")
	g := &grid{header: []string{"MODE", "TODAY", "RECOMMENDED"}, levels: []int{1, 2}}
	rec := ns.RecommendedLabels
	g.add("enforce", labelToday(ns, api.EnforceLevelLabel, api.EnforceVersionLabel), orDash(phrases.LevelVersion(rec.Enforce, rec.EnforceVersion)))
	g.add("audit", labelToday(ns, api.AuditLevelLabel, api.AuditVersionLabel), orDash(phrases.LevelVersion(rec.Audit, rec.AuditVersion)))
	g.add("warn", labelToday(ns, api.WarnLevelLabel, api.WarnVersionLabel), orDash(phrases.LevelVersion(rec.Warn, rec.WarnVersion)))
	p.table(g)
}

// labelToday is what the labels of a mode say, or the default in their place.
func labelToday(ns *migrate.Namespace, level, version string) string {
	if _, labelled := ns.LabelValue(level); labelled || ns.EffectiveLabels == nil {
		return orDash(levelLabel(ns, level, version))
	}
	return phrases.LevelVersion(ns.EffectiveLabels.Get(level), ns.EffectiveLabels.Get(version)) + " (default)"
}

func (p *page) decision(ns *migrate.Namespace) {
	p.line("")
	g := &grid{}
	g.addLevel("needed by what runs", orDash(string(ns.NeededLevel)))
	g.addLevel("permitted by policies", orDash(string(ns.PermittedLevel)))
	if ns.AchievableLevel != "" {
		g.addLevel("achievable", orDash(string(ns.AchievableLevel)))
	}
	g.add("decided by", orDash(phrases.DecisionPhrase(ns)))
	if ns.Action != "" {
		g.add("action", orDash(string(ns.Action)))
	}
	g.add("everything read", readCompletely(ns))
	if ns.Exempt {
		g.add("exempt", "yes, by the admission configuration")
	}
	if ns.LabelOwner != "" {
		g.add("labels written by", orDash(ns.LabelOwner))
	}
	if ns.System {
		g.add("part of the platform", "yes")
	}
	p.table(g)
}

// readCompletely is yes, or no with the parts of the namespace that a gap can change, where that is not all of it.
func readCompletely(ns *migrate.Namespace) string {
	const parts = 4
	if n := len(ns.UncertainParts); n > 0 && n < parts {
		return "no (" + strings.Join(ns.UncertainParts, ", ") + ")"
	}
	return yesNo(ns.Complete && len(ns.UncertainParts) == 0)
}

// section writes a heading and its points, or nothing.
func (p *page) section(heading string, items []string) {
	if len(items) == 0 {
		return
	}
	p.heading("%s", heading)
	p.list(items, 0, "")
}

// blockers tells for each workload what Pod Security admission would tell at the next level.
func (p *page) blockers(ns *migrate.Namespace) {
	if len(ns.Blockers) == 0 {
		return
	}
	p.heading("WHAT BLOCKS %s", phrases.NextStricterLevel(ns.NeededLevel))
	var last migrate.WorkloadRef
	for _, b := range ns.Blockers {
		if b.Workload != last {
			p.line("  %s", phrases.ObjectName(b.Workload.Kind, b.Workload.Name))
			last = b.Workload
		}
		p.paragraph("    ", "      ", b.Check+": "+violationText(b.Reason, b.Detail))
	}
	for _, without := range ns.LevelWithout {
		var refs []string
		for _, r := range without.Workloads {
			refs = append(refs, phrases.ObjectName(r.Kind, r.Name))
		}
		p.item("without %s the namespace would be %s", phrases.JoinFirst(refs, 5), without.Level)
	}
}

// violationText is PSA's own form: reason (detail).
func violationText(reason, detail string) string {
	if detail == "" {
		return reason
	}
	return reason + " (" + detail + ")"
}

func (p *page) lostWith(heading string, lost []migrate.LostConstraint) {
	if len(lost) == 0 {
		return
	}
	var items []string
	for _, l := range lost {
		text := fmt.Sprintf("[%s] %s", l.Class, l.Field)
		if l.Value != "" {
			text += " = " + l.Value
		}
		if l.Note != "" {
			text += ": " + l.Note
		}
		if len(l.Policies) > 0 {
			text += " (" + joinPolicies(l.Policies) + ")"
		}
		if len(l.MayBeCoveredBy) > 0 {
			text += "; " + strings.Join(l.MayBeCoveredBy, ", ") + " may cover it"
		}
		items = append(items, text)
	}
	p.section(heading, items)
}

func (p *page) usableHere(ns *migrate.Namespace) {
	var items []string
	for _, name := range ns.PermittedBy {
		items = append(items, policyName(name)+" counts for what is permitted")
	}
	for _, s := range ns.ExcludedPolicies {
		text := policyName(s.Policy) + " is set apart: " + s.Why.Text
		if s.Closest != "" {
			text += " (closest to " + string(s.Closest) + ")"
		}
		items = append(items, text)
	}
	if len(ns.ObservedPolicies) > 0 {
		items = append(items, "observed on live pods: "+strings.Join(ns.ObservedPolicies, ", "))
	}
	p.section("POLICIES that may be used here", items)
}

// policyName names a policy, or every one.
func policyName(name string) string {
	if name == migrate.EveryPolicy {
		return "every policy"
	}
	return "psp/" + name
}

// joinPolicies names policies, or says that they are all.
func joinPolicies(names []string) string {
	if slices.Equal(names, []string{migrate.EveryPolicy}) {
		return "every policy"
	}
	return strings.Join(names, ", ")
}

// expandPolicies names policies, all of the plan where they are told as every policy.
func expandPolicies(plan *migrate.Plan, names []string) string {
	if !slices.Equal(names, []string{migrate.EveryPolicy}) {
		return strings.Join(names, ", ")
	}
	all := make([]string, len(plan.Policies))
	for i := range plan.Policies {
		all[i] = plan.Policies[i].Name
	}
	return strings.Join(all, ", ")
}

func (p *page) workloads(ns *migrate.Namespace) {
	if len(ns.Workloads) == 0 {
		return
	}
	p.heading("WORKLOADS")
	g := &grid{header: []string{"WORKLOAD", "ACCOUNT", "AS WRITTEN", "AS ADMITTED", "DAY AFTER", "ADMITTED BY"}, levels: []int{2, 3, 4}}
	for i := range ns.Workloads {
		wl := &ns.Workloads[i]
		after := orDash(string(wl.Level.AfterPSP))
		if wl.LevelEstimated {
			after += " (estimated)"
		}
		if wl.Exempt != nil {
			after += " (exempt)"
		}
		g.add(phrases.ObjectName(wl.Kind, wl.Name), orDash(wl.ServiceAccount), orDash(string(wl.Level.AsWritten)), orDash(string(wl.Level.AsAdmitted)), after, admittedBy(wl))
	}
	p.table(g)
}

// admittedBy is the policy that admits a workload's pods today, or why none is named.
func admittedBy(wl *migrate.Workload) string {
	switch {
	case len(message.Texts(wl.Refused)) > 0:
		return "refused today"
	case wl.AdmittedBy == "" && len(wl.UsablePolicies) > 0:
		return "not known"
	}
	return orDash(wl.AdmittedBy)
}

// versions tells the needed level from version to version, equal neighbours as one span.
func (p *page) versions(ns *migrate.Namespace) {
	if len(ns.LevelByVersion) == 0 {
		return
	}
	var spans []string
	for i := 0; i < len(ns.LevelByVersion); {
		j := i
		for j+1 < len(ns.LevelByVersion) && ns.LevelByVersion[j+1].Needed == ns.LevelByVersion[i].Needed {
			j++
		}
		span := ns.LevelByVersion[i].Version
		if j > i {
			span += " to " + ns.LevelByVersion[j].Version
		}
		spans = append(spans, span+": "+string(ns.LevelByVersion[i].Needed))
		i = j + 1
	}
	p.section("NEEDED across versions of the standards", []string{strings.Join(spans, ", ")})
}

func gapsOfNamespace(plan *migrate.Plan, namespace string) []string {
	return gapTexts(plan, func(g *migrate.Gap) bool {
		return slices.Contains(g.Affects, namespace) || slices.Contains(g.Affects, "*")
	})
}

// gapTexts tells the gaps for which the condition holds, an item each.
func gapTexts(plan *migrate.Plan, holds func(*migrate.Gap) bool) []string {
	var items []string
	for i := range plan.Gaps {
		if g := &plan.Gaps[i]; holds(g) {
			items = append(items, messageAt(g.What, g.Text, phrases.FileLine(g.Position)))
		}
	}
	return items
}

// ExplainWorkload tells who may admit one workload's pods and what each check says of them, or why it could not be judged. Kind
// may be in any case.
func ExplainWorkload(w io.Writer, plan *migrate.Plan, namespace, kind, name string, opts Options) error {
	ns := findNamespace(plan, namespace)
	for i := 0; ns != nil && i < len(ns.Workloads); i++ {
		wl := &ns.Workloads[i]
		if strings.EqualFold(wl.Kind, kind) && wl.Name == name {
			return explainWorkload(w, plan, ns, wl, opts)
		}
	}
	if gaps := plan.GapsOfWorkload(namespace, kind, name); len(gaps) > 0 {
		unseen := ns != nil && slices.ContainsFunc(ns.UnseenWorkloads, func(u migrate.WorkloadRef) bool {
			return strings.EqualFold(u.Kind, kind) && u.Name == name
		})
		return explainUnjudged(w, plan, gaps, unseen, opts)
	}
	if ns == nil {
		return plan.NamespaceNotFound(namespace)
	}
	return plan.WorkloadNotFound(namespace, kind, name)
}

// explainUnjudged tells the gaps that stand for a workload.
func explainUnjudged(w io.Writer, plan *migrate.Plan, gaps []migrate.Gap, unseen bool, opts Options) error {
	p := &page{opts: opts}
	outcome := "could not be read or judged"
	if unseen {
		outcome = "was read only in part: its controller adds to what it says, and no pod of it was read, so no level of it is known"
	}
	p.prose("%s %s, from %s.", gaps[0].What, outcome, phrases.SourcePhrase(plan.Source))
	var items []string
	for _, g := range gaps {
		items = append(items, messageAt(g.What, g.Text, phrases.FileLine(g.Position)))
	}
	p.section("GAPS: why, and what to try next", items)
	return p.flush(w)
}

func explainWorkload(w io.Writer, plan *migrate.Plan, ns *migrate.Namespace, wl *migrate.Workload, opts Options) error {
	p := &page{opts: opts}
	p.prose("Workload %s in namespace %s, at %s, from %s.", phrases.ObjectName(wl.Kind, wl.Name), ns.Name, plan.TargetVersion, phrases.SourcePhrase(plan.Source))
	p.line("")
	g := &grid{}
	g.add("read from", orDash(phrases.FileLine(wl.Position)))
	if wl.Owner != nil {
		g.add("made by", phrases.ObjectName(wl.Owner.Kind, wl.Owner.Name))
	}
	if len(wl.TemplatePaths) > 0 {
		g.add("pod templates at", strings.Join(wl.TemplatePaths, ", "))
	}
	g.add("service account", orDash(wl.ServiceAccount))
	g.add("replicas, live pods", fmt.Sprintf("%d, %d", wl.Replicas, wl.Pods))
	g.add("usable policies", orDash(expandPolicies(plan, wl.UsablePolicies)))
	g.add("observed policies", orDash(strings.Join(wl.ObservedPolicies, ", ")))
	if wl.AdmittedBy != "" {
		g.add("admitted today by", orDash(wl.AdmittedBy))
	}
	g.addLevel("as written", orDash(string(wl.Level.AsWritten)))
	if wl.Level.AsAdmitted != "" {
		g.addLevel("as admitted", orDash(string(wl.Level.AsAdmitted)))
	}
	after := orDash(string(wl.Level.AfterPSP))
	if wl.LevelEstimated {
		after += ", estimated: " + estimateReason(wl)
	}
	g.addLevel("day after", after)
	switch {
	case ns.Exempt:
		g.add("exempt", "by its namespace")
	case wl.Exempt != nil:
		g.add("exempt", phrases.ExemptionPhrase(wl.Exempt))
	}
	g.addLevel("namespace needs", orDash(string(ns.NeededLevel)))
	g.addLevel("namespace gets", orDash(ns.RecommendedLabels.Enforce))
	p.table(g)
	if wl.PartialTemplates {
		p.line("")
		p.prose("Its controller adds to what it says: the levels are those of what it says itself and of its live pods.")
	}
	if fields := mutatedFieldsThatCount(wl); len(fields) > 0 {
		p.line("")
		p.prose("It meets %[1]s today only through what psp/%[2]s fills in (%[3]s): on the day after, %[1]s refuses its pods.", wl.Level.AsAdmitted, wl.AdmittedBy, strings.Join(fields, ", "))
	}
	p.section("GAPS that may change what is said here", gapTexts(plan, func(g *migrate.Gap) bool { return g.MayChangeWorkload(ns.Name, wl.Kind, wl.Name) }))
	p.injections(wl)
	p.usages("POLICIES its pods may use, as whom and by what", plan.PolicyUsagesOfWorkload(ns.Name, wl), wl.AdmissionReason())
	p.violations(wl)
	p.debugged(wl)
	p.section("REFUSED today by PSP admission", message.Texts(wl.Refused))
	p.filledIn(wl)
	p.drift(wl)
	return p.flush(w)
}

// injections tell what is taken to be added to its pods.
func (p *page) injections(wl *migrate.Workload) {
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
	p.section("ADDED to its new pods, though no live pod shows it", items)
}

// mutatedFieldsThatCount are the fields for which a workload that is admitted at a level today is refused there on the day after: those that
// its policy fills in and that a check asks for which it fails then.
func mutatedFieldsThatCount(wl *migrate.Workload) []string {
	if wl.Level.AsAdmitted == "" || api.CompareLevels(wl.Level.AsAdmitted, wl.Level.AfterPSP) <= 0 {
		return nil
	}
	var fields []string
	for _, m := range wl.Mutations {
		_, field, _ := strings.Cut(m.Path, "securityContext.")
		name, _, _ := strings.Cut(field, ".")
		asked := slices.ContainsFunc(wl.Violations, func(v migrate.Violation) bool {
			return api.CompareLevels(v.Level, wl.Level.AsAdmitted) <= 0 && (v.Check == name || strings.HasPrefix(v.Check, name+"_"))
		})
		if name != "" && m.Policy != "" && asked {
			fields = append(fields, field)
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// filledIn tells what the template has to state itself once the policies are gone.
func (p *page) filledIn(wl *migrate.Workload) {
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
	p.section("WRITE DOWN YOURSELF: what is filled in today", items)
}

func (p *page) drift(wl *migrate.Workload) {
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
	p.section("LIVE PODS that would be treated differently today", items)
}

// debugged tells of debug containers, each pod with the level that it meets with them.
func (p *page) debugged(wl *migrate.Workload) {
	var items []string
	for _, d := range wl.DebuggedPods {
		text := fmt.Sprintf("pod %s needs %s with %s", d.Pod, d.Level, phrases.JoinFirst(d.Containers, 5))
		if d.RefusedAt != "" {
			text += fmt.Sprintf("; as long as the pod is there, %s refuses it new debug containers and new images", d.RefusedAt)
		}
		items = append(items, text)
	}
	p.section("DEBUG CONTAINERS (kubectl debug): they go with their pod and decide no level", items)
}

// estimateReason says why a workload could only be estimated.
func estimateReason(wl *migrate.Workload) string {
	if wl.Level.AsWritten == "" {
		return "only pods that a policy had changed were seen"
	}
	return "its live pods differ from its template, and what a policy filled in there had to be taken off by rule"
}

func (p *page) violations(wl *migrate.Workload) {
	if len(wl.Violations) == 0 {
		p.line("")
		p.prose("It fails no check of any level.")
		return
	}
	for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
		var items []string
		for _, v := range wl.Violations {
			if v.Level == level {
				items = append(items, v.Check+": "+violationText(v.Reason, v.Detail))
			}
		}
		p.section("FAILS of "+string(level), items)
	}
}

// ExplainServiceAccount tells which policies one account may use, through what, and which workloads run as it.
func ExplainServiceAccount(w io.Writer, plan *migrate.Plan, namespace, name string, opts Options) error {
	ns := findNamespace(plan, namespace)
	if ns == nil {
		return plan.NamespaceNotFound(namespace)
	}
	p := &page{opts: opts}
	p.prose("Service account %s/%s, from %s.", namespace, name, phrases.SourcePhrase(plan.Source))
	g := &grid{header: []string{"POLICY", "CLOSEST", "WHERE", "AS", "VIA"}, levels: []int{1}}
	own := policiesOfServiceAccount(plan, namespace, name)
	for i := range own.Policies {
		po := &own.Policies[i]
		for _, use := range own.GrantsOf(po) {
			where := "everywhere"
			if use.Namespace != "" {
				where = "in " + use.Namespace
			}
			g.add(escape.Terminal(po.Name), orDash(string(po.ClosestLevel)), escape.Terminal(where), escape.Terminal(grantedAs(use, namespace, name)), escape.Terminal(strings.Join(use.Via, ", ")))
		}
	}
	if len(g.rows) == 0 {
		p.line("")
		p.prose("It may use no policy that was read, neither by its own name nor through its groups.")
	} else {
		p.heading("POLICIES it may use")
		p.table(g)
	}
	var runs []string
	var workloads []*migrate.Workload
	for i := range ns.Workloads {
		wl := &ns.Workloads[i]
		if wl.ServiceAccount == name {
			workloads = append(workloads, wl)
			runs = append(runs, phrases.ObjectName(wl.Kind, wl.Name)+": "+orDash(string(wl.Level.AfterPSP))+" on the day after")
		}
	}
	if len(runs) == 0 {
		runs = []string{"nothing that was read"}
	}
	p.usages("ITS PODS may also be admitted by", plan.PolicyUsagesByControllers(namespace, name, workloads), "")
	p.section("RUNS AS IT", runs)
	return p.flush(w)
}

// policiesOfServiceAccount is of a plan what a service account may use.
func policiesOfServiceAccount(plan *migrate.Plan, namespace, name string) *migrate.Plan {
	held := func(all []migrate.PolicyGrant) (out []migrate.PolicyGrant) {
		for _, use := range all {
			if grantedAs(use, namespace, name) != "" {
				out = append(out, use)
			}
		}
		return out
	}
	own := &migrate.Plan{Policies: slices.Clone(plan.Policies), GrantsOfEveryPolicy: held(plan.GrantsOfEveryPolicy)}
	for i := range own.Policies {
		own.Policies[i].UsedBy = held(own.Policies[i].UsedBy)
	}
	return own
}

// grantedAs says as what a service account has a grant: itself, its user name, or one of the groups of every account. ""
// if it has not.
func grantedAs(use migrate.PolicyGrant, namespace, name string) string {
	switch {
	case use.ServiceAccount == namespace+"/"+name:
		return "itself"
	case use.User == "system:serviceaccount:"+namespace+":"+name:
		return "user " + use.User
	case use.Group == "system:serviceaccounts", use.Group == "system:serviceaccounts:"+namespace, use.Group == "system:authenticated":
		return "group " + use.Group
	}
	return ""
}

func findNamespace(plan *migrate.Plan, name string) *migrate.Namespace {
	for i := range plan.Namespaces {
		if plan.Namespaces[i].Name == name {
			return &plan.Namespaces[i]
		}
	}
	return nil
}
