package cmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate/report"
)

// noArgs returns the usage error for arguments of a command that takes none.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return argumentError(cmd, cmd.Name()+" takes no arguments", args[0])
}

// asRunError marks an error as one of a command's own run, and not of cobra's parsing of the command line.
func asRunError(err error) error {
	if err == nil {
		return nil
	}
	return runError{err}
}

// addOutputFlag defines the command-line flag -o with the names of the output formats, the first of which is the default.
func addOutputFlag[R any](cmd *cobra.Command, values *[]string, formats []report.Format[R]) {
	names := report.FormatNames(formats)
	usage := "format, or FORMAT=FILE to write it to a file (- is standard output); may be repeated; one of " + strings.Join(names, ", ") + " (default " + names[0] + ")"
	expressions := formatsWithExpression(formats)
	if len(expressions) > 0 {
		document, _ := report.FindFormat(formats, report.JSONFormat)
		usage += fmt.Sprintf("; as in kubectl also %[1]s=HEADER:PATH,... with a row for each of %[2]s, and %[3]s=EXPRESSION, of what json has, or %[1]s-file=FILE and %[3]s-file=FILE",
			columnsFormat, strings.Join(document.Rows, " and "), jsonpathFormat)
	}
	cmd.Flags().VarP(outputFlag{values}, "output", "o", usage)
	registerCompletion(cmd, "output", append(names, expressions...))
}

// completeFormats returns the output formats that a word on the command line may become; what goes on behind it has no space
// after it.
func completeFormats(formats []string, begun string) ([]string, cobra.ShellCompDirective) {
	offered := slices.DeleteFunc(slices.Clone(formats), func(name string) bool { return !strings.HasPrefix(name, begun) })
	if len(offered) > 0 && !slices.ContainsFunc(offered, func(name string) bool { return !strings.HasSuffix(name, "=") }) {
		return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	return offered, cobra.ShellCompDirectiveNoFileComp
}

// completedValues is the annotation of a command-line flag that has the values for a shell to complete.
const completedValues = "psp2pss-completed-values"

// registerCompletion offers the values of a command-line flag to the shell: it writes them into the flag's annotations, from where
// completer takes them.
func registerCompletion(cmd *cobra.Command, flag string, values []string) {
	f := cmd.Flag(flag)
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[completedValues] = values
}

// refuseEmptyFlags makes every command-line flag of a command and of those below it refuse an empty value: it is what a shell leaves of a
// variable that is not set, and must not pass for "all" or "none".
func refuseEmptyFlags(cmd *cobra.Command) {
	refuse := func(f *pflag.Flag) {
		switch f.Value.(type) {
		case nonEmptyFlag, nonEmptyListFlag:
			return
		}
		if f.DefValue == "[]" || f.DefValue == "0s" {
			f.DefValue = "0" // which the help leaves out whatever the type is
		}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			f.Value = nonEmptyListFlag{nonEmptyFlag{f.Value}, list}
			return
		}
		f.Value = nonEmptyFlag{f.Value}
	}
	cmd.Flags().VisitAll(refuse)
	cmd.PersistentFlags().VisitAll(refuse)
	for _, sub := range cmd.Commands() {
		refuseEmptyFlags(sub)
	}
}

// isBlank reports whether the value of a command-line flag is empty or white space alone.
func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// nonEmptyFlag is the value of a command-line flag that must not be empty.
type nonEmptyFlag struct{ pflag.Value }

// Set sets the flag, or returns an error for a blank value.
func (v nonEmptyFlag) Set(s string) error {
	if isBlank(s) {
		return errors.New("it is empty, perhaps because a shell variable is not set: give it a value, or leave the flag out")
	}
	return v.Value.Set(s)
}

// nonEmptyListFlag is the value of a command-line list flag, no element of which may be empty.
type nonEmptyListFlag struct {
	nonEmptyFlag
	list pflag.SliceValue
}

// Set adds elements to the list flag, or returns an error for a blank one.
func (v nonEmptyListFlag) Set(s string) error {
	if err := v.nonEmptyFlag.Set(s); err != nil {
		return err
	}
	return v.check(v.list.GetSlice())
}

// Append adds one element to the list flag, or returns an error for a blank one.
func (v nonEmptyListFlag) Append(s string) error {
	return errors.Join(v.check([]string{s}), v.list.Append(s))
}

// Replace sets the elements of the list flag, or returns an error for a blank one; an empty list is allowed.
func (v nonEmptyListFlag) Replace(elements []string) error {
	return errors.Join(v.check(elements), v.list.Replace(elements))
}

// GetSlice returns the elements of the list flag.
func (v nonEmptyListFlag) GetSlice() []string { return v.list.GetSlice() }

// check returns an error where an element of a list flag is blank.
func (nonEmptyListFlag) check(elements []string) error {
	if slices.ContainsFunc(elements, isBlank) {
		return errors.New("an element of the list is empty, perhaps because a shell variable is not set: give it a value, or leave it out")
	}
	return nil
}

// resetFlag sets a command-line flag back to its default, as if it had not been given.
func resetFlag(f *pflag.Flag) error {
	f.Changed = false
	switch v := f.Value.(type) {
	case pflag.SliceValue:
		return v.Replace(nil)
	case nonEmptyFlag:
		return v.Value.Set(f.DefValue)
	}
	return f.Value.Set(f.DefValue)
}
