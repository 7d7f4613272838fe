package cmd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestOnlyUnread reads a fleet of which two clusters cannot be read at first, and then what is left, until nothing is.
func TestOnlyUnread(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	lost := map[string]bool{"b": true, "d": true}
	load := func(_ context.Context, name string) error {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, name)
		if lost[name] {
			return errors.New("nobody answers")
		}
		return nil
	}
	config, deps := fakeFleet(t, load, "a", "b", "c", "d")
	rows := filepath.Join(t.TempDir(), "rows.json")
	state := func() string {
		var out []string
		for _, c := range readFleetFile(t, rows).Clusters {
			if c.Error != "" {
				c.Name += " unread"
			}
			out = append(out, c.Name)
		}
		return strings.Join(out, ", ")
	}
	plan := func(what string, code int, wantAsked, wantRows string, args ...string) {
		t.Helper()
		asked = nil
		got, out, errOut := run(t, deps, append([]string{"plan", "--kubeconfig", config, "--all-contexts", "--only-unread", "-o", "fleet=" + rows}, args...)...)
		slices.Sort(asked)
		if read := strings.Join(asked, ", "); got != code || read != wantAsked || state() != wantRows {
			t.Errorf("%s: exit code %d, read %q, has %q, want %d, %q and %q\n%s%s", what, got, read, state(), code, wantAsked, wantRows, out, errOut)
		}
	}
	plan("without an earlier run", exitPartial, "a, b, c, d", "a, b unread, c, d unread")
	delete(lost, "d")
	plan("one has come back", exitPartial, "b, d", "a, b unread, c, d")
	plan("one is still lost", exitPartial, "b", "a, b unread, c, d")
	delete(lost, "b")
	plan("all are there", exitDone, "b", "a, b, c, d")
	before, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	plan("nothing is left", exitDone, "", "a, b, c, d")
	if after, err := os.ReadFile(rows); err != nil || string(after) != string(before) {
		t.Errorf("a run that reads nothing changed the file: %v", err)
	}
	plan("a part that is done", exitDone, "", "a, b, c, d", "--shard=0/2")
	if err := os.Remove(rows); err != nil {
		t.Fatal(err)
	}
	plan("a part", exitDone, "b, d", "b, d", "--shard=1/2")
}

// --only-unread needs the rows of an earlier run, and rows they must be.
func TestOnlyUnreadRefuses(t *testing.T) {
	t.Parallel()
	config, deps := fakeFleet(t, func(context.Context, string) error { return nil }, "a", "b")
	other := filepath.Join(t.TempDir(), "other.json")
	if err := os.WriteFile(other, []byte(`{"kind": "Plan"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--all-contexts"}, exitUsage, "--only-unread needs the file with the rows of an earlier run: add -o fleet=FILE, once"},
		{[]string{"--all-contexts", "-o", "fleet"}, exitUsage, "--only-unread needs the file"},
		{[]string{"--all-contexts", "-o", "fleet=a", "-o", "fleet=b"}, exitUsage, "--only-unread needs the file"},
		{[]string{"--context=a", "-o", "json"}, exitUsage, "--only-unread is about several clusters: add --all-contexts"},
		{[]string{"--all-contexts", "-o", "fleet=" + other}, exitFailed, "of which --only-unread keeps what was read: "},
	} {
		code, out, errOut := run(t, deps, append([]string{"plan", "--kubeconfig", config, "--only-unread"}, tt.args...)...)
		if code != tt.code || out != "" || !strings.Contains(errOut, tt.want) {
			t.Errorf("%q: exit code %d, want %d and %q\n%s%s", tt.args, code, tt.code, tt.want, out, errOut)
		}
	}
	if text, err := os.ReadFile(other); err != nil || string(text) != `{"kind": "Plan"}` {
		t.Errorf("the file was changed: %q, %v", text, err)
	}
}
