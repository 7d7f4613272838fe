package harden

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
)

func TestProfileEditsFromAnnotations(t *testing.T) {
	t.Parallel()
	appArmorWhy := message.Message{
		ID: "edit-of-apparmor-annotation", Args: message.Args{{Name: "version", Value: "v1.30"}},
		Text: "its annotation asks for it, and servers from v1.30 on write that into the field",
	}
	all := map[string]string{
		podspec.SeccompPodAnnotation:                       "runtime/default",
		podspec.SeccompContainerAnnotationPrefix + "app":   "localhost/a.json",
		podspec.AppArmorAnnotationPrefix + "app":           "localhost/a",
		podspec.AppArmorAnnotationPrefix + "other":         "unconfined",
		podspec.AppArmorAnnotationPrefix + "nobody":        "runtime/default",
		podspec.SeccompContainerAnnotationPrefix + "other": "unconfined",
	}
	seccomp := []Edit{
		{"spec.securityContext.seccompProfile", "", `{"type":"RuntimeDefault"}`, "", Safe, seccompAnnotationReason()},
		{"spec.containers[0].securityContext.seccompProfile", "app", `{"type":"Localhost","localhostProfile":"a.json"}`, "", Safe, seccompAnnotationReason()},
	}
	v := func(minor int) api.Version { return api.MajorMinorVersion(1, minor) }
	tests := map[string]struct {
		annotations map[string]string
		edits       []func(*inventory.Shape)
		target      api.Version
		want        []Edit
	}{
		"none":           {target: v(25)},
		"before v1.30":   {annotations: all, target: v(29), want: seccomp},
		"nonsense":       {annotations: map[string]string{podspec.SeccompPodAnnotation: "x", podspec.AppArmorAnnotationPrefix + "app": "x"}, target: v(30)},
		"unconfined":     {annotations: map[string]string{podspec.SeccompPodAnnotation: "unconfined"}, target: v(30)},
		"windows":        {annotations: all, target: v(30), edits: []func(*inventory.Shape){func(s *inventory.Shape) { s.Spec.OS = &corev1.PodOS{Name: corev1.Windows} }}},
		"latest is late": {annotations: map[string]string{podspec.AppArmorAnnotationPrefix + "other": "runtime/default"}, target: api.LatestVersion(), want: []Edit{{"spec.containers[1].securityContext.appArmorProfile", "other", `{"type":"RuntimeDefault"}`, "", Safe, appArmorWhy}}},
		"from v1.30 on": {annotations: all, target: v(30), want: append(seccomp[:2:2],
			Edit{"spec.containers[0].securityContext.appArmorProfile", "app", `{"type":"Localhost","localhostProfile":"a"}`, "", Safe, appArmorWhy},
			Edit{"spec.containers[1].securityContext.appArmorProfile", "other", `{"type":"Unconfined"}`, "", Safe, appArmorWhy})},
		"the fields are there": {annotations: all, target: v(30), edits: []func(*inventory.Shape){func(s *inventory.Shape) {
			s.Spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
			s.Spec.SecurityContext.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeLocalhost}
			s.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}}
			s.Spec.Containers[1].SecurityContext = &corev1.SecurityContext{AppArmorProfile: &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}}
		}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template := podtest.Edited(podtest.ShapeOf(podtest.Plain("app"), podtest.Plain("other")), tt.edits...)
			template.Annotations = tt.annotations
			if diff := cmp.Diff(tt.want, ProfileEditsFromAnnotations(template, tt.target)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
