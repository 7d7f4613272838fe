package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/psp2pss/psp2pss"

// mayImport says which of our packages each of our packages may import. A package that is not listed may import nothing
// of ours. Test files are free.
func mayImport() map[string][]string {
	stages := []string{"migrate/evidence", "migrate/levels", "migrate/saved", "migrate/mapping", "migrate/access", "migrate/injector", "simulate", "simulate/psp", "simulate/pss", "simulate/harden", "pspparse/inventory", "pspparse", "pspparse/message", "pspparse/english"}
	writers := []string{"pspparse/english", "migrate", "migrate/levels", "migrate/mapping", "migrate/escape", "migrate/phrases", "migrate/manifest", "migrate/script", "pspparse/inventory", "pspparse", "pspparse/message"}
	return map[string][]string{
		".":                         {"cmd"},
		"pspparse/message":          {"pspparse/english"},
		"pspparse/yamlnode":         {"pspparse/english"},
		"pspparse":                  {"pspparse/english", "pspparse/message", "pspparse/yamlnode"},
		"pspparse/fileerror":        {"pspparse/english", "pspparse"},
		"pspparse/podspec":          {},
		"pspparse/auditlog":         {"pspparse/fileerror"},
		"pspparse/english":          {},
		"pspparse/fieldpath":        {},
		"pspparse/yamledit":         {"pspparse/fieldpath", "pspparse/message", "pspparse/yamlnode"},
		"pspparse/inventory":        {"pspparse/english", "pspparse/fieldpath", "pspparse/podspec", "pspparse", "pspparse/message"},
		"pspparse/admissionconfig":  {"pspparse/fileerror"},
		"pspparse/generated":        {},
		"pspparse/custom":           {"pspparse/english", "pspparse/fieldpath", "pspparse/generated", "pspparse/inventory", "pspparse/yamlnode", "pspparse", "pspparse/message"},
		"pspparse/archive":          {},
		"pspparse/dump":             {"pspparse/english", "pspparse/inventory", "pspparse/message"},
		"pspparse/files":            {"pspparse/archive", "pspparse/dump", "pspparse/custom", "pspparse/english", "pspparse/fileerror", "pspparse/inventory", "pspparse/yamlnode", "pspparse", "pspparse/message"},
		"pspparse/cluster":          {"pspparse/custom", "pspparse/english", "pspparse/fileerror", "pspparse/inventory", "pspparse", "pspparse/message"},
		"pspparse/snapshot":         {"pspparse/english", "pspparse/inventory", "pspparse", "pspparse/message"},
		"pspparse/helm":             {"pspparse/inventory", "pspparse/yamlnode", "pspparse", "pspparse/message"},
		"simulate/psp":              {"pspparse/inventory", "pspparse/podspec", "pspparse"},
		"simulate/pss":              {"pspparse/inventory"},
		"simulate/harden":           {"simulate/pss", "pspparse/inventory", "pspparse/podspec", "pspparse/message"},
		"simulate/places":           {"simulate/harden", "simulate/pss", "pspparse/fieldpath", "pspparse/inventory", "pspparse/podspec", "pspparse/message"},
		"simulate":                  {"simulate/psp", "simulate/pss", "simulate/harden", "pspparse/inventory", "pspparse/podspec", "pspparse"},
		"simulate/internal/podtest": {"pspparse/inventory", "pspparse/podspec", "pspparse"},
		"migrate/evidence":          {"pspparse/auditlog", "pspparse/podspec", "simulate/psp"},
		"migrate/levels":            {},
		"migrate/saved":             {"pspparse/message"},
		"migrate/mapping":           {"migrate/levels", "pspparse/podspec", "pspparse", "pspparse/message"},
		"migrate/access":            {"pspparse/inventory", "pspparse", "pspparse/message"},
		"migrate/injector":          {},
		"migrate/finding":           {"migrate/saved", "pspparse/message", "pspparse"},
		"migrate/since":             {"migrate", "migrate/finding", "pspparse/fieldpath", "pspparse/inventory", "pspparse/message"},
		"migrate/difference":        {"migrate", "migrate/levels", "migrate/mapping", "pspparse", "pspparse/inventory", "pspparse/message"},
		"migrate/check":             {"migrate", "migrate/escape", "migrate/exceptions", "migrate/finding", "migrate/levels", "pspparse", "pspparse/custom", "pspparse/english", "pspparse/fieldpath", "pspparse/files", "pspparse/inventory", "pspparse/message", "pspparse/yamledit", "pspparse/yamlnode", "simulate/places", "simulate/pss"},
		"migrate":                   stages,
		"migrate/escape":            {},
		"migrate/phrases":           {"migrate", "migrate/mapping", "migrate/escape", "pspparse/english", "pspparse/inventory", "pspparse"},
		"migrate/jsonpath":          {"migrate/escape"},
		"migrate/engine":            {"migrate", "migrate/access", "migrate/levels", "migrate/mapping", "pspparse", "pspparse/inventory", "pspparse/message", "simulate/pss"},
		"migrate/manifest":          {"migrate/escape", "pspparse/yamlnode"},
		"migrate/script":            {"migrate/escape", "migrate/phrases", "pspparse/inventory"},
		"migrate/labels":            writers,
		"migrate/patch":             append([]string{"pspparse/podspec"}, writers...),
		"migrate/fix":               append([]string{"migrate/finding", "migrate/labels", "migrate/patch", "pspparse/fieldpath", "pspparse/fileerror", "pspparse/files", "pspparse/yamledit", "simulate/places", "simulate/pss"}, writers...),
		"migrate/gate":              append([]string{"migrate/access", "migrate/labels", "pspparse/generated", "pspparse/helm"}, writers...),
		"migrate/atomicfile":        {"pspparse/fileerror"},
		"migrate/cleanhelm":         {"migrate/atomicfile", "pspparse/helm"},
		"migrate/rollout":           {"pspparse/english", "pspparse/fileerror", "pspparse/message", "migrate", "migrate/labels", "migrate/atomicfile", "pspparse/inventory", "pspparse"},
		"migrate/rollout/verify":    {"pspparse/auditlog", "migrate", "migrate/labels", "migrate/rollout", "pspparse/message"},
		"migrate/roles":             {"migrate/manifest", "migrate/rollout"},
		// The classes of a plan's texts are those of its types, and what stays is in the tables of known programs.
		"migrate/redact":          {"migrate", "migrate/escape", "migrate/injector", "migrate/levels", "migrate/mapping", "migrate/patch", "pspparse", "pspparse/generated", "pspparse/inventory", "pspparse/message", "pspparse/podspec"},
		"migrate/simulation":      {"migrate", "migrate/phrases", "pspparse/inventory", "pspparse/message", "simulate/pss"},
		"migrate/checks":          {},
		"migrate/exceptions":      {"migrate/checks", "migrate/finding", "pspparse/inventory", "pspparse/english", "pspparse/fieldpath", "pspparse/message", "pspparse/yamlnode", "pspparse"},
		"migrate/report":          append([]string{"migrate/checks", "migrate/difference", "migrate/engine/forecast", "migrate/finding", "migrate/simulation", "migrate/gate", "migrate/labels", "migrate/patch"}, writers...),
		"migrate/ciformat":        {"migrate/checks", "migrate/escape", "migrate/finding", "migrate/manifest", "pspparse", "pspparse/english"},
		"migrate/handover":        append([]string{"migrate/difference", "migrate/gate", "migrate/labels", "migrate/patch", "migrate/report"}, writers...),
		"migrate/handover/html":   {"migrate/escape", "migrate/handover", "pspparse/english"},
		"migrate/fleet":           {"migrate", "migrate/gate", "migrate/handover", "migrate/levels", "migrate/mapping", "migrate/patch", "migrate/report", "migrate/saved", "pspparse/english"},
		"migrate/fleet/job":       {"migrate/escape", "migrate/manifest", "pspparse/english"},
		"migrate/engine/cel":      {"migrate/engine", "migrate/levels", "migrate/mapping", "pspparse", "pspparse/generated", "pspparse/message", "pspparse/podspec"},
		"migrate/engine/forecast": {"migrate", "migrate/engine", "migrate/engine/cel", "migrate/mapping", "pspparse/message"},
		"migrate/engine/output":   {"migrate/engine", "migrate/engine/cel", "migrate/escape", "migrate/manifest", "migrate/phrases", "migrate/script", "pspparse/english", "pspparse/inventory", "pspparse/message"},
		"fixtures":                {},
		"cmd": append([]string{
			"fixtures",
			"migrate",
			"migrate/atomicfile",
			"migrate/check",
			"migrate/checks",
			"migrate/ciformat",
			"migrate/cleanhelm",
			"migrate/difference",
			"migrate/engine",
			"migrate/engine/cel",
			"migrate/engine/forecast",
			"migrate/engine/output",
			"migrate/exceptions",
			"migrate/escape",
			"migrate/finding",
			"migrate/fix",
			"migrate/fleet",
			"migrate/fleet/job",
			"migrate/gate",
			"migrate/handover",
			"migrate/handover/html",
			"migrate/jsonpath",
			"migrate/labels",
			"migrate/manifest",
			"migrate/patch",
			"migrate/phrases", // unredact takes out the words of a redacted source
			"migrate/redact",
			"migrate/report",
			"migrate/rollout",
			"migrate/roles",
			"migrate/rollout/verify",
			"migrate/script",
			"migrate/simulation",
			"migrate/since",
			"pspparse/admissionconfig",
			"pspparse/cluster",
			"pspparse/fileerror",
			"pspparse/files",
			"pspparse/helm",
			"pspparse/snapshot",
			"pspparse/yamlnode",
		}, stages...),
	}
}

// mayReach says which of our packages may depend, directly or not, on what the rest must stay free of.
func mayReach() map[string][]string {
	return map[string][]string{
		"k8s.io/client-go":                        {"pspparse/cluster", "migrate/rollout", "migrate/roles", "migrate/rollout/verify", "migrate/cleanhelm", "migrate/jsonpath", "cmd", "."},
		"github.com/olekukonko/tablewriter":       {"migrate/report", "migrate/handover", "migrate/handover/html", "migrate/fleet", "cmd", "."}, // the report handed over says what that one says
		"github.com/spf13/cobra":                  {"cmd", "."},
		"github.com/rogpeppe/go-internal":         {},
		"github.com/santhosh-tekuri/jsonschema":   {}, // tests check documents with it
		"github.com/yuin/goldmark":                {}, // tests render Markdown with it
		"k8s.io/pod-security-admission/admission": {"pspparse/admissionconfig", "cmd", "."},
	}
}

// mayNotReach says what a package must stay free of although others may depend on it.
func mayNotReach() map[string]string {
	return map[string]string{"simulate/psp": "k8s.io/pod-security-admission"}
}

// mayName says who may import it themselves.
func mayName() map[string][]string {
	return map[string][]string{
		"k8s.io/client-go":                  {"pspparse/cluster", "migrate/rollout", "migrate/rollout/verify", "migrate/cleanhelm", "migrate/jsonpath", "cmd"},
		"github.com/olekukonko/tablewriter": {"migrate/report"},
		"github.com/klauspost/compress":     {"pspparse/archive"},
		"github.com/spf13/cobra":            {"cmd"},
		"gopkg.in/yaml.v3":                  {"pspparse", "pspparse/yamlnode", "pspparse/yamledit", "pspparse/admissionconfig", "pspparse/files", "pspparse/helm", "pspparse/inventory", "migrate/check", "migrate/exceptions", "migrate/manifest", "cmd"},
	}
}

// listed is what go list tells of a package.
type listed struct {
	ImportPath string
	Doc        string // the first sentence of the package comment
	Imports    []string
	GoFiles    []string
}

// ours is the path of a package within the module, and whether it is ours.
func ours(path string) (string, bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

// allPackages lists every package of the module and all that they depend on, test files aside. The test kit under
// fixtures (a generator, real API servers) is no part of the tool.
func allPackages(t *testing.T) map[string]listed {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command on PATH")
	}
	var errOut bytes.Buffer
	cmd := exec.CommandContext(t.Context(), goTool, "list", "-deps", "-json=ImportPath,Doc,Imports,GoFiles", module+"/...")
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errOut.String())
	}
	packages := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		if name, ok := ours(p.ImportPath); ok && strings.HasPrefix(name, "fixtures/") {
			continue
		}
		packages[p.ImportPath] = p
	}
}

// The dependency table: always downwards, so that "analysis is read-only" can be seen in the import graph.
func TestImports(t *testing.T) {
	t.Parallel()
	packages := allPackages(t)
	allowed := mayImport()
	seen := map[string]bool{}
	for path, p := range packages {
		name, ok := ours(path)
		if !ok || len(p.GoFiles) == 0 {
			continue
		}
		seen[name] = true
		list, ok := allowed[name]
		if !ok {
			t.Errorf("%s is not in the dependency table: say what it may import", name)
			continue
		}
		for _, imported := range p.Imports {
			if to, ok := ours(imported); ok && !slices.Contains(list, to) {
				t.Errorf("%s imports %s; it may import only %v", name, to, list)
			}
			for what, who := range mayName() {
				if within(imported, what) && !slices.Contains(who, name) {
					t.Errorf("%s imports %s; only %v may", name, imported, who)
				}
			}
		}
		for what, who := range mayReach() {
			if slices.Contains(who, name) {
				continue
			}
			if chain := chainTo(packages, path, what); chain != nil {
				t.Errorf("%s depends on %s:\n  %s", name, what, strings.Join(chain, "\n  -> "))
			}
		}
	}
	for name, what := range mayNotReach() {
		if chain := chainTo(packages, module+"/"+name, what); chain != nil {
			t.Errorf("%s depends on %s:\n  %s", name, what, strings.Join(chain, "\n  -> "))
		}
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("the dependency table has %s, and there is no such package", name)
		}
	}
}

func within(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// chainTo is the shortest way by imports from one package into a tree of packages; nil if there is none.
func chainTo(packages map[string]listed, from, root string) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if within(at, root) {
			var chain []string
			for ; at != ""; at = before[at] {
				chain = append([]string{at}, chain...)
			}
			return chain
		}
		for _, next := range packages[at].Imports {
			if _, ok := before[next]; !ok {
				before[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}

func TestChainTo(t *testing.T) {
	t.Parallel()
	packages := map[string]listed{"a": {Imports: []string{"b", "c"}}, "b": {Imports: []string{"d"}}, "c": {Imports: []string{"x/y"}}, "d": {Imports: []string{"c"}}}
	if got := fmt.Sprint(chainTo(packages, "a", "x")); got != "[a c x/y]" {
		t.Errorf("got %s", got)
	}
	if got := chainTo(packages, "a", "xx"); got != nil {
		t.Errorf("got %v", got)
	}
}
