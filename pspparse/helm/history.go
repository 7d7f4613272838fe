package helm

import (
	"cmp"
	"slices"
)

// ReleaseHistory is all stored revisions of one Helm release.
type ReleaseHistory struct {
	// Kind is that of the objects that keep it, Secret or ConfigMap: Helm sees one kind at a time.
	Kind, Namespace, Name string
	// Revisions are in order, and at least one.
	Revisions []Release
}

// GroupByRelease groups revisions by their Helm release, sorted.
func GroupByRelease(releases []Release) []ReleaseHistory {
	var all []ReleaseHistory
	for _, r := range sortReleases(releases) {
		n := len(all)
		if n == 0 || all[n-1].Kind != r.Storage.Kind || all[n-1].Namespace != r.Namespace || all[n-1].Name != r.Name {
			all = append(all, ReleaseHistory{Kind: r.Storage.Kind, Namespace: r.Namespace, Name: r.Name})
			n++
		}
		all[n-1].Revisions = append(all[n-1].Revisions, r)
	}
	return all
}

// sortReleases returns Helm revisions in order of namespace, name, kind of object and revision.
func sortReleases(releases []Release) []Release {
	return slices.SortedFunc(slices.Values(releases), func(a, b Release) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Storage.Kind, b.Storage.Kind), cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Storage.Name, b.Storage.Name))
	})
}

// Last returns the newest stored revision of the Helm release.
func (h *ReleaseHistory) Last() *Release { return &h.Revisions[len(h.Revisions)-1] }

// UpgradeBase returns the revision with which helm upgrade compares: the newest one that is deployed or, if none is, the
// newest of all if it failed or was superseded. It returns nil if Helm refuses to upgrade anyway.
func (h *ReleaseHistory) UpgradeBase() *Release {
	for i := len(h.Revisions) - 1; i >= 0; i-- {
		if h.Revisions[i].Status == "deployed" && !isPending(h.Last().Status) {
			return &h.Revisions[i]
		}
	}
	if last := h.Last(); last.Status == "failed" || last.Status == "superseded" {
		return last
	}
	return nil
}

// isPending reports whether a status of Helm says that an operation is under way.
func isPending(status string) bool {
	return status == "pending-install" || status == "pending-upgrade" || status == "pending-rollback"
}

// IsLocked reports whether Helm regards an operation on the release as unfinished, and refuses any upgrade. A rollback
// that failed over a policy leaves that behind: one more revision, pending, with the policy in it. Another rollback,
// after cleaning, ends it.
func (h *ReleaseHistory) IsLocked() bool { return isPending(h.Last().Status) }

// PoliciesOf returns the PodSecurityPolicies of a Helm revision. It is for ReleaseHistory.FailingOperations.
func PoliciesOf(r *Release) []Document { return r.Policies }

// RemovedObjectsBy returns a function that returns the objects of a Helm revision in API versions which v1.minor does
// not serve. It is for ReleaseHistory.FailingOperations.
func RemovedObjectsBy(minor int) func(*Release) []Document {
	return func(r *Release) []Document {
		return slices.DeleteFunc(slices.Clone(r.Removed), func(d Document) bool { return d.RemovedIn > minor })
	}
}

// FailingOperations are the Helm operations on a release that fail on a server which does not serve some objects of its
// revisions.
type FailingOperations struct {
	// Upgrade is true if helm upgrade fails, with any chart: it reads back the manifest of the revision before.
	Upgrade bool
	// Rollback has the revisions to which helm rollback fails. An upgrade to a chart without the objects leaves them in
	// earlier revisions, and nothing shows until somebody has to go back. If the last revision has one, a rollback to any
	// revision fails, since it reads back that one, too.
	Rollback  []int
	Uninstall bool
}

// FailingOperations returns the Helm operations that fail if the objects that of returns for each revision are not served.
func (h *ReleaseHistory) FailingOperations(of func(*Release) []Document) FailingOperations {
	last, base := of(h.Last()), h.UpgradeBase()
	f := FailingOperations{
		Upgrade:   base != nil && inManifest(of(base)),
		Uninstall: inManifest(last) || inHooks(last, "pre-delete", "post-delete"),
	}
	for i := range h.Revisions {
		documents := of(&h.Revisions[i])
		if inManifest(last) || inManifest(documents) || inHooks(documents, "pre-rollback", "post-rollback") {
			f.Rollback = append(f.Rollback, h.Revisions[i].Revision)
		}
	}
	return f
}

// RevisionsWithPolicies returns the revisions of the Helm release that hold a PodSecurityPolicy.
func (h *ReleaseHistory) RevisionsWithPolicies() []Release {
	var all []Release
	for _, r := range h.Revisions {
		if len(r.Policies) > 0 {
			all = append(all, r)
		}
	}
	return all
}
