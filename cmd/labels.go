package cmd

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/migrate/report"
)

// newLabels returns the cobra command "labels": the command plan with the formats that Pod Security labels are written as.
func newLabels(streams Streams, deps Deps, runF func(context.Context, *planOptions) error) *cobra.Command {
	if runF == nil {
		runF = planRun
	}
	var f planFlags
	var stage, undo string
	cmd := &cobra.Command{
		Use:   "labels",
		Short: "Write the recommended labels as commands or manifests",
		Long: `Labels writes what 'plan' recommends in a form to apply. It changes nothing itself.

  commands   a shell script with one kubectl command per namespace and the reason above it. It ends
             at the first failure and can be run again. --undo writes the script that takes it back
  manifest   Namespaces with their Pod Security labels alone, to merge into those of a repository
  kustomize  a component, one kustomization.yaml, with a patch for each namespace
  apply      Namespaces for a server-side apply, with the command above them
  terraform  kubernetes_labels resources of the provider hashicorp/kubernetes
  name       the names of the namespaces that it labels, one a line

Where 'kubectl apply' was used on a namespace, applying another manifest of it takes away every
label and annotation that the first gave and the second does not say, from kubectl v1.26 on also
with --server-side. So manifest and apply leave out each namespace that has a record of it, or of
which that is not known: its object was not read, or is a manifest that no server has stored. The
labels are in a comment, to put into the manifest that it is made from, and the exit code is 4.
Manifest leaves out as well where 'kubectl apply --server-side' was used.

A script first asks for the UID of the namespace kube-system and ends on any other cluster than the
one that was read. Where the UID is not known (files, --demo) or may not be read, it runs only with
PSP2PSS_THIS_CLUSTER=1 in its environment.

--stage=observe writes audit and warn alone, which refuse nothing; --stage=enforce writes enforce. A
script of that stage writes nothing else; the other forms speak for all Pod Security labels of a
namespace, so at that stage they hold audit and warn as well, and an enforce that stands today is in
them at either.

The server refuses an update that repairs only some of a namespace's invalid Pod Security labels.
So all are repaired in one write, those of another stage, too: an invalid enforce gets the level
that the server takes it for, which is restricted. --undo puts no invalid value back, but what the
server took it for, and says so.

A label that would be looser than today's is left out unless asked for with --enforce. A namespace
whose labels another tool writes gets a comment instead of a command. Where it is known which object
has them, or OpenShift sets them, kustomize, apply and terraform have the comment alone, too, and
manifest the Namespace for the source.`,
		Example: `  # From a saved plan, so that what was reviewed is what is applied
  psp2pss labels --plan plan.json --undo undo.sh > labels.sh
  less labels.sh && sh labels.sh

  # First what refuses nothing, and what refuses pods when the warnings are dealt with
  psp2pss labels --plan plan.json --stage=observe --undo unobserve.sh > observe.sh
  psp2pss labels --plan plan.json --stage=enforce --undo unenforce.sh > enforce.sh

  # Manifests for a repository, or a kustomize component
  psp2pss labels --plan plan.json -o manifest=namespaces.yaml
  psp2pss labels --plan plan.json -n shop -o kustomize=components/pss/kustomization.yaml

  # Baseline for one namespace, whatever it enforces today
  psp2pss labels -n web --enforce=baseline`,
		Args: noArgs,
	}
	options := &labels.Options{Tool: toolAndVersion()}
	formats := append(labelFormats(options), labelForm("name", labels.WriteNames, options))
	f.add(cmd, formats)
	enumFlag{&stage, "stage", []string{string(labels.StageObserve), string(labels.StageEnforce)}}.add(cmd, "stage", "", "write the labels of one stage (default all of them)")
	cmd.Flags().StringVar(&undo, undoFlag, "", "file for the script that takes back what the commands do")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		options.Stage = labels.Stage(stage)
		o, err := f.options(cmd, streams, deps, formats)
		if err != nil {
			return err
		}
		o.Stage = options.Stage
		if o.Outputs, err = addUndoScript(o.Outputs, cmd.Flags().Lookup(undoFlag), options); err != nil {
			return err
		}
		return asRunError(runF(cmd.Context(), o))
	}
	return cmd
}

// undoFlag names the file for the script that takes label commands back.
const undoFlag = "undo"

// addUndoScript puts the undo script of label commands before the outputs: whoever has the commands has what takes them back. A file that the
// environment names is for when there are commands.
func addUndoScript(outs []outputTarget[*migrate.Plan], flag *pflag.Flag, options *labels.Options) ([]outputTarget[*migrate.Plan], error) {
	file := flag.Value.String()
	commands := slices.ContainsFunc(outs, func(o outputTarget[*migrate.Plan]) bool { return o.format.Name == commandsFormat })
	switch {
	case !flag.Changed, setByEnvironment(flag) && !commands:
		return outs, nil
	case file == "-":
		return nil, usagef("--%s=%q names no file: give one, as in --%s=undo.sh", undoFlag, file, undoFlag)
	case !commands:
		return nil, usagef("--%s takes back what commands do: add -o %s", undoFlag, commandsFormat)
	case slices.ContainsFunc(outs, func(o outputTarget[*migrate.Plan]) bool { return o.file == file }):
		return nil, usagef("--%s=%q: the script cannot go to the file of another format", undoFlag, file)
	}
	undo := report.Format[*migrate.Plan]{Name: undoFlag, Write: func(w io.Writer, p *migrate.Plan, _ report.Options) error { return labels.WriteUndo(w, p, *options) }}
	return append([]outputTarget[*migrate.Plan]{{undo, file}}, outs...), nil
}
