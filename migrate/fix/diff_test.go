package fix

import (
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// git applies what UnifiedDiff writes, for texts that differ at random, with and without a line end at the end, and in files whose
// names need quotes.
func TestGitAppliesTheDiff(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewSource(1))
	names := []string{"a.yaml", "my file.yaml", `q"uote\.yaml`, "tab\there.yaml", "ü.yaml", "k8s/deep/x.yml"}
	dir := t.TempDir()
	var all []byte
	want := map[string]string{}
	for i := range 240 {
		name := fmt.Sprintf("%d/%s", i, names[i%len(names)])
		before, after := randomTexts(r)
		if before == after {
			continue
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		want[file] = after
		all = append(all, "# Deployment x, line 3\n#   a remark\n"...)
		all = append(all, UnifiedDiff(&File{Name: "./" + name, Before: []byte(before), After: []byte(after)})...)
	}
	cmd := exec.Command("git", "apply", "-")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(string(all))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v\n%s", err, out)
	}
	for file, text := range want {
		if got, err := os.ReadFile(file); err != nil || string(got) != text {
			t.Errorf("%s: %q, want %q (%v)", file, got, text, err)
		}
	}
	if UnifiedDiff(&File{Name: "x", Before: []byte("a\n"), After: []byte("a\n")}) != nil {
		t.Error("a diff of equal texts")
	}
}

// randomTexts returns two texts that differ in some lines.
func randomTexts(r *rand.Rand) (before, after string) {
	var a, b []string
	for range 1 + r.Intn(40) {
		line := []string{"a", "b", "  c: 1", "---", "", "\t", "d\r"}[r.Intn(7)]
		switch r.Intn(10) {
		case 0:
			a = append(a, line)
		case 1:
			b = append(b, line+"+")
		case 2:
			a, b = append(a, line), append(b, line+"!")
		default:
			a, b = append(a, line), append(b, line)
		}
	}
	before, after = strings.Join(a, "\n"), strings.Join(b, "\n")
	if r.Intn(3) > 0 && before != "" {
		before += "\n"
	}
	if r.Intn(3) > 0 && after != "" {
		after += "\n"
	}
	if before == "" || after == "" {
		return "x\n", "y\n"
	}
	return before, after
}

// A document with more changes than are compared at once still has only these in its diff.
func TestDiffOfManyChanges(t *testing.T) {
	t.Parallel()
	var a, b strings.Builder
	for i := range 3 * mostSteps {
		fmt.Fprintf(&a, "same%d\nx%d\n", i, i)
		fmt.Fprintf(&b, "same%d\nnew%d\nx%d\n", i, i, i)
	}
	diff := string(UnifiedDiff(&File{Name: "x", Before: []byte(a.String()), After: []byte(b.String())}))
	if added, removed := strings.Count(diff, "\n+new"), strings.Count(diff, "\n-"); added != 3*mostSteps || removed != 0 {
		t.Errorf("%d lines added, %d removed", added, removed)
	}
}
