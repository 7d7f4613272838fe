package labels

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
)

// FailCondition is a condition on namespace labels that --fail-on makes a run fail for, by its name on the command
// line.
type FailCondition string

// The conditions: a namespace needs the level or a looser one, would get a Pod Security label changed, or one that is looser
// than today's.
const (
	FailOnPrivileged FailCondition = "privileged"
	FailOnBaseline   FailCondition = "baseline"
	FailOnChange     FailCondition = "change"
	FailOnLoosening  FailCondition = "loosening"
)

// FailConditions returns all conditions of --fail-on on labels, in the order in which they are reported.
func FailConditions() []FailCondition {
	return []FailCondition{FailOnPrivileged, FailOnBaseline, FailOnChange, FailOnLoosening}
}

// Namespaces returns the names of the namespaces of a Plan for whose labels the condition of --fail-on holds.
func (c FailCondition) Namespaces(plan *migrate.Plan) []string {
	var names []string
	for i := range plan.Namespaces {
		if ns := &plan.Namespaces[i]; c.holds(ns) {
			names = append(names, ns.Name)
		}
	}
	return names
}

// holds reports whether the condition of --fail-on holds for the labels of a namespace.
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
