package mapping

import (
	"slices"

	"k8s.io/pod-security-admission/api"
)

// closestLevel is the nominal level: core checks alone decide, for what is left open in the profile tier is an omission in
// nearly every policy, and would make nearly every policy privileged.
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

// strictestLevelWith is the strictest level all of whose checks have one of the statuses.
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

// leastLevelNoLooser is the least strict level whose every pod the policy admits. Values that the policy fills in refuse nobody, and
// drift is set aside: the newer safe sysctls alone would leave no policy any cover from v1.27.
func leastLevelNoLooser(limits []levelConstraint) api.Level {
	for _, level := range levelsLooseToStrict() {
		refused := slices.ContainsFunc(limits, func(l levelConstraint) bool {
			return l.level == level && l.refuses && l.constraint.Class != DriftLoss
		})
		if !refused {
			return level
		}
	}
	return LevelNone
}

func constraintsLostAt(limits []levelConstraint, level api.Level) []LostConstraint {
	var lost []LostConstraint
	for _, l := range limits {
		if l.level == level {
			lost = append(lost, l.constraint)
		}
	}
	slices.SortFunc(lost, compareLostConstraints)
	return lost
}

// describeNearestMiss names what keeps the policy from the next stricter level, and offers choices where that is one thing
// which forces the privileged level.
func describeNearestMiss(level api.Level, verdicts []checkStatus) (miss string, choices []string) {
	var next api.Level
	switch level {
	case api.LevelPrivileged:
		next = api.LevelBaseline
	case api.LevelBaseline:
		next = api.LevelRestricted
	default:
		return "", nil
	}
	var phrases []string
	for _, v := range verdicts {
		if v.tier == coreTier && v.nearestMiss != "" && v.level == next && !slices.Contains(phrases, v.nearestMiss) {
			phrases = append(phrases, v.nearestMiss)
		}
	}
	miss = "would be " + string(next) + " but for " + joinWithAnd(phrases)
	if next == api.LevelBaseline && len(phrases) == 1 {
		choices = []string{
			"no workload uses " + phrases[0] + ": enforce baseline",
			"some do: move them to a namespace of their own at privileged and keep the rest at baseline",
			"keep one namespace at privileged only together with an admission policy for what is lost, and warn and audit at baseline",
		}
	}
	return miss, choices
}

// Conditions are the checks of a level that the policy does not guarantee: what has to be seen to before the level is
// enforced. Where a restricted check replaces a baseline one, it alone is listed at restricted.
func (a Assessment) Conditions(level api.Level) []Check {
	if level == api.LevelPrivileged || a.AdmitsNothing != "" {
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

// Advice says what a status asks of the user before the check is enforced; "" where nothing is.
func (s Status) Advice() string {
	switch s {
	case StatusByMutation:
		return "the template must set it"
	case StatusInEffect:
		return "set runAsNonRoot: true"
	case StatusNotEnsured:
		return "verify that workloads do not use it"
	case StatusImpossible:
		return "BLOCKER: change the policy first"
	case StatusUnknown:
		return "scan the workloads"
	default:
		return ""
	}
}
