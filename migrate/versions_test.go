package migrate

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// probed has a probe that names a host: baseline refuses it from v1.34.
func probed(s *corev1.PodSpec) {
	s.Containers[0].LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
		HTTPGet: &corev1.HTTPGetAction{Host: "10.0.0.1", Port: intstr.FromInt32(80)},
	}}
}

// userNamespaced runs as root in a user namespace of its own: restricted allows it from v1.35.
func userNamespaced(s *corev1.PodSpec) {
	s.HostUsers = new(false)
	s.SecurityContext.RunAsNonRoot = nil
	s.Containers[0].SecurityContext.RunAsUser = new(int64(0))
}

// unmasked sees all of /proc, which baseline allows from v1.35 in a user namespace of its own.
func unmasked(s *corev1.PodSpec) {
	s.Containers[0].SecurityContext.ProcMount = new(corev1.UnmaskedProcMount)
}

// tuned sets a sysctl that is safe from v1.32.
func tuned(s *corev1.PodSpec) {
	s.SecurityContext.Sysctls = []corev1.Sysctl{{Name: "net.ipv4.tcp_rmem", Value: "4096 87380 16777216"}}
}

// The needed level at every version, and a sentence for each change, with the check.
func TestAcrossVersions(t *testing.T) {
	t.Parallel()
	const meets = "everything that runs here meets restricted after PSP"
	tests := []struct {
		name    string
		objects []object
		// starts at v1.25; another level from a version on, written "v1.34 privileged".
		want              []string
		reasons, cautions []string
	}{
		{name: "no change", objects: []object{deployment("a/web", hardened())}, want: []string{"v1.25 restricted"}, reasons: []string{meets}},
		{
			name: "a probe that names a host", objects: []object{deployment("a/good", hardened()), deployment("a/web", hardened(probed))},
			want: []string{"v1.25 restricted", "v1.34 privileged"}, reasons: []string{meets},
			cautions: []string{"from v1.34 of the standards on the namespace needs privileged instead of restricted (hostProbesAndHostLifecycle, deployment/web)"},
		},
		{
			name: "root in a user namespace", objects: []object{deployment("a/web", hardened(userNamespaced))},
			want: []string{"v1.25 baseline", "v1.35 restricted"},
			reasons: []string{
				"what runs here needs baseline: deployment/web does not meet restricted",
				"from v1.35 of the standards on the namespace needs restricted instead of baseline (runAsNonRoot, runAsUser, deployment/web)",
			},
		},
		{
			name: "two checks of two workloads",
			objects: []object{
				deployment("a/one", hardened(userNamespaced, func(s *corev1.PodSpec) { s.SecurityContext.RunAsNonRoot = new(true) })),
				deployment("a/two", hardened(userNamespaced, func(s *corev1.PodSpec) { s.Containers[0].SecurityContext.RunAsUser = nil })),
			},
			want: []string{"v1.25 baseline", "v1.35 restricted"},
			reasons: []string{
				"what runs here needs baseline: deployment/one, deployment/two do not meet restricted",
				"from v1.35 of the standards on the namespace needs restricted instead of baseline (runAsNonRoot, runAsUser, deployment/one)",
			},
		},
		{
			name: "and with /proc unmasked", objects: []object{deployment("a/web", hardened(userNamespaced, unmasked))},
			want: []string{"v1.25 privileged", "v1.35 baseline"},
			reasons: []string{
				"what runs here needs privileged: deployment/web does not meet baseline",
				"from v1.35 of the standards on the namespace needs baseline instead of privileged (procMount, deployment/web)",
			},
		},
		{
			name: "a sysctl", objects: []object{deployment("a/web", hardened(tuned))},
			want: []string{"v1.25 privileged", "v1.32 restricted"},
			reasons: []string{
				"what runs here needs privileged: deployment/web does not meet baseline",
				"from v1.32 of the standards on the namespace needs restricted instead of privileged (sysctls, deployment/web)",
			},
		},
		{
			name: "a sysctl, and what needs baseline anyway", objects: []object{deployment("a/lax", plain()), deployment("a/web", hardened(tuned))},
			want: []string{"v1.25 privileged", "v1.32 baseline"},
			reasons: []string{
				"what runs here needs privileged: deployment/web does not meet baseline",
				"without deployment/web this namespace would be baseline",
				"from v1.32 of the standards on the namespace needs baseline instead of privileged (sysctls, deployment/web)",
			},
		},
		{
			name: "a sysctl first, a probe later", objects: []object{deployment("a/web", hardened(tuned, probed))},
			want: []string{"v1.25 privileged", "v1.32 restricted", "v1.34 privileged"},
			reasons: []string{
				"what runs here needs privileged: deployment/web does not meet baseline",
				"from v1.32 of the standards on the namespace needs restricted instead of privileged (sysctls, deployment/web)",
			},
			cautions: []string{"from v1.34 of the standards on the namespace needs privileged instead of restricted (hostProbesAndHostLifecycle, deployment/web)"},
		},
		{
			name: "the first of two that change", objects: []object{deployment("a/one", hardened(probed)), deployment("a/two", hardened(probed))},
			want: []string{"v1.25 restricted", "v1.34 privileged"}, reasons: []string{meets},
			cautions: []string{"from v1.34 of the standards on the namespace needs privileged instead of restricted (hostProbesAndHostLifecycle, deployment/one)"},
		},
		{
			name: "hidden behind what is privileged anyway", objects: []object{deployment("a/agent", hostNetworked()), deployment("a/web", hardened(probed))},
			want: []string{"v1.25 privileged"},
			reasons: []string{
				"what runs here needs privileged: deployment/agent does not meet baseline",
				"without deployment/agent this namespace would be restricted",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := only(t, build(t, fromFiles(), Options{}, append(tt.objects, namespace("a"))...), "a")
			if diff := cmp.Diff(everyVersion(tt.want), ns.LevelByVersion, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("versions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.reasons, message.Texts(ns.Reasons), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.cautions, message.Texts(ns.Cautions), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("cautions (-want +got):\n%s", diff)
			}
		})
	}
}

// everyVersion spells out "v1.25 restricted", "v1.34 privileged".
func everyVersion(from []string) []VersionLevel {
	var out []VersionLevel
	var level api.Level
	for _, v := range pss.VersionsAfterPSP() {
		for _, f := range from {
			var since, l string
			if _, err := fmt.Sscan(f, &since, &l); err == nil && since == v.String() {
				level = api.Level(l)
			}
		}
		if n := len(out); n > 0 && out[n-1].Needed == level {
			out[n-1].To = v.String()
			continue
		}
		out = append(out, VersionLevel{From: v.String(), To: v.String(), Needed: level})
	}
	return out
}

// A server older than the target judges by its own standards: enforce must hold there too.
func TestServerOlderThanTarget(t *testing.T) {
	t.Parallel()
	const upgrade = "a server of v1.24 takes the newer pin for its own version until it is upgraded; by v1.25 alone the namespace would need restricted"
	const fromV125 = "from v1.25 of the standards on the namespace needs restricted instead of baseline (allowPrivilegeEscalation, capabilities_restricted, seccompProfile_restricted, deployment/win)"
	winReasons := []string{"what runs here needs baseline: deployment/win does not meet restricted"}
	tests := []struct {
		name    string
		server  string
		target  api.Version
		objects []object
		needed  api.Level
		reasons []string
	}{
		{"Windows on v1.24", "v1.24.1", api.Version{}, []object{deployment("a/win", windows())}, baseline, append(slices.Clone(winReasons), upgrade)},
		{
			"Windows on v1.24 beside what needs baseline anyway", "v1.24.1",
			api.Version{},
			[]object{deployment("a/lax", plain()), deployment("a/win", windows())},
			baseline,
			[]string{"what runs here needs baseline: deployment/lax, deployment/win do not meet restricted"},
		},
		{"Windows on v1.25", "v1.25.0", api.Version{}, []object{deployment("a/win", windows())}, restricted, []string{"everything that runs here meets restricted after PSP"}},
		{"Windows in files", "", api.Version{}, []object{deployment("a/win", windows())}, restricted, []string{"everything that runs here meets restricted after PSP"}},
		{
			"Windows pinned to v1.24 in files", "", api.MajorMinorVersion(1, 24), []object{deployment("a/win", windows())}, baseline, append(slices.Clone(winReasons), fromV125),
		},
		{
			"Windows pinned to v1.24 on a newer server, which judges by the pin", "v1.30.0", api.MajorMinorVersion(1, 24), []object{deployment("a/win", windows())}, baseline, append(slices.Clone(winReasons), fromV125),
		},
		{
			"a probe pinned to v1.25 on a newer server, which judges by the pin", "v1.35.0", api.MajorMinorVersion(1, 25),
			[]object{deployment("a/web", hardened(probed))},
			restricted,
			[]string{"everything that runs here meets restricted after PSP"},
		},
		{
			"a sysctl on v1.30, latest", "v1.30.0", api.LatestVersion(),
			[]object{deployment("a/web", hardened(tuned))},
			privileged,
			[]string{
				"what runs here needs privileged: deployment/web does not meet baseline",
				"a server of v1.30 takes the newer pin for its own version until it is upgraded; by latest alone the namespace would need restricted",
				"from v1.32 of the standards on the namespace needs restricted instead of privileged (sysctls, deployment/web)",
			},
		},
		{
			"a sysctl on a server newer than what is known, latest", "v1.99.0", api.LatestVersion(),
			[]object{deployment("a/web", hardened(tuned))},
			restricted,
			[]string{
				"everything that runs here meets restricted after PSP",
				"from v1.32 of the standards on the namespace needs restricted instead of privileged (sysctls, deployment/web)",
			},
		},
		{
			"a sysctl on a server newer than what is known, pinned to its version", "v1.99.0", api.MajorMinorVersion(1, 99),
			[]object{deployment("a/web", hardened(tuned))},
			restricted,
			[]string{
				"everything that runs here meets restricted after PSP",
				"from v1.32 of the standards on the namespace needs restricted instead of privileged (sysctls, deployment/web)",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := only(t, build(t, cluster(tt.server), Options{Target: tt.target}, append(tt.objects, namespace("a"))...), "a")
			if ns.NeededLevel != tt.needed || ns.RecommendedLabels.Enforce != string(tt.needed) {
				t.Errorf("needed %q, enforce %q, want %q", ns.NeededLevel, ns.RecommendedLabels.Enforce, tt.needed)
			}
			if diff := cmp.Diff(tt.reasons, message.Texts(ns.Reasons), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

// The verdicts of one workload: what it states, what is seen of it, and each violation once though two versions found it.
func TestWorkloadInThePlan(t *testing.T) {
	t.Parallel()
	tight, base := policy(t, "tight", restrictedLike), policy(t, "base", baselineLike)
	p := build(t, cluster("v1.24.1"), Options{}, tight, base, namespace("a"),
		grant("base", "a", account("a/web")), grant("tight", "a", account("a/other")),
		deployment("a/web", as("web", plain())), running("a/bare", "tight", hardened()))
	ns := only(t, p, "a")
	const app = `container "app" must set securityContext.`
	violations := []Violation{
		{"allowPrivilegeEscalation", restricted, "allowPrivilegeEscalation != false", app + "allowPrivilegeEscalation=false"},
		{"capabilities_restricted", restricted, "unrestricted capabilities", app + `capabilities.drop=["ALL"]`},
		{"runAsNonRoot", restricted, "runAsNonRoot != true", "pod or " + app + "runAsNonRoot=true"},
		{"seccompProfile_restricted", restricted, "seccompProfile", "pod or " + app + `seccompProfile.type to "RuntimeDefault" or "Localhost"`},
	}
	want := []Workload{
		{Kind: "Deployment", Name: "web", ServiceAccount: "web", Replicas: 1, Evaluation: &Evaluation{UsablePolicies: []string{"base"}, AdmittedBy: "base", AdmissionMode: "unchanged", Levels: WorkloadLevels{AsWritten: baseline, AsAdmitted: baseline, AfterPSP: baseline}, Violations: violations}},
		{Kind: "Pod", Name: "bare", ServiceAccount: "default", Replicas: 1, Pods: 1, AdmissionDrift: []AdmissionDrift{{Pods: 1, Example: "bare", Observed: "tight", Why: message.Message{Text: "their account may not use policy tight: whoever created them may"}}}, Evaluation: &Evaluation{UsablePolicies: []string{}, ObservedPolicies: []string{"tight"}, Levels: WorkloadLevels{AsAdmitted: restricted, AfterPSP: baseline}, LevelEstimated: true, Violations: []Violation{violations[0], violations[1], violations[3]}}},
	}
	// Keys and patches have tests of their own.
	others := []cmp.Option{cmpopts.IgnoreFields(Workload{}, "EvaluationKey"), cmpopts.IgnoreFields(Evaluation{}, "Key", "StricterEdits", "Template")}
	if diff := cmp.Diff(want, ns.Workloads, append(others, cmpopts.EquateEmpty(), messageText())...); diff != "" {
		t.Errorf("workloads (-want +got):\n%s", diff)
	}
	const estimated = "1 workload is estimated: a policy had already changed the pods that were seen, and what their author wrote is not known"
	if diff := cmp.Diff([]string{estimated}, message.Texts(ns.Cautions), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("cautions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"tight"}, ns.ObservedPolicies, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	var blocked []string
	for _, w := range ns.BlockedWorkloads() {
		for _, b := range w.Blockers {
			blocked = append(blocked, w.Name+" "+b.Check)
		}
	}
	if diff := cmp.Diff([]string{
		"web allowPrivilegeEscalation", "web capabilities_restricted", "web runAsNonRoot", "web seccompProfile_restricted",
		"bare allowPrivilegeEscalation", "bare capabilities_restricted", "bare seccompProfile_restricted",
	}, blocked); diff != "" {
		t.Errorf("blockers (-want +got):\n%s", diff)
	}
}

// As written is at the target version alone.
func TestAsWrittenAtTheTarget(t *testing.T) {
	t.Parallel()
	for target, want := range map[int]api.Level{24: baseline, 25: restricted} {
		p := build(t, cluster("v1.24.1"), Options{Target: api.MajorMinorVersion(1, target)}, deployment("a/win", windows()))
		if diff := cmp.Diff(WorkloadLevels{AsWritten: want, AfterPSP: baseline}, only(t, p, "a").Workloads[0].Levels, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("v1.%d (-want +got):\n%s", target, diff)
		}
	}
}
