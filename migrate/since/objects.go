package since

import (
	"slices"

	"github.com/psp2pss/psp2pss/migrate/finding"
)

// objects are the workloads of a result by what names them.
type objects map[objectKey][]*finding.Workload

// newObjects returns the workloads of a result by what names them.
func newObjects(r *finding.Result) objects {
	out := objects{}
	for i := range r.Workloads {
		w := &r.Workloads[i]
		key := keyOf(&w.Object)
		out[key] = append(out[key], w)
	}
	return out
}

// isExceptionFile reports whether an object of a finding is no workload, but a file of exceptions, which is read by every check.
func isExceptionFile(o *finding.Object) bool {
	return o.APIVersion == finding.APIVersion && o.Kind == finding.ExceptionsKind
}

// has reports whether an object was read.
func (o objects) has(object *finding.Object) bool {
	return isExceptionFile(object) || len(o[keyOf(object)]) > 0
}

// asks reports whether a rule, which is a check of a level or about exceptions, is asked of an object.
func (o objects) asks(object *finding.Object, rule, level string) bool {
	if slices.Contains(finding.ExceptionRules(), rule) {
		return true
	}
	return slices.ContainsFunc(o[keyOf(object)], func(w *finding.Workload) bool {
		if w.Partial { // which says of no check that it is met
			return slices.ContainsFunc(w.Demands, func(d finding.Demand) bool { return d.Level == level || d.Level == "restricted" })
		}
		return slices.Contains(w.Passed, rule) || slices.Contains(w.Failed, rule)
	})
}
