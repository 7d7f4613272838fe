package cmd

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/cobra"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

func TestGateFlags(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args string
		want gateOptions
		err  string
	}{
		{args: "", want: gateOptions{}},
		{
			args: "--to 1.26 --assert policies-saved,psp-plugin-off --allow-partial --admission-config a.yaml",
			want: gateOptions{
				To: api.MajorMinorVersion(1, 26), Assert: []gate.Assertion{gate.AssertPoliciesSaved, gate.AssertPolicyPluginOff},
				Source: SourceOptions{AdmissionConfig: "a.yaml"}, Decide: migrate.Options{AllowPartial: true},
			},
		},
		{args: "--yes", err: "unknown flag: --yes"},
		{args: "--clean-helm", err: "unknown flag: --clean-helm"},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			streams, _, _ := BufferStreams("")
			var got *gateOptions
			cmd := newGate(streams, world(nil), func(_ context.Context, o *gateOptions) error { got = o; return nil })
			err := executeAs(streams, world(nil), cmd, strings.Fields(test.args))
			if test.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.err) || exitCode(err) != exitUsage || got != nil {
					t.Fatalf("got %v (exit %d), want %s", err, exitCode(err), test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			ignore := []cmp.Option{
				cmpopts.IgnoreFields(gateOptions{}, "streams", "deps", "Outputs"), cmpopts.IgnoreFields(SourceOptions{}, "Stdin"),
				cmpopts.EquateEmpty(), cmp.AllowUnexported(api.Version{}, gateOptions{}),
			}
			if diff := cmp.Diff(test.want, *got, ignore...); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
		})
	}
}

// executeAs runs a command in place of the one of its name.
func executeAs(streams Streams, deps Deps, cmd *cobra.Command, args []string) error {
	root := NewRootCommand(streams, deps)
	for _, c := range root.Commands() {
		if c.Name() == cmd.Name() {
			root.RemoveCommand(c)
		}
	}
	refuseEmptyFlags(cmd)
	root.AddCommand(cmd)
	root.SetArgs(append([]string{cmd.Name()}, args...))
	return root.Execute()
}

// gateOf asks a server for what it knows of Helm releases. It gets and lists, and tells no password.
func gateOf(t *testing.T, forbidden string, args ...string) (reasons []gate.Reason, unknown []gate.Unknown) {
	t.Helper()
	kubeconfig, methods := server(t, forbidden)
	streams, out, errOut := BufferStreams("")
	Run(t.Context(), streams, SystemDeps("psp2pss"), append([]string{"gate", "--kubeconfig", kubeconfig, "-o", "json"}, args...))
	if strings.Contains(out.String()+errOut.String(), "hunter2") {
		t.Errorf("it tells what the values hold:\n%s%s", out, errOut)
	}
	if diff := cmp.Diff([]string{"GET"}, methods()); diff != "" {
		t.Errorf("methods sent (-want +got):\n%s", diff)
	}
	var r gate.Result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s", err, errOut)
	}
	for _, reason := range r.Reasons {
		if reason.ID == "helm-releases" {
			reasons = append(reasons, reason)
		}
	}
	for _, u := range r.Unknown {
		if u.ID == "helm-releases-unread" {
			unknown = append(unknown, u)
		}
	}
	return reasons, unknown
}

func TestGateReadsReleases(t *testing.T) {
	t.Parallel()
	reasons, unknown := gateOf(t, "/")
	want := [][]string{{"web/web: revision 1 (Secret), PodSecurityPolicy strict: helm upgrade fails; helm rollback fails to 1; helm uninstall fails"}}
	var where [][]string
	for _, r := range reasons {
		where = append(where, message.Texts(r.Objects))
	}
	if diff := cmp.Diff(want, where); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if len(unknown) > 0 {
		t.Errorf("everything was read, and it could not tell %v", unknown)
	}

	reasons, unknown = gateOf(t, "/api/v1/secrets")
	const gap = `Helm releases in secrets: listing them is forbidden (403: no); grant the verb list on the resource secrets in API group "", ` +
		`with this rule in a ClusterRole: {apiGroups: [""], resources: ["secrets"], verbs: ["list"]}`
	wantUnknown := []gate.Unknown{{
		Message: message.Message{
			ID: "helm-releases-unread", Args: message.Args{{Name: "all", Value: true}, {Name: "gaps", Value: []string{gap}}, {Name: "releases", Value: 0}},
			Text: "whether a stored Helm release holds a policy, with which helm upgrade and helm rollback fail from v1.25 on: not read: " + gap,
		},
		Order: 14, Assert: gate.AssertHelmClean,
	}}
	if diff := cmp.Diff(wantUnknown, unknown); diff != "" {
		t.Errorf("forbidden (-want +got):\n%s", diff)
	}
	if len(reasons) > 0 {
		t.Errorf("forbidden: %v", reasons)
	}
	if _, unknown = gateOf(t, "/api/v1/secrets", "--assert=helm-releases-clean"); len(unknown) > 0 {
		t.Errorf("vouched for: %v", unknown)
	}
}
