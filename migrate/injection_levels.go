package migrate

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/injector"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// addInjection predicts what an injector adds to the pods of a template: what comparable live pods show, or else its defaults.
func (f *injectionPredictor) addInjection(i int, mark string, w *podTemplate) {
	in := &f.result.injectors[i]
	if few := f.comparableInjectedPods(i, w); len(few) > 0 {
		f.addInjectionAsObserved(in, mark, w, few)
		return
	}
	pod, why := in.DefaultPod, message.New("injection-defaults")
	switch {
	case in.PodWithCNI == nil:
	case f.cniDaemonSets[i] != "":
		pod, why = *in.PodWithCNI, message.New("injection-defaults-with-cni", "daemonSet", f.cniDaemonSets[i])
	default:
		with := f.levelOfAddition(w, in.Name+" with CNI", podSpecOfInjector(in.PodWithCNI))
		why = message.New("injection-defaults-without-cni", "level", with, "restart", true)
	}
	f.expectAddition(w, in.Name+" "+strings.Join(pod.ContainerNames(), " "), podSpecOfInjector(&pod), Injection{Injector: in.Name, Trigger: mark, Containers: pod.ContainerNames(), Why: why, Source: in.Source})
}

// podSpecOfInjector returns the containers and volumes that an injector adds as a pod spec.
func podSpecOfInjector(p *injector.AddedPod) *corev1.PodSpec {
	return &corev1.PodSpec{InitContainers: p.Init, Containers: p.Containers, Volumes: p.Volumes}
}

// expectAddition makes the evaluator count added containers for the level after PSP, and records the injection unless every
// level allows it.
func (f *injectionPredictor) expectAddition(w *podTemplate, key string, adds *corev1.PodSpec, one Injection) {
	f.expectInjectedShape(w, key, adds, &one)
	f.recordInjection(w, one)
}

// recordInjection adds an injection to those of its workload. Of equal ones into several templates the loosest is kept.
func (f *injectionPredictor) recordInjection(w *podTemplate, one Injection) {
	if one.Level == api.LevelRestricted {
		return
	}
	all := f.result.byWorkload[w.Workload]
	at := slices.IndexFunc(all, func(other Injection) bool {
		return other.Injector == one.Injector && other.Trigger == one.Trigger && other.Why.Text == one.Why.Text
	})
	switch {
	case at < 0:
		f.result.byWorkload[w.Workload] = append(all, one)
	case levels.Looser(one.Level, all[at].Level): // of another template
		all[at] = one
	}
}

// expectInjectedShape makes the evaluator count the pod template with the added containers, and sets the level that the
// addition allows.
func (f *injectionPredictor) expectInjectedShape(w *podTemplate, key string, adds *corev1.PodSpec, one *Injection) {
	if one.Level = f.levelOfAddition(w, key, adds); one.Level == api.LevelRestricted {
		return
	}
	id := fmt.Sprintf("%p %s", w.shape, key)
	shape := f.shapeCache[id]
	if shape == nil {
		spec := w.shape.Spec
		spec.InitContainers = slices.Concat(spec.InitContainers, adds.InitContainers)
		spec.Containers = slices.Concat(spec.Containers, adds.Containers)
		spec.Volumes = slices.Concat(spec.Volumes, adds.Volumes)
		shape = inventory.ReducePod(w.shape.Annotations, &spec)
		f.shapeCache[id] = shape
	}
	f.evaluator.AddExpectedPod(w.Workload, shape)
}

// levelOfAddition returns the strictest level of a pod that has nothing but the added containers, under the pod-level security
// context of the template. The key names the addition in the cache.
func (f *injectionPredictor) levelOfAddition(w *podTemplate, key string, adds *corev1.PodSpec) api.Level {
	var level api.Level
	sc := inheritedSecurityContext(w.shape)
	id := fmt.Sprintf("%s %v %v", key, sc.SeccompProfile, sc.RunAsNonRoot != nil && *sc.RunAsNonRoot)
	shape := f.shapeCache[id]
	if shape == nil {
		alone := *adds
		alone.SecurityContext = sc
		shape = inventory.ReducePod(nil, &alone)
		f.shapeCache[id] = shape
	}
	for _, v := range f.enforceAt {
		level = levels.LeastStrict(level, f.evaluator.Evaluate(shape, v).Level)
	}
	return level
}

// inheritedSecurityContext returns, for predicted injections, what containers without a security context of their own
// inherit from the pod: a seccomp profile other than Unconfined, and runAsNonRoot.
func inheritedSecurityContext(template *inventory.Shape) *corev1.PodSecurityContext {
	out := &corev1.PodSecurityContext{}
	sc := template.Spec.SecurityContext
	if sc == nil {
		return out
	}
	if sc.SeccompProfile != nil && sc.SeccompProfile.Type != corev1.SeccompProfileTypeUnconfined {
		out.SeccompProfile = sc.SeccompProfile
	}
	if sc.RunAsNonRoot != nil && *sc.RunAsNonRoot {
		out.RunAsNonRoot = sc.RunAsNonRoot
	}
	return out
}
