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
func seLinuxControl() pspControl {
	return pspControl{
		fields: []string{"seLinux"},
		checks: []registeredCheck{{id: "seLinuxOptions", level: api.LevelBaseline, revisions: minorVersions(0, 31)}},
		assess: assessSELinux,
	}
}

func acceptedSELinuxTypes(v api.Version) []string {
	types := []string{"", "container_t", "container_init_t", "container_kvm_t"}
	if versionAtLeast(v, 31) {
		types = append(types, "container_engine_t")
	}
	return types
}

func assessSELinux(p *pspparse.Policy, v api.Version) (f controlResult) {
	rule, options := p.Spec.SELinux.Rule, p.Spec.SELinux.SELinuxOptions
	if rule != pspparse.MustRunAs || options == nil {
		f.checks = []checkStatus{{
			id: "seLinuxOptions", tier: profileTier, status: StatusNotEnsured, fields: []string{"seLinux"},
			note: "authors may set any SELinux user, role and type: verify that workloads set none",
		}}
		f.explainField(p, "seLinux", Value{Rule: rule},
			"any SELinux label is admitted, which is looser than baseline; without effect where nodes use AppArmor")
		return f
	}
	label, value := Value{SELinux: options}, Value{Rule: rule, SELinux: options}
	f.checks = []checkStatus{seLinuxCheckStatus(*options, v)}
	f.recordRefusal("seLinux", value,
		"pods may choose among the labels that the level accepts; an admission policy can keep the one", levelsLooseToStrict()...)
	if *options != (pspparse.SELinuxOptions{}) {
		f.recordSuppliedValue("seLinux", label,
			"the label is no longer filled in: processes and volumes get the runtime's own", levelsLooseToStrict()...)
		f.requireInTemplate("seLinux", "spec.securityContext.seLinuxOptions", compactJSON(options), seLinuxTemplateNote(*options, v))
	}
	f.explainField(p, "seLinux", value, "every pod gets exactly this label; no level demands one")
	return f
}

func seLinuxCheckStatus(options pspparse.SELinuxOptions, v api.Version) checkStatus {
	if bad := refusedSELinuxOptions(options, v); bad != "" {
		return checkStatus{
			id: "seLinuxOptions", tier: profileTier, status: StatusImpossible, fields: []string{"seLinux"},
			note: "BLOCKER: change the policy first: it forces " + bad + " on every pod, which baseline refuses",
		}
	}
	return checkStatus{
		id: "seLinuxOptions", tier: profileTier, status: StatusGuaranteed, fields: []string{"seLinux"},
		note: "one label that baseline accepts is forced",
	}
}

// refusedSELinuxOptions names what of the label baseline refuses; "" if nothing.
func refusedSELinuxOptions(options pspparse.SELinuxOptions, v api.Version) string {
	var bad []string
	if options.User != "" {
		bad = append(bad, "user "+options.User)
	}
	if options.Role != "" {
		bad = append(bad, "role "+options.Role)
	}
	if !slices.Contains(acceptedSELinuxTypes(v), options.Type) {
		bad = append(bad, "type "+options.Type)
	}
	return joinWithAnd(bad)
}

func seLinuxTemplateNote(options pspparse.SELinuxOptions, v api.Version) string {
	if bad := refusedSELinuxOptions(options, v); bad != "" {
		return "only where the volumes need it: baseline refuses " + bad
	}
	return "where volumes carry this label"
}

const noSELinuxLabel = "no label"

func formatSELinuxOptions(options pspparse.SELinuxOptions) string {
	var parts []string
	for _, part := range []struct{ name, value string }{
		{"user", options.User}, {"role", options.Role}, {"type", options.Type}, {"level", options.Level},
	} {
		if part.value != "" {
			parts = append(parts, part.name+": "+part.value)
		}
	}
	if len(parts) == 0 {
		return noSELinuxLabel
	}
	return strings.Join(parts, ", ")
}
