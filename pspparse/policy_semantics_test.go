package pspparse

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// policyWith reads a valid policy in which one strategy, if given, is replaced and the rest is added to its spec.
func policyWith(t *testing.T, strategy, more string) *Policy {
	t.Helper()
	text := valid
	if strategy != "" {
		field, _, _ := strings.Cut(strategy, ":")
		text = strings.Replace(text, field+": {rule: RunAsAny}", strategy, 1)
	}
	if more != "" {
		text += "  " + more + "\n"
	}
	p, problems := parseText(t, text)
	if p == nil {
		t.Fatalf("unexpected errors:\n%s", told(problems))
	}
	return p
}

func TestUnusable(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ strategy, more, want string }{
		"usable":                             {"", "", ""},
		"user with ranges":                   {"runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 1}]}", "", ""},
		"user without ranges":                {"runAsUser: {rule: MustRunAs}", "", "runAsUser: MustRunAs without ranges"},
		"user with empty ranges":             {"runAsUser: {rule: MustRunAs, ranges: []}", "", "runAsUser: MustRunAs without ranges"},
		"user with an inverted range":        {"runAsUser: {rule: MustRunAs, ranges: [{min: 9, max: 1}]}", "", ""},
		"user not root":                      {"runAsUser: {rule: MustRunAsNonRoot}", "", ""},
		"user with a rule of groups":         {"runAsUser: {rule: MayRunAs, ranges: [{min: 1, max: 1}]}", "", `runAsUser: unknown rule "MayRunAs"`},
		"user without rule":                  {"runAsUser: {}", "", "runAsUser: no rule"},
		"fsGroup may, without ranges":        {"fsGroup: {rule: MayRunAs}", "", "fsGroup: MayRunAs without ranges"},
		"fsGroup must, without ranges":       {"fsGroup: {rule: MustRunAs}", "", "fsGroup: MustRunAs without ranges"},
		"fsGroup with a rule of the user":    {"fsGroup: {rule: MustRunAsNonRoot}", "", `fsGroup: unknown rule "MustRunAsNonRoot"`},
		"supplementalGroups without ranges":  {"supplementalGroups: {rule: MayRunAs}", "", "supplementalGroups: MayRunAs without ranges"},
		"supplementalGroups with ranges":     {"supplementalGroups: {rule: MayRunAs, ranges: [{min: 1, max: 1}]}", "", ""},
		"runAsGroup absent":                  {"", "runAsGroup: null", ""},
		"runAsGroup empty":                   {"", "runAsGroup: {}", "runAsGroup: no rule"},
		"runAsGroup without ranges":          {"", "runAsGroup: {rule: MustRunAs}", "runAsGroup: MustRunAs without ranges"},
		"runAsGroup any":                     {"", "runAsGroup: {rule: RunAsAny}", ""},
		"SELinux without options":            {"seLinux: {rule: MustRunAs}", "", "seLinux: MustRunAs without seLinuxOptions"},
		"SELinux with empty options":         {"seLinux: {rule: MustRunAs, seLinuxOptions: {}}", "", ""},
		"SELinux with a rule of groups":      {"seLinux: {rule: MayRunAs}", "", `seLinux: unknown rule "MayRunAs"`},
		"several causes, in admission order": {"fsGroup: {rule: runasany}", "runAsGroup: {rule: MayRunAs}", `runAsGroup: MayRunAs without ranges; fsGroup: unknown rule "runasany"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(message.Texts(policyWith(t, tc.strategy, tc.more).UnusableReasons()), "; "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestMutating(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		strategy, more string
		want           []string
	}{
		"nothing":                        {"", "", nil},
		"user must":                      {"runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 2}]}", "", []string{"runAsUser"}},
		"user must, unusable":            {"runAsUser: {rule: MustRunAs}", "", []string{"runAsUser"}},
		"user not root":                  {"runAsUser: {rule: MustRunAsNonRoot}", "", []string{"runAsUser"}},
		"fsGroup must":                   {"fsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 2}]}", "", []string{"fsGroup"}},
		"fsGroup may":                    {"fsGroup: {rule: MayRunAs, ranges: [{min: 1, max: 2}]}", "", nil},
		"supplementalGroups must":        {"supplementalGroups: {rule: MustRunAs, ranges: [{min: 1, max: 2}]}", "", []string{"supplementalGroups"}},
		"supplementalGroups may":         {"supplementalGroups: {rule: MayRunAs, ranges: [{min: 1, max: 2}]}", "", nil},
		"seLinux must":                   {"seLinux: {rule: MustRunAs, seLinuxOptions: {}}", "", []string{"seLinux"}},
		"runAsGroup must":                {"", "runAsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 2}]}", []string{"runAsGroup"}},
		"runAsGroup may":                 {"", "runAsGroup: {rule: MayRunAs, ranges: [{min: 1, max: 2}]}", nil},
		"drops":                          {"", "requiredDropCapabilities: [KILL]", []string{"requiredDropCapabilities"}},
		"no drops":                       {"", "requiredDropCapabilities: []", nil},
		"adds":                           {"", "defaultAddCapabilities: [KILL]", []string{"defaultAddCapabilities"}},
		"allowed capabilities":           {"", "allowedCapabilities: ['*']", nil},
		"read-only root":                 {"", "readOnlyRootFilesystem: true", []string{"readOnlyRootFilesystem"}},
		"writable root":                  {"", "readOnlyRootFilesystem: false", nil},
		"no escalation":                  {"", "allowPrivilegeEscalation: false", []string{"allowPrivilegeEscalation"}},
		"escalation":                     {"", "allowPrivilegeEscalation: true", nil},
		"no escalation by default":       {"", "defaultAllowPrivilegeEscalation: false", []string{"defaultAllowPrivilegeEscalation"}},
		"escalation by default":          {"", "defaultAllowPrivilegeEscalation: true", []string{"defaultAllowPrivilegeEscalation"}},
		"runtime class by default":       {"", "runtimeClass: {allowedRuntimeClassNames: [a], defaultRuntimeClassName: a}", []string{"runtimeClass"}},
		"runtime classes":                {"", "runtimeClass: {allowedRuntimeClassNames: [a]}", nil},
		"several, sorted":                {"runAsUser: {rule: MustRunAsNonRoot}", "readOnlyRootFilesystem: true\n  allowPrivilegeEscalation: no", []string{"allowPrivilegeEscalation", "readOnlyRootFilesystem", "runAsUser"}},
		"privileged and everything else": {"", "privileged: true\n  hostNetwork: true\n  volumes: ['*']\n  hostPorts: [{min: 0, max: 65535}]\n  forbiddenSysctls: ['*']", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, policyWith(t, tc.strategy, tc.more).MutatingFields()); diff != "" {
				t.Errorf("mutating (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProfileAnnotations(t *testing.T) {
	t.Parallel()
	list := "runtime/default,localhost/x"
	empty := ""
	type profiles struct {
		Allowed  *string
		Default  string
		Mutating []string
	}
	for name, tc := range map[string]struct {
		annotations       map[string]string
		seccomp, appArmor profiles
	}{
		"absent": {nil, profiles{}, profiles{}},
		"lists": {
			map[string]string{SeccompAllowedAnnotation: list, AppArmorAllowedAnnotation: list},
			profiles{Allowed: &list},
			profiles{Allowed: &list},
		},
		"empty lists": {
			map[string]string{SeccompAllowedAnnotation: "", AppArmorAllowedAnnotation: ""},
			profiles{Allowed: &empty},
			profiles{Allowed: &empty},
		},
		"defaults": {
			map[string]string{SeccompDefaultAnnotation: "unconfined", AppArmorDefaultAnnotation: "localhost/x"},
			profiles{Default: "unconfined", Mutating: []string{AppArmorDefaultAnnotation, SeccompDefaultAnnotation}},
			profiles{Default: "localhost/x", Mutating: []string{AppArmorDefaultAnnotation, SeccompDefaultAnnotation}},
		},
		"empty defaults": {map[string]string{SeccompDefaultAnnotation: "", AppArmorDefaultAnnotation: ""}, profiles{}, profiles{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &Policy{Annotations: tc.annotations}
			allowed, def := p.SeccompProfiles()
			if diff := cmp.Diff(tc.seccomp, profiles{allowed, def, p.MutatingFields()}); diff != "" {
				t.Errorf("seccomp (-want +got):\n%s", diff)
			}
			allowed, def = p.AppArmorProfiles()
			if diff := cmp.Diff(tc.appArmor, profiles{allowed, def, p.MutatingFields()}); diff != "" {
				t.Errorf("AppArmor (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSplitProfiles(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]string{
		"": {""}, "a": {"a"}, "a,b": {"a", "b"}, "a, b,": {"a", " b", ""},
	} {
		if diff := cmp.Diff(want, SplitProfiles(list)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", list, diff)
		}
	}
}

func TestProvider(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"eks.privileged": "Amazon EKS", "gce.privileged": "Google GKE", "gce.unprivileged-addon": "Google GKE", "ack.privileged": "Alibaba Cloud ACK",
		"global-restricted-psp": "RKE2", "global-unrestricted-psp": "RKE2", "system-unrestricted-psp": "RKE2",
		"pks-privileged": "VMware PKS", "pks-restricted": "VMware PKS", "vmware-system-privileged": "VMware Tanzu",
		"magnum.privileged": "OpenStack Magnum", "gardener.privileged": "Gardener",
		"suse.caasp.psp.unprivileged": "SUSE CaaS Platform", "ibm-restricted-psp": "IBM Cloud",
		"privileged": "", "restricted": "", "gce-web": "", "eks.restricted": "", "my-gce.privileged": "", "": "",
	} {
		if got := (&Policy{Name: name}).Provider(); got != want {
			t.Errorf("%q is of %q, not %q", name, got, want)
		}
	}
}

func TestFSTypes(t *testing.T) {
	t.Parallel()
	types := FSTypes()
	if len(types) != 30 || types[29] != "*" {
		t.Errorf("there are %d types, the last is %q", len(types), types[len(types)-1])
	}
	slices.Sort(types)
	if n := len(slices.Compact(types)); n != 30 {
		t.Errorf("only %d types differ", n)
	}
	if FSTypes()[29] != "*" {
		t.Error("a caller can change the list")
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	candidates := stringSet([]string{"privileged", "hostPID", "hostIPC", "hostPorts", "fsGroup", "min", "max"})
	for name, want := range map[string]string{
		"PRIVILEGED": "privileged", "privilegd": "privileged", "priviledged": "privileged", "hostPID ": "hostPID", "hostPort": "hostPorts",
		"hostPIC": "hostIPC", "FSGroup": "fsGroup", "mni": "", "MIN": "min", "volumes": "", "": "", strings.Repeat("p", 100): "",
	} {
		if got := suggestKey(name, candidates); got != want {
			t.Errorf("%q: suggested %q, not %q", name, got, want)
		}
	}
}
