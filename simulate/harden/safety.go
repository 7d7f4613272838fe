package harden

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// settingOfContainer returns the effective value of one security setting of a container as text, to compare pods before
// and after an edit.
type settingOfContainer func(*corev1.PodSpec, *corev1.Container) string

// settingComparison compares one security setting of running pods before and after an edit that hardens their template.
type settingComparison struct {
	*templateAnalysis
	setting settingOfContainer
	// equalByName is false where containers of one name have different values: an edit for one container changes the first
	// of them and is compared with all.
	equalByName bool
}

// compareSetting returns a comparison of one security setting for the running pods of a template.
func (r *templateAnalysis) compareSetting(of settingOfContainer) *settingComparison {
	s := &settingComparison{templateAnalysis: r, setting: of, equalByName: true}
	for _, pod := range r.running {
		for _, c := range templateContainers(pod.spec) {
			if first := pod.container(c.Name); first != c.Container {
				s.equalByName = s.equalByName && of(pod.spec, first) == of(pod.spec, c.Container)
			}
		}
	}
	return s
}

// withSafety returns a proposed edit marked as safe, if it changes the setting in no running pod, else as one to test. why
// is the reason for a test.
func (s *settingComparison) withSafety(p proposedEdit, why message.Message) proposedEdit {
	p.Safety, p.Why = NeedsTest, why
	if !s.runningPodsUnchanged(&p) {
		return p
	}
	p.Safety, p.Why = Safe, message.New("edit-in-force", "policy", s.Policy)
	return p
}

// runningPodsUnchanged reports whether pods run and a proposed edit changes the setting in none of their containers.
func (s *settingComparison) runningPodsUnchanged(p *proposedEdit) bool {
	if !s.runningPodsComplete || p.inPod == nil && !s.equalByName {
		return false
	}
	for _, pod := range s.running {
		if p.inPod == nil && s.changesContainer(p, pod) || p.inPod != nil && s.changesAnyContainer(p, pod) {
			return false
		}
	}
	return true
}

// changesContainer reports whether a proposed edit of one container changes the security setting in a pod's container
// of that name.
func (s *settingComparison) changesContainer(p *proposedEdit, pod *containerIndex) bool {
	c := pod.container(p.Container)
	edited, security := *c, *podspec.OrEmpty(c.SecurityContext)
	p.inContainer(&security)
	edited.SecurityContext = &security
	return s.setting(pod.spec, c) != s.setting(pod.spec, &edited)
}

// changesAnyContainer reports whether a proposed edit at the pod level changes the security setting in one of the pod's
// containers.
func (s *settingComparison) changesAnyContainer(p *proposedEdit, pod *containerIndex) bool {
	edited, security := *pod.spec, *podspec.OrEmpty(pod.spec.SecurityContext)
	p.inPod(&security)
	edited.SecurityContext = &security
	for _, c := range templateContainers(pod.spec) {
		if s.setting(pod.spec, pod.container(c.Name)) != s.setting(&edited, c.Container) {
			return true
		}
	}
	return false
}

// runsAsWrittenUser reports whether a pod runs a container of the template as the user that the template states. A policy
// or a webhook may have chosen another; without them the image chooses.
func (r *templateAnalysis) runsAsWrittenUser(pod *containerIndex, name string) bool {
	written, running := r.template.container(name), pod.container(name)
	if written == nil || running == nil {
		return true
	}
	user, now := effectiveUser(r.template.spec, written), effectiveUser(pod.spec, running)
	return now == nil || user != nil && *user == *now
}

// holdsForAllPods reports whether a condition holds for a container of the template, or for it in every running pod. A pod
// counts only if it runs the container as the user that the template states.
func (r *templateAnalysis) holdsForAllPods(name string, holds func(*corev1.PodSpec, *corev1.Container) bool) bool {
	if holds(r.template.spec, r.template.container(name)) {
		return true
	}
	for _, pod := range r.running {
		c := pod.container(name)
		if c == nil || !holds(pod.spec, c) || !r.runsAsWrittenUser(pod, name) {
			return false
		}
	}
	return len(r.running) > 0
}

// onWindows reports, to propose edits, whether the pods run on Windows, where API validation refuses Linux fields.
func (s *TemplateWithPods) onWindows() bool {
	os := s.Template.Spec.OS
	return s.OnWindows || os != nil && os.Name == corev1.Windows
}

// effectiveUser returns runAsUser of a template's container, else of its pod.
func effectiveUser(spec *corev1.PodSpec, c *corev1.Container) *int64 {
	if own := podspec.OrEmpty(c.SecurityContext).RunAsUser; own != nil {
		return own
	}
	return podspec.OrEmpty(spec.SecurityContext).RunAsUser
}

// effectiveNonRoot returns runAsNonRoot of a template's container, else of its pod.
func effectiveNonRoot(spec *corev1.PodSpec, c *corev1.Container) *bool {
	if own := podspec.OrEmpty(c.SecurityContext).RunAsNonRoot; own != nil {
		return own
	}
	return podspec.OrEmpty(spec.SecurityContext).RunAsNonRoot
}
