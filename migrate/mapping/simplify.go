package mapping

import (
	"maps"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
)

// FieldChangeClass says why a field is changed for the policy to fill nothing in and to say nothing that the standards do not know.
type FieldChangeClass string

// The classes, in the order of the official migration guide: its steps 2.a and 2.b, and what it leaves in place.
const (
	// PurelyMutating fields fill values in and forbid nothing.
	PurelyMutating FieldChangeClass = "mutating"
	// OutOfScope fields are about what no level looks at.
	OutOfScope FieldChangeClass = "outOfScope"
	// StillMutating fields forbid by filling in: admission writes the value into every pod that leaves it open. There is
	// no way to have the one without the other.
	StillMutating FieldChangeClass = "stillMutating"
)

// FieldChange is what becomes of one field of the policy in its clone.
type FieldChange struct {
	// Field is the name of a spec field or part of one, or the key of an annotation.
	Field string
	Class FieldChangeClass
	// Becomes says what is done to it.
	Becomes string
	// NewlyAdmits says what pods the clone admits that the policy refuses, or no longer forces into line; "" for none.
	NewlyAdmits string
}

// SimplifiedPolicy is step 2 of the official migration guide for one policy.
type SimplifiedPolicy struct {
	Changes []FieldChange
	// Clone fills nothing in and admits every pod as the policy leaves it, but for what a Change says. Its name sorts
	// before the policy's; it is "" where no valid name does. Of the annotations it has the lists of allowed profiles
	// alone, and no label: tools that own the policy by those would take the clone for something to remove.
	Clone *pspparse.Policy
}

// SimplifyPolicy returns nil for a policy that sets no field which the step is about. Whether a policy admits anything at all
// is not asked: the clone of one that does not would. taken says that the clone, as it is then named, would stand in
// the place of another policy.
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

// newSimplifiedClone is the policy with nothing but what admission reads of it and a clone may keep; it shares no pointer that a
// simplification writes through.
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

// fieldSimplification is how one field of a policy is taken back.
type fieldSimplification struct {
	field string
	class FieldChangeClass
	// isSet says whether the policy uses the field.
	isSet func(*pspparse.Policy) bool
	// remove writes over fields of the clone's spec, never through what it shares with the policy.
	remove  func(*pspparse.Policy)
	becomes func(*pspparse.Policy) string
	// newlyAdmits is nil for what forbids nothing.
	newlyAdmits func(*pspparse.Policy) string
}

// allSimplifications are all fields that a clone does not keep, in the guide's order. What is not named here is kept as it is.
func allSimplifications() []fieldSimplification {
	return slices.Concat(purelyMutatingFields(), outOfScopeFields(), stillMutatingFields())
}

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

// defaultProfileAnnotation: the annotation is not among those that allowing keeps.
func defaultProfileAnnotation(annotation string) fieldSimplification {
	return fieldSimplification{
		field: annotation, class: PurelyMutating, becomes: fixedText("removed"),
		isSet:  func(p *pspparse.Policy) bool { return p.Annotations[annotation] != "" },
		remove: func(*pspparse.Policy) {},
	}
}

// defaultAddsToAllow are the default additions that allowedCapabilities has to gain for pods that carry them to pass. A default
// named * adds a capability of that name, which no runtime knows; in allowedCapabilities it would allow every one.
func defaultAddsToAllow(p *pspparse.Policy) []string {
	if allowsAnyCapability(p) {
		return nil
	}
	return slices.DeleteFunc(sortedDifference(p.Spec.DefaultAddCapabilities, p.Spec.AllowedCapabilities), func(name string) bool { return name == "*" })
}

func describeMovedAdds(p *pspparse.Policy) string {
	text := "removed; allowedCapabilities has them already"
	if adds := defaultAddsToAllow(p); len(adds) > 0 {
		text = "moved to allowedCapabilities: " + joinShortened(adds)
	}
	if slices.Contains(p.Spec.DefaultAddCapabilities, "*") && !allowsAnyCapability(p) {
		text += `; not so "*", which would allow every capability there, so that pods which carry it are refused`
	}
	return text
}

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

// volumeAllowList is a list that narrows one type of volume; where the type is not allowed, it means nothing.
func volumeAllowList(field, volume, opens string, sets func(*pspparse.Spec) bool, strip func(*pspparse.Spec)) fieldSimplification {
	return fieldSimplification{
		field: field, class: OutOfScope, becomes: fixedText("removed"),
		isSet:  func(p *pspparse.Policy) bool { return sets(&p.Spec) },
		remove: func(p *pspparse.Policy) { strip(&p.Spec) },
		newlyAdmits: func(p *pspparse.Policy) string {
			if !slices.Contains(p.Spec.Volumes, volume) && !slices.Contains(p.Spec.Volumes, "*") {
				return ""
			}
			return opens
		},
	}
}

// groupStrategy: supplementalGroups and fsGroup are required and cannot be removed; RunAsAny is their way to say nothing.
func groupStrategy(field, becomes string, of func(*pspparse.Spec) *pspparse.IDStrategy, strip func(*pspparse.Spec)) fieldSimplification {
	return fieldSimplification{
		field: field, class: OutOfScope, becomes: fixedText(becomes),
		isSet: func(p *pspparse.Policy) bool {
			strategy := of(&p.Spec)
			return strategy != nil && strategy.Rule != pspparse.RunAsAny
		},
		remove:      func(p *pspparse.Policy) { strip(&p.Spec) },
		newlyAdmits: fixedText("pods may name any group there"),
	}
}

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

func fixedText(text string) func(*pspparse.Policy) string {
	return func(*pspparse.Policy) string { return text }
}
