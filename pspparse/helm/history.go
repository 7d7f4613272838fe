package helm

import (
	"cmp"
	"slices"
)

// ReleaseHistory is all stored revisions of one release.
type ReleaseHistory struct {
	// Kind is that of the objects that keep it, Secret or ConfigMap: Helm sees one kind at a time.
	Kind, Namespace, Name string
	// Revisions are in order, and at least one.
	Revisions []Release
}

// GroupByRelease puts revisions together.
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

func sortReleases(releases []Release) []Release {
	return slices.SortedFunc(slices.Values(releases), func(a, b Release) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Storage.Kind, b.Storage.Kind), cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Storage.Name, b.Storage.Name))
	})
}

// Last is the newest revision.
func (h *ReleaseHistory) Last() *Release { return &h.Revisions[len(h.Revisions)-1] }

// UpgradeBase is the revision that Helm compares an upgrade with: the newest one deployed, or the newest of all if none is and it
// failed or was superseded. It is nil where Helm refuses to upgrade anyway.
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

func isPending(status string) bool {
	return status == "pending-install" || status == "pending-upgrade" || status == "pending-rollback"
}

// IsLocked is true where Helm takes it that something is being done to the release, and refuses an upgrade of any kind. A
// rollback that failed over a policy leaves that behind: one more revision, pending, with the policy in it. Another rollback
// ends it, once all is cleaned.
func (h *ReleaseHistory) IsLocked() bool { return isPending(h.Last().Status) }

// PoliciesOf are the PodSecurityPolicies of a revision, for Failures.
func PoliciesOf(r *Release) []Document { return r.Policies }

// RemovedObjectsBy returns a function, for Failures, that gives the objects of a revision whose version v1.minor does not serve.
func RemovedObjectsBy(minor int) func(*Release) []Document {
	return func(r *Release) []Document {
		return slices.DeleteFunc(slices.Clone(r.Removed), func(d Document) bool { return d.RemovedIn > minor })
	}
}

// FailingOperations are what fails of a release on a server that does not serve some documents of its revisions.
type FailingOperations struct {
	// Upgrade is true where helm upgrade fails, with any chart: it reads back the manifest of the revision before.
	Upgrade bool
	// Rollback are the revisions to which helm rollback fails. This is the trap: an upgrade with a chart without the documents,
	// done in time, leaves them behind in the revisions before, and shows nothing until somebody needs to go back. A rollback
	// also reads back the last revision; with a document in that, it fails to whatever revision.
	Rollback  []int
	Uninstall bool
}

// FailingOperations says what fails where the documents that of gives for each revision are not served.
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

// RevisionsWithPolicies are the revisions that hold a policy.
func (h *ReleaseHistory) RevisionsWithPolicies() []Release {
	var all []Release
	for _, r := range h.Revisions {
		if len(r.Policies) > 0 {
			all = append(all, r)
		}
	}
	return all
}
