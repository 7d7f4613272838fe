package handover

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse"
)

// policyUse is one way from a policy through a binding to somebody who may use it, for the Report.
type policyUse struct {
	// policy is its name, or migrate.EveryPolicy.
	policy    string
	namespace string
	subject   migrate.Subject
	binding   *migrate.Binding
	role      *migrate.Role
}

// policyUses returns who may use which policy by which binding, for the Report: by policy, namespace, account and binding. A role that
// lets use every policy is told once.
func policyUses(plan *migrate.Plan, inScope func(namespace string) bool) []policyUse {
	roles, known := map[string]*migrate.Role{}, map[string]bool{migrate.EveryPolicy: true}
	for i := range plan.Roles {
		roles[plan.Roles[i].Reference()] = &plan.Roles[i]
	}
	for i := range plan.Policies {
		known[plan.Policies[i].Name] = true
	}
	var out []policyUse
	for i := range plan.Bindings {
		b := &plan.Bindings[i]
		role := roles[b.Role]
		if role == nil || b.Namespace != "" && !inScope(b.Namespace) {
			continue
		}
		for _, policy := range role.Policies {
			if !known[policy] {
				continue
			}
			for _, s := range b.Subjects {
				out = append(out, policyUse{policy, b.Namespace, s, b, role})
			}
		}
	}
	slices.SortStableFunc(out, func(x, y policyUse) int {
		return cmp.Or(cmp.Compare(x.policy, y.policy), cmp.Compare(x.namespace, y.namespace), cmp.Compare(x.subject.String(), y.subject.String()), cmp.Compare(x.binding.Name, y.binding.Name))
	})
	return out
}

// useColumns are the columns of a table of the Report on who may use which policy.
func useColumns() []Column {
	return []Column{
		{ID: "policy", Title: "Policy", Kind: kindName, Table: policiesTable},
		{ID: "binding", Title: "Binding", Kind: kindName},
		{ID: "role", Title: "Role", Kind: kindName},
		{ID: "account", Title: "Account", Kind: kindName},
		{ID: "namespace", Title: "Namespace", Kind: kindName, Table: namespacesTable},
		{ID: "binding-evidence", Title: "Binding read from", Kind: kindEvidence},
		{ID: "role-evidence", Title: "Role read from", Kind: kindEvidence},
	}
}

// policyUseSection returns the section of the Report on who may use which policy: policy, binding, account, namespace.
func (b *builder) policyUseSection() Section {
	t := &Table{
		ID: "policy-use", Title: "Who may use which policy",
		Text:    "One row for each way from a policy through a binding to an account, and the namespace that it holds in. A group of accounts is one row.",
		Columns: useColumns(),
	}
	for i := range b.uses {
		t.addRow(nil, b.useCells(&b.uses[i])...)
	}
	return Section{Tables: []*Table{t}}
}

// useCells returns the cells of the row of the Report on one way to use a policy.
func (b *builder) useCells(u *policyUse) []Cell {
	policy, namespace := linked(u.policy, b.policyRow[u.policy]), linked(u.namespace, b.namespaceRow[u.namespace])
	if u.policy == migrate.EveryPolicy {
		policy = text("every policy")
	}
	if u.namespace == "" {
		namespace = text("everywhere")
	}
	return []Cell{
		policy, text(u.binding.Reference()), text(u.role.Reference()), text(accountText(u.subject)), namespace,
		text(evidence(u.binding.Position, u.binding.Reference())), text(evidence(u.role.Position, u.role.Reference())),
	}
}

// accountText returns the words of the Report for the subject of a grant. Groups of many accounts are told in words.
func accountText(s migrate.Subject) string {
	if words := everybody(s); words != "" {
		return words + " (" + s.String() + ")"
	}
	return s.String()
}

// everybody returns the words of the Report for a group that has everybody, or all service accounts, in it; "" for any other subject.
func everybody(s migrate.Subject) string {
	const accounts = "system:serviceaccounts"
	switch namespace, ofOne := strings.CutPrefix(s.Group, accounts+":"); {
	case s.Group == accounts:
		return "every service account"
	case s.Group == "system:authenticated":
		return "everybody who is logged in"
	case s.Group == "system:unauthenticated":
		return "everybody who is not logged in"
	case ofOne:
		return "every service account of " + namespace
	}
	return ""
}

// evidence returns where the Report says that an object was read: file:line, or the object itself where it was read from a cluster.
func evidence(at pspparse.Position, object string) string {
	return cmp.Or(fileLine(at), object)
}
