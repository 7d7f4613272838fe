package psp

import (
	"fmt"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// seccompRule is the seccomp rule of a PodSecurityPolicy: the profiles that its annotation allows. It follows
// pkg/security/podsecuritypolicy/seccomp. Profiles are compared as annotations spell them, and "*" is the only wildcard.
type seccompRule struct {
	allowed  map[string]bool // empty where the policy has no list
	allowAny bool
	listText string // for messages
}

// newSeccompRule reads the seccomp rule from the annotations of a PodSecurityPolicy.
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

// seccompAnnotationToWrite returns the value that PSP admission writes to the pod's seccomp annotation, "" for none. It is
// the profile of the pod's annotation, else of its field, else the policy's default. A field that no annotation can express
// prevents the default.
func (e *policyEvaluation) seccompAnnotationToWrite() string {
	switch {
	case e.annotations[podspec.SeccompPodAnnotation] != "":
		return e.annotations[podspec.SeccompPodAnnotation]
	case e.podSecurityContext.SeccompProfile != nil:
		return podspec.SeccompAnnotation(e.podSecurityContext.SeccompProfile)
	default:
		return e.policy.mutation.seccomp
	}
}

// validatePodSeccomp adds a refusal if the PodSecurityPolicy does not allow the pod's seccomp profile. The mutation has
// written a field that an annotation can express to the annotation by now.
func (e *policyEvaluation) validatePodSeccomp() {
	e.validateSeccomp(podspec.SeccompPodAnnotation, e.annotations[podspec.SeccompPodAnnotation])
}

// validateContainerSeccomp adds a refusal if the PodSecurityPolicy does not allow the container's seccomp profile.
func (e *policyEvaluation) validateContainerSeccomp(c *podContainer) {
	e.validateSeccomp(c.seccompKey, e.containerSeccompProfile(c))
}

// containerSeccompProfile returns the seccomp profile of a container, as a PodSecurityPolicy's annotation spells it.
// Unlike for the pod, a field precedes its annotation, and an annotation counts even if it is empty.
func (e *policyEvaluation) containerSeccompProfile(c *podContainer) string {
	if c.securityContext.SeccompProfile != nil {
		return podspec.SeccompAnnotation(c.securityContext.SeccompProfile)
	}
	if profile, ok := e.annotations[c.seccompKey]; ok {
		return profile
	}
	if e.podSecurityContext.SeccompProfile != nil {
		return podspec.SeccompAnnotation(e.podSecurityContext.SeccompProfile)
	}
	return e.annotations[podspec.SeccompPodAnnotation]
}

// validateSeccomp adds a refusal if the PodSecurityPolicy does not allow a seccomp profile. Without a list no profile
// may be set; with a list one must be set, unless "*" is in it.
func (e *policyEvaluation) validateSeccomp(key, profile string) {
	r := &e.policy.seccomp
	switch unset := profile == ""; {
	case r.allowAny, r.allowed[profile], unset && len(r.allowed) == 0:
	case e.refusalLimitReached():
	case len(r.allowed) == 0:
		e.addForbidden(annotationFieldPath(key), "seccomp may not be set")
	default:
		e.addForbidden(annotationFieldPath(key), fmt.Sprintf("%s is not an allowed seccomp profile. Valid values are %v", profile, r.listText))
	}
}

// annotationFieldPath returns the path of a pod annotation as refusals of PSP admission show it.
func annotationFieldPath(key string) string { return "pod.metadata.annotations[" + key + "]" }
