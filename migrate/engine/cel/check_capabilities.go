package cel

import (
	"github.com/psp2pss/psp2pss/migrate/mapping"
)

// minorOfListFunctions is the release whose CEL has distinct and sort: API servers from v1.35 on.
const minorOfListFunctions = 35

// checkCapabilities: every capability that a container adds is one that the policy allows or adds itself, by the very name, and
// every one that the policy requires to be dropped is dropped. PSP adds the required drops where they are not there, so as it fills
// in there is no need to look at them. Where nobody does, a container that drops ALL has dropped them, whatever their names: that is
// no looser. A policy that allows * checks neither.
func checkCapabilities(c mapping.Capabilities, f form) []check {
	if c.Any {
		return nil
	}
	const adds, drops = "c.?securityContext.?capabilities.?add.orValue([])", "c.?securityContext.?capabilities.?drop.orValue([])"
	allowed := isOneOf("k", c.Addable)
	checks := []check{{
		each: "variables.all", as: "c",
		good: adds + ".all(k, " + allowed + ")",
		wrong: inContainer("'securityContext.capabilities.add: Invalid value: ' + c.securityContext.capabilities.add.filter(k, !(" + allowed + ")).map(k, " + shown("k") + ")[0] + " +
			quote(": capability may not be added. Allowed capabilities: "+allowedList(c.Addable))),
	}}
	if f == strict && len(c.RequiredDrops) > 0 {
		required := quoteAll(c.RequiredDrops)
		checks = append(checks, check{
			each: "variables.all", as: "c",
			good: "('ALL' in " + drops + " || " + required + ".all(k, k in " + drops + "))",
			wrong: inContainer("'securityContext.capabilities.drop: Required value: ' + " + required + ".filter(k, !(k in " + drops + "))[0] + " +
				"' must be dropped'"),
		})
	}
	return checks
}

// fillCapabilities writes, into containers that lack one, the required drops, and the capabilities that the policy adds except
// those that the container drops by name. PSP then replaces both lists by sorted ones without doubles; API servers before v1.35
// cannot sort, and get the missing ones after those that are there.
func fillCapabilities(c mapping.Capabilities, minor int) []fill {
	if !c.Writes() {
		return nil
	}
	const adds, drops = "c.?securityContext.?capabilities.?add.orValue([])", "c.?securityContext.?capabilities.?drop.orValue([])"
	add, drop := "'add': "+union(adds, c.DefaultAdds, "!(k in "+drops+")", minor), "'drop': "+union(drops, c.RequiredDrops, "true", minor)
	return []fill{{
		place: inContainers, field: "capabilities", value: "{" + add + ", " + drop + "}",
		when: anyOf(
			isMissing(c.DefaultAdds, allOf("!(k in "+adds+")", "!(k in "+drops+")")),
			isMissing(c.RequiredDrops, "!(k in "+drops+")"),
		),
	}}
}

// isMissing returns a CEL boolean: for one of the policy's capabilities k the CEL boolean holds.
func isMissing(names []string, condition string) string {
	if len(names) == 0 {
		return "false"
	}
	return quoteAll(names) + ".exists(k, " + condition + ")"
}

// union returns a CEL list of strings: a container's capabilities, and the policy's k for which the CEL boolean holds.
func union(own string, names []string, condition string, minor int) string {
	// As list(string), without which sort does not compile, nor a map of two lists.
	own += ".map(k, string(k))"
	sorted := minor >= minorOfListFunctions
	if !sorted {
		condition = allOf(condition, "!(k in "+own+")")
	}
	if len(names) > 0 {
		more := quoteAll(names)
		if condition != "true" {
			more += ".filter(k, " + condition + ")"
		}
		own = "(" + own + " + " + more + ")"
	}
	if sorted {
		own += ".distinct().sort()"
	}
	return own
}
