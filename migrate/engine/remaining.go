package engine

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// remaining returns those of the constraints of a policy by which it refuses pods that a level of the standards accepts, as they
// have to be checked where nobody writes into pods any more. A constraint is implied by the level where mapping finds nothing of
// its fields lost there; what does not refuse is left out, too.
func remaining(p *pspparse.Policy, all []mapping.Constraint, lv api.LevelVersion) []mapping.Constraint {
	lost := map[string]bool{}
	for _, l := range mapping.LostConstraintsAt(p, lv.Version, lv.Level) {
		// A value that the policy only supplied refuses nobody.
		if l.Class != mapping.FunctionalLoss {
			lost[l.Field] = true
		}
	}
	var out []mapping.Constraint
	for _, c := range all {
		c = checked(c, lv)
		if !c.Refuses() || isUnlistedSeccomp(c) {
			continue
		}
		if demandsBeyondLevel(c, lv) || slices.ContainsFunc(c.Fields(), func(field string) bool { return lost[field] }) {
			out = append(out, c)
		}
	}
	return out
}

// demandsBeyondLevel reports whether a level cannot imply a constraint, though mapping finds nothing lost.
func demandsBeyondLevel(c mapping.Constraint, lv api.LevelVersion) bool {
	switch c := c.(type) {
	case mapping.VolumeTypes:
		// A server may know types of volumes that are newer than PodSecurityPolicy, whatever version its labels name: image is one.
		return true
	case mapping.Capabilities:
		// From v1.25 on restricted asks pods for Windows for no drops. PodSecurityPolicy wrote them, and the API server refused them.
		return len(c.RequiredDrops) > 0 && !lv.Version.Older(dropsNothingOnWindows())
	}
	return false
}

// isUnlistedSeccomp reports whether a constraint refuses every seccomp profile because the policy does not list any. That was made
// for annotations, and forbids what restricted demands: what is added to labels does not keep it. Continuity, which is beside no label, does.
func isUnlistedSeccomp(c mapping.Constraint) bool {
	profiles, ok := c.(mapping.Profiles)
	return ok && profiles.Kind == mapping.SeccompProfiles && !profiles.Listed
}

// checked returns a constraint as it is checked beside a level: without what the policy only writes, which makes no difference to
// the check. A default that the policy itself does not accept makes one: PodSecurityPolicy wrote it, and then refused the pod.
func checked(c mapping.Constraint, lv api.LevelVersion) mapping.Constraint {
	switch c := c.(type) {
	case mapping.PrivilegeEscalation:
		c.Default = nil
		return c
	case mapping.RuntimeClasses:
		if c.Default != nil && (c.Any || slices.Contains(c.Names, *c.Default)) {
			c.Default = nil // another one refuses every pod that states no class
		}
		return c
	case mapping.Profiles:
		if c.Accepts(c.Default) {
			c.Default = ""
		}
		return c
	case mapping.Capabilities:
		c.DefaultAdds = nil
		switch {
		case c.Any:
			c.RequiredDrops = nil
		case slices.Contains(c.RequiredDrops, "ALL"), len(c.RequiredDrops) > 0 && restrictedDropsAll(lv):
			c.RequiredDrops = []string{"ALL"} // who drops all drops the others
		}
		return c
	}
	return c
}

// restrictedDropsAll reports whether a level demands that every container drops all capabilities. From v1.25 on none does: pods for
// Windows need not, and may drop just what the policy requires.
func restrictedDropsAll(lv api.LevelVersion) bool {
	return lv.Level == api.LevelRestricted && !lv.Version.Older(api.MajorMinorVersion(1, 22)) && lv.Version.Older(dropsNothingOnWindows())
}

// dropsNothingOnWindows returns the version from which on restricted asks pods for Windows for no drops.
func dropsNothingOnWindows() api.Version { return api.MajorMinorVersion(1, 25) }

// inOrderOfAsking returns constraints with those first that cost little and that pods often do not meet.
func inOrderOfAsking(all []mapping.Constraint) []mapping.Constraint {
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(x, y mapping.Constraint) int { return costRank(x) - costRank(y) })
	return out
}

// costRank returns the place of a constraint in the order of asking: first those of the pod, then those of each container, then
// those of lists in containers, last those that compare volumes with mounts.
func costRank(c mapping.Constraint) int {
	switch c := c.(type) {
	case mapping.HostNamespace:
		return 0
	case mapping.RuntimeClasses:
		return 1
	case mapping.IDRanges:
		if c.Field == mapping.FSGroupField || c.Field == mapping.SupplementalGroupsField {
			return 2
		}
		return 5
	case mapping.ReadOnlyRootFilesystem, mapping.PrivilegedContainers, mapping.PrivilegeEscalation:
		return 3
	case mapping.NonRootUser:
		return 4
	case mapping.Sysctls:
		return 6
	case mapping.VolumeTypes, mapping.CSIDrivers, mapping.FlexVolumeDrivers:
		return 8
	case mapping.HostPorts, mapping.Capabilities:
		return 9
	case mapping.HostPaths:
		return 10
	}
	return 7 // SELinux, procMount, profiles
}
