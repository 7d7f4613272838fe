package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/yamledit"
)

// TestFindingsOfEveryKind judges what is no plain workload: pods in custom resources, Helm hooks, live pods and what is none.
func TestFindingsOfEveryKind(t *testing.T) {
	t.Parallel()
	const template = "template: {spec: {containers: [{name: c, image: i, securityContext: {privileged: true}}]}}"
	for title, test := range map[string]struct {
		text string
		want []string
	}{
		"a Rollout":                        {"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r, namespace: a}\nspec:\n  " + template, []string{"privileged spec.template.spec.containers[0].securityContext.privileged 5:72"}},
		"a Rollout of a Deployment":        {"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r, namespace: a}\nspec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}}", []string{"note Rollout a/r: its pods are those of Deployment web, which is checked where it is among the files"}},
		"an unknown kind":                  {"apiVersion: example.com/v1\nkind: Runner\nmetadata: {name: r}\nspec:\n  " + template, []string{"privileged spec.template.spec.containers[0].securityContext.privileged 5:72"}},
		"a Prometheus that breaks a level": {"apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: r, namespace: a}\nspec: {hostNetwork: true}", []string{"hostNamespaces spec.hostNetwork 4:8", "partial"}},
		"a Prometheus that says nothing":   {"apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: r, namespace: a}\nspec: {replicas: 1}", []string{"partial"}},
		"a SidecarSet":                     {"apiVersion: apps.kruise.io/v1alpha1\nkind: SidecarSet\nmetadata: {name: r}\nspec: {containers: [{name: x, image: i, securityContext: {privileged: true}}]}", []string{"privileged spec.containers[0].securityContext.privileged 4:59", "partial"}},
		"a SidecarSet without a violation": {"apiVersion: apps.kruise.io/v1alpha1\nkind: SidecarSet\nmetadata: {name: r}\nspec: {containers: [{name: x, image: i}]}", []string{"partial"}},
		"a SidecarSet that cannot be read": {"apiVersion: apps.kruise.io/v1alpha1\nkind: SidecarSet\nmetadata: {name: r}\nspec: {containers: [{name: x, image: [i], command: [x]}]}", []string{"gap SidecarSet r: at spec.containers[0]: spec.containers[0].image must be a string, not a list"}},
		"a patch in a Workflow":            {"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: r, namespace: a}\nspec: {podSpecPatch: 'hostPID: true', templates: [{name: a, container: {image: i}}]}", []string{"hostNamespaces spec.podSpecPatch.hostPID 4:8", "partial"}},
		"a patch of resources":             {"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: r, namespace: a}\nspec: {podSpecPatch: '{\"containers\": [{\"name\": \"main\", \"resources\": {\"limits\": {\"memory\": \"{{x}}\"}}}]}'}", []string{"partial"}},
		"a patch with a parameter":         {"apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nmetadata: {name: r, namespace: a}\nspec: {workflowSpec: {podSpecPatch: '{\"hostPID\": {{x}}}'}}", []string{"partial", "gap CronWorkflow a/r: spec.workflowSpec.podSpecPatch is a text that changes its pods, and was not evaluated: it is no YAML, or parameters are put into it later; check the pods that come of it, or accept this with --allow-partial"}},
		"a parameter in a patch's field":   {"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: r, namespace: a}\nspec: {podSpecPatch: 'securityContext: {runAsUser: \"{{x}}\"}'}", []string{"partial", "gap Workflow a/r: spec.podSpecPatch is a text that changes its pods, and was not evaluated: it is no YAML, or parameters are put into it later; check the pods that come of it, or accept this with --allow-partial"}},
		"a Deployment of another group":    {"apiVersion: apps.kruise.io/v1alpha1\nkind: DaemonSet\nmetadata: {name: r, namespace: a}\nspec:\n  " + template, []string{"privileged spec.template.spec.containers[0].securityContext.privileged 5:72"}},
		"a hook":                           {"---\n# Source: shop/templates/test.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: r, annotations: {helm.sh/hook: test}}\nspec: {hostNetwork: true, containers: [{name: c, image: i}]}", []string{"hostNamespaces spec.hostNetwork 6:8 hook test of shop/templates/test.yaml"}},
		"a live pod of a controller":       {"apiVersion: v1\nkind: Pod\nmetadata: {name: r-x, namespace: a, uid: u, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: r, uid: v, controller: true}]}\nspec: {hostNetwork: true, containers: [{name: c, image: i}]}\nstatus: {phase: Succeeded}", []string{"hostNamespaces spec.hostNetwork 4:8"}},
		"a debug container":                {"apiVersion: v1\nkind: Pod\nmetadata: {name: r}\nspec: {containers: [{name: c, image: i}], ephemeralContainers: [{name: d, image: i, securityContext: {privileged: true}}]}", []string{"privileged spec.ephemeralContainers[0].securityContext.privileged 4:103"}},
		"kinds without pods":               {"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: s}\nspec: {template: {metadata: {name: s}}}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: [broken]}", nil},
		"a policy":                         {"apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: s}\nspec: {privileged: perhaps}", nil},
		"a template that was not rendered": {"apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Values.name }}}\n", []string{`gap document 1: it is a template that was not rendered: render it first (helm template NAME FOLDER | psp2pss check -f -, or the tool that replaces {{ }})`}},
		"no containers":                    {"apiVersion: v1\nkind: Pod\nmetadata: {name: s}\nspec: {}", []string{`gap Pod "s": nothing to evaluate: it has no containers; give it some, or leave the document out`}},
		"a key twice":                      {"apiVersion: v1\nkind: Pod\nmetadata: {name: s}\nspec: {hostNetwork: true, hostNetwork: false, containers: [{name: c, image: i}]}", []string{`gap Pod "s": the key "hostNetwork" is given twice (both on line 4): which one counts depends on the reader, remove one`}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			r := checkText(t, test.text, Options{Level: api.LevelBaseline})
			var got []string
			for _, f := range r.Findings {
				p := f.Places[0]
				line := fmt.Sprintf("%s %s %d:%d", f.Rule, p.Field, p.Line, p.Column)
				if f.Object.Hook != "" {
					line += fmt.Sprintf(" hook %s of %s", f.Object.Hook, f.Object.Template)
				}
				got = append(got, line)
			}
			for _, w := range r.Workloads {
				if w.Partial {
					got = append(got, "partial")
					if len(w.Passed) > 0 {
						t.Errorf("%s passes %q, and is known in part only", w.Object.Name, w.Passed)
					}
				}
			}
			for _, g := range r.Gaps {
				got = append(got, "gap "+g.What+": "+g.Text)
			}
			for _, n := range r.Notes {
				got = append(got, "note "+n.What+": "+n.Text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestPortsInTheNetworkOfTheHost finds host ports that are not written where a server sees them: in pods, not in templates of kinds that
// it knows. Their place is what asks for them.
func TestPortsInTheNetworkOfTheHost(t *testing.T) {
	t.Parallel()
	const spec = "{hostNetwork: true, containers: [{name: c, image: i, ports: [{containerPort: 80}, {containerPort: 81, hostPort: 81}]}]}"
	for title, test := range map[string]struct {
		text string
		want []string
	}{
		"a pod":             {"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: " + spec, []string{`hostPort (container "c" uses hostPorts 80, 81)`, "spec.hostNetwork", "spec.containers[0].ports[1].hostPort"}},
		"a template":        {"apiVersion: v1\nkind: PodTemplate\nmetadata: {name: p}\ntemplate: {spec: " + spec + "}", []string{`hostPort (container "c" uses hostPort 81)`, "template.spec.hostNetwork", "template.spec.containers[0].ports[1].hostPort"}},
		"a custom resource": {"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: p}\nspec: {template: {spec: " + spec + "}}", []string{`hostPort (container "c" uses hostPorts 80, 81)`, "spec.template.spec.hostNetwork", "spec.template.spec.containers[0].ports[1].hostPort"}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range checkText(t, test.text, Options{Level: api.LevelBaseline}).Findings {
				if f.Rule != "hostPorts" {
					continue
				}
				got = append(got, f.Message)
				for _, p := range f.Places {
					got = append(got, p.Field)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestEffects says what a server does with each sort of object, by what asks for the level.
func TestEffects(t *testing.T) {
	t.Parallel()
	const template = "template: {spec: {hostPID: true, containers: [{name: c, image: i}]}}"
	objects := []string{
		"apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: a}\nspec: {hostPID: true, containers: [{name: c, image: i}]}\n",
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: p, namespace: a}\nspec:\n  " + template + "\n",
		"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: p, namespace: a}\nspec:\n  " + template + "\n",
	}
	for mode, want := range map[string][]string{
		"enforce": {
			"the API server refuses the Pod",
			"the API server takes the Deployment, with a warning where the namespace has the warn label, and refuses its pods",
			"the API server takes the Rollout without a warning, and refuses its pods",
		},
		"warn": {
			"the API server warns of the Pod and takes it",
			"the API server warns of the Deployment and takes it",
			"the API server takes the Rollout without a warning, and warns the controller that makes its pods",
		},
		"audit": {
			"the API server takes the Pod and notes it in its audit log",
			"the API server takes the Deployment and notes it in its audit log",
			"the API server takes the Rollout, and notes its pods in its audit log",
		},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			labels := "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {pod-security.kubernetes.io/" + mode + ": baseline}}\n"
			var got []string
			for _, f := range checkText(t, strings.Join(append(slices.Clone(objects), labels), "---\n"), Options{}).Findings {
				got = append(got, f.Effect.Text)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestPlacesInJSON finds fields in the lines and columns of JSON, whatever stands before an object on its line.
func TestPlacesInJSON(t *testing.T) {
	t.Parallel()
	one := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"ä","namespace":"a"},"spec":{"hostPID":true,"containers":[{"name":"c","image":"i"}]}}`
	one = strings.Replace(one, `"ä"`, `"p","labels":{"x":"ä"}`, 1)
	for title, text := range map[string]string{
		"one object":               one,
		"behind spaces":            "  \n   " + one,
		"two on a line":            one + " " + strings.ReplaceAll(one, `"p"`, `"q"`),
		"a List":                   `{"apiVersion":"v1","kind":"List","items":[` + one + `, ` + strings.ReplaceAll(one, `"p"`, `"q"`) + `]}`,
		"a List in a List":         `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"List","items":[ ` + one + `]}]}`,
		"a List over lines":        "{\"apiVersion\":\"v1\",\"kind\":\"List\",\n\"items\":[\n" + one + ",\n  " + strings.ReplaceAll(one, `"p"`, `"q"`) + "]}",
		"a List in YAML":           "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Pod\n    metadata: {name: p}\n    spec:\n      hostPID: true\n      containers: [{name: c, image: i}]\n- " + one + "\n",
		"a List in YAML by itself": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: p}\n  spec:\n    hostPID: true\n    containers: [{name: c, image: i}]\n- " + one + "\n",
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			r := checkText(t, text, Options{Level: api.LevelBaseline})
			lines := strings.Split(text, "\n")
			found := 0
			for _, f := range r.Findings {
				for _, p := range f.Places {
					found++
					rest := string([]rune(lines[p.Line-1])[p.Column-1:])
					if !strings.HasPrefix(strings.TrimPrefix(rest, `"`), "hostPID") {
						t.Errorf("%d:%d is %.30q", p.Line, p.Column, rest)
					}
				}
			}
			if found == 0 && title != "a List in YAML" { // whose second item is no YAML
				t.Errorf("nothing was found: %v", r.Gaps)
			}
		})
	}
}

// tries returns how many of n random trials a test makes: all of them, and with -short, which is for the race detector, every seventh.
func tries(n uint64) uint64 {
	if testing.Short() {
		return n / 7
	}
	return n
}

// TestEditsMeetTheirChecks makes the edits of all findings of generated manifests in their text: then nothing is found any more.
func TestEditsMeetTheirChecks(t *testing.T) {
	t.Parallel()
	for seed := range tries(1000) {
		document, err := yaml.Marshal(randomDeployment(seed))
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Level: api.LevelRestricted}
		r := checkText(t, string(document), o)
		var edits []yamledit.Edit
		for _, f := range r.Findings {
			for _, p := range f.Places {
				path, err := fieldpath.Parse(p.Field)
				if err != nil || p.Edit == nil {
					t.Fatalf("seed %d: %s at %q has no edit: %v", seed, f.Rule, p.Field, err)
				}
				edits = append(edits, yamledit.Edit{Line: r.Workloads[0].Position.Line, Path: path, Remove: p.Edit.Op == finding.OpRemove, Value: p.Edit.Value})
			}
		}
		edited, refused, err := yamledit.Apply(document, edits)
		if err != nil || len(refused) > 0 {
			t.Fatalf("seed %d: %v, refused %v", seed, err, refused)
		}
		if left := checkText(t, string(edited), o); len(left.Findings) > 0 {
			t.Fatalf("seed %d: %s is found still, at %s\n%s", seed, left.Findings[0].Rule, left.Findings[0].Places[0].Field, edited)
		}
	}
}

// TestFingerprints keeps the fingerprint of a finding while its text moves, and gives equal ones of several objects another.
func TestFingerprints(t *testing.T) {
	t.Parallel()
	prints := func(text string) []string {
		var out []string
		for _, f := range checkText(t, text, Options{Level: api.LevelBaseline}).Findings {
			out = append(out, f.Fingerprint)
		}
		return out
	}
	text := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostPID: true, containers: [{name: c, image: i}]}\n"
	once, moved, twice := prints(text), prints("# a comment\n\n"+text), prints(text+"---\n"+text)
	if len(once) != 1 || !slices.Equal(once, moved) {
		t.Errorf("%q, moved %q", once, moved)
	}
	if len(twice) != 2 || twice[0] != once[0] || twice[1] == once[0] {
		t.Errorf("%q, of two %q", once, twice)
	}
}

// TestVersions reports a check once, with the oldest version at which it fails and all of them.
func TestVersions(t *testing.T) {
	t.Parallel()
	text := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i, livenessProbe: {tcpSocket: {host: 10.0.0.1, port: 80}}}]}\n"
	versions := []api.Version{api.MajorMinorVersion(1, 25), api.MajorMinorVersion(1, 34), api.LatestVersion()}
	r := checkText(t, text, Options{Level: api.LevelBaseline, Versions: versions})
	if len(r.Findings) != 1 {
		t.Fatalf("%d findings", len(r.Findings))
	}
	f := r.Findings[0]
	if diff := cmp.Diff([]string{"v1.34", "v1.34", "latest"}, append([]string{f.Demand.Version}, f.Versions...)); diff != "" {
		t.Error(diff)
	}
}

// TestUnrendered answers charts and kustomizations with the commands that render them.
func TestUnrendered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for file, text := range map[string]string{
		"chart/Chart.yaml": "apiVersion: v2\nname: shop\n", "chart/templates/web.yaml": "kind: {{ .x }}\n",
		"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": pod("web", ""),
		"over lay/kustomization.yml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../base]\n",
	} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(file)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(listed bool, paths ...string) (*finding.Result, error) {
		for i := range paths {
			paths[i] = filepath.Join(dir, paths[i])
		}
		return Run(context.Background(), &files.Reader{Paths: paths, Recursive: true}, Options{Level: api.LevelBaseline, Listed: listed})
	}
	for _, test := range []struct {
		path string
		want []string
	}{
		{"chart", []string{"helm template NAME DIR/chart -n NAMESPACE | psp2pss check -f -"}},
		{"base", []string{"kubectl kustomize DIR/base | psp2pss check -f -"}},
		{".", []string{
			"helm template NAME DIR/chart -n NAMESPACE | psp2pss check -f -", "kubectl kustomize DIR/base | psp2pss check -f -", "kubectl kustomize 'DIR/over lay' | psp2pss check -f -",
		}},
		{"over lay", []string{"kubectl kustomize 'DIR/over lay' | psp2pss check -f -"}},
	} {
		_, err := run(false, test.path)
		var unrendered *UnrenderedError
		if !errors.As(err, &unrendered) {
			t.Errorf("%s: %v", test.path, err)
			continue
		}
		var got []string
		for _, pipe := range unrendered.Pipes {
			got = append(got, strings.ReplaceAll(pipe, dir, "DIR"))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Error(diff)
		}
	}
	if r, err := run(true, "base/kustomization.yaml", "base/web.yaml"); err != nil || len(r.Workloads) != 1 || len(r.Notes) != 1 {
		t.Errorf("listed: %v %v", r, err)
	}
}
