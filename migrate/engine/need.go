package engine

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// Need is what Delta has to add in namespaces of a Plan with equal labels and grants, each taken by itself.
type Need struct {
	Namespaces []string
	// Label is the enforce label that it adds to; the zero value where no policy of the Plan admits a pod.
	Label api.LevelVersion
	// Result and Obstacle are what it comes to.
	Result   migrate.DeltaResult
	Obstacle migrate.DeltaObstacle
	// Policy is the one that demands nothing beyond the label, by name.
	Policy string
	// Alternatives are the policies that somebody may use, by name, with what the label leaves of each.
	Alternatives []Alternative
	// NotKept are the fields by which these refuse pods and that delta does not keep.
	NotKept []string
}

// Needs returns what Delta has to add in each namespace of a Plan, those of the system among them; it has none for one that is being
// deleted, and none at all where the Plan has no policies. The limit is that of Options.MaxAskedFor.
func Needs(p *migrate.Plan, limit func(bothGroups, byRequester bool) int) []Need {
	if len(p.Policies) == 0 {
		return nil
	}
	b := &builder{plan: p, opts: Options{Mode: Delta, Version: p.TargetVersion, IncludeSystem: true, MaxAskedFor: limit}, table: &Table{Mode: Delta}}
	b.chooseNamespaces()
	if !b.chooseCandidates() {
		return []Need{{Namespaces: namesOf(b.namespaces), Result: migrate.DeltaNotExpressible, Obstacle: migrate.NoPolicyAdmits}}
	}
	type alike struct {
		label  api.LevelVersion
		grants *grantSet
	}
	var out []Need
	at := map[alike]int{}
	for _, pl := range b.places() {
		like := alike{pl.label, pl.grants}
		i, known := at[like]
		if !known {
			i = len(out)
			at[like] = i
			out = append(out, b.needOf(pl))
		}
		out[i].Namespaces = append(out[i].Namespaces, pl.Name)
	}
	return out
}

// needOf returns what Delta has to add in a place, as buildDelta does for a Plan of this one namespace.
func (b *builder) needOf(pl *place) Need {
	usable := pl.grants.usable(b.candidates)
	out := Need{Label: pl.label}
	switch {
	case len(usable) == 0:
		out.Result, out.Obstacle = migrate.DeltaNotExpressible, migrate.NobodyMayUse
		return out
	case !slices.ContainsFunc(usable, func(c *candidate) bool { return c.admitsBeside(pl.label.Level) }):
		out.Result, out.Obstacle = migrate.DeltaNotExpressible, migrate.ContraryToLevel
		return out
	}
	b.table.Grants = DynamicGrants
	if !b.fits(len(usable)) {
		b.table.Grants = StaticGrants
	}
	for _, c := range usable {
		if len(c.left(pl.label)) == 0 && b.mayAllUse(pl.grants.byCandidate[c.number]) {
			out.Result, out.Policy = migrate.DeltaNothing, c.policy.Name
			return out
		}
	}
	out.Result = migrate.DeltaConstraints
	out.Alternatives = b.openAlternatives(usable, func(c *candidate) []mapping.Constraint { return c.left(pl.label) })
	for _, c := range usable {
		for _, constraint := range c.all {
			if field := constraint.Fields()[0]; isUnlistedSeccomp(constraint) && !slices.Contains(out.NotKept, field) {
				out.NotKept = append(out.NotKept, field)
			}
		}
	}
	return out
}

// Demand is one constraint of a policy, with what becomes of it where something takes the place of PodSecurityPolicy admission.
type Demand struct {
	Constraint mapping.Constraint
	// Left: the policy refuses pods by it that the level of a label accepts.
	Left bool
	// NotKept: delta does not keep it, though it could be said.
	NotKept bool
}

// Demands returns the constraints of a policy of a Plan, in the order of its fields, beside a level of the standards.
func Demands(po *migrate.Policy, lv api.LevelVersion) []Demand {
	p := policyOfPlan(po)
	var out []Demand
	for _, c := range mapping.Constraints(p) {
		notKept := isUnlistedSeccomp(c)
		out = append(out, Demand{Constraint: c, Left: notKept || len(remaining(p, []mapping.Constraint{c}, lv)) > 0, NotKept: notKept})
	}
	return out
}

// policyOfPlan returns a policy of a Plan as it was read.
func policyOfPlan(po *migrate.Policy) *pspparse.Policy {
	return &pspparse.Policy{Name: po.Name, APIVersion: po.APIVersion, Annotations: po.Annotations, Spec: po.Spec}
}
