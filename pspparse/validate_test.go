package pspparse

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The cases are those in which validation of Kubernetes v1.24.17 and a naive reading of its documentation differ, and
// one of each kind for the rest; 20,000 generated policies were compared with the original when this was written.
func TestValidate(t *testing.T) {
	t.Parallel()
	const refused = "; the API server would refuse this policy"
	for name, tc := range map[string]struct {
		// spec is added to a valid policy, from line 10 on; strategy replaces one of its lines.
		spec, strategy string
		want           []string
	}{
		"hostPorts are free": {spec: "hostPorts: [{min: 1, max: 65535}, {min: 0, max: 0}]"},

		"rule missing": {strategy: "runAsUser: {}", want: []string{
			`7 spec.runAsUser.rule: the rule is missing: one of MustRunAs, MustRunAsNonRoot, RunAsAny is required` + refused,
		}},
		"rule in another case": {strategy: "runAsUser: {rule: mustRunAsNonRoot}", want: []string{
			`7 spec.runAsUser.rule: unknown rule "mustRunAsNonRoot" (did you mean "MustRunAsNonRoot"?): it must be one of MustRunAs, MustRunAsNonRoot, RunAsAny` + refused,
		}},
		"rule of groups for the user": {strategy: "runAsUser: {rule: MayRunAs, ranges: [{min: 1, max: 2}]}", want: []string{
			`7 spec.runAsUser.rule: unknown rule "MayRunAs": it must be one of MustRunAs, MustRunAsNonRoot, RunAsAny` + refused,
		}},
		"rule of the user for a group": {strategy: "fsGroup: {rule: MustRunAsNonRoot}", want: []string{
			`9 spec.fsGroup.rule: unknown rule "MustRunAsNonRoot": it must be one of MustRunAs, MayRunAs, RunAsAny` + refused,
		}},
		"rule of groups for SELinux": {strategy: "seLinux: {rule: MayRunAs}", want: []string{
			`6 spec.seLinux.rule: unknown rule "MayRunAs": it must be one of MustRunAs, RunAsAny` + refused,
		}},
		"MayRunAs for groups": {strategy: "supplementalGroups: {rule: MayRunAs, ranges: [{min: 0, max: 0}]}"},
		"rule null":           {strategy: "supplementalGroups: {rule: null}", want: []string{`8 spec.supplementalGroups.rule: the rule is missing: one of MustRunAs, MayRunAs, RunAsAny is required` + refused}},

		"ranges inverted": {strategy: "runAsUser: {rule: MustRunAs, ranges: [{min: 2000, max: 1000}]}", want: []string{
			`7 spec.runAsUser.ranges[0].min: the range 2000-1000 is inverted and holds nothing` + refused,
		}},
		"ranges negative": {strategy: "fsGroup: {rule: MayRunAs, ranges: [{min: 0, max: 1}, {min: -1, max: 5}, {min: -2, max: -2}]}", want: []string{
			`9 spec.fsGroup.ranges[1].min: the range -1-5 starts below 0` + refused,
			`9 spec.fsGroup.ranges[2].max: the range -2--2 ends below 0` + refused,
			`9 spec.fsGroup.ranges[2].min: the range -2--2 starts below 0` + refused,
		}},
		"ranges that the rule does not use are checked": {strategy: "supplementalGroups: {rule: RunAsAny, ranges: [{min: 2, max: 1}]}", want: []string{
			`8 spec.supplementalGroups.ranges[0].min: the range 2-1 is inverted and holds nothing` + refused,
		}},
		"ranges beyond 32 bits are fine": {strategy: "runAsUser: {rule: MustRunAs, ranges: [{min: 3000000000, max: 3000000000}]}"},
		"ranges missing are only unusable": {strategy: "runAsUser: {rule: MustRunAs}", want: []string{
			`7 spec.runAsUser: MustRunAs without ranges: the API server accepts the policy, but admission can never use it`,
		}},
		"ranges under MustRunAsNonRoot": {strategy: "runAsUser: {rule: MustRunAsNonRoot, ranges: [{min: 1, max: 2}]}"},

		"runAsGroup without a rule": {spec: "runAsGroup: {}", want: []string{
			`10 spec.runAsGroup.rule: the rule is missing: one of MustRunAs, MayRunAs, RunAsAny is required` + refused,
		}},
		"runAsGroup without ranges": {spec: "runAsGroup: {rule: MayRunAs}", want: []string{
			`10 spec.runAsGroup.ranges: MayRunAs needs at least one range` + refused,
		}},
		"runAsGroup with ranges it cannot use": {spec: "runAsGroup: {rule: RunAsAny, ranges: [{min: 2, max: 1}]}", want: []string{
			`10 spec.runAsGroup.ranges: RunAsAny takes no ranges` + refused,
		}},
		"runAsGroup any": {spec: "runAsGroup: {rule: RunAsAny}"},
		"runAsGroup inverted": {spec: "runAsGroup: {rule: MustRunAs, ranges: [{min: 2, max: 1}]}", want: []string{
			`10 spec.runAsGroup.ranges[0].min: the range 2-1 is inverted and holds nothing` + refused,
		}},
		"runAsGroup null": {spec: "runAsGroup: null"},

		"seLinux without options is only unusable": {strategy: "seLinux: {rule: MustRunAs}", want: []string{
			`6 spec.seLinux: MustRunAs without seLinuxOptions: the API server accepts the policy, but admission can never use it`,
		}},
		"seLinux with empty options": {strategy: "seLinux: {rule: MustRunAs, seLinuxOptions: {}}"},

		"volumes": {spec: "volumes: ['*', cephFS, ephemeral, cephfs, none, '']", want: []string{
			`10 spec.volumes[3]: unknown volume type "cephfs" (did you mean "cephFS"?)` + refused,
			`10 spec.volumes[4]: unknown volume type "none"` + refused,
			`10 spec.volumes[5]: unknown volume type ""` + refused,
		}},

		"a wildcard beside required drops": {spec: "requiredDropCapabilities: [ALL]\n  allowedCapabilities: ['*']", want: []string{
			`10 spec.requiredDropCapabilities: no capability can be required to drop while "*" is allowed` + refused,
		}},
		"a capability dropped and allowed": {spec: "requiredDropCapabilities: [KILL, CHOWN]\n  allowedCapabilities: [CHOWN, SETUID]\n  defaultAddCapabilities: [KILL]", want: []string{
			`11 spec.allowedCapabilities[0]: "CHOWN" is also in requiredDropCapabilities` + refused,
			`12 spec.defaultAddCapabilities[0]: "KILL" is also in requiredDropCapabilities` + refused,
		}},
		"a wildcard and no drops":                 {spec: "allowedCapabilities: ['*']"},
		"ALL dropped, one allowed":                {spec: "requiredDropCapabilities: [ALL]\n  allowedCapabilities: [SYS_ADMIN]"},
		"a wildcard by default is a literal name": {spec: "requiredDropCapabilities: [ALL]\n  defaultAddCapabilities: ['*']"},
		"capabilities spelt otherwise": {spec: "allowedCapabilities: [cap_net_raw, CAP_KILL, KILL, chown, '']", want: []string{
			`10 spec.allowedCapabilities[0]: "cap_net_raw" matches only containers that spell it like that; the usual spelling is "NET_RAW"`,
			`10 spec.allowedCapabilities[3]: "chown" matches only containers that spell it like that; the usual spelling is "CHOWN"`,
			`10 spec.allowedCapabilities[4]: the capability is empty and matches nothing`,
		}},

		"escalation by default but not allowed": {spec: "defaultAllowPrivilegeEscalation: true\n  allowPrivilegeEscalation: false", want: []string{
			`10 spec.defaultAllowPrivilegeEscalation: the default is true while allowPrivilegeEscalation is false` + refused,
		}},
		"escalation by default, allowed by default": {spec: "defaultAllowPrivilegeEscalation: true"},
		"no escalation by default, but allowed":     {spec: "defaultAllowPrivilegeEscalation: false\n  allowPrivilegeEscalation: true"},

		"proc mounts": {spec: "allowedProcMountTypes: [Default, Unmasked, unmasked]", want: []string{
			`10 spec.allowedProcMountTypes[2]: unknown proc mount type "unmasked" (did you mean "Unmasked"?)` + refused,
		}},

		"host paths": {spec: "allowedHostPaths:\n  - pathPrefix: /a..b/.../c\n  - {}\n  - pathPrefix: /var/../etc\n  - pathPrefix: relative/path\n  - pathPrefix: 'C:\\data'", want: []string{
			`12 spec.allowedHostPaths[1].pathPrefix: the path prefix is missing` + refused,
			`13 spec.allowedHostPaths[2].pathPrefix: the path prefix "/var/../etc" contains ".."` + refused,
			`14 spec.allowedHostPaths[3].pathPrefix: the path prefix "relative/path" is relative: it matches no absolute path`,
		}},

		"flex drivers": {spec: "allowedFlexVolumes: [{driver: a/b}, {}]", want: []string{
			`10 spec.allowedFlexVolumes[1].driver: the driver is missing` + refused,
		}},
		"CSI drivers": {spec: "allowedCSIDrivers: [{name: Ebs.CSI.aws.com}, {}, {name: a_b}, {name: " + strings.Repeat("a", 64) + "}]", want: []string{
			`10 spec.allowedCSIDrivers[1].name: the name of the driver is missing` + refused,
			`10 spec.allowedCSIDrivers[2].name: "a_b" is not a valid CSI driver name` + refused,
			`10 spec.allowedCSIDrivers[3].name: "` + strings.Repeat("a", 64) + `" is not a valid CSI driver name` + refused,
		}},

		"sysctls": {spec: "forbiddenSysctls: [kernel.shm*, a_b.c-d, net.*, a-*, a.*.b, a**, x/y, UP.a, '-*', a., a..b, a-.b, '', " + strings.Repeat("a", 254) + "]", want: []string{
			`10 spec.forbiddenSysctls[10]: "a..b" is not a sysctl name or a pattern that ends in *` + refused,
			`10 spec.forbiddenSysctls[11]: "a-.b" is not a sysctl name or a pattern that ends in *` + refused,
			`10 spec.forbiddenSysctls[12]: the sysctl is empty` + refused,
			`10 spec.forbiddenSysctls[13]: "` + strings.Repeat("a", 64) + `"... (254 bytes) is not a sysctl name or a pattern that ends in *` + refused,
			`10 spec.forbiddenSysctls[4]: "a.*.b" is not a sysctl name or a pattern that ends in *` + refused,
			`10 spec.forbiddenSysctls[5]: "a**" is not a sysctl name or a pattern that ends in *` + refused,
			`10 spec.forbiddenSysctls[6]: "x/y" is not a sysctl name or a pattern that ends in *` + refused,
			`10 spec.forbiddenSysctls[7]: "UP.a" is not a sysctl name or a pattern that ends in *` + refused,
			`10 spec.forbiddenSysctls[8]: "-*" is not a sysctl name or a pattern that ends in *` + refused,
			`10 spec.forbiddenSysctls[9]: "a." is not a sysctl name or a pattern that ends in *` + refused,
		}},
		"sysctl of full length": {spec: "allowedUnsafeSysctls: [" + strings.Repeat("a", 253) + "]"},
		"sysctl wildcard alone": {spec: "allowedUnsafeSysctls: ['*']"},
		"sysctl wildcard in company": {spec: "allowedUnsafeSysctls: ['*', a.b]", want: []string{
			`10 spec.allowedUnsafeSysctls: "*" must stand alone` + refused,
		}},
		"sysctl lists overlap": {spec: "forbiddenSysctls: [net.ipv4.*, kernel.sem, vm.swap*]\n  allowedUnsafeSysctls:\n  - net.ipv4.tcp_x\n  - net.*\n  - kernel.sem\n  - kernel.s*\n  - vm.swap.x*\n  - net.ipv6.x\n  - kernel.semx\n  - kernel.sem.*", want: []string{
			`12 spec.allowedUnsafeSysctls[0]: "net.ipv4.tcp_x" overlaps with "net.ipv4.*" in forbiddenSysctls` + refused,
			`13 spec.allowedUnsafeSysctls[1]: "net.*" overlaps with "net.ipv4.*" in forbiddenSysctls` + refused,
			`14 spec.allowedUnsafeSysctls[2]: "kernel.sem" overlaps with "kernel.sem" in forbiddenSysctls` + refused,
			`15 spec.allowedUnsafeSysctls[3]: "kernel.s*" overlaps with "kernel.sem" in forbiddenSysctls` + refused,
			`16 spec.allowedUnsafeSysctls[4]: "vm.swap.x*" overlaps with "vm.swap*" in forbiddenSysctls` + refused,
		}},
		"sysctl wildcards in both": {spec: "forbiddenSysctls: ['*']\n  allowedUnsafeSysctls: ['*']", want: []string{
			`11 spec.allowedUnsafeSysctls[0]: "*" overlaps with "*" in forbiddenSysctls` + refused,
		}},

		"runtime classes": {spec: "runtimeClass:\n    allowedRuntimeClassNames:\n    - gvisor\n    - gvisor\n    - Bad_Name\n    defaultRuntimeClassName: kata", want: []string{
			`11 spec.runtimeClass.allowedRuntimeClassNames: the default "kata" is not allowed` + refused,
			`13 spec.runtimeClass.allowedRuntimeClassNames[1]: "gvisor" stands twice` + refused,
			`14 spec.runtimeClass.allowedRuntimeClassNames[2]: "Bad_Name" is not a valid runtime class name` + refused,
		}},
		"runtime class wildcard": {spec: "runtimeClass: {allowedRuntimeClassNames: ['*'], defaultRuntimeClassName: kata}"},
		"runtime class wildcard in company": {spec: "runtimeClass: {allowedRuntimeClassNames: ['*', kata]}", want: []string{
			`10 spec.runtimeClass.allowedRuntimeClassNames: "*" must stand alone` + refused,
		}},
		"runtime class default invalid": {spec: "runtimeClass: {allowedRuntimeClassNames: ['*'], defaultRuntimeClassName: ''}", want: []string{
			`10 spec.runtimeClass.defaultRuntimeClassName: "" is not a valid runtime class name` + refused,
		}},
		"runtime class default with nothing allowed": {spec: "runtimeClass: {defaultRuntimeClassName: kata}", want: []string{
			`10 spec.runtimeClass.allowedRuntimeClassNames: the default "kata" is not allowed` + refused,
		}},
		"no runtime class allowed": {spec: "runtimeClass: {}"},

		"hostPorts that hold no port": {spec: "hostPorts:\n  - {min: 70000, max: 80000}\n  - {min: 100, max: 10}\n  - {min: -5, max: 5}\n  - {max: 80}\n  - {min: 1, max: 65536}\n  - {min: -9, max: -1}", want: []string{
			`11 spec.hostPorts[0]: the range holds no port: ports are 1 to 65535`,
			`12 spec.hostPorts[1]: the range is inverted and allows no port`,
			`13 spec.hostPorts[2]: the range goes beyond the ports, which are 1 to 65535`,
			`14 spec.hostPorts[3].min: it is missing and read as 0, as the API server does`,
			`15 spec.hostPorts[4]: the range goes beyond the ports, which are 1 to 65535`,
			`16 spec.hostPorts[5]: the range holds no port: ports are 1 to 65535`,
		}},
		"ranges with one end": {strategy: "runAsUser: {rule: MustRunAs, ranges: [{max: 10}]}", want: []string{
			`7 spec.runAsUser.ranges[0].min: it is missing and read as 0, as the API server does`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := valid
			if tc.spec != "" {
				text += "  " + tc.spec + "\n"
			}
			if tc.strategy != "" {
				field, _, _ := strings.Cut(tc.strategy, ":")
				text = strings.Replace(text, field+": {rule: RunAsAny}", tc.strategy, 1)
			}
			p, problems := parseText(t, text)
			if p == nil {
				t.Fatalf("unexpected errors:\n%s", told(problems))
			}
			want := strings.Join(tc.want, "\n")
			got := strings.TrimSpace(strings.ReplaceAll(told(p.Problems), " warning ", " "))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateMetadata(t *testing.T) {
	t.Parallel()
	const refused = "; the API server would refuse this policy\n"
	const seccomp, appArmor = "metadata.annotations[" + SeccompAllowedAnnotation + "]: ", "metadata.annotations[" + AppArmorAllowedAnnotation + "]: "
	for name, tc := range map[string]struct{ metadata, want string }{
		"seccomp list": {`annotations: {` + SeccompAllowedAnnotation + `: "runtime/default,docker/default,unconfined,localhost/,localhost/a/..b,*"}`, ""},
		"seccomp list with blanks and empty elements": {
			`annotations: {` + SeccompAllowedAnnotation + `: "runtime/default, unconfined,"}`,
			`5 ` + seccomp + `" unconfined" is not a seccomp profile` + refused + `5 ` + seccomp + `"" is not a seccomp profile` + refused,
		},
		"seccomp files": {
			`annotations: {` + SeccompAllowedAnnotation + `: "localhost//abs,localhost/a/../b"}`,
			`5 ` + seccomp + `"localhost//abs" is not a seccomp profile` + refused + `5 ` + seccomp + `"localhost/a/../b" is not a seccomp profile` + refused,
		},
		"seccomp list empty": {`annotations: {` + SeccompAllowedAnnotation + `: ""}`, ""},
		"seccomp default takes no wildcard": {
			`annotations: {` + SeccompDefaultAnnotation + `: "*"}`,
			`5 metadata.annotations[` + SeccompDefaultAnnotation + `]: "*" is not a seccomp profile` + refused,
		},
		"AppArmor list": {`annotations: {` + AppArmorAllowedAnnotation + `: "runtime/default,unconfined,localhost/../x,"}`, ""},
		"AppArmor list takes no wildcard": {
			`annotations: {` + AppArmorAllowedAnnotation + `: "*,docker/default"}`,
			`5 ` + appArmor + `"*" is not an AppArmor profile` + refused + `5 ` + appArmor + `"docker/default" is not an AppArmor profile` + refused,
		},
		"AppArmor default is not a list": {
			`annotations: {` + AppArmorDefaultAnnotation + `: "runtime/default,unconfined"}`,
			`5 metadata.annotations[` + AppArmorDefaultAnnotation + `]: "runtime/default,unconfined" is not an AppArmor profile` + refused,
		},
		"labels": {
			`labels: {a/b: v, "bad key": "bad value"}`,
			`5 metadata.labels["bad key"]: "bad key" is not a valid label key` + refused + `5 metadata.labels["bad key"]: "bad value" is not a valid label value` + refused,
		},
		"annotation keys": {
			`annotations: {Upper.Case/Key: v, "bad key": v}`,
			`5 metadata.annotations["bad key"]: "bad key" is not a valid annotation key` + refused,
		},
		"annotations too large": {
			`annotations: {a: "` + strings.Repeat("a", 256<<10) + `"}`,
			`5 metadata.annotations: the annotations hold 262145 bytes, more than 262144` + refused,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, problems := parseText(t, strings.Replace(valid, "name: p\n", "name: p\n  "+tc.metadata+"\n", 1))
			if p == nil {
				t.Fatalf("unexpected errors:\n%s", told(problems))
			}
			if diff := cmp.Diff(tc.want, strings.ReplaceAll(told(p.Problems), " warning ", " ")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
