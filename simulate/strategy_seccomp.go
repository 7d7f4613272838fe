package simulate

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// seccompContainerAnnotationPrefix is followed by the name of a container.
const seccompContainerAnnotationPrefix = "container.seccomp.security.alpha.kubernetes.io/"

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
	case t.annotations[seccompPodAnnotation] != "":
		return t.annotations[seccompPodAnnotation]
	case t.security.SeccompProfile != nil:
		return seccompAnnotation(t.security.SeccompProfile)
	default:
		return t.policy.fills.seccomp
	}
}

// validatePodSeccomp: a field that an annotation can express has been written to it by now.
func (t *trial) validatePodSeccomp() {
	t.validateSeccomp(seccompPodAnnotation, t.annotations[seccompPodAnnotation])
}

func (t *trial) validateContainerSeccomp(c *container) {
	t.validateSeccomp(c.seccompKey, t.seccompOf(c))
}

// seccompOf is the container's profile. Unlike for the pod, a field goes before its annotation, and an annotation counts
// even if it is empty.
func (t *trial) seccompOf(c *container) string {
	if c.security.SeccompProfile != nil {
		return seccompAnnotation(c.security.SeccompProfile)
	}
	if profile, ok := t.annotations[c.seccompKey]; ok {
		return profile
	}
	if t.security.SeccompProfile != nil {
		return seccompAnnotation(t.security.SeccompProfile)
	}
	return t.annotations[seccompPodAnnotation]
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

// seccompAnnotation is SeccompAnnotationForField (pkg/api/pod/util.go): the field as an annotation spells it, "" if none
// can. seccompField is its counterpart.
func seccompAnnotation(field *corev1.SeccompProfile) string {
	switch {
	case field.Type == corev1.SeccompProfileTypeUnconfined:
		return "unconfined"
	case field.Type == corev1.SeccompProfileTypeRuntimeDefault:
		return "runtime/default"
	case field.Type == corev1.SeccompProfileTypeLocalhost && field.LocalhostProfile != nil:
		return "localhost/" + *field.LocalhostProfile
	default:
		return ""
	}
}
