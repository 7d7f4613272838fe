package simulate

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// The annotations that PSP admission writes into pods.
const (
	seccompPodAnnotation     = "seccomp.security.alpha.kubernetes.io/pod"
	appArmorAnnotationPrefix = corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix
)

// filling is what a policy writes into pods that leave a value unset. Each field is named after the one it fills; nil,
// empty and false mean that the policy does not fill it.
type filling struct {
	// nothing is true for a policy that leaves every pod as it is.
	nothing bool
	// anything is true for a policy of which nothing is known: it may have written any value into the fields that carry
	// one. Fields that can only ever be filled with one value are set as in a policy that does.
	anything bool

	runAsUser, runAsGroup    *int64
	fsGroup                  *int64
	supplementalGroup        *int64 // the one group of the list that is written
	runAsNonRoot             bool
	readOnlyRootFilesystem   bool
	allowPrivilegeEscalation *bool
	seLinuxOptions           *corev1.SELinuxOptions
	// seccomp and appArmor are profiles as the annotations spell them.
	seccomp, appArmor string
	runtimeClassName  *string
	add, drop         map[corev1.Capability]bool
}

// anyFilling is the filling of a policy that is not known.
func anyFilling() *filling {
	return &filling{anything: true, runAsNonRoot: true, readOnlyRootFilesystem: true}
}

// fillingOf reads from a policy what PSP admission's mutating pass writes on its behalf.
func fillingOf(p *pspparse.Policy) *filling {
	s := &p.Spec
	f := &filling{
		nothing:                len(p.Mutating()) == 0,
		runAsUser:              firstOf(&s.RunAsUser),
		runAsGroup:             firstOf(s.RunAsGroup),
		fsGroup:                firstOf(&s.FSGroup),
		supplementalGroup:      firstOf(&s.SupplementalGroups),
		runAsNonRoot:           s.RunAsUser.Rule == pspparse.MustRunAsNonRoot,
		readOnlyRootFilesystem: s.ReadOnlyRootFilesystem,
		seccomp:                p.Annotations[pspparse.SeccompDefaultAnnotation],
		appArmor:               p.Annotations[pspparse.AppArmorDefaultAnnotation],
		add:                    capabilities(s.DefaultAddCapabilities),
		drop:                   capabilities(s.RequiredDropCapabilities),
	}
	f.allowPrivilegeEscalation = s.DefaultAllowPrivilegeEscalation
	if f.allowPrivilegeEscalation == nil && s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation {
		f.allowPrivilegeEscalation = s.AllowPrivilegeEscalation
	}
	if o := s.SELinux.SELinuxOptions; s.SELinux.Rule == pspparse.MustRunAs && o != nil {
		f.seLinuxOptions = &corev1.SELinuxOptions{User: o.User, Role: o.Role, Type: o.Type, Level: o.Level}
	}
	if s.RuntimeClass != nil {
		f.runtimeClassName = s.RuntimeClass.DefaultRuntimeClassName
	}
	return f
}

// sketch is the same for fillings that are equal, and for few others.
func (f *filling) sketch() string {
	return fmt.Sprint(*orEmpty(f.runAsUser), *orEmpty(f.runAsGroup), *orEmpty(f.fsGroup), *orEmpty(f.supplementalGroup), f.runAsNonRoot,
		f.readOnlyRootFilesystem, *orEmpty(f.seLinuxOptions), f.seccomp, f.appArmor, *orEmpty(f.runtimeClassName), f.add, f.drop)
}

// firstOf returns the ID that a strategy writes: the start of the range listed first, not the smallest.
func firstOf(s *pspparse.IDStrategy) *int64 {
	if s == nil || s.Rule != pspparse.MustRunAs || len(s.Ranges) == 0 {
		return nil
	}
	return &s.Ranges[0].Min
}

func capabilities(names []string) map[corev1.Capability]bool {
	if len(names) == 0 {
		return nil
	}
	set := make(map[corev1.Capability]bool, len(names))
	for _, n := range names {
		set[corev1.Capability(n)] = true
	}
	return set
}

// seccompField is the profile that the server derives from a seccomp annotation, nil if it derives none.
func seccompField(annotation string) *corev1.SeccompProfile {
	switch localhost, is := strings.CutPrefix(annotation, "localhost/"); {
	case annotation == "runtime/default" || annotation == "docker/default":
		return &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	case annotation == "unconfined":
		return &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
	case is && localhost != "":
		return &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: &localhost}
	}
	return nil
}

// wrote reports whether got can be what the filling wrote, given what it writes into that field.
func wrote[T comparable](f *filling, want, got *T) bool {
	return got != nil && (f.anything || want != nil && *want == *got)
}

// wroteSeccomp does the same for the pod's annotation and for the field that the server copies it to. An annotation
// that the policy did not write means that the field is not the policy's either.
func (f *filling) wroteSeccomp(annotation string, field *corev1.SeccompProfile) (wroteAnnotation, wroteField bool) {
	if f.anything {
		return annotation != "", field != nil
	}
	if f.seccomp == "" || cmp.Or(annotation, f.seccomp) != f.seccomp {
		return false, false
	}
	return annotation != "", sameProfile(field, seccompField(f.seccomp))
}

func sameProfile(a, b *corev1.SeccompProfile) bool {
	if a == nil || b == nil || a.Type != b.Type {
		return false
	}
	if a.LocalhostProfile == nil || b.LocalhostProfile == nil {
		return a.LocalhostProfile == b.LocalhostProfile
	}
	return *a.LocalhostProfile == *b.LocalhostProfile
}
