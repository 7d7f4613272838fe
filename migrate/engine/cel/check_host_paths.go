package cel

import (
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// checkHostPaths: every hostPath volume, mounted or not, names one of the policy's paths or something below it. One trailing slash
// is cut off path and prefix; after that a path matches that is the prefix, or goes on with a slash after it. So "/" matches all
// that begins with a slash. Nothing else is cleaned. A path that a writable prefix matches is good, wherever that is in the list. One
// that only read-only prefixes match has to be mounted readOnly by every container that mounts it.
func checkHostPaths(c mapping.HostPaths) []check {
	var writable, readOnly, texts []string
	for _, p := range c.Paths {
		text := p.PathPrefix
		match := matchesPrefix("x", strings.TrimSuffix(p.PathPrefix, "/"))
		if p.ReadOnly {
			readOnly = append(readOnly, match)
			text += " (read-only)"
		} else {
			writable = append(writable, match)
		}
		texts = append(texts, text)
	}
	known := append(writable[:len(writable):len(writable)], readOnly...)
	checks := []check{{
		each: "variables.vols", as: "v",
		good: anyOf("!has(v.hostPath)", ofPath(anyOf(known...))),
		wrong: "'volume ' + v.name + ': hostPath.path: Invalid value: ' + " + shown("v.hostPath.path") + " + " +
			quote(": is not allowed to be used. Allowed paths: "+allowedList(texts)),
	}}
	if len(readOnly) == 0 {
		return checks
	}
	written := "c.?volumeMounts.orValue([]).exists(m, m.name == v.name && !m.?readOnly.orValue(false))"
	return append(checks, check{
		each: "variables.writtenHostPaths", as: "v",
		good: ofPath(anyOf(writable...)),
		wrong: "'container ' + variables.all.filter(c, " + written + ").map(c, c.name)[0] + ': volumeMounts: Invalid value: volume ' + v.name + " +
			"' (' + " + shown("v.hostPath.path") + " + '): must be read-only'",
	})
}

// hasReadOnlyPaths reports whether a constraint has paths that may only be mounted readOnly.
func hasReadOnlyPaths(c mapping.Constraint) bool {
	paths, ok := c.(mapping.HostPaths)
	return ok && slices.ContainsFunc(paths.Paths, func(p pspparse.AllowedHostPath) bool { return p.ReadOnly })
}

// hostPathVariables returns the hostPath volumes that some container mounts so that it can write, as a variable that policies with
// read-only paths share: volumes times containers times mounts are looked at once for all policies, and mounts that are readOnly, or of
// other volumes, only once.
func hostPathVariables() []admissionregistrationv1.Variable {
	return []admissionregistrationv1.Variable{
		{Name: "hostPathNames", Expression: "variables.vols.filter(v, has(v.hostPath)).map(v, v.name)"},
		{Name: "written", Expression: "variables.hostPathNames.size() == 0 ? [] : variables.all.map(c, c.?volumeMounts.orValue([])" +
			".filter(m, !m.?readOnly.orValue(false) && m.name in variables.hostPathNames).map(m, m.name)).filter(l, l.size() > 0)"},
		{Name: "writtenHostPaths", Expression: "variables.vols.filter(v, has(v.hostPath) && variables.written.exists(l, v.name in l))"},
	}
}

// ofPath returns a CEL boolean: one about x holds for the path of the hostPath volume v without one trailing slash.
func ofPath(condition string) string {
	if condition == "false" {
		return condition
	}
	return "[v.hostPath.path.endsWith('/') ? v.hostPath.path.substring(0, v.hostPath.path.size() - 1) : v.hostPath.path].exists(x, " + condition + ")"
}

// matchesPrefix returns a CEL boolean: a path is a prefix, which has no trailing slash, or lies below it.
func matchesPrefix(path, prefix string) string {
	return "(" + path + " == " + quote(prefix) + " || " + path + ".startsWith(" + quote(prefix+"/") + "))"
}
