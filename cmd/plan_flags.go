package cmd

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
)

// enumFlag is the value of a command-line flag out of a fixed list.
type enumFlag struct {
	value *string
	// typeName the values are, for the help.
	typeName string
	allowed  []string
}

// String returns the value of a flag out of a fixed list, as pflag asks for it.
func (c enumFlag) String() string { return *c.value }

// Type returns the word that the help shows for the value of the flag.
func (c enumFlag) Type() string { return c.typeName }

// add defines the command-line flag, with the list of its values in the help.
func (c enumFlag) add(cmd *cobra.Command, name, short, usage string) {
	cmd.Flags().VarP(c, name, short, usage+"; one of "+strings.Join(c.allowed, ", "))
	registerCompletion(cmd, name, c.allowed)
}

// Set sets the flag, or returns a usage error for a value that is not in the list.
func (c enumFlag) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return usagef("%s", notOneOf(s, c.allowed))
	}
	*c.value = s
	return nil
}

// planFlagValues are the values of the flags that shape the recommendation of a Plan.
type planFlagValues struct {
	target, basis, empty, enforce, audit, warn string
	allowPartial                               bool
}

// add defines the command-line flags that shape the recommendation of a Plan.
func (d *planFlagValues) add(cmd *cobra.Command) {
	d.addEnforce(cmd)
	enumFlag{&d.audit, "level", levels.Names()}.add(cmd, "audit", "", "level to audit (default restricted)")
	enumFlag{&d.warn, "level", levels.Names()}.add(cmd, "warn", "", "level to warn about (default restricted)")
	d.addAllowPartial(cmd)
}

// addEnforce defines the command-line flags that shape which level a Plan enforces.
func (d *planFlagValues) addEnforce(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&d.target, "target-version", "", `Kubernetes minor whose standards apply and that labels are pinned to, such as v1.25, or "latest" (default v1.25, or the server's own minor if that is newer)`)
	enumFlag{&d.basis, "basis", []string{string(migrate.BasisWorkloads), string(migrate.BasisPolicies), string(migrate.BasisBoth)}}.add(cmd, "basis", "", "what decides the enforce level: what runs, what the policies permit, or the less strict of both (default workloads)")
	enumFlag{&d.empty, "rule", []string{string(migrate.EmptyPolicies), string(migrate.EmptyRestricted), string(migrate.EmptyBaseline), string(migrate.EmptySkip)}}.add(cmd, "empty-namespaces", "", "what decides where nothing runs (default policies, then restricted)")
	enumFlag{&d.enforce, "level", levels.Names()}.add(cmd, "enforce", "", "enforce this level everywhere, whatever it breaks; what it breaks is said")
}

// addAllowPartial defines the command-line flag that accepts a Plan for which something could not be read.
func (d *planFlagValues) addAllowPartial(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&d.allowPartial, allowPartialFlag, false, "recommend enforce also where something could not be read, and exit 0 instead of 4; one that was made without it stays as it is")
}

// targetVersionFlag is the version of the standards that a Plan applies.
const targetVersionFlag = "target-version"

// allowPartialFlag accepts a result although something could not be read.
const allowPartialFlag = "allow-partial"

// planChangingFlags are the names of the flags that shape a recommendation, which a saved Plan already holds.
func planChangingFlags() []string {
	return []string{targetVersionFlag, "basis", "empty-namespaces", "enforce", "audit", "warn"}
}

// savedPlanFlagError returns the usage error for a flag that has no effect together with --plan.
func savedPlanFlagError(flag string) error {
	return usagef("--%s cannot change a plan that is already made: leave out --%s, or read the source again with --%s", flag, flag, flag)
}

// options checks the command-line flags that shape a recommendation and returns them as options of the Plan.
func (d *planFlagValues) options(flags *pflag.FlagSet) (migrate.Options, error) {
	for _, name := range planChangingFlags() {
		if err := resolveFlagConflict(flags, planFlag, name); err != nil {
			return migrate.Options{}, savedPlanFlagError(name)
		}
	}
	target, err := parseTargetVersion(d.target)
	if err != nil {
		return migrate.Options{}, err
	}
	return migrate.Options{
		Target:          target,
		Basis:           migrate.Basis(d.basis),
		EmptyNamespaces: migrate.EmptyNamespaces(d.empty),
		Enforce:         api.Level(d.enforce),
		Audit:           api.Level(d.audit),
		Warn:            api.Level(d.warn),
		AllowPartial:    d.allowPartial,
	}, nil
}

// checkInputFlags checks the command-line flags that say what is read, how a Plan decides and which namespaces are meant, before
// anything is read. It completes source, and returns what the others become, or a usage error.
func checkInputFlags(flags *pflag.FlagSet, streams Streams, source *SourceOptions, decide *planFlagValues, scope *scopeFlags) (migrate.Options, migrate.NamespaceScope, error) {
	options, err := decide.options(flags)
	if err != nil {
		return migrate.Options{}, migrate.NamespaceScope{}, err
	}
	if err := source.validate(flags, streams); err != nil {
		return migrate.Options{}, migrate.NamespaceScope{}, err
	}
	if err := source.checkTargetVersion(options.Target); err != nil {
		return migrate.Options{}, migrate.NamespaceScope{}, err
	}
	selected, err := scope.parse(flags)
	return options, selected, err
}

// parseTargetVersion reads the value of --target-version: 1.25, v1.25 or latest. The zero version leaves the choice to the
// source.
func parseTargetVersion(s string) (api.Version, error) {
	if s == "" {
		return api.Version{}, nil
	}
	v, err := parseMinor(s)
	if err != nil {
		return api.Version{}, usagef("--target-version=%q is not a Kubernetes minor: give it as v1.25 or 1.25, or say latest%s", s, minorSuggestion(s))
	}
	return v, nil
}

// parseMinor reads a Kubernetes minor version from the value of a flag, with or without the v before it.
func parseMinor(s string) (api.Version, error) {
	if s[0] >= '0' && s[0] <= '9' {
		s = "v" + s
	}
	return api.ParseVersion(s)
}
