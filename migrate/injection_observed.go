package migrate

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/migrate/injector"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// injectionKey is a namespace and the variant of injection that a pod asks for with labels or annotations.
type injectionKey struct{ namespace, variant string }

// injectedPod is a group of live pods that shows what an injector adds, with its workload.
type injectedPod struct {
	workload *inventory.Workload
	pods     *inventory.PodGroup
}

// recordInjectedPods records what a workload shows of injectors: the DaemonSet of a CNI plugin, and live pods with containers
// that an injector adds.
func (f *injectionPredictor) recordInjectedPods(w *inventory.Workload) {
	if w.Kind == "DaemonSet" {
		for i := range f.result.injectors {
			if f.result.injectors[i].IsCNIDaemonSet(w.Name) && f.cniDaemonSets[i] == "" {
				f.cniDaemonSets[i] = w.Namespace + "/" + w.Name
			}
		}
	}
	for i := range w.PodGroups {
		g := &w.PodGroups[i]
		if g.Count == 0 || w.Template == nil { // whose containers those of a pod alone are is not known
			continue
		}
		for _, at := range f.injectorsOfPod(w.Template, g.Shape) {
			asks, one := f.injectionVariant(at, w.Namespace, podMetadataOf(w))
			if !one || !f.result.injectors[at].AddedEverything(func(name string) bool { return shapeHasContainer(g.Shape, name) }) {
				continue // it says nothing of other workloads
			}
			f.firstInjectedNamespace[at][asks] = cmp.Or(f.firstInjectedNamespace[at][asks], w.Namespace)
			if few := f.injectedPods[at][injectionKey{w.Namespace, asks}]; len(few) < maxInjectedPodsKept {
				f.injectedPods[at][injectionKey{w.Namespace, asks}] = append(few, injectedPod{w, g})
			}
		}
	}
}

// injectionVariant returns the variant of an injection that pods ask for with labels and annotations, and false where some ask
// for another.
func (f *injectionPredictor) injectionVariant(i int, namespace string, metas []*inventory.PodMeta) (string, bool) {
	first := ""
	for n, meta := range metas {
		asks := f.result.injectors[i].RequestedVariant(f.injectionMarks(meta, namespace))
		if n > 0 && asks != first {
			return "", false
		}
		first = asks
	}
	return first, true
}

// injectionMarks returns the labels and annotations of a pod and its namespace by which injectors choose.
func (f *injectionPredictor) injectionMarks(meta *inventory.PodMeta, namespace string) injector.InjectionMarks {
	ns := f.namespacesByName[namespace]
	return injector.InjectionMarks{Labels: meta.Labels, Annotations: meta.Annotations, NamespaceLabels: ns.Labels, NamespaceAnnotations: ns.Annotations}
}

// maxInjectedPodsKept limits how many live pods of one injector, namespace and variant are compared.
const maxInjectedPodsKept = 3

// injectorsOfPod returns the indexes of the injectors of which a pod has a container that its template does not have.
func (f *injectionPredictor) injectorsOfPod(template, pod *inventory.Shape) []int {
	var out []int
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			for _, at := range f.injectorsByContainer[list[i].Name] {
				if !slices.Contains(out, at) && !shapeHasContainer(template, list[i].Name) {
					out = append(out, at)
				}
			}
		}
	}
	return out
}

// shapeHasContainer reports whether a pod shape has a container or init container of a name.
func shapeHasContainer(s *inventory.Shape, name string) bool {
	is := func(c corev1.Container) bool { return c.Name == name }
	return slices.ContainsFunc(s.Spec.InitContainers, is) || slices.ContainsFunc(s.Spec.Containers, is)
}

// comparableInjectedPods returns live pods that an injector has changed and that ask for the same variant: of the same
// namespace, or else of the first other one that has some.
func (f *injectionPredictor) comparableInjectedPods(i int, t *podTemplate) []injectedPod {
	asks, one := f.injectionVariant(i, t.Namespace, t.metadata)
	if !one {
		return nil
	}
	if few := f.injectedPods[i][injectionKey{t.Namespace, asks}]; len(few) > 0 {
		return few
	}
	return f.injectedPods[i][injectionKey{f.firstInjectedNamespace[i][asks], asks}]
}

// addInjectionAsObserved predicts that an injector adds to the pods of a template what comparable live pods show, the loosest
// of them.
func (f *injectionPredictor) addInjectionAsObserved(in *injector.Injector, mark string, w *podTemplate, few []injectedPod) {
	own := in.AllContainerNames()
	var loosest Injection
	for _, s := range few {
		stored, without := f.evaluator.InjectedParts(s.workload.Template, s.pods)
		for n, added := range []*corev1.PodSpec{stored, without} {
			if n > 0 && without == stored {
				continue
			}
			added = keepContainersNamed(added, own)
			if len(in.DefaultPod.Volumes) == 0 {
				added.Volumes = nil // another's
			}
			one := Injection{
				Injector: in.Name, Trigger: mark, Containers: containerNames(added),
				Why: message.New("injection-as-observed", "pod", s.workload.Namespace+"/"+s.pods.ExamplePod),
			}
			f.expectInjectedShape(w, fmt.Sprintf("%s %p %d", in.Name, s.pods.Shape, n), added, &one)
			if loosest.Injector == "" || levels.Looser(one.Level, loosest.Level) {
				loosest = one
			}
		}
	}
	f.recordInjection(w, loosest)
}

// keepContainersNamed returns a copy of added containers that has only those with the given names, and all volumes.
func keepContainersNamed(added *corev1.PodSpec, names []string) *corev1.PodSpec {
	pick := func(list []corev1.Container) []corev1.Container {
		var out []corev1.Container
		for i := range list {
			if slices.Contains(names, list[i].Name) {
				out = append(out, list[i])
			}
		}
		return out
	}
	return &corev1.PodSpec{InitContainers: pick(added.InitContainers), Containers: pick(added.Containers), Volumes: added.Volumes}
}

// containerNames returns the names of the containers of a pod spec, init containers first.
func containerNames(spec *corev1.PodSpec) []string {
	p := injector.AddedPod{Init: spec.InitContainers, Containers: spec.Containers}
	return p.ContainerNames()
}
