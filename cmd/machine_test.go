package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// machineFormats are the decoders of the formats for programs, by their name.
func machineFormats() map[string]func([]byte, any) error {
	return map[string]func([]byte, any) error{
		"json": func(data []byte, into any) error { return json.Unmarshal(data, into) },
		"yaml": func(data []byte, into any) error { return yaml.Unmarshal(data, into) },
	}
}

// checkMachine runs a command line with one format for programs: what it writes must be one valid document in which only
// characters stand that show. It returns whether hostile text comes back from it.
func checkMachine(t *testing.T, deps Deps, format string, args ...string) bool {
	t.Helper()
	line := append(slices.Clone(args), "-o", format)
	var out, errOut bytes.Buffer
	code := Run(context.Background(), Streams{In: strings.NewReader("y\n"), Out: &out, ErrOut: &errOut}, deps, line)
	if code == exitUsage {
		t.Errorf("%q was not run:\n%s", line, errOut.String())
		return false
	}
	checkShown(t, strings.Join(line, " "), out.String())
	var document any
	if err := machineFormats()[format](out.Bytes(), &document); err != nil {
		t.Errorf("%q: no %s: %v\n%s", line, format, err, out.String())
		return false
	}
	if !strings.HasSuffix(out.String(), "\n") || strings.HasSuffix(out.String(), "\n\n") {
		t.Errorf("%q does not end in one line end", line)
	}
	found := false
	replaced(document, "", func(_, text string) string {
		found = found || strings.Contains(text, hostile[:len("x\u202e")])
		return text
	})
	return found
}

// Every -o json and -o yaml of every command is valid and escaped, whatever objects hold, and the text comes back from it.
func TestMachineFormats(t *testing.T) {
	t.Chdir(t.TempDir())
	writeHostile(t, "input")
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(string) (string, bool) { return "", false }
	checked := map[string]bool{}
	for path, tried := range trials() {
		if tried.live {
			continue // see TestMachineFormatsOfJournals
		}
		for _, args := range overHostile(path) {
			all := slices.Concat(strings.Fields(path), args, []string{"-R", "-f", "input"})
			if mayBeRefused(args) || strings.HasPrefix(path, "explain") || path == "version" {
				continue // these have no format for programs
			}
			for _, format := range formats(commands(t)[path], deps, path, slices.Concat(args, []string{"-R", "-f", "input"})) {
				if machineFormats()[format] != nil {
					checked[path+" "+format] = checkMachine(t, deps, format, all...) || checked[path+" "+format]
				}
			}
		}
	}
	// Labels and patches have only names that are valid: nothing in them can be hostile.
	for want, hasText := range map[string]bool{"plan json": true, "plan yaml": true, "simulate json": true, "gate json": true, "gate yaml": true, "patch json": false, "rollout json": false} {
		if back, ok := checked[want]; !ok || hasText && !back {
			t.Errorf("%s: checked %v, text came back %v", want, ok, back)
		}
	}
}

// The same of the commands that need a server, whatever that server says and a journal holds.
func TestMachineFormatsOfJournals(t *testing.T) {
	t.Chdir(t.TempDir())
	g := newGround(t)
	if code, _, errOut := g.run(t.Context(), nil, g.both("--yes")...); code != exitDone {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	data, err := os.ReadFile(g.journal())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	journal := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(journal, bytes.ReplaceAll(data, []byte(`"batch":0`), slices.Concat([]byte(`"batch":0,"wave":`), text)), 0o600); err != nil {
		t.Fatal(err)
	}
	g.client.PrependReactor("list", "events", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New(hostile) })
	for _, args := range [][]string{{"verify"}, {"rollback", "--dry-run=client"}, {"rollback", "--yes"}} {
		if !checkMachine(t, g.deps, "json", append(args, "--journal", journal)...) {
			t.Errorf("%q: the text did not come back", args)
		}
	}
}
