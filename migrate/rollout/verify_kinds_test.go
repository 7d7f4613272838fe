package rollout

import (
	"slices"
	"testing"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Every workload kind of the inventory's table is read, but the Pod, whose pods are counted by their controllers.
func TestControllerKindsAreAllKinds(t *testing.T) {
	t.Parallel()
	for _, k := range inventory.WorkloadKinds() {
		read := slices.ContainsFunc(controllerKinds(), func(c controllerKind) bool {
			return c.kind == k.Name && c.resource == k.CurrentResource() && c.read != nil
		})
		if read != (k.Name != "Pod") {
			t.Errorf("%s is read: %t", k.Name, read)
		}
	}
}
