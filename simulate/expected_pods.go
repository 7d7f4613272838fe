package simulate

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// AddExpectedPod adds to the simulation a pod that a workload is expected to get: its template with what an injector
// adds. It has to be called before AfterPSP and HardenTemplate of the workload. The shape must not be written into
// afterwards.
func (sim *Simulator) AddExpectedPod(w *inventory.Workload, shape *inventory.Shape) {
	sim.expectedPods[w] = append(sim.expectedPods[w], shape)
}

// ExpectedPods returns the expected pods that were added for a workload.
func (sim *Simulator) ExpectedPods(w *inventory.Workload) []*inventory.Shape {
	return sim.expectedPods[w]
}

// InjectedParts returns, to simulate, the containers and volumes that a live pod has beyond its template. It does so
// twice: as stored, and without what its policy may have written. Projected and secret volumes are left out: the
// account's token is one, and every level allows them.
func (sim *Simulator) InjectedParts(template *inventory.Shape, g *inventory.PodGroup) (stored, without *corev1.PodSpec) {
	asStored, unmutated := sim.replacementShapes(template, g)
	stored = partsBeyondTemplate(template, asStored)
	if unmutated == asStored {
		return stored, stored
	}
	return stored, partsBeyondTemplate(template, unmutated)
}

// VerdictWithoutMutation returns the verdict on a live pod without what a PodSecurityPolicy may have written. Only values
// that its template leaves unset are taken off.
func (sim *Simulator) VerdictWithoutMutation(template *inventory.Shape, g *inventory.PodGroup, v api.Version) pss.Verdict {
	_, without := sim.failuresWithAndWithoutMutation(template, g)
	return *sim.standards.VerdictAt(without, v)
}

// partsBeyondTemplate returns, to simulate, a pod spec with the containers and volumes of a live pod that its template
// does not have.
func partsBeyondTemplate(template, pod *inventory.Shape) *corev1.PodSpec {
	if template == nil {
		template = &inventory.Shape{}
	}
	out := &corev1.PodSpec{
		InitContainers: containersBeyondTemplate(template.Spec.InitContainers, pod.Spec.InitContainers),
		Containers:     containersBeyondTemplate(template.Spec.Containers, pod.Spec.Containers),
	}
	known := map[string]bool{}
	for i := range template.Spec.Volumes {
		known[template.Spec.Volumes[i].Name] = true
	}
	for i := range pod.Spec.Volumes {
		if v := &pod.Spec.Volumes[i]; !known[v.Name] && v.Projected == nil && v.Secret == nil {
			out.Volumes = append(out.Volumes, *v)
		}
	}
	return out
}

// containersBeyondTemplate returns, to simulate, the containers of a live pod whose names its template does not have.
func containersBeyondTemplate(template, pod []corev1.Container) []corev1.Container {
	var out []corev1.Container
	byName := podspec.ContainersByName(template)
	for i := range pod {
		if podspec.ContainerNamed(template, byName, pod[i].Name) == nil {
			out = append(out, pod[i])
		}
	}
	return out
}
