package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// NamespacedName is the name of an object in a namespace of the Plan.
type NamespacedName struct{ Namespace, Kind, Name string }

// WorkloadsNamed returns the workloads of the Plan with a name, those too of which only a part was read. Namespace and kind are those
// that they must have, the kind in any case; "" for any.
func (p *Plan) WorkloadsNamed(namespace, kind, name string) []NamespacedName {
	var out []NamespacedName
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		if namespace != "" && ns.Name != namespace {
			continue
		}
		for _, w := range ns.workloadRefs() {
			if w.Name == name && (kind == "" || strings.EqualFold(w.Kind, kind)) {
				out = append(out, NamespacedName{ns.Name, strings.ToLower(w.Kind), name})
			}
		}
	}
	return out
}

// ServiceAccountsNamed returns the service accounts of a name that workloads and grants of the Plan name, in one namespace, or with
// "" in all.
func (p *Plan) ServiceAccountsNamed(namespace, name string) []NamespacedName {
	var out []NamespacedName
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		if (namespace == "" || ns.Name == namespace) && slices.Contains(p.knownServiceAccounts(ns), name) {
			out = append(out, NamespacedName{ns.Name, "sa", name})
		}
	}
	return out
}

// HasNamespace reports whether the Plan has a namespace of that name.
func (p *Plan) HasNamespace(name string) bool { return p.findNamespace(name) != nil }

// HasPolicy reports whether the Plan has a policy of that name.
func (p *Plan) HasPolicy(name string) bool {
	return slices.ContainsFunc(p.Policies, func(po Policy) bool { return po.Name == name })
}

// NameNotFound returns the error that nothing in the Plan has a name: no namespace, no policy and, in one namespace or with "" in
// all, no workload and no service account. A kind, if not "", is that of the workload that is meant.
func (p *Plan) NameNotFound(namespace, kind, name string, others []string) *NotFoundError {
	var known []string
	if namespace == "" && kind == "" {
		known = append(known, p.namespaceNames()...)
		for i := range p.Policies {
			known = append(known, p.Policies[i].Name)
		}
	}
	unsure := ""
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		if namespace != "" && ns.Name != namespace {
			continue
		}
		for _, w := range ns.workloadRefs() {
			if kind == "" || strings.EqualFold(w.Kind, kind) {
				known = append(known, w.Name)
			}
		}
		if unsure == "" && ns.HasUncertainPart(inventory.PartWorkloads) {
			unsure = p.gapHidingWorkloads(ns.Name)
		}
	}
	what := fmt.Sprintf("there is no namespace, policy, workload or service account %q in what was read", name)
	switch {
	case kind != "":
		what = fmt.Sprintf("there is no %s %q in what was read", strings.ToLower(kind), name)
	case namespace != "":
		what = fmt.Sprintf("there is no workload or service account %q in namespace %q of what was read", name, namespace)
	}
	switch {
	case unsure != "":
	case namespace == "":
		unsure = p.whyNamespaceMayExist(name)
	case len(known) == 0 && p.Source.Origin() != inventory.SourceCluster:
		unsure = "nothing that runs in the namespace was read"
	}
	if unsure == "" && namespace == "" && kind == "" {
		unsure = p.PolicyNotFound(name).MayExistBecause
	}
	known = distinct(append(known, others...)) // namespaces and policies first, checks last
	return newNotFoundError(what, name, known, unsure)
}

// workloadRefs returns the workloads of a namespace of the Plan by kind and name, those too of which only a part was read.
func (ns *Namespace) workloadRefs() []WorkloadRef {
	refs := make([]WorkloadRef, 0, len(ns.Workloads)+len(ns.UnseenWorkloads))
	for i := range ns.Workloads {
		refs = append(refs, WorkloadRef{ns.Workloads[i].Kind, ns.Workloads[i].Name})
	}
	return append(refs, ns.UnseenWorkloads...)
}

// distinct returns the names of the Plan's things without those that stand before them already.
func distinct(names []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(names, func(name string) bool {
		again := seen[name]
		seen[name] = true
		return again
	})
}
