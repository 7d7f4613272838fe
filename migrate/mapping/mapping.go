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

// controls are all that a policy regulates and all that the standards check. One more control is one more line here.
func controls() []control {
	return []control{
		privilegedContainers(),
		hostNamespaces(),
		hostPorts(),
		windowsHostProcess(),
		hostProbes(),
		capabilities(),
		volumes(),
		hostPaths(),
		flexVolumes(),
		csiDrivers(),
		seLinux(),
		runAsUser(),
		runAsGroup(),
		supplementalGroups(),
		fsGroup(),
		readOnlyRoot(),
		privilegeEscalation(),
		sysctls(),
		procMount(),
		runtimeClass(),
		seccomp(),
		appArmor(),
	}
}

// specOrder has the fields and annotations of a policy in the order of the upstream type.
func specOrder() []string {
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
	v = concrete(v)
	a := Assessment{Version: v, Mutating: p.Mutating()}
	var limits []limit
	var verdicts []verdict
	var never []string
	if why := p.Unusable(); why != "" {
		never = append(never, why)
	}
	for _, c := range controls() {
		f := c.judge(p, v)
		for _, judged := range f.verdicts {
			registered := c.find(judged.id)
			if !registered.inForce(v) {
				continue
			}
			judged.level = registered.level
			verdicts = append(verdicts, judged)
			a.Checks = append(a.Checks, judged.check())
		}
		limits = append(limits, f.limits...)
		a.WriteDown = append(a.WriteDown, f.fills...)
		a.Fields = append(a.Fields, f.fields...)
		if f.never != "" {
			never = append(never, f.never)
		}
	}
	slices.SortFunc(a.Checks, compareChecks)
	a.orderFields()
	a.AdmitsNothing = strings.Join(never, "; ")
	if a.AdmitsNothing != "" {
		// Nothing passes, so nothing is filled in either, and every level would be as true as any other.
		a.WriteDown = nil
		return a
	}
	a.Closest = closest(a.Checks)
	a.Safe = strictest(a.Checks, Guaranteed)
	a.Held = strictest(a.Checks, Guaranteed, ByMutation)
	a.Cover = cover(limits)
	a.Lost = lostAt(limits, a.Closest)
	a.NearestMiss, a.Choices = nearestMiss(a.Closest, verdicts)
	return a
}

// LostAt is what the policy forbids or forces and the level does not, at a version of the standards: what
// Assessment.Lost is for the closest level, for any. A policy that admits nothing loses nothing worth keeping.
func LostAt(p *pspparse.Policy, v api.Version, level api.Level) []Lost {
	v = concrete(v)
	if p.Unusable() != "" {
		return nil
	}
	var limits []limit
	for _, c := range controls() {
		f := c.judge(p, v)
		if f.never != "" {
			return nil
		}
		limits = append(limits, f.limits...)
	}
	return lostAt(limits, level)
}

// newest is the newest version that any check knows.
func newest() api.Version {
	latest := api.MajorMinorVersion(1, 0)
	for _, c := range controls() {
		for _, check := range c.checks {
			if last := check.since[len(check.since)-1]; latest.Older(last) {
				latest = last
			}
		}
	}
	return latest
}

func concrete(v api.Version) api.Version {
	if last := newest(); v == (api.Version{}) || last.Older(v) {
		return last
	}
	return v
}

// find is the registration of a check that the control answers.
func (c control) find(id policy.CheckID) check {
	for _, check := range c.checks {
		if check.id == id {
			return check
		}
	}
	return check{since: minors(0)}
}

func (v verdict) check() Check {
	return Check{
		ID: string(v.id), Level: v.level, Status: v.status, Fields: v.fields, Note: v.note, Core: v.tier == core,
	}
}

// compareChecks: baseline first, each level by ID.
func compareChecks(a, b Check) int {
	if order := api.CompareLevels(a.Level, b.Level); order != 0 {
		return order
	}
	return strings.Compare(a.ID, b.ID)
}

func (a *Assessment) orderFields() {
	order := specOrder()
	slices.SortFunc(a.Fields, func(x, y Field) int {
		return slices.Index(order, x.Name) - slices.Index(order, y.Name)
	})
	for i, field := range a.Fields {
		a.Fields[i].Mutating = slices.Contains(a.Mutating, field.Name)
	}
	slices.SortStableFunc(a.WriteDown, func(x, y WriteDown) int {
		return slices.Index(order, x.Field) - slices.Index(order, y.Field)
	})
}
