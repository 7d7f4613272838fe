package psp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

// What comes off a pod without a template: what the policy would have written where the author left it unset, no more.
func TestUnmutatedBarePod(t *testing.T) {
	t.Parallel()
	security := func(sc corev1.SecurityContext) *inventory.Shape {
		return podtest.ShapeOf(corev1.Container{Name: "app", SecurityContext: &sc})
	}
	pod := func(sc corev1.PodSecurityContext, annotations map[string]string) *inventory.Shape {
		return &inventory.Shape{Annotations: annotations, Spec: corev1.PodSpec{SecurityContext: &sc, Containers: []corev1.Container{podtest.Plain("app")}}}
	}
	profile := func(kind corev1.SeccompProfileType, localhost *string) *corev1.SeccompProfile {
		return &corev1.SeccompProfile{Type: kind, LocalhostProfile: localhost}
	}
	seccomp := func(value string) *pspparse.Policy {
		return podtest.PolicyOf("psp", func(p *pspparse.Policy) { p.Annotations[pspparse.SeccompDefaultAnnotation] = value })
	}
	appArmor := podtest.PolicyOf("psp", func(p *pspparse.Policy) { p.Annotations[pspparse.AppArmorDefaultAnnotation] = "localhost/x" })
	user := podtest.PolicyOf("psp", func(p *pspparse.Policy) {
		p.Spec.RunAsUser = pspparse.IDStrategy{Rule: pspparse.MustRunAs, Ranges: []pspparse.IDRange{{Min: 5, Max: 9}, {Min: 1, Max: 2}}}
	})
	group := podtest.PolicyOf("psp", func(p *pspparse.Policy) {
		p.Spec.RunAsGroup = &pspparse.IDStrategy{Rule: pspparse.MustRunAs, Ranges: []pspparse.IDRange{{Min: 5, Max: 9}}}
	})
	selinux := podtest.PolicyOf("psp", func(p *pspparse.Policy) {
		p.Spec.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.MustRunAs, SELinuxOptions: &pspparse.SELinuxOptions{}}
	})
	escalation := podtest.PolicyOf("psp", func(p *pspparse.Policy) { p.Spec.DefaultAllowPrivilegeEscalation = new(true) })
	hardens := podtest.Hardening("psp")
	const app = podspec.AppArmorAnnotationPrefix + "app"

	cases := []struct {
		name   string
		policy *pspparse.Policy // nil: not read
		pod    *inventory.Shape
		want   *inventory.Shape // nil: stays as it is
	}{
		{"user of the first range", user, security(corev1.SecurityContext{RunAsUser: new(int64(5))}), security(corev1.SecurityContext{})},
		{"user of another range", user, security(corev1.SecurityContext{RunAsUser: new(int64(1))}), nil},
		{
			"user under a pod-level user", user,
			podtest.Edited(security(corev1.SecurityContext{RunAsUser: new(int64(5))}), func(s *inventory.Shape) { s.Spec.SecurityContext.RunAsUser = new(int64(0)) }),
			nil,
		},
		{"group of the first range", group, security(corev1.SecurityContext{RunAsGroup: new(int64(5))}), security(corev1.SecurityContext{})},
		{
			"group under a pod-level group", group,
			podtest.Edited(security(corev1.SecurityContext{RunAsGroup: new(int64(5))}), func(s *inventory.Shape) { s.Spec.SecurityContext.RunAsGroup = new(int64(0)) }),
			nil,
		},
		{"pod-level user", nil, pod(corev1.PodSecurityContext{RunAsUser: new(int64(5)), RunAsNonRoot: new(true)}, nil), nil},
		{"runAsNonRoot", hardens, security(corev1.SecurityContext{RunAsNonRoot: new(true)}), security(corev1.SecurityContext{})},
		{"runAsNonRoot, of a policy that never writes it", group, security(corev1.SecurityContext{RunAsNonRoot: new(true)}), nil},
		{"read-only root, of a policy that never writes it", group, security(corev1.SecurityContext{ReadOnlyRootFilesystem: new(true)}), nil},
		{"runAsNonRoot false", hardens, security(corev1.SecurityContext{RunAsNonRoot: new(false)}), nil},
		{"runAsNonRoot beside a user", hardens, security(corev1.SecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(5))}), nil},
		{
			"runAsNonRoot beside a user, policy not read", nil,
			security(corev1.SecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(5))}), security(corev1.SecurityContext{}),
		},
		{
			"runAsNonRoot under a pod-level one", hardens,
			podtest.Edited(security(corev1.SecurityContext{RunAsNonRoot: new(true)}), func(s *inventory.Shape) { s.Spec.SecurityContext.RunAsNonRoot = new(false) }),
			nil,
		},
		{"escalation, as the policy writes it", escalation, security(corev1.SecurityContext{AllowPrivilegeEscalation: new(true)}), security(corev1.SecurityContext{})},
		{"escalation, not as the policy writes it", escalation, security(corev1.SecurityContext{AllowPrivilegeEscalation: new(false)}), nil},
		{"writable root", nil, security(corev1.SecurityContext{ReadOnlyRootFilesystem: new(false)}), nil},
		{"privileged", nil, security(corev1.SecurityContext{Privileged: new(true)}), nil},
		{"container seccomp", nil, security(corev1.SecurityContext{SeccompProfile: profile("Unconfined", nil)}), nil},
		{"empty SELinux options", selinux, pod(corev1.PodSecurityContext{SELinuxOptions: &corev1.SELinuxOptions{}}, nil), pod(corev1.PodSecurityContext{}, nil)},
		{"other SELinux options", selinux, pod(corev1.PodSecurityContext{SELinuxOptions: &corev1.SELinuxOptions{Type: "spc_t"}}, nil), nil},
		{
			"seccomp, field and annotation", seccomp("docker/default"),
			pod(corev1.PodSecurityContext{SeccompProfile: profile("RuntimeDefault", nil)}, map[string]string{podspec.SeccompPodAnnotation: "docker/default"}),
			pod(corev1.PodSecurityContext{}, map[string]string{}),
		},
		{
			"seccomp, annotation alone", seccomp("unconfined"),
			pod(corev1.PodSecurityContext{}, map[string]string{podspec.SeccompPodAnnotation: "unconfined"}), pod(corev1.PodSecurityContext{}, map[string]string{}),
		},
		{
			"seccomp, another annotation", seccomp("docker/default"),
			pod(corev1.PodSecurityContext{SeccompProfile: profile("RuntimeDefault", nil)}, map[string]string{podspec.SeccompPodAnnotation: "runtime/default"}),
			nil,
		},
		{
			"seccomp, a local profile", seccomp("localhost/x.json"),
			pod(corev1.PodSecurityContext{SeccompProfile: profile("Localhost", new("x.json"))}, nil), pod(corev1.PodSecurityContext{}, nil),
		},
		{
			"seccomp, another local profile", seccomp("localhost/x.json"),
			pod(corev1.PodSecurityContext{SeccompProfile: profile("Localhost", new("y.json"))}, nil), nil,
		},
		{"seccomp, a default without a field", seccomp("localhost/"), pod(corev1.PodSecurityContext{SeccompProfile: profile("Localhost", nil)}, nil), nil},
		{
			"seccomp, policy not read", nil,
			pod(corev1.PodSecurityContext{SeccompProfile: profile("RuntimeDefault", nil)}, map[string]string{podspec.SeccompPodAnnotation: "x"}),
			pod(corev1.PodSecurityContext{}, map[string]string{}),
		},
		{"AppArmor", appArmor, pod(corev1.PodSecurityContext{}, map[string]string{app: "localhost/x"}), pod(corev1.PodSecurityContext{}, map[string]string{})},
		{"another AppArmor profile", appArmor, pod(corev1.PodSecurityContext{}, map[string]string{app: "unconfined"}), nil},
		{"AppArmor, policy not read", nil, pod(corev1.PodSecurityContext{}, map[string]string{app: "unconfined"}), pod(corev1.PodSecurityContext{}, map[string]string{})},
		{
			"capabilities, policy not read", nil,
			security(corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"A"}, Drop: []corev1.Capability{"B"}}}),
			security(corev1.SecurityContext{Capabilities: &corev1.Capabilities{}}),
		},
		{
			"capabilities beside the policy's", hardens,
			security(corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"ALL"}, Drop: []corev1.Capability{"ALL", "KILL"}}}),
			security(corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"ALL"}, Drop: []corev1.Capability{"KILL"}}}),
		},
		{
			"groups and runtime class, policy not read", nil,
			podtest.Edited(pod(corev1.PodSecurityContext{FSGroup: new(int64(1)), SupplementalGroups: []int64{1}}, nil),
				func(s *inventory.Shape) { s.Spec.RuntimeClassName = new("sandbox") }),
			pod(corev1.PodSecurityContext{}, nil),
		},
		{"one group, policy not read", nil, pod(corev1.PodSecurityContext{SupplementalGroups: []int64{1}}, nil), pod(corev1.PodSecurityContext{}, nil)},
		{"several groups are not a policy's", nil, pod(corev1.PodSecurityContext{SupplementalGroups: []int64{1, 2}}, nil), nil},
		{"a policy without a mutation", podtest.PolicyOf("psp", nil), podtest.Mutate(hardens, podtest.ShapeOf(podtest.Plain("app"))), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := Unmutated{Pod: c.pod, Mutation: UnknownMutation(), BeyondTemplate: true}
			if c.policy != nil {
				e.Mutation = MutationOf(c.policy)
			}
			before := podtest.Normal(c.pod)
			got := e.Shape()
			if diff := cmp.Diff(before, podtest.Normal(c.pod)); diff != "" {
				t.Errorf("the pod itself was changed (-before +after):\n%s", diff)
			}
			if (got == c.pod) != (c.want == nil) {
				t.Errorf("left as it is = %t, want %t", got == c.pod, c.want == nil)
			}
			if c.want == nil {
				return
			}
			if diff := cmp.Diff(podtest.Normal(c.want), podtest.Normal(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Where the template is known, what the policy wrote comes off exactly, whatever it was.
func TestUnmutatedUndoesMutation(t *testing.T) {
	t.Parallel()
	for seed := range int64(200) {
		r := podtest.NewRandom(seed)
		p, template := r.Policy(), r.Template()
		u := Unmutated{Pod: podtest.Mutate(p, template), Template: template, Mutation: MutationOf(p)}
		if diff := cmp.Diff(podtest.Normal(template), podtest.Normal(u.Shape())); diff != "" {
			t.Fatalf("seed %d (-template +unmutated pod):\n%s", seed, diff)
		}
	}
}
