package mapping

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// TestAdmitsNothing: such a policy has no level, loses nothing and fills nothing in, and says why.
func TestAdmitsNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*pspparse.Policy)
		want   string
	}{
		{
			"cannot be built", func(p *pspparse.Policy) { p.Spec.FSGroup.Rule = pspparse.MustRunAs },
			"fsGroup: MustRunAs without ranges",
		},
		{
			"fills in what it refuses", func(p *pspparse.Policy) {
				delete(p.Annotations, pspparse.SeccompAllowedAnnotation)
				p.Annotations[pspparse.SeccompDefaultAnnotation] = "runtime/default"
			},
			"the seccomp default runtime/default is set and no seccomp profile may be set",
		},
		{
			"both", func(p *pspparse.Policy) {
				p.Spec.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.MustRunAs}
				p.Annotations[pspparse.AppArmorAllowedAnnotation] = ""
			},
			"seLinux: MustRunAs without seLinuxOptions; an AppArmor profile is mandatory and the list has none that a container " +
				"can have (empty)",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := with(openPolicy(), test.change)
			a := Assess(p, api.MajorMinorVersion(1, 25))
			if got := strings.Join(message.Texts(a.AdmitsNothing), "; "); got != test.want {
				t.Errorf("admits nothing: got %q, want %q", got, test.want)
			}
			if a.Closest != "" || a.CompliesAsWritten != "" || a.CompliesAfterMutation != "" || a.NoLooserThan != "" {
				t.Errorf("levels %q %q %q %q, want none", a.Closest, a.CompliesAsWritten, a.CompliesAfterMutation, a.NoLooserThan)
			}
			if a.LostConstraints != nil || a.RequiredTemplateValues != nil || a.Conditions(api.LevelRestricted) != nil ||
				LostConstraintsAt(p, api.MajorMinorVersion(1, 25), api.LevelPrivileged) != nil {
				t.Errorf("a policy that admits nothing has something to lose: %+v", a)
			}
		})
	}
}

// TestPolicyFromCluster: without lines (a live object) what the policy states is told by its values alone.
func TestPolicyFromCluster(t *testing.T) {
	t.Parallel()
	p := with(closedPolicy(), func(p *pspparse.Policy) { yes := true; p.Spec.AllowPrivilegeEscalation = &yes })
	type field struct {
		Name, Value string
		Mutating    bool
	}
	want := []field{
		{"requiredDropCapabilities", "ALL", true},
		{"volumes", "configMap", false},
		{"seLinux", "MustRunAs type: container_t", true},
		{"runAsUser", "MustRunAsNonRoot", true},
		{"supplementalGroups", "RunAsAny", false},
		{"fsGroup", "RunAsAny", false},
		{"allowPrivilegeEscalation", "true", false},
		{pspparse.SeccompAllowedAnnotation, "runtime/default", false},
		{pspparse.AppArmorAllowedAnnotation, "runtime/default", false},
	}
	var got []field
	for _, f := range Assess(p, api.MajorMinorVersion(1, 25)).Fields {
		got = append(got, field{f.Name, f.Text(f.Name, 0), f.Mutating})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields differ (-want +got):\n%s", diff)
	}
}

// TestNearestMiss: each thing in the way is named once, with what it takes.
func TestNearestMiss(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*pspparse.Policy)
		want   []string
	}{
		{"nothing", func(*pspparse.Policy) {}, nil},
		{
			"hostPath", func(p *pspparse.Policy) {
				p.Spec.Volumes = []string{"hostPath"}
				p.Spec.AllowedHostPaths = []pspparse.AllowedHostPath{{PathPrefix: "/var/log", ReadOnly: true}, {PathPrefix: "/data"}}
			},
			[]string{"hostPath (/var/log (read-only), /data)"},
		},
		{
			"two core checks", func(p *pspparse.Policy) {
				p.Spec.HostNetwork = true
				p.Spec.HostPorts = []pspparse.HostPortRange{{Min: 80, Max: 80}}
			},
			[]string{"host namespaces (hostNetwork)", "host ports (80)"},
		},
		{
			"root", func(p *pspparse.Policy) { p.Spec.RunAsUser = pspparse.IDStrategy{Rule: pspparse.RunAsAny} },
			[]string{"root users (runAsUser RunAsAny)"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := Assess(with(closedPolicy(), test.change), api.MajorMinorVersion(1, 25))
			if diff := cmp.Diff(test.want, message.Texts(a.NearestMiss)); diff != "" {
				t.Errorf("nearest miss (-want +got):\n%s", diff)
			}
		})
	}
}

// TestConditionsOfAnySeccompProfile: the restricted check on seccomp replaces the baseline one, as in the library, so that a
// policy which allows every profile has one condition of seccomp, and seven in all.
func TestConditionsOfAnySeccompProfile(t *testing.T) {
	t.Parallel()
	p := with(closedPolicy(), func(p *pspparse.Policy) {
		delete(p.Annotations, pspparse.AppArmorAllowedAnnotation)
		p.Spec.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny}
		p.Annotations[pspparse.SeccompAllowedAnnotation] = "*"
	})
	a := Assess(p, api.MajorMinorVersion(1, 25))
	var got []string
	for _, c := range a.Conditions(a.Closest) {
		got = append(got, letterOf(c.Status)+" "+c.ID)
	}
	want := []string{
		"N appArmorProfile", "N seLinuxOptions", "M allowPrivilegeEscalation", "M capabilities_restricted", "E runAsNonRoot",
		"E runAsUser", "N seccompProfile_restricted",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conditions at %s differ (-want +got):\n%s", a.Closest, diff)
	}
}

// TestConditions: at restricted a check that replaces a baseline one stands for both.
func TestConditions(t *testing.T) {
	t.Parallel()
	a := Assess(openPolicy(), api.MajorMinorVersion(1, 35))
	ids := func(level api.Level) []string {
		var out []string
		for _, c := range a.Conditions(level) {
			out = append(out, letterOf(c.Status)+" "+c.ID)
		}
		return out
	}
	want := map[api.Level][]string{
		api.LevelPrivileged: nil,
		api.LevelBaseline: {
			"N appArmorProfile", "N capabilities_baseline", "N hostNamespaces", "N hostPathVolumes", "N hostPorts",
			"U hostProbesAndHostLifecycle", "N privileged", "N procMount", "N seLinuxOptions", "N seccompProfile_baseline",
			"N sysctls", "U windowsHostProcess",
		},
		api.LevelRestricted: {
			"N appArmorProfile", "N hostNamespaces", "N hostPorts", "U hostProbesAndHostLifecycle", "N privileged",
			"N seLinuxOptions", "N sysctls", "U windowsHostProcess", "N allowPrivilegeEscalation",
			"N capabilities_restricted", "N procMount_restricted", "N restrictedVolumes", "N runAsNonRoot", "N runAsUser",
			"N seccompProfile_restricted",
		},
	}
	got := map[api.Level][]string{}
	for _, level := range levels.LooseToStrict() {
		got[level] = ids(level)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conditions differ (-want +got):\n%s", diff)
	}
}
