package ciformat

import (
	"strings"

	"github.com/psp2pss/psp2pss/migrate/checks"
	"github.com/psp2pss/psp2pss/migrate/finding"
)

// standardsPage is where the Pod Security Standards are published.
const standardsPage = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"

// rule is what formats tell of a rule that findings name.
type rule struct {
	id, name string
	// level is that of the check: baseline or restricted; "" for a rule about exceptions.
	level string
	// refuses says what it finds, meet what to do about it.
	refuses, meet string
	// refused and compliant are examples in YAML; "" for a rule about exceptions.
	refused, compliant string
	references         []checks.Reference
}

// controlNames are the names of the rules for people, by id: that of the control in the Pod Security Standards, with the level
// where both levels have one of that name. A rule of SARIF needs a name that is not its id.
func controlNames() map[string]string {
	return map[string]string{
		"privileged":                 "Privileged Containers",
		"hostNamespaces":             "Host Namespaces",
		"hostPathVolumes":            "HostPath Volumes",
		"hostPorts":                  "Host Ports",
		"hostProbesAndHostLifecycle": "Host Probes / Lifecycle Hooks",
		"windowsHostProcess":         "HostProcess",
		"capabilities_baseline":      "Capabilities (Baseline)",
		"capabilities_restricted":    "Capabilities (Restricted)",
		"appArmorProfile":            "AppArmor",
		"seLinuxOptions":             "SELinux",
		"procMount":                  "/proc Mount Type (Baseline)",
		"procMount_restricted":       "/proc Mount Type (Restricted)",
		"seccompProfile_baseline":    "Seccomp (Baseline)",
		"seccompProfile_restricted":  "Seccomp (Restricted)",
		"sysctls":                    "Unsafe Sysctls",
		"allowPrivilegeEscalation":   "Privilege Escalation",
		"runAsNonRoot":               "Running as Non-root",
		"runAsUser":                  "Running as Non-root user",
		"restrictedVolumes":          "Volume Types",

		finding.RuleExceptionWithoutReason: "Exception without a reason",
		finding.RuleExceptionExpired:       "Exception past its date",
		finding.RuleExceptionUnknown:       "Exception from an unknown check",
		finding.RuleExceptionInvalidDate:   "Exception without a valid date",
	}
}

// exceptionRules returns what is told of the rules about exceptions.
func exceptionRules() []rule {
	return []rule{
		{
			id: finding.RuleExceptionWithoutReason, refuses: "Exceptions from a check that give no reason. They except nothing.",
			meet: "Write down why the workload may fail the check, or take the exception out.",
		},
		{
			id: finding.RuleExceptionExpired, refuses: "Exceptions from a check whose last day is over. They except nothing any more.",
			meet: "Meet the check and take the exception out, or give it a new last day.",
		},
		{
			id: finding.RuleExceptionInvalidDate, refuses: "Exceptions whose last day is no date. They except nothing.",
			meet: "Write the day as YEAR-MONTH-DAY: 2027-03-31.",
		},
		{
			id: finding.RuleExceptionUnknown, refuses: "Exceptions that name a check which the Pod Security Standards do not have. They except nothing.",
			meet: "Use the ID of a check, as findings name it: psp2pss explain check lists them.",
		},
	}
}

// ruleOf returns what is told of a rule by its id. A rule that nobody knows has its id alone.
func (o Options) ruleOf(id string) rule {
	r := rule{id: id, name: controlNames()[id]}
	for _, e := range exceptionRules() {
		if e.id == id {
			r.refuses, r.meet = e.refuses, e.meet
		}
	}
	if c, err := checks.Find(id); err == nil {
		r.level, r.refuses, r.meet, r.refused, r.compliant = string(c.Level), c.Refuses, c.HowToMeet, c.Refused, c.Compliant
	}
	if r.name == "" {
		r.name, r.refuses = "Rule "+shown(id), "Rule "+shown(id)+", which this version of psp2pss does not describe."
	}
	if others, err := checks.ReferencesOf(id); err == nil {
		r.references = others.OfAllVersions()
	}
	return r
}

// helpText returns the help of a rule as plain text.
func (r rule) helpText() string {
	parts := []string{r.refuses}
	if r.meet != "" {
		parts = append(parts, "How to meet it: "+r.meet)
	}
	if r.compliant != "" {
		parts = append(parts, "Refused:\n"+strings.TrimSuffix(r.refused, "\n"), "Admitted:\n"+strings.TrimSuffix(r.compliant, "\n"))
	}
	if len(r.references) > 0 {
		lines := "The same elsewhere:"
		for _, ref := range r.references {
			lines += "\n- " + ref.String()
		}
		parts = append(parts, lines)
	}
	return strings.Join(parts, "\n\n")
}

// helpMarkdown returns the help of a rule as Markdown.
func (r rule) helpMarkdown() string {
	parts := []string{markdown(r.refuses)}
	if r.meet != "" {
		parts = append(parts, "**How to meet it:** "+markdown(r.meet))
	}
	if r.compliant != "" {
		parts = append(parts, "Refused:\n\n```yaml\n"+r.refused+"```", "Admitted:\n\n```yaml\n"+r.compliant+"```")
	}
	if len(r.references) > 0 {
		lines := "The same elsewhere:\n"
		for _, ref := range r.references {
			lines += "\n- " + markdown(ref.String())
		}
		parts = append(parts, lines)
	}
	return strings.Join(parts, "\n\n") + "\n"
}

// markdown returns text as Markdown shows it literally: no emphasis, link, code, HTML, table, mention or heading comes of it.
func markdown(s string) string {
	var b strings.Builder
	for _, r := range shown(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
			continue
		case r == '&':
			b.WriteString("&amp;")
			continue
		case r == '@': // a mention of a user
			b.WriteString("&#64;")
			continue
		case strings.ContainsRune("\\`*_{}[]>#|~!", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return strings.NewReplacer("://", `:\//`, "www.", `www\.`).Replace(b.String()) // addresses become links by themselves
}

// category returns the standard that a rule's check is of, by its level.
func (r rule) category() string {
	switch r.level {
	case "baseline":
		return "Pod Security Standards (Baseline)"
	case "restricted":
		return "Pod Security Standards (Restricted)"
	}
	return "Pod Security Standards"
}
