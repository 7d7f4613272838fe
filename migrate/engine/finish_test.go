package engine

import (
	"strings"
	"testing"
)

// Sets are named by their namespace, unless it is called as something else is: then one would be applied over the other.
func TestNamesOfSets(t *testing.T) {
	t.Parallel()
	namespaces := []string{"shop", "guards", "guard-labels", "guard-new-namespaces", "all-namespaces", ""}
	sets := make([]Set, len(namespaces))
	for i, name := range namespaces {
		if name != "" {
			sets[i].Namespaces = []string{name}
		}
	}
	sets[0].Level = "baseline"
	nameSets(sets)
	if sets[0].Name != "shop" || sets[len(sets)-1].Name != "all-namespaces" {
		t.Errorf("names %q and %q", sets[0].Name, sets[len(sets)-1].Name)
	}
	seen := map[string]bool{}
	for _, s := range sets {
		if seen[s.Name] {
			t.Errorf("two sets are called %q", s.Name)
		}
		seen[s.Name] = true
		if strings.HasPrefix(s.Name, "guard") {
			t.Errorf("the set of namespace %s is called as a guard is", s.Namespaces[0])
		}
	}
}
