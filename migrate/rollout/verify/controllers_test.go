package verify

import (
	"testing"

	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// Each kind that the permissions of a roll-out are about is read, and no other.
func TestEveryControllerKindIsRead(t *testing.T) {
	t.Parallel()
	left := readersByKind()
	for _, k := range rollout.ControllerKinds() {
		if left[k.Kind] == nil {
			t.Errorf("%s is not read", k.Kind)
		}
		delete(left, k.Kind)
	}
	if len(left) > 0 {
		t.Errorf("read, and not among the kinds: %v", left)
	}
}
