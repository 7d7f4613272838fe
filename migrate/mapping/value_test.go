package mapping

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
)

// TestWholeValues: what a policy states stands whole in its assessment, however long it is.
func TestWholeValues(t *testing.T) {
	t.Parallel()
	p := with(closedPolicy(), func(p *pspparse.Policy) {
		for port := int32(1); port <= 17; port += 2 {
			p.Spec.HostPorts = append(p.Spec.HostPorts, pspparse.HostPortRange{Min: port, Max: port})
		}
		p.Spec.Volumes = append(restrictedVolumeTypes(), "hostPath")
		p.Spec.AllowedHostPaths = []pspparse.AllowedHostPath{{PathPrefix: "/var/log", ReadOnly: true}, {PathPrefix: "/data"}}
		p.Spec.RunAsUser = pspparse.IDStrategy{Rule: pspparse.MustRunAs, Ranges: []pspparse.IDRange{{Min: 5, Max: 9}, {Min: 1, Max: 2}}}
		p.Annotations[pspparse.SeccompDefaultAnnotation] = "localhost/audit"
		p.Annotations[pspparse.SeccompAllowedAnnotation] = "runtime/default,localhost/audit"
	})
	a := Assess(p, api.MajorMinorVersion(1, 25))
	got := map[string]any{}
	for _, l := range a.LostConstraints {
		if slices.Contains([]string{"hostPorts", "allowedHostPaths", "runAsUser", "seLinux", pspparse.SeccompAllowedAnnotation}, l.Field) && l.Class == SecurityLoss {
			got[l.Field] = l.Value
		}
	}
	for _, v := range a.RequiredTemplateValues {
		if v.Field == pspparse.SeccompDefaultAnnotation {
			got[v.Path] = v.Value
		}
	}
	for _, f := range a.Fields {
		if f.Name == "volumes" {
			got[f.Name] = f.Value
		}
	}
	text, err := json.MarshalIndent(got, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
 "allowedHostPaths": {
  "paths": [
   {
    "pathPrefix": "/var/log",
    "readOnly": true
   },
   {
    "pathPrefix": "/data"
   }
  ]
 },
 "hostPorts": {
  "ranges": [
   {
    "min": 1,
    "max": 1
   },
   {
    "min": 3,
    "max": 3
   },
   {
    "min": 5,
    "max": 5
   },
   {
    "min": 7,
    "max": 7
   },
   {
    "min": 9,
    "max": 9
   },
   {
    "min": 11,
    "max": 11
   },
   {
    "min": 13,
    "max": 13
   },
   {
    "min": 15,
    "max": 15
   },
   {
    "min": 17,
    "max": 17
   }
  ]
 },
 "runAsUser": {
  "rule": "MustRunAs",
  "ranges": [
   {
    "min": 5,
    "max": 9
   },
   {
    "min": 1,
    "max": 2
   }
  ]
 },
 "seLinux": {
  "rule": "MustRunAs",
  "seLinuxOptions": {
   "type": "container_t"
  }
 },
 "seccomp.security.alpha.kubernetes.io/allowedProfileNames": {
  "values": [
   "runtime/default",
   "localhost/audit"
  ]
 },
 "spec.securityContext.seccompProfile": "{\"type\":\"Localhost\",\"localhostProfile\":\"audit\"}",
 "volumes": {
  "values": [
   "configMap",
   "csi",
   "downwardAPI",
   "emptyDir",
   "ephemeral",
   "persistentVolumeClaim",
   "projected",
   "secret",
   "hostPath"
  ]
 }
}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("values differ (-want +got):\n%s", diff)
	}
}

// TestValueText: a value in one line is today's text, cut only where the caller asks for it.
func TestValueText(t *testing.T) {
	t.Parallel()
	ports := Value{}
	for port := int64(1); port <= 17; port += 2 {
		ports.Ranges = append(ports.Ranges, pspparse.IDRange{Min: port, Max: port})
	}
	for _, test := range []struct {
		field string
		value Value
		most  int
		want  string
	}{
		{"volumes", Value{}, 6, ""},
		{"volumes", Value{}.orEmpty(), 6, "none"},
		{"hostPorts", ports, 0, "1, 3, 5, 7, 9, 11, 13, 15, 17"},
		{"hostPorts", ports, 6, "1, 3, 5, 7, 9 and 4 more"},
		{"runAsUser", Value{Rule: "MustRunAs", Ranges: []pspparse.IDRange{{Min: 1, Max: 9}, {Min: 5, Max: 5}}}, 6, "MustRunAs 1-9, 5"},
		{"allowedHostPaths", Value{Paths: []pspparse.AllowedHostPath{{PathPrefix: "/a"}, {PathPrefix: "/b", ReadOnly: true}}}, 6, "/a, /b (read-only)"},
		{"seLinux", Value{Rule: "MustRunAs", SELinux: &pspparse.SELinuxOptions{Type: "t", Level: "s0"}}, 6, "MustRunAs type: t, level: s0"},
		{"seLinux", Value{Rule: "MustRunAs", SELinux: &pspparse.SELinuxOptions{}}, 6, "MustRunAs no label"},
		{"runtimeClass", Value{Default: "gvisor"}, 6, "none, default gvisor"},
		{"runtimeClass", Value{Values: []string{"runc"}, Default: "gvisor"}, 6, "runc, default gvisor"},
		{pspparse.SeccompAllowedAnnotation, Value{Values: []string{"a", "b", "c", "d", "e", "f", "g"}}, 6, "a,b,c,d,e,f,g"},
	} {
		if got := test.value.Text(test.field, test.most); got != test.want {
			t.Errorf("%s %+v: got %q, want %q", test.field, test.value, got, test.want)
		}
	}
	for compact, want := range map[string]string{
		`true`: "true", `["ALL","KILL"]`: "[ALL, KILL]", `{"type":"Localhost","localhostProfile":"a"}`: "type: Localhost, localhostProfile: a",
		`2000`: "2000", `"gvisor"`: "gvisor", `[]`: "[]", `no json`: "no json",
	} {
		if got := TemplateText(compact); got != want {
			t.Errorf("%s: got %q, want %q", compact, got, want)
		}
	}
}
