package snapshot

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// update is whether -args -update was given: then testdata/form.txt is written.
var update = flag.Bool("update", false, "write testdata/form.txt")

// records returns a record of each entry of a snapshot, by the name of the entry.
func records() map[string]any {
	return map[string]any{
		"shapes.jsonl": shapeRecord{}, "pod-metadata.jsonl": podMetaRecord{}, "template-metadata.jsonl": templateMetaRecord{}, "policies.jsonl": pspparse.Policy{},
		"namespaces.jsonl": namespaceRecord{}, "serviceaccounts.jsonl": serviceAccountRecord{}, "roles.jsonl": roleRecord{}, "bindings.jsonl": bindingRecord{},
		"workloads.jsonl": workloadRecord{}, "apiservers.jsonl": inventory.APIServer{}, "admission-rules.jsonl": admissionRuleRecord{},
		"generated-policies.jsonl": generatedPolicyRecord{}, "misplaced-keys.jsonl": misplacedKeyRecord{}, "admission-configs.jsonl": admissionConfigTemplateRecord{},
		"admission-config-uses.jsonl": admissionConfigTemplateUseRecord{}, "label-writers.jsonl": inventory.LabelWriter{}, "gaps.jsonl": gapRecord{}, "notes.jsonl": noteRecord{},
		"skipped.jsonl": inventory.KindCount{},
	}
}

// TestForm compares the form of a snapshot, its entries with the fields of their records, with the one that is kept: a version of this tool reads
// the snapshots of earlier ones. A field that is added is to be absent where it says nothing; one that an earlier version would read
// wrongly raises the number of the form.
func TestForm(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	fmt.Fprintf(&b, "form %d\n\n%s\n", form, ManifestName)
	writeFields(&b, reflect.TypeFor[Manifest](), "  ")
	all := records()
	for _, s := range (&codec{inv: &inventory.Inventory{}}).sections() {
		record, ok := all[s.name]
		if !ok {
			t.Fatalf("%s: enter its record", s.name)
		}
		fmt.Fprintf(&b, "\n%s\n", s.name)
		writeFields(&b, reflect.TypeOf(record), "  ")
	}
	const file = "testdata/form.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the form of snapshots changed (-want +got); go test ./pspparse/snapshot -args -update writes it:\n%s", diff)
	}
}

// writeFields writes the fields that a type has in JSON, with those below them. Types of Kubernetes are named only.
func writeFields(b *strings.Builder, of reflect.Type, indent string) {
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		fmt.Fprintf(b, "%s%s %s\n", indent, name, strings.NewReplacer("snapshot.", "", "inventory.", "", "pspparse.", "").Replace(f.Type.String()))
		inner := f.Type
		for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && strings.HasPrefix(inner.PkgPath(), "github.com/psp2pss/") && inner.Name() != "Message" {
			writeFields(b, inner, indent+"  ")
		}
	}
}
