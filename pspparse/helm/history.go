package helm

import (
	"cmp"
	"slices"
)

// History is all stored revisions of one release.
type History struct {
	// Kind is that of the objects that keep it, Secret or ConfigMap: Helm sees one kind at a time.
	Kind, Namespace, Name string
	// Revisions are in order, and at least one.
	Revisions []Release
}

// Histories puts revisions together.
func Histories(releases []Release) []History {
	var all []History
	for _, r := range sorted(releases) {
		n := len(all)
		if n == 0 || all[n-1].Kind != r.Stored.Kind || all[n-1].Namespace != r.Namespace || all[n-1].Name != r.Name {
			all = append(all, History{Kind: r.Stored.Kind, Namespace: r.Namespace, Name: r.Name})
			n++
		}
		all[n-1].Revisions = append(all[n-1].Revisions, r)
	}
	return all
}

func sorted(releases []Release) []Release {
	return slices.SortedFunc(slices.Values(releases), func(a, b Release) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Stored.Kind, b.Stored.Kind), cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Stored.Name, b.Stored.Name))
	})
}

// Last is the newest revision.
func (h *History) Last() *Release { return &h.Revisions[len(h.Revisions)-1] }

// Base is the revision that Helm compares an upgrade with: the newest one deployed, or the newest of all if none is and it
// failed or was superseded. It is nil where Helm refuses to upgrade anyway.
func (h *History) Base() *Release {
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

// Locked is true where Helm takes it that something is being done to the release, and refuses an upgrade of any kind. A
// rollback that failed over a policy leaves that behind: one more revision, pending, with the policy in it. Another rollback
// ends it, once all is cleaned.
func (h *History) Locked() bool { return isPending(h.Last().Status) }

// UpgradeFails is true where helm upgrade fails on a server without policies, with any chart: it reads back the manifest of
// the revision before.
func (h *History) UpgradeFails() bool {
	base := h.Base()
	return base != nil && base.InManifest()
}

// RollbackFails are the revisions to which helm rollback fails on such a server. This is the trap: an upgrade with a chart
// without policies, done in time, leaves them behind in the revisions before, and shows nothing until somebody needs to go
// back. A rollback also reads back the last revision; with a policy in that, it fails to whatever revision.
func (h *History) RollbackFails() []int {
	var failing []int
	for i := range h.Revisions {
		r := &h.Revisions[i]
		if h.Last().InManifest() || r.InManifest() || r.inHooks("pre-rollback", "post-rollback") {
			failing = append(failing, r.Revision)
		}
	}
	return failing
}

// UninstallFails is true where helm uninstall fails on such a server.
func (h *History) UninstallFails() bool {
	last := h.Last()
	return last.InManifest() || last.inHooks("pre-delete", "post-delete")
}

// ToClean are the revisions that hold a policy.
func (h *History) ToClean() []Release {
	var all []Release
	for _, r := range h.Revisions {
		if len(r.Policies) > 0 {
			all = append(all, r)
		}
	}
	return all
}
