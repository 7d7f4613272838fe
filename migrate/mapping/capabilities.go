package mapping

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

/*
Linux capabilities.

PSP fields: spec.allowedCapabilities (* is any) and spec.defaultAddCapabilities, which is added to every container that
does not itself drop the entry by name, together say what may be added; spec.requiredDropCapabilities is added to every
container's drops. Names are exact: all is not ALL, CAP_CHOWN is not CHOWN.
Checks: capabilities_baseline (baseline, from v1.0); capabilities_restricted (restricted, from v1.22, overrides it;
Windows pods are let off from v1.25).

	baseline    additions within the 13 of baselineCapabilities
	restricted  drops ALL, adds nothing but NET_BIND_SERVICE, in every container

NET_RAW is in the runtimes' default set and was left out of the 13 on purpose: a policy whose only excess is NET_RAW
gives little that a container without any addition does not have, so it is a condition and does not decide the level.

A default beyond NET_BIND_SERVICE beside a required drop of ALL counts as impossible at restricted: only a container that
itself drops that very name escapes it, which no author does by chance.

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
		assess: assessCapabilities,
	}
}

func baselineCapabilities() []string {
	return []string{
		"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
		"SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
	}
}

func restrictedCapabilities() []string {
	return []string{"NET_BIND_SERVICE"}
}

func assessCapabilities(p *pspparse.Policy, v api.Version) (f controlResult) {
	f.checks = []checkStatus{baselineCapabilitiesStatus(p), restrictedCapabilitiesStatus(p)}
	f.compareAllowedCapabilities(p, v)
	f.compareRequiredDrops(p, v)
	f.recordDefaultAdds(p)
	f.explainStatedField(p, "allowedCapabilities", values(p.Spec.AllowedCapabilities...),
		"containers may add these; baseline accepts 13, restricted NET_BIND_SERVICE alone")
	return f
}

// addableCapabilities is everything that a container may add, in the policy's words.
func addableCapabilities(p *pspparse.Policy) []string {
	return slices.Concat(p.Spec.AllowedCapabilities, p.Spec.DefaultAddCapabilities)
}

func allowsAnyCapability(p *pspparse.Policy) bool {
	return slices.Contains(p.Spec.AllowedCapabilities, "*")
}

func baselineCapabilitiesStatus(p *pspparse.Policy) checkStatus {
	v := checkStatus{
		id: "capabilities_baseline", status: StatusGuaranteed,
		fields: []string{"allowedCapabilities", "defaultAddCapabilities"},
		note:   "nothing beyond baseline's 13 may be added",
	}
	excess := sortedDifference(addableCapabilities(p), baselineCapabilities())
	if len(excess) == 0 {
		return v
	}
	v.status, v.values, v.nearestMiss = StatusNotEnsured, excess, "capabilities ("+joinShortened(excess)+")"
	v.note = "containers may add " + joinShortened(excess)
	if slices.Equal(excess, []string{"NET_RAW"}) {
		v.tier = profileTier
		v.note += ", which runtimes grant by default anyway: a condition, not a reason for privileged"
	}
	if filled := sortedDifference(p.Spec.DefaultAddCapabilities, baselineCapabilities()); len(filled) > 0 {
		v.note += "; false red: the policy adds " + joinShortened(filled) + " to plain pods, whose templates are clean"
	}
	return v
}

func restrictedCapabilitiesStatus(p *pspparse.Policy) checkStatus {
	v := checkStatus{
		id:     "capabilities_restricted",
		fields: []string{"requiredDropCapabilities", "allowedCapabilities", "defaultAddCapabilities"},
	}
	dropsAll := slices.Contains(p.Spec.RequiredDropCapabilities, "ALL")
	excess := sortedDifference(addableCapabilities(p), restrictedCapabilities())
	filled := sortedDifference(p.Spec.DefaultAddCapabilities, restrictedCapabilities())
	switch {
	case dropsAll && len(filled) > 0:
		v.status, v.values, v.nearestMiss = StatusImpossible, filled, "default capabilities ("+joinShortened(filled)+")"
		v.note = "BLOCKER: change the policy first: it adds " + joinShortened(filled) +
			" to every container that does not drop it by name"
	case !dropsAll:
		v.status, v.nearestMiss = StatusNotEnsured, "capabilities (ALL is not dropped)"
		v.note = "requiredDropCapabilities lacks ALL: verify that workloads drop it"
	case len(excess) > 0:
		v.status, v.values, v.nearestMiss = StatusNotEnsured, excess, "capabilities ("+joinShortened(excess)+")"
		v.note = "containers may add " + joinShortened(excess)
	default:
		v.status, v.note = StatusByMutation, "the policy drops ALL from every container: templates must do so themselves"
	}
	return v
}

// compareAllowedCapabilities compares what may be added with what each level accepts.
func (f *controlResult) compareAllowedCapabilities(p *pspparse.Policy, v api.Version) {
	value := values(p.Spec.AllowedCapabilities...).orEmpty()
	if allowsAnyCapability(p) {
		return
	}
	f.recordRefusal("allowedCapabilities", value,
		"containers may add any capability; an admission policy can keep the list", api.LevelPrivileged)
	accepted := map[api.Level][]string{
		api.LevelBaseline:   baselineCapabilities(),
		api.LevelRestricted: baselineCapabilities(),
	}
	if versionAtLeast(v, 22) {
		accepted[api.LevelRestricted] = restrictedCapabilities()
	}
	for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
		if refused := sortedDifference(accepted[level], addableCapabilities(p)); len(refused) > 0 {
			f.recordNewlyAdmitted("allowedCapabilities", value, refused,
				"containers may add "+joinShortened(refused)+"; an admission policy can keep the list", level)
		}
	}
}

// compareRequiredDrops: dropping is done by mutation and refuses nobody, yet no container escapes it.
func (f *controlResult) compareRequiredDrops(p *pspparse.Policy, v api.Version) {
	drops := p.Spec.RequiredDropCapabilities
	value := values(drops...)
	if len(drops) > 0 {
		levels := []api.Level{api.LevelPrivileged, api.LevelBaseline}
		if !versionAtLeast(v, 22) {
			levels = append(levels, api.LevelRestricted)
		}
		f.recordForcedRestriction("requiredDropCapabilities", value, "containers keep the runtime's default capabilities; "+
			"templates, or an admission policy that mutates, can drop them", levels...)
		if slices.Contains(drops, "ALL") && versionAtLeast(v, 25) {
			f.recordDrift("requiredDropCapabilities", value, "pods with os.name windows need no drops from v1.25", api.LevelRestricted)
		}
		f.requireInTemplate("requiredDropCapabilities", "containers[*].securityContext.capabilities.drop", compactJSON(drops),
			requiredDropNote(drops))
	}
	f.explainStatedField(p, "requiredDropCapabilities", value,
		"dropped from every container; baseline asks for nothing, restricted for ALL")
}

func requiredDropNote(drops []string) string {
	if slices.Contains(drops, "ALL") {
		return "in every container, init containers included; restricted asks for ALL"
	}
	return "in every container, init containers included; restricted asks for ALL instead"
}

func (f *controlResult) recordDefaultAdds(p *pspparse.Policy) {
	adds := p.Spec.DefaultAddCapabilities
	value := values(adds...)
	if len(adds) > 0 {
		f.recordSuppliedValue("defaultAddCapabilities", value,
			"containers are no longer given these capabilities: programs that count on them fail", levelsLooseToStrict()...)
		note := "where a program truly needs it"
		if excess := sortedDifference(adds, baselineCapabilities()); len(excess) > 0 {
			note += "; baseline refuses " + joinShortened(excess)
		}
		f.requireInTemplate("defaultAddCapabilities", "containers[*].securityContext.capabilities.add", compactJSON(adds), note)
	}
	f.explainStatedField(p, "defaultAddCapabilities", value,
		"added to every container that does not drop them by name; counts as allowed")
}
