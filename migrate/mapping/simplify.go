package mapping

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
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
	Becomes message.Message
	// NewlyAdmits says what pods the clone admits and the policy refuses or would have changed; the zero Message for none.
	NewlyAdmits message.Message
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
	becomes func(*pspparse.Policy) message.Message
	// newlyAdmits returns FieldChange.NewlyAdmits; nil for a field that forbids nothing.
	newlyAdmits func(*pspparse.Policy) message.Message
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
			field: "defaultAllowPrivilegeEscalation", class: PurelyMutating, becomes: always(message.New("becomes-removed")),
			isSet:  func(p *pspparse.Policy) bool { return p.Spec.DefaultAllowPrivilegeEscalation != nil },
			remove: func(p *pspparse.Policy) { p.Spec.DefaultAllowPrivilegeEscalation = nil },
		},
		{
			field: "runtimeClass.defaultRuntimeClassName", class: PurelyMutating, becomes: always(message.New("becomes-removed")),
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
		field: annotation, class: PurelyMutating, becomes: always(message.New("becomes-removed")),
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
func describeMovedAdds(p *pspparse.Policy) message.Message {
	star := slices.Contains(p.Spec.DefaultAddCapabilities, "*") && !allowsAnyCapability(p)
	return message.New("becomes-allowed-capabilities", "capabilities", defaultAddsToAllow(p), "star", star)
}

// outOfScopeFields returns the fields of a PodSecurityPolicy in step 2.b of the migration guide: no level looks at what
// they are about.
func outOfScopeFields() []fieldSimplification {
	return []fieldSimplification{
		volumeAllowList("allowedHostPaths", "hostPath", message.New("opens-host-paths"),
			func(s *pspparse.Spec) bool { return len(s.AllowedHostPaths) > 0 }, func(s *pspparse.Spec) { s.AllowedHostPaths = nil }),
		volumeAllowList("allowedFlexVolumes", "flexVolume", message.New("opens-flex-volume-drivers"),
			func(s *pspparse.Spec) bool { return len(s.AllowedFlexVolumes) > 0 }, func(s *pspparse.Spec) { s.AllowedFlexVolumes = nil }),
		volumeAllowList("allowedCSIDrivers", "csi", message.New("opens-csi-drivers"),
			func(s *pspparse.Spec) bool { return len(s.AllowedCSIDrivers) > 0 }, func(s *pspparse.Spec) { s.AllowedCSIDrivers = nil }),
		{
			field: "forbiddenSysctls", class: OutOfScope, becomes: always(message.New("becomes-removed")),
			isSet:       func(p *pspparse.Policy) bool { return len(p.Spec.ForbiddenSysctls) > 0 },
			remove:      func(p *pspparse.Policy) { p.Spec.ForbiddenSysctls = nil },
			newlyAdmits: always(message.New("opens-forbidden-sysctls")),
		},
		{
			field: "runtimeClass", class: OutOfScope, becomes: always(message.New("becomes-removed")),
			isSet:  func(p *pspparse.Policy) bool { return p.Spec.RuntimeClass != nil },
			remove: func(p *pspparse.Policy) { p.Spec.RuntimeClass = nil },
			newlyAdmits: func(p *pspparse.Policy) message.Message {
				if slices.Contains(p.Spec.RuntimeClass.AllowedRuntimeClassNames, "*") {
					return message.Message{}
				}
				return message.New("opens-runtime-classes")
			},
		},
		groupStrategy("runAsGroup", message.New("becomes-removed"), func(s *pspparse.Spec) *pspparse.IDStrategy { return s.RunAsGroup },
			func(s *pspparse.Spec) { s.RunAsGroup = nil }),
		groupStrategy("supplementalGroups", message.New("becomes-value", "value", pspparse.RunAsAny), func(s *pspparse.Spec) *pspparse.IDStrategy { return &s.SupplementalGroups },
			func(s *pspparse.Spec) { s.SupplementalGroups = pspparse.IDStrategy{Rule: pspparse.RunAsAny} }),
		groupStrategy("fsGroup", message.New("becomes-value", "value", pspparse.RunAsAny), func(s *pspparse.Spec) *pspparse.IDStrategy { return &s.FSGroup },
			func(s *pspparse.Spec) { s.FSGroup = pspparse.IDStrategy{Rule: pspparse.RunAsAny} }),
	}
}

// volumeAllowList returns the simplification that removes a policy's list that narrows one type of volume. Where the
// type is not allowed, the list has no effect.
func volumeAllowList(field, volume string, newlyAdmits message.Message, isSet func(*pspparse.Spec) bool, remove func(*pspparse.Spec)) fieldSimplification {
	return fieldSimplification{
		field: field, class: OutOfScope, becomes: always(message.New("becomes-removed")),
		isSet:  func(p *pspparse.Policy) bool { return isSet(&p.Spec) },
		remove: func(p *pspparse.Policy) { remove(&p.Spec) },
		newlyAdmits: func(p *pspparse.Policy) message.Message {
			if !slices.Contains(p.Spec.Volumes, volume) && !slices.Contains(p.Spec.Volumes, "*") {
				return message.Message{}
			}
			return newlyAdmits
		},
	}
}

// groupStrategy returns the simplification that opens a policy's group strategy: supplementalGroups and fsGroup are
// required and cannot be removed, so they get RunAsAny.
func groupStrategy(field string, becomes message.Message, strategyOf func(*pspparse.Spec) *pspparse.IDStrategy, remove func(*pspparse.Spec)) fieldSimplification {
	return fieldSimplification{
		field: field, class: OutOfScope, becomes: always(becomes),
		isSet: func(p *pspparse.Policy) bool {
			strategy := strategyOf(&p.Spec)
			return strategy != nil && strategy.Rule != pspparse.RunAsAny
		},
		remove:      func(p *pspparse.Policy) { remove(&p.Spec) },
		newlyAdmits: always(message.New("opens-groups")),
	}
}

// stillMutatingFields returns the fields of a PodSecurityPolicy that forbid by mutation, which the migration guide
// leaves in place.
func stillMutatingFields() []fieldSimplification {
	return []fieldSimplification{
		{
			field: "requiredDropCapabilities", class: StillMutating, becomes: always(message.New("becomes-removed")),
			isSet:       func(p *pspparse.Policy) bool { return len(p.Spec.RequiredDropCapabilities) > 0 },
			remove:      func(p *pspparse.Policy) { p.Spec.RequiredDropCapabilities = nil },
			newlyAdmits: always(message.New("opens-drops")),
		},
		{
			field: "seLinux", class: StillMutating, becomes: always(message.New("becomes-value", "value", pspparse.RunAsAny)),
			isSet:       func(p *pspparse.Policy) bool { return p.Spec.SELinux.Rule != pspparse.RunAsAny },
			remove:      func(p *pspparse.Policy) { p.Spec.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny} },
			newlyAdmits: always(message.New("opens-selinux-options")),
		},
		{
			field: "runAsUser", class: StillMutating, becomes: always(message.New("becomes-value", "value", pspparse.RunAsAny)),
			isSet:       func(p *pspparse.Policy) bool { return p.Spec.RunAsUser.Rule != pspparse.RunAsAny },
			remove:      func(p *pspparse.Policy) { p.Spec.RunAsUser = pspparse.IDStrategy{Rule: pspparse.RunAsAny} },
			newlyAdmits: always(message.New("opens-users")),
		},
		{
			field: "allowPrivilegeEscalation", class: StillMutating, becomes: always(message.New("becomes-value", "value", "true")),
			isSet: func(p *pspparse.Policy) bool {
				return p.Spec.AllowPrivilegeEscalation != nil && !*p.Spec.AllowPrivilegeEscalation
			},
			remove:      func(p *pspparse.Policy) { p.Spec.AllowPrivilegeEscalation = new(true) },
			newlyAdmits: always(message.New("opens-escalation")),
		},
		{
			field: "readOnlyRootFilesystem", class: StillMutating, becomes: always(message.New("becomes-removed")),
			isSet:       func(p *pspparse.Policy) bool { return p.Spec.ReadOnlyRootFilesystem },
			remove:      func(p *pspparse.Policy) { p.Spec.ReadOnlyRootFilesystem = false },
			newlyAdmits: always(message.New("opens-root-file-systems")),
		},
	}
}

// always returns a function that gives every simplified policy the same message.
func always(m message.Message) func(*pspparse.Policy) message.Message {
	return func(*pspparse.Policy) message.Message { return m }
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
