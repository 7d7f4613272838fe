package output

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/engine/cel"
	"github.com/psp2pss/psp2pss/migrate/escape"
)

// removal returns the command of a shell that takes the objects of the set away, bindings first, so that nothing is in force without
// what it needs. It selects by labels, with the sets named, so that it deletes no other set; objects without the labels it names.
func removal(kubectl string, items []item) string {
	var kinds, sets, names []string
	reverse := slices.Clone(items)
	slices.Reverse(reverse)
	slices.SortStableFunc(reverse, func(a, b item) int { return cmp.Compare(removalRank(a.Kind), removalRank(b.Kind)) })
	for _, it := range reverse {
		resource := strings.ToLower(plural(it.Kind))
		if it.group != "" {
			resource += "." + it.group
		}
		if it.set == "" {
			names = append(names, escape.Shell(resource+"/"+it.Name))
			continue
		}
		kinds, sets = append(kinds, resource), append(sets, it.set)
	}
	var commands []string
	if len(sets) > 0 {
		selector := cel.ManagedByLabel + "=" + cel.ManagedBy + "," + cel.SetLabel + " in (" + strings.Join(distinct(sets), ",") + ")"
		commands = append(commands, kubectl+" delete "+strings.Join(firsts(kinds), ",")+" --selector="+escape.Shell(selector))
	}
	if len(names) > 0 {
		commands = append(commands, kubectl+" delete "+strings.Join(names, " "))
	}
	return strings.Join(commands, " && ")
}

// othersCommand returns the command of a shell that lists what this program has written, is on the cluster, and is of no set of the
// items; "" where no item is of a set. Resources that the items are not of are listed, too: an earlier set may have had them.
func othersCommand(kubectl string, items []item, resources []string) string {
	var sets []string
	kinds := slices.Clone(resources)
	for _, it := range items {
		if it.set == "" {
			continue
		}
		sets = append(sets, it.set)
		if it.group != "" {
			kinds = append(kinds, strings.ToLower(plural(it.Kind))+"."+it.group)
		}
	}
	if len(sets) == 0 {
		return ""
	}
	slices.Sort(kinds)
	selector := cel.ManagedByLabel + "=" + cel.ManagedBy + "," + cel.SetLabel + " notin (" + strings.Join(distinct(sets), ",") + ")"
	return kubectl + " get " + strings.Join(slices.Compact(kinds), ",") + " --selector=" + escape.Shell(selector)
}

// leftCommand returns the command of a shell that deletes what writes into objects and is of a set of the items; "" where no item is of a
// set, or where some of them write.
func leftCommand(kubectl string, items []item) string {
	var sets []string
	for _, it := range items {
		if it.Kind == mutatingPolicy {
			return ""
		}
		if it.set != "" && it.Kind == validatingPolicy {
			sets = append(sets, it.set)
		}
	}
	if len(sets) == 0 {
		return ""
	}
	selector := cel.ManagedByLabel + "=" + cel.ManagedBy + "," + cel.SetLabel + " in (" + strings.Join(distinct(sets), ",") + ")"
	return kubectl + " delete " + strings.Join(mutatingResources(), ",") + " --selector=" + escape.Shell(selector)
}

// validatingResources returns the resources of policies that check, what puts them in force first.
func validatingResources() []string {
	return []string{admissionResource(validatingBinding), admissionResource(validatingPolicy)}
}

// mutatingResources returns the resources of policies that write, what puts them in force first.
func mutatingResources() []string {
	return []string{admissionResource(mutatingBinding), admissionResource(mutatingPolicy)}
}

// admissionResource returns the resource of a kind of admission policies, as kubectl takes it.
func admissionResource(kind string) string {
	return strings.ToLower(plural(kind)) + ".admissionregistration.k8s.io"
}

// removalRank is the place of a kind in the removal: what puts a policy in force goes first, and of these what refuses, so that no
// pod is refused for what nothing writes into it any more. What is no admission policy goes last.
func removalRank(kind string) int {
	order := []string{validatingBinding, mutatingBinding, validatingPolicy, mutatingPolicy}
	if i := slices.Index(order, kind); i >= 0 {
		return i
	}
	return len(order)
}

// firsts returns texts, each where it comes first.
func firsts(texts []string) []string {
	var out []string
	for _, t := range texts {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}
