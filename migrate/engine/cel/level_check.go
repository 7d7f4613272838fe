package cel

import (
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/migrate/mapping"
)

// levelCheck returns a CEL boolean over podVariables and object: the pod meets a check of the Pod Security Standards, at v1.minor of
// them. ok is false for a check that there is not at that version, and for one that this package does not know. A check of
// restricted stands alone here: it says nothing of the check of baseline that it overrides.
//
// The library, k8s.io/pod-security-admission/policy, decides what the standards are. What is here is how they are said in CEL, and
// a test compares the verdicts of the two at every version with a change.
func levelCheck(id string, minor int) (expression string, ok bool) {
	if !checkExists(id, minor) {
		return "", false
	}
	accepted := mapping.AcceptedAt(api.MajorMinorVersion(1, minor))
	switch id {
	case "privileged":
		return everyContainer("!c.?securityContext.?privileged.orValue(false)"), true
	case "hostNamespaces":
		return allOf("!object.spec.?hostNetwork.orValue(false)", "!object.spec.?hostPID.orValue(false)", "!object.spec.?hostIPC.orValue(false)"), true
	case "hostPathVolumes":
		return "variables.vols.all(v, !has(v.hostPath))", true
	case "restrictedVolumes":
		return "variables.vols.all(v, v.exists(k, " + isOneOf("k", accepted.RestrictedVolumes) + "))", true
	case "hostPorts":
		return everyContainer("c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0)"), true
	case "hostProbesAndHostLifecycle":
		return everyContainer("[c.?livenessProbe, c.?readinessProbe, c.?startupProbe, c.?lifecycle.?postStart, c.?lifecycle.?preStop].all(h, " +
			"h.?httpGet.?host.orValue('') == '' && h.?tcpSocket.?host.orValue('') == '')"), true
	case "sysctls":
		return "variables.psc.?sysctls.orValue([]).all(s, " + isOneOf("s.name", accepted.Sysctls) + ")", true
	case "seLinuxOptions":
		return podAndContainers(func(o string) string {
			return allOf(isOneOf(o+".?seLinuxOptions.?type.orValue('')", accepted.SELinuxTypes),
				o+".?seLinuxOptions.?user.orValue('') == ''", o+".?seLinuxOptions.?role.orValue('') == ''")
		}), true
	case "windowsHostProcess":
		return podAndContainers(func(o string) string { return "!" + o + ".?windowsOptions.?hostProcess.orValue(false)" }), true
	case "capabilities_baseline":
		return everyContainer(addsOnly(accepted.BaselineCapabilities)), true
	}
	return levelCheckOfUsers(id, minor, accepted)
}

// levelCheckOfUsers returns the CEL booleans of those checks that at some versions leave out pods for Windows, or pods in a user
// namespace, and of those about profiles.
func levelCheckOfUsers(id string, minor int, accepted mapping.AcceptedValues) (expression string, ok bool) {
	switch id {
	case "capabilities_restricted":
		drops := "'ALL' in c.?securityContext.?capabilities.?drop.orValue([])"
		return exceptWindows(minor, everyContainer(allOf(drops, addsOnly(accepted.RestrictedCapabilities)))), true
	case "allowPrivilegeEscalation":
		return exceptWindows(minor, everyContainer("!c.?securityContext.?allowPrivilegeEscalation.orValue(true)")), true
	case "runAsNonRoot":
		// A pod's false counts even if every container states true.
		return exceptUserNamespaces(minor, allOf("variables.psc.?runAsNonRoot.orValue(true)",
			everyContainer("c.?securityContext.?runAsNonRoot.or(variables.psc.?runAsNonRoot).orValue(false)"))), true
	case "runAsUser":
		return exceptUserNamespaces(minor, podAndContainers(func(o string) string { return o + ".?runAsUser.orValue(1) != 0" })), true
	case "procMount":
		return exceptUserNamespaces(minor, everyContainer(defaultProcMount())), true
	case "procMount_restricted":
		return everyContainer(defaultProcMount()), true
	case "seccompProfile_baseline":
		return seccompBaseline(minor), true
	case "seccompProfile_restricted":
		return exceptWindows(minor, allOf(profileIsSafe("variables.psc", "seccompProfile"), everyContainer(isOneOf(
			"c.?securityContext.?seccompProfile.?type.or(variables.psc.?seccompProfile.?type).orValue('')", safeProfileTypes())))), true
	case "appArmorProfile":
		return allOf(podAndContainers(func(o string) string { return profileIsSafe(o, "appArmorProfile") }), annotationsAre(
			"k.startsWith('container.apparmor.security.beta.kubernetes.io/')", "'', 'runtime/default'")), true
	}
	return "", false
}

// checkExists reports whether the Pod Security Standards have a check at v1.minor.
func checkExists(id string, minor int) bool {
	v := api.MajorMinorVersion(1, minor)
	for _, c := range policy.DefaultChecks() {
		if string(c.ID) == id {
			return !v.Older(c.Versions[0].MinimumVersion)
		}
	}
	return false
}

// everyContainer returns a CEL boolean: a condition holds for every container c of the pod.
func everyContainer(condition string) string { return "variables.all.all(c, " + condition + ")" }

// podAndContainers returns a CEL boolean: a condition holds for the security context of the pod, and for that of every container. A
// container that has none meets it.
func podAndContainers(condition func(securityContext string) string) string {
	return allOf(condition("variables.psc"), everyContainer(condition("c.?securityContext")))
}

// exceptWindows returns a CEL boolean: the pod is for Windows, or meets a condition. Such pods are left out from v1.25 of the
// standards on.
func exceptWindows(minor int, condition string) string {
	if minor < 25 {
		return condition
	}
	return anyOf("object.spec.?os.?name.orValue('') == 'windows'", condition)
}

// exceptUserNamespaces returns a CEL boolean: the pod is in a user namespace, or meets a condition. Such pods are left out from v1.35
// of the standards on.
func exceptUserNamespaces(minor int, condition string) string {
	if minor < 35 {
		return condition
	}
	return anyOf("!object.spec.?hostUsers.orValue(true)", condition)
}

// addsOnly returns a CEL boolean: the container c of the pod adds no other capabilities.
func addsOnly(capabilities []string) string {
	return "c.?securityContext.?capabilities.?add.orValue([]).all(k, " + isOneOf("k", capabilities) + ")"
}

// defaultProcMount returns a CEL boolean: the container c of the pod leaves /proc masked.
func defaultProcMount() string {
	return "c.?securityContext.?procMount.orValue('Default') == 'Default'"
}

// safeProfileTypes are the types of seccomp and AppArmor profiles that the standards accept in pods.
func safeProfileTypes() []string { return []string{"RuntimeDefault", "Localhost"} }

// profileIsSafe returns a CEL boolean: the security context has no profile in the field, or one that the standards accept.
func profileIsSafe(securityContext, field string) string {
	return isOneOf(securityContext+".?"+field+".?type.orValue("+quote(safeProfileTypes()[0])+")", safeProfileTypes())
}

// seccompBaseline returns the CEL boolean of the check seccompProfile_baseline, which is about annotations of pods up to v1.18.
func seccompBaseline(minor int) string {
	if minor < 19 {
		return annotationsAre("k == 'seccomp.security.alpha.kubernetes.io/pod' || "+
			"variables.all.exists(c, k == 'container.seccomp.security.alpha.kubernetes.io/' + c.name)", "'runtime/default', 'docker/default'")
	}
	return podAndContainers(func(o string) string { return profileIsSafe(o, "seccompProfile") })
}

// annotationsAre returns a CEL boolean: the annotations of the pod whose key k meets a condition have one of the values, or name a
// profile of the node.
func annotationsAre(keys, values string) string {
	return "[object.metadata.?annotations.orValue({})].all(a, a.all(k, !(" + keys + ") || a[k] in [" + values + "] || a[k].startsWith('localhost/')))"
}
