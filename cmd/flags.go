package cmd

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/migrate/report"
)

// noArgs refuses arguments and says what may have been meant.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.Flags().Lookup(fileFlag) == nil:
		return usagef("%s takes no arguments, and got %q", cmd.Name(), args[0])
	}
	return usagef("%s takes no arguments, and got %q: input is named with -f", cmd.Name(), args[0])
}

// markRun marks an error as the verb's own and not cobra's.
func markRun(err error) error {
	if err == nil {
		return nil
	}
	return runError{err}
}

func addOutputFlag(cmd *cobra.Command, values *[]string, formats []report.Format) {
	names := formatNames(formats)
	cmd.Flags().StringArrayVarP(values, "output", "o", nil, "format, or FORMAT=FILE to write it to a file (- is standard output); may be repeated; one of "+strings.Join(names, ", ")+" (default "+names[0]+")")
	complete(cmd, "output", names)
}

// complete offers the values of a flag to the shell. It fails only for a flag that does not exist, which a test of the
// command would show.
func complete(cmd *cobra.Command, flag string, values []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
