package output_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/engine/cel"
	"github.com/psp2pss/psp2pss/migrate/engine/output"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// document returns a document of a set, made by hand.
func document(kind, set string, stage int) cel.Document {
	name := "psp2pss-" + set
	return cel.Document{Kind: kind, Name: name, File: "20-" + strings.ToLower(kind) + "-" + set + ".yaml", Stage: stage, Object: map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": map[string]any{
			"name": name, "labels": map[string]any{cel.ManagedByLabel: cel.ManagedBy, cel.SetLabel: set}, "annotations": map[string]any{cel.RevisionAnnotation: "0123abcd"},
		},
	}}
}

// generated returns a set in continuity mode for one namespace, with documents in two stages, and texts as remarks.
func generated(namespace string, texts ...string) *output.Set {
	s := &output.Set{
		Table: &engine.Table{
			Mode: engine.Continuity, Grants: engine.DynamicGrants, Policies: []engine.Policy{{Name: namespace}},
			Sets: []engine.Set{{Name: namespace, Namespaces: []string{namespace}, Alternatives: []engine.Alternative{{Policy: namespace}}}},
		},
		Documents: &cel.Documents{Documents: []cel.Document{
			document("ValidatingAdmissionPolicy", namespace, 4), document("ValidatingAdmissionPolicyBinding", namespace, 4),
			document("MutatingAdmissionPolicy", namespace, 2), document("MutatingAdmissionPolicyBinding", namespace, 2),
		}},
		Options: cel.Options{Minor: 37, Validating: true, Mutating: true, Action: cel.Deny},
		Source:  inventory.Source{Kind: inventory.SourceDemo}, Tool: "psp2pss (test)",
	}
	for _, text := range texts {
		s.Table.LeftOut = append(s.Table.LeftOut, engine.Remark{Message: message.Message{Text: text}, Policy: text, Field: text, Namespaces: []string{text}})
		s.Table.Nothing = append(s.Table.Nothing, engine.Remark{Message: message.Message{Text: text + "!"}, Namespaces: []string{text}})
		s.Notes = append(s.Notes, text)
	}
	return s
}

// files returns the files of a set by name, and the names in their order.
func files(t *testing.T, s *output.Set) (byName map[string]string, names []string) {
	t.Helper()
	list, err := output.Files(s)
	if err != nil {
		t.Fatal(err)
	}
	byName = map[string]string{}
	for _, f := range list {
		names = append(names, f.Name)
		byName[f.Name] = string(f.Data)
		if !output.IsGenerated(f.Data) {
			t.Errorf("%s does not begin with what tells that it was generated", f.Name)
		}
	}
	return byName, names
}

// Files are numbered in the order of installation, stage by stage, and the commands of the README go with their names.
func TestFiles(t *testing.T) {
	t.Parallel()
	byName, names := files(t, generated("shop"))
	want := []string{
		"1-01-mutatingadmissionpolicy-shop.yaml", "1-02-mutatingadmissionpolicybinding-shop.yaml",
		"2-03-validatingadmissionpolicy-shop.yaml", "2-04-validatingadmissionpolicybinding-shop.yaml",
		"probe/pod.yaml", "kustomization.yaml", "README.md",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, text := range []string{
		"cat 1-*.yaml | kubectl apply --server-side -f -", "cat 2-*.yaml | kubectl apply --server-side -f -", "Wait until it is in force",
		"kubectl get mutatingadmissionpolicies.admissionregistration.k8s.io,mutatingadmissionpolicybindings.admissionregistration.k8s.io," +
			"validatingadmissionpolicies.admissionregistration.k8s.io,validatingadmissionpolicybindings.admissionregistration.k8s.io --selector='app.kubernetes.io/managed-by=psp2pss,psp2pss.dev/set notin (shop)'",
		"| `kubectl create --dry-run=server --namespace=shop -f probe/pod.yaml` | `psp2pss-shop` | `in force: revision 0123abcd` |", "impersonate", "validation_failure",
		`| ` + "`" + `kubectl create --dry-run=server --namespace=shop -f probe/pod.yaml -o jsonpath='{.metadata.annotations.psp2pss\.dev/in-force}{"\n"}'` + "` | `psp2pss-shop` | `0123abcd` |",
		"kubectl delete validatingadmissionpolicybindings.admissionregistration.k8s.io,mutatingadmissionpolicybindings.admissionregistration.k8s.io," +
			"validatingadmissionpolicies.admissionregistration.k8s.io,mutatingadmissionpolicies.admissionregistration.k8s.io --selector='app.kubernetes.io/managed-by=psp2pss,psp2pss.dev/set in (shop)'",
	} {
		if !strings.Contains(byName["README.md"], text) {
			t.Errorf("the README has no %q:\n%s", text, byName["README.md"])
		}
	}
	var kustomization struct{ Resources []string }
	if err := yaml.Unmarshal([]byte(byName["kustomization.yaml"]), &kustomization); err != nil || !slices.Equal(kustomization.Resources, want[:4]) {
		t.Errorf("kustomization.yaml has %q (%v)", kustomization.Resources, err)
	}
}

// API servers before v1.37 have only the first failed validation of a request in their audit annotation, and the README says so. The
// reasons of policies are in one of their own there, where the set refuses pods and has policies.
func TestAuditAnnotationsOfReleases(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		minor       int
		action      cel.Action
		policies    bool
		all, reason bool
	}{
		{37, cel.Deny, true, true, false},
		{36, cel.Deny, true, false, true},
		{36, cel.Deny, false, false, false},
		{36, cel.Warn, true, false, false},
		{30, cel.Audit, true, false, false},
	} {
		s := generated("shop")
		s.Options.Minor, s.Options.Action = test.minor, test.action
		if !test.policies {
			s.Table.Policies, s.Table.Sets[0].Alternatives = nil, nil
			s.Table.Sets[0].Checks = []engine.LevelCheck{{ID: "seccompProfile_restricted"}}
		}
		byName, _ := files(t, s)
		text := byName["README.md"]
		if all := strings.Contains(text, "have them all"); all != test.all {
			t.Errorf("%+v: the audit annotations have all: %t", test, all)
		}
		if first := strings.Contains(text, "only the first failed validation of a request before v1.37"); first == test.all {
			t.Errorf("%+v: the audit annotations have the first alone: %t", test, first)
		}
		if reason := strings.Contains(text, "`POLICY/reasons`"); reason != test.reason {
			t.Errorf("%+v: the audit annotation of reasons is named: %t", test, reason)
		}
	}
}

// Of a set without documents there is a README that says so, and YAML that is comments alone.
func TestNothingToAdd(t *testing.T) {
	t.Parallel()
	s := generated("shop")
	s.Documents = &cel.Documents{}
	if _, names := files(t, s); !slices.Equal(names, []string{"README.md"}) {
		t.Errorf("the files are %q", names)
	}
	var out bytes.Buffer
	if err := output.WriteYAML(&out, s); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "# ") {
			t.Errorf("%q is no comment", line)
		}
	}
	if got := s.Summary()[0]; got != "nothing to add on Kubernetes v1.37, from the built-in demo cluster" {
		t.Error(got)
	}
}

// A remark is said with the policies that it is about, whatever they are called: a name that occurs within a word of the text is not one
// that the text says.
func TestRemarksNamePolicies(t *testing.T) {
	t.Parallel()
	s := generated("shop")
	why := message.Message{Text: "MustRunAs without ranges"}
	s.Table.LeftOut = []engine.Remark{{Message: why, Policy: "a"}, {Message: why, Policy: "out"}}
	if got := s.Summary(); !slices.Contains(got, "not kept: MustRunAs without ranges (policies a, out)") {
		t.Errorf("the summary is %q", got)
	}
	s.Table.LeftOut = []engine.Remark{{Message: message.New("engine-refuses-all", "namespaces", []string{"a"}), Namespaces: []string{"a"}}}
	if got := s.Summary(); strings.Contains(got[len(got)-1], "(namespace") {
		t.Errorf("the namespace is said twice: %q", got)
	}
}

// hostileTexts are names as an attacker would choose them.
func hostileTexts() []string {
	return []string{
		"<script>alert(1)</script>", "a|b", "`x`", "[x](https://evil.example)", "![x](https://evil.example)", "https://evil.example", "@everyone", "# heading", "line\nkind: Pod\n---\n",
		"\x1b[31mred", "\u202egnp", "$(touch x)", "'; touch x; '", "${HOME}", "a),x in (b", "../../etc/passwd", "-rf", strings.Repeat("long-", 50) + "x", "::error::x", "##[error]x", "a,b", "a b", "*", "", "~", "\\",
	}
}

// Names act nowhere: not in Markdown, in YAML, in a shell or in the names of files, and the selector of the removal selects no more.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	tags := regexp.MustCompile(`<([a-z0-9]+)( [^>]*)?>`)
	sh, noShell := exec.LookPath("sh")
	for _, name := range hostileTexts() {
		s := generated(name, hostileTexts()...)
		byName, names := files(t, s)
		for _, file := range names {
			if !regexp.MustCompile(`^(probe/)?[0-9A-Za-z][0-9A-Za-z._-]{0,150}$`).MatchString(file) {
				t.Errorf("%q: a file is named %q", name, file)
			}
		}
		var page bytes.Buffer
		if err := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe())).Convert([]byte(byName["README.md"]), &page); err != nil {
			t.Fatal(err)
		}
		for _, tag := range tags.FindAllStringSubmatch(page.String(), -1) {
			ours := slices.Contains([]string{"h1", "h2", "p", "ul", "li", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "strong"}, tag[1]) && tag[2] == ""
			if !ours && tag[0] != `<a href="#know-that-it-is-in-force">` {
				t.Errorf("%q: the README renders %s", name, tag[0])
			}
		}
		var stream bytes.Buffer
		if err := output.WriteYAML(&stream, s); err != nil {
			t.Fatal(err)
		}
		decoder, n := yaml.NewDecoder(&stream), 0
		for ; ; n++ {
			var o struct {
				Metadata struct{ Name string }
			}
			if decoder.Decode(&o) != nil {
				break
			}
			if strings.ToValidUTF8(o.Metadata.Name, "") != "psp2pss-"+name {
				t.Errorf("document %d is %q, want %q", n, o.Metadata.Name, "psp2pss-"+name)
			}
		}
		if n != 4 {
			t.Errorf("%q: %d documents", name, n)
		}
		if noShell == nil {
			checkRemoval(t, sh, name, byName["README.md"])
		}
	}
}

// checkRemoval runs the command of the README that removes a set, with a kubectl that prints its arguments: it names the set, and does
// nothing else.
func checkRemoval(t *testing.T, sh, name, readme string) {
	t.Helper()
	_, section, _ := strings.Cut(readme, "\n## Remove\n")
	found := regexp.MustCompile("(?s)```+\n(kubectl .*?)\n```+\n").FindStringSubmatch(section)
	if found == nil {
		t.Fatalf("%q: no command removes it", name)
	}
	out, err := exec.CommandContext(t.Context(), sh, "-c", "kubectl() { for a; do printf '%s\\n' \"[$a]\"; done; }; "+found[1]).CombinedOutput()
	want := fmt.Sprintf("[--selector=app.kubernetes.io/managed-by=psp2pss,psp2pss.dev/set in (%s)]", name)
	if strings.Contains(string(out), "[--selector=") && !strings.Contains(string(out), want) || !strings.HasPrefix(string(out), "[delete]\n") || err != nil {
		t.Errorf("%q: %s runs (%v)\n%s", name, found[1], err, out)
	}
	if strings.Contains(string(out), "[--selector=") && !regexp.MustCompile(`^[-A-Za-z0-9_.]{1,63}$`).MatchString(name) {
		t.Errorf("%q is in a selector: %s", name, out)
	}
}

// A set that refuses nothing yet writes nothing: its README has the command for what a set that did has left, and what lists other sets
// names all kinds that one may have had.
func TestWhatAnEarlierSetHasLeft(t *testing.T) {
	t.Parallel()
	const left = "kubectl delete mutatingadmissionpolicybindings.admissionregistration.k8s.io,mutatingadmissionpolicies.admissionregistration.k8s.io --selector='app.kubernetes.io/managed-by=psp2pss,psp2pss.dev/set in (shop)'"
	for _, c := range []struct {
		minor       int
		action      cel.Action
		left, lists bool
	}{{37, cel.Warn, true, true}, {37, cel.Audit, true, true}, {33, cel.Warn, false, false}, {37, cel.Deny, false, true}} {
		s := generated("shop")
		s.Options = cel.Options{Minor: c.minor, Validating: true, Action: c.action}
		s.Documents.Documents = s.Documents.Documents[:2]
		byName, _ := files(t, s)
		readme := byName["README.md"]
		if got := strings.Contains(readme, left); got != c.left {
			t.Errorf("v1.%d, %s: has %q: %t", c.minor, c.action, left, got)
		}
		if got := regexp.MustCompile(`kubectl get .*mutatingadmissionpolicies.* notin `).MatchString(readme); got != c.lists {
			t.Errorf("v1.%d, %s: lists what writes: %t\n%s", c.minor, c.action, got, readme)
		}
	}
}
