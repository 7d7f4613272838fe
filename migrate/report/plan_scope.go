package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
)

// planInScope returns the Plan of a report with only what is about its namespaces: the policies that may be used or were
// seen there, and what is said of these; bindings and roles that hold there; gaps and notes that touch them.
func planInScope(p *migrate.Plan) *migrate.Plan {
	out := *p
	in := map[string]bool{}
	for i := range p.Namespaces {
		in[p.Namespaces[i].Name] = true
	}
	used := policiesOf(p.Namespaces)
	out.Policies = slices.DeleteFunc(slices.Clone(p.Policies), func(po migrate.Policy) bool { return !used[po.Name] && !used[migrate.EveryPolicy] })
	out.StandardsDrift = slices.DeleteFunc(slices.Clone(p.StandardsDrift), func(l migrate.LostConstraint) bool {
		return !slices.ContainsFunc(l.Policies, func(name string) bool { return used[name] || used[migrate.EveryPolicy] || name == migrate.EveryPolicy })
	})
	out.Gaps = slices.DeleteFunc(slices.Clone(p.Gaps), func(g migrate.Gap) bool {
		return !slices.ContainsFunc(g.Affects, func(ns string) bool { return ns == "*" || in[ns] })
	})
	out.IneffectiveGrants = nil
	for _, g := range p.IneffectiveGrants {
		objects := append([]migrate.GrantingObject{{Subject: g.Subject, Position: g.Position}}, g.Others...)
		objects = slices.DeleteFunc(objects, func(o migrate.GrantingObject) bool { return !grantHolds(p, o.Subject, in) })
		if len(objects) > 0 {
			g.Subject, g.Position, g.Others = objects[0].Subject, objects[0].Position, objects[1:]
			out.IneffectiveGrants = append(out.IneffectiveGrants, g)
		}
	}
	out.Notes = slices.DeleteFunc(slices.Clone(p.Notes), func(n migrate.Note) bool {
		of := namespacedObject.FindStringSubmatch(n.What)
		return of != nil && !in[of[1]]
	})
	out.SkippedKinds, out.FinishedPods = nil, 0
	return &out
}

// namespacedObject matches what a note is about where that is an object in a namespace: Role "shop/psp".
var namespacedObject = regexp.MustCompile(`^\w+ "([^"/]+)/[^"]*"$`)

// policiesOf returns the names of the policies that may be used or were seen in namespaces of a report, or that say what
// is lost there; perhaps migrate.EveryPolicy.
func policiesOf(namespaces []migrate.Namespace) map[string]bool {
	used := map[string]bool{}
	add := func(names ...string) {
		for _, name := range names {
			used[name] = true
		}
	}
	seen := map[*migrate.Evaluation]bool{}
	for i := range namespaces {
		ns := &namespaces[i]
		add(ns.PermittedBy...)
		add(ns.ObservedPolicies...)
		for _, x := range ns.ExcludedPolicies {
			add(x.Policy)
		}
		if ns.DecidedBy != nil {
			add(ns.DecidedBy.Policy)
		}
		for _, l := range ns.Lost {
			add(l.Policies...)
		}
		for k := range ns.Workloads {
			if e := ns.Workloads[k].Evaluation; e != nil && !seen[e] {
				seen[e] = true
				add(e.UsablePolicies...)
				add(e.ObservedPolicies...)
				add(e.AdmittedBy)
			}
		}
	}
	return used
}

// grantHolds reports whether a binding or role ("RoleBinding web/psp", "ClusterRole psp") holds in one of the namespaces
// of a report. A ClusterRole that bindings refer to holds where these do.
func grantHolds(p *migrate.Plan, subject string, in map[string]bool) bool {
	_, name, _ := strings.Cut(subject, " ")
	if ns, _, namespaced := strings.Cut(name, "/"); namespaced {
		return in[ns]
	}
	bound, holds := false, false
	for i := range p.Bindings {
		if b := &p.Bindings[i]; b.Role == subject {
			bound = true
			holds = holds || b.Namespace == "" || in[b.Namespace]
		}
	}
	return holds || !bound
}

// grantFindings returns the report's texts on bindings that grant nothing, or on roles that were not read.
func grantFindings(p *migrate.Plan, unread bool) []string {
	var out []string
	for _, f := range p.IneffectiveGrants {
		if f.RoleNotRead != unread {
			continue
		}
		about := f.Subject
		if n := len(f.Others); n > 0 {
			about = fmt.Sprintf("%s and %d more", about, n)
		}
		out = append(out, about+": "+f.Text)
	}
	return out
}

// notSeen returns for each namespace the report's short text on what of it could not be read or judged, first what runs
// there; "*" is about every one.
func (s *planScreen) firstGaps() map[string]string {
	first, n, workloads := map[string]string{}, map[string]int{}, map[string]bool{}
	for i := range s.plan.Gaps {
		g := &s.plan.Gaps[i]
		runs := g.Changes == "" || g.Changes == "workloads"
		for _, ns := range g.Affects {
			if n[ns]++; n[ns] == 1 || runs && !workloads[ns] {
				first[ns] = g.What
			}
			workloads[ns] = workloads[ns] || runs
		}
	}
	for ns, all := range n {
		if all > 1 {
			first[ns] = fmt.Sprintf("%s, %d more", first[ns], all-1)
		}
	}
	return first
}
