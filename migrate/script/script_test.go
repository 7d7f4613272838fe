package script_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// plannedClusterUID is the UID of the namespace kube-system of the plan's cluster; "" if it is not known.
const plannedClusterUID = "8c1d0ad7-5a4f-4b0e-9d3c-000000000001"

func source(uid string) inventory.Source {
	return inventory.Source{Kind: inventory.SourceCluster, Name: "prod", UID: uid}
}

func TestBegin(t *testing.T) {
	t.Parallel()
	want := `# This is for the cluster whose namespace kube-system has the UID ` + plannedClusterUID + `: it ends at once on any other.
# Where that may not be read, it runs only with PSP2PSS_THIS_CLUSTER=1 in the environment.
set -eu
cluster=$(kubectl --context=prod get namespace kube-system --output='jsonpath={.metadata.uid}') || cluster=
if [ -n "$cluster" ] && [ "$cluster" != ` + plannedClusterUID + ` ]; then
  echo '` + other + `' >&2
  exit 1
fi
if [ -z "$cluster" ] && [ "${PSP2PSS_THIS_CLUSTER:-}" != 1 ]; then
  echo '` + unreadable + `' >&2
  exit 1
fi
`
	if diff := cmp.Diff(want, script.Preamble(source(plannedClusterUID), "kubectl --context=prod")); diff != "" {
		t.Errorf("with a UID (-want +got):\n%s", diff)
	}
	want = `# Which cluster this is for is not known: it runs only with PSP2PSS_THIS_CLUSTER=1 in the environment.
set -eu
if [ "${PSP2PSS_THIS_CLUSTER:-}" != 1 ]; then
  printf '%s\n' '` + unknownClusterMessage + `' >&2
  exit 1
fi
`
	for _, uid := range []string{"", "a'; reboot; '", "a b", "a\nb", strings.Repeat("a", 65)} {
		if diff := cmp.Diff(want, script.Preamble(source(uid), "kubectl --context=prod")); diff != "" {
			t.Errorf("with the UID %q (-want +got):\n%s", uid, diff)
		}
	}
}

const (
	other                 = "Nothing was run: kubectl talks to another cluster than the one that was planned for. Its namespace kube-system has another UID than " + plannedClusterUID + "."
	unreadable            = "Nothing was run: the UID of the namespace kube-system could not be read, so it is not known whether this is the cluster that was planned for. Make sure that it is, and run this with PSP2PSS_THIS_CLUSTER=1."
	unknownClusterMessage = `Nothing was run. These commands are from context prod, and it is not known which cluster they are for: make sure that kubectl talks to the right one, and run them with PSP2PSS_THIS_CLUSTER=1.`
)

// Whatever kubectl answers, nothing below the beginning is run but on the planned cluster, or where the user says so.
func TestNothingRunsElsewhere(t *testing.T) {
	t.Parallel()
	const forbidden = "Error from server (Forbidden)"
	tests := []struct {
		name, planned, answer string
		env                   []string
		want                  string // on standard error; "" runs
	}{
		{name: "the planned cluster", planned: plannedClusterUID, answer: plannedClusterUID},
		{name: "another", planned: plannedClusterUID, answer: "11111111-0000-0000-0000-000000000000", want: other},
		{name: "another, whatever the user says", planned: plannedClusterUID, answer: "11111111-0000-0000-0000-000000000000", env: []string{"PSP2PSS_THIS_CLUSTER=1"}, want: other},
		{name: "a longer answer", planned: plannedClusterUID, answer: plannedClusterUID + "\n" + plannedClusterUID, want: other},
		{name: "an answer that a shell might act on", planned: plannedClusterUID, answer: "$(reboot) ) ! -n *", want: other},
		{name: "no answer", planned: plannedClusterUID, want: unreadable},
		{name: "no answer, and the user vouches for it", planned: plannedClusterUID, env: []string{"PSP2PSS_THIS_CLUSTER=1"}},
		{name: "refused", planned: plannedClusterUID, answer: forbidden, want: forbidden + "\n" + unreadable},
		{name: "refused, and the user says something else", planned: plannedClusterUID, answer: forbidden, env: []string{"PSP2PSS_THIS_CLUSTER=0"}, want: forbidden + "\n" + unreadable},
		{name: "nothing to compare with", answer: plannedClusterUID, want: unknownClusterMessage},
		{name: "nothing to compare with, and the user vouches for it", answer: plannedClusterUID, env: []string{"PSP2PSS_THIS_CLUSTER=1"}},
	}
	for _, shell := range shells(t) {
		for _, tt := range tests {
			t.Run(strings.Join(shell, " ")+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				text := script.Preamble(source(tt.planned), "kubectl --context=prod") + "kubectl --context=prod delete everything\n"
				calls, said, code := run(t, shell, text, tt.answer, tt.env)
				ran := strings.Contains(calls, "delete everything")
				if want := tt.want == ""; ran != want || (code == 0) != want {
					t.Errorf("ran: %t, exit code %d; kubectl was called with\n%s", ran, code, calls)
				}
				if tt.want == "" {
					return
				}
				if diff := cmp.Diff(tt.want+"\n", said); diff != "" {
					t.Errorf("standard error (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// A script for a cluster that was read with a token runs nothing without one, and gives kubectl the one in the variable. A
// line that is copied out of it does neither.
func TestNothingRunsWithoutTheToken(t *testing.T) {
	t.Parallel()
	from := inventory.Source{Kind: inventory.SourceCluster, Server: "https://a", UID: plannedClusterUID, WithToken: true}
	kubectl, err := script.KubectlCommand(from)
	if err != nil {
		t.Fatal(err)
	}
	line := kubectl + " delete everything\n"
	const missing = "Nothing was run. The cluster was read with a token, which is kept nowhere: put one into the environment as PSP2PSS_TOKEN."
	for _, shell := range shells(t) {
		t.Run(strings.Join(shell, " "), func(t *testing.T) {
			t.Parallel()
			for _, env := range [][]string{nil, {"PSP2PSS_TOKEN="}} {
				if calls, said, code := run(t, shell, script.Preamble(from, kubectl)+line, plannedClusterUID, env); code == 0 || calls != "" || said != missing+"\n" {
					t.Errorf("%q: exit code %d, %q; kubectl was called with %q", env, code, said, calls)
				}
				if calls, _, code := run(t, shell, line, plannedClusterUID, env); code == 0 || calls != "" {
					t.Errorf("%q, one line: exit code %d; kubectl was called with %q", env, code, calls)
				}
			}
			calls, said, code := run(t, shell, script.Preamble(from, kubectl)+line, plannedClusterUID, []string{"PSP2PSS_TOKEN=a $b"})
			if want := "--server=https://a --token=a $b delete everything\n"; code != 0 || !strings.HasSuffix(calls, want) {
				t.Errorf("exit code %d, %q; kubectl was called with %q", code, said, calls)
			}
		})
	}
}

func shells(t *testing.T) [][]string {
	t.Helper()
	var out [][]string
	for _, shell := range [][]string{{"sh"}, {"dash"}, {"bash", "--posix"}, {"busybox", "sh"}, {"ksh"}, {"zsh", "--emulate", "sh"}} {
		if path, err := exec.LookPath(shell[0]); err == nil {
			out = append(out, append([]string{path}, shell[1:]...))
		}
	}
	if len(out) == 0 {
		t.Skip("there is no sh here")
	}
	return out
}

// run runs the script with a kubectl that notes its arguments, prints the answer, and refuses where that is an error; it is
// the one program on PATH.
func run(t *testing.T, shell []string, text, answer string, env []string) (calls, said string, code int) {
	t.Helper()
	bin := t.TempDir()
	stub := "#!" + shell[0] + strings.Join(append([]string{""}, shell[1:]...), " ") + `
echo "$*" >> '` + bin + `/calls'
case $ANSWER in Error*) echo "$ANSWER" >&2; exit 1;; esac
case $* in *kube-system*) printf '%s' "$ANSWER";; esac
`
	// A program that another test starts in this very moment would inherit the open file, and nothing can be run that is
	// open for writing ("text file busy").
	syscall.ForkLock.RLock()
	err := os.WriteFile(filepath.Join(bin, "kubectl"), []byte(stub), 0o700)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), shell[0], append(shell[1:], "-c", text)...)
	cmd.Env = append([]string{"PATH=" + bin, "ANSWER=" + answer}, env...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	noted, err := os.ReadFile(filepath.Join(bin, "calls"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(noted), errOut.String(), cmd.ProcessState.ExitCode()
}
