//go:build unix

package rollout

import (
	"errors"
	"os"
	"syscall"
)

// lockFile keeps other processes of this machine from the journal until the file is closed or the process ends. It returns
// ErrInUse if another process has it.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return err
}

// unlockFile lets other processes of this machine have the journal. Closing the file does not do that at once: a program that is being
// started has a copy of it for a moment.
func unlockFile(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) } // of a closed file there is no lock
