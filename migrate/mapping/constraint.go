package mapping

import (
	"slices"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Constraint is what a PodSecurityPolicy demands of one subject of a pod (its host ports, its capabilities, ...) and what it
// writes there where the pod says nothing, as data: what something that takes the place of PSP admission has to do. Each of the
// types below that implement it says for one subject what must hold. "Every container" are containers, init containers and
// ephemeral containers. What counts is the pod as the API server has completed it: host ports of pods in the network of the
// node, the source of a volume that names none, the token volume.
type Constraint interface {
	// Fields are the fields and annotations of the policy that it is made of, the one that decides first.
	Fields() []string
	// Refuses reports whether the policy refuses pods by it. One that does not only writes.
	Refuses() bool
	// Writes reports whether the policy writes into new pods by it. Where it does, a pod without a value is accepted as it will be.
	Writes() bool
}

// PrivilegedContainers is the Constraint of a policy without privileged: no container states securityContext.privileged true.
type PrivilegedContainers struct{}

// HostNamespace is the Constraint of a policy without hostNetwork, hostPID or hostIPC: the pod does not state true for it.
type HostNamespace struct {
	// Name of the field, which pods and policies share.
	Name string
}

// HostPorts is the Constraint of hostPorts: every host port but 0 of every container is in one of the ranges. None is in one that
// ends before it begins.
type HostPorts struct {
	Ranges []pspparse.HostPortRange
}

// VolumeTypes is the Constraint of volumes: every volume has one of the types. Pods have one source per volume.
type VolumeTypes struct {
	// Keys are the volume sources as a pod has them ("cephfs", where the policy says cephFS), sorted, each once.
	Keys []string
	// TokenVolume also allows a projected volume that has no other sources than those of the token volume that the API server adds
	// to pods.
	TokenVolume bool
}

// HostPaths is the Constraint of allowedHostPaths: every hostPath volume names one of the paths or something below it; where it
// matches only read-only ones, every mount of it in every container is readOnly. Both lose one slash at their end before they are
// compared; a path then matches an equal one, or goes on with a slash. So / matches all paths but relative ones. Paths are not
// cleaned.
type HostPaths struct {
	Paths []pspparse.AllowedHostPath
}

// FlexVolumeDrivers is the Constraint of allowedFlexVolumes: every flexVolume has one of the drivers.
type FlexVolumeDrivers struct {
	Drivers []string
}

// CSIDrivers is the Constraint of allowedCSIDrivers: every inline csi volume has one of the drivers.
type CSIDrivers struct {
	Drivers []string
}

// SELinuxLabel is the Constraint of seLinux with MustRunAs: the pod's seLinuxOptions, and those of every container that states
// its own, are these; what is empty here is empty there. A level is equal in another order of its categories, too: what follows the
// first colon, split at commas, each as often. The policy writes them into a pod that states none.
type SELinuxLabel struct {
	Options pspparse.SELinuxOptions
}

// NonRootUser is the Constraint of runAsUser with MustRunAsNonRoot: by what it states or inherits from the pod, every container
// has runAsUser or runAsNonRoot, its runAsUser is not 0, and its runAsNonRoot is not false. The policy writes runAsNonRoot: true
// into a container that neither states nor inherits one of the two.
type NonRootUser struct{}

// The fields of pods that an IDRanges constrains.
const (
	RunAsUserField          = "runAsUser"
	RunAsGroupField         = "runAsGroup"
	SupplementalGroupsField = "supplementalGroups"
	FSGroupField            = "fsGroup"
)

// IDRanges is the Constraint of a user or group strategy with MustRunAs or MayRunAs: the ID is in one of the ranges. None is in
// one that ends before it begins.
type IDRanges struct {
	// Field is runAsUser or runAsGroup, which every container states or inherits from the pod, or supplementalGroups, each of which
	// counts, or fsGroup, which are the pod's alone.
	Field  string
	Ranges []pspparse.IDRange
	// Optional accepts a pod without a value (MayRunAs). Without it, the policy writes Default where there is none: into containers
	// for the first two, else into the pod. A list of supplementalGroups that is stated and empty is refused then, and nothing is
	// written into it.
	Optional bool
	// Default is where the first range begins; of no meaning where Optional is true. The ranges need not have it (Contains): then
	// the policy writes what it refuses.
	Default int64
}

// ReadOnlyRootFilesystem is the Constraint of readOnlyRootFilesystem: every container states true. The policy writes it where
// nothing is stated.
type ReadOnlyRootFilesystem struct{}

// PrivilegeEscalation is the Constraint of allowPrivilegeEscalation and defaultAllowPrivilegeEscalation.
type PrivilegeEscalation struct {
	// Forbidden: every container states allowPrivilegeEscalation false.
	Forbidden bool
	// Default is what the policy writes into a container that states nothing; nil for nothing.
	Default *bool
}

// Capabilities is the Constraint of the three fields about capabilities. Where the policy adds something to one of the two lists of a
// container, it leaves both sorted, each name once.
type Capabilities struct {
	// Any accepts all additions, and does not ask for the drops.
	Any bool
	// Addable are what containers may add, sorted, each once: those allowed and those that the policy adds itself. Names are compared
	// as they are: ALL is one like any other.
	Addable []string
	// RequiredDrops are what every container drops by this very name, sorted, each once. The policy adds those that are not there.
	RequiredDrops []string
	// DefaultAdds are what the policy adds to containers that do not drop it by this very name, sorted, each once.
	DefaultAdds []string
}

// ProcMounts is the Constraint of allowedProcMountTypes: the procMount of every container that states one is one of the types;
// one that is not stated is Default.
type ProcMounts struct {
	Types []string
}

// Sysctls is the Constraint of allowedUnsafeSysctls and forbiddenSysctls: every sysctl of the pod is safe (SafeSysctls) or
// matches the first, and does not match the second. A pattern that ends in * matches by prefix.
type Sysctls struct {
	AllowedUnsafe, Forbidden []string
}

// RuntimeClasses is the Constraint of runtimeClass: of a pod's runtimeClassName.
type RuntimeClasses struct {
	// Any accepts every class. Else a class that a pod states is one of Names; none is accepted always.
	Any   bool
	Names []string
	// Default is what the policy writes into a pod that states none; nil for nothing.
	Default *string
}

// Profiles is the Constraint of the annotations about seccomp or AppArmor profiles, in the words of the annotations
// (runtime/default, unconfined, localhost/NAME).
//
// seccomp: the profile of the pod and that of every container is accepted. The pod's is its annotation, else its seccompProfile. A
// container's is its seccompProfile, else its annotation, even an empty one, else the pod's seccompProfile, else the pod's
// annotation. The policy writes Default into the annotation of a pod that states neither.
//
// AppArmor: the profile of every container is accepted: its annotation. Fields do not count, v1.24 has none. The policy writes
// Default into the annotation of a container where it is absent or empty.
type Profiles struct {
	// Kind is SeccompProfiles or AppArmorProfiles.
	Kind string
	// Listed: there is a list of allowed profiles. Without one, PSP refuses every seccomp profile and accepts every AppArmor profile.
	Listed bool
	// Any accepts every profile, and none.
	Any bool
	// Allowed are the profiles that are accepted, in the order of the list; "" stands for none. It is never there for AppArmor, where
	// a list demands a profile. Where seccomp has runtime/default or docker/default, it has both.
	Allowed []string
	// Default is what the policy writes where no profile is stated; "" for nothing. It need not be accepted (Accepts): then the
	// policy writes what it refuses.
	Default string
}

// The kinds of Profiles.
const (
	SeccompProfiles  = "seccomp"
	AppArmorProfiles = "AppArmor"
)

// Constraints returns what a PodSecurityPolicy demands of pods and writes into them, in the order of the policy's fields. What it
// leaves free is not there: a policy admits a pod that satisfies all of them as it is, or once all of them have written into it. Of
// a policy that admission can never use it returns nil.
//
// Two things are of no policy's choice and not among them. Whatever the policy, PSP admission copies the seccompProfile of a pod to
// the pod's annotation where that is empty, and this counts as written. And v1.24 resets procMount to Default behind the first pass
// of admission, so that a policy whose types lack Default admits nothing there. Pods for Windows are no exception to anything; the
// API server then refuses those into which a policy wrote what Windows does not have.
func Constraints(p *pspparse.Policy) []Constraint {
	if len(p.UnusableReasons()) > 0 {
		return nil
	}
	var out []Constraint
	for _, c := range allControls() {
		if c.constraints != nil {
			out = append(out, slices.DeleteFunc(c.constraints(p), func(c Constraint) bool { return !c.Refuses() && !c.Writes() })...)
		}
	}
	order := policyFieldOrder()
	slices.SortStableFunc(out, func(x, y Constraint) int {
		return slices.Index(order, x.Fields()[0]) - slices.Index(order, y.Fields()[0])
	})
	return out
}

// SafeSysctls returns the names of the sysctls that a PodSecurityPolicy need not allow, as Kubernetes v1.24 has them.
func SafeSysctls() []string { return pspSafeSysctls() }

// Fields implements Constraint.
func (PrivilegedContainers) Fields() []string { return []string{"privileged"} }

// Refuses implements Constraint.
func (PrivilegedContainers) Refuses() bool { return true }

// Writes implements Constraint.
func (PrivilegedContainers) Writes() bool { return false }

// Fields implements Constraint.
func (c HostNamespace) Fields() []string { return []string{c.Name} }

// Refuses implements Constraint.
func (HostNamespace) Refuses() bool { return true }

// Writes implements Constraint.
func (HostNamespace) Writes() bool { return false }

// Fields implements Constraint.
func (HostPorts) Fields() []string { return []string{"hostPorts"} }

// Refuses implements Constraint.
func (HostPorts) Refuses() bool { return true }

// Writes implements Constraint.
func (HostPorts) Writes() bool { return false }

// Fields implements Constraint.
func (VolumeTypes) Fields() []string { return []string{"volumes"} }

// Refuses implements Constraint.
func (VolumeTypes) Refuses() bool { return true }

// Writes implements Constraint.
func (VolumeTypes) Writes() bool { return false }

// Fields implements Constraint.
func (HostPaths) Fields() []string { return []string{"allowedHostPaths"} }

// Refuses implements Constraint.
func (HostPaths) Refuses() bool { return true }

// Writes implements Constraint.
func (HostPaths) Writes() bool { return false }

// Fields implements Constraint.
func (FlexVolumeDrivers) Fields() []string { return []string{"allowedFlexVolumes"} }

// Refuses implements Constraint.
func (FlexVolumeDrivers) Refuses() bool { return true }

// Writes implements Constraint.
func (FlexVolumeDrivers) Writes() bool { return false }

// Fields implements Constraint.
func (CSIDrivers) Fields() []string { return []string{"allowedCSIDrivers"} }

// Refuses implements Constraint.
func (CSIDrivers) Refuses() bool { return true }

// Writes implements Constraint.
func (CSIDrivers) Writes() bool { return false }

// Fields implements Constraint.
func (SELinuxLabel) Fields() []string { return []string{"seLinux"} }

// Refuses implements Constraint.
func (SELinuxLabel) Refuses() bool { return true }

// Writes implements Constraint.
func (SELinuxLabel) Writes() bool { return true }

// Fields implements Constraint.
func (NonRootUser) Fields() []string { return []string{"runAsUser"} }

// Refuses implements Constraint.
func (NonRootUser) Refuses() bool { return true }

// Writes implements Constraint.
func (NonRootUser) Writes() bool { return true }

// Fields implements Constraint.
func (c IDRanges) Fields() []string { return []string{c.Field} }

// Refuses implements Constraint.
func (c IDRanges) Refuses() bool {
	return !coversWhole(c.Ranges, 0, maxID) || c.Field == SupplementalGroupsField && !c.Optional
}

// Writes implements Constraint.
func (c IDRanges) Writes() bool { return !c.Optional }

// Contains reports whether the policy accepts a user or group ID of a pod.
func (c IDRanges) Contains(id int64) bool { return containsNumber(c.Ranges, id) }

// Fields implements Constraint.
func (ReadOnlyRootFilesystem) Fields() []string { return []string{"readOnlyRootFilesystem"} }

// Refuses implements Constraint.
func (ReadOnlyRootFilesystem) Refuses() bool { return true }

// Writes implements Constraint.
func (ReadOnlyRootFilesystem) Writes() bool { return true }

// Fields implements Constraint.
func (c PrivilegeEscalation) Fields() []string {
	if c.Forbidden {
		return []string{"allowPrivilegeEscalation", "defaultAllowPrivilegeEscalation"}
	}
	return []string{"defaultAllowPrivilegeEscalation"}
}

// Refuses implements Constraint.
func (c PrivilegeEscalation) Refuses() bool { return c.Forbidden }

// Writes implements Constraint.
func (c PrivilegeEscalation) Writes() bool { return c.Default != nil }

// Fields implements Constraint.
func (Capabilities) Fields() []string {
	return []string{"allowedCapabilities", "requiredDropCapabilities", "defaultAddCapabilities"}
}

// Refuses implements Constraint.
func (c Capabilities) Refuses() bool { return !c.Any }

// Writes implements Constraint.
func (c Capabilities) Writes() bool { return len(c.RequiredDrops)+len(c.DefaultAdds) > 0 }

// Fields implements Constraint.
func (ProcMounts) Fields() []string { return []string{"allowedProcMountTypes"} }

// Refuses implements Constraint.
func (ProcMounts) Refuses() bool { return true }

// Writes implements Constraint.
func (ProcMounts) Writes() bool { return false }

// Fields implements Constraint.
func (Sysctls) Fields() []string { return []string{"allowedUnsafeSysctls", "forbiddenSysctls"} }

// Refuses implements Constraint.
func (Sysctls) Refuses() bool { return true }

// Writes implements Constraint.
func (Sysctls) Writes() bool { return false }

// Fields implements Constraint.
func (RuntimeClasses) Fields() []string { return []string{"runtimeClass"} }

// Refuses implements Constraint.
func (c RuntimeClasses) Refuses() bool { return !c.Any }

// Writes implements Constraint.
func (c RuntimeClasses) Writes() bool { return c.Default != nil }

// Accepts reports whether the policy accepts a runtime class that a pod states.
func (c RuntimeClasses) Accepts(name string) bool { return c.Any || slices.Contains(c.Names, name) }

// Fields implements Constraint.
func (c Profiles) Fields() []string {
	if c.Kind == SeccompProfiles {
		return []string{pspparse.SeccompAllowedAnnotation, pspparse.SeccompDefaultAnnotation}
	}
	return []string{pspparse.AppArmorAllowedAnnotation, pspparse.AppArmorDefaultAnnotation}
}

// Refuses implements Constraint.
func (c Profiles) Refuses() bool { return !c.Any }

// Writes implements Constraint.
func (c Profiles) Writes() bool { return c.Default != "" }

// Accepts reports whether the policy accepts a profile of a pod or container, "" for none.
func (c Profiles) Accepts(profile string) bool { return c.Any || slices.Contains(c.Allowed, profile) }
