package cmd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	clienttesting "k8s.io/client-go/testing"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// complete asks a tool what the last of the words may become, and returns that in one line, with the directive to the shell.
func complete(t *testing.T, deps Deps, words ...string) string {
	t.Helper()
	code, out, _ := runTool(deps, "never read", append([]string{"__complete"}, words...)...)
	if code != exitDone {
		t.Errorf("%q: exit code %d", words, code)
	}
	var choices []string
	for line := range strings.Lines(out) {
		choice, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		choices = append(choices, choice)
	}
	return strings.Join(choices, " ")
}

// The directives to the shell: nothing but the choices (no files), no space behind them, files.
const (
	noFiles        = ":4"
	noSpaceNoFiles = ":6"
	withFiles      = ":0"
)

func TestCompletion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	kubeconfig := write("config", `{"apiVersion":"v1","kind":"Config","contexts":[{"name":"prod","context":{}},{"name":"arn:aws:eks:eu-1:1:cluster/a","context":{}},
{"name":"$(touch x)","context":{}},{"name":"-n","context":{}},{"name":"a b","context":{}},{"name":"p\u202e","context":{}},{"name":"p\n:0","context":{}}]}`)
	manifests := write("small.yaml", smallCluster)
	plan := filepath.Join(dir, "plan.json")
	if code, _, errOut := runTool(SystemDeps("psp2pss"), "", "plan", "-f", manifests, "-o", "json="+plan); code != exitDone && code != exitPartial {
		t.Fatal(errOut)
	}
	environment := func(env map[string]string) Deps {
		deps := SystemDeps("psp2pss")
		deps.CompletionTimeout = 0 // no test waits for a clock
		deps.LookupEnv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
		return deps
	}
	deps := environment(nil)
	for _, test := range []struct {
		name  string
		deps  Deps
		words []string
		want  string
	}{
		{"namespaces of the demo", deps, []string{"plan", "--demo", "-n", "s"}, "sandbox search shop " + noFiles},
		{"the last of a list", deps, []string{"plan", "--demo", "--exclude", "ci,sh"}, "ci,shop " + noFiles},
		{"behind an equals sign", deps, []string{"gate", "--demo", "--to=v1.2"}, "v1.25 v1.26 v1.27 v1.28 v1.29 " + noFiles},
		{"namespaces of files", deps, []string{"simulate", "-f", manifests, "-n", ""}, "blog kube-system shop " + noFiles},
		{"namespaces of a plan", deps, []string{"labels", "--plan", plan, "-n", ""}, "blog kube-system shop " + noFiles},
		{"policies of files", deps, []string{"explain", "psp", "-f", manifests, ""}, "restricted " + noFiles},
		{"policies of a plan", deps, []string{"explain", "psp", "--plan", plan, "r"}, "restricted " + noFiles},
		{"one argument is enough", deps, []string{"explain", "psp", "--plan", plan, "restricted", ""}, noFiles},
		{"a namespace to explain", deps, []string{"explain", "ns", "--plan", plan, "sh"}, "shop " + noFiles},
		{"the namespace of a workload", deps, []string{"explain", "workload", "--plan", plan, "s"}, "shop/ " + noSpaceNoFiles},
		{"a workload", deps, []string{"explain", "workload", "--plan", plan, "shop/"}, "shop/deployment/web " + noFiles},
		{"one more workload", deps, []string{"patch", "-f", manifests, "shop/deployment/web", "shop/d"}, "shop/deployment/web " + noFiles},
		{"a service account", deps, []string{"explain", "sa", "--demo", "ci/"}, "ci/runner " + noFiles},
		{"no list of service accounts", deps, []string{"explain", "sa", "--plan", plan, "shop/"}, noFiles},
		{"a namespace behind its kind", deps, []string{"explain", "--plan", plan, "ns/s"}, "ns/shop " + noFiles},
		{"a policy behind its kind", deps, []string{"explain", "--plan", plan, "podsecuritypolicy/r"}, "podsecuritypolicy/restricted " + noFiles},
		{"a check behind its kind", deps, []string{"explain", "check/hostPo"}, "check/hostPorts " + noFiles},
		{"the namespace of an account behind its kind", deps, []string{"explain", "--demo", "sa/c"}, "sa/ci/ " + noSpaceNoFiles},
		{"an account behind its kind", deps, []string{"explain", "--demo", "sa/ci/"}, "sa/ci/runner " + noFiles},
		{"the namespace of a workload behind that word", deps, []string{"explain", "--plan", plan, "workload/s"}, "workload/shop/ " + noSpaceNoFiles},
		{"a workload behind its kind", deps, []string{"explain", "--plan", plan, "deploy/"}, "deploy/web " + noFiles},
		{"a workload behind its kind, of a namespace", deps, []string{"explain", "--plan", plan, "-n", "shop", "deploy/"}, "deploy/web " + noFiles},
		{"no workload of its kind in a namespace", deps, []string{"explain", "--plan", plan, "-n", "blog", "deploy/"}, noFiles},
		{"no workload of another kind", deps, []string{"explain", "--plan", plan, "sts/"}, noFiles},
		{"a workload behind its namespace", deps, []string{"explain", "--plan", plan, "shop/d"}, "shop/deployment/web " + noFiles},
		{"nothing behind a word that is no kind", deps, []string{"explain", "--plan", plan, "nosuch/"}, noFiles},
		{"topics", deps, []string{"explain", "p"}, "psp " + noFiles},
		{"contexts that a shell takes as they are", deps, []string{"plan", "--kubeconfig", kubeconfig, "--context", ""}, "arn:aws:eks:eu-1:1:cluster/a prod " + noFiles},
		{"a kubeconfig from the environment", environment(map[string]string{"PSP2PSS_KUBECONFIG": kubeconfig}), []string{"rollback", "--context", "p"}, "prod " + noFiles},
		{"a source from the environment", environment(map[string]string{"PSP2PSS_DEMO": "true"}), []string{"plan", "-n", "c"}, "ci " + noFiles},
		{"formats", deps, []string{"gate", "-o", "j"}, "json jsonpath= " + noFiles},
		{"an expression goes on", deps, []string{"simulate", "-o", "c"}, "custom-columns= " + noSpaceNoFiles},
		{"levels", deps, []string{"patch", "--level", "b"}, "baseline restricted " + noFiles},
		{"releases", deps, []string{"plan", "--target-version", "la"}, "latest " + noFiles},
		{"shells", deps, []string{"completion", "f"}, "fish " + noFiles},
		{"commands to help with", deps, []string{"help", "explain", "w"}, "workload " + noFiles},
		{"files", deps, []string{"plan", "-f", ""}, withFiles},
		{"no arguments, and no files", deps, []string{"plan", ""}, noFiles},

		{"standard input is the shell's", deps, []string{"plan", "-f", "-", "-n", ""}, noFiles},
		{"standard input as a plan", deps, []string{"plan", "--plan", "-", "-n", ""}, noFiles},
		{"no such file", deps, []string{"plan", "-f", filepath.Join(dir, "nosuch"), "-n", ""}, noFiles},
		{"no plan", deps, []string{"explain", "psp", "--plan", manifests, ""}, noFiles},
		{"no kubeconfig", deps, []string{"plan", "--kubeconfig", manifests, "--context", ""}, noFiles},
		{"no cluster", deps, []string{"plan", "--kubeconfig", kubeconfig, "--context", "nosuch", "-n", ""}, noFiles},
		{"a wrong variable", environment(map[string]string{"PSP2PSS_DEMO": "perhaps"}), []string{"plan", "-n", ""}, noFiles},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, complete(t, test.deps, test.words...)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", test.words, diff)
			}
		})
	}
}

// Names of a cluster come from short lists, and of what runs only one namespace is read.
func TestCompletionFromCluster(t *testing.T) {
	t.Parallel()
	e := newErrand(t)
	var read []string
	load := e.deps.LoadInventory
	e.deps.LoadInventory = func(ctx context.Context, o SourceOptions) (*inventory.Inventory, error) {
		read = append(read, o.Namespace)
		return load(ctx, o)
	}
	for _, test := range []struct {
		words []string
		want  string
	}{
		{[]string{"plan", "-n", ""}, "blog kube-system shop " + noFiles},
		{[]string{"rollout", "--exclude", "b"}, "blog " + noFiles},
		{[]string{"patch", "s"}, "shop/ " + noSpaceNoFiles},
		{[]string{"explain", "psp", ""}, noFiles},
	} {
		if got := complete(t, e.deps, test.words...); got != test.want {
			t.Errorf("%q: %s, want %s", test.words, got, test.want)
		}
	}
	if len(read) > 0 {
		t.Errorf("all of the namespaces %q was read", read)
	}
	if got, want := complete(t, e.deps, "patch", "shop/"), "shop/deployment/web "+noFiles; got != want || cmp.Diff([]string{"shop"}, read) != "" {
		t.Errorf("%s, want %s; of the namespaces %q all was read", got, want, read)
	}
	for _, action := range e.client.Actions() {
		if action.GetVerb() != "list" {
			t.Errorf("%s %s", action.GetVerb(), action.GetResource().Resource)
		}
	}
}

// A cluster that refuses, or never answers, has no names, and nothing is said of it.
func TestCompletionWithoutAnswer(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]clienttesting.ReactionFunc{
		"refused": func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New(hostile) },
		"never": func(clienttesting.Action) (bool, runtime.Object, error) {
			<-t.Context().Done()
			return true, nil, errors.New("over")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t)
			g.client.PrependReactor("list", "*", answer)
			if got := complete(t, g.deps, "plan", "-n", ""); got != noFiles {
				t.Errorf("got %q", got)
			}
		})
	}
	deps := world(nil)
	deps.Connect = func(SourceOptions) (dynamic.Interface, string, error) { return nil, "", errors.New("no cluster") }
	for _, words := range [][]string{{"plan", "-n", ""}, {"explain", "psp", ""}, {"explain", "workload", "a/"}, {"explain", "sa", "a/"}} {
		if got := complete(t, deps, words...); got != noFiles {
			t.Errorf("%q: %q", words, got)
		}
	}
}

// Names of objects that a shell or a terminal would act on are not offered.
func TestHostileCompletion(t *testing.T) {
	t.Chdir(t.TempDir())
	writeHostile(t, "input")
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(string) (string, bool) { return "", false }
	for _, words := range [][]string{
		{"plan", "-R", "-f", "input", "-n", ""},
		{"explain", "psp", "-R", "-f", "input", ""},
		{"explain", "workload", "-R", "-f", "input", "web/"},
		{"explain", "sa", "-R", "-f", "input", "web/"},
		{"plan", "-f", hostile, "-n", hostile},
	} {
		_, out, _ := runTool(deps, "", append([]string{"__complete"}, words...)...)
		checkShown(t, strings.Join(words, " "), out)
		for line := range strings.Lines(out) {
			if name := strings.TrimSuffix(line, "\n"); !safeName.MatchString(name) && name != noFiles {
				t.Errorf("%q offers %q", words, name)
			}
		}
	}
}

// Every flag that takes a value says what completes it, or that it takes a file, a number or words of one's own.
func TestEveryFlagCompletes(t *testing.T) {
	t.Parallel()
	ownWords := map[string]bool{
		"filename": true, "plan": true, "kubeconfig": true, "admission-config": true, "journal": true, "audit-log": true, "undo": true, "backup": true, "files-from": true, "since": true, "diff": true, "exceptions": true, "redact": true, "key": true, "merge": true, "policies": true, "may-loosen": true,
		"kustomize": true, "skip-path": true, "server": true, "token": true, "v": true,
		"image-pull-secret": true, "kubeconfig-secret": true, "job-name": true, "job-namespace": true, "volume-claim": true, "storage-class": true, "service-account": true,
		"storage": true, "memory": true, "clusters": true, "parallelism": true, "backoff-limit-per-index": true, "max-failed-indexes": true,
		"batch": true, "max-namespaces": true, "max-exceptions": true, "timeout": true, "wait": true, "verify-wait": true,
	}
	for name := range namesNothing() {
		completes := false
		for _, c := range commands(t) {
			if c.Flag(name) != nil {
				_, ok := c.GetFlagCompletionFunc(name)
				completes = completes || ok
			}
		}
		if completes == ownWords[name] {
			t.Errorf("--%s completes: %v", name, completes)
		}
	}
}

// What asks for help or a shell that does not exist is wrong usage.
func TestWrongHelpAndShells(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"help", "nosuch"}, "psp2pss: there is no command \"nosuch\": 'psp2pss --help' lists them\nTry 'psp2pss help --help'.\n"},
		{[]string{"help", "plna"}, "psp2pss: there is no command \"plna\": did you mean plan?\nTry 'psp2pss help --help'.\n"},
		{[]string{"help", "plan", "x"}, "psp2pss: there is no command \"plan x\": 'psp2pss --help' lists them\nTry 'psp2pss help --help'.\n"},
		{[]string{"completion"}, "psp2pss: say for which shell: bash, zsh, fish, powershell, kubectl\nTry 'psp2pss completion --help'.\n"},
		{[]string{"completion", "tcsh"}, "psp2pss: there is no script for \"tcsh\": it is one of bash, zsh, fish, powershell, kubectl\nTry 'psp2pss completion --help'.\n"},
		{[]string{"completion", "bash", "zsh"}, "psp2pss: completion takes one shell, and got \"zsh\", too\nTry 'psp2pss completion --help'.\n"},
	} {
		code, out, errOut := runTool(world(nil), "", test.args...)
		if diff := cmp.Diff(test.want, errOut); code != exitUsage || out != "" || diff != "" {
			t.Errorf("%q: exit code %d, stdout %q (-want +got):\n%s", test.args, code, out, diff)
		}
	}
	for _, args := range [][]string{{"help"}, {"help", "plan"}, {"help", "explain", "ns"}, {"--help"}} {
		if code, out, errOut := runTool(world(nil), "", args...); code != exitDone || !strings.Contains(out, "Usage:\n") || errOut != "" {
			t.Errorf("%q: exit code %d\n%s%s", args, code, out, errOut)
		}
	}
}

// Completion gives up on a source that does not answer in time, and offers nothing.
func TestCompletionGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deps := SystemDeps("psp2pss")
		deps.LookupEnv = func(string) (string, bool) { return "", false }
		deps.CompletionTimeout = time.Hour
		deps.LoadInventory = func(ctx context.Context, _ SourceOptions) (*inventory.Inventory, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		began := time.Now()
		if got := complete(t, deps, "plan", "--demo", "-n", ""); got != noFiles {
			t.Errorf("it offers %q", got)
		}
		if waited := time.Since(began); waited != time.Hour {
			t.Errorf("it waited for %s, want an hour", waited)
		}
	})
}
