package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
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
	// Known, if not nil, is the kubeconfig, which has been read already. Of many contexts each is then loaded without reading all again.
	Known *KubeconfigNames
	// Cluster and User are entries of the kubeconfig that replace those of the context. Server replaces the address of the
	// cluster, and Token the user's own.
	Cluster, User, Server, Token string
	// As, AsGroups and AsUID impersonate; groups and UID need As.
	As       string
	AsGroups []string
	AsUID    string
	// Timeout limits each request, retries included; 0 leaves it to Reader.
	Timeout time.Duration
	// NoInput, if set, says why no exec plugin of the kubeconfig may ask for input: one that can do without runs without, and for
	// another one it is in the error.
	NoInput string
	// OnRequest, if set, is called with a line about every request that was sent and its answer, without credentials. It may
	// be called concurrently.
	OnRequest func(line string)
}

// InClusterContext is the context name that LoadConfig returns for the service account of the pod it runs in.
const InClusterContext = "in-cluster"

// LoadConfig loads the client configuration (kubeconfig) of a cluster by kubectl's rules and returns it with the name
// of its context, which is empty where there is none and the flags name the cluster. It returns an error where there is
// no kubeconfig, where the context, cluster or user is not in it or leads to no server, and for a group or UID without
// a user.
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
	absent := missingKubeconfig(rules, os.Getenv(clientcmd.RecommendedConfigPathEnvVar))
	if one := f.Known.only(f.Context); one != nil && f.Cluster == "" && f.User == "" {
		absent = ""
		loader = clientcmd.NewNonInteractiveClientConfig(*one, f.Context, configOverrides(f), rules)
	}
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, "", fmt.Errorf("loading the kubeconfig (%s): %s; check the file, or name another one with --kubeconfig",
			searchedFiles(rules), kubeconfigReason(err))
	}
	name := cmp.Or(f.Context, raw.CurrentContext)
	if err := checkEntries(f, name, absent, &raw, rules); err != nil {
		return nil, "", err
	}
	cfg, err := loader.ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err) && absent != "":
		return nil, "", fmt.Errorf("choosing a cluster: %s, and this is not a pod in a cluster; %s", absent, kubeconfigHint)
	case clientcmd.IsEmptyConfig(err):
		return nil, "", fmt.Errorf("choosing a cluster: the kubeconfig (%s) has no current context, and this is not a pod in a cluster; %s",
			searchedFiles(rules), entriesHint("context", slices.Sorted(maps.Keys(raw.Contexts))))
	case err != nil:
		return nil, "", fmt.Errorf("loading context %q from the kubeconfig (%s): %w; correct it, or choose another one with --context",
			name, searchedFiles(rules), err)
	}
	if err := setCredentials(cfg, f); err != nil {
		return nil, "", err
	}
	setClientDefaults(cfg, f)
	if plugin := cfg.ExecProvider; plugin != nil && f.NoInput != "" {
		plugin.StdinUnavailable, plugin.StdinUnavailableMessage = true, f.NoInput
	}
	if name == "" && f.Server == "" && f.Cluster == "" {
		name = InClusterContext
	}
	return cfg, name, nil
}

// ClusterName returns how people are told which cluster a configuration of LoadConfig leads to: by its address where the
// flags name a cluster beside the context, and else by the context.
func (f ConnectionFlags) ClusterName(cfg *rest.Config, contextName string) string {
	if f.Server != "" || f.Cluster != "" {
		return cfg.Host
	}
	return contextName
}

// checkEntries returns an error where the context, the cluster or the user that is asked for is not in the kubeconfig,
// or leads to no server. clientcmd would take some of that for an empty kubeconfig, and inside a pod fall back to the
// pod's own cluster: another one than the user named.
func checkEntries(f ConnectionFlags, name, absent string, raw *clientcmdapi.Config, rules *clientcmd.ClientConfigLoadingRules) error {
	for _, asked := range []struct {
		what, name string
		known      []string
	}{
		{"context", name, slices.Sorted(maps.Keys(raw.Contexts))},
		{"cluster", f.Cluster, slices.Sorted(maps.Keys(raw.Clusters))},
		{"user", f.User, slices.Sorted(maps.Keys(raw.AuthInfos))},
	} {
		switch {
		case asked.name == "":
		case absent != "":
			return fmt.Errorf("choosing %s %q: %s; %s", asked.what, asked.name, absent, kubeconfigHint)
		case !slices.Contains(asked.known, asked.name):
			return fmt.Errorf("choosing %s %q: it is not in the kubeconfig (%s); %s", asked.what, asked.name, searchedFiles(rules), entriesHint(asked.what, asked.known))
		}
	}
	if f.Server != "" {
		return nil
	}
	return checkServer(f, name, raw, rules)
}

// checkServer returns an error where the cluster of the flags, or of the context, has no server in the kubeconfig.
func checkServer(f ConnectionFlags, name string, raw *clientcmdapi.Config, rules *clientcmd.ClientConfigLoadingRules) error {
	entry := f.Cluster
	if c := raw.Contexts[name]; entry == "" && c != nil {
		entry = c.Cluster
	} else if entry == "" {
		return nil
	}
	if of, ok := raw.Clusters[entry]; ok && of.Server != "" {
		return nil
	}
	if f.Cluster != "" {
		return fmt.Errorf("choosing cluster %q: the kubeconfig (%s) has no server for it; correct it, or choose another one with --cluster", entry, searchedFiles(rules))
	}
	return fmt.Errorf("choosing context %q: the kubeconfig (%s) has no server for its cluster %q; correct it, or choose another one with --context",
		name, searchedFiles(rules), entry)
}

// configOverrides returns what the flags change in the kubeconfig.
func configOverrides(f ConnectionFlags) *clientcmd.ConfigOverrides {
	o := &clientcmd.ConfigOverrides{CurrentContext: f.Context}
	o.Context.Cluster, o.Context.AuthInfo = f.Cluster, f.User
	o.ClusterInfo.Server = f.Server
	o.AuthInfo.Token = f.Token
	o.AuthInfo.Impersonate = f.As
	o.AuthInfo.ImpersonateGroups = f.AsGroups
	o.AuthInfo.ImpersonateUID = f.AsUID
	return o
}

// setCredentials sets as whom the client of the cluster comes. clientcmd drops whom to impersonate where it falls back
// to the pod's service account, and reading as somebody else would give a wrong picture; and it keeps the token file of
// the kubeconfig beside --token, which client-go would prefer. It returns an error for a group or UID without a user,
// and for an address that cannot be read.
func setCredentials(cfg *rest.Config, f ConnectionFlags) error {
	if f.Token != "" {
		cfg.BearerTokenFile = ""
	}
	if err := setImpersonation(cfg, f); err != nil {
		return err
	}
	return moveCredentialsOfAddress(cfg)
}

// setImpersonation sets whom the client of the cluster impersonates.
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

// moveCredentialsOfAddress takes a user name and password out of the address of the server in a client configuration,
// since addresses are shown, and sends them as the HTTP client would: instead of other credentials. It returns an error,
// without the address, for one that is no URL.
func moveCredentialsOfAddress(cfg *rest.Config) error {
	if !strings.Contains(cfg.Host, "@") {
		return nil
	}
	u, err := url.Parse(cfg.Host)
	if err != nil || u.Host == "" || u.User == nil {
		return errors.New("the server's address in the kubeconfig is not a URL, or its user name and password hold characters that must be percent-encoded; correct it, or give one with --server")
	}
	cfg.Username = u.User.Username()
	cfg.Password, _ = u.User.Password()
	cfg.BearerToken, cfg.BearerTokenFile = "", ""
	u.User = nil
	cfg.Host = u.String()
	return nil
}

// setClientDefaults removes the client-side rate limit of requests to the cluster (five requests a second would be the
// bottleneck; the server's priority and fairness protects it better), and sets the user agent, the timeout and who is
// told about requests.
func setClientDefaults(cfg *rest.Config, f ConnectionFlags) {
	cfg.QPS = -1
	cfg.UserAgent = "psp2pss " + rest.DefaultKubernetesUserAgent()
	if f.Timeout > 0 {
		cfg.Timeout = f.Timeout
	}
	if f.OnRequest != nil {
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return &loggedTransport{next, f.OnRequest} })
	}
}

// entriesHint returns the hint on which entries of the kubeconfig could be chosen instead: contexts, clusters or users.
func entriesHint(what string, known []string) string {
	if len(known) == 0 {
		return "it configures no " + what + "; " + kubeconfigHint
	}
	return "choose one with --" + what + ": " + strings.Join(known, ", ")
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
