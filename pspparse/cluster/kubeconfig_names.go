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
	return KubeconfigNames{
		Contexts: slices.Sorted(maps.Keys(config.Contexts)),
		Clusters: slices.Sorted(maps.Keys(config.Clusters)),
		Users:    slices.Sorted(maps.Keys(config.AuthInfos)),
	}, nil
}
