package cel

import (
	"github.com/psp2pss/psp2pss/migrate/mapping"
)

// checkPrivileged: no container of any kind states securityContext.privileged: true. PSP does not inherit it from the pod.
func checkPrivileged() []check {
	return []check{{
		each: "variables.all", as: "c",
		good:  "!c.?securityContext.?privileged.orValue(false)",
		wrong: inContainer("'securityContext.privileged: Invalid value: true: Privileged containers are not allowed'"),
	}}
}

// checkReadOnlyRoot: every container states securityContext.readOnlyRootFilesystem: true. PSP writes true where nothing is stated.
func checkReadOnlyRoot(f form) []check {
	absent := "false"
	if f == asFilled {
		absent = "true"
	}
	return []check{{
		each: "variables.all", as: "c",
		good:  "c.?securityContext.?readOnlyRootFilesystem.orValue(" + absent + ")",
		wrong: inContainer("'securityContext.readOnlyRootFilesystem: Invalid value: ReadOnlyRootFilesystem must be set to true'"),
	}}
}

// fillReadOnlyRoot writes readOnlyRootFilesystem: true into containers that state none.
func fillReadOnlyRoot() []fill {
	return []fill{{
		place: inContainers, field: "readOnlyRootFilesystem", value: "true",
		when: "!c.?securityContext.?readOnlyRootFilesystem.hasValue()",
	}}
}

// checkEscalation: with allowPrivilegeEscalation: false of the policy, every container states false. PSP writes
// defaultAllowPrivilegeEscalation of the policy, else false, where nothing is stated; a default of true is then refused. Without
// it nothing is checked.
func checkEscalation(c mapping.PrivilegeEscalation, f form) []check {
	if !c.Forbidden {
		return nil
	}
	absent := "true"
	if f == asFilled && c.Default != nil && !*c.Default {
		absent = "false"
	}
	return []check{{
		each: "variables.all", as: "c",
		good:  "!c.?securityContext.?allowPrivilegeEscalation.orValue(" + absent + ")",
		wrong: inContainer("'securityContext.allowPrivilegeEscalation: Invalid value: Allowing privilege escalation for containers is not allowed: must be false'"),
	}}
}

// fillEscalation writes the policy's default for allowPrivilegeEscalation, true as well as false, into containers that state none.
func fillEscalation(c mapping.PrivilegeEscalation) []fill {
	if c.Default == nil {
		return nil
	}
	value := "false"
	if *c.Default {
		value = "true"
	}
	return []fill{{
		place: inContainers, field: "allowPrivilegeEscalation", value: value,
		when: "!c.?securityContext.?allowPrivilegeEscalation.hasValue()",
	}}
}

// checkProcMounts: the procMount of every container is one of the policy's types; one that is not stated is Default, which a list
// has to name like any other.
func checkProcMounts(c mapping.ProcMounts) []check {
	return []check{{
		each: "variables.all", as: "c",
		good: isOneOf("c.?securityContext.?procMount.orValue('Default')", c.Types),
		wrong: inContainer("'securityContext.procMount: Invalid value: ' + " + shown("c.?securityContext.?procMount.orValue('Default')") +
			" + " + quote(": ProcMountType is not allowed. Allowed values: "+allowedList(c.Types))),
	}}
}
