package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// hostile is what a terminal acts on or does not show: overrides and isolates of direction, what has no width, line ends that
// are none to a shell, tags, control characters of both tables and a sequence that sets the window's title.
const hostile = "x\u202e\u2066\u2069\u200b\ufeff\u2028\u2029\u061c\u00ad\u0085\u009b31m\U000e0041\x1b]0;t\x07\x7f\r\ty"

// checkShown fails where text holds what a terminal acts on. Only lines may end.
func checkShown(t *testing.T, what, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s: not UTF-8", what)
	}
	for line := range strings.Lines(text) {
		for _, r := range strings.TrimLeft(line, "\t") { // as scripts are indented
			if r != '\n' && !escape.IsVisible(r) {
				t.Errorf("%s: %U in %q", what, r, line)
				return
			}
		}
	}
}

// newShare returns a function that says of each of many trials whether a test makes it: all of them, and with -short, which is for the race
// detector, every n-th. One run of a command starts the same goroutines as the next.
func newShare(n int) func() bool {
	trial := 0
	return func() bool {
		trial++
		return !testing.Short() || trial%n == 0
	}
}

// shown runs a command line and checks what it writes.
func shown(t *testing.T, deps Deps, args ...string) (code int, out string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Run(context.Background(), Streams{In: strings.NewReader(hostile + "\n"), Out: &o, ErrOut: &e, Width: 100}, deps, args)
	what := strings.Join(args, " ")
	checkShown(t, fmt.Sprintf("%q, standard output", what), o.String())
	checkShown(t, fmt.Sprintf("%q, standard error", what), e.String())
	return code, o.String() + e.String()
}

// commands are all that can be run, by their path without the tool's name.
func commands(t *testing.T) map[string]*cobra.Command {
	t.Helper()
	streams, _, _ := BufferStreams("")
	return runnable(NewRootCommand(streams, SystemDeps("psp2pss")))
}

// runnable are the commands below root that run, by their path below it.
func runnable(root *cobra.Command) map[string]*cobra.Command {
	found := map[string]*cobra.Command{}
	for _, c := range root.Commands() {
		if c.Runnable() {
			found[c.Name()] = c
		}
		for path, sub := range runnable(c) {
			found[c.Name()+" "+path] = sub
		}
	}
	return found
}

// hostileObjects are those of writeHostile that a cluster could have.
var hostileObjects = objects{"p", "web", "deployment/app", "default"}

// overHostile are the command lines of a command over the objects of writeHostile: over those that a cluster could have, and
// over those that none could.
func overHostile(path string) [][]string {
	var out [][]string
	for _, line := range trials()[path].lines {
		for _, o := range []objects{hostileObjects, {hostile, "web", "deployment/" + hostile, hostile}, {hostile, hostile, hostile, hostile}} {
			if args := o.name(line); !slices.ContainsFunc(out, func(other []string) bool { return slices.Equal(other, args) }) {
				out = append(out, args)
			}
		}
	}
	return out
}

// mayBeRefused says whether arguments name something that no cluster could have, as wrong use then.
func mayBeRefused(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, hostile) })
}

var namesFormats = regexp.MustCompile(`(?:the formats are|it is not one of) ([a-z0-9, -]+)`)

// formats are those that -o of a command takes, in its own words; one without a name if it has no -o.
func formats(c *cobra.Command, deps Deps, path string, args []string) []string {
	if c.Flags().Lookup("output") == nil {
		return []string{""}
	}
	var o, e bytes.Buffer
	line := append(append(strings.Fields(path), args...), "-o", "no-such-format")
	Run(context.Background(), Streams{In: strings.NewReader(""), Out: &o, ErrOut: &e}, deps, line)
	if found := namesFormats.FindStringSubmatch(e.String()); found != nil {
		return strings.Split(found[1], ", ")
	}
	return nil
}

// inFormat adds one of the formats to a command line.
func inFormat(t *testing.T, line []string, format string) []string {
	t.Helper()
	switch format {
	case "":
		return line
	case kustomizeFormat, dirFormat: // patch and generate write a folder, the others a file
		return append(line, "-o", format+"="+filepath.Join(t.TempDir(), "k"))
	case archiveFormat: // no text
		return append(line, "-o", format+"="+filepath.Join(t.TempDir(), "archive"))
	case csvFormat: // a folder, too, but for one table
		if !slices.Contains(line, "--sections=workloads") {
			return append(line, "-o", format+"="+filepath.Join(t.TempDir(), "tables"))
		}
	}
	return append(line, "-o", format)
}

// Nothing that objects in files hold reaches a terminal as it is, in any format of any command, from a saved plan neither.
func TestHostileObjects(t *testing.T) {
	t.Chdir(t.TempDir())
	writeHostile(t, "input")
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(string) (string, bool) { return "", false }
	if code, out := shown(t, deps, "plan", "-R", "-f", "input", "-o", "json=plan.json", "--allow-partial"); code != exitDone {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	mine := newShare(7)
	for path, c := range commands(t) {
		if trials()[path].live {
			continue // see TestHostileJournal
		}
		for _, args := range overHostile(path) {
			sources := [][]string{{"-R", "-f", "input"}, {"--plan", "plan.json"}}
			if c.Flags().Lookup(planFlag) == nil || len(trials()[path].files) > 0 { // whose plan is no source of manifests
				sources = sources[:1]
			}
			if c.Flags().Lookup(fileFlag) == nil {
				sources = [][]string{nil}
			}
			for _, source := range sources {
				all := slices.Concat(args, source)
				names := formats(c, deps, path, all)
				switch {
				case len(names) == 0 && mayBeRefused(args):
					names = []string{""} // refused before its formats are looked at
				case len(names) == 0:
					t.Errorf("command %q does not say its formats", path)
				}
				for _, name := range names {
					if !mine() {
						continue
					}
					line := inFormat(t, slices.Concat(strings.Fields(path), all), name)
					if code, out := shown(t, deps, line...); code == exitUsage && !mayBeRefused(args) && path != "gate" {
						t.Errorf("%q was not run:\n%s", line, out)
					}
				}
			}
		}
	}
	shown(t, deps, "labels", "--plan", "plan.json", "--allow-partial", "--undo=undo.sh")
	undo, err := os.ReadFile("undo.sh")
	if err != nil {
		t.Fatal(err)
	}
	checkShown(t, "the script of --undo", string(undo))
}

// writeHostile writes objects with hostile text wherever they have text, and files that cannot be read whole.
func writeHostile(t *testing.T, dir string) { writeObjectsOf(t, dir, hostile) }

// writeObjectsOf writes objects with a text wherever they have text, and files that cannot be read whole.
func writeObjectsOf(t *testing.T, dir, hostile string) {
	t.Helper()
	type m = map[string]any
	meta := func(name, namespace string) m {
		return m{
			"name": name, "namespace": namespace, "labels": m{"app": hostile, "wave": hostile, "app.kubernetes.io/managed-by": hostile},
			"annotations": m{
				"meta.helm.sh/release-name": hostile, "argocd.argoproj.io/tracking-id": hostile, hostile: hostile,
				"container.apparmor.security.beta.kubernetes.io/c": hostile, "seccomp.security.alpha.kubernetes.io/pod": hostile,
				"kubernetes.io/psp": hostile,
			},
			"managedFields": []any{m{"manager": hostile, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": m{"f:metadata": m{"f:labels": m{"f:pod-security.kubernetes.io/enforce": m{}}}}}},
		}
	}
	spec := m{
		"serviceAccountName": "default", "nodeName": hostile, "runtimeClassName": hostile, "hostNetwork": true,
		"securityContext": m{"sysctls": []any{m{"name": hostile, "value": hostile}}, "seLinuxOptions": m{"type": hostile, "user": hostile}, "seccompProfile": m{"type": hostile, "localhostProfile": hostile}},
		"volumes":         []any{m{"name": hostile, "hostPath": m{"path": "/" + hostile}}, m{"name": "f", "flexVolume": m{"driver": hostile}}},
		"containers": []any{m{
			"name": "c", "image": hostile, "command": []any{hostile}, "ports": []any{m{"hostPort": 80, "containerPort": 80, "hostIP": hostile}},
			"securityContext": m{"capabilities": m{"add": []any{hostile}, "drop": []any{hostile}}, "procMount": hostile, "privileged": true},
		}, m{"name": hostile, "image": hostile}},
	}
	template := m{"metadata": meta("", ""), "spec": spec}
	named := func(apiVersion, kind, name, namespace string, more m) m {
		o := m{"apiVersion": apiVersion, "kind": kind, "metadata": meta(name, namespace)}
		maps.Copy(o, more)
		return o
	}
	policy := m{"spec": m{
		"privileged": true, "allowedCapabilities": []any{hostile}, "defaultAddCapabilities": []any{hostile}, "requiredDropCapabilities": []any{hostile},
		"volumes": []any{"*", hostile}, "allowedHostPaths": []any{m{"pathPrefix": "/" + hostile}}, "allowedFlexVolumes": []any{m{"driver": hostile}},
		"allowedUnsafeSysctls": []any{hostile}, "forbiddenSysctls": []any{hostile}, "allowedProcMountTypes": []any{hostile},
		"runAsUser": m{"rule": "RunAsAny"}, "seLinux": m{"rule": "MustRunAs", "seLinuxOptions": m{"type": hostile}},
		"fsGroup": m{"rule": "RunAsAny"}, "supplementalGroups": m{"rule": "RunAsAny"}, "runtimeClass": m{"allowedRuntimeClassNames": []any{hostile}, "defaultRuntimeClassName": hostile},
		hostile: hostile,
	}}
	broken := m{"spec": m{"runAsUser": m{"rule": hostile}, "volumes": hostile}}
	grant := func(name string) m {
		return m{"rules": []any{m{"apiGroups": []any{"policy", hostile}, "resources": []any{"podsecuritypolicies"}, "resourceNames": []any{name, hostile}, "verbs": []any{"use", hostile}}}}
	}
	subjects := []any{m{"kind": "User", "name": hostile, "apiGroup": "rbac.authorization.k8s.io"}, m{"kind": "ServiceAccount", "name": "default", "namespace": "web"}, m{"kind": "ServiceAccount", "name": hostile, "namespace": hostile}, m{"kind": hostile, "name": hostile}}
	const rbac = "rbac.authorization.k8s.io/v1"
	docs := []any{
		named("v1", "Namespace", "web", "", nil), named("v1", "Namespace", hostile, "", nil),
		named("policy/v1beta1", "PodSecurityPolicy", "p", "", policy), named("policy/v1beta1", "PodSecurityPolicy", hostile, "", policy),
		named("policy/v1beta1", "PodSecurityPolicy", "broken", "", broken), named(hostile, "PodSecurityPolicy", "old", "", policy), named(hostile, hostile, "o", "", nil),
		named(rbac, "ClusterRole", hostile, "", grant("p")), named(rbac, "ClusterRole", "r", "", grant(hostile)),
		named(rbac, "ClusterRoleBinding", hostile, "", m{"roleRef": m{"kind": "ClusterRole", "name": hostile, "apiGroup": "rbac.authorization.k8s.io"}, "subjects": subjects}),
		named(rbac, "RoleBinding", hostile, "web", m{"roleRef": m{"kind": "Role", "name": hostile, "apiGroup": "rbac.authorization.k8s.io"}, "subjects": subjects}),
		named("v1", "ServiceAccount", "default", "web", nil), named("v1", "ServiceAccount", hostile, "web", nil),
		named("apps/v1", "Deployment", "app", "web", m{"spec": m{"template": template, "selector": m{"matchLabels": m{"app": hostile}}}}),
		named("apps/v1", "Deployment", hostile, "web", m{"spec": m{"template": template}}), named("apps/v1", "Deployment", "lost", hostile, m{"spec": m{"template": template}}),
		named("v1", "Pod", "bare", "web", m{"spec": spec}), named("batch/v1", "CronJob", "cron", "web", m{"spec": m{"schedule": hostile, "jobTemplate": m{"spec": m{"template": template}}}}),
	}
	web := docs[0].(m)["metadata"].(m)["labels"].(m)
	maps.Copy(web, m{"pod-security.kubernetes.io/enforce": hostile, "pod-security.kubernetes.io/audit": "baseline", "pod-security.kubernetes.io/audit-version": hostile})
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(m{"apiVersion": "v1", "kind": "List", "items": docs})
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ReplaceAll(hostile, "/", "")
	for file, text := range map[string]string{
		name + ".json": string(data), "broken" + name + ".yaml": "a: [" + hostile, "type.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: \"\\u202e\", namespace: web}\nspec: {containers: \"\\u202e\\e\"}\n",
		"raw.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: \u202ex, namespace: web, labels: {a: \u2066b}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Nor does what stands on the command line or in the environment: as the value of any flag, as a flag or an argument.
func TestHostileArguments(t *testing.T) {
	t.Chdir(t.TempDir())
	deps := world(nil)
	deps.LoadInventory = func(context.Context, SourceOptions) (*inventory.Inventory, error) { return nil, errors.New(hostile) }
	deps.LoadHelmReleases = func(context.Context, SourceOptions, func(string, metav1.ObjectMeta, []byte)) ([]inventory.Gap, error) {
		return nil, errors.New(hostile)
	}
	deps.Connect = func(SourceOptions) (dynamic.Interface, string, error) { return nil, "", errors.New(hostile) }
	shown(t, deps, hostile)
	shown(t, deps, "--"+hostile)
	shown(t, deps, "-"+hostile)
	mine := newShare(7)
	for path, c := range commands(t) {
		words := strings.Fields(path)
		c.InheritedFlags() // merges those of its parents
		for _, more := range [][]string{{hostile}, {hostile, hostile}, {"--" + hostile}, {"--" + hostile + "=1"}, {"-" + hostile}, {"--yes"}, {"--help", hostile}} {
			if !mine() {
				continue
			}
			shown(t, deps, slices.Concat(words, more)...)
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			for _, value := range []string{hostile, "json=" + hostile + "/" + hostile} {
				if !mine() {
					continue
				}
				for _, more := range [][]string{nil, {"--demo"}} {
					shown(t, deps, slices.Concat(words, []string{"--" + f.Name + "=" + value}, more)...)
				}
				fromEnv := deps
				fromEnv.LookupEnv = func(name string) (string, bool) { return value, name == environmentVariable(f.Name) }
				shown(t, fromEnv, words...)
			}
		})
	}
}

// Nor what a server says: in its version, in refusals, in failures and in redirects; nor the name of the context.
func TestHostileServer(t *testing.T) {
	t.Chdir(t.TempDir())
	text, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	status := func(w http.ResponseWriter, code int) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Warning", "299 - \"x\u202e\"")
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","code":%d,"reason":%s,"message":%[2]s}`, code, text)
	}
	servers := map[string]http.HandlerFunc{
		"refusals": func(w http.ResponseWriter, _ *http.Request) { status(w, http.StatusForbidden) },
		"failures": func(w http.ResponseWriter, _ *http.Request) { status(w, http.StatusBadRequest) },
		"text": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(hostile))
		},
		"other lists": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"kind":%s,"apiVersion":%[1]s,"metadata":{"continue":%[1]s},"items":[{"metadata":{"name":%[1]s}}]}`, text)
		},
		"redirects": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://x\u202e/\u202e\u200b")
			w.WriteHeader(http.StatusFound)
		},
	}
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(string) (string, bool) { return "", false }
	mine := newShare(7)
	for _, version := range []bool{true, false} {
		for name, answer := range servers {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/version" && version {
					_, _ = fmt.Fprintf(w, `{"gitVersion":%s}`, text)
					return
				}
				answer(w, r)
			}))
			config, err := json.Marshal(map[string]any{
				"current-context": hostile, "contexts": []any{map[string]any{"name": hostile, "context": map[string]any{"cluster": hostile, "user": hostile}}},
				"clusters": []any{map[string]any{"name": hostile, "cluster": map[string]any{"server": s.URL}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile("config", escape.YAML(config), 0o600); err != nil {
				t.Fatal(err)
			}
			said := 0
			for path, c := range commands(t) {
				if c.Flags().Lookup(kubeconfigFlag) == nil {
					continue
				}
				lines := append(trials()[path].lines, []string{"--journal", "none"}, []string{"--yes"}, []string{"--context=\u202e"})
				for _, args := range lines {
					if !mine() {
						continue
					}
					_, out := shown(t, deps, slices.Concat(strings.Fields(path), hostileObjects.name(args), []string{"--kubeconfig", "config"})...)
					said += strings.Count(out, `\u202e`)
				}
			}
			s.Close()
			if said < 20 && !testing.Short() {
				t.Errorf("%s: only %d times was anything told of what the server says", name, said)
			}
		}
	}
}

// Nor what plans and journals hold that somebody wrote: every text in them in turn is hostile.
func TestHostilePlan(t *testing.T) {
	input, err := filepath.Abs("../fixtures/bare-pod-filled-in-by-its-policy/input")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(string) (string, bool) { return "", false }
	deps.Connect = func(SourceOptions) (dynamic.Interface, string, error) { return nil, "", errors.New(hostile) }
	if code, out := shown(t, deps, "plan", "-R", "-f", input, "-o", "json=plan.json"); code != exitDone {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	data, err := os.ReadFile("plan.json")
	if err != nil {
		t.Fatal(err)
	}
	lines := [][]string{
		{"labels"},
		{"patch", "--raise"},
		{"gate"},
		{"rollout", "--dry-run=client", "--stage=observe,enforce,bypass"},
		{"rollout", "--yes"},
		{"labels", "-o", "terraform"},
	}
	mine := newShare(7)
	n := eachText(t, data, func(doc []byte, at string) {
		if !mine() {
			return
		}
		if err := os.WriteFile("plan.json", doc, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range lines {
			if _, out := shown(t, deps, append(args, "--plan", "plan.json")...); t.Failed() {
				t.Fatalf("hostile at %s:\n%q", at, out)
			}
		}
	})
	if n < 50 {
		t.Errorf("%d texts were replaced", n)
	}
}

// TestHostileJournal does the same with a journal.
func TestHostileJournal(t *testing.T) {
	t.Chdir(t.TempDir())
	g := newGround(t)
	if code, _, errOut := g.run(t.Context(), nil, g.both("--yes")...); code != exitDone {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	data, err := os.ReadFile(g.journal())
	if err != nil {
		t.Fatal(err)
	}
	written := bytes.SplitAfter(data, []byte("\n"))
	n, mine := 0, newShare(7)
	for i, line := range written {
		if len(line) == 0 {
			continue
		}
		n += eachText(t, line, func(doc []byte, at string) {
			if !mine() {
				return
			}
			changed := slices.Clone(written)
			changed[i] = append(doc, '\n')
			for _, args := range [][]string{{"verify"}, {"rollback", "--yes"}, {"rollback", "--dry-run=client"}, {"rollout", "--resume", "--yes"}} {
				if err := os.WriteFile("j"+hostile, bytes.Join(changed, nil), 0o600); err != nil {
					t.Fatal(err)
				}
				if _, out := shown(t, g.deps, append(args, "--journal", "j"+hostile)...); t.Failed() {
					t.Fatalf("hostile at %s of line %d:\n%q", at, i+1, out)
				}
			}
		})
	}
	if n < 10 {
		t.Errorf("%d texts were replaced", n)
	}
}

// eachText calls do with copies of a document in which all texts at one place are hostile, and returns how many places there
// are. A place is a path without the positions in lists.
func eachText(t *testing.T, doc []byte, do func(doc []byte, at string)) int {
	t.Helper()
	places := map[string]bool{}
	visit := func(at string, keep func(string) string) []byte {
		var whole any
		if err := json.Unmarshal(doc, &whole); err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(replaced(whole, "", func(here, text string) string {
			places[here] = true
			if here == at {
				return keep(text)
			}
			return text
		}))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	visit("none", nil)
	for _, at := range slices.Sorted(maps.Keys(places)) {
		do(visit(at, func(text string) string { return text + hostile }), at)
	}
	return len(places)
}

// replaced is a value with other texts in it, keys included.
func replaced(value any, at string, with func(at, text string) string) any {
	switch v := value.(type) {
	case string:
		return with(at, v)
	case []any:
		for i := range v {
			v[i] = replaced(v[i], at+"[]", with)
		}
	case map[string]any:
		for key, of := range v {
			v[key] = replaced(of, at+"."+key, with)
		}
	}
	return value
}
