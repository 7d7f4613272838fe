package cmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// failOnNames lists the values of the flag --fail-on.
func failOnNames() []string {
	var names []string
	for _, c := range labels.FailConditions() {
		names = append(names, string(c))
	}
	return names
}

// addFailOnFlag defines the command-line flag --fail-on, with the values that a command has beside those about namespaces.
func addFailOnFlag(cmd *cobra.Command, values *[]string, own ...string) {
	about := "exit 3 if any namespace, shown or not, needs this level or a looser one (privileged, baseline), would get a label changed (change), or one looser than today (loosening); may be repeated"
	if slices.Contains(own, failOnRefused) {
		about = "exit 3 if any workload, shown or not, would be refused at --level (refused), or, as for plan," + strings.TrimPrefix(about, "exit 3 if")
	}
	if slices.Contains(own, failOnNewBlocker) {
		about += "; with --" + diffFlag + " if anything became looser since then (loosening), blocks newly (new-blocker) or changed (change)"
	}
	if slices.Contains(own, failOnUnread) {
		about += "; of several clusters if one could not be read (unread)"
	}
	cmd.Flags().StringSliceVar(values, "fail-on", nil, about)
	registerCompletion(cmd, "fail-on", slices.Concat(own, failOnNames()))
}

// checkFailOn returns the values of --fail-on, or a usage error that names the one it does not know; own are those that a command
// has beside the values about namespaces.
func checkFailOn(values []string, own ...string) ([]string, error) {
	known := slices.Concat(own, failOnNames())
	for _, v := range values {
		if !slices.Contains(known, v) {
			return nil, usagef("--fail-on=%q: %s", v, notOneOf(v, known))
		}
	}
	return values, nil
}

// planExitError returns for a Plan the error that ends the command: what --fail-on asks for first, then what could not
// be read, of which the labels that a selector asks for may be a part.
func planExitError(plan *migrate.Plan, scope migrate.NamespaceScope, failOn []string, allowPartial bool) error {
	for _, condition := range labels.FailConditions() {
		if !slices.Contains(failOn, string(condition)) {
			continue
		}
		if found := condition.Namespaces(plan); len(found) > 0 {
			return findingsError{fmt.Errorf("--fail-on=%s: %s", condition, namespaceSummary(found))}
		}
	}
	if allowPartial {
		return nil
	}
	if len(plan.Policies) == 0 && len(plan.Namespaces) == 0 {
		return partialError{nothingReadError(plan)}
	}
	if n := len(plan.Gaps); n > 0 {
		return partialError{fmt.Errorf("%s could not be read or evaluated: see the gaps of the plan, or accept them with --%s", english.Count(n, "thing", "things"), allowPartialFlag)}
	}
	return unreadLabelsError(plan, scope, false)
}

// nothingReadError returns the error of a Plan in which there is nothing: with the first gap, else the first note, which say why.
func nothingReadError(plan *migrate.Plan) error {
	const head = "nothing to evaluate: no policy, namespace or workload was read"
	if n := len(plan.Gaps); n > 0 {
		more := ""
		if n > 1 {
			more = " (and " + english.Count(n-1, "more gap", "more gaps") + ")"
		}
		return fmt.Errorf("%s; %s%s: %s%s", head, place(plan.Gaps[0].Position), plan.Gaps[0].What, plan.Gaps[0].Text, more)
	}
	for _, note := range plan.Notes {
		if note.Position.File != "" {
			return fmt.Errorf("%s; %s%s: %s", head, place(note.Position), note.What, note.Text)
		}
	}
	return errors.New(head + "; name the right files, folders (with -R) or cluster")
}

// place returns the file and line of a Plan's position as the beginning of a message; "" for a file as a whole, which its message
// names.
func place(at pspparse.Position) string {
	if at.File == "" || at.Line == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", at.File, at.Line)
}

// unreadLabelsError returns the error of a command whose label selector had to leave out namespaces whose labels were
// not read.
func unreadLabelsError(plan *migrate.Plan, scope migrate.NamespaceScope, allowPartial bool) error {
	unread := plan.NamespacesWithUnreadLabels(scope)
	if len(unread) == 0 || allowPartial {
		return nil
	}
	return partialError{fmt.Errorf("-l left out %s whose labels were not read: read the Namespace objects too, name namespaces with -n, or accept it with --%s", namespaceSummary(unread), allowPartialFlag)}
}

// namespaceSummary counts namespaces for the error of --fail-on and names the first few: "2 namespaces (shop, web)".
func namespaceSummary(names []string) string {
	const most = 5
	return fmt.Sprintf("%s (%s)", english.Count(len(names), "namespace", "namespaces"), english.First(names, most))
}
