package mapping

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	psatest "k8s.io/pod-security-admission/test"

	"github.com/psp2pss/psp2pss/pspparse"
)

// libraryAllows asks the library's revision of one check at one version.
func libraryAllows(t *testing.T, id policy.CheckID, v api.Version, pod *corev1.Pod) bool {
	t.Helper()
	var judge policy.CheckPodFn
	for _, c := range policy.DefaultChecks() {
		for _, revision := range c.Versions {
			if c.ID == id && !v.Older(revision.MinimumVersion) {
				judge = revision.CheckPod
			}
		}
	}
	if judge == nil {
		t.Fatalf("the library has no check %q at %s", id, v)
	}
	return judge(&metav1.ObjectMeta{Annotations: pod.Annotations}, &pod.Spec).Allowed
}

// TestListsAreTheLibrarys asks the library about every value that our lists of accepted values name, at every version
// at which a policy can have lived or be assessed, and about values that they must not name.
func TestListsAreTheLibrarys(t *testing.T) {
	t.Parallel()
	for minor := 22; minor <= 40; minor++ {
		v := api.MajorMinorVersion(1, minor)
		pod := func(change func(*corev1.Pod)) *corev1.Pod {
			p, err := psatest.GetMinimalValidPod(api.LevelRestricted, api.MajorMinorVersion(1, 24))
			if err != nil {
				t.Fatal(err)
			}
			change(p)
			return p
		}
		same := func(id policy.CheckID, value string, ours bool, change func(*corev1.Pod)) {
			t.Helper()
			if theirs := libraryAllows(t, id, v, pod(change)); theirs != ours {
				t.Errorf("%s at %s with %q: library %t, mapping %t", id, v, value, theirs, ours)
			}
		}
		for _, name := range append(baselineSysctls(newestCheckVersion()), "kernel.msgmax", "net.core.somaxconn") {
			same("sysctls", name, slices.Contains(baselineSysctls(v), name), func(p *corev1.Pod) {
				p.Spec.SecurityContext.Sysctls = []corev1.Sysctl{{Name: name, Value: "1"}}
			})
		}
		for _, name := range append(acceptedSELinuxTypes(newestCheckVersion()), "spc_t") {
			same("seLinuxOptions", name, slices.Contains(acceptedSELinuxTypes(v), name), func(p *corev1.Pod) {
				p.Spec.SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{Type: name}
			})
		}
		for _, name := range append(baselineCapabilities(), "NET_RAW", "SYS_ADMIN", "CAP_CHOWN", "ALL") {
			add := func(p *corev1.Pod) {
				p.Spec.Containers[0].SecurityContext.Capabilities.Add = []corev1.Capability{corev1.Capability(name)}
			}
			same("capabilities_baseline", name, slices.Contains(baselineCapabilities(), name), add)
			same("capabilities_restricted", name, slices.Contains(restrictedCapabilities(), name), add)
		}
	}
}

// TestPSPSafeSysctls: what every policy admits is the standard's first list, or nothing could be said of old versions.
func TestPSPSafeSysctls(t *testing.T) {
	t.Parallel()
	if first := baselineSysctls(api.MajorMinorVersion(1, 0)); !slices.Equal(first, pspSafeSysctls()) {
		t.Errorf("the standard's first list is %v, policies admit %v", first, pspSafeSysctls())
	}
}

// TestCover: a level covers a policy that admits all of the level's pods, whatever it fills in.
func TestCover(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*pspparse.Policy)
		want   api.Level
	}{
		{"admits everything", func(*pspparse.Policy) {}, api.LevelPrivileged},
		{"unsafe sysctls refused", func(p *pspparse.Policy) { p.Spec.AllowedUnsafeSysctls = nil }, api.LevelBaseline},
		{"drops refuse nobody", func(p *pspparse.Policy) {
			p.Spec.Privileged = false
			p.Spec.AllowedCapabilities = baselineCapabilities()
			p.Spec.RequiredDropCapabilities = []string{"NET_RAW"}
		}, api.LevelBaseline},
		{"defaults refuse nobody", func(p *pspparse.Policy) {
			no := false
			p.Spec.DefaultAllowPrivilegeEscalation = &no
			p.Annotations[pspparse.AppArmorDefaultAnnotation] = "runtime/default"
		}, api.LevelPrivileged},
		{"non-root, which restricted asks for too", func(p *pspparse.Policy) {
			p.Spec.RunAsUser.Rule = pspparse.MustRunAsNonRoot
		}, api.LevelRestricted},
		{"as strict as restricted and no stricter", func(p *pspparse.Policy) {
			no := false
			*p = *with(closedPolicy(), func(q *pspparse.Policy) { q.Spec.AllowPrivilegeEscalation = &no })
			p.Annotations = map[string]string{pspparse.SeccompAllowedAnnotation: "*"}
			p.Spec.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny}
			p.Spec.AllowedCapabilities = restrictedCapabilities()
			p.Spec.Volumes = restrictedVolumeTypes()
		}, api.LevelRestricted},
		{"read-only root, which no level asks for", func(p *pspparse.Policy) { p.Spec.ReadOnlyRootFilesystem = true }, LevelNone},
		{"no seccomp profile may be set", func(p *pspparse.Policy) {
			delete(p.Annotations, pspparse.SeccompAllowedAnnotation)
		}, LevelNone},
		{"no localhost profile may be set", func(p *pspparse.Policy) {
			p.Annotations[pspparse.SeccompAllowedAnnotation] = "runtime/default"
			p.Annotations[pspparse.SeccompDefaultAnnotation] = "runtime/default"
		}, LevelNone},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, v := range []api.Version{api.MajorMinorVersion(1, 24), api.LatestVersion()} {
				if got := Assess(with(openPolicy(), test.change), v).NoLooserThan; got != test.want {
					t.Errorf("cover at %s is %s, want %s", v, got, test.want)
				}
			}
		})
	}
}
