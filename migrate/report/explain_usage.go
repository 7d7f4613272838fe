package report

import (
	"fmt"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/phrases"
)

// maxUsages are told of one workload or account: there may be many policies that many may use.
const maxUsages = 40

// usages writes who may have pods admitted by which policy, and through what; because, if not "", says which one wins.
func (p *page) usages(heading string, all []migrate.PolicyUsage, because string) {
	if len(all) == 0 {
		return
	}
	p.heading("%s", heading)
	g := &grid{header: []string{"POLICY", "CLOSEST", "AS", "VIA"}, levels: []int{1}}
	for _, u := range all[:min(len(all), maxUsages)] {
		via := u.FirstGrant.Binding + ", " + u.FirstGrant.Role
		if u.OtherGrants > 0 {
			via += fmt.Sprintf(", and %d more", u.OtherGrants)
		}
		g.add(escape.Terminal(u.Policy.Name), orDash(string(u.Policy.ClosestLevel)), escape.Terminal(usageSubject(u)), escape.Terminal(via))
	}
	p.table(g)
	if more := len(all) - maxUsages; more > 0 {
		p.line("  and %s", phrases.CountNoun(more, "more way", "more ways"))
	}
	if because != "" {
		p.line("")
		p.prose("%s.", because)
	}
}

func usageSubject(u migrate.PolicyUsage) string {
	if u.GrantedAs == "itself" {
		return u.Requester
	}
	return u.Requester + ", through " + u.GrantedAs
}
