package gate_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/pspparse/helm"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// revision of shop/web, kept in a Secret.
func revision(n int, status string, policies ...helm.Document) helm.Release {
	return helm.Release{Storage: helm.StorageRef{Kind: "Secret", Namespace: "shop"}, Namespace: "shop", Name: "web", Revision: n, Status: status, Policies: policies}
}

// Each case is a cluster that is ready but for its Helm releases.
func TestHelm(t *testing.T) {
	t.Parallel()
	policy := helm.Document{Kind: "PodSecurityPolicy", Name: "strict"}
	hook := func(event string) helm.Document {
		return helm.Document{Kind: "PodSecurityPolicy", Name: "hooked", Hook: true, Events: []string{event}}
	}
	granting := revision(1, "superseded")
	granting.Grants = []helm.Document{{Kind: "Role", Name: "psp"}, {Kind: "RoleBinding", Name: "psp"}}
	grantingStill := granting
	grantingStill.Revision, grantingStill.Status = 2, "deployed"
	removed := func(r helm.Release, minor int) helm.Release {
		r.Removed = []helm.Document{{APIVersion: "example/v1beta1", Kind: "Thing", Name: "t", RemovedIn: minor}}
		return r
	}
	const locked = "an operation was cut off, which keeps helm upgrade from it until helm rollback ends it"
	const others = " in API versions that v1.26 does not serve, which fails helm upgrade and helm rollback as policies do: clean-helm takes out PodSecurityPolicies only, " +
		"and the plugin helm-mapkubeapis ('helm mapkubeapis RELEASE') rewrites the others in the newest revision"
	tests := []struct {
		name      string
		server    string // v1.24.17 if empty, with its how
		how       string
		releases  []helm.Release
		wantWhere []message.Message
		wantTold  []gate.Note
	}{
		{name: "none"},
		{name: "without policies", releases: []helm.Release{revision(1, "deployed")}},
		{
			name:      "the classic",
			releases:  []helm.Release{revision(1, "superseded", policy), revision(2, "deployed", policy)},
			wantWhere: objects("object-helm-release-of-policies", "shop/web: revisions 1, 2 (Secret), PodSecurityPolicy strict: helm upgrade fails; helm rollback fails to 1, 2; helm uninstall fails"),
		},
		{
			name: "the classic, too late", server: "v1.25.3",
			releases:  []helm.Release{revision(1, "deployed", policy)},
			wantWhere: objects("object-helm-release-of-policies", "shop/web: revision 1 (Secret), PodSecurityPolicy strict: helm upgrade fails; helm rollback fails to 1; helm uninstall fails"),
			how: "cleaning takes the policies, and nothing else, out of every stored revision, after a backup; " +
				"then upgrade each to a chart without policies: no other can be installed here",
		},
		{
			name:      "the trap",
			releases:  []helm.Release{revision(1, "superseded", policy), revision(2, "superseded"), revision(3, "deployed")},
			wantWhere: objects("object-helm-release-of-policies", "shop/web: revision 1 (Secret), PodSecurityPolicy strict: helm rollback fails to 1"),
		},
		{
			name:      "sprung",
			releases:  []helm.Release{revision(1, "superseded", policy), revision(2, "deployed"), revision(3, "pending-rollback", policy)},
			wantWhere: objects("object-helm-release-of-policies", "shop/web: revisions 1, 3 (Secret), PodSecurityPolicy strict: helm rollback fails to 1, 2, 3; helm uninstall fails; "+locked),
		},
		{
			name:     "sprung, and cleaned",
			releases: []helm.Release{revision(2, "deployed"), revision(3, "pending-rollback")},
			wantTold: []gate.Note{{Message: says("helm-releases-locked", "Helm releases on which an operation was cut off: helm upgrade refuses them until helm rollback ends it"), Objects: objects("object-helm-release", "shop/web")}},
		},
		{
			name:      "in hooks",
			releases:  []helm.Release{revision(1, "deployed", hook("post-delete"))},
			wantWhere: objects("object-helm-release-of-policies", "shop/web: revision 1 (Secret), PodSecurityPolicy hooked: helm uninstall fails"),
		},
		{
			name:      "in hooks of the past",
			releases:  []helm.Release{revision(1, "deployed", hook("pre-install"))},
			wantWhere: objects("object-helm-release-of-policies", "shop/web: revision 1 (Secret), PodSecurityPolicy hooked: only in hooks that no upgrade or rollback runs"),
		},
		{
			name:      "read twice",
			releases:  []helm.Release{revision(1, "deployed", policy), revision(1, "deployed", policy)},
			wantWhere: objects("object-helm-release-of-policies", "shop/web: revision 1 (Secret), PodSecurityPolicy strict: helm upgrade fails; helm rollback fails to 1; helm uninstall fails"),
		},
		{
			name:     "roles alone",
			releases: []helm.Release{granting, grantingStill},
			wantTold: []gate.Note{{
				Message: says("helm-releases-with-policy-roles", "stored Helm releases with roles for policies: they do no harm, and Helm makes them again until the chart is without them"),
				Objects: objects("object-helm-release", "shop/web: Role psp, RoleBinding psp"),
			}},
		},
		{
			name:      "other kinds beside a policy",
			releases:  []helm.Release{removed(revision(1, "superseded"), 27), removed(revision(2, "deployed", policy), 22)},
			wantWhere: objects("object-helm-release-of-policies", "shop/web: revision 2 (Secret), PodSecurityPolicy strict: helm upgrade fails; helm rollback fails to 1, 2; helm uninstall fails"),
			wantTold: []gate.Note{{
				Message: says("helm-releases-with-removed-objects", "1 Helm release holds other objects"+others),
				Objects: objects("object-helm-release-of-removed", "shop/web (Secret): Thing t (example/v1beta1, gone in v1.22): helm upgrade fails; helm rollback fails to 1, 2; helm uninstall fails"),
			}},
		},
		{
			name:     "other kinds, of a revision before, without any policy",
			releases: []helm.Release{removed(revision(1, "superseded"), 26), revision(2, "deployed")},
			wantTold: []gate.Note{{
				Message: says("helm-releases-with-removed-objects", "1 Helm release holds other objects"+others),
				Objects: objects("object-helm-release-of-removed", "shop/web (Secret): Thing t (example/v1beta1, gone in v1.26): helm rollback fails to 1"),
			}},
		},
		{name: "other kinds that are served still", releases: []helm.Release{removed(revision(1, "deployed"), 27)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.server == "" {
				tt.server = "v1.24.17"
				tt.how = "first upgrade each to a chart without policies: that alone leaves them in the revisions before, and a rollback to one of these fails and locks the release; " +
					"cleaning takes the policies, and nothing else, out of every stored revision, after a backup, and leaves a policy that is on the server where it is"
			}
			p := read(t, fstest.MapFS{"in.yaml": {Data: []byte(namespace("baseline", "v1.24"))}}, tt.server)
			facts := gate.Facts{HelmReleases: gate.HelmReleases{All: true, Histories: helm.GroupByRelease(tt.releases)}}
			but := slices.DeleteFunc(everything(), func(a gate.Assertion) bool { return a == gate.AssertHelmClean })
			r := gate.Evaluate(p, facts, gate.Options{To: api.MajorMinorVersion(1, 26), Assert: but})
			want := []gate.Reason{}
			if tt.wantWhere != nil {
				want = append(want, gate.Reason{
					Message: says("helm-releases", "1 Helm release holds policies in stored revisions, which Helm cannot read back where policies are not served, whatever the chart holds by then"), Order: 14, Objects: tt.wantWhere,
					Advice:   advises(tt.how),
					Commands: []string{"psp2pss clean-helm --context=test --yes"},
				})
			}
			if diff := cmp.Diff(want, r.Reasons, sameMessages()); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.wantTold, r.Notes, sameMessages()); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]gate.Unknown{}, r.Unknown, sameMessages()); diff != "" {
				t.Errorf("unknown (-want +got):\n%s", diff)
			}
		})
	}
}

// What was not read of releases is never taken for clean, and what was read to be unclean by nobody's word.
func TestHelmUnread(t *testing.T) {
	t.Parallel()
	const (
		whether = "whether a stored Helm release holds a policy, with which helm upgrade and helm rollback fail from v1.25 on: "
		how     = "ask the cluster, as somebody who may list Secrets and ConfigMaps (psp2pss plan --print-role has the rule); " +
			"or upgrade every release to a chart without policies while the server still serves them, and clean what is stored"
	)
	unclean := helm.GroupByRelease([]helm.Release{revision(1, "deployed", helm.Document{Kind: "PodSecurityPolicy", Name: "strict"})})
	gap := inventory.Gap{What: "Helm releases in secrets", Why: message.Message{Text: "grant the verb list"}}
	tests := []struct {
		name    string
		helm    gate.HelmReleases
		why     string
		how     string
		reasons int
	}{
		{name: "nothing", why: whether + "no Secrets and ConfigMaps of a cluster were read", how: how},
		{name: "a saved plan", helm: gate.HelmReleases{NotInPlan: true}, why: whether + "saved plans and snapshots hold no Helm releases", how: how},
		{name: "files", helm: gate.HelmReleases{Histories: unclean}, why: whether + "files do not say whether 1 release is all there is", how: how, reasons: 1},
		{
			name: "files with a damaged one", helm: gate.HelmReleases{Histories: unclean, Gaps: []inventory.Gap{gap}}, how: how, reasons: 1,
			why: whether + "files do not say whether 1 release is all there is. Not read, either: Helm releases in secrets: grant the verb list",
		},
		{name: "not all of a cluster", helm: gate.HelmReleases{All: true, Histories: unclean, Gaps: []inventory.Gap{gap}}, why: whether + "not read: Helm releases in secrets: grant the verb list", reasons: 1},
		{name: "all", helm: gate.HelmReleases{All: true, Histories: unclean}, reasons: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := read(t, fstest.MapFS{"in.yaml": {Data: []byte(namespace("baseline", "v1.24"))}}, "v1.24.17")
			facts := gate.Facts{HelmReleases: tt.helm}
			but := slices.DeleteFunc(everything(), func(a gate.Assertion) bool { return a == gate.AssertHelmClean })
			r := gate.Evaluate(p, facts, gate.Options{To: api.MajorMinorVersion(1, 25), Assert: but})
			want := []gate.Unknown{}
			if tt.why != "" {
				want = append(want, gate.Unknown{Message: says("helm-releases-unread", tt.why), Order: 14, Assert: gate.AssertHelmClean, Advice: advises(tt.how)})
			}
			if diff := cmp.Diff(want, r.Unknown, sameMessages()); diff != "" {
				t.Errorf("unknown (-want +got):\n%s", diff)
			}
			r = gate.Evaluate(p, facts, gate.Options{To: api.MajorMinorVersion(1, 25), Assert: everything()})
			if len(r.Unknown) != 0 || len(r.Reasons) != tt.reasons {
				t.Errorf("vouched for: %v, %v", r.Unknown, r.Reasons)
			}
		})
	}
}
