package inventory

// PodSecurityLabelPrefix begins the keys of all labels of Pod Security.
const PodSecurityLabelPrefix = "pod-security.kubernetes.io/"

// PodSecurityLabelKeys returns the keys of the six Pod Security labels that an inventory reads, in the order in which
// people read them: each mode with its version.
func PodSecurityLabelKeys() []string {
	const prefix = PodSecurityLabelPrefix
	return []string{prefix + "enforce", prefix + "enforce-version", prefix + "audit", prefix + "audit-version", prefix + "warn", prefix + "warn-version"}
}
