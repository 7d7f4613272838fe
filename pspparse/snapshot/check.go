package snapshot

import (
	"cmp"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// check returns an error for an inventory of a snapshot that no reading has made: names that no namespace has, or records out of order.
// The sums of the manifest find accidents; this finds what somebody has edited.
func (c *codec) check() error {
	inv := c.inv
	for i := range inv.Namespaces {
		if name := inv.Namespaces[i].Name; !inventory.IsDNSLabel(name) {
			return damaged("%s is no name of a namespace", english.QuoteInput(name, 80))
		}
	}
	for i := range inv.Workloads {
		w := &inv.Workloads[i]
		if w.Template == nil || w.TemplateMeta == nil {
			continue
		}
		containers := len(w.Template.Spec.InitContainers) + len(w.Template.Spec.Containers)
		if images := len(w.TemplateMeta.Images); images != containers {
			return damaged("a template with %s has %s", english.Count(containers, "container", "containers"), english.Count(images, "image", "images"))
		}
	}
	sorted := slices.IsSortedFunc(inv.Policies, func(a, b *pspparse.Policy) int { return cmp.Compare(a.Name, b.Name) }) &&
		slices.IsSortedFunc(inv.Namespaces, func(a, b inventory.Namespace) int { return cmp.Compare(a.Name, b.Name) }) &&
		slices.IsSortedFunc(inv.Workloads, func(a, b inventory.Workload) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
		})
	if !sorted {
		return damaged("its records are not in order")
	}
	return nil
}
