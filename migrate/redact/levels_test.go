package redact_test

import (
	"fmt"
	"io"
	"testing"
)

// Workloads of two levels keep a namespace down: those that are named for the second begin with those of the first, each in its order.
func TestWorkloadsOfTwoLevels(t *testing.T) {
	t.Parallel()
	p := planOfText(t, func(w io.Writer) error {
		for i, name := range []string{"zebra", "yak", "ant", "bee", "cow", "dog"} {
			security := "{runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}"
			if i < 4 {
				security = []string{"{privileged: true}", "{}"}[i/2]
			}
			if _, err := fmt.Fprintf(w, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: %s, namespace: farm}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i, securityContext: %s}]}}}}\n---\n", name, security); err != nil {
				return err
			}
		}
		return nil
	})
	if n := len(p.Namespaces[0].LevelWithout); n != 2 {
		t.Fatalf("%d levels without workloads", n)
	}
	checkRedaction(t, p)
}
