package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// Invocation is how this tool was called for a report, so that the report can name the commands that go on from it. The
// zero value is a call without arguments.
type Invocation struct {
	// Tool is what it was called as: psp2pss (also where it is ""), or kubectl psp2pss.
	Tool string
	// Source are the arguments that say what is read, such as --demo or -f and a file; none for the cluster of the
	// current context. Standard input is not among them: it is read only once.
	Source []string
	// OneTime is true where the source cannot be read again, or not by every command.
	OneTime bool
	// Target is the argument for the target version, and Decide are the others that shape a recommendation.
	Target, Decide []string
	// Scope are the arguments that select namespaces; none for all.
	Scope []string
	// Secret is the argument by which a shell gives the token, as a word for it; "" where none was given. The token is not
	// in it.
	Secret string
}

// Command returns a line for a POSIX shell that calls the tool with a verb, the arguments of the call that the verb
// takes, and flags of its own.
func (c Invocation) Command(verb string, arguments ...[]string) string {
	line := []string{cmp.Or(c.Tool, "psp2pss"), verb}
	for _, argument := range slices.Concat(arguments...) {
		line = append(line, escape.Shell(argument))
	}
	if c.Secret != "" {
		line = append(line, c.Secret)
	}
	return strings.Join(line, " ")
}
