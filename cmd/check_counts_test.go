package cmd

import (
	"strings"
	"testing"
)

// Manifests of one object in two folders, as overlays have them, are two workloads in every count.
func TestWorkloadsOfOneNameAreCounted(t *testing.T) {
	const hostPID = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {hostPID: true, containers: [{name: c, image: i}]}\n"
	dir := writeTree(t, map[string]string{"dev/web.yaml": hostPID, "prod/web.yaml": hostPID})
	for format, want := range map[string]string{"table": "2 findings in 2 of 2 workloads", "github": "2 errors in 2 of 2 workloads."} {
		code, out, errOut := runCheckIn(t, dir, "", "-R", "-f", ".", "--level=baseline", "-o", format)
		if code != exitFindings || !strings.Contains(out, want) || !strings.Contains(errOut, "psp2pss: 2 findings in 2 workloads: ") {
			t.Errorf("%s: exit %d:\n%s\n%s", format, code, out, errOut)
		}
	}
}

// A field in the text of a podSpecPatch is there, and the table says that it is to be changed.
func TestPatchesOfWorkflowsAreChanged(t *testing.T) {
	dir := writeTree(t, map[string]string{"w.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w, namespace: a}\nspec: {podSpecPatch: 'hostPID: true'}\n"})
	for format, want := range map[string]string{"table": "change spec.podSpecPatch.hostPID\n", "github": "w.yaml:4:8: spec.podSpecPatch.hostPID\n"} {
		if code, out, errOut := runCheckIn(t, dir, "", "w.yaml", "--level=baseline", "-o", format); code != exitFindings || !strings.Contains(out, want) {
			t.Errorf("%s: exit %d:\n%s\n%s", format, code, out, errOut)
		}
	}
}
