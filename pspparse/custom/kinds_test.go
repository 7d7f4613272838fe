package custom_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// compliant is a Deployment that meets restricted.
const compliant = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: console, namespace: shop}
spec:
  template:
    spec:
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers: [{name: c, image: 'example/console:1', securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]
`

// planOf is the plan for documents in YAML.
func planOf(t *testing.T, docs ...string) *migrate.Plan {
	t.Helper()
	r := &files.Reader{Paths: []string{files.StdinPath}, Stdin: strings.NewReader(strings.Join(docs, "\n---\n"))}
	inv, err := r.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	p, err := migrate.Build(inv, migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// told is what a plan says of the namespace shop beside the compliant Deployment: its level, workloads and gaps.
func told(p *migrate.Plan) string {
	var b strings.Builder
	for _, ns := range p.Namespaces {
		if ns.Name != "shop" {
			fmt.Fprintf(&b, "  namespace %s\n", ns.Name)
		}
		for _, w := range ns.Workloads {
			if w.Name != "console" {
				fmt.Fprintf(&b, "  %s at %s: %s", w.Kind, strings.Join(w.TemplatePaths, " "), w.Levels.AfterPSP)
				for _, v := range w.Violations {
					if v.Level == w.Levels.AfterPSP || string(v.Level) == "baseline" {
						fmt.Fprintf(&b, "; %s %s", v.Reason, v.Detail)
					}
				}
				b.WriteString("\n")
			}
		}
		fmt.Fprintf(&b, "  enforce %q\n", ns.RecommendedLabels.Enforce)
	}
	for _, g := range p.Gaps {
		fmt.Fprintf(&b, "  gap %s: %s %q\n", g.What, g.Text, g.Affects)
	}
	for _, k := range p.SkippedKinds {
		fmt.Fprintf(&b, "  skipped %s\n", k.Kind)
	}
	return b.String()
}

// documents of a file.
func documents(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(data), "---\n")
}

func headOf(doc string) string {
	lines := strings.SplitN(doc, "\n", 4)
	return strings.TrimPrefix(lines[0], "apiVersion: ") + " " + strings.TrimPrefix(lines[1], "kind: ")
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// One object of each kind of the table beside a compliant Deployment: the namespace is restricted without a gap only where the
// object itself was judged restricted, or is of the cluster and used nowhere, which a note tells.
func TestTemplateKinds(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	seen := map[string]bool{}
	for _, doc := range documents(t, "testdata/kinds.yaml") {
		head := headOf(doc)
		group, rest, _ := strings.Cut(head, "/")
		_, kind, _ := strings.Cut(rest, " ")
		seen[group+" "+kind] = true
		p := planOf(t, compliant, doc)
		fmt.Fprintf(&out, "%s\n%s", head, told(p))
		ns := p.Namespaces[slices.IndexFunc(p.Namespaces, func(ns migrate.Namespace) bool { return ns.Name == "shop" })]
		judged := slices.ContainsFunc(ns.Workloads, func(w migrate.Workload) bool {
			return w.Name == strings.ToLower(kind) && w.Levels.AfterPSP == "restricted" && !w.PartialTemplates
		})
		noted := slices.ContainsFunc(p.Notes, func(n migrate.Note) bool { return strings.HasPrefix(n.What, kind+" ") })
		if ns.RecommendedLabels.Enforce == "restricted" && len(p.Gaps) == 0 && !judged && !noted {
			t.Errorf("%s: restricted without a gap or a note, and the object was not evaluated", head)
		}
	}
	for _, r := range custom.TemplateResources() {
		if !seen[r.Group+" "+r.Kind] {
			t.Errorf("testdata/kinds.yaml has no %s of %s", r.Kind, r.Group)
		}
	}
	golden(t, "testdata/kinds.txt", out.Bytes())
}
