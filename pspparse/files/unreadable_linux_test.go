package files

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A file that may not be read is a gap, and the rest is read. Root may read everything, so a test run by root reads as
// nobody.
func TestUnreadableFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "dir/secret.yaml", psp("s"))
	write(t, "dir/open.yaml", psp("o"))
	if err := os.Chmod("dir/secret.yaml", 0); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		const nobody = 65534
		if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{".", "dir", "dir/open.yaml"} {
			if err := os.Chown(path, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		// The identity for files is the thread's own; a thread that stays locked ends with its goroutine.
		runtime.LockOSThread()
		if err := syscall.Setfsuid(nobody); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := syscall.Setfsuid(0); err == nil {
				runtime.UnlockOSThread()
			}
		}()
	}
	inv, err := (&Reader{Paths: []string{"dir"}}).Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"policy o policy/v1beta1 dir/open.yaml:1",
		`gap dir/secret.yaml:0 "dir/secret.yaml": opening it failed: permission denied; read it as a user who may, or leave it out [*]`,
	}
	if diff := cmp.Diff(want, summary(inv), messageText()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
