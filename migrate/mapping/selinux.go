package mapping

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
SELinux labels.

PSP field: spec.seLinux. MustRunAs forces one exact label on the pod and every container and fills it in; RunAsAny lets
authors choose.
Check: seLinuxOptions (baseline, from v1.0; one more type from v1.31).

	baseline    user and role unset; type unset, container_t, container_init_t, container_kvm_t
	            and, from v1.31, container_engine_t; any level
	restricted  the same

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func seLinux() control {
	return control{
		fields: []string{"seLinux"},
		checks: []check{{id: "seLinuxOptions", level: api.LevelBaseline, since: minors(0, 31)}},
		judge:  judgeSELinux,
	}
}

func seLinuxTypes(v api.Version) []string {
	types := []string{"", "container_t", "container_init_t", "container_kvm_t"}
	if atLeast(v, 31) {
		types = append(types, "container_engine_t")
	}
	return types
}

func judgeSELinux(p *pspparse.Policy, v api.Version) (f finding) {
	rule, options := p.Spec.SELinux.Rule, p.Spec.SELinux.SELinuxOptions
	if rule != pspparse.MustRunAs || options == nil {
		f.verdicts = []verdict{{
			id: "seLinuxOptions", tier: profile, status: NotEnsured, fields: []string{"seLinux"},
			note: "authors may set any SELinux user, role and type: verify that workloads set none",
		}}
		f.explainAlways(p, "seLinux", rule,
			"any SELinux label is admitted, which is looser than baseline; without effect where nodes use AppArmor")
		return f
	}
	value := seLinuxLabel(*options)
	f.verdicts = []verdict{seLinuxVerdict(*options, v)}
	f.refuse("seLinux", rule+" "+value,
		"pods may choose among the labels that the level accepts; an admission policy can keep the one", strictness()...)
	if value != noLabel {
		f.supply("seLinux", value,
			"the label is no longer filled in: processes and volumes get the runtime's own", strictness()...)
		f.fill("seLinux", "spec.securityContext.seLinuxOptions", value, seLinuxNote(*options, v))
	}
	f.explainAlways(p, "seLinux", rule+" "+value, "every pod gets exactly this label; no level demands one")
	return f
}

func seLinuxVerdict(options pspparse.SELinuxOptions, v api.Version) verdict {
	if bad := badSELinux(options, v); bad != "" {
		return verdict{
			id: "seLinuxOptions", tier: profile, status: Impossible, fields: []string{"seLinux"},
			note: "BLOCKER: change the policy first: it forces " + bad + " on every pod, which baseline refuses",
		}
	}
	return verdict{
		id: "seLinuxOptions", tier: profile, status: Guaranteed, fields: []string{"seLinux"},
		note: "one label that baseline accepts is forced",
	}
}

// badSELinux names what of the label baseline refuses; "" if nothing.
func badSELinux(options pspparse.SELinuxOptions, v api.Version) string {
	var bad []string
	if options.User != "" {
		bad = append(bad, "user "+options.User)
	}
	if options.Role != "" {
		bad = append(bad, "role "+options.Role)
	}
	if !slices.Contains(seLinuxTypes(v), options.Type) {
		bad = append(bad, "type "+options.Type)
	}
	return sentence(bad)
}

func seLinuxNote(options pspparse.SELinuxOptions, v api.Version) string {
	if bad := badSELinux(options, v); bad != "" {
		return "only where the volumes need it: baseline refuses " + bad
	}
	return "where volumes carry this label"
}

const noLabel = "no label"

func seLinuxLabel(options pspparse.SELinuxOptions) string {
	var parts []string
	for _, part := range []struct{ name, value string }{
		{"user", options.User}, {"role", options.Role}, {"type", options.Type}, {"level", options.Level},
	} {
		if part.value != "" {
			parts = append(parts, part.name+": "+part.value)
		}
	}
	if len(parts) == 0 {
		return noLabel
	}
	return strings.Join(parts, ", ")
}
