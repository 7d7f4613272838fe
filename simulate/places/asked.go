package places

import (
	"encoding/json"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/harden"
)

// askedField is a field that a check asks for: each container has it, or the pod for all its containers.
type askedField struct {
	check string
	// keys lead to the field from the pod's spec, or from a container.
	keys []string
	// addsToList is true for a list, to which the value that meets the check is added.
	addsToList bool
	// only returns a security context with nothing but the field.
	only func(*corev1.SecurityContext) *corev1.SecurityContext
	// good returns the field's value that meets the check, given the one that is there, and set writes it.
	good func(*corev1.SecurityContext) any
	set  func(*corev1.SecurityContext)
	// isSet reports whether a security context has the field.
	isSet func(*corev1.SecurityContext) bool
	// ofPod is nil for a field that only containers have.
	ofPod *askedOfPod
}

// askedOfPod is what a check asks for at the level of the pod.
type askedOfPod struct {
	only  func(*corev1.PodSecurityContext) *corev1.PodSecurityContext
	isSet func(*corev1.PodSecurityContext) bool
	// setForAll writes the value that meets the check for containers without their own. It is nil where that would keep containers
	// from starting which would start without: then a value of the pod that does not meet the check is taken out.
	setForAll func(*corev1.PodSecurityContext)
	remove    func(*corev1.PodSecurityContext)
}

// askedFieldOf returns the field that a check asks of a pod template; ok is false for a check that only forbids values.
func askedFieldOf(check string) (askedField, bool) {
	all := []askedField{askedEscalation(), askedDrop(), askedNonRoot(), askedSeccomp()}
	i := slices.IndexFunc(all, func(f askedField) bool { return f.check == check })
	if i < 0 {
		return askedField{}, false
	}
	return all[i], true
}

// askedEscalation returns the field that a check asks for so that a container gains no privileges.
func askedEscalation() askedField {
	return askedField{
		check: "allowPrivilegeEscalation",
		keys:  []string{"securityContext", "allowPrivilegeEscalation"},
		only: func(sc *corev1.SecurityContext) *corev1.SecurityContext {
			return &corev1.SecurityContext{AllowPrivilegeEscalation: sc.AllowPrivilegeEscalation}
		},
		good:  func(*corev1.SecurityContext) any { return false },
		set:   func(sc *corev1.SecurityContext) { sc.AllowPrivilegeEscalation = new(false) },
		isSet: func(sc *corev1.SecurityContext) bool { return sc.AllowPrivilegeEscalation != nil },
	}
}

// askedDrop returns the field that a check asks for so that a container has no capabilities. What it adds is another place.
func askedDrop() askedField {
	drop := func(sc *corev1.SecurityContext) []corev1.Capability {
		return append(slices.Clone(podspec.OrEmpty(sc.Capabilities).Drop), "ALL")
	}
	return askedField{
		check: "capabilities_restricted",
		keys:  []string{"securityContext", "capabilities", "drop"}, addsToList: true,
		only: func(sc *corev1.SecurityContext) *corev1.SecurityContext {
			return &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Drop: podspec.OrEmpty(sc.Capabilities).Drop}}
		},
		good:  func(sc *corev1.SecurityContext) any { return drop(sc) },
		set:   func(sc *corev1.SecurityContext) { sc.Capabilities = &corev1.Capabilities{Drop: drop(sc)} },
		isSet: func(sc *corev1.SecurityContext) bool { return podspec.OrEmpty(sc.Capabilities).Drop != nil },
	}
}

// askedNonRoot returns the field that a check asks for so that a container does not run as root.
func askedNonRoot() askedField {
	return askedField{
		check: "runAsNonRoot",
		keys:  []string{"securityContext", "runAsNonRoot"},
		only: func(sc *corev1.SecurityContext) *corev1.SecurityContext {
			return &corev1.SecurityContext{RunAsNonRoot: sc.RunAsNonRoot}
		},
		good:  func(*corev1.SecurityContext) any { return true },
		set:   func(sc *corev1.SecurityContext) { sc.RunAsNonRoot = new(true) },
		isSet: func(sc *corev1.SecurityContext) bool { return sc.RunAsNonRoot != nil },
		ofPod: &askedOfPod{
			only: func(sc *corev1.PodSecurityContext) *corev1.PodSecurityContext {
				return &corev1.PodSecurityContext{RunAsNonRoot: sc.RunAsNonRoot}
			},
			isSet:  func(sc *corev1.PodSecurityContext) bool { return sc.RunAsNonRoot != nil },
			remove: func(sc *corev1.PodSecurityContext) { sc.RunAsNonRoot = nil },
		},
	}
}

// askedSeccomp returns the field that a check asks for so that a container runs with a seccomp profile.
func askedSeccomp() askedField {
	runtimeDefault := func() *corev1.SeccompProfile {
		return &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
	return askedField{
		check: "seccompProfile_restricted",
		keys:  []string{"securityContext", "seccompProfile"},
		only: func(sc *corev1.SecurityContext) *corev1.SecurityContext {
			return &corev1.SecurityContext{SeccompProfile: sc.SeccompProfile}
		},
		good:  func(*corev1.SecurityContext) any { return runtimeDefault() },
		set:   func(sc *corev1.SecurityContext) { sc.SeccompProfile = runtimeDefault() },
		isSet: func(sc *corev1.SecurityContext) bool { return sc.SeccompProfile != nil },
		ofPod: &askedOfPod{
			only: func(sc *corev1.PodSecurityContext) *corev1.PodSecurityContext {
				return &corev1.PodSecurityContext{SeccompProfile: sc.SeccompProfile}
			},
			isSet:     func(sc *corev1.PodSecurityContext) bool { return sc.SeccompProfile != nil },
			setForAll: func(sc *corev1.PodSecurityContext) { sc.SeccompProfile = runtimeDefault() },
		},
	}
}

// findAsked finds the places at which a pod template lacks the field that the check asks for, or has another value there. Package
// harden proposes what can be done without a decision, unless it replaces a value; what is then still missing is for people to decide.
func (f *finder) findAsked(field askedField) {
	edits, edited := harden.EditsForCheck(f.template, f.check)
	for i := range edits {
		f.addProposed(field, &edits[i])
	}
	if !f.fails(edited) {
		return
	}
	pod := podspec.OrEmpty(edited.Spec.SecurityContext)
	if field.ofPod != nil {
		f.findAskedOfPod(field, pod, &edited.Spec)
	}
	for _, c := range allContainers(&edited.Spec) {
		if f.lacks(field, pod, c, podspec.OrEmpty(c.SecurityContext)) {
			f.addAsked(field, c)
		}
	}
}

// lacks reports whether a container with a security context, in a pod with another, lacks the field that the check asks for.
func (f *finder) lacks(field askedField, ofPod *corev1.PodSecurityContext, c listedContainer, own *corev1.SecurityContext) bool {
	pod := f.emptyPod()
	if field.ofPod != nil {
		pod.Spec.SecurityContext = field.ofPod.only(ofPod)
	}
	return f.fails(c.reducedTo(pod, corev1.Container{SecurityContext: field.only(own)}))
}

// addProposed adds the place of an edit that package harden proposes.
func (f *finder) addProposed(field askedField, e *harden.Edit) {
	path, err := fieldpath.Parse(e.Path)
	if err != nil {
		panic(err) // harden writes paths of fields
	}
	p := Place{Path: path, Container: e.Container, Edit: &Edit{Value: json.RawMessage(e.Value), Safety: string(e.Safety), Why: e.Why}}
	if p.Missing = f.isMissing(field, path); !p.Missing && !field.addsToList {
		p.Edit.decideOnStated()
	}
	f.found = append(f.found, p)
}

// decideOnStated makes an edit that package harden proposes one for people to decide, as it replaces a value that the template states.
func (e *Edit) decideOnStated() {
	if e.Safety == string(harden.Safe) {
		e.Why = message.New("edit-replaces-stated-value") // harden says why the value has no effect, which is no reason to decide
	}
	e.Safety, e.ReplacesStated = SafetyDecide, true
}

// isMissing reports whether the pod template has no value of the asked field at a path.
func (f *finder) isMissing(field askedField, path fieldpath.Path) bool {
	spec := &f.template.Template.Spec
	switch path[1].Key {
	case initContainers:
		return !field.isSet(podspec.OrEmpty(spec.InitContainers[path[2].Index].SecurityContext))
	case containers:
		return !field.isSet(podspec.OrEmpty(spec.Containers[path[2].Index].SecurityContext))
	}
	return field.ofPod != nil && !field.ofPod.isSet(podspec.OrEmpty(spec.SecurityContext))
}

// findAskedOfPod finds the place at the level of the pod that makes containers fail, and writes into the pod what would meet the check.
func (f *finder) findAskedOfPod(field askedField, pod *corev1.PodSecurityContext, spec *corev1.PodSpec) {
	all := allContainers(spec)
	good := &corev1.SecurityContext{}
	field.set(good)
	wrong := len(all) > 0 && f.lacks(field, pod, all[0], good)
	inherited := field.ofPod.setForAll != nil && slices.ContainsFunc(all, func(c listedContainer) bool {
		own := podspec.OrEmpty(c.SecurityContext)
		return !field.isSet(own) && f.lacks(field, pod, c, own)
	})
	if !wrong && !inherited {
		return
	}
	p := Place{Path: fieldpath.Keys("spec").Keys(field.keys...), Missing: !field.ofPod.isSet(pod)}
	if field.ofPod.setForAll != nil {
		field.ofPod.setForAll(pod)
		p.Edit = f.edit(field, "", good)
	} else {
		field.ofPod.remove(pod)
		p.Edit = &Edit{Remove: true, Safety: SafetyDecide, Why: f.advice("")}
	}
	f.found = append(f.found, p)
}

// addAsked adds the place of the asked field in a container in which no edit without a decision writes it.
func (f *finder) addAsked(field askedField, c listedContainer) {
	own := podspec.OrEmpty(c.SecurityContext)
	f.found = append(f.found, Place{
		Path: c.path(field.keys...), Container: c.Name, Missing: !field.isSet(own), Edit: f.edit(field, c.list, own),
	})
}

// edit returns the edit that writes the asked field for people to decide; nil where the API refuses the field on Windows.
func (f *finder) edit(field askedField, list string, own *corev1.SecurityContext) *Edit {
	os := f.template.Template.Spec.OS
	if os != nil && os.Name == corev1.Windows && field.check != "runAsNonRoot" {
		return nil
	}
	value, err := json.Marshal(field.good(own))
	if err != nil {
		panic(err) // values of the API
	}
	return &Edit{Value: value, Safety: SafetyDecide, Why: f.advice(list)}
}
