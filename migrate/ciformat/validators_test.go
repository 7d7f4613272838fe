//go:build e2e

package ciformat_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/fixtures/schema"
	"github.com/psp2pss/psp2pss/migrate/finding"
)

// validated are the results whose output validators of others read: all that a result can hold, every rule, nothing, many findings,
// and texts that do harm everywhere.
func validated(t *testing.T) map[string]*finding.Result {
	t.Helper()
	hostile := &finding.Result{}
	for _, text := range hostileTexts() {
		r := hostileResult(t, text)
		hostile.Workloads = append(hostile.Workloads, r.Workloads...)
		hostile.Findings = append(hostile.Findings, r.Findings...)
		hostile.Ignored = append(hostile.Ignored, r.Ignored...)
		hostile.Fixed = append(hostile.Fixed, r.Fixed...)
		hostile.Gaps = append(hostile.Gaps, r.Gaps...)
		hostile.Notes = append(hostile.Notes, r.Notes...)
	}
	return map[string]*finding.Result{"everything": everything(t), "every-rule": everyRule(), "clean": clean(), "empty": {}, "large": many(500, 1), "hostile": hostile}
}

// writeAll writes what a format writes of every result that is validated to files in one folder, and returns their paths.
func writeAll(t *testing.T, format, extension string) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for name, r := range validated(t) {
		text, _ := write(t, format, r)
		path := filepath.Join(dir, name+extension)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// TestValidatorsSARIFSchema compares SARIF with the schema that OASIS publishes, which a Go module has as a constant.
func TestValidatorsSARIFSchema(t *testing.T) {
	t.Parallel()
	source := schema.FromModule(t, "github.com/owenrumney/go-sarif/v3@v3.3.1", "h1:bKY8YnWcY8zYTiGVObC5wZLlfEvMkCxK9XMGXBbzEtQ=", "pkg/report/v210/sarif/schema.go")
	_, text, _ := bytes.Cut(source, []byte("`"))
	text = text[:bytes.LastIndexByte(text, '`')]
	if !bytes.Contains(text, []byte(`"id": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"`)) {
		t.Fatal("the constant is not the schema of OASIS")
	}
	file := filepath.Join(t.TempDir(), "sarif-schema-2.1.0.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(file, []byte(`{"version": "2.1.0", "runs": [{}]}`)); err == nil {
		t.Error("the schema takes a run without a tool")
	}
	for _, path := range writeAll(t, "sarif", ".sarif") {
		document, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(file, document); err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
}

// sarifAdvice are the rules of the validator that are advice which is not followed.
func sarifAdvice() map[string]string {
	return map[string]string{
		"SARIF2002": "messages stand whole where they belong: no reader has to put them together",
		"SARIF2003": "psp2pss does not ask git for the commit: the pipeline that uploads the file says it",
		"SARIF2005": "the version of a build from source is no number",
		"SARIF2009": "ids of rules are the checks' own, and no numbers",
		"SARIF2010": "the code itself is not in the file: whoever reads the file has the repository",
		"SARIF2011": "the code itself is not in the file: whoever reads the file has the repository",
		"SARIF2012": "names of rules are those of the Pod Security Standards, which have spaces",
	}
}

// sarifMultitool is Microsoft's validator of SARIF, from its npm package.
const sarifMultitool = "../../bin/npm/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"

// TestValidatorsGitHub asks Microsoft's validator, which knows what GitHub demands of SARIF. It exits with 0 whatever it finds: its
// log is what counts.
func TestValidatorsGitHub(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(sarifMultitool); err != nil {
		t.Fatalf("the validator of SARIF is not there: make validate-formats brings it (%v)", err)
	}
	found := strings.Join(askMultitool(t, badSARIF(t)), "\n")
	for _, rule := range []string{"SARIF1001", "GH2012"} {
		if !strings.Contains(found, rule) {
			t.Errorf("the validator does not find what rule %s is about:\n%s", rule, found)
		}
	}
	for _, found := range askMultitool(t, writeAll(t, "sarif", ".sarif")...) {
		t.Error(found)
	}
}

// badSARIF writes a SARIF file in which a rule has its id as its name and no description, and returns its path.
func badSARIF(t *testing.T) string {
	t.Helper()
	good, _ := write(t, "sarif", everyRule())
	var log map[string]any
	if err := json.Unmarshal([]byte(good), &log); err != nil {
		t.Fatal(err)
	}
	rule := log["runs"].([]any)[0].(map[string]any)["tool"].(map[string]any)["driver"].(map[string]any)["rules"].([]any)[0].(map[string]any)
	rule["name"] = rule["id"]
	delete(rule, "shortDescription")
	delete(rule, "fullDescription")
	bad, err := json.Marshal(log)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bad.sarif")
	if err := os.WriteFile(path, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// askMultitool returns what Microsoft's validator finds in SARIF files, but for advice that is not followed.
func askMultitool(t *testing.T, paths ...string) []string {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log.sarif")
	args := append([]string{"validate"}, paths...)
	args = append(args, "--rule-kind", "Sarif;Ghas", "--level", "Error;Warning;Note", "-c", filepath.Join("testdata", "multitool.xml"), "-o", log)
	cmd := exec.CommandContext(t.Context(), sarifMultitool, args...)
	cmd.Env = append(os.Environ(), "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1", "DOTNET_BUNDLE_EXTRACT_BASE_DIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if done := fmt.Sprintf("Done. %d files scanned.", len(paths)); !bytes.Contains(out, []byte(done)) {
		t.Fatalf("the validator does not say %q:\n%s", done, out)
	}
	answer, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Runs []struct {
			Results []struct {
				RuleID    string
				Locations []sarifPlace
				Message   struct{ Arguments []string }
			}
			Invocations []struct{ ExecutionSuccessful bool }
		}
	}
	if err := json.Unmarshal(bytes.TrimPrefix(answer, []byte("\ufeff")), &read); err != nil || len(read.Runs) != 1 || len(read.Runs[0].Invocations) != 1 || !read.Runs[0].Invocations[0].ExecutionSuccessful {
		t.Fatalf("%v: the validator did not come to its end:\n%s\n%s", err, out, answer)
	}
	var found []string
	for _, r := range read.Runs[0].Results {
		if sarifAdvice()[r.RuleID] == "" {
			found = append(found, fmt.Sprintf("%s %+v %.500q", r.RuleID, r.Locations, r.Message.Arguments))
		}
	}
	return found
}

// TestValidatorsJUnit compares JUnit XML with the schema of Ant and that of Jenkins.
func TestValidatorsJUnit(t *testing.T) {
	t.Parallel()
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Fatalf("xmllint is not there: install libxml2-utils (%v)", err)
	}
	paths := writeAll(t, "junit", ".xml")
	for _, xsd := range []string{"JUnit.xsd", "junit-10.xsd"} {
		args := append([]string{"--noout", "--nonet", "--huge", "--schema", filepath.Join("testdata", "schemas", xsd)}, paths...)
		if out, err := exec.CommandContext(t.Context(), xmllint, args...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%.5000s", xsd, err, out)
		}
	}
	bad := filepath.Join(t.TempDir(), "bad.xml")
	if err := os.WriteFile(bad, []byte("<testsuites><testsuite/></testsuites>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := exec.CommandContext(t.Context(), xmllint, "--noout", "--schema", "testdata/schemas/JUnit.xsd", bad).Run(); err == nil {
		t.Error("the schema takes a suite without a name")
	}
}
