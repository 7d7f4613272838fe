// Package mapping owns what one PodSecurityPolicy means in terms of the Pod Security Standards: its closest level, the
// strict bounds beside it, the status of every check, and what no level can express. It takes a Policy and a version and
// returns an Assessment. It is pure, and it never looks at workloads, grants or a cluster.
package mapping

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/pspparse"
)

// allControls returns the controls by which a PodSecurityPolicy is compared with the Pod Security Standards. One more
// control is one more line here.
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

// policyFieldOrder returns the fields and annotations of a PodSecurityPolicy in the order of the upstream type.
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

// Assess compares a PodSecurityPolicy with the Pod Security Standards at a version. "latest", the zero version and versions
// newer than the library's newest count as that newest one.
func Assess(p *pspparse.Policy, v api.Version) Assessment {
	v = clampVersion(v)
	a := Assessment{Version: v, Mutating: p.MutatingFields(), AdmitsNothing: p.UnusableReasons()}
	var constraints []levelConstraint
	var statuses []checkStatus
	for _, c := range allControls() {
		f := c.assess(p, v)
		for _, status := range f.checks {
			registered := c.registeredCheck(status.id)
			if !registered.existsAt(v) {
				continue
			}
			status.level = registered.level
			statuses = append(statuses, status)
			a.Checks = append(a.Checks, status.toCheck())
		}
		constraints = append(constraints, f.constraints...)
		a.RequiredTemplateValues = append(a.RequiredTemplateValues, f.templateValues...)
		a.Fields = append(a.Fields, f.fields...)
		if f.admitsNothing.ID != "" {
			a.AdmitsNothing = append(a.AdmitsNothing, f.admitsNothing)
		}
	}
	slices.SortFunc(a.Checks, compareChecks)
	a.sortFields()
	if len(a.AdmitsNothing) > 0 {
		// No pod passes, so no value is set either, and no level is truer than another.
		a.RequiredTemplateValues = nil
		return a
	}
	a.Closest = closestLevel(a.Checks)
	a.CompliesAsWritten = strictestLevelWith(a.Checks, StatusGuaranteed)
	a.CompliesAfterMutation = strictestLevelWith(a.Checks, StatusGuaranteed, StatusByMutation)
	a.NoLooserThan = leastLevelNoLooser(constraints)
	a.LostConstraints = constraintsLostAt(constraints, a.Closest)
	a.NearestMiss = nearestMiss(a.Closest, statuses)
	return a
}

// LostConstraintsAt returns what a PodSecurityPolicy forbids or enforces and a level does not, at a version of the standards.
// Assessment.LostConstraints are those of the closest level. A policy that admits nothing loses nothing.
func LostConstraintsAt(p *pspparse.Policy, v api.Version, level api.Level) []LostConstraint {
	v = clampVersion(v)
	if len(p.UnusableReasons()) > 0 {
		return nil
	}
	var constraints []levelConstraint
	for _, c := range allControls() {
		f := c.assess(p, v)
		if f.admitsNothing.ID != "" {
			return nil
		}
		constraints = append(constraints, f.constraints...)
	}
	return constraintsLostAt(constraints, level)
}

// newestCheckVersion returns the newest version of the standards that changes a check.
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

// clampVersion returns the newest version that policies are compared with for "latest", the zero version and newer
// ones.
func clampVersion(v api.Version) api.Version {
	if last := newestCheckVersion(); v == (api.Version{}) || last.Older(v) {
		return last
	}
	return v
}

// registeredCheck returns the registration of one of the checks of the control.
func (c pspControl) registeredCheck(id policy.CheckID) registeredCheck {
	for _, check := range c.checks {
		if check.id == id {
			return check
		}
	}
	return registeredCheck{revisions: minorVersions(0)}
}

// toCheck converts the status of a check for an Assessment.
func (s checkStatus) toCheck() Check {
	return Check{
		ID: string(s.id), Level: s.level, Status: s.status, Fields: s.fields, Values: s.values, Note: s.note, Core: s.tier == coreTier,
	}
}

// compareChecks orders checks of the standards: baseline first, each level by ID.
func compareChecks(a, b Check) int {
	if order := api.CompareLevels(a.Level, b.Level); order != 0 {
		return order
	}
	return strings.Compare(a.ID, b.ID)
}

// sortFields sorts the explained fields and the required template values by the order of the PodSecurityPolicy's spec,
// and marks the mutating fields.
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
