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

// Levels without categories are compared as they are; a range of categories is one category.
func TestEquivalentSELinuxLevels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want, got string
		same      bool
	}{
		{"s0", "s0", true},
		{"s0", "s1", false},
		{"s0:", "s0", false},
		{"s0", "s0:", false},
		{"s0:c1", "s1:c1", false},
		{"s0:c1,c2", "s0:c2,c1", true},
		{"s0:c1,c2", "s0:c1", false},
		{"s0:c1.c3", "s0:c1,c2,c3", false},
	} {
		if got := equivalentSELinuxLevels(c.want, c.got); got != c.same {
			t.Errorf("sameLevel(%q, %q) = %t", c.want, c.got, got)
		}
	}
}

// The token volume has the mode that the API server gives it.
func TestServiceAccountTokenVolumeMode(t *testing.T) {
	t.Parallel()
	if mode := serviceAccountTokenVolume("").Projected.DefaultMode; mode == nil || *mode != corev1.ProjectedVolumeSourceDefaultMode {
		t.Errorf("the mode is %v", mode)
	}
}

// A part of the token volume's sources is still the token volume; with any other source it is not.
func TestServiceAccountTokenVolume(t *testing.T) {
	t.Parallel()
	namespace := corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"}
	file := func(edit func(f *corev1.DownwardAPIVolumeFile)) corev1.VolumeProjection {
		f := corev1.DownwardAPIVolumeFile{Path: "namespace", FieldRef: namespace.DeepCopy()}
		edit(&f)
		return corev1.VolumeProjection{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{f}}}
	}
	token := func(path, audience string) corev1.VolumeProjection {
		return corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: path, Audience: audience}}
	}
	for name, c := range map[string]struct {
		source corev1.VolumeProjection
		want   bool
	}{
		"token":            {token("token", ""), true},
		"path":             {token("other", ""), false},
		"audience":         {token("token", "vault"), false},
		"certificates":     {*serviceAccountTokenVolume("").Projected.Sources[1].DeepCopy(), true},
		"other map":        {corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{}}, false},
		"secret":           {corev1.VolumeProjection{Secret: &corev1.SecretProjection{}}, false},
		"no files":         {corev1.VolumeProjection{DownwardAPI: &corev1.DownwardAPIProjection{}}, true},
		"namespace":        {file(func(*corev1.DownwardAPIVolumeFile) {}), true},
		"file's path":      {file(func(f *corev1.DownwardAPIVolumeFile) { f.Path = "other" }), false},
		"no field":         {file(func(f *corev1.DownwardAPIVolumeFile) { f.FieldRef = nil }), false},
		"field's version":  {file(func(f *corev1.DownwardAPIVolumeFile) { f.FieldRef.APIVersion = "v2" }), false},
		"field's own path": {file(func(f *corev1.DownwardAPIVolumeFile) { f.FieldRef.FieldPath = "metadata.name" }), false},
	} {
		whole := serviceAccountTokenVolume("").Projected
		whole.Sources = append(whole.Sources, c.source)
		if got := isServiceAccountTokenVolume(whole); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if !isServiceAccountTokenVolume(&corev1.ProjectedVolumeSource{}) {
		t.Error("nothing at all is refused")
	}
}

// full has every value that a policy can write, and one beside it that no policy does.
func full() *inventory.Shape {
	s := podtest.ShapeOf(corev1.Container{Name: "app", SecurityContext: &corev1.SecurityContext{
		RunAsUser: new(int64(1)), RunAsGroup: new(int64(2)), ReadOnlyRootFilesystem: new(true), AllowPrivilegeEscalation: new(false),
		RunAsNonRoot: new(true), Privileged: new(false),
		Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"CHOWN"}, Drop: []corev1.Capability{"KILL"}},
	}})
	s.Spec.RuntimeClassName = new("fast")
	s.Spec.SecurityContext = &corev1.PodSecurityContext{
		SupplementalGroups: []int64{3}, FSGroup: new(int64(4)), SELinuxOptions: &corev1.SELinuxOptions{Level: "s0"},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}, Sysctls: []corev1.Sysctl{{Name: "a"}},
	}
	s.Annotations = map[string]string{
		podspec.SeccompPodAnnotation: "runtime/default", podspec.AppArmorAnnotationPrefix + "app": "runtime/default", "other": "x",
	}
	return s
}

// A policy that is not known may have written every value that a policy can write.
func TestUnmutatedByUnknownPolicy(t *testing.T) {
	t.Parallel()
	want := podtest.ShapeOf(corev1.Container{Name: "app", SecurityContext: &corev1.SecurityContext{
		Privileged: new(false), Capabilities: &corev1.Capabilities{Add: []corev1.Capability{}, Drop: []corev1.Capability{}},
	}})
	want.Spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: "a"}}}
	want.Annotations = map[string]string{"other": "x"}
	pod := full()
	e := Unmutated{Pod: pod, Mutation: UnknownMutation(), BeyondTemplate: true}
	if diff := cmp.Diff(want, e.Shape()); diff != "" {
		t.Errorf("without a template (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(full(), pod); diff != "" {
		t.Errorf("the pod itself was changed (-want +got):\n%s", diff)
	}
	e.Template = full()
	if got := e.Shape(); got != pod {
		t.Errorf("what the template says was taken off (-want +got):\n%s", cmp.Diff(pod, got))
	}
}

// Options beside RunAsAny, and ranges beside any rule but MustRunAs, are not written.
func TestMutationOfOtherRules(t *testing.T) {
	t.Parallel()
	p := podtest.PolicyOf("a", func(p *pspparse.Policy) {
		p.Spec.SELinux.SELinuxOptions = &pspparse.SELinuxOptions{Level: "s0"}
		p.Spec.FSGroup = pspparse.IDStrategy{Rule: pspparse.MayRunAs, Ranges: []pspparse.IDRange{{Min: 1, Max: 2}}}
		p.Spec.RunAsGroup = &pspparse.IDStrategy{Rule: pspparse.MayRunAs, Ranges: []pspparse.IDRange{{Min: 1, Max: 2}}}
	})
	want := &Mutation{isEmpty: true}
	if diff := cmp.Diff(want, MutationOf(p), cmp.AllowUnexported(Mutation{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A pod for Windows into which a policy has written everything.
func TestInvalidMutations(t *testing.T) {
	t.Parallel()
	windows := func(s *inventory.Shape) *corev1.Pod {
		s.Spec.OS = &corev1.PodOS{Name: corev1.Windows}
		return &corev1.Pod{Spec: s.Spec}
	}
	mutated := full()
	sc := mutated.Spec.Containers[0].SecurityContext
	sc.Capabilities.Add, sc.Privileged = []corev1.Capability{"CAP_SYS_ADMIN"}, new(true)
	sc.RunAsUser, sc.RunAsGroup = new(int64(1<<31)), new(int64(1<<31))
	mutated.Spec.SecurityContext.FSGroup, mutated.Spec.SecurityContext.SupplementalGroups = new(int64(1<<31)), []int64{1 << 31}
	pod := windows(mutated)
	var got []string
	for _, r := range invalidMutations(windows(podtest.ShapeOf(podtest.Plain("app"))), pod) {
		got = append(got, r.String())
	}
	const (
		id   = ": Invalid value: must be between 0 and 2147483647, inclusive"
		only = ": Forbidden: cannot be set for a windows pod"
		both = "spec.containers[0].securityContext: Invalid value: cannot set `allowPrivilegeEscalation` to false and "
	)
	want := []string{
		"spec.securityContext.fsGroup" + id,
		"spec.securityContext.supplementalGroups[0]" + id,
		"spec.securityContext.seLinuxOptions" + only,
		"spec.securityContext.seccompProfile" + only,
		"spec.securityContext.fsGroup" + only,
		"spec.securityContext.supplementalGroups" + only,
		"spec.containers[0].securityContext.runAsUser" + id,
		"spec.containers[0].securityContext.runAsGroup" + id,
		both + "`privileged` to true",
		both + "`capabilities.Add` CAP_SYS_ADMIN",
		"spec.containers[0].securityContext.capabilities" + only,
		"spec.containers[0].securityContext.readOnlyRootFilesystem" + only,
		"spec.containers[0].securityContext.allowPrivilegeEscalation" + only,
		"spec.containers[0].securityContext.runAsUser" + only,
		"spec.containers[0].securityContext.runAsGroup" + only,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := invalidMutations(pod, pod); got != nil {
		t.Errorf("what the author wrote is validated: %v", got)
	}
}

// A mirror pod gets no token, and so needs no policy that allows its volume.
func TestPredictAdmissionOfMirrorPod(t *testing.T) {
	t.Parallel()
	predictor := newPredictor(podtest.PolicyOf("a", nil))
	template := podtest.ShapeOf(podtest.Plain("web"))
	by := AdmissionContext{UsablePolicies: predictor.UsablePolicies([]string{"a"})}
	if got := predictor.PredictAdmission(template, by).Policy; got != "" {
		t.Errorf("the token's volume is admitted by %q", got)
	}
	by.Mirror = true
	if got := predictor.PredictAdmission(template, by); got.Policy != "a" {
		t.Errorf("a mirror pod is refused: %v", got.Refusals)
	}
}

// Another pod, and another admission context, get predictions of their own.
func TestPredictAdmissionPerRequest(t *testing.T) {
	t.Parallel()
	predictor := newPredictor(podtest.PolicyOf("a", nil))
	usable := predictor.UsablePolicies([]string{"a"})
	quiet := AdmissionContext{UsablePolicies: usable, Automount: new(false)}
	privileged := podtest.ShapeOf(corev1.Container{Name: "web", SecurityContext: &corev1.SecurityContext{Privileged: new(true)}})
	web := podtest.ShapeOf(podtest.Plain("web"))
	got := []string{
		predictor.PredictAdmission(web, quiet).Policy, predictor.PredictAdmission(privileged, quiet).Policy, predictor.PredictAdmission(web, AdmissionContext{Automount: quiet.Automount}).Policy,
		predictor.PredictAdmission(web, AdmissionContext{UsablePolicies: usable}).Policy, predictor.PredictAdmission(web, AdmissionContext{UsablePolicies: usable, Mirror: true}).Policy,
		predictor.PredictAdmission(web, AdmissionContext{UsablePolicies: usable, Automount: new(true)}).Policy,
	}
	if diff := cmp.Diff([]string{"a", "", "", "", "a", ""}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
