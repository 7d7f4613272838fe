package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// onTerminal runs the tool on a pseudo-terminal of some columns, and returns what the terminal got.
func onTerminal(t *testing.T, columns uint16, env []string, args ...string) string {
	t.Helper()
	return throughTerminal(t, columns, env, nil, args...)
}

// throughTerminal runs the tool on a pseudo-terminal, but with standard output going to out if that is not nil.
func throughTerminal(t *testing.T, columns uint16, env []string, out io.Writer, args ...string) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("the test needs a pseudo-terminal (/dev/ptmx): %v", err)
	}
	defer func() { _ = master.Close() }()
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	err = errors.Join(err, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0),
		unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: 50}))
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	tool := exec.CommandContext(t.Context(), "psp2pss", args...)
	tool.Env = slices.Concat([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TERM=xterm", "LANG=C.UTF-8"}, env)
	tool.Stdin, tool.Stdout, tool.Stderr = slave, slave, slave
	if out != nil {
		tool.Stdout = out
	}
	tool.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = tool.Start()
	_ = slave.Close()
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	_, _ = io.Copy(&got, master) // it ends with an error once nobody writes to the terminal any more
	var exit *exec.ExitError
	if err := tool.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return strings.ReplaceAll(got.String(), "\r\n", "\n")
}

// readable spells the escapes that give colour, so that a picture can be read and compared.
func readable(text string) string {
	return strings.NewReplacer("\x1b[0m", "<end>", "\x1b[1m", "<bold>", "\x1b[31m", "<red>", "\x1b[32m", "<green>", "\x1b[33m", "<yellow>", "\x1b", "<escape>").Replace(text)
}

// Pictures of a terminal of 80 and of 120 columns, with colour and without.
func TestPictures(t *testing.T) {
	pictures := map[string][]string{
		"plan":     {"plan", "--demo"},
		"explain":  {"explain", "ns", "shop", "--demo"},
		"simulate": {"simulate", "--demo", "-n", "shop", "--level=restricted"},
		"gate":     {"gate", "--demo"},
		"help":     {"--help"},
	}
	for name, args := range pictures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			for _, columns := range []uint16{80, 120} {
				plain := onTerminal(t, columns, []string{noColour + "=1"}, args...)
				coloured := readable(onTerminal(t, columns, nil, args...))
				checkWidth(t, name, plain, int(columns))
				if strings.Contains(plain, "\x1b") || strings.Contains(coloured, "<escape>") {
					t.Errorf("%d columns: escapes other than colours where they are wanted:\n%q\n%q", columns, plain, coloured)
				}
				fmt.Fprintf(&got, "==== %d columns ====\n%s==== %[1]d columns, colour ====\n%[3]s", columns, plain, coloured)
			}
			path := filepath.Join("testdata", "terminal", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	files, err := os.ReadDir(filepath.Join("testdata", "terminal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, ok := pictures[strings.TrimSuffix(f.Name(), ".txt")]; !ok {
			t.Errorf("testdata/terminal/%s is left over", f.Name())
		}
	}
}

// longest is the number of columns of the longest line that is not there to be copied.
func longest(text string) int {
	most := 0
	for line := range strings.SplitSeq(text, "\n") {
		if !pasted.MatchString(line) {
			most = max(most, columns(line))
		}
	}
	return most
}

// COLUMNS says how wide a terminal is, for standard output and standard error; what is no width says nothing, and where
// there is no terminal there is no width.
func TestColumns(t *testing.T) {
	t.Parallel()
	// Both streams have long lines: the table, and the error about an unknown name.
	plan, unknown := []string{"explain", "ns", "shop", "--demo"}, []string{"explain", "ns", strings.Repeat("no such ", 8), "--demo"}
	tests := []struct {
		columns     string
		least, most int
	}{
		{"60", 50, 60}, {"100", 81, 100}, {"0", 70, 80}, {"-5", 70, 80}, {"wide", 70, 80}, {"", 70, 80},
	}
	for _, tt := range tests {
		t.Run("COLUMNS="+tt.columns, func(t *testing.T) {
			t.Parallel()
			for _, args := range [][]string{plan, unknown} {
				got := onTerminal(t, 80, []string{"COLUMNS=" + tt.columns, noColour + "=1"}, args...)
				if n := longest(got); n < tt.least || n > tt.most {
					t.Errorf("%q: the longest line has %d columns, and may have %d to %d:\n%s", args, n, tt.least, tt.most, got)
				}
			}
		})
	}
	var piped bytes.Buffer
	if got := throughTerminal(t, 80, []string{"COLUMNS=40"}, &piped, "simulate", "--demo", "--level=restricted"); longest(got) > 40 {
		t.Errorf("a terminal beside a pipe got\n%s", got)
	}
	_, whole, _ := runTool(SystemDeps("psp2pss"), "", "simulate", "--demo", "--level=restricted")
	if diff := cmp.Diff(whole, piped.String()); diff != "" {
		t.Errorf("a pipe beside a terminal (-whole +got):\n%s", diff)
	}
}
