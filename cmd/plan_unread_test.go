package cmd

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What could not be read at all is told from what was not read whole, whether the latter is accepted or not.
func TestFailOnUnread(t *testing.T) {
	t.Parallel()
	good, some, gone := clusterServer(t, "uid-good", "/"), clusterServer(t, "uid-some", "/api/v1/pods"), goneServer()
	for _, tt := range []struct {
		name    string
		servers map[string]string
		args    []string
		code    int
		want    string
	}{
		{"all read", map[string]string{"good": good}, []string{"--fail-on=unread"}, exitDone, ""},
		{"one with a gap", map[string]string{"good": good, "some": some}, []string{"--fail-on=unread"}, exitPartial, "1 cluster was not read whole"},
		{"one with a gap, accepted", map[string]string{"good": good, "some": some}, []string{"--fail-on=unread", "--allow-partial"}, exitDone, ""},
		{"one unread", map[string]string{"good": good, "gone": gone}, []string{"--fail-on=unread"}, exitFindings, "--fail-on=unread: 1 cluster could not be read: gone"},
		{"one unread, accepted", map[string]string{"good": good, "gone": gone}, []string{"--fail-on=unread", "--allow-partial"}, exitFindings, "--fail-on=unread: 1 cluster could not be read: gone"},
		{"one unread, and none with a gap", map[string]string{"good": good, "gone": gone}, nil, exitPartial, "psp2pss: 1 cluster could not be read; accept that"},
		{"one unread, and one with a gap", map[string]string{"some": some, "gone": gone}, nil, exitPartial, "1 cluster could not be read, and 1 was not read whole; accept"},
		{"one unread, and not asked for", map[string]string{"good": good, "gone": gone}, []string{"--allow-partial"}, exitDone, ""},
		{"no context in the part", map[string]string{"good": good}, []string{"--fail-on=unread", "--allow-partial", "--shard=1/2"}, exitDone, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"plan", "--kubeconfig", contextsConfig(t, tt.servers), "--all-contexts"}, tt.args...)
			code, _, errOut := run(t, fleetDeps(), args...)
			if code != tt.code || !strings.Contains(errOut, tt.want) {
				t.Errorf("exit code %d, want %d and %q\n%s", code, tt.code, tt.want, errOut)
			}
		})
	}
	code, out, errOut := run(t, fleetDeps(), "plan", "--demo", "--fail-on=unread")
	if code != exitUsage || out != "" || !strings.Contains(errOut, "--fail-on=unread is about several clusters: add --all-contexts, or name contexts with --context") {
		t.Errorf("of one cluster: exit code %d\n%s", code, errOut)
	}
}

// TestPartOfAFleetThatIsCutOff looks, while clusters are read, at what would be left if the run were killed: the clusters of its part, as unread,
// unless an earlier run has left something.
func TestPartOfAFleetThatIsCutOff(t *testing.T) {
	t.Parallel()
	rows := filepath.Join(t.TempDir(), "rows.json")
	read := func() string {
		text, err := os.ReadFile(rows)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
		return string(text)
	}
	var during string
	load := func(context.Context, string) error {
		during = read()
		return nil
	}
	config, deps := fakeFleet(t, load, "a", "b", "c")
	plan := func(args ...string) {
		t.Helper()
		if code, _, errOut := run(t, deps, append([]string{"plan", "--kubeconfig", config, "--all-contexts", "-o", "fleet=" + rows}, args...)...); code != exitDone {
			t.Fatalf("exit code %d\n%s", code, errOut)
		}
	}
	plan("--parallel=1")
	if during != "" {
		t.Errorf("without --shard the file was there while clusters were read:\n%s", during)
	}
	whole := read()
	plan("--parallel=1", "--shard=0/1")
	if during != whole || read() != whole {
		t.Errorf("what an earlier run left was replaced while clusters were read:\n%s", during)
	}
	if err := os.Remove(rows); err != nil {
		t.Fatal(err)
	}
	plan("--parallel=1", "--shard=1/2")
	if got := readFleetFile(t, rows); len(got.Clusters) != 1 || got.Clusters[0].Name != "b" || got.Clusters[0].Error != "" {
		t.Errorf("the part has %+v", got.Clusters)
	}
	if err := os.WriteFile(rows, []byte(during), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readFleetFile(t, rows); len(got.Clusters) != 1 || got.Clusters[0].Name != "b" || got.Clusters[0].Error != begunReason {
		t.Errorf("while it was read the part had %+v", got.Clusters)
	}
}

// A run that is interrupted leaves its part as unread, and its plans merge with that.
func TestInterruptedPartOfAFleet(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	config, folder := contextsConfig(t, map[string]string{"a": s.URL, "b": goneServer()}), t.TempDir()
	streams, _, errOut := BufferStreams("")
	code := Run(ctx, streams, fleetDeps(), []string{"plan", "--kubeconfig", config, "--all-contexts", "--shard=0/2", "-o", "fleet=" + filepath.Join(folder, "0.json")})
	if code != exitFailed {
		t.Errorf("exit code %d\n%s", code, errOut)
	}
	code, out, _ := run(t, fleetDeps(), "report", "--merge", folder, "-o", "markdown")
	if code != exitPartial || !strings.Contains(out, "its reading was begun and did not end") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
