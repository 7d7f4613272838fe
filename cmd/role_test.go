package cmd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/pspparse/cluster"
)

// What is printed is what an API server makes of it: a role that grants just what the reader asks for.
func TestPrintRole(t *testing.T) {
	t.Parallel()
	streams, out, errOut := BufferStreams("")
	if code := Run(t.Context(), streams, SystemDeps("psp2pss"), []string{"plan", "--print-role"}); code != exitDone || errOut.Len() > 0 {
		t.Fatalf("exit code %d, %s", code, errOut)
	}
	var got rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := rbacv1.ClusterRole{
		TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole"},
		ObjectMeta: metav1.ObjectMeta{Name: "psp2pss-reader"},
		Rules:      cluster.ReadRules(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("role (-want +got):\n%s", diff)
	}
	streams, out2, _ := BufferStreams("")
	if code := Run(t.Context(), streams, SystemDeps("psp2pss"), []string{"plan", "--print-role", "--custom-resources=false"}); code != exitDone {
		t.Fatalf("exit code %d", code)
	}
	var without rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict(out2.Bytes(), &without); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cluster.CoreReadRules(), without.Rules); diff != "" {
		t.Errorf("role without custom resources (-want +got):\n%s", diff)
	}
	// Without its comment signs, the end goes on with the rules.
	rules, end, _ := strings.Cut(out.String(), "# Not needed")
	var whole rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict([]byte(rules+"# "+strings.ReplaceAll(end, "\n#  ", "\n  ")), &whole); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append(cluster.ReadRules(), cluster.HelmReleaseRules()...), whole.Rules); diff != "" {
		t.Errorf("with the rule for Helm releases (-want +got):\n%s", diff)
	}
	for _, r := range got.Rules {
		if strings.Join(r.Verbs, ",") != "get,list" || len(r.ResourceNames)+len(r.NonResourceURLs) > 0 {
			t.Errorf("the role grants more than to get and list: %v", r)
		}
	}
}
