package simulate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

func wantDayAfter(t *testing.T, want, got DayAfter) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("day after (-want +got):\n%s", diff)
	}
}

// podsOf is one live pod, "web-1".
func podsOf(s *inventory.Shape, admittedBy string) []inventory.PodGroup {
	return []inventory.PodGroup{{Shape: s, AdmittedBy: admittedBy, Count: 1, Example: "web-1"}}
}

func shapeOf(containers ...corev1.Container) *inventory.Shape {
	return &inventory.Shape{Spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{}, Containers: containers}}
}

// plain sets nothing; hardened all that restricted asks for.
func plain(name string) corev1.Container { return corev1.Container{Name: name} }

func hardened(name string) corev1.Container {
	return corev1.Container{Name: name, SecurityContext: &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false), RunAsNonRoot: new(true),
		Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}}
}

func edited(s *inventory.Shape, edits ...func(*inventory.Shape)) *inventory.Shape {
	for _, edit := range edits {
		edit(s)
	}
	return s
}

// policyOf is a policy that leaves pods alone but for what the edit states.
func policyOf(name string, edit func(*pspparse.Policy)) *pspparse.Policy {
	anyID := pspparse.IDStrategy{Rule: pspparse.RunAsAny}
	p := &pspparse.Policy{Name: name, Annotations: map[string]string{}, Spec: pspparse.Spec{
		SELinux: pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny}, RunAsUser: anyID, SupplementalGroups: anyID, FSGroup: anyID,
		AllowPrivilegeEscalation: new(true),
	}}
	if edit != nil {
		edit(p)
	}
	return p
}

// hardening fills in everything that restricted asks for.
func hardening(name string) *pspparse.Policy {
	return policyOf(name, func(p *pspparse.Policy) {
		p.Annotations[pspparse.SeccompDefaultAnnotation] = "runtime/default"
		p.Spec.RunAsUser.Rule = pspparse.MustRunAsNonRoot
		p.Spec.RequiredDropCapabilities = []string{"ALL"}
		p.Spec.AllowPrivilegeEscalation = new(false)
		p.Spec.ReadOnlyRootFilesystem = true
	})
}

const (
	noEscalation = `allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false)`
	noDrop       = `unrestricted capabilities (container "app" must set securityContext.capabilities.drop=["ALL"])`
	noNonRoot    = `runAsNonRoot != true (pod or container "app" must set securityContext.runAsNonRoot=true)`
	noSeccomp    = `seccompProfile (pod or container "app" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`
	plainApp     = noEscalation + ", " + noDrop + ", " + noNonRoot + ", " + noSeccomp
)

func TestDayAfter(t *testing.T) {
	t.Parallel()
	type want struct {
		Level      api.Level
		Estimated  bool
		Pod        string
		Violations string
	}
	var (
		hardens   = hardening("hardening")
		idle      = policyOf("idle", nil)
		unusable  = policyOf("unusable", func(p *pspparse.Policy) { p.Spec.RunAsUser.Rule = pspparse.MustRunAs })
		unconfine = policyOf("unconfine", func(p *pspparse.Policy) {
			p.Annotations[pspparse.SeccompDefaultAnnotation] = "unconfined"
		})
		template = shapeOf(plain("app"))
		policies = []*pspparse.Policy{hardens, idle, unusable, unconfine}

		bare = func(s *inventory.Shape, admittedBy string) inventory.Workload {
			return inventory.Workload{Kind: "Pod", Name: "web-1", Pods: podsOf(s, admittedBy)}
		}
		backed = func(template, pod *inventory.Shape, admittedBy string) inventory.Workload {
			return inventory.Workload{Kind: "Deployment", Name: "web", Template: template, Pods: podsOf(pod, admittedBy)}
		}
		textOf = func(written, pod *inventory.Shape, admittedBy string) inventory.Workload {
			return inventory.Workload{Kind: "Pod", Name: "web-1", Template: written, Pods: podsOf(pod, admittedBy)}
		}
		mesh = func() *inventory.Shape {
			return edited(shapeOf(hardened("app")), func(s *inventory.Shape) {
				s.Spec.InitContainers = []corev1.Container{{Name: "mesh-init", SecurityContext: &corev1.SecurityContext{
					Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_ADMIN", "NET_RAW"}},
				}}}
			})
		}
		meshMessage = `non-default capabilities (container "mesh-init" must not include "NET_ADMIN", "NET_RAW" in securityContext.capabilities.add), ` +
			`allowPrivilegeEscalation != false (container "mesh-init" must set securityContext.allowPrivilegeEscalation=false), ` +
			`unrestricted capabilities (container "mesh-init" must set securityContext.capabilities.drop=["ALL"]; container "mesh-init" must not include "NET_ADMIN", "NET_RAW" in securityContext.capabilities.add), ` +
			`runAsNonRoot != true (pod or container "mesh-init" must set securityContext.runAsNonRoot=true), ` +
			`seccompProfile (pod or container "mesh-init" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`
		debugged = func() *inventory.Shape {
			return edited(fillIn(hardens, shapeOf(hardened("app"))), func(s *inventory.Shape) {
				s.Spec.EphemeralContainers = []corev1.EphemeralContainer{{
					EphemeralContainerCommon: corev1.EphemeralContainerCommon(hardened("debug")),
				}}
			})
		}
	)
	cases := []struct {
		name     string
		workload inventory.Workload
		want     want
	}{
		{
			name:     "template without pods",
			workload: inventory.Workload{Kind: "Deployment", Template: template},
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "pods like the template",
			workload: backed(template, template, "hardening"),
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "pods that only a policy made stricter",
			workload: backed(template, fillIn(hardens, template), "hardening"),
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "the same, policy not read",
			workload: backed(template, fillIn(hardens, template), "gone"),
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "a policy's seccomp default that baseline forbids goes with the policy",
			workload: backed(template, fillIn(unconfine, template), "unconfine"),
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "the same value where the policy would not have written it",
			workload: backed(template, fillIn(unconfine, template), "hardening"),
			want: want{Level: api.LevelPrivileged, Pod: "web-1", Violations: `seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined"), ` +
				noEscalation + ", " + noDrop + ", " + noNonRoot +
				`, seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")`},
		},
		{
			name:     "the same value, policy not read: nobody knows, the pod may stay as it is",
			workload: backed(template, fillIn(unconfine, template), "gone"),
			want: want{Level: api.LevelPrivileged, Estimated: true, Pod: "web-1", Violations: `seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined"), ` +
				noEscalation + ", " + noDrop + ", " + noNonRoot +
				`, seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")`},
		},
		{
			name:     "a webhook tightened what no policy touched: the template still counts",
			workload: backed(template, shapeOf(hardened("app")), ""),
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "a mesh's init container",
			workload: backed(shapeOf(hardened("app")), mesh(), "idle"),
			want:     want{Level: api.LevelPrivileged, Pod: "web-1", Violations: meshMessage},
		},
		{
			name:     "a mesh's init container, no policy at all",
			workload: backed(shapeOf(hardened("app")), mesh(), ""),
			want:     want{Level: api.LevelPrivileged, Pod: "web-1", Violations: meshMessage},
		},
		{
			name:     "a mesh's init container, policy not read: the capabilities may be the mesh's",
			workload: backed(shapeOf(hardened("app")), mesh(), "gone"),
			want:     want{Level: api.LevelPrivileged, Estimated: true, Pod: "web-1", Violations: meshMessage},
		},
		{
			name:     "a sidecar that is restricted only through the policy",
			workload: backed(shapeOf(hardened("app")), fillIn(hardens, shapeOf(hardened("app"), plain("sidecar"))), "hardening"),
			want: want{
				Level: api.LevelBaseline, Estimated: true, Pod: "web-1",
				Violations: `allowPrivilegeEscalation != false (container "sidecar" must set securityContext.allowPrivilegeEscalation=false), ` +
					`unrestricted capabilities (container "sidecar" must set securityContext.capabilities.drop=["ALL"]), ` +
					`runAsNonRoot != true (pod or container "sidecar" must set securityContext.runAsNonRoot=true), ` +
					`seccompProfile (pod or container "sidecar" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`,
			},
		},
		{
			name:     "the same sidecar, no policy: it is restricted by itself",
			workload: backed(shapeOf(hardened("app")), shapeOf(hardened("app"), hardened("sidecar")), ""),
			want:     want{Level: api.LevelRestricted},
		},
		{
			name:     "the same sidecar under a policy that fills nothing in",
			workload: backed(shapeOf(hardened("app")), shapeOf(hardened("app"), hardened("sidecar")), "idle"),
			want:     want{Level: api.LevelRestricted},
		},
		{
			name:     "a sidecar in doubt beside a template that is no stricter either way",
			workload: backed(shapeOf(plain("app")), fillIn(hardens, shapeOf(plain("app"), hardened("sidecar"))), "hardening"),
			want: want{Level: api.LevelBaseline, Estimated: true, Violations: `allowPrivilegeEscalation != false (containers "app", "sidecar" must set securityContext.allowPrivilegeEscalation=false), ` +
				`unrestricted capabilities (containers "app", "sidecar" must set securityContext.capabilities.drop=["ALL"]), ` +
				`runAsNonRoot != true (pod or containers "app", "sidecar" must set securityContext.runAsNonRoot=true), ` + noSeccomp},
		},
		{
			name:     "a debug container is no policy's work",
			workload: backed(shapeOf(hardened("app")), debugged(), "hardening"),
			want:     want{Level: api.LevelRestricted},
		},
		{
			name:     "a bare pod that is restricted only through its policy",
			workload: bare(fillIn(hardens, shapeOf(plain("app"))), "hardening"),
			want:     want{Level: api.LevelBaseline, Estimated: true, Pod: "web-1", Violations: plainApp},
		},
		{
			name:     "the same, policy not read",
			workload: bare(fillIn(hardens, shapeOf(plain("app"))), "gone"),
			want:     want{Level: api.LevelBaseline, Estimated: true, Pod: "web-1", Violations: plainApp},
		},
		{
			name:     "the same, policy unusable as it is now",
			workload: bare(fillIn(hardens, shapeOf(plain("app"))), "unusable"),
			want:     want{Level: api.LevelBaseline, Estimated: true, Pod: "web-1", Violations: plainApp},
		},
		{
			name:     "a bare pod that is restricted by itself",
			workload: bare(shapeOf(hardened("app")), "idle"),
			want:     want{Level: api.LevelRestricted, Estimated: true, Pod: "web-1"},
		},
		{
			name:     "a bare pod with nothing that any policy writes",
			workload: bare(shapeOf(plain("app")), "gone"),
			want:     want{Level: api.LevelBaseline, Pod: "web-1", Violations: plainApp},
		},
		{
			name:     "a bare pod of which its author's text is known",
			workload: textOf(shapeOf(plain("app")), fillIn(hardens, shapeOf(plain("app"))), "hardening"),
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "the same, policy not read",
			workload: textOf(shapeOf(plain("app")), fillIn(hardens, shapeOf(plain("app"))), "gone"),
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "the same, restricted as its author wrote it",
			workload: textOf(shapeOf(hardened("app")), shapeOf(hardened("app")), "idle"),
			want:     want{Level: api.LevelRestricted},
		},
		{
			name:     "a bare pod that no policy touched",
			workload: bare(shapeOf(hardened("app")), ""),
			want:     want{Level: api.LevelRestricted, Pod: "web-1"},
		},
		{
			name: "a mirror pod is admitted like any other",
			workload: inventory.Workload{Kind: "Pod", Pods: []inventory.PodGroup{{
				Shape: fillIn(hardens, shapeOf(plain("app"))), AdmittedBy: "hardening", Mirror: true, Count: 1, Example: "kube-proxy-node1",
			}}},
			want: want{Level: api.LevelBaseline, Estimated: true, Pod: "kube-proxy-node1", Violations: plainApp},
		},
		{
			name: "an owner that was not read, pods that differ",
			workload: inventory.Workload{Kind: "Rollout", Name: "web", Pods: []inventory.PodGroup{
				{Shape: shapeOf(hardened("app")), Example: "web-1"},
				{Shape: shapeOf(plain("app")), Example: "web-2"},
				{Shape: edited(shapeOf(plain("app")), func(s *inventory.Shape) { s.Spec.Containers[0].Name = "other" }), Example: "web-3"},
			}},
			want: want{Level: api.LevelBaseline, Pod: "web-2", Violations: `allowPrivilegeEscalation != false (containers "app", "other" must set securityContext.allowPrivilegeEscalation=false), ` +
				`unrestricted capabilities (containers "app", "other" must set securityContext.capabilities.drop=["ALL"]), ` +
				`runAsNonRoot != true (pod or containers "app", "other" must set securityContext.runAsNonRoot=true), ` +
				`seccompProfile (pod or containers "app", "other" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`},
		},
		{
			name: "the first pod by name decides, though only without what its policy filled in",
			workload: inventory.Workload{Kind: "Rollout", Name: "web", Pods: []inventory.PodGroup{
				{Shape: fillIn(hardens, shapeOf(plain("app"))), AdmittedBy: "hardening", Example: "web-1"},
				{Shape: shapeOf(plain("app")), Example: "web-2"},
			}},
			want: want{Level: api.LevelBaseline, Estimated: true, Pod: "web-1", Violations: plainApp},
		},
		{name: "nothing to judge", workload: inventory.Workload{Kind: "Pod"}},
	}
	j := mustJudge(t, policies...)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // the second answer is the remembered one
				d := j.DayAfter(&c.workload, api.MajorMinorVersion(1, 25))
				got := want{d.Level, d.Estimated, d.Pod, Message(d.Violations)}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// A field that may have come of an annotation is not in the next pod of a server from v1.27 on, whatever policies do.
func TestDayAfterOfABarePodWithAnnotations(t *testing.T) {
	t.Parallel()
	pod := edited(shapeOf(plain("app")), func(s *inventory.Shape) {
		s.Annotations = map[string]string{seccompContainerAnnotationPrefix + "app": "runtime/default"}
		s.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
	})
	j := mustJudge(t)
	for minor, want := range map[int]bool{25: false, 26: false, 27: true, 30: true} {
		v := api.MajorMinorVersion(1, minor)
		if got := j.DayAfter(&inventory.Workload{Kind: "Pod", Pods: podsOf(pod, "gone")}, v); got.Estimated != want {
			t.Errorf("at %s: estimated %t, want %t", v.String(), got.Estimated, want)
		}
	}
}

// Two policies of one name: which one touched the pod cannot be told, so neither is known, in either order.
func TestDayAfterOfAPolicyReadTwice(t *testing.T) {
	t.Parallel()
	a, b := hardening("psp"), policyOf("psp", nil)
	w := &inventory.Workload{Kind: "Pod", Pods: podsOf(fillIn(a, shapeOf(plain("app"))), "psp")}
	want := DayAfter{Estimated: true, Pod: "web-1", Verdict: mustJudge(t).Evaluate(shapeOf(plain("app")), api.LatestVersion())}
	wantDayAfter(t, want, mustJudge(t, a, b).DayAfter(w, api.LatestVersion()))
	wantDayAfter(t, want, mustJudge(t, b, a).DayAfter(w, api.LatestVersion()))
}

// What comes off a pod without a template: what the policy would have written where the author left it unset, no more.
func TestStrippedBarePod(t *testing.T) {
	t.Parallel()
	security := func(sc corev1.SecurityContext) *inventory.Shape {
		return shapeOf(corev1.Container{Name: "app", SecurityContext: &sc})
	}
	pod := func(sc corev1.PodSecurityContext, annotations map[string]string) *inventory.Shape {
		return &inventory.Shape{Annotations: annotations, Spec: corev1.PodSpec{SecurityContext: &sc, Containers: []corev1.Container{plain("app")}}}
	}
	profile := func(kind corev1.SeccompProfileType, localhost *string) *corev1.SeccompProfile {
		return &corev1.SeccompProfile{Type: kind, LocalhostProfile: localhost}
	}
	seccomp := func(value string) *pspparse.Policy {
		return policyOf("psp", func(p *pspparse.Policy) { p.Annotations[pspparse.SeccompDefaultAnnotation] = value })
	}
	appArmor := policyOf("psp", func(p *pspparse.Policy) { p.Annotations[pspparse.AppArmorDefaultAnnotation] = "localhost/x" })
	user := policyOf("psp", func(p *pspparse.Policy) {
		p.Spec.RunAsUser = pspparse.IDStrategy{Rule: pspparse.MustRunAs, Ranges: []pspparse.IDRange{{Min: 5, Max: 9}, {Min: 1, Max: 2}}}
	})
	selinux := policyOf("psp", func(p *pspparse.Policy) {
		p.Spec.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.MustRunAs, SELinuxOptions: &pspparse.SELinuxOptions{}}
	})
	escalation := policyOf("psp", func(p *pspparse.Policy) { p.Spec.DefaultAllowPrivilegeEscalation = new(true) })
	hardens := hardening("psp")
	const app = appArmorAnnotationPrefix + "app"

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
			edited(security(corev1.SecurityContext{RunAsUser: new(int64(5))}), func(s *inventory.Shape) { s.Spec.SecurityContext.RunAsUser = new(int64(0)) }),
			nil,
		},
		{"pod-level user", nil, pod(corev1.PodSecurityContext{RunAsUser: new(int64(5)), RunAsNonRoot: new(true)}, nil), nil},
		{"runAsNonRoot", hardens, security(corev1.SecurityContext{RunAsNonRoot: new(true)}), security(corev1.SecurityContext{})},
		{"runAsNonRoot false", hardens, security(corev1.SecurityContext{RunAsNonRoot: new(false)}), nil},
		{"runAsNonRoot beside a user", hardens, security(corev1.SecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(5))}), nil},
		{
			"runAsNonRoot beside a user, policy not read", nil,
			security(corev1.SecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(5))}), security(corev1.SecurityContext{}),
		},
		{
			"runAsNonRoot under a pod-level one", hardens,
			edited(security(corev1.SecurityContext{RunAsNonRoot: new(true)}), func(s *inventory.Shape) { s.Spec.SecurityContext.RunAsNonRoot = new(false) }),
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
			pod(corev1.PodSecurityContext{SeccompProfile: profile("RuntimeDefault", nil)}, map[string]string{seccompPodAnnotation: "docker/default"}),
			pod(corev1.PodSecurityContext{}, map[string]string{}),
		},
		{
			"seccomp, annotation alone", seccomp("unconfined"),
			pod(corev1.PodSecurityContext{}, map[string]string{seccompPodAnnotation: "unconfined"}), pod(corev1.PodSecurityContext{}, map[string]string{}),
		},
		{
			"seccomp, another annotation", seccomp("docker/default"),
			pod(corev1.PodSecurityContext{SeccompProfile: profile("RuntimeDefault", nil)}, map[string]string{seccompPodAnnotation: "runtime/default"}),
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
			pod(corev1.PodSecurityContext{SeccompProfile: profile("RuntimeDefault", nil)}, map[string]string{seccompPodAnnotation: "x"}),
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
			edited(pod(corev1.PodSecurityContext{FSGroup: new(int64(1)), SupplementalGroups: []int64{1}}, nil),
				func(s *inventory.Shape) { s.Spec.RuntimeClassName = new("sandbox") }),
			pod(corev1.PodSecurityContext{}, nil),
		},
		{"several groups are not a policy's", nil, pod(corev1.PodSecurityContext{SupplementalGroups: []int64{1, 2}}, nil), nil},
		{"a policy that fills nothing in", policyOf("psp", nil), fillIn(hardens, shapeOf(plain("app"))), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := estimate{pod: c.pod, by: anyFilling(), beyond: true}
			if c.policy != nil {
				e.by = fillingOf(c.policy)
			}
			before := normal(c.pod)
			got := e.shape()
			if diff := cmp.Diff(before, normal(c.pod)); diff != "" {
				t.Errorf("the pod itself was changed (-before +after):\n%s", diff)
			}
			if (got == c.pod) != (c.want == nil) {
				t.Errorf("left as it is = %t, want %t", got == c.pod, c.want == nil)
			}
			if c.want == nil {
				return
			}
			if diff := cmp.Diff(normal(c.want), normal(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
