// Command psp2pss takes a cluster from PodSecurityPolicy to the Pod Security Standards. As kubectl-psp2pss on PATH it
// is a kubectl plugin.
package main

import (
	"os"

	"github.com/psp2pss/psp2pss/cmd"
)

// main runs the command-line tool and exits with the exit code that it returns.
func main() { os.Exit(cmd.Main()) }
