package pss

import (
	"cmp"
	"slices"
	"sort"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// firstVersionAfterPSP returns v1.25, the first Kubernetes version without PodSecurityPolicy.
func firstVersionAfterPSP() api.Version { return api.MajorMinorVersion(1, 25) }

// NewestVersion returns the newest version of the Pod Security Standards that the library knows, which is its "latest".
// Newer versions are evaluated as this one, versions before v1.0 as v1.0.
func NewestVersion() api.Version {
	all := versionsOfChange(checkRevisions(policy.DefaultChecks()))
	return all[len(all)-1]
}

// VersionsAfterPSP returns every version of the standards from v1.25, the first without PodSecurityPolicy, to the newest.
func VersionsAfterPSP() []api.Version {
	var all []api.Version
	newest := NewestVersion()
	for v := firstVersionAfterPSP(); !newest.Older(v); v = api.MajorMinorVersion(v.Major(), v.Minor()+1) {
		all = append(all, v)
	}
	return all
}

// VersionsWithChanges returns v1.25 and each later version in which a check of the standards changes. A verdict at one of
// them holds for every version up to the next.
func VersionsWithChanges() []api.Version {
	points := []api.Version{firstVersionAfterPSP()}
	for _, v := range versionsOfChange(checkRevisions(policy.DefaultChecks())) {
		if compareVersions(v, firstVersionAfterPSP()) > 0 {
			points = append(points, v)
		}
	}
	return points
}

// VersionsOfChange returns every version at which a check of the standards is new or differs, oldest first. A verdict at one of
// them holds for every version up to the next.
func (e *Evaluator) VersionsOfChange() []api.Version {
	out := make([]api.Version, len(e.spans))
	for i := range e.spans {
		out[i] = e.spans[i].since
	}
	return out
}

// Checks returns the IDs of the checks of the standards that an API server evaluates at a level and version, sorted; none at
// privileged.
func (e *Evaluator) Checks(lv api.LevelVersion) []string {
	p := e.spanAt(lv.Version)
	revisions := p.restricted
	switch lv.Level {
	case api.LevelPrivileged:
		return nil
	case api.LevelBaseline:
		revisions = p.baseline
	}
	out := make([]string, len(revisions))
	for i, r := range revisions {
		out[i] = e.revisions[r].check
	}
	slices.Sort(out)
	return out
}

// AddedChecks returns the checks of a level that one version of the standards has and an older one does not, sorted. A
// check that only became laxer or replaces another is not among them.
func AddedChecks(level api.Level, after, upTo api.Version) []string {
	var added []string
	for _, c := range policy.DefaultChecks() {
		first := c.Versions[0]
		counts := c.Level == api.LevelBaseline || level == api.LevelRestricted
		if level != api.LevelPrivileged && counts && len(first.OverrideCheckIDs) == 0 && after.Older(first.MinimumVersion) && !upTo.Older(first.MinimumVersion) {
			added = append(added, string(c.ID))
		}
	}
	slices.Sort(added)
	return added
}

// MissingCheck is a check of the restricted level that an older version of the Pod Security Standards does not have.
type MissingCheck struct {
	Check string
	// Since is the version that introduced the check.
	Since api.Version
	// Requirement is what the check asks of a pod, in the library's words, as refused to a pod that runs as root and states
	// nothing else; "" where it does not refuse that pod. Its container is named "*".
	Requirement string
}

// MissingChecks returns the checks of the restricted level that one version has and an older one does not, sorted. Those
// that replace a check of the baseline level are among them: they ask for more.
func MissingChecks(at, than api.Version) []MissingCheck {
	var missing []MissingCheck
	root := int64(0)
	spec := corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{RunAsUser: &root}, Containers: []corev1.Container{{Name: "*"}}}
	for _, c := range policy.DefaultChecks() {
		first := c.Versions[0].MinimumVersion
		if !at.Older(first) || than.Older(first) {
			continue
		}
		run := c.Versions[0].CheckPod
		for _, v := range c.Versions {
			if !than.Older(v.MinimumVersion) {
				run = v.CheckPod
			}
		}
		missing = append(missing, MissingCheck{Check: string(c.ID), Since: first, Requirement: run(&metav1.ObjectMeta{}, &spec).ForbiddenDetail})
	}
	slices.SortFunc(missing, func(a, b MissingCheck) int { return cmp.Compare(a.Check, b.Check) })
	return missing
}

// versionsOfChange returns the versions in which a check of the standards is new or differs, v1.0 first.
func versionsOfChange(revisions []checkRevision) []api.Version {
	all := []api.Version{api.MajorMinorVersion(1, 0)}
	for _, r := range revisions {
		all = append(all, r.since)
	}
	slices.SortFunc(all, compareVersions)
	return slices.Compact(all)
}

// spanAt returns the span of versions that a version falls into.
func (e *Evaluator) spanAt(v api.Version) *versionSpan { return &e.spans[e.spanIndexAt(v)] }

// spanIndexAt returns the index of the span of versions that a version falls into.
func (e *Evaluator) spanIndexAt(v api.Version) int {
	after := sort.Search(len(e.spans), func(i int) bool { return v.Older(e.spans[i].since) })
	return max(after-1, 0)
}

// compareVersions orders versions of the standards, older first; "latest" is newest.
func compareVersions(a, b api.Version) int {
	switch {
	case a.Older(b):
		return -1
	case b.Older(a):
		return 1
	}
	return 0
}
