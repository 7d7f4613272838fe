package pspparse

import (
	"maps"
	"path"
	"slices"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// validatePolicy adds a Warning for everything for which the API server would refuse a PodSecurityPolicy, by the rules of
// Kubernetes v1.24. No such policy exists in a cluster, but files are full of them; admission itself never asks.
//
// metadata.name is not checked here: without a valid one there is no policy. hostPorts are not checked by anyone.
func validatePolicy(p *Policy, found *problemList) {
	v := &policyValidator{policy: p, problems: found}
	v.metadata()
	v.profiles()
	v.strategies()
	v.volumes()
	v.capabilities()
	v.escalation()
	v.procMounts()
	v.hostPaths()
	v.drivers()
	v.sysctls()
	v.runtimeClass()
}

// policyValidator checks the fields of one PodSecurityPolicy as API validation does.
type policyValidator struct {
	policy   *Policy
	problems *problemList
}

// warnRefused adds a Warning about a field for which the API server would refuse the PodSecurityPolicy.
func (v *policyValidator) warnRefused(field string, msg message.Message) {
	v.problems.add(Problem{Severity: Warning, Field: field, Line: v.policy.Line(field), Message: msg})
}

// metadata checks the labels and annotations of the PodSecurityPolicy.
func (v *policyValidator) metadata() {
	const maxAnnotations = 256 << 10
	for _, k := range slices.Sorted(maps.Keys(v.policy.Labels)) {
		field := mapKeyPath("metadata.labels", k)
		if len(validation.IsQualifiedName(k)) > 0 {
			v.warnRefused(field, message.New("psp-label-key-invalid", "key", k))
		}
		if value := v.policy.Labels[k]; len(validation.IsValidLabelValue(value)) > 0 {
			v.warnRefused(field, message.New("psp-label-value-invalid", "value", value))
		}
	}
	size := 0
	for _, k := range slices.Sorted(maps.Keys(v.policy.Annotations)) {
		size += len(k) + len(v.policy.Annotations[k])
		if len(validation.IsQualifiedName(strings.ToLower(k))) > 0 {
			v.warnRefused(mapKeyPath("metadata.annotations", k), message.New("psp-annotation-key-invalid", "key", k))
		}
	}
	if size > maxAnnotations {
		v.warnRefused("metadata.annotations", message.New("psp-annotations-too-large", "n", size, "limit", maxAnnotations))
	}
}

// profiles checks a PodSecurityPolicy's four annotations for seccomp and AppArmor. An empty one is always valid, an
// empty element only for AppArmor; the wildcard exists only in the list for seccomp.
func (v *policyValidator) profiles() {
	v.profileList(AppArmorDefaultAnnotation, true, false, isAppArmorProfile)
	v.profileList(AppArmorAllowedAnnotation, true, true, isAppArmorProfile)
	v.profileList(SeccompDefaultAnnotation, false, false, isSeccompProfile)
	v.profileList(SeccompAllowedAnnotation, false, true, func(s string) bool { return s == "*" || isSeccompProfile(s) })
}

// profileList checks the profiles in one annotation of a PodSecurityPolicy.
func (v *policyValidator) profileList(annotation string, appArmor, list bool, valid func(string) bool) {
	value := v.policy.Annotations[annotation]
	if value == "" {
		return
	}
	elements := []string{value}
	if list {
		elements = SplitProfiles(value)
	}
	for _, s := range elements {
		if !valid(s) {
			v.warnRefused(mapKeyPath("metadata.annotations", annotation), message.New("psp-profile-invalid", "profile", s, "appArmor", appArmor))
		}
	}
}

// isAppArmorProfile reports whether a text in a PodSecurityPolicy's annotation is a valid AppArmor profile.
func isAppArmorProfile(s string) bool {
	return s == "" || s == "runtime/default" || s == "unconfined" || strings.HasPrefix(s, "localhost/")
}

// isSeccompProfile reports whether a text in a PodSecurityPolicy's annotation is a valid seccomp profile.
func isSeccompProfile(s string) bool {
	if file, ok := strings.CutPrefix(s, "localhost/"); ok {
		return !path.IsAbs(file) && !hasParentSegment(file)
	}
	return s == "runtime/default" || s == "docker/default" || s == "unconfined"
}

// hasParentSegment reports whether a host path of a PodSecurityPolicy has a ".." segment.
func hasParentSegment(p string) bool {
	return slices.Contains(strings.Split(p, "/"), "..")
}

// strategies checks the five strategies of the PodSecurityPolicy and their ranges. Ranges that a rule does not use are
// checked all the same, and missing ones are an error for runAsGroup alone; elsewhere they only make the policy
// unusable.
func (v *policyValidator) strategies() {
	s := &v.policy.Spec
	v.checkRule("spec.seLinux", s.SELinux.Rule, seLinuxRules())
	v.checkRule("spec.runAsUser", s.RunAsUser.Rule, runAsUserRules())
	v.checkRanges("spec.runAsUser", s.RunAsUser.Ranges)
	v.checkRule("spec.fsGroup", s.FSGroup.Rule, groupStrategyRules())
	v.checkRanges("spec.fsGroup", s.FSGroup.Ranges)
	v.checkRule("spec.supplementalGroups", s.SupplementalGroups.Rule, groupStrategyRules())
	v.checkRanges("spec.supplementalGroups", s.SupplementalGroups.Ranges)
	if g := s.RunAsGroup; g != nil {
		v.runAsGroup(g)
	}
}

// runAsGroup checks the PodSecurityPolicy's runAsGroup strategy and its ranges.
func (v *policyValidator) runAsGroup(g *IDStrategy) {
	const field = "spec.runAsGroup"
	switch {
	case !slices.Contains(groupStrategyRules(), g.Rule):
		v.checkRule(field, g.Rule, groupStrategyRules())
	case g.Rule == RunAsAny && len(g.Ranges) > 0:
		v.warnRefused(field+".ranges", message.New("psp-ranges-not-taken", "rule", RunAsAny))
	case g.Rule != RunAsAny && len(g.Ranges) == 0:
		v.warnRefused(field+".ranges", message.New("psp-group-ranges-missing", "rule", g.Rule))
	case g.Rule != RunAsAny:
		v.checkRanges(field, g.Ranges)
	}
}

// checkRule checks that the rule of a PodSecurityPolicy's strategy is a valid one.
func (v *policyValidator) checkRule(field, rule string, rules []string) {
	if slices.Contains(rules, rule) {
		return
	}
	if rule == "" {
		v.warnRefused(field+".rule", message.New("psp-strategy-rule-missing", "rules", rules))
		return
	}
	v.warnRefused(field+".rule", message.New("psp-strategy-rule-unknown", "rule", rule, "meant", v.meant(rule, stringSet(rules)), "rules", rules))
}

// checkRanges checks the ID ranges of a PodSecurityPolicy's strategy.
func (v *policyValidator) checkRanges(field string, ranges []IDRange) {
	for i, r := range ranges {
		at := indexPath(field+".ranges", i)
		if r.Min < 0 {
			v.warnRefused(at+".min", message.New("psp-range-below-zero", "min", r.Min, "max", r.Max, "start", true))
		}
		if r.Max < 0 {
			v.warnRefused(at+".max", message.New("psp-range-below-zero", "min", r.Min, "max", r.Max))
		}
		if r.Min > r.Max {
			v.warnRefused(at+".min", message.New("psp-range-inverted", "min", r.Min, "max", r.Max))
		}
	}
}

// volumes checks the volume types of the PodSecurityPolicy.
func (v *policyValidator) volumes() {
	types := stringSet(FSTypes())
	for i, t := range v.policy.Spec.Volumes {
		if !types[t] {
			v.warnRefused(indexPath("spec.volumes", i), message.New("psp-volume-type-unknown", "type", t, "meant", v.meant(t, types)))
		}
	}
}

// stringSet returns the strings of a PodSecurityPolicy's list as a set.
func stringSet(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, s := range list {
		set[s] = true
	}
	return set
}

// meant returns the value that a PodSecurityPolicy probably means, or "". It is not asked for problems that will only be
// counted.
func (v *policyValidator) meant(s string, candidates map[string]bool) string {
	if v.problems.isFull(Warning) {
		return ""
	}
	return suggestKey(s, candidates)
}

// capabilities checks the PodSecurityPolicy's three lists of capabilities against one another.
func (v *policyValidator) capabilities() {
	s := &v.policy.Spec
	if len(s.RequiredDropCapabilities) > 0 && slices.Contains(s.AllowedCapabilities, "*") {
		v.warnRefused("spec.requiredDropCapabilities", message.New("psp-drops-with-star"))
	}
	drops := stringSet(s.RequiredDropCapabilities)
	v.checkDropped("spec.defaultAddCapabilities", s.DefaultAddCapabilities, drops)
	v.checkDropped("spec.allowedCapabilities", s.AllowedCapabilities, drops)
}

// checkDropped checks that a list of a PodSecurityPolicy has no capability that it drops.
func (v *policyValidator) checkDropped(field string, list []string, drops map[string]bool) {
	for i, c := range list {
		if drops[c] {
			v.warnRefused(indexPath(field, i), message.New("psp-capability-dropped", "capability", c))
		}
	}
}

// escalation checks a PodSecurityPolicy's default of allowPrivilegeEscalation against the field itself.
func (v *policyValidator) escalation() {
	s := &v.policy.Spec
	if s.DefaultAllowPrivilegeEscalation != nil && *s.DefaultAllowPrivilegeEscalation && !*s.AllowPrivilegeEscalation {
		v.warnRefused("spec.defaultAllowPrivilegeEscalation", message.New("psp-escalation-default-refused"))
	}
}

// procMounts checks the proc mount types of the PodSecurityPolicy.
func (v *policyValidator) procMounts() {
	types := stringSet([]string{"Default", "Unmasked"})
	for i, t := range v.policy.Spec.AllowedProcMountTypes {
		if !types[t] {
			v.warnRefused(indexPath("spec.allowedProcMountTypes", i), message.New("psp-proc-mount-type-unknown", "type", t, "meant", v.meant(t, types)))
		}
	}
}

// hostPaths checks the host path prefixes of the PodSecurityPolicy.
func (v *policyValidator) hostPaths() {
	for i, h := range v.policy.Spec.AllowedHostPaths {
		at := indexPath("spec.allowedHostPaths", i) + ".pathPrefix"
		switch {
		case h.PathPrefix == "":
			v.warnRefused(at, message.New("psp-path-missing"))
		case hasParentSegment(h.PathPrefix):
			v.warnRefused(at, message.New("psp-path-with-parent", "path", h.PathPrefix))
		}
	}
}

// drivers checks the FlexVolume and CSI drivers of the PodSecurityPolicy.
func (v *policyValidator) drivers() {
	const longest = 63
	for i, f := range v.policy.Spec.AllowedFlexVolumes {
		if f.Driver == "" {
			v.warnRefused(indexPath("spec.allowedFlexVolumes", i)+".driver", message.New("psp-flex-volume-driver-missing"))
		}
	}
	for i, c := range v.policy.Spec.AllowedCSIDrivers {
		at := indexPath("spec.allowedCSIDrivers", i) + ".name"
		switch {
		case c.Name == "":
			v.warnRefused(at, message.New("psp-csi-driver-missing"))
		case len(c.Name) > longest || len(validation.IsDNS1123Subdomain(strings.ToLower(c.Name))) > 0:
			v.warnRefused(at, message.New("psp-csi-driver-invalid", "driver", c.Name))
		}
	}
}

// sysctls checks the PodSecurityPolicy's two lists of sysctls, and that they do not overlap.
func (v *policyValidator) sysctls() {
	s := &v.policy.Spec
	v.sysctlList("spec.allowedUnsafeSysctls", s.AllowedUnsafeSysctls)
	v.sysctlList("spec.forbiddenSysctls", s.ForbiddenSysctls)
	forbidden := newSysctlPatterns(s.ForbiddenSysctls)
	for i, a := range s.AllowedUnsafeSysctls {
		if f, ok := forbidden.overlap(a); ok {
			v.warnRefused(indexPath("spec.allowedUnsafeSysctls", i), message.New("psp-sysctls-overlap", "sysctl", a, "forbidden", f))
		}
	}
}

// sysctlList checks one list of sysctls of a PodSecurityPolicy.
func (v *policyValidator) sysctlList(field string, list []string) {
	for i, s := range list {
		switch {
		case s == "":
			v.warnRefused(indexPath(field, i), message.New("psp-sysctl-empty"))
		case !isSysctlPattern(s):
			v.warnRefused(indexPath(field, i), message.New("psp-sysctl-invalid", "sysctl", s))
		case s == "*" && len(list) > 1:
			v.warnRefused(field, message.New("psp-star-not-alone"))
		}
	}
}

// isSysctlPattern reports whether a text in a PodSecurityPolicy is a sysctl name or a pattern: dot-separated segments
// that start and end with a lower-case letter or digit and may hold '-' and '_' between; the very last character may be
// '*' instead.
func isSysctlPattern(s string) bool {
	const longest = 253
	if len(s) > longest {
		return false
	}
	segments := strings.Split(s, ".")
	last := len(segments) - 1
	if stem, ok := strings.CutSuffix(segments[last], "*"); ok {
		if stem != "" && (!isLowerAlphanumeric(stem[0]) || strings.Trim(stem, sysctlLetters) != "") {
			return false
		}
		segments = segments[:last]
	}
	for _, seg := range segments {
		if seg == "" || !isLowerAlphanumeric(seg[0]) || !isLowerAlphanumeric(seg[len(seg)-1]) || strings.Trim(seg, sysctlLetters) != "" {
			return false
		}
	}
	return true
}

// sysctlLetters are the characters of a segment of a sysctl.
const sysctlLetters = "abcdefghijklmnopqrstuvwxyz0123456789-_"

// isLowerAlphanumeric reports, to validate a PodSecurityPolicy, whether a byte of a name is a lower-case letter or a
// digit.
func isLowerAlphanumeric(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// sysctlPatterns finds the entry of a PodSecurityPolicy's list that a sysctl name or prefix* overlaps, without
// comparing each with each.
type sysctlPatterns struct {
	// exact has the names of the list, prefix its prefixes without the *.
	exact, prefix map[string]bool
	// stems are the names, and the prefixes without their *, sorted.
	stems         []string
	longestPrefix int
}

// newSysctlPatterns prepares a PodSecurityPolicy's list of sysctl names and patterns.
func newSysctlPatterns(list []string) sysctlPatterns {
	p := sysctlPatterns{exact: map[string]bool{}, prefix: map[string]bool{}}
	for _, s := range list {
		stem, isPrefix := strings.CutSuffix(s, "*")
		if isPrefix {
			p.prefix[stem] = true
			p.longestPrefix = max(p.longestPrefix, len(stem))
		} else {
			p.exact[stem] = true
		}
		p.stems = append(p.stems, stem)
	}
	slices.Sort(p.stems)
	return p
}

// overlap returns an entry of a PodSecurityPolicy's list that matches a sysctl which s matches, too.
func (p sysctlPatterns) overlap(s string) (string, bool) {
	stem, isPrefix := strings.CutSuffix(s, "*")
	if !isPrefix && p.exact[stem] {
		return stem, true
	}
	for n := 0; n <= min(len(stem), p.longestPrefix); n++ {
		if p.prefix[stem[:n]] {
			return stem[:n] + "*", true
		}
	}
	if !isPrefix {
		return "", false
	}
	i := sort.SearchStrings(p.stems, stem)
	if i == len(p.stems) || !strings.HasPrefix(p.stems[i], stem) {
		return "", false
	}
	if found := p.stems[i]; p.exact[found] {
		return found, true
	}
	return p.stems[i] + "*", true
}

// runtimeClass checks the runtime classes of the PodSecurityPolicy.
func (v *policyValidator) runtimeClass() {
	r := v.policy.Spec.RuntimeClass
	if r == nil {
		return
	}
	const field = "spec.runtimeClass.allowedRuntimeClassNames"
	allowed := make(map[string]bool, len(r.AllowedRuntimeClassNames))
	for i, name := range r.AllowedRuntimeClassNames {
		at := indexPath(field, i)
		if name != "*" && len(validation.IsDNS1123Subdomain(name)) > 0 {
			v.warnRefused(at, message.New("psp-runtime-class-invalid", "class", name))
		}
		if allowed[name] {
			v.warnRefused(at, message.New("psp-runtime-class-twice", "class", name))
		}
		allowed[name] = true
	}
	if allowed["*"] && len(r.AllowedRuntimeClassNames) > 1 {
		v.warnRefused(field, message.New("psp-star-not-alone"))
	}
	if r.DefaultRuntimeClassName == nil {
		return
	}
	name := *r.DefaultRuntimeClassName
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		v.warnRefused("spec.runtimeClass.defaultRuntimeClassName", message.New("psp-runtime-class-invalid", "class", name))
	}
	if !allowed[name] && !allowed["*"] {
		v.warnRefused(field, message.New("psp-runtime-class-default-refused", "class", name))
	}
}
