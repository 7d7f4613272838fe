package helm

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHistories(t *testing.T) {
	t.Parallel()
	revision := func(n int, status string, policies ...Document) Release {
		return Release{Namespace: "web", Name: "web", Revision: n, Status: status, Policies: policies}
	}
	psp := Document{Kind: "PodSecurityPolicy"}
	hook := func(events ...string) Document {
		return Document{Kind: "PodSecurityPolicy", Hook: true, Events: events}
	}
	type answer struct {
		Base      int // 0 is none
		Upgrade   bool
		Rollback  []int
		Uninstall bool
		Locked    bool
		ToClean   []int
	}
	tests := []struct {
		name      string
		revisions []Release
		want      answer
	}{
		{"no policies", []Release{revision(1, "superseded"), revision(2, "deployed")}, answer{Base: 2}},
		{"deployed with a policy", []Release{revision(2, "deployed", psp), revision(1, "superseded")}, answer{Base: 2, Upgrade: true, Rollback: []int{1, 2}, Uninstall: true, ToClean: []int{2}}},
		{"the trap", []Release{revision(1, "superseded", psp), revision(2, "superseded"), revision(3, "deployed")}, answer{Base: 3, Rollback: []int{1}, ToClean: []int{1}}},
		{"failed after a good one", []Release{revision(1, "deployed", psp), revision(2, "failed")}, answer{Base: 1, Upgrade: true, Rollback: []int{1}, ToClean: []int{1}}},
		{"failed with a policy after a good one", []Release{revision(1, "deployed"), revision(2, "failed", psp)}, answer{Base: 1, Rollback: []int{1, 2}, Uninstall: true, ToClean: []int{2}}},
		{"failed at once", []Release{revision(1, "failed", psp)}, answer{Base: 1, Upgrade: true, Rollback: []int{1}, Uninstall: true, ToClean: []int{1}}},
		{"under way", []Release{revision(1, "deployed", psp), revision(2, "pending-upgrade")}, answer{Locked: true, Rollback: []int{1}, ToClean: []int{1}}},
		{"uninstalled, history kept", []Release{revision(1, "uninstalled", psp)}, answer{Rollback: []int{1}, Uninstall: true, ToClean: []int{1}}},
		{"a rollback failed", []Release{revision(1, "superseded", psp), revision(2, "deployed"), revision(3, "pending-rollback", psp)}, answer{Locked: true, Rollback: []int{1, 2, 3}, Uninstall: true, ToClean: []int{1, 3}}},
		{"uninstalling failed", []Release{revision(1, "superseded"), revision(2, "uninstalling", psp)}, answer{Rollback: []int{1, 2}, Uninstall: true, ToClean: []int{2}}},
		{"two deployed", []Release{revision(1, "deployed", psp), revision(2, "deployed"), revision(3, "failed")}, answer{Base: 2, Rollback: []int{1}, ToClean: []int{1}}},
		{"a hook that has run", []Release{revision(1, "deployed", hook("pre-install", "pre-upgrade"))}, answer{Base: 1, ToClean: []int{1}}},
		{"hooks of rolling back and deleting", []Release{revision(1, "superseded", hook("post-rollback")), revision(2, "deployed", hook("pre-delete"))}, answer{Base: 2, Rollback: []int{1}, Uninstall: true, ToClean: []int{1, 2}}},
	}
	for _, tt := range tests {
		all := GroupByRelease(tt.revisions)
		if len(all) != 1 {
			t.Fatalf("%s: %d histories", tt.name, len(all))
		}
		h := &all[0]
		fails := h.FailingOperations(PoliciesOf)
		got := answer{Upgrade: fails.Upgrade, Rollback: fails.Rollback, Uninstall: fails.Uninstall, Locked: h.IsLocked()}
		if base := h.UpgradeBase(); base != nil {
			got.Base = base.Revision
		}
		for _, r := range h.RevisionsWithPolicies() {
			got.ToClean = append(got.ToClean, r.Revision)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// The same name in two namespaces, or kept in two kinds of objects, is not the same release.
func TestHistoriesApart(t *testing.T) {
	t.Parallel()
	of := func(kind, namespace, name string, revision int) Release {
		return Release{Storage: StorageRef{Kind: kind}, Namespace: namespace, Name: name, Revision: revision}
	}
	a1, a10, a2 := of("Secret", "a", "x", 1), of("Secret", "a", "x", 10), of("Secret", "a", "x", 2)
	inMap, b, y := of("ConfigMap", "a", "x", 1), of("Secret", "b", "x", 1), of("Secret", "a", "y", 1)
	want := []ReleaseHistory{
		{Kind: "ConfigMap", Namespace: "a", Name: "x", Revisions: []Release{inMap}},
		{Kind: "Secret", Namespace: "a", Name: "x", Revisions: []Release{a1, a2, a10}},
		{Kind: "Secret", Namespace: "a", Name: "y", Revisions: []Release{y}},
		{Kind: "Secret", Namespace: "b", Name: "x", Revisions: []Release{b}},
	}
	if diff := cmp.Diff(want, GroupByRelease([]Release{b, a10, y, a2, inMap, a1})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
