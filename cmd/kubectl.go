package cmd

import (
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
)

// kubectlCommand is kubectl with the flags --kubeconfig, --context, --as and --as-group, for commands that are printed. The
// context is the one that was found: the current one may be another by then.
func (o *SourceOptions) kubectlCommand(context string) string {
	if context == cluster.InClusterContext {
		context = ""
	}
	words := []string{"kubectl"}
	for _, f := range [][2]string{{kubeconfigFlag, o.Kubeconfig}, {contextFlag, context}, {asFlag, o.As}} {
		if f[1] != "" {
			words = append(words, "--"+f[0], escape.Shell(f[1]))
		}
	}
	for _, group := range o.AsGroups {
		words = append(words, "--"+asGroupFlag, escape.Shell(group))
	}
	return strings.Join(words, " ")
}
