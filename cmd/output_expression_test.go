package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// A wrong expression ends every command that has -o json with exit code 2 and the reason, and nothing is read.
func TestWrongExpressions(t *testing.T) {
	t.Parallel()
	wrong := map[string]string{
		"jsonpath":              `has no expression: give one, as in -o jsonpath='{.`,
		"jsonpath=":             `has no expression: give one, as in -o jsonpath='{.`,
		"jsonpath=.name":        `it selects nothing without braces: write it as {.name}`,
		"jsonpath={.name":       `unclosed action`,
		"jsonpath={name}":       `"name" is neither a field, which begins with a dot, nor a text in quotes`,
		"custom-columns":        `has no columns: give each as HEADER:PATH, as in -o custom-columns=NAME:.name`,
		"custom-columns= ":      `has no columns: give each as HEADER:PATH, as in -o custom-columns=NAME:.name`,
		"custom-columns=NAME":   `"NAME" is no column: give each as HEADER:PATH, such as NAME:.name`,
		"custom-columns=A:.b[c": `the path ".b[c": unterminated array`,
		"custom-columns-file=":  `names no file: give the one that has the expression`,
		"jsonpath-file":         `names no file: give the one that has the expression`,
		"go-template-file=a":    `there is no format "go-template-file"; the formats are `,
		"go-template={{.name}}": `there is no format "go-template"; the formats are `,
	}
	for path := range commandsWithJSON(t) {
		for value, why := range wrong {
			deps := world(nil)
			deps.LoadInventory = func(context.Context, SourceOptions) (*inventory.Inventory, error) {
				t.Errorf("%s -o %s: the source was read", path, value)
				return nil, errors.New("no")
			}
			args := append(strings.Fields(path), "-o", value)
			code, out, errOut := runTool(deps, "", args...)
			want := `psp2pss: -o "` + value + `"`
			if code != exitUsage || out != "" || !strings.HasPrefix(errOut, want) || !strings.Contains(errOut, why) {
				t.Errorf("%q: exit code %d, stdout %q, stderr %q, want %s", args, code, out, errOut, why)
			}
		}
	}
}

// The files of expressions are those of kubectl: a file that is not there is none, and what it has is checked as on the command
// line.
func TestExpressionFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"columns": "NAME LEVEL\n.name {.needed}\n", "uneven": "NAME LEVEL\n.name\n", "empty": "", "path": "{.namespaces[0].name}\n", "wrong": ".name",
		"large": strings.Repeat(" ", 1<<20) + ".",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		value, out, err string
		code            int
	}{
		{"custom-columns-file=columns", "NAME   LEVEL\nshop   baseline\n", "", exitDone},
		{"jsonpath-file=path", "shop\n", "", exitDone},
		{"custom-columns-file=uneven", "", "it has 2 headers in its first line and 1 paths in its second: give one for each", exitUsage},
		{"custom-columns-file=empty", "", "has no columns", exitUsage},
		{"jsonpath-file=wrong", "", "it selects nothing without braces", exitUsage},
		{"jsonpath-file=nosuch", "", "nosuch", exitFailed},
		{"jsonpath-file=.", "", "folder", exitFailed},
		{"jsonpath-file=large", "", "the file is larger than 1 MiB: it is no expression", exitFailed},
	} {
		code, out, errOut := runTool(SystemDeps("psp2pss"), "", "plan", "--demo", "-n", "shop", "-o", test.value)
		if code != test.code || out != test.out || !strings.Contains(errOut, test.err) {
			t.Errorf("-o %s: exit code %d, %q, %s", test.value, code, out, errOut)
		}
	}
}

// Commands without a JSON form have no expressions to offer.
func TestExpressionsNeedJSON(t *testing.T) {
	t.Parallel()
	code, _, errOut := runTool(world(nil), "", "labels", "--demo", "-o", "jsonpath={.a}")
	if want := "psp2pss: -o \"jsonpath={.a}\": there is no format \"jsonpath\"; the formats are commands, manifest, kustomize, apply, terraform, name\nTry 'psp2pss labels --help'.\n"; code != exitUsage || errOut != want {
		t.Errorf("exit code %d: %s", code, errOut)
	}
}

// One environment variable has all values of -o, and an expression the rest of it, commas and all.
func TestExpressionInTheEnvironment(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/plan.json"
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(name string) (string, bool) {
		return "json=" + file + ",custom-columns=NAME:.name,LEVEL:.needed", name == "PSP2PSS_OUTPUT"
	}
	code, out, errOut := runTool(deps, "", "plan", "--demo", "-n", "shop")
	if want := "NAME   LEVEL\nshop   baseline\n"; code != exitDone || out != want {
		t.Errorf("exit code %d, %s (-want +got):\n%s", code, errOut, cmp.Diff(want, out))
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

// Every command that has -o json gives the same of the demo cluster by an expression, a row for each item by custom-columns, and its
// names for scripts.
func TestExpressionsOfEveryCommand(t *testing.T) {
	t.Parallel()
	verified, journal := verifyWorld(t)
	left := commandsWithJSON(t)
	for _, test := range []struct {
		deps    Deps
		args    []string
		rows    []string
		columns string
		// name is the line that -o name has for a row, from the columns of it.
		name func(row []string) string
	}{
		{SystemDeps("psp2pss"), []string{"plan", "--demo"}, []string{"namespaces"}, "A:.name", func(row []string) string { return "namespace/" + row[0] }},
		{SystemDeps("psp2pss"), []string{"gate", "--demo"}, []string{"reasons", "unknown"}, "A:.id", nil},
		{SystemDeps("psp2pss"), []string{"simulate", "--demo", "--level=restricted"}, []string{"results"}, "A:.namespace,B:.kind,C:.name,D:.allowed,E:.unknown", func(row []string) string {
			if row[3] == "true" || row[4] != "<none>" {
				return ""
			}
			return row[0] + "/" + strings.ToLower(row[1]) + "/" + row[2]
		}},
		{SystemDeps("psp2pss"), []string{"check", "-f", "testdata/check", "--level=restricted"}, []string{"findings"}, "A:.object.namespace,B:.object.kind,C:.object.name", func(row []string) string {
			return row[0] + "/" + strings.ToLower(row[1]) + "/" + row[2]
		}},
		{SystemDeps("psp2pss"), []string{"patch", "--demo", "--raise"}, []string{"patches"}, "A:.namespace,B:.kind,C:.name", func(row []string) string {
			return row[0] + "/" + strings.ToLower(row[1]) + "/" + row[2]
		}},
		{SystemDeps("psp2pss"), []string{"rollout", "--demo", "--dry-run=client", "--stage=enforce"}, []string{"steps"}, "A:.namespace,B:.result", func(row []string) string {
			if row[1] == "skipped" {
				return ""
			}
			return "namespace/" + row[0]
		}},
		{verified, []string{"rollback", "--journal", journal, "--dry-run=client"}, []string{"steps"}, "A:.namespace", func(row []string) string { return "namespace/" + row[0] }},
		{SystemDeps("psp2pss"), []string{"report", "--demo"}, []string{"sections"}, "A:.id", nil},
		{verified, []string{"verify", "--journal", journal}, []string{"results"}, "A:.check", nil},
	} {
		delete(left, test.args[0])
		run := func(format string) string {
			_, out, errOut := runTool(test.deps, "", append(slices.Clone(test.args), "-o", format)...)
			if out == "" {
				t.Errorf("%q -o %s printed nothing: %s", test.args, format, errOut)
			}
			return out
		}
		var document map[string]any
		if err := json.Unmarshal([]byte(run("json")), &document); err != nil {
			t.Fatal(err)
		}
		if document["apiVersion"] != "psp2pss.dev/v1" || document["kind"] == nil {
			t.Errorf("%q: apiVersion %v, kind %v", test.args, document["apiVersion"], document["kind"])
		}
		if want, got := document["kind"], run("jsonpath={.kind}"); got != want {
			t.Errorf("%q: kind %v, and jsonpath says %v", test.args, want, got)
		}
		items := 0
		for _, list := range test.rows {
			found, ok := document[list].([]any)
			if !ok {
				t.Errorf("%q: there is no list %q", test.args, list)
			}
			items += len(found)
		}
		lines := strings.Split(strings.TrimSuffix(run("custom-columns="+test.columns), "\n"), "\n")
		if len(lines) != items+1 || items == 0 {
			t.Errorf("%q: %d lines for %d items", test.args, len(lines), items)
		}
		if test.name == nil {
			continue
		}
		var want []string
		for _, line := range lines[1:] {
			if name := test.name(strings.Fields(line)); name != "" && !slices.Contains(want, name) {
				want = append(want, name)
			}
		}
		if diff := cmp.Diff(strings.Join(want, "\n")+"\n", run("name")); diff != "" {
			t.Errorf("%q: names (-want +got):\n%s", test.args, diff)
		}
	}
	for path := range left {
		t.Errorf("%s has -o json, and its expressions are not checked here", path)
	}
}

// Nothing that objects hold acts on a terminal by way of an expression, nor the expression, but for its tabs and lines.
func TestHostileExpressions(t *testing.T) {
	t.Chdir(t.TempDir())
	writeHostile(t, "input")
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(string) (string, bool) { return "", false }
	escaped, mine, withJSON := 0, newShare(3), commandsWithJSON(t)
	for path, tried := range trials() {
		if tried.live || !withJSON[path] {
			continue
		}
		for _, line := range tried.lines {
			args := hostileObjects.name(line)
			for _, format := range []string{"jsonpath={..}", "jsonpath={range .namespaces[*]}{..name}{\"\\n\"}{end}" + strings.ReplaceAll(hostile, "\t", ""), "custom-columns=" + hostile + ":..text,B:.namespace,C:.*"} {
				if !mine() {
					continue
				}
				line := slices.Concat(strings.Fields(path), args, []string{"-R", "-f", "input", "-o", format})
				code, out := shown(t, deps, line...)
				if code == exitUsage || code == exitFailed {
					t.Errorf("%q: exit code %d\n%s", line, code, out)
				}
				if strings.Contains(out, `\u202e`) {
					escaped++
				}
			}
		}
	}
	if escaped < 10 && !testing.Short() {
		t.Errorf("only %d outputs held anything hostile", escaped)
	}
}
