package cmd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/handover/html"
)

// demoReport is the report from which the pages for browsers are drawn, changedReport the same with what changed since an earlier plan.
const (
	demoReport    = "../migrate/handover/html/testdata/demo.json"
	changedReport = "../migrate/handover/html/testdata/changed.json"
)

// The reports from which the pages for browsers are drawn are those of the demo as the command writes them, but for the version, and for
// the paths of the earlier plan.
func TestPagesAreOfTheDemo(t *testing.T) {
	t.Parallel()
	earlier, deps := earlierPlan(t), SystemDeps("psp2pss")
	for file, more := range map[string][]string{
		demoReport:    {"--client", "Example AG", "--author", "A. Consultant"},
		changedReport: {"--diff", earlier, "--sections=changes,namespaces,workloads,policies,policy-use"},
	} {
		text, _ := runDone(t, deps, append([]string{"report", "--demo", "-o", "json"}, more...)...)
		text = strings.NewReplacer(earlier, "monday.json", filepath.Dir(earlier), "last-week").Replace(text)
		var written map[string]any
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
		if err := json.Unmarshal(fileOf(t, file), &kept); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(kept, written); diff != "" {
			t.Errorf("%s: make golden writes it anew (-kept +written):\n%s", file, diff)
		}
	}
}

// The README shows the first screen of the demo's report as it is today: beside the picture is the SHA-256 of the page that it was
// taken from.
func TestPictureOfTheReport(t *testing.T) {
	t.Parallel()
	r := &handover.Report{}
	if err := json.Unmarshal(fileOf(t, demoReport), r); err != nil {
		t.Fatal(err)
	}
	page := sha256.New()
	if err := html.Write(page, r); err != nil {
		t.Fatal(err)
	}
	const picture = "testdata/report/first-screen.png"
	taken := strings.TrimSpace(string(fileOf(t, strings.TrimSuffix(picture, ".png")+".sha256")))
	if is := hex.EncodeToString(page.Sum(nil)); taken != is {
		t.Errorf("%s is of another page: make screenshots takes it anew (taken of %s, the page is %s)", picture, taken, is)
	}
	data := fileOf(t, picture)
	size, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if size.Width != 1280 || size.Height != 800 || len(data) > 150_000 {
		t.Errorf("%s is %d x %d in %d bytes: want 1280 x 800 in at most 150,000", picture, size.Width, size.Height, len(data))
	}
	if !strings.Contains(string(fileOf(t, "../README.md")), "](cmd/"+picture+")") {
		t.Errorf("the README does not show cmd/%s", picture)
	}
}

// fileOf returns what is in a file.
func fileOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
