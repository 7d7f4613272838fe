package pspparse

import "github.com/psp2pss/psp2pss/pspparse/message"

// Position is the file and line in which a PodSecurityPolicy, another object or a field was read. The zero value means
// a live cluster.
type Position struct {
	// File is the path as the user gave it, "-" for standard input.
	File string `json:"file,omitempty"`
	// Line counts from 1; 0 means unknown.
	Line int `json:"line,omitempty"`
}

// Policy is one PodSecurityPolicy, policy/v1beta1 or extensions/v1beta1, which have the same 24 spec fields and the same
// API default.
type Policy struct {
	// Name is metadata.name. PodSecurityPolicies are cluster-scoped: a namespace in the document is ignored, with a
	// Warning.
	Name string `json:"name"`
	// Order is, where Name is a pseudonym, the place of the policy among all by their real names, from 1, since admission tries policies
	// in this order. It is 0 where Name is real.
	Order int `json:"order,omitempty"`
	// APIVersion is what the document said: policy/v1beta1 or extensions/v1beta1.
	APIVersion string `json:"apiVersion"`
	// Labels and Annotations are those of the object, without kubectl's last-applied annotation.
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	// Spec says what the policy allows and sets.
	Spec Spec `json:"spec"`
	// Position is where the document starts.
	Position Position `json:"position,omitzero"`
	// Lines gives the line of each field that the document states, by path: "spec.privileged",
	// "spec.allowedHostPaths[0].readOnly", "metadata.annotations[seccomp.security.alpha.kubernetes.io/allowedProfileNames]".
	Lines map[string]int `json:"lines,omitempty"`
	// Problems are the Warnings found: unknown fields, values the API server would refuse. The first 20 are kept, and a last
	// one says how many others there are. A document with Errors yields no Policy.
	Problems []Problem `json:"problems,omitempty"`
}

// Line returns the line of a field of a PodSecurityPolicy by its path, or of the nearest parent that the document states,
// or of the document.
func (p *Policy) Line(path string) int {
	for path != "" {
		if n, ok := p.Lines[path]; ok {
			return n
		}
		path = parentFieldPath(path)
	}
	return p.Position.Line
}

// parentFieldPath returns the path of the field or list that a field path of a PodSecurityPolicy stands in; "" for a
// top-level field.
func parentFieldPath(path string) string {
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == '[' || (path[i] == '.' && path[len(path)-1] != ']') {
			return path[:i]
		}
	}
	return ""
}

// Spec is the spec of a PodSecurityPolicy: the 24 fields of the upstream PodSecurityPolicySpec under their upstream names
// (k8s.io/api v0.24 policy/v1beta1). For every list empty and absent mean the same.
type Spec struct {
	Privileged                      bool                  `json:"privileged,omitempty"`
	DefaultAddCapabilities          []string              `json:"defaultAddCapabilities,omitempty"`
	RequiredDropCapabilities        []string              `json:"requiredDropCapabilities,omitempty"`
	AllowedCapabilities             []string              `json:"allowedCapabilities,omitempty"`
	Volumes                         []string              `json:"volumes,omitempty"`
	HostNetwork                     bool                  `json:"hostNetwork,omitempty"`
	HostPorts                       []HostPortRange       `json:"hostPorts,omitempty"`
	HostPID                         bool                  `json:"hostPID,omitempty"`
	HostIPC                         bool                  `json:"hostIPC,omitempty"`
	SELinux                         SELinuxStrategy       `json:"seLinux"`
	RunAsUser                       IDStrategy            `json:"runAsUser"`
	RunAsGroup                      *IDStrategy           `json:"runAsGroup,omitempty"`
	SupplementalGroups              IDStrategy            `json:"supplementalGroups"`
	FSGroup                         IDStrategy            `json:"fsGroup"`
	ReadOnlyRootFilesystem          bool                  `json:"readOnlyRootFilesystem,omitempty"`
	DefaultAllowPrivilegeEscalation *bool                 `json:"defaultAllowPrivilegeEscalation,omitempty"`
	AllowPrivilegeEscalation        *bool                 `json:"allowPrivilegeEscalation,omitempty"` // never nil after parsing: the API default is true
	AllowedHostPaths                []AllowedHostPath     `json:"allowedHostPaths,omitempty"`
	AllowedFlexVolumes              []AllowedFlexVolume   `json:"allowedFlexVolumes,omitempty"`
	AllowedCSIDrivers               []AllowedCSIDriver    `json:"allowedCSIDrivers,omitempty"`
	AllowedUnsafeSysctls            []string              `json:"allowedUnsafeSysctls,omitempty"`
	ForbiddenSysctls                []string              `json:"forbiddenSysctls,omitempty"`
	AllowedProcMountTypes           []string              `json:"allowedProcMountTypes,omitempty"`
	RuntimeClass                    *RuntimeClassStrategy `json:"runtimeClass,omitempty"`
}

// The rules of the strategies of a PodSecurityPolicy, as the API spells them.
const (
	MustRunAs        = "MustRunAs"
	MustRunAsNonRoot = "MustRunAsNonRoot"
	MayRunAs         = "MayRunAs"
	RunAsAny         = "RunAsAny"
)

// HostPortRange is a range of host ports that a PodSecurityPolicy allows, inclusive at both ends. The API server validates
// neither end.
type HostPortRange struct {
	Min int32 `json:"min"`
	Max int32 `json:"max"`
}

// SELinuxStrategy is the seLinux field of a PodSecurityPolicy. Its rules are MustRunAs and RunAsAny.
type SELinuxStrategy struct {
	Rule           string          `json:"rule"`
	SELinuxOptions *SELinuxOptions `json:"seLinuxOptions,omitempty"`
}

// SELinuxOptions are the SELinux labels that a PodSecurityPolicy asks for, as in core/v1.
type SELinuxOptions struct {
	User  string `json:"user,omitempty"`
	Role  string `json:"role,omitempty"`
	Type  string `json:"type,omitempty"`
	Level string `json:"level,omitempty"`
}

// IDStrategy is the runAsUser, runAsGroup, supplementalGroups or fsGroup field of a PodSecurityPolicy. Which rules are
// valid differs by field.
type IDStrategy struct {
	Rule   string    `json:"rule"`
	Ranges []IDRange `json:"ranges,omitempty"`
}

// IDRange is a range of user or group IDs that a PodSecurityPolicy allows, inclusive at both ends.
type IDRange struct {
	Min int64 `json:"min"`
	Max int64 `json:"max"`
}

// AllowedHostPath is a host path that a PodSecurityPolicy allows, with all below it. Prefixes match by whole segments.
type AllowedHostPath struct {
	PathPrefix string `json:"pathPrefix,omitempty"`
	ReadOnly   bool   `json:"readOnly,omitempty"`
}

// AllowedFlexVolume is a FlexVolume driver that a PodSecurityPolicy allows.
type AllowedFlexVolume struct {
	Driver string `json:"driver"`
}

// AllowedCSIDriver is an inline CSI driver that a PodSecurityPolicy allows.
type AllowedCSIDriver struct {
	Name string `json:"name"`
}

// RuntimeClassStrategy is the runtimeClass field of a PodSecurityPolicy. An empty list forbids naming any class, a nil
// strategy restricts nothing.
type RuntimeClassStrategy struct {
	AllowedRuntimeClassNames []string `json:"allowedRuntimeClassNames"`
	DefaultRuntimeClassName  *string  `json:"defaultRuntimeClassName,omitempty"`
}

// The four annotations of a PodSecurityPolicy that are part of its meaning.
const (
	SeccompAllowedAnnotation  = "seccomp.security.alpha.kubernetes.io/allowedProfileNames"
	SeccompDefaultAnnotation  = "seccomp.security.alpha.kubernetes.io/defaultProfileName"
	AppArmorAllowedAnnotation = "apparmor.security.beta.kubernetes.io/allowedProfileNames"
	AppArmorDefaultAnnotation = "apparmor.security.beta.kubernetes.io/defaultProfileName"
)

// Severity says whether a Problem keeps a PodSecurityPolicy from being read.
type Severity string

const (
	// Error says that the document cannot be read as a policy (wrong type, duplicate key); it is not used and becomes a gap.
	Error Severity = "error"
	// Warning says that the policy is read as the admission code would read it, but with a warning to the user: an unknown field, a
	// value that API validation refuses, an ignored namespace.
	Warning Severity = "warning"
)

// Problem is something that is wrong with the document of a PodSecurityPolicy.
type Problem struct {
	Severity Severity `json:"severity"`
	// Field is the path, as in Policy.Lines; empty for the document as a whole.
	Field string `json:"field,omitempty"`
	Line  int    `json:"line,omitempty"`
	// Message says what is wrong and, where useful, what was meant.
	Message message.Message `json:"message"`
}
