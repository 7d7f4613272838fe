package report

import (
	"fmt"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/wording"
)

// mostUsages are told of one workload or account: there may be many policies that many may use.
const mostUsages = 40

// usages writes who may have pods admitted by which policy, and through what; because, if not "", says which one wins.
func (p *page) usages(heading string, all []migrate.Usage, because string) {
	if len(all) == 0 {
		return
	}
	p.heading("%s", heading)
	g := &grid{header: []string{"POLICY", "CLOSEST", "AS", "VIA"}, levels: []int{1}}
	for _, u := range all[:min(len(all), mostUsages)] {
		via := strings.Join(u.Use.Via, ", ")
		if u.More > 0 {
			via += fmt.Sprintf(", and %d more", u.More)
		}
		g.add(escape.Terminal(u.Policy.Name), dash(string(u.Policy.Closest)), escape.Terminal(as(u)), escape.Terminal(via))
	}
	p.table(g)
	if more := len(all) - mostUsages; more > 0 {
		p.line("  and %s", wording.Count(more, "more way", "more ways"))
	}
	if because != "" {
		p.line("")
		p.prose("%s.", because)
	}
}

func as(u migrate.Usage) string {
	if u.As == "itself" {
		return u.Who
	}
	return u.Who + ", through " + u.As
}
