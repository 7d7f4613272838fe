package labels_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const (
	writtenHere = `# web: enforce baseline, nothing runs there
#   Application argocd/web writes enforce=privileged, and its next sync would undo a change: put these into its spec.labels (app.yaml:3)
#   Terraform's web writes enforce=restricted, and its next apply would undo a change: put these into its labels
#   they contradict each other in enforce: leave these labels to one of them
#     pod-security.kubernetes.io/enforce: baseline
#     pod-security.kubernetes.io/enforce-version: v1.25
#     pod-security.kubernetes.io/audit: restricted
#     pod-security.kubernetes.io/audit-version: v1.25
#     pod-security.kubernetes.io/warn: restricted
#     pod-security.kubernetes.io/warn-version: v1.25
#     "pod-security.kubernetes.io/enforce" = "baseline"
#     "pod-security.kubernetes.io/enforce-version" = "v1.25"
#     "pod-security.kubernetes.io/audit" = "restricted"
#     "pod-security.kubernetes.io/audit-version" = "v1.25"
#     "pod-security.kubernetes.io/warn" = "restricted"
#     "pod-security.kubernetes.io/warn-version" = "v1.25"
`
	syncedHere = `# web: enforce baseline, nothing runs there
#   the OpenShift label syncer writes these labels; it leaves the namespace to you once it has the label
#     security.openshift.io/scc.podSecurityLabelSync=false
`
	sixHere = `#     pod-security.kubernetes.io/enforce: baseline
#     pod-security.kubernetes.io/enforce-version: v1.25
#     pod-security.kubernetes.io/audit: restricted
#     pod-security.kubernetes.io/audit-version: v1.25
#     pod-security.kubernetes.io/warn: restricted
#     pod-security.kubernetes.io/warn-version: v1.25
`
	document = `apiVersion: v1
kind: Namespace
metadata:
  name: web
  labels:
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/audit-version: v1.25
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/enforce-version: v1.25
    pod-security.kubernetes.io/warn: restricted
    pod-security.kubernetes.io/warn-version: v1.25
`
)

// A namespace whose labels another object is known to write gets nothing to apply, which that would fight over; its manifest is
// for the source that it comes from.
func TestOwned(t *testing.T) {
	t.Parallel()
	writers := []inventory.LabelWriter{
		{Object: "Application argocd/web", Path: "spec.labels", Syntax: inventory.LabelMap, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "privileged"}, Position: pspparse.Position{File: "app.yaml", Line: 3}},
		{Object: "Terraform's web", Path: "labels", Syntax: inventory.LabelHCL, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}},
	}
	served := false
	plan := func(owner string, writers []inventory.LabelWriter) *migrate.Plan {
		ns := migrate.Namespace{Name: "web", LabelOwner: owner, LabelWriters: writers, Complete: true, ClientApplied: &served, RecommendedLabels: six("baseline"), Action: migrate.ActionAdd, DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisEmpty}}
		ns.Cautions = ns.LabelOwnerCautions()
		return &migrate.Plan{TargetVersion: "v1.25", Source: inventory.Source{Kind: inventory.SourceFiles, Name: "a.yaml"}, Namespaces: []migrate.Namespace{ns}}
	}
	const none = "# no namespace is to be labelled\n"
	component := "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: []\n"
	optedOut := document + "    security.openshift.io/scc.podSecurityLabelSync: \"false\"\n"
	for name, tt := range map[string]struct {
		plan  *migrate.Plan
		write func(io.Writer, *migrate.Plan, labels.Options) error
		want  string
	}{
		"writers, commands":    {plan(writers[0].Object, writers), labels.WriteCommands, writtenHere},
		"writers, apply":       {plan(writers[0].Object, writers), labels.WriteServerSideApply, writtenHere + none},
		"writers, kustomize":   {plan(writers[0].Object, writers), labels.WriteKustomize, writtenHere + none + component},
		"writers, terraform":   {plan(writers[0].Object, writers), labels.WriteTerraform, writtenHere + none},
		"writers, manifest":    {plan(writers[0].Object, writers), labels.WriteManifests, writtenHere + document},
		"OpenShift, apply":     {plan(migrate.OpenShiftLabelSyncer, nil), labels.WriteServerSideApply, syncedHere + sixHere + none},
		"OpenShift, kustomize": {plan(migrate.OpenShiftLabelSyncer, nil), labels.WriteKustomize, syncedHere + sixHere + none + component},
		"OpenShift, terraform": {plan(migrate.OpenShiftLabelSyncer, nil), labels.WriteTerraform, syncedHere + sixHere + none},
		"OpenShift, manifest":  {plan(migrate.OpenShiftLabelSyncer, nil), labels.WriteManifests, syncedHere + optedOut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := tt.write(&b, tt.plan, labels.Options{Tool: "psp2pss v0"}); err != nil {
				t.Fatal(err)
			}
			_, got, _ := strings.Cut(b.String(), "# web: ")
			if diff := cmp.Diff(tt.want, "# web: "+got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if left := labels.LeftOutOfApply(tt.plan, labels.StageAll); len(left) > 0 {
				t.Errorf("left out of apply: %q", left)
			}
		})
	}
}

// The head of a namespace whose invalid enforce is repaired says what it becomes.
func TestInvalidBecomes(t *testing.T) {
	t.Parallel()
	const enforce, audit = "pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/audit"
	ns := migrate.Namespace{
		Name: "web", Complete: true, Labels: map[string]string{enforce: "bad", audit: "worse"}, CurrentLabels: migrate.PodSecurityLabels{Enforce: "bad", Audit: "worse"},
		RecommendedLabels: six("baseline"), Action: migrate.ActionLoosen, DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisEmpty},
	}
	p := &migrate.Plan{TargetVersion: "v1.25", Source: inventory.Source{Kind: inventory.SourceFiles, Name: "a.yaml"}, Namespaces: []migrate.Namespace{ns}}
	var b bytes.Buffer
	if err := labels.WriteCommands(&b, p, labels.Options{Tool: "psp2pss v0"}); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(b.String(), "# web: ")
	got, _, _ = strings.Cut(got, "\n")
	want := `enforce becomes restricted, as which the server takes "bad" today; baseline, nothing runs there, is looser than today: ask for it with --enforce=baseline -n web, or fix the workloads`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
