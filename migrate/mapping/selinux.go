package mapping

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
)

/*
seLinuxControl is about SELinux labels.

PSP field: spec.seLinux. MustRunAs demands one exact label of the pod and of every container and sets it where none is
stated; RunAsAny lets authors choose.
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

// acceptedSELinuxTypes returns the SELinux types of policies that baseline accepts at a version.
func acceptedSELinuxTypes(v api.Version) []string {
	types := []string{"", "container_t", "container_init_t", "container_kvm_t"}
	if versionAtLeast(v, 31) {
		types = append(types, "container_engine_t")
	}
	return types
}

// assessSELinux compares spec.seLinux of a PodSecurityPolicy with the standards.
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
	value := Value{Rule: rule, SELinux: options}
	f.checks = []checkStatus{seLinuxCheckStatus(*options, v)}
	f.recordRefusal("seLinux", value,
		"pods may choose among the labels that the level accepts; an admission policy can keep the one", levels.LooseToStrict()...)
	if *options != (pspparse.SELinuxOptions{}) {
		label := Value{SELinux: options}
		f.recordSuppliedValue("seLinux", label,
			"the label is no longer set: processes and volumes get the runtime's own", levels.LooseToStrict()...)
		f.requireInTemplate("seLinux", "spec.securityContext.seLinuxOptions", options, seLinuxTemplateNote(*options, v))
	}
	f.explainField(p, "seLinux", value, "every pod gets exactly this label; no level demands one")
	return f
}

// seLinuxCheckStatus returns the status of the check seLinuxOptions for the SELinux label that a PodSecurityPolicy
// demands.
func seLinuxCheckStatus(options pspparse.SELinuxOptions, v api.Version) checkStatus {
	if refused := refusedSELinuxOptions(options, v); refused != "" {
		return checkStatus{
			id: "seLinuxOptions", tier: profileTier, status: StatusImpossible, fields: []string{"seLinux"},
			note: "BLOCKER: change the policy first: it forces " + refused + " on every pod, which baseline refuses",
		}
	}
	return checkStatus{
		id: "seLinuxOptions", tier: profileTier, status: StatusGuaranteed, fields: []string{"seLinux"},
		note: "one label that baseline accepts is forced",
	}
}

// refusedSELinuxOptions returns the parts of a policy's SELinux label that baseline refuses; "" if there are none.
func refusedSELinuxOptions(options pspparse.SELinuxOptions, v api.Version) string {
	var refused []string
	if options.User != "" {
		refused = append(refused, "user "+options.User)
	}
	if options.Role != "" {
		refused = append(refused, "role "+options.Role)
	}
	if !slices.Contains(acceptedSELinuxTypes(v), options.Type) {
		refused = append(refused, "type "+options.Type)
	}
	return joinWithAnd(refused)
}

// seLinuxTemplateNote returns the note on where templates have to state the SELinux label of a PodSecurityPolicy.
func seLinuxTemplateNote(options pspparse.SELinuxOptions, v api.Version) string {
	if refused := refusedSELinuxOptions(options, v); refused != "" {
		return "only where the volumes need it: baseline refuses " + refused
	}
	return "where volumes carry this label"
}

// formatSELinuxOptions returns a policy's SELinux label for people: "type: container_t, level: s0".
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
		return "no label"
	}
	return strings.Join(parts, ", ")
}
