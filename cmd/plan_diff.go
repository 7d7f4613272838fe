package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/difference"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/migrate/redact"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// diffFlag is the name of the flag that names the earlier plan to compare with.
const diffFlag = "diff"

// failOnNewBlocker is the value of --fail-on that needs an earlier plan: something blocks its namespace that did not before.
const failOnNewBlocker = "new-blocker"

// diffOptions are the parsed flags of "psp2pss plan --diff": the file of the earlier Plan, and where what changed is written to.
type diffOptions struct {
	Earlier string
	Outputs []outputTarget[*difference.Changes]
}

// addDiffFlag defines the command-line flag --diff.
func addDiffFlag(cmd *cobra.Command, value *string) {
	cmd.Flags().StringVar(value, diffFlag, "", "write what changed since this saved plan, or - for standard input, in place of the plan; one of -o "+
		english.First(report.FormatNames(report.ChangeFormats()), len(report.ChangeFormats())))
}

// diffOptions checks the flags of "psp2pss plan" together with --diff; nil without that.
func (f *planFlags) diffOptions() (*diffOptions, error) {
	if f.diff == "" {
		if slices.Contains(f.failOn, failOnNewBlocker) {
			return nil, usagef("--fail-on=%s needs an earlier plan to compare with: add --%s", failOnNewBlocker, diffFlag)
		}
		return nil, nil
	}
	if f.diff == files.StdinPath && (f.source.Plan == files.StdinPath || slices.Contains(f.source.Files, files.StdinPath)) {
		return nil, usagef("standard input can be read once: only one of -f -, --%s - and --%s -", planFlag, diffFlag)
	}
	outputs, err := parseOutputs(f.outputs, report.ChangeFormats())
	if err != nil {
		return nil, fmt.Errorf("with --%s: %w", diffFlag, err)
	}
	return &diffOptions{Earlier: f.diff, Outputs: outputs}, nil
}

// diffRun reads the earlier Plan, then builds or reads the later one, writes what changed in the namespaces in scope, and returns the error
// for the exit code, which is about all that changed.
func diffRun(ctx context.Context, o *planOptions) error {
	if err := checkOutputFiles(o.Diff.Outputs); err != nil {
		return err
	}
	before, err := callUntilCancelled(ctx, "reading the earlier plan", func() (*migrate.Plan, error) { return readSavedPlan(o.Diff.Earlier, o.streams.In) })
	if err != nil {
		return err
	}
	after, err := readOrBuildPlan(ctx, o.streams, o.deps, o.Source, o.Decide)
	if err != nil {
		return err
	}
	if err := checkComparable(before, after); err != nil {
		return err
	}
	if after.Source.Redacted {
		o.Invocation = redactedInvocation(o.Invocation, after)
	}
	all := difference.Compare(before, after)
	shown, err := o.changesInScope(all, before, after)
	if err != nil {
		return err
	}
	if err := writeReports(o.streams, o.Diff.Outputs, shown, report.Options{NoHeaders: o.NoHeaders, Invocation: o.Invocation}); err != nil {
		return err
	}
	return errors.Join(changesFindings(all, o.FailOn), planExitError(after, o.Scope, levelConditions(o.FailOn), o.Decide.AllowPartial), unknownChangesError(all, o.Decide.AllowPartial))
}

// checkComparable returns an error for two Plans of which one has not all namespaces, or in which the same thing has not the same name, since
// one of them is redacted, or both are with two keys.
func checkComparable(before, after *migrate.Plan) error {
	if err := errors.Join(refusePartial(before, "the earlier plan"), refusePartial(after, "the later plan")); err != nil {
		return err
	}
	if before.Source.Redacted != after.Source.Redacted {
		return errors.New("comparing plans: one has names and the other pseudonyms: compare two with names, or two that were redacted with the same key")
	}
	if !before.Source.Redacted {
		return nil
	}
	known, names := map[string]bool{}, redact.Pseudonyms(after)
	for _, name := range redact.Pseudonyms(before) {
		known[name] = true
	}
	if len(known) > 0 && len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return known[name] }) {
		return errors.New("comparing plans: they have no pseudonym in common: two keys redacted them, or they are of two clusters; compare two that were redacted with the same key")
	}
	return nil
}

// changesInScope returns the changes in the namespaces that the flags select in either Plan.
func (o *planOptions) changesInScope(all *difference.Changes, before, after *migrate.Plan) (*difference.Changes, error) {
	if !selectsSome(o.Scope) {
		return all, nil
	}
	selected, err := selectInEither(o.streams.ErrOut, o.Scope, before, after)
	if err != nil {
		return nil, err
	}
	return all.InNamespaces(selected), nil
}

// selectsSome reports whether the flags of a command select some of the namespaces.
func selectsSome(s migrate.NamespaceScope) bool {
	return len(s.Namespaces)+len(s.Exclude) > 0 || s.Selector != nil
}

// selectInEither returns the names of the namespaces that the flags select in either of two Plans. A name that neither has, and a scope
// that leaves nothing, are errors; it warns on w of what the scope does not do.
func selectInEither(w io.Writer, s migrate.NamespaceScope, before, after *migrate.Plan) (map[string]bool, error) {
	if unknown := namesNotIn(before, s.Namespaces); len(unknown) > 0 {
		if _, err := after.SelectExistingNamespaces(migrate.NamespaceScope{Namespaces: unknown}); err != nil {
			return nil, err
		}
	}
	selected := difference.SelectedIn(s, before, after)
	if len(selected) == 0 {
		if _, err := after.SelectExistingNamespaces(s); err != nil {
			return nil, err
		}
	}
	for _, err := range after.UnknownExcludes(migrate.NamespaceScope{Exclude: namesNotIn(before, s.Exclude)}) {
		printWarning(w, "--exclude leaves nothing out: %v", err)
	}
	if unread := after.NamespacesWithUnreadLabels(s); len(unread) > 0 {
		printWarning(w, "-l leaves out %s: the Namespace objects were not read, so their labels are not known", namespaceSummary(unread))
	}
	return selected, nil
}

// namesNotIn returns those of the names that a Plan has no namespace for.
func namesNotIn(p *migrate.Plan, names []string) []string {
	known := make(map[string]bool, len(p.Namespaces))
	for i := range p.Namespaces {
		known[p.Namespaces[i].Name] = true
	}
	var out []string
	for _, name := range names {
		if !known[name] {
			out = append(out, name)
		}
	}
	return out
}

// levelConditions returns those values of --fail-on that are about a Plan also where it is compared with an earlier one.
func levelConditions(failOn []string) []string {
	return slices.DeleteFunc(slices.Clone(failOn), func(v string) bool {
		return v == failOnNewBlocker || v == string(labels.FailOnLoosening) || v == string(labels.FailOnChange)
	})
}

// changesFindings returns the error of the first value of --fail-on that holds for what changed, the worst first; nil if none does.
func changesFindings(c *difference.Changes, failOn []string) error {
	for _, condition := range []struct {
		name string
		is   func(*difference.Change) bool
	}{
		{string(labels.FailOnLoosening), (*difference.Change).IsLooser},
		{failOnNewBlocker, func(c *difference.Change) bool { return len(c.NewBlockers) > 0 }},
		{string(labels.FailOnChange), func(*difference.Change) bool { return true }},
	} {
		if !slices.Contains(failOn, condition.name) {
			continue
		}
		var about []string
		n := 0
		for i := range c.Changes {
			if change := &c.Changes[i]; condition.is(change) {
				n++
				about = append(about, change.About())
			}
		}
		if n > 0 {
			const most = 5
			slices.Sort(about)
			return findingsError{fmt.Errorf("--fail-on=%s: %s since the earlier plan (%s)", condition.name, english.Count(n, "change", "changes"), english.First(slices.Compact(about), most))}
		}
	}
	return nil
}

// unknownChangesError returns the error of changes of which it is not known whether there are any, since one of the Plans did not read all.
func unknownChangesError(c *difference.Changes, allowPartial bool) error {
	if c.Counts.Unknown == 0 || allowPartial {
		return nil
	}
	return partialError{fmt.Errorf("whether %s is not known, since one of the plans did not read all: see the output, or accept it with --%s",
		english.Count(c.Counts.Unknown, "thing changed", "things changed"), allowPartialFlag)}
}
