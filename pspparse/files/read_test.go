package files

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// summary is what was read, one line each.
func summary(inv *inventory.Inventory) []string {
	var all []string
	for _, p := range inv.Policies {
		all = append(all, fmt.Sprintf("policy %s %s %s:%d", p.Name, p.APIVersion, p.Position.File, p.Position.Line))
	}
	for _, w := range inv.Workloads {
		all = append(all, fmt.Sprintf("%s %s/%s %s:%d", w.Kind, w.Namespace, w.Name, w.Position.File, w.Position.Line))
	}
	for _, n := range inv.Namespaces {
		if n.Declared {
			all = append(all, fmt.Sprintf("namespace %s %s:%d", n.Name, n.Position.File, n.Position.Line))
		}
	}
	for _, g := range inv.Gaps {
		all = append(all, fmt.Sprintf("gap %s:%d %s: %s %v", g.Position.File, g.Position.Line, g.What, g.Why, g.Namespaces))
	}
	for _, n := range inv.Notes {
		if n.What != "namespaces" {
			all = append(all, fmt.Sprintf("note %s:%d %s: %s", n.Position.File, n.Position.Line, n.What, n.Why))
		}
	}
	for _, k := range inv.Skipped {
		all = append(all, fmt.Sprintf("skipped %s %d", k.Kind, k.Count))
	}
	return all
}

func readFile(t *testing.T, text string, limits Limits) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	inv, err := (&Reader{Paths: []string{"f"}, Limits: limits}).Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return summary(inv)
}

const spec = `spec: {runAsUser: {rule: RunAsAny}, seLinux: {rule: RunAsAny}, fsGroup: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}}`

func psp(name string) string {
	return "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: " + name + "}\n" + spec + "\n"
}

func jsonNamespace(name string) string {
	return `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"` + name + `"}}`
}

const jsonSpec = `"spec":{"runAsUser":{"rule":"RunAsAny"},"seLinux":{"rule":"RunAsAny"},"fsGroup":{"rule":"RunAsAny"},"supplementalGroups":{"rule":"RunAsAny"}}`

func TestRead(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		limits     Limits
		want       []string
	}{
		{
			name: "documents apart", text: "# first\n" + psp("a") + "--- # second\n" + psp("b") + "...\n--- {apiVersion: v1, kind: Namespace, metadata: {name: ns}}\n",
			want: []string{"policy a policy/v1beta1 f:2", "policy b policy/v1beta1 f:7", "namespace ns f:12"},
		},
		{
			name: "a marker within a block scalar is text", text: "apiVersion: v1\nkind: ConfigMap\ndata:\n  x: |\n    ---\n    kind: Pod\n    ---\n",
			want: []string{"skipped ConfigMap 1"},
		},
		{
			name: "JSON and YAML in one stream", text: jsonNamespace("a") + "\n" + jsonNamespace("b") + jsonNamespace("c") + "\n---\n" + psp("p") + "---\n" + jsonNamespace("d"),
			want: []string{"policy p policy/v1beta1 f:4", "namespace a f:1", "namespace b f:2", "namespace c f:2", "namespace d f:9"},
		},
		{name: "JSON that is YAML after all", text: `{"apiVersion": v1, "kind": Namespace, "metadata": {"name": ns,},}`, want: []string{"namespace ns f:1"}},
		{
			name: "what follows a JSON object", text: jsonNamespace("a") + ", " + jsonNamespace("b") + "\n---\n" + jsonNamespace("c"),
			want: []string{
				"namespace a f:1", "namespace c f:3",
				`gap f:1 document 1: something other than an object or --- follows the JSON object: ',' [*]`,
			},
		},
		{
			name: "kubectl's order of keys", text: `{"apiVersion":"v1","items":[` + "\n" + jsonNamespace("a") + ",\n" + jsonNamespace("b") + "\n" + `],"kind":"List","metadata":{"resourceVersion":""}}`,
			want: []string{"namespace a f:2", "namespace b f:3"},
		},
		{name: "typed list, kind first", text: `{"kind":"NamespaceList","apiVersion":"v1","items":[{"metadata":{"name":"a"}}]}`, want: []string{"namespace a f:1"}},
		{
			name: "typed list, kind last", text: `{"apiVersion":"policy/v1beta1","items":[` + "\n" + `{"metadata":{"name":"a"},` + jsonSpec + `}],"kind":"PodSecurityPolicyList"}`,
			want: []string{"policy a policy/v1beta1 f:2"},
		},
		{
			name: "typed list in YAML, kind last", text: "# c\n---\napiVersion: v1\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\nkind: NamespaceList\n",
			want: []string{"namespace a f:5", "namespace b f:6"},
		},
		{
			name: "lists in lists", text: `{"kind":"List","apiVersion":"v1","items":[{"items":[` + "\n" + `{"metadata":{"name":"a"}}],"kind":"NamespaceList","apiVersion":"v1"},` + "\n" + `{"kind":"List","apiVersion":"v1","items":[` + jsonNamespace("b") + `]}]}`,
			want: []string{"namespace a f:2", "namespace b f:3"},
		},
		{
			name: "a List in flow style", text: "{apiVersion: v1, kind: List, items: [\n {apiVersion: v1, kind: Namespace, metadata: {name: a}},\n null]}",
			want: []string{"namespace a f:2", "note f:3 document 1: 1 item of the list hold no object and were passed over"},
		},
		{
			name: "indented items, comments, anchors across items", text: "apiVersion: v1\nkind: List\nitems:\n  # one\n  - apiVersion: v1\n    kind: Namespace\n    metadata: {name: a, labels: &l {x: z}}\n\n" +
				"  - {apiVersion: v1, kind: ConfigMap}\n  - apiVersion: v1\n    kind: Namespace\n    metadata:\n      name: b\n      labels: *l\n  - apiVersion: v1\n    kind: Namespace\n    metadata:\n      labels: *l\n      name: [1]\n",
			want: []string{
				"namespace a f:5", "namespace b f:10",
				`gap f:19 Namespace "(no name)": metadata.name must be a string, not a list [*]`, "skipped ConfigMap 1",
			},
		},
		{
			name: "braces at column 0", text: "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: a\n}}\n- {apiVersion: v1, kind: Namespace, metadata: {name: b}}\n",
			want: []string{"namespace a f:4", "namespace b f:6"},
		},
		{
			name: "a broken item costs itself only", text: "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: a}\n- apiVersion: v1\n  kind: [\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: b}\nkind: List\n",
			want: []string{"namespace a f:3", "namespace b f:8", "gap f:7 item 2 of document 1: it is not valid YAML: did not find expected node content [*]"},
		},
		{
			name: "a List that is cut off between items", text: "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: a}\n",
			want: []string{"namespace a f:3", "gap f:6 document 1: the list ends after 1 item without saying its kind: it may be cut off; read it again from its source, or add kind: List [*]"},
		},
		{
			name: "keys given twice", text: "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: 1\n  b: 2\n  a: 3\n---\n" + `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"n"},"spec":{"hostPID":true,` + "\n" + `"hostPID":false}}`,
			want: []string{
				`gap f:9 Pod "n/p": the key "hostPID" is given twice (lines 8 and 9): which one counts depends on the reader, remove one [n]`,
				`note f:6 document 1 (ConfigMap): the key "a" is given twice (lines 4 and 6): which one counts depends on the reader, remove one`,
				"skipped ConfigMap 1",
			},
		},
		{
			name: "merge keys", text: "apiVersion: v1\nkind: Namespace\nx: &x {a: b, c: d}\nmetadata:\n  name: ns\n  labels: {<<: *x, a: e}\n---\napiVersion: v1\nkind: ConfigMap\nx: &x {a: b}\ndata:\n  a: c\n  <<: *x\n",
			want: []string{
				"namespace ns f:1",
				`gap f:12 document 2: the merge key (<<) below "a" holds another value for it: readers differ on which one counts, move the merge key to the top [*]`,
			},
		},
		{
			name: "a wrong type has its line", text: "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: ns\nspec:\n  containers:\n  - name: a\n    image: i\n  - name: b2\n    securityContext:\n      privileged: \"yes\"\n",
			want: []string{`gap f:12 Pod "ns/p": spec.containers[1].securityContext.privileged must be a boolean, not a string [ns]`},
		},
		{
			name: "a label of the wrong type touches its namespace only", text: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels:\n    x.io/y: \"1\"\n    x.io/z:\n    - 1\n    x: y\n---\n" +
				`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"b","labels":{` + "\n" + `"x":"y",` + "\n" + `"z":1}}}`,
			want: []string{
				`gap f:7 Namespace "a": metadata.labels[x.io/z] must be a string, not a list [a]`,
				`gap f:13 Namespace "b": metadata.labels.z must be a string, not a number [b]`,
			},
		},
		{
			name: "too large, and what comes after", text: "a: " + strings.Repeat("x", 300) + "\n---\nx: |\n" + strings.Repeat("  ab\n", 100) + "---\n" + psp("p") + "---\n" + `{"apiVersion":"v1","kind":"List","items":[{"a":"` + strings.Repeat("x", 300) + `"},` + jsonNamespace("n") + "]}",
			limits: Limits{DocumentBytes: 256},
			want: []string{
				"policy p policy/v1beta1 f:105", "namespace n f:110",
				"gap f:1 document 1: it is too large (the limit for one document or item is 256 bytes): split it [*]",
				"gap f:2 document 2: it is too large (the limit for one document or item is 256 bytes): split it [*]",
				"gap f:110 item 1 of document 4: it is too large (the limit for one document or item is 256 bytes): split it [*]",
			},
		},
		{
			name: "too deep", text: "a: [[[[1]]]]\n---\n" + `{"kind":"List","apiVersion":"v1","items":[{"kind":"X","apiVersion":"v1","a":[[[[1]]]]},` + jsonNamespace("n") + "]}", limits: Limits{Depth: 4},
			want: []string{
				"namespace n f:3", "gap f:1 document 1: it nests deeper than 4 levels [*]",
				"gap f:3 item 1 of document 2: it is nested too deeply (the limit for one document or item is 4 levels): split it [*]",
			},
		},
		{
			name: "more gaps than are told", text: "a: [\n---\nb: [\n---\nc: [\n", limits: Limits{Gaps: 1},
			want: []string{
				"gap f:0 the file: 2 more of its documents could not be read: only the first 1 are named [*]",
				"gap f:1 document 1: it is not valid YAML: did not find expected node content [*]",
			},
		},
		{name: "template text in what may hold it", text: "apiVersion: v1\nkind: ConfigMap\ndata:\n  x: '{{ .Values.x }}'\n", want: []string{"skipped ConfigMap 1"}},
		{name: "template text is not always the cause", text: "apiVersion: v1\nkind: ConfigMap\ndata:\n  x: '{{ .x }}'\n  x: 1\n", want: []string{
			`gap f:5 document 1: the key "x" is given twice (lines 4 and 5): which one counts depends on the reader, remove one; ` +
				"if it is a template that was not rendered: render it first (helm template NAME FOLDER | psp2pss plan -f -, or the tool that replaces {{ }}) [*]",
		}},
		{name: "template text in a name", text: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: '{{ .x }}'\n", want: []string{
			"gap f:4 document 1: it is a template that was not rendered: render it first (helm template NAME FOLDER | psp2pss plan -f -, or the tool that replaces {{ }}) [*]",
		}},
		{name: "template text is told once", text: "{{- if .x }}\napiVersion: v1\n---\n{{ end }}\n", want: []string{
			"gap f:1 document 1: it is a template that was not rendered: render it first (helm template NAME FOLDER | psp2pss plan -f -, or the tool that replaces {{ }}) [*]",
		}},
		{
			name: "unknown kinds", text: "apiVersion: x.io/v1\nkind: Bundle\nmetadata: {name: b}\nspec:\n  objects:\n  - apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: d}\n---\n" +
				"apiVersion: x.io/v1\nkind: Scaler\nmetadata: {name: s}\nspec: {target: {apiVersion: apps/v1, kind: Deployment, name: d}}\n---\n" +
				"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {example: {containers: [{name: a, image: b}]}}\n",
			want: []string{
				`gap f:1 Bundle "b": the kind "Bundle" of x.io/v1 is not known, and it holds a Deployment at spec.objects[0]: what it runs or grants is not evaluated here; read what it makes from the cluster (-f of a dump, or --context) [*]`,
				"skipped CustomResourceDefinition 1", "skipped Scaler 1",
			},
		},
		{
			name: "no kind", text: "replicas: 1\nitems:\n- a\n- {b: c}\n---\n- hosts: all\n---\napiVersion: v1\nspec: {containers: [{name: a, image: b}]}\n",
			want: []string{
				"gap f:8 document 3: it has no kind, and it looks like a pod: give it its kind [*]",
				"note f:1 2 documents: it has no apiVersion and no kind: it is no Kubernetes object and was passed over; the first is shown", "skipped (no kind) 2",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, readFile(t, tc.text, tc.limits), messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

const onePage = "this is one page of a list, %s not read; dump the list again with kubectl get, which asks for every page [*]"

// A server hands out long lists in pages: one page looks like a whole list, but for its metadata.
func TestPages(t *testing.T) {
	namespace := jsonNamespace("a")
	for _, tc := range []struct{ name, text, rest string }{
		{"JSON, metadata first", `{"kind":"NamespaceList","apiVersion":"v1","metadata":{"continue":"abc","remainingItemCount":37},"items":[` + namespace + `]}`, "37 more items were"},
		{"JSON, metadata last", `{"apiVersion":"v1","items":[` + namespace + `],"kind":"List","metadata":{"continue":"abc"}}`, "more items were"},
		{"JSON, one more", `{"apiVersion":"v1","items":[` + namespace + `],"kind":"List","metadata":{"continue":"","remainingItemCount":1}}`, "1 more item was"},
		{"JSON, without a kind", `{"items":[` + namespace + `],"metadata":{"continue":"abc"}}`, "more items were"},
		{"JSON within a List", `{"kind":"List","apiVersion":"v1","items":[{"kind":"NamespaceList","apiVersion":"v1","metadata":{"continue":"abc"},"items":[` + namespace + `]}]}`, "more items were"},
		{"JSON, empty", `{"kind":"PodList","apiVersion":"v1","metadata":{"continue":"abc"},"items":[]}`, "more items were"},
		{"YAML, metadata first", "apiVersion: v1\nkind: NamespaceList\nmetadata: {continue: abc, remainingItemCount: 2}\nitems:\n- metadata: {name: a}\n", "2 more items were"},
		{"YAML, metadata last", "apiVersion: v1\nitems:\n- " + namespace + "\nkind: List\nmetadata:\n  continue: abc\n", "more items were"},
		{"YAML, flow style", "{apiVersion: v1, kind: NamespaceList, metadata: {continue: abc}, items: [metadata: {name: a}]}", "more items were"},
		{"YAML, empty", "apiVersion: v1\nkind: PodList\nmetadata: {continue: abc}\nitems: []\n", "more items were"},
		{"JSON, whole", `{"apiVersion":"v1","items":[` + namespace + `],"kind":"List","metadata":{"continue":"","resourceVersion":"","remainingItemCount":0}}`, ""},
		{"YAML, whole", "apiVersion: v1\nitems:\n- " + namespace + "\nkind: List\nmetadata:\n  continue: \"\"\n  resourceVersion: \"\"\n", ""},
		{"null is nothing", "apiVersion: v1\nitems:\n- " + namespace + "\nkind: List\nmetadata:\n  continue:\n  remainingItemCount:\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var want, got []string
			if tc.rest != "" {
				want = []string{fmt.Sprintf(onePage, tc.rest)}
			}
			for _, line := range readFile(t, tc.text, Limits{}) {
				if strings.HasPrefix(line, "gap ") {
					_, why, _ := strings.Cut(line, ": ")
					got = append(got, why)
				}
			}
			if diff := cmp.Diff(want, got, messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// zipped is text as gzip would have it.
func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestGzip(t *testing.T) {
	const list = "apiVersion: v1\nitems:\n- metadata: {name: a}\nkind: NamespaceList\n"
	whole := zipped(t, list)
	damaged := bytes.Clone(zipped(t, psp("a")+"---\n"+psp("b")))
	damaged[len(damaged)-6] ^= 1
	for _, tc := range []struct {
		name string
		data []byte
		want []string
	}{
		{"whole, read twice for its kind", whole, []string{"namespace a f:3"}},
		{"cut off", whole[:len(whole)-9], []string{
			"gap f:5 document 1: reading on failed after line 5: the gzip data is cut off; what comes after it is unknown: read the file again, or mend it [*]",
		}},
		{"damaged", damaged, []string{
			"policy a policy/v1beta1 f:1", "policy b policy/v1beta1 f:6",
			"gap f:10 document 2: reading on failed after line 10: the gzip data is damaged; what comes after it is unknown: read the file again, or mend it [*]",
		}},
		{"a bomb", zipped(t, strings.Repeat("a", 200_000)), []string{
			"gap f:1 document 1: it is too large (the limit for one document or item is 5000 bytes): split it [*]",
			"gap f:1 document 1: reading on failed after line 1: the gzip data inflates to more than 100000 bytes; what comes after it is unknown: read the file again, or mend it [*]",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := readFile(t, string(tc.data), Limits{UncompressedBytes: 100_000, DocumentBytes: 5000})
			if tc.name == "cut off" {
				got = got[len(got)-1:]
			}
			if diff := cmp.Diff(tc.want, got, messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadFS(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{
		"demo/a.yaml":     {Data: []byte(psp("a"))},
		"demo/b/c.JSON":   {Data: []byte(jsonNamespace("n"))},
		"demo/README.md":  {Data: []byte("{{")},
		"demo/.hide.yaml": {Data: []byte("{{")},
	}
	b := inventory.NewBuilder()
	if err := ReadFS(fsys, b); err != nil {
		t.Fatal(err)
	}
	want := []string{"policy a policy/v1beta1 demo/a.yaml:1", "namespace n demo/b/c.JSON:1"}
	if diff := cmp.Diff(want, summary(b.Build(inventory.Source{}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStdin(t *testing.T) {
	t.Parallel()
	const list = `{"items":[{"metadata":{"name":"a"}}],"kind":"NamespaceList","apiVersion":"v1"}`
	inv, err := (&Reader{Paths: []string{"-", "-"}, Stdin: strings.NewReader(jsonNamespace("x") + list)}).Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"namespace x -:1",
		"gap -:1 document 2: 1 item without a kind could not be read: the list says its kind only after them, and standard input cannot be read twice: save it to a file, and name that [*]",
	}
	if diff := cmp.Diff(want, summary(inv), messageText()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = (&Reader{Paths: []string{"-"}}).Load(context.Background())
	if want := "reading standard input: there is none; name a file instead of -"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
