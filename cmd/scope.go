package cmd

import (
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// scopeFlags are the values of the flags that select namespaces: what is shown and written, not what is evaluated.
type scopeFlags struct {
	Namespaces []string
	All        bool
	Selector   string
	Exclude    []string
}

// add defines the command-line flags that select namespaces: -n, -A, -l and --exclude.
func (s *scopeFlags) add(flags *pflag.FlagSet) {
	flags.StringSliceVarP(&s.Namespaces, "namespace", "n", nil, "show only this namespace; may be repeated")
	flags.BoolVarP(&s.All, "all-namespaces", "A", false, "show all namespaces (the default)")
	flags.StringVarP(&s.Selector, "selector", "l", "", "show only namespaces whose labels match, such as team=web,tier!=db; those whose labels were not read are left out, with exit code 4")
	flags.StringSliceVar(&s.Exclude, "exclude", nil, "leave this namespace out; may be repeated")
}

// parse checks the flags that select namespaces and returns the selection.
func (s *scopeFlags) parse(flags *pflag.FlagSet) (migrate.NamespaceScope, error) {
	if err := resolveFlagConflict(flags, "namespace", "all-namespaces"); err != nil {
		return migrate.NamespaceScope{}, usagef("-n and -A exclude each other: name namespaces or show all of them")
	}
	scope := migrate.NamespaceScope{Namespaces: s.Namespaces, Exclude: s.Exclude}
	if s.Selector != "" {
		selector, err := labels.Parse(s.Selector)
		if err != nil {
			return migrate.NamespaceScope{}, usagef("-l %q is no label selector: write it as team=web, tier!=db, or 'env in (dev,test)'", s.Selector)
		}
		if selector.Empty() {
			return migrate.NamespaceScope{}, usagef("the selector %q asks for no label: name one, as in -l team=web", s.Selector)
		}
		scope.Selector = selector
	}
	return scope, nil
}

// selectNamespaces returns the Plan with the namespaces that the flags select, to be called before anything is written:
// a name that is not there and a scope that leaves nothing are errors. It warns on w of what the scope does not do: an
// --exclude that excludes nothing, and namespaces whose labels -l does not know.
func selectNamespaces(w io.Writer, plan *migrate.Plan, scope migrate.NamespaceScope) (*migrate.Plan, error) {
	selected, err := plan.SelectExistingNamespaces(scope)
	if err != nil {
		return nil, err
	}
	for _, err := range plan.UnknownExcludes(scope) {
		printWarning(w, "--exclude leaves nothing out: %v", err)
	}
	if unread := plan.NamespacesWithUnreadLabels(scope); len(unread) > 0 {
		printWarning(w, "-l leaves out %s: the Namespace objects were not read, so their labels are not known", namespaceSummary(unread))
	}
	return selected, nil
}

// printWarning writes a line that begins with "warning: " to standard error, escaped for a terminal.
func printWarning(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, "warning: %s\n", escape.Terminal(fmt.Sprintf(format, args...)))
}

// printWarnings writes texts with printWarning, a line each.
func printWarnings(w io.Writer, warnings []string) {
	for _, warning := range warnings {
		printWarning(w, "%s", warning)
	}
}

// warnOldTarget prints warnings about a Plan whose target version is older than v1.25.
func warnOldTarget(w io.Writer, plan *migrate.Plan) { printWarnings(w, report.OldTargetWarnings(plan)) }
