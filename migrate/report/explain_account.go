package report

import (
	"fmt"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
)

// ExplainServiceAccount builds the report on one service account: which policies it may use, through what, and which
// workloads run as it. It returns a *migrate.NotFoundError for a namespace that is not in the plan.
func ExplainServiceAccount(plan *migrate.Plan, namespace, name string) (*Document, error) {
	ns := findNamespace(plan, namespace)
	if ns == nil {
		return nil, plan.NamespaceNotFound(namespace)
	}
	d := &Document{}
	d.add(Paragraph{fmt.Sprintf("Service account %s/%s, from %s.", namespace, name, phrases.SourcePhrase(plan.Source))})
	if grants := grantsTable(plan, namespace, name); len(grants.Rows) > 0 {
		d.add(Heading("POLICIES it may use"), grants)
	} else {
		d.add(Paragraph{"It may use no policy that was read, neither by its own name nor through its groups."})
	}
	var runs []string
	var workloads []*migrate.Workload
	for i := range ns.Workloads {
		wl := &ns.Workloads[i]
		if wl.ServiceAccount == name {
			workloads = append(workloads, wl)
			runs = append(runs, phrases.ObjectName(wl.Kind, wl.Name)+": "+orDash(string(wl.Levels.AfterPSP))+" after PSP")
		}
	}
	if len(runs) == 0 {
		runs = []string{"nothing that was read"}
	}
	d.addPolicyUsages("ITS PODS may also be admitted by", plan.PolicyUsagesByControllers(namespace, name, workloads), "")
	d.addSection("RUNS AS IT", runs)
	return d, nil
}

// grantsTable returns the report's table of every grant by which a service account may use a policy.
func grantsTable(plan *migrate.Plan, namespace, name string) *Table {
	t := &Table{Columns: []Column{{"POLICY", RoleName}, {"CLOSEST", RoleLevel}, {"WHERE", RoleText}, {"AS", RoleText}, {"VIA", RoleText}}}
	own := policiesOfServiceAccount(plan, namespace, name)
	for i := range own.Policies {
		po := &own.Policies[i]
		for _, use := range own.GrantsOf(po) {
			where := "everywhere"
			if use.Namespace != "" {
				where = "in " + use.Namespace
			}
			t.Rows = append(t.Rows, []string{po.Name, orDash(string(po.ClosestLevel)), where, grantedAs(use.Subject, namespace, name), use.Binding + ", " + use.Role})
		}
	}
	return t
}

// policiesOfServiceAccount returns, for a report, a Plan with only the grants by which a service account may use
// policies.
func policiesOfServiceAccount(plan *migrate.Plan, namespace, name string) *migrate.Plan {
	return plan.WithGrantsTo(func(s migrate.Subject) bool { return grantedAs(s, namespace, name) != "" })
}

// grantedAs returns the table cell on as what a service account has a grant: itself, its user name, or one of the
// groups of every account. "" if it has not.
func grantedAs(use migrate.Subject, namespace, name string) string {
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
