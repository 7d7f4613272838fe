package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const kubeconfig = `apiVersion: v1
kind: Config
current-context: %s
contexts:
- {name: prod, context: {cluster: c, user: u}}
- {name: test, context: {cluster: c, user: u}}
- {name: dangling, context: {cluster: gone, user: u}}
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t, as: jane, as-groups: [dev]}}]
`

func write(t *testing.T, current string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, fmt.Appendf(nil, kubeconfig, current), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The environment is part of kubectl's rules, so these tests set it and cannot run in parallel.
func TestConfig(t *testing.T) {
	type result struct {
		Context, Host string
		Impersonate   rest.ImpersonationConfig
		Timeout       time.Duration
		QPS           float32
	}
	jane := rest.ImpersonationConfig{UserName: "jane", Groups: []string{"dev"}}
	tests := []struct {
		name string
		// env makes KUBECONFIG name the file, else the flag does.
		env   bool
		flags ConnectionFlags
		want  result
	}{
		{name: "from KUBECONFIG", env: true, want: result{Context: "prod", Host: "https://127.0.0.1:1", Impersonate: jane, QPS: -1}},
		{name: "from the flag", want: result{Context: "prod", Host: "https://127.0.0.1:1", Impersonate: jane, QPS: -1}},
		{
			name: "another context", flags: ConnectionFlags{Context: "test", Timeout: time.Second},
			want: result{Context: "test", Host: "https://127.0.0.1:1", Impersonate: jane, Timeout: time.Second, QPS: -1},
		},
		{
			name: "impersonation", flags: ConnectionFlags{As: "joe", AsGroups: []string{"ops"}, AsUID: "7"},
			want: result{
				Context: "prod", Host: "https://127.0.0.1:1", QPS: -1,
				Impersonate: rest.ImpersonationConfig{UserName: "joe", UID: "7", Groups: []string{"ops"}},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "prod")
			t.Setenv("KUBECONFIG", "")
			if tt.env {
				t.Setenv("KUBECONFIG", path)
			} else {
				tt.flags.Kubeconfig = path
			}
			cfg, name, err := LoadConfig(tt.flags)
			if err != nil {
				t.Fatal(err)
			}
			got := result{name, cfg.Host, cfg.Impersonate, cfg.Timeout, cfg.QPS}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
			if !strings.HasPrefix(cfg.UserAgent, "psp2pss ") {
				t.Errorf("user agent is %q", cfg.UserAgent)
			}
		})
	}
}

func TestConfigErrors(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	missing := filepath.Join(t.TempDir(), "missing")
	path := write(t, "prod")
	noCurrent := write(t, `""`)
	tests := []struct {
		name, env string
		flags     ConnectionFlags
		want      string
	}{
		{
			name: "the named file is missing", flags: ConnectionFlags{Kubeconfig: missing},
			want: "loading the kubeconfig (" + missing + "): there is no such file or folder; check the file, or name another one with --kubeconfig",
		},
		{
			name: "KUBECONFIG names a file that does not exist", env: missing,
			want: "choosing a cluster: KUBECONFIG names " + missing + ", which does not exist, and this is not a pod in a cluster; name a kubeconfig with --kubeconfig, or read files with -f",
		},
		{
			name: "KUBECONFIG names files that do not exist", env: missing + string(filepath.ListSeparator) + missing + "2",
			want: "choosing a cluster: KUBECONFIG names " + missing + ", " + missing + "2, which do not exist, and this is not a pod in a cluster; name a kubeconfig with --kubeconfig, or read files with -f",
		},
		{
			name: "a context of a file that does not exist", env: missing, flags: ConnectionFlags{Context: "prod"},
			want: `choosing context "prod": KUBECONFIG names ` + missing + ", which does not exist; name a kubeconfig with --kubeconfig, or read files with -f",
		},
		{
			name: "one of the files does not exist", env: missing + string(filepath.ListSeparator) + path, flags: ConnectionFlags{Context: "prd"},
			want: `choosing context "prd": it is not in the kubeconfig (` + missing + " (does not exist), " + path + `); choose one with --context: dangling, prod, test`,
		},
		{
			name: "an empty kubeconfig", env: os.DevNull,
			want: "choosing a cluster: the kubeconfig (" + os.DevNull + ") has no current context, and this is not a pod in a cluster; it configures no context; name a kubeconfig with --kubeconfig, or read files with -f",
		},
		{
			name: "no current context", env: noCurrent,
			want: "choosing a cluster: the kubeconfig (" + noCurrent + ") has no current context, and this is not a pod in a cluster; choose one with --context: dangling, prod, test",
		},
		{
			name: "unknown context", flags: ConnectionFlags{Kubeconfig: path, Context: "prd"},
			want: `choosing context "prd": it is not in the kubeconfig (` + path + `); choose one with --context: dangling, prod, test`,
		},
		{
			name: "context without a cluster", flags: ConnectionFlags{Kubeconfig: path, Context: "dangling"},
			want: `choosing context "dangling": the kubeconfig (` + path + `) has no server for its cluster "gone"; correct it, or choose another one with --context`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", tt.env)
			_, _, err := LoadConfig(tt.flags)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

const manyEntries = `apiVersion: v1
kind: Config
current-context: %s
contexts:
- {name: prod, context: {cluster: c, user: u}}
clusters:
- {name: c, cluster: {server: "https://127.0.0.1:1", tls-server-name: c.example}}
- {name: d, cluster: {server: "https://127.0.0.1:2"}}
- {name: no-server, cluster: {}}
- {name: secret, cluster: {server: "https://jane:canary@127.0.0.1:3/k8s"}}
- {name: broken, cluster: {server: "https://jane:can%%ary@127.0.0.1:3"}}
users:
- {name: u, user: {token: t}}
- {name: v, user: {token: v, as: joe}}
- {name: file, user: {tokenFile: %q}}
`

// --cluster, --user, --server and --token change what the context says, each its own part, as they do for kubectl. The
// name is that of the context; without one, the address says which cluster it is.
func TestConnectionFlags(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	dir := t.TempDir()
	tokens := filepath.Join(dir, "token")
	files := map[string]string{tokens: "of-file"}
	for name, current := range map[string]string{"prod": "prod", "none": `""`} {
		files[filepath.Join(dir, name)] = fmt.Sprintf(manyEntries, current, tokens)
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	type result struct{ Context, Name, Host, Token, TokenFile, Username, Password, As, ServerName string }
	tests := []struct {
		name, file string
		flags      ConnectionFlags
		want       result
		err        string
	}{
		{name: "nothing", file: "prod", want: result{Context: "prod", Name: "prod", Host: "https://127.0.0.1:1", Token: "t", ServerName: "c.example"}},
		{
			name: "another cluster", file: "prod", flags: ConnectionFlags{Cluster: "d"},
			want: result{Context: "prod", Name: "https://127.0.0.1:2", Host: "https://127.0.0.1:2", Token: "t"},
		},
		{
			name: "another user", file: "prod", flags: ConnectionFlags{User: "v"},
			want: result{Context: "prod", Name: "prod", Host: "https://127.0.0.1:1", Token: "v", As: "joe", ServerName: "c.example"},
		},
		{
			name: "another server", file: "prod", flags: ConnectionFlags{Server: "https://127.0.0.1:9"},
			want: result{Context: "prod", Name: "https://127.0.0.1:9", Host: "https://127.0.0.1:9", Token: "t"},
		},
		{
			name: "a server for a cluster that has none", file: "prod", flags: ConnectionFlags{Server: "https://127.0.0.1:9", Cluster: "no-server"},
			want: result{Context: "prod", Name: "https://127.0.0.1:9", Host: "https://127.0.0.1:9", Token: "t"},
		},
		{
			name: "another token", file: "prod", flags: ConnectionFlags{Token: "mine", As: "jane"},
			want: result{Context: "prod", Name: "prod", Host: "https://127.0.0.1:1", Token: "mine", As: "jane", ServerName: "c.example"},
		},
		{
			name: "another token than that of a file", file: "prod", flags: ConnectionFlags{Token: "mine", User: "file"},
			want: result{Context: "prod", Name: "prod", Host: "https://127.0.0.1:1", Token: "mine", ServerName: "c.example"},
		},
		{
			name: "without a context", file: "none", flags: ConnectionFlags{Cluster: "d", User: "v"},
			want: result{Name: "https://127.0.0.1:2", Host: "https://127.0.0.1:2", Token: "v", As: "joe"},
		},
		{
			name: "without a kubeconfig", file: "missing", flags: ConnectionFlags{Server: "https://127.0.0.1:9", Token: "mine"},
			want: result{Name: "https://127.0.0.1:9", Host: "https://127.0.0.1:9", Token: "mine"},
		},
		{
			name: "credentials in the address", file: "prod", flags: ConnectionFlags{Cluster: "secret"},
			want: result{Context: "prod", Name: "https://127.0.0.1:3/k8s", Host: "https://127.0.0.1:3/k8s", Username: "jane", Password: "canary"},
		},
		{
			name: "credentials in an address that is none", file: "prod", flags: ConnectionFlags{Cluster: "broken"},
			err: "the server's address in the kubeconfig is not a URL, or its user name and password hold characters that must be percent-encoded; correct it, or give one with --server",
		},
		{
			name: "unknown cluster", file: "prod", flags: ConnectionFlags{Cluster: "e", Server: "https://127.0.0.1:9"},
			err: `choosing cluster "e": it is not in the kubeconfig (DIR/prod); choose one with --cluster: broken, c, d, no-server, secret`,
		},
		{
			name: "cluster without a server", file: "prod", flags: ConnectionFlags{Cluster: "no-server"},
			err: `choosing cluster "no-server": the kubeconfig (DIR/prod) has no server for it; correct it, or choose another one with --cluster`,
		},
		{
			name: "unknown user", file: "prod", flags: ConnectionFlags{User: "w"},
			err: `choosing user "w": it is not in the kubeconfig (DIR/prod); choose one with --user: file, u, v`,
		},
		{
			name: "a user without a kubeconfig", file: "missing", flags: ConnectionFlags{User: "v", Server: "https://127.0.0.1:9"},
			err: `choosing user "v": KUBECONFIG names DIR/missing, which does not exist; name a kubeconfig with --kubeconfig, or read files with -f`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", filepath.Join(dir, tt.file))
			cfg, name, err := LoadConfig(tt.flags)
			if want := strings.ReplaceAll(tt.err, "DIR", dir); err != nil || want != "" {
				if err == nil || err.Error() != want {
					t.Errorf("got  %v\nwant %s", err, want)
				}
				return
			}
			got := result{name, tt.flags.ClusterName(cfg, name), cfg.Host, cfg.BearerToken, cfg.BearerTokenFile, cfg.Username, cfg.Password, cfg.Impersonate.UserName, cfg.ServerName}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Whether a program that gets credentials may ask for input is up to the flags, and a user without such a program is as ever.
func TestNoInput(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config")
	text := `{apiVersion: v1, kind: Config, clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}],
contexts: [{name: asks, context: {cluster: c, user: asks}}, {name: has, context: {cluster: c, user: has}}],
users: [{name: has, user: {token: t}}, {name: asks, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}}}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, why := range []string{"", "there are others"} {
		cfg, _, err := LoadConfig(ConnectionFlags{Kubeconfig: path, Context: "asks", NoInput: why})
		if err != nil {
			t.Fatal(err)
		}
		if plugin := cfg.ExecProvider; plugin.StdinUnavailable != (why != "") || plugin.StdinUnavailableMessage != why {
			t.Errorf("%q: input is kept from the program: %t, since %q", why, plugin.StdinUnavailable, plugin.StdinUnavailableMessage)
		}
		if cfg, _, err = LoadConfig(ConnectionFlags{Kubeconfig: path, Context: "has", NoInput: why}); err != nil || cfg.ExecProvider != nil {
			t.Errorf("a user with a token: %v, %v", cfg, err)
		}
	}
}

func TestImpersonatingAGroupNeedsAUser(t *testing.T) {
	t.Parallel()
	err := setImpersonation(&rest.Config{}, ConnectionFlags{AsGroups: []string{"ops"}})
	if want := "impersonating: a group or UID needs a user as well; add --as"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// Without KUBECONFIG the file that is missed is the one in the home folder.
func TestNoKubeconfigAtAll(t *testing.T) {
	t.Parallel()
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: []string{filepath.Join(t.TempDir(), "config")}}
	want := "there is no kubeconfig (" + rules.Precedence[0] + " does not exist)"
	if got := missingKubeconfig(rules, ""); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
