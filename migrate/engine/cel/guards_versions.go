package cel

import (
	"slices"
	"strconv"
	"strings"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// demandingMinors returns the minor versions of the Pod Security Standards at which a level asks for something that it did not
// ask for before, oldest first, and the newest minor version that is known. Other changes of the standards only accept more.
func demandingMinors(level api.Level) (minors []int, newest int) {
	for _, check := range policy.DefaultChecks() {
		for i, version := range check.Versions {
			minor := version.MinimumVersion.Minor()
			newest = max(newest, minor)
			counts := check.Level == api.LevelBaseline || level == api.LevelRestricted
			if counts && minor > 0 && demandsMore(check.ID, i) {
				minors = append(minors, minor)
			}
		}
	}
	slices.Sort(minors)
	return slices.Compact(minors), newest
}

// demandsMore reports whether a revision of a check of the Pod Security Standards refuses pods that the standards accepted before
// it. That is so where the check is new. All revisions of checks so far have accepted more pods, but for the one that began to
// read the fields for seccomp where it had read annotations; and procMount_restricted only keeps what procMount_baseline gave up.
func demandsMore(check policy.CheckID, revision int) bool {
	switch {
	case check == "seccompProfile_baseline" && revision == 1:
		return true
	case check == "procMount_restricted" && revision == 0:
		return false
	}
	return revision == 0
}

// demandsByRank returns a CEL list: for each level of the Pod Security Standards, the loosest first, its demandingMinors.
func demandsByRank() (list string, newest int) {
	rows := []string{"[0]"} // privileged demands nothing; an empty list has no type
	for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
		minors, last := demandingMinors(level)
		newest = max(newest, last)
		numbers := make([]string, len(minors))
		for i, n := range minors {
			numbers[i] = strconv.Itoa(n)
		}
		rows = append(rows, "["+strings.Join(numbers, ", ")+"]")
	}
	return "[" + strings.Join(rows, ", ") + "]", newest
}
