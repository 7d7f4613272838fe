package script

import (
	_ "embed"
	"strings"
)

// collectScript is the script of Collect, with KUBECTL, ALWAYS, CUSTOM and TOOL where they stand.
//
//go:embed collect.sh
var collectScript string

// Collect returns a POSIX shell script that saves the lists of resources of a cluster in a folder, with kubectl alone and with get and
// list alone. kubectl is its command for the cluster. What cannot be listed is left as an error in the file of the list, where the reader of
// files finds it. always are the resources whose absence is an error, and custom those that many clusters do not serve.
func Collect(tool, kubectl string, always, custom []string) string {
	return strings.NewReplacer("@TOOL@", tool, "@KUBECTL@", kubectl, "@ALWAYS@", onLines(always), "@CUSTOM@", onLines(custom)).Replace(collectScript)
}

// onLines returns the names of resources as lines of a script's here-document.
func onLines(names []string) string { return strings.Join(names, "\n") }
