package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/since"
)

// TestAnotherValueIsNew changes what a manifest asks for at a place that is refused already: that is new, and the same again is not.
func TestAnotherValueIsNew(t *testing.T) {
	t.Parallel()
	const pod = `apiVersion: v1
kind: Pod
metadata: {name: p, namespace: web, annotations: {container.apparmor.security.beta.kubernetes.io/c: unconfined}}
spec:
  hostPID: true
  securityContext: {runAsUser: 0, sysctls: [{name: kernel.msgmax, value: "1"}], seLinuxOptions: {type: a_t}, seccompProfile: {type: Unconfined}}
  volumes: [{name: a, hostPath: {path: /var/log}}, {name: b, nfs: {server: s, path: /}}]
  containers:
  - name: c
    image: i
    ports: [{containerPort: 80, hostPort: 8080}]
    securityContext: {procMount: Unmasked, capabilities: {add: [NET_RAW], drop: [X]}}
`
	for _, test := range []struct {
		title, from, to string
		want            []string
	}{
		{"nothing", "", "", nil},
		{"a capability", "NET_RAW", "SYS_ADMIN", []string{`capabilities_restricted spec.containers[0].securityContext.capabilities.add[0] "SYS_ADMIN"`}},
		{"a host port", "8080", "22", []string{"hostPorts spec.containers[0].ports[0].hostPort 22"}},
		{"a host path", "/var/log", "/", []string{`restrictedVolumes spec.volumes[0].hostPath "/"`}},
		{"a sysctl", "kernel.msgmax", "kernel.sem", []string{`sysctls spec.securityContext.sysctls[0] "kernel.sem"`}},
		{"the value of a sysctl", `value: "1"`, `value: "2"`, nil},
		{"a type of SELinux", "a_t", "b_t", []string{`seLinuxOptions spec.securityContext.seLinuxOptions.type "b_t"`}},
		{"a long type of SELinux", "a_t", strings.Repeat("b", 99), []string{`seLinuxOptions spec.securityContext.seLinuxOptions.type "sha256:1332b736..."`}},
		{"a list that lacks an item", "drop: [X]", "drop: [Y]", nil},
		{"a volume that is refused by its type", "server: s", "server: other", nil},
		{"another text of one value", "hostPort: 8080", "hostPort: 0x1F90", nil},
		{"a moved item", "[{containerPort: 80, hostPort: 8080}]", "[{containerPort: 1}, {containerPort: 80, hostPort: 8080}]", nil},
		{"a field that was missing", "image: i\n", "image: i\n    tty: true\n", nil},
	} {
		t.Run(test.title, func(t *testing.T) {
			t.Parallel()
			o := Options{Level: api.LevelRestricted}
			now := checkText(t, strings.Replace(pod, test.from, test.to, 1), o)
			since.Compare(now, checkText(t, pod, o), "old.json")
			var got []string
			for _, f := range now.Findings {
				for _, p := range f.Places {
					if p.New {
						value := string(p.Value)
						if hash, ok := strings.CutPrefix(value, `"sha256:`); ok && len(hash) == 65 {
							value = `"sha256:` + hash[:8] + `..."`
						}
						got = append(got, f.Rule+" "+p.Field+" "+value)
					}
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestValuesInJSON finds the same values in JSON as in YAML.
func TestValuesInJSON(t *testing.T) {
	t.Parallel()
	const text = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"hostPID":true,"containers":[{"name":"c","image":"i","securityContext":{"capabilities":{"add":["SYS_ADMIN"]}}}]}}`
	r := checkText(t, text, Options{Level: api.LevelBaseline})
	var got []string
	for _, f := range r.Findings {
		for _, p := range f.Places {
			got = append(got, p.Field+" "+string(p.Value))
		}
	}
	want := []string{"spec.hostPID true", `spec.containers[0].securityContext.capabilities.add[0] "SYS_ADMIN"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
