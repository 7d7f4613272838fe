package cel

import (
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/psp2pss/psp2pss/migrate/mapping"
)

// form says of which pod an expression is: one that is still written into, or one that is as it will stay.
type form int

const (
	// strict is for a pod as it must be once nobody writes into it any more: a value that the policy demands has to be there.
	strict form = iota
	// asFilled is for a pod before the policy writes into it: a value that is absent counts as the one that the policy would write.
	asFilled
)

// podVariables returns what the expressions of this package read of a pod, as variables of a policy: they stand before all that
// use them. A variable must not hold an optional value: as a variable it would read as absent.
func podVariables() []admissionregistrationv1.Variable {
	return []admissionregistrationv1.Variable{
		// The list of containers is null in a pod that has none, which the API server refuses only after mutation.
		{Name: "all", Expression: "(object.spec.containers == null ? [] : object.spec.containers) + " +
			"object.spec.?initContainers.orValue([]) + object.spec.?ephemeralContainers.orValue([])"},
		{Name: "vols", Expression: "object.spec.?volumes.orValue([])"},
		{Name: "psc", Expression: "object.spec.?securityContext.orValue({})"},
		// Mirror pods have no account.
		{Name: "account", Expression: "object.spec.?serviceAccountName.orValue('')"},
		{Name: "podAppArmor", Expression: podAppArmorProfile()},
	}
}

// variablesFor returns what else the expressions about constraints read, as variables that all policies of a set share.
func variablesFor(constraints []mapping.Constraint) []admissionregistrationv1.Variable {
	if slices.ContainsFunc(constraints, hasReadOnlyPaths) {
		return hostPathVariables()
	}
	return nil
}

// check is one thing that a constraint of a policy demands: of each item of a list of the pod, or of the pod as a whole.
type check struct {
	// each is a CEL list (variables.all), and as is the name of one item of it in the expressions; empty for the pod as a whole.
	each, as string
	// good is a CEL boolean, true for what the policy accepts.
	good string
	// wrong is a CEL string for what is not good: what is wrong, where, and what is allowed. It may rely on good being false.
	wrong string
}

// checksOf returns what a constraint of a policy demands of pods, in the order in which it is to be looked at. A pod is accepted if
// all of it is good.
func checksOf(c mapping.Constraint, f form) []check {
	switch c := c.(type) {
	case mapping.PrivilegedContainers:
		return checkPrivileged()
	case mapping.HostNamespace:
		return checkHostNamespace(c)
	case mapping.HostPorts:
		return checkHostPorts(c)
	case mapping.VolumeTypes:
		return checkVolumeTypes(c)
	case mapping.HostPaths:
		return checkHostPaths(c)
	case mapping.FlexVolumeDrivers:
		return checkFlexVolumes(c)
	case mapping.CSIDrivers:
		return checkCSIVolumes(c)
	case mapping.SELinuxLabel:
		return checkSELinux(c, f)
	case mapping.NonRootUser:
		return checkNonRootUser(f)
	case mapping.IDRanges:
		return checkIDRanges(c, f)
	case mapping.ReadOnlyRootFilesystem:
		return checkReadOnlyRoot(f)
	case mapping.PrivilegeEscalation:
		return checkEscalation(c, f)
	case mapping.Capabilities:
		return checkCapabilities(c, f)
	case mapping.ProcMounts:
		return checkProcMounts(c)
	case mapping.Sysctls:
		return checkSysctls(c)
	case mapping.RuntimeClasses:
		return checkRuntimeClass(c)
	case mapping.Profiles:
		return checkProfiles(c, f)
	default:
		// A type that is not known here accepts nothing: completeness is tested against the types of migrate/mapping.
		return []check{{good: "false", wrong: quote(strings.Join(c.Fields(), ", ") + " cannot be checked")}}
	}
}

// accepts returns a CEL boolean: a policy accepts the pod by a constraint. It reads object and podVariables, and is never an error.
func accepts(c mapping.Constraint, f form) string {
	var conditions []string
	for _, k := range checksOf(c, f) {
		switch {
		case k.each == "" || k.good == "true":
			conditions = append(conditions, k.good)
		default:
			conditions = append(conditions, k.each+".all("+k.as+", "+k.good+")")
		}
	}
	return allOf(conditions...)
}
