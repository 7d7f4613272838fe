package mapping

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// closestLevel returns the nominal level of a PodSecurityPolicy. Core checks alone decide: nearly every policy leaves
// the checks of the profile tier open by omission, and would be privileged if they counted.
func closestLevel(checks []Check) api.Level {
	level := api.LevelRestricted
	for _, c := range checks {
		switch {
		case !c.Core:
		case c.Level == api.LevelBaseline && c.Status != StatusGuaranteed:
			return api.LevelPrivileged
		case !slices.Contains([]Status{StatusGuaranteed, StatusByMutation, StatusInEffect}, c.Status):
			level = api.LevelBaseline
		}
	}
	return level
}

// strictestLevelWith returns the strictest level all of whose checks have, for a PodSecurityPolicy, one of the
// statuses.
func strictestLevelWith(checks []Check, statuses ...Status) api.Level {
	level := api.LevelRestricted
	for _, c := range checks {
		switch {
		case slices.Contains(statuses, c.Status):
		case c.Level == api.LevelBaseline:
			return api.LevelPrivileged
		default:
			level = api.LevelBaseline
		}
	}
	return level
}

// leastLevelNoLooser returns the least strict level that accepts no pod which a PodSecurityPolicy refuses, or
// LevelNone. Drift does not count: from v1.27 on the newer safe sysctls alone would leave no such level for any policy.
func leastLevelNoLooser(constraints []levelConstraint) api.Level {
	for _, level := range levels.LooseToStrict() {
		refused := slices.ContainsFunc(constraints, func(c levelConstraint) bool {
			return c.level == level && c.refuses && c.constraint.Class != DriftLoss
		})
		if !refused {
			return level
		}
	}
	return LevelNone
}

// constraintsLostAt returns the constraints of a PodSecurityPolicy that a level does not have, sorted.
func constraintsLostAt(constraints []levelConstraint, level api.Level) []LostConstraint {
	var lost []LostConstraint
	for _, c := range constraints {
		if c.level == level {
			lost = append(lost, c.constraint)
		}
	}
	slices.SortFunc(lost, compareLostConstraints)
	return lost
}

// nearestMiss returns what keeps a PodSecurityPolicy from the next stricter level, each thing once.
func nearestMiss(level api.Level, statuses []checkStatus) []message.Message {
	var misses []message.Message
	next := levels.NextStricter(level)
	for _, s := range statuses {
		known := func(m message.Message) bool { return message.Compare(m, s.nearestMiss) == 0 }
		if s.tier == coreTier && s.nearestMiss.ID != "" && s.level == next && !slices.ContainsFunc(misses, known) {
			misses = append(misses, s.nearestMiss)
		}
	}
	return misses
}

// Conditions returns the checks of a level that the PodSecurityPolicy does not guarantee: what has to be dealt with
// before the level is enforced. At restricted a baseline check that a restricted one replaces is left out, as the
// library leaves it out.
func (a Assessment) Conditions(level api.Level) []Check {
	if level == api.LevelPrivileged || len(a.AdmitsNothing) > 0 {
		return nil
	}
	replaced := map[string]bool{}
	for _, c := range allControls() {
		for _, check := range c.checks {
			if level == api.LevelRestricted && check.overrides != "" && check.existsAt(a.Version) {
				replaced[string(check.overrides)] = true
			}
		}
	}
	var conditions []Check
	for _, c := range a.Checks {
		if c.Status != StatusGuaranteed && !replaced[c.ID] && api.CompareLevels(c.Level, level) <= 0 {
			conditions = append(conditions, c)
		}
	}
	return conditions
}
