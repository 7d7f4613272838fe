package simulate

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/psp"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// firstVersionWithoutSeccompSync returns v1.27, the first version whose API servers ignore seccomp annotations. Checks
// change at it, too (pss.VersionsWithChanges), so verdicts hold from one such version to the next all the same.
func firstVersionWithoutSeccompSync() api.Version { return api.MajorMinorVersion(1, 27) }

// evaluateSeccompSynced returns the checks that a pod fails once an old API server has applied its seccomp annotations.
// Servers before v1.27 write the annotations into unset fields of pods, and never of templates. It is nil where they change
// nothing.
//
// See applySeccompVersionSkew in pkg/registry/core/pod of Kubernetes v1.24.
func (sim *Simulator) evaluateSeccompSynced(s *inventory.Shape, v api.Version) *pss.CheckFailures {
	if len(s.Annotations) == 0 || !v.Older(firstVersionWithoutSeccompSync()) {
		return nil
	}
	found, ok := sim.seccompSyncedFailures[s]
	if !ok {
		if pod := withSeccompFields(s); pod != nil {
			found = sim.standards.PodFailures(pod.Annotations, &pod.Spec)
		}
		sim.seccompSyncedFailures[s] = found
	}
	return found
}

// withSeccompFields returns, to evaluate it at older versions, a copy of a pod shape with the fields that its seccomp
// annotations ask for. It is nil if there is no such field to set.
func withSeccompFields(s *inventory.Shape) *inventory.Shape {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: maps.Clone(s.Annotations)}, Spec: *s.Spec.DeepCopy()}
	pod.Spec.SecurityContext = podspec.OrEmpty(pod.Spec.SecurityContext)
	if !psp.SyncSeccompFields(pod) {
		return nil
	}
	return &inventory.Shape{Annotations: pod.Annotations, Spec: pod.Spec}
}
