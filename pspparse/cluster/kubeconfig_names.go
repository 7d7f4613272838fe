package cluster

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// KubeconfigNames are the names that a kubeconfig gives to its contexts, clusters and users, each sorted.
type KubeconfigNames struct {
	Contexts, Clusters, Users []string
	// Bound are the contexts whose credentials are not in the kubeconfig, even if kubectl flattens it: they come from a program or from
	// the file of a token, and no other computer may have it.
	Bound []string
	// content is the kubeconfig.
	content *clientcmdapi.Config
}

// only returns a kubeconfig with one context, and with the cluster and user that it names; nil where one of them is not known.
func (k *KubeconfigNames) only(name string) *clientcmdapi.Config {
	if k == nil || k.content == nil {
		return nil
	}
	c := k.content.Contexts[name]
	if c == nil {
		return nil
	}
	to, user := k.content.Clusters[c.Cluster], k.content.AuthInfos[c.AuthInfo]
	if to == nil || user == nil {
		return nil
	}
	one := clientcmdapi.NewConfig()
	one.CurrentContext = name
	// clientcmd writes into what it gets, and contexts share clusters and users.
	one.Contexts[name], one.Clusters[c.Cluster], one.AuthInfos[c.AuthInfo] = c.DeepCopy(), to.DeepCopy(), user.DeepCopy()
	return one
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
		content:  config,
		Bound:    bound,
		Contexts: slices.Sorted(maps.Keys(config.Contexts)),
		Clusters: slices.Sorted(maps.Keys(config.Clusters)),
		Users:    slices.Sorted(maps.Keys(config.AuthInfos)),
	}, nil
}
