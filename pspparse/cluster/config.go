package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

// ConnectionFlags choose the cluster and the identity, with kubectl's meanings. The zero value is what kubectl does without
// flags: KUBECONFIG, else ~/.kube/config, else the service account of the pod it runs in.
type ConnectionFlags struct {
	// Kubeconfig replaces the whole search when set; the file must exist.
	Kubeconfig string
	// Context replaces the kubeconfig's current context.
	Context string
	// As, AsGroups and AsUID impersonate; groups and UID need As.
	As       string
	AsGroups []string
	AsUID    string
	// Timeout limits each request, retries included; 0 leaves it to Reader.
	Timeout time.Duration
}

// InClusterContext is the context name that LoadConfig returns for the service account of the pod it runs in.
const InClusterContext = "in-cluster"

// LoadConfig loads the client configuration (kubeconfig) of a cluster by kubectl's rules and returns it with the name
// of its context. It returns an error where there is no kubeconfig, where the context is not in it or leads to no
// server, and for a group or UID without a user.
//
// Credentials from exec plugins work as they are. The OIDC provider is a client-go plugin that has to be linked in:
// whoever calls LoadConfig imports k8s.io/client-go/plugin/pkg/client/auth (cmd does; registration by import has no place
// in a library).
func LoadConfig(f ConnectionFlags) (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.Kubeconfig
	// The loader would print a warning of its own for missing files; the errors below say it once.
	rules.WarnIfAllMissing = false
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, configOverrides(f))
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, "", fmt.Errorf("loading the kubeconfig (%s): %s; check the file, or name another one with --kubeconfig",
			searchedFiles(rules), kubeconfigReason(err))
	}
	name := cmp.Or(f.Context, raw.CurrentContext)
	absent := missingKubeconfig(rules, os.Getenv(clientcmd.RecommendedConfigPathEnvVar))
	if name != "" && absent != "" {
		return nil, "", fmt.Errorf("choosing context %q: %s; %s", name, absent, kubeconfigHint)
	}
	if err := checkContext(name, &raw, rules); err != nil {
		return nil, "", err
	}
	cfg, err := loader.ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err) && absent != "":
		return nil, "", fmt.Errorf("choosing a cluster: %s, and this is not a pod in a cluster; %s", absent, kubeconfigHint)
	case clientcmd.IsEmptyConfig(err):
		return nil, "", fmt.Errorf("choosing a cluster: the kubeconfig (%s) has no current context, and this is not a pod in a cluster; %s",
			searchedFiles(rules), contextsHint(raw.Contexts))
	case err != nil:
		return nil, "", fmt.Errorf("loading context %q from the kubeconfig (%s): %w; correct it, or choose another one with --context",
			name, searchedFiles(rules), err)
	}
	if err := setImpersonation(cfg, f); err != nil {
		return nil, "", err
	}
	setClientDefaults(cfg, f.Timeout)
	return cfg, cmp.Or(name, InClusterContext), nil
}

// checkContext returns an error for a context that leads to no server. clientcmd would take that for an empty kubeconfig, and
// inside a pod fall back to the pod's own cluster: another one than the user named.
func checkContext(name string, raw *clientcmdapi.Config, rules *clientcmd.ClientConfigLoadingRules) error {
	if name == "" {
		return nil
	}
	c, ok := raw.Contexts[name]
	if !ok {
		return fmt.Errorf("choosing context %q: it is not in the kubeconfig (%s); %s", name, searchedFiles(rules), contextsHint(raw.Contexts))
	}
	if cluster, ok := raw.Clusters[c.Cluster]; !ok || cluster.Server == "" {
		return fmt.Errorf("choosing context %q: the kubeconfig (%s) has no server for its cluster %q; correct it, or choose another one with --context",
			name, searchedFiles(rules), c.Cluster)
	}
	return nil
}

// configOverrides returns what the flags change in the kubeconfig.
func configOverrides(f ConnectionFlags) *clientcmd.ConfigOverrides {
	o := &clientcmd.ConfigOverrides{CurrentContext: f.Context}
	o.AuthInfo.Impersonate = f.As
	o.AuthInfo.ImpersonateGroups = f.AsGroups
	o.AuthInfo.ImpersonateUID = f.AsUID
	return o
}

// setImpersonation sets whom the client of the cluster impersonates. clientcmd drops that where it falls back to the
// pod's service account, and reading as somebody else would give a wrong picture.
func setImpersonation(cfg *rest.Config, f ConnectionFlags) error {
	if f.As != "" {
		cfg.Impersonate.UserName = f.As
	}
	if len(f.AsGroups) > 0 {
		cfg.Impersonate.Groups = f.AsGroups
	}
	if f.AsUID != "" {
		cfg.Impersonate.UID = f.AsUID
	}
	if cfg.Impersonate.UserName == "" && (len(cfg.Impersonate.Groups) > 0 || cfg.Impersonate.UID != "") {
		return errors.New("impersonating: a group or UID needs a user as well; add --as")
	}
	return nil
}

// setClientDefaults removes the client-side rate limit of requests to the cluster (five requests a second would be the
// bottleneck; the server's priority and fairness protects it better), and sets the user agent and the timeout.
func setClientDefaults(cfg *rest.Config, timeout time.Duration) {
	cfg.QPS = -1
	cfg.UserAgent = "psp2pss " + rest.DefaultKubernetesUserAgent()
	if timeout > 0 {
		cfg.Timeout = timeout
	}
}

// contextsHint returns the hint on which contexts of the kubeconfig could be chosen instead.
func contextsHint(known map[string]*clientcmdapi.Context) string {
	if len(known) == 0 {
		return "it configures no context; " + kubeconfigHint
	}
	return "choose one with --context: " + strings.Join(slices.Sorted(maps.Keys(known)), ", ")
}

// kubeconfigHint is the advice where there is no usable kubeconfig.
const kubeconfigHint = "name a kubeconfig with --kubeconfig, or read files with -f"

// searchedFiles returns the names of the files that make up the kubeconfig, and says which of them do not exist.
func searchedFiles(rules *clientcmd.ClientConfigLoadingRules) string {
	files := slices.Clone(rules.GetLoadingPrecedence())
	for i, name := range files {
		if name != rules.ExplicitPath && !fileExists(name) {
			files[i] += " (does not exist)"
		}
	}
	return strings.Join(files, ", ")
}

// kubeconfigLine matches the line in an error of the parser of a kubeconfig.
var kubeconfigLine = regexp.MustCompile(`line [0-9]+`)

// kubeconfigReason returns why a kubeconfig could not be loaded, in words. The parser's own words are about Go types.
func kubeconfigReason(err error) string {
	for _, known := range []error{fs.ErrNotExist, fs.ErrPermission, syscall.EISDIR} {
		if errors.Is(err, known) || strings.HasSuffix(err.Error(), ": "+known.Error()) {
			return fileerror.Reason(known)
		}
	}
	if line := kubeconfigLine.FindString(err.Error()); line != "" {
		return "it is no kubeconfig from " + line + " on"
	}
	return "it is not a kubeconfig"
}

// missingKubeconfig returns the text that none of the kubeconfig's files exists, by the variable that names them if it
// is set; "" if one exists.
func missingKubeconfig(rules *clientcmd.ClientConfigLoadingRules, variable string) string {
	files := rules.GetLoadingPrecedence()
	if slices.ContainsFunc(files, fileExists) {
		return ""
	}
	do := "does"
	if len(files) > 1 {
		do = "do"
	}
	if variable == "" {
		return fmt.Sprintf("there is no kubeconfig (%s %s not exist)", strings.Join(files, ", "), do)
	}
	return fmt.Sprintf("%s names %s, which %s not exist", clientcmd.RecommendedConfigPathEnvVar, strings.Join(files, ", "), do)
}

// fileExists reports whether a kubeconfig file exists. It returns true also for one that cannot be examined: opening it
// gives the reason.
func fileExists(name string) bool {
	_, err := os.Stat(name)
	return !errors.Is(err, fs.ErrNotExist)
}
