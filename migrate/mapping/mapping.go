// Package mapping owns what one policy means in terms of the Pod Security Standards: closest, safe, held and cover, the
// status of every check, and what no level can express. It takes a Policy and a version and returns an Assessment; it
// is pure, and it never looks at workloads, grants or a cluster.
package mapping

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/pspparse"
)

// allControls are all that a policy regulates and all that the standards check. One more control is one more line here.
func allControls() []pspControl {
	return []pspControl{
		privilegedControl(),
		hostNamespacesControl(),
		hostPortsControl(),
		windowsHostProcessControl(),
		hostProbesControl(),
		capabilitiesControl(),
		volumesControl(),
		hostPathsControl(),
		flexVolumesControl(),
		csiDriversControl(),
		seLinuxControl(),
		runAsUserControl(),
		runAsGroupControl(),
		supplementalGroupsControl(),
		fsGroupControl(),
		readOnlyRootControl(),
		privilegeEscalationControl(),
		sysctlsControl(),
		procMountControl(),
		runtimeClassControl(),
		seccompControl(),
		appArmorControl(),
	}
}

// policyFieldOrder has the fields and annotations of a policy in the order of the upstream type.
func policyFieldOrder() []string {
	return []string{
		"privileged", "defaultAddCapabilities", "requiredDropCapabilities", "allowedCapabilities", "volumes",
		"hostNetwork", "hostPorts", "hostPID", "hostIPC", "seLinux", "runAsUser", "runAsGroup", "supplementalGroups",
		"fsGroup", "readOnlyRootFilesystem", "defaultAllowPrivilegeEscalation", "allowPrivilegeEscalation",
		"allowedHostPaths", "allowedFlexVolumes", "allowedCSIDrivers", "allowedUnsafeSysctls", "forbiddenSysctls",
		"allowedProcMountTypes", "runtimeClass",
		pspparse.SeccompAllowedAnnotation, pspparse.SeccompDefaultAnnotation,
		pspparse.AppArmorAllowedAnnotation, pspparse.AppArmorDefaultAnnotation,
	}
}

// Assess judges a policy at a version of the standards. "latest", the zero version and versions newer than the
// library's newest are judged at that newest one.
func Assess(p *pspparse.Policy, v api.Version) Assessment {
	v = clampVersion(v)
	a := Assessment{Version: v, Mutating: p.MutatingFields()}
	var limits []levelConstraint
	var verdicts []checkStatus
	var never []string
	if why := p.UnusableReason(); why != "" {
		never = append(never, why)
	}
	for _, c := range allControls() {
		f := c.assess(p, v)
		for _, judged := range f.checks {
			registered := c.registeredCheck(judged.id)
			if !registered.existsAt(v) {
				continue
			}
			judged.level = registered.level
			verdicts = append(verdicts, judged)
			a.Checks = append(a.Checks, judged.toCheck())
		}
		limits = append(limits, f.constraints...)
		a.RequiredTemplateValues = append(a.RequiredTemplateValues, f.templateValues...)
		a.Fields = append(a.Fields, f.fields...)
		if f.admitsNothing != "" {
			never = append(never, f.admitsNothing)
		}
	}
	slices.SortFunc(a.Checks, compareChecks)
	a.sortFields()
	a.AdmitsNothing = strings.Join(never, "; ")
	if a.AdmitsNothing != "" {
		// Nothing passes, so nothing is filled in either, and every level would be as true as any other.
		a.RequiredTemplateValues = nil
		return a
	}
	a.Closest = closestLevel(a.Checks)
	a.CompliesAsWritten = strictestLevelWith(a.Checks, StatusGuaranteed)
	a.CompliesAfterMutation = strictestLevelWith(a.Checks, StatusGuaranteed, StatusByMutation)
	a.NoLooserThan = leastLevelNoLooser(limits)
	a.LostConstraints = constraintsLostAt(limits, a.Closest)
	a.NearestMiss, a.Choices = describeNearestMiss(a.Closest, verdicts)
	return a
}

// LostConstraintsAt is what the policy forbids or forces and the level does not, at a version of the standards: what
// Assessment.Lost is for the closest level, for any. A policy that admits nothing loses nothing worth keeping.
func LostConstraintsAt(p *pspparse.Policy, v api.Version, level api.Level) []LostConstraint {
	v = clampVersion(v)
	if p.UnusableReason() != "" {
		return nil
	}
	var limits []levelConstraint
	for _, c := range allControls() {
		f := c.assess(p, v)
		if f.admitsNothing != "" {
			return nil
		}
		limits = append(limits, f.constraints...)
	}
	return constraintsLostAt(limits, level)
}

// newestCheckVersion is the newest version that any check knows.
func newestCheckVersion() api.Version {
	latest := api.MajorMinorVersion(1, 0)
	for _, c := range allControls() {
		for _, check := range c.checks {
			if last := check.revisions[len(check.revisions)-1]; latest.Older(last) {
				latest = last
			}
		}
	}
	return latest
}

func clampVersion(v api.Version) api.Version {
	if last := newestCheckVersion(); v == (api.Version{}) || last.Older(v) {
		return last
	}
	return v
}

// registeredCheck is the registration of a check that the control answers.
func (c pspControl) registeredCheck(id policy.CheckID) registeredCheck {
	for _, check := range c.checks {
		if check.id == id {
			return check
		}
	}
	return registeredCheck{revisions: minorVersions(0)}
}

func (v checkStatus) toCheck() Check {
	return Check{
		ID: string(v.id), Level: v.level, Status: v.status, Fields: v.fields, Values: v.values, Note: v.note, Core: v.tier == coreTier,
	}
}

// compareChecks: baseline first, each level by ID.
func compareChecks(a, b Check) int {
	if order := api.CompareLevels(a.Level, b.Level); order != 0 {
		return order
	}
	return strings.Compare(a.ID, b.ID)
}

func (a *Assessment) sortFields() {
	order := policyFieldOrder()
	slices.SortFunc(a.Fields, func(x, y FieldExplanation) int {
		return slices.Index(order, x.Name) - slices.Index(order, y.Name)
	})
	for i, field := range a.Fields {
		a.Fields[i].Mutating = slices.Contains(a.Mutating, field.Name)
	}
	slices.SortStableFunc(a.RequiredTemplateValues, func(x, y RequiredTemplateValue) int {
		return slices.Index(order, x.Field) - slices.Index(order, y.Field)
	})
}
