package inventory

import (
	"cmp"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
)

// AdmissionConfigTemplate is what an inventory knows that the API server of some cluster is configured with for Pod
// Security admission: a PodSecurityAdmissionConfigurationTemplate of Rancher, or a configuration that stands in a file.
// It does not say which cluster that is.
type AdmissionConfigTemplate struct {
	Name string
	// ConfigKind is the kind of a configuration that stands in a file as an API server reads it, and has no name; "" for a
	// template of Rancher.
	ConfigKind string
	// Enforce is the level of namespaces without a label, as written.
	Enforce string
	// Exempts is true if it exempts anything.
	Exempts  bool
	Position pspparse.Position
}

// AdmissionConfigTemplateUse says, in an inventory, which template of the Pod Security configuration Rancher gives a
// cluster, which need not be the one that was read.
type AdmissionConfigTemplateUse struct {
	// Cluster is "namespace/name" of a provisioned cluster, or the name of one of Rancher's own objects.
	Cluster, Template string
	Position          pspparse.Position
}

// AddAdmissionConfigTemplate adds to the inventory a template for the configuration of Pod Security admission.
func (b *Builder) AddAdmissionConfigTemplate(t AdmissionConfigTemplate) {
	b.admissionConfigTemplates = append(b.admissionConfigTemplates, t)
}

// AddAdmissionConfigTemplateUse adds to the inventory which admission configuration template a cluster of Rancher uses.
func (b *Builder) AddAdmissionConfigTemplateUse(u AdmissionConfigTemplateUse) {
	b.admissionConfigTemplateUses = append(b.admissionConfigTemplateUses, u)
}

// resolveDuplicateAdmissionConfigTemplates puts the configurations of Pod Security admission and their uses into the
// inventory, sorted and each once.
func (b *Builder) resolveDuplicateAdmissionConfigTemplates(inv *Inventory) {
	inv.AdmissionConfigTemplates = slices.Clone(b.admissionConfigTemplates)
	slices.SortFunc(inv.AdmissionConfigTemplates, func(x, y AdmissionConfigTemplate) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Enforce, y.Enforce), compareBools(x.Exempts, y.Exempts), comparePositions(x.Position, y.Position))
	})
	inv.AdmissionConfigTemplates = slices.CompactFunc(inv.AdmissionConfigTemplates, func(x, y AdmissionConfigTemplate) bool {
		return x.Name == y.Name && x.Enforce == y.Enforce && x.Exempts == y.Exempts
	})
	inv.AdmissionConfigTemplateUses = slices.Clone(b.admissionConfigTemplateUses)
	slices.SortFunc(inv.AdmissionConfigTemplateUses, func(x, y AdmissionConfigTemplateUse) int {
		return cmp.Or(cmp.Compare(x.Template, y.Template), cmp.Compare(x.Cluster, y.Cluster), comparePositions(x.Position, y.Position))
	})
	inv.AdmissionConfigTemplateUses = slices.CompactFunc(inv.AdmissionConfigTemplateUses, func(x, y AdmissionConfigTemplateUse) bool {
		return x.Template == y.Template && x.Cluster == y.Cluster
	})
}
