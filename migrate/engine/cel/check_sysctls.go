package cel

import (
	"strings"

	"github.com/psp2pss/psp2pss/migrate/mapping"
)

// checkSysctls: no sysctl of the pod matches a forbidden pattern, which comes first, also for safe ones; and each is safe, by
// Kubernetes v1.24, or matches one of those that the policy allows. A pattern that ends in * is a prefix without it, so * is all.
// Names are compared as they are written.
func checkSysctls(c mapping.Sysctls) []check {
	const sysctls = "variables.psc.?sysctls.orValue([])"
	at := "'spec.securityContext.sysctls: Forbidden: sysctl ' + " + shown("y.name") + " + "
	var checks []check
	if len(c.Forbidden) > 0 {
		checks = append(checks, check{
			each: sysctls, as: "y", good: "!" + group(matchesPattern("y.name", c.Forbidden)),
			wrong: at + quote(" is not allowed. Forbidden: "+allowedList(c.Forbidden)),
		})
	}
	return append(checks, check{
		each: sysctls, as: "y", good: anyOf(isOneOf("y.name", mapping.SafeSysctls()), matchesPattern("y.name", c.AllowedUnsafe)),
		wrong: at + quote(" is unsafe and not allowed. Allowed unsafe sysctls: "+allowedList(c.AllowedUnsafe)),
	})
}

// matchesPattern returns a CEL boolean: a CEL string is one of the names, or begins with one of the prefixes that end in * there.
func matchesPattern(name string, patterns []string) string {
	var conditions, names []string
	for _, p := range patterns {
		if prefix, wild := strings.CutSuffix(p, "*"); wild {
			conditions = append(conditions, name+".startsWith("+quote(prefix)+")")
			continue
		}
		names = append(names, p)
	}
	return anyOf(append(conditions, isOneOf(name, names))...)
}

// group returns a CEL expression in brackets, so that an operator can stand before it.
func group(expression string) string {
	if strings.HasPrefix(expression, "(") {
		return expression
	}
	return "(" + expression + ")"
}
