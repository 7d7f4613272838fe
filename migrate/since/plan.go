package since

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/finding"
)

// planKey names a violation of a plan, which knows no files and no fields.
type planKey struct {
	objectKey
	rule string
}

// ComparePlan marks in a result what is new since a plan, and says what is fixed. A place of a finding is new if its object does not fail
// the check in the plan, after PSP, or if the plan's sentence about that names other containers or values (see inSentence). name is what
// the file of the plan is called.
func ComparePlan(r *finding.Result, plan *migrate.Plan, name string) {
	r.Since = name
	known := violations(plan)
	for i := range r.Findings {
		f := &r.Findings[i]
		v, ok := lookUp(known, &f.Object, f.Rule)
		f.New = !ok
		for k := range f.Places {
			if p := &f.Places[k]; !ok || !inSentence(v.Detail, f.Rule, p) || k >= volumesIn(v.Detail, f.Rule) {
				p.New, f.New = true, true
			}
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

// inSentence reports whether what a plan says of a failed check may be about a place of a finding: it names the container, or none at all,
// and the value, where the sentences of the check name values. Of a hostPath volume they name no path, so that a changed one is known.
func inSentence(detail, rule string, p *finding.Place) bool {
	if p.Container != "" && strings.Contains(detail, "container") && !strings.Contains(detail, strconv.Quote(p.Container)) {
		return false
	}
	switch rule {
	case "capabilities_baseline", "capabilities_restricted", "hostPorts", "sysctls":
	case "seLinuxOptions":
		if !strings.HasSuffix(p.Field, ".type") {
			return true // a user or a role may not be set, whatever it is
		}
	default:
		return true
	}
	value := valueOf(p)
	if text, err := strconv.Unquote(value); err == nil {
		value = text
	} else if _, err := strconv.Atoi(value); err != nil {
		return true // the field is not set, or a boolean decides: hostNetwork
	}
	words := strings.FieldsFunc(detail, func(r rune) bool { return strings.ContainsRune(" ,;\"", r) })
	return slices.Contains(words, value)
}

// volumesIn returns how many volumes the sentence of a plan about a check names, beyond which volumes are new; the largest number where
// the check is not about volumes. Places of findings have no names of volumes.
func volumesIn(detail, rule string) int {
	if rule != "hostPathVolumes" && rule != "restrictedVolumes" || !strings.HasPrefix(detail, "volume") {
		return math.MaxInt
	}
	names, _, _ := strings.Cut(detail, " use") // what types they have comes after that
	return strings.Count(names, `"`) / 2
}

// violationText returns a violation of a plan in the words of Pod Security admission.
func violationText(v migrate.Violation) string {
	if v.Detail == "" {
		return v.Reason
	}
	return v.Reason + " (" + v.Detail + ")"
}
