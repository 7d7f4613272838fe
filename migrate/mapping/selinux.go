package mapping

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
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
		assess: assessSELinux, constraints: seLinuxConstraints,
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
			note: message.New("selinux-any-label"),
		}}
		f.explainField(p, "seLinux", Value{Rule: rule},
			message.New("field-selinux-any"))
		return f
	}
	value := Value{Rule: rule, SELinux: options}
	f.checks = []checkStatus{seLinuxCheckStatus(*options, v)}
	f.recordRefusal("seLinux", value,
		message.New("lost-selinux-label"), levels.LooseToStrict()...)
	if *options != (pspparse.SELinuxOptions{}) {
		label := Value{SELinux: options}
		f.recordSuppliedValue("seLinux", label,
			message.New("lost-default-selinux-label"), levels.LooseToStrict()...)
		f.requireInTemplate("seLinux", "spec.securityContext.seLinuxOptions", options, seLinuxTemplateNote(*options, v))
	}
	f.explainField(p, "seLinux", value, message.New("field-selinux-label"))
	return f
}

// seLinuxCheckStatus returns the status of the check seLinuxOptions for the SELinux label that a PodSecurityPolicy
// demands.
func seLinuxCheckStatus(options pspparse.SELinuxOptions, v api.Version) checkStatus {
	if refused := refusedSELinuxOptions(options, v); refused != (pspparse.SELinuxOptions{}) {
		return checkStatus{
			id: "seLinuxOptions", tier: profileTier, status: StatusImpossible, fields: []string{"seLinux"},
			note: message.New("selinux-label-refused", "user", refused.User, "role", refused.Role, "type", refused.Type),
		}
	}
	return checkStatus{
		id: "seLinuxOptions", tier: profileTier, status: StatusGuaranteed, fields: []string{"seLinux"},
		note: message.New("selinux-label-accepted"),
	}
}

// refusedSELinuxOptions returns the parts of a policy's SELinux label that baseline refuses.
func refusedSELinuxOptions(options pspparse.SELinuxOptions, v api.Version) pspparse.SELinuxOptions {
	options.Level = ""
	if slices.Contains(acceptedSELinuxTypes(v), options.Type) {
		options.Type = ""
	}
	return options
}

// seLinuxTemplateNote returns the note on where templates have to state the SELinux label of a PodSecurityPolicy.
func seLinuxTemplateNote(options pspparse.SELinuxOptions, v api.Version) message.Message {
	if refused := refusedSELinuxOptions(options, v); refused != (pspparse.SELinuxOptions{}) {
		return message.New("template-selinux-label-refused", "user", refused.User, "role", refused.Role, "type", refused.Type)
	}
	return message.New("template-selinux-label")
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

// seLinuxConstraints returns what a policy's seLinux strategy demands of pods and writes into them.
func seLinuxConstraints(p *pspparse.Policy) []Constraint {
	if p.Spec.SELinux.Rule != pspparse.MustRunAs {
		return nil
	}
	return []Constraint{SELinuxLabel{Options: *p.Spec.SELinux.SELinuxOptions}}
}
