package cel

import (
	"fmt"

	"github.com/psp2pss/psp2pss/migrate/mapping"
)

// effective returns a CEL optional: the field of the container c, else of the pod.
func effective(field string) string {
	return "c.?securityContext.?" + field + ".or(variables.psc.?" + field + ")"
}

// checkNonRootUser: of what a container states or inherits, runAsNonRoot is not false, runAsUser is not 0, and one of the two is
// there. So a user other than 0 with runAsNonRoot: false is refused, and user 0 with true. PSP writes runAsNonRoot: true where
// neither is there.
func checkNonRootUser(f form) []check {
	nonRoot, user := effective("runAsNonRoot"), effective("runAsUser")
	checks := []check{
		{
			each: "variables.all", as: "c", good: nonRoot + ".orValue(true)",
			wrong: inContainer("'securityContext.runAsNonRoot: Invalid value: false: must be true'"),
		},
		{
			each: "variables.all", as: "c", good: user + ".orValue(1) != 0",
			wrong: inContainer("'securityContext.runAsUser: Invalid value: 0: running with the root UID is forbidden'"),
		},
	}
	if f == asFilled {
		return checks
	}
	return append(checks, check{
		each: "variables.all", as: "c", good: "(" + nonRoot + ".hasValue() || " + user + ".hasValue())",
		wrong: inContainer("'securityContext.runAsNonRoot: Required value: must be true'"),
	})
}

// fillNonRootUser writes runAsNonRoot: true into containers that neither state nor inherit it or runAsUser.
func fillNonRootUser() []fill {
	return []fill{{
		place: inContainers, field: "runAsNonRoot", value: "true",
		when: "(!" + effective("runAsNonRoot") + ".hasValue() && !" + effective("runAsUser") + ".hasValue())",
	}}
}

// checkIDRanges: with MustRunAs the ID is there and in one of the policy's ranges, both ends included; with MayRunAs it is in one
// if it is there. For runAsUser and runAsGroup it is what each container states, else the pod; the pod's own value alone is not
// looked at. All of supplementalGroups have to be in the ranges, and no groups are absent ones. PSP writes the start of the first
// range where nothing is there, which counts only if a range has it.
func checkIDRanges(c mapping.IDRanges, f form) []check {
	absent := c.Optional || f == asFilled && contains(c.Ranges, c.Default)
	allowed := "must be in the ranges: " + rangesText(c.Ranges)
	good := func(id string) string { return inRanges(id, c.Ranges) }
	optional := fmt.Sprintf(".all(o, o.hasValue() ? %s : %t)", good("o.value()"), absent)
	stated := func(o string) string { return "(" + o + ".hasValue() ? string(" + o + ".value()) : 'none')" }
	switch c.Field {
	case mapping.SupplementalGroupsField:
		const groups = "variables.psc.?supplementalGroups.orValue([])"
		checks := []check{{
			each: groups, as: "g", good: good("g"),
			wrong: quote("spec.securityContext.supplementalGroups: Invalid value: ") + " + string(g) + " + quote(": "+allowed),
		}}
		if !absent {
			checks = append(checks, check{
				good:  groups + ".size() > 0",
				wrong: quote("spec.securityContext.supplementalGroups: Invalid value: none: " + allowed),
			})
		}
		return checks
	case mapping.FSGroupField:
		return []check{{
			good:  "[variables.psc.?fsGroup]" + optional,
			wrong: quote("spec.securityContext.fsGroup: Invalid value: ") + " + " + stated("variables.psc.?fsGroup") + " + " + quote(": "+allowed),
		}}
	default:
		return []check{{
			each: "variables.all", as: "c",
			good:  "[" + effective(c.Field) + "]" + optional,
			wrong: inContainer(quote("securityContext."+c.Field+": Invalid value: ") + " + " + stated(effective(c.Field)) + " + " + quote(": "+allowed)),
		}}
	}
}

// fillIDRanges writes the start of the first range, with MustRunAs: into containers that neither state nor inherit the ID, or into
// pods that state none.
func fillIDRanges(c mapping.IDRanges) []fill {
	if c.Optional {
		return nil
	}
	id := fmt.Sprint(c.Default)
	switch c.Field {
	case mapping.SupplementalGroupsField:
		return []fill{{place: inPodSecurity, field: c.Field, value: "[" + id + "]", when: "variables.psc.?supplementalGroups.orValue([]).size() == 0"}}
	case mapping.FSGroupField:
		return []fill{{place: inPodSecurity, field: c.Field, value: id, when: "!variables.psc.?fsGroup.hasValue()"}}
	default:
		return []fill{{place: inContainers, field: c.Field, value: id, when: "!" + effective(c.Field) + ".hasValue()"}}
	}
}
