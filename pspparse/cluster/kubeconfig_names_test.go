package cluster

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
