package mapping

import (
	"maps"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
)

// ChangeClass says why a field is changed for the policy to fill nothing in and to say nothing that the standards do not know.
type ChangeClass string

// The classes, in the order of the official migration guide: its steps 2.a and 2.b, and what it leaves in place.
const (
	// PurelyMutating fields fill values in and forbid nothing.
	PurelyMutating ChangeClass = "mutating"
	// OutOfScope fields are about what no level looks at.
	OutOfScope ChangeClass = "outOfScope"
	// StillMutating fields forbid by filling in: admission writes the value into every pod that leaves it open. There is
	// no way to have the one without the other.
	StillMutating ChangeClass = "stillMutating"
)

// Change is what becomes of one field of the policy in its clone.
type Change struct {
	// Field is the name of a spec field or part of one, or the key of an annotation.
	Field string
	Class ChangeClass
	// Becomes says what is done to it.
	Becomes string
	// Opens says what pods the clone admits that the policy refuses, or no longer forces into line; "" for none.
	Opens string
}

// Simplified is step 2 of the official migration guide for one policy.
type Simplified struct {
	Changes []Change
	// Clone fills nothing in and admits every pod as the policy leaves it, but for what a Change says. Its name sorts
	// before the policy's; it is "" where no valid name does. Of the annotations it has the lists of allowed profiles
	// alone, and no label: tools that own the policy by those would take the clone for something to remove.
	Clone *pspparse.Policy
}

// Simplify returns nil for a policy that sets no field which the step is about. Whether a policy admits anything at all
// is not asked: the clone of one that does not would. taken says that the clone, as it is then named, would stand in
// the place of another policy.
//
// https://kubernetes.io/docs/tasks/configure-pod-container/migrate-from-psp/#simplify-psps
func Simplify(p *pspparse.Policy, taken func(clone *pspparse.Policy) bool) *Simplified {
	clone := allowing(p)
	out := &Simplified{Clone: clone}
	for _, s := range simplifications() {
		if !s.sets(p) {
			continue
		}
		change := Change{Field: s.field, Class: s.class, Becomes: s.becomes(p)}
		if s.opens != nil {
			change.Opens = s.opens(p)
		}
		out.Changes = append(out.Changes, change)
		s.strip(clone)
	}
	if len(out.Changes) == 0 {
		return nil
	}
	for clone.Name = range cloneNames(p.Name) {
		if !taken(clone) {
			return out
		}
	}
	clone.Name = ""
	return out
}

// allowing is the policy with nothing but what admission reads of it and a clone may keep; it shares no pointer that a
// simplification writes through.
func allowing(p *pspparse.Policy) *pspparse.Policy {
	annotations := maps.Clone(p.Annotations)
	maps.DeleteFunc(annotations, func(key, _ string) bool {
		return key != pspparse.SeccompAllowedAnnotation && key != pspparse.AppArmorAllowedAnnotation
	})
	if len(annotations) == 0 {
		annotations = nil
	}
	return &pspparse.Policy{APIVersion: "policy/v1beta1", Annotations: annotations, Spec: p.Spec}
}

// simplification is how one field of a policy is taken back.
type simplification struct {
	field string
	class ChangeClass
	// sets says whether the policy uses the field.
	sets func(*pspparse.Policy) bool
	// strip writes over fields of the clone's spec, never through what it shares with the policy.
	strip   func(*pspparse.Policy)
	becomes func(*pspparse.Policy) string
	// opens is nil for what forbids nothing.
	opens func(*pspparse.Policy) string
}

// simplifications are all fields that a clone does not keep, in the guide's order. What is not named here is kept as it is.
func simplifications() []simplification {
	return slices.Concat(purelyMutating(), outOfScope(), stillMutating())
}

func purelyMutating() []simplification {
	return []simplification{
		{
			field: "defaultAllowPrivilegeEscalation", class: PurelyMutating, becomes: says("removed"),
			sets:  func(p *pspparse.Policy) bool { return p.Spec.DefaultAllowPrivilegeEscalation != nil },
			strip: func(p *pspparse.Policy) { p.Spec.DefaultAllowPrivilegeEscalation = nil },
		},
		{
			field: "runtimeClass.defaultRuntimeClassName", class: PurelyMutating, becomes: says("removed"),
			sets: func(p *pspparse.Policy) bool {
				return p.Spec.RuntimeClass != nil && p.Spec.RuntimeClass.DefaultRuntimeClassName != nil
			},
			strip: func(p *pspparse.Policy) { p.Spec.RuntimeClass = nil },
		},
		defaultProfile(pspparse.SeccompDefaultAnnotation),
		defaultProfile(pspparse.AppArmorDefaultAnnotation),
		{
			field: "defaultAddCapabilities", class: PurelyMutating, becomes: foldedAdds,
			sets: func(p *pspparse.Policy) bool { return len(p.Spec.DefaultAddCapabilities) > 0 },
			strip: func(p *pspparse.Policy) {
				p.Spec.AllowedCapabilities = slices.Concat(p.Spec.AllowedCapabilities, toAllow(p))
				p.Spec.DefaultAddCapabilities = nil
			},
		},
	}
}

// defaultProfile: the annotation is not among those that allowing keeps.
func defaultProfile(annotation string) simplification {
	return simplification{
		field: annotation, class: PurelyMutating, becomes: says("removed"),
		sets:  func(p *pspparse.Policy) bool { return p.Annotations[annotation] != "" },
		strip: func(*pspparse.Policy) {},
	}
}

// toAllow are the default additions that allowedCapabilities has to gain for pods that carry them to pass. A default
// named * adds a capability of that name, which no runtime knows; in allowedCapabilities it would allow every one.
func toAllow(p *pspparse.Policy) []string {
	if anyCapability(p) {
		return nil
	}
	return slices.DeleteFunc(unmet(p.Spec.DefaultAddCapabilities, p.Spec.AllowedCapabilities), func(name string) bool { return name == "*" })
}

func foldedAdds(p *pspparse.Policy) string {
	text := "removed; allowedCapabilities has them already"
	if adds := toAllow(p); len(adds) > 0 {
		text = "moved to allowedCapabilities: " + names(adds)
	}
	if slices.Contains(p.Spec.DefaultAddCapabilities, "*") && !anyCapability(p) {
		text += `; not so "*", which would allow every capability there, so that pods which carry it are refused`
	}
	return text
}

func outOfScope() []simplification {
	return []simplification{
		volumeList("allowedHostPaths", "hostPath", "pods may mount any path of the node, and write to it",
			func(s *pspparse.Spec) bool { return len(s.AllowedHostPaths) > 0 }, func(s *pspparse.Spec) { s.AllowedHostPaths = nil }),
		volumeList("allowedFlexVolumes", "flexVolume", "pods may use any flexVolume driver",
			func(s *pspparse.Spec) bool { return len(s.AllowedFlexVolumes) > 0 }, func(s *pspparse.Spec) { s.AllowedFlexVolumes = nil }),
		volumeList("allowedCSIDrivers", "csi", "pods may use any inline CSI driver",
			func(s *pspparse.Spec) bool { return len(s.AllowedCSIDrivers) > 0 }, func(s *pspparse.Spec) { s.AllowedCSIDrivers = nil }),
		{
			field: "forbiddenSysctls", class: OutOfScope, becomes: says("removed"),
			sets:  func(p *pspparse.Policy) bool { return len(p.Spec.ForbiddenSysctls) > 0 },
			strip: func(p *pspparse.Policy) { p.Spec.ForbiddenSysctls = nil },
			opens: says("pods may set those of them that are safe or in allowedUnsafeSysctls"),
		},
		{
			field: "runtimeClass", class: OutOfScope, becomes: says("removed"),
			sets:  func(p *pspparse.Policy) bool { return p.Spec.RuntimeClass != nil },
			strip: func(p *pspparse.Policy) { p.Spec.RuntimeClass = nil },
			opens: func(p *pspparse.Policy) string {
				if slices.Contains(p.Spec.RuntimeClass.AllowedRuntimeClassNames, "*") {
					return ""
				}
				return "pods may name any runtime class"
			},
		},
		groups("runAsGroup", "removed", func(s *pspparse.Spec) *pspparse.IDStrategy { return s.RunAsGroup },
			func(s *pspparse.Spec) { s.RunAsGroup = nil }),
		groups("supplementalGroups", pspparse.RunAsAny, func(s *pspparse.Spec) *pspparse.IDStrategy { return &s.SupplementalGroups },
			func(s *pspparse.Spec) { s.SupplementalGroups = pspparse.IDStrategy{Rule: pspparse.RunAsAny} }),
		groups("fsGroup", pspparse.RunAsAny, func(s *pspparse.Spec) *pspparse.IDStrategy { return &s.FSGroup },
			func(s *pspparse.Spec) { s.FSGroup = pspparse.IDStrategy{Rule: pspparse.RunAsAny} }),
	}
}

// volumeList is a list that narrows one type of volume; where the type is not allowed, it means nothing.
func volumeList(field, volume, opens string, sets func(*pspparse.Spec) bool, strip func(*pspparse.Spec)) simplification {
	return simplification{
		field: field, class: OutOfScope, becomes: says("removed"),
		sets:  func(p *pspparse.Policy) bool { return sets(&p.Spec) },
		strip: func(p *pspparse.Policy) { strip(&p.Spec) },
		opens: func(p *pspparse.Policy) string {
			if !slices.Contains(p.Spec.Volumes, volume) && !slices.Contains(p.Spec.Volumes, "*") {
				return ""
			}
			return opens
		},
	}
}

// groups: supplementalGroups and fsGroup are required and cannot be removed; RunAsAny is their way to say nothing.
func groups(field, becomes string, of func(*pspparse.Spec) *pspparse.IDStrategy, strip func(*pspparse.Spec)) simplification {
	return simplification{
		field: field, class: OutOfScope, becomes: says(becomes),
		sets: func(p *pspparse.Policy) bool {
			strategy := of(&p.Spec)
			return strategy != nil && strategy.Rule != pspparse.RunAsAny
		},
		strip: func(p *pspparse.Policy) { strip(&p.Spec) },
		opens: says("pods may name any group there"),
	}
}

func stillMutating() []simplification {
	return []simplification{
		{
			field: "requiredDropCapabilities", class: StillMutating, becomes: says("removed"),
			sets:  func(p *pspparse.Policy) bool { return len(p.Spec.RequiredDropCapabilities) > 0 },
			strip: func(p *pspparse.Policy) { p.Spec.RequiredDropCapabilities = nil },
			opens: says("containers may keep the runtime's default capabilities; restricted asks for a drop of ALL"),
		},
		{
			field: "seLinux", class: StillMutating, becomes: says(pspparse.RunAsAny),
			sets:  func(p *pspparse.Policy) bool { return p.Spec.SELinux.Rule != pspparse.RunAsAny },
			strip: func(p *pspparse.Policy) { p.Spec.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny} },
			opens: says("pods may state any SELinux options; baseline keeps them to a few types, without user and role"),
		},
		{
			field: "runAsUser", class: StillMutating, becomes: says(pspparse.RunAsAny),
			sets:  func(p *pspparse.Policy) bool { return p.Spec.RunAsUser.Rule != pspparse.RunAsAny },
			strip: func(p *pspparse.Policy) { p.Spec.RunAsUser = pspparse.IDStrategy{Rule: pspparse.RunAsAny} },
			opens: says("containers may run as any user, root as well; restricted asks for another than root"),
		},
		{
			field: "allowPrivilegeEscalation", class: StillMutating, becomes: says("true"),
			sets: func(p *pspparse.Policy) bool {
				return p.Spec.AllowPrivilegeEscalation != nil && !*p.Spec.AllowPrivilegeEscalation
			},
			strip: func(p *pspparse.Policy) { p.Spec.AllowPrivilegeEscalation = new(true) },
			opens: says("containers may gain privileges as they run; restricted asks for false"),
		},
		{
			field: "readOnlyRootFilesystem", class: StillMutating, becomes: says("removed"),
			sets:  func(p *pspparse.Policy) bool { return p.Spec.ReadOnlyRootFilesystem },
			strip: func(p *pspparse.Policy) { p.Spec.ReadOnlyRootFilesystem = false },
			opens: says("containers may write to their root file system; no level looks at it, and the guide names it only among what to compare"),
		},
	}
}

func says(text string) func(*pspparse.Policy) string {
	return func(*pspparse.Policy) string { return text }
}
