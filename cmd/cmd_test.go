package cmd

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

var update = flag.Bool("update", false, "rewrite the command reference")

func TestMain(m *testing.M) {
	testscript.Main(testsWithKey{m}, map[string]func(){
		"psp2pss":         func() { os.Exit(Main()) },
		"kubectl-psp2pss": func() { os.Exit(Main()) },
		peakOfCommand:     func() { os.Exit(printPeak()) },
	})
}

// Sessions of users, each a text file that owns its whole setup.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
		},
	})
}

// exits runs a command and compares its exit code: exits 3 psp2pss plan --demo.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit interface{ ExitCode() int }
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got := fmt.Sprint(code); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// world is a Deps that reads nothing and has the given environment.
func world(env map[string]string) Deps {
	return Deps{
		ToolName: "psp2pss",
		LoadInventory: func(context.Context, SourceOptions) (*inventory.Inventory, error) {
			return nil, errors.New("nothing may be read here")
		},
		LoadHelmReleases: func(context.Context, SourceOptions, func(string, metav1.ObjectMeta, []byte)) ([]inventory.Gap, error) {
			return nil, errors.New("no releases may be read here")
		},
		BuildPlan: migrate.Build,
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
}

// parsePlan returns what flags become, without running.
func parsePlan(args []string, env map[string]string) (*planOptions, error) {
	streams, _, _ := BufferStreams("")
	var got *planOptions
	root := NewRootCommand(streams, world(env))
	for _, c := range root.Commands() {
		if c.Name() == "plan" {
			root.RemoveCommand(c)
		}
	}
	cmd := newPlan(streams, world(env), func(_ context.Context, o *planOptions) error {
		got = o
		return nil
	})
	refuseEmptyFlags(cmd)
	root.AddCommand(cmd)
	root.SetArgs(append([]string{"plan"}, args...))
	err := root.ExecuteContext(context.Background())
	return got, err
}

func TestPlanFlags(t *testing.T) {
	t.Parallel()
	table := []string{"table"}
	newest := pss.NewestVersion()
	beyond := "the target version v1.99 is newer than the standards known here: ask for " + newest.String() + " at most, or for latest"
	tests := []struct {
		name    string
		args    []string
		env     map[string]string
		want    planOptions
		outputs []string
		err     string
	}{
		{name: "none", outputs: table},
		{
			name: "source",
			args: []string{"-f", "a.yaml,b", "-R", "--filename=-", "--context", "c", "--kubeconfig", "k", "--as", "u", "--as-group", "g,h", "--as-group", "i", "--timeout", "90s"},
			want: planOptions{Source: SourceOptions{
				Files: []string{"a.yaml", "b", "-"}, Recursive: true, Context: "c", Kubeconfig: "k", As: "u", AsGroups: []string{"g,h", "i"}, Timeout: 90e9,
			}},
			outputs: table,
		},
		{
			name: "connection",
			args: []string{"-f", "a", "--cluster", "c", "-s", "a:6443", "--user", "u", "--token", "t"},
			want: planOptions{Source: SourceOptions{Files: []string{"a"}, Cluster: "c", Server: "a:6443", User: "u", Token: "t"}}, outputs: table,
		},
		{
			name: "who asks is for when there is a cluster", args: []string{"-f", "a"}, env: map[string]string{"PSP2PSS_USER": "u", "PSP2PSS_TOKEN": "t"},
			want: planOptions{Source: SourceOptions{Files: []string{"a"}}}, outputs: table,
		},
		{
			name: "a given source wins over a connection of the environment", args: []string{"--demo"},
			env:  map[string]string{"PSP2PSS_USER": "u", "PSP2PSS_TOKEN": "t", "PSP2PSS_CLUSTER": "c", "PSP2PSS_SERVER": "https://a"},
			want: planOptions{Source: SourceOptions{Demo: true}}, outputs: table,
		},
		{name: "a user without a cluster", args: []string{"-f", "a", "--user", "u"}, err: "--user says as whom a cluster is read, and none is read: leave it out, or add --context or --kubeconfig"},
		{name: "a token without a cluster", args: []string{"-f", "a", "--token", "canary"}, err: "--token says as whom a cluster is read, and none is read: leave it out, or add --context or --kubeconfig"},
		{name: "the demo and a server", args: []string{"--demo", "--server", "https://a"}, err: "--demo and --server exclude each other: they name different sources"},
		{name: "a plan and a token", args: []string{"--plan", "p", "--token", "canary"}, err: "--plan and --token exclude each other: they name different sources"},
		{name: "a token of two lines", args: []string{"--token", "canary\ncanary"}, err: "--token holds white space or characters that no token has: was it copied whole, and alone?"},
		{name: "no token", args: []string{"--token", " "}, err: `invalid argument " " for "--token" flag: it is empty, perhaps because a shell variable is not set: give it a value, or leave the flag out`},
		{name: "credentials in the address", args: []string{"--server", "https://u:canary@a"}, err: "--server holds a user name or password, which plans and scripts would repeat: give the address alone, and credentials with --token or in the kubeconfig"},
		{name: "no address", args: []string{"--server", "https://"}, err: `--server="https://" is not the address of an API server: give it as https://HOST:PORT`},
		{name: "an address with more", args: []string{"--server", "https://a/?b=c"}, err: `--server="https://a/?b=c" is not the address of an API server: give it as https://HOST:PORT`},
		{name: "another kind of address", args: []string{"--server", "ftp://a"}, err: `--server="ftp://a" is not the address of an API server: give it as https://HOST:PORT`},
		{name: "a token in the open", args: []string{"--server", "http://a", "--token", "canary"}, err: `--token is not sent to "http://a", which is not encrypted: give the address as https://HOST:PORT`},
		{name: "a token behind one dash", args: []string{"-token=canary"}, err: `unknown flag: -token; did you mean --token?`},
		{name: "a kustomization", args: []string{"-k", "my dir"}, err: "kustomizations are not built here: kubectl kustomize 'my dir' | psp2pss plan -f -"},
		{name: "a kustomization in the environment", env: map[string]string{"PSP2PSS_KUSTOMIZE": "d"}, err: "kustomizations are not built here: kubectl kustomize d | psp2pss plan -f -"},
		{name: "no verbosity", args: []string{"-v", "x"}, err: `invalid argument "x" for "-v, --v" flag: it is not a number from 0 on`},
		{name: "a negative verbosity", args: []string{"-v=-1"}, err: `invalid argument "-1" for "-v, --v" flag: it is not a number from 0 on`},
		{name: "no colour", args: []string{"--color=red"}, err: `invalid argument "red" for "--color" flag: it is not one of auto, always, never`},
		{name: "quiet and verbose", args: []string{"-q", "-v6"}, err: "--quiet and -v exclude each other: leave one of them out"},
		{name: "quiet in the environment, and verbose", args: []string{"-v6"}, env: map[string]string{"PSP2PSS_QUIET": "true"}, outputs: table},
		{name: "verbose in the environment, and quiet", args: []string{"-q"}, env: map[string]string{"PSP2PSS_V": "6"}, outputs: table},
		{name: "quiet and verbose in the environment", env: map[string]string{"PSP2PSS_V": "6", "PSP2PSS_QUIET": "true"}, err: "--quiet and -v exclude each other: leave one of them out"},
		{name: "quiet and not verbose", args: []string{"-q", "-v0"}, outputs: table},
		{name: "custom resources", args: []string{"--custom-resources"}, outputs: table},
		{
			name: "no custom resources", args: []string{"--custom-resources=false", "--context", "c"},
			want: planOptions{Source: SourceOptions{SkipCustomResources: true, Context: "c"}}, outputs: table,
		},
		{
			name: "no custom resources in the environment, and no cluster", args: []string{"-f", "a"}, env: map[string]string{"PSP2PSS_CUSTOM_RESOURCES": "false"},
			want: planOptions{Source: SourceOptions{Files: []string{"a"}}}, outputs: table,
		},
		{
			name: "decision",
			args: []string{"--target-version=1.28", "--basis=both", "--empty-namespaces=skip", "--enforce=baseline", "--audit=privileged", "--warn=baseline", "--allow-partial"},
			want: planOptions{Decide: migrate.Options{
				Target: api.MajorMinorVersion(1, 28), Basis: migrate.BasisBoth, EmptyNamespaces: migrate.EmptySkip,
				Enforce: api.LevelBaseline, Audit: api.LevelPrivileged, Warn: api.LevelBaseline, AllowPartial: true,
			}},
			outputs: table,
		},
		{
			name:    "scope",
			args:    []string{"-n", "a", "-n", "b,c", "--exclude", "d", "--no-headers"},
			want:    planOptions{Scope: migrate.NamespaceScope{Namespaces: []string{"a", "b", "c"}, Exclude: []string{"d"}}, NoHeaders: true},
			outputs: table,
		},
		{
			name:    "outputs",
			args:    []string{"-o", "wide", "-o", "json=p.json", "-o", "commands=a=b.sh", "--fail-on=change,privileged"},
			want:    planOptions{FailOn: []string{"change", "privileged"}},
			outputs: []string{"wide", "json=p.json", "commands=a=b.sh"},
		},
		{
			name:    "environment",
			env:     map[string]string{"PSP2PSS_FILENAME": "a,b", "PSP2PSS_TARGET_VERSION": "latest", "PSP2PSS_OUTPUT": "name", "PSP2PSS_RECURSIVE": "true", "PSP2PSS_HELP": ""},
			want:    planOptions{Source: SourceOptions{Files: []string{"a", "b"}, Recursive: true}, Decide: migrate.Options{Target: api.LatestVersion()}},
			outputs: []string{"name"},
		},
		{
			name:    "the flag wins over the environment",
			args:    []string{"--target-version=v1.26", "-o", "yaml"},
			env:     map[string]string{"PSP2PSS_TARGET_VERSION": "v1.30", "PSP2PSS_OUTPUT": "name"},
			want:    planOptions{Decide: migrate.Options{Target: api.MajorMinorVersion(1, 26)}},
			outputs: []string{"yaml"},
		},
		{
			name:    "a given source wins over one of the environment",
			args:    []string{"--demo"},
			env:     map[string]string{"PSP2PSS_CONTEXT": "prod", "PSP2PSS_PLAN": "p.json", "PSP2PSS_FILENAME": "x"},
			want:    planOptions{Source: SourceOptions{Demo: true, Files: []string{}}},
			outputs: table,
		},
		{name: "unknown flag", args: []string{"--bogus"}, err: "unknown flag: --bogus"},
		{name: "argument", args: []string{"web"}, err: `plan takes no arguments, and got "web": input is named with -f, namespaces with -n`},
		{name: "two sources", args: []string{"--demo", "-f", "x"}, err: "--demo and --filename exclude each other: they name different sources"},
		{name: "a plan and a decision", args: []string{"--plan", "p", "--basis=both"}, err: "--basis cannot change a plan that is already made: leave out --basis, or read the source again with --basis"},
		{name: "empty file name", args: []string{"-f", "a,,b"}, err: `invalid argument "a,,b" for "-f, --filename" flag: an element of the list is empty, perhaps because a shell variable is not set: give it a value, or leave it out`},
		{name: "no file name", args: []string{"-f", ""}, err: `invalid argument "" for "-f, --filename" flag: it is empty, perhaps because a shell variable is not set: give it a value, or leave the flag out`},
		{name: "no second namespace", args: []string{"-n", "a", "-n", " "}, err: `invalid argument " " for "-n, --namespace" flag: it is empty, perhaps because a shell variable is not set: give it a value, or leave the flag out`},
		{name: "no level", args: []string{"--enforce="}, err: `invalid argument "" for "--enforce" flag: it is empty, perhaps because a shell variable is not set: give it a value, or leave the flag out`},
		{name: "no time", args: []string{"--timeout="}, err: `invalid argument "" for "--timeout" flag: it is empty, perhaps because a shell variable is not set: give it a value, or leave the flag out`},
		{name: "white space in the environment", env: map[string]string{"PSP2PSS_EXCLUDE": " "}, err: "PSP2PSS_EXCLUDE is empty: give it a value, or unset it"},
		{name: "an empty switch in the environment", env: map[string]string{"PSP2PSS_DEMO": ""}, err: "PSP2PSS_DEMO is empty: give it a value, or unset it"},
		{
			name: "an empty element in the environment", env: map[string]string{"PSP2PSS_NAMESPACE": "a,,b"},
			err: `reading PSP2PSS_NAMESPACE="a,,b" from the environment: an element of the list is empty, perhaps because a shell variable is not set: give it a value, or leave it out`,
		},
		{name: "a selector of nothing", args: []string{"-l", ","}, err: `-l "," is no label selector: write it as team=web, tier!=db, or 'env in (dev,test)'`},
		{name: "an output of no name", args: []string{"-o", "json= "}, err: `-o "json= " names no file: give one, as in -o json=FILE`},
		{name: "version beyond what is known, files", args: []string{"-f", "a", "--target-version=1.99"}, err: beyond},
		{name: "version beyond what is known, the demo", args: []string{"--demo", "--target-version=1.99"}, err: beyond},
		{
			name: "a cluster may be newer than what is known", args: []string{"--target-version=v1.99"},
			want:    planOptions{Decide: migrate.Options{Target: api.MajorMinorVersion(1, 99)}},
			outputs: table,
		},
		{name: "no file name in the environment", env: map[string]string{"PSP2PSS_FILENAME": ""}, err: "PSP2PSS_FILENAME is empty: give it a value, or unset it"},
		{name: "no file name in the environment, and a context", args: []string{"--context=c"}, env: map[string]string{"PSP2PSS_FILENAME": ""}, err: "PSP2PSS_FILENAME is empty: give it a value, or unset it"},
		{name: "no plan name in the environment", env: map[string]string{"PSP2PSS_PLAN": ""}, err: "PSP2PSS_PLAN is empty: give it a value, or unset it"},
		{
			name: "a flag wins over its empty variable", args: []string{"-f", "a"}, env: map[string]string{"PSP2PSS_FILENAME": ""},
			want:    planOptions{Source: SourceOptions{Files: []string{"a"}}},
			outputs: table,
		},
		{name: "a flag does not win over another's empty variable", args: []string{"--demo"}, env: map[string]string{"PSP2PSS_PLAN": ""}, err: "PSP2PSS_PLAN is empty: give it a value, or unset it"},
		{name: "standard output by name", args: []string{"-o", "json=-", "-o", "table=./-"}, outputs: []string{"json", "table=./-"}},
		{name: "standard output twice", args: []string{"-o", "table", "-o", "json=-"}, err: `-o "json=-": only one format can go to standard output; give the others a file, as in -o json=FILE`},
		{name: "custom resources without a cluster", args: []string{"--demo", "--custom-resources=false"}, err: "--custom-resources says what is read from a cluster, and none is read: leave it out, or add --context or --kubeconfig"},
		{name: "no switch", args: []string{"--custom-resources=some"}, err: `invalid argument "some" for "--custom-resources" flag: it is neither true nor false`},
		{name: "impersonation without a cluster", args: []string{"-f", "a", "--as", "u"}, err: "--as impersonates on a cluster, and none is read: leave it out, or add --context or --kubeconfig"},
		{
			name: "impersonation from the environment is for when there is a cluster", args: []string{"-f", "a"},
			env:     map[string]string{"PSP2PSS_AS": "u", "PSP2PSS_AS_GROUP": "g"},
			want:    planOptions{Source: SourceOptions{Files: []string{"a"}}},
			outputs: table,
		},
		{name: "empty plan name", args: []string{"--plan="}, err: `invalid argument "" for "--plan" flag: it is empty, perhaps because a shell variable is not set: give it a value, or leave the flag out`},
		{name: "negative time", args: []string{"--timeout=-1s"}, err: "--timeout=-1s is negative: give a duration such as 5m"},
		{name: "recursive without a folder", args: []string{"-R"}, err: "--recursive needs a folder: add -f FOLDER"},
		{name: "group without user", args: []string{"--as-group=g"}, err: "--as-group needs --as: a group is impersonated together with a user"},
		{name: "level", args: []string{"--enforce=strict"}, err: `invalid argument "strict" for "--enforce" flag: it is not one of privileged, baseline, restricted`},
		{name: "version", args: []string{"--target-version=25"}, err: `--target-version="25" is not a Kubernetes minor: give it as v1.25 or 1.25, or say latest; did you mean "v1.25"?`},
		{name: "selector", args: []string{"-l", "a=(b"}, err: `-l "a=(b" is no label selector: write it as team=web, tier!=db, or 'env in (dev,test)'`},
		{name: "scope twice", args: []string{"-n", "a", "-A"}, err: "-n and -A exclude each other: name namespaces or show all of them"},
		{name: "format", args: []string{"-o", "pdf"}, err: `-o "pdf": there is no format "pdf"; the formats are table, wide, json, yaml, name, commands, manifest, kustomize, apply, terraform; and custom-columns=HEADER:PATH,... and jsonpath=EXPRESSION`},
		{name: "file without a name", args: []string{"-o", "json="}, err: `-o "json=" names no file: give one, as in -o json=FILE`},
		{name: "two formats on standard output", args: []string{"-o", "json", "-o", "table"}, err: `-o "table": only one format can go to standard output; give the others a file, as in -o table=FILE`},
		{name: "one file twice", args: []string{"-o", "json=x", "-o", "table=x"}, err: `-o "table=x": two formats cannot go to one file`},
		{name: "fail on", args: []string{"--fail-on=restricted"}, err: `--fail-on="restricted": it is not one of new-blocker, unread, privileged, baseline, change, loosening`},
		{name: "bad environment", env: map[string]string{"PSP2PSS_TIMEOUT": "soon"}, err: `reading PSP2PSS_TIMEOUT="soon" from the environment: it is no duration: write a number with its unit, such as 30s, 5m or 1h`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := parsePlan(test.args, test.env)
			if test.err != "" {
				if err == nil || err.Error() != test.err || exitCode(err) != exitUsage {
					t.Fatalf("got %v (exit %d), want %s", err, exitCode(err), test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var outputs []string
			for _, o := range got.Outputs {
				outputs = append(outputs, strings.TrimSuffix(o.format.Name+"="+o.file, "="))
			}
			if diff := cmp.Diff(test.outputs, outputs); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
			ignore := cmpopts.IgnoreFields(planOptions{}, "streams", "deps", "Outputs", "Invocation") // TestInvocation has it
			if diff := cmp.Diff(test.want, *got, ignore, cmpopts.IgnoreFields(SourceOptions{}, "Stdin", "OnProgress"), cmpopts.EquateEmpty(), cmp.AllowUnexported(api.Version{}), cmp.AllowUnexported(planOptions{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		source SourceOptions
		want   bool
	}{
		{"nothing said", SourceOptions{}, true},
		{"files", SourceOptions{Files: []string{"x"}}, false},
		{"files and a context", SourceOptions{Files: []string{"x"}, Context: "c"}, true},
		{"files and a kubeconfig", SourceOptions{Files: []string{"x"}, Kubeconfig: "k"}, true},
		{"files and a server", SourceOptions{Files: []string{"x"}, Server: "s"}, true},
		{"files and a cluster", SourceOptions{Files: []string{"x"}, Cluster: "c"}, true},
		{"files and who asks", SourceOptions{Files: []string{"x"}, User: "u", Token: "t"}, false},
		{"demo", SourceOptions{Demo: true}, false},
		{"plan", SourceOptions{Plan: "p"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.source.ReadsCluster(); got != test.want {
				t.Errorf("reads a cluster: %v, want %v", got, test.want)
			}
		})
	}
}

func TestExplainArguments(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args []string
		want explainOptions
		err  string
	}{
		{args: []string{"psp", "a"}, want: explainOptions{Kind: "psp", Name: "a"}},
		{args: []string{"namespace", "a"}, want: explainOptions{Kind: "ns", Name: "a"}},
		{args: []string{"workload", "a/sts/b"}, want: explainOptions{Kind: "workload", Namespace: "a", WorkloadKind: "statefulset", Name: "b"}},
		{args: []string{"workload", "a/Deployments/b"}, want: explainOptions{Kind: "workload", Namespace: "a", WorkloadKind: "deployment", Name: "b"}},
		{args: []string{"sa", "a/b"}, want: explainOptions{Kind: "sa", Namespace: "a", Name: "b"}},
		{args: []string{"policy/a"}, want: explainOptions{Kind: "psp", Name: "a"}},
		{args: []string{"podsecuritypolicies.policy", "a"}, want: explainOptions{Kind: "psp", Name: "a"}},
		{args: []string{"podsecuritypolicy", "a"}, want: explainOptions{Kind: "psp", Name: "a"}},
		{args: []string{"ns/a"}, want: explainOptions{Kind: "ns", Name: "a"}},
		{args: []string{"a"}, want: explainOptions{Name: "a"}},
		{args: []string{"hostPorts"}, want: explainOptions{Kind: "check", Name: "hostPorts"}},
		{args: []string{"privileged"}, want: explainOptions{Name: "privileged"}},
		{args: []string{"check", "privileged"}, want: explainOptions{Kind: "check", Name: "privileged"}},
		{args: []string{"check/privileged"}, want: explainOptions{Kind: "check", Name: "privileged"}},
		{args: []string{"deploy", "a", "-n", "b"}, want: explainOptions{Kind: "workload", Namespace: "b", WorkloadKind: "deployment", Name: "a", InNamespace: "b"}},
		{args: []string{"deployments.apps/a", "-n", "b"}, want: explainOptions{Kind: "workload", Namespace: "b", WorkloadKind: "deployment", Name: "a", InNamespace: "b"}},
		{args: []string{"rollout/a", "-n", "b"}, want: explainOptions{Kind: "workload", Namespace: "b", WorkloadKind: "rollout", Name: "a", InNamespace: "b"}},
		{args: []string{"pod", "a"}, want: explainOptions{Kind: "workload", WorkloadKind: "pod", Name: "a"}},
		{args: []string{"a/sts/b"}, want: explainOptions{Kind: "workload", Namespace: "a", WorkloadKind: "statefulset", Name: "b"}},
		{args: []string{"workload/a/sts/b"}, want: explainOptions{Kind: "workload", Namespace: "a", WorkloadKind: "statefulset", Name: "b"}},
		{args: []string{"workload", "sts", "b", "-n", "a"}, want: explainOptions{Kind: "workload", Namespace: "a", WorkloadKind: "statefulset", Name: "b", InNamespace: "a"}},
		{args: []string{"sa/a/b"}, want: explainOptions{Kind: "sa", Namespace: "a", Name: "b"}},
		{args: []string{"sa", "b", "-n", "a"}, want: explainOptions{Kind: "sa", Namespace: "a", Name: "b", InNamespace: "a"}},
		{args: []string{"a/b"}, want: explainOptions{Kind: "workload", Namespace: "a", Name: "b"}}, // refused once the kind can be told
		{args: nil, err: "say what to explain: a name, or psp NAME, ns NAME, workload NAMESPACE/KIND/NAME, sa NAMESPACE/NAME or check ID"},
		{args: []string{"polcy", "a"}, err: `explain does not know "polcy": did you mean "policy"?`},
		{args: []string{"deploy", "a/b"}, err: `"a/b" is not the name of a deploy: did you mean "a/deployment/b"?`},
		{args: []string{"a", "b", "c"}, err: "explain takes one thing at a time, and got 3 arguments"},
		{args: []string{"a/sts/b", "-n", "c"}, err: "-n c contradicts namespace a of what is to be explained: leave one out"},
		{args: []string{"sa", "a/b", "-n", "c"}, err: "-n c contradicts namespace a of what is to be explained: leave one out"},
		{args: []string{"check", "hostports"}, err: `there is no check "hostports": did you mean "hostPorts"?`},
		{args: []string{"check", "seccomp"}, err: `there is no check "seccomp": did you mean seccompProfile_baseline or seccompProfile_restricted?`},
		{args: []string{"psp"}, err: "explain psp takes one argument, NAME"},
		{args: []string{"ns", "a/b"}, err: `"a/b" is not a name: give it without a slash`},
		{args: []string{"workload", "b"}, err: `"b" does not name a workload: give it as NAMESPACE/KIND/NAME, or as KIND/NAME with -n NAMESPACE`},
		{args: []string{"sa", "b"}, err: `"b" does not name a service account: give it as NAMESPACE/NAME, or as NAME with -n NAMESPACE`},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			streams, _, _ := BufferStreams("")
			var got *explainOptions
			root := newExplain(streams, world(nil), func(_ context.Context, o *explainOptions) error {
				got = o
				return nil
			})
			parent := &cobra.Command{Use: "psp2pss", SilenceErrors: true, SilenceUsage: true}
			parent.AddCommand(root)
			parent.SetArgs(append([]string{"explain"}, test.args...))
			err := parent.Execute()
			if test.err != "" {
				if err == nil || err.Error() != test.err || exitCode(err) != exitUsage {
					t.Fatalf("got %v (exit %d), want %s", err, exitCode(err), test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, *got, cmpopts.IgnoreFields(explainOptions{}, "streams", "deps", "Source", "Decide", "Output"), cmp.AllowUnexported(explainOptions{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"none", nil, 0},
		{"a failed run", runError{errors.New("x")}, 1},
		{"cancelled", runError{context.Canceled}, 1},
		{"usage", usagef("x"), 2},
		{"usage found while running", runError{usagef("x")}, 2},
		{"whatever cobra says", errors.New("unknown command"), 2},
		{"findings", runError{findingsError{errors.New("x")}}, 3},
		{"partial", runError{partialError{errors.New("x")}}, 4},
		{"a name that is not there", runError{&migrate.NotFoundError{What: "x"}}, 2},
		{"a name that may be in what was not read", runError{&migrate.NotFoundError{What: "x", MayExistBecause: "y"}}, 4},
		{"a version that is not known", runError{&migrate.TargetVersionError{}}, 2},
		{"findings and partial", runError{errors.Join(partialError{errors.New("x")}, findingsError{errors.New("y")})}, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := exitCode(test.err); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	ns := func(name string, needed api.Level, current, recommended string) migrate.Namespace {
		return migrate.Namespace{Name: name, NeededLevel: needed, CurrentLabels: migrate.PodSecurityLabels{Enforce: current}, RecommendedLabels: migrate.PodSecurityLabels{Enforce: recommended}, DecidedBy: &migrate.EnforceDecision{Basis: migrate.BasisOverride}}
	}
	gap := []migrate.Gap{{What: "pods", Message: message.Message{Text: "forbidden"}}}
	same := ns("same", api.LevelRestricted, "restricted", "restricted")
	const unread = "1 thing could not be read or evaluated: see the gaps of the plan, or accept them with --allow-partial"
	tests := []struct {
		name    string
		plan    migrate.Plan
		failOn  []string
		partial bool
		code    int
		text    string
	}{
		{name: "nothing to tell", plan: migrate.Plan{Namespaces: []migrate.Namespace{same}}, failOn: failOnNames()},
		{name: "nothing to evaluate", code: 4, text: "nothing to evaluate: no policy, namespace or workload was read; name the right files, folders (with -R) or cluster"},
		{
			name: "nothing to evaluate, and a gap says why", code: 4, plan: migrate.Plan{Gaps: []migrate.Gap{
				{What: "document 1", Message: message.Message{Text: "it is cut off"}, Position: pspparse.Position{File: "a.yaml", Line: 3}}, gap[0],
			}},
			text: "nothing to evaluate: no policy, namespace or workload was read; a.yaml:3: document 1: it is cut off (and 1 more gap)",
		},
		{
			name: "nothing to evaluate, and a note says why", code: 4,
			plan: migrate.Plan{Notes: []migrate.Note{{What: `"a"`, Message: message.Message{Text: "it has no file"}, Position: pspparse.Position{File: "a"}}}},
			text: `nothing to evaluate: no policy, namespace or workload was read; "a": it has no file`,
		},
		{name: "nothing to evaluate, and that is fine", partial: true},
		{name: "policies alone are something", plan: migrate.Plan{Policies: []migrate.Policy{{Name: "p"}}}},
		{name: "a gap", plan: migrate.Plan{Namespaces: []migrate.Namespace{same}, Gaps: gap}, code: 4, text: unread},
		{name: "a gap, allowed", plan: migrate.Plan{Namespaces: []migrate.Namespace{same}, Gaps: gap}, partial: true},
		{name: "findings win over a gap", plan: migrate.Plan{Namespaces: []migrate.Namespace{ns("a", api.LevelPrivileged, "privileged", "privileged")}, Gaps: gap}, failOn: []string{"privileged"}, code: 3, text: "--fail-on=privileged: 1 namespace (a)"},
		{name: "baseline includes what is looser", plan: migrate.Plan{Namespaces: []migrate.Namespace{ns("a", api.LevelPrivileged, "", ""), ns("b", api.LevelBaseline, "", ""), same}}, failOn: []string{"baseline"}, code: 3, text: "--fail-on=baseline: 2 namespaces (a, b)"},
		{name: "privileged leaves out what is stricter", plan: migrate.Plan{Namespaces: []migrate.Namespace{ns("b", api.LevelBaseline, "", "")}}, failOn: []string{"privileged"}},
		{name: "a change", plan: migrate.Plan{Namespaces: []migrate.Namespace{ns("a", "", "baseline", "restricted")}}, failOn: []string{"change"}, code: 3, text: "--fail-on=change: 1 namespace (a)"},
		{name: "a change is no loosening", plan: migrate.Plan{Namespaces: []migrate.Namespace{ns("a", "", "baseline", "restricted")}}, failOn: []string{"loosening"}},
		{name: "a loosening", plan: migrate.Plan{Namespaces: []migrate.Namespace{ns("a", "", "restricted", "baseline")}}, failOn: []string{"loosening"}, code: 3, text: "--fail-on=loosening: 1 namespace (a)"},
		{
			name: "many", plan: migrate.Plan{Namespaces: []migrate.Namespace{ns("a", "", "", "baseline"), ns("b", "", "", "baseline"), ns("c", "", "", "baseline"), ns("d", "", "", "baseline"), ns("e", "", "", "baseline"), ns("f", "", "", "baseline")}},
			failOn: []string{"change"}, code: 3, text: "--fail-on=change: 6 namespaces (a, b, c, d, e and 1 more)",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := asRunError(planExitError(&test.plan, migrate.NamespaceScope{}, test.failOn, test.partial))
			text := ""
			if err != nil {
				text = err.Error()
			}
			if exitCode(err) != test.code || text != test.text {
				t.Errorf("got %d %q, want %d %q", exitCode(err), text, test.code, test.text)
			}
		})
	}
}

// runTool runs the whole tool over buffers.
func runTool(deps Deps, stdin string, args ...string) (code int, out, errOut string) {
	streams, o, e := BufferStreams(stdin)
	code = Run(context.Background(), streams, deps, args)
	return code, o.String(), e.String()
}

// A wrong flag must be found before anything is read.
func TestNothingIsReadForWrongUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"plan", "-o", "pdf"},
		{"plan", "--fail-on=x"},
		{"labels", "-o", "table"},
		{"labels", "-l", "a=(b"},
		{"explain", "psp"},
		{"simulate", "--level=x"},
		{"simulate", "--target-version=x"},
		{"simulate", "--after-psp=false"},
		{"simulate", "--fail-on=denied"},
		{"explain", "polcy", "a"},
		{"explain", "check", "nosuch"},
		{"simulate", "-o", "yaml"},
		{"version", "x"},
		{"plna"},
	} {
		deps := world(nil)
		deps.LoadInventory = func(context.Context, SourceOptions) (*inventory.Inventory, error) {
			t.Errorf("%q: the source was read", args)
			return nil, errors.New("no")
		}
		if code, out, errOut := runTool(deps, "", args...); code != exitUsage || out != "" || !strings.Contains(errOut, "\nTry 'psp2pss") {
			t.Errorf("%q: exit %d, stdout %q, stderr %q", args, code, out, errOut)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"an error", errors.New("reading \"a\": \u202eno"), "psp2pss: reading \"a\": \\u202eno\n"},
		{"several errors", errors.Join(errors.New("one"), errors.New("two")), "psp2pss: one\n  two\n"},
		{"interrupted", fmt.Errorf("listing pods: %w", context.Canceled), "psp2pss: interrupted: nothing more was read or written\n"},
		{"out of time", fmt.Errorf("listing pods: %w", context.DeadlineExceeded), "psp2pss: listing pods: context deadline exceeded; allow more time with --timeout\n"},
		{"nobody reads on", fmt.Errorf("writing: %w", syscall.EPIPE), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			deps := world(nil)
			deps.LoadInventory = func(context.Context, SourceOptions) (*inventory.Inventory, error) { return nil, test.err }
			code, out, errOut := runTool(deps, "", "plan")
			if diff := cmp.Diff([]any{exitFailed, "", test.want}, []any{code, out, errOut}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTimeoutReachesTheReader(t *testing.T) {
	t.Parallel()
	deps := world(nil)
	deps.LoadInventory = func(ctx context.Context, _ SourceOptions) (*inventory.Inventory, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	code, _, errOut := runTool(deps, "", "plan", "--timeout=1ms")
	if want := "psp2pss: reading the source took too long: context deadline exceeded; allow more time with --timeout\n"; code != exitFailed || errOut != want {
		t.Errorf("exit %d, stderr %q, want %q", code, errOut, want)
	}
}

// stuck is a pipe to which nobody writes.
func stuck(t *testing.T) io.Reader {
	t.Helper()
	r, w := io.Pipe()
	t.Cleanup(func() { _ = w.Close() })
	return r
}

func TestTimeoutHoldsForPipes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"plan", "-f", "-"}, "reading the source"},
		{[]string{"explain", "ns", "web", "-f", "-"}, "reading the source"},
		{[]string{"simulate", "-f", "-"}, "reading the source"},
		{[]string{"labels", "--plan", "-"}, "reading the plan"},
		{[]string{"simulate", "--plan", "-"}, "reading the plan"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			streams, out, errOut := BufferStreams("")
			streams.In = stuck(t)
			code := Run(context.Background(), streams, SystemDeps("psp2pss"), append(test.args, "--timeout=10ms"))
			want := "psp2pss: " + test.want + " took too long: context deadline exceeded; allow more time with --timeout\n"
			if code != exitFailed || out.String() != "" || errOut.String() != want {
				t.Errorf("exit %d, stdout %q, stderr %q, want %q", code, out, errOut, want)
			}
		})
	}
}

// Making the plan counts, too. The clock of the bubble stands still until the plan is being made.
func TestTimeoutHoldsForTheDecision(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deps := world(nil)
		deps.LoadInventory = func(context.Context, SourceOptions) (*inventory.Inventory, error) { return &inventory.Inventory{}, nil }
		stop := make(chan struct{})
		t.Cleanup(func() { close(stop) })
		deps.BuildPlan = func(*inventory.Inventory, migrate.Options) (*migrate.Plan, error) {
			<-stop
			return nil, errors.New("too late")
		}
		code, _, errOut := runTool(deps, "", "plan", "--timeout=10ms")
		if want := "psp2pss: making the plan took too long: context deadline exceeded; allow more time with --timeout\n"; code != exitFailed || errOut != want {
			t.Errorf("exit %d, stderr %q, want %q", code, errOut, want)
		}
	})
}

// The tool's name stands before a message once.
func TestTheToolIsNamedOnce(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"plan web":    "psp2pss: plan takes no arguments, and got \"web\": input is named with -f, namespaces with -n\nTry 'psp2pss plan --help'.\n",
		"version x":   "psp2pss: version takes no arguments, and got \"x\"\nTry 'psp2pss version --help'.\n",
		"explain psp": "psp2pss: explain psp takes one argument, NAME\nTry 'psp2pss explain psp --help'.\n",
	} {
		if code, _, errOut := runTool(world(nil), "", strings.Fields(args)...); code != exitUsage || errOut != want {
			t.Errorf("%s: exit %d, stderr %q, want %q", args, code, errOut, want)
		}
	}
}

func TestToolName(t *testing.T) {
	t.Parallel()
	for arg0, want := range map[string]string{
		"psp2pss": "psp2pss", "/usr/bin/kubectl-psp2pss": "kubectl psp2pss", "kubectl-psp2pss.exe": "kubectl psp2pss", "psp2pss-v1": "psp2pss",
	} {
		if got := toolName(arg0); got != want {
			t.Errorf("%s: got %q, want %q", arg0, got, want)
		}
	}
}

// Help fits a terminal, but for commands in examples, which are copied; and it shows by example.
func TestHelp(t *testing.T) {
	t.Parallel()
	streams, _, _ := BufferStreams("")
	root := NewRootCommand(streams, world(nil))
	root.InitDefaultCompletionCmd()
	pages := map[string][]byte{}
	reference(t, root, pages)
	for name := range pages {
		path := strings.Split(strings.TrimSuffix(name, ".md"), "_")[1:]
		t.Run(strings.Join(path, " "), func(t *testing.T) {
			t.Parallel()
			code, out, errOut := runTool(world(nil), "", append(path, "--help")...)
			if code != exitDone || errOut != "" {
				t.Fatalf("exit %d, stderr %q", code, errOut)
			}
			for line := range strings.Lines(out) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > helpWidth && !commandLine.MatchString(line) {
					t.Errorf("%d columns: %s", n, line)
				}
			}
			example := regexp.MustCompile(`(?m)^\s+(.*\| )?(source <\()?psp2pss `)
			if !example.MatchString(strings.ReplaceAll(out, "Usage:\n  psp2pss", "")) {
				t.Errorf("there is no example:\n%s", out)
			}
		})
	}
}

func TestCommandReference(t *testing.T) {
	t.Parallel()
	streams, _, _ := BufferStreams("")
	root := NewRootCommand(streams, world(nil))
	root.InitDefaultCompletionCmd()
	want := map[string][]byte{}
	reference(t, root, want)
	if *update {
		if err := os.RemoveAll("docs"); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll("docs", 0o750); err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if err := os.WriteFile(filepath.Join("docs", name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	entries, err := os.ReadDir("docs")
	if err != nil {
		t.Fatalf("%v; run \"make docs\"", err)
	}
	for _, e := range entries {
		if want[e.Name()] == nil {
			t.Errorf("docs/%s is left over; run \"make docs\"", e.Name())
		}
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join("docs", name))
		if err != nil {
			t.Errorf("%v; run \"make docs\"", err)
			continue
		}
		if diff := cmp.Diff(string(text), string(got)); diff != "" {
			t.Errorf("docs/%s lags behind; run \"make docs\" (-want +got):\n%s", name, diff)
		}
	}
}

// reference renders one page for each command.
func reference(t *testing.T, cmd *cobra.Command, pages map[string][]byte) {
	t.Helper()
	cmd.InitDefaultHelpFlag()
	var b bytes.Buffer
	if err := doc.GenMarkdown(cmd, &b); err != nil {
		t.Fatal(err)
	}
	pages[strings.ReplaceAll(cmd.CommandPath(), " ", "_")+".md"] = b.Bytes()
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && !sub.IsAdditionalHelpTopicCommand() {
			reference(t, sub, pages)
		}
	}
}
