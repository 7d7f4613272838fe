package psp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

// A pod that violates everything is refused in the order of ValidatePod in upstream's provider.go: the pod first, then its
// containers.
func TestRefusalOrder(t *testing.T) {
	t.Parallel()
	ids := []pspparse.IDRange{{Min: 5, Max: 9}}
	policy := podtest.PolicyOf("a", func(p *pspparse.Policy) {
		p.Annotations[pspparse.SeccompAllowedAnnotation] = "runtime/default"
		p.Annotations[pspparse.AppArmorAllowedAnnotation] = "runtime/default"
		p.Spec.FSGroup = pspparse.IDStrategy{Rule: pspparse.MustRunAs, Ranges: ids}
		p.Spec.SupplementalGroups = pspparse.IDStrategy{Rule: pspparse.MustRunAs, Ranges: ids}
		p.Spec.RunAsUser = pspparse.IDStrategy{Rule: pspparse.MustRunAs, Ranges: ids}
		p.Spec.RunAsGroup = &pspparse.IDStrategy{Rule: pspparse.MustRunAs, Ranges: ids}
		p.Spec.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.MustRunAs, SELinuxOptions: &pspparse.SELinuxOptions{Type: "container_t"}}
		p.Spec.Volumes = []string{"configMap"}
		p.Spec.RuntimeClass = &pspparse.RuntimeClassStrategy{AllowedRuntimeClassNames: []string{"gvisor"}}
		p.Spec.ReadOnlyRootFilesystem = true
		p.Spec.AllowPrivilegeEscalation = new(false)
	})
	id, selinux := new(int64(1)), &corev1.SELinuxOptions{Type: "spc_t"}
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		AutomountServiceAccountToken: new(false),
		HostNetwork:                  true, HostPID: true, HostIPC: true,
		RuntimeClassName: new("runc"),
		SecurityContext: &corev1.PodSecurityContext{
			FSGroup: id, SupplementalGroups: []int64{1}, SELinuxOptions: selinux,
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined},
			Sysctls:        []corev1.Sysctl{{Name: "kernel.msgmax", Value: "1"}},
		},
		Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
		Containers: []corev1.Container{{
			Name: "app", Ports: []corev1.ContainerPort{{HostPort: 80}},
			SecurityContext: &corev1.SecurityContext{
				RunAsUser: id, RunAsGroup: id, SELinuxOptions: selinux, Privileged: new(true), ProcMount: new(corev1.UnmaskedProcMount),
				SeccompProfile:         &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined},
				Capabilities:           &corev1.Capabilities{Add: []corev1.Capability{"SYS_ADMIN"}},
				ReadOnlyRootFilesystem: new(false), AllowPrivilegeEscalation: new(true),
			},
		}},
	}}
	pod.Annotations = map[string]string{podspec.AppArmorAnnotationPrefix + "app": "unconfined"}
	a := NewAdmitter([]*pspparse.Policy{policy})
	var got []string
	for _, r := range a.Admit(AdmissionRequest{Pod: pod, UsablePolicies: a.UsablePolicies(nil, []string{"a"})}).Refusals {
		got = append(got, r.Field)
	}
	want := []string{
		"spec.securityContext.fsGroup",
		"spec.securityContext.supplementalGroups",
		"pod.metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]",
		"spec.securityContext.seLinuxOptions.type",
		"spec.securityContext.hostNetwork",
		"spec.securityContext.hostPID",
		"spec.securityContext.hostIPC",
		"pod.spec.securityContext.sysctls[0]",
		"spec.volumes[0]",
		"spec.runtimeClassName",
		"spec.containers[0].securityContext.runAsUser",
		"spec.containers[0].securityContext",
		"spec.containers[0].securityContext.seLinuxOptions.type",
		"pod.metadata.annotations[container.apparmor.security.beta.kubernetes.io/app]",
		"pod.metadata.annotations[container.seccomp.security.alpha.kubernetes.io/app]",
		"spec.containers[0].securityContext.privileged",
		"spec.containers[0].securityContext.procMount",
		"spec.containers[0].securityContext.capabilities.add",
		"spec.containers[0].hostPort",
		"spec.containers[0].securityContext.readOnlyRootFilesystem",
		"spec.containers[0].securityContext.allowPrivilegeEscalation",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
