package psp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

// Refusals that do not occur in the recorded cases.
func TestRareRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy func(*pspparse.Policy)
		level  corev1.PodSecurityContext
		ports  []corev1.ContainerPort
		want   Refusal
	}{
		"root": {
			func(p *pspparse.Policy) { p.Spec.RunAsUser.Rule = pspparse.MustRunAsNonRoot },
			corev1.PodSecurityContext{RunAsUser: new(int64(0))},
			nil,
			Refusal{
				Policy: "a", Field: "spec.containers[0].securityContext.runAsUser", Type: RefusalInvalidValue, Value: "0",
				Detail: "running with the root UID is forbidden",
			},
		},
		"groups emptied on purpose": {
			func(p *pspparse.Policy) {
				p.Spec.SupplementalGroups = pspparse.IDStrategy{Rule: pspparse.MustRunAs, Ranges: []pspparse.IDRange{{Min: 1, Max: 2}}}
			},
			corev1.PodSecurityContext{SupplementalGroups: []int64{}},
			nil,
			Refusal{
				Policy: "a", Field: "spec.securityContext.supplementalGroups", Type: RefusalInvalidValue, Value: "[]int64{}",
				Detail: "unable to validate empty groups against required ranges",
			},
		},
		"lowest host port": {
			func(p *pspparse.Policy) { p.Spec.HostPorts = []pspparse.HostPortRange{{Min: 2, Max: 9}} },
			corev1.PodSecurityContext{},
			[]corev1.ContainerPort{{HostPort: 0}, {HostPort: 1}, {HostPort: 2}},
			Refusal{
				Policy: "a", Field: "spec.containers[0].hostPort", Type: RefusalInvalidValue, Value: "1",
				Detail: "Host port 1 is not allowed to be used. Allowed ports: [2-9]",
			},
		},
	} {
		a := NewAdmitter([]*pspparse.Policy{podtest.PolicyOf("a", c.policy)})
		pod := &corev1.Pod{Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(false), SecurityContext: &c.level, Containers: []corev1.Container{{Name: "app", Ports: c.ports}},
		}}
		got := a.Admit(AdmissionRequest{Pod: pod, UsablePolicies: a.UsablePolicies(nil, []string{"a"})})
		if diff := cmp.Diff([]Refusal{c.want}, got.Refusals); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Everything that a policy can write is predicted, in the order of the pod.
func TestPredictAdmissionOfAllFields(t *testing.T) {
	t.Parallel()
	from := func(id int64) pspparse.IDStrategy {
		return pspparse.IDStrategy{Rule: pspparse.MustRunAs, Ranges: []pspparse.IDRange{{Min: id, Max: id}}}
	}
	predictor := newPredictor(podtest.PolicyOf("a", func(p *pspparse.Policy) {
		p.Annotations[pspparse.SeccompAllowedAnnotation] = "*"
		p.Annotations[pspparse.SeccompDefaultAnnotation] = "unconfined"
		p.Annotations[pspparse.AppArmorDefaultAnnotation] = "runtime/default"
		p.Spec.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.MustRunAs, SELinuxOptions: &pspparse.SELinuxOptions{Level: "s0"}}
		group := from(2)
		p.Spec.RunAsUser, p.Spec.RunAsGroup, p.Spec.SupplementalGroups, p.Spec.FSGroup = from(1), &group, from(3), from(4)
		p.Spec.RuntimeClass = &pspparse.RuntimeClassStrategy{DefaultRuntimeClassName: new("fast"), AllowedRuntimeClassNames: []string{"*"}}
		p.Spec.DefaultAddCapabilities, p.Spec.RequiredDropCapabilities = []string{"CHOWN"}, []string{"KILL"}
		p.Spec.ReadOnlyRootFilesystem, p.Spec.AllowPrivilegeEscalation = true, new(false)
		p.Spec.Volumes = []string{"*"}
	}))
	template := podtest.ShapeOf(podtest.Plain("app"))
	template.Spec.InitContainers = []corev1.Container{podtest.Plain("init")}
	want := []MutatedField{
		{Path: "spec.securityContext.supplementalGroups", Value: "[3]"},
		{Path: "spec.securityContext.fsGroup", Value: "4"},
		{Path: "spec.securityContext.seLinuxOptions", Value: `{"level":"s0"}`},
		{Path: "spec.securityContext.seccompProfile", Value: `{"type":"Unconfined"}`},
		{Path: "spec.runtimeClassName", Value: `"fast"`},
	}
	for _, at := range [][2]string{{"spec.initContainers[0]", "init"}, {"spec.containers[0]", "app"}} {
		for _, v := range [][2]string{
			{".runAsUser", "1"},
			{".runAsGroup", "2"},
			{".readOnlyRootFilesystem", "true"},
			{".allowPrivilegeEscalation", "false"},
			{".capabilities.add", `["CHOWN"]`},
			{".capabilities.drop", `["KILL"]`},
		} {
			want = append(want, MutatedField{Path: at[0] + ".securityContext" + v[0], Container: at[1], Value: v[1]})
		}
		want = append(want, MutatedField{Path: "metadata.annotations[" + podspec.AppArmorAnnotationPrefix + at[1] + "]", Container: at[1], Value: `"runtime/default"`})
	}
	got := predictor.PredictAdmission(template, AdmissionContext{UsablePolicies: predictor.UsablePolicies([]string{"a"})})
	if diff := cmp.Diff(want, got.MutatedFields); diff != "" || got.Policy != "a" {
		t.Errorf("mutated by %q (-want +got):\n%s", got.Policy, diff)
	}
}
