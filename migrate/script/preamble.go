// Package script owns what every generated shell script has: the kubectl command for the cluster of the plan, a preamble that
// ends the script at the first failure and on any other cluster, and comment lines. It takes the source of a Plan and returns
// text. It never runs anything.
package script

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// ThisClusterVariable is the environment variable that lets a generated script run where it is not known which cluster it
// is for; its value is 1. It lets none run on a cluster that is known to be another one.
const ThisClusterVariable = "PSP2PSS_THIS_CLUSTER"

// uidPattern matches a UID that an API server gives to an object. A plan may come from a file, so its UID is checked.
var uidPattern = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// plannedClusterUID returns, for a script's check, the UID of the namespace kube-system of the plan's cluster; "" if it
// is not known.
func plannedClusterUID(s inventory.Source) string {
	if !uidPattern.MatchString(s.UID) {
		return ""
	}
	return s.UID
}

// ClusterUIDCommand returns the kubectl command that prints the UID of the namespace kube-system.
func ClusterUIDCommand(kubectl string) string {
	return kubectl + " get namespace kube-system --output='jsonpath={.metadata.uid}'"
}

// SameClusterNote returns, for what is written beside scripts, the note on what ClusterUIDCommand has to print for the
// cluster of the plan, for text that is no script.
func SameClusterNote(s inventory.Source) string {
	if plannedClusterUID(s) == "" {
		return "Make sure that it is the right cluster: this was written without knowing the UID of its namespace kube-system, which is printed by"
	}
	return "It is the cluster that was planned for only if " + plannedClusterUID(s) + " is printed by"
}

// Preamble returns the beginning of a generated shell script, below its first comments: nothing after it runs on
// another cluster than the plan's. It needs a POSIX shell and kubectl, nothing else.
func Preamble(s inventory.Source, kubectl string) string {
	want, token := plannedClusterUID(s), tokenPreamble(s)
	if want == "" {
		return token + fmt.Sprintf(unknownClusterPreamble, ThisClusterVariable, escape.Shell("Nothing was run. These commands are from "+phrases.SourcePhrase(s)+", and it is not known which cluster they are for: "+
			"make sure that kubectl talks to the right one, and run them with "+ThisClusterVariable+"=1."))
	}
	return token + fmt.Sprintf(knownClusterPreamble, want, ThisClusterVariable, ClusterUIDCommand(kubectl))
}

// tokenPreamble returns the part of a script's Preamble that ends it where the token is missing with which the cluster
// was read; "" where it was read without.
func tokenPreamble(s inventory.Source) string {
	if !s.WithToken {
		return ""
	}
	to := "the API server"
	if s.Server != "" {
		to = s.Server
	}
	return fmt.Sprintf(missingTokenPreamble, TokenVariable, escape.Comment(to))
}

// missingTokenPreamble is the tokenPreamble of a cluster that was read with a token.
//
//nolint:gosec // it holds the name of a variable
const missingTokenPreamble = `# The token in %[1]s is sent to %[2]s; it is written nowhere.
if [ -z "${%[1]s:-}" ]; then
  echo 'Nothing was run. The cluster was read with a token, which is kept nowhere: put one into the environment as %[1]s.' >&2
  exit 1
fi
`

// unknownClusterPreamble is the Preamble where there is no UID to compare.
const unknownClusterPreamble = `# Which cluster this is for is not known: it runs only with %[1]s=1 in the environment.
set -eu
if [ "${%[1]s:-}" != 1 ]; then
  printf '%%s\n' %[2]s >&2
  exit 1
fi
`

// knownClusterPreamble is the Preamble where there is a UID to compare. What kubectl prints is compared and not shown: it
// may be anything.
const knownClusterPreamble = `# This is for the cluster whose namespace kube-system has the UID %[1]s: it ends at once on any other.
# Where that may not be read, it runs only with %[2]s=1 in the environment.
set -eu
cluster=$(%[3]s) || cluster=
if [ -n "$cluster" ] && [ "$cluster" != %[1]s ]; then
  echo 'Nothing was run: kubectl talks to another cluster than the one that was planned for. Its namespace kube-system has another UID than %[1]s.' >&2
  exit 1
fi
if [ -z "$cluster" ] && [ "${%[2]s:-}" != 1 ]; then
  echo 'Nothing was run: the UID of the namespace kube-system could not be read, so it is not known whether this is the cluster that was planned for. Make sure that it is, and run this with %[2]s=1.' >&2
  exit 1
fi
`

// Comment writes one comment line of a generated script, YAML or HCL file. Whatever the text is made of, it stays one
// comment.
func Comment(b *bytes.Buffer, format string, args ...any) {
	b.WriteString("# " + escape.Comment(fmt.Sprintf(format, args...)) + "\n")
}
