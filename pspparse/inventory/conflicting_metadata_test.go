package inventory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Readings of one level are one workload only where admission treats them alike, in whatever order they are read.
func TestReadingsThatAdmissionTellsApart(t *testing.T) {
	t.Parallel()
	deployment := func(labels, spec string) string {
		return `{"metadata":{"name":"web","namespace":"a"},"spec":{"template":{"metadata":` + labels + `,"spec":{` + spec + `"containers":[{"name":"c"}]}}}}`
	}
	pod := func(labels, spec string) string {
		return `{"metadata":{"name":"web","namespace":"a","labels":` + labels + `},"spec":{` + spec + `"containers":[{"name":"c"}]}}`
	}
	replicated := func(class string) string {
		one := `{"template":{"spec":{` + class + `"containers":[{"name":"c"}]}}}`
		return `{"metadata":{"name":"web","namespace":"a"},"spec":{"roles":[` + one + `,` + strings.Replace(one, `"c"`, `"d"`, 1) + `]}}`
	}
	const (
		user, other, kata = `"securityContext":{"runAsUser":7},`, `"securityContext":{"runAsUser":8},`, `"runtimeClassName":"kata",`
		yes, no           = `{"labels":{"sidecar.istio.io/inject":"true"}}`, `{"labels":{"sidecar.istio.io/inject":"false"}}`
	)
	tests := []struct {
		name, kind string
		readings   []string
		want       string
	}{
		{"no marks", "Deployment", []string{deployment(`{}`, user), deployment(`{}`, other), deployment(`{}`, "")}, "note"},
		{"a label that nothing selects by", "Deployment", []string{deployment(`{"labels":{"env":"a"}}`, user), deployment(`{"labels":{"env":"b"}}`, other), deployment(`{}`, "")}, "note"},
		{"a label that a webhook selects by", "Deployment", []string{deployment(`{"labels":{"side":"yes"}}`, user), deployment(`{}`, other), deployment(`{}`, "")}, "gap"},
		{"a mark of an injector", "Deployment", []string{deployment(no, user), deployment(yes, other), deployment(no, "")}, "gap"},
		{"a mark of an injector on one of two that are equal", "Deployment", []string{deployment(yes, user), deployment(no, user), deployment(no, other)}, "gap"},
		{"an annotation of an injector", "Deployment", []string{deployment(`{"annotations":{"linkerd.io/inject":"enabled"}}`, user), deployment(`{}`, other), deployment(`{}`, "")}, "gap"},
		{"a runtime class", "Deployment", []string{deployment(`{}`, kata), deployment(`{}`, user), deployment(`{}`, "")}, "gap"},
		{"one runtime class", "Deployment", []string{deployment(`{}`, kata+user), deployment(`{}`, kata+other), deployment(`{}`, kata)}, "note"},
		{"a runtime class of bare pods", "Pod", []string{pod(`{}`, kata), pod(`{}`, user), pod(`{}`, "")}, "gap"},
		{"a mark of bare pods", "Pod", []string{pod(`{"sidecar.istio.io/inject":"true"}`, user), pod(`{}`, user), pod(`{}`, user)}, "gap"},
		{"a label of bare pods", "Pod", []string{pod(`{"env":"a"}`, user), pod(`{}`, other), pod(`{}`, "")}, "note"},
		{"a runtime class in a custom object", "Group", []string{replicated(kata), replicated(user), replicated("")}, "gap"},
		{"custom objects of one runtime class", "Group", []string{replicated(user), replicated(other), replicated("")}, "note"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
				got := readInOrder(t, tt.kind, tt.readings, order)
				want := []string{"note"}
				if tt.want == "gap" {
					want = []string{"gap of a"}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("order %v (-want +got):\n%s", order, diff)
				}
			}
		})
	}
}

// readInOrder is what becomes of readings of one object, which all come to one level.
func readInOrder(t *testing.T, kind string, readings []string, order []int) []string {
	t.Helper()
	b := NewBuilder()
	b.SameLevels = func([]*pspparse.Policy) func([]Workload) bool { return func([]Workload) bool { return true } }
	b.AddAdmissionRule(AdmissionRule{Kind: "MutatingWebhookConfiguration", Name: "w", Mutates: true, Scopes: []AdmissionScope{{PodLabels: &metav1.LabelSelector{MatchLabels: map[string]string{"side": "yes"}}}}})
	for line, i := range order {
		at := pspparse.Position{File: "f", Line: line + 1}
		if kind == "Group" {
			addGroup(t, b, readings[i], at)
			continue
		}
		k := kindByName(kind)
		if _, err := b.Decode(k.apiVersions[0], kind, []byte(readings[i]), at); err != nil {
			t.Fatal(err)
		}
	}
	inv := b.Build(Source{})
	var out []string
	for _, g := range inv.Gaps {
		out = append(out, fmt.Sprintf("gap of %s", strings.Join(g.Namespaces, " ")))
	}
	for _, n := range inv.Notes {
		if n.What != "repeated objects" {
			out = append(out, "note")
		}
	}
	if len(inv.Workloads)+len(inv.Gaps) != 1 {
		t.Errorf("%d workloads, %d gaps", len(inv.Workloads), len(inv.Gaps))
	}
	return out
}

// addGroup adds a custom object with two templates.
func addGroup(t *testing.T, b *Builder, text string, at pspparse.Position) {
	t.Helper()
	i := strings.Index(text, `"roles":[`) + len(`"roles":[`)
	one, two, _ := strings.Cut(text[i:len(text)-len(`]}}`)], `,{"template"`)
	inner := func(s string) []byte { return []byte(strings.TrimSuffix(strings.TrimPrefix(s, `{"template":`), `}`)) }
	err := b.AddCustomObject(CustomObject{
		APIVersion: "example.com/v1", Kind: "Group", JSON: []byte(text), Position: at,
		Templates: []CustomTemplate{{Path: "spec.roles[0].template", JSON: inner(one)}, {Path: "spec.roles[1].template", JSON: inner(`{"template"` + two)}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Two readings of one document are one only where what injectors and webhooks select by is the same in both.
func TestDecodeEitherMarks(t *testing.T) {
	t.Parallel()
	document := func(label string) []byte {
		return []byte(`{"metadata":{"name":"web","namespace":"a"},"spec":{"template":{"metadata":{"labels":{` + label + `}},"spec":{"containers":[{"name":"c"}]}}}}`)
	}
	for _, tt := range []struct{ first, last, want string }{
		{`"sidecar.istio.io/inject":"false"`, `"sidecar.istio.io/inject":"true"`, "gap: a key is given twice"},
		{`"sidecar.istio.io/inject":"true"`, `"sidecar.istio.io/inject":"false"`, "gap: a key is given twice"},
		{`"env":"a"`, `"env":"b"`, "note: a key is given twice; its level is the same either way, and what is said of it is by the first"},
		{`"side":"no"`, `"side":"yes"`, "gap: a key is given twice"},
	} {
		b := NewBuilder()
		b.SameLevels = func([]*pspparse.Policy) func([]Workload) bool { return func([]Workload) bool { return true } }
		if !b.DecodeBothReadings("apps/v1", "Deployment", document(tt.first), document(tt.last), "a key is given twice", pspparse.Position{File: "f", Line: 3}) {
			t.Errorf("%s, %s: refused", tt.first, tt.last)
		}
		b.AddAdmissionRule(AdmissionRule{Kind: "MutatingWebhookConfiguration", Name: "w", Mutates: true, Scopes: []AdmissionScope{{PodLabels: &metav1.LabelSelector{MatchLabels: map[string]string{"side": "yes"}}}}})
		inv := b.Build(Source{})
		var got []string
		for _, g := range inv.Gaps {
			got = append(got, "gap: "+g.Why.Text)
		}
		for _, n := range inv.Notes {
			got = append(got, "note: "+n.Why.Text)
		}
		if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", tt.first, tt.last, diff)
		}
	}
}
