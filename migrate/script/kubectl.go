package script

import (
	"fmt"
	"strconv"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// KubectlCommand returns how a generated shell script calls kubectl for the cluster of a plan: with connectionFlags. It
// returns an error where one of them has characters that do not show.
func KubectlCommand(s inventory.Source) (command string, err error) {
	flags, err := connectionFlags(s)
	if err != nil {
		return "", err
	}
	return "kubectl" + flags, nil
}

// connectionFlags returns the flags with which a script calls kubectl for the plan's cluster, as the user who read it:
// --kubeconfig, --context, --cluster, --user, --server, --as, --as-group, as words of a shell with a space before each; and
// --token from TokenVariable, without which a shell refuses the command. They are empty for what was not read from a
// cluster. It returns an error where a value has characters that do not show.
func connectionFlags(s inventory.Source) (flags string, err error) {
	if s.Kind != inventory.SourceCluster && s.Kind != inventory.SourceFilesAndCluster {
		return "", nil
	}
	given := [][2]string{{"kubeconfig", s.Kubeconfig}, {"context", s.Name}, {"cluster", s.Cluster}, {"user", s.User}, {"server", s.Server}, {"as", s.As}}
	for _, group := range s.AsGroups {
		given = append(given, [2]string{"as-group", group})
	}
	for _, flag := range given {
		for _, r := range flag[1] {
			if !escape.IsVisible(r) {
				return "", fmt.Errorf("the value %s of --%s holds characters that do not show", strconv.QuoteToASCII(flag[1]), flag[0])
			}
		}
		if flag[1] != "" {
			flags += " --" + flag[0] + "=" + escape.Shell(flag[1])
		}
	}
	if s.WithToken {
		flags += " " + TokenFlag
	}
	return flags, nil
}

// TokenVariable is the environment variable from which a generated script takes the token for the API server. It is the one that
// sets --token of this tool.
const TokenVariable = "PSP2PSS_TOKEN" //nolint:gosec // it is the name of a variable

// TokenFlag is the flag that gives a command of a shell the token of TokenVariable. The shell refuses the command where the
// variable is not set: without a token kubectl would come as another user.
const TokenFlag = `--token="${` + TokenVariable + `:?}"`
