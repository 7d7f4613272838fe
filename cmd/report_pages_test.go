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

// demoReport is the report from which the pages for browsers are drawn.
const demoReport = "../migrate/handover/html/testdata/demo.json"

// The report from which the pages for browsers are drawn is that of the demo as the command writes it, but for the version.
func TestPagesAreOfTheDemo(t *testing.T) {
	t.Parallel()
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
		if err := os.WriteFile(demoReport, append(data, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var kept map[string]any
	data, err := os.ReadFile(demoReport)
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
