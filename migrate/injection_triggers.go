package migrate

import (
	"cmp"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/injector"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// absentInjector counts the workloads with the marks of an injector of which no webhook was read.
type absentInjector struct {
	trigger      string
	workloads    int
	lastWorkload *inventory.Workload
}

// podTemplate is one pod template of a workload, of which injection is predicted for the Plan. A custom object may have several.
type podTemplate struct {
	*inventory.Workload
	shape    *inventory.Shape
	metadata []*inventory.PodMeta
}

// podTemplatesOf returns the pod templates of a workload with the metadata that their pods may have.
func podTemplatesOf(w *inventory.Workload) []podTemplate {
	if w.Template != nil {
		return []podTemplate{{w, w.Template, podMetadataOf(w)}}
	}
	var out []podTemplate
	for i := range w.Embedded {
		metas := w.Embedded[i].PodMetas
		if len(metas) == 0 {
			metas = []*inventory.PodMeta{{}}
		}
		out = append(out, podTemplate{w, w.Embedded[i].Shape, metas})
	}
	return out
}

// hasLivePods reports whether a workload has live pods.
func hasLivePods(w *inventory.Workload) bool {
	return slices.ContainsFunc(w.PodGroups, func(g inventory.PodGroup) bool { return g.Count > 0 })
}

// predictTemplateInjections predicts what the known injectors add to the pods of one pod template.
func (f *injectionPredictor) predictTemplateInjections(t *podTemplate) {
	for i := range f.result.injectors {
		if f.nothingToPredict(i, t) {
			continue
		}
		if mark := f.injectionTrigger(i, t); mark != "" {
			f.addInjection(i, mark, t)
		}
	}
}

// nothingToPredict reports whether an injector adds nothing to the pods of a template, or whether live pods show already what
// it adds.
func (f *injectionPredictor) nothingToPredict(i int, t *podTemplate) bool {
	in := &f.result.injectors[i]
	return in.DefaultPod.IsEmpty() || in.MayAddNoContainer && hasLivePods(t.Workload) || f.injectionAlreadyVisible(t, in.DefaultPod.ContainerNames()) || in.PodWithCNI != nil && f.injectionAlreadyVisible(t, in.PodWithCNI.ContainerNames())
}

// injectionAlreadyVisible reports whether the template has all of the containers, as after a manual injection, or whether a
// live pod has one of them beyond its template.
func (f *injectionPredictor) injectionAlreadyVisible(w *podTemplate, names []string) bool {
	lacks := func(name string) bool { return !shapeHasContainer(w.shape, name) }
	if len(names) > 0 && !slices.ContainsFunc(names, lacks) {
		return true
	}
	return slices.ContainsFunc(w.PodGroups, func(g inventory.PodGroup) bool {
		return g.Count > 0 && slices.ContainsFunc(names, func(name string) bool { return lacks(name) && shapeHasContainer(g.Shape, name) })
	})
}

// injectionTrigger returns the label, annotation or selector by which an injector changes the pods of a template; "" if it does
// not change them.
func (f *injectionPredictor) injectionTrigger(i int, w *podTemplate) string {
	in := &f.result.injectors[i]
	refused := true
	for _, meta := range w.metadata {
		choice, mark := in.InjectionChoiceFor(f.injectionMarks(meta, w.Namespace))
		refused = refused && choice == injector.OptedOut
		if choice != injector.Injected {
			continue
		}
		if f.injectorInstalled(i, w) {
			return mark
		}
		if f.absentInjectors[i].lastWorkload != w.Workload {
			f.absentInjectors[i].workloads++
			f.absentInjectors[i].lastWorkload = w.Workload
		}
		f.absentInjectors[i].trigger = cmp.Or(f.absentInjectors[i].trigger, mark)
		return ""
	}
	if in.InjectsUnmarkedPods() && !refused {
		if r := f.firstMatchingWebhook(i, w, onlyIfCertain); r != nil {
			return "the selectors of " + r.String()
		}
	}
	return ""
}

// injectorInstalled returns false only for a cluster whose mutating webhooks were all listed, if none of them makes the
// injector change the pods of the template.
func (f *injectionPredictor) injectorInstalled(i int, w *podTemplate) bool {
	if !f.inv.ListedResources["mutatingwebhookconfigurations.admissionregistration.k8s.io"] || f.inv.Source.Origin() != inventory.SourceCluster {
		return true
	}
	return f.firstMatchingWebhook(i, w, ifPossible) != nil || slices.ContainsFunc(f.otherMutators, func(c *podMutator) bool {
		return c.Effect == inventory.EffectUnknown && c.Kind == "MutatingWebhookConfiguration" && f.webhookMatchesTemplate(c.AdmissionRule, w, ifPossible)
	})
}

// firstMatchingWebhook returns the first webhook of an injector that applies to the pods of a template; nil if none does.
func (f *injectionPredictor) firstMatchingWebhook(i int, w *podTemplate, how namespaceLabelsKnown) *inventory.AdmissionRule {
	for _, r := range f.webhooksByInjector[i] {
		if f.webhookMatchesTemplate(r, w, how) {
			return r
		}
	}
	return nil
}
