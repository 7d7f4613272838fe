package psp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// validatePod is ValidatePod (pkg/security/podsecuritypolicy/provider.go), in upstream's order. Every check always runs.
//
// PSP admission does not look at shareProcessNamespace, Windows options (host process included), fsGroupChangePolicy, host
// aliases, images, environment, devices, probes and lifecycle hooks, mount propagation and subpaths.
func (t *evaluation) validatePod() {
	t.validateFSGroup()
	t.validateSupplementalGroups()
	t.validatePodSeccomp()
	t.validatePodSELinux()
	t.validateHostNamespaces()
	t.validateSysctls()
	t.validateVolumes()
	t.validateRuntimeClass()
	for i := range t.containers {
		t.validateContainer(&t.containers[i])
	}
}

// validateHostNamespaces: to the API server these fields are part of the security context, and it says so.
func (t *evaluation) validateHostNamespaces() {
	allowed, spec := t.policy.spec, &t.pod.Spec
	if spec.HostNetwork && !allowed.HostNetwork {
		t.addInvalidValue("spec.securityContext.hostNetwork", booleanValue(true), "Host network is not allowed to be used")
	}
	if spec.HostPID && !allowed.HostPID {
		t.addInvalidValue("spec.securityContext.hostPID", booleanValue(true), "Host PID is not allowed to be used")
	}
	if spec.HostIPC && !allowed.HostIPC {
		t.addInvalidValue("spec.securityContext.hostIPC", booleanValue(true), "Host IPC is not allowed to be used")
	}
}

// validateRuntimeClass: no class is always fine, and an empty list allows no other.
func (t *evaluation) validateRuntimeClass() {
	rule := t.policy.spec.RuntimeClass
	if rule == nil || t.runtimeClassName == nil || slices.Contains(rule.AllowedRuntimeClassNames, "*") {
		return
	}
	if !slices.Contains(rule.AllowedRuntimeClassNames, *t.runtimeClassName) {
		t.addInvalidValue("spec.runtimeClassName", quotedValue(*t.runtimeClassName), "")
	}
}

func (t *evaluation) validateContainer(c *podContainer) {
	t.validateUser(c)
	t.validateGroup(c)
	t.validateContainerSELinux(c)
	t.validateAppArmor(c)
	t.validateContainerSeccomp(c)
	if podspec.IsTrue(c.securityContext.Privileged) && !t.policy.spec.Privileged {
		t.addInvalidValue(c.fieldPath("securityContext.privileged"), booleanValue(true), "Privileged containers are not allowed")
	}
	t.validateProcMount(c)
	t.validateCapabilities(c)
	t.validateHostPorts(c)
	t.validateEscalation(c)
}

// validateProcMount: unset is Default, which a list has to name like any other.
func (t *evaluation) validateProcMount(c *podContainer) {
	mount := "Default"
	if c.securityContext.ProcMount != nil {
		mount = string(*c.securityContext.ProcMount)
	}
	if allowed := t.policy.procMounts; !allowed[mount] && (len(allowed) > 0 || mount != "Default") {
		t.addInvalidValue(c.fieldPath("securityContext.procMount"), quotedValue(mount), "ProcMountType is not allowed")
	}
}

// validateHostPorts: upstream's path does not name the port.
func (t *evaluation) validateHostPorts(c *podContainer) {
	for _, p := range c.Ports {
		if p.HostPort <= 0 || t.policy.hostPorts.contain(int64(p.HostPort)) || t.refusalLimitReached() {
			continue
		}
		t.addInvalidValue(c.fieldPath("hostPort"), numberValue(p.HostPort),
			fmt.Sprintf("Host port %d is not allowed to be used. Allowed ports: [%s]", p.HostPort, hostPortRangesText(t.policy.spec.HostPorts)))
	}
}

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

// validateEscalation: here, too, upstream refuses a missing value, and there is none left.
func (t *evaluation) validateEscalation(c *podContainer) {
	if t.policy.spec.ReadOnlyRootFilesystem && !podspec.IsTrue(c.securityContext.ReadOnlyRootFilesystem) {
		t.addInvalidValue(c.fieldPath("securityContext.readOnlyRootFilesystem"), booleanValue(false), "ReadOnlyRootFilesystem must be set to true")
	}
	if allowed := t.policy.spec.AllowPrivilegeEscalation; allowed != nil && !*allowed && podspec.IsTrue(c.securityContext.AllowPrivilegeEscalation) {
		t.addInvalidValue(c.fieldPath("securityContext.allowPrivilegeEscalation"), booleanValue(true), "Allowing privilege escalation for containers is not allowed")
	}
}
