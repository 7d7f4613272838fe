package pss

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

func versionStrings(versions []api.Version) []string {
	var out []string
	for _, v := range versions {
		out = append(out, v.String())
	}
	return out
}

func TestVersions(t *testing.T) {
	t.Parallel()
	want := strings.Fields("v1.25 v1.26 v1.27 v1.28 v1.29 v1.30 v1.31 v1.32 v1.33 v1.34 v1.35 v1.36 v1.37")
	if diff := cmp.Diff(want, versionStrings(VersionsAfterPSP())); diff != "" {
		t.Errorf("Versions (-want +got):\n%s", diff)
	}
	want = strings.Fields("v1.25 v1.27 v1.29 v1.31 v1.32 v1.34 v1.35 v1.37")
	if diff := cmp.Diff(want, versionStrings(VersionsWithChanges())); diff != "" {
		t.Errorf("VersionsWithChanges (-want +got):\n%s", diff)
	}
}

// The library does not say which minor it belongs to; its newest check does, as long as each minor changes one. This
// fails on the first library of which that is not true, and then NewestVersion needs another source.
func TestNewestVersionIsTheLibrarysMinor(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "k8s.io/pod-security-admission").Output()
	if err != nil {
		t.Fatalf("asking go for the library's version: %v", err)
	}
	minor := regexp.MustCompile(`^v0\.([0-9]+)\.`).FindStringSubmatch(string(out))
	if minor == nil {
		t.Fatalf("library version %q", out)
	}
	newest := NewestVersion()
	if got, want := newest.String(), "v1."+minor[1]; got != want {
		t.Errorf("NewestVersion() = %s, want %s", got, want)
	}
}

// What VersionsWithChanges promises: between two of them no verdict changes.
func TestNothingChangesBetweenVersionsWithChanges(t *testing.T) {
	t.Parallel()
	e := mustEvaluator(t)
	points := map[api.Version]bool{}
	for _, v := range VersionsWithChanges() {
		points[v] = true
	}
	for seed := range int64(300) {
		annotations, spec := podtest.NewRandom(seed).Pod()
		var last Verdict
		for _, v := range VersionsAfterPSP() {
			now := e.Verdict(annotations, spec, v)
			if diff := cmp.Diff(last, now); diff != "" && !points[v] {
				t.Fatalf("verdict changes at %s (-before +at):\n%s", v.String(), diff)
			}
			last = now
		}
	}
}

func TestVersionsBeforeTheFirst(t *testing.T) {
	t.Parallel()
	e := mustEvaluator(t)
	_, spec := podtest.NewRandom(1).Pod()
	if diff := cmp.Diff(e.Verdict(nil, spec, api.MajorMinorVersion(1, 0)), e.Verdict(nil, spec, api.Version{})); diff != "" {
		t.Errorf("an unset version is not evaluated as v1.0 (-v1.0 +unset):\n%s", diff)
	}
}

func TestAddedChecks(t *testing.T) {
	t.Parallel()
	v := func(minor int) api.Version { return api.MajorMinorVersion(1, minor) }
	for _, tt := range []struct {
		name        string
		level       api.Level
		after, upTo api.Version
		want        []string
	}{
		{"the probe hosts came with v1.34", api.LevelBaseline, v(25), v(34), []string{"hostProbesAndHostLifecycle"}},
		{"restricted has all of baseline", api.LevelRestricted, v(33), v(37), []string{"hostProbesAndHostLifecycle"}},
		{"user 0 came with v1.23", api.LevelRestricted, v(22), v(25), []string{"runAsUser"}},
		{"which baseline does not have", api.LevelBaseline, v(22), v(25), nil},
		{"privileged has no checks", api.LevelPrivileged, v(1), v(37), nil},
		{"going back adds nothing", api.LevelRestricted, v(34), v(25), nil},
		{"the same version", api.LevelRestricted, v(34), v(34), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, AddedChecks(tt.level, tt.after, tt.upTo)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What the restricted level of an old version does not ask for comes from the checks themselves, in their words.
func TestMissingChecks(t *testing.T) {
	t.Parallel()
	v := func(minor int) api.Version { return api.MajorMinorVersion(1, minor) }
	var (
		capabilities = MissingCheck{Check: "capabilities_restricted", Since: v(22), Requirement: `container "*" must set securityContext.capabilities.drop=["ALL"]`}
		escalation   = MissingCheck{Check: "allowPrivilegeEscalation", Since: v(8), Requirement: `container "*" must set securityContext.allowPrivilegeEscalation=false`}
		user         = MissingCheck{Check: "runAsUser", Since: v(23), Requirement: "pod must not set runAsUser=0"}
		seccomp      = MissingCheck{
			Check: "seccompProfile_restricted", Since: v(19),
			Requirement: `pod or container "*" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
		}
	)
	for at, want := range map[int][]MissingCheck{
		0: {escalation, capabilities, user, seccomp}, 7: {escalation, capabilities, user, seccomp},
		8: {capabilities, user, seccomp}, 18: {capabilities, user, seccomp},
		19: {capabilities, user}, 21: {capabilities, user}, 22: {user}, 23: nil, 24: nil, 25: nil, 30: nil,
	} {
		if diff := cmp.Diff(want, MissingChecks(v(at), v(25)), cmp.AllowUnexported(api.Version{})); diff != "" {
			t.Errorf("v1.%d lacks (-want +got):\n%s", at, diff)
		}
	}
}
