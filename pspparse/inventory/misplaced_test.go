package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestPodSecurityLabel(t *testing.T) {
	t.Parallel()
	const right = "pod-security.kubernetes.io/"
	for key, want := range map[string]string{
		right + "enforce":                             right + "enforce",
		right + "warn-version":                        right + "warn-version",
		right + "enforced":                            right + "enforce",
		right + "enforceVersion":                      right + "enforce-version",
		"pod-security.k8s.io/enforce":                 right + "enforce",
		"podsecurity.kubernetes.io/audit-version":     right + "audit-version",
		"podSecurity.Kubernetes.io/Warn":              right + "warn",
		"pod_security.kubernetes.io/audit":            right + "audit",
		"podsecurity.admission.kubernetes.io/enforce": right + "enforce",
		"pod-security-standards.k8s.io/warn":          right + "warn",
		"psa.kubernetes.io/enforce":                   right + "enforce",
		"pss.kubernetes.io/audit":                     right + "audit",
		"security.kubernetes.io/enforce":              right + "enforce",

		"enforce":                              "",
		right + "exempt":                       "",
		right:                                  "",
		"app.kubernetes.io/audit":              "",
		"pod-security.example.com/enforce":     "",
		"security.alpha.kubernetes.io/sysctls": "",
		"container.seccomp.security.alpha.kubernetes.io/warner": "",
		"node-restriction.kubernetes.io/enforce":                "",
		right + "enforce" + strings.Repeat("x", 30):             "",
		strings.Repeat("podsecurity.k8s.", 10) + "io/enforce":   "",
	} {
		if got := MeantPodSecurityLabel(key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
}

// misplacedObject is one with these labels and annotations, as JSON.
func misplacedObject(kind, name, labels, annotations string) string {
	meta := fmt.Sprintf(`"namespace":"web","labels":{%s},"annotations":{%s}`, labels, annotations)
	const spec = `{"containers":[{"name":"c","image":"i"}]}`
	switch kind {
	case "Pod":
		return fmt.Sprintf(`{"metadata":{"name":%q,%s,"ownerReferences":[{"apiVersion":"apps/v1","kind":"DaemonSet","name":"d","controller":true}]},"spec":%s,"status":{"phase":"Running"}}`, name, meta, spec)
	case "template":
		return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"web"},"spec":{"template":{"metadata":{"labels":{%s},"annotations":{%s}},"spec":%s}}}`, name, labels, annotations, spec)
	}
	return fmt.Sprintf(`{"metadata":{"name":%q,%s},"spec":{"template":{"spec":%s}}}`, name, meta, spec)
}

// Each key is told once, whatever the order of reading, with what nothing made as its example.
func TestMisplaced(t *testing.T) {
	t.Parallel()
	const (
		enforce = "pod-security.kubernetes.io/enforce"
		label   = `"pod-security.kubernetes.io/enforce":`
		other   = `"pod-security.k8s.io/warn":"restricted"`
	)
	objects := []struct{ apiVersion, kind, data string }{
		{"v1", "Pod", misplacedObject("Pod", "p", label+`"privileged"`, "")},
		{"apps/v1", "Deployment", misplacedObject("Deployment", "b", label+`"baseline","app":"b"`, other)},
		{"apps/v1", "Deployment", misplacedObject("Deployment", "c", label+`"restricted"`, label+`"`+strings.Repeat("x", 100)+`"`)},
		{"apps/v1", "DaemonSet", misplacedObject("template", "d", label+`"privileged",`+other, `"a/b":"c"`)},
	}
	at := func(i int) pspparse.Position { return pspparse.Position{File: "f.yaml", Line: i + 1} }
	want := []MisplacedKey{
		{Namespace: "web", Key: "pod-security.k8s.io/warn", Value: "restricted", MeantLabel: "pod-security.kubernetes.io/warn", Kind: "DaemonSet", Name: "d", Template: true, Position: at(3)},
		{Namespace: "web", Key: "pod-security.k8s.io/warn", Value: "restricted", MeantLabel: "pod-security.kubernetes.io/warn", Annotation: true, Kind: "Deployment", Name: "b", Position: at(1)},
		{Namespace: "web", Key: enforce, Value: "privileged", MeantLabel: enforce, Kind: "DaemonSet", Name: "d", Template: true, Position: at(3)},
		{Namespace: "web", Key: enforce, Value: strings.Repeat("x", 63), MeantLabel: enforce, Annotation: true, Kind: "Deployment", Name: "c", Position: at(2)},
	}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}} {
		b := NewBuilder()
		for _, i := range order {
			if ok, err := b.Decode(objects[i].apiVersion, objects[i].kind, []byte(objects[i].data), at(i)); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		if diff := cmp.Diff(want, b.Build(Source{}).MisplacedKeys, cmpopts.IgnoreUnexported(MisplacedKey{})); diff != "" {
			t.Errorf("read in the order %v (-want +got):\n%s", order, diff)
		}
	}
}

// Of very many keys some are kept, the same in any order, and the last says that there are more.
func TestMisplacedIsBounded(t *testing.T) {
	t.Parallel()
	var keys []string
	for i := range 500 {
		keys = append(keys, fmt.Sprintf("podsecurity%03d.k8s.io/enforce", i))
	}
	backwards := slices.Clone(keys)
	slices.Reverse(backwards)
	for _, order := range [][]string{keys, backwards} {
		b := NewBuilder()
		for _, key := range order {
			data := misplacedObject("Deployment", "d"+strings.Trim(key[11:14], "/"), fmt.Sprintf("%q:\"x\"", key), "")
			if _, err := b.Decode("apps/v1", "Deployment", []byte(data), pspparse.Position{}); err != nil {
				t.Fatal(err)
			}
		}
		got := b.Build(Source{}).MisplacedKeys
		if len(got) != maxMisplacedKeys || got[0].Key != keys[0] || got[maxMisplacedKeys-1].Key != keys[maxMisplacedKeys-1] {
			t.Errorf("kept %d: %v", len(got), got)
		}
		for i := range got {
			if got[i].MoreOmitted != (i == maxMisplacedKeys-1) {
				t.Errorf("%s: more=%t", got[i].Key, got[i].MoreOmitted)
			}
		}
	}
}

// A namespace is being deleted if a time or its phase says so, in any of the documents that have it.
func TestTerminating(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"metadata":{"name":"a"}}`: false,
		`{"metadata":{"name":"a","deletionTimestamp":null},"status":{"phase":"Active"}}`: false,
		`{"metadata":{"name":"a","deletionTimestamp":"2026-03-02T10:00:00Z"}}`:           true,
		`{"metadata":{"name":"a"},"status":{"phase":"Terminating"}}`:                     true,
	} {
		for _, twice := range []bool{false, true} {
			b := NewBuilder()
			docs := []string{text}
			if twice {
				docs = []string{`{"metadata":{"name":"a"}}`, text}
			}
			for i, doc := range docs {
				if _, err := b.Decode("v1", "Namespace", []byte(doc), pspparse.Position{File: "f", Line: i}); err != nil {
					t.Fatal(err)
				}
			}
			if inv := b.Build(Source{}); len(inv.Namespaces) != 1 || inv.Namespaces[0].Terminating != want {
				t.Errorf("%s, twice=%t: got %+v", text, twice, inv.Namespaces)
			}
		}
	}
}
