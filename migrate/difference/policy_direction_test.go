package difference

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse"
)

const (
	seccompAllowed  = "metadata.annotations[" + pspparse.SeccompAllowedAnnotation + "]"
	seccompDefault  = "metadata.annotations[" + pspparse.SeccompDefaultAnnotation + "]"
	appArmorAllowed = "metadata.annotations[" + pspparse.AppArmorAllowedAnnotation + "]"
)

// fieldChanges are changes of one field of a policy, by its path: its value before and after as JSON, "" for a field that is not stated,
// and the direction.
func fieldChanges() []struct {
	path, before, after string
	want                Direction
} {
	return []struct {
		path, before, after string
		want                Direction
	}{
		{"spec.privileged", "", "true", Looser},
		{"spec.hostNetwork", "", "true", Looser},
		{"spec.hostPID", "true", "", Stricter},
		{"spec.hostIPC", "", "true", Looser},
		{"spec.readOnlyRootFilesystem", "true", "", Looser},
		{"spec.allowPrivilegeEscalation", "false", "true", Looser},
		{"spec.allowPrivilegeEscalation", "", "true", Neither},
		{"spec.defaultAllowPrivilegeEscalation", "false", "true", Neither},

		{"spec.requiredDropCapabilities", `["ALL"]`, "", Looser},
		{"spec.requiredDropCapabilities", `["KILL"]`, `["KILL","NET_RAW"]`, Stricter},
		{"spec.defaultAddCapabilities", "", `["CHOWN"]`, Looser},
		{"spec.allowedCapabilities", `["CHOWN"]`, `["*"]`, Looser},
		{"spec.allowedCapabilities", `["*"]`, `["CHOWN"]`, Stricter},
		{"spec.allowedCapabilities", `["CHOWN"]`, `["KILL"]`, Both},
		{"spec.volumes", `["secret","csi"]`, `["csi","secret"]`, Neither},
		{"spec.volumes", `["secret"]`, `["csi","secret"]`, Looser},
		{"spec.volumes", `["*"]`, `["*","secret"]`, Neither},
		{"spec.allowedUnsafeSysctls", "", `["kernel.*"]`, Looser},
		{"spec.forbiddenSysctls", `["kernel.*"]`, "", Looser},
		{"spec.allowedProcMountTypes", "", `["Unmasked"]`, Looser},

		{"spec.hostPorts", "", `[{"min":80,"max":80}]`, Looser},
		{"spec.hostPorts", `[{"min":1,"max":10},{"min":11,"max":20}]`, `[{"min":1,"max":20}]`, Neither},
		{"spec.hostPorts", `[{"min":1,"max":10}]`, `[{"min":5,"max":15}]`, Both},
		{"spec.hostPorts", `[{"min":1,"max":10},{"min":20,"max":30}]`, `[{"min":5,"max":25}]`, Both},
		{"spec.hostPorts", `[{"min":9,"max":1}]`, "", Neither},

		{"spec.allowedHostPaths", `[{"pathPrefix":"/var/log"}]`, "", Looser},
		{"spec.allowedHostPaths", "", `[{"pathPrefix":"/"}]`, Stricter},
		{"spec.allowedHostPaths", `[{"pathPrefix":"/var"}]`, `[{"pathPrefix":"/var/log/"}]`, Stricter},
		{"spec.allowedHostPaths", `[{"pathPrefix":"/var/lo"}]`, `[{"pathPrefix":"/var/log"}]`, Both},
		{"spec.allowedHostPaths", `[{"pathPrefix":"/"}]`, `[{"pathPrefix":"/srv"}]`, Stricter},
		{"spec.allowedHostPaths", `[{"pathPrefix":"/var","readOnly":true}]`, `[{"pathPrefix":"/var"}]`, Looser},
		{"spec.allowedHostPaths", `[{"pathPrefix":"/var"}]`, `[{"pathPrefix":"/var/log","readOnly":true}]`, Stricter},
		{"spec.allowedHostPaths", `[{"pathPrefix":"/` + strings.Repeat("a/", 100) + `"}]`, `[{"pathPrefix":"/` + strings.Repeat("a/", 200) + `"}]`, Both},
		{"spec.allowedFlexVolumes", "", `[{"driver":"x/y"}]`, Stricter},
		{"spec.allowedFlexVolumes", `[{"driver":"x/y"}]`, `[{"driver":"x/y"},{"driver":"z"}]`, Looser},
		{"spec.allowedCSIDrivers", `[{"name":"a"}]`, "", Looser},
		{"spec.allowedCSIDrivers", `[{"name":"a"}]`, `[{"name":"b"}]`, Both},

		{"spec.runAsUser", `{"rule":"MustRunAsNonRoot"}`, `{"rule":"RunAsAny"}`, Looser},
		{"spec.runAsUser", `{"rule":"MustRunAs","ranges":[{"min":1,"max":9}]}`, `{"rule":"MustRunAsNonRoot"}`, Looser},
		{"spec.runAsUser", `{"rule":"MustRunAs","ranges":[{"min":0,"max":9}]}`, `{"rule":"MustRunAsNonRoot"}`, Both},
		{"spec.runAsUser", `{"rule":"MustRunAs"}`, `{"rule":"MustRunAs","ranges":[{"min":0,"max":9}]}`, Looser},
		{"spec.runAsUser", `{"rule":"RunAsAny"}`, `{"rule":"MustRunAs","ranges":[{"min":0,"max":9223372036854775807}]}`, Stricter},
		{"spec.fsGroup", `{"rule":"MustRunAs","ranges":[{"min":1,"max":9}]}`, `{"rule":"MayRunAs","ranges":[{"min":1,"max":9}]}`, Looser},
		{"spec.fsGroup", `{"rule":"MustRunAs","ranges":[{"min":1,"max":9}]}`, `{"rule":"MayRunAs","ranges":[{"min":1,"max":5}]}`, Both},
		{"spec.supplementalGroups", `{"rule":"MayRunAs","ranges":[{"min":1,"max":9}]}`, `{"rule":"RunAsAny"}`, Looser},
		{"spec.runAsGroup", `{"rule":"MustRunAs","ranges":[{"min":1,"max":9}]}`, "", Looser},
		{"spec.runAsGroup", "", `{"rule":"RunAsAny"}`, Neither},
		{"spec.seLinux", `{"rule":"MustRunAs","seLinuxOptions":{"type":"a"}}`, `{"rule":"RunAsAny"}`, Looser},
		{"spec.seLinux", `{"rule":"MustRunAs","seLinuxOptions":{"type":"a"}}`, `{"rule":"MustRunAs","seLinuxOptions":{"type":"b"}}`, Both},
		{"spec.seLinux", `{"rule":"MustRunAs"}`, `{"rule":"MustRunAs"}`, Neither},
		{"spec.runtimeClass", "", `{"allowedRuntimeClassNames":["a"]}`, Stricter},
		{"spec.runtimeClass", `{"allowedRuntimeClassNames":["*"]}`, "", Neither},
		{"spec.runtimeClass", `{"allowedRuntimeClassNames":["a"]}`, `{"allowedRuntimeClassNames":["a"],"defaultRuntimeClassName":"a"}`, Neither},

		{seccompAllowed, "", `"*"`, Looser},
		{seccompAllowed, `"runtime/default,unconfined"`, `"runtime/default"`, Stricter},
		{seccompDefault, "", `"runtime/default"`, Neither},
		{appArmorAllowed, `"runtime/default"`, "", Looser},
		{appArmorAllowed, "", `"runtime/default"`, Stricter},
		{"metadata.annotations[example.com/a]", "", `"x"`, Neither},
	}
}

// TestPolicyFieldDirections compares two versions of a policy that differ in one field, either way round.
func TestPolicyFieldDirections(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for _, test := range fieldChanges() {
		before, after := policyWith(t, test.path, test.before), policyWith(t, test.path, test.after)
		if got := directionOf(admitsMore(test.path, before, after), admitsMore(test.path, after, before)); got != test.want {
			t.Errorf("%s from %s to %s: %s, want %s", test.path, test.before, test.after, got, test.want)
		}
		covered[test.path] = true
	}
	spec := reflect.TypeFor[pspparse.Spec]()
	for i := range spec.NumField() {
		name, _, _ := strings.Cut(spec.Field(i).Tag.Get("json"), ",")
		if !covered["spec."+name] {
			t.Errorf("no case is about spec.%s", name)
		}
	}
}

// policyWith returns a policy that states one field or annotation; "" for none.
func policyWith(t *testing.T, path, value string) *migrate.Policy {
	t.Helper()
	p := &migrate.Policy{Annotations: map[string]string{}}
	if value == "" {
		return p
	}
	var err error
	if key, is := strings.CutPrefix(path, "metadata.annotations["); is {
		text := ""
		err = json.Unmarshal([]byte(value), &text)
		p.Annotations[strings.TrimSuffix(key, "]")] = text
	} else {
		err = json.Unmarshal(fmt.Appendf(nil, `{%q: %s}`, strings.TrimPrefix(path, "spec."), value), &p.Spec)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return p
}
