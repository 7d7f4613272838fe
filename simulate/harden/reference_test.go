package harden

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

// The functions below are a slow and simple reference: they search whole pods for every proposed edit.

func refNamed(spec *corev1.PodSpec, name string) *corev1.Container {
	for _, p := range templateContainers(spec) {
		if p.Name == name {
			return p.Container
		}
	}
	return nil
}

func refRunsSo(s *TemplateWithPods, p *proposedEdit, of settingOfContainer) bool {
	for _, pod := range s.RunningPods {
		edited := copySecurityContexts(&pod.Spec)
		p.apply(&containerIndex{spec: edited})
		for _, c := range templateContainers(&s.Template.Spec) {
			if refNamed(edited, c.Name) == nil {
				return false
			}
		}
		for _, c := range templateContainers(edited) {
			if of(&pod.Spec, refNamed(&pod.Spec, c.Name)) != of(edited, c.Container) {
				return false
			}
		}
	}
	return len(s.RunningPods) > 0
}

func refSameUser(s *TemplateWithPods, pod *inventory.Shape, name string) bool {
	written, running := refNamed(&s.Template.Spec, name), refNamed(&pod.Spec, name)
	if written == nil || running == nil {
		return true
	}
	user, now := effectiveUser(&s.Template.Spec, written), effectiveUser(&pod.Spec, running)
	return now == nil || user != nil && *user == *now
}

func refUsersAreWritten(s *TemplateWithPods) bool {
	return !slices.ContainsFunc(s.RunningPods, func(pod *inventory.Shape) bool {
		return slices.ContainsFunc(templateContainers(&pod.Spec), func(p templateContainer) bool { return !refSameUser(s, pod, p.Name) })
	})
}

func refEverywhere(s *TemplateWithPods, name string, holds func(*corev1.PodSpec, *corev1.Container) bool) bool {
	if holds(&s.Template.Spec, refNamed(&s.Template.Spec, name)) {
		return true
	}
	for _, pod := range s.RunningPods {
		c := refNamed(&pod.Spec, name)
		if c == nil || !holds(&pod.Spec, c) || !refSameUser(s, pod, name) {
			return false
		}
	}
	return len(s.RunningPods) > 0
}

func refInheriting(s *TemplateWithPods) []string {
	var out []string
	for i, pod := range append([]*inventory.Shape{s.Template}, s.FuturePods...) {
		for _, p := range templateContainers(&pod.Spec) {
			if p.securityContext().RunAsNonRoot == nil && (i == 0 || refNamed(&s.Template.Spec, p.Name) == nil) {
				out = append(out, fmt.Sprintf("%p", p.Container))
			}
		}
	}
	return out
}

// crowded returns a template with more than podspec.FewContainers containers, some of the same name.
func crowded(seed int64) *TemplateWithPods {
	s := randomSubject(seed)
	r := podtest.NewRandom(seed)
	grow := func(pod *inventory.Shape) *inventory.Shape {
		pod = copyShape(pod)
		for i := range 8 {
			c := r.Container(fmt.Sprint("more", i))
			if r.Intn(6) == 0 {
				c.Name = "more0"
			}
			if r.Intn(3) > 0 {
				c = podtest.Hardened(c.Name)
			}
			pod.Spec.Containers = append(pod.Spec.Containers, c)
		}
		return pod
	}
	s.Template = grow(s.Template)
	for i := range s.RunningPods {
		if s.RunningPods[i] = grow(s.RunningPods[i]); r.Intn(4) == 0 {
			s.RunningPods[i] = copyShape(s.Template)
		}
		s.FuturePods[i] = s.RunningPods[i]
	}
	return s
}

func TestContainerIndexAgreesWithSearch(t *testing.T) {
	t.Parallel()
	effects := map[string]settingOfContainer{"allowPrivilegeEscalation": escalationSetting, "capabilities_restricted": dropsAllSetting, "runAsNonRoot": nonRootSetting, "seccompProfile_restricted": seccompSetting}
	proposals, so, usersWritten, powerful := 0, 0, 0, 0
	for seed := range int64(3000) {
		s := randomSubject(seed)
		if seed%2 == 1 {
			s = crowded(seed)
		}
		all := analyseTemplate(s)
		var inheriting []string
		for _, c := range all.containersWithoutNonRoot() {
			inheriting = append(inheriting, fmt.Sprintf("%p", c.Container))
		}
		if diff := cmp.Diff(refInheriting(s), inheriting); diff != "" {
			t.Fatalf("seed %d: inheriting (-reference +got):\n%s", seed, diff)
		}
		if want := refUsersAreWritten(s); all.usersStated != want {
			t.Fatalf("seed %d: users are written: %t, reference %t", seed, all.usersStated, want)
		} else if !want {
			usersWritten++
		}
		for _, p := range templateContainers(&s.Template.Spec) {
			want := refEverywhere(s, p.Name, hasNoCapabilities)
			if got := all.holdsForAllPods(p.Name, hasNoCapabilities); got != want {
				t.Fatalf("seed %d: %s is powerless everywhere: %t, reference %t", seed, p.Name, got, want)
			}
			if want {
				powerful++
			}
		}
		for _, f := range checkFixes() {
			by := all.compareSetting(effects[f.check])
			for _, p := range f.propose(all) {
				proposals++
				want := refRunsSo(s, &p, effects[f.check])
				if got := by.runningPodsUnchanged(&p); got != want {
					t.Fatalf("seed %d: pods run with %s=%s: %t, reference %t", seed, p.Path, p.Value, got, want)
				}
				if want {
					so++
				}
			}
		}
	}
	if proposals < 10000 || so < 500 || usersWritten < 300 || powerful < 300 {
		t.Errorf("the cases are too much alike: %d proposals, pods run so with %d; users not written %d, powerless %d", proposals, so, usersWritten, powerful)
	}
}

// Four times the containers cost four times the comparisons: an edit of a container is compared with that container alone.
func TestProposeTemplateEditsIsLinear(t *testing.T) {
	t.Parallel()
	looks := func(n int) int {
		var list []corev1.Container
		for i := range n {
			list = append(list, podtest.Plain(fmt.Sprint("c", i)))
		}
		s := &TemplateWithPods{Template: podtest.ShapeOf(list...)}
		s.RunningPods = []*inventory.Shape{podtest.Mutate(podtest.Hardening("p"), s.Template), s.Template}
		all, looks := analyseTemplate(s), 0
		by := all.compareSetting(func(spec *corev1.PodSpec, c *corev1.Container) string { looks++; return escalationSetting(spec, c) })
		for _, f := range checkFixes() {
			for _, p := range f.propose(all) {
				by.runningPodsUnchanged(&p)
			}
		}
		return looks
	}
	if one, four := looks(50), looks(200); one < 50 || four > 5*one {
		t.Errorf("50 containers were looked at %d times, 200 %d times: want at most five times as often, and at least 50", one, four)
	}
}
