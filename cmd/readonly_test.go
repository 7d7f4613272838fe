package cmd

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Only the writers can write: of every other command a server sees nothing but GETs, whatever it is asked for.
func TestOnlyWritersWrite(t *testing.T) {
	t.Parallel()
	for path, c := range commands(t) {
		if trials()[path].writes {
			continue
		}
		for _, args := range trials()[path].lines {
			args = append(servedObjects.name(args), trials()[path].files...)
			for _, format := range formats(c, world(nil), path, append(args, "--kubeconfig=x")) {
				line := inFormat(t, slices.Concat(strings.Fields(path), args), format)
				t.Run(strings.Join(line, " "), func(t *testing.T) {
					t.Parallel()
					// A level that is given is asked of no cluster, and fleet only counts the contexts of the kubeconfig.
					byFlag := path == "fleet" || path == "check" && slices.ContainsFunc(line, func(arg string) bool { return strings.HasPrefix(arg, "--level=") })
					onlyReads(t, c.Flags().Lookup(kubeconfigFlag) != nil, byFlag, line)
				})
			}
		}
	}
	// What only shows the steps reads, too.
	t.Run("rollout --dry-run=client", func(t *testing.T) {
		t.Parallel()
		onlyReads(t, true, false, []string{"rollout", "--dry-run=client", "--stage", "observe,enforce,bypass"})
	})
	// And the recorder sees a write where there is one.
	kubeconfig, methods := server(t, "")
	out := &bytes.Buffer{}
	args := []string{"rollout", "--yes", "--kubeconfig", kubeconfig, "--journal", filepath.Join(t.TempDir(), "j")}
	Run(context.Background(), Streams{In: strings.NewReader(""), Out: out, ErrOut: out}, SystemDeps("psp2pss"), args)
	if got := methods(); !slices.Equal(got, []string{"GET", "POST"}) {
		t.Errorf("a roll-out sent %v, want the lock to be asked for:\n%s", got, out)
	}
}

// onlyReads runs a command line and wants the server to see GETs and nothing else; no request at all where the command takes no
// cluster, or does not ask it.
func onlyReads(t *testing.T, live, unasked bool, args []string) {
	t.Helper()
	kubeconfig, methods := server(t, "")
	want := []string(nil)
	if live {
		args = append(slices.Clone(args), "--kubeconfig", kubeconfig)
	}
	if live && !unasked {
		want = []string{"GET"}
	}
	out := &bytes.Buffer{}
	code := Run(context.Background(), Streams{In: strings.NewReader(""), Out: out, ErrOut: out}, SystemDeps("psp2pss"), args)
	got := methods()
	if code == exitUsage && got == nil {
		t.Fatalf("it was not run:\n%s", out)
	}
	if !slices.Equal(got, want) {
		t.Errorf("methods sent %v, want %v:\n%s", got, want, out)
	}
}
