package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The names of a kubeconfig are sorted, and a context whose credentials are elsewhere is known by its user.
func TestReadKubeconfigNames(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config")
	const text = `
apiVersion: v1
kind: Config
clusters: [{name: z, cluster: {server: https://z.example}}, {name: a, cluster: {server: https://a.example}}]
contexts:
- {name: file, context: {cluster: z, user: file}}
- {name: exec, context: {cluster: a, user: exec}}
- {name: provider, context: {cluster: a, user: provider}}
- {name: token, context: {cluster: a, user: token}}
- {name: both, context: {cluster: a, user: both}}
- {name: nobody, context: {cluster: a, user: nosuch}}
users:
- {name: token, user: {token: abc}}
- {name: both, user: {token: abc, tokenFile: /token}}
- {name: file, user: {tokenFile: /token}}
- {name: exec, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never}}}
- {name: provider, user: {auth-provider: {name: oidc}}}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadKubeconfigNames(path)
	if err != nil {
		t.Fatal(err)
	}
	want := KubeconfigNames{
		Contexts: []string{"both", "exec", "file", "nobody", "provider", "token"}, Clusters: []string{"a", "z"},
		Users: []string{"both", "exec", "file", "provider", "token"}, Bound: []string{"exec", "file", "provider"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(KubeconfigNames{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// What was read once is not read again: each context leads where it did when the file was there.
	load := func(context string, known *KubeconfigNames) string {
		cfg, name, err := LoadConfig(ConnectionFlags{Kubeconfig: path, Context: context, Known: known, NoInput: "for the test"})
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintln(name, cfg.Host, cfg.BearerToken, cfg.BearerTokenFile, cfg.ExecProvider, cfg.AuthProvider)
	}
	before := map[string]string{}
	for _, context := range append(want.Contexts, "nosuch") {
		before[context] = load(context, nil)
		if again := load(context, &got); again != before[context] {
			t.Errorf("%s: %q, and after all was read %q", context, before[context], again)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for _, context := range want.Users {
		if again := load(context, &got); again != before[context] {
			t.Errorf("%s: %q, and once the file is gone %q", context, before[context], again)
		}
	}
	if got.content.AuthInfos["exec"].Exec.StdinUnavailable {
		t.Error("a context has written into the kubeconfig that others share")
	}
}
