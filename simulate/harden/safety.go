package harden

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// effect is what a container gets of one setting, from its own security context or from its pod's, as text to compare.
type effect func(*corev1.PodSpec, *corev1.Container) string

// scale weighs the proposals of one fix by an effect.
type scale struct {
	*raising
	of effect
	// even is false where containers of one name do not have the same effect: a proposal for one container reaches the first
	// of them and is measured by all.
	even bool
}

func (r *raising) scale(of effect) *scale {
	s := &scale{raising: r, of: of, even: true}
	for _, pod := range r.running {
		for _, c := range places(pod.spec) {
			if first := pod.named(c.Name); first != c.Container {
				s.even = s.even && of(pod.spec, first) == of(pod.spec, c.Container)
			}
		}
	}
	return s
}

// weighed marks a proposal as safe if it changes the effect on no container of any pod that runs today, else as one to
// test, for the reason given.
func (s *scale) weighed(p proposal, why string) proposal {
	p.Safety, p.Why = Test, why
	if !s.runsSo(&p) {
		return p
	}
	p.Safety, p.Why = Safe, "its pods run with it today"
	if s.Policy != "" {
		p.Why = fmt.Sprintf("the policy %q fills it in today", s.Policy)
	}
	return p
}

// runsSo is true if there are pods and the proposal changes nothing in them.
func (s *scale) runsSo(p *proposal) bool {
	if !s.together || p.inPod == nil && !s.even {
		return false
	}
	for _, pod := range s.running {
		if p.inPod == nil && s.changes(p, pod) || p.inPod != nil && s.changesAny(p, pod) {
			return false
		}
	}
	return true
}

// changes is true if a proposal for one container changes the effect on that of a pod.
func (s *scale) changes(p *proposal, pod *parts) bool {
	c := pod.named(p.Container)
	edited, security := *c, *podspec.OrEmpty(c.SecurityContext)
	p.inContainer(&security)
	edited.SecurityContext = &security
	return s.of(pod.spec, c) != s.of(pod.spec, &edited)
}

// changesAny is true if a proposal for the pod changes the effect on one of its containers.
func (s *scale) changesAny(p *proposal, pod *parts) bool {
	edited, security := *pod.spec, *podspec.OrEmpty(pod.spec.SecurityContext)
	p.inPod(&security)
	edited.SecurityContext = &security
	for _, c := range places(pod.spec) {
		if s.of(pod.spec, pod.named(c.Name)) != s.of(&edited, c.Container) {
			return true
		}
	}
	return false
}

// sameUser is false where a pod runs a container of the template as a user that the template does not state: a policy or a
// webhook chose it, and without that the image will.
func (r *raising) sameUser(pod *parts, name string) bool {
	written, running := r.template.named(name), pod.named(name)
	if written == nil || running == nil {
		return true
	}
	user, now := userOf(r.template.spec, written), userOf(pod.spec, running)
	return now == nil || user != nil && *user == *now
}

// everywhere is true if it holds for a container as written, or in every pod that runs today, as the user that is written.
func (r *raising) everywhere(name string, holds func(*corev1.PodSpec, *corev1.Container) bool) bool {
	if holds(r.template.spec, r.template.named(name)) {
		return true
	}
	for _, pod := range r.running {
		c := pod.named(name)
		if c == nil || !holds(pod.spec, c) || !r.sameUser(pod, name) {
			return false
		}
	}
	return len(r.running) > 0
}

// windows is true for pods that run on Windows, which have no Linux fields: API validation refuses them where the pod
// states its os.
func (s *TemplateWithPods) windows() bool {
	os := s.Template.Spec.OS
	return s.Windows || os != nil && os.Name == corev1.Windows
}

func userOf(spec *corev1.PodSpec, c *corev1.Container) *int64 {
	if own := podspec.OrEmpty(c.SecurityContext).RunAsUser; own != nil {
		return own
	}
	return podspec.OrEmpty(spec.SecurityContext).RunAsUser
}

func nonRootOf(spec *corev1.PodSpec, c *corev1.Container) *bool {
	if own := podspec.OrEmpty(c.SecurityContext).RunAsNonRoot; own != nil {
		return own
	}
	return podspec.OrEmpty(spec.SecurityContext).RunAsNonRoot
}

func list(names []corev1.Capability) string {
	text := make([]string, len(names))
	for i, n := range names {
		text[i] = string(n)
	}
	return strings.Join(text, ", ")
}
