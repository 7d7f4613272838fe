package simulate

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// fillIn is PSP admission's mutating pass on a pod, and the server's copy of a default seccomp profile into the field:
// what stripping has to undo. It is written from the admission rules, not from the code under test.
func fillIn(p *pspparse.Policy, pod *inventory.Shape) *inventory.Shape {
	out := &inventory.Shape{Annotations: maps.Clone(pod.Annotations), Spec: *pod.Spec.DeepCopy()}
	if out.Annotations == nil {
		out.Annotations = map[string]string{}
	}
	if out.Spec.SecurityContext == nil {
		out.Spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	s, sc := &p.Spec, out.Spec.SecurityContext
	if sc.SupplementalGroups == nil && s.SupplementalGroups.Rule == pspparse.MustRunAs {
		sc.SupplementalGroups = []int64{s.SupplementalGroups.Ranges[0].Min}
	}
	if sc.FSGroup == nil && s.FSGroup.Rule == pspparse.MustRunAs {
		sc.FSGroup = new(s.FSGroup.Ranges[0].Min)
	}
	if o := s.SELinux.SELinuxOptions; sc.SELinuxOptions == nil && s.SELinux.Rule == pspparse.MustRunAs {
		sc.SELinuxOptions = &corev1.SELinuxOptions{User: o.User, Role: o.Role, Type: o.Type, Level: o.Level}
	}
	fillInSeccomp(p.Annotations[pspparse.SeccompDefaultAnnotation], out)
	if s.RuntimeClass != nil && out.Spec.RuntimeClassName == nil {
		out.Spec.RuntimeClassName = s.RuntimeClass.DefaultRuntimeClassName
	}
	for _, list := range [][]corev1.Container{out.Spec.InitContainers, out.Spec.Containers} {
		for i := range list {
			fillInContainer(p, out, &list[i])
		}
	}
	return out
}

func fillInSeccomp(profile string, pod *inventory.Shape) {
	sc := pod.Spec.SecurityContext
	if profile == "" || pod.Annotations[seccompPodAnnotation] != "" || sc.SeccompProfile != nil {
		return
	}
	pod.Annotations[seccompPodAnnotation] = profile
	switch profile {
	case "runtime/default", "docker/default":
		sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	case "unconfined":
		sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
	case "localhost/x.json":
		sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: new("x.json")}
	}
}

func fillInContainer(p *pspparse.Policy, pod *inventory.Shape, c *corev1.Container) {
	if profile, key := p.Annotations[pspparse.AppArmorDefaultAnnotation], appArmorAnnotationPrefix+c.Name; profile != "" && pod.Annotations[key] == "" {
		pod.Annotations[key] = profile
	}
	s, level := &p.Spec, pod.Spec.SecurityContext
	sc := c.SecurityContext
	if sc == nil {
		sc = &corev1.SecurityContext{}
	}
	noUser := sc.RunAsUser == nil && level.RunAsUser == nil
	if noUser && s.RunAsUser.Rule == pspparse.MustRunAs {
		sc.RunAsUser = new(s.RunAsUser.Ranges[0].Min)
	}
	if sc.RunAsGroup == nil && level.RunAsGroup == nil && s.RunAsGroup != nil && s.RunAsGroup.Rule == pspparse.MustRunAs {
		sc.RunAsGroup = new(s.RunAsGroup.Ranges[0].Min)
	}
	if noUser && sc.RunAsNonRoot == nil && level.RunAsNonRoot == nil && s.RunAsUser.Rule == pspparse.MustRunAsNonRoot {
		sc.RunAsNonRoot = new(true)
	}
	fillInCapabilities(s, sc)
	if s.ReadOnlyRootFilesystem && sc.ReadOnlyRootFilesystem == nil {
		sc.ReadOnlyRootFilesystem = new(true)
	}
	if sc.AllowPrivilegeEscalation == nil {
		sc.AllowPrivilegeEscalation = s.DefaultAllowPrivilegeEscalation
	}
	if sc.AllowPrivilegeEscalation == nil && !*s.AllowPrivilegeEscalation {
		sc.AllowPrivilegeEscalation = new(false)
	}
	if *sc != (corev1.SecurityContext{}) {
		c.SecurityContext = sc
	}
}

func fillInCapabilities(s *pspparse.Spec, sc *corev1.SecurityContext) {
	add, drop := map[corev1.Capability]bool{}, map[corev1.Capability]bool{}
	for _, c := range s.DefaultAddCapabilities {
		add[corev1.Capability(c)] = true
	}
	for _, c := range s.RequiredDropCapabilities {
		drop[corev1.Capability(c)] = true
	}
	if sc.Capabilities != nil {
		for _, c := range sc.Capabilities.Drop {
			delete(add, c)
			drop[c] = true
		}
		for _, c := range sc.Capabilities.Add {
			add[c] = true
		}
	}
	if len(add)+len(drop) > 0 {
		sc.Capabilities = &corev1.Capabilities{Add: slices.Sorted(maps.Keys(add)), Drop: slices.Sorted(maps.Keys(drop))}
	}
}

// A policy is mutating, by pspparse's list, exactly if there is something to strip.
func TestFillingAgreesWithMutating(t *testing.T) {
	t.Parallel()
	idle := fillingOf(&pspparse.Policy{Spec: pspparse.Spec{AllowPrivilegeEscalation: new(true)}})
	if !idle.nothing {
		t.Errorf("a policy that states nothing: %+v, want nothing", idle)
	}
	mutating := 0
	for seed := range int64(500) {
		r := newRandom(seed)
		p := r.policy()
		f := fillingOf(p)
		empty := *idle
		if empty.nothing = f.nothing; f.nothing != reflect.DeepEqual(&empty, f) {
			t.Errorf("policy %+v mutates %q; filling %+v", p.Spec, p.Mutating(), f)
		}
		if !f.nothing {
			mutating++
		}
	}
	if mutating == 0 {
		t.Error("no random policy is mutating")
	}
}

// template makes a pod as an author writes it: no ephemeral containers. Two of three only leave things unset, so that what
// a policy fills in decides.
func (r *random) template() *inventory.Shape {
	annotations, spec := r.pod()
	spec.EphemeralContainers = nil
	if r.Intn(3) == 0 {
		return &inventory.Shape{Annotations: annotations, Spec: *spec}
	}
	mild := corev1.PodSpec{InitContainers: spec.InitContainers, Containers: spec.Containers}
	if sc := spec.SecurityContext; sc != nil && r.Intn(2) == 0 {
		mild.SecurityContext = &corev1.PodSecurityContext{RunAsUser: harmless(sc.RunAsUser, 1), RunAsNonRoot: harmless(sc.RunAsNonRoot, true)}
	}
	for _, list := range [][]corev1.Container{mild.InitContainers, mild.Containers} {
		for i := range list {
			list[i] = corev1.Container{Name: list[i].Name, SecurityContext: mildSecurity(list[i].SecurityContext)}
		}
	}
	return &inventory.Shape{Spec: mild}
}

func mildSecurity(sc *corev1.SecurityContext) *corev1.SecurityContext {
	if sc == nil {
		return nil
	}
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: harmless(sc.AllowPrivilegeEscalation, false),
		RunAsNonRoot:             harmless(sc.RunAsNonRoot, true),
		RunAsUser:                harmless(sc.RunAsUser, 1),
		ReadOnlyRootFilesystem:   sc.ReadOnlyRootFilesystem,
	}
}

// harmless puts a harmless value where some value is.
func harmless[T any](p *T, value T) *T {
	if p == nil {
		return nil
	}
	return &value
}

// normal writes absent and empty objects, and capabilities in any order, in one way.
func normal(s *inventory.Shape) *inventory.Shape {
	out := &inventory.Shape{Annotations: map[string]string{}, Spec: *s.Spec.DeepCopy()}
	maps.Copy(out.Annotations, s.Annotations)
	out.Spec.SecurityContext = orEmpty(out.Spec.SecurityContext)
	for _, list := range [][]corev1.Container{out.Spec.InitContainers, out.Spec.Containers} {
		for i := range list {
			sc := orEmpty(list[i].SecurityContext)
			caps := orEmpty(sc.Capabilities)
			sc.Capabilities = &corev1.Capabilities{Add: sorted(caps.Add), Drop: sorted(caps.Drop)}
			list[i].SecurityContext = sc
		}
	}
	return out
}

func sorted(list []corev1.Capability) []corev1.Capability {
	return slices.Sorted(slices.Values(list))
}

// Where the template is known, what the policy filled in comes off exactly, whatever it was.
func TestStrippingUndoesFillingIn(t *testing.T) {
	t.Parallel()
	changed := 0
	for seed := range int64(200) {
		r := newRandom(seed)
		p, template := r.policy(), r.template()
		pod := fillIn(p, template)
		e := estimate{pod: pod, template: template, by: fillingOf(p)}
		if diff := cmp.Diff(normal(template), normal(e.shape())); diff != "" {
			t.Fatalf("seed %d (-template +stripped pod):\n%s", seed, diff)
		}
		w := &inventory.Workload{Kind: "Deployment", Template: template, Pods: podsOf(pod, "psp")}
		j := mustJudge(t, p)
		for _, v := range ChangePoints() {
			want := j.DayAfter(&inventory.Workload{Kind: "Deployment", Template: template}, v)
			wantDayAfter(t, want, j.DayAfter(w, v))
			if !sameVerdict(want.Verdict, j.Evaluate(pod, v)) {
				changed++
			}
		}
	}
	if changed == 0 {
		t.Error("no policy changed any verdict: the comparison says nothing")
	}
}

// Without a template the answer may be too loose, and must never be too strict: neither than the pod as its author wrote
// it nor than the pod as stored; whether the policy is known or not. What is not estimated is what the author wrote.
func TestDayAfterOfABarePodIsNeverTooStrict(t *testing.T) {
	t.Parallel()
	looser, estimated, certain := 0, 0, 0
	for seed := range int64(200) {
		r := newRandom(seed)
		p, written := r.policy(), r.template()
		pod := fillIn(p, written)
		w := &inventory.Workload{Kind: "Pod", Pods: podsOf(pod, "psp")}
		for _, j := range []*Judge{mustJudge(t, p), mustJudge(t)} {
			for _, v := range ChangePoints() {
				got := j.DayAfter(w, v)
				for _, other := range []*inventory.Shape{written, pod} {
					if o := j.Evaluate(other, v); api.CompareLevels(got.Level, o.Level) > 0 {
						t.Fatalf("seed %d at %s: %s, but the pod may be %s: %s", seed, v.String(), got.Level, o.Level, Message(o.Violations))
					}
				}
				if got.Estimated {
					estimated++
				} else {
					certain++
					wantDayAfter(t, DayAfter{Verdict: j.Evaluate(written, v), Pod: "web-1"}, got)
				}
				if got.Level != j.Evaluate(pod, v).Level {
					looser++
				}
			}
		}
	}
	if looser == 0 || estimated == 0 || certain == 0 {
		t.Errorf("%d levels were changed by stripping, %d answers estimated, %d not: the comparison says too little", looser, estimated, certain)
	}
}

// A container beyond the template, injected before the policy looked, likewise.
func TestDayAfterOfAnInjectedContainerIsNeverTooStrict(t *testing.T) {
	t.Parallel()
	for seed := range int64(200) {
		r := newRandom(seed)
		p, template := r.policy(), r.template()
		written := &inventory.Shape{Annotations: template.Annotations, Spec: *template.Spec.DeepCopy()}
		written.Spec.InitContainers = append(written.Spec.InitContainers, r.container("injected"))
		pod := fillIn(p, written)
		w := &inventory.Workload{Kind: "Deployment", Template: template, Pods: podsOf(pod, "psp")}
		for _, j := range []*Judge{mustJudge(t, p), mustJudge(t)} {
			for _, v := range ChangePoints() {
				got := j.DayAfter(w, v)
				for _, other := range []*inventory.Shape{template, written} {
					if o := j.Evaluate(other, v); api.CompareLevels(got.Level, o.Level) > 0 {
						t.Fatalf("seed %d at %s: %s, but the pod may be %s: %s", seed, v.String(), got.Level, o.Level, Message(o.Violations))
					}
				}
			}
		}
	}
}
