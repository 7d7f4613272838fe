package phrases_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/phrases"
)

func TestDecision(t *testing.T) {
	t.Parallel()
	api := &migrate.WorkloadRef{Kind: "Deployment", Name: "api"}
	tests := []struct {
		name              string
		ns                migrate.Namespace
		decision, because string
	}{
		{"nothing", migrate.Namespace{Complete: true}, "", ""},
		{"asked for", migrate.Namespace{DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisOverride}}, "--enforce", "as asked for with --enforce"},
		{"a workload", migrate.Namespace{DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisWorkloads, Workload: api}}, "deployment/api", "decided by deployment/api"},
		{"a policy", migrate.Namespace{DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisPolicies, Policy: "a"}}, "psp/a", "decided by psp/a"},
		{"both", migrate.Namespace{DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisBoth, Workload: api, Policy: "a"}}, "deployment/api, psp/a", "decided by deployment/api, psp/a"},
		{"all workloads", migrate.Namespace{DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisWorkloads}}, "all workloads", "which all workloads meet"},
		{"empty", migrate.Namespace{Complete: true, DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisEmpty}}, "nothing runs", "nothing runs there"},
		{"empty, with a policy", migrate.Namespace{Complete: true, DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisEmpty, Policy: "a"}}, "nothing runs, psp/a", "decided by psp/a, since nothing runs there"},
		{"empty as far as is known", migrate.Namespace{DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisEmpty}}, "nothing read", "nothing that runs there was read"},
		{"empty as far as is known, with a policy", migrate.Namespace{DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisEmpty, Policy: "a"}}, "nothing read, psp/a", "decided by psp/a, since nothing that runs there was read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := []string{phrases.DecisionPhrase(&test.ns), phrases.DecisionReason(&test.ns)}
			if diff := cmp.Diff([]string{test.decision, test.because}, got); diff != "" {
				t.Errorf("decision, because (-want +got):\n%s", diff)
			}
		})
	}
}
