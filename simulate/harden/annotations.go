package harden

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// ProfileEditsFromAnnotations returns the edits that write a template's seccomp and AppArmor annotations into the fields.
// API servers write a pod's seccomp annotations into fields up to v1.26, after which they mean nothing, and AppArmor
// annotations from v1.30 on. A template has to state the fields itself at the target version. A seccomp profile
// "unconfined" is left out: pods without the field get it, too, and the standards refuse it.
func ProfileEditsFromAnnotations(template *inventory.Shape, target api.Version) []Edit {
	if os := template.Spec.OS; os != nil && os.Name == corev1.Windows {
		return nil
	}
	var out []Edit
	add := func(p proposedEdit, why message.Message) {
		p.Safety, p.Why = Safe, why
		out = append(out, p.Edit)
	}
	pod := podspec.OrEmpty(template.Spec.SecurityContext)
	if p := confinedSeccompProfile(template.Annotations[podspec.SeccompPodAnnotation]); p != nil && pod.SeccompProfile == nil {
		add(proposePodValue("seccompProfile", p, nil), seccompAnnotationReason())
	}
	for _, c := range templateContainers(&template.Spec) {
		sc := c.securityContext()
		if p := confinedSeccompProfile(template.Annotations[podspec.SeccompContainerAnnotationPrefix+c.Name]); p != nil && sc.SeccompProfile == nil {
			add(c.proposeValue("seccompProfile", p, nil), seccompAnnotationReason())
		}
		p := appArmorProfile(template.Annotations[podspec.AppArmorAnnotationPrefix+c.Name])
		inherited := pod.AppArmorProfile != nil && p != nil && pod.AppArmorProfile.Type == p.Type
		if p != nil && sc.AppArmorProfile == nil && !inherited && !target.Older(firstVersionWithAppArmorField()) {
			add(c.proposeValue("appArmorProfile", p, nil), message.New("edit-of-apparmor-annotation", "version", new(firstVersionWithAppArmorField())))
		}
	}
	return out
}

// firstVersionWithAppArmorField returns the first Kubernetes version in which a template can state AppArmor profiles in
// a field.
func firstVersionWithAppArmorField() api.Version { return api.MajorMinorVersion(1, 30) }

// confinedSeccompProfile returns the seccomp profile that a template's annotation asks for; nil for none and for
// "unconfined".
func confinedSeccompProfile(annotation string) *corev1.SeccompProfile {
	p := podspec.SeccompProfile(annotation)
	if p == nil || p.Type == corev1.SeccompProfileTypeUnconfined {
		return nil
	}
	return p
}

// appArmorProfile returns the template's appArmorProfile field that says the same as an AppArmor annotation. It is nil
// for an invalid annotation.
func appArmorProfile(annotation string) *corev1.AppArmorProfile {
	switch localhost, is := strings.CutPrefix(annotation, corev1.DeprecatedAppArmorBetaProfileNamePrefix); {
	case annotation == corev1.DeprecatedAppArmorBetaProfileRuntimeDefault:
		return &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeRuntimeDefault}
	case annotation == corev1.DeprecatedAppArmorBetaProfileNameUnconfined:
		return &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
	case is && localhost != "":
		return &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeLocalhost, LocalhostProfile: &localhost}
	}
	return nil
}
