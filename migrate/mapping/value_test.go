package mapping

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
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
	got := map[string]Value{}
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
 "spec.securityContext.seccompProfile": {
  "seccompProfile": {
   "type": "Localhost",
   "localhostProfile": "audit"
  }
 },
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

// TestCompareValues: different values have an order, equal ones are 0, and every part counts.
func TestCompareValues(t *testing.T) {
	t.Parallel()
	ordered := []Value{
		{},
		{Default: "gvisor"},
		{SeccompProfile: podspec.SeccompProfile("localhost/a")},
		{SeccompProfile: podspec.SeccompProfile("localhost/b")},
		{SeccompProfile: podspec.SeccompProfile("runtime/default")},
		{SELinux: &pspparse.SELinuxOptions{}},
		{SELinux: &pspparse.SELinuxOptions{Level: "s0"}},
		{SELinux: &pspparse.SELinuxOptions{Type: "a", Level: "s0"}},
		{Paths: []pspparse.AllowedHostPath{{PathPrefix: "/a"}}},
		{Paths: []pspparse.AllowedHostPath{{PathPrefix: "/a", ReadOnly: true}}},
		{Ranges: []Range{{1, 2}}},
		{Ranges: []Range{{1, 3}}},
		{Ranges: []Range{{1, 3}, {5, 5}}},
		{Values: []string{"a"}},
		{Values: []string{"a", "b"}},
		{Rule: "MustRunAs"},
	}
	for i, a := range ordered {
		for j, b := range ordered {
			if got, want := CompareValues(a, b), i-j; (got < 0) != (want < 0) || (got > 0) != (want > 0) {
				t.Errorf("%+v against %+v: %d", a, b, got)
			}
		}
		if a.IsZero() != (i == 0) {
			t.Errorf("%+v: IsZero is %t", a, a.IsZero())
		}
	}
}
