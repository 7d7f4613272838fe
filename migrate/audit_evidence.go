package migrate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/evidence"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// maxUnexplained is how many requesters of a policy that no grant explains the Plan names, and of its grants that nobody used.
const maxUnexplained = 20

// maxUnread is how many workloads of a namespace that only audit logs have the Plan names.
const maxUnread = 20

// logTime returns a time of an audit log for the Plan; "" for none.
func logTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// addAuditEvidence adds to the Plan what audit logs say, and what they cannot say.
func (b *planBuilder) addAuditEvidence(plan *Plan) {
	l := b.opts.Evidence
	if l == nil {
		return
	}
	out := &AuditEvidence{Events: l.Summary.Events, First: logTime(l.Summary.First), Last: logTime(l.Summary.Last), PodsCreated: l.Created, PodsRefused: l.Refused}
	var names []string
	for _, level := range slices.Sorted(maps.Keys(l.Levels)) {
		out.PodsByLevel = append(out.PodsByLevel, LevelOfPods{level, l.Levels[level]})
		names = append(names, level)
	}
	plan.AuditEvidence = out
	plan.Gaps = append(plan.Gaps, auditGaps(l)...)
	plan.Notes = append(plan.Notes, Note{What: "the audit log", Message: message.New("audit-log", "n", out.Events, "first", out.First, "last", out.Last, "count", out.PodsCreated, "more", out.PodsRefused, "list", names)})
	b.addPolicyUse(plan, l)
	if l.Created > 0 {
		for i := range plan.Namespaces {
			addLoggedNamespace(&plan.Namespaces[i], l)
		}
	}
}

// auditGaps returns what audit logs cannot say, as gaps of the Plan that touch no namespace.
func auditGaps(l *evidence.Log) []Gap {
	var out []Gap
	add := func(m message.Message) {
		out = append(out, Gap{What: "the audit log", Message: m, Affects: []string{}})
	}
	if l.Created == 0 {
		add(message.New("audit-log-without-pods", "n", l.Summary.Events))
	}
	if l.ObjectsMissing > 0 {
		add(message.New("audit-log-without-objects", "n", l.ObjectsMissing, "all", l.Created))
	}
	if n := len(l.Summary.Broken) + l.Summary.MoreBroken; n > 0 {
		add(message.New("audit-log-lines-unread", "n", n, "errors", l.Summary.Broken))
	}
	if l.Uncounted > 0 {
		add(message.New("audit-log-uncounted", "n", l.Uncounted))
	}
	return out
}

// addPolicyUse adds to the Plan how many of the grants of each policy were used, by the audit log.
func (b *planBuilder) addPolicyUse(plan *Plan, l *evidence.Log) {
	uses := map[string][]evidence.UseKey{}
	for key := range l.Uses {
		uses[key.Policy] = append(uses[key.Policy], key)
	}
	changes := map[string]*PolicyAtWork{}
	for _, w := range l.Workloads {
		for name, a := range w.Policies {
			if changes[name] == nil {
				changes[name] = &PolicyAtWork{}
			}
			changes[name].Changed += a.Changed
			changes[name].Unchanged += a.Unchanged
		}
	}
	for i := range plan.Policies {
		if name := plan.Policies[i].Name; uses[name] == nil {
			uses[name] = []evidence.UseKey{}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(uses)) {
		var all evidence.Count
		for _, key := range uses[name] {
			all.Merge(*l.Uses[key])
		}
		p := PolicyAtWork{Policy: name, Pods: all.Pods, First: logTime(all.First), Last: logTime(all.Last)}
		if c := changes[name]; c != nil {
			p.Changed, p.Unchanged = c.Changed, c.Unchanged
		}
		at := slices.IndexFunc(plan.Policies, func(po Policy) bool { return po.Name == name })
		if at >= 0 {
			p.matchGrants(plan.GrantsOf(&plan.Policies[at]), uses[name])
		}
		if l.Created > 0 && at >= 0 {
			plan.Notes = append(plan.Notes, Note{What: "psp/" + name, Message: p.message(plan.AuditEvidence)})
		}
		plan.AuditEvidence.Policies = append(plan.AuditEvidence.Policies, p)
	}
}

// message returns what the Plan says of the use of a policy. That no pod shows it says nothing of other times.
func (p *PolicyAtWork) message(of *AuditEvidence) message.Message {
	if p.Pods == 0 {
		return message.New("audit-policy-unseen", "first", of.First, "last", of.Last, "count", p.GrantedTo)
	}
	first, last, once := p.First, p.Last, ""
	if first == last {
		first, last, once = "", "", first
	}
	return message.New("audit-policy-used", "n", p.Pods, "first", first, "last", last, "once", once, "bound", p.GrantedTo, "count", p.UsedBy, "users", p.Unexplained)
}

// matchGrants sets to how many subjects a policy is granted, how many of these can have used it, and who used it without a grant that
// was read.
func (p *PolicyAtWork) matchGrants(grants []PolicyGrant, uses []evidence.UseKey) {
	where := map[Subject]map[string]bool{}
	for _, g := range grants {
		if where[g.Subject] == nil {
			where[g.Subject] = map[string]bool{}
		}
		where[g.Subject][g.Namespace] = true
	}
	used := map[Subject]bool{}
	unexplained := map[string]bool{}
	for _, u := range uses {
		found := false
		for _, s := range subjectsOfUse(u) {
			if in := where[s]; in[""] || in[u.Namespace] {
				used[s], found = true, true
			}
		}
		if !found && !slices.Contains(strings.Split(u.Groups, "\n"), "system:masters") {
			unexplained[u.Requester] = true
		}
	}
	p.GrantedTo, p.UsedBy = len(where), len(used)
	for s := range where {
		if !used[s] {
			p.Unused = append(p.Unused, s)
		}
	}
	slices.SortFunc(p.Unused, compareSubjects)
	p.Unused = p.Unused[:min(len(p.Unused), maxUnexplained)]
	p.Unexplained = slices.Sorted(maps.Keys(unexplained))
	p.Unexplained = p.Unexplained[:min(len(p.Unexplained), maxUnexplained)]
}

// subjectsOfUse returns the subjects whose grants of a policy count for a pod in an audit log: those of its account, and those of who
// asked for it.
func subjectsOfUse(u evidence.UseKey) []Subject {
	var out []Subject
	addPrincipal := func(p access.Principal) {
		out = append(out, Subject{User: p.User})
		for _, g := range p.Groups {
			out = append(out, Subject{Group: g})
		}
	}
	if u.Account != "" {
		out = append(out, Subject{ServiceAccount: u.Namespace + "/" + u.Account})
		addPrincipal(access.ServiceAccountPrincipal(u.Namespace, u.Account))
	}
	out = append(out, Subject{User: u.Requester})
	if account, ok := strings.CutPrefix(u.Requester, "system:serviceaccount:"); ok {
		if namespace, name, ok := strings.Cut(account, ":"); ok {
			out = append(out, Subject{ServiceAccount: namespace + "/" + name})
			addPrincipal(access.ServiceAccountRequester(namespace, name))
		}
	}
	for g := range strings.SplitSeq(u.Groups, "\n") {
		if g != "" {
			out = append(out, Subject{Group: g})
		}
	}
	return out
}

// addLoggedNamespace adds to a namespace of the Plan who created pods in it, who was refused, and what admitted its workloads, by the
// audit log.
func addLoggedNamespace(ns *Namespace, l *evidence.Log) {
	type requester struct {
		evidence.Count
		policies []string
	}
	requesters := map[string]*requester{}
	for key, use := range l.UsesIn(ns.Name) {
		r := requesters[key.Requester]
		if r == nil {
			r = &requester{}
			requesters[key.Requester] = r
		}
		r.Merge(*use)
		r.policies = append(r.policies, key.Policy)
	}
	for _, user := range slices.Sorted(maps.Keys(requesters)) {
		r := requesters[user]
		slices.Sort(r.policies)
		ns.PodRequesters = append(ns.PodRequesters, PodRequester{User: user, Pods: r.Pods, Policies: slices.Compact(r.policies), First: logTime(r.First), Last: logTime(r.Last)})
	}
	for key, r := range l.RefusalsIn(ns.Name) {
		refused := RefusedPods{User: key.Requester, By: string(key.By), Pods: r.Pods, First: logTime(r.First), Last: logTime(r.Last), Message: r.Message}
		if key.Name != "" {
			refused.Workload = &WorkloadRef{Kind: key.Kind, Name: key.Name}
		}
		ns.RefusedPods = append(ns.RefusedPods, refused)
	}
	slices.SortFunc(ns.RefusedPods, CompareRefusedPods)
	addLoggedAdmissions(ns, l)
}

// CompareRefusedPods orders what a Plan says of refused pods by user, workload and what refused them.
func CompareRefusedPods(x, y RefusedPods) int {
	ref := func(r RefusedPods) WorkloadRef {
		if r.Workload == nil {
			return WorkloadRef{}
		}
		return *r.Workload
	}
	return cmp.Or(cmp.Compare(x.User, y.User), compareWorkloadRefs(ref(x), ref(y)), cmp.Compare(x.By, y.By))
}

// addLoggedAdmissions adds to the workloads of a namespace of the Plan what admitted their pods, by the audit log.
func addLoggedAdmissions(ns *Namespace, l *evidence.Log) {
	workloads := map[WorkloadRef]*Workload{}
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		workloads[WorkloadRef{w.Kind, w.Name}] = w
	}
	logged := map[*Workload]map[string]*evidence.Admitted{}
	var unread []string
	podsUnread := 0
	for key, seen := range l.WorkloadsIn(ns.Name) {
		w := workloadOfLog(workloads, key, seen)
		if w == nil {
			unread = append(unread, strings.ToLower(key.Kind)+"/"+key.Name)
			for _, a := range seen.Policies {
				podsUnread += a.Pods
			}
			continue
		}
		if logged[w] == nil {
			logged[w] = map[string]*evidence.Admitted{}
		}
		for policy, a := range seen.Policies {
			if logged[w][policy] == nil {
				logged[w][policy] = &evidence.Admitted{}
			}
			logged[w][policy].Merge(a)
		}
	}
	var differ []string
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		w.Logged = loggedAdmission(logged[w], w)
		if w.Logged.Result == "differs" {
			differ = append(differ, strings.ToLower(w.Kind)+"/"+w.Name)
		}
	}
	if len(unread) > 0 {
		slices.Sort(unread)
		ns.Cautions = append(ns.Cautions, message.New("audit-pods-unread", "n", podsUnread, "workloads", unread[:min(len(unread), maxUnread)], "count", len(unread)))
	}
	if len(differ) > 0 {
		ns.Cautions = append(ns.Cautions, message.New("audit-admission-differs", "workloads", differ))
	}
}

// workloadOfLog returns the workload of the Plan that an audit log has pods of: that of their controller, or else what that controller is
// made by, which names it.
func workloadOfLog(workloads map[WorkloadRef]*Workload, key evidence.WorkloadKey, seen *evidence.Workload) *Workload {
	if w := workloads[WorkloadRef{key.Kind, key.Name}]; w != nil {
		return w
	}
	base, suffix := key.Name, ""
	if at := strings.LastIndexByte(key.Name, '-'); at > 0 {
		base, suffix = key.Name[:at], key.Name[at+1:]
	}
	switch {
	case key.Kind == "ReplicaSet" && suffix != "" && suffix == seen.TemplateHash:
		return workloads[WorkloadRef{"Deployment", base}]
	case key.Kind == "Job" && suffix != "" && strings.Trim(suffix, "0123456789") == "":
		return workloads[WorkloadRef{"CronJob", base}]
	}
	return nil
}

// loggedAdmission returns what an audit log says of the admission of a workload of the Plan, and how it compares with the simulation.
func loggedAdmission(logged map[string]*evidence.Admitted, w *Workload) *LoggedAdmission {
	out := &LoggedAdmission{Result: "unseen"}
	var last *evidence.Admitted
	lastPolicy := ""
	for _, policy := range slices.Sorted(maps.Keys(logged)) {
		a := logged[policy]
		if last == nil || !a.Last.Before(last.Last) {
			last, lastPolicy = a, policy
		}
		p := LoggedPolicies{Policy: policy, Pods: a.Pods, Changed: a.Changed, Unchanged: a.Unchanged, First: logTime(a.First), Last: logTime(a.Last), Various: a.Various}
		for _, m := range a.Mutations {
			p.Mutations = append(p.Mutations, TemplateMutation{Path: m.Path, Container: m.Container, Value: m.Value, Policy: policy})
		}
		out.Policies = append(out.Policies, p)
	}
	switch {
	case last == nil:
	case w.Evaluation == nil || w.AdmittedBy == "":
		out.Result = ""
	case lastPolicy == w.AdmittedBy && sameMutations(last, w):
		out.Result = "agrees"
	default:
		out.Result = "differs"
	}
	return out
}

// sameMutations reports whether a policy set in the pods of an audit log what the Plan says that it sets in the workload's template. What
// the log does not show does not differ, and neither do values of containers that the template does not have.
func sameMutations(a *evidence.Admitted, w *Workload) bool {
	if a.Changed == 0 && a.Unchanged == 0 || w.Template == nil {
		return true
	}
	text := func(m TemplateMutation) string { return fmt.Sprint(m.Container, "\n", m.Path, "\n", m.Value) }
	predicted := map[string]bool{}
	for _, m := range w.Mutations {
		if m.Policy != "" {
			predicted[text(m)] = true
		}
	}
	if a.Changed == 0 {
		return len(predicted) == 0
	}
	ours := map[string]bool{}
	for _, c := range w.Template.Containers {
		ours[c.Name] = !c.Injected
	}
	n := 0
	for _, m := range a.Mutations {
		if m.Container != "" && !ours[m.Container] {
			continue
		}
		if !predicted[text(TemplateMutation{Path: m.Path, Container: m.Container, Value: m.Value})] {
			return false
		}
		n++
	}
	return n == len(predicted)
}
