package cmd

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// writers are the commands that write to clusters; nothing else may. What verify --recreate-one sends
// is dry runs.
func writers() []string { return []string{"rollout", "rollback", "clean-helm"} }

// readings are command lines against a live cluster, for every command that is none of writers. A new command has to be
// entered here.
func readings() map[string][][]string {
	return map[string][][]string{
		"plan":     {{"plan"}, {"plan", "-o", "json", "--fail-on=change"}},
		"explain":  {{"explain", "ns", "web"}, {"explain", "workload", "web/deployment/d"}, {"explain", "sa", "web/default"}},
		"simulate": {{"simulate", "--level", "restricted"}, {"simulate", "--after-psp"}},
		"labels":   {{"labels"}, {"labels", "--stage", "enforce", "-o", "apply"}},
		"patch":    {{"patch"}, {"patch", "--raise"}},
		"fix":      {{"fix", "-f", "testdata", "--raise"}},
		"gate":     {{"gate"}, {"gate", "--to", "v1.25", "-o", "json"}},
		"verify":   {{"verify"}, {"verify", "--stage", "enforce"}},
		"version":  {{"version"}},

		"completion": {{"completion", "bash"}, {"completion", "kubectl"}},
	}
}

// Only the writers can write: of every other command a server sees nothing but GETs, whatever it is asked for.
func TestOnlyWritersWrite(t *testing.T) {
	t.Parallel()
	streams, _, _ := BufferStreams("")
	lines := readings()
	for _, c := range NewRootCommand(streams, SystemDeps("psp2pss")).Commands() {
		if slices.Contains(writers(), c.Name()) {
			continue
		}
		if len(lines[c.Name()]) == 0 {
			t.Errorf("command %s: enter in readings how it reads a cluster", c.Name())
		}
		for _, args := range lines[c.Name()] {
			t.Run(strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				onlyReads(t, c.Flags().Lookup(kubeconfigFlag) != nil || c.HasSubCommands(), args)
			})
		}
	}
	// What only shows the steps reads, too.
	t.Run("rollout --dry-run=client", func(t *testing.T) {
		t.Parallel()
		onlyReads(t, true, []string{"rollout", "--dry-run=client", "--stage", "observe,enforce,bypass"})
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

func onlyReads(t *testing.T, live bool, args []string) {
	t.Helper()
	kubeconfig, methods := server(t, "")
	want := []string(nil)
	if live {
		args, want = append(slices.Clone(args), "--kubeconfig", kubeconfig), []string{"GET"}
	}
	out := &bytes.Buffer{}
	code := Run(context.Background(), Streams{In: strings.NewReader(""), Out: out, ErrOut: out}, SystemDeps("psp2pss"), args)
	if code == exitUsage {
		t.Fatalf("it was not run:\n%s", out)
	}
	if got := methods(); !slices.Equal(got, want) {
		t.Errorf("methods sent %v, want %v:\n%s", got, want, out)
	}
}
