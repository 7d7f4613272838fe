package psp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// validate is ValidatePod (pkg/security/podsecuritypolicy/provider.go), in upstream's order. Every check always runs.
//
// PSP admission does not look at shareProcessNamespace, Windows options (host process included), fsGroupChangePolicy, host
// aliases, images, environment, devices, probes and lifecycle hooks, mount propagation and subpaths.
func (t *trial) validate() {
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
func (t *trial) validateHostNamespaces() {
	allowed, spec := t.policy.spec, &t.pod.Spec
	if spec.HostNetwork && !allowed.HostNetwork {
		t.invalid("spec.securityContext.hostNetwork", boolean(true), "Host network is not allowed to be used")
	}
	if spec.HostPID && !allowed.HostPID {
		t.invalid("spec.securityContext.hostPID", boolean(true), "Host PID is not allowed to be used")
	}
	if spec.HostIPC && !allowed.HostIPC {
		t.invalid("spec.securityContext.hostIPC", boolean(true), "Host IPC is not allowed to be used")
	}
}

// validateRuntimeClass: no class is always fine, and an empty list allows no other.
func (t *trial) validateRuntimeClass() {
	rule := t.policy.spec.RuntimeClass
	if rule == nil || t.runtimeClassName == nil || slices.Contains(rule.AllowedRuntimeClassNames, "*") {
		return
	}
	if !slices.Contains(rule.AllowedRuntimeClassNames, *t.runtimeClassName) {
		t.invalid("spec.runtimeClassName", quoted(*t.runtimeClassName), "")
	}
}

func (t *trial) validateContainer(c *container) {
	t.validateUser(c)
	t.validateGroup(c)
	t.validateContainerSELinux(c)
	t.validateAppArmor(c)
	t.validateContainerSeccomp(c)
	if podspec.IsTrue(c.security.Privileged) && !t.policy.spec.Privileged {
		t.invalid(c.path("securityContext.privileged"), boolean(true), "Privileged containers are not allowed")
	}
	t.validateProcMount(c)
	t.validateCapabilities(c)
	t.validateHostPorts(c)
	t.validateEscalation(c)
}

// validateProcMount: unset is Default, which a list has to name like any other.
func (t *trial) validateProcMount(c *container) {
	mount := "Default"
	if c.security.ProcMount != nil {
		mount = string(*c.security.ProcMount)
	}
	if allowed := t.policy.procMounts; !allowed[mount] && (len(allowed) > 0 || mount != "Default") {
		t.invalid(c.path("securityContext.procMount"), quoted(mount), "ProcMountType is not allowed")
	}
}

// validateHostPorts: upstream's path does not name the port.
func (t *trial) validateHostPorts(c *container) {
	for _, p := range c.Ports {
		if p.HostPort <= 0 || t.policy.hostPorts.include(int64(p.HostPort)) || t.enough() {
			continue
		}
		t.invalid(c.path("hostPort"), number(p.HostPort),
			fmt.Sprintf("Host port %d is not allowed to be used. Allowed ports: [%s]", p.HostPort, portRanges(t.policy.spec.HostPorts)))
	}
}

func portRanges(ranges []pspparse.HostPortRange) string {
	texts := make([]string, len(ranges))
	for i, r := range ranges {
		texts[i] = number(r.Min)
		if r.Min != r.Max {
			texts[i] += "-" + number(r.Max)
		}
	}
	return strings.Join(texts, ",")
}

// validateEscalation: here, too, upstream refuses a missing value, and there is none left.
func (t *trial) validateEscalation(c *container) {
	if t.policy.spec.ReadOnlyRootFilesystem && !podspec.IsTrue(c.security.ReadOnlyRootFilesystem) {
		t.invalid(c.path("securityContext.readOnlyRootFilesystem"), boolean(false), "ReadOnlyRootFilesystem must be set to true")
	}
	if allowed := t.policy.spec.AllowPrivilegeEscalation; allowed != nil && !*allowed && podspec.IsTrue(c.security.AllowPrivilegeEscalation) {
		t.invalid(c.path("securityContext.allowPrivilegeEscalation"), boolean(true), "Allowing privilege escalation for containers is not allowed")
	}
}
