package fleet_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/migrate/fleet"
)

// TestFileName gives names of clusters their files: plain ones keep theirs, and no two fall together, even where a file system takes
// upper-case and lower-case letters for one.
func TestFileName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"prod", "prod-eu.example_1", "kubernetes-admin@kubernetes", "gke_project_europe-west1_prod", "1"} {
		if got := fleet.FileName(name); got != name {
			t.Errorf("%q has the file %q", name, got)
		}
	}
	if got := fleet.FileName("arn:aws:eks:eu-central-1:123456789012:cluster/prod"); !strings.HasPrefix(got, "arn_aws_eks_eu-central-1_123456789012_cluster_prod~") {
		t.Errorf("an ARN has the file %q", got)
	}
	names := []string{"", ".", "..", "../x", "/x", "a/b", `a\b`, "a:b", "a_b", "A_B", "a_B", "con", "CON", "con.json", "nul", "-n", "~", "a~", "\x00", "\xff", "\xfe", "é", "e\u0301", strings.Repeat("a", 150), strings.Repeat("a", 151), strings.Repeat("a", 300), " a", "a "}
	r := rand.New(rand.NewPCG(23, 4))
	alphabet := []rune("aAbB.-_/~\\:\x1b\n é@")
	for range 5000 {
		var b strings.Builder
		for range 1 + r.IntN(6) {
			b.WriteRune(alphabet[r.IntN(len(alphabet))])
		}
		names = append(names, b.String())
	}
	files := map[string]string{}
	for _, name := range names {
		got := fleet.FileName(name)
		if other, taken := files[strings.ToLower(got)]; taken && other != name {
			t.Errorf("%q and %q have one file, %q", other, name, got)
		}
		files[strings.ToLower(got)] = name
		path := filepath.Join("folder", got+".json")
		if filepath.Dir(path) != "folder" || len(got) > 200 || strings.HasPrefix(got, ".") || strings.ContainsFunc(got, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`/\:*?"<>|`, c) }) {
			t.Errorf("%s", fmt.Sprintf("%q has the file %q", name, got))
		}
	}
}
