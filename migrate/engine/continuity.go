package engine

import (
	"cmp"
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// buildContinuity makes the set that does what the policies did, in PodSecurityPolicy's own order: by name. It is for all namespaces
// but the system ones, also for those to come, where the Plan has not been written for some.
func (b *builder) buildContinuity() {
	if !b.chooseCandidates() {
		return
	}
	places := b.places()
	for _, pl := range places {
		pl.label.Level = "" // labels do not matter
	}
	b.table.Grants = cmp.Or(b.opts.Grants, DynamicGrants)
	if b.table.Grants == DynamicGrants && !b.fits(len(b.candidates)) {
		b.writeGrants(len(b.candidates))
	}
	granted := b.withoutUngranted(places)
	demands := func(c *candidate) []mapping.Constraint { return inOrderOfAsking(c.all) }
	switch {
	case b.plan.NamespacesLeftOut > 0:
		b.addSets(granted, b.table.Grants == StaticGrants, func(pl *place) []Alternative { return b.continuityAlternatives(pl.grants, demands) })
	case b.grantsAnything() || b.opts.RefuseAll:
		b.addSetForAll(granted, demands)
	default:
		b.leaveOut(message.New("engine-no-grants"), nil)
	}
	b.remarkOnControllers(granted)
	b.remarkOnAdministrators(b.table.Grants == DynamicGrants)
	b.remarkOnUncertainty(granted)
}

// continuityAlternatives returns the alternatives of namespaces with the same grants, by name.
func (b *builder) continuityAlternatives(set *grantSet, demands demandsOf) []Alternative {
	if b.table.Grants == DynamicGrants {
		return b.openAlternatives(b.candidates, demands)
	}
	return b.closedAlternatives(b.usableIn(set, b.candidates), set, demands)
}

// grantsAnything reports whether somebody may use a candidate in some namespace of the Plan, or in all.
func (b *builder) grantsAnything() bool {
	return slices.ContainsFunc(b.namespaces, func(ns *migrate.Namespace) bool { return len(b.grants.in(ns.Name).usable(b.candidates)) > 0 }) ||
		len(b.grants.in("").usable(b.candidates)) > 0
}

// addSetForAll adds the set for all namespaces but the system ones and those that are left out, and where grants are written down a
// set for each namespace whose grants are others than those that hold everywhere.
func (b *builder) addSetForAll(places []*place, demands demandsOf) {
	general := b.grants.in("")
	var except []string
	covered := map[string]bool{}
	var own []*place
	for _, pl := range places {
		switch {
		case b.table.Grants == StaticGrants && pl.grants != general:
			own = append(own, pl)
		default:
			covered[pl.Name] = true
		}
	}
	for i := range b.plan.Namespaces {
		if name := b.plan.Namespaces[i].Name; !covered[name] {
			except = append(except, name)
		}
	}
	if !b.opts.IncludeSystem && !b.scopeIsSystem() {
		except = append(except, controlPlaneNamespaces()...)
	}
	slices.Sort(except)
	alternatives := b.continuityAlternatives(general, demands)
	if len(alternatives) > 0 {
		b.table.Sets = append(b.table.Sets, Set{Except: slices.Compact(except), Alternatives: alternatives})
	} else {
		b.leaveOut(message.New("engine-namespaces-to-come"), nil)
	}
	b.addSets(own, true, func(pl *place) []Alternative { return b.continuityAlternatives(pl.grants, demands) })
}

// controlPlaneNamespaces returns the namespaces of the control plane, which every cluster has.
func controlPlaneNamespaces() []string { return []string{"kube-node-lease", "kube-public", kubeSystem} }
