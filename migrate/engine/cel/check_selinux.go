package cel

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// checkSELinux: the pod states seLinuxOptions, and these and those of every container that states its own are the policy's. What
// the policy leaves empty has to be empty. The pod's count even if every container has its own, and a container's own take the
// place of the pod's as a whole. PSP writes the policy's into a pod that states none.
func checkSELinux(c mapping.SELinuxLabel, f form) []check {
	var checks []check
	if f == strict {
		checks = append(checks, check{
			good:  "variables.psc.?seLinuxOptions.hasValue()",
			wrong: quote("spec.securityContext.seLinuxOptions: Invalid value: none: must be " + seLinuxText(c.Options)),
		})
	}
	for _, o := range []struct{ field, value, good string }{
		{"level", c.Options.Level, equivalentLevel("l", c.Options.Level)},
		{"role", c.Options.Role, "l == " + quote(c.Options.Role)},
		{"type", c.Options.Type, "l == " + quote(c.Options.Type)},
		{"user", c.Options.User, "l == " + quote(c.Options.User)},
	} {
		must := quote(": must be " + quoteEmpty(o.value))
		// A side without options has none that are wrong.
		ofPod := "variables.psc.?seLinuxOptions.?" + o.field
		ofContainer := "c.?securityContext.?seLinuxOptions.?" + o.field
		checks = append(checks, check{
			good:  "(!variables.psc.?seLinuxOptions.hasValue() || [" + ofPod + ".orValue('')].all(l, " + o.good + "))",
			wrong: quote("spec.securityContext.seLinuxOptions."+o.field+": Invalid value: ") + " + " + shown(ofPod+".orValue('')") + " + " + must,
		}, check{
			each: "variables.all", as: "c",
			good:  "(!c.?securityContext.?seLinuxOptions.hasValue() || [" + ofContainer + ".orValue('')].all(l, " + o.good + "))",
			wrong: inContainer(quote("securityContext.seLinuxOptions."+o.field+": Invalid value: ") + " + " + shown(ofContainer+".orValue('')") + " + " + must),
		})
	}
	return checks
}

// fillSELinux writes the policy's options into pods that state none.
func fillSELinux(c mapping.SELinuxLabel) []fill {
	var entries []string
	for _, o := range []struct{ field, value string }{
		{"level", c.Options.Level}, {"role", c.Options.Role}, {"type", c.Options.Type}, {"user", c.Options.User},
	} {
		if o.value != "" {
			entries = append(entries, quote(o.field)+": "+quote(o.value))
		}
	}
	return []fill{{
		place: inPodSecurity, field: "seLinuxOptions", value: "{" + strings.Join(entries, ", ") + "}",
		when: "!variables.psc.?seLinuxOptions.hasValue()",
	}}
}

// equivalentLevel returns a CEL boolean: a level is the policy's, or has the same before its first colon and after it the same
// categories, between commas, in any order. Categories are compared as texts, and how often each is there counts. It sorts
// nothing, which API servers before v1.35 cannot.
func equivalentLevel(level, want string) string {
	same := level + " == " + quote(want)
	sensitivity, list, both := strings.Cut(want, ":")
	categories := strings.Split(list, ",")
	if !both || len(categories) == 1 {
		return same
	}
	conditions := []string{fmt.Sprintf("g.size() == %d", len(categories))}
	slices.Sort(categories)
	for len(categories) > 0 {
		name := categories[0]
		rest := slices.IndexFunc(categories, func(c string) bool { return c != name })
		if rest < 0 {
			rest = len(categories)
		}
		conditions = append(conditions, fmt.Sprintf("g.filter(x, x == %s).size() == %d", quote(name), rest))
		categories = categories[rest:]
	}
	return anyOf(same, level+".startsWith("+quote(sensitivity+":")+") && ["+level+".substring("+fmt.Sprint(len([]rune(sensitivity))+1)+").split(',')].all(g, "+
		allOf(conditions...)+")")
}

// seLinuxText returns the policy's options as a reason shows them.
func seLinuxText(o pspparse.SELinuxOptions) string {
	return fmt.Sprintf("level %s, role %s, type %s, user %s", quoteEmpty(o.Level), quoteEmpty(o.Role), quoteEmpty(o.Type), quoteEmpty(o.User))
}

// quoteEmpty returns a value of a policy as a reason shows it, one that is empty as quotes.
func quoteEmpty(value string) string {
	if value == "" {
		return `""`
	}
	return cutOff(value)
}
