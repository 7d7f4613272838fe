package handover

import (
	"cmp"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
)

// rbac returns the section of the Report on what is to be known of roles and bindings.
func (b *builder) rbac() Section {
	return Section{Tables: []*Table{b.grantsToEverybody(), b.ineffectiveGrants(), b.administrators(), b.labelWriters()}}
}

// grantsToEverybody returns the table of the Report on the policies that whole groups may use.
func (b *builder) grantsToEverybody() *Table {
	t := &Table{
		ID: "grants-to-everybody", Title: "Grants to everybody",
		Text:    "Policies that all accounts of the cluster, or all service accounts of a namespace, may use: they open what other policies close.",
		Columns: useColumns(),
	}
	for i := range b.uses {
		if everybody(b.uses[i].subject) != "" {
			t.addRow(nil, b.useCells(&b.uses[i])...)
		}
	}
	return t
}

// ineffectiveGrants returns the table of the Report on roles and bindings that grant nothing, or of which it is not known what they do.
func (b *builder) ineffectiveGrants() *Table {
	t := &Table{
		ID: "ineffective-grants", Title: "Grants without effect",
		Text: "Roles and bindings that seem to let somebody use a policy and do not, and roles that bindings refer to and that were not read.",
		Columns: []Column{
			{ID: "object", Title: "Role or binding", Kind: kindName},
			{ID: "effect", Title: "Effect", Kind: kindStatus},
			{ID: "finding", Title: "Finding", Kind: kindText},
			{ID: "others", Title: "Others alike", Kind: kindNumber},
			{ID: "evidence", Title: "Read from", Kind: kindEvidence},
		},
		Details: []DetailColumn{{"others", "Others alike", kindEvidence}},
	}
	for i := range b.plan.IneffectiveGrants {
		g := &b.plan.IneffectiveGrants[i]
		effect := "none"
		if g.RoleNotRead {
			effect = "not known"
		}
		var others []string
		for _, o := range g.Others {
			line := o.Subject
			if at := fileLine(o.Position); at != "" {
				line += ", " + at
			}
			others = append(others, line)
		}
		t.addRow(t.detail("others", others), text(g.Subject), text(effect), text(g.Text), number(len(g.Others)), text(evidence(g.Position, g.Subject)))
	}
	return t
}

// administrators returns the table of the Report on those who may use every policy everywhere.
func (b *builder) administrators() *Table {
	t := &Table{
		ID: "administrators", Title: "Administrators",
		Text: "They may use every policy in every namespace, and count for none: what they create by hand is not what runs there.",
		Columns: []Column{
			{ID: "account", Title: "Account", Kind: kindName},
			{ID: "binding", Title: "Binding", Kind: kindName},
			{ID: "role", Title: "Role", Kind: kindName},
			{ID: "evidence", Title: "Binding read from", Kind: kindEvidence},
		},
	}
	for i := range b.plan.ClusterAdministrators {
		g := &b.plan.ClusterAdministrators[i]
		t.addRow(nil, text(accountText(g.Subject)), text(g.Binding), text(g.Role), text(evidence(g.BindingPosition, g.Binding)))
	}
	return t
}

// labelWriters returns the table of the Report on those who may change labels of namespaces, and with them the levels.
func (b *builder) labelWriters() *Table {
	t := &Table{
		ID: "label-writers", Title: "Who may change the labels of namespaces",
		Text: "Who may create or change a namespace sets its level: with the Pod Security Standards this right takes the place of the right to use a policy.",
		Columns: []Column{
			{ID: "account", Title: "Account", Kind: kindName},
			{ID: "verbs", Title: "May", Kind: kindText},
			{ID: "namespace", Title: "Namespace", Kind: kindName, Table: namespacesTable},
			{ID: "administrator", Title: "Administrator", Kind: kindStatus},
			{ID: "binding", Title: "Binding", Kind: kindName},
			{ID: "role", Title: "Role", Kind: kindName},
			{ID: "evidence", Title: "Binding read from", Kind: kindEvidence},
		},
	}
	for i := range b.plan.NamespaceWriters {
		w := &b.plan.NamespaceWriters[i]
		if w.Namespace != "" && !b.inScope(w.Namespace) {
			continue
		}
		t.addRow(nil, text(accountText(w.Subject)), text(strings.Join(w.Verbs, ", ")), linked(cmp.Or(w.Namespace, "everywhere"), b.namespaceRow[w.Namespace]),
			text(yesNo(w.Administrator)), text(w.Binding), text(w.Role), text(evidence(w.BindingPosition, w.Binding)))
	}
	return t
}

// inScope reports whether what is about a namespace belongs into the Report: all where the call had no scope.
func (b *builder) inScope(namespace string) bool {
	return len(b.overview.Invocation.Scope) == 0 || b.namespaceRow[namespace] != "" || namespace == migrate.EveryPolicy
}
