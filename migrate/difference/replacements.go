package difference

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// compareReplacements compares the admission policies that the command generate wrote, as two Plans have them: which are there, and what
// their bindings have them do.
func (c *comparison) compareReplacements() {
	before, after := replacementsOf(c.before.plan), replacementsOf(c.after.plan)
	for _, object := range sortedKeys(before, after) {
		b, inBefore := before[object]
		a, inAfter := after[object]
		change := Change{Kind: KindReplacement, Object: object, Before: string(b.Effect), After: string(a.Effect)}
		switch {
		case !inBefore || !inAfter:
			change.Op, change.Direction = existence(inBefore, c.before.replacementsMayBeHidden(), c.after.replacementsMayBeHidden(), effectDirection(migrate.Unbound, a.Effect))
			if inBefore && change.Op == OpRemoved {
				change.Direction = effectDirection(b.Effect, migrate.Unbound)
			}
		case b.Effect != a.Effect:
			change.Op, change.Direction, change.Field = OpChanged, effectDirection(b.Effect, a.Effect), "action"
		case b.Changed != a.Changed:
			// What it says now is not known, nor whether it said something else before.
			change.Op, change.Direction, change.Field = OpChanged, Unknown, "changed"
			change.Before, change.After = "", ""
		default:
			continue
		}
		change.Consequence = replacementMessage(&change, inAfter && a.Changed)
		c.add(change)
	}
}

// replacementsOf returns the admission policies of a Plan that the command generate wrote, by kind and name.
func replacementsOf(p *migrate.Plan) map[string]migrate.BoundPolicy {
	out := map[string]migrate.BoundPolicy{}
	policies, _ := p.BoundPolicies()
	for _, g := range policies {
		out[g.Kind+"/"+g.Name] = g
	}
	return out
}

// replacementsMayBeHidden reports whether the Plan may lack admission policies: they were not listed, or a gap may hide anything.
func (s *side) replacementsMayBeHidden() bool {
	unlisted := func(m message.Message) bool {
		resources, _ := m.Args.Get("resources").([]string)
		return m.ID == "custom-lists-forbidden" && slices.ContainsFunc(resources, func(name string) bool { return strings.HasSuffix(name, "admissionregistration.k8s.io") })
	}
	return s.mayHide("") ||
		slices.ContainsFunc(s.plan.Gaps, func(g migrate.Gap) bool { return unlisted(g.Message) }) ||
		slices.ContainsFunc(s.plan.Notes, func(n migrate.Note) bool { return unlisted(n.Message) })
}

// effectDirection returns whether more or less is refused once the effect of a policy changes. What only tells, and what writes into pods,
// refuses nothing.
func effectDirection(before, after migrate.PolicyEffect) Direction {
	return directionOf(before == migrate.EffectOfDeny && after != before, after == migrate.EffectOfDeny && after != before)
}

// replacementMessage returns the sentence on a change of an admission policy that the command generate wrote.
func replacementMessage(change *Change, changed bool) message.Message {
	kind, name, _ := strings.Cut(change.Object, "/")
	switch {
	case change.Op == OpAdded:
		return message.New("difference-replacement-new", "kind", kind, "name", name, "action", change.After)
	case change.Op == OpRemoved:
		return message.New("difference-replacement-gone", "kind", kind, "name", name, "action", change.Before)
	case change.Op != OpChanged:
		return message.New("difference-replacement-unread", "kind", kind, "name", name, "present", change.Op == OpUnreadNow)
	case change.Field == "changed":
		return message.New("difference-replacement-edited", "kind", kind, "name", name, "again", !changed)
	}
	return message.New("difference-replacement-action", "kind", kind, "name", name, "before", change.Before, "after", change.After)
}
