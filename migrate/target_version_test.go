package migrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// A target version is known to the library or to the server; a plan is made for no other.
func TestTargetBeyond(t *testing.T) {
	t.Parallel()
	newest := pss.NewestVersion()
	next := api.MajorMinorVersion(newest.Major(), newest.Minor()+1)
	const beyondAll = "the target version v1.99 is newer than the standards known here: ask for "
	tests := map[string]struct {
		target api.Version
		server string
		want   string
	}{
		"none":                                 {api.Version{}, "", ""},
		"latest":                               {api.LatestVersion(), "", ""},
		"newest, files":                        {newest, "", ""},
		"beyond, files":                        {api.MajorMinorVersion(1, 99), "", beyondAll + newest.String() + " at most, or for latest"},
		"beyond, an older server":              {api.MajorMinorVersion(1, 99), "v1.24.17", beyondAll + newest.String() + " at most, or for latest"},
		"beyond, a server without a version":   {api.MajorMinorVersion(1, 99), "dev", beyondAll + newest.String() + " at most, or for latest"},
		"the server's, newer than the known":   {next, next.String() + ".1-eks-1", ""},
		"beyond a server newer than the known": {api.MajorMinorVersion(1, 99), next.String() + ".1", "the target version v1.99 is newer than the server that was read: ask for " + next.String() + " at most, or for latest"},
		"newer than the server, but known":     {newest, "v1.24.17", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := func(err error) string {
				if err == nil {
					return ""
				}
				return err.Error()
			}
			if got := text(CheckTargetVersion(tt.target, tt.server)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			_, err := Build(inventory.NewBuilder().Build(inventory.Source{ServerVersion: tt.server}), Options{Target: tt.target})
			if got := text(err); got != tt.want {
				t.Errorf("building a plan: %q, want %q", got, tt.want)
			}
		})
	}
}

// Before v1.25 the plan says what the restricted level of the version lacks, and each namespace what it needs at v1.25.
func TestOldTarget(t *testing.T) {
	t.Parallel()
	const (
		capabilities = `container "*" must set securityContext.capabilities.drop=["ALL"] (capabilities_restricted, from v1.22 on)`
		user         = "pod must not set runAsUser=0 (runAsUser, from v1.23 on)"
		seccomp      = `pod or container "*" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost" (seccompProfile_restricted, from v1.19 on)`
	)
	tests := map[string]struct {
		minor    int
		web      object
		plan     []string
		cautions []string
		reasons  []string
	}{
		"v1.18": {
			18, deployment("a/web", hardened(func(s *corev1.PodSpec) {
				s.SecurityContext.SeccompProfile = nil
			})),
			[]string{"restricted at v1.18 lacks what it asks for at v1.25, and a namespace pinned to v1.18 lets in pods without it: " + capabilities + "; " + user + "; " + seccomp},
			[]string{"from v1.25 of the standards on the namespace needs baseline instead of restricted (seccompProfile_restricted, deployment/web)"},
			[]string{"everything that runs here meets restricted after PSP"},
		},
		"v1.22, no difference here": {
			22, deployment("a/web", hardened()),
			[]string{"restricted at v1.22 lacks what it asks for at v1.25, and a namespace pinned to v1.22 lets in pods without it: " + user},
			nil,
			[]string{"everything that runs here meets restricted after PSP", "at v1.25 of the standards the namespace needs restricted as well"},
		},
		"v1.24 lacks nothing": {
			24, deployment("a/web", hardened()), nil, nil,
			[]string{"everything that runs here meets restricted after PSP", "at v1.25 of the standards the namespace needs restricted as well"},
		},
		"v1.25": {25, deployment("a/web", hardened()), nil, nil, []string{"everything that runs here meets restricted after PSP"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := build(t, fromFiles(), Options{Target: api.MajorMinorVersion(1, tt.minor)}, namespace("a"), tt.web)
			if diff := cmp.Diff(tt.plan, message.Texts(p.Cautions), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("cautions of the plan (-want +got):\n%s", diff)
			}
			ns := only(t, p, "a")
			if diff := cmp.Diff(tt.cautions, message.Texts(ns.Cautions), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("cautions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.reasons, message.Texts(ns.Reasons), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}
