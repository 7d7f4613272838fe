package pspparse

import (
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// FSTypes returns the volume types that a PodSecurityPolicy may list, "*" last. All but cephFS (cephfs) are the pod
// volume's own key.
func FSTypes() []string {
	return []string{
		"azureFile", "flocker", "flexVolume", "hostPath", "emptyDir", "gcePersistentDisk", "awsElasticBlockStore",
		"gitRepo", "secret", "nfs", "iscsi", "glusterfs", "persistentVolumeClaim", "rbd", "cinder", "cephFS",
		"downwardAPI", "fc", "configMap", "vsphereVolume", "quobyte", "azureDisk", "photonPersistentDisk",
		"storageos", "projected", "portworxVolume", "scaleIO", "csi", "ephemeral", "*",
	}
}

// runAsUserRules returns the valid rules of runAsUser in a PodSecurityPolicy.
func runAsUserRules() []string { return []string{MustRunAs, MustRunAsNonRoot, RunAsAny} }

// groupStrategyRules returns the valid rules of runAsGroup, fsGroup and supplementalGroups in a PodSecurityPolicy.
func groupStrategyRules() []string { return []string{MustRunAs, MayRunAs, RunAsAny} }

// seLinuxRules returns the valid rules of seLinux in a PodSecurityPolicy.
func seLinuxRules() []string { return []string{MustRunAs, RunAsAny} }

// UnusableReasons says why admission can never use a PodSecurityPolicy; nil if it can. Admission could not build a provider
// from it and would skip it without a word. The API server does not refuse all such policies.
func (p *Policy) UnusableReasons() []message.Message {
	var reasons []message.Message
	for _, r := range p.unusableReasons() {
		reasons = append(reasons, r.message(strings.TrimPrefix(r.field, "spec."), false))
	}
	return reasons
}

// unusableReason is one cause why admission can never use a PodSecurityPolicy.
type unusableReason struct {
	field string
	// rule of the strategy; "" if there is none.
	rule string
	// withoutRanges and withoutOptions are true if the rule is known and lacks these.
	withoutRanges, withoutOptions bool
	// refusedByAPI is true for a cause that API validation refuses, too.
	refusedByAPI bool
}

// message returns the reason why admission can never use the PodSecurityPolicy: of a field, unless that is said beside it,
// and of a policy that the API server has accepted.
func (r unusableReason) message(field string, accepted bool) message.Message {
	switch {
	case r.withoutRanges:
		return message.New("psp-ranges-missing", "field", field, "rule", r.rule, "accepted", accepted)
	case r.withoutOptions:
		return message.New("psp-selinux-options-missing", "field", field, "rule", r.rule, "accepted", accepted)
	case r.rule == "":
		return message.New("psp-rule-missing", "field", field)
	}
	return message.New("psp-rule-unknown", "field", field, "rule", r.rule)
}

// unusableReasons returns all causes why admission can never use the PodSecurityPolicy.
func (p *Policy) unusableReasons() []unusableReason {
	s := &p.Spec
	var found []unusableReason
	add := func(field string, r *IDStrategy, rules []string) {
		switch {
		case !slices.Contains(rules, r.Rule):
			found = append(found, unusableReason{field: field, rule: r.Rule, refusedByAPI: true})
		case (r.Rule == MustRunAs || r.Rule == MayRunAs) && len(r.Ranges) == 0:
			found = append(found, unusableReason{field: field, rule: r.Rule, withoutRanges: true, refusedByAPI: field == "spec.runAsGroup"})
		}
	}
	add("spec.runAsUser", &s.RunAsUser, runAsUserRules())
	if s.RunAsGroup != nil {
		add("spec.runAsGroup", s.RunAsGroup, groupStrategyRules())
	}
	switch {
	case !slices.Contains(seLinuxRules(), s.SELinux.Rule):
		found = append(found, unusableReason{field: "spec.seLinux", rule: s.SELinux.Rule, refusedByAPI: true})
	case s.SELinux.Rule == MustRunAs && s.SELinux.SELinuxOptions == nil:
		found = append(found, unusableReason{field: "spec.seLinux", rule: MustRunAs, withoutOptions: true})
	}
	add("spec.fsGroup", &s.FSGroup, groupStrategyRules())
	add("spec.supplementalGroups", &s.SupplementalGroups, groupStrategyRules())
	return found
}

// MutatingFields returns the fields ("runAsUser") and annotations (their key) by which a PodSecurityPolicy sets values in
// pods, sorted. It looks at each setting by itself and does not ask whether the policy is usable today: pods may carry what
// it set when it was.
func (p *Policy) MutatingFields() []string {
	s := &p.Spec
	_, seccomp := p.SeccompProfiles()
	_, appArmor := p.AppArmorProfiles()
	var names []string
	for name, mutates := range map[string]bool{
		"allowPrivilegeEscalation":        s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation,
		"defaultAddCapabilities":          len(s.DefaultAddCapabilities) > 0,
		"defaultAllowPrivilegeEscalation": s.DefaultAllowPrivilegeEscalation != nil,
		"fsGroup":                         s.FSGroup.Rule == MustRunAs,
		"readOnlyRootFilesystem":          s.ReadOnlyRootFilesystem,
		"requiredDropCapabilities":        len(s.RequiredDropCapabilities) > 0,
		"runAsGroup":                      s.RunAsGroup != nil && s.RunAsGroup.Rule == MustRunAs,
		"runAsUser":                       s.RunAsUser.Rule == MustRunAs || s.RunAsUser.Rule == MustRunAsNonRoot,
		"runtimeClass":                    s.RuntimeClass != nil && s.RuntimeClass.DefaultRuntimeClassName != nil,
		"seLinux":                         s.SELinux.Rule == MustRunAs,
		"supplementalGroups":              s.SupplementalGroups.Rule == MustRunAs,
		SeccompDefaultAnnotation:          seccomp != "",
		AppArmorDefaultAnnotation:         appArmor != "",
	} {
		if mutates {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// SeccompProfiles returns the seccomp profiles that a PodSecurityPolicy allows, nil where the annotation is absent (then no
// profile may be set), and the default profile, "" for none.
func (p *Policy) SeccompProfiles() (allowed *string, def string) {
	return p.profileAnnotations(SeccompAllowedAnnotation, SeccompDefaultAnnotation)
}

// AppArmorProfiles returns the AppArmor profiles that a PodSecurityPolicy allows, nil where the annotation is absent (then
// any profile passes; with an empty list none does), and the default profile, "" for none.
func (p *Policy) AppArmorProfiles() (allowed *string, def string) {
	return p.profileAnnotations(AppArmorAllowedAnnotation, AppArmorDefaultAnnotation)
}

// profileAnnotations returns the list of allowed profiles and the default profile that two annotations of a
// PodSecurityPolicy have.
func (p *Policy) profileAnnotations(allowedKey, defaultKey string) (allowed *string, def string) {
	if list, ok := p.Annotations[allowedKey]; ok {
		allowed = &list
	}
	return allowed, p.Annotations[defaultKey]
}

// SplitProfiles splits the list of profiles of a PodSecurityPolicy's annotation as admission does: at commas, with nothing
// trimmed. An empty list is one empty profile.
func SplitProfiles(list string) []string { return strings.Split(list, ",") }
