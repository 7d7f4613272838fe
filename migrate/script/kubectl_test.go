package script_test

import (
	"testing"

	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// TestKubectlCommand checks that a command gets every flag that the cluster was read with, quoted, and none for files.
func TestKubectlCommand(t *testing.T) {
	t.Parallel()
	whole := inventory.Source{
		Kind: inventory.SourceCluster, Name: "it's prod", Kubeconfig: "/tmp/a b", As: "jane", AsGroups: []string{"ops", "$x"},
	}
	for _, tt := range []struct {
		name   string
		source inventory.Source
		want   string
		err    string
	}{
		{"all", whole, `kubectl --kubeconfig='/tmp/a b' --context='it'\''s prod' --as=jane --as-group=ops --as-group='$x'`, ""},
		{
			"a server",
			inventory.Source{Kind: inventory.SourceCluster, Cluster: "c d", User: "u", Server: "https://a:6443", WithToken: true},
			`kubectl --cluster='c d' --user=u --server=https://a:6443 --token="${PSP2PSS_TOKEN:?}"`, "",
		},
		{"hidden in the server", inventory.Source{Kind: inventory.SourceCluster, Server: "https://a\u202eb"}, "", `the value "https://a\u202eb" of --server holds characters that do not show`},
		{"files", inventory.Source{Kind: inventory.SourceFiles, Name: "a.yaml"}, "kubectl", ""},
		{"in a pod", inventory.Source{Kind: inventory.SourceCluster}, "kubectl", ""},
		{"hidden in the context", inventory.Source{Kind: inventory.SourceCluster, Name: "a\u202eb"}, "", `the value "a\u202eb" of --context holds characters that do not show`},
		{"hidden in the file", inventory.Source{Kind: inventory.SourceFilesAndCluster, Kubeconfig: "a\nb"}, "", `the value "a\nb" of --kubeconfig holds characters that do not show`},
	} {
		got, err := script.KubectlCommand(tt.source)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if got != tt.want || said != tt.err {
			t.Errorf("%s: %q, %q; want %q, %q", tt.name, got, said, tt.want, tt.err)
		}
	}
}
