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

// Mutation is what PSP admission by one policy writes into pods that leave a value unset. Each field is named after the
// pod's field that is written; nil, empty and false mean that the policy does not write it.
type Mutation struct {
	// isEmpty is true for a policy that leaves every pod unchanged.
	isEmpty bool
	// isUnknown is true for a policy of which nothing is known: it may have written any value. Fields that can only ever
	// get one value are set as in a policy that writes them.
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

// UnknownMutation returns the mutation of a PodSecurityPolicy that was not read: it may write any value.
func UnknownMutation() *Mutation {
	return &Mutation{isUnknown: true, runAsNonRoot: true, readOnlyRootFilesystem: true}
}

// Mutations are the mutations of the PodSecurityPolicies of one cluster, by policy name.
type Mutations struct {
	// byPolicyName has UnknownMutation for policies whose mutation cannot be known. Policies with equal mutations share
	// one.
	byPolicyName map[string]*Mutation
	unknown      *Mutation
}

// NewMutations returns the mutations of the PodSecurityPolicies of one cluster. Of a name that was read twice, and of a
// policy that can admit no pod, the mutation is unknown.
func NewMutations(policies []*pspparse.Policy) *Mutations {
	all := &Mutations{byPolicyName: make(map[string]*Mutation, len(policies)), unknown: UnknownMutation()}
	known := map[string][]*Mutation{} // by fingerprint
	for _, p := range policies {
		m := MutationOf(p)
		alike := known[m.fingerprint()]
		if i := slices.IndexFunc(alike, func(k *Mutation) bool { return reflect.DeepEqual(k, m) }); i >= 0 {
			m = alike[i]
		} else {
			known[m.fingerprint()] = append(alike, m)
		}
		if _, twice := all.byPolicyName[p.Name]; twice || len(p.UnusableReasons()) > 0 {
			// Of two policies of one name either may have written. A policy that can admit no pod now was another one when it did.
			m = all.unknown
		}
		all.byPolicyName[p.Name] = m
	}
	return all
}

// OfPolicy returns the mutation of the PodSecurityPolicy that a pod's annotation names; nil for no name.
func (m *Mutations) OfPolicy(policy string) *Mutation {
	if policy == "" {
		return nil
	}
	if known, ok := m.byPolicyName[policy]; ok {
		return known
	}
	return m.unknown
}

// Unknown returns the mutation that stands for every PodSecurityPolicy that was not read.
func (m *Mutations) Unknown() *Mutation { return m.unknown }

// MutationOf returns what PSP admission writes into pods on behalf of a PodSecurityPolicy.
func MutationOf(p *pspparse.Policy) *Mutation {
	s := &p.Spec
	m := &Mutation{
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
	m.allowPrivilegeEscalation = s.DefaultAllowPrivilegeEscalation
	if m.allowPrivilegeEscalation == nil && s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation {
		m.allowPrivilegeEscalation = s.AllowPrivilegeEscalation
	}
	if o := s.SELinux.SELinuxOptions; s.SELinux.Rule == pspparse.MustRunAs && o != nil {
		m.seLinuxOptions = &corev1.SELinuxOptions{User: o.User, Role: o.Role, Type: o.Type, Level: o.Level}
	}
	if s.RuntimeClass != nil {
		m.runtimeClassName = s.RuntimeClass.DefaultRuntimeClassName
	}
	return m
}

// fingerprint returns a text that is the same for equal mutations of policies, and for few others.
func (m *Mutation) fingerprint() string {
	return fmt.Sprint(*podspec.OrEmpty(m.runAsUser), *podspec.OrEmpty(m.runAsGroup), *podspec.OrEmpty(m.fsGroup), *podspec.OrEmpty(m.supplementalGroup), m.runAsNonRoot,
		m.readOnlyRootFilesystem, *podspec.OrEmpty(m.seLinuxOptions), m.seccomp, m.appArmor, *podspec.OrEmpty(m.runtimeClassName), m.add, m.drop)
}

// defaultID returns the user or group ID that a PSP strategy writes: the start of the first range, not the smallest ID. Nil
// if it writes none.
func defaultID(s *pspparse.IDStrategy) *int64 {
	if s == nil || s.Rule != pspparse.MustRunAs || len(s.Ranges) == 0 {
		return nil
	}
	return &s.Ranges[0].Min
}

// capabilitySet returns the set of a policy's capability names, nil for none.
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

// mayHaveWritten reports, of PSP admission, whether the mutation of a policy can have written a value into a pod. want
// is what the mutation writes into the field, got is what is there.
func mayHaveWritten[T comparable](m *Mutation, want, got *T) bool {
	return got != nil && (m.isUnknown || want != nil && *want == *got)
}

// mayHaveWrittenSeccomp reports whether a policy's mutation can have written a pod's seccomp annotation and field. If it
// did not write the annotation, it did not set the field either.
func (m *Mutation) mayHaveWrittenSeccomp(annotation string, field *corev1.SeccompProfile) (wroteAnnotation, wroteField bool) {
	if m.isUnknown {
		return annotation != "", field != nil
	}
	if m.seccomp == "" || cmp.Or(annotation, m.seccomp) != m.seccomp {
		return false, false
	}
	return annotation != "", podspec.SameSeccompProfile(field, podspec.SeccompProfile(m.seccomp))
}
