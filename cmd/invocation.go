package cmd

import (
	"slices"

	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/script"
)

// invocationOf returns how a command was called, from its parsed flags, for the commands that its report names. What is
// secret, and what is about this run alone, is not in it.
func invocationOf(flags *pflag.FlagSet, deps Deps) report.Invocation {
	source, decide, scope := pflag.NewFlagSet("", pflag.ContinueOnError), []string{}, pflag.NewFlagSet("", pflag.ContinueOnError)
	addSourceFlags(source, &SourceOptions{})
	(&scopeFlags{}).add(scope)
	for _, name := range append(planChangingFlags(), allowPartialFlag) {
		if name != targetVersionFlag {
			decide = append(decide, name)
		}
	}
	c := report.Invocation{
		Tool: deps.ToolName, Source: givenArguments(flags, flagNames(source)), Target: givenArguments(flags, []string{targetVersionFlag}),
		Decide: givenArguments(flags, decide), Scope: givenArguments(flags, flagNames(scope)),
	}
	if f := flags.Lookup(tokenFlag); f != nil && f.Changed && f.Value.String() != "" {
		c.Secret = script.TokenFlag
	}
	for _, name := range []string{fileFlag, planFlag} {
		if f := flags.Lookup(name); f != nil && f.Changed && slices.Contains(flagValues(f), "-") {
			c.OneTime = true
		}
	}
	if f := flags.Lookup(auditLogFlag); f != nil && f.Changed {
		c.OneTime = true // most commands take no audit log: what it said to this one has to be saved
	}
	return c
}

// flagNames returns the names of command-line flags that can be repeated in another command: not those with a secret,
// nor those about one run.
func flagNames(flags *pflag.FlagSet) []string {
	var names []string
	flags.SortFlags = false
	flags.VisitAll(func(f *pflag.Flag) {
		if !slices.Contains([]string{timeoutFlag, tokenFlag, "all-namespaces"}, f.Name) {
			names = append(names, f.Name)
		}
	})
	return names
}

// givenArguments returns the command-line flags of these names that were given, as arguments that say the same.
func givenArguments(flags *pflag.FlagSet, names []string) []string {
	var out []string
	for _, name := range names {
		f := flags.Lookup(name)
		if f == nil || !f.Changed {
			continue
		}
		for _, value := range flagValues(f) {
			switch {
			case f.Value.Type() == "bool" && value == "true" && f.Shorthand != "":
				out = append(out, "-"+f.Shorthand)
			case f.Value.Type() == "bool" && value == "true":
				out = append(out, "--"+name)
			case f.Shorthand != "":
				out = append(out, "-"+f.Shorthand, value)
			default:
				out = append(out, "--"+name+"="+value)
			}
		}
	}
	return out
}

// flagValues returns the values of a command-line flag, one for each time that it can be given.
func flagValues(f *pflag.Flag) []string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return []string{f.Value.String()}
}
