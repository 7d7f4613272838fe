package migrate

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// uncertainParts are the parts of a namespace of the Plan (grants, labels, policies, workloads) that a gap may change,
// sorted, each once; nil where everything was read.
type uncertainParts []inventory.GapPart

// allParts returns all parts of a namespace of the Plan: what a gap without a stated part may change.
func allParts() uncertainParts {
	return uncertainParts{inventory.PartGrants, inventory.PartLabels, inventory.PartPolicies, inventory.PartWorkloads}
}

// uncertaintyByNamespace has the uncertain parts of each namespace of a Plan that a gap names, and those of every
// namespace under inventory.AllNamespaces.
type uncertaintyByNamespace map[string]uncertainParts

// uncertaintyFromGaps returns the parts of each namespace that the gaps of a Plan may change.
func uncertaintyFromGaps(gaps []Gap) uncertaintyByNamespace {
	out := uncertaintyByNamespace{}
	for _, g := range gaps {
		changes := uncertainParts{inventory.GapPart(g.Changes)}
		if g.Changes == "" {
			changes = allParts()
		}
		for _, ns := range g.Affects {
			out[ns] = out[ns].union(changes)
		}
	}
	return out
}

// inNamespace returns the parts of a Plan's namespace that gaps leave uncertain.
func (d uncertaintyByNamespace) inNamespace(namespace string) uncertainParts {
	return d[namespace].union(d[inventory.AllNamespaces])
}

// union returns the uncertain parts of a Plan's namespace in either list, sorted, each once.
func (d uncertainParts) union(more uncertainParts) uncertainParts {
	for _, p := range more {
		if !slices.Contains(d, p) {
			d = append(slices.Clip(d), p)
		}
	}
	slices.Sort(d)
	return d
}

// onlyPart reports whether gaps leave no part of a Plan's namespace but the given one uncertain.
func (d uncertainParts) onlyPart(p inventory.GapPart) bool {
	return !slices.ContainsFunc(d, func(q inventory.GapPart) bool { return q != p })
}

// partNames returns the uncertain parts of a namespace as strings for the Plan.
func (d uncertainParts) partNames() []string {
	var out []string
	for _, p := range d {
		out = append(out, string(p))
	}
	return out
}

// uncertainParts returns the parts of the Plan's namespace that gaps leave uncertain.
func (ns *Namespace) uncertainParts() uncertainParts {
	var d uncertainParts
	for _, p := range ns.UncertainParts {
		d = append(d, inventory.GapPart(p))
	}
	return d
}

// HasUncertainPart reports whether a gap of the Plan may hide something of one part of the namespace: its grants, labels,
// policies or workloads.
func (ns *Namespace) HasUncertainPart(p inventory.GapPart) bool {
	return slices.Contains(ns.UncertainParts, string(p)) || !ns.Complete && len(ns.UncertainParts) == 0
}

// levelIsCertain reports whether the enforce level of a namespace holds whatever the gaps hide. Unread workloads can make the
// needed level looser, unless it is privileged already. Unread grants and policies can change only the permitted level, since
// what they may set in pods is removed by the widest reading where a policy was not read (see
// simulate.Simulator.AfterPSP).
func (b *planBuilder) levelIsCertain(in uncertainParts, needed api.Level) bool {
	permits := slices.Contains(in, inventory.PartGrants) || slices.Contains(in, inventory.PartPolicies)
	runs := slices.Contains(in, inventory.PartWorkloads)
	switch {
	case needed == "" && (b.opts.EmptyNamespaces == EmptyAuto || b.opts.EmptyNamespaces == EmptyPolicies), b.opts.Basis == BasisPolicies:
		return !permits && !runs
	case needed == api.LevelPrivileged:
		return true
	case b.opts.Basis == BasisBoth && needed != "":
		return !permits && !runs
	}
	return !runs
}

// anyPolicyUnread reports whether a gap of the Plan hides a PodSecurityPolicy: then the server still serves them.
func anyPolicyUnread(inv *inventory.Inventory) bool {
	return slices.ContainsFunc(inv.Gaps, func(g inventory.Gap) bool { return g.Affects == inventory.PartPolicies })
}

// labelsUnknownCaution returns the caution that says why the labels of a namespace are not known.
func labelsUnknownCaution(in uncertainParts) message.Message {
	if slices.Contains(in, inventory.PartLabels) && in.onlyPart(inventory.PartLabels) {
		return message.New("labels-unknown-by-gap")
	}
	return message.New("labels-unknown")
}

// cautionGaps adds a caution to the Plan on what gaps leave uncertain in a namespace, and whether its level depends on
// that.
func (b *planBuilder) cautionGaps(ns *Namespace) {
	if ns.Terminating {
		return // nothing is recommended, whatever runs
	}
	withheld := !ns.Complete && !b.opts.AllowPartial
	runs := ns.HasUncertainPart(inventory.PartWorkloads)
	permits := ns.HasUncertainPart(inventory.PartGrants) || ns.HasUncertainPart(inventory.PartPolicies)
	var caution message.Message
	switch {
	case runs && ns.NeededLevel == "":
		caution = message.New("may-not-be-empty", "withheld", withheld)
	case runs && ns.Complete:
		caution = message.New("more-may-run", "withheld", withheld)
	case runs:
		caution = message.New("level-is-upper-bound", "withheld", withheld)
	case permits && !ns.Complete:
		caution = message.New("permitted-uncertain-and-decides", "withheld", withheld)
	case permits:
		caution = message.New("permitted-uncertain", "withheld", withheld)
	default:
		return
	}
	ns.Cautions = append(ns.Cautions, caution)
}
