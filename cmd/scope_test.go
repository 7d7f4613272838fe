package cmd

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Every command with a selector tells which namespaces it cannot judge, and ends with 4 after it has done the rest.
func TestSelectorLeavesOutWhatWasNotRead(t *testing.T) {
	t.Parallel()
	const plan = `{"apiVersion":"psp2pss.dev/v1","kind":"Plan","targetVersion":"v1.25","basis":"workloads","source":{"kind":"cluster","name":"prod","uid":"uid-of-kube-system"},"policies":[],"gaps":[],"roles":[],"bindings":[],"evaluations":[],"namespaces":[
		{"name":"blog","cautions":[],"blockers":[],"workloads":[],"versions":[],"labels":{"team":"web"},"current":{"enforce":"baseline"},"recommended":{"enforce":"baseline"},"action":"unchanged","complete":true},
		{"name":"lost","cautions":[],"blockers":[],"workloads":[],"versions":[],"objectNotRead":true,"current":{},"recommended":{"enforce":"baseline"},"action":"add","complete":true}]}`
	const said = "warning: -l leaves out 1 namespace (lost): the Namespace objects were not read, so their labels are not known\n"
	const ended = "psp2pss: -l left out 1 namespace (lost) whose labels were not read: read the Namespace objects too, name namespaces with -n, or accept it with --allow-partial\n"
	for _, command := range [][]string{
		{"plan", "-o", "name"},
		{"labels"},
		{"patch"},
		{"simulate", "--no-headers"},
		{"rollout", "--dry-run=client", "-o", "json"},
		{"rollout", "--stage=enforce", "--yes"},
		{"verify", "--stage=enforce"},
	} {
		for _, selector := range []string{"team=web", "team!=shop"} {
			for _, partial := range []bool{false, true} {
				g := newGround(t)
				label(t, g, "blog", "pod-security.kubernetes.io/enforce", "baseline")
				file := filepath.Join(g.dir, "plan.json")
				if err := os.WriteFile(file, []byte(plan), 0o600); err != nil {
					t.Fatal(err)
				}
				args := slices.Concat(command, []string{"--plan", file, "-l", selector})
				want, wantErr := exitPartial, said+ended
				if partial {
					args, want, wantErr = append(args, "--allow-partial"), exitDone, said
				}
				if command[0] == "rollout" {
					wantErr = said + "There is nothing to do.\n" + wantErr[len(said):]
				}
				code, out, errOut := g.run(t.Context(), nil, args...)
				if code != want {
					t.Errorf("%q: exit code %d, want %d\n%s", args, code, want, out)
				}
				if diff := cmp.Diff(wantErr, errOut); diff != "" {
					t.Errorf("%q (-want +got):\n%s", args, diff)
				}
				if writes := g.writes(); len(writes) > 0 {
					t.Errorf("%q wrote: %q", args, writes)
				}
			}
		}
	}
}

// label puts a label on a namespace of the cluster.
func label(t *testing.T, g *ground, namespace, key, value string) {
	t.Helper()
	resource := g.client.Resource(namespaces())
	u, err := resource.Get(t.Context(), namespace, metav1.GetOptions{})
	if err == nil {
		u.SetLabels(map[string]string{key: value})
		_, err = resource.Update(t.Context(), u, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	g.client.ClearActions()
}

func namespaces() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
}

// On a cluster a name that is not there is wrong unless the list that would have it was refused: then it may be right.
func TestUnknownNamesOnACluster(t *testing.T) {
	t.Parallel()
	const (
		namespaces = "/api/v1/namespaces"
		accounts   = "/api/v1/serviceaccounts"
		policies   = "/apis/policy/v1beta1/podsecuritypolicies"
		pods       = "/api/v1/pods"
	)
	tests := []struct {
		args []string
		// unsure are the lists without which it is not known whether there is such a name.
		unsure []string
	}{
		{[]string{"plan", "-n", "WEB"}, []string{namespaces}},
		{[]string{"labels", "-n", "nosuch"}, []string{namespaces}},
		{[]string{"labels", "-l", "team=web"}, []string{namespaces}},
		{[]string{"patch", "-n", "nosuch"}, []string{namespaces}},
		{[]string{"simulate", "-n", "nosuch"}, []string{namespaces}},
		{[]string{"rollout", "--yes", "-n", "nosuch"}, []string{namespaces}},
		{[]string{"rollout", "--yes", "--wave-label", "wave"}, []string{namespaces}},
		{[]string{"verify", "-n", "nosuch"}, []string{namespaces}},
		{[]string{"explain", "ns", "nosuch"}, []string{namespaces}},
		{[]string{"explain", "psp", "nosuch"}, []string{policies}},
		{[]string{"explain", "sa", "web/nosuch"}, []string{namespaces, accounts}},
		{[]string{"explain", "workload", "web/deployment/nosuch"}, []string{namespaces, pods}},
		{[]string{"patch", "web/deployment/nosuch"}, []string{namespaces, pods}},
	}
	for _, forbidden := range []string{"/", namespaces, accounts, policies, pods} {
		kubeconfig, methods := server(t, forbidden)
		for _, tt := range tests {
			args := append(slices.Clone(tt.args), "--kubeconfig", kubeconfig)
			want := exitUsage
			if slices.Contains(tt.unsure, forbidden) {
				want = exitPartial
			}
			code, out, errOut := runTool(SystemDeps("psp2pss"), "", args...)
			if code != want || out != "" || !strings.Contains(errOut, "\npsp2pss: ") && !strings.HasPrefix(errOut, "psp2pss: ") {
				t.Errorf("without %s: %q: exit code %d, want %d\n%s%s", forbidden, tt.args, code, want, out, errOut)
			}
		}
		if got := methods(); !slices.Equal(got, []string{"GET"}) {
			t.Errorf("without %s: methods sent: %v", forbidden, got)
		}
	}
}
