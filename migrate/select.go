package migrate

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Scope chooses which namespaces are shown and written. It never changes a verdict: what is left out was judged all
// the same, and grants and policies stay whole.
type Scope struct {
	// Namespaces by name; empty means all.
	Namespaces []string
	// Exclude by name.
	Exclude []string
	// Selector over the labels of namespaces; nil and an empty one mean all. Any other selects no namespace whose labels are not known.
	Selector labels.Selector
}

// Select returns a Plan with the namespaces in scope, and the causes counted over them. The receiver is unchanged.
func (p *Plan) Select(s Scope) *Plan {
	out := *p
	out.Namespaces = []Namespace{}
	for i := range p.Namespaces {
		if ns := &p.Namespaces[i]; s.names(ns) && s.matches(ns) {
			out.Namespaces = append(out.Namespaces, *ns)
		}
	}
	out.Causes = causes(out.Namespaces)
	return &out
}

// names is true for a namespace that the scope names, whatever its labels are.
func (s Scope) names(ns *Namespace) bool {
	return (len(s.Namespaces) == 0 || slices.Contains(s.Namespaces, ns.Name)) && !slices.Contains(s.Exclude, ns.Name)
}

// matches is true for a namespace whose labels are known and selected.
func (s Scope) matches(ns *Namespace) bool {
	return !s.asksLabels() || !ns.Unread && s.Selector.Matches(labels.Set(ns.Labels))
}

func (s Scope) asksLabels() bool { return s.Selector != nil && !s.Selector.Empty() }

// Unlabelled returns the namespaces that the selector of a scope leaves out for no other reason than that their labels
// were not read.
func (p *Plan) Unlabelled(s Scope) []string {
	var out []string
	for i := range p.Namespaces {
		if ns := &p.Namespaces[i]; s.asksLabels() && ns.Unread && s.names(ns) {
			out = append(out, ns.Name)
		}
	}
	return out
}

// Choose returns what Select returns. A name in scope that the plan does not have, and a scope that leaves nothing, are an
// error that has a NotFoundError in it.
func (p *Plan) Choose(s Scope) (*Plan, error) {
	if err := errors.Join(p.missing(s.Namespaces)...); err != nil {
		return nil, err
	}
	out := p.Select(s)
	if len(out.Namespaces) == 0 && (len(p.Namespaces) > 0 || s.asksLabels()) {
		return nil, p.nothingLeft(s)
	}
	return out, nil
}

// Ineffective returns an error for each name of Scope.Exclude that the plan does not have.
func (p *Plan) Ineffective(s Scope) []error { return p.missing(s.Exclude) }

// missing returns an error for each of the names that the plan has no namespace for, those first that cannot be in what
// was not read.
func (p *Plan) missing(names []string) []error {
	known := p.namespaceNames()
	var sure, unsure []error
	for _, name := range names {
		if slices.Contains(known, name) {
			continue
		}
		if err := p.noNamespace(name, known); err.Unsure == "" {
			sure = append(sure, err)
		} else {
			unsure = append(unsure, err)
		}
	}
	return append(sure, unsure...)
}

// nothingLeft says why a scope selects none of the namespaces.
func (p *Plan) nothingLeft(s Scope) *NotFoundError {
	e := &NotFoundError{Unsure: p.unsureNamespace("")}
	switch {
	case s.asksLabels():
		e.What = fmt.Sprintf("no namespace in what was read is selected by -l %q", s.Selector)
		if len(s.Namespaces) > 0 || len(s.Exclude) > 0 {
			e.What += " and is left by -n and --exclude"
		}
		e.near, e.known = p.nearSelector(s.Selector)
		if unread := p.Unlabelled(s); len(unread) > 0 {
			e.Unsure = fmt.Sprintf("the Namespace objects of %s were not read, so their labels are not known", firstOf(unread, 5))
		}
	case len(s.Namespaces) > 0:
		e.What = fmt.Sprintf("-n and --exclude leave no namespace: both name %s", quoteAll(s.Namespaces))
		e.Unsure = ""
	default:
		e.What = "--exclude leaves none of the namespaces that were read"
	}
	return e
}

// nearSelector returns the label that a selector probably means, or "", and the labels that it could name instead: for the
// first of its terms that no namespace meets.
func (p *Plan) nearSelector(s labels.Selector) (near string, known []string) {
	requirements, _ := s.Requirements()
	for _, r := range requirements {
		values := p.labelValues(r.Key())
		switch r.Operator() {
		case selection.Exists, selection.Equals, selection.DoubleEquals, selection.In:
		default:
			continue
		}
		if len(values) == 0 {
			return pspparse.Suggest(r.Key(), p.labelKeys()), p.labelKeys()
		}
		asked := r.Values().List()
		if len(asked) == 0 || slices.ContainsFunc(values, func(v string) bool { return slices.Contains(asked, v) }) {
			continue
		}
		if near = pspparse.Suggest(asked[0], values); near != "" {
			near = r.Key() + "=" + near
		}
		for _, v := range values {
			known = append(known, r.Key()+"="+v)
		}
		return near, known
	}
	return "", nil
}

// labelKeys returns the keys of all labels of namespaces, sorted.
func (p *Plan) labelKeys() []string {
	keys := map[string]bool{}
	for i := range p.Namespaces {
		for key := range p.Namespaces[i].Labels {
			keys[key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// labelValues returns the values that a label has on namespaces, sorted.
func (p *Plan) labelValues(key string) []string {
	values := map[string]bool{}
	for i := range p.Namespaces {
		if v, ok := p.Namespaces[i].Labels[key]; ok {
			values[v] = true
		}
	}
	return slices.Sorted(maps.Keys(values))
}

// HasLabel returns a NotFoundError if no namespace of the plan has a label of that key.
func (p *Plan) HasLabel(key string) error {
	if len(p.labelValues(key)) > 0 {
		return nil
	}
	e := &NotFoundError{
		What: fmt.Sprintf("no namespace in scope has the label %q", key), near: pspparse.Suggest(key, p.labelKeys()), Unsure: p.unsureNamespace(""),
	}
	for i := range p.Namespaces {
		if p.Namespaces[i].Unread {
			e.Unsure = fmt.Sprintf("the Namespace object of %s was not read, so its labels are not known", p.Namespaces[i].Name)
			break
		}
	}
	return e
}
