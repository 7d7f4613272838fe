package redact_test

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/redact"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate"
)

// inputs are the folders that the tests read: the scenarios, and where it is there what other people have published.
func inputs(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"../../fixtures/*/input", "../../fixtures/only-in-files/*/input", "../../../shared/corpus/devset/*", "../../../shared/corpus/badinput/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) < 20 {
		t.Fatalf("only %d inputs were found", len(all))
	}
	return all
}

// planOf returns the plan of a folder, nil where it cannot be read as a whole.
func planOf(t *testing.T, input string) *migrate.Plan {
	t.Helper()
	b := inventory.NewBuilder()
	b.SameLevels = simulate.SameLevelAfterPSP
	r := &files.Reader{Paths: []string{input}, Recursive: true}
	if err := r.Read(context.Background(), b); err != nil {
		return nil
	}
	p, err := migrate.Build(b.Build(inventory.Source{Kind: inventory.SourceFiles, Name: input}), migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func encode(t *testing.T, p *migrate.Plan) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func key(n byte) *redact.Key { return redact.NewKey(bytes.Repeat([]byte{n}, redact.SecretSize)) }

// reread returns the plan that is read from the bytes of another.
func reread(t *testing.T, data []byte) *migrate.Plan {
	t.Helper()
	p, err := migrate.ReadPlan(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	return p
}

// Every scenario: redacted, saved, read and restored, its plan is what it was, byte for byte.
func TestRestoredPlanIsTheSame(t *testing.T) {
	t.Parallel()
	for _, input := range inputs(t) {
		t.Run(filepath.Base(filepath.Dir(input))+"/"+filepath.Base(input), func(t *testing.T) {
			t.Parallel()
			p := planOf(t, input)
			if p == nil {
				return
			}
			want, k := encode(t, p), key(1)
			redacted, err := redact.Plan(p, k)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(encode(t, p))); diff != "" {
				t.Fatalf("the plan itself was changed:\n%s", diff)
			}
			data := encode(t, redacted)
			restored, err := redact.Restore(reread(t, data), k)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(encode(t, restored))); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		})
	}
}
