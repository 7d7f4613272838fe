package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// cycloneDXSchema compiles the schema of CycloneDX 1.6, which the library for it has beside its code.
func cycloneDXSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir := strings.TrimSpace(must(t, ".", nil, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go"))
	compiler := jsonschema.NewCompiler()
	for name, file := range map[string]string{
		"http://cyclonedx.org/schema/bom-1.6.schema.json":  "bom-1.6.schema.json",
		"http://cyclonedx.org/schema/spdx.schema.json":     "spdx.schema.json",
		"http://cyclonedx.org/schema/jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		f, err := os.Open(filepath.Join(dir, "schema", file))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(f)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource(name, doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// Every bill of materials is valid by CycloneDX's own schema, and names the modules that are in the program, no more and no less,
// each with a licence.
func (m *madeRelease) testBills(t *testing.T) {
	schema := cycloneDXSchema(t)
	for _, p := range m.platforms {
		text := read(t, m.of(p, ".cdx.json"))
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", p, err)
		}
		var bill cdx.BOM
		if err := cdx.NewBOMDecoder(bytes.NewReader(text), cdx.BOMFileFormatJSON).Decode(&bill); err != nil {
			t.Fatal(err)
		}
		program := m.archived(t, p)[m.stem(p)+"/"+p.program()].content
		info, err := buildinfo.Read(bytes.NewReader(program))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"std " + info.GoVersion, info.Main.Path + " " + m.version}
		for _, d := range info.Deps {
			want = append(want, d.Path+" "+d.Version)
		}
		var got []string
		for _, c := range append(*bill.Components, *bill.Metadata.Component) {
			got = append(got, c.Name+" "+c.Version)
			if c.Licenses == nil || len(*c.Licenses) == 0 {
				t.Errorf("%s: %s has no licence", p, c.Name)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("modules of %s (-want +got):\n%s", p, diff)
		}
		sum := sha256.Sum256(program)
		if !bytes.Contains(text, []byte(hex.EncodeToString(sum[:]))) {
			t.Errorf("the bill for %s does not name the checksum of the program", p)
		}
		if tool := (*bill.Metadata.Tools.Components)[0]; tool.Version == "" {
			t.Errorf("the bill for %s does not say which version wrote it", p)
		}
	}
}
