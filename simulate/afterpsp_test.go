package simulate

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

func wantAfterPSP(t *testing.T, want, got AfterPSP) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after PSP (-want +got):\n%s", diff)
	}
}

const (
	noEscalation = `allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false)`
	noDrop       = `unrestricted capabilities (container "app" must set securityContext.capabilities.drop=["ALL"])`
	noNonRoot    = `runAsNonRoot != true (pod or container "app" must set securityContext.runAsNonRoot=true)`
	noSeccomp    = `seccompProfile (pod or container "app" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`
	plainApp     = noEscalation + ", " + noDrop + ", " + noNonRoot + ", " + noSeccomp
)

func TestAfterPSP(t *testing.T) {
	t.Parallel()
	type want struct {
		Level      api.Level
		Estimated  bool
		Pod        string
		Violations string
	}
	var (
		hardens   = podtest.Hardening("hardening")
		idle      = podtest.PolicyOf("idle", nil)
		unusable  = podtest.PolicyOf("unusable", func(p *pspparse.Policy) { p.Spec.RunAsUser.Rule = pspparse.MustRunAs })
		unconfine = podtest.PolicyOf("unconfine", func(p *pspparse.Policy) {
			p.Annotations[pspparse.SeccompDefaultAnnotation] = "unconfined"
		})
		template = podtest.ShapeOf(podtest.Plain("app"))
		policies = []*pspparse.Policy{hardens, idle, unusable, unconfine}

		bare = func(s *inventory.Shape, admittedBy string) inventory.Workload {
			return inventory.Workload{Kind: "Pod", Name: "web-1", PodGroups: podtest.PodsOf(s, admittedBy)}
		}
		backed = func(template, pod *inventory.Shape, admittedBy string) inventory.Workload {
			return inventory.Workload{Kind: "Deployment", Name: "web", Template: template, PodGroups: podtest.PodsOf(pod, admittedBy)}
		}
		textOf = func(written, pod *inventory.Shape, admittedBy string) inventory.Workload {
			return inventory.Workload{Kind: "Pod", Name: "web-1", Template: written, PodGroups: podtest.PodsOf(pod, admittedBy)}
		}
		mesh = func() *inventory.Shape {
			return podtest.Edited(podtest.ShapeOf(podtest.Hardened("app")), func(s *inventory.Shape) {
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
			return podtest.Edited(podtest.Mutate(hardens, podtest.ShapeOf(podtest.Hardened("app"))), func(s *inventory.Shape) {
				s.Spec.EphemeralContainers = []corev1.EphemeralContainer{{
					EphemeralContainerCommon: corev1.EphemeralContainerCommon(podtest.Hardened("debug")),
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
			name: "a pod like the template hides no later one",
			workload: inventory.Workload{Kind: "Deployment", Name: "web", Template: template, PodGroups: []inventory.PodGroup{
				{Shape: template, ExamplePod: "web-1"}, {Shape: mesh(), ExamplePod: "web-2"},
			}},
			want: want{Level: api.LevelPrivileged, Pod: "web-2", Violations: meshMessage},
		},
		{
			name:     "pods that only a policy made stricter",
			workload: backed(template, podtest.Mutate(hardens, template), "hardening"),
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "the same, policy not read",
			workload: backed(template, podtest.Mutate(hardens, template), "gone"),
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "a policy's seccomp default that baseline forbids goes with the policy",
			workload: backed(template, podtest.Mutate(unconfine, template), "unconfine"),
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "the same value where the policy would not have written it",
			workload: backed(template, podtest.Mutate(unconfine, template), "hardening"),
			want: want{Level: api.LevelPrivileged, Pod: "web-1", Violations: `seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined"), ` +
				noEscalation + ", " + noDrop + ", " + noNonRoot +
				`, seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")`},
		},
		{
			name:     "the same value, policy not read: nobody knows, the pod may stay as it is",
			workload: backed(template, podtest.Mutate(unconfine, template), "gone"),
			want: want{Level: api.LevelPrivileged, Estimated: true, Pod: "web-1", Violations: `seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined"), ` +
				noEscalation + ", " + noDrop + ", " + noNonRoot +
				`, seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")`},
		},
		{
			name:     "a webhook tightened what no policy touched: the template still counts",
			workload: backed(template, podtest.ShapeOf(podtest.Hardened("app")), ""),
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "a mesh's init container",
			workload: backed(podtest.ShapeOf(podtest.Hardened("app")), mesh(), "idle"),
			want:     want{Level: api.LevelPrivileged, Pod: "web-1", Violations: meshMessage},
		},
		{
			name:     "a mesh's init container, no policy at all",
			workload: backed(podtest.ShapeOf(podtest.Hardened("app")), mesh(), ""),
			want:     want{Level: api.LevelPrivileged, Pod: "web-1", Violations: meshMessage},
		},
		{
			name:     "a mesh's init container, policy not read: the capabilities may be the mesh's",
			workload: backed(podtest.ShapeOf(podtest.Hardened("app")), mesh(), "gone"),
			want:     want{Level: api.LevelPrivileged, Estimated: true, Pod: "web-1", Violations: meshMessage},
		},
		{
			name:     "a sidecar that is restricted only through the policy",
			workload: backed(podtest.ShapeOf(podtest.Hardened("app")), podtest.Mutate(hardens, podtest.ShapeOf(podtest.Hardened("app"), podtest.Plain("sidecar"))), "hardening"),
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
			workload: backed(podtest.ShapeOf(podtest.Hardened("app")), podtest.ShapeOf(podtest.Hardened("app"), podtest.Hardened("sidecar")), ""),
			want:     want{Level: api.LevelRestricted},
		},
		{
			name:     "the same sidecar under a policy without a mutation",
			workload: backed(podtest.ShapeOf(podtest.Hardened("app")), podtest.ShapeOf(podtest.Hardened("app"), podtest.Hardened("sidecar")), "idle"),
			want:     want{Level: api.LevelRestricted},
		},
		{
			name:     "a sidecar in doubt beside a template that is no stricter either way",
			workload: backed(podtest.ShapeOf(podtest.Plain("app")), podtest.Mutate(hardens, podtest.ShapeOf(podtest.Plain("app"), podtest.Hardened("sidecar"))), "hardening"),
			want: want{Level: api.LevelBaseline, Estimated: true, Violations: `allowPrivilegeEscalation != false (containers "app", "sidecar" must set securityContext.allowPrivilegeEscalation=false), ` +
				`unrestricted capabilities (containers "app", "sidecar" must set securityContext.capabilities.drop=["ALL"]), ` +
				`runAsNonRoot != true (pod or containers "app", "sidecar" must set securityContext.runAsNonRoot=true), ` + noSeccomp},
		},
		{
			name:     "a debug container is no policy's work",
			workload: backed(podtest.ShapeOf(podtest.Hardened("app")), debugged(), "hardening"),
			want:     want{Level: api.LevelRestricted},
		},
		{
			name:     "a bare pod that is restricted only through its policy",
			workload: bare(podtest.Mutate(hardens, podtest.ShapeOf(podtest.Plain("app"))), "hardening"),
			want:     want{Level: api.LevelBaseline, Estimated: true, Pod: "web-1", Violations: plainApp},
		},
		{
			name:     "the same, policy not read",
			workload: bare(podtest.Mutate(hardens, podtest.ShapeOf(podtest.Plain("app"))), "gone"),
			want:     want{Level: api.LevelBaseline, Estimated: true, Pod: "web-1", Violations: plainApp},
		},
		{
			name:     "the same, policy unusable as it is now",
			workload: bare(podtest.Mutate(hardens, podtest.ShapeOf(podtest.Plain("app"))), "unusable"),
			want:     want{Level: api.LevelBaseline, Estimated: true, Pod: "web-1", Violations: plainApp},
		},
		{
			name:     "a bare pod that is restricted by itself",
			workload: bare(podtest.ShapeOf(podtest.Hardened("app")), "idle"),
			want:     want{Level: api.LevelRestricted, Estimated: true, Pod: "web-1"},
		},
		{
			name:     "a bare pod with nothing that any policy writes",
			workload: bare(podtest.ShapeOf(podtest.Plain("app")), "gone"),
			want:     want{Level: api.LevelBaseline, Pod: "web-1", Violations: plainApp},
		},
		{
			name:     "a bare pod of which its author's text is known",
			workload: textOf(podtest.ShapeOf(podtest.Plain("app")), podtest.Mutate(hardens, podtest.ShapeOf(podtest.Plain("app"))), "hardening"),
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "the same, policy not read",
			workload: textOf(podtest.ShapeOf(podtest.Plain("app")), podtest.Mutate(hardens, podtest.ShapeOf(podtest.Plain("app"))), "gone"),
			want:     want{Level: api.LevelBaseline, Violations: plainApp},
		},
		{
			name:     "the same, restricted as its author wrote it",
			workload: textOf(podtest.ShapeOf(podtest.Hardened("app")), podtest.ShapeOf(podtest.Hardened("app")), "idle"),
			want:     want{Level: api.LevelRestricted},
		},
		{
			name:     "a bare pod that no policy touched",
			workload: bare(podtest.ShapeOf(podtest.Hardened("app")), ""),
			want:     want{Level: api.LevelRestricted, Pod: "web-1"},
		},
		{
			name: "a mirror pod is admitted like any other",
			workload: inventory.Workload{Kind: "Pod", PodGroups: []inventory.PodGroup{{
				Shape: podtest.Mutate(hardens, podtest.ShapeOf(podtest.Plain("app"))), AdmittedBy: "hardening", Mirror: true, Count: 1, ExamplePod: "kube-proxy-node1",
			}}},
			want: want{Level: api.LevelBaseline, Estimated: true, Pod: "kube-proxy-node1", Violations: plainApp},
		},
		{
			name: "an owner that was not read, pods that differ",
			workload: inventory.Workload{Kind: "Rollout", Name: "web", PodGroups: []inventory.PodGroup{
				{Shape: podtest.ShapeOf(podtest.Hardened("app")), ExamplePod: "web-1"},
				{Shape: podtest.ShapeOf(podtest.Plain("app")), ExamplePod: "web-2"},
				{Shape: podtest.Edited(podtest.ShapeOf(podtest.Plain("app")), func(s *inventory.Shape) { s.Spec.Containers[0].Name = "other" }), ExamplePod: "web-3"},
			}},
			want: want{Level: api.LevelBaseline, Pod: "web-2", Violations: `allowPrivilegeEscalation != false (containers "app", "other" must set securityContext.allowPrivilegeEscalation=false), ` +
				`unrestricted capabilities (containers "app", "other" must set securityContext.capabilities.drop=["ALL"]), ` +
				`runAsNonRoot != true (pod or containers "app", "other" must set securityContext.runAsNonRoot=true), ` +
				`seccompProfile (pod or containers "app", "other" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`},
		},
		{
			name: "the first pod by name decides, though only without what its policy wrote",
			workload: inventory.Workload{Kind: "Rollout", Name: "web", PodGroups: []inventory.PodGroup{
				{Shape: podtest.Mutate(hardens, podtest.ShapeOf(podtest.Plain("app"))), AdmittedBy: "hardening", ExamplePod: "web-1"},
				{Shape: podtest.ShapeOf(podtest.Plain("app")), ExamplePod: "web-2"},
			}},
			want: want{Level: api.LevelBaseline, Estimated: true, Pod: "web-1", Violations: plainApp},
		},
		{name: "neither template nor pod", workload: inventory.Workload{Kind: "Pod"}},
	}
	sim := mustSimulator(t, policies...)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // the second answer is the remembered one
				d := sim.AfterPSP(&c.workload, api.MajorMinorVersion(1, 25))
				got := want{d.Level, d.Estimated, d.Pod, pss.ViolationMessage(d.Violations)}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// The verdict on a workload with many different pods names the containers of all of them, each once.
func TestAfterPSPOfManyPods(t *testing.T) {
	t.Parallel()
	const pods = 3 * fewVerdicts
	w := inventory.Workload{Kind: "Rollout", Name: "web"}
	var names []string
	for i := range 2 * pods { // the second half is the first again
		name := fmt.Sprintf("c%02d", i%pods)
		shape := podtest.ShapeOf(podtest.Plain(name))
		if i < pods {
			names = append(names, strconv.Quote(name))
		} else {
			shape = w.PodGroups[i%pods].Shape
		}
		w.PodGroups = append(w.PodGroups, inventory.PodGroup{Shape: shape, ExamplePod: fmt.Sprintf("web-%02d", i)})
	}
	all := strings.Join(names, ", ")
	want := "allowPrivilegeEscalation != false (containers " + all + " must set securityContext.allowPrivilegeEscalation=false), " +
		"unrestricted capabilities (containers " + all + ` must set securityContext.capabilities.drop=["ALL"]), ` +
		"runAsNonRoot != true (pod or containers " + all + " must set securityContext.runAsNonRoot=true), " +
		"seccompProfile (pod or containers " + all + ` must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`
	got := mustSimulator(t).AfterPSP(&w, api.MajorMinorVersion(1, 25))
	if diff := cmp.Diff(want, pss.ViolationMessage(got.Violations)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Level != api.LevelBaseline || got.Pod != "web-00" || got.Estimated {
		t.Errorf("level %s by pod %q, estimated: %t; want baseline by web-00, and sure", got.Level, got.Pod, got.Estimated)
	}
}

// A field that may come from an annotation is missing in the next pod on a server from v1.27 on, whatever the policies are.
func TestAfterPSPOfABarePodWithAnnotations(t *testing.T) {
	t.Parallel()
	pod := podtest.Edited(podtest.ShapeOf(podtest.Plain("app")), func(s *inventory.Shape) {
		s.Annotations = map[string]string{podspec.SeccompContainerAnnotationPrefix + "app": "runtime/default"}
		s.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
	})
	sim := mustSimulator(t)
	for minor, want := range map[int]bool{25: false, 26: false, 27: true, 30: true} {
		v := api.MajorMinorVersion(1, minor)
		if got := sim.AfterPSP(&inventory.Workload{Kind: "Pod", PodGroups: podtest.PodsOf(pod, "gone")}, v); got.Estimated != want {
			t.Errorf("at %s: estimated %t, want %t", v.String(), got.Estimated, want)
		}
	}
}

// Two policies of one name: either may have mutated the pod, so the mutation is unknown, in either order.
func TestAfterPSPOfAPolicyReadTwice(t *testing.T) {
	t.Parallel()
	a, b := podtest.Hardening("psp"), podtest.PolicyOf("psp", nil)
	w := &inventory.Workload{Kind: "Pod", PodGroups: podtest.PodsOf(podtest.Mutate(a, podtest.ShapeOf(podtest.Plain("app"))), "psp")}
	want := AfterPSP{Estimated: true, Pod: "web-1", Verdict: mustSimulator(t).Evaluate(podtest.ShapeOf(podtest.Plain("app")), api.LatestVersion())}
	wantAfterPSP(t, want, mustSimulator(t, a, b).AfterPSP(w, api.LatestVersion()))
	wantAfterPSP(t, want, mustSimulator(t, b, a).AfterPSP(w, api.LatestVersion()))
}
