package cmd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"
)

// kubeconfigOf writes a kubeconfig of contexts that all have names, servers and tokens with the word "secret", and one of whose users, if
// asked for, gets credentials from a program.
func kubeconfigOf(t *testing.T, contexts int, program bool) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: Config\nclusters: [{name: secret, cluster: {server: https://secret.example}}]\nusers:\n- {name: secret, user: {token: secret}}\n")
	if program {
		b.WriteString("- {name: program, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: secret, interactiveMode: Never}}}\n")
	}
	b.WriteString("contexts:\n")
	for i := range contexts {
		user := "secret"
		if program && i == 0 {
			user = "program"
		}
		fmt.Fprintf(&b, "- {name: \"secret\\x1b-%d\", context: {cluster: secret, user: %s}}\n", i, user)
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// planJobOf returns the spec of the Job that reads, of what the command fleet printed.
func planJobOf(t *testing.T, out string) batchv1.JobSpec {
	t.Helper()
	for text := range strings.SplitSeq(out, "\n---\n") {
		var j batchv1.Job
		if err := yaml.Unmarshal([]byte(text), &j); err != nil {
			t.Fatal(err)
		}
		if j.Kind == "Job" && strings.HasSuffix(j.Name, "-plan") {
			return j.Spec
		}
	}
	t.Fatalf("no Job reads:\n%s", out)
	return batchv1.JobSpec{}
}

// Contexts are counted, and nothing else of a kubeconfig is in what is printed.
func TestFleetCountsContexts(t *testing.T) {
	t.Parallel()
	const image = "--image=registry.example/psp2pss:v1"
	for _, tt := range []struct {
		name    string
		args    []string
		indexes int32
		failed  int32
		errOut  string
	}{
		{"counted", []string{"--kubeconfig", kubeconfigOf(t, 7, false)}, 7, 7, ""},
		{"given", []string{"--clusters=3"}, 3, 3, ""},
		{"given, of more", []string{"--clusters=3", "--kubeconfig", kubeconfigOf(t, 7, false)}, 3, 3, ""},
		{"with a limit", []string{"--clusters=3", "--max-failed-indexes=0"}, 3, 0, ""},
		{
			"with a program",
			[]string{"--kubeconfig", kubeconfigOf(t, 2, true)},
			2, 2,
			"warning: 1 context gets its credentials from a program or a file of this computer, which no pod has: secret\\x1b-0\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out, errOut := runTool(world(nil), "", append([]string{"fleet", "--print-job", image}, tt.args...)...)
			if code != exitDone || errOut != tt.errOut {
				t.Fatalf("exit code %d, stderr %q, want %q", code, errOut, tt.errOut)
			}
			spec := planJobOf(t, out)
			if diff := cmp.Diff([]int32{tt.indexes, tt.failed}, []int32{*spec.Completions, *spec.MaxFailedIndexes}); diff != "" {
				t.Errorf("indexes, and how many may fail (-want +got):\n%s", diff)
			}
			if strings.Contains(out, "secret.example") || strings.Contains(out, "secret-") || strings.Contains(out, "\x1b") || strings.Contains(out, "token: ") {
				t.Errorf("the kubeconfig shows:\n%s", out)
			}
		})
	}
}

// What cannot be printed is wrong use, names the flag, and prints nothing.
func TestFleetRefuses(t *testing.T) {
	t.Parallel()
	const job = "--print-job --image=a --clusters=3 "
	for _, tt := range []struct {
		args string
		env  map[string]string
		code int
		want string
	}{
		{args: "", code: exitUsage, want: "say what is to be printed: add --print-job; to read several clusters from here, use 'plan --all-contexts'"},
		{args: "--print-job --clusters=3", code: exitUsage, want: "--image is missing: name the image of a release in a registry of yours"},
		{args: job + "--clusters=0", code: exitUsage, want: `--clusters="0" is not from 1 to 100000`},
		{args: job + "--max-failed-indexes=4", code: exitUsage, want: `--max-failed-indexes="4" is not from 0 to 3`},
		{args: job + "--job-name=A", code: exitUsage, want: `--job-name="A" is no such name: a lowercase RFC 1123 label`},
		{args: job + "--kubeconfig-secret=a:b:c", code: exitUsage, want: `--kubeconfig-secret="a:b:c" has "b:c" for its key: `},
		{args: job + "--volume-claim=a --storage=2Gi", code: exitUsage, want: "--volume-claim and --storage exclude each other"},
		{args: job + "--volume-claim=a --storage-class=b", code: exitUsage, want: "--volume-claim and --storage-class exclude each other"},
		{args: job + "x", code: exitUsage, want: "fleet takes no arguments"},
		{args: job + "--kubeconfig=nosuch", code: exitFailed, want: "nosuch"},
		{args: "--print-job --clusters=3", env: map[string]string{"PSP2PSS_IMAGE": "a\nb"}, code: exitUsage, want: `--image="a\nb" is no image`},
	} {
		code, out, errOut := runTool(world(tt.env), "", append([]string{"fleet"}, strings.Fields(tt.args)...)...)
		if code != tt.code || out != "" || !strings.Contains(errOut, tt.want) {
			t.Errorf("%s: exit code %d, %d bytes, %q, want %d and %q", tt.args, code, len(out), errOut, tt.code, tt.want)
		}
	}
	code, out, errOut := runTool(world(nil), "", "fleet", "--print-job", "--image=a", "--kubeconfig", kubeconfigOf(t, 0, false))
	if code != exitUsage || out != "" || !strings.Contains(errOut, "the kubeconfig has no context to count") {
		t.Errorf("no context: exit code %d, %q", code, errOut)
	}
}
