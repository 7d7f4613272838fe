package psp

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// Mutation is what a policy writes into pods that leave a value unset. Each field is named after the one it fills; nil,
// empty and false mean that the policy does not fill it.
type Mutation struct {
	// isEmpty is true for a policy that leaves every pod as it is.
	isEmpty bool
	// isUnknown is true for a policy of which nothing is known: it may have written any value into the fields that carry
	// one. Fields that can only ever be filled with one value are set as in a policy that does.
	isUnknown bool

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

// UnknownMutation is the mutation of a policy that is not known.
func UnknownMutation() *Mutation {
	return &Mutation{isUnknown: true, runAsNonRoot: true, readOnlyRootFilesystem: true}
}

// Mutations are the mutations of the policies of one cluster, by the name of the policy.
type Mutations struct {
	// byPolicyName has UnknownMutation for policies whose mutation cannot be told. Policies that fill in the same share one.
	byPolicyName map[string]*Mutation
	unknown      *Mutation
}

// NewMutations returns the mutations of the given policies.
func NewMutations(policies []*pspparse.Policy) *Mutations {
	all := &Mutations{byPolicyName: make(map[string]*Mutation, len(policies)), unknown: UnknownMutation()}
	known := map[string][]*Mutation{} // by sketch
	for _, p := range policies {
		f := MutationOf(p)
		alike := known[f.fingerprint()]
		if i := slices.IndexFunc(alike, func(k *Mutation) bool { return reflect.DeepEqual(k, f) }); i >= 0 {
			f = alike[i]
		} else {
			known[f.fingerprint()] = append(alike, f)
		}
		if _, twice := all.byPolicyName[p.Name]; twice || p.UnusableReason() != "" {
			// Which of two it was cannot be told; and what cannot admit a pod now was another policy when it did.
			f = all.unknown
		}
		all.byPolicyName[p.Name] = f
	}
	return all
}

// OfPolicy returns the mutation of the policy that a pod's annotation names; nil if it names none.
func (m *Mutations) OfPolicy(policy string) *Mutation {
	if policy == "" {
		return nil
	}
	if known, ok := m.byPolicyName[policy]; ok {
		return known
	}
	return m.unknown
}

// Unknown returns the mutation of a policy of which nothing is known.
func (m *Mutations) Unknown() *Mutation { return m.unknown }

// MutationOf reads from a policy what PSP admission's mutating pass writes on its behalf.
func MutationOf(p *pspparse.Policy) *Mutation {
	s := &p.Spec
	f := &Mutation{
		isEmpty:                len(p.MutatingFields()) == 0,
		runAsUser:              defaultID(&s.RunAsUser),
		runAsGroup:             defaultID(s.RunAsGroup),
		fsGroup:                defaultID(&s.FSGroup),
		supplementalGroup:      defaultID(&s.SupplementalGroups),
		runAsNonRoot:           s.RunAsUser.Rule == pspparse.MustRunAsNonRoot,
		readOnlyRootFilesystem: s.ReadOnlyRootFilesystem,
		seccomp:                p.Annotations[pspparse.SeccompDefaultAnnotation],
		appArmor:               p.Annotations[pspparse.AppArmorDefaultAnnotation],
		add:                    capabilitySet(s.DefaultAddCapabilities),
		drop:                   capabilitySet(s.RequiredDropCapabilities),
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

// fingerprint is the same for fillings that are equal, and for few others.
func (f *Mutation) fingerprint() string {
	return fmt.Sprint(*podspec.OrEmpty(f.runAsUser), *podspec.OrEmpty(f.runAsGroup), *podspec.OrEmpty(f.fsGroup), *podspec.OrEmpty(f.supplementalGroup), f.runAsNonRoot,
		f.readOnlyRootFilesystem, *podspec.OrEmpty(f.seLinuxOptions), f.seccomp, f.appArmor, *podspec.OrEmpty(f.runtimeClassName), f.add, f.drop)
}

// defaultID returns the ID that a strategy writes: the start of the range listed first, not the smallest.
func defaultID(s *pspparse.IDStrategy) *int64 {
	if s == nil || s.Rule != pspparse.MustRunAs || len(s.Ranges) == 0 {
		return nil
	}
	return &s.Ranges[0].Min
}

func capabilitySet(names []string) map[corev1.Capability]bool {
	if len(names) == 0 {
		return nil
	}
	set := make(map[corev1.Capability]bool, len(names))
	for _, n := range names {
		set[corev1.Capability(n)] = true
	}
	return set
}

// mayHaveWritten reports whether got can be what the filling wrote, given what it writes into that field.
func mayHaveWritten[T comparable](f *Mutation, want, got *T) bool {
	return got != nil && (f.isUnknown || want != nil && *want == *got)
}

// mayHaveWrittenSeccomp does the same for the pod's annotation and for the field that the server copies it to. An annotation
// that the policy did not write means that the field is not the policy's either.
func (f *Mutation) mayHaveWrittenSeccomp(annotation string, field *corev1.SeccompProfile) (wroteAnnotation, wroteField bool) {
	if f.isUnknown {
		return annotation != "", field != nil
	}
	if f.seccomp == "" || cmp.Or(annotation, f.seccomp) != f.seccomp {
		return false, false
	}
	return annotation != "", podspec.SameSeccompProfile(field, podspec.SeccompProfile(f.seccomp))
}
