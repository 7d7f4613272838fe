package difference

import (
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// gapKey is what one gap of a Plan is known by, whatever line of which file it is at and in which words it is told. Gaps that are alike
// are numbered.
func gapKey(g *migrate.Gap, seen map[string]int) string {
	key := strings.Join([]string{g.What, g.ID, compactJSON(g.Args), g.Changes, strings.Join(g.Affects, ",")}, "\n")
	seen[key]++
	return key + "\n" + strconv.Itoa(seen[key])
}

// gapsOf returns the gaps of a Plan by what they are known by.
func gapsOf(p *migrate.Plan) map[string]*migrate.Gap {
	out, seen := make(map[string]*migrate.Gap, len(p.Gaps)), map[string]int{}
	for i := range p.Gaps {
		out[gapKey(&p.Gaps[i], seen)] = &p.Gaps[i]
	}
	return out
}

// compareGaps keeps which gaps are new and which are closed.
func (c *comparison) compareGaps() {
	before, after := gapsOf(c.before.plan), gapsOf(c.after.plan)
	for _, key := range sortedKeys(before, after) {
		b, a := before[key], after[key]
		switch {
		case b == nil:
			c.add(Change{
				Kind: KindGap, Op: OpAdded, Direction: Neither, Namespace: gapNamespace(a), Object: a.What, Field: a.ID, After: a.Text,
				Consequence: message.New("difference-gap-new", "what", a.What, "why", a.Text, "changes", a.Changes, "affects", affected(a)),
			})
		case a == nil:
			c.add(Change{
				Kind: KindGap, Op: OpRemoved, Direction: Neither, Namespace: gapNamespace(b), Object: b.What, Field: b.ID, Before: b.Text,
				Consequence: message.New("difference-gap-closed", "what", b.What, "affects", affected(b)),
			})
		}
	}
}

// gapNamespace returns the one namespace that a gap touches; "" for several.
func gapNamespace(g *migrate.Gap) string {
	if len(g.Affects) == 1 && g.Affects[0] != inventory.AllNamespaces {
		return g.Affects[0]
	}
	return ""
}

// affected returns the namespaces that a gap touches, for a sentence; none for every one.
func affected(g *migrate.Gap) []string {
	if slices.Contains(g.Affects, inventory.AllNamespaces) {
		return nil
	}
	return g.Affects
}
