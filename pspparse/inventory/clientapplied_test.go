package inventory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

// Of what kubectl has applied is known that it did, and nothing of the content is kept.
func TestClientApplied(t *testing.T) {
	t.Parallel()
	managed := func(manager, operation string) string {
		return fmt.Sprintf(`{"managedFields": [{"manager": %q, "operation": %q}]}`, manager, operation)
	}
	const annotated = `{"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "secret", "note": "kept"}}`
	for _, tt := range []struct {
		name string
		docs []string // metadata without the name
		want bool     // by 'kubectl apply'
		side bool     // by 'kubectl apply --server-side'
	}{
		{"created", []string{`{"uid": "a"}`}, false, false},
		{"applied", []string{annotated}, true, false},
		{"an empty record", []string{`{"annotations": {"kubectl.kubernetes.io/last-applied-configuration": ""}}`}, true, false},
		{"applied, and the annotation taken away", []string{managed("kubectl-client-side-apply", "Update")}, true, false},
		{"applied on the server's side", []string{managed("kubectl", "Apply")}, false, true},
		{"applied on the server's side under the name of the other way", []string{managed("kubectl-client-side-apply", "Apply")}, false, false},
		{"applied by a tool on the server's side", []string{managed("psp2pss", "Apply"), managed("kubectl", "Update")}, false, false},
		{"created and labelled", []string{managed("kubectl-create", "Update"), managed("kubectl-label", "Update")}, false, false},
		{"a manifest, and what is stored of it", []string{`{"annotations": {"note": "kept"}}`, annotated}, true, false},
		{"what is stored, and a manifest", []string{annotated, `{"annotations": {"note": "kept"}}`}, true, false},
	} {
		b := NewBuilder()
		for i, doc := range tt.docs {
			text := `{"apiVersion": "v1", "kind": "Namespace", "metadata": ` + strings.Replace(doc, "{", `{"name": "shop", `, 1) + "}"
			if _, err := b.Decode("v1", "Namespace", []byte(text), pspparse.Position{File: "ns.json", Line: i + 1}); err != nil {
				t.Fatal(err)
			}
		}
		inv := b.Build(Source{})
		if len(inv.Namespaces) != 1 || inv.Namespaces[0].ClientApplied != tt.want || inv.Namespaces[0].ServerApplied != tt.side || strings.Contains(fmt.Sprint(inv.Namespaces), "secret") {
			t.Errorf("%s: %+v, gaps %v; want %t, %t", tt.name, inv.Namespaces, inv.Gaps, tt.want, tt.side)
		}
	}
}
