package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// nothing says what a value of a flag that names nothing does. A flag that is not here fails the tests below.
type nothing struct {
	// value names nothing of the kind, and ends the run with code.
	value string
	code  int
	// why such a value cannot be told from one that names something.
	why string
}

// namesNothing has every flag that takes a value. A switch names nothing.
func namesNothing() map[string]nothing {
	const number, output, elsewhere = "a number is no name", "it is written, not read", "it names something in a cluster that is not reached"
	return map[string]nothing{
		"namespace": {value: "nosuch", code: exitUsage},
		"selector":  {value: "no=such", code: exitUsage},
		"exclude":   {value: "shop,blog,kube-system", code: exitUsage},

		"filename":         {value: "nosuch.yaml", code: exitFailed},
		"plan":             {value: "nosuch.json", code: exitFailed},
		"files-from":       {value: "nosuch.txt", code: exitFailed},
		"diff":             {value: "nosuch.json", code: exitFailed},
		"since":            {value: "nosuch.json", code: exitFailed},
		"exceptions":       {value: "nosuch.yaml", code: exitFailed},
		"kubeconfig":       {value: "nosuch.kubeconfig", code: exitFailed},
		"redact":           {value: "nosuch/key", code: exitFailed},
		"key":              {value: "nosuch.key", code: exitFailed},
		"context":          {value: "nosuch", code: exitFailed},
		"cluster":          {value: "nosuch", code: exitFailed},
		"user":             {value: "nosuch", code: exitFailed},
		"server":           {value: "nosuch://a", code: exitUsage},
		"token":            {why: "the server answers for tokens"},
		"kustomize":        {value: "nosuch", code: exitUsage},
		"skip-path":        {value: "nosuch", code: exitUsage},
		"as":               {why: "the server answers for users"},
		"as-group":         {why: "the server answers for groups"},
		"admission-config": {value: "nosuch.yaml", code: exitFailed},
		"audit-log":        {value: "nosuch.log", code: exitFailed},
		"journal":          {value: "nosuch.journal", code: exitFailed},

		"target-version":   {value: "v1.99", code: exitUsage},
		"to":               {value: "v1.99", code: exitUsage},
		"basis":            {value: "nosuch", code: exitUsage},
		"empty-namespaces": {value: "nosuch", code: exitUsage},
		"enforce":          {value: "nosuch", code: exitUsage},
		"audit":            {value: "nosuch", code: exitUsage},
		"warn":             {value: "nosuch", code: exitUsage},
		"level":            {value: "nosuch", code: exitUsage},
		"stage":            {value: "nosuch", code: exitUsage},
		"raise":            {value: "nosuch", code: exitUsage},
		"include":          {value: "nosuch", code: exitUsage},
		"fail-on":          {value: "nosuch", code: exitUsage},
		"assert":           {value: "nosuch", code: exitUsage},
		"dry-run":          {value: "nosuch", code: exitUsage},
		"output":           {value: "nosuch", code: exitUsage},
		"sections":         {value: "nosuch", code: exitUsage},
		"wave-label":       {value: "nosuch", code: exitUsage},
		"engine":           {value: "nosuch", code: exitUsage},
		"mode":             {value: "nosuch", code: exitUsage},
		"target-server":    {value: "v1.99", code: exitUsage},
		"grants":           {value: "nosuch", code: exitUsage},
		"guards":           {value: "nosuch", code: exitUsage},
		"may-loosen":       {value: "nosuch", code: exitUsage},
		"action":           {value: "nosuch", code: exitUsage},

		"color": {value: "nosuch", code: exitUsage},
		"v":     {value: "nosuch", code: exitUsage},

		"image":                   {why: elsewhere},
		"image-pull-secret":       {why: elsewhere},
		"kubeconfig-secret":       {why: elsewhere},
		"job-name":                {why: elsewhere},
		"job-namespace":           {why: elsewhere},
		"volume-claim":            {why: elsewhere},
		"storage-class":           {why: elsewhere},
		"service-account":         {why: elsewhere},
		"storage":                 {why: number},
		"memory":                  {why: number},
		"clusters":                {why: number},
		"parallelism":             {why: number},
		"backoff-limit-per-index": {why: number},
		"max-failed-indexes":      {why: number},

		"title":          {why: output},
		"client":         {why: output},
		"author":         {why: output},
		"undo":           {why: output},
		"backup":         {why: output},
		"batch":          {why: number},
		"max-namespaces": {why: number},
		"max-exceptions": {why: number},
		"parallel":       {value: "nosuch", code: exitUsage},
		"shard":          {value: "nosuch", code: exitUsage},
		"merge":          {why: "it excludes all other sources: TestReportMergeRefuses has paths that are not there"},
		"policies":       {why: "it is for the stage policies alone: TestPolicyFolders has folders that hold no set"},
		"timeout":        {why: number},
		"wait":           {why: number},
		"verify-wait":    {why: number},
	}
}

// errand is a cluster, and the folder for what a command writes, with all that a command does told.
type errand struct {
	*ground
	// asked are the sources that were read and the clusters that were connected to.
	asked int
	// stored are the revisions of Helm releases that the cluster has.
	stored []*corev1.Secret
}

// smallObjects are those of smallCluster.
var smallObjects = objects{"restricted", "shop", "deployment/web", "default"}

const smallCluster = `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: kube-system}}
- {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
- {apiVersion: v1, kind: Namespace, metadata: {name: blog, labels: {pod-security.kubernetes.io/enforce: restricted}}}
- apiVersion: policy/v1beta1
  kind: PodSecurityPolicy
  metadata: {name: restricted}
  spec: {seLinux: {rule: RunAsAny}, runAsUser: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}, fsGroup: {rule: RunAsAny}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: shop}
  spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}
`

// newErrand is a cluster as SystemDeps would find it, and real wherever a file, a context or a kubeconfig is named.
func newErrand(t *testing.T) *errand {
	t.Helper()
	e := &errand{ground: newGround(t)}
	stored := filepath.Join(t.TempDir(), "cluster.yaml")
	if err := os.WriteFile(stored, []byte(smallCluster), 0o600); err != nil {
		t.Fatal(err)
	}
	named := func(o SourceOptions) bool {
		return len(o.Files) > 0 || o.Context != "" && o.Context != "prod" || o.Kubeconfig != "" || o.Cluster != "" || o.User != "" || o.Server != ""
	}
	e.deps.LoadInventory = func(ctx context.Context, o SourceOptions) (*inventory.Inventory, error) {
		e.asked++
		if named(o) {
			return loadInventory(ctx, o)
		}
		inv, err := loadInventory(ctx, SourceOptions{Files: []string{stored}})
		if err == nil {
			inv.Source = inventory.Source{Kind: inventory.SourceCluster, Name: "prod", ServerVersion: "v1.24.17"}
		}
		return inv, err
	}
	connects := e.deps.Connect
	e.deps.Connect = func(o SourceOptions) (dynamic.Interface, string, error) {
		e.asked++
		if named(o) {
			return connectToCluster(o)
		}
		return connects(o)
	}
	e.deps.LoadHelmReleases = func(ctx context.Context, o SourceOptions, each func(string, metav1.ObjectMeta, []byte)) ([]inventory.Gap, error) {
		e.asked++
		if named(o) {
			return loadHelmReleases(ctx, o, each)
		}
		for _, stored := range e.stored {
			each("Secret", stored.ObjectMeta, stored.Data["release"])
		}
		return nil, nil
	}
	return e
}

// did is what the cluster and the folder show of a command: the verbs that change something, and the files.
func (e *errand) did() []string {
	e.t.Helper()
	out := e.writes()
	files, err := os.ReadDir(e.dir)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, f := range files {
		out = append(out, "file "+f.Name())
	}
	return out
}

// prepare makes what a command needs to find, and forgets what that took.
func (e *errand) prepare(command string) {
	e.t.Helper()
	if command == "fix" {
		if err := os.WriteFile(filepath.Join(e.dir, "web.yaml"), []byte(smallCluster), 0o600); err != nil {
			e.t.Fatal(err)
		}
	}
	if command == "clean-helm" {
		e.stored = []*corev1.Secret{keptRelease(e.t, 1)}
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(e.stored[0])
		if err == nil {
			err = e.client.Tracker().Add(&unstructured.Unstructured{Object: object})
		}
		if err != nil {
			e.t.Fatal(err)
		}
	}
	if command != "rollback" {
		return
	}
	if code, _, errOut := e.run(e.t.Context(), nil, e.line("rollout")...); code != exitDone {
		e.t.Fatalf("rolling out for a rollback: exit code %d\n%s", code, errOut)
	}
	e.client.ClearActions()
	e.asked = 0
}

// line is the command line with which a command does all that it can here.
func (e *errand) line(path string) []string {
	return slices.Concat(strings.Fields(path), smallObjects.nameIn(e.dir, taskOf(path)))
}

// forEachCommand calls f with every command that runs, by its path below the tool, of a fresh tool.
func forEachCommand(t *testing.T, f func(path string, cmd *cobra.Command)) {
	t.Helper()
	streams, _, _ := BufferStreams("")
	for path, cmd := range runnable(NewRootCommand(streams, world(nil))) {
		cmd.InheritedFlags() // merges those of its parents
		f(path, cmd)
	}
}

// The tests below mean something only where the same command, rightly given, does something: it is shown here. And no
// command or flag is without an entry, and no entry without its flag.
func TestEveryNameIsClassified(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	forEachCommand(t, func(path string, cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			seen[f.Name] = true
			if _, ok := namesNothing()[f.Name]; !ok && f.Value.Type() != "bool" {
				t.Errorf("%s --%s is in no entry of namesNothing: what does a value of it do that names nothing?", path, f.Name)
			}
		})
	})
	for name := range namesNothing() {
		if !seen[name] {
			t.Errorf("no command has a flag --%s", name)
		}
	}
	for path, tried := range trials() {
		e := newErrand(t)
		e.prepare(path)
		line := e.line(path)
		code, out, errOut := e.run(t.Context(), nil, line...)
		wrote := slices.ContainsFunc(e.did(), func(s string) bool {
			return slices.Contains([]string{"patch namespaces", "update namespaces", "update secrets"}, s)
		})
		if code != tried.taskCode || e.asked > 0 == tried.unread || wrote != tried.writes || out == "" && !slices.Contains(e.did(), "file out") {
			t.Errorf("%q does too little: exit code %d, %d sources, %q\n%s%s", line, code, e.asked, e.did(), out, errOut)
		}
	}
}

// Nothing is read and nothing is written where a flag, a variable or an argument is empty.
func TestEmptyNames(t *testing.T) {
	t.Parallel()
	const why = "it is empty, perhaps because a shell variable is not set: give it a value, or leave the flag out"
	const element = "an element of the list is empty, perhaps because a shell variable is not set: give it a value, or leave it out"
	forEachCommand(t, func(path string, cmd *cobra.Command) {
		e := newErrand(t)
		refused := func(env map[string]string, want string, more ...string) {
			t.Helper()
			e.deps.LookupEnv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
			args := append(e.line(path), more...)
			code, out, errOut := e.run(t.Context(), nil, args...)
			if want != "" {
				want = "psp2pss: " + want + "\nTry 'psp2pss " + path + " --help'.\n"
			}
			if code != exitUsage || out != "" || want != "" && errOut != want {
				t.Errorf("%q %v: exit code %d, output %q (-want +got):\n%s", args, env, code, out, cmp.Diff(want, errOut))
			}
			if e.asked > 0 || len(e.did()) > 0 {
				t.Errorf("%q %v: %d sources were read, and it did %q", args, env, e.asked, e.did())
			}
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			name := "--" + f.Name
			if f.Shorthand != "" {
				name = "-" + f.Shorthand + ", " + name
			}
			invalid := func(value, why string) string {
				return fmt.Sprintf("invalid argument %q for %q flag: %s", value, name, why)
			}
			for _, value := range []string{"", " \t"} {
				refused(nil, invalid(value, why), "--"+f.Name+"="+value)
				if !slices.ContainsFunc(taskOf(path), func(s string) bool { return "-"+f.Shorthand == s || strings.HasPrefix(s, "--"+f.Name) }) {
					refused(map[string]string{environmentVariable(f.Name): value}, environmentVariable(f.Name)+" is empty: give it a value, or unset it")
				}
			}
			if _, list := f.Value.(pflag.SliceValue); !list {
				return
			}
			refused(nil, invalid("", why), "--"+f.Name+"=a", "--"+f.Name+"=")
			if f.Value.Type() == "stringSlice" {
				refused(nil, invalid("a,,b", element), "--"+f.Name+"=a,,b")
				refused(nil, invalid("a, ", element), "--"+f.Name+"=a, ")
			}
		})
		for _, arg := range trials()[path].empty {
			args := append(strings.Fields(path), arg)
			if code, out, errOut := e.run(t.Context(), nil, args...); code != exitUsage || out != "" || e.asked > 0 {
				t.Errorf("%q: exit code %d, %d sources were read\n%s%s", args, code, e.asked, out, errOut)
			}
		}
	})
}

// A value that names nothing, by flag or by variable, ends a command before it writes anything.
func TestNamesOfNothing(t *testing.T) {
	t.Parallel()
	forEachCommand(t, func(path string, cmd *cobra.Command) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			namesOfNothing(t, path, cmd)
		})
	})
	endsEarly(t, "rollout", exitFailed, nil, []string{"rollout", "--resume", "--yes", "--journal=nosuch.journal"})
	endsEarly(t, "rollout", exitFailed, nil, []string{"rollout", "--dry-run=client", "--filename=nosuch.yaml"})
	endsEarly(t, "rollback", exitUsage, nil, []string{"rollback", "--yes", "--journal=DIR/j", "-n", "shop,SHOP"})
	endsEarly(t, "patch", exitUsage, nil, []string{"patch", "shop/deployment/web", "-n", "blog", "-o", "strategic=DIR/out"})
}

// namesOfNothing gives a command names of nothing, one at a time.
func namesOfNothing(t *testing.T, path string, cmd *cobra.Command) {
	t.Helper()
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		n := namesNothing()[f.Name]
		if n.value == "" || f.Name == journalFlag && path == "rollout" { // the journal of a roll-out is written
			return
		}
		if f.Name == fileFlag && (path == "rollout" || path == "verify") {
			n.code = exitUsage // files are no cluster
		}
		flag := "--" + f.Name + "=" + n.value
		variable := map[string]string{environmentVariable(f.Name): n.value}
		for _, env := range []map[string]string{nil, variable} {
			args := slices.Concat(strings.Fields(path), smallObjects.name(taskOf(path)))
			given := func(s string) bool { return s == "--"+f.Name || strings.HasPrefix(s, "--"+f.Name+"=") }
			switch {
			case env == nil && f.Name == contextFlag: // a second one is wrong use whatever it names
				args = append(slices.DeleteFunc(args, given), flag)
			case env == nil:
				args = append(args, flag)
			case slices.Contains(args, "-"+f.Shorthand):
				continue // the flag would win
			default:
				args = slices.DeleteFunc(args, given)
			}
			endsEarly(t, path, n.code, env, args)
		}
	})
	code := exitUsage
	if other := trials()[path].unknownCode; other != 0 {
		code = other
	}
	for _, arg := range trials()[path].unknown {
		endsEarly(t, path, code, nil, append(strings.Fields(path), arg))
	}
}

// endsEarly runs a command, in which DIR stands for the folder to write to, and expects an exit code, no output and no
// change to the cluster or the folder.
func endsEarly(t *testing.T, command string, want int, env map[string]string, args []string) {
	t.Helper()
	e := newErrand(t)
	e.prepare(command)
	before := e.did()
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", e.dir)
	}
	e.deps.LookupEnv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	code, out, errOut := e.run(t.Context(), nil, args...)
	if code != want || out != "" || errOut == "" {
		t.Errorf("%q %v: exit code %d, want %d, output %q\n%s", args, env, code, want, out, errOut)
	}
	if diff := cmp.Diff(before, e.did()); diff != "" {
		t.Errorf("%q %v: it did (-before +after):\n%s", args, env, diff)
	}
}
