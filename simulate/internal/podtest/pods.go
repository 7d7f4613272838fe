// Package podtest makes pods and policies for tests: by hand, and at random.
package podtest

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// PodsOf returns, for tests, a group of one live pod, "web-1".
func PodsOf(s *inventory.Shape, admittedBy string) []inventory.PodGroup {
	return []inventory.PodGroup{{Shape: s, AdmittedBy: admittedBy, Count: 1, ExamplePod: "web-1"}}
}

// ShapeOf returns, for tests, the shape of a pod with the containers and an empty security context.
func ShapeOf(containers ...corev1.Container) *inventory.Shape {
	return &inventory.Shape{Spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{}, Containers: containers}}
}

// Plain returns, for tests, a container without a security context.
func Plain(name string) corev1.Container { return corev1.Container{Name: name} }

// Hardened returns, for tests, a container with all that the restricted level asks for.
func Hardened(name string) corev1.Container {
	return corev1.Container{Name: name, SecurityContext: &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false), RunAsNonRoot: new(true),
		Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}}
}

// Edited makes a test's edits in a pod shape and returns it.
func Edited(s *inventory.Shape, edits ...func(*inventory.Shape)) *inventory.Shape {
	for _, edit := range edits {
		edit(s)
	}
	return s
}

// PolicyOf returns, for tests, a PodSecurityPolicy that does not mutate pods, changed by edit.
func PolicyOf(name string, edit func(*pspparse.Policy)) *pspparse.Policy {
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

// Hardening returns, for tests, a PodSecurityPolicy that writes everything that the restricted level asks for.
func Hardening(name string) *pspparse.Policy {
	return PolicyOf(name, func(p *pspparse.Policy) {
		p.Annotations[pspparse.SeccompDefaultAnnotation] = "runtime/default"
		p.Spec.RunAsUser.Rule = pspparse.MustRunAsNonRoot
		p.Spec.RequiredDropCapabilities = []string{"ALL"}
		p.Spec.AllowPrivilegeEscalation = new(false)
		p.Spec.ReadOnlyRootFilesystem = true
	})
}

// Normal returns, for comparison in tests, a pod shape in one spelling: absent objects are empty ones, and capabilities
// are sorted.
func Normal(s *inventory.Shape) *inventory.Shape {
	out := &inventory.Shape{Annotations: map[string]string{}, Spec: *s.Spec.DeepCopy()}
	maps.Copy(out.Annotations, s.Annotations)
	out.Spec.SecurityContext = podspec.OrEmpty(out.Spec.SecurityContext)
	for _, list := range [][]corev1.Container{out.Spec.InitContainers, out.Spec.Containers} {
		for i := range list {
			sc := podspec.OrEmpty(list[i].SecurityContext)
			caps := podspec.OrEmpty(sc.Capabilities)
			sc.Capabilities = &corev1.Capabilities{Add: sorted(caps.Add), Drop: sorted(caps.Drop)}
			list[i].SecurityContext = sc
		}
	}
	return out
}

// sorted returns the capabilities of a test's pod in order.
func sorted(list []corev1.Capability) []corev1.Capability {
	return slices.Sorted(slices.Values(list))
}

// Ordinary returns, for tests, a pod of the usual size: an init container, an application and a sidecar, some volumes,
// half hardened.
func Ordinary() *corev1.PodSpec {
	spec := &corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{FSGroup: new(int64(1000))},
		InitContainers:  []corev1.Container{Plain("init")},
		Containers:      []corev1.Container{Hardened("app"), Plain("sidecar")},
	}
	for i := range 4 {
		spec.Volumes = append(spec.Volumes, corev1.Volume{
			Name: fmt.Sprint("config", i), VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}},
		})
	}
	return spec
}
