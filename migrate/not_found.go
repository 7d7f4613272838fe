package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// NotFoundError is the error for a name of a namespace, policy, workload or label that a Plan does not have.
type NotFoundError struct {
	// What is not there, as a sentence.
	What string
	// MayExistBecause says why it may exist all the same; it is empty where all that could have the name was read.
	MayExistBecause string
	// suggestion is the name that was probably meant; known are the names that there are.
	suggestion string
	known      []string
}

// Error returns what the Plan does not have, why it may exist all the same, and which name is probably meant.
func (e *NotFoundError) Error() string {
	text := e.What
	if e.MayExistBecause != "" {
		text += ", but there may be more than was read (" + e.MayExistBecause + ")"
	}
	switch {
	case e.suggestion != "":
		text += fmt.Sprintf("; did you mean %q?", e.suggestion)
	case len(e.known) > 0:
		text += "; known: " + joinFirst(e.known, 12)
	}
	return text
}

// newNotFoundError returns an error for a name that is none of the known names of the Plan.
func newNotFoundError(what, name string, known []string, unsure string) *NotFoundError {
	return &NotFoundError{What: what, MayExistBecause: unsure, suggestion: pspparse.SuggestName(name, known), known: known}
}

// UnknownNameErrors returns a NotFoundError for each name that is none of the known names of a Plan, where those are
// all that there are; what says so, with %q for the name.
func UnknownNameErrors(what string, names, known []string) []error {
	var missing []error
	for _, name := range names {
		if !slices.Contains(known, name) {
			missing = append(missing, newNotFoundError(fmt.Sprintf(what, name), name, known, ""))
		}
	}
	return missing
}

// NamespaceNotFound returns the error that the Plan has no namespace of that name.
func (p *Plan) NamespaceNotFound(name string) *NotFoundError {
	return p.namespaceNotFoundAmong(name, p.namespaceNames())
}

// namespaceNotFoundAmong returns the error that the Plan has no namespace of a name, with a suggestion among the known
// names.
func (p *Plan) namespaceNotFoundAmong(name string, known []string) *NotFoundError {
	return newNotFoundError(fmt.Sprintf("there is no namespace %q in what was read", name), name, known, p.whyNamespaceMayExist(name))
}

// PolicyNotFound returns the error that the Plan has no policy of that name.
func (p *Plan) PolicyNotFound(name string) *NotFoundError {
	known := make([]string, len(p.Policies))
	for i := range p.Policies {
		known[i] = p.Policies[i].Name
	}
	unsure := p.gapHidingObject("podsecuritypolicies", "PodSecurityPolicy", inventory.AllNamespaces)
	if unsure == "" && len(known) == 0 && p.Source.Origin() != inventory.SourceCluster {
		unsure = "no policy was read"
	}
	return newNotFoundError(fmt.Sprintf("there is no policy %q in what was read", name), name, known, unsure)
}

// WorkloadNotFound returns the error that the Plan has no workload of that kind and name in a namespace, or not even
// the namespace.
func (p *Plan) WorkloadNotFound(namespace, kind, name string) *NotFoundError {
	ns := p.findNamespace(namespace)
	if ns == nil {
		return p.NamespaceNotFound(namespace)
	}
	id := func(kind, name string) string { return namespace + "/" + strings.ToLower(kind) + "/" + name }
	e := &NotFoundError{What: fmt.Sprintf("there is no workload %q in what was read", id(kind, name))}
	unseen := ""       // the kind of one of that name
	var names []string // of the same kind
	for _, w := range ns.Workloads {
		e.known = append(e.known, id(w.Kind, w.Name))
		if w.Name == name {
			e.suggestion = id(w.Kind, name)
		}
		if strings.EqualFold(w.Kind, kind) {
			names = append(names, w.Name)
		}
	}
	for _, u := range ns.UnseenWorkloads {
		e.known = append(e.known, id(u.Kind, u.Name))
		if u.Name == name {
			e.suggestion, unseen = id(u.Kind, name), u.Kind
		}
	}
	if near := pspparse.SuggestName(name, names); near != "" {
		e.suggestion = id(kind, near)
	}
	switch gaps := p.GapsOfWorkload(namespace, unseen, name); {
	case len(gaps) > 0:
		e.MayExistBecause = gaps[0].gapText()
	case ns.HasUncertainPart(inventory.PartWorkloads):
		e.MayExistBecause = p.gapHidingWorkloads(namespace)
	case len(e.known) == 0 && p.Source.Origin() != inventory.SourceCluster:
		e.MayExistBecause = "nothing that runs in the namespace was read"
	}
	return e
}

// GapsOfWorkload returns the gaps of the Plan about one workload that could not be read or evaluated. Its kind may be
// in any case.
func (p *Plan) GapsOfWorkload(namespace, kind, name string) []Gap {
	var out []Gap
	for i := range p.Gaps {
		if strings.EqualFold(p.Gaps[i].What, fmt.Sprintf("%s %q", kind, namespace+"/"+name)) {
			out = append(out, p.Gaps[i])
		}
	}
	return out
}

// MayChangeWorkload reports whether a gap of the Plan is about one workload: about its object, or about what may change
// the pods of its namespace when they are created.
func (g *Gap) MayChangeWorkload(namespace, kind, name string) bool {
	return strings.EqualFold(g.What, fmt.Sprintf("%s %q", kind, namespace+"/"+name)) ||
		g.ID == "mutator-unknown" && g.affectsNamespace(namespace)
}

// CheckServiceAccount returns a NotFoundError if nothing in the Plan names the service account: no workload, no grant,
// and none of the accounts that were read otherwise (ServiceAccount objects, subjects of bindings); nil for those where
// they are not known.
func (p *Plan) CheckServiceAccount(namespace, name string, others []string) error {
	ns := p.findNamespace(namespace)
	if ns == nil {
		return p.NamespaceNotFound(namespace)
	}
	known := append(p.knownServiceAccounts(ns), others...)
	if slices.Contains(known, name) {
		return nil
	}
	slices.Sort(known)
	unsure := p.gapHidingObject("serviceaccounts", "ServiceAccount", namespace)
	if unsure == "" {
		unsure = p.whyNamespaceMayExist(namespace)
	}
	what := fmt.Sprintf("nothing that was read names a service account %q in namespace %q", name, namespace)
	if others == nil {
		what += " (a saved plan has only the accounts that run something or may use a policy)"
	}
	return newNotFoundError(what, name, slices.Compact(known), unsure)
}

// knownServiceAccounts returns the service accounts of a namespace that its workloads and the grants name, and the one that every
// namespace has.
func (p *Plan) knownServiceAccounts(ns *Namespace) []string {
	out := []string{"default"}
	for _, w := range ns.Workloads {
		if w.ServiceAccount != "" {
			out = append(out, w.ServiceAccount)
		}
	}
	for i := range p.Bindings {
		for _, s := range p.Bindings[i].Subjects {
			if name, ok := strings.CutPrefix(s.ServiceAccount, ns.Name+"/"); ok {
				out = append(out, name)
			}
			if name, ok := strings.CutPrefix(s.User, "system:serviceaccount:"+ns.Name+":"); ok {
				out = append(out, name)
			}
		}
	}
	return out
}

// whyNamespaceMayExist returns which gap of the Plan may hide a namespace, of that name if it is not "", that the plan
// does not have: a cluster that lists its namespaces has no other, and files hold them all where they hold the object
// of each.
func (p *Plan) whyNamespaceMayExist(name string) string {
	if why := p.gapHidingObject("namespaces", "Namespace", name); why != "" {
		return why
	}
	if p.Source.Origin() == inventory.SourceCluster {
		return ""
	}
	if len(p.Namespaces) == 0 {
		return "no Namespace object was read: read those of all namespaces"
	}
	for i := range p.Namespaces {
		if p.Namespaces[i].ObjectNotRead {
			return fmt.Sprintf("the Namespace object of %s was not read: read those of all namespaces", p.Namespaces[i].Name)
		}
	}
	return ""
}

// gapHidingObject returns the text of the Plan's gap that may hide an object of a kind in a namespace, "" if none does.
// On a cluster only the list of the kind and such objects themselves do; a file that could not be read may hold
// anything.
func (p *Plan) gapHidingObject(resource, kind, namespace string) string {
	for i := range p.Gaps {
		g := &p.Gaps[i]
		switch {
		case p.Source.Origin() != inventory.SourceCluster:
			if g.affectsNamespace(namespace) {
				return g.gapText()
			}
		case g.What == resource, strings.HasPrefix(g.What, kind+" "):
			return g.gapText()
		}
	}
	return ""
}

// gapHidingWorkloads returns the text of the Plan's gap that may hide a workload of a namespace.
func (p *Plan) gapHidingWorkloads(namespace string) string {
	for i := range p.Gaps {
		if g := &p.Gaps[i]; g.affectsNamespace(namespace) && (g.Changes == "" || g.Changes == string(inventory.PartWorkloads)) {
			return g.gapText()
		}
	}
	return "not everything in it was read"
}

// affectsNamespace reports whether a gap of the Plan touches a namespace, or with "" any that is not known.
func (g *Gap) affectsNamespace(namespace string) bool {
	return slices.Contains(g.Affects, inventory.AllNamespaces) || namespace != "" && slices.Contains(g.Affects, namespace)
}

// gapText returns a gap of the Plan as a line of text: its file, what was not read, and why.
func (g *Gap) gapText() string {
	text := g.What + ": " + g.Text
	if g.Position.File != "" {
		text = g.Position.File + ": " + text
	}
	return text
}

// findNamespace returns the namespace of the Plan with a name; nil for none.
func (p *Plan) findNamespace(namespace string) *Namespace {
	for i := range p.Namespaces {
		if p.Namespaces[i].Name == namespace {
			return &p.Namespaces[i]
		}
	}
	return nil
}

// namespaceNames returns the names of all namespaces of the Plan, in order.
func (p *Plan) namespaceNames() []string {
	names := make([]string, len(p.Namespaces))
	for i := range p.Namespaces {
		names[i] = p.Namespaces[i].Name
	}
	return names
}
