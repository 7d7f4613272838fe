package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/cluster"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// ground is a cluster that a command line may write to: the demo's namespaces shop and blog.
type ground struct {
	t      *testing.T
	client *fake.FakeDynamicClient
	deps   Deps
	// patched is called with the name of a namespace before its labels are written.
	patched func(name string) error
	// may, if set, says what the user may do; unreviewed is what the server says to who asks that.
	may        func(verb, resource, namespace string) bool
	unreviewed error
	// stamp, if set, is a label that admission puts on with every write of labels, and an annotation beside it.
	stamp string
	// made, if set, is what admission makes of the labels of a namespace that are written.
	made func(name string, labels map[string]string)
	// dir is where journals go.
	dir string
}

func newGround(t *testing.T) *ground {
	t.Helper()
	g := &ground{t: t, dir: t.TempDir()}
	var objects []runtime.Object
	for _, name := range []string{"kube-system", "shop", "blog"} {
		u := &unstructured.Unstructured{}
		u.SetAPIVersion("v1")
		u.SetKind("Namespace")
		u.SetName(name)
		u.SetUID(types.UID("uid-of-" + name))
		objects = append(objects, u)
	}
	lists := map[schema.GroupVersionResource]string{{Version: "v1", Resource: "events"}: "EventList"}
	const admission = "admissionregistration.k8s.io"
	lists[schema.GroupVersionResource{Group: admission, Version: "v1", Resource: "mutatingwebhookconfigurations"}] = "MutatingWebhookConfigurationList"
	for _, version := range []string{"v1", "v1beta1"} {
		lists[schema.GroupVersionResource{Group: admission, Version: version, Resource: "mutatingadmissionpolicies"}] = "MutatingAdmissionPolicyList"
	}
	for path, kind := range served() {
		version, resource := filepath.Split(strings.TrimPrefix(strings.TrimPrefix(path, "/apis/"), "/api/"))
		gv, err := schema.ParseGroupVersion(strings.TrimSuffix(version, "/"))
		if err != nil {
			t.Fatal(err)
		}
		lists[gv.WithResource(resource)] = kind
	}
	g.client = fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists, objects...)
	g.client.PrependReactor("patch", "namespaces", g.apply)
	g.client.PrependReactor("create", "selfsubjectaccessreviews", g.review)
	g.deps = SystemDeps("psp2pss")
	g.deps.LookupEnv = func(string) (string, bool) { return "", false }
	g.deps.LoadInventory = func(ctx context.Context, _ SourceOptions) (*inventory.Inventory, error) {
		return loadInventory(ctx, SourceOptions{Demo: true})
	}
	g.deps.Connect = func(SourceOptions) (dynamic.Interface, string, error) { return g.client, "prod", nil }
	return g
}

// apply puts labels on, as far as the fake client's store is concerned.
func (g *ground) apply(action clienttesting.Action) (bool, runtime.Object, error) {
	patch := action.(clienttesting.PatchAction)
	if patch.GetPatchType() == types.MergePatchType {
		return false, nil, nil // a rollback, which the fake client can do itself
	}
	if g.patched != nil {
		if err := g.patched(patch.GetName()); err != nil {
			return true, nil, err
		}
	}
	var body unstructured.Unstructured
	if err := json.Unmarshal(patch.GetPatch(), &body.Object); err != nil {
		return true, nil, err
	}
	gvr := action.GetResource()
	is, err := g.client.Tracker().Get(gvr, "", patch.GetName())
	if err != nil {
		return true, nil, err
	}
	u := is.(*unstructured.Unstructured).DeepCopy()
	labels := u.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	for k, v := range body.GetLabels() {
		labels[k] = v
	}
	if g.stamp != "" {
		labels["stamp"] = g.stamp
		u.SetAnnotations(map[string]string{"stamped": "yes"})
	}
	if g.made != nil {
		g.made(patch.GetName(), labels)
	}
	u.SetLabels(labels)
	return true, u, g.client.Tracker().Update(gvr, u, "")
}

// review answers whether the user may do something.
func (g *ground) review(action clienttesting.Action) (bool, runtime.Object, error) {
	ask := action.(clienttesting.CreateAction).GetObject().(*unstructured.Unstructured).DeepCopy()
	attributes, _, err := unstructured.NestedStringMap(ask.Object, "spec", "resourceAttributes")
	if err != nil {
		return true, nil, err
	}
	if g.unreviewed != nil {
		return true, nil, g.unreviewed
	}
	allowed := g.may == nil || g.may(attributes["verb"], attributes["resource"], attributes["namespace"])
	return true, ask, unstructured.SetNestedField(ask.Object, allowed, "status", "allowed")
}

// writes are the verbs that were sent and change something.
func (g *ground) writes() []string {
	var out []string
	for _, a := range g.client.Actions() {
		if !slices.Contains([]string{"get", "list"}, a.GetVerb()) && a.GetResource().Resource != "selfsubjectaccessreviews" {
			out = append(out, a.GetVerb()+" "+a.GetResource().Resource)
		}
	}
	return out
}

// run runs a command line; a person sits at the terminal if answers are given.
func (g *ground) run(ctx context.Context, answers io.Reader, args ...string) (code int, out, errOut string) {
	g.t.Helper()
	var o, e bytes.Buffer
	streams := Streams{In: answers, Out: &o, ErrOut: &e, Interactive: answers != nil}
	if answers == nil {
		streams.In = strings.NewReader("")
	}
	code = Run(ctx, streams, g.deps, args)
	return code, o.String(), e.String()
}

func TestRolloutUsage(t *testing.T) {
	t.Parallel()
	journal := filepath.Join(t.TempDir(), "enforce.journal")
	header := `{"apiVersion": "psp2pss.dev/v1", "kind": "Journal", "cluster": "c", "steps": []}` + "\n"
	if err := os.WriteFile(journal, []byte(header), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"nobody to ask", []string{"rollout"}, "nobody can be asked here whether to write to the cluster: add --yes, or --dry-run=client to see the steps"},
		{"nobody to ask for the way back", []string{"rollback", "--journal", journal}, "nobody can be asked here whether to write to the cluster: add --yes, or --dry-run=client to see the steps"},
		{"no journal", []string{"rollback", "--yes"}, "there is no journal to go back by: name it with --journal"},
		{"resume what", []string{"rollout", "--yes", "--resume"}, "--resume goes on with a journal: name it with --journal"},
		{"resume dry", []string{"rollout", "--resume", "--journal", "j", "--dry-run=server"}, "--resume and --dry-run exclude each other: look into the journal instead"},
		{"resume and a stage", []string{"rollout", "--yes", "--resume", "--journal", "j", "--stage", "enforce"}, "--stage cannot change a roll-out that has begun: its journal says what is left to do"},
		{"resume and a level", []string{"rollout", "--yes", "--resume", "--journal", "j", "--enforce", "baseline"}, "--enforce cannot change a roll-out that has begun: its journal says what is left to do"},
		{"resume and a version", []string{"rollout", "--yes", "--resume", "--journal", "j", "--target-version", "v1.28"}, "--target-version cannot change a roll-out that has begun: its journal says what is left to do"},
		{"no such stage", []string{"rollout", "--yes", "--stage", "observ"}, `--stage="observ": it is not one of observe, enforce, bypass, policies; did you mean "observe"?`},
		{"no such stage back", []string{"rollback", "--yes", "--journal", "j", "--stage", "x"}, `--stage="x": it is not one of observe, enforce, bypass, policies`},
		{"no such dry run", []string{"rollout", "--dry-run=yes"}, `invalid argument "yes" for "--dry-run" flag: it is not one of none, client, server`},
		{"negative", []string{"rollout", "--yes", "--batch", "-1"}, "--batch=-1 must be a number of namespaces above 0: give one, or leave the flag out"},
		{"no batch", []string{"rollout", "--yes", "--batch", "0"}, "--batch=0 must be a number of namespaces above 0: give one, or leave the flag out"},
		{"no namespace", []string{"rollout", "--yes", "--max-namespaces", "0"}, "--max-namespaces=0 must be a number of namespaces above 0: give one, or leave the flag out"},
		{"the demo", []string{"rollout", "--demo", "--yes"}, "a roll-out needs a cluster: add --context or --kubeconfig, or --dry-run=client to see the steps"},
		{"arguments", []string{"rollback", "journal", "--yes"}, `rollback takes no arguments, and got "journal": the journal is named with --journal`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t)
			code, out, errOut := g.run(context.Background(), nil, tt.args...)
			want := "psp2pss: " + tt.want + "\nTry 'psp2pss " + tt.args[0] + " --help'.\n"
			if code != exitUsage || out != "" || errOut != want {
				t.Errorf("exit code %d, output %q (-want +got):\n%s", code, out, cmp.Diff(want, errOut))
			}
			if len(g.client.Actions()) > 0 {
				t.Errorf("it talked to the cluster: %v", g.client.Actions())
			}
		})
	}
}

// both is a roll-out of observe over the two namespaces, with a journal.
func (g *ground) both(more ...string) []string {
	return append([]string{"rollout", "-n", "shop,blog", "--journal", g.journal()}, more...)
}

func (g *ground) journal() string { return filepath.Join(g.dir, "j") }

func TestRolloutAsks(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	const planned = "\nSTAGE    NAMESPACE  CHANGE\n" +
		"observe  blog       audit, warn: none -> restricted:v1.25\n" +
		"observe  shop       audit, warn: none -> restricted:v1.25\n\n2 namespaces: 8 labels to add.\n"
	for _, answer := range []string{"n\n", "\n", "", "yeah\n"} {
		code, out, errOut := g.run(context.Background(), strings.NewReader(answer), g.both()...)
		if code != exitFailed || out != "" || !strings.HasSuffix(errOut, planned+"Take 2 steps in 2 namespaces on the cluster of context prod? [y/N] psp2pss: nothing was done\n") {
			t.Errorf("answered %q: exit code %d, %q, %q", answer, code, out, errOut)
		}
	}
	if got := g.writes(); len(got) > 0 {
		t.Fatalf("written after a no: %v", got)
	}
	if _, err := os.Stat(g.journal()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a journal of nothing: %v", err)
	}
	// Yes to the whole, no to the second batch, and then yes to the rest.
	code, out, errOut := g.run(context.Background(), strings.NewReader("y\nno\n"), g.both("--batch", "1")...)
	if code != exitFailed || strings.Count(out, "done ") != 1 {
		t.Errorf("exit code %d, %q", code, out)
	}
	if want := "Go on with batch 2 of 2 (observe: 1 step) on the cluster of context prod? [y/N] Done: 1 of 2 steps.\npsp2pss: stopped before batch 2\n  to go on: psp2pss rollout --resume --journal " + g.journal() + "\n  to go back: psp2pss rollback --journal " + g.journal() + "\n"; !strings.HasSuffix(errOut, want) {
		t.Errorf("told %q, want it to end with %q", errOut, want)
	}
	code, out, errOut = g.run(context.Background(), strings.NewReader("YES\n"), "rollout", "--resume", "--journal", g.journal())
	if code != exitDone || strings.Count(out, "done ") != 1 {
		t.Errorf("exit code %d, %q, %q", code, out, errOut)
	}
	code, out, errOut = g.run(context.Background(), strings.NewReader("y\n"), "rollback", "--journal", g.journal())
	const undone = "1/2 undone   observe  shop: audit, warn removed (was restricted)\n2/2 undone   observe  blog: audit, warn removed (was restricted)\n"
	told := "\nSTAGE    NAMESPACE  CHANGE\n" +
		"observe  shop       audit, warn removed (was restricted)\n" +
		"observe  blog       audit, warn removed (was restricted)\n\n2 namespaces: 8 labels to remove.\n" +
		"Take back 2 steps in 2 namespaces on the cluster of context prod? [y/N] Taken back: 2 of 2 steps.\n  to check: psp2pss verify --journal " + g.journal() + "\n"
	if code != exitDone || out != undone || errOut != told {
		t.Errorf("exit code %d (-want +got):\n%s%s", code, cmp.Diff(undone, out), cmp.Diff(told, errOut))
	}
	code, out, errOut = g.run(context.Background(), strings.NewReader(""), "rollback", "--journal", g.journal())
	if code != exitDone || out != "" || errOut != "There is nothing to do.\n" {
		t.Errorf("again: exit code %d, %q, %q", code, out, errOut)
	}
}

// Ctrl-C while a step is taken, and while a person is asked: how to go on is told all the same.
func TestRolloutInterrupted(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	advice := "psp2pss: interrupted: nothing more was read or written\n  to go on: psp2pss rollout --resume --journal " + g.journal() + "\n  to go back: psp2pss rollback --journal " + g.journal() + "\n"
	ctx, cancel := context.WithCancel(context.Background())
	g.patched = func(string) error {
		cancel()
		return context.Canceled
	}
	code, _, errOut := g.run(ctx, nil, g.both("--yes")...)
	if code != exitFailed || !strings.HasSuffix(errOut, advice) {
		t.Errorf("exit code %d, %q", code, errOut)
	}
	g = newGround(t)
	ctx, cancel = context.WithCancel(context.Background())
	asked, person := io.Pipe()
	defer func() { _ = asked.Close() }()
	written := make(chan struct{})
	go func() {
		_, _ = person.Write([]byte("y\n"))
		<-written
		cancel() // instead of an answer to the second question
	}()
	g.patched = func(string) error {
		close(written)
		return nil
	}
	code, _, errOut = g.run(ctx, asked, g.both("--batch", "1")...)
	if code != exitFailed || !strings.Contains(errOut, "  to go on: psp2pss rollout --resume --journal "+g.journal()+"\n") {
		t.Errorf("asked: exit code %d, %q", code, errOut)
	}
}

// refusesBlog is a server, in tests of a roll-out, that refuses every change of the namespace blog.
func refusesBlog(name string) error {
	if name == "blog" {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "namespaces"}, name, errors.New("no"))
	}
	return nil
}

func TestRolloutRefused(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.patched = refusesBlog
	code, out, errOut := g.run(context.Background(), nil, g.both("--yes", "-o", "json")...)
	var told stepsReport
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got []string
	for _, s := range told.Steps {
		got = append(got, s.Namespace+" "+s.Result+" "+s.Why.Text)
	}
	want := []string{`blog refused the server does not take it: namespaces "blog" is forbidden: no`, "shop done "}
	if diff := cmp.Diff(want, got); diff != "" || code != exitFailed {
		t.Errorf("exit code %d, steps (-want +got):\n%s", code, diff)
	}
	if !strings.HasSuffix(errOut, "psp2pss: 1 of 2 steps was refused: the reasons are beside them\n") {
		t.Errorf("told %q", errOut)
	}
}

// A step that is refused is no reason to go back, since it has changed nothing: what the help says of --rollback-on-failure.
func TestRolloutRefusedIsNoFailure(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.patched = refusesBlog
	code, out, errOut := g.run(t.Context(), nil, g.both("--yes", "--rollback-on-failure")...)
	if want := "1/2 refused  observe  blog: audit, warn: none -> restricted:v1.25: the server does not take it: namespaces \"blog\" is forbidden: no\n" +
		"2/2 done     observe  shop: audit, warn: none -> restricted:v1.25\n"; out != want {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, out))
	}
	again := " --journal " + g.journal() + "\n"
	g.expect(code, exitFailed, errOut, begun+"The journal is "+g.journal()+".\n  to go back: psp2pss rollback"+again+
		"Verifying 1 namespace.\nDone: 1 of 2 steps (1 refused).\n  to try the others again: psp2pss rollout --resume"+again+
		"  to check: psp2pss verify"+again+"  to go back: psp2pss rollback"+again+
		"psp2pss: 1 of 2 steps was refused: the reasons are beside them\n")
}

// A run that is stopped has told what it did, in JSON too.
func TestRolloutStoppedInJSON(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.patched = func(name string) error {
		if name == "shop" {
			return apierrors.NewUnauthorized("Unauthorized")
		}
		return nil
	}
	code, out, _ := g.run(context.Background(), nil, g.both("--yes", "-o", "json")...)
	var told stepsReport
	if err := json.Unmarshal([]byte(out), &told); err != nil || len(told.Steps) != 1 || told.Steps[0].Namespace != "blog" || code != exitFailed {
		t.Errorf("exit code %d, %v: %s", code, err, out)
	}
}

// Where nothing is done, the exit code tells a cluster that is as asked for from one that is left as it is.
func TestRolloutNothingToDo(t *testing.T) {
	t.Parallel()
	const ofFlux = "Flux writes this namespace and would undo a change: put the labels where it reads them (labels -o manifest), or take over with --force"
	namespace := func(name, owner, warn string) string {
		return `{"name":"` + name + `","cautions":[],"blockers":[],"workloads":[],"versions":[],"complete":true,"action":"add","labelOwner":"` + owner + `","labels":{"team":"x"},"current":{"warn":"` + warn + `"},"recommended":{"warn":"restricted"}}`
	}
	owned, there, open := namespace("a", "Flux", ""), namespace("b", "Flux", "restricted"), namespace("c", "", "")
	for _, tt := range []struct {
		name       string
		namespaces []string
		args       []string
		code       int
		out, err   string
	}{
		{"all left alone", []string{owned}, nil, exitPartial, "", "left alone at observe: a: " + ofFlux + "\npsp2pss: nothing was done: what was asked for is left alone (a: " + ofFlux + ")\n"},
		{
			"all left alone, for programs",
			[]string{owned},
			[]string{"-o", "json"},
			exitPartial,
			"{\n  \"apiVersion\": \"psp2pss.dev/v1\",\n  \"kind\": \"RolloutSteps\",\n  \"steps\": [\n    {\n      \"stage\": \"observe\",\n      \"namespace\": \"a\",\n      \"batch\": 0,\n      \"result\": \"skipped\",\n      \"why\": {\n        \"id\": \"rollout-skips-owned\",\n        \"args\": {\n          \"owner\": \"Flux\"\n        },\n        \"text\": \"" + ofFlux + "\"\n      }\n    }\n  ]\n}\n",
			"left alone at observe: a: " + ofFlux + "\npsp2pss: nothing was done: what was asked for is left alone (a: " + ofFlux + ")\n",
		},
		{"accepted", []string{owned}, []string{"--allow-partial"}, exitDone, "", "left alone at observe: a: " + ofFlux + "\nThere is nothing to do.\n"},
		{"as asked for", []string{there}, nil, exitDone, "", "There is nothing to do.\n"},
		{"one is as asked for", []string{owned, there}, nil, exitDone, "", "left alone at observe: a: " + ofFlux + "\nThere is nothing to do.\n"},
		{"one gets a step", []string{owned, open}, nil, exitDone, "STAGE    NAMESPACE  CHANGE\nobserve  c          warn: none -> restricted\n\n1 namespace: 1 label to add.\n", "left alone at observe: a: " + ofFlux + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plan := `{"apiVersion":"psp2pss.dev/v1","kind":"Plan","targetVersion":"v1.25","basis":"workloads","source":{"kind":"cluster","name":"prod","uid":"uid-of-kube-system"},"policies":[],"gaps":[],"roles":[],"bindings":[],"evaluations":[],"namespaces":[` + strings.Join(tt.namespaces, ",") + `]}`
			for _, dryRun := range []string{"--dry-run=client", "--dry-run=none"} {
				if tt.out != "" && tt.code == exitDone && dryRun != "--dry-run=client" {
					continue // the step would be taken
				}
				g := newGround(t)
				streams, out, errOut := BufferStreams(plan)
				code := Run(t.Context(), streams, g.deps, append([]string{"rollout", "--plan", "-", "--yes", dryRun}, tt.args...))
				if code != tt.code {
					t.Errorf("%s: exit code %d, want %d", dryRun, code, tt.code)
				}
				if diff := cmp.Diff(tt.out, out.String()); diff != "" {
					t.Errorf("%s: stdout (-want +got):\n%s", dryRun, diff)
				}
				if diff := cmp.Diff(tt.err, errOut.String()); diff != "" {
					t.Errorf("%s: stderr (-want +got):\n%s", dryRun, diff)
				}
				if writes := g.writes(); len(writes) > 0 {
					t.Errorf("%s: it wrote to the cluster: %v", dryRun, writes)
				}
			}
		})
	}
}

// Where no journal can be written nothing is.
func TestRolloutWithoutAJournal(t *testing.T) {
	t.Parallel()
	for name, journal := range map[string]string{"no folder": "no/such/j", "there already": "rollout_test.go"} {
		g := newGround(t)
		code, out, errOut := g.run(context.Background(), nil, "rollout", "-n", "shop", "--yes", "--journal", journal)
		if code != exitFailed || out != "" || !strings.Contains(errOut, `beginning the journal "`+journal+`": `) {
			t.Errorf("%s: exit code %d, %q, %q", name, code, out, errOut)
		}
		if got := g.writes(); len(got) > 0 {
			t.Errorf("%s: written all the same: %v", name, got)
		}
	}
}

// closed is standard output whose reader has gone.
type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// Whoever reads the steps may go away: they are taken all the same.
func TestRolloutIntoAClosedPipe(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	var errOut bytes.Buffer
	code := Run(context.Background(), Streams{In: strings.NewReader(""), Out: closed{}, ErrOut: &errOut}, g.deps, g.both("--yes"))
	want := []string{"create leases", "patch namespaces", "patch namespaces", "delete leases"}
	if diff := cmp.Diff(want, g.writes()); diff != "" || code != exitFailed {
		t.Errorf("exit code %d, writes (-want +got):\n%s%s", code, diff, errOut.String())
	}
}

// A journal is never played to another cluster, and a plan not to another context.
func TestRolloutElsewhere(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	if code, _, errOut := g.run(context.Background(), nil, g.both("--yes")...); code != exitDone {
		t.Fatal(code, errOut)
	}
	gvr := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	system, err := g.client.Resource(gvr).Get(context.Background(), "kube-system", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	system.SetUID("another")
	if _, err := g.client.Resource(gvr).Update(context.Background(), system, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	before := len(g.writes())
	for _, args := range [][]string{{"rollback", "--yes", "--journal", g.journal()}, {"rollout", "--resume", "--yes", "--journal", g.journal()}} {
		code, _, errOut := g.run(context.Background(), nil, args...)
		want := `psp2pss: the journal "` + g.journal() + `" is of another cluster (context "prod") than that of context "prod": choose the right one with --kubeconfig` + "\n"
		if code != exitFailed || errOut != want {
			t.Errorf("%v: exit code %d (-want +got):\n%s", args, code, cmp.Diff(want, errOut))
		}
	}
	if got := g.writes()[before:]; len(got) > 0 {
		t.Errorf("written to another cluster: %v", got)
	}
}

func TestAgain(t *testing.T) {
	t.Parallel()
	o := &rolloutOptions{deps: Deps{ToolName: "kubectl psp2pss"}, Source: SourceOptions{Kubeconfig: "my config", Context: "prod", As: "jane", AsGroups: []string{"ops"}}}
	want := "kubectl psp2pss rollout --resume --journal j --kubeconfig 'my config' --context prod --as jane --as-group ops"
	if got := o.journalCommand("rollout --resume", "j"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	o.Source = SourceOptions{Cluster: "my cluster", User: "u", Server: "https://a", Token: "canary"}
	want = "kubectl psp2pss rollout --resume --journal j --cluster 'my cluster' --user u --server https://a --token=\"${PSP2PSS_TOKEN:?}\""
	if got := o.journalCommand("rollout --resume", "j"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What a roll-out reads again before it writes is read as the plan was.
func TestRolloutReadsAgainAlike(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	load := g.deps.LoadInventory
	var namespaces []string
	g.deps.LoadInventory = func(ctx context.Context, o SourceOptions) (*inventory.Inventory, error) {
		if !o.SkipCustomResources {
			t.Errorf("custom resources are read for %q", o.Namespace)
		}
		namespaces = append(namespaces, o.Namespace)
		return load(ctx, o)
	}
	if code, _, errOut := g.run(t.Context(), nil, "rollout", "--stage=enforce", "-n", "shop", "--yes", "--custom-resources=false", "--journal", g.journal()); code != exitDone {
		t.Errorf("exit code %d, %s", code, errOut)
	}
	if diff := cmp.Diff([]string{"", "shop"}, namespaces); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

// Rights that are missing, for the way there or back, are named before anything is written; where the server cannot be asked,
// that is told, and the roll-out begins.
func TestRolloutRights(t *testing.T) {
	t.Parallel()
	const lacking = "psp2pss: this user lacks rights that the roll-out or its rollback needs, and it is not begun:\n"
	notInShop := func(verb, resource, namespace string) bool {
		return resource != "namespaces" || verb != "patch" || namespace == "blog"
	}
	tests := []struct {
		name string
		args []string
		may  func(verb, resource, namespace string) bool
		code int
		want string
	}{
		{
			"in one namespace",
			[]string{"--yes"},
			notInShop, exitFailed,
			lacking + "  patch namespaces (in shop)\n  a role that has them: psp2pss rollout --print-role --stage observe\n",
		},
		{
			"to verify",
			[]string{"--yes", "--verify"},
			func(verb, resource, _ string) bool { return verb != "create" || resource != "pods" }, exitFailed,
			lacking + "  create pods (in blog, shop)\n  a role that has them: psp2pss rollout --print-role --stage observe --verify\n",
		},
		{
			"dry",
			[]string{"--dry-run=server"},
			notInShop, exitFailed,
			"Nothing was changed; the server would take 2 of 2 steps.\n" + lacking + "  patch namespaces (in shop)\n  a role that has them: psp2pss rollout --print-role --stage observe\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t)
			g.may = tt.may
			code, _, errOut := g.run(context.Background(), nil, g.both(tt.args...)...)
			if diff := cmp.Diff(tt.want, errOut); code != tt.code || diff != "" {
				t.Errorf("exit code %d (-want +got):\n%s", code, diff)
			}
			if _, err := os.Stat(g.journal()); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a journal of nothing: %v", err)
			}
			if got := g.writes(); len(got) > 0 && tt.name != "dry" {
				t.Errorf("written: %v", got)
			}
		})
	}
	g := newGround(t)
	g.unreviewed = apierrors.NewForbidden(schema.GroupResource{Group: "authorization.k8s.io", Resource: "selfsubjectaccessreviews"}, "", errors.New("no"))
	code, out, errOut := g.run(context.Background(), nil, g.both("--yes")...)
	want := "warning: whether this user has all rights for the roll-out and its rollback is not known: asking the server what this user may do (selfsubjectaccessreviews): " +
		`selfsubjectaccessreviews.authorization.k8s.io is forbidden: no` + "\n"
	if code != exitDone || strings.Count(out, "done ") != 2 || !strings.HasPrefix(errOut, want) {
		t.Errorf("not to be asked: exit code %d, %q, (-want +got):\n%s", code, out, cmp.Diff(want, errOut))
	}
	// A roll-out that was cut off is asked about again, and all of it: what was done must be able to go back.
	g.unreviewed, g.may = nil, notInShop
	code, _, errOut = g.run(context.Background(), nil, "rollout", "--resume", "--yes", "--journal", g.journal())
	if code != exitFailed || !strings.Contains(errOut, "patch namespaces (in shop)") {
		t.Errorf("resumed: exit code %d, %q", code, errOut)
	}
}

// What admission changes along with a step is told in words, and in JSON.
func TestRolloutTellsAdmission(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.stamp = "\x1b[31mseen"
	code, out, _ := g.run(context.Background(), nil, g.both("--dry-run=server")...)
	const also = "; the server's admission also changed labels: stamp=\\x1b[31mseen; the server's admission also changed, and rollback leaves: annotation stamped"
	if code != exitDone || strings.Count(out, also+"\n") != 2 {
		t.Errorf("exit code %d, %q", code, out)
	}
	g = newGround(t)
	g.stamp = "seen"
	code, out, _ = g.run(context.Background(), nil, g.both("--dry-run=server", "-o", "json")...)
	var report struct {
		Steps []struct {
			Namespace string
			Also      map[string]any
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != exitDone {
		t.Fatal(code, err, out)
	}
	told := report.Steps
	want := map[string]any{"labels": []any{map[string]any{"key": "stamp", "before": nil, "after": "seen"}}, "fields": []any{"annotation stamped"}}
	for _, s := range told {
		if diff := cmp.Diff(want, s.Also); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.Namespace, diff)
		}
	}
	if len(told) != 2 {
		t.Errorf("%d steps", len(told))
	}
}

func TestRolloutPrintRole(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		args  []string
		needs rollout.PermissionOptions
		head  string
	}{
		{"the default", nil, rollout.PermissionOptions{}, "observe"},
		{"all", []string{"--stage", "observe,enforce,bypass", "--verify"}, rollout.PermissionOptions{Stages: rollout.Stages(), Verify: true}, "observe,enforce,bypass"},
	} {
		g := newGround(t)
		code, out, errOut := g.run(t.Context(), nil, append([]string{"rollout", "--print-role"}, tt.args...)...)
		if code != exitDone || errOut != "" || len(g.client.Actions()) > 0 {
			t.Fatalf("%s: exit code %d, %s, %v", tt.name, code, errOut, g.client.Actions())
		}
		if want := "# All that 'rollout --stage " + tt.head + "' needs, and 'rollback' of it: "; !strings.HasPrefix(out, want) {
			t.Errorf("%s: it does not begin with %q: %q", tt.name, want, out)
		}
		if about := strings.Contains(out, "# The policy of the bypass has another name"); about != (tt.name == "all") {
			t.Errorf("%s: it speaks of the bypass: %t", tt.name, about)
		}
		if about := strings.Contains(out, "\n# --verify creates pods as dry runs only."); about != tt.needs.Verify {
			t.Errorf("%s: it speaks of pods: %t", tt.name, about)
		}
		everywhere, inLock, _ := strings.Cut(out, "\n---\n")
		var got rbacv1.ClusterRole
		var lock rbacv1.Role
		if err := errors.Join(yaml.UnmarshalStrict([]byte(everywhere), &got), yaml.UnmarshalStrict([]byte(inLock), &lock)); err != nil {
			t.Fatal(err)
		}
		rules, locks, namespace := rollout.RBACRules(tt.needs, cluster.ReadRules())
		kind := metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole"}
		if diff := cmp.Diff(rbacv1.ClusterRole{TypeMeta: kind, ObjectMeta: metav1.ObjectMeta{Name: "psp2pss-rollout"}, Rules: append(cluster.ReadRules(), rules...)}, got); diff != "" {
			t.Errorf("%s: ClusterRole (-want +got):\n%s", tt.name, diff)
		}
		kind.Kind = "Role"
		if diff := cmp.Diff(rbacv1.Role{TypeMeta: kind, ObjectMeta: metav1.ObjectMeta{Name: "psp2pss-rollout", Namespace: namespace}, Rules: locks}, lock); diff != "" {
			t.Errorf("%s: Role (-want +got):\n%s", tt.name, diff)
		}
	}
	code, _, errOut := newGround(t).run(t.Context(), nil, "rollout", "--print-role", "--stage", "x")
	if code != exitUsage || !strings.HasPrefix(errOut, `psp2pss: --stage="x": it is not one of observe, enforce, bypass, policies`) {
		t.Errorf("exit code %d, %q", code, errOut)
	}
}
