package inventory

import (
	"cmp"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
)

// AdmissionTemplate is a PodSecurityAdmissionConfigurationTemplate of Rancher: what the API server of a cluster is
// configured with that Rancher gives it. It does not say which cluster that is.
type AdmissionTemplate struct {
	Name string
	// File is the kind of a configuration that stands in a file as an API server reads it, and has no name; "" for a template of Rancher.
	File string
	// Enforce is the level of namespaces without a label, as written.
	Enforce string
	// Exempts is true if it exempts anything.
	Exempts  bool
	Position pspparse.Position
}

// AdmissionTemplateUse says which template Rancher gives a cluster, which need not be the one that was read.
type AdmissionTemplateUse struct {
	// Cluster is "namespace/name" of a provisioned cluster, or the name of one of Rancher's own objects.
	Cluster, Template string
	Position          pspparse.Position
}

// AddAdmissionTemplate adds a template of Rancher.
func (b *Builder) AddAdmissionTemplate(t AdmissionTemplate) {
	b.admissionTemplates = append(b.admissionTemplates, t)
}

// AddAdmissionTemplateUse adds what a cluster of Rancher uses.
func (b *Builder) AddAdmissionTemplateUse(u AdmissionTemplateUse) {
	b.admissionTemplateUses = append(b.admissionTemplateUses, u)
}

// settleAdmissionTemplates sorts, and drops what was read twice.
func (b *Builder) settleAdmissionTemplates(inv *Inventory) {
	inv.AdmissionTemplates = slices.Clone(b.admissionTemplates)
	slices.SortFunc(inv.AdmissionTemplates, func(x, y AdmissionTemplate) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Enforce, y.Enforce), compareBools(x.Exempts, y.Exempts), comparePositions(x.Position, y.Position))
	})
	inv.AdmissionTemplates = slices.CompactFunc(inv.AdmissionTemplates, func(x, y AdmissionTemplate) bool {
		return x.Name == y.Name && x.Enforce == y.Enforce && x.Exempts == y.Exempts
	})
	inv.AdmissionTemplateUses = slices.Clone(b.admissionTemplateUses)
	slices.SortFunc(inv.AdmissionTemplateUses, func(x, y AdmissionTemplateUse) int {
		return cmp.Or(cmp.Compare(x.Template, y.Template), cmp.Compare(x.Cluster, y.Cluster), comparePositions(x.Position, y.Position))
	})
	inv.AdmissionTemplateUses = slices.CompactFunc(inv.AdmissionTemplateUses, func(x, y AdmissionTemplateUse) bool {
		return x.Template == y.Template && x.Cluster == y.Cluster
	})
}
