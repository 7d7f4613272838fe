package harden

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// made makes edits in a pod.
func made(t *testing.T, pod *inventory.Shape, edits []Edit) *inventory.Shape {
	t.Helper()
	values := make([]podtest.PathValue, len(edits))
	for i, e := range edits {
		values[i] = podtest.PathValue{Path: e.Path, Value: e.Value}
	}
	return podtest.SetValues(t, pod, values)
}

// byName are the edits as they stand in another pod, where its containers have other indexes.
func byName(pod *inventory.Shape, edits []Edit) []Edit {
	var out []Edit
	for _, e := range edits {
		_, field, _ := strings.Cut(e.Path, ".securityContext.")
		for _, p := range templateContainers(&pod.Spec) {
			if e.Container != "" && p.Name == e.Container {
				e.Path = fmt.Sprintf("spec.%s[%d].securityContext.%s", p.list, p.index, field)
				out = append(out, e)
			}
		}
		if e.Container == "" {
			out = append(out, e)
		}
	}
	return out
}

// randomSubject returns a random template, with pods that a policy has mutated and into which containers were injected.
func randomSubject(seed int64) *TemplateWithPods {
	r := podtest.NewRandom(seed)
	annotations, spec := r.Pod()
	spec.EphemeralContainers = nil
	s := &TemplateWithPods{Template: inventory.ReducePod(annotations, spec)}
	if r.Intn(3) == 0 { // near to restricted, so that many get there
		spec.HostNetwork, spec.HostPID, spec.HostIPC, spec.Volumes = false, false, false, nil
		s.Template = podtest.ShapeOf(podtest.Plain("a"), podtest.Hardened("b"), withSecurity("c", corev1.SecurityContext{RunAsNonRoot: podtest.Maybe(r, true, false), RunAsUser: podtest.Maybe(r, int64(7))}))
		s.Template.Annotations = annotations
	}
	for range r.Intn(3) {
		pod := s.Template
		if r.Intn(3) > 0 {
			pod = podtest.Mutate(r.Policy(), pod)
		}
		if r.Intn(3) == 0 {
			pod = copyShape(pod)
			pod.Spec.InitContainers = append([]corev1.Container{r.Container("injected")}, pod.Spec.InitContainers...)
			pod = inventory.ReducePod(pod.Annotations, &pod.Spec)
		}
		s.RunningPods, s.FuturePods = append(s.RunningPods, pod), append(s.FuturePods, pod)
	}
	return s
}

// meets asks the library itself, once for the level and once for the looser one, which it includes.
func meets(library policy.Evaluator, pod *inventory.Shape, level api.Level, v api.Version) bool {
	for _, l := range []api.Level{api.LevelBaseline, level} {
		for _, r := range library.EvaluatePod(api.LevelVersion{Level: l, Version: v}, &metav1.ObjectMeta{Annotations: pod.Annotations}, &pod.Spec) {
			if !r.Allowed {
				return false
			}
		}
	}
	return true
}

// With the edits the template and every future pod meet the level if and only if there is no obstacle. No edit repeats what is
// there already, and API validation refuses none.
func TestProposeTemplateEditsIsSound(t *testing.T) {
	t.Parallel()
	e, library := mustEvaluator(t), mustLibrary(t)
	const rounds = 400
	reached, blocked, safe, test := 0, 0, 0, 0
	for seed := range int64(rounds) {
		s := randomSubject(seed)
		before := compactJSON(s)
		for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
			for _, v := range []api.Version{api.MajorMinorVersion(1, 24), api.MajorMinorVersion(1, 25), api.MajorMinorVersion(1, 35), pss.NewestVersion()} {
				where := fmt.Sprintf("seed %d, %s at %s", seed, level, v.String())
				got := ProposeTemplateEdits(e, s, level, v)
				after := made(t, s.Template, got.Edits)
				all := meets(library, after, level, v)
				var next []*inventory.Shape
				for _, pod := range s.FuturePods {
					next = append(next, made(t, pod, byName(pod, got.Edits)))
					all = all && meets(library, next[len(next)-1], level, v)
				}
				if all != (len(got.Obstacles) == 0) {
					t.Fatalf("%s: reached %t, obstacles %v, edits %v", where, all, got.Obstacles, got.Edits)
				}
				if again := ProposeTemplateEdits(e, &TemplateWithPods{Template: after, FuturePods: next, RunningPods: s.RunningPods}, level, v); len(again.Edits) > 0 {
					t.Fatalf("%s: once edited, it is edited again: %v", where, again.Edits)
				}
				for _, edit := range got.Edits {
					wantSoundEdit(t, where, s, edit)
				}
				wantValid(t, where, s.Template, after)
				if len(got.Obstacles) == 0 && len(got.Edits) > 0 {
					reached++
				}
				blocked += len(got.Obstacles)
				for _, edit := range got.Edits {
					if edit.Safety == Safe {
						safe++
					} else {
						test++
					}
				}
			}
		}
		if after := compactJSON(s); after != before {
			t.Fatalf("seed %d: shapes never change (-before +after):\n%s", seed, cmp.Diff(before, after))
		}
	}
	if reached < rounds/4 || blocked < rounds || safe < rounds/4 || test < rounds/4 {
		t.Errorf("the cases are too much alike: %d reached, %d obstacles, %d safe edits, %d to test", reached, blocked, safe, test)
	}
}

// wantSoundEdit checks that an edit changes the template, and changes no running pod if it is safe because they run with it.
func wantSoundEdit(t *testing.T, where string, s *TemplateWithPods, edit Edit) {
	t.Helper()
	if cmp.Equal(s.Template.Spec, made(t, s.Template, []Edit{edit}).Spec) {
		t.Fatalf("%s: %s=%s changes nothing", where, edit.Path, edit.Value)
	}
	if edit.Safety == NeedsTest && edit.Why.Text == "" || edit.Safety != NeedsTest && edit.Safety != Safe {
		t.Fatalf("%s: %s is %q because %q", where, edit.Path, edit.Safety, edit.Why)
	}
	if edit.Why.Text != runsSo {
		return
	}
	for _, pod := range s.RunningPods {
		if diff := cmp.Diff(inEffect(&pod.Spec), inEffect(&made(t, pod, byName(pod, []Edit{edit})).Spec)); diff != "" {
			t.Fatalf("%s: %s=%s is said to be in force, and changes a pod (-before +after):\n%s", where, edit.Path, edit.Value, diff)
		}
	}
}

// inEffect is what the containers of a pod get, written from the API's documentation.
func inEffect(spec *corev1.PodSpec) map[string]string {
	out := map[string]string{}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		pod, own := *podspec.OrEmpty(spec.SecurityContext), *podspec.OrEmpty(c.SecurityContext)
		nonRoot, profile := own.RunAsNonRoot, own.SeccompProfile
		if nonRoot == nil {
			nonRoot = pod.RunAsNonRoot
		}
		if profile == nil {
			profile = pod.SeccompProfile
		}
		escalation := own.AllowPrivilegeEscalation == nil || *own.AllowPrivilegeEscalation
		none := own.Capabilities != nil && slices.Contains(own.Capabilities.Drop, "ALL")
		out[c.Name] = fmt.Sprint(nonRoot != nil && *nonRoot, compactJSON(profile), escalation, none)
	}
	return out
}

// wantValid checks that API validation and the kubelet refuse nothing that an edit has written.
func wantValid(t *testing.T, where string, before, after *inventory.Shape) {
	t.Helper()
	if os := after.Spec.OS; os != nil && os.Name == corev1.Windows && !cmp.Equal(linuxFields(before), linuxFields(after)) {
		t.Fatalf("%s: Linux fields for Windows: %v", where, linuxFields(after))
	}
	for _, p := range templateContainers(&after.Spec) {
		was := indexContainers(&before.Spec).container(p.Name)
		sc, old := p.securityContext(), podspec.OrEmpty(was.SecurityContext)
		if !podspec.IsFalse(old.AllowPrivilegeEscalation) && podspec.IsFalse(sc.AllowPrivilegeEscalation) && podspec.IsTrue(sc.Privileged) {
			t.Fatalf("%s: %s is privileged and may not escalate", where, p.Name)
		}
		user := effectiveUser(&after.Spec, p.Container)
		if !podspec.IsTrue(effectiveNonRoot(&before.Spec, was)) && podspec.IsTrue(effectiveNonRoot(&after.Spec, p.Container)) && user != nil && *user == 0 {
			t.Fatalf("%s: %s is to run as user 0 and not as root", where, p.Name)
		}
		if !slices.Equal(podspec.OrEmpty(old.Capabilities).Add, podspec.OrEmpty(sc.Capabilities).Add) {
			t.Fatalf("%s: %s adds other capabilities", where, p.Name)
		}
		for _, dropped := range podspec.OrEmpty(old.Capabilities).Drop {
			if !slices.Contains(sc.Capabilities.Drop, dropped) {
				t.Fatalf("%s: %s no longer drops %s", where, p.Name, dropped)
			}
		}
		annotation := cmpOr(after.Annotations[podspec.SeccompContainerAnnotationPrefix+p.Name], after.Annotations[podspec.SeccompPodAnnotation])
		field := sc.SeccompProfile
		if field == nil {
			field = podspec.OrEmpty(after.Spec.SecurityContext).SeccompProfile
		}
		changed := old.SeccompProfile != sc.SeccompProfile && sc.SeccompProfile != nil && old.SeccompProfile == nil ||
			podspec.OrEmpty(before.Spec.SecurityContext).SeccompProfile == nil && podspec.OrEmpty(after.Spec.SecurityContext).SeccompProfile != nil && sc.SeccompProfile == nil
		if changed && annotation != "" && !podspec.SameSeccompProfile(field, podspec.SeccompProfile(annotation)) {
			t.Fatalf("%s: %s has the annotation %q and the profile %s", where, p.Name, annotation, compactJSON(field))
		}
	}
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// linuxFields are those that API validation refuses for Windows pods and that an edit may touch.
func linuxFields(s *inventory.Shape) map[string]string {
	out := map[string]string{"": compactJSON(podspec.OrEmpty(s.Spec.SecurityContext).SeccompProfile)}
	for _, p := range templateContainers(&s.Spec) {
		sc := p.securityContext()
		out[p.Name] = strings.Join([]string{compactJSON(sc.AllowPrivilegeEscalation), compactJSON(sc.Capabilities), compactJSON(sc.SeccompProfile)}, " ")
	}
	return out
}
