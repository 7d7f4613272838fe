package psp

import (
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// seccompRule is pkg/security/podsecuritypolicy/seccomp. Profiles are compared as annotations spell them, and the list
// has no other wildcard than "*".
type seccompRule struct {
	allowed  map[string]bool // empty where the policy has no list
	allowAny bool
	listText string // for messages
}

func newSeccompRule(p *pspparse.Policy) seccompRule {
	list, _ := p.SeccompProfiles()
	if list == nil {
		return seccompRule{}
	}
	r := seccompRule{allowed: stringSet(pspparse.SplitProfiles(*list)), listText: *list}
	r.allowAny = r.allowed["*"]
	if r.allowed["docker/default"] || r.allowed["runtime/default"] {
		r.allowed["docker/default"], r.allowed["runtime/default"] = true, true
	}
	return r
}

// seccompAnnotationToWrite is what admission writes to the pod's annotation, "" for nothing: the profile that the pod has by
// annotation, or by field, else the policy's default. A field that no annotation can express keeps the default away.
func (t *evaluation) seccompAnnotationToWrite() string {
	switch {
	case t.annotations[podspec.SeccompPodAnnotation] != "":
		return t.annotations[podspec.SeccompPodAnnotation]
	case t.podSecurityContext.SeccompProfile != nil:
		return podspec.SeccompAnnotation(t.podSecurityContext.SeccompProfile)
	default:
		return t.policy.mutation.seccomp
	}
}

// validatePodSeccomp: a field that an annotation can express has been written to it by now.
func (t *evaluation) validatePodSeccomp() {
	t.validateSeccomp(podspec.SeccompPodAnnotation, t.annotations[podspec.SeccompPodAnnotation])
}

func (t *evaluation) validateContainerSeccomp(c *podContainer) {
	t.validateSeccomp(c.seccompKey, t.containerSeccompProfile(c))
}

// containerSeccompProfile is the container's profile. Unlike for the pod, a field goes before its annotation, and an annotation counts
// even if it is empty.
func (t *evaluation) containerSeccompProfile(c *podContainer) string {
	if c.securityContext.SeccompProfile != nil {
		return podspec.SeccompAnnotation(c.securityContext.SeccompProfile)
	}
	if profile, ok := t.annotations[c.seccompKey]; ok {
		return profile
	}
	if t.podSecurityContext.SeccompProfile != nil {
		return podspec.SeccompAnnotation(t.podSecurityContext.SeccompProfile)
	}
	return t.annotations[podspec.SeccompPodAnnotation]
}

// validateSeccomp: without a list no profile may be set; with a list one must be, unless "*" is in it.
func (t *evaluation) validateSeccomp(key, profile string) {
	r := &t.policy.seccomp
	switch unset := profile == ""; {
	case r.allowAny, r.allowed[profile], unset && len(r.allowed) == 0:
	case t.refusalLimitReached():
	case len(r.allowed) == 0:
		t.addForbidden(annotationFieldPath(key), "seccomp may not be set")
	default:
		t.addForbidden(annotationFieldPath(key), fmt.Sprintf("%s is not an allowed seccomp profile. Valid values are %v", profile, r.listText))
	}
}

func annotationFieldPath(key string) string { return "pod.metadata.annotations[" + key + "]" }
