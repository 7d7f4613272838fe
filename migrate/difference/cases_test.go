package difference

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

var update = flag.Bool("update", false, "rewrite what the cases want")

// planOf makes a plan of manifests, with what a line such as "target=v1.30 basis=policies uid=one server=v1.24.0 tool=a at=2026-11-23" says.
func planOf(t *testing.T, manifests []byte, settings string) *migrate.Plan {
	t.Helper()
	source, opts := inventory.Source{Kind: inventory.SourceCluster, Name: "prod", UID: "one", Run: &inventory.Run{Tool: "psp2pss v1"}}, migrate.Options{}
	b := inventory.NewBuilder()
	for _, word := range strings.Fields(settings) {
		key, value, _ := strings.Cut(word, "=")
		var err error
		switch key {
		case "target":
			opts.Target, err = api.ParseVersion(value)
		case "basis":
			opts.Basis = migrate.Basis(value)
		case "uid":
			source.UID = value
		case "name":
			source.Name = value
		case "server":
			source.ServerVersion = value
		case "tool":
			source.Run.Tool = value
		case "at":
			source.Run.ReadAt, err = time.Parse(time.DateOnly, value)
		case "gap": // gap=workloads:shop
			part, namespace, _ := strings.Cut(value, ":")
			b.AddGap(inventory.Gap{What: part, Why: message.Message{Text: "forbidden"}, Affects: inventory.GapPart(part), Namespaces: []string{cmp.Or(namespace, inventory.AllNamespaces)}})
		default:
			t.Fatalf("there is no setting %q", key)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := files.ReadFS(fstest.MapFS{"all.yaml": {Data: manifests}}, b); err != nil {
		t.Fatal(err)
	}
	p, err := migrate.Build(b.Build(source), opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// told are the cautions and the changes, a line each.
func told(c *Changes) string {
	var b strings.Builder
	for _, m := range c.Cautions {
		fmt.Fprintf(&b, "caution: %s\n", m.Text)
	}
	for i := range c.Changes {
		change := &c.Changes[i]
		fmt.Fprintf(&b, "%s %s %s %s: %s\n", change.Group, change.Kind, change.Op, change.Direction, change.Consequence.Text)
	}
	return b.String()
}

// TestCases compares the plans of two inputs and what is told of them with what a case wants, and either way with nothing changed.
func TestCases(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range cases {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := map[string][]byte{}
		for _, f := range archive.Files {
			text[f.Name] = f.Data
		}
		settings := map[string]string{}
		for line := range strings.Lines(string(archive.Comment)) {
			if side, words, ok := strings.Cut(line, ": "); ok {
				settings[side] = words
			}
		}
		both := string(text["both.yaml"])
		got := told(Compare(
			planOf(t, []byte(both+"\n---\n"+string(text["before.yaml"])), settings["before"]),
			planOf(t, []byte(both+"\n---\n"+string(text["after.yaml"])), settings["after"]),
		))
		if *update {
			for i := range archive.Files {
				if archive.Files[i].Name == "want" {
					archive.Files[i].Data = []byte(got)
				}
			}
			if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if diff := gocmp.Diff(string(text["want"]), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}
