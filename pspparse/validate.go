package pspparse

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// validate adds a Warning for everything for which the API server would refuse the policy, with the rules of
// Kubernetes v1.24. No such policy exists in a cluster, but files are full of them; admission itself never asks.
//
// metadata.name is not judged here: without a valid one there is no policy. hostPorts are not judged by anyone.
func validate(p *Policy, found *findings) {
	v := &validator{policy: p, found: found}
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

type validator struct {
	policy *Policy
	found  *findings
}

// refuse adds a Warning about a field.
func (v *validator) refuse(field, format string, args ...any) {
	if v.found.full(Warning) {
		v.found.warnings++ // which is all that is told of it
		return
	}
	v.found.add(Problem{
		Severity: Warning,
		Field:    field,
		Line:     v.policy.Line(field),
		Message:  fmt.Sprintf(format, args...) + "; the API server would refuse this policy",
	})
}

func (v *validator) metadata() {
	const maxAnnotations = 256 << 10
	for _, k := range slices.Sorted(maps.Keys(v.policy.Labels)) {
		field := keyPath("metadata.labels", k)
		if len(validation.IsQualifiedName(k)) > 0 {
			v.refuse(field, "%s is not a valid label key", quote(k))
		}
		if value := v.policy.Labels[k]; len(validation.IsValidLabelValue(value)) > 0 {
			v.refuse(field, "%s is not a valid label value", quote(value))
		}
	}
	size := 0
	for _, k := range slices.Sorted(maps.Keys(v.policy.Annotations)) {
		size += len(k) + len(v.policy.Annotations[k])
		if len(validation.IsQualifiedName(strings.ToLower(k))) > 0 {
			v.refuse(keyPath("metadata.annotations", k), "%s is not a valid annotation key", quote(k))
		}
	}
	if size > maxAnnotations {
		v.refuse("metadata.annotations", "the annotations hold %d bytes, more than %d", size, maxAnnotations)
	}
}

// profiles judges the four annotations. An empty one is always valid, an empty element only for AppArmor; the wildcard
// exists only in the list for seccomp.
func (v *validator) profiles() {
	v.profileList(AppArmorDefaultAnnotation, "an AppArmor", false, validAppArmor)
	v.profileList(AppArmorAllowedAnnotation, "an AppArmor", true, validAppArmor)
	v.profileList(SeccompDefaultAnnotation, "a seccomp", false, validSeccomp)
	v.profileList(SeccompAllowedAnnotation, "a seccomp", true, func(s string) bool { return s == "*" || validSeccomp(s) })
}

func (v *validator) profileList(annotation, kind string, list bool, valid func(string) bool) {
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
			v.refuse(keyPath("metadata.annotations", annotation), "%s is not %s profile", quote(s), kind)
		}
	}
}

func validAppArmor(s string) bool {
	return s == "" || s == "runtime/default" || s == "unconfined" || strings.HasPrefix(s, "localhost/")
}

func validSeccomp(s string) bool {
	if file, ok := strings.CutPrefix(s, "localhost/"); ok {
		return !path.IsAbs(file) && !climbs(file)
	}
	return s == "runtime/default" || s == "docker/default" || s == "unconfined"
}

// climbs says whether a path has a ".." segment.
func climbs(p string) bool {
	return slices.Contains(strings.Split(p, "/"), "..")
}

// strategies judges the five rules and their ranges. Ranges that a rule does not use are checked all the same, and
// missing ones are an error for runAsGroup alone; elsewhere they only make the policy unusable.
func (v *validator) strategies() {
	s := &v.policy.Spec
	v.rule("spec.seLinux", s.SELinux.Rule, seLinuxRules())
	v.rule("spec.runAsUser", s.RunAsUser.Rule, userRules())
	v.ranges("spec.runAsUser", s.RunAsUser.Ranges)
	v.rule("spec.fsGroup", s.FSGroup.Rule, groupRules())
	v.ranges("spec.fsGroup", s.FSGroup.Ranges)
	v.rule("spec.supplementalGroups", s.SupplementalGroups.Rule, groupRules())
	v.ranges("spec.supplementalGroups", s.SupplementalGroups.Ranges)
	if g := s.RunAsGroup; g != nil {
		v.runAsGroup(g)
	}
}

func (v *validator) runAsGroup(g *IDStrategy) {
	const field = "spec.runAsGroup"
	switch {
	case !slices.Contains(groupRules(), g.Rule):
		v.rule(field, g.Rule, groupRules())
	case g.Rule == RunAsAny && len(g.Ranges) > 0:
		v.refuse(field+".ranges", "%s takes no ranges", RunAsAny)
	case g.Rule != RunAsAny && len(g.Ranges) == 0:
		v.refuse(field+".ranges", "%s needs at least one range", g.Rule)
	case g.Rule != RunAsAny:
		v.ranges(field, g.Ranges)
	}
}

func (v *validator) rule(field, rule string, rules []string) {
	if slices.Contains(rules, rule) {
		return
	}
	allowed := strings.Join(rules, ", ")
	if rule == "" {
		v.refuse(field+".rule", "the rule is missing: one of %s is required", allowed)
		return
	}
	v.refuse(field+".rule", "unknown rule %s%s: it must be one of %s", quote(rule), v.meant(rule, setOf(rules)), allowed)
}

func (v *validator) ranges(field string, ranges []IDRange) {
	for i, r := range ranges {
		at := indexPath(field+".ranges", i)
		if r.Min < 0 {
			v.refuse(at+".min", "the range %d-%d starts below 0", r.Min, r.Max)
		}
		if r.Max < 0 {
			v.refuse(at+".max", "the range %d-%d ends below 0", r.Min, r.Max)
		}
		if r.Min > r.Max {
			v.refuse(at+".min", "the range %d-%d is inverted and holds nothing", r.Min, r.Max)
		}
	}
}

func (v *validator) volumes() {
	types := setOf(FSTypes())
	for i, t := range v.policy.Spec.Volumes {
		if !types[t] {
			v.refuse(indexPath("spec.volumes", i), "unknown volume type %s%s", quote(t), v.meant(t, types))
		}
	}
}

func setOf(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, s := range list {
		set[s] = true
	}
	return set
}

// meant is a question for a message, or "". It is not asked for problems that will only be counted.
func (v *validator) meant(s string, candidates map[string]bool) string {
	if v.found.full(Warning) {
		return ""
	}
	if c := suggest(s, candidates); c != "" {
		return fmt.Sprintf(" (did you mean %q?)", c)
	}
	return ""
}

func (v *validator) capabilities() {
	s := &v.policy.Spec
	if len(s.RequiredDropCapabilities) > 0 && slices.Contains(s.AllowedCapabilities, "*") {
		v.refuse("spec.requiredDropCapabilities", `no capability can be required to drop while "*" is allowed`)
	}
	drops := setOf(s.RequiredDropCapabilities)
	v.dropped("spec.defaultAddCapabilities", s.DefaultAddCapabilities, drops)
	v.dropped("spec.allowedCapabilities", s.AllowedCapabilities, drops)
}

func (v *validator) dropped(field string, list []string, drops map[string]bool) {
	for i, c := range list {
		if drops[c] {
			v.refuse(indexPath(field, i), "%s is also in requiredDropCapabilities", quote(c))
		}
	}
}

func (v *validator) escalation() {
	s := &v.policy.Spec
	if s.DefaultAllowPrivilegeEscalation != nil && *s.DefaultAllowPrivilegeEscalation && !*s.AllowPrivilegeEscalation {
		v.refuse("spec.defaultAllowPrivilegeEscalation", "the default is true while allowPrivilegeEscalation is false")
	}
}

func (v *validator) procMounts() {
	types := setOf([]string{"Default", "Unmasked"})
	for i, t := range v.policy.Spec.AllowedProcMountTypes {
		if !types[t] {
			v.refuse(indexPath("spec.allowedProcMountTypes", i), "unknown proc mount type %s%s", quote(t), v.meant(t, types))
		}
	}
}

func (v *validator) hostPaths() {
	for i, h := range v.policy.Spec.AllowedHostPaths {
		at := indexPath("spec.allowedHostPaths", i) + ".pathPrefix"
		switch {
		case h.PathPrefix == "":
			v.refuse(at, "the path prefix is missing")
		case climbs(h.PathPrefix):
			v.refuse(at, `the path prefix %s contains ".."`, quote(h.PathPrefix))
		}
	}
}

func (v *validator) drivers() {
	const longest = 63
	for i, f := range v.policy.Spec.AllowedFlexVolumes {
		if f.Driver == "" {
			v.refuse(indexPath("spec.allowedFlexVolumes", i)+".driver", "the driver is missing")
		}
	}
	for i, c := range v.policy.Spec.AllowedCSIDrivers {
		at := indexPath("spec.allowedCSIDrivers", i) + ".name"
		switch {
		case c.Name == "":
			v.refuse(at, "the name of the driver is missing")
		case len(c.Name) > longest || len(validation.IsDNS1123Subdomain(strings.ToLower(c.Name))) > 0:
			v.refuse(at, "%s is not a valid CSI driver name", quote(c.Name))
		}
	}
}

func (v *validator) sysctls() {
	s := &v.policy.Spec
	v.sysctlList("spec.allowedUnsafeSysctls", s.AllowedUnsafeSysctls)
	v.sysctlList("spec.forbiddenSysctls", s.ForbiddenSysctls)
	forbidden := newPatterns(s.ForbiddenSysctls)
	for i, a := range s.AllowedUnsafeSysctls {
		if f, ok := forbidden.overlap(a); ok {
			v.refuse(indexPath("spec.allowedUnsafeSysctls", i), "%s overlaps with %s in forbiddenSysctls", quote(a), quote(f))
		}
	}
}

func (v *validator) sysctlList(field string, list []string) {
	for i, s := range list {
		switch {
		case s == "":
			v.refuse(indexPath(field, i), "the sysctl is empty")
		case !validSysctl(s):
			v.refuse(indexPath(field, i), "%s is not a sysctl name or a pattern that ends in *", quote(s))
		case s == "*" && len(list) > 1:
			v.refuse(field, `"*" must stand alone`)
		}
	}
}

// validSysctl accepts dot-separated segments that start and end with a lower-case letter or digit and may hold '-' and
// '_' between; the very last character may be '*' instead.
func validSysctl(s string) bool {
	const longest = 253
	if len(s) > longest {
		return false
	}
	segments := strings.Split(s, ".")
	last := len(segments) - 1
	if stem, ok := strings.CutSuffix(segments[last], "*"); ok {
		if stem != "" && (!alphanumeric(stem[0]) || strings.Trim(stem, sysctlLetters) != "") {
			return false
		}
		segments = segments[:last]
	}
	for _, seg := range segments {
		if seg == "" || !alphanumeric(seg[0]) || !alphanumeric(seg[len(seg)-1]) || strings.Trim(seg, sysctlLetters) != "" {
			return false
		}
	}
	return true
}

const sysctlLetters = "abcdefghijklmnopqrstuvwxyz0123456789-_"

func alphanumeric(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// patterns answers whether a name or prefix* overlaps one of a list, without comparing each with each.
type patterns struct {
	exact, prefix map[string]bool
	// stems are the names, and the prefixes without their *, sorted.
	stems         []string
	longestPrefix int
}

func newPatterns(list []string) patterns {
	p := patterns{exact: map[string]bool{}, prefix: map[string]bool{}}
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

// overlap returns an entry of the list that some name matches together with s.
func (p patterns) overlap(s string) (string, bool) {
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

func (v *validator) runtimeClass() {
	r := v.policy.Spec.RuntimeClass
	if r == nil {
		return
	}
	const field = "spec.runtimeClass.allowedRuntimeClassNames"
	allowed := make(map[string]bool, len(r.AllowedRuntimeClassNames))
	for i, name := range r.AllowedRuntimeClassNames {
		at := indexPath(field, i)
		if name != "*" && len(validation.IsDNS1123Subdomain(name)) > 0 {
			v.refuse(at, "%s is not a valid runtime class name", quote(name))
		}
		if allowed[name] {
			v.refuse(at, "%s stands twice", quote(name))
		}
		allowed[name] = true
	}
	if allowed["*"] && len(r.AllowedRuntimeClassNames) > 1 {
		v.refuse(field, `"*" must stand alone`)
	}
	if r.DefaultRuntimeClassName == nil {
		return
	}
	name := *r.DefaultRuntimeClassName
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		v.refuse("spec.runtimeClass.defaultRuntimeClassName", "%s is not a valid runtime class name", quote(name))
	}
	if !allowed[name] && !allowed["*"] {
		v.refuse(field, "the default %s is not allowed", quote(name))
	}
}
