package cluster

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Every workload kind of the inventory's table is listed, at least under its current version.
func TestWorkloadKindsAreListed(t *testing.T) {
	t.Parallel()
	listed := map[string]string{}
	for _, k := range workloadKinds() {
		listed[k.resource] = k.sources[0].gv.String() + " " + k.listKind
	}
	for _, k := range inventory.WorkloadKinds() {
		if want := k.APIVersions[0] + " " + k.Name + "List"; listed[k.Resource] != want {
			t.Errorf("%s: listed as %q, want %q", k.Resource, listed[k.Resource], want)
		}
	}
}
