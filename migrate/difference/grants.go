package difference

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// compareRoles compares the roles that let use policies, by the policies that they let use.
func (c *comparison) compareRoles() {
	bound := map[string]bool{}
	for _, s := range []*side{c.before, c.after} {
		for i := range s.plan.Bindings {
			bound[s.plan.Bindings[i].Role] = true
		}
	}
	for _, name := range sortedKeys(c.before.roles, c.after.roles) {
		before, after := c.before.roles[name], c.after.roles[name]
		change := Change{Kind: KindRole, Object: name, Op: OpChanged, Namespace: roleNamespace(before, after)}
		change.Added, change.Removed = itemsOnlyIn(policiesOf(after), policiesOf(before)), itemsOnlyIn(policiesOf(before), policiesOf(after))
		hiddenBefore, hiddenAfter := c.before.hidesGrants(change.Namespace, name), c.after.hidesGrants(change.Namespace, name)
		switch {
		case before != nil && after != nil && len(change.Added)+len(change.Removed) == 0:
			continue
		case before == nil || after == nil: // what its coming means is told by its bindings
			change.Op, change.Direction = existence(before != nil, hiddenBefore, hiddenAfter, Neither)
		case hiddenBefore && len(change.Added) > 0 || hiddenAfter && len(change.Removed) > 0:
			change.Direction = Unknown
		case bound[name]:
			change.Direction = directionOf(len(change.Added) > 0 && !letsUseEvery(before), len(change.Removed) > 0 && !letsUseEvery(after))
		default:
			change.Direction = Neither
		}
		change.Consequence = roleMessage(&change, bound[name])
		c.add(change)
	}
}

// roleNamespace returns the namespace of a role that one of two Plans has.
func roleNamespace(before, after *migrate.Role) string {
	if before != nil {
		return before.Namespace
	}
	return after.Namespace
}

// policiesOf returns the policies that a role lets use; none for nil.
func policiesOf(r *migrate.Role) []string {
	if r == nil {
		return nil
	}
	return r.Policies
}

// letsUseEvery reports whether a role of a Plan lets use every policy, those to come as well.
func letsUseEvery(r *migrate.Role) bool { return slices.Contains(r.Policies, migrate.EveryPolicy) }

// hidesGrants reports whether a Plan may not have read a binding, or the role that it names.
func (s *side) hidesGrants(namespace, role string) bool {
	return s.unreadRoles[role] || s.mayHide(namespace, inventory.PartGrants)
}

// roleMessage returns the sentence on a role that lets use other policies than before.
func roleMessage(change *Change, bound bool) message.Message {
	every, removed := slices.Contains(change.Added, migrate.EveryPolicy), first(change.Removed)
	if every {
		removed = nil // they are among every policy
	}
	switch change.Op {
	case OpAdded:
		return message.New("difference-role-new", "role", change.Object, "policies", first(change.Added), "more", len(change.Added)-len(first(change.Added)), "every", every, "bound", bound)
	case OpRemoved:
		return message.New("difference-role-gone", "role", change.Object)
	case OpUnreadNow:
		return message.New("difference-role-unread-now", "role", change.Object)
	case OpUnreadBefore:
		return message.New("difference-role-unread-before", "role", change.Object)
	}
	return message.New("difference-role-changed", "role", change.Object, "added", first(change.Added), "removed", removed, "every", every,
		"everyBefore", slices.Contains(change.Removed, migrate.EveryPolicy), "bound", bound, "unsure", change.Direction == Unknown)
}

// grantKey names a binding with its role.
type grantKey struct{ namespace, binding, role string }

// grantedTo is the right that a subject has by a role, everywhere or in a namespace.
type grantedTo struct {
	namespace, role string
	subject         migrate.Subject
}

// grantsOf returns the subjects of the bindings of a Plan, by binding and role, and each subject's rights with the number of bindings.
func (s *side) grantsOf() (map[grantKey][]migrate.Subject, map[grantedTo]bool) {
	subjects, rights := map[grantKey][]migrate.Subject{}, map[grantedTo]bool{}
	for i := range s.plan.Bindings {
		b := &s.plan.Bindings[i]
		key := grantKey{b.Namespace, b.Reference(), b.Role}
		subjects[key] = append(subjects[key], b.Subjects...)
		for _, subject := range b.Subjects {
			rights[grantedTo{b.Namespace, b.Role, subject}] = true
		}
	}
	return subjects, rights
}

// compareBindings compares who may use policies by which binding and role.
func (c *comparison) compareBindings() {
	before, rightsBefore := c.before.grantsOf()
	after, rightsAfter := c.after.grantsOf()
	keys := make([]grantKey, 0, len(after))
	for key := range after {
		keys = append(keys, key)
	}
	for key := range before {
		if _, there := after[key]; !there {
			keys = append(keys, key)
		}
	}
	for _, key := range keys { // complete sorts the changes
		b, wasThere := before[key]
		a, isThere := after[key]
		change := Change{Kind: KindGrant, Op: OpChanged, Object: key.binding, Field: key.role, Namespace: key.namespace}
		added, removed := subjectsOnlyIn(a, b), subjectsOnlyIn(b, a)
		if wasThere && isThere && len(added)+len(removed) == 0 {
			continue
		}
		change.Added, change.Removed = subjectNames(added), subjectNames(removed)
		hiddenBefore, hiddenAfter := c.before.hidesGrants(key.namespace, key.role), c.after.hidesGrants(key.namespace, key.role)
		more := c.after.grantsAny(key.role) && hasNewRight(rightsBefore, key, added)
		less := c.before.grantsAny(key.role) && hasNewRight(rightsAfter, key, removed)
		change.Direction = directionOf(more, less)
		switch {
		case wasThere != isThere:
			change.Op, change.Direction = existence(wasThere, hiddenBefore, hiddenAfter, directionOf(more || less, false))
		case hiddenBefore && len(added) > 0 || hiddenAfter && len(removed) > 0:
			change.Direction = Unknown
		}
		change.Consequence = c.grantMessage(&change, key, added, removed)
		c.add(change)
	}
}

// grantsAny reports whether a role of a Plan lets use a policy.
func (s *side) grantsAny(role string) bool { return len(policiesOf(s.roles[role])) > 0 }

// hasNewRight reports whether one of the subjects has no right, by the role of a binding, in the other Plan: neither in its namespace nor
// everywhere.
func hasNewRight(other map[grantedTo]bool, key grantKey, subjects []migrate.Subject) bool {
	return slices.ContainsFunc(subjects, func(s migrate.Subject) bool {
		return !other[grantedTo{key.namespace, key.role, s}] && !other[grantedTo{"", key.role, s}]
	})
}

// subjectsOnlyIn returns the subjects of a list that another list does not have, in their order and each once.
func subjectsOnlyIn(list, other []migrate.Subject) []migrate.Subject {
	has := make(map[migrate.Subject]bool, len(other))
	for _, s := range other {
		has[s] = true
	}
	var out []migrate.Subject
	for _, s := range list {
		if !has[s] {
			out, has[s] = append(out, s), true
		}
	}
	return out
}

// subjectNames returns the kinds and names of subjects: "ServiceAccount ci/builder".
func subjectNames(subjects []migrate.Subject) []string {
	var out []string
	for _, s := range subjects {
		kind, name := s.Kind()
		out = append(out, kind+" "+name)
	}
	return out
}

// grantMessage returns the sentence on a binding that has other subjects than before.
func (c *comparison) grantMessage(change *Change, key grantKey, added, removed []migrate.Subject) message.Message {
	binding, neither := key.binding, change.Direction == Neither
	switch {
	case change.Op == OpUnreadNow:
		return message.New("difference-grant-unread-now", "binding", binding, "role", key.role)
	case change.Op == OpUnreadBefore:
		return message.New("difference-grant-unread-before", "binding", binding, "role", key.role)
	case change.Direction == Unknown:
		return message.New("difference-grant-unsure", "binding", binding, "role", key.role)
	case len(added) == 0 && len(removed) == 0:
		return message.New("difference-grant-empty", "binding", binding, "role", key.role, "now", change.Op == OpAdded)
	}
	at := c.after
	if len(added) == 0 {
		at = c.before
	}
	policies, more, level := c.policiesBy(at, key.role)
	every := slices.Equal(policies, []string{migrate.EveryPolicy})
	switch {
	case len(policies) == 0:
		return message.New("difference-grant-idle", "binding", binding, "added", subjectPhrases(added), "removed", subjectPhrases(removed), "role", key.role)
	case len(added) == 0:
		return message.New("difference-grant-less", "binding", binding, "removed", subjectPhrases(removed), "policies", policies, "more", more, "every", every,
			"level", level, "role", key.role, "others", neither)
	}
	return message.New("difference-grant-more", "binding", binding, "added", subjectPhrases(added), "removed", subjectPhrases(removed), "policies", policies, "more", more,
		"every", every, "level", level, "role", key.role, "others", neither)
}

// policiesBy returns the first of the policies that a role of a Plan lets use, the number of the others, and the loosest of their closest
// levels; "" where the Plans judge by different standards.
func (c *comparison) policiesBy(s *side, role string) (names []string, more int, level string) {
	all := policiesOf(s.roles[role])
	if c.sameStandards {
		level = string(s.loosestBy(role))
	}
	return first(all), len(all) - len(first(all)), level
}

// loosestBy returns the loosest of the closest levels of the policies that a role of a Plan lets use; "" for every policy.
func (s *side) loosestBy(role string) api.Level {
	if level, known := s.loosest[role]; known {
		return level
	}
	var loosest api.Level
	for _, name := range policiesOf(s.roles[role]) {
		if p := s.policies[name]; p != nil {
			loosest = levels.LeastStrict(loosest, p.ClosestLevel)
		}
	}
	s.loosest[role] = loosest
	return loosest
}

// subjectPhrases returns subjects as sentences have them: "service account ci/builder".
func subjectPhrases(subjects []migrate.Subject) []string {
	var out []string
	for _, s := range subjects {
		out = append(out, s.String())
	}
	return out
}
