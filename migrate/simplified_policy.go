package migrate

import (
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// addSimplifiedPolicies adds to every policy of the Plan that admits something its simplified clone, each under a name
// of its own.
func (b *planBuilder) addSimplifiedPolicies(policies []Policy) {
	given := map[string]bool{}
	for i := range policies {
		po := &policies[i]
		if po.AdmitsNothing {
			continue // its clone would open what is closed
		}
		exists := false
		s := mapping.SimplifyPolicy(b.policiesByName[po.Name], func(clone *pspparse.Policy) bool {
			there, found := b.policiesByName[clone.Name]
			exists = found && samePolicyRules(there, clone)
			return given[clone.Name] || found && !exists
		})
		if s == nil {
			continue
		}
		given[s.Clone.Name] = true
		po.Simplified = planSimplifiedPolicy(s)
		po.Simplified.Clone.Exists = exists && s.Clone.Name != ""
	}
}

// planSimplifiedPolicy converts the simplified clone of a PodSecurityPolicy to the form of the Plan.
func planSimplifiedPolicy(s *mapping.SimplifiedPolicy) *SimplifiedPolicy {
	out := &SimplifiedPolicy{Clone: NonMutatingClone{Name: s.Clone.Name, Annotations: s.Clone.Annotations, Spec: s.Clone.Spec}}
	for _, c := range s.Changes {
		change := SimplifiedField{Field: c.Field, Class: string(c.Class), Becomes: c.Becomes}
		if c.NewlyAdmits.ID != "" {
			change.Opens = &c.NewlyAdmits
		}
		out.Changes = append(out.Changes, change)
	}
	return out
}

// samePolicyRules reports, for a Plan's simplified policies, whether PSP admission reads the same in a policy and its
// clone; an empty list and none are the same.
func samePolicyRules(a, b *pspparse.Policy) bool {
	for _, key := range []string{
		pspparse.SeccompAllowedAnnotation, pspparse.SeccompDefaultAnnotation,
		pspparse.AppArmorAllowedAnnotation, pspparse.AppArmorDefaultAnnotation,
	} {
		x, xSet := a.Annotations[key]
		y, ySet := b.Annotations[key]
		if x != y || xSet != ySet {
			return false
		}
	}
	return equality.Semantic.DeepEqual(a.Spec, b.Spec)
}
