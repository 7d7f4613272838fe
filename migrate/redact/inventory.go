package redact

import (
	"cmp"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Inventory returns the inventory that a plan was built from with the same pseudonyms that Plan gives that plan, so that the plan built from
// it is that of Plan. It is marked as redacted and sorted by its pseudonyms; the order of the policies' names is kept in them. New
// pseudonyms are added to the key. It shares nothing with the inventory, and returns an error for one that is redacted already, and a
// LeakError where a name would stay.
func Inventory(inv *inventory.Inventory, plan *migrate.Plan, key *Key) (*inventory.Inventory, error) {
	if inv.Source.Redacted {
		return nil, errors.New("it is redacted already")
	}
	r := newRedactor(key)
	if _, err := copyPlan(plan, r); err != nil {
		return nil, err
	}
	r.collecting = false
	r.setAwkward()
	names, expanded := newPatternNames(inv), *inv
	expanded.AdmissionRules = names.expandPatterns(inv.AdmissionRules)
	out := copyInventory(&expanded, r)
	out.Source.Redacted = true
	for i := range inv.Policies {
		out.Policies[i].Order = i + 1
	}
	keepExamples(inv, plan, out)
	for i := range inv.AdmissionRules {
		out.AdmissionRules[i].Category = strings.Join(migrate.KnownWordsOfRefuser(&inv.AdmissionRules[i]), "/")
	}
	arrangeInventory(out)
	return out, findInventoryLeak(inv, out, key)
}

// findInventoryLeak returns an error for the first name of an inventory that stands in the redacted one.
func findInventoryLeak(inv, redacted *inventory.Inventory, key *Key) error {
	all := newRedactor(key)
	copyInventory(inv, all)
	f := all.newLeakFinder()
	copyInventory(redacted, f)
	return f.err()
}

// keepExamples sets the order of those workloads of the redacted inventory that the plan names in the place of several, because their names
// come first.
func keepExamples(inv *inventory.Inventory, plan *migrate.Plan, out *inventory.Inventory) {
	named := map[[2]string]bool{}
	for i := range plan.Gaps {
		m := &plan.Gaps[i].Message
		if kind, ok := m.Args.Get("kind").(string); ok && (m.ID == "mutator-unknown" || m.ID == "injector-namespace-unread") {
			name, _ := m.Args.Get("workload").(string)
			named[[2]string{kind, name}] = true
		}
	}
	next := 0
	for i := range inv.Workloads {
		if w := &inv.Workloads[i]; named[[2]string{w.Kind, w.Namespace + "/" + w.Name}] {
			next++
			out.Workloads[i].Order = next
		}
	}
}

// copyInventory returns a deep copy of an inventory whose texts are those that the changer makes of them. Pods that share a shape share one
// in the copy.
func copyInventory(inv *inventory.Inventory, changer textChanger) *inventory.Inventory {
	w := walker{changer: changer, fields: fieldClasses(), keys: keyClasses(), shared: map[any]reflect.Value{}}
	for of, fields := range inventoryClasses() {
		w.fields[of] = fields
	}
	for of, keys := range inventoryKeyClasses() {
		w.keys[of] = keys
	}
	out := w.copyStruct(reflect.ValueOf(*inv)).Interface().(inventory.Inventory)
	return &out
}

// arrangeInventory sorts a redacted inventory by its pseudonyms, as a Builder sorts one by its names.
func arrangeInventory(inv *inventory.Inventory) {
	slices.SortStableFunc(inv.Policies, func(x, y *pspparse.Policy) int { return cmp.Compare(x.Name, y.Name) })
	slices.SortStableFunc(inv.Namespaces, func(x, y inventory.Namespace) int { return cmp.Compare(x.Name, y.Name) })
	for i := range inv.Namespaces {
		slices.SortStableFunc(inv.Namespaces[i].LabelWriters, compareLabelWriters)
		for _, managers := range inv.Namespaces[i].LabelManagers {
			slices.Sort(managers)
		}
	}
	slices.SortStableFunc(inv.ServiceAccounts, func(x, y inventory.ServiceAccount) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
	})
	slices.SortStableFunc(inv.Roles, func(x, y inventory.Role) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
	})
	slices.SortStableFunc(inv.Bindings, func(x, y inventory.Binding) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
	})
	slices.SortStableFunc(inv.Workloads, func(x, y inventory.Workload) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name))
	})
	for i := range inv.Workloads {
		w := &inv.Workloads[i]
		slices.SortStableFunc(w.PodGroups, func(x, y inventory.PodGroup) int { return cmp.Compare(x.ExamplePod, y.ExamplePod) })
		slices.SortStableFunc(w.DebuggedPods, func(x, y inventory.DebuggedPod) int { return cmp.Compare(x.Pod, y.Pod) })
	}
	slices.Sort(inv.KindsRead)
	arrangeAdmission(inv)
	slices.SortStableFunc(inv.Gaps, func(x, y inventory.Gap) int {
		return cmp.Or(comparePositions(x.Position, y.Position), cmp.Compare(x.What, y.What), message.Compare(x.Why, y.Why))
	})
	for i := range inv.Gaps {
		slices.Sort(inv.Gaps[i].Namespaces)
	}
	slices.SortStableFunc(inv.Notes, func(x, y inventory.Note) int {
		return cmp.Or(comparePositions(x.Position, y.Position), cmp.Compare(x.What, y.What), message.Compare(x.Why, y.Why))
	})
	slices.SortStableFunc(inv.Skipped, func(x, y inventory.KindCount) int { return cmp.Compare(x.Kind, y.Kind) })
}

// arrangeAdmission sorts what a redacted inventory has of admission and of labels by its pseudonyms.
func arrangeAdmission(inv *inventory.Inventory) {
	slices.SortStableFunc(inv.APIServers, func(x, y inventory.APIServer) int { return cmp.Compare(x.Pod, y.Pod) })
	slices.SortStableFunc(inv.AdmissionRules, func(x, y inventory.AdmissionRule) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Rule, y.Rule), comparePositions(x.Position, y.Position))
	})
	slices.SortStableFunc(inv.GeneratedPolicies, func(x, y inventory.GeneratedPolicy) int {
		return cmp.Or(cmp.Compare(x.Set, y.Set), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name))
	})
	slices.SortStableFunc(inv.MisplacedKeys, func(x, y inventory.MisplacedKey) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Key, y.Key))
	})
	slices.SortStableFunc(inv.AdmissionConfigTemplates, func(x, y inventory.AdmissionConfigTemplate) int { return cmp.Compare(x.Name, y.Name) })
	slices.SortStableFunc(inv.AdmissionConfigTemplateUses, func(x, y inventory.AdmissionConfigTemplateUse) int {
		return cmp.Or(cmp.Compare(x.Template, y.Template), cmp.Compare(x.Cluster, y.Cluster))
	})
	slices.SortStableFunc(inv.LabelWriters, compareLabelWriters)
}
