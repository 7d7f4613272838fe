package cmd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/report"
)

// The table names commands with the flags that were given, but for what is secret or about one run.
func TestInvocation(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, args string
		want       report.Invocation
	}{
		{"nothing", "", report.Invocation{}},
		{"the demo", "--demo -A", report.Invocation{Source: []string{"--demo"}}},
		{"files", "-R -f a,b --filename=c --timeout=5m", report.Invocation{Source: []string{"-f", "a", "-f", "b", "-f", "c", "-R"}}},
		{"a cluster", "--as=u --context=c --as-group=g --kubeconfig=k --custom-resources=false --admission-config=a.yaml", report.Invocation{
			Source: []string{"--custom-resources=false", "--admission-config=a.yaml", "--kubeconfig=k", "--context=c", "--as=u", "--as-group=g"},
		}},
		{"decision", "--target-version=1.26 --enforce=baseline --warn=baseline --allow-partial", report.Invocation{
			Target: []string{"--target-version=1.26"}, Decide: []string{"--enforce=baseline", "--warn=baseline", "--allow-partial"},
		}},
		{"scope", "-n a -n b,c -l team=x --exclude=c", report.Invocation{Scope: []string{"-n", "a", "-n", "b", "-n", "c", "-l", "team=x", "--exclude=c"}}},
		{"a saved plan", "--plan=p.json", report.Invocation{Source: []string{"--plan=p.json"}}},
		{"standard input", "-f -", report.Invocation{Source: []string{"-f", "-"}, OneTime: true}},
		{"a plan on standard input", "--plan -", report.Invocation{Source: []string{"--plan=-"}, OneTime: true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := parsePlan(strings.Fields(test.args), nil)
			if err != nil {
				t.Fatal(err)
			}
			got.Invocation.Tool = ""
			if diff := cmp.Diff(test.want, got.Invocation); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
