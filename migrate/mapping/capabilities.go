package mapping

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

/*
capabilitiesControl is about Linux capabilities.

PSP fields: spec.allowedCapabilities (* is any) and spec.defaultAddCapabilities together say what may be added. Each entry of
the latter is added to every container that does not itself drop it by name. spec.requiredDropCapabilities is added to every
container's drops. Names are exact: all is not ALL, CAP_CHOWN is not CHOWN.
Checks: capabilities_baseline (baseline, from v1.0); capabilities_restricted (restricted, from v1.22, overrides it;
does not apply to Windows pods from v1.25).

	baseline    additions within the 13 of baselineCapabilities
	restricted  drops ALL, adds nothing but NET_BIND_SERVICE, in every container

NET_RAW is in the runtimes' default set and was left out of the 13 on purpose. A policy whose only excess is NET_RAW
gives little that a container without any addition does not have, so it is a condition and does not decide the level.

A default beyond NET_BIND_SERVICE beside a required drop of ALL counts as impossible at restricted: only a container that
itself drops that very name has no such addition, which no author does by chance.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
*/
func capabilitiesControl() pspControl {
	return pspControl{
		fields: []string{"defaultAddCapabilities", "requiredDropCapabilities", "allowedCapabilities"},
		checks: []registeredCheck{
			{id: "capabilities_baseline", level: api.LevelBaseline, revisions: minorVersions(0)},
			{
				id: "capabilities_restricted", level: api.LevelRestricted, revisions: minorVersions(22, 25),
				overrides: "capabilities_baseline",
			},
		},
		assess: assessCapabilities, constraints: capabilityConstraints,
	}
}

// baselineCapabilities returns the Linux capabilities of a policy that baseline lets containers add.
func baselineCapabilities() []string {
	return []string{
		"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
		"SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
	}
}

// restrictedCapabilities returns the Linux capabilities of a policy that restricted lets containers add.
func restrictedCapabilities() []string {
	return []string{"NET_BIND_SERVICE"}
}

// assessCapabilities compares the capability fields of a PodSecurityPolicy with the standards.
func assessCapabilities(p *pspparse.Policy, v api.Version) (f controlResult) {
	f.checks = []checkStatus{baselineCapabilitiesStatus(p), restrictedCapabilitiesStatus(p)}
	f.recordLostCapabilityLimits(p, v)
	f.compareRequiredDrops(p, v)
	f.recordDefaultAdds(p)
	f.explainStatedField(p, "allowedCapabilities", listValue(p.Spec.AllowedCapabilities),
		message.New("field-allowed-capabilities"))
	return f
}

// addableCapabilities returns the entries of a PodSecurityPolicy that name what containers may add.
func addableCapabilities(p *pspparse.Policy) []string {
	return slices.Concat(p.Spec.AllowedCapabilities, p.Spec.DefaultAddCapabilities)
}

// allowsAnyCapability reports whether allowedCapabilities of a PodSecurityPolicy has the wildcard.
func allowsAnyCapability(p *pspparse.Policy) bool {
	return slices.Contains(p.Spec.AllowedCapabilities, "*")
}

// baselineCapabilitiesStatus returns the status of the check capabilities_baseline for a PodSecurityPolicy.
func baselineCapabilitiesStatus(p *pspparse.Policy) checkStatus {
	status := checkStatus{
		id: "capabilities_baseline", status: StatusGuaranteed,
		fields: []string{"allowedCapabilities", "defaultAddCapabilities"},
		note:   message.New("capabilities-within-baseline"),
	}
	excess := sortedDifference(addableCapabilities(p), baselineCapabilities())
	if len(excess) == 0 {
		return status
	}
	status.status, status.values, status.nearestMiss = StatusNotEnsured, excess, message.New("miss-capabilities", "capabilities", excess)
	grantedByRuntimes := slices.Equal(excess, []string{"NET_RAW"})
	if grantedByRuntimes {
		status.tier = profileTier
	}
	status.note = message.New("capabilities-beyond-level", "capabilities", excess, "grantedByRuntimes", grantedByRuntimes,
		"addedByDefault", sortedDifference(p.Spec.DefaultAddCapabilities, baselineCapabilities()))
	return status
}

// restrictedCapabilitiesStatus returns the status of the check capabilities_restricted for a PodSecurityPolicy.
func restrictedCapabilitiesStatus(p *pspparse.Policy) checkStatus {
	status := checkStatus{
		id:     "capabilities_restricted",
		fields: []string{"requiredDropCapabilities", "allowedCapabilities", "defaultAddCapabilities"},
	}
	dropsAll := slices.Contains(p.Spec.RequiredDropCapabilities, "ALL")
	excess := sortedDifference(addableCapabilities(p), restrictedCapabilities())
	added := sortedDifference(p.Spec.DefaultAddCapabilities, restrictedCapabilities())
	switch {
	case dropsAll && len(added) > 0:
		status.status, status.values, status.nearestMiss = StatusImpossible, added, message.New("miss-default-capabilities", "capabilities", added)
		status.note = message.New("capabilities-added-beyond-level", "capabilities", added)
	case !dropsAll:
		status.status, status.nearestMiss = StatusNotEnsured, message.New("miss-drop-of-all")
		status.note = message.New("capabilities-all-not-dropped")
	case len(excess) > 0:
		status.status, status.values, status.nearestMiss = StatusNotEnsured, excess, message.New("miss-capabilities", "capabilities", excess)
		status.note = message.New("capabilities-beyond-level", "capabilities", excess)
	default:
		status.status, status.note = StatusByMutation, message.New("capabilities-all-dropped")
	}
	return status
}

// recordLostCapabilityLimits records, for each level that accepts more added capabilities than a PodSecurityPolicy
// allows, that this limit is lost.
func (f *controlResult) recordLostCapabilityLimits(p *pspparse.Policy, v api.Version) {
	value := listValue(p.Spec.AllowedCapabilities).orEmpty()
	if allowsAnyCapability(p) {
		return
	}
	f.recordRefusal("allowedCapabilities", value,
		message.New("lost-capabilities"), api.LevelPrivileged)
	accepted := map[api.Level][]string{
		api.LevelBaseline:   baselineCapabilities(),
		api.LevelRestricted: baselineCapabilities(),
	}
	if versionAtLeast(v, 22) {
		accepted[api.LevelRestricted] = restrictedCapabilities()
	}
	for _, level := range levels.WithChecks() {
		if refused := sortedDifference(accepted[level], addableCapabilities(p)); len(refused) > 0 {
			f.recordNewlyAdmitted("allowedCapabilities", value, refused,
				message.New("lost-capabilities-of-level", "capabilities", refused), level)
		}
	}
}

// compareRequiredDrops records the capabilities that a PodSecurityPolicy drops from every container. It drops them by
// mutation, which refuses no pod, and which no container can avoid.
func (f *controlResult) compareRequiredDrops(p *pspparse.Policy, v api.Version) {
	drops := p.Spec.RequiredDropCapabilities
	if len(drops) > 0 {
		lenient := levelsWithoutRestricted(v, 22)
		f.recordForcedRestriction("requiredDropCapabilities", listValue(drops), message.New("lost-required-drops"), lenient...)
		if slices.Contains(drops, "ALL") && versionAtLeast(v, 25) {
			f.recordDrift("requiredDropCapabilities", listValue(drops), message.New("drift-windows-drops"), api.LevelRestricted)
		}
		f.requireInTemplate("requiredDropCapabilities", "containers[*].securityContext.capabilities.drop", drops,
			message.New("template-drops", "all", slices.Contains(drops, "ALL")))
	}
	f.explainStatedField(p, "requiredDropCapabilities", listValue(drops),
		message.New("field-required-drops"))
}

// recordDefaultAdds records the capabilities that a PodSecurityPolicy adds to containers by default.
func (f *controlResult) recordDefaultAdds(p *pspparse.Policy) {
	adds := p.Spec.DefaultAddCapabilities
	if len(adds) > 0 {
		f.recordSuppliedValue("defaultAddCapabilities", listValue(adds),
			message.New("lost-default-capabilities"), levels.LooseToStrict()...)
		f.requireInTemplate("defaultAddCapabilities", "containers[*].securityContext.capabilities.add", adds,
			message.New("template-capabilities", "refused", sortedDifference(adds, baselineCapabilities())))
	}
	f.explainStatedField(p, "defaultAddCapabilities", listValue(adds),
		message.New("field-default-capabilities"))
}

// capabilityConstraints returns what a policy's fields about capabilities demand of pods and write into them.
func capabilityConstraints(p *pspparse.Policy) []Constraint {
	c := Capabilities{
		Any:           allowsAnyCapability(p),
		RequiredDrops: sortedDifference(p.Spec.RequiredDropCapabilities, nil),
		DefaultAdds:   sortedDifference(p.Spec.DefaultAddCapabilities, nil),
	}
	if !c.Any {
		c.Addable = sortedDifference(addableCapabilities(p), nil)
	}
	return []Constraint{c}
}
