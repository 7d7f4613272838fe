package pspparse

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// corpus is other people's input, next to the repository; it may be absent.
const corpus = "../../shared/corpus"

// yamlDocuments yields the documents of a stream, up to the first that does not parse.
func yamlDocuments(data []byte) iter.Seq[*yaml.Node] {
	return func(yield func(*yaml.Node) bool) {
		for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
			var doc yaml.Node
			if dec.Decode(&doc) != nil || !yield(&doc) {
				return
			}
		}
	}
}

// policyNodes returns the documents of a file that say they are policies, those in a List included. What does not parse
// as YAML is not this package's business.
func policyNodes(data []byte) []*yaml.Node {
	var found []*yaml.Node
	for doc := range yamlDocuments(data) {
		if doc.Kind == yaml.DocumentNode {
			found = append(found, policiesIn(doc.Content[0])...)
		}
	}
	return found
}

func policiesIn(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	var found []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch key, value := n.Content[i].Value, n.Content[i+1]; {
		case key == "kind" && value.Value == PolicyKind:
			return []*yaml.Node{n}
		case key == "items" && value.Kind == yaml.SequenceNode:
			for _, item := range value.Content {
				found = append(found, policiesIn(yamlnode.AliasTarget(item))...)
			}
		}
	}
	return found
}

func TestPublishedPoliciesAreRead(t *testing.T) {
	t.Parallel()
	root := filepath.Join(corpus, "devset")
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the corpus of published policies is absent")
	}
	read := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, n := range policyNodes(data) {
			p, problems := Parse(n, path)
			if p == nil {
				t.Errorf("%s:%d is not read:\n%s", path, n.Line, told(problems))
				continue
			}
			read++
			for _, problem := range p.Problems {
				if strings.Contains(problem.Message.Text, "unknown field") || strings.Contains(problem.Message.Text, "refuse") {
					t.Errorf("%s: a published policy is doubted:\n%s", path, told([]Problem{problem}))
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read == 0 {
		t.Error("no policy was found")
	}
}

// The files' own list says what is expected of the tool; this is what it means for the parser: how many policies are
// read, and what is told.
func TestBadInput(t *testing.T) {
	t.Parallel()
	const refused = "; the API server would refuse this policy"
	noRules := func(line int) string {
		var b strings.Builder
		for _, f := range [][2]string{
			{"fsGroup", "MustRunAs, MayRunAs, RunAsAny"},
			{"runAsUser", "MustRunAs, MustRunAsNonRoot, RunAsAny"},
			{"seLinux", "MustRunAs, RunAsAny"},
			{"supplementalGroups", "MustRunAs, MayRunAs, RunAsAny"},
		} {
			fmt.Fprintf(&b, "%d warning spec.%s.rule: the rule is missing: one of %s is required%s\n", line, f[0], f[1], refused)
		}
		return b.String()
	}
	for file, want := range map[string]string{
		"anchor-merge.yaml":        "base\nderived\n",
		"apiversion-evil.yaml":     "1 error apiVersion: \"policy/v1beta1/extra\" is not an API version; policies were served as policy/v1beta1 and extensions/v1beta1\n",
		"billion-laughs-psp.yaml":  "1 error : the aliases (*name) expand to more than 100000 values; write them out\n",
		"bom-utf8.yaml":            "good\n",
		"crlf-multidoc.yaml":       "good\n",
		"duplicate-keys.yaml":      "8 error spec.privileged: the key \"privileged\" stands twice (lines 6 and 8): which one counts depends on the reader; remove one\n",
		"extensions-v1beta1.yaml":  "good\n",
		"field-wrong-case.yaml":    "good\n6 warning spec.Privileged: unknown field \"Privileged\", which the API server ignores; did you mean \"privileged\"? Names are case-sensitive.\n7 warning spec.hostnetwork: unknown field \"hostnetwork\", which the API server ignores; did you mean \"hostNetwork\"? Names are case-sensitive.\n",
		"float-int.yaml":           "9 error spec.runAsUser.ranges[0].min: expected an integer, found the number \"1.5\"\n",
		"huge-int.yaml":            "9 error spec.runAsUser.ranges[0].max: the number \"99999999999999999999999\" is out of range: it does not fit in 64 bits\n",
		"kustomize-patch.yaml":     "good\n" + noRules(5),
		"metadata-null.yaml":       "1 error metadata.name: the name is missing; give metadata.name\n",
		"min-gt-max.yaml":          "good\n9 warning spec.runAsUser.ranges[0].min: the range 2000-1000 is inverted and holds nothing" + refused + "\n",
		"negative-uid.yaml":        "good\n9 warning spec.runAsUser.ranges[0].min: the range -1-10 starts below 0" + refused + "\n",
		"policy-nov.yaml":          "good\n" + neverServed("policy"),
		"policy-v1.yaml":           "good\n" + neverServed("policy/v1"),
		"psp-with-namespace.yaml":  "good\n5 warning metadata.namespace: policies are cluster-scoped: the namespace \"dev\" is ignored\n",
		"range-missing-min.yaml":   "good\n9 warning spec.runAsUser.ranges[0].min: it is missing and read as 0, as the API server does\n",
		"range-zero.yaml":          "good\n",
		"ranges-empty.yaml":        "good\n9 warning spec.runAsUser: MustRunAs without ranges: the API server accepts the policy, but admission can never use it\n12 warning spec.fsGroup: MustRunAs without ranges: the API server accepts the policy, but admission can never use it\n",
		"type-hostnetwork-on.yaml": "9 error spec.hostIPC: expected a boolean (true or false), found the string \"true\"\n",
		"type-int-bool.yaml":       "6 error spec.privileged: expected a boolean (true or false), found the number \"1\"\n",
		"type-name-date-octal.yaml": "2021-04-06\n18 error metadata.name: YAML reads 0x1F as a number: write \"0x1F\"\n" +
			"32 error metadata.name: YAML reads 1e3 as a number: write \"1e3\"\n",
		"type-name-norway.yaml":       "4 error metadata.name: YAML reads no as false: write \"no\"\n",
		"type-name-number.yaml":       "4 error metadata.name: YAML reads 12345 as a number: write \"12345\"\n",
		"type-norules.yaml":           "norules\n" + noRules(4),
		"type-privileged-string.yaml": "6 error spec.privileged: expected a boolean (true or false), found the string \"yes\"\n",
		"type-privileged-yes.yaml":    "good\n",
		"type-rule-missing.yaml":      "good\n9 warning spec.runAsUser.rule: the rule is missing: one of MustRunAs, MustRunAsNonRoot, RunAsAny is required" + refused + "\n",
		"type-spec-list.yaml":         "5 error spec: expected an object, found a list\n",
		"type-volumes-map.yaml":       "13 error spec.volumes: expected a list, found an object\n",
		"type-volumes-string.yaml":    "13 error spec.volumes: expected a list, found the string \"*\"\n",
		"ytt.yaml":                    "5 error metadata.name: the name is missing; give metadata.name\n",
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join(corpus, "badinput", file))
			if errors.Is(err, fs.ErrNotExist) {
				t.Skip("the corpus of bad input is absent")
			}
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, n := range policyNodes(data) {
				p, problems := Parse(n, file)
				if p != nil {
					got.WriteString(p.Name + "\n")
					problems = p.Problems
				}
				got.WriteString(told(problems))
			}
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// No file may crash or hang the parser, whatever its documents are.
func TestBadInputAnyDocument(t *testing.T) {
	t.Parallel()
	root := filepath.Join(corpus, "badinput")
	files, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the corpus of bad input is absent")
	}
	if err != nil {
		t.Fatal(err)
	}
	const largest = 1 << 20
	for _, f := range files {
		info, err := f.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > largest {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		ParseJSON(data, Position{File: f.Name(), Line: 1})
		for doc := range yamlDocuments(data) {
			if p, problems := Parse(doc, f.Name()); (p == nil) == (problems == nil) {
				t.Errorf("%s: %d problems with a policy: %v", f.Name(), len(problems), p != nil)
			}
		}
	}
}
