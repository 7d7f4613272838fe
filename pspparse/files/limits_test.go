package files

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/fixtures/growth"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// readText reads a text as a file, with some limits.
func readText(text string, l Limits) *inventory.Inventory {
	b := inventory.NewBuilder()
	s := &documentReader{name: "f", limits: l.withDefaults(), sink: b, notes: &noteCollector{}}
	s.readSource(strings.NewReader(text))
	s.notes.flush(b)
	return b.Build(inventory.Source{})
}

// whys are the gaps as lines.
func whys(inv *inventory.Inventory) []string {
	var out []string
	for _, g := range inv.Gaps {
		out = append(out, fmt.Sprintf("%d %s: %s", g.Position.Line, g.What, g.Why))
	}
	return out
}

const podHead = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n"},"spec":{"containers":[{"name":"a"}],`

func TestWhatNoServerStores(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("{},", maxListEntries)
	const tail = "which no API server stores: split it, or leave it out"
	const entries = "it has a list or map of more than 200000 entries, " + tail
	for name, test := range map[string]struct{ text, want string }{
		"entries":            {podHead + `"hostAliases":[` + many + `{}]}}`, `1 Pod "n/p": ` + entries},
		"entries in YAML":    {"# yaml\n{ ? " + podHead[1:] + `"hostAliases":[` + many + "{}]}}\n", "2 document 1: " + entries},
		"entries of a PSP":   {`{"apiVersion":"policy/v1beta1","kind":"PodSecurityPolicy","metadata":{"name":"p"},"spec":{"hostPorts":[` + many + `{}]}}`, `1 PodSecurityPolicy "p": ` + entries},
		"entries of a map":   {podHead + `"nodeSelector":{` + strings.Repeat(`"a":"",`, maxListEntries) + `"b":""}}}`, `1 Pod "n/p": ` + entries},
		"bytes":              {podHead + `"hostAliases":["` + strings.Repeat("x", maxObjectBytes) + `"]}}`, `1 Pod "n/p": it is larger than 8388608 bytes as JSON without white space, ` + tail},
		"containers":         {podHead + `"initContainers":[` + strings.Repeat(`{"name":"b"},`, 25_000) + `{"name":"c"}]}}`, `1 Pod "n/p": it has 25002 containers, more than 25000, which no API server stores: leave it out`},
		"names":              {podHead + `"volumes":[` + strings.Repeat(`{},`, 10) + `{}]}}`, `1 Pod "n/p": 11 of its containers and volumes have no name, more than 10, which no API server stores: leave it out`},
		"white space is not": {podHead + strings.Repeat(" ", maxObjectBytes) + `"hostNetwork":true}}`, ""},
		"as many as may be":  {podHead + `"hostAliases":[` + strings.Repeat("{},", maxListEntries-1) + `{}]}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(whys(readText(test.text, Limits{})), "\n"); got != test.want {
				t.Errorf("the gaps are\n%s\nnot\n%s", got, test.want)
			}
		})
	}
}

// TestAliasesOfAFile: what aliases and merge keys may make is counted for the file, whatever they stand in.
func TestAliasesOfAFile(t *testing.T) {
	t.Parallel()
	const workload = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: w%[1]d, namespace: web, labels: &l {app: w%[1]d, team: a}}
spec:
  selector: {matchLabels: *l}
  template:
    metadata: {labels: {<<: *l, tier: b}}
    spec: {containers: [{name: a, image: i, securityContext: &s {runAsNonRoot: true}}, {name: b, image: i, securityContext: *s}]}
`
	const item = "- {apiVersion: v1, kind: Pod, metadata: {<<: *m, name: p%d}, spec: *s}\n"
	spec := "{containers: [{name: a, image: " + strings.Repeat("i", 5000) + "}]}"
	var documents, items strings.Builder
	items.WriteString("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: &m {name: p, namespace: web}, spec: &s " + spec + "}\n")
	for i := range 1000 {
		fmt.Fprintf(&documents, workload, i)
		fmt.Fprintf(&items, item, i)
	}
	for name, text := range map[string]string{"documents": documents.String(), "items": items.String()} {
		if inv := readText(text, Limits{}); len(inv.Gaps) > 0 || len(inv.Workloads) < 1000 {
			t.Errorf("%s: %d workloads and these gaps: %q", name, len(inv.Workloads), whys(inv))
		}
	}
	inv := readText(items.String(), Limits{AliasBytes: 100_000, Gaps: 1})
	want := []string{
		"0 the file: 927 more of its documents could not be read: only the first 1 are named",
		"31 item 28 of document 1: the aliases and merge keys (*name, <<) up to here make more than 128220 bytes of the file: write them out, or split the file",
	}
	if diff := cmp.Diff(want, whys(inv), messageText()); len(inv.Workloads) != 73 || diff != "" {
		t.Errorf("%d workloads, and the gaps (-want +got):\n%s", len(inv.Workloads), diff)
	}
}

// TestAliasesOfPolicies: what aliases of policies make is counted for the file, even of one whose JSON cannot be made.
func TestAliasesOfPolicies(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 20 {
		fmt.Fprintf(&text, "---\n{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, x: .inf, metadata: {name: p%d, annotations: {a: &l %s}},\n spec: {volumes: [%s]}}\n",
			i, strings.Repeat("x", 10_000), strings.Repeat("*l,", 100))
	}
	inv := readText(text.String(), Limits{})
	const want = "5 document 2: the aliases and merge keys (*name, <<) up to here make more than 8472080 bytes of the file: write them out, or split the file"
	if got := whys(inv); len(inv.Policies) != 1 || len(got) != 19 || got[0] != want {
		t.Errorf("%d policies, and the gaps %q", len(inv.Policies), got)
	}
	text.Reset()
	fmt.Fprintf(&text, "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: p, annotations: {a: &l %s}}\nspec:\n  volumes:\n%s",
		strings.Repeat("x", 200_000), strings.Repeat("  - *l\n", 1000))
	const tooLong = `46 PodSecurityPolicy "p": written out up to here, the aliases (*name) make the document longer than 8388608 bytes; shorten what they stand for`
	if diff := cmp.Diff([]string{tooLong}, whys(readText(text.String(), Limits{})), messageText()); diff != "" {
		t.Errorf("the gaps of a policy of 200 MB (-want +got):\n%s", diff)
	}
}

// TestComparedMerges: where a merge key comes below a key, their values are compared, and that counts for the file, too: here 40 kB
// would be a gigabyte of comparing.
func TestComparedMerges(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	text := "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: web}\nspec: {containers: [{name: a, image: i}]}\na: &a " + long + "\nb: &b " + long + "\n" +
		"x: &x [" + strings.Repeat("*a,", 998) + "*a]\ny: &y {k: [" + strings.Repeat("*b,", 998) + "*b]}\nk: *x\n<<: ["
	for name, tt := range map[string]struct{ text, want string }{
		"five":     {text + strings.Repeat("*y,\n", 4) + "*y]\n", ""},
		"thousand": {text + strings.Repeat("*y,\n", 999) + "*y]\n", "10 document 1: the aliases and merge keys (*name, <<) up to here make more than 8437180 bytes of the file: write them out, or split the file"},
	} {
		if got := strings.Join(whys(readText(tt.text, Limits{})), "\n"); got != tt.want {
			t.Errorf("%s merges: the gaps are\n%s\nnot\n%s", name, got, tt.want)
		}
	}
}

// TestAliasesOfLongNumbers: a number is read as often as an alias stands for it, and so counts as long as it is written. So
// does a key. Each of these would make next to nothing of 20 MB.
func TestAliasesOfLongNumbers(t *testing.T) {
	t.Parallel()
	number := strings.Repeat("0", 20_000) + ".5"
	head := "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: web}\nspec: {containers: [{name: a, image: i}]}\n"
	for name, text := range map[string]string{
		"values":          "a: &a " + number + "\nb:\n" + strings.Repeat("- *a\n", 1000),
		"keys":            "a: &a " + number + "\nb:\n" + strings.Repeat("- {? *a : 1}\n", 1000),
		"keys within":     "a: &a [{? " + number + " : 1}]\nb:\n" + strings.Repeat("- *a\n", 1000),
		"keys that merge": "a: &a " + number + "\nb:\n" + strings.Repeat("- {<<: {? *a : 1}}\n", 1000),
	} {
		lines := strings.SplitAfter(text, "\n")
		fewer := strings.Join(lines[:102], "")
		if inv := readText(head+fewer, Limits{}); len(inv.Workloads) != 1 || len(inv.Gaps) > 0 {
			t.Errorf("%s: of a hundred, %d workloads and the gaps %q", name, len(inv.Workloads), whys(inv))
		}
		if got := whys(readText(head+text, Limits{})); len(got) != 1 || !strings.Contains(got[0], "the aliases and merge keys (*name, <<) up to here make more than 8") {
			t.Errorf("%s: the gaps are %q", name, got)
		}
	}
	text := head + "a: &a " + strings.Repeat("x", 20_000) + "\nb:\n" + strings.Repeat("- {? *a : 1}\n", 250) + "---\n"
	if inv := readText(text+text, Limits{}); len(inv.Workloads) != 1 || len(inv.Gaps) != 1 {
		t.Errorf("keys that are text: %d workloads and the gaps %q", len(inv.Workloads), whys(inv))
	}
}

// TestAliasOfAnotherItem: an anchor stands for what it stood for last, and lines are those of the file.
func TestAliasOfAnotherItem(t *testing.T) {
	t.Parallel()
	inv := readText(`apiVersion: v1
x: &n {namespace: head}
kind: List
items:
  - {apiVersion: v1, kind: ServiceAccount, metadata: {name: a, <<: *n}}
  # one line more
  - apiVersion: v1
    kind: ServiceAccount
    metadata: &m
      name: b
      namespace: &n second
  - {apiVersion: v1, kind: ServiceAccount, metadata: {name: c, namespace: *n}}
  - {apiVersion: v1, kind: ServiceAccount, metadata: *m}
  - {apiVersion: v1, kind: ServiceAccount, metadata: *nothing, a: *m}
  - *m
`, Limits{})
	var got []string
	for _, a := range inv.ServiceAccounts {
		got = append(got, fmt.Sprintf("%d %s/%s", a.Position.Line, a.Namespace, a.Name))
	}
	if diff := cmp.Diff([]string{"5 head/a", "7 second/b", "12 second/c"}, got); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	want := []string{"14 item 5 of document 1: it is not valid YAML: unknown anchor 'nothing' referenced"}
	if diff := cmp.Diff(want, whys(inv), messageText()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

func TestStrays(t *testing.T) {
	t.Parallel()
	const namespace = "---\n{apiVersion: v1, kind: Namespace, metadata: {name: web}}\n"
	for name, text := range map[string]string{
		"documents":  strings.Repeat("---\na: 1\n", 4) + namespace,
		"words":      strings.Repeat("---\na\n", 4) + namespace,
		"items":      `{"apiVersion":"v1","kind":"List","items":[` + strings.Repeat("{},", 9) + `{}]}` + "\n" + namespace,
		"YAML items": "apiVersion: v1\nkind: List\nitems:\n" + strings.Repeat("- {}\n", 9) + namespace,
	} {
		inv := readText(text, Limits{NonObjects: 3})
		want := "more than 3 of its documents and items are no Kubernetes objects: what comes after them was not read; take them out, or split the file"
		if len(inv.Namespaces) > 0 || len(inv.Gaps) == 0 || inv.Gaps[len(inv.Gaps)-1].Why.Text != want {
			t.Errorf("%s: %d namespaces and these gaps: %q", name, len(inv.Namespaces), whys(inv))
		}
		if inv := readText(text, Limits{}); len(inv.Namespaces) != 1 {
			t.Errorf("%s: %d namespaces within the limit", name, len(inv.Namespaces))
		}
	}
}

// TestWhiteSpace inflates white space, which is not to be held.
// TestHiddenDocument checks that what follows a break that only YAML knows is not passed over: the document is a gap.
func TestHiddenDocument(t *testing.T) {
	t.Parallel()
	const first, second = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}", "{apiVersion: v1, kind: Pod, metadata: {name: p}}\n"
	for _, between := range []string{"\r---\r", "\r--- ", "\u0085---\n", "\u2028--- # x\n", "\u2029...\n---\n", "\r...\r---\r"} {
		inv, err := (&Reader{Paths: []string{StdinPath}, Stdin: strings.NewReader("# x\n" + first + between + second)}).Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(inv.Gaps) == 0 || !strings.Contains(inv.Gaps[0].Why.Text, hiddenDocumentReason) || inv.Gaps[0].Position.Line != 4 {
			t.Errorf("%q: gaps %+v, want one on line 4", between, inv.Gaps)
		}
	}
}

func TestWhiteSpace(t *testing.T) { //nolint:paralleltest // it counts what is allocated
	packed := growth.GzipFile(bytes.Repeat([]byte(" "), 80<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	inv := readText(string(packed), Limits{})
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 80 {
		t.Errorf("it takes %d MiB", got)
	}
	want := []string{
		"1 document 1: it is too large (the limit for one document or item is 16777216 bytes): split it",
		"1 document 1: reading on failed after line 1: the gzip data inflates to more than 1000 times its size; what comes after it is unknown: read the file again, or mend it",
	}
	if diff := cmp.Diff(want, whys(inv), messageText()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

// TestWhiteSpaceInJSON: between values it is not held either.
func TestWhiteSpaceInJSON(t *testing.T) {
	t.Parallel()
	spaces := strings.Repeat(" ", 1<<20)
	for name, text := range map[string]string{
		"before": spaces + `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"}}`,
		"within": `{` + spaces + `"apiVersion":"v1",` + spaces + `"kind":"Namespace","metadata":{"name":"n"}}`,
	} {
		b := inventory.NewBuilder()
		s := &documentReader{name: "f", limits: Limits{DocumentBytes: 1 << 10}.withDefaults(), sink: b, notes: &noteCollector{}}
		s.readDocuments(strings.NewReader(text))
		inv := b.Build(inventory.Source{})
		if s.input.pos > 4*lineBufferBytes || len(inv.Gaps) == 0 {
			t.Errorf("%s: the window holds %d bytes, and the gaps are %q", name, s.input.pos, whys(inv))
		}
	}
}

// TestNamesThatMayBeNumbers: a kind or name is text, and what begins like a number is looked at only as far as a name goes.
func TestNamesThatMayBeNumbers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("1", 253) + "a"
	for text, want := range map[string]string{"1a": "1a", "12": "", "'12'": "12", long[1:]: long[1:], long: "", "'" + long + "'": long, "x" + long: "x" + long, "": ""} {
		root, err := unmarshalYAML([]byte("a: " + text))
		if err != nil {
			t.Fatal(err)
		}
		if got := stringOfNode(root.Content[1]); got != want {
			t.Errorf("%q is the name %q, not %q", text, got, want)
		}
	}
}
