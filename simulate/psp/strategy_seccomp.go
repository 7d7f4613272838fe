package psp

import (
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// seccompRule is pkg/security/podsecuritypolicy/seccomp. Profiles are compared as annotations spell them, and the list
// has no other wildcard than "*".
type seccompRule struct {
	allowed map[string]bool // empty where the policy has no list
	any     bool
	list    string // for messages
}

func seccompRuleOf(p *pspparse.Policy) seccompRule {
	list, _ := p.Seccomp()
	if list == nil {
		return seccompRule{}
	}
	r := seccompRule{allowed: setOf(pspparse.SplitProfiles(*list)), list: *list}
	r.any = r.allowed["*"]
	if r.allowed["docker/default"] || r.allowed["runtime/default"] {
		r.allowed["docker/default"], r.allowed["runtime/default"] = true, true
	}
	return r
}

// seccompToWrite is what admission writes to the pod's annotation, "" for nothing: the profile that the pod has by
// annotation, or by field, else the policy's default. A field that no annotation can express keeps the default away.
func (t *trial) seccompToWrite() string {
	switch {
	case t.annotations[podspec.SeccompPodAnnotation] != "":
		return t.annotations[podspec.SeccompPodAnnotation]
	case t.security.SeccompProfile != nil:
		return podspec.SeccompAnnotation(t.security.SeccompProfile)
	default:
		return t.policy.fills.seccomp
	}
}

// validatePodSeccomp: a field that an annotation can express has been written to it by now.
func (t *trial) validatePodSeccomp() {
	t.validateSeccomp(podspec.SeccompPodAnnotation, t.annotations[podspec.SeccompPodAnnotation])
}

func (t *trial) validateContainerSeccomp(c *container) {
	t.validateSeccomp(c.seccompKey, t.seccompOf(c))
}

// seccompOf is the container's profile. Unlike for the pod, a field goes before its annotation, and an annotation counts
// even if it is empty.
func (t *trial) seccompOf(c *container) string {
	if c.security.SeccompProfile != nil {
		return podspec.SeccompAnnotation(c.security.SeccompProfile)
	}
	if profile, ok := t.annotations[c.seccompKey]; ok {
		return profile
	}
	if t.security.SeccompProfile != nil {
		return podspec.SeccompAnnotation(t.security.SeccompProfile)
	}
	return t.annotations[podspec.SeccompPodAnnotation]
}

// validateSeccomp: without a list no profile may be set; with a list one must be, unless "*" is in it.
func (t *trial) validateSeccomp(key, profile string) {
	r := &t.policy.seccomp
	switch unset := profile == ""; {
	case r.any, r.allowed[profile], unset && len(r.allowed) == 0:
	case t.enough():
	case len(r.allowed) == 0:
		t.forbid(annotationPath(key), "seccomp may not be set")
	default:
		t.forbid(annotationPath(key), fmt.Sprintf("%s is not an allowed seccomp profile. Valid values are %v", profile, r.list))
	}
}

func annotationPath(key string) string { return "pod.metadata.annotations[" + key + "]" }
