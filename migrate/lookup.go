package migrate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// NotFoundError says that a name is not in what was read, or that nothing is left of it.
type NotFoundError struct {
	// What is not there, as a sentence.
	What string
	// Unsure says why it may exist all the same; it is empty where all that could have the name was read.
	Unsure string
	// near is the name that was probably meant; known are the names that there are.
	near  string
	known []string
}

// Error says what is not there, why that may be wrong, and what may be meant.
func (e *NotFoundError) Error() string {
	text := e.What
	if e.Unsure != "" {
		text += ", but there may be more than was read (" + e.Unsure + ")"
	}
	switch {
	case e.near != "":
		text += fmt.Sprintf("; did you mean %q?", e.near)
	case len(e.known) > 0:
		text += "; known: " + firstOf(e.known, 12)
	}
	return text
}

// notFound returns an error for a name that is none of those that are known.
func notFound(what, name string, known []string, unsure string) *NotFoundError {
	return &NotFoundError{What: what, Unsure: unsure, near: pspparse.Suggest(name, known), known: known}
}

// CheckNames returns an error for each name that is none of the known ones, where those are all that there are; what says
// so, with %q for the name.
func CheckNames(what string, names, known []string) []error {
	var missing []error
	for _, name := range names {
		if !slices.Contains(known, name) {
			missing = append(missing, notFound(fmt.Sprintf(what, name), name, known, ""))
		}
	}
	return missing
}

// NoNamespace says that the plan has no namespace of that name.
func (p *Plan) NoNamespace(name string) *NotFoundError {
	return p.noNamespace(name, p.namespaceNames())
}

func (p *Plan) noNamespace(name string, known []string) *NotFoundError {
	return notFound(fmt.Sprintf("there is no namespace %q in what was read", name), name, known, p.unsureNamespace(name))
}

// NoPolicy says that the plan has no policy of that name.
func (p *Plan) NoPolicy(name string) *NotFoundError {
	known := make([]string, len(p.Policies))
	for i := range p.Policies {
		known[i] = p.Policies[i].Name
	}
	unsure := p.unread("podsecuritypolicies", "PodSecurityPolicy", inventory.AllNamespaces)
	if unsure == "" && len(known) == 0 && p.Source.Kind != inventory.SourceCluster {
		unsure = "no policy was read"
	}
	return notFound(fmt.Sprintf("there is no policy %q in what was read", name), name, known, unsure)
}

// NoWorkload says that the plan has no workload of that kind and name in a namespace, or not even the namespace.
func (p *Plan) NoWorkload(namespace, kind, name string) *NotFoundError {
	ns := p.find(namespace)
	if ns == nil {
		return p.NoNamespace(namespace)
	}
	id := func(kind, name string) string { return namespace + "/" + strings.ToLower(kind) + "/" + name }
	e := &NotFoundError{What: fmt.Sprintf("there is no workload %q in what was read", id(kind, name))}
	unseen := ""       // the kind of one of that name
	var names []string // of the same kind
	for _, w := range ns.Workloads {
		e.known = append(e.known, id(w.Kind, w.Name))
		if w.Name == name {
			e.near = id(w.Kind, name)
		}
		if strings.EqualFold(w.Kind, kind) {
			names = append(names, w.Name)
		}
	}
	for _, u := range ns.Unseen {
		e.known = append(e.known, id(u.Kind, u.Name))
		if u.Name == name {
			e.near, unseen = id(u.Kind, name), u.Kind
		}
	}
	if near := pspparse.Suggest(name, names); near != "" {
		e.near = id(kind, near)
	}
	switch gaps := p.GapsOf(namespace, unseen, name); {
	case len(gaps) > 0:
		e.Unsure = gaps[0].text()
	case ns.Unsure(inventory.Workloads):
		e.Unsure = p.touching(namespace)
	case len(e.known) == 0 && p.Source.Kind != inventory.SourceCluster:
		e.Unsure = "nothing that runs in the namespace was read"
	}
	return e
}

// GapsOf returns the gaps that are about one workload, which could not be read or judged. Its kind may be in any case.
func (p *Plan) GapsOf(namespace, kind, name string) []Gap {
	var out []Gap
	for i := range p.Gaps {
		if strings.EqualFold(p.Gaps[i].What, fmt.Sprintf("%s %q", kind, namespace+"/"+name)) {
			out = append(out, p.Gaps[i])
		}
	}
	return out
}

// changesPods begins the gap of what changes pods when they are created, as far as it is not known.
const changesPods = "it may change pods when they are created"

// MayChange tells whether a gap is about one workload: about its object, or about what may change the pods of its namespace
// when they are created.
func (g *Gap) MayChange(namespace, kind, name string) bool {
	return strings.EqualFold(g.What, fmt.Sprintf("%s %q", kind, namespace+"/"+name)) ||
		strings.HasPrefix(g.Why, changesPods) && g.touches(namespace)
}

// CheckAccount returns an error if nothing names the service account: no workload, no grant, and none of the accounts that
// were read otherwise (ServiceAccount objects, subjects of bindings); nil for those where they are not known.
func (p *Plan) CheckAccount(namespace, name string, others []string) error {
	ns := p.find(namespace)
	if ns == nil {
		return p.NoNamespace(namespace)
	}
	known := append(p.accounts(ns), others...)
	if slices.Contains(known, name) {
		return nil
	}
	slices.Sort(known)
	unsure := p.unread("serviceaccounts", "ServiceAccount", namespace)
	if unsure == "" {
		unsure = p.unsureNamespace(namespace)
	}
	what := fmt.Sprintf("nothing that was read names a service account %q in namespace %q", name, namespace)
	if others == nil {
		what += " (a saved plan has only the accounts that run something or may use a policy)"
	}
	return notFound(what, name, slices.Compact(known), unsure)
}

// accounts returns the service accounts of a namespace that its workloads and the grants name, and the one that every
// namespace has.
func (p *Plan) accounts(ns *Namespace) []string {
	out := []string{"default"}
	for _, w := range ns.Workloads {
		if w.ServiceAccount != "" {
			out = append(out, w.ServiceAccount)
		}
	}
	for i := range p.Policies {
		for _, use := range p.Policies[i].UsedBy {
			if name, ok := strings.CutPrefix(use.ServiceAccount, ns.Name+"/"); ok {
				out = append(out, name)
			}
			if name, ok := strings.CutPrefix(use.User, "system:serviceaccount:"+ns.Name+":"); ok {
				out = append(out, name)
			}
		}
	}
	return out
}

// unsureNamespace says why there may be a namespace, of that name if it is not "", that the plan does not have: a
// cluster that lists its namespaces has no other, and files hold them all where they hold the object of each.
func (p *Plan) unsureNamespace(name string) string {
	if why := p.unread("namespaces", "Namespace", name); why != "" {
		return why
	}
	if p.Source.Kind == inventory.SourceCluster {
		return ""
	}
	if len(p.Namespaces) == 0 {
		return "no Namespace object was read: read those of all namespaces"
	}
	for i := range p.Namespaces {
		if p.Namespaces[i].Unread {
			return fmt.Sprintf("the Namespace object of %s was not read: read those of all namespaces", p.Namespaces[i].Name)
		}
	}
	return ""
}

// unread says which gap may hide an object of a kind in a namespace, "" if none does. On a cluster only the list of the
// kind and such objects themselves do; a file that could not be read may hold anything.
func (p *Plan) unread(resource, kind, namespace string) string {
	for i := range p.Gaps {
		g := &p.Gaps[i]
		switch {
		case p.Source.Kind != inventory.SourceCluster:
			if g.touches(namespace) {
				return g.text()
			}
		case g.What == resource, strings.HasPrefix(g.What, kind+" "):
			return g.text()
		}
	}
	return ""
}

// touching says which gap may hide a workload of a namespace.
func (p *Plan) touching(namespace string) string {
	for i := range p.Gaps {
		if g := &p.Gaps[i]; g.touches(namespace) && (g.Changes == "" || g.Changes == string(inventory.Workloads)) {
			return g.text()
		}
	}
	return "not everything in it was read"
}

// touches is true for a gap that touches a namespace, or with "" any that is not known.
func (g *Gap) touches(namespace string) bool {
	return slices.Contains(g.Affects, inventory.AllNamespaces) || namespace != "" && slices.Contains(g.Affects, namespace)
}

func (g *Gap) text() string {
	text := g.What + ": " + g.Why
	if g.Position.File != "" {
		text = g.Position.File + ": " + text
	}
	return text
}

func (p *Plan) find(namespace string) *Namespace {
	for i := range p.Namespaces {
		if p.Namespaces[i].Name == namespace {
			return &p.Namespaces[i]
		}
	}
	return nil
}

func (p *Plan) namespaceNames() []string {
	names := make([]string, len(p.Namespaces))
	for i := range p.Namespaces {
		names[i] = p.Namespaces[i].Name
	}
	return names
}

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return strings.Join(quoted, ", ")
}
