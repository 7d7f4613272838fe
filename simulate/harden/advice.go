package harden

import (
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// Advice returns what a person can do about a check that no edit of the template meets. Every check has advice: what edits meet in
// some templates they do not meet in others. The level is wanted at some versions.
func (s *TemplateWithPods) Advice(check string, level api.Level, versions []api.Version) message.Message {
	switch check {
	case "procMount":
		return s.procMountAdvice(level, versions)
	case "allowPrivilegeEscalation", "capabilities_restricted", "seccompProfile_restricted":
		if s.onWindows() {
			return s.windowsAdvice()
		}
	}
	for _, known := range allCheckAdvice() {
		if known.check == check {
			return known.advice()
		}
	}
	return message.New("obstacle-of-unknown-check")
}

// windowsAdvice returns the advice about checks that are waived for Windows pods from v1.25 on.
func (s *TemplateWithPods) windowsAdvice() message.Message {
	if s.Template.Spec.OS == nil {
		return message.New("obstacle-windows-not-stated")
	}
	return message.New("obstacle-windows-on-older-server")
}

// procMountAdvice returns the advice about a procMount that a level refuses. From v1.35 on the baseline level allows it in
// a user namespace; the restricted level never does.
func (s *TemplateWithPods) procMountAdvice(level api.Level, versions []api.Version) message.Message {
	older := slices.ContainsFunc(versions, func(v api.Version) bool { return v.Older(api.MajorMinorVersion(1, 35)) })
	return message.New("obstacle-proc-mount",
		"baseline", level == api.LevelBaseline, "older", older, "userNamespace", podspec.IsFalse(s.Template.Spec.HostUsers))
}

// checkAdvice is what a person can do about a check that no edit of a template meets.
type checkAdvice struct {
	check  string
	advice func() message.Message
}

// allCheckAdvice returns the advice about what an edit that hardens a template cannot meet, of every check.
func allCheckAdvice() []checkAdvice {
	return []checkAdvice{
		{"allowPrivilegeEscalation", func() message.Message { return message.New("obstacle-privilege-escalation") }},
		{"appArmorProfile", func() message.Message { return message.New("obstacle-apparmor") }},
		{"capabilities_baseline", func() message.Message { return message.New("obstacle-capabilities-baseline") }},
		{"capabilities_restricted", func() message.Message { return message.New("obstacle-capabilities-restricted") }},
		{"hostNamespaces", func() message.Message { return message.New("obstacle-host-namespaces") }},
		{"hostPathVolumes", func() message.Message { return message.New("obstacle-host-path") }},
		{"hostPorts", func() message.Message { return message.New("obstacle-host-ports") }},
		{"hostProbesAndHostLifecycle", func() message.Message { return message.New("obstacle-host-probes") }},
		{"privileged", func() message.Message { return message.New("obstacle-privileged") }},
		{"procMount", func() message.Message { return message.New("obstacle-proc-mount") }},
		{"procMount_restricted", func() message.Message { return message.New("obstacle-proc-mount") }},
		{"restrictedVolumes", func() message.Message { return message.New("obstacle-volumes") }},
		{"runAsNonRoot", func() message.Message { return message.New("obstacle-root") }},
		{"runAsUser", func() message.Message { return message.New("obstacle-root") }},
		{"seLinuxOptions", func() message.Message { return message.New("obstacle-selinux") }},
		{"seccompProfile_baseline", func() message.Message { return message.New("obstacle-seccomp") }},
		{"seccompProfile_restricted", func() message.Message { return message.New("obstacle-seccomp", "byAnnotation", true) }},
		{"sysctls", func() message.Message { return message.New("obstacle-sysctls") }},
		{"windowsHostProcess", func() message.Message { return message.New("obstacle-host-process") }},
	}
}
