package harden

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// injectedAdvice is the advice about a check that only pods fail, with what they have beyond their template.
const injectedAdvice = "it is not in the template: change it where it is put into the pods"

// debugAdvice is the advice about a check that only the debug containers of a manifest fail.
const debugAdvice = "no API server takes a manifest with ephemeralContainers: take them out"

// obstacleAdvice returns one sentence about what a person can do about a check that no template edit meets. Every check
// has one: what edits meet in some templates they do not meet in others. The level is wanted at some versions.
func (s *TemplateWithPods) obstacleAdvice(check string, level api.Level, versions []api.Version) string {
	switch check {
	case "procMount":
		return s.procMountAdvice(level, versions)
	case "allowPrivilegeEscalation", "capabilities_restricted", "seccompProfile_restricted":
		if advice := s.windowsAdvice(); advice != "" {
			return advice
		}
	}
	i := slices.IndexFunc(checkAdvice(), func(a [2]string) bool { return a[0] == check })
	if i < 0 {
		return "look the check up in the Pod Security Standards"
	}
	return checkAdvice()[i][1]
}

// windowsAdvice returns the advice about checks that are waived for Windows pods from v1.25 on; "" for other pods.
func (s *TemplateWithPods) windowsAdvice() string {
	switch os := s.Template.Spec.OS; {
	case !s.onWindows():
		return ""
	case os == nil:
		return "its pods go to Windows nodes: once no policy sets Linux fields any more, state spec.os.name: windows, of which restricted asks no such field from v1.25 on"
	}
	return "Windows pods meet restricted from v1.25 on only: leave it until no older server is left"
}

const leaveOutProcMount = "leave procMount out"

// procMountAdvice returns the advice about a procMount that a level refuses. From v1.35 on the baseline level allows it in
// a user namespace; the restricted level never does.
func (s *TemplateWithPods) procMountAdvice(level api.Level, versions []api.Version) string {
	older := slices.ContainsFunc(versions, func(v api.Version) bool { return v.Older(api.MajorMinorVersion(1, 35)) })
	switch has := podspec.IsFalse(s.Template.Spec.HostUsers); {
	case level != api.LevelBaseline:
		return leaveOutProcMount
	case has && older:
		return leaveOutProcMount + ", or wait for v1.35: from then on baseline lets pods have it in a user namespace, as this one has (hostUsers: false)"
	case has:
		return leaveOutProcMount
	case older:
		return leaveOutProcMount + ": only from v1.35 on does baseline let pods have it in a user namespace (hostUsers: false)"
	}
	return leaveOutProcMount + ", or run in a user namespace (hostUsers: false)"
}

// checkAdvice returns pairs of a check's ID and the advice for templates that fail it.
func checkAdvice() [][2]string {
	const agents = "; an agent of the node that needs it belongs in a namespace of its own, at privileged"
	return [][2]string{
		{"allowPrivilegeEscalation", "allowPrivilegeEscalation: false is refused beside privileged: true and the capability CAP_SYS_ADMIN: do without those first"},
		{"appArmorProfile", "somebody chose no AppArmor profile: try the runtime's own (leave it out), or load one for this program on the nodes"},
		{"capabilities_baseline", "find out which of the added capabilities the program does without" + agents},
		{"capabilities_restricted", "only NET_BIND_SERVICE may be added: a program that runs as the user who owns its files does without most others"},
		{"hostNamespaces", "find out whether it has to see the node's network, processes or memory" + agents},
		{"hostPathVolumes", "use a volume that is not the node's (a claim, emptyDir, configMap)" + agents},
		{"hostPorts", "publish the port through a Service (NodePort, LoadBalancer) or an Ingress instead" + agents},
		{"hostProbesAndHostLifecycle", "leave the host out of the probe or hook: the kubelet then asks the pod's own address"},
		{"privileged", "grant the one device or capability that it needs instead" + agents},
		{"procMount", leaveOutProcMount},
		{"procMount_restricted", leaveOutProcMount},
		{"restrictedVolumes", "use one of the volume types that restricted has: configMap, csi, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected, secret"},
		{"runAsNonRoot", "it is to run as user 0: build the image for another user, or set runAsUser to one that the image can run as"},
		{"runAsUser", "it is to run as user 0: build the image for another user, or set runAsUser to one that the image can run as"},
		{"seLinuxOptions", "leave user and role out, and use a type that the standard lists"},
		{"seccompProfile_baseline", "somebody chose to run it without a seccomp profile: try RuntimeDefault, or load a profile for this program on the nodes"},
		{"seccompProfile_restricted", "somebody chose to run it without a seccomp profile, by field or by annotation: try RuntimeDefault, or load a profile for this program on the nodes"},
		{"sysctls", "set it on the nodes instead, or do without: only the sysctls that the standard lists are kept apart for each pod"},
		{"windowsHostProcess", "a host process container runs on the node itself" + agents},
	}
}
