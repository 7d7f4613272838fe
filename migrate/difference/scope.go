package difference

import (
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
)

// InNamespaces returns the changes between two Plans that are about some namespaces, or about the whole cluster and so about them: of
// policies those that may be used there. The cautions stay, and the receiver is unchanged.
func (c *Changes) InNamespaces(names map[string]bool) *Changes {
	out := *c
	out.Changes = nil
	for i := range c.Changes {
		if c.isAbout(&c.Changes[i], names) {
			out.Changes = append(out.Changes, c.Changes[i])
		}
	}
	out.complete()
	return &out
}

// isAbout reports whether a change between two Plans is about one of some namespaces.
func (c *Changes) isAbout(change *Change, names map[string]bool) bool {
	switch {
	case change.Namespace != "":
		return names[change.Namespace]
	case change.Kind != KindPolicy, c.uses.inAny(migrate.EveryPolicy, names):
		return true
	}
	return c.uses.inAny(strings.TrimPrefix(change.Object, policyObject("")), names)
}

// SelectedIn returns the names of the namespaces that a scope selects in either of two Plans: one that it selects in one of them is not
// new or gone because it does not in the other.
func SelectedIn(s migrate.NamespaceScope, before, after *migrate.Plan) map[string]bool {
	out := map[string]bool{}
	for _, p := range []*migrate.Plan{before, after} {
		selected := p.SelectNamespaces(s)
		for i := range selected.Namespaces {
			out[selected.Namespaces[i].Name] = true
		}
	}
	return out
}

// IsLooser reports whether a change between two Plans lets in, or needs, something that was not let in or needed.
func (c *Change) IsLooser() bool { return c.Direction == Looser || c.Direction == Both }

// About returns what a change between two Plans is about, in a word or two: its namespace, else its object, else the field of the plans.
func (c *Change) About() string {
	switch {
	case c.Namespace != "":
		return c.Namespace
	case c.Object != "":
		return c.Object
	}
	return c.Field
}
