package harden

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// ProfileEditsFromAnnotations returns the fields that API servers write into pods because an annotation of the template asks for it:
// seccomp profiles up to v1.26, after which the annotation does nothing, and AppArmor profiles from v1.30 on, as long as that
// annotation lasts. A template has to state them itself at the target version. Left out is a seccomp profile "unconfined",
// which is what pods without the field get, too, and which the standards would refuse.
func ProfileEditsFromAnnotations(template *inventory.Shape, target api.Version) []Edit {
	if os := template.Spec.OS; os != nil && os.Name == corev1.Windows {
		return nil
	}
	var out []Edit
	add := func(p proposedEdit, why string) {
		p.Safety, p.Why = Safe, why
		out = append(out, p.Edit)
	}
	pod := podspec.OrEmpty(template.Spec.SecurityContext)
	if p := confinedSeccompProfile(template.Annotations[podspec.SeccompPodAnnotation]); p != nil && pod.SeccompProfile == nil {
		add(proposePodValue("seccompProfile", p, nil), seccompAnnotationReason)
	}
	for _, c := range templateContainers(&template.Spec) {
		sc := c.securityContext()
		if p := confinedSeccompProfile(template.Annotations[podspec.SeccompContainerAnnotationPrefix+c.Name]); p != nil && sc.SeccompProfile == nil {
			add(c.proposeValue("seccompProfile", p, nil), seccompAnnotationReason)
		}
		p := appArmorProfile(template.Annotations[podspec.AppArmorAnnotationPrefix+c.Name])
		inherited := pod.AppArmorProfile != nil && p != nil && pod.AppArmorProfile.Type == p.Type
		if p != nil && sc.AppArmorProfile == nil && !inherited && !target.Older(firstVersionWithAppArmorField()) {
			add(c.proposeValue("appArmorProfile", p, nil), fmt.Sprintf("its annotation asks for it, and servers from %s on write that into the field", firstVersionWithAppArmorField()))
		}
	}
	return out
}

// firstVersionWithAppArmorField is the first version in which AppArmor profiles have a field.
func firstVersionWithAppArmorField() api.Version { return api.MajorMinorVersion(1, 30) }

// confinedSeccompProfile is the profile that a seccomp annotation asks for, nil if that is none.
func confinedSeccompProfile(annotation string) *corev1.SeccompProfile {
	p := podspec.SeccompProfile(annotation)
	if p == nil || p.Type == corev1.SeccompProfileTypeUnconfined {
		return nil
	}
	return p
}

// appArmorProfile is the field that means the same as an AppArmor annotation, nil for one that means nothing.
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
