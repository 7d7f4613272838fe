package migrate

import (
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// simplify gives every policy that admits something its clone, each under a name of its own.
func (b *builder) simplify(policies []Policy) {
	given := map[string]bool{}
	for i := range policies {
		po := &policies[i]
		if po.AdmitsNothing {
			continue // its clone would open what is closed
		}
		exists := false
		s := mapping.Simplify(b.byName[po.Name], func(clone *pspparse.Policy) bool {
			there, found := b.byName[clone.Name]
			exists = found && sameRules(there, clone)
			return given[clone.Name] || found && !exists
		})
		if s == nil {
			continue
		}
		given[s.Clone.Name] = true
		po.Simplify = planSimplify(s)
		po.Simplify.Clone.Exists = exists && s.Clone.Name != ""
	}
}

func planSimplify(s *mapping.Simplified) *Simplify {
	out := &Simplify{Clone: Clone{Name: s.Clone.Name, Annotations: s.Clone.Annotations, Spec: s.Clone.Spec}}
	for _, c := range s.Changes {
		out.Changes = append(out.Changes, Change{Field: c.Field, Class: string(c.Class), Becomes: c.Becomes, Opens: c.Opens})
	}
	return out
}

// sameRules says whether admission reads the same in both; an empty list and none are the same.
func sameRules(a, b *pspparse.Policy) bool {
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
