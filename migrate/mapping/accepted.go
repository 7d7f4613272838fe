package mapping

import "k8s.io/pod-security-admission/api"

// AcceptedValues are the lists of the Pod Security Standards at one version: what pods may have of what policies list, too.
type AcceptedValues struct {
	// BaselineCapabilities and RestrictedCapabilities are those that containers may add.
	BaselineCapabilities, RestrictedCapabilities []string
	// Sysctls that pods may set, at baseline and restricted.
	Sysctls []string
	// SELinuxTypes that pods may have, at baseline and restricted; "" stands for none.
	SELinuxTypes []string
	// RestrictedVolumes are the volume sources that restricted accepts, as pods have them.
	RestrictedVolumes []string
}

// AcceptedAt returns the lists of the Pod Security Standards at a version. A test compares them with the library.
func AcceptedAt(v api.Version) AcceptedValues {
	return AcceptedValues{
		BaselineCapabilities:   baselineCapabilities(),
		RestrictedCapabilities: restrictedCapabilities(),
		Sysctls:                baselineSysctls(v),
		SELinuxTypes:           acceptedSELinuxTypes(v),
		RestrictedVolumes:      append(restrictedVolumeTypes(), "image"), // which policies have no name for
	}
}
