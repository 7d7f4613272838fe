package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// place is a namespace of the Plan with the enforce label that its pods will meet, and who may use which policies there.
type place struct {
	*migrate.Namespace
	label  api.LevelVersion
	grants *grantSet
}

// buildDelta makes the sets that add to labels what the policies forbade.
func (b *builder) buildDelta() {
	if !b.chooseCandidates() {
		return
	}
	places := b.places()
	b.remarkOnLabels(places)
	places = b.withoutUngranted(places)
	b.countAccounts(places)
	candidates := sortByAccounts(b.candidates)
	b.decideGrants(places)
	places = b.withoutNeedless(places, candidates)
	everyPolicy := b.table.Grants == DynamicGrants && b.fits(len(candidates))
	b.addSets(places, !everyPolicy, func(pl *place) []Alternative {
		demands := func(c *candidate) []mapping.Constraint { return c.left(pl.label) }
		switch {
		case everyPolicy:
			return b.openAlternatives(candidates, demands)
		case b.table.Grants == DynamicGrants:
			return b.openAlternatives(b.usableIn(pl.grants, candidates), demands)
		}
		return b.closedAlternatives(b.usableIn(pl.grants, candidates), pl.grants, demands)
	})
	b.remarkOnUnlistedSeccomp()
	b.remarkOnControllers(places)
	b.remarkOnAdministrators(everyPolicy)
	b.remarkOnUncertainty(places)
}

// places returns the namespaces of the table with their labels and grants. With the grants it is known how many policies an engine can
// ask about.
func (b *builder) places() []*place {
	b.grants = newGrantIndex(b.plan, b.candidates, &b.work)
	if limit := b.opts.MaxAskedFor; limit != nil {
		b.opts.MaxAsked = limit(slices.ContainsFunc(b.grants.groups, func(g apiGroups) bool { return g.policy && g.extensions }), byRequester)
	}
	out := make([]*place, 0, len(b.namespaces))
	for _, ns := range b.namespaces {
		out = append(out, &place{Namespace: ns, label: b.labelOf(ns), grants: b.grants.in(ns.Name)})
	}
	return out
}

// labelOf returns the level and version of the enforce label that a namespace of the Plan is to have: the recommended one, and
// where that is withheld the one that it has. In an exempt namespace no label is in force.
func (b *builder) labelOf(ns *migrate.Namespace) api.LevelVersion {
	if ns.Exempt {
		return api.LevelVersion{Level: api.LevelPrivileged, Version: b.version()}
	}
	if ns.RecommendedLabels.Enforce == "" {
		return ns.EffectivePolicyToday().Enforce
	}
	level, _ := api.ParseLevel(ns.RecommendedLabels.Enforce)
	return api.LevelVersion{Level: level, Version: b.version()}
}

// version returns the version of the standards that the labels are to name.
func (b *builder) version() api.Version {
	v, _ := api.ParseVersion(b.opts.Version) // Build has parsed it before
	return v
}

// remarkOnLabels says in which namespaces the table does not build on a recommended label.
func (b *builder) remarkOnLabels(places []*place) {
	today := map[string][]string{}
	var exempt []string
	for _, pl := range places {
		switch {
		case pl.Exempt:
			exempt = append(exempt, pl.Name)
		case pl.RecommendedLabels.Enforce == "":
			today[string(pl.label.Level)] = append(today[string(pl.label.Level)], pl.Name)
		}
	}
	for _, level := range slices.Sorted(maps.Keys(today)) {
		names := today[level]
		b.leaveOut(message.New("engine-level-of-today", "level", level, "namespaces", names), names)
	}
	if len(exempt) > 0 {
		b.leaveOut(message.New("engine-exempt-namespaces", "namespaces", exempt), exempt)
	}
	if a := b.plan.Admission; a != nil && len(a.RuntimeClasses)+len(a.Usernames) > 0 {
		b.leaveOut(message.New("engine-exempt-pods", "class", a.RuntimeClasses, "user", a.Usernames), nil)
	}
}

// withoutUngranted returns the places in which a pod can be admitted: somebody may use a policy, and the label accepts some pods that
// this policy admits. Of the others it says that every pod is refused there, and keeps them only where the options ask for it.
func (b *builder) withoutUngranted(places []*place) []*place {
	var ungranted, contrary []string
	kept := slices.DeleteFunc(slices.Clone(places), func(pl *place) bool {
		usable := pl.grants.usable(b.candidates)
		switch {
		case len(usable) == 0:
			ungranted = append(ungranted, pl.Name)
		case !slices.ContainsFunc(usable, func(c *candidate) bool { return c.admitsBeside(pl.label.Level) }):
			contrary = append(contrary, pl.Name)
		default:
			return false
		}
		return !b.opts.RefuseAll
	})
	refused := slices.Concat(ungranted, contrary)
	switch {
	case b.opts.RefuseAll && len(refused) > 0:
		b.leaveOut(message.New("engine-refuses-all", "namespaces", refused), refused)
	case b.opts.RefuseAll:
	default:
		if len(ungranted) > 0 {
			b.leaveOut(message.New("engine-nobody-may-use", "namespaces", ungranted), ungranted)
		}
		if len(contrary) > 0 {
			b.leaveOut(message.New("engine-contrary-to-level", "namespaces", contrary), contrary)
		}
	}
	return kept
}

// usableIn returns the candidates that somebody may use by a set of grants. Where nobody may, and the options ask to refuse every pod
// there, it returns all that an engine can ask about: administrators may use these.
func (b *builder) usableIn(set *grantSet, candidates []*candidate) []*candidate {
	usable := set.usable(candidates)
	switch {
	case len(usable) > 0 || !b.opts.RefuseAll:
		return usable
	case b.table.Grants == DynamicGrants && !b.fits(len(candidates)):
		return candidates[:b.opts.MaxAsked]
	}
	return candidates
}

// countAccounts sets how many service accounts may use each candidate: those that the Plan shows in the namespaces of the table.
func (b *builder) countAccounts(places []*place) {
	inSet := map[*grantSet]int{}
	namespaces := map[*grantSet]int{}
	for _, pl := range places {
		names := map[string]bool{"default": true}
		for i := range pl.Workloads {
			names[pl.Workloads[i].ServiceAccount] = true
		}
		inSet[pl.grants] += len(names)
		namespaces[pl.grants]++
	}
	for set, all := range inSet {
		for number, u := range set.byCandidate {
			b.work++
			if u.everybody || u.controllers {
				b.candidates[number].accounts += all
			} else {
				b.candidates[number].accounts += len(u.accounts) * namespaces[set]
			}
		}
	}
}

// fits reports whether an engine can ask for a number of policies who may use them.
func (b *builder) fits(policies int) bool { return b.opts.MaxAsked == 0 || policies <= b.opts.MaxAsked }

// decideGrants sets Table.Grants: who may use the policies is asked at admission, unless the options say otherwise or an engine
// cannot ask for so many.
func (b *builder) decideGrants(places []*place) {
	b.table.Grants = cmp.Or(b.opts.Grants, DynamicGrants)
	if b.table.Grants == StaticGrants || b.fits(len(b.candidates)) {
		return
	}
	most, counted := 0, map[*grantSet]bool{}
	for _, pl := range places {
		if !counted[pl.grants] {
			counted[pl.grants] = true
			most = max(most, len(pl.grants.usable(b.candidates)))
		}
	}
	if b.fits(most) {
		b.leaveOut(message.New("engine-grants-of-usable", "count", len(b.candidates), "limit", b.opts.MaxAsked), nil)
		return
	}
	b.writeGrants(most)
}

// writeGrants makes the grants of the table static, since an engine cannot ask about so many policies, and says so; unless the options
// ask for dynamic ones: then there is no table.
func (b *builder) writeGrants(policies int) {
	if b.opts.Grants == DynamicGrants {
		b.tooMany = &TooManyAskedError{Policies: policies, Limit: b.opts.MaxAsked}
	}
	b.table.Grants = StaticGrants
	b.leaveOut(message.New("engine-grants-static", "count", policies, "limit", b.opts.MaxAsked), nil)
}

// withoutNeedless returns the places in which something is left to enforce. Of the others it says which policy demands nothing beyond
// the label, and who may use it.
func (b *builder) withoutNeedless(places []*place, candidates []*candidate) []*place {
	type reason struct {
		label       api.LevelVersion
		policy      string
		controllers bool
	}
	needless := map[reason][]string{}
	kept := slices.DeleteFunc(slices.Clone(places), func(pl *place) bool {
		for _, c := range pl.grants.usable(candidates) {
			u := pl.grants.byCandidate[c.number]
			if len(c.left(pl.label)) > 0 || !b.mayAllUse(u) {
				continue
			}
			at := reason{pl.label, c.policy.Name, !u.everybody}
			needless[at] = append(needless[at], pl.Name)
			return true
		}
		return false
	})
	reasons := slices.SortedFunc(maps.Keys(needless), func(x, y reason) int {
		return cmp.Or(strings.Compare(x.policy, y.policy), cmp.Compare(fmt.Sprint(x), fmt.Sprint(y)))
	})
	for _, r := range reasons {
		b.table.Nothing = append(b.table.Nothing, Remark{
			Message: message.New("engine-nothing-to-add", "policy", r.policy, "controller", r.controllers, "level", r.label.Level, "namespaces", needless[r]),
			Policy:  r.policy, Namespaces: needless[r],
		})
	}
	return kept
}

// mayAllUse reports whether the pods of all service accounts of a namespace have a policy. Where grants are written down, what a
// controller may use counts for all.
func (b *builder) mayAllUse(u *users) bool {
	return u.everybody || u.controllers && b.table.Grants == StaticGrants
}

// demandsOf returns what of a candidate an alternative has to check.
type demandsOf func(*candidate) []mapping.Constraint

// openAlternatives returns candidates as alternatives that leave it to the API server who may use them.
func (b *builder) openAlternatives(candidates []*candidate, demands demandsOf) []Alternative {
	out := make([]Alternative, 0, len(candidates))
	for _, c := range candidates {
		b.work++
		out = append(out, Alternative{Policy: c.policy.Name, Constraints: demands(c)})
	}
	return out
}

// closedAlternatives returns candidates as alternatives with those who may use them. Administrators may use each.
func (b *builder) closedAlternatives(candidates []*candidate, set *grantSet, demands demandsOf) []Alternative {
	admins := usersOf(b.grants.administrators)
	admins.groups = append(admins.groups, mastersGroup)
	out := make([]Alternative, 0, len(candidates))
	for _, c := range candidates {
		b.work++
		u := admins
		if granted := set.byCandidate[c.number]; granted != nil {
			u = granted.and(admins)
		}
		a := Alternative{Policy: c.policy.Name, Constraints: demands(c), Everybody: u.everybody || u.controllers, Users: u.users, Groups: u.groups}
		if !a.Everybody {
			a.Accounts = u.accounts
		}
		out = append(out, a)
	}
	return out
}

// addSets adds the sets that places make up. Those with equal labels and equal alternatives are one. The function returns the
// alternatives of places with equal labels and, if byGrants is true, equal grants; it is called once for each.
func (b *builder) addSets(places []*place, byGrants bool, alternatives func(*place) []Alternative) {
	type alike struct {
		label  api.LevelVersion
		grants *grantSet
	}
	setOf, byContent := map[alike]int{}, map[string]int{}
	for _, pl := range places {
		like := alike{label: pl.label}
		if byGrants {
			like.grants = pl.grants
		}
		at, is := setOf[like]
		if !is {
			made := alternatives(pl)
			content := fmt.Sprint(pl.label, contentOf(made))
			if at, is = byContent[content]; !is {
				at = len(b.table.Sets)
				byContent[content] = at
				set := Set{Alternatives: made}
				if pl.label.Level != "" {
					set.Level, set.Version = pl.label.Level, pl.label.Version.String()
				}
				b.table.Sets = append(b.table.Sets, set)
			}
			setOf[like] = at
		}
		b.table.Sets[at].Namespaces = append(b.table.Sets[at].Namespaces, pl.Name)
	}
}

// contentOf returns a text that is equal for equal alternatives beside the same label.
func contentOf(all []Alternative) string {
	var out strings.Builder
	for i := range all {
		a := &all[i]
		fmt.Fprintf(&out, "%q %t %q %q %q\n", a.Policy, a.Everybody, a.Accounts, a.Users, a.Groups)
	}
	return out.String()
}

// remarkOnUnlistedSeccomp says of which policies the refusal of every seccomp profile is not kept beside labels.
func (b *builder) remarkOnUnlistedSeccomp() {
	for _, c := range b.candidates {
		if slices.ContainsFunc(c.all, isUnlistedSeccomp) {
			b.table.LeftOut = append(b.table.LeftOut, Remark{
				Message: message.New("engine-seccomp-unlisted"), Policy: c.policy.Name, Field: pspparse.SeccompAllowedAnnotation,
			})
		}
	}
}

// remarkOnAdministrators says that what they alone may use in a namespace is not there, if only usable policies are.
func (b *builder) remarkOnAdministrators(everyPolicy bool) {
	if !everyPolicy && len(b.table.Sets) > 0 {
		b.leaveOut(message.New("engine-administrators"), nil)
	}
}

// remarkOnControllers says, where grants are written down, where what a controller may use counts for all pods, though accounts there
// may create pods themselves.
func (b *builder) remarkOnControllers(places []*place) {
	if b.table.Grants != StaticGrants {
		return
	}
	var names []string
	for _, pl := range places {
		widened := slices.ContainsFunc(b.candidates, func(c *candidate) bool {
			u := pl.grants.byCandidate[c.number]
			return u != nil && u.controllers && !u.everybody
		})
		if widened && hasBarePods(pl.Namespace) {
			names = append(names, pl.Name)
		}
	}
	if len(names) > 0 {
		b.leaveOut(message.New("engine-controllers-for-all", "namespaces", names), names)
	}
}

// hasBarePods reports whether a namespace of the Plan has pods that no controller of Kubernetes has made, or accounts that may create
// them.
func hasBarePods(ns *migrate.Namespace) bool {
	bare := slices.ContainsFunc(ns.Workloads, func(w migrate.Workload) bool {
		_, made := access.ControllerPrincipal(w.Kind)
		return !made
	})
	return bare || slices.ContainsFunc(ns.Cautions, func(m message.Message) bool { return m.ID == "pod-creators" })
}

// remarkOnUncertainty says where policies or grants may not have been read, which would be missing among the alternatives.
func (b *builder) remarkOnUncertainty(places []*place) {
	var names []string
	for _, pl := range places {
		if pl.HasUncertainPart(inventory.PartGrants) && b.table.Grants == StaticGrants || pl.HasUncertainPart(inventory.PartPolicies) {
			names = append(names, pl.Name)
		}
	}
	if len(names) > 0 {
		b.leaveOut(message.New("engine-not-all-read", "namespaces", names), names)
	}
}
