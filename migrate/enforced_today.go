package migrate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// LabelValue returns, of a Plan's namespace, the value of one of inventory.PodSecurityLabelKeys as it was read, and
// false where there is no such label. An empty value is a value: the server treats it as any other invalid one.
func (ns *Namespace) LabelValue(key string) (value string, there bool) {
	if value = ns.CurrentLabels.Get(key); value != "" {
		return value, true
	}
	value, there = ns.Labels[key]
	return value, there
}

// EffectivePolicyToday returns the Pod Security level and version in effect in a Plan's namespace today, for each mode:
// by its labels, and for modes without one by the defaults of the admission configuration. Where that is not known it
// is the one that the server has built in, which lets everything in. An exempt namespace is not checked: for it that is
// privileged, as for one whose object was not read.
func (ns *Namespace) EffectivePolicyToday() api.Policy {
	if ns.Exempt {
		return builtInPodSecurityDefaults()
	}
	return ns.policyFromLabels()
}

// policyFromLabels returns the Pod Security policy in effect in a Plan's namespace, as if no configuration exempted it.
func (ns *Namespace) policyFromLabels() api.Policy {
	if ns.EffectiveLabels != nil {
		return policyFromValues(*ns.EffectiveLabels)
	}
	return ns.policyWithDefaults(builtInPodSecurityDefaults())
}

// policyWithDefaults returns the Pod Security policy that a server with these defaults derives from the labels.
func (ns *Namespace) policyWithDefaults(defaults api.Policy) api.Policy {
	labels := map[string]string{}
	for _, key := range inventory.PodSecurityLabelKeys() {
		if value, there := ns.LabelValue(key); there {
			labels[key] = value
		}
	}
	policy, _ := api.PolicyToEvaluate(labels, defaults) // it is valid even where the labels are not
	return policy
}

// builtInPodSecurityDefaults returns, for a Plan, the Pod Security defaults of an API server without an admission
// configuration: privileged at latest for each mode.
func builtInPodSecurityDefaults() api.Policy {
	privileged := api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
	return api.Policy{Enforce: privileged, Audit: privileged, Warn: privileged}
}

// policyFromValues parses the values of the six Pod Security labels of a Plan's namespace. As in
// k8s.io/pod-security-admission, an invalid or empty level is restricted, and an invalid version is latest.
func policyFromValues(l PodSecurityLabels) api.Policy {
	parse := func(level, version string) api.LevelVersion {
		l, _ := api.ParseLevel(level)
		v, _ := api.ParseVersion(version)
		return api.LevelVersion{Level: l, Version: v}
	}
	return api.Policy{Enforce: parse(l.Enforce, l.EnforceVersion), Audit: parse(l.Audit, l.AuditVersion), Warn: parse(l.Warn, l.WarnVersion)}
}

// labelsFromPolicy returns a Pod Security policy as the six label values of a Plan's namespace.
func labelsFromPolicy(p api.Policy) PodSecurityLabels {
	return PodSecurityLabels{
		Enforce: string(p.Enforce.Level), EnforceVersion: p.Enforce.Version.String(),
		Audit: string(p.Audit.Level), AuditVersion: p.Audit.Version.String(),
		Warn: string(p.Warn.Level), WarnVersion: p.Warn.Version.String(),
	}
}
