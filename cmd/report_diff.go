package cmd

import (
	"context"
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/difference"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// changeConditions are the values of --fail-on that are about what changed between two plans.
func changeConditions() []string {
	return []string{string(labels.FailOnLoosening), failOnNewBlocker, string(labels.FailOnChange)}
}

// checkSections returns a usage error for a section that the command report does not have.
func (f *reportFlags) checkSections() error {
	for _, name := range f.sections {
		switch {
		case name == handover.ChangesSection && f.diff == "":
			return usagef("--%s=%s needs an earlier plan to compare with: add --%s", sectionsFlag, name, diffFlag)
		case name != handover.ChangesSection && !slices.Contains(handover.SectionIDs(), name):
			return usagef("--%s=%q: %s", sectionsFlag, name, notOneOf(name, handover.SectionIDs()))
		}
	}
	return nil
}

// checkDiff returns a usage error for flags of the command report that do not go with --diff, or need it.
func (f *reportFlags) checkDiff() error {
	for _, condition := range f.failOn {
		switch {
		case !slices.Contains(changeConditions(), condition):
			return usagef("--fail-on=%q: %s", condition, notOneOf(condition, changeConditions()))
		case f.diff == "":
			return usagef("--fail-on=%s needs an earlier plan to compare with: add --%s", condition, diffFlag)
		}
	}
	switch {
	case f.diff == "":
		return nil
	case f.redact != "":
		return usagef("--%s and --%s do not go together: save both plans with 'plan --%[1]s', and compare these with --%[3]s later.json --%[2]s earlier.json", redactFlag, diffFlag, planFlag)
	case f.diff == files.StdinPath && (f.source.Plan == files.StdinPath || slices.Contains(f.source.Files, files.StdinPath)):
		return usagef("standard input can be read once: only one of -f -, --%s - and --%s -", planFlag, diffFlag)
	}
	return nil
}

// readEarlier reads the plan that the command report compares with; nil without --diff.
func (o *reportOptions) readEarlier(ctx context.Context) (*migrate.Plan, error) {
	if o.Earlier == "" {
		return nil, nil
	}
	return callUntilCancelled(ctx, "reading the earlier plan", func() (*migrate.Plan, error) { return readSavedPlan(o.Earlier, o.streams.In) })
}

// compare returns all that changed from the earlier plan, and gives the report what of it is in scope; nil without --diff.
func (o *reportOptions) compare(before, after *migrate.Plan) (*difference.Changes, error) {
	if before == nil {
		return nil, nil
	}
	if err := checkComparable(before, after); err != nil {
		return nil, err
	}
	all := difference.Compare(before, after)
	o.Report.Changes = all
	if !after.Source.Redacted {
		o.Report.ChangesFlags = []string{"--" + diffFlag + "=" + o.Earlier}
	}
	return all, nil
}

// selectShown returns the plan with the namespaces that the command report is about. With --diff these may be in the earlier plan alone:
// the report then has what changed of them, and no row about them.
func (o *reportOptions) selectShown(before, plan *migrate.Plan) (*migrate.Plan, error) {
	if before == nil || !selectsSome(o.Scope) {
		return selectNamespaces(o.streams.ErrOut, plan, o.Scope)
	}
	selected, err := selectInEither(o.streams.ErrOut, o.Scope, before, plan)
	if err != nil {
		return nil, err
	}
	o.Report.Changes = o.Report.Changes.InNamespaces(selected)
	return plan.SelectNamespaces(o.Scope), nil
}
