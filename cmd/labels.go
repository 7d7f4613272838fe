package cmd

import (
	"context"

	"github.com/spf13/cobra"
)

// newLabels is plan with the formats that labels can be written as: the same run gives the same bytes.
func newLabels(streams Streams, deps Deps, runF func(context.Context, *planOptions) error) *cobra.Command {
	if runF == nil {
		runF = planRun
	}
	var f planFlags
	cmd := &cobra.Command{
		Use:   "labels",
		Short: "Write the recommended labels as commands or manifests",
		Long: `Labels writes what 'plan' recommends in a form to apply: a shell script with one kubectl command per
namespace and the reason above it (-o commands), or Namespace manifests (-o manifest). It changes
nothing itself.

A label that would be looser than today's is left out unless asked for with --enforce. A namespace
whose labels another tool writes gets a comment instead of a command.`,
		Example: `  # From a saved plan, so that what was reviewed is what is applied
  psp2pss labels --plan plan.json > labels.sh
  less labels.sh && sh labels.sh

  # Manifests for a repository
  psp2pss labels --plan plan.json -o manifest=namespaces.yaml

  # Baseline for one namespace, whatever it enforces today
  psp2pss labels -n web --enforce=baseline`,
		Args: noArgs,
	}
	formats := labelFormats()
	f.add(cmd, formats)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o, err := f.options(cmd, streams, deps, formats)
		if err != nil {
			return err
		}
		return markRun(runF(cmd.Context(), o))
	}
	return cmd
}
