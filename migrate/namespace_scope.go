package migrate

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// NamespaceScope chooses which namespaces of a Plan are shown and written. It changes no result: what is left out was
// evaluated all the same, and grants and policies stay whole.
type NamespaceScope struct {
	// Namespaces by name; empty means all.
	Namespaces []string
	// Exclude by name.
	Exclude []string
	// Selector over the labels of namespaces; nil and an empty one mean all. Any other selects no namespace whose labels are not known.
	Selector labels.Selector
}

// SelectNamespaces returns a Plan with only the namespaces in scope, and the causes counted over them. The receiver is
// unchanged.
func (p *Plan) SelectNamespaces(s NamespaceScope) *Plan {
	out := *p
	out.Namespaces = []Namespace{}
	for i := range p.Namespaces {
		if ns := &p.Namespaces[i]; s.includesName(ns) && s.selectorMatches(ns) {
			out.Namespaces = append(out.Namespaces, *ns)
		}
	}
	out.NamespacesLeftOut += len(p.Namespaces) - len(out.Namespaces)
	out.BlockingViolations = countBlockingViolations(out.Namespaces)
	out.keepReferred()
	return &out
}

// includesName reports whether the scope of a Plan names a namespace, whatever its labels are.
func (s NamespaceScope) includesName(ns *Namespace) bool {
	return (len(s.Namespaces) == 0 || slices.Contains(s.Namespaces, ns.Name)) && !slices.Contains(s.Exclude, ns.Name)
}

// selectorMatches reports whether the labels of a namespace are known and the label selector of the scope matches them.
func (s NamespaceScope) selectorMatches(ns *Namespace) bool {
	return !s.hasSelector() || !ns.ObjectNotRead && s.Selector.Matches(labels.Set(ns.Labels))
}

// hasSelector reports whether the scope of a Plan selects namespaces by their labels.
func (s NamespaceScope) hasSelector() bool { return s.Selector != nil && !s.Selector.Empty() }

// NamespacesWithUnreadLabels returns the namespaces of the Plan that the label selector of a scope leaves out for no
// other reason than that their labels were not read.
func (p *Plan) NamespacesWithUnreadLabels(s NamespaceScope) []string {
	var out []string
	for i := range p.Namespaces {
		if ns := &p.Namespaces[i]; s.hasSelector() && ns.ObjectNotRead && s.includesName(ns) {
			out = append(out, ns.Name)
		}
	}
	return out
}

// SelectExistingNamespaces is SelectNamespaces for names that must exist. It returns an error for a name in scope that
// the plan does not have, and for a scope that leaves nothing; that is a error that has a NotFoundError in it.
func (p *Plan) SelectExistingNamespaces(s NamespaceScope) (*Plan, error) {
	if err := errors.Join(p.unknownNamespaceErrors(s.Namespaces)...); err != nil {
		return nil, err
	}
	out := p.SelectNamespaces(s)
	if len(out.Namespaces) == 0 && (len(p.Namespaces) > 0 || s.hasSelector()) {
		return nil, p.noNamespaceSelected(s)
	}
	return out, nil
}

// UnknownExcludes returns an error for each name of Scope.Exclude that the plan does not have.
func (p *Plan) UnknownExcludes(s NamespaceScope) []error { return p.unknownNamespaceErrors(s.Exclude) }

// unknownNamespaceErrors returns an error for each of the names that the plan has no namespace for, those first that cannot be in what
// was not read.
func (p *Plan) unknownNamespaceErrors(names []string) []error {
	known := p.namespaceNames()
	var sure, unsure []error
	for _, name := range names {
		if slices.Contains(known, name) {
			continue
		}
		if err := p.namespaceNotFoundAmong(name, known); err.MayExistBecause == "" {
			sure = append(sure, err)
		} else {
			unsure = append(unsure, err)
		}
	}
	return append(sure, unsure...)
}

// noNamespaceSelected says why a scope selects none of the namespaces.
func (p *Plan) noNamespaceSelected(s NamespaceScope) *NotFoundError {
	e := &NotFoundError{MayExistBecause: p.whyNamespaceMayExist("")}
	switch {
	case s.hasSelector():
		e.What = fmt.Sprintf("no namespace in what was read is selected by -l %q", s.Selector)
		if len(s.Namespaces) > 0 || len(s.Exclude) > 0 {
			e.What += " and is left by -n and --exclude"
		}
		e.suggestion, e.known = p.suggestSelector(s.Selector)
		if unread := p.NamespacesWithUnreadLabels(s); len(unread) > 0 {
			e.MayExistBecause = fmt.Sprintf("the Namespace objects of %s were not read, so their labels are not known", joinFirst(unread, 5))
		}
	case len(s.Namespaces) > 0:
		e.What = fmt.Sprintf("-n and --exclude leave no namespace: both name %s", english.Quoted(s.Namespaces))
		e.MayExistBecause = ""
	default:
		e.What = "--exclude leaves none of the namespaces that were read"
	}
	return e
}

// suggestSelector returns the namespace label that a selector probably means, or "", and the labels that it could name
// instead: for the first of its terms that no namespace meets.
func (p *Plan) suggestSelector(s labels.Selector) (near string, known []string) {
	requirements, _ := s.Requirements()
	for _, r := range requirements {
		values := p.namespaceLabelValues(r.Key())
		switch r.Operator() {
		case selection.Exists, selection.Equals, selection.DoubleEquals, selection.In:
		default:
			continue
		}
		if len(values) == 0 {
			return pspparse.SuggestName(r.Key(), p.namespaceLabelKeys()), p.namespaceLabelKeys()
		}
		asked := r.Values().List()
		if len(asked) == 0 || slices.ContainsFunc(values, func(v string) bool { return slices.Contains(asked, v) }) {
			continue
		}
		if near = pspparse.SuggestName(asked[0], values); near != "" {
			near = r.Key() + "=" + near
		}
		for _, v := range values {
			known = append(known, r.Key()+"="+v)
		}
		return near, known
	}
	return "", nil
}

// namespaceLabelKeys returns the keys of all labels of namespaces, sorted.
func (p *Plan) namespaceLabelKeys() []string {
	keys := map[string]bool{}
	for i := range p.Namespaces {
		for key := range p.Namespaces[i].Labels {
			keys[key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// namespaceLabelValues returns the values that a label has on namespaces, sorted.
func (p *Plan) namespaceLabelValues(key string) []string {
	values := map[string]bool{}
	for i := range p.Namespaces {
		if v, ok := p.Namespaces[i].Labels[key]; ok {
			values[v] = true
		}
	}
	return slices.Sorted(maps.Keys(values))
}

// CheckLabelExists returns a NotFoundError if no namespace of the plan has a label of that key.
func (p *Plan) CheckLabelExists(key string) error {
	if len(p.namespaceLabelValues(key)) > 0 {
		return nil
	}
	e := &NotFoundError{
		What: fmt.Sprintf("no namespace in scope has the label %q", key), suggestion: pspparse.SuggestName(key, p.namespaceLabelKeys()), MayExistBecause: p.whyNamespaceMayExist(""),
	}
	for i := range p.Namespaces {
		if p.Namespaces[i].ObjectNotRead {
			e.MayExistBecause = fmt.Sprintf("the Namespace object of %s was not read, so its labels are not known", p.Namespaces[i].Name)
			break
		}
	}
	return e
}
