package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// findings collects what looks like a grant and is none. Read access and other rules that have nothing to do with
// policies are nobody's mistake and are not told.
type findings struct {
	known  []string // policies
	all    []Finding
	unread map[roleKey]*unread
	// unreadIn are the bindings of each namespace that refer to one.
	unreadIn map[string][]string
}

// unread is a role that bindings refer to and that was not read.
type unread struct {
	example  string // the first binding
	bindings int
}

func (f *findings) add(what, why string) { f.all = append(f.all, Finding{What: what, Why: why}) }

// referenced returns the role that a binding refers to, nil if there is none to be had.
func (f *findings) referenced(b *inventory.Binding, roles map[roleKey]*role) *role {
	key := roleKey{name: b.RoleName}
	switch {
	case b.RoleKind == clusterRoleKind:
	case b.RoleKind == roleKind && b.Namespace != "":
		key.namespace = b.Namespace
	case b.RoleKind == roleKind:
		f.add(bindingLabel(b), fmt.Sprintf("refers to a Role (%s), and a ClusterRoleBinding grants only ClusterRoles: it grants nothing", b.RoleName))
		return nil
	default:
		f.add(bindingLabel(b), fmt.Sprintf("refers to a role of kind %q, neither Role nor ClusterRole (case matters): it grants nothing", b.RoleKind))
		return nil
	}
	if r := roles[key]; r != nil {
		return r
	}
	if !bootstrapName(key) {
		f.missing(key, bindingLabel(b))
		if b.Namespace != "" {
			if f.unreadIn == nil {
				f.unreadIn = map[string][]string{}
			}
			f.unreadIn[b.Namespace] = append(f.unreadIn[b.Namespace], bindingLabel(b))
		}
		f.subjects(b)
	}
	return nil
}

// bootstrapName: roles that an API server makes itself and that grant no use of a policy.
func bootstrapName(key roleKey) bool {
	return strings.HasPrefix(key.name, "system:") || key.namespace == kubeSystem && key.name == "extension-apiserver-authentication-reader"
}

func (f *findings) missing(key roleKey, binding string) {
	if f.unread == nil {
		f.unread = map[roleKey]*unread{}
	}
	u := f.unread[key]
	if u == nil {
		u = &unread{example: binding}
		f.unread[key] = u
	}
	u.example = min(u.example, binding)
	u.bindings++
}

// subjects tells which subjects of a binding never match anyone.
func (f *findings) subjects(b *inventory.Binding) {
	if len(b.Subjects) == 0 {
		f.add(bindingLabel(b), "has no subjects: it grants nothing")
	}
	for _, s := range b.Subjects {
		if why := neverMatches(s, b.Namespace); why != "" {
			f.add(bindingLabel(b), why)
		}
	}
}

// roles tells which rules mean to grant the use of policies and do not.
func (f *findings) roles(inv *inventory.Inventory, roles map[roleKey]*role, overwritten []*role) {
	for _, r := range overwritten {
		f.add(r.label, "the rules written in it that grant the use of policies are overwritten by its aggregationRule")
	}
	for i := range inv.Roles {
		r := &inv.Roles[i]
		known := roles[roleKey{r.Namespace, r.Name}]
		if known.aggregated() && !known.kept {
			continue // its own rules do not count
		}
		label, reach := known.label, reachOf(r.Rules)
		if known.kept && reach.uses() {
			f.add(label, "the rules written in it that grant the use of policies hold only because its aggregationRule selects no rules: once it does, and before v1.21 at once, they are overwritten")
		}
		if onlyLooks(r.Rules) {
			continue
		}
		for j := range r.Rules {
			if why := grantsNoUse(&r.Rules[j], reach.uses()); why != "" {
				f.add(label, why)
			}
		}
		f.unreadPolicies(label, reach.named)
	}
}

// onlyLooks is true for a role that only reads, and reads other things beside policies, such as the one for an audit:
// nobody meant it to grant the use of anything.
func onlyLooks(rules []rbacv1.PolicyRule) bool {
	more := false
	for i := range rules {
		for _, verb := range rules[i].Verbs {
			if !contains([]string{"get", "list", "watch"}, verb) {
				return false
			}
		}
		more = more || slices.ContainsFunc(rules[i].Resources, func(r string) bool { return r != "podsecuritypolicies" })
	}
	return more
}

// grantsNoUse says why a rule that seems to be about policies does not let anybody use one.
func grantsNoUse(rule *rbacv1.PolicyRule, roleUses bool) string {
	var odd []string
	exact := contains(rule.Resources, "podsecuritypolicies")
	for _, resource := range rule.Resources {
		if oddResource(resource) {
			odd = append(odd, resource)
		}
	}
	verb := contains(rule.Verbs, "use", rbacv1.VerbAll)
	group := contains(rule.APIGroups, "policy", "extensions", rbacv1.APIGroupAll)
	switch {
	case exact && !verb && !roleUses:
		return fmt.Sprintf("names podsecuritypolicies, but not the verb use (%s): it grants no use", list(rule.Verbs))
	case exact && verb && !group:
		return fmt.Sprintf("names podsecuritypolicies in the wrong API group (%s): admission asks in policy and extensions only, so it grants no use", list(rule.APIGroups))
	case verb && group && len(odd) > 0 && !exact && !contains(rule.Resources, rbacv1.ResourceAll):
		return fmt.Sprintf("names the resource %s, and only podsecuritypolicies and * match: it grants no use", list(odd))
	default:
		return ""
	}
}

// oddResource recognises what was probably meant as podsecuritypolicies.
func oddResource(name string) bool {
	if name == "podsecuritypolicies" {
		return false
	}
	lower := strings.ToLower(name)
	switch lower {
	case "*/*", "podsecuritypolicies", "podsecuritypolicy":
		return true
	}
	return strings.HasPrefix(lower, "podsecuritypolicies/")
}

// unreadPolicies tells in one line which policies a role names that are not there.
func (f *findings) unreadPolicies(label string, named []string) {
	var missing []string
	for _, name := range named {
		if _, found := slices.BinarySearch(f.known, name); found {
			continue
		}
		if name == "*" {
			f.add(label, `names the policy "*", which is a name like any other, not a wildcard: it grants no use`)
			continue
		}
		missing = append(missing, name)
	}
	switch len(missing) {
	case 0:
	case 1:
		f.add(label, fmt.Sprintf("names policy %s that was not read", list(missing)))
	default:
		f.add(label, fmt.Sprintf("names policies %s that were not read", list(missing)))
	}
}

// list quotes up to three items and counts the rest.
func list(items []string) string {
	const most = 3
	quoted := make([]string, 0, most)
	for _, item := range items[:min(most, len(items))] {
		quoted = append(quoted, fmt.Sprintf("%q", item))
	}
	text := strings.Join(quoted, ", ")
	switch {
	case text == "":
		return "none"
	case len(items) > most:
		return fmt.Sprintf("%s and %d more", text, len(items)-most)
	default:
		return text
	}
}

// sorted returns everything found; the same remark about more than three objects becomes one line with a count.
func (f *findings) sorted() []Finding {
	for key, u := range f.unread {
		f.add(key.label(), u.why())
	}
	slices.SortFunc(f.all, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.Why, b.Why), cmp.Compare(a.What, b.What)) })
	f.all = slices.Compact(f.all)
	var out []Finding
	for rest := f.all; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Why == rest[0].Why {
			n++
		}
		if n > 3 {
			out = append(out, Finding{What: fmt.Sprintf("%s and %d more", rest[0].What, n-1), Why: rest[0].Why})
		} else {
			out = append(out, rest[:n]...)
		}
		rest = rest[n:]
	}
	slices.SortFunc(out, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Why, b.Why)) })
	return out
}

func (f *findings) unreadLabels() map[string]bool {
	out := make(map[string]bool, len(f.unread))
	for key := range f.unread {
		out[key.label()] = true
	}
	return out
}

func (u *unread) why() string {
	bound := fmt.Sprintf("bound by %s", u.example)
	if u.bindings > 1 {
		bound += fmt.Sprintf(" and %d more", u.bindings-1)
	}
	return "was not read, " + bound + ": what it grants is not known, and nothing if it does not exist"
}
