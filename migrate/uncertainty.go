package migrate

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/message"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// uncertainParts are the parts of a namespace that gaps can change, sorted, each once; nil where all was read.
type uncertainParts []inventory.GapPart

// allParts is the doubt that a gap leaves which does not say what it can change.
func allParts() uncertainParts {
	return uncertainParts{inventory.PartGrants, inventory.PartLabels, inventory.PartPolicies, inventory.PartWorkloads}
}

// uncertaintyByNamespace are those of each namespace that a gap names, and of all for inventory.AllNamespaces.
type uncertaintyByNamespace map[string]uncertainParts

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

// inNamespace returns the doubt about one namespace.
func (d uncertaintyByNamespace) inNamespace(namespace string) uncertainParts {
	return d[namespace].union(d[inventory.AllNamespaces])
}

func (d uncertainParts) union(more uncertainParts) uncertainParts {
	for _, p := range more {
		if !slices.Contains(d, p) {
			d = append(slices.Clip(d), p)
		}
	}
	slices.Sort(d)
	return d
}

// onlyPart is true where nothing but the given part is in doubt, or nothing at all.
func (d uncertainParts) onlyPart(p inventory.GapPart) bool {
	return !slices.ContainsFunc(d, func(q inventory.GapPart) bool { return q != p })
}

func (d uncertainParts) partNames() []string {
	var out []string
	for _, p := range d {
		out = append(out, string(p))
	}
	return out
}

// uncertainParts is what the gaps leave uncertain in the namespace.
func (ns *Namespace) uncertainParts() uncertainParts {
	var d uncertainParts
	for _, p := range ns.UncertainParts {
		d = append(d, inventory.GapPart(p))
	}
	return d
}

// IsUncertain tells whether something of that part of the namespace may be missing.
func (ns *Namespace) IsUncertain(p inventory.GapPart) bool {
	return slices.Contains(ns.UncertainParts, string(p)) || !ns.Complete && len(ns.UncertainParts) == 0
}

// levelIsCertain tells whether the level that a namespace gets holds whatever the gaps hide. More that runs can make the needed
// level looser, unless it is privileged already. Grants and policies cannot: what they fill into pods is taken off by the
// widest reading where a policy was not read (see simulate.Simulator.AfterPSP). They can change what is permitted.
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

// anyPolicyUnread is true where a policy was there and could not be read: who has policies has an old server.
func anyPolicyUnread(inv *inventory.Inventory) bool {
	return slices.ContainsFunc(inv.Gaps, func(g inventory.Gap) bool { return g.Affects == inventory.PartPolicies })
}

// labelsUnknownCaution says why the present labels of a namespace are not known.
func labelsUnknownCaution(in uncertainParts) message.Message {
	if slices.Contains(in, inventory.PartLabels) && in.onlyPart(inventory.PartLabels) {
		return message.New("labels-unknown-by-gap")
	}
	return message.New("labels-unknown")
}

// cautionGaps says what is uncertain in the namespace, and whether that leaves its level in doubt.
func (b *planBuilder) cautionGaps(ns *Namespace) {
	if ns.Terminating {
		return // nothing is recommended, whatever runs
	}
	withheld := !ns.Complete && !b.opts.AllowPartial
	runs := ns.IsUncertain(inventory.PartWorkloads)
	permits := ns.IsUncertain(inventory.PartGrants) || ns.IsUncertain(inventory.PartPolicies)
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
