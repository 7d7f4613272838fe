package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/psp2pss/psp2pss/migrate/exceptions"
)

// privilegedPod is a pod whose exception ends with 2026-11-30.
const privilegedPod = `apiVersion: v1
kind: Pod
metadata:
  name: a
  annotations: {psp2pss.dev/allow.privileged: "needs it; until=2026-11-30"}
spec:
  containers:
  - {name: app, image: x, securityContext: {privileged: true}}
`

// The clock of the caller says whether an exception is past its day.
func TestExceptionsFollowTheClock(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		day  int
		code int
		want string
	}{
		{30, 0, "Accepted by an exception"},
		{31, 3, "the exception from check privileged ended on 2026-11-30"}, // 1 December
	} {
		streams, out, _ := BufferStreams(privilegedPod)
		deps := SystemDeps("psp2pss")
		deps.Now = func() time.Time { return time.Date(2026, 11, test.day, 12, 0, 0, 0, time.UTC) }
		root := NewRootCommand(streams, deps)
		root.SetArgs([]string{"check", "-f", "-", "--level=baseline"})
		if code := exitCode(root.ExecuteContext(t.Context())); code != test.code || !strings.Contains(out.String(), test.want) {
			t.Errorf("day %d: exit %d, want %d with %q:\n%s", test.day, code, test.code, test.want, out)
		}
	}
}

// A file of exceptions that is too large, a folder or no text is refused.
func TestExceptionsThatAreNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	large, packed := filepath.Join(dir, "large"), filepath.Join(dir, "packed")
	for name, text := range map[string]string{large: strings.Repeat("#", exceptions.MaxFileSize+10), packed: "\x1f\x8b\x08"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{large: "it has more than 1048576 bytes", packed: "it is packed with gzip", dir: "it is a folder"} {
		for _, flag := range []string{"--exceptions=", "--since="} {
			if name == large && flag == "--since=" {
				want = "it is no JSON"
			}
			streams, out, _ := BufferStreams(privilegedPod)
			root := NewRootCommand(streams, SystemDeps("psp2pss"))
			root.SetArgs([]string{"check", "-f", "-", "--level=baseline", flag + name})
			if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0 {
				t.Errorf("%s%s: got %v and %q, want %q", flag, name, err, out, want)
			}
		}
	}
}

// The help shows a file of exceptions that is one.
func TestHelpShowsExceptions(t *testing.T) {
	t.Parallel()
	_, example, ok := strings.Cut(commands(t)["check"].Long, "Such a file is:\n\n")
	if !ok {
		t.Fatal("there is none")
	}
	example, _, _ = strings.Cut(example, "\n\n")
	file, err := exceptions.Parse("help", []byte(example))
	if err != nil || len(file.Entries) != 1 || file.Entries[0].Reason == "" || file.Entries[0].Until == "" {
		t.Errorf("got %+v, %v of\n%s", file, err, example)
	}
}
