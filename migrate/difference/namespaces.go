package difference

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// namespacePair is one namespace in two Plans; nil in one that does not have it. none stands for that.
type namespacePair struct {
	name          string
	before, after *migrate.Namespace
	// hiddenBefore and hiddenAfter: the Plan does not have it, and may not have read it.
	hiddenBefore, hiddenAfter bool
}

// none is what a Plan says of a namespace that it does not have.
func none(ns *migrate.Namespace) *migrate.Namespace {
	if ns == nil {
		return &migrate.Namespace{Complete: true}
	}
	return ns
}

// inBoth reports whether both Plans have the namespace.
func (p *namespacePair) inBoth() bool { return p.before != nil && p.after != nil }

// compareNamespaces compares the namespaces of two Plans, with their levels, labels, blockers and workloads.
func (c *comparison) compareNamespaces() {
	for _, name := range sortedKeys(c.before.namespaces, c.after.namespaces) {
		p := &namespacePair{name: name, before: c.before.namespaces[name], after: c.after.namespaces[name]}
		if p.before == nil {
			p.hiddenBefore = c.before.mayHideNamespace(p.after)
		}
		if p.after == nil {
			p.hiddenAfter = c.after.mayHideNamespace(p.before)
		}
		c.compareNamespaceItself(p)
		c.compareLevels(p)
		c.compareLabels(p)
		c.compareWorkloads(p)
	}
}

// mayHideNamespace reports whether a Plan that does not have a namespace of the other one may not have read it. One whose object was read
// there is hidden where the objects are, and one that is known by what runs in it also where that is.
func (s *side) mayHideNamespace(other *migrate.Namespace) bool {
	if other.ObjectNotRead {
		return s.mayHide(other.Name, inventory.PartLabels, inventory.PartWorkloads)
	}
	return s.mayHide(other.Name, inventory.PartLabels)
}

// compareNamespaceItself keeps whether a namespace came, went, or is being deleted.
func (c *comparison) compareNamespaceItself(p *namespacePair) {
	change := Change{Kind: KindNamespace, Namespace: p.name, Op: OpChanged, Direction: Neither}
	switch {
	case p.inBoth() && p.before.Terminating == p.after.Terminating:
		return
	case p.inBoth():
		change.Field = "terminating"
		change.Before, change.After = trueOrAbsent(p.before.Terminating), trueOrAbsent(p.after.Terminating)
		change.Consequence = message.New("difference-terminating", "namespace", p.name, "now", p.after.Terminating)
	default:
		change.Op, change.Direction = existence(p.before != nil, p.hiddenBefore, p.hiddenAfter, Neither)
		change.Before, change.After = trueOrAbsent(none(p.before).Terminating), trueOrAbsent(none(p.after).Terminating)
		change.Consequence = namespaceMessage(p, change.Op)
	}
	c.add(change)
}

// trueOrAbsent returns "true", or "" for false.
func trueOrAbsent(is bool) string {
	if is {
		return "true"
	}
	return ""
}

// namespaceMessage returns the sentence on a namespace that one of two Plans has.
func namespaceMessage(p *namespacePair, op Op) message.Message {
	switch op {
	case OpAdded:
		return message.New("difference-namespace-new", "namespace", p.name, "level", p.after.RecommendedLabels.Enforce, "workloads", len(p.after.Workloads))
	case OpRemoved:
		return message.New("difference-namespace-gone", "namespace", p.name)
	case OpUnreadNow:
		return message.New("difference-namespace-unread-now", "namespace", p.name)
	}
	return message.New("difference-namespace-unread-before", "namespace", p.name)
}

// knownLevel is a level of a Plan. One that is not sure is the strictest that it can be: what was not read can make it looser.
type knownLevel struct {
	level api.Level
	sure  bool
}

// bounds returns the loosest and the strictest that a level can be.
func (k knownLevel) bounds() (least, most int) {
	most = levels.Rank(k.level)
	if k.sure {
		return most, most
	}
	return 0, most
}

// levelDirection returns the direction from one level of a Plan to a later one: looser or stricter only where what was not read cannot
// change that. A level that is absent, though all was read, has no place in the order.
func levelDirection(before, after knownLevel) Direction {
	if levels.Rank(before.level) < 0 || levels.Rank(after.level) < 0 {
		if before.sure && after.sure {
			return Neither
		}
		return Unknown
	}
	leastBefore, mostBefore := before.bounds()
	leastAfter, mostAfter := after.bounds()
	switch {
	case mostAfter < leastBefore:
		return Looser
	case leastAfter > mostBefore:
		return Stricter
	case before.sure && after.sure:
		return Neither
	}
	return Unknown
}

// levelField is one level of a namespace in a Plan.
type levelField struct {
	name string
	of   func(*migrate.Namespace) api.Level
	// rests are the parts of the namespace that the level rests on.
	rests []inventory.GapPart
}

// levelFields are the levels of a namespace that two Plans are compared by, without the recommended ones.
func levelFields() []levelField {
	return []levelField{
		{"needed", func(ns *migrate.Namespace) api.Level { return ns.NeededLevel }, []inventory.GapPart{inventory.PartWorkloads}},
		{"achievable", func(ns *migrate.Namespace) api.Level { return ns.AchievableLevel }, []inventory.GapPart{inventory.PartWorkloads, inventory.PartPolicies, inventory.PartGrants}},
		{"permitted", func(ns *migrate.Namespace) api.Level { return ns.PermittedLevel }, []inventory.GapPart{inventory.PartPolicies, inventory.PartGrants}},
	}
}

// knownIn returns a level of a namespace in one of two Plans, and whether all that it rests on was read.
func (c *comparison) knownIn(s *side, ns *migrate.Namespace, f *levelField) knownLevel {
	sure := !slices.ContainsFunc(f.rests, ns.HasUncertainPart)
	return knownLevel{f.of(ns), sure && (!slices.Contains(f.rests, inventory.PartGrants) || !c.grantsUnread(s, ns.Name))}
}

// grantsUnread reports whether one of two Plans did not read a role that the other one has a binding to in a namespace.
func (c *comparison) grantsUnread(s *side, namespace string) bool {
	return c.unreadGrants[s][namespace] || c.unreadGrants[s][inventory.AllNamespaces]
}

// enforceIn returns the level to enforce of a namespace in one of two Plans, and whether all that it rests on was read.
func (c *comparison) enforceIn(s *side, ns *migrate.Namespace) knownLevel {
	byPolicies := ns.NeededLevel == "" || s.plan.Basis != migrate.BasisWorkloads
	return knownLevel{api.Level(ns.RecommendedLabels.Enforce), ns.Complete && !(byPolicies && c.grantsUnread(s, ns.Name))}
}

// compareLevels compares the levels of a namespace in two Plans that judge by the same standards, and the recommended labels where these
// rest on the same basis.
func (c *comparison) compareLevels(p *namespacePair) {
	if !c.sameStandards {
		return
	}
	for _, f := range levelFields() {
		b, a := c.knownIn(c.before, none(p.before), &f), c.knownIn(c.after, none(p.after), &f)
		if b.level == a.level {
			continue
		}
		change := Change{Kind: KindLevel, Op: OpChanged, Namespace: p.name, Field: f.name, Before: string(b.level), After: string(a.level)}
		change.Direction = c.levelChangeDirection(p, b, a)
		change.Consequence = levelMessage(p, &change)
		c.add(change)
	}
	if c.before.plan.Basis == c.after.plan.Basis {
		c.compareRecommended(p)
	}
}

// levelChangeDirection returns the direction of a changed level: none where only one Plan has the namespace, or unknown where the other
// may not have read it.
func (c *comparison) levelChangeDirection(p *namespacePair, before, after knownLevel) Direction {
	switch {
	case p.inBoth():
		return levelDirection(before, after)
	case p.hiddenBefore || p.hiddenAfter:
		return Unknown
	}
	return Neither
}

// levelMessage returns the sentence on a level that changed and is not a recommended one.
func levelMessage(p *namespacePair, change *Change) message.Message {
	unsure := change.Direction == Unknown
	switch change.Field {
	case "needed":
		why := levelCauses(p, change)
		return message.New("difference-needed", "namespace", p.name, "before", change.Before, "after", change.After, "unsure", unsure,
			"fixed", why.fixed, "gone", why.gone, "new", why.added, "worse", why.worse)
	case "achievable":
		return message.New("difference-achievable", "namespace", p.name, "before", change.Before, "after", change.After, "unsure", unsure)
	}
	var by, without []string
	if !unsure {
		by, without = itemsOnlyIn(none(p.after).PermittedBy, none(p.before).PermittedBy), itemsOnlyIn(none(p.before).PermittedBy, none(p.after).PermittedBy)
	}
	return message.New("difference-permitted", "namespace", p.name, "before", change.Before, "after", change.After, "unsure", unsure, "by", by, "without", without)
}

// labelField is one Pod Security label by its name in a Plan.
type labelField struct {
	name string
	of   func(*migrate.PodSecurityLabels) string
	// key of the label.
	key string
}

// labelFields are the six Pod Security labels.
func labelFields() []labelField {
	return []labelField{
		{"enforce", func(l *migrate.PodSecurityLabels) string { return l.Enforce }, api.EnforceLevelLabel},
		{"enforceVersion", func(l *migrate.PodSecurityLabels) string { return l.EnforceVersion }, api.EnforceVersionLabel},
		{"audit", func(l *migrate.PodSecurityLabels) string { return l.Audit }, api.AuditLevelLabel},
		{"auditVersion", func(l *migrate.PodSecurityLabels) string { return l.AuditVersion }, api.AuditVersionLabel},
		{"warn", func(l *migrate.PodSecurityLabels) string { return l.Warn }, api.WarnLevelLabel},
		{"warnVersion", func(l *migrate.PodSecurityLabels) string { return l.WarnVersion }, api.WarnVersionLabel},
	}
}

// compareRecommended compares the recommended labels of a namespace in two Plans. Only enforce refuses pods, and has a direction.
func (c *comparison) compareRecommended(p *namespacePair) {
	before, after := none(p.before), none(p.after)
	for _, f := range labelFields() {
		b, a := f.of(&before.RecommendedLabels), f.of(&after.RecommendedLabels)
		if b == a {
			continue
		}
		change := Change{Kind: KindLevel, Op: OpChanged, Namespace: p.name, Field: "recommended." + f.name, Before: b, After: a, Direction: Neither}
		if f.name != "enforce" {
			change.Consequence = message.New("difference-recommended-label", "namespace", p.name, "label", f.key, "before", b, "after", a)
			c.add(change)
			continue
		}
		change.Direction = c.levelChangeDirection(p, c.enforceIn(c.before, before), c.enforceIn(c.after, after))
		change.Consequence = enforceMessage(p, &change)
		c.add(change)
	}
}

// enforceMessage returns the sentence on a changed level to enforce, with the workloads for which it changed.
func enforceMessage(p *namespacePair, change *Change) message.Message {
	before, after := none(p.before), none(p.after)
	var why causes
	if string(before.NeededLevel) == change.Before && string(after.NeededLevel) == change.After {
		why = levelCauses(p, change)
	}
	switch {
	case change.Direction == Stricter:
		return message.New("difference-enforce-stricter", "namespace", p.name, "before", change.Before, "after", change.After, "fixed", why.fixed, "gone", why.gone)
	case change.Direction == Looser:
		return message.New("difference-enforce-looser", "namespace", p.name, "before", change.Before, "after", change.After, "new", why.added, "worse", why.worse)
	case change.After == "":
		return message.New("difference-enforce-none", "namespace", p.name, "before", change.Before, "unread", p.after != nil && !after.Complete, "unsure", change.Direction == Unknown)
	case change.Before == "":
		return message.New("difference-enforce-first", "namespace", p.name, "after", change.After, "unread", p.before != nil && !before.Complete)
	}
	return message.New("difference-enforce-unsure", "namespace", p.name, "before", change.Before, "after", change.After)
}

// compareLabels compares the Pod Security labels of a namespace as they stand in two Plans, and whether it is exempt.
func (c *comparison) compareLabels(p *namespacePair) {
	hiddenBefore, hiddenAfter := p.labelsHidden(p.before, p.hiddenBefore), p.labelsHidden(p.after, p.hiddenAfter)
	for _, f := range labelFields() {
		b, a := labelText(p.before, f.key), labelText(p.after, f.key)
		if b == a {
			continue
		}
		change := Change{Kind: KindLabel, Op: OpChanged, Namespace: p.name, Field: "current." + f.name, Before: b, After: a, Direction: Neither}
		switch {
		case b == "" && hiddenBefore:
			change.Op, change.Direction = OpUnreadBefore, Unknown
		case a == "" && hiddenAfter:
			change.Op, change.Direction = OpUnreadNow, Unknown
		case f.name == "enforce" && p.inBoth():
			change.Direction = levelDirection(c.enforcedByLabel(p.before), c.enforcedByLabel(p.after))
		}
		change.Consequence = message.New("difference-label", "namespace", p.name, "label", f.key, "before", b, "after", a,
			"looser", change.Direction == Looser, "stricter", change.Direction == Stricter, "unreadNow", change.Op == OpUnreadNow, "unreadBefore", change.Op == OpUnreadBefore)
		c.add(change)
	}
	if p.inBoth() && c.before.plan.Admission != nil && c.after.plan.Admission != nil && p.before.Exempt != p.after.Exempt {
		c.add(Change{
			Kind: KindLabel, Op: OpChanged, Namespace: p.name, Field: "exempt", Before: trueOrAbsent(p.before.Exempt), After: trueOrAbsent(p.after.Exempt),
			Direction: directionOf(p.after.Exempt, p.before.Exempt), Consequence: message.New("difference-exempt", "namespace", p.name, "now", p.after.Exempt),
		})
	}
}

// labelsHidden reports whether the labels of a namespace in one of the two Plans were not read.
func (p *namespacePair) labelsHidden(ns *migrate.Namespace, hidden bool) bool {
	if ns == nil {
		return hidden
	}
	return ns.ObjectNotRead || ns.HasUncertainPart(inventory.PartLabels)
}

// labelText returns the value of a Pod Security label of a namespace as it stands, in quotes where it is empty; "" without one.
func labelText(ns *migrate.Namespace, key string) string {
	if ns == nil {
		return ""
	}
	value, there := ns.LabelValue(key)
	if there && value == "" {
		return `""`
	}
	return value
}

// enforcedByLabel returns the level that the label of a namespace has the server enforce. Without one it is the default of the admission
// configuration, where both Plans have that, and else privileged; an invalid value is restricted.
func (c *comparison) enforcedByLabel(ns *migrate.Namespace) knownLevel {
	value, there := ns.LabelValue(api.EnforceLevelLabel)
	if !there && ns.EffectiveLabels != nil && c.before.plan.Admission != nil && c.after.plan.Admission != nil {
		value, there = ns.EffectiveLabels.Enforce, true
	}
	if !there {
		return knownLevel{api.LevelPrivileged, true}
	}
	level, err := api.ParseLevel(value)
	if err != nil {
		level = api.LevelRestricted
	}
	return knownLevel{level, true}
}
