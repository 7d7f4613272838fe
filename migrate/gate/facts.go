package gate

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse/helm"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Facts are what the gate needs beside a Plan: stored Helm releases, API server flags. The zero value stands for a Plan
// alone.
type Facts struct {
	// HelmReleases are those that were read: a Plan holds none.
	HelmReleases HelmReleases
}

// HelmReleases is what the gate gets of stored Helm releases: the revisions, and whether all were read.
type HelmReleases struct {
	// All is true where a cluster was asked for every release. Files hold those that somebody has put there.
	All bool
	// NotInPlan is true for a saved plan, which holds no Helm releases.
	NotInPlan bool
	Histories []helm.ReleaseHistory
	// Gaps are what could not be read.
	Gaps []inventory.Gap
}

// leftoverRole is an RBAC role that still lets use policies before the upgrade, with the bindings to it.
type leftoverRole struct {
	*migrate.Role
	access.LeftoverRole
	bindings []*migrate.Binding
}

// leftoverRoles returns the roles of the plan with rules on policies, which are to be deleted before the upgrade. A
// role of the API server itself is none, nor is one that has its rules from another role, which is listed instead.
func leftoverRoles(p *migrate.Plan) []leftoverRole {
	var out []leftoverRole
	places := map[string]int{}
	for i := range p.Roles {
		r := &p.Roles[i]
		found, ok := access.LeftoverRoleOf(&inventory.Role{Rules: r.Rules, RuleIndexes: r.RuleIndexes, OtherRules: r.OtherRules})
		if !ok || r.BuiltIn || r.Aggregated {
			continue
		}
		places[r.Reference()] = len(out)
		out = append(out, leftoverRole{Role: r, LeftoverRole: found})
	}
	for i := range p.Bindings {
		if at, ok := places[p.Bindings[i].Role]; ok {
			out[at].bindings = append(out[at].bindings, &p.Bindings[i])
		}
	}
	return out
}

// unreadRoles returns the subjects of those gaps of a plan that may hide a role or a binding from the gate.
func unreadRoles(p *migrate.Plan) []string {
	var out []string
	for i := range p.Gaps {
		g := &p.Gaps[i]
		if (g.Changes == "" || g.Changes == string(inventory.PartGrants)) && !isNoRoleGap(g.What) {
			out = append(out, g.What)
		}
	}
	return out
}

// isNoRoleGap reports whether a gap of the plan can hide no role from the gate: it names a Namespace, all of them, or a
// policy template of Rancher: such may change anything of a namespace, and are no roles.
func isNoRoleGap(what string) bool {
	kind, _, _ := strings.Cut(what, " ")
	return slices.Contains([]string{"namespace", "namespaces", "podsecuritypolicytemplate"}, strings.ToLower(kind))
}

// workloadsThat returns, for a reason of the gate, the plan's workloads that a function is true for.
func workloadsThat(p *migrate.Plan, is func(*migrate.Workload) bool) []message.Message {
	var out []message.Message
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		for k := range ns.Workloads {
			if w := &ns.Workloads[k]; is(w) {
				out = append(out, message.New("object-workload", "namespace", ns.Name, "kind", w.Kind, "name", w.Name))
			}
		}
	}
	return out
}
