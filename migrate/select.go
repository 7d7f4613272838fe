package migrate

import (
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// Scope chooses which namespaces are shown and written. It never changes a verdict: what is left out was judged all
// the same, and grants and policies stay whole.
type Scope struct {
	// Namespaces by name; empty means all.
	Namespaces []string
	// Exclude by name.
	Exclude []string
	// Selector over the labels of namespaces; nil means all.
	Selector labels.Selector
}

// Select returns a Plan with the namespaces in scope, and the causes counted over them. The receiver is unchanged.
func (p *Plan) Select(s Scope) *Plan {
	out := *p
	out.Namespaces = []Namespace{}
	for _, ns := range p.Namespaces {
		if s.includes(&ns) {
			out.Namespaces = append(out.Namespaces, ns)
		}
	}
	out.Causes = causes(out.Namespaces)
	return &out
}

func (s Scope) includes(ns *Namespace) bool {
	if len(s.Namespaces) > 0 && !slices.Contains(s.Namespaces, ns.Name) {
		return false
	}
	if slices.Contains(s.Exclude, ns.Name) {
		return false
	}
	return s.Selector == nil || s.Selector.Matches(labels.Set(ns.Labels))
}

// Unknown returns the names in scope that the plan has no namespace for.
func (p *Plan) Unknown(s Scope) []string {
	var out []string
	for _, name := range s.Namespaces {
		if !slices.ContainsFunc(p.Namespaces, func(ns Namespace) bool { return ns.Name == name }) {
			out = append(out, name)
		}
	}
	return out
}
