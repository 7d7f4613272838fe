package pss

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

func mustEvaluator(t testing.TB) *Evaluator {
	t.Helper()
	e, err := NewEvaluator()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// everyVersion returns all versions that may be asked for: each minor from v1.0, one beyond the newest, and latest.
func everyVersion() []api.Version {
	var all []api.Version
	newest := NewestVersion()
	for minor := range newest.Minor() + 2 {
		all = append(all, api.MajorMinorVersion(1, minor))
	}
	return append(all, api.LatestVersion())
}

func mustLibrary(t testing.TB) policy.Evaluator {
	t.Helper()
	library, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return library
}

// wantSame fails unless Evaluate, Verdict and AtLevel say of the pod what the library's own evaluator says.
func wantSame(
	t *testing.T, e *Evaluator, library policy.Evaluator, annotations map[string]string, spec *corev1.PodSpec, versions ...api.Version,
) {
	t.Helper()
	for _, version := range versions {
		verdict := e.Verdict(annotations, spec, version)
		refused := map[api.Level]bool{}
		for _, level := range []api.Level{api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted} {
			lv := api.LevelVersion{Level: level, Version: version}
			want := policy.AggregateCheckResults(library.EvaluatePod(lv, &metav1.ObjectMeta{Annotations: annotations}, spec))
			refused[level] = !want.Allowed

			got := e.Evaluate(annotations, spec, lv)
			if diff := cmp.Diff(reasonsAndDetails(want), pairs(got)); diff != "" {
				t.Fatalf("Evaluate at %s (-library +got):\n%s\npod: %+v", lv.String(), diff, spec)
			}
			if diff := cmp.Diff(want.ForbiddenDetail(), ViolationMessage(got)); diff != "" {
				t.Fatalf("Message at %s (-library +got):\n%s", lv.String(), diff)
			}
			if diff := cmp.Diff(got, e.ViolationsAtLevel(verdict.Violations, lv)); diff != "" {
				t.Fatalf("AtLevel of the verdict's violations at %s (-Evaluate +AtLevel):\n%s", lv.String(), diff)
			}
		}
		want := api.LevelRestricted
		switch {
		case refused[api.LevelBaseline]:
			want = api.LevelPrivileged
		case refused[api.LevelRestricted]:
			want = api.LevelBaseline
		}
		if verdict.Level != want {
			t.Fatalf("level at %s = %s, want %s", version.String(), verdict.Level, want)
		}
	}
}

func reasonsAndDetails(r policy.AggregateCheckResult) [][2]string {
	var out [][2]string
	for i := range r.ForbiddenReasons {
		out = append(out, [2]string{r.ForbiddenReasons[i], r.ForbiddenDetails[i]})
	}
	return out
}

func pairs(violations []Violation) [][2]string {
	var out [][2]string
	for _, v := range violations {
		out = append(out, [2]string{v.Reason, v.Detail})
	}
	return out
}

func TestEvaluateLikeTheLibrary(t *testing.T) {
	t.Parallel()
	e, library := mustEvaluator(t), mustLibrary(t)
	failed := map[string]bool{}
	for seed := range int64(400) {
		annotations, spec := podtest.NewRandom(seed).Pod()
		wantSame(t, e, library, annotations, spec, everyVersion()...)
		for _, v := range e.Verdict(annotations, spec, api.LatestVersion()).Violations {
			failed[v.Check] = true
		}
	}
	for _, c := range policy.DefaultChecks() {
		if !failed[string(c.ID)] {
			t.Errorf("no random pod fails check %s: the comparison says nothing of it", c.ID)
		}
	}
}

// The container of the StatefulSet sets nothing but a user; the text is what an API server prints after
// `would violate PodSecurity "restricted:latest": `.
func TestViolationMessageOfAStatefulSet(t *testing.T) {
	t.Parallel()
	const want = `allowPrivilegeEscalation != false (container "postgresql" must set securityContext.allowPrivilegeEscalation=false), ` +
		`unrestricted capabilities (container "postgresql" must set securityContext.capabilities.drop=["ALL"]), ` +
		`runAsNonRoot != true (pod or container "postgresql" must set securityContext.runAsNonRoot=true), ` +
		`seccompProfile (pod or container "postgresql" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`
	e := mustEvaluator(t)
	spec := &corev1.PodSpec{Containers: []corev1.Container{{
		Name: "postgresql", SecurityContext: &corev1.SecurityContext{RunAsUser: new(int64(1001))},
	}}}
	latest := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	if diff := cmp.Diff(want, ViolationMessage(e.Evaluate(nil, spec, latest))); diff != "" {
		t.Errorf("Evaluate (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, ViolationMessage(e.ViolationsAtLevel(e.Verdict(nil, spec, api.LatestVersion()).Violations, latest))); diff != "" {
		t.Errorf("AtLevel of the verdict (-want +got):\n%s", diff)
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	hardened := func() *corev1.PodSpec {
		return &corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{Name: "app", SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}}},
		}
	}
	cases := []struct {
		name    string
		version api.Version
		edit    func(*corev1.PodSpec)
		want    Verdict
	}{
		{
			name: "meets restricted", version: api.MajorMinorVersion(1, 25),
			want: Verdict{Level: api.LevelRestricted},
		},
		{
			name: "one restricted check", version: api.MajorMinorVersion(1, 25),
			edit: func(s *corev1.PodSpec) { s.SecurityContext.RunAsNonRoot = nil },
			want: Verdict{Level: api.LevelBaseline, Violations: []Violation{{
				Check: "runAsNonRoot", Level: api.LevelRestricted, Reason: "runAsNonRoot != true",
				Detail: `pod or container "app" must set securityContext.runAsNonRoot=true`,
			}}},
		},
		{
			name: "an overridden baseline check stays listed", version: api.MajorMinorVersion(1, 25),
			edit: func(s *corev1.PodSpec) {
				s.SecurityContext.SeccompProfile.Type = corev1.SeccompProfileTypeUnconfined
			},
			want: Verdict{Level: api.LevelPrivileged, Violations: []Violation{
				{
					Check: "seccompProfile_baseline", Level: api.LevelBaseline, Reason: "seccompProfile",
					Detail: `pod must not set securityContext.seccompProfile.type to "Unconfined"`,
				},
				{
					Check: "seccompProfile_restricted", Level: api.LevelRestricted, Reason: "seccompProfile",
					Detail: `pod must not set securityContext.seccompProfile.type to "Unconfined"`,
				},
			}},
		},
		{
			name: "a check that is not there yet", version: api.MajorMinorVersion(1, 33),
			edit: func(s *corev1.PodSpec) { probeHost(s) },
			want: Verdict{Level: api.LevelRestricted},
		},
		{
			name: "a check that has come", version: api.MajorMinorVersion(1, 34),
			edit: func(s *corev1.PodSpec) { probeHost(s) },
			want: Verdict{Level: api.LevelPrivileged, Violations: []Violation{{
				Check: "hostProbesAndHostLifecycle", Level: api.LevelBaseline, Reason: "probe or lifecycle host",
				Detail: `container "app" uses probe or lifecycle host "10.0.0.1"`,
			}}},
		},
		{
			name: "Windows waives an overriding check, not the overridden one", version: api.MajorMinorVersion(1, 25),
			edit: func(s *corev1.PodSpec) {
				s.OS = &corev1.PodOS{Name: corev1.Windows}
				s.Containers[0].SecurityContext.Capabilities.Add = []corev1.Capability{"NET_ADMIN"}
			},
			want: Verdict{Level: api.LevelPrivileged, Violations: []Violation{{
				Check: "capabilities_baseline", Level: api.LevelBaseline, Reason: "non-default capabilities",
				Detail: `container "app" must not include "NET_ADMIN" in securityContext.capabilities.add`,
			}}},
		},
	}
	e := mustEvaluator(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			spec := hardened()
			if c.edit != nil {
				c.edit(spec)
			}
			if diff := cmp.Diff(c.want, e.Verdict(nil, spec, c.version)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func probeHost(s *corev1.PodSpec) {
	s.Containers[0].LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "10.0.0.1"}}}
}

func TestViolationMessage(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name       string
		violations []Violation
		want       string
	}{
		{name: "none"},
		{name: "no detail", violations: []Violation{{Reason: "host ports"}}, want: "host ports"},
		{
			name:       "some with detail",
			violations: []Violation{{Reason: "host ports", Detail: "80"}, {Reason: "privileged"}, {Reason: "volumes", Detail: "x"}},
			want:       "host ports (80), privileged, volumes (x)",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, ViolationMessage(c.violations)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewEvaluatorRefusesBrokenChecks(t *testing.T) {
	t.Parallel()
	_, err := newEvaluator([]policy.Check{{ID: "x", Level: api.LevelBaseline}})
	const want = "validating the checks of the Pod Security library: check x: empty"
	if fmt.Sprint(err) != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestUnknownReason(t *testing.T) {
	t.Parallel()
	e, err := newEvaluator([]policy.Check{{
		ID: "x", Level: api.LevelBaseline,
		Versions: []policy.VersionedCheck{{
			MinimumVersion: api.MajorMinorVersion(1, 5),
			CheckPod:       func(*metav1.ObjectMeta, *corev1.PodSpec) policy.CheckResult { return policy.CheckResult{} },
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Violation{{Check: "x", Level: api.LevelBaseline, Reason: policy.UnknownForbiddenReason}}
	got := e.Evaluate(nil, &corev1.PodSpec{}, api.LevelVersion{Level: api.LevelBaseline, Version: api.LatestVersion()})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := e.Evaluate(nil, &corev1.PodSpec{}, api.LevelVersion{Level: api.LevelBaseline, Version: api.MajorMinorVersion(1, 4)}); got != nil {
		t.Errorf("before the check came: %v", got)
	}
}
