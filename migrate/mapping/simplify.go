package mapping

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
)

// FieldChangeClass says why the clone of a PodSecurityPolicy differs from it in one field.
type FieldChangeClass string

// The classes of changed fields, in the order of the official migration guide: its steps 2.a and 2.b, and what it leaves in
// place.
const (
	// PurelyMutating fields set values in pods and forbid nothing.
	PurelyMutating FieldChangeClass = "mutating"
	// OutOfScope fields are about what no level looks at.
	OutOfScope FieldChangeClass = "outOfScope"
	// StillMutating fields forbid by mutation: admission writes the value into every pod that leaves it open. There is
	// no way to have the one without the other.
	StillMutating FieldChangeClass = "stillMutating"
)

// FieldChange is the difference of one field between a PodSecurityPolicy and its clone.
type FieldChange struct {
	// Field is the name of a spec field or part of one, or the key of an annotation.
	Field string
	Class FieldChangeClass
	// Becomes says what the field is in the clone: "removed", "RunAsAny".
	Becomes string
	// NewlyAdmits says what pods the clone admits and the policy refuses or would have changed; "" for none.
	NewlyAdmits string
}

// SimplifiedPolicy is a PodSecurityPolicy as step 2 of the official migration guide leaves it.
type SimplifiedPolicy struct {
	Changes []FieldChange
	// Clone mutates no pod and admits every pod as the policy leaves it, except for what a FieldChange says. Its name sorts
	// before the policy's; it is "" where no valid name does. Of the annotations it has the lists of allowed profiles alone,
	// and no label: tools that own the policy by those would take the clone for something to remove.
	Clone *pspparse.Policy
}

// SimplifyPolicy returns the clone of a PodSecurityPolicy that step 2 of the official migration guide asks for: it mutates no
// pod. It returns nil for a policy that sets no field which the step is about. Whether a policy admits anything at all is not
// asked: the clone of one that does not would. taken reports whether a clone of that name would stand in the place of another
// policy.
//
// https://kubernetes.io/docs/tasks/configure-pod-container/migrate-from-psp/#simplify-psps
func SimplifyPolicy(p *pspparse.Policy, taken func(clone *pspparse.Policy) bool) *SimplifiedPolicy {
	clone := newSimplifiedClone(p)
	out := &SimplifiedPolicy{Clone: clone}
	for _, s := range allSimplifications() {
		if !s.isSet(p) {
			continue
		}
		change := FieldChange{Field: s.field, Class: s.class, Becomes: s.becomes(p)}
		if s.newlyAdmits != nil {
			change.NewlyAdmits = s.newlyAdmits(p)
		}
		out.Changes = append(out.Changes, change)
		s.remove(clone)
	}
	if len(out.Changes) == 0 {
		return nil
	}
	for clone.Name = range namesSortingBefore(p.Name) {
		if !taken(clone) {
			return out
		}
	}
	clone.Name = ""
	return out
}

// newSimplifiedClone returns a copy of a PodSecurityPolicy with what admission reads and a clone may keep. No pointer
// that a fieldSimplification writes through is shared.
func newSimplifiedClone(p *pspparse.Policy) *pspparse.Policy {
	annotations := maps.Clone(p.Annotations)
	maps.DeleteFunc(annotations, func(key, _ string) bool {
		return key != pspparse.SeccompAllowedAnnotation && key != pspparse.AppArmorAllowedAnnotation
	})
	if len(annotations) == 0 {
		annotations = nil
	}
	return &pspparse.Policy{APIVersion: "policy/v1beta1", Annotations: annotations, Spec: p.Spec}
}

// fieldSimplification removes one field of a PodSecurityPolicy from its clone.
type fieldSimplification struct {
	field string
	class FieldChangeClass
	// isSet reports whether the policy uses the field.
	isSet func(*pspparse.Policy) bool
	// remove writes over fields of the clone's spec, never through what it shares with the policy.
	remove func(*pspparse.Policy)
	// becomes returns FieldChange.Becomes.
	becomes func(*pspparse.Policy) string
	// newlyAdmits returns FieldChange.NewlyAdmits; nil for a field that forbids nothing.
	newlyAdmits func(*pspparse.Policy) string
}

// allSimplifications returns the fields of a PodSecurityPolicy that its clone does not keep, in the guide's order.
// Fields that are not named are kept.
func allSimplifications() []fieldSimplification {
	return slices.Concat(purelyMutatingFields(), outOfScopeFields(), stillMutatingFields())
}

// purelyMutatingFields returns the fields of a PodSecurityPolicy in step 2.a of the migration guide: they only set
// values in pods.
func purelyMutatingFields() []fieldSimplification {
	return []fieldSimplification{
		{
			field: "defaultAllowPrivilegeEscalation", class: PurelyMutating, becomes: fixedText("removed"),
			isSet:  func(p *pspparse.Policy) bool { return p.Spec.DefaultAllowPrivilegeEscalation != nil },
			remove: func(p *pspparse.Policy) { p.Spec.DefaultAllowPrivilegeEscalation = nil },
		},
		{
			field: "runtimeClass.defaultRuntimeClassName", class: PurelyMutating, becomes: fixedText("removed"),
			isSet: func(p *pspparse.Policy) bool {
				return p.Spec.RuntimeClass != nil && p.Spec.RuntimeClass.DefaultRuntimeClassName != nil
			},
			remove: func(p *pspparse.Policy) { p.Spec.RuntimeClass = nil },
		},
		defaultProfileAnnotation(pspparse.SeccompDefaultAnnotation),
		defaultProfileAnnotation(pspparse.AppArmorDefaultAnnotation),
		{
			field: "defaultAddCapabilities", class: PurelyMutating, becomes: describeMovedAdds,
			isSet: func(p *pspparse.Policy) bool { return len(p.Spec.DefaultAddCapabilities) > 0 },
			remove: func(p *pspparse.Policy) {
				p.Spec.AllowedCapabilities = slices.Concat(p.Spec.AllowedCapabilities, defaultAddsToAllow(p))
				p.Spec.DefaultAddCapabilities = nil
			},
		},
	}
}

// defaultProfileAnnotation returns the simplification that removes a policy's annotation with a default profile.
// newSimplifiedClone has left it out already.
func defaultProfileAnnotation(annotation string) fieldSimplification {
	return fieldSimplification{
		field: annotation, class: PurelyMutating, becomes: fixedText("removed"),
		isSet:  func(p *pspparse.Policy) bool { return p.Annotations[annotation] != "" },
		remove: func(*pspparse.Policy) {},
	}
}

// defaultAddsToAllow returns the default capabilities that allowedCapabilities of a policy's clone has to gain for pods
// that have them to be admitted. A default named * adds a capability of that name, which no runtime knows; in
// allowedCapabilities it would allow every one.
func defaultAddsToAllow(p *pspparse.Policy) []string {
	if allowsAnyCapability(p) {
		return nil
	}
	return slices.DeleteFunc(sortedDifference(p.Spec.DefaultAddCapabilities, p.Spec.AllowedCapabilities), func(name string) bool { return name == "*" })
}

// describeMovedAdds returns what becomes of a policy's defaultAddCapabilities in the clone.
func describeMovedAdds(p *pspparse.Policy) string {
	text := "removed; allowedCapabilities has them already"
	if adds := defaultAddsToAllow(p); len(adds) > 0 {
		text = "moved to allowedCapabilities: " + joinNames(adds)
	}
	if slices.Contains(p.Spec.DefaultAddCapabilities, "*") && !allowsAnyCapability(p) {
		text += `; not so "*", which would allow every capability there, so that pods which carry it are refused`
	}
	return text
}

// outOfScopeFields returns the fields of a PodSecurityPolicy in step 2.b of the migration guide: no level looks at what
// they are about.
func outOfScopeFields() []fieldSimplification {
	return []fieldSimplification{
		volumeAllowList("allowedHostPaths", "hostPath", "pods may mount any path of the node, and write to it",
			func(s *pspparse.Spec) bool { return len(s.AllowedHostPaths) > 0 }, func(s *pspparse.Spec) { s.AllowedHostPaths = nil }),
		volumeAllowList("allowedFlexVolumes", "flexVolume", "pods may use any flexVolume driver",
			func(s *pspparse.Spec) bool { return len(s.AllowedFlexVolumes) > 0 }, func(s *pspparse.Spec) { s.AllowedFlexVolumes = nil }),
		volumeAllowList("allowedCSIDrivers", "csi", "pods may use any inline CSI driver",
			func(s *pspparse.Spec) bool { return len(s.AllowedCSIDrivers) > 0 }, func(s *pspparse.Spec) { s.AllowedCSIDrivers = nil }),
		{
			field: "forbiddenSysctls", class: OutOfScope, becomes: fixedText("removed"),
			isSet:       func(p *pspparse.Policy) bool { return len(p.Spec.ForbiddenSysctls) > 0 },
			remove:      func(p *pspparse.Policy) { p.Spec.ForbiddenSysctls = nil },
			newlyAdmits: fixedText("pods may set those of them that are safe or in allowedUnsafeSysctls"),
		},
		{
			field: "runtimeClass", class: OutOfScope, becomes: fixedText("removed"),
			isSet:  func(p *pspparse.Policy) bool { return p.Spec.RuntimeClass != nil },
			remove: func(p *pspparse.Policy) { p.Spec.RuntimeClass = nil },
			newlyAdmits: func(p *pspparse.Policy) string {
				if slices.Contains(p.Spec.RuntimeClass.AllowedRuntimeClassNames, "*") {
					return ""
				}
				return "pods may name any runtime class"
			},
		},
		groupStrategy("runAsGroup", "removed", func(s *pspparse.Spec) *pspparse.IDStrategy { return s.RunAsGroup },
			func(s *pspparse.Spec) { s.RunAsGroup = nil }),
		groupStrategy("supplementalGroups", pspparse.RunAsAny, func(s *pspparse.Spec) *pspparse.IDStrategy { return &s.SupplementalGroups },
			func(s *pspparse.Spec) { s.SupplementalGroups = pspparse.IDStrategy{Rule: pspparse.RunAsAny} }),
		groupStrategy("fsGroup", pspparse.RunAsAny, func(s *pspparse.Spec) *pspparse.IDStrategy { return &s.FSGroup },
			func(s *pspparse.Spec) { s.FSGroup = pspparse.IDStrategy{Rule: pspparse.RunAsAny} }),
	}
}

// volumeAllowList returns the simplification that removes a policy's list that narrows one type of volume. Where the
// type is not allowed, the list has no effect.
func volumeAllowList(field, volume, newlyAdmits string, isSet func(*pspparse.Spec) bool, remove func(*pspparse.Spec)) fieldSimplification {
	return fieldSimplification{
		field: field, class: OutOfScope, becomes: fixedText("removed"),
		isSet:  func(p *pspparse.Policy) bool { return isSet(&p.Spec) },
		remove: func(p *pspparse.Policy) { remove(&p.Spec) },
		newlyAdmits: func(p *pspparse.Policy) string {
			if !slices.Contains(p.Spec.Volumes, volume) && !slices.Contains(p.Spec.Volumes, "*") {
				return ""
			}
			return newlyAdmits
		},
	}
}

// groupStrategy returns the simplification that opens a policy's group strategy: supplementalGroups and fsGroup are
// required and cannot be removed, so they get RunAsAny.
func groupStrategy(field, becomes string, strategyOf func(*pspparse.Spec) *pspparse.IDStrategy, remove func(*pspparse.Spec)) fieldSimplification {
	return fieldSimplification{
		field: field, class: OutOfScope, becomes: fixedText(becomes),
		isSet: func(p *pspparse.Policy) bool {
			strategy := strategyOf(&p.Spec)
			return strategy != nil && strategy.Rule != pspparse.RunAsAny
		},
		remove:      func(p *pspparse.Policy) { remove(&p.Spec) },
		newlyAdmits: fixedText("pods may name any group there"),
	}
}

// stillMutatingFields returns the fields of a PodSecurityPolicy that forbid by mutation, which the migration guide
// leaves in place.
func stillMutatingFields() []fieldSimplification {
	return []fieldSimplification{
		{
			field: "requiredDropCapabilities", class: StillMutating, becomes: fixedText("removed"),
			isSet:       func(p *pspparse.Policy) bool { return len(p.Spec.RequiredDropCapabilities) > 0 },
			remove:      func(p *pspparse.Policy) { p.Spec.RequiredDropCapabilities = nil },
			newlyAdmits: fixedText("containers may keep the runtime's default capabilities; restricted asks for a drop of ALL"),
		},
		{
			field: "seLinux", class: StillMutating, becomes: fixedText(pspparse.RunAsAny),
			isSet:       func(p *pspparse.Policy) bool { return p.Spec.SELinux.Rule != pspparse.RunAsAny },
			remove:      func(p *pspparse.Policy) { p.Spec.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny} },
			newlyAdmits: fixedText("pods may state any SELinux options; baseline keeps them to a few types, without user and role"),
		},
		{
			field: "runAsUser", class: StillMutating, becomes: fixedText(pspparse.RunAsAny),
			isSet:       func(p *pspparse.Policy) bool { return p.Spec.RunAsUser.Rule != pspparse.RunAsAny },
			remove:      func(p *pspparse.Policy) { p.Spec.RunAsUser = pspparse.IDStrategy{Rule: pspparse.RunAsAny} },
			newlyAdmits: fixedText("containers may run as any user, root as well; restricted asks for another than root"),
		},
		{
			field: "allowPrivilegeEscalation", class: StillMutating, becomes: fixedText("true"),
			isSet: func(p *pspparse.Policy) bool {
				return p.Spec.AllowPrivilegeEscalation != nil && !*p.Spec.AllowPrivilegeEscalation
			},
			remove:      func(p *pspparse.Policy) { p.Spec.AllowPrivilegeEscalation = new(true) },
			newlyAdmits: fixedText("containers may gain privileges as they run; restricted asks for false"),
		},
		{
			field: "readOnlyRootFilesystem", class: StillMutating, becomes: fixedText("removed"),
			isSet:       func(p *pspparse.Policy) bool { return p.Spec.ReadOnlyRootFilesystem },
			remove:      func(p *pspparse.Policy) { p.Spec.ReadOnlyRootFilesystem = false },
			newlyAdmits: fixedText("containers may write to their root file system; no level looks at it, and the guide names it only among what to compare"),
		},
	}
}

// fixedText returns a function that gives every simplified policy the same text.
func fixedText(text string) func(*pspparse.Policy) string {
	return func(*pspparse.Policy) string { return text }
}

// namesSortingBefore yields valid names for a clone that sort before the policy's, the best first. A name that becomes
// too long loses its end. The name 0 alone comes before all others, and nothing before it.
func namesSortingBefore(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for prefix := range pspparse.PrefixesBefore(name) {
			if !yield(prefix + strings.TrimRight(name[:min(len(name), pspparse.MaxNameLength-len(prefix))], "-.")) {
				return
			}
		}
		if name != "0" {
			yield("0")
		}
	}
}
