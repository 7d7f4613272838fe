package cmd

import (
	_ "embed" // the script for kubectl is in a file
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// kubectlCompletion is the script by which kubectl completes the command line of the plugin.
//
//go:embed kubectl_complete-psp2pss
var kubectlCompletion string

// completionScripts returns what the command completion can print, by the shell: functions that write the script.
func completionScripts() []completionScript {
	return []completionScript{
		{"bash", func(root *cobra.Command, w io.Writer, describe bool) error {
			return root.GenBashCompletionV2(w, describe)
		}},
		{"zsh", func(root *cobra.Command, w io.Writer, describe bool) error {
			if describe {
				return root.GenZshCompletion(w)
			}
			return root.GenZshCompletionNoDesc(w)
		}},
		{"fish", func(root *cobra.Command, w io.Writer, describe bool) error {
			return root.GenFishCompletion(w, describe)
		}},
		{"powershell", func(root *cobra.Command, w io.Writer, describe bool) error {
			if describe {
				return root.GenPowerShellCompletionWithDesc(w)
			}
			return root.GenPowerShellCompletion(w)
		}},
		{"kubectl", func(_ *cobra.Command, w io.Writer, _ bool) error {
			_, err := io.WriteString(w, kubectlCompletion)
			return err
		}},
	}
}

// completionScript is one script that the command completion can print.
type completionScript struct {
	shell string
	write func(root *cobra.Command, w io.Writer, describe bool) error
}

// newCompletion returns the cobra command "completion". Cobra has one of its own, which takes an unknown shell for a
// request for help.
func newCompletion(streams Streams) *cobra.Command {
	var shells []string
	for _, s := range completionScripts() {
		shells = append(shells, s.shell)
	}
	plain := false
	cmd := &cobra.Command{
		Use:   "completion " + strings.Join(shells, "|"),
		Short: "Print a script that completes command lines of this tool in your shell",
		Long: `Completion prints a script for a shell. It completes commands, flags and their values, and names:
contexts from the kubeconfig; namespaces, policies, workloads and service accounts from the files,
the saved plan or the demo on the command line, or from the cluster, if it answers in two seconds.

For "kubectl psp2pss ..." the shell completes with kubectl's own script, which asks an executable
file kubectl_complete-psp2pss in a folder of PATH: 'completion kubectl' prints it.`,
		Example: `  # bash, in this shell and in every new one (needs the package bash-completion)
  source <(psp2pss completion bash)
  psp2pss completion bash > /etc/bash_completion.d/psp2pss

  # zsh, fish, PowerShell
  psp2pss completion zsh > "${fpath[1]}/_psp2pss"
  psp2pss completion fish > ~/.config/fish/completions/psp2pss.fish
  psp2pss completion powershell | Out-String | Invoke-Expression

  # The kubectl plugin
  psp2pss completion kubectl > ~/.local/bin/kubectl_complete-psp2pss
  chmod +x ~/.local/bin/kubectl_complete-psp2pss`,
		ValidArgs: shells,
		Args:      func(_ *cobra.Command, args []string) error { return checkShell(args, shells) },
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, s := range completionScripts() {
				if s.shell == args[0] {
					return asRunError(s.write(cmd.Root(), streams.Out, !plain))
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&plain, "no-descriptions", false, "complete without descriptions")
	return cmd
}

// checkShell returns a usage error for arguments of the command completion that are not one shell.
func checkShell(args, shells []string) error {
	known := strings.Join(shells, ", ")
	if len(args) == 0 {
		return usagef("say for which shell: %s", known)
	}
	if len(args) > 1 {
		return usagef("completion takes one shell, and got %q, too", args[1])
	}
	for _, s := range shells {
		if s == args[0] {
			return nil
		}
	}
	return usagef("there is no script for %q: it is one of %s", args[0], known)
}

// newHelp returns the cobra command "help". Cobra has one of its own, which says nothing of a command that does not exist.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Print the help of a command",
		Long:  "Help prints the help of a command, as --help does.",
		Example: `  psp2pss help plan
  psp2pss help explain psp`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			of, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, sub := range of.Commands() {
				if sub.IsAvailableCommand() && strings.HasPrefix(sub.Name(), begun) {
					names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			of, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return noHelpError(cmd.Root(), args)
			}
			of.InitDefaultHelpFlag()
			return asRunError(of.Help())
		},
	}
}

// noHelpError returns the usage error for arguments of the command help that are no command, with those that may be meant.
func noHelpError(root *cobra.Command, args []string) error {
	text := fmt.Sprintf("there is no command %q", strings.Join(args, " "))
	if similar := root.SuggestionsFor(args[0]); len(args) == 1 && len(similar) > 0 {
		return usagef("%s: did you mean %s?", text, strings.Join(similar, " or "))
	}
	return usagef("%s: '%s --help' lists them", text, root.DisplayName())
}
