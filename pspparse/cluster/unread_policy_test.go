package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// TestUnreadPolicyNamesEachError checks the gap of a policy that the parser refuses: each error is an item of one argument.
func TestUnreadPolicyNamesEachError(t *testing.T) {
	t.Parallel()
	b := inventory.NewBuilder()
	addPodSecurityPolicy(b, "p", []byte(`{"apiVersion":"policy/v1beta1","kind":"PodSecurityPolicy","metadata":{"name":"p"},"spec":{"privileged":"often","hostPID":1}}`))
	inv := b.Build(inventory.Source{})
	if len(inv.Gaps) != 1 {
		t.Fatalf("gaps %v", inv.Gaps)
	}
	const (
		hostPID    = `spec.hostPID: expected a boolean (true or false), found the number "1"`
		privileged = `spec.privileged: expected a boolean (true or false), found the string "often"`
	)
	want := message.Message{
		ID: "policy-not-read", Args: message.Args{{Name: "errors", Value: []string{hostPID, privileged}}},
		Text: "reading it from the server: " + hostPID + "; " + privileged + "; look at it with kubectl get psp -o yaml",
	}
	if diff := cmp.Diff(want, inv.Gaps[0].Why); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
