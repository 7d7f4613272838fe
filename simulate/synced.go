package simulate

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const seccompContainerAnnotationPrefix = "container.seccomp.security.alpha.kubernetes.io/"

// firstUnsynced is the first version whose servers leave seccomp annotations alone. It is one at which checks change, too
// (ChangePoints), so verdicts hold from one such version to the next all the same.
func firstUnsynced() api.Version { return api.MajorMinorVersion(1, 27) }

// synced judges what servers of a version make of a pod that is created like s: before v1.27 they write its seccomp
// annotations into the fields that are unset, and never in templates. It is nil where they change nothing.
//
// See applySeccompVersionSkew in pkg/registry/core/pod of Kubernetes v1.24.
func (j *Judge) synced(s *inventory.Shape, v api.Version) *judgement {
	if len(s.Annotations) == 0 || !v.Older(firstUnsynced()) {
		return nil
	}
	found, ok := j.syncs[s]
	if !ok {
		if pod := sync(s); pod != nil {
			found = j.run(pod.Annotations, &pod.Spec)
		}
		j.syncs[s] = found
	}
	return found
}

// sync returns a copy with the fields set, nil if none is.
func sync(s *inventory.Shape) *inventory.Shape {
	pod := &inventory.Shape{Annotations: maps.Clone(s.Annotations), Spec: *s.Spec.DeepCopy()}
	changed := false
	write := func(field **corev1.SeccompProfile, key string) {
		if profile := seccompField(s.Annotations[key]); *field == nil && profile != nil {
			*field, changed = profile, true
		}
	}
	if pod.Spec.SecurityContext == nil {
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	write(&pod.Spec.SecurityContext.SeccompProfile, seccompPodAnnotation)
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			list[i].SecurityContext = orEmpty(list[i].SecurityContext)
			write(&list[i].SecurityContext.SeccompProfile, seccompContainerAnnotationPrefix+list[i].Name)
		}
	}
	if !changed {
		return nil
	}
	return pod
}
