package migrate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// setProfileAnnotations sets in a workload of the Plan which seccomp and AppArmor profiles only annotations of the
// workload's template set, or without a template those of its pods.
func setProfileAnnotations(out *Evaluation, w *inventory.Workload) {
	shapes := []*inventory.Shape{w.Template}
	if w.Template == nil {
		shapes = shapes[:0]
		for i := range w.PodGroups {
			shapes = append(shapes, w.PodGroups[i].Shape)
		}
	}
	out.SeccompByAnnotation = slices.ContainsFunc(shapes, needsSeccompAnnotation)
	out.AppArmorByAnnotation = slices.ContainsFunc(shapes, needsAppArmorAnnotation)
}

// needsSeccompAnnotation reports, for a Plan's cautions, whether a pod relies on a seccomp annotation: one sets a
// profile that no field sets, for the pod or for a container that is there.
func needsSeccompAnnotation(s *inventory.Shape) bool {
	pod := s.Spec.SecurityContext != nil && s.Spec.SecurityContext.SeccompProfile != nil
	if _, annotated := s.Annotations[corev1.SeccompPodAnnotationKey]; annotated && !pod {
		return true
	}
	return anyContainer(s, func(name string, c *corev1.SecurityContext) bool {
		_, annotated := s.Annotations[corev1.SeccompContainerAnnotationKeyPrefix+name]
		return annotated && (c == nil || c.SeccompProfile == nil)
	})
}

// needsAppArmorAnnotation reports, for a Plan's cautions, whether a pod relies on an AppArmor annotation: one sets a
// profile that no field sets.
func needsAppArmorAnnotation(s *inventory.Shape) bool {
	pod := s.Spec.SecurityContext != nil && s.Spec.SecurityContext.AppArmorProfile != nil
	return anyContainer(s, func(name string, c *corev1.SecurityContext) bool {
		value := s.Annotations[corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix+name]
		return strings.TrimSpace(value) != "" && !pod && (c == nil || c.AppArmorProfile == nil)
	})
}

// anyContainer reports, for a Plan's cautions, whether a condition holds for the security context of any init container
// or container of a pod.
func anyContainer(s *inventory.Shape, is func(string, *corev1.SecurityContext) bool) bool {
	each := func(c corev1.Container) bool { return is(c.Name, c.SecurityContext) }
	return slices.ContainsFunc(s.Spec.InitContainers, each) || slices.ContainsFunc(s.Spec.Containers, each)
}
