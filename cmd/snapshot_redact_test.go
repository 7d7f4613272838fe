package cmd

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// 2,000 secret names in a cluster: none is in its redacted snapshot, nor in what the command says. The plan of the snapshot is that of the
// source with pseudonyms, and every name comes back.
func TestRedactedSnapshotHasNoSecret(t *testing.T) {
	t.Parallel()
	deps, secrets := secretWorld(t, secretNamespaces())
	if n := len(secrets.planted); n < 2000 && !testing.Short() {
		t.Fatalf("%d secrets", n)
	}
	dir := t.TempDir()
	key, plain, first, second := filepath.Join(dir, "key"), filepath.Join(dir, "plain"), filepath.Join(dir, "first"), filepath.Join(dir, "second")
	if code, _, errOut := runTool(deps, "", "snapshot", "-o", "archive="+plain); code != exitPartial {
		t.Fatalf("exit code %d\n%s", code, errOut)
	}
	for _, archive := range []string{first, second} {
		code, out, errOut := runTool(deps, "", "snapshot", "--redact", key, "-o", "table", "-o", "archive="+archive)
		if code != exitPartial {
			t.Errorf("exit code %d", code)
		}
		for _, said := range []string{out, errOut} {
			if found := distinctIn(said, planted); len(found) > 0 {
				t.Errorf("it says %s:\n%s", found[0], said)
			}
		}
	}
	data, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(second); err != nil || !bytes.Equal(data, again) {
		t.Errorf("the second time other bytes (%v)", err)
	}
	text := gunzip(t, data)
	if found := distinctIn(text, planted); len(found) > 0 {
		at := strings.Index(text, found[0])
		t.Errorf("the snapshot has %d of the secrets, such as %s:\n...%s...", len(found), found[0], text[max(0, at-300):min(len(text), at+100)])
	}
	if found := distinctIn(decodedRuns(text), planted); len(found) > 0 {
		t.Errorf("the snapshot has secrets in base64: %v", found)
	}
	if !strings.Contains(text, `"redacted": true`) || !strings.Contains(text, "they are pseudonyms") {
		t.Error("its manifest does not say that it is redacted")
	}
	checkPlanOfRedactedSnapshot(t, key, plain, first)
}

// checkPlanOfRedactedSnapshot checks that the plan of a redacted snapshot is the redacted plan of the plain one, and what commands make of it.
func checkPlanOfRedactedSnapshot(t *testing.T, key, plain, redacted string) {
	t.Helper()
	read := SystemDeps("psp2pss")
	got := outputOf(t, read, "", "plan", "-f", redacted, "-o", "json")
	if diff := cmp.Diff(outputOf(t, read, "", "plan", "-f", plain, "--redact", key, "-o", "json"), got); diff != "" {
		t.Errorf("(-redacted plan +plan of the redacted snapshot):\n%s", diff)
	}
	if diff := cmp.Diff(outputOf(t, read, "", "plan", "-f", plain, "-o", "json"), outputOf(t, read, got, "unredact", "--key", key)); diff != "" {
		t.Errorf("(-plan +plan of the redacted snapshot with its names):\n%s", diff)
	}
	for _, format := range []string{"html", "markdown"} {
		for _, from := range [][]string{{"report", "-f", redacted, "-o", format}, {"report", "-f", redacted, "--redact", key, "-o", format}} {
			code, out, errOut := runTool(read, "", from...)
			if found := distinctIn(out+errOut, planted); len(found) > 0 {
				t.Errorf("%q has %s", from, found[0])
			}
			if again := len(from) > 5; again && (code != exitFailed || !strings.Contains(errOut, "redacted already")) || !again && out == "" {
				t.Errorf("%q: exit code %d\n%s", from, code, errOut)
			}
		}
	}
	for _, args := range [][]string{
		{"plan", "-f", redacted, "-o", "commands"},
		{"patch", "-f", redacted},
		{"generate", "--engine", "vap", "-f", redacted},
		{"gate", "-f", redacted, "-o", "commands"},
		{"rollout", "-f", redacted, "--dry-run=client"},
	} {
		if code, out, errOut := runTool(read, "", args...); code != exitFailed || out != "" || !strings.Contains(errOut, "the snapshot is redacted: its names are pseudonyms") {
			t.Errorf("%q: exit code %d\n%.300s%s", args, code, out, errOut)
		}
	}
	if code, _, errOut := runTool(read, "", "snapshot", "-f", redacted, "--redact", key); code != exitFailed || !strings.Contains(errOut, "redacting the snapshot: it is redacted already") {
		t.Errorf("redacted again: exit code %d\n%s", code, errOut)
	}
}

// decodedRuns returns what the long words of a text hold if they are base64, from each of the four places where a group may begin.
func decodedRuns(text string) string {
	var out strings.Builder
	for _, run := range regexp.MustCompile(`[A-Za-z0-9+/]{12,}`).FindAllString(text, -1) {
		for start := range 4 {
			if decoded, err := base64.StdEncoding.DecodeString(run[start : start+(len(run)-start)/4*4]); err == nil {
				_, _ = out.Write(append(decoded, '\n'))
			}
		}
	}
	return out.String()
}
