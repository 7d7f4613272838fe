package labels_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// staged has a namespace to label, one that kubectl has applied, one of a manifest, one whose enforce stays what it is since
// it would loosen, one whose enforce is withheld, one that is unread, and one whose name is none.
func staged() *migrate.Plan {
	withheld := six("")
	withheld.EnforceVersion = ""
	applied, not := true, false
	byAPI := &migrate.EnforceDecision{Basis: migrate.BasisWorkloads, Workload: &migrate.WorkloadRef{Kind: "Deployment", Name: "api"}}
	source := planned()
	source.Name = "prod"
	return planOf(source,
		migrate.Namespace{Name: "0-web", RecommendedLabels: six("baseline"), DecidedBy: byAPI, Action: migrate.ActionAdd, LabelOwner: "Flux", ClientApplied: &not, Cautions: []message.Message{{Text: "look\nhere"}}},
		migrate.Namespace{Name: "applied", RecommendedLabels: six("baseline"), DecidedBy: byAPI, Action: migrate.ActionAdd, LabelOwner: "Argo CD", ClientApplied: &applied},
		migrate.Namespace{Name: "git", RecommendedLabels: six("baseline"), DecidedBy: byAPI, Action: migrate.ActionAdd},
		migrate.Namespace{Name: "held", RecommendedLabels: six("baseline"), DecidedBy: byAPI, CurrentLabels: migrate.PodSecurityLabels{Enforce: "restricted", Warn: "odd"}, Action: migrate.ActionLoosen, ClientApplied: &not},
		migrate.Namespace{Name: "partial", RecommendedLabels: withheld, CurrentLabels: migrate.PodSecurityLabels{Enforce: "baseline", EnforceVersion: "v1.24"}, Action: migrate.ActionWithheld, ClientApplied: &not},
		migrate.Namespace{Name: "served", RecommendedLabels: six("baseline"), DecidedBy: byAPI, Action: migrate.ActionAdd, ClientApplied: &not, ServerApplied: true},
		migrate.Namespace{Name: "unread", RecommendedLabels: migrate.PodSecurityLabels{Warn: "restricted", WarnVersion: "v1.25"}, ObjectNotRead: true, Action: migrate.ActionWithheld},
		migrate.Namespace{Name: "skipped", Action: migrate.ActionSkip},
		migrate.Namespace{Name: "UPPER", RecommendedLabels: six("baseline")},
	)
}

var update = flag.Bool("update", false, "rewrite the golden files")

func render(t testing.TB, write func(io.Writer, *migrate.Plan, labels.Options) error, p *migrate.Plan, stage labels.Stage) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out, p, labels.Options{Tool: "psp2pss v0", Stage: stage}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Every form of one plan: files that can be read as what they are, with all that there is to say in comments. At the enforce
// stage a document says again what the observe stage wrote, and no more namespaces than the stage is about.
func TestForms(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]struct {
		write func(io.Writer, *migrate.Plan, labels.Options) error
		stage labels.Stage
	}{
		"manifest.yaml":      {labels.WriteManifests, labels.StageAll},
		"apply-observe.yaml": {labels.WriteServerSideApply, labels.StageObserve},
		"kustomization.yaml": {labels.WriteKustomize, labels.StageEnforce},
		"labels.tf":          {labels.WriteTerraform, labels.StageAll},
		"commands.sh":        {labels.WriteCommands, labels.StageAll},
	} {
		golden(t, name, render(t, form.write, staged(), form.stage))
	}
}

// golden compares with a file; a form that is not written any more leaves none behind.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "forms", name)
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(got), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run the test with -update", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// What a document may take away from is left out, whatever form is applied, and named.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	p, both := staged(), []string{"applied", "git"}
	for name, form := range map[string]struct {
		write func(io.Writer, *migrate.Plan, labels.Options) error
		left  func(*migrate.Plan, labels.Stage) []string
		more  []string // that are left out
	}{
		"manifest": {labels.WriteManifests, labels.LeftOutOfManifests, []string{"served"}},
		"apply":    {labels.WriteServerSideApply, labels.LeftOutOfApply, nil},
	} {
		if diff := cmp.Diff(append(slices.Concat(both, form.more), "unread"), form.left(p, labels.StageAll)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(slices.Concat(both, form.more), form.left(p, labels.StageEnforce)); diff != "" {
			t.Errorf("%s at the enforce stage (-want +got):\n%s", name, diff)
		}
		want := slices.DeleteFunc([]string{"0-web", "held", "partial", "served"}, func(ns string) bool { return slices.Contains(form.more, ns) })
		if diff := cmp.Diff(want, namesIn(t, render(t, form.write, p, ""))); diff != "" {
			t.Errorf("%s has (-want +got):\n%s", name, diff)
		}
	}
}

func TestFormsOfNothing(t *testing.T) {
	t.Parallel()
	p := planOf(inventory.Source{Kind: inventory.SourceDemo})
	const nothing = "# no namespace is to be labelled\n"
	for name, got := range map[string]string{
		"manifest": render(t, labels.WriteManifests, p, ""), "apply": render(t, labels.WriteServerSideApply, p, ""), "kustomize": render(t, labels.WriteKustomize, p, ""), "terraform": render(t, labels.WriteTerraform, p, ""),
	} {
		if !strings.Contains(got, nothing) {
			t.Errorf("%s does not say that there is nothing:\n%s", name, got)
		}
	}
}

// hostileEverywhere has the text in each place that a Plan has for text.
func hostileEverywhere(text string) *migrate.Plan {
	p := hostilePlan("comment", text)
	for _, at := range []string{"name", "level"} {
		p.Namespaces = append(p.Namespaces, hostilePlan(at, text).Namespaces...)
	}
	owned := hostilePlan("", text).Namespaces[0]
	owned.CurrentLabels = migrate.PodSecurityLabels{Enforce: text, EnforceVersion: text, Audit: text, AuditVersion: text, Warn: text, WarnVersion: text}
	owned.Labels = map[string]string{text: text}
	p.Namespaces = append(p.Namespaces, owned)
	p.Namespaces[0].LabelOwner = ""
	return p
}

// hclLine is all that a Terraform file may have in a line.
var hclLine = regexp.MustCompile(`^(#.*||resource "kubernetes_labels" "ns_[a-z0-9-]+" \{|  api_version = "v1"|  kind        = "Namespace"|  metadata \{|    name = "[a-z0-9-]+"|  labels = \{|    "pod-security\.kubernetes\.io/[a-z-]+" *= "[a-z0-9.]+"| *\})$`)

func expectHCL(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if !hclLine.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Errorf("not a line of ours: %q", line)
		}
	}
}

// namesIn reads YAML documents: each is a Namespace with Pod Security labels of sound values and nothing else.
func namesIn(t *testing.T, text string) []string {
	t.Helper()
	var names []string
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc struct {
			APIVersion, Kind string
			Metadata         struct {
				Name   string
				Labels map[string]string
			}
		}
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if doc.Kind != "Namespace" || !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(doc.Metadata.Name) {
			t.Errorf("%q %q is no namespace", doc.Kind, doc.Metadata.Name)
		}
		names = append(names, doc.Metadata.Name)
		for key, value := range doc.Metadata.Labels {
			if !regexp.MustCompile(`^pod-security\.kubernetes\.io/[a-z-]+=[a-z0-9.]+$`).MatchString(key + "=" + value) {
				t.Errorf("the label %q has the value %q", key, value)
			}
		}
	}
}

func FuzzForms(f *testing.F) {
	for _, text := range append(hostile(), "${file(\"/etc/passwd\")}", "%{ if true }", "a\n---\nkind: Secret", `"}`, "*/", "//") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := hostileEverywhere(text)
		expectHCL(t, render(t, labels.WriteTerraform, p, ""))
		namesIn(t, render(t, labels.WriteServerSideApply, p, ""))
		namesIn(t, render(t, labels.WriteManifests, p, ""))
		var component struct {
			Kind    string
			Patches []struct{ Patch string }
		}
		if err := yaml.Unmarshal([]byte(render(t, labels.WriteKustomize, p, "")), &component); err != nil || component.Kind != "Component" {
			t.Fatalf("%v: %q", err, component.Kind)
		}
		for _, patch := range component.Patches {
			namesIn(t, patch.Patch)
		}
	})
}

// undoLine is all that an undo script may have in a line beside its function: a call with words that a shell passes on.
var undoLine = regexp.MustCompile(`^(#.*||undo [a-z0-9-]+( [A-Za-z0-9._/=-]+| '([A-Za-z0-9._/=,!-]|( in \(([A-Za-z0-9._-]*,)+[a-z]+\)))+')+|exit "\$left")$`)

// FuzzUndo: whatever a plan holds, an undo script is its function, and calls of it with plain words.
func FuzzUndo(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text)
	}
	const end = "\n}\n\n"
	empty := render(f, labels.WriteUndo, planOf(inventory.Source{Kind: inventory.SourceDemo}), "")
	_, function, _ := strings.Cut(empty[:strings.Index(empty, end)], "set -eu\n")
	f.Fuzz(func(t *testing.T, text string) {
		p := hostileEverywhere(text)
		p.Source.Kind = inventory.SourceDemo
		script := render(t, labels.WriteUndo, p, "")
		head, calls, _ := strings.Cut(script, end)
		comments, got, _ := strings.Cut(head, "set -eu\n")
		if got != function {
			t.Errorf("the function became\n%s", got)
		}
		for line := range strings.Lines(comments + calls) {
			if !undoLine.MatchString(strings.TrimSuffix(line, "\n")) {
				t.Errorf("not a line of ours: %q", line)
			}
		}
	})
}
