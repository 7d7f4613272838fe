package redact_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/fixtures/cluster"
	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/redact"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/snapshot"
	"github.com/psp2pss/psp2pss/simulate"
)

// inventoryOf returns the inventory of a snapshot of a folder; nil where it cannot be read as a whole.
func inventoryOf(t *testing.T, input string) *inventory.Inventory {
	t.Helper()
	b := inventory.NewBuilder()
	b.SameLevels = simulate.SameLevelAfterPSP
	r := &files.Reader{Paths: []string{input}, Recursive: true}
	if err := r.Read(context.Background(), b); err != nil {
		return nil
	}
	return snapshotOf(t, b.Build(inventory.Source{Kind: inventory.SourceFiles, Name: input}))
}

// snapshotOf returns the inventory that is read from the snapshot of another.
func snapshotOf(t *testing.T, inv *inventory.Inventory) *inventory.Inventory {
	t.Helper()
	var archive bytes.Buffer
	if _, err := snapshot.Write(&archive, inv, "psp2pss (test)"); err != nil {
		t.Fatal(err)
	}
	read, err := snapshot.Read(&archive)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// built returns the plan of an inventory, arranged by its names if they are pseudonyms.
func built(t *testing.T, inv *inventory.Inventory) *migrate.Plan {
	t.Helper()
	p, err := migrate.Build(inv, migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if inv.Source.Redacted {
		redact.Arrange(p)
	}
	return p
}

// checkRedactedInventory checks that the plan of a redacted snapshot is the redacted plan, byte for byte, and restored the plan.
func checkRedactedInventory(t *testing.T, inv *inventory.Inventory) {
	t.Helper()
	plan := built(t, inv)
	before := encode(t, plan)
	k := key(5)
	want, err := redact.Plan(plan, k)
	if err != nil {
		t.Fatal(err)
	}
	redacted, err := redact.Inventory(inv, plan, k)
	if err != nil {
		t.Fatal(err)
	}
	got := built(t, snapshotOf(t, redacted))
	if diff := cmp.Diff(string(encode(t, want)), string(encode(t, got))); diff != "" {
		t.Fatalf("(-redacted plan +plan of the redacted snapshot):\n%s", diff)
	}
	restored, err := redact.Restore(got, k)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(encode(t, restored))); diff != "" {
		t.Fatalf("(-plan +restored):\n%s", diff)
	}
}

// Every scenario: the plan of the redacted snapshot is the redacted plan of the snapshot.
func TestPlanOfRedactedSnapshot(t *testing.T) {
	t.Parallel()
	for _, input := range inputs(t) {
		t.Run(filepath.Base(filepath.Dir(input))+"/"+filepath.Base(input), func(t *testing.T) {
			t.Parallel()
			inv := inventoryOf(t, input)
			if inv == nil {
				return
			}
			checkRedactedInventory(t, inv)
			if testing.Short() {
				return
			}
			// As read from a server, which gives all objects: more is known of what is not there.
			inv.Source.Kind, inv.Source.Of, inv.Source.Name = inventory.SourceCluster, "", "prod@acme"
			inv.Source.ServerVersion, inv.Source.UID = "v1.24.17-eks-0a1b2c", "0a1b2c3d-0000-4000-8000-000000000001"
			inv.ListedResources = map[string]bool{"mutatingwebhookconfigurations.admissionregistration.k8s.io": true}
			checkRedactedInventory(t, snapshotOf(t, inv))
		})
	}
}

// Generated clusters, and those whose names begin with one another.
func TestPlanOfRedactedSnapshotOfGeneratedClusters(t *testing.T) {
	t.Parallel()
	for seed := range shareOf(3) {
		checkRedactedInventory(t, inventoryOfText(t, cluster.Spec{Seed: seed, Namespaces: 14, Pods: 160, Bindings: 50, Policies: 6}.WriteYAML))
	}
	for seed := range shareOf(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		checkRedactedInventory(t, inventoryOfText(t, func(w io.Writer) error { _, err := w.Write([]byte(alikeObjects(r))); return err }))
	}
}

// inventoryOfText returns the inventory of a snapshot of a file with what a function writes.
func inventoryOfText(t *testing.T, write func(io.Writer) error) *inventory.Inventory {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "objects.yaml")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	inv := inventoryOf(t, file)
	if inv == nil {
		t.Fatal("the objects were not read")
	}
	return inv
}
