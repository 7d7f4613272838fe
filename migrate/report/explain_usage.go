package report

import (
	"fmt"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// maxUsages is how many usable policies a report shows of one workload or service account.
const maxUsages = 40

// addPolicyUsages adds to a report the table of policies that may admit pods, for whom and by which grant; because, if
// not "", says which policy wins.
func (d *Document) addPolicyUsages(heading string, all []migrate.PolicyUsage, because string) {
	if len(all) == 0 {
		return
	}
	t := &Table{Columns: []Column{{"POLICY", RoleName}, {"CLOSEST", RoleLevel}, {"AS", RoleText}, {"VIA", RoleText}}}
	for _, u := range all[:min(len(all), maxUsages)] {
		via := u.FirstGrant.Binding + ", " + u.FirstGrant.Role
		if u.OtherGrants > 0 {
			via += fmt.Sprintf(", and %d more", u.OtherGrants)
		}
		t.Rows = append(t.Rows, []string{u.Policy.Name, orDash(string(u.Policy.ClosestLevel)), usageSubject(u), via})
	}
	if more := len(all) - maxUsages; more > 0 {
		t.Omitted = "and " + english.Count(more, "more way", "more ways")
	}
	d.add(Heading(heading), t)
	if because != "" {
		d.add(Paragraph{because + "."})
	}
}

// usageSubject returns the table cell on who may use a policy, and through which group or account.
func usageSubject(u migrate.PolicyUsage) string {
	if u.GrantedAs == "itself" {
		return u.Requester
	}
	return u.Requester + ", through " + u.GrantedAs
}
