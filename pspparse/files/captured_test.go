package files

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// What kubectl, helm and shells leave in files that were written by "> file" and ">> file".
func TestCapturedOutput(t *testing.T) {
	const (
		logged   = "W0614 10:00:00.123456   12345 warnings.go:70] policy/v1beta1 PodSecurityPolicy is deprecated in v1.21+, unavailable in v1.25+\n"
		warned   = "Warning: policy/v1beta1 PodSecurityPolicy is deprecated in v1.21+, unavailable in v1.25+\n"
		nothing  = "No resources found in shop namespace.\n"
		failed   = "it is an error of kubectl, and no object: what could not be read is missing here; read it again, and save it with 2>/dev/null"
		unnamed  = "this looks unrendered: RELEASE-NAME, which Helm writes where it is given no name of a release, was read as release-name; render it with the name (helm template NAME FOLDER | psp2pss plan -f -)"
		stderred = `"f": lines of kubectl's standard error are in the file and were passed over: save it with 2>/dev/null`
		list     = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: a}\nkind: List\nmetadata: {}\n"
		dollar   = "it is a template that was not rendered: render it first (envsubst, terraform, or the tool that replaces ${ })"
		account  = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME-web, namespace: shop}\nspec: {template: {spec: {containers: [{name: c, image: i}]}}}\n"
	)
	object := func(name string) string { return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + "}\n" }
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"two policies", psp("one") + psp("two"), []string{
			`gap f:5 document 1: two objects without --- between them, PodSecurityPolicy "one" first: put --- before line 5 (PodSecurityPolicy "two") [*]`,
		}},
		{"three objects", object("a") + psp("b") + "kind: Secret\napiVersion: v1\nmetadata: {generateName: c}\n---\n" + object("d"), []string{
			"namespace d f:12",
			`gap f:4 document 1: 3 objects without --- between them, Namespace "a" first: put --- before lines 4 (PodSecurityPolicy "b"), 8 (Secret) [*]`,
		}},
		{"a list, then an object", list + object("b"), []string{
			"namespace a f:3", `gap f:8 document 1: two objects without --- between them, List first: put --- before line 8 (Namespace "b") [*]`,
		}},
		{"a list with its kind first, then another", "apiVersion: v1\nkind: List\nitems:\n- " + jsonNamespace("a") + "\n" + list, []string{
			"namespace a f:4", `gap f:5 document 1: two objects without --- between them: put --- before line 5 (List) [*]`,
		}},
		{"an object, then a list", object("b") + list, []string{
			`gap f:4 document 1: two objects without --- between them, Namespace "b" first: put --- before line 4 (List) [*]`,
		}},
		{"more than are named", strings.Repeat(object("a"), 13), []string{
			`gap f:4 document 1: 13 objects without --- between them, Namespace "a" first: put --- before lines ` +
				`4 (Namespace "a"), 7 (Namespace "a"), 10 (Namespace "a"), 13 (Namespace "a"), 16 (Namespace "a"), 19 (Namespace "a"), ` +
				`22 (Namespace "a"), 25 (Namespace "a"), 28 (Namespace "a"), 31 (Namespace "a"), and 2 more [*]`,
		}},
		{"a key written twice is no object", "apiVersion: v1\nkind: Namespace\napiVersion: v1\nmetadata: {name: a}\n", []string{
			`gap f:3 document 1: the key "apiVersion" is given twice (lines 1 and 3): if two documents run together, put --- before line 3; else remove one [*]`,
		}},
		{"warnings before JSON, and between", logged + warned + jsonNamespace("a") + "\n" + warned + jsonNamespace("b") + "\n" + nothing, []string{
			"namespace a f:3", "namespace b f:5", "note f:1 " + stderred,
		}},
		{"warnings before YAML", "---\n" + logged + "\n" + object("a") + "---\n" + warned + list[:len(list)-len("metadata: {}\n")], []string{
			// The second namespace is the first one once more.
			"namespace a f:4", "note f:2 " + stderred, "note f:4 repeated objects: 1 document repeats an object that was read elsewhere with the same content; it counts once",
		}},
		{"errors of kinds that were not asked for", "E" + logged[1:] + object("a"), []string{"namespace a f:2", "note f:1 " + stderred}},
		{"a warning in the middle", "apiVersion: v1\nkind: Namespace\n" + logged + "metadata: {name: a}\n", []string{
			"gap f:3 document 1: it is not valid YAML: could not find expected ':'; line 3 is of kubectl's standard error: save the file again with 2>/dev/null [*]",
		}},
		{"a fatal line is no warning", "F" + logged[1:], []string{
			"gap f:1 document 1: it is plain text, not a Kubernetes object: if it is encrypted, decrypt it first; else leave the file out [*]",
		}},
		{"an error, then objects", "Error from server (Forbidden): roles is forbidden\n" + object("a") + "---\n" + object("b"), []string{
			"namespace b f:6", "gap f:1 document 1: " + failed + " [*]",
		}},
		{"an error that is valid YAML", "error: the server doesn't have a resource type \"podsecuritypolicies\"\n---\n" + object("b"), []string{
			"namespace b f:3", "gap f:1 document 1: " + failed + " [*]",
		}},
		{"other people's errors", "error: none\n", []string{
			"note f:1 document: it has no apiVersion and no kind: it is no Kubernetes object and was passed over", "skipped (no kind) 1",
		}},
		{"envsubst in names", "apiVersion: v1\nkind: Namespace\nmetadata: {name: 'shop-${stage}'}\n---\n" +
			"apiVersion: v1\nkind: Pod\nmetadata: {namespace: a, name: '${app}'}\n---\napiVersion: v1\nkind: Pod\nmetadata: {namespace: '${ns}', name: b}\n---\n" +
			"apiVersion: v1\nkind: Service\nmetadata: {namespace: a, name: '${app}'}\n", []string{
			`gap f:1 Namespace "shop-${stage}": namespace "shop-${stage}" is of a template that was not rendered: render it first (` + inventory.DollarTemplateTools + ") []",
			`gap f:5 Pod "a/${app}": name "${app}" is of a template that was not rendered: render it first (` + inventory.DollarTemplateTools + ") [a]",
			`gap f:9 Pod "${ns}/b": namespace "${ns}" is of a template that was not rendered: render it first (` + inventory.DollarTemplateTools + ") [*]",
			"skipped Service 1",
		}},
		{"envsubst in a value", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\nspec:\n  hostPID: ${HOST_PID}\n", []string{
			`gap f:5 Pod "b/a": spec.hostPID must be a boolean, not a string; if ` + dollar + " [b]",
		}},
		{"marks in the fields of a pod", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\nspec:\n  containers:\n  - {name: c, image: '${IMAGE}'}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: d, namespace: b}\nspec:\n  containers:\n  - {name: c, image: 'x/{{ .Values.image }}:1', args: ['${A}']}\n", []string{
			"Pod b/a f:1", "Pod b/d f:8",
			`note f:6 "f": this looks unrendered: a field of a pod or a policy has ${ } in it, and was evaluated as it stands; render it first (envsubst < FILE | psp2pss plan -f -)`,
			`note f:13 "f": this looks unrendered: a field of a pod or a policy has {{ }} in it, and was evaluated as it stands; render it first (helm template NAME FOLDER | psp2pss plan -f -)`,
		}},
		{"names that YAML reads as something else", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: n\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: 123}\n", []string{
			`gap f:4 Namespace "(no name)": metadata.name must be a string, not a boolean: YAML reads n as false: write "n" [*]`,
			`gap f:8 Namespace "(no name)": metadata.name must be a string, not a number: YAML reads 123 as a number: write "123" [*]`,
		}},
		{"what kubectl prints for people", "NAMESPACE   NAME   READY\nshop        web    1/1\n", []string{
			"gap f:1 document 1: it is a table that kubectl printed: save the objects themselves with kubectl get -o yaml [*]",
		}},
		{"a web page", "\n<!DOCTYPE html>\n<title>502</title>\n", []string{
			"gap f:1 document 1: it is a web page, perhaps with the error of a proxy: look at it, and fetch the file again [*]",
		}},
		{"the refusal of a server", `{"kind":"Status","apiVersion":"v1","status":"Failure","code":401}` + "\n", []string{"gap f:1 document 1: " + failed + " [*]"}},
		{"a script is no template", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\nspec:\n  hostPID: 1\n  containers:\n  - {name: c, image: i, args: [\"echo ${HOME} key=${KEY}\"]}\n", []string{
			`gap f:5 Pod "b/a": spec.hostPID must be a boolean, not a number [b]`,
		}},
		{"a script in a ConfigMap", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: \"${HOME}\"}\n", []string{"skipped ConfigMap 1"}},
		{"no name of a release", strings.ReplaceAll(account, "NAME", "RELEASE-NAME"), []string{
			"Deployment shop/release-name-web f:5", "namespace shop f:1", `note f:7 "f": ` + unnamed,
		}},
		{"two releases without a name", strings.ReplaceAll(account, "NAME", "release-name") + "---\n" + strings.ReplaceAll(strings.ReplaceAll(account, "NAME", "release-name"), "{spec: {containers", "{spec: {hostPID: true, containers"), []string{
			"namespace shop f:1",
			`gap f:5 Deployment "shop/release-name-web": it is defined 2 times with different content (f:5, f:14), and none was used: these charts were rendered without a name: give each release its own (helm template NAME CHART) [shop]`,
			"note f:1 repeated objects: 1 document repeats an object that was read elsewhere with the same content; it counts once",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, readFile(t, tt.text, Limits{}), messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
