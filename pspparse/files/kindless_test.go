package files

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readNamed reads one file under a name of its own, and leaves out what is only counted.
func readNamed(t *testing.T, name, text string) []string {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, name, text)
	inv, err := (&Reader{Paths: []string{name}}).Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, line := range summary(inv) {
		if !strings.HasPrefix(line, "skipped") {
			all = append(all, line)
		}
	}
	return all
}

// Documents that are no Kubernetes objects: what would count if it were one is a gap, in the namespaces that it names; anything
// less is passed over with a note.
func TestKindless(t *testing.T) {
	const (
		ends  = ", which was not read: write what it holds as Kubernetes objects"
		plain = "note NAME:1 document: it has no apiVersion and no kind: it is no Kubernetes object and was passed over"
		pod   = `{"metadata":{"name":"p","namespace":"a"},"spec":{"containers":[{"name":"c","image":"i"}]}}`
	)
	gap := func(why, namespaces string) []string {
		return []string{"gap NAME:1 document 1: it has no apiVersion and no kind, and " + why + ends + " " + namespaces}
	}
	foreign := func(what string) []string {
		return []string{"note NAME:1 document: it is " + what + ", which holds no Kubernetes objects, and was passed over"}
	}
	for title, test := range map[string]struct {
		name, text string
		want       []string
	}{
		"a pod":                           {"p.json", pod, gap("it looks like a pod", "[a]")},
		"a controller":                    {"d.yaml", "metadata: {name: web}\nspec: {template: {spec: {containers: [{name: c, image: i}]}}}\n", gap("it holds a pod template at spec.template", "[*]")},
		"an array of bare objects":        {"a.json", "[" + pod + "," + strings.Replace(pod, `"a"`, `"b"`, 1) + "]", gap("it holds a pod template at [0]", "[a b]")},
		"one of them without a namespace": {"a.json", "[" + pod + `,{"spec":{"containers":[{"name":"c","image":"i"}]}}]`, gap("it holds a pod template at [0]", "[*]")},
		"an array of typed lists":         {"a.json", `[{"kind":"PodList","apiVersion":"v1","items":[` + pod + `]}]`, []string{"gap NAME:1 document 1: a sequence is not a Kubernetes object: put its items into a List, or separate them by --- [*]"}},
		"items cut out of a list":         {"i.yaml", "items:\n- metadata: {name: web, namespace: a}\n  spec: {template: {spec: {containers: [{name: c, image: i}]}}}\n", []string{"gap NAME:2 item 1 of document 1: it has no kind, and it holds a pod template at spec.template: give it its kind [a]"}},
		"a policy":                        {"p.yaml", "metadata: {name: p}\n" + spec, gap("it looks like a PodSecurityPolicy", "[*]")},
		"a binding":                       {"b.yaml", "metadata: {name: b, namespace: a}\nroleRef: {kind: ClusterRole, name: r}\nsubjects: []\n", gap("it looks like a role binding", "[a]")},
		"a role":                          {"r.yaml", "metadata: {name: r}\nrules: [{apiGroups: [policy], resources: [podsecuritypolicies], verbs: [use]}]\n", gap("it looks like a role", "[*]")},
		"Terraform, a manifest":           {"terraform.tfstate.json", `{"version":4,"resources":[{"type":"kubernetes_manifest","instances":[{"attributes":{"manifest":{"value":{"apiVersion":"policy/v1beta1","kind":"PodSecurityPolicy","metadata":{"name":"p"}}}}}]}]}`, gap("it holds a PodSecurityPolicy at resources[0].instances[0].attributes.manifest.value", "[*]")},
		"Terraform, a typed resource":     {"terraform.tfstate.json", `{"version":4,"resources":[{"type":"kubernetes_service"},{"type":"kubernetes_deployment_v1","instances":[{"attributes":{"metadata":[{"namespace":"a"}],"spec":[{}]}}]}]}`, gap("it holds a kubernetes_deployment_v1 at resources[1]", "[a]")},
		"Terraform, shown":                {"show.json", `{"values":{"root_module":{"resources":[{"type":"kubernetes_pod","values":{"metadata":[{"namespace":"a"}]}}]}}}`, gap("it holds a kubernetes_pod at values.root_module.resources[0]", "[a]")},
		"Pulumi":                          {"stack.json", `{"version":3,"deployment":{"resources":[{"type":"kubernetes:apps/v1:Deployment","inputs":{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"a"},"spec":{}}}]}}`, gap("it holds a Deployment at deployment.resources[0].inputs", "[a]")},
		"Ansible":                         {"play.yaml", "- hosts: all\n  tasks:\n  - kubernetes.core.k8s:\n      definition: {apiVersion: v1, kind: Pod, metadata: {name: p, namespace: a}, spec: {}}\n", gap("it holds a Pod at [0].tasks[0].kubernetes.core.k8s.definition", "[a]")},
		"namespaces in an array":          {"n.json", `[{"metadata":{"name":"a"}}]`, []string{plain}},
		"a patch":                         {"patch.yaml", "- {op: add, path: /spec/template/spec/containers/0/securityContext, value: {privileged: true}}\n", []string{plain}},
		"settings":                        {"config.yaml", "containers: 3\nsecurityContext: {runAsUser: 0}\nspec: {containers: [{name: a}]}\nhostPath: /x\n", []string{plain}},
		"values of a chart":               {"values-prod.yaml", "podTemplate: {spec: {containers: [{name: c, image: i}]}}\n", foreign("a values file of a Helm chart")},
		"a Compose file":                  {"compose.yaml", "services: {web: {image: 'example/web:1', privileged: true, volumes: ['/:/host']}}\n", foreign("a Compose file")},
		"a workflow of GitHub":            {"build.yml", "on: push\njobs: {build: {runs-on: ubuntu-latest, container: {image: i}, steps: [{uses: actions/checkout}]}}\n", foreign("a CI workflow of GitHub")},
		"a pipeline of GitLab":            {".gitlab-ci.yml", "build: {script: [make], image: i}\n", foreign("a CI workflow of GitLab")},
		"a pipeline of Drone":             {"drone.yml", "kind: pipeline\ntype: docker\nsteps: [{name: a, image: i}]\n", nil},
		"a kind without a version":        {"w.yaml", "kind: Widget\nmetadata: {name: w, namespace: a}\nspec: {template: {spec: {containers: [{name: c, image: i}]}}}\n", []string{`gap NAME:1 Widget "a/w": the kind "Widget" is not known, and it holds a pod template at spec.template: what it runs or grants is not evaluated here; read what it makes from the cluster (-f of a dump, or --context) [a]`}},
		"a version without a kind":        {"v.yaml", "apiVersion: apps/v1\nmetadata: {name: w, namespace: a}\nspec: {template: {spec: {hostNetwork: true}}}\n", []string{"gap NAME:1 document 1: it has no kind, and it has part of a pod template at spec.template: give it its kind [a]"}},
	} {
		t.Run(title, func(t *testing.T) {
			want := strings.Split(strings.ReplaceAll(strings.Join(test.want, "\n"), "NAME", test.name), "\n")
			if test.want == nil {
				want = nil
			}
			if diff := cmp.Diff(want, readNamed(t, test.name, test.text), messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Of a ConfigMap the gap names the key, nothing of its content, and touches its own namespace only.
func TestConfigMaps(t *testing.T) {
	const ends = ": what is made of it is not evaluated here; read the pods that are made of it, and accept this with --allow-partial [a]"
	for title, test := range map[string]struct{ data, holds string }{
		"a pod":            {"pod.yaml: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: secret-name, namespace: elsewhere}\n    spec: {containers: [{name: c, image: i}]}", `"pod.yaml" holds a Pod`},
		"a later document": {"all: |\n    a: 1\n    ---\n    kind: Deployment\n    apiVersion: apps/v1\n    spec: {template: {spec: {containers: [{name: c, image: i}]}}}", `"all" holds a Deployment`},
		"JSON":             {`pod.json: '{"spec":{"containers":[{"name":"c","image":"i"}]}}'`, `"pod.json" holds a pod template`},
		"a policy":         {"p: |\n    apiVersion: policy/v1beta1\n    kind: PodSecurityPolicy\n    metadata: {name: p}", `"p" holds a PodSecurityPolicy`},
		"two keys":         {`b: '{"spec":{"containers":[{"name":"c","image":"i"}]}}'` + "\n  " + `c: '{"spec":{"containers":[{"name":"c","image":"i"}]}}'`, `"b" holds a pod template, and so on in 1 more key`},
		"an injector":      {"config: |\n    policy: enabled\n    templates:\n      sidecar: |\n        spec:\n          containers:\n          - name: proxy\n            image: {{ .Image }}\n            {{ if .X }}\n            securityContext: {privileged: true}\n            {{ end }}", `"config" holds the text of a pod template`},
		"a pod in a text":  {"config: |\n    a: |\n      spec:\n        containers:\n        - {name: c, image: i}", `"config" holds a pod template`},
		"a runner":         {"config.toml: |\n    [[runners]]\n      executor = \"kubernetes\"\n      [runners.kubernetes]\n        privileged = true", `"config.toml" holds the configuration of a GitLab runner that makes privileged pods`},
		"a plain runner":   {"config.toml: |\n    [[runners]]\n      [runners.kubernetes]\n        privileged = false", ""},
		"loose keys":       {"a: |\n    securityContext: {privileged: true}\n    containers: [{name: a, image: b}]\n    hostPath: /x", ""},
		"a patch":          {"a: |\n    spec: {template: {spec: {containers: [{name: c, securityContext: {}}]}}}", ""},
		"text":             {"a: 'how containers are privileged'", ""},
		"a role":           {"a: |\n    apiVersion: rbac.authorization.k8s.io/v1\n    kind: Role\n    metadata: {name: containers}\n    rules: []", ""},
		"too much of it":   {"a: " + strings.Repeat("containers ", 100_000), `"a" holds too much to be looked through`},
	} {
		t.Run(title, func(t *testing.T) {
			var want []string
			if test.holds != "" {
				want = []string{fmt.Sprintf(`gap f.yaml:1 ConfigMap "a/c": its key %s%s`, test.holds, ends)}
			}
			if diff := cmp.Diff(want, readNamed(t, "f.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: a}\ndata:\n  "+test.data+"\n"), messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
