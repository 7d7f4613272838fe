package migrate

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// doubt are the parts of a namespace that gaps can change, sorted, each once; nil where all was read.
type doubt []inventory.Part

// anything is the doubt that a gap leaves which does not say what it can change.
func anything() doubt {
	return doubt{inventory.Grants, inventory.Labels, inventory.Policies, inventory.Workloads}
}

// doubts are those of each namespace that a gap names, and of all for inventory.AllNamespaces.
type doubts map[string]doubt

func doubtsOf(gaps []Gap) doubts {
	out := doubts{}
	for _, g := range gaps {
		changes := doubt{inventory.Part(g.Changes)}
		if g.Changes == "" {
			changes = anything()
		}
		for _, ns := range g.Affects {
			out[ns] = out[ns].with(changes)
		}
	}
	return out
}

// of returns the doubt about one namespace.
func (d doubts) of(namespace string) doubt { return d[namespace].with(d[inventory.AllNamespaces]) }

func (d doubt) with(more doubt) doubt {
	for _, p := range more {
		if !slices.Contains(d, p) {
			d = append(slices.Clip(d), p)
		}
	}
	slices.Sort(d)
	return d
}

// only is true where nothing but the given part is in doubt, or nothing at all.
func (d doubt) only(p inventory.Part) bool {
	return !slices.ContainsFunc(d, func(q inventory.Part) bool { return q != p })
}

func (d doubt) parts() []string {
	var out []string
	for _, p := range d {
		out = append(out, string(p))
	}
	return out
}

// doubt is what the gaps leave uncertain in the namespace.
func (ns *Namespace) doubt() doubt {
	var d doubt
	for _, p := range ns.Uncertain {
		d = append(d, inventory.Part(p))
	}
	return d
}

// Unsure tells whether something of that part of the namespace may be missing.
func (ns *Namespace) Unsure(p inventory.Part) bool {
	return slices.Contains(ns.Uncertain, string(p)) || !ns.Complete && len(ns.Uncertain) == 0
}

// complete tells whether the level that a namespace gets holds whatever the gaps hide. More that runs can make the needed
// level looser, unless it is privileged already. Grants and policies cannot: what they fill into pods is taken off by the
// widest reading where a policy was not read (see simulate.Simulator.AfterPSP). They can change what is permitted.
func (b *builder) complete(in doubt, needed api.Level) bool {
	permits := slices.Contains(in, inventory.Grants) || slices.Contains(in, inventory.Policies)
	runs := slices.Contains(in, inventory.Workloads)
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

// mayHavePolicies is true where a policy was there and could not be read: who has policies has an old server.
func mayHavePolicies(inv *inventory.Inventory) bool {
	return slices.ContainsFunc(inv.Gaps, func(g inventory.Gap) bool { return g.Changes == inventory.Policies })
}

// labelsUnknown says why the present labels of a namespace are not known.
func labelsUnknown(in doubt) string {
	if slices.Contains(in, inventory.Labels) && in.only(inventory.Labels) {
		return "its Pod Security labels are not known (see gaps): the level may be looser than today's"
	}
	return "the Namespace object was not read: its present labels are not known"
}

// cautionGaps says what is uncertain in the namespace, and whether that leaves its level in doubt.
func (b *builder) cautionGaps(ns *Namespace) {
	if ns.Terminating {
		return // nothing is recommended, whatever runs
	}
	const start = "not everything could be read (see gaps): "
	runs := ns.Unsure(inventory.Workloads)
	permits := ns.Unsure(inventory.Grants) || ns.Unsure(inventory.Policies)
	text := ""
	switch {
	case runs && ns.Needed == "":
		text = start + "something may run here after all"
	case runs && ns.Complete:
		text = start + "more may run here than is shown"
	case runs:
		text = start + "the needed level is an upper bound"
	case permits && !ns.Complete:
		text = start + "more or less may be permitted here than is shown, and that decides"
	case permits:
		text = start + "more or less may be permitted here than is shown; the level rests on what runs"
	default:
		return
	}
	if !ns.Complete && !b.opts.AllowPartial {
		text += ", and no enforce is recommended"
	}
	ns.Cautions = append(ns.Cautions, text)
}
