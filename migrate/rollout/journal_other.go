//go:build !unix

package rollout

import "os"

// lockFile does nothing on this system: only the lock in the cluster keeps two roll-outs apart.
func lockFile(*os.File) error { return nil }

// unlockFile does nothing on this system, where the journal has no lock.
func unlockFile(*os.File) {}
