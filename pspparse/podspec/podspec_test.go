package podspec

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// An annotation and the field that it stands for.
func TestSeccompProfile(t *testing.T) {
	t.Parallel()
	file := func(name string) *corev1.SeccompProfile {
		return &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: &name}
	}
	for annotation, c := range map[string]struct {
		field *corev1.SeccompProfile
		back  string
	}{
		"runtime/default": {&corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}, "runtime/default"},
		"docker/default":  {&corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}, "runtime/default"},
		"unconfined":      {&corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}, "unconfined"},
		"localhost/a/b":   {file("a/b"), "localhost/a/b"},
		"localhost/":      {nil, ""},
		"Unconfined":      {nil, ""},
		"":                {nil, ""},
	} {
		got := SeccompProfile(annotation)
		if diff := cmp.Diff(c.field, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", annotation, diff)
		}
		if got != nil && SeccompAnnotation(got) != c.back {
			t.Errorf("%q becomes %q", annotation, SeccompAnnotation(got))
		}
	}
	if got := SeccompAnnotation(&corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost}); got != "" {
		t.Errorf("a local profile without a file becomes %q", got)
	}
}

// The first of each name is found, however many there are.
func TestContainerNamed(t *testing.T) {
	t.Parallel()
	for n := range 2*FewContainers + 1 {
		var list []corev1.Container
		for i := range n {
			list = append(list, corev1.Container{Name: fmt.Sprint(i % 5), Image: fmt.Sprint(i)})
		}
		byName := ContainersByName(list)
		if (byName == nil) != (n <= FewContainers) {
			t.Errorf("%d containers: a map %t", n, byName != nil)
		}
		for i := range 6 {
			got := ContainerNamed(list, byName, fmt.Sprint(i))
			if want := i < min(n, 5); (got != nil) != want || got != nil && got.Image != fmt.Sprint(i) {
				t.Errorf("%d containers: %d is %+v", n, i, got)
			}
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	port, host := &corev1.ContainerPort{ContainerPort: 80}, &corev1.ContainerPort{ContainerPort: 80, HostPort: 8080}
	got := []any{
		HostPort(port, false), HostPort(port, true), HostPort(host, true), HostPort(host, false),
		FieldRefAPIVersion(&corev1.ObjectFieldSelector{}), FieldRefAPIVersion(&corev1.ObjectFieldSelector{APIVersion: "v2"}),
		IsEmptyDir(&corev1.VolumeSource{}), IsEmptyDir(&corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}),
		IsEmptyDir(&corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{}}),
	}
	want := []any{int32(0), int32(80), int32(8080), int32(8080), "v1", "v2", true, true, false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
