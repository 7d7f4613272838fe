package migrate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Reference returns the name of an RBAC role of the Plan for people and for Binding.Role: "ClusterRole psp:restricted",
// "Role web/psp".
func (r *Role) Reference() string { return objectReference("Role", r.Namespace, r.Name) }

// Reference returns the name of an RBAC binding of the Plan for people and for PolicyGrant.Binding: "RoleBinding
// web/psp".
func (b *Binding) Reference() string { return objectReference("RoleBinding", b.Namespace, b.Name) }

// objectReference returns the kind and name of an RBAC object of the Plan, with "Cluster" before the kind where it has
// no namespace.
func objectReference(kind, namespace, name string) string {
	if namespace == "" {
		return "Cluster" + kind + " " + name
	}
	return kind + " " + namespace + "/" + name
}

// Kind returns the kind of the subject of a Plan's grant, "Group", "ServiceAccount" or "User", and its name, of an
// account with its namespace.
func (s Subject) Kind() (kind, name string) {
	switch {
	case s.Group != "":
		return "Group", s.Group
	case s.ServiceAccount != "":
		return "ServiceAccount", s.ServiceAccount
	}
	return "User", s.User
}

// String returns the subject of a grant of the Plan for a sentence: "service account web/api", "group ops".
func (s Subject) String() string {
	switch kind, name := s.Kind(); kind {
	case "Group":
		return "group " + name
	case "ServiceAccount":
		return "service account " + name
	default:
		return "user " + name
	}
}

// lets reports whether an RBAC role of the Plan lets its subjects use a policy.
func (r *Role) lets(policy string) bool {
	return slices.Contains(r.Policies, policy) || slices.Equal(r.Policies, []string{EveryPolicy})
}

// GrantsOf returns all grants of a policy of the plan, sorted by namespace, subject, binding and role.
func (p *Plan) GrantsOf(po *Policy) []PolicyGrant {
	granting := map[string]*Role{}
	for i := range p.Roles {
		if r := &p.Roles[i]; r.lets(po.Name) {
			granting[r.Reference()] = r
		}
	}
	var out []PolicyGrant
	for i := range p.Bindings {
		b := &p.Bindings[i]
		if r := granting[b.Role]; r != nil {
			for _, s := range b.Subjects {
				out = append(out, newPolicyGrant(b, r, s))
			}
		}
	}
	slices.SortFunc(out, comparePolicyGrants)
	return out
}

// newPolicyGrant returns the grant of the Plan that a subject has by a role binding and its role.
func newPolicyGrant(b *Binding, r *Role, s Subject) PolicyGrant {
	return PolicyGrant{
		Namespace: b.Namespace, Subject: s, Binding: b.Reference(), Role: b.Role, BindingPosition: b.Position, RolePosition: r.Position,
	}
}

// comparePolicyGrants orders the grants of a Plan by namespace, subject, binding and role.
func comparePolicyGrants(x, y PolicyGrant) int {
	return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), compareSubjects(x.Subject, y.Subject), cmp.Compare(x.Binding, y.Binding), cmp.Compare(x.Role, y.Role))
}

// compareSubjects orders the subjects of a Plan's grants by kind, then accounts by their namespace, then by name.
func compareSubjects(x, y Subject) int {
	kindX, nameX := x.Kind()
	kindY, nameY := y.Kind()
	home := func(s Subject) string { namespace, _, _ := strings.Cut(s.ServiceAccount, "/"); return namespace }
	return cmp.Or(cmp.Compare(kindX, kindY), cmp.Compare(home(x), home(y)), cmp.Compare(nameX, nameY))
}

// WithGrantsTo returns a copy of the plan whose bindings have only the subjects that a function is true for.
func (p *Plan) WithGrantsTo(is func(Subject) bool) *Plan {
	out := *p
	out.Bindings = nil
	for _, b := range p.Bindings {
		var kept []Subject
		for _, s := range b.Subjects {
			if is(s) {
				kept = append(kept, s)
			}
		}
		if b.Subjects = kept; len(kept) > 0 {
			out.Bindings = append(out.Bindings, b)
		}
	}
	return &out
}

// addGrants sets in the Plan the RBAC roles that let use policies, the bindings to them, and what follows from both.
func (b *planBuilder) addGrants(plan *Plan) {
	plan.Roles = make([]Role, 0, len(b.grants.GrantingRoles))
	byReference := map[string]*Role{}
	for _, r := range b.grants.GrantingRoles {
		plan.Roles = append(plan.Roles, planRole(r))
	}
	for i := range plan.Roles {
		byReference[plan.Roles[i].Reference()] = &plan.Roles[i]
	}
	plan.Bindings = []Binding{}
	positions := map[string]pspparse.Position{}
	for i := range b.inv.Bindings {
		if binding := planBinding(&b.inv.Bindings[i]); byReference[binding.Role] != nil {
			plan.Bindings = append(plan.Bindings, binding)
			positions[binding.Reference()] = binding.Position
		}
	}
	for _, g := range b.grants.Administrators {
		plan.ClusterAdministrators = append(plan.ClusterAdministrators, PolicyGrant{
			Subject: planSubject(g.Subject), Binding: g.Binding, Role: g.Role,
			BindingPosition: positions[g.Binding], RolePosition: byReference[g.Role].Position,
		})
	}
	for _, w := range access.NamespaceWriters(b.inv.Roles, b.inv.Bindings) {
		plan.NamespaceWriters = append(plan.NamespaceWriters, NamespaceWriter{
			Namespace: w.Namespace, Subject: planSubject(w.Subject), Verbs: w.Verbs, Binding: w.Binding, Role: w.Role, Administrator: w.Administrator,
			BindingPosition: w.BindingPosition, RolePosition: w.RolePosition,
		})
	}
}

// ineffectiveGrant converts what is found of an RBAC object that grants nothing to the form of the Plan.
func ineffectiveGrant(f access.RBACFinding, roleNotRead bool) IneffectiveGrant {
	out := IneffectiveGrant{Message: f.Reason, Subject: f.Object, Position: f.Position, RoleNotRead: roleNotRead}
	for _, other := range f.Others {
		out.Others = append(out.Others, GrantingObject{Subject: other.Object, Position: other.Position})
	}
	return out
}

// planRole converts an RBAC role that lets use policies to the form of the Plan.
func planRole(r access.GrantingRole) Role {
	out := Role{
		Namespace: r.Source.Namespace, Name: r.Source.Name, Policies: r.Policies, Rules: r.Source.Rules, RuleIndexes: r.Source.RuleIndexes,
		OtherRules: r.Source.OtherRules, Aggregated: r.Aggregated, BuiltIn: r.BuiltIn, NotRead: r.NotRead, Position: r.Source.Position,
	}
	switch {
	case r.EveryPolicy:
		out.Policies = []string{EveryPolicy}
	case len(r.Policies) == 0:
		out.Policies = nil // absent, as it is read back
	}
	return out
}

// planBinding converts an RBAC binding to the form of the Plan, with the subjects that can match somebody.
func planBinding(b *inventory.Binding) Binding {
	out := Binding{Namespace: b.Namespace, Name: b.Name, Role: access.RoleReference(b), Subjects: []Subject{}, Position: b.Position}
	for _, s := range access.SubjectsOf(b) {
		out.Subjects = append(out.Subjects, planSubject(s))
	}
	return out
}

// planSubject converts the subject of an RBAC binding to the form of the Plan.
func planSubject(s access.Subject) Subject {
	switch s.Kind {
	case access.ServiceAccountKind:
		return Subject{ServiceAccount: s.Namespace + "/" + s.Name}
	case access.GroupKind:
		return Subject{Group: s.Name}
	}
	return Subject{User: s.Name}
}
