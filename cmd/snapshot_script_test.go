package cmd

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// fakeKubectl answers from a folder of lists. It refuses what only a get or a list may not do, and one resource.
const fakeKubectl = `#!/bin/sh
echo "$*" >>"$DATA/calls"
case $1 in
--context=*) shift ;;
esac
case $1 in
version) echo "Server Version: v1.24.17" ;;
api-resources) cat "$DATA/served" ;;
get)
	case "$*" in
	*--show-managed-fields*) echo "error: unknown flag: --show-managed-fields" >&2; exit 1 ;;
	esac
	if [ "$2" = "$REFUSED" ]; then
		echo "Error from server (Forbidden): $2 is forbidden: User \"x\" cannot list resource" >&2
		exit 1
	fi
	if [ -f "$DATA/$2.json" ]; then cat "$DATA/$2.json"; else echo '{"apiVersion":"v1","kind":"List","items":[]}'; fi
	;;
*) exit 9 ;;
esac
`

// saveLists saves the objects of a folder as lists, one for each resource that a reading of a cluster lists.
func saveLists(t *testing.T, from, to string) {
	t.Helper()
	always, custom := cluster.ReadResources()
	lists := map[string][]any{}
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, document := range regexp.MustCompile(`(?m)^---.*$`).Split(string(text), -1) {
			var object struct {
				Kind  string `json:"kind"`
				Items []any  `json:"items"`
			}
			var whole any
			if err := yaml.Unmarshal([]byte(document), &object); err != nil {
				return err
			}
			if err := yaml.Unmarshal([]byte(document), &whole); err != nil {
				return err
			}
			items := object.Items
			if object.Kind != "List" {
				items = []any{whole}
			}
			for _, item := range items {
				fields, ok := item.(map[string]any)
				if !ok {
					continue
				}
				kind := strings.ToLower(fields["kind"].(string))
				resource := slices.IndexFunc(always, func(name string) bool {
					plural, _, _ := strings.Cut(name, ".")
					return plural == kind+"s" || plural == strings.TrimSuffix(kind, "y")+"ies"
				})
				if resource < 0 {
					continue
				}
				lists[always[resource]] = append(lists[always[resource]], item)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(lists) < 5 {
		t.Fatalf("only %d lists", len(lists))
	}
	for name, items := range lists {
		text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name+".json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(to, "served"), []byte(strings.Join(append(always, custom[0], "secrets", "configmaps"), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestScriptThatCollects runs the script of 'snapshot --print-script' on a kubectl that has the demo cluster, once with a list that it may not
// make, and compares the plan of the folder with that of the cluster.
func TestScriptThatCollects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	saveLists(t, "../fixtures/demo/input", data)
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(string) (string, bool) { return "", false }
	script, _ := runDone(t, deps, "snapshot", "--print-script", "--context", "it's prod")
	for name, text := range map[string]string{"kubectl": fakeKubectl, "collect.sh": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	run := func(refused, folder string, more ...string) (string, int) {
		c := exec.Command("sh", append([]string{filepath.Join(dir, "collect.sh"), folder}, more...)...)
		c.Dir = dir
		c.Env = []string{"PATH=" + dir + ":/usr/bin:/bin", "DATA=" + data, "REFUSED=" + refused}
		out, err := c.CombinedOutput()
		if err != nil && c.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), c.ProcessState.ExitCode()
	}
	want, err := loadInventory(t.Context(), SourceOptions{Files: []string{"../fixtures/demo/input"}, Recursive: true})
	if err != nil {
		t.Fatal(err)
	}
	if out, code := run("", "my lists", "--request-timeout=9"); code != 0 || !strings.Contains(out, "0 lists failed") {
		t.Fatalf("exit code %d: %s", code, out)
	}
	if diff := cmp.Diff(levelsOf(t, want), levelsOf(t, readLists(t, filepath.Join(dir, "my lists")))); diff != "" {
		t.Errorf("(-of the cluster +of the folder):\n%s", diff)
	}
	calls, err := os.ReadFile(filepath.Join(data, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	for call := range strings.Lines(string(calls)) {
		if !regexp.MustCompile(`^(get|api-resources|version) .*--request-timeout=9\n$`).MatchString(strings.TrimPrefix(call, "--context=it's prod ")) ||
			!strings.HasPrefix(call, "--context=it's prod ") || strings.Contains(call, "secrets") || strings.Contains(call, "configmaps") {
			t.Errorf("it calls kubectl %s", call)
		}
	}
	if _, custom := cluster.ReadResources(); strings.Count(string(calls), custom[0]) != 1 || strings.Contains(string(calls), custom[1]+" ") {
		t.Errorf("of custom resources, those that are served have to be listed:\n%s", calls)
	}
	out, code := run("podsecuritypolicies.policy", "refused")
	if code != 4 || !strings.Contains(out, "podsecuritypolicies.policy: not listed") {
		t.Errorf("refused: exit code %d: %s", code, out)
	}
	inv := readLists(t, filepath.Join(dir, "refused"))
	if len(inv.Gaps) != 1 || !strings.Contains(inv.Gaps[0].Position.File, "podsecuritypolicies") || !slices.Contains(inv.Gaps[0].Namespaces, inventory.AllNamespaces) {
		t.Errorf("refused: the gaps are %+v", inv.Gaps)
	}
	if out, code := run("", "refused"); code != 1 || !strings.Contains(out, "the folder must not be there yet") {
		t.Errorf("a folder that is there: exit code %d: %s", code, out)
	}
	if _, code := run("", "-x"); code != 2 {
		t.Errorf("a flag in place of the folder: exit code %d", code)
	}
}

// readLists reads a folder that the script has written.
func readLists(t *testing.T, folder string) *inventory.Inventory {
	t.Helper()
	inv, err := loadInventory(t.Context(), SourceOptions{Files: []string{folder}})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// levelsOf returns what the plan of an inventory says of each namespace.
func levelsOf(t *testing.T, inv *inventory.Inventory) []string {
	t.Helper()
	plan, err := migrate.Build(inv, migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		out = append(out, strings.Join([]string{ns.Name, string(ns.NeededLevel), string(ns.PermittedLevel), string(ns.AchievableLevel), string(ns.Action), ns.RecommendedLabels.Enforce}, " "))
	}
	return out
}
