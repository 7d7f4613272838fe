package labels_test

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// staged has a namespace to label, one whose enforce stays what it is since it would loosen, one that is unread, and one
// whose name is none.
func staged() *migrate.Plan {
	return planOf(inventory.Source{Kind: inventory.SourceCluster, Name: "prod"},
		migrate.Namespace{Name: "0-web", Recommended: six("baseline"), Action: migrate.ActionAdd, Owner: "Flux"},
		migrate.Namespace{Name: "held", Recommended: six("baseline"), Current: migrate.Labels{Enforce: "restricted", Warn: "odd"}, Action: migrate.ActionLoosen},
		migrate.Namespace{Name: "unread", Recommended: migrate.Labels{Warn: "restricted", WarnVersion: "v1.25"}, Unread: true, Action: migrate.ActionWithheld},
		migrate.Namespace{Name: "skipped", Action: migrate.ActionSkip},
		migrate.Namespace{Name: "UPPER", Recommended: six("baseline")},
	)
}

func render(t testing.TB, write func(io.Writer, *migrate.Plan, labels.Options) error, p *migrate.Plan, stage labels.Stage) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out, p, labels.Options{Tool: "psp2pss v0", Stage: stage}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestManifests(t *testing.T) {
	t.Parallel()
	withheld := six("")
	withheld.EnforceVersion = ""
	p := planOf(inventory.Source{Kind: inventory.SourceDemo},
		migrate.Namespace{Name: "no", Recommended: six("baseline"), Owner: "Flux", Unread: true},
		migrate.Namespace{Name: "partial", Recommended: withheld, Current: migrate.Labels{Enforce: "baseline", EnforceVersion: "v1.24", Warn: "odd"}, Action: migrate.ActionWithheld},
		migrate.Namespace{Name: "skipped", Action: migrate.ActionSkip},
		migrate.Namespace{Name: "UPPER", Recommended: six("baseline")},
	)
	var got bytes.Buffer
	if err := labels.Manifests(&got, p, labels.Options{}); err != nil {
		t.Fatal(err)
	}
	want := `# no: its labels were not read, and applying this replaces those that differ
# "UPPER": refused, its name is not a valid namespace name
apiVersion: v1
kind: Namespace
metadata:
  name: "no"
  labels:
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/audit-version: v1.25
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/enforce-version: v1.25
    pod-security.kubernetes.io/warn: restricted
    pod-security.kubernetes.io/warn-version: v1.25
---
apiVersion: v1
kind: Namespace
metadata:
  name: partial
  labels:
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/audit-version: v1.25
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/enforce-version: v1.24
    pod-security.kubernetes.io/warn: restricted
    pod-security.kubernetes.io/warn-version: v1.25
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestManifestsOfNothing(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	if err := labels.Manifests(&got, planOf(inventory.Source{}), labels.Options{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("# no namespace is to be labelled\n", got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const listApplied = `#   kubectl --context=prod get namespace -o jsonpath='{range .items[?(@.metadata.annotations.kubectl\.kubernetes\.io/last-applied-configuration)]}{.metadata.name}{"\n"}{end}'`

func TestApply(t *testing.T) {
	t.Parallel()
	want := `# Pod Security labels for v1.25, stage observe, from context prod, by psp2pss v0. Apply them, when you have reviewed them, with
#   kubectl --context=prod apply --server-side --field-manager=psp2pss -f FILE
# It refuses a label to which another field manager gave another value; --force-conflicts takes that over.
# Leave out each namespace that was made by 'kubectl apply' without --server-side, and put its labels into the manifest
# it was made from: kubectl would take away all that this one gave it and the one below does not say. They are listed by
` + listApplied + `
# A namespace that is gone would be made anew.
# unread: its labels were not read, and applying this replaces those that differ
# "UPPER": refused, its name is not a valid namespace name
apiVersion: v1
kind: Namespace
metadata:
  name: "0-web"
  labels:
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/audit-version: v1.25
    pod-security.kubernetes.io/warn: restricted
    pod-security.kubernetes.io/warn-version: v1.25
---
apiVersion: v1
kind: Namespace
metadata:
  name: held
  labels:
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/audit-version: v1.25
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/warn: restricted
    pod-security.kubernetes.io/warn-version: v1.25
---
apiVersion: v1
kind: Namespace
metadata:
  name: unread
  labels:
    pod-security.kubernetes.io/warn: restricted
    pod-security.kubernetes.io/warn-version: v1.25
`
	if diff := cmp.Diff(want, render(t, labels.Apply, staged(), labels.StageObserve)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// At the enforce stage a document says again what the observe stage wrote, and no more namespaces than the stage is about.
func TestKustomize(t *testing.T) {
	t.Parallel()
	want := `# Pod Security labels for v1.25, stage enforce, from context prod, by psp2pss v0: a kustomize component.
# Save it as kustomization.yaml in a folder and list that under components, beside resources with these namespaces.
# kustomize refuses a patch for a namespace that is not among them: choose namespaces with -n and --exclude.
# "UPPER": refused, its name is not a valid namespace name
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - patch: |
      apiVersion: v1
      kind: Namespace
      metadata:
        name: "0-web"
        labels:
          pod-security.kubernetes.io/audit: restricted
          pod-security.kubernetes.io/audit-version: v1.25
          pod-security.kubernetes.io/enforce: baseline
          pod-security.kubernetes.io/enforce-version: v1.25
          pod-security.kubernetes.io/warn: restricted
          pod-security.kubernetes.io/warn-version: v1.25
`
	if diff := cmp.Diff(want, render(t, labels.Kustomize, staged(), labels.StageEnforce)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTerraform(t *testing.T) {
	t.Parallel()
	p := staged()
	p.Namespaces = p.Namespaces[:2]
	want := `# Pod Security labels for v1.25, from context prod, by psp2pss v0, for the provider hashicorp/kubernetes.
# It refuses a label to which another field manager gave another value, unless the resource says force = true.

resource "kubernetes_labels" "ns_0-web" {
  api_version = "v1"
  kind        = "Namespace"
  metadata {
    name = "0-web"
  }
  labels = {
    "pod-security.kubernetes.io/enforce"         = "baseline"
    "pod-security.kubernetes.io/enforce-version" = "v1.25"
    "pod-security.kubernetes.io/audit"           = "restricted"
    "pod-security.kubernetes.io/audit-version"   = "v1.25"
    "pod-security.kubernetes.io/warn"            = "restricted"
    "pod-security.kubernetes.io/warn-version"    = "v1.25"
  }
}

resource "kubernetes_labels" "ns_held" {
  api_version = "v1"
  kind        = "Namespace"
  metadata {
    name = "held"
  }
  labels = {
    "pod-security.kubernetes.io/enforce"       = "restricted"
    "pod-security.kubernetes.io/audit"         = "restricted"
    "pod-security.kubernetes.io/audit-version" = "v1.25"
    "pod-security.kubernetes.io/warn"          = "restricted"
    "pod-security.kubernetes.io/warn-version"  = "v1.25"
  }
}
`
	if diff := cmp.Diff(want, render(t, labels.Terraform, p, labels.StageAll)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFormsOfNothing(t *testing.T) {
	t.Parallel()
	p := planOf(inventory.Source{Kind: inventory.SourceDemo})
	const nothing = "# no namespace is to be labelled\n"
	for name, got := range map[string]string{
		"apply": render(t, labels.Apply, p, ""), "kustomize": render(t, labels.Kustomize, p, ""), "terraform": render(t, labels.Terraform, p, ""),
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
	owned.Current = migrate.Labels{Enforce: text, EnforceVersion: text, Audit: text, AuditVersion: text, Warn: text, WarnVersion: text}
	owned.Labels = map[string]string{text: text}
	p.Namespaces = append(p.Namespaces, owned)
	p.Namespaces[0].Owner = ""
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

// expectNamespaces reads YAML documents: each is a Namespace with Pod Security labels of sound values and nothing else.
func expectNamespaces(t *testing.T, text string) {
	t.Helper()
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
			return
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if doc.Kind != "Namespace" || !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(doc.Metadata.Name) {
			t.Errorf("%q %q is no namespace", doc.Kind, doc.Metadata.Name)
		}
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
		expectHCL(t, render(t, labels.Terraform, p, ""))
		expectNamespaces(t, render(t, labels.Apply, p, ""))
		expectNamespaces(t, render(t, labels.Manifests, p, ""))
		var component struct {
			Kind    string
			Patches []struct{ Patch string }
		}
		if err := yaml.Unmarshal([]byte(render(t, labels.Kustomize, p, "")), &component); err != nil || component.Kind != "Component" {
			t.Fatalf("%v: %q", err, component.Kind)
		}
		for _, patch := range component.Patches {
			expectNamespaces(t, patch.Patch)
		}
	})
}

// undoLine is all that an undo script may have in a line beside its function: a call with words that a shell passes on.
var undoLine = regexp.MustCompile(`^(#.*||undo [a-z0-9-]+( [A-Za-z0-9._/=-]+| '[A-Za-z0-9._/=,!-]+')+|exit "\$left")$`)

// FuzzUndo: whatever a plan holds, an undo script is its function, and calls of it with plain words.
func FuzzUndo(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text)
	}
	const end = "\n}\n\n"
	empty := render(f, labels.Undo, planOf(inventory.Source{Kind: inventory.SourceDemo}), "")
	_, function, _ := strings.Cut(empty[:strings.Index(empty, end)], "set -eu\n")
	f.Fuzz(func(t *testing.T, text string) {
		p := hostileEverywhere(text)
		p.Source.Kind = inventory.SourceDemo
		script := render(t, labels.Undo, p, "")
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
