package migrate

import (
	"k8s.io/pod-security-admission/api"
)

// LabelValue returns the value of one of LabelKeys as it was read, and false where there is no such label. An empty value is
// one: the server takes it as it takes any other invalid value.
func (ns *Namespace) LabelValue(key string) (value string, there bool) {
	if value = ns.CurrentLabels.Get(key); value != "" {
		return value, true
	}
	value, there = ns.Labels[key]
	return value, there
}

// EffectivePolicyToday returns the level and version that the server goes by in the namespace today, for each mode: by its labels, and
// for modes without one by the defaults of the admission configuration. Where that is not known it is the one that the
// server has built in, which lets everything in. An exempt namespace is not checked: for it that is privileged, as for one
// whose object was not read.
func (ns *Namespace) EffectivePolicyToday() api.Policy {
	if ns.Exempt {
		return builtInPodSecurityDefaults()
	}
	return ns.policyFromLabels()
}

// policyFromLabels is Today without the exemption of the namespace.
func (ns *Namespace) policyFromLabels() api.Policy {
	if ns.EffectiveLabels != nil {
		return policyFromValues(*ns.EffectiveLabels)
	}
	return ns.policyWithDefaults(builtInPodSecurityDefaults())
}

// policyWithDefaults returns what a server with these defaults makes of the labels.
func (ns *Namespace) policyWithDefaults(defaults api.Policy) api.Policy {
	labels := map[string]string{}
	for _, key := range PodSecurityLabelKeys() {
		if value, there := ns.LabelValue(key); there {
			labels[key] = value
		}
	}
	policy, _ := api.PolicyToEvaluate(labels, defaults) // it is valid even where the labels are not
	return policy
}

// builtInPodSecurityDefaults are those of a server without an admission configuration.
func builtInPodSecurityDefaults() api.Policy {
	privileged := api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
	return api.Policy{Enforce: privileged, Audit: privileged, Warn: privileged}
}

// policyFromValues reads six values. An invalid or empty level is restricted, such a version is latest, as everywhere in the library.
func policyFromValues(l PodSecurityLabels) api.Policy {
	parse := func(level, version string) api.LevelVersion {
		l, _ := api.ParseLevel(level)
		v, _ := api.ParseVersion(version)
		return api.LevelVersion{Level: l, Version: v}
	}
	return api.Policy{Enforce: parse(l.Enforce, l.EnforceVersion), Audit: parse(l.Audit, l.AuditVersion), Warn: parse(l.Warn, l.WarnVersion)}
}

// labelsFromPolicy writes a policy as the labels that say it.
func labelsFromPolicy(p api.Policy) PodSecurityLabels {
	return PodSecurityLabels{
		Enforce: string(p.Enforce.Level), EnforceVersion: p.Enforce.Version.String(),
		Audit: string(p.Audit.Level), AuditVersion: p.Audit.Version.String(),
		Warn: string(p.Warn.Level), WarnVersion: p.Warn.Version.String(),
	}
}
