package cmd

import (
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/psp2pss/psp2pss/migrate"
)

// scopeFlags choose what is shown and written, never what a verdict knows.
type scopeFlags struct {
	Namespaces []string
	All        bool
	Selector   string
	Exclude    []string
}

func (s *scopeFlags) add(flags *pflag.FlagSet) {
	flags.StringSliceVarP(&s.Namespaces, "namespace", "n", nil, "show only this namespace; may be repeated")
	flags.BoolVarP(&s.All, "all-namespaces", "A", false, "show all namespaces (the default)")
	flags.StringVarP(&s.Selector, "selector", "l", "", "show only namespaces whose labels match, such as team=web,tier!=db")
	flags.StringSliceVar(&s.Exclude, "exclude", nil, "leave this namespace out; may be repeated")
}

// scope checks the flags and returns what they select.
func (s *scopeFlags) scope(flags *pflag.FlagSet) (migrate.Scope, error) {
	if err := settleConflict(flags, "namespace", "all-namespaces"); err != nil {
		return migrate.Scope{}, usagef("-n and -A exclude each other: name namespaces or show all of them")
	}
	scope := migrate.Scope{Namespaces: s.Namespaces, Exclude: s.Exclude}
	if s.Selector != "" {
		selector, err := labels.Parse(s.Selector)
		if err != nil {
			return migrate.Scope{}, usagef("reading the selector %q: %w", s.Selector, err)
		}
		scope.Selector = selector
	}
	return scope, nil
}
