package since

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/finding"
)

// planKey names a violation of a plan, which knows no files, containers or fields.
type planKey struct {
	objectKey
	rule string
}

// ComparePlan marks in a result what is new since a plan, and says what is fixed. A finding is new if its object does not fail its check
// in the plan, after PSP; a plan does not tell containers apart. name is what the file of the plan is called.
func ComparePlan(r *finding.Result, plan *migrate.Plan, name string) {
	r.Since = name
	known := violations(plan)
	for i := range r.Findings {
		f := &r.Findings[i]
		if _, ok := lookUp(known, &f.Object, f.Rule); ok {
			continue
		}
		f.New = true
		for k := range f.Places {
			f.Places[k].New = true
		}
	}
	for i := range r.Workloads {
		w := &r.Workloads[i]
		for _, rule := range w.Passed {
			if v, ok := lookUp(known, &w.Object, rule); ok {
				r.Fixed = append(r.Fixed, finding.Known{Rule: rule, Object: w.Object, Message: violationText(v)})
			}
		}
	}
	sortKnown(r.Fixed)
	r.Fixed = slices.CompactFunc(r.Fixed, func(a, b finding.Known) bool { return keyOf(&a.Object) == keyOf(&b.Object) && a.Rule == b.Rule })
}

// violations returns the violations of the workloads of a plan by what names them.
func violations(plan *migrate.Plan) map[planKey]migrate.Violation {
	out := map[planKey]migrate.Violation{}
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		for k := range ns.Workloads {
			w := &ns.Workloads[k]
			for _, v := range w.Violations {
				out[planKey{objectKey{w.Kind, ns.Name, w.Name}, v.Check}] = v
			}
		}
	}
	return out
}

// lookUp returns the violation of a plan that a finding about an object is. A plan has objects without a namespace in default, and
// names custom kinds with their group where that is needed to tell them apart.
func lookUp(known map[planKey]migrate.Violation, o *finding.Object, rule string) (migrate.Violation, bool) {
	key := planKey{objectKey{o.Kind, cmp.Or(o.Namespace, "default"), o.Name}, rule}
	if v, ok := known[key]; ok {
		return v, true
	}
	group, _, _ := strings.Cut(o.APIVersion, "/")
	key.kind += "." + group
	v, ok := known[key]
	return v, ok
}

// violationText returns a violation of a plan in the words of Pod Security admission.
func violationText(v migrate.Violation) string {
	if v.Detail == "" {
		return v.Reason
	}
	return v.Reason + " (" + v.Detail + ")"
}
