package cmd

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

func TestVersionFlag(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"psp2pss", "kubectl psp2pss"} {
		streams, out, errOut := BufferStreams("")
		deps := world(nil)
		deps.ToolName = tool
		code := Run(t.Context(), streams, deps, []string{"--version"})
		if want := tool + " version " + readBuildInfo().versionAndRevision() + "\n"; code != exitDone || out.String() != want || errOut.Len() > 0 {
			t.Errorf("exit code %d, %q, %q; want %q", code, out, errOut, want)
		}
	}
}

// --color wins over its variable, and that over NO_COLOR and over what standard output is.
func TestColor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		terminal bool
		args     []string
		env      map[string]string
		want     bool
	}{
		{"a terminal", true, nil, nil, true},
		{"a pipe", false, nil, nil, false},
		{"asked for in a pipe", false, []string{"--color=always"}, nil, true},
		{"asked for before the command", false, []string{"--color", "always"}, nil, true},
		{"not wanted on a terminal", true, []string{"--color=never"}, nil, false},
		{"by the environment", false, nil, map[string]string{"PSP2PSS_COLOR": "always"}, true},
		{"by the environment, and given", true, []string{"--color=auto"}, map[string]string{"PSP2PSS_COLOR": "never"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			streams, out, errOut := BufferStreams("")
			streams.ColourTerminal, streams.Width = tt.terminal, 200
			deps := SystemDeps("psp2pss")
			deps.LookupEnv = func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }
			if code := Run(t.Context(), streams, deps, append(tt.args, "plan", "--demo")); code == exitUsage || code == exitFailed {
				t.Fatalf("exit code %d: %s", code, errOut)
			}
			if got := strings.Contains(out.String(), "\x1b["); got != tt.want {
				t.Errorf("coloured: %t, want %t", got, tt.want)
			}
		})
	}
}

// With -q only errors are on standard error, and the results and the exit code are as without.
func TestQuiet(t *testing.T) {
	t.Parallel()
	run := func(args ...string) (int, string, string) {
		streams, out, errOut := BufferStreams("")
		deps := SystemDeps("psp2pss")
		deps.LookupEnv = func(string) (string, bool) { return "", false }
		code := Run(t.Context(), streams, deps, args)
		return code, out.String(), errOut.String()
	}
	code, out, errOut := run("plan", "--demo", "--target-version=v1.20")
	quietCode, quietOut, quietErrOut := run("plan", "--demo", "--target-version=v1.20", "-q")
	if code != quietCode || out != quietOut {
		t.Errorf("exit code %d, and with -q %d; the same output: %t", code, quietCode, out == quietOut)
	}
	var errs string
	if _, after, found := strings.Cut(errOut, "psp2pss: "); found {
		errs = "psp2pss: " + after
	}
	if errOut == errs || quietErrOut != errs {
		t.Errorf("standard error is %q, and with -q %q", errOut, quietErrOut)
	}
	if code, out, errOut = run("plan", "-f", "nosuch.yaml", "--quiet"); code != exitFailed || out != "" || !strings.Contains(errOut, "nosuch.yaml") {
		t.Errorf("exit code %d, %q, %q", code, out, errOut)
	}
}

// Nobody is asked about something that is not shown.
func TestQuietAsksNothing(t *testing.T) {
	t.Parallel()
	const refused = "psp2pss: --quiet shows nothing that could be asked about: add --yes\n"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"rollout", "-q"}, refused},
		{[]string{"rollback", "-q", "--journal=j"}, refused},
		{[]string{"clean-helm", "-q"}, refused},
		{[]string{"rollout", "-q", "--yes"}, "psp2pss: read\n"},
		{[]string{"rollout", "-q", "--dry-run=client"}, "psp2pss: read\n"},
		{[]string{"rollout", "-q", "--print-role"}, ""},
	} {
		streams, _, errOut := BufferStreams("y\n")
		streams.Interactive = true
		deps := world(nil)
		deps.LoadInventory = func(context.Context, SourceOptions) (*inventory.Inventory, error) { return nil, errors.New("read") }
		Run(t.Context(), streams, deps, tt.args)
		if got, _, _ := strings.Cut(errOut.String(), "Try '"); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.args, got, tt.want)
		}
	}
}
