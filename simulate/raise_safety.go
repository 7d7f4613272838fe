package simulate

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// effect is what a container gets of one setting, from its own security context or from its pod's, as text to compare.
type effect func(*corev1.PodSpec, *corev1.Container) string

// weighed marks a proposal as safe if it changes the effect on no container of any pod that runs today, else as one to
// test, for the reason given.
func (s *Subject) weighed(p proposal, of effect, why string) proposal {
	p.Safety, p.Why = Test, why
	if !s.runsSo(p, of) {
		return p
	}
	p.Safety, p.Why = Safe, "its pods run with it today"
	if s.Policy != "" {
		p.Why = fmt.Sprintf("the policy %q fills it in today", s.Policy)
	}
	return p
}

// runsSo is true if there are pods and the proposal changes nothing in them. A pod that lacks a container of the template,
// as one that is older, shows nothing.
func (s *Subject) runsSo(p proposal, of effect) bool {
	for _, pod := range s.Running {
		edited := editable(&pod.Spec)
		p.write(edited)
		for _, c := range places(&s.Template.Spec) {
			if named(edited, c.Name) == nil {
				return false
			}
		}
		for _, c := range places(edited) {
			if of(&pod.Spec, named(&pod.Spec, c.Name)) != of(edited, c.Container) {
				return false
			}
		}
	}
	return len(s.Running) > 0
}

// sameUser is false where a pod runs a container of the template as a user that the template does not state: a policy or a
// webhook chose it, and without that the image will.
func (s *Subject) sameUser(pod *inventory.Shape, name string) bool {
	written, running := named(&s.Template.Spec, name), named(&pod.Spec, name)
	if written == nil || running == nil {
		return true
	}
	user, now := userOf(&s.Template.Spec, written), userOf(&pod.Spec, running)
	return now == nil || user != nil && *user == *now
}

// everywhere is true if it holds for a container as written, or in every pod that runs today, as the user that is written.
func (s *Subject) everywhere(name string, holds func(*corev1.PodSpec, *corev1.Container) bool) bool {
	if holds(&s.Template.Spec, named(&s.Template.Spec, name)) {
		return true
	}
	for _, pod := range s.Running {
		c := named(&pod.Spec, name)
		if c == nil || !holds(&pod.Spec, c) || !s.sameUser(pod, name) {
			return false
		}
	}
	return len(s.Running) > 0
}

// windows is true for pods that run on Windows, which have no Linux fields: API validation refuses them where the pod
// states its os.
func (s *Subject) windows() bool {
	os := s.Template.Spec.OS
	return s.Windows || os != nil && os.Name == corev1.Windows
}

func userOf(spec *corev1.PodSpec, c *corev1.Container) *int64 {
	if own := orEmpty(c.SecurityContext).RunAsUser; own != nil {
		return own
	}
	return orEmpty(spec.SecurityContext).RunAsUser
}

func nonRootOf(spec *corev1.PodSpec, c *corev1.Container) *bool {
	if own := orEmpty(c.SecurityContext).RunAsNonRoot; own != nil {
		return own
	}
	return orEmpty(spec.SecurityContext).RunAsNonRoot
}

func isFalse(b *bool) bool { return b != nil && !*b }

func list(names []corev1.Capability) string {
	text := make([]string, len(names))
	for i, n := range names {
		text[i] = string(n)
	}
	return strings.Join(text, ", ")
}
