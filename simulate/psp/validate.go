package psp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// validatePod adds all refusals that the PodSecurityPolicy has for the pod, in upstream's order. Every check always
// runs. It is ValidatePod of pkg/security/podsecuritypolicy/provider.go.
//
// PSP admission does not look at shareProcessNamespace, Windows options (host process included), fsGroupChangePolicy, host
// aliases, images, environment, devices, probes and lifecycle hooks, mount propagation and subpaths.
func (e *policyEvaluation) validatePod() {
	e.validateFSGroup()
	e.validateSupplementalGroups()
	e.validatePodSeccomp()
	e.validatePodSELinux()
	e.validateHostNamespaces()
	e.validateSysctls()
	e.validateVolumes()
	e.validateRuntimeClass()
	for i := range e.containers {
		e.validateContainer(&e.containers[i])
	}
}

// validateHostNamespaces adds a PodSecurityPolicy's refusals for host network, PID and IPC. Upstream's paths place
// these fields in the security context.
func (e *policyEvaluation) validateHostNamespaces() {
	allowed, spec := e.policy.spec, &e.pod.Spec
	if spec.HostNetwork && !allowed.HostNetwork {
		e.addInvalidValue("spec.securityContext.hostNetwork", booleanValue(true), "Host network is not allowed to be used")
	}
	if spec.HostPID && !allowed.HostPID {
		e.addInvalidValue("spec.securityContext.hostPID", booleanValue(true), "Host PID is not allowed to be used")
	}
	if spec.HostIPC && !allowed.HostIPC {
		e.addInvalidValue("spec.securityContext.hostIPC", booleanValue(true), "Host IPC is not allowed to be used")
	}
}

// validateRuntimeClass adds a refusal if the PodSecurityPolicy does not allow the pod's runtime class. No class is
// always allowed, and an empty list allows no class.
func (e *policyEvaluation) validateRuntimeClass() {
	rule := e.policy.spec.RuntimeClass
	if rule == nil || e.runtimeClassName == nil || slices.Contains(rule.AllowedRuntimeClassNames, "*") {
		return
	}
	if !slices.Contains(rule.AllowedRuntimeClassNames, *e.runtimeClassName) {
		e.addInvalidValue("spec.runtimeClassName", quotedValue(*e.runtimeClassName), "")
	}
}

// validateContainer adds all refusals that the PodSecurityPolicy has for one container, in upstream's order.
func (e *policyEvaluation) validateContainer(c *podContainer) {
	e.validateUser(c)
	e.validateGroup(c)
	e.validateContainerSELinux(c)
	e.validateAppArmor(c)
	e.validateContainerSeccomp(c)
	if podspec.IsTrue(c.securityContext.Privileged) && !e.policy.spec.Privileged {
		e.addInvalidValue(c.fieldPath("securityContext.privileged"), booleanValue(true), "Privileged containers are not allowed")
	}
	e.validateProcMount(c)
	e.validateCapabilities(c)
	e.validateHostPorts(c)
	e.validateEscalation(c)
}

// validateProcMount adds a refusal if the PodSecurityPolicy does not allow the container's procMount. Unset is Default,
// which a list has to name like any other.
func (e *policyEvaluation) validateProcMount(c *podContainer) {
	mount := "Default"
	if c.securityContext.ProcMount != nil {
		mount = string(*c.securityContext.ProcMount)
	}
	if allowed := e.policy.procMounts; !allowed[mount] && (len(allowed) > 0 || mount != "Default") {
		e.addInvalidValue(c.fieldPath("securityContext.procMount"), quotedValue(mount), "ProcMountType is not allowed")
	}
}

// validateHostPorts adds a PodSecurityPolicy's refusal for each host port out of its ranges. Upstream's path does not
// name the port.
func (e *policyEvaluation) validateHostPorts(c *podContainer) {
	for _, p := range c.Ports {
		if p.HostPort <= 0 || e.policy.hostPorts.contain(int64(p.HostPort)) || e.refusalLimitReached() {
			continue
		}
		e.addInvalidValue(c.fieldPath("hostPort"), numberValue(p.HostPort),
			fmt.Sprintf("Host port %d is not allowed to be used. Allowed ports: [%s]", p.HostPort, hostPortRangesText(e.policy.spec.HostPorts)))
	}
}

// hostPortRangesText returns host port ranges as refusals of PSP admission show them.
func hostPortRangesText(ranges []pspparse.HostPortRange) string {
	texts := make([]string, len(ranges))
	for i, r := range ranges {
		texts[i] = numberValue(r.Min)
		if r.Min != r.Max {
			texts[i] += "-" + numberValue(r.Max)
		}
	}
	return strings.Join(texts, ",")
}

// validateEscalation adds a PodSecurityPolicy's refusals for a writable root filesystem and for privilege escalation.
// Upstream refuses missing values, too; the mutation has written them by now.
func (e *policyEvaluation) validateEscalation(c *podContainer) {
	if e.policy.spec.ReadOnlyRootFilesystem && !podspec.IsTrue(c.securityContext.ReadOnlyRootFilesystem) {
		e.addInvalidValue(c.fieldPath("securityContext.readOnlyRootFilesystem"), booleanValue(false), "ReadOnlyRootFilesystem must be set to true")
	}
	if allowed := e.policy.spec.AllowPrivilegeEscalation; allowed != nil && !*allowed && podspec.IsTrue(c.securityContext.AllowPrivilegeEscalation) {
		e.addInvalidValue(c.fieldPath("securityContext.allowPrivilegeEscalation"), booleanValue(true), "Allowing privilege escalation for containers is not allowed")
	}
}
