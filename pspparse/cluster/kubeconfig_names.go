package cluster

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/client-go/tools/clientcmd"
)

// KubeconfigNames are the names that a kubeconfig gives to its contexts, clusters and users, each sorted.
type KubeconfigNames struct {
	Contexts, Clusters, Users []string
	// Bound are the contexts whose credentials are not in the kubeconfig, even if kubectl flattens it: they come from a program or from
	// the file of a token, and no other computer may have it.
	Bound []string
}

// ReadKubeconfigNames returns the names in a kubeconfig, or in the one that is read where path is "". It reaches no
// cluster. It returns an error for a kubeconfig that cannot be read.
func ReadKubeconfigNames(path string) (KubeconfigNames, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = path
	rules.WarnIfAllMissing = false
	config, err := rules.Load()
	if err != nil {
		return KubeconfigNames{}, fmt.Errorf("loading the kubeconfig: %w", err)
	}
	var bound []string
	for name, c := range config.Contexts {
		if u := config.AuthInfos[c.AuthInfo]; u != nil && (u.Exec != nil || u.AuthProvider != nil || u.TokenFile != "" && u.Token == "") {
			bound = append(bound, name)
		}
	}
	slices.Sort(bound)
	return KubeconfigNames{
		Bound:    bound,
		Contexts: slices.Sorted(maps.Keys(config.Contexts)),
		Clusters: slices.Sorted(maps.Keys(config.Clusters)),
		Users:    slices.Sorted(maps.Keys(config.AuthInfos)),
	}, nil
}
