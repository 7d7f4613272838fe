package fix

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// costOfContainers returns how many bytes the fix of a pod of n containers allocates, and how many edits it makes.
func costOfContainers(t *testing.T, n int) (cost float64, edits int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pod.yaml")
	var text strings.Builder
	text.WriteString("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n")
	for i := range n {
		fmt.Fprintf(&text, "  - name: c%d\n    image: i\n", i)
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	b := inventory.NewBuilder()
	c := NewCollector(b)
	if err := (&files.Reader{Paths: []string{file}}).Read(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	plan, err := migrate.Build(b.Build(inventory.Source{}), migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Set: patch.SetRaise, Level: api.LevelRestricted, Version: api.LatestVersion(), IncludeTest: true, DefaultNamespace: "default", Plan: plan, ReadFile: os.ReadFile}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := Files(context.Background(), c, o)
	runtime.ReadMemStats(&after)
	if err != nil || len(r.Files) != 1 {
		t.Fatalf("%d files (%v)", len(r.Files), err)
	}
	return float64(after.TotalAlloc - before.TotalAlloc), len(r.Files[0].Edits)
}

// A pod of four times as many containers may cost a fix about four times as much. The test runs alone, for what others allocate would be
// counted, too.
func TestFixOfManyContainersIsInProportion(t *testing.T) { //nolint:paralleltest // see above
	_, _ = costOfContainers(t, 1)
	few, edits := costOfContainers(t, 500)
	many, _ := costOfContainers(t, 2000)
	if edits != 2*500+2 || many > 6*few {
		t.Errorf("%d edits; four times the containers cost %.1f times as much: %.0f and %.0f bytes", edits, many/few, few, many)
	}
}
