package labels

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
)

// FailCondition is what a run over a Plan can be asked to fail on, by its name on the command line (--fail-on).
type FailCondition string

// The conditions: a namespace needs the level or a looser one, would get a Pod Security label changed, or one that is looser
// than today's.
const (
	FailOnPrivileged FailCondition = "privileged"
	FailOnBaseline   FailCondition = "baseline"
	FailOnChange     FailCondition = "change"
	FailOnLoosening  FailCondition = "loosening"
)

// FailConditions are all conditions, in the order in which they are reported.
func FailConditions() []FailCondition {
	return []FailCondition{FailOnPrivileged, FailOnBaseline, FailOnChange, FailOnLoosening}
}

// Namespaces returns the names of the namespaces of a Plan for which the condition holds.
func (c FailCondition) Namespaces(plan *migrate.Plan) []string {
	var names []string
	for i := range plan.Namespaces {
		if ns := &plan.Namespaces[i]; c.holds(ns) {
			names = append(names, ns.Name)
		}
	}
	return names
}

// holds is true if the condition holds for a namespace of a Plan.
func (c FailCondition) holds(ns *migrate.Namespace) bool {
	switch c {
	case FailOnPrivileged:
		return ns.NeededLevel == api.LevelPrivileged
	case FailOnBaseline:
		return ns.NeededLevel == api.LevelPrivileged || ns.NeededLevel == api.LevelBaseline
	case FailOnChange:
		return ChangesLabels(ns)
	case FailOnLoosening:
		return LoosensLevel(ns)
	}
	return false
}
