package cmd

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// suggestion returns the end of a usage error that names what was probably meant by a misspelt value of a flag, and "" where nothing
// is near.
func suggestion(value string, known []string) string {
	if near := pspparse.SuggestName(value, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// notOneOf returns the text of a usage error for a value of a flag that is none of those it may have.
func notOneOf(value string, known []string) string {
	return "it is not one of " + strings.Join(known, ", ") + suggestion(value, known)
}

// flagUsageError returns the usage error for what pflag says about the flags of a command line, in our words and with the flag that was
// probably meant.
func flagUsageError(cmd *cobra.Command, err error) error {
	var (
		missing *pflag.NotExistError
		bare    *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
		syntax  *pflag.InvalidSyntaxError
	)
	switch {
	case errors.As(err, &missing) && missing.GetSpecifiedShortnames() != "":
		name, _, _ := strings.Cut(missing.GetSpecifiedShortnames(), "=") // -token=SECRET: the value is not repeated
		return usagef("unknown flag: -%s%s", name, nearestFlag(cmd, name))
	case errors.As(err, &missing):
		if missing.GetSpecifiedName() == "version" {
			return usagef("unknown flag: --version: '%s --version' prints it", cmd.Root().DisplayName())
		}
		return usagef("unknown flag: --%s%s", missing.GetSpecifiedName(), nearestFlag(cmd, missing.GetSpecifiedName()))
	case errors.As(err, &bare) && bare.GetFlag().Name == kustomizeFlag:
		return kustomizeError(cmd, "DIR")
	case errors.As(err, &bare):
		return usagef("%s needs a value%s", flagAsGiven(bare.GetSpecifiedName()), valuesOfFlag(bare.GetFlag()))
	case errors.As(err, &invalid):
		return usagef("invalid argument %q for %q flag: %s", invalid.GetValue(), flagInHelp(invalid.GetFlag()), invalidValueReason(invalid.GetFlag(), invalid.Unwrap()))
	case errors.As(err, &syntax):
		name := strings.TrimLeft(syntax.GetSpecifiedFlag(), "-")
		return usagef("unknown flag: %s%s", syntax.GetSpecifiedFlag(), nearestFlag(cmd, name))
	}
	return usageError{err}
}

// flagAsGiven returns a flag as it stands on a command line: -o, --output.
func flagAsGiven(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// flagInHelp returns a flag as the help of a command has it: "-o, --output".
func flagInHelp(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand + ", --" + f.Name
	}
	return "--" + f.Name
}

// valuesOfFlag returns the end of a usage error that lists the values of a flag, where that has a list.
func valuesOfFlag(f *pflag.Flag) string {
	value := f.Value
	if v, is := value.(nonEmptyFlag); is {
		value = v.Value
	}
	if v, is := value.(enumFlag); is {
		return ": one of " + strings.Join(v.allowed, ", ")
	}
	return ""
}

// invalidValueReason returns, for a usage error, why the value of a flag is invalid, without the words of the libraries that read it.
func invalidValueReason(f *pflag.Flag, err error) string {
	var number *strconv.NumError
	var list *csv.ParseError
	switch {
	case errors.As(err, &list):
		return "it is no list with commas: leave out the quotation marks"
	case f.Value.Type() == "duration" && strings.HasPrefix(err.Error(), "time: "):
		return "it is no duration: write a number with its unit, such as 30s, 5m or 1h"
	case !errors.As(err, &number):
		return err.Error()
	case f.Value.Type() == "bool":
		return "it is neither true nor false"
	case errors.Is(number.Err, strconv.ErrRange):
		return "it is too large a number"
	}
	return "it is no whole number"
}

// flagSynonyms has, for words that other tools use as flags, the flags of this tool that mean it.
func flagSynonyms() map[string]string {
	return map[string]string{
		"format": "output", "out": "output", "dir": "filename", "folder": "filename", "input": "filename", "path": "filename", "manifests": "filename",
		"ns": "namespace", "kube-context": "context", "config": "kubeconfig", "kube-version": "target-version", "k8s-version": "target-version",
		"kubernetes-version": "target-version", "version": "target-version", "assume-yes": "yes", "auto-approve": "yes", "wait-timeout": "timeout",
		"all": "all-namespaces", "label-selector": "selector", "labels": "selector", "server-dry-run": "dry-run", "user": "as", "impersonate": "as",
	}
}

// nearestFlag returns the end of a usage error that says which flag of a command was probably meant by a name, or which commands have
// a flag of that name; "" where nobody knows.
func nearestFlag(cmd *cobra.Command, name string) string {
	if meant := flagMeantBy(cmd.Flags(), name); meant != "" {
		return "; did you mean " + meant + "?"
	}
	var others []string
	for _, other := range cmd.Root().Commands() {
		if other != cmd && other.IsAvailableCommand() && hasFlag(other, name) {
			others = append(others, other.Name())
		}
	}
	switch {
	case len(others) == 0:
		return ""
	case !cmd.HasParent():
		if slices.Contains(others, "plan") {
			others[0] = "plan"
		}
		return fmt.Sprintf("; flags come after the command, as in '%s %s %s'", cmd.CommandPath(), others[0], flagAsGiven(name))
	}
	const most = 4
	names := english.And(others)
	if len(others) > most {
		names = english.First(others, most)
	}
	return fmt.Sprintf("; %s has none, but %s %s", cmd.Name(), names, english.Plural(len(others), "has", "have"))
}

// hasFlag reports whether a command, or one below it, has a flag of that name or letter.
func hasFlag(cmd *cobra.Command, name string) bool {
	if cmd.Flags().Lookup(name) != nil || len(name) == 1 && cmd.Flags().ShorthandLookup(name) != nil {
		return true
	}
	return slices.ContainsFunc(cmd.Commands(), func(sub *cobra.Command) bool { return hasFlag(sub, name) })
}

// flagMeantBy returns the flag of a command, with its dashes, that was probably meant by a name that none of them has; "" where none is
// near.
func flagMeantBy(flags *pflag.FlagSet, name string) string {
	if len(name) == 1 && flags.ShorthandLookup(name) != nil {
		return "-" + name
	}
	const fewest = 3 // letters that say something
	var all, longer []string
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		all = append(all, f.Name)
		if len(name) >= fewest && strings.HasPrefix(f.Name, name) {
			longer = append(longer, f.Name)
		}
	})
	near := pspparse.SuggestName(name, all)
	if near == "" && len(longer) == 1 {
		near = longer[0]
	}
	if near == "" && flags.Lookup(flagSynonyms()[name]) != nil {
		near = flagSynonyms()[name]
	}
	if near == "" {
		return ""
	}
	return "--" + near
}

// otherTools has words that users of other tools try as commands, with the command of this tool that does it.
func otherTools() []struct{ words, advice string } {
	return []struct{ words, advice string }{
		{"apply enforce deploy run start execute", "'%[1]s rollout' puts the labels on a cluster, and '%[1]s labels' writes the commands for it"},
		{"diff compare", "'%[1]s plan --diff old.json' says what changed since a saved plan"},
		{"scan audit analyze analyse assess list get show describe status inspect init", "'%[1]s plan' reads a cluster or files and says what to change; it writes nothing"},
		{"undo revert restore unapply uninstall delete remove", "'%[1]s rollback' takes a roll-out back, by its journal"},
		{"dry-run preview", "'%[1]s plan' writes nothing, and '%[1]s rollout --dry-run=client' prints the steps"},
		{"lint validate test evaluate eval", "'%[1]s simulate' says what a level refuses, and '%[1]s gate' whether the cluster is ready"},
		{"ready upgrade preflight", "'%[1]s gate' says whether the cluster is ready for the upgrade"},
		{"mutate repair harden remediate", "'%[1]s patch' writes the edits that workloads need, and '%[1]s fix' makes them in manifests"},
		{"install setup", "nothing is installed in a cluster: begin with '%[1]s plan'"},
		{"migrate convert transform", "begin with '%[1]s plan', then '%[1]s labels' or '%[1]s rollout'"},
		{"namespace namespaces ns psp psps policy policies workload workloads why", "'%[1]s explain' gives the reasons for one namespace, policy or workload"},
		{"dump export save", "'%[1]s plan -o json=plan.json' saves what was found"},
		{"helm clean cleanup", "'%[1]s clean-helm' takes policies out of stored Helm releases"},
	}
}

// executeRoot runs a command line and returns the command that it names. Of a command that does not exist the error is ours: cobra's
// has no type, and its text begins as Sscanf reads it.
func executeRoot(ctx context.Context, root *cobra.Command, args []string) (*cobra.Command, error) {
	if len(args) > 0 && isBlank(args[0]) {
		return root, unknownCommandError(root, args[0])
	}
	cmd, err := root.ExecuteContextC(ctx)
	var name string
	if cmd == root && err != nil {
		if _, mismatch := fmt.Sscanf(err.Error(), "unknown command %q for", &name); mismatch == nil {
			err = unknownCommandError(root, name)
		}
	}
	return cmd, err
}

// unknownCommandError returns the usage error for a command that does not exist, with the one that was probably meant.
func unknownCommandError(root *cobra.Command, name string) error {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() || c.Name() == "help" {
			names = append(append(names, c.Name()), c.Aliases...)
		}
	}
	for _, tool := range otherTools() {
		if slices.Contains(strings.Fields(tool.words), strings.ToLower(name)) {
			return usagef("unknown command %q: %s", name, fmt.Sprintf(tool.advice, root.CommandPath()))
		}
	}
	return usagef("unknown command %q%s", name, suggestion(name, names))
}

// longDashes are what word processors and web pages make of the dashes before a flag.
const longDashes = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"

// argumentError returns the usage error for an argument that a command has no use for, with what was probably meant by it.
func argumentError(cmd *cobra.Command, takes, arg string) error {
	flags := cmd.Flags()
	given := func(name string) bool { f := flags.Lookup(name); return f != nil && f.Changed && !setByEnvironment(f) }
	advice := ""
	switch dash := strings.TrimLeft(arg, longDashes); {
	case dash != arg:
		advice = fmt.Sprintf("it begins with a long dash, as editors make one of --: type %s", flagAsGiven(strings.TrimLeft(dash, "-")))
	case strings.HasPrefix(arg, "-"):
		advice = "what follows -- is not read as a flag: leave the -- out"
	case given(fileFlag) && isPathLike(arg):
		advice = "-f takes one file or folder, and a shell makes several of a pattern: " + folderFlag(flags, arg) + " reads the folder"
	case flags.Lookup(fileFlag) != nil && isPathLike(arg):
		advice = "input is named with -f, as in -f " + arg
	case flags.Lookup(fileFlag) != nil && flags.Lookup("namespace") != nil:
		advice = "input is named with -f, namespaces with -n"
	case flags.Lookup(fileFlag) != nil:
		advice = "input is named with -f"
	case flags.Lookup(journalFlag) != nil:
		advice = "the journal is named with --" + journalFlag
	}
	if advice == "" {
		return usagef("%s, and got %q", takes, arg)
	}
	return usagef("%s, and got %q: %s", takes, arg, advice)
}

// isPathLike reports whether a command-line argument looks like a file and not like a name.
func isPathLike(arg string) bool { return strings.ContainsAny(arg, `/\`) || hasFileExtension(arg) }

// hasFileExtension reports whether a command-line argument ends as the files do that people give to this tool.
func hasFileExtension(arg string) bool {
	switch strings.ToLower(filepath.Ext(arg)) {
	case ".yaml", ".yml", ".json", ".gz", ".tgz", ".zip", ".tar", ".txt":
		return true
	}
	return false
}

// folderFlag returns the flag that reads the folder of a file, for a message.
func folderFlag(flags *pflag.FlagSet, file string) string {
	folder := filepath.Dir(file) + string(filepath.Separator)
	if r := flags.Lookup(recursiveFlag); r != nil && r.Changed {
		return "-R -f " + folder
	}
	return "-f " + folder
}

// workloadError returns the usage error for an argument that should name a workload, with how to write the one that was meant.
func workloadError(arg string) error {
	parts := strings.Split(arg, "/")
	meant := "shop/deployment/web"
	switch {
	case slices.ContainsFunc(parts, isBlank):
		return usagef("%q does not name a workload: give it as NAMESPACE/KIND/NAME", arg)
	case len(parts) == 2 && namesWorkloadKind(parts[0]):
		meant = "NAMESPACE/" + parseWorkloadKind(parts[0]) + "/" + parts[1]
	case len(parts) == 2:
		meant = parts[0] + "/deployment/" + parts[1]
	case len(parts) == 1:
		meant = "NAMESPACE/deployment/" + arg
	}
	if len(parts) > 2 {
		return usagef("%q does not name a workload: give it as NAMESPACE/KIND/NAME, as in %s", arg, meant)
	}
	return usagef("%q does not name a workload, which is NAMESPACE/KIND/NAME; did you mean %s?", arg, meant)
}

// minorSuggestion returns the end of a usage error that names the Kubernetes minor which was probably meant: "25" and "v1.25.3" are
// v1.25.
func minorSuggestion(s string) string {
	digits := strings.Split(strings.TrimPrefix(strings.ToLower(s), "v"), ".")
	if len(digits) == 1 {
		digits = []string{"1", digits[0]}
	}
	if v, err := parseMinor("v" + strings.Join(digits[:2], ".")); err == nil && migrate.CheckTargetVersion(v, "") == nil {
		return fmt.Sprintf("; did you mean %q?", v.String())
	}
	return suggestion(s, []string{"latest"})
}
