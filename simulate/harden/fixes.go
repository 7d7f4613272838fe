package harden

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// checkFix proposes the edits for one check of the Pod Security Standards that a template fails. Only checks that ask for a
// value have one; those that forbid a value have none.
type checkFix struct {
	check   string
	propose func(*templateAnalysis) []proposedEdit
}

// checkFixes returns the checks that template edits can meet, with the function that proposes the edits.
func checkFixes() []checkFix {
	return []checkFix{
		{"allowPrivilegeEscalation", denyEscalation},
		{"capabilities_restricted", dropAllCapabilities},
		{"runAsNonRoot", requireNonRoot},
		{"seccompProfile_restricted", setSeccompProfile},
	}
}

// denyEscalation proposes allowPrivilegeEscalation: false for each container of a template. API validation refuses it
// beside privileged: true, and beside the capability CAP_SYS_ADMIN in this spelling.
func denyEscalation(s *templateAnalysis) []proposedEdit {
	if s.onWindows() {
		return nil
	}
	var out []proposedEdit
	by := s.compareSetting(escalationSetting)
	for _, p := range templateContainers(&s.Template.Spec) {
		sc := p.securityContext()
		if podspec.IsFalse(sc.AllowPrivilegeEscalation) || podspec.IsTrue(sc.Privileged) || slices.Contains(podspec.OrEmpty(sc.Capabilities).Add, "CAP_SYS_ADMIN") {
			continue
		}
		why := message.New("edit-denies-escalation", "asked", sc.AllowPrivilegeEscalation != nil)
		out = append(out, by.withSafety(p.proposeValue("allowPrivilegeEscalation", false, func(sc *corev1.SecurityContext) {
			sc.AllowPrivilegeEscalation = new(false)
		}), why))
	}
	return out
}

// escalationSetting returns allowPrivilegeEscalation of a container as text, to compare pods before and after an edit.
func escalationSetting(_ *corev1.PodSpec, c *corev1.Container) string {
	return compactJSON(podspec.OrEmpty(c.SecurityContext).AllowPrivilegeEscalation)
}

// dropAllCapabilities proposes to drop ALL capabilities in each container of a template. The standard wants this word
// literally.
func dropAllCapabilities(s *templateAnalysis) []proposedEdit {
	if s.onWindows() {
		return nil
	}
	var out []proposedEdit
	by := s.compareSetting(dropsAllSetting)
	for _, p := range templateContainers(&s.Template.Spec) {
		own := podspec.OrEmpty(p.securityContext().Capabilities)
		if slices.Contains(own.Drop, "ALL") {
			continue
		}
		drop := append(slices.Clone(own.Drop), "ALL")
		why := message.New("edit-drops-capabilities", "added", own.Add)
		edit := by.withSafety(p.proposeValue("capabilities.drop", drop, func(sc *corev1.SecurityContext) {
			sc.Capabilities = &corev1.Capabilities{Add: podspec.OrEmpty(sc.Capabilities).Add, Drop: drop}
		}), why)
		if edit.Safety == NeedsTest && s.holdsForAllPods(p.Name, hasNoCapabilities) {
			edit.Safety, edit.Why = Safe, message.New("edit-drops-nothing")
		}
		out = append(out, edit)
	}
	return out
}

// dropsAllSetting returns as text whether a container drops ALL capabilities, to compare pods before and after an edit.
func dropsAllSetting(_ *corev1.PodSpec, c *corev1.Container) string {
	return compactJSON(slices.Contains(podspec.OrEmpty(podspec.OrEmpty(c.SecurityContext).Capabilities).Drop, "ALL"))
}

// hasNoCapabilities reports whether the processes of a template's container have no effective capabilities and cannot
// get any. The kernel gives none to a user other than root, except through a file, and ignores those of files with
// no_new_privs.
func hasNoCapabilities(spec *corev1.PodSpec, c *corev1.Container) bool {
	user := effectiveUser(spec, c)
	other := user != nil && *user != 0 || user == nil && podspec.IsTrue(effectiveNonRoot(spec, c))
	return other && podspec.IsFalse(podspec.OrEmpty(c.SecurityContext).AllowPrivilegeEscalation)
}

// requireNonRoot proposes runAsNonRoot: true for a pod template, or for each container that lacks it. It is proposed for
// the pod where no container contradicts it. A container that runs as user 0 would not start with it, and gets none.
func requireNonRoot(s *templateAnalysis) []proposedEdit {
	spec := &s.Template.Spec
	var out []proposedEdit
	level := podspec.OrEmpty(spec.SecurityContext).RunAsNonRoot
	inheriting, by := s.containersWithoutNonRoot(), s.compareSetting(nonRootSetting)
	onPods := !podspec.IsTrue(level) && !slices.ContainsFunc(inheriting, inheritingContainer.runsAsRoot)
	if onPods && (len(inheriting) > 0 || level != nil) {
		out = append(out, by.nonRootWithSafety(proposePodValue("runAsNonRoot", true, func(sc *corev1.PodSecurityContext) {
			sc.RunAsNonRoot = new(true)
		}), inheriting, podspec.IsFalse(level)))
	}
	for _, p := range templateContainers(spec) {
		own := p.securityContext().RunAsNonRoot
		inherits := own == nil && (onPods || podspec.IsTrue(level))
		if user := effectiveUser(spec, p.Container); podspec.IsTrue(own) || inherits || user != nil && *user == 0 {
			continue
		}
		out = append(out, by.nonRootWithSafety(p.proposeValue("runAsNonRoot", true, func(sc *corev1.SecurityContext) {
			sc.RunAsNonRoot = new(true)
		}), []inheritingContainer{{spec, p.Container}}, own != nil))
	}
	return out
}

// inheritingContainer is a template's container that has no runAsNonRoot of its own, with the pod spec that it takes it
// from.
type inheritingContainer struct {
	spec *corev1.PodSpec
	*corev1.Container
}

// runsAsRoot reports whether the template's container runs as user 0, by its own security context or the pod's.
func (c inheritingContainer) runsAsRoot() bool {
	user := effectiveUser(c.spec, c.Container)
	return user != nil && *user == 0
}

// containersWithoutNonRoot returns the containers, of the template and of future pods, without a runAsNonRoot of their own.
func (r *templateAnalysis) containersWithoutNonRoot() []inheritingContainer {
	var out []inheritingContainer
	for i, pod := range slices.Concat([]*containerIndex{r.template}, r.next) {
		for _, p := range templateContainers(pod.spec) {
			known := i > 0 && r.template.container(p.Name) != nil
			if p.securityContext().RunAsNonRoot == nil && !known {
				out = append(out, inheritingContainer{pod.spec, p.Container})
			}
		}
	}
	return out
}

// nonRootWithSafety returns a proposed edit runAsNonRoot: true marked as safe or as one to test. reaches are the
// containers that it changes, denied is true if the template says false. That a pod runs with it today shows nothing
// where it runs as a user that the template does not state.
func (s *settingComparison) nonRootWithSafety(p proposedEdit, reaches []inheritingContainer, denied bool) proposedEdit {
	why := func(unstated bool) message.Message {
		if s.onWindows() {
			return message.New("edit-requires-windows-user", "denied", denied, "unstated", unstated)
		}
		return message.New("edit-requires-non-root", "denied", denied, "unstated", unstated)
	}
	p = s.withSafety(p, why(false))
	byNumber := !s.onWindows() && !slices.ContainsFunc(reaches, func(c inheritingContainer) bool { return effectiveUser(c.spec, c.Container) == nil })
	switch {
	case len(reaches) == 0:
		p.Safety, p.Why = Safe, message.New("edit-of-default-alone")
	case byNumber:
		p.Safety, p.Why = Safe, message.New("edit-of-user-by-number")
	case p.Safety == Safe && !s.usersStated:
		p.Safety, p.Why = NeedsTest, why(true)
	}
	return p
}

// nonRootSetting returns the effective runAsNonRoot of a container as text, to compare pods before and after an edit.
func nonRootSetting(spec *corev1.PodSpec, c *corev1.Container) string {
	return compactJSON(effectiveNonRoot(spec, c))
}

// setSeccompProfile proposes a seccomp profile for the pod, or for containers, where a template has none. It is the profile
// of the running pods, else RuntimeDefault. A seccomp annotation becomes the field. Where an annotation asks for unconfined
// nothing is proposed: API validation wants the two to agree.
func setSeccompProfile(s *templateAnalysis) []proposedEdit {
	spec := &s.Template.Spec
	if s.onWindows() || podspec.OrEmpty(spec.SecurityContext).SeccompProfile != nil {
		return nil
	}
	ofPod, podAnnotated, ok := s.seccompProfileByAnnotation(podspec.SeccompPodAnnotation)
	if !ok {
		return nil
	}
	if running := s.runningSeccompProfile(); running != nil && !podAnnotated {
		ofPod = running
	}
	var out []proposedEdit
	inherit, allAnnotated := false, true
	for _, p := range templateContainers(spec) {
		if p.securityContext().SeccompProfile != nil {
			continue
		}
		own, annotated, ok := s.seccompProfileByAnnotation(podspec.SeccompContainerAnnotationPrefix + p.Name)
		if !ok {
			return nil
		}
		if !annotated || podspec.SameSeccompProfile(own, ofPod) {
			inherit, allAnnotated = true, allAnnotated && (annotated || podAnnotated)
			continue
		}
		edit := p.proposeValue("seccompProfile", own, func(sc *corev1.SecurityContext) { sc.SeccompProfile = own })
		edit.Safety, edit.Why = Safe, seccompAnnotationReason()
		out = append(out, edit)
	}
	if !inherit {
		return out
	}
	edit := s.compareSetting(seccompSetting).withSafety(proposePodValue("seccompProfile", ofPod, func(sc *corev1.PodSecurityContext) { sc.SeccompProfile = ofPod }),
		message.New("edit-sets-first-seccomp-profile"))
	if edit.Safety == NeedsTest && allAnnotated {
		edit.Safety, edit.Why = Safe, seccompAnnotationReason()
	}
	return append([]proposedEdit{edit}, out...)
}

// runningSeccompProfile returns the pod-level seccomp profile that all running pods have. It is nil if the restricted level
// would refuse it.
func (s *TemplateWithPods) runningSeccompProfile() *corev1.SeccompProfile {
	var all *corev1.SeccompProfile
	for i, pod := range s.RunningPods {
		p := podspec.OrEmpty(pod.Spec.SecurityContext).SeccompProfile
		if p == nil || p.Type == corev1.SeccompProfileTypeUnconfined || i > 0 && !podspec.SameSeccompProfile(p, all) {
			return nil
		}
		all = p
	}
	return all
}

// seccompAnnotationReason returns the reason of an edit that writes a seccomp annotation into its field.
func seccompAnnotationReason() message.Message { return message.New("edit-of-seccomp-annotation") }

// seccompProfileByAnnotation returns the seccomp profile of a template's annotation, RuntimeDefault where there is none. ok
// is false where the restricted level would refuse the profile.
func (s *TemplateWithPods) seccompProfileByAnnotation(key string) (p *corev1.SeccompProfile, annotated, ok bool) {
	value := s.Template.Annotations[key]
	if value == "" {
		return &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}, false, true
	}
	p = podspec.SeccompProfile(value)
	return p, true, p != nil && p.Type != corev1.SeccompProfileTypeUnconfined
}

// seccompSetting returns, for the safety of an edit, the effective seccomp profile of a container as text, to compare
// pods before and after an edit.
func seccompSetting(spec *corev1.PodSpec, c *corev1.Container) string {
	if own := podspec.OrEmpty(c.SecurityContext).SeccompProfile; own != nil {
		return compactJSON(own)
	}
	return compactJSON(podspec.OrEmpty(spec.SecurityContext).SeccompProfile)
}
