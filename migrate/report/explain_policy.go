package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/migrate/phrases"
)

// ExplainPolicy gives the four answers about one policy (closest level, what is lost, what may break, what must be
// written down) and the evidence: its fields, every check, and who may use it by which binding.
func ExplainPolicy(w io.Writer, plan *migrate.Plan, name string, opts Options) error {
	for i := range plan.Policies {
		if plan.Policies[i].Name == name {
			return explainPolicy(w, plan, &plan.Policies[i], opts)
		}
	}
	return plan.PolicyNotFound(name)
}

func explainPolicy(w io.Writer, plan *migrate.Plan, po *migrate.Policy, opts Options) error {
	p := &page{opts: opts}
	at := ""
	if position := phrases.FileLine(po.Position); position != "" {
		at = " (" + position + ")"
	}
	p.prose("PodSecurityPolicy %s%s, at %s, from %s.", po.Name, at, plan.TargetVersion, phrases.SourcePhrase(plan.Source))
	if po.ProviderDefault {
		p.prose("A Kubernetes distribution installs it by default.")
	}
	p.closest(po)
	p.lostWith("YOU LOSE: what it enforces and "+string(po.ClosestLevel)+" does not", po.Lost)
	p.mayBreak(po)
	p.writeDown(po)
	p.fields(po)
	p.checks(po)
	p.usedBy(plan.GrantsOf(po))
	p.simplify(po)
	var problems []string
	for _, problem := range po.Problems {
		at := po.Position
		at.Line = problem.Line
		problems = append(problems, messageAt(problem.Field, problem.Message, phrases.FileLine(at)))
	}
	p.section("PROBLEMS in the document", problems)
	return p.flush(w)
}

func (p *page) closest(po *migrate.Policy) {
	p.heading("CLOSEST LEVEL")
	if po.AdmitsNothing {
		p.item("none, since it admits nothing: %s", po.AdmitsNothingWhy)
		return
	}
	p.item("%s, on the conditions below; never the same", po.ClosestLevel)
	if po.NearestMiss != "" {
		p.item("%s", po.NearestMiss)
	}
	for _, choice := range po.LevelChoices {
		p.item("choose: %s", choice)
	}
	p.item("safe %s: no pod that it admits would be refused, even once it fills nothing in", orDash(string(po.CompliesAsWritten)))
	p.item("held %s: every pod that it has filled in complies", orDash(string(po.CompliesAfterMutation)))
	if po.NoLooserThan == "none" {
		p.item("cover none: every level allows something that it forbids")
	} else {
		p.item("cover %s: the loosest level that allows nothing it forbids", orDash(string(po.NoLooserThan)))
	}
}

// checkAdvice says what to do about a check that a policy does not guarantee, by its status.
func checkAdvice(status mapping.Status) string {
	switch status {
	case mapping.StatusByMutation:
		return "templates must set it"
	case mapping.StatusInEffect:
		return "set the field"
	case mapping.StatusNotEnsured:
		return "verify that workloads meet it"
	case mapping.StatusImpossible:
		return "change the policy first"
	}
	return "scan the workloads"
}

func (p *page) mayBreak(po *migrate.Policy) {
	var items []string
	for _, c := range po.Checks {
		if !slices.Contains(po.Conditions, c.Check) {
			continue
		}
		text := fmt.Sprintf("%s (%s): %s", c.Check, c.Status, checkAdvice(c.Status))
		if c.Note != "" {
			text += "; " + c.Note
		}
		items = append(items, text)
	}
	p.section("YOU GAIN OR MAY BREAK: what "+string(po.ClosestLevel)+" asks for and the policy does not guarantee", items)
}

func (p *page) writeDown(po *migrate.Policy) {
	var items []string
	for _, w := range po.RequiredTemplateValues {
		text := w.Path
		if w.Value != "" {
			text += " = " + w.Text()
		}
		text += ", until now by " + w.Field
		if w.Note != "" {
			text += "; " + w.Note
		}
		items = append(items, text)
	}
	p.section("YOU MUST WRITE DOWN YOURSELF: what it filled in until now", items)
}

func (p *page) fields(po *migrate.Policy) {
	if len(po.Fields) == 0 {
		return
	}
	var items []string
	for _, f := range po.Fields {
		text := f.Name
		if f.Line > 0 {
			text = fmt.Sprintf("line %d: %s", f.Line, f.Name)
		}
		if value := f.Text(f.Name, mostValues); value != "" {
			text += " = " + value
		}
		text += ": " + f.Meaning
		if f.Mutating {
			text += " (fills values in)"
		}
		items = append(items, text)
	}
	p.section("FIELD BY FIELD", items)
}

func (p *page) checks(po *migrate.Policy) {
	if len(po.Checks) == 0 {
		return
	}
	p.heading("CHECK BY CHECK: G guaranteed, M by filling in, E in effect, N not ensured, X impossible, U unknown")
	g := &grid{header: []string{"IS", "CHECK", "LEVEL", "FIELDS"}, levels: []int{2}}
	for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
		for _, c := range po.Checks {
			if c.Level == level {
				g.add(orDash(string(c.Status)), escape.Terminal(c.Check), orDash(string(c.Level)), orDash(shortAnnotation(strings.Join(c.Fields, ", "))))
			}
		}
	}
	p.table(g)
}

func (p *page) usedBy(uses []migrate.PolicyGrant) {
	if len(uses) == 0 {
		p.section("USED BY", []string{"nobody: no role and binding that was read grants it"})
		return
	}
	p.heading("USED BY")
	g := &grid{header: []string{"WHERE", "WHO", "VIA"}}
	for _, use := range uses {
		where := "everywhere"
		if use.Namespace != "" {
			where = use.Namespace
		}
		g.add(escape.Terminal(where), escape.Terminal(useSubject(use)), escape.Terminal(strings.Join(use.Via, ", ")))
	}
	p.table(g)
}

func useSubject(use migrate.PolicyGrant) string {
	switch {
	case use.ServiceAccount != "":
		return "serviceaccount " + use.ServiceAccount
	case use.Group != "":
		return "group " + use.Group
	}
	return "user " + use.User
}
