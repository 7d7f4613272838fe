package cmd

import (
	"strings"
	"testing"
)

// TestSavedPlanWithAliases reads a plan in YAML whose aliases make far more than is written: 60 kB that are 10 MB.
func TestSavedPlanWithAliases(t *testing.T) {
	t.Parallel()
	text := "a: &l " + strings.Repeat("x", 60_000) + "\nb:\n" + strings.Repeat("- *l\n", 170)
	_, err := readSavedPlan("-", strings.NewReader(text))
	const want = `reading the plan "-": line 141: written out up to here, the aliases (*name) make the document longer than 8388608 bytes; shorten what they stand for; or save the plan again`
	if err == nil || err.Error() != want {
		t.Errorf("the error is\n%.500v\nnot\n%s", err, want)
	}
	_, err = readSavedPlan("-", strings.NewReader("apiVersion: &v psp2pss.dev/v1\nkind: Plan\na: &a {b: *a}\n"))
	if err == nil || !strings.Contains(err.Error(), `line 3: the alias *"a" is part of what it stands for; or save the plan again`) {
		t.Errorf("an alias of itself: %v", err)
	}
}
