package harden

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// settingOfContainer is what a container gets of one setting, from its own security context or from its pod's, as text to compare.
type settingOfContainer func(*corev1.PodSpec, *corev1.Container) string

// scale weighs the proposals of one fix by an effect.
type scale struct {
	*raising
	setting settingOfContainer
	// equalByName is false where containers of one name do not have the same effect: a proposal for one container reaches the first
	// of them and is measured by all.
	equalByName bool
}

func (r *raising) compareSetting(of settingOfContainer) *scale {
	s := &scale{raising: r, setting: of, equalByName: true}
	for _, pod := range r.running {
		for _, c := range templateContainers(pod.spec) {
			if first := pod.container(c.Name); first != c.Container {
				s.equalByName = s.equalByName && of(pod.spec, first) == of(pod.spec, c.Container)
			}
		}
	}
	return s
}

// withSafety marks a proposal as safe if it changes the effect on no container of any pod that runs today, else as one to
// test, for the reason given.
func (s *scale) withSafety(p proposedEdit, why string) proposedEdit {
	p.Safety, p.Why = NeedsTest, why
	if !s.runningPodsUnchanged(&p) {
		return p
	}
	p.Safety, p.Why = Safe, "its pods run with it today"
	if s.Policy != "" {
		p.Why = fmt.Sprintf("the policy %q fills it in today", s.Policy)
	}
	return p
}

// runningPodsUnchanged is true if there are pods and the proposal changes nothing in them.
func (s *scale) runningPodsUnchanged(p *proposedEdit) bool {
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

// changesContainer is true if a proposal for one container changes the effect on that of a pod.
func (s *scale) changesContainer(p *proposedEdit, pod *containerIndex) bool {
	c := pod.container(p.Container)
	edited, security := *c, *podspec.OrEmpty(c.SecurityContext)
	p.inContainer(&security)
	edited.SecurityContext = &security
	return s.setting(pod.spec, c) != s.setting(pod.spec, &edited)
}

// changesAnyContainer is true if a proposal for the pod changes the effect on one of its containers.
func (s *scale) changesAnyContainer(p *proposedEdit, pod *containerIndex) bool {
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

// runsAsWrittenUser is false where a pod runs a container of the template as a user that the template does not state: a policy or a
// webhook chose it, and without that the image will.
func (r *raising) runsAsWrittenUser(pod *containerIndex, name string) bool {
	written, running := r.template.container(name), pod.container(name)
	if written == nil || running == nil {
		return true
	}
	user, now := effectiveUser(r.template.spec, written), effectiveUser(pod.spec, running)
	return now == nil || user != nil && *user == *now
}

// holdsForAllPods is true if it holds for a container as written, or in every pod that runs today, as the user that is written.
func (r *raising) holdsForAllPods(name string, holds func(*corev1.PodSpec, *corev1.Container) bool) bool {
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

// onWindows is true for pods that run on Windows, which have no Linux fields: API validation refuses them where the pod
// states its os.
func (s *TemplateWithPods) onWindows() bool {
	os := s.Template.Spec.OS
	return s.OnWindows || os != nil && os.Name == corev1.Windows
}

func effectiveUser(spec *corev1.PodSpec, c *corev1.Container) *int64 {
	if own := podspec.OrEmpty(c.SecurityContext).RunAsUser; own != nil {
		return own
	}
	return podspec.OrEmpty(spec.SecurityContext).RunAsUser
}

func effectiveNonRoot(spec *corev1.PodSpec, c *corev1.Container) *bool {
	if own := podspec.OrEmpty(c.SecurityContext).RunAsNonRoot; own != nil {
		return own
	}
	return podspec.OrEmpty(spec.SecurityContext).RunAsNonRoot
}

func capabilityList(names []corev1.Capability) string {
	text := make([]string, len(names))
	for i, n := range names {
		text[i] = string(n)
	}
	return strings.Join(text, ", ")
}
