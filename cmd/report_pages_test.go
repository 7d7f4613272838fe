package cmd

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The report from which the pages for browsers are drawn is that of the demo as the command writes it, but for the version.
func TestPagesAreOfTheDemo(t *testing.T) {
	t.Parallel()
	const file = "../migrate/handover/html/testdata/demo.json"
	var written map[string]any
	text := outputOf(t, SystemDeps("psp2pss"), "", "report", "--demo", "--client", "Example AG", "--author", "A. Consultant", "-o", "json")
	if err := json.Unmarshal([]byte(text), &written); err != nil {
		t.Fatal(err)
	}
	written["cover"].(map[string]any)["toolVersion"] = "psp2pss v0.9.0"
	if *update {
		data, err := json.Marshal(written)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(data, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var kept map[string]any
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, written); diff != "" {
		t.Errorf("make golden writes it anew (-kept +written):\n%s", diff)
	}
}
