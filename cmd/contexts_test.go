package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/fixtures"
	"github.com/psp2pss/psp2pss/fixtures/dumps"
	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/fleet"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// contextsConfig writes a kubeconfig with a context for each server, by its name, and returns its path.
func contextsConfig(t *testing.T, servers map[string]string) string {
	t.Helper()
	type entry = map[string]any
	var contexts, clusters, users []entry
	for name, url := range servers {
		contexts = append(contexts, entry{"name": name, "context": entry{"cluster": name, "user": "u"}})
		clusters = append(clusters, entry{"name": name, "cluster": entry{"server": url}})
	}
	users = append(users, entry{"name": "u", "user": entry{"token": "t"}})
	text, err := json.Marshal(entry{"apiVersion": "v1", "kind": "Config", "contexts": contexts, "clusters": clusters, "users": users})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// clusterServer is an API server of a small cluster of its own, by the UID of kube-system, of which one path is refused.
func clusterServer(t *testing.T, uid, forbidden string) string {
	t.Helper()
	small := apiServer(t, forbidden, func(*http.Request) {})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/namespaces":
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"kind": "NamespaceList", "apiVersion": "v1", "metadata": {}, "items": [{"metadata": {"name": "kube-system", "uid": %q}}, {"metadata": {"name": "web", "uid": "1"}}]}`, uid)
		case "/api/v1/namespaces/kube-system":
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "kube-system", "uid": %q}}`, uid)
		default:
			small(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// answeringServer answers every request with one status.
func answeringServer(t *testing.T, code int, reason string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": %q, "message": "no", "code": %d}`, reason, code)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// goneServer is the address of a server that is there no more.
func goneServer() string {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	return s.URL
}

// fleetDeps are those of the system at one time, without an environment.
func fleetDeps() Deps {
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(string) (string, bool) { return "", false }
	deps.Now = func() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }
	return deps
}

// run runs the tool and returns its exit code, and what it wrote.
func run(t *testing.T, deps Deps, args ...string) (code int, out, errOut string) {
	t.Helper()
	streams, stdout, stderr := BufferStreams("")
	code = Run(t.Context(), streams, deps, args)
	return code, stdout.String(), stderr.String()
}

// readFleetFile reads what -o fleet wrote.
func readFleetFile(t *testing.T, path string) *fleet.Fleet {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fleet.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// brokenFleet is a kubeconfig of three clusters that can be read, one of which does not show its pods, and of three that cannot.
func brokenFleet(t *testing.T) string {
	t.Helper()
	return contextsConfig(t, map[string]string{
		"prod-eu": clusterServer(t, "uid-eu", "/"), "prod-us": clusterServer(t, "uid-us", "/"), "some": clusterServer(t, "uid-some", "/api/v1/pods"),
		"gone": goneServer(), "expired": answeringServer(t, http.StatusUnauthorized, "Unauthorized"), "refused": answeringServer(t, http.StatusForbidden, "Forbidden"),
	})
}

// TestPlanOfContexts plans for six clusters, three of which cannot be read: the others are, each has its row, and the plans are those of
// runs of their own.
func TestPlanOfContexts(t *testing.T) {
	t.Parallel()
	config, deps, dir := brokenFleet(t), fleetDeps(), t.TempDir()
	plans, rows := filepath.Join(dir, "plans"), filepath.Join(dir, "rows.json")
	code, out, errOut := run(t, deps, "plan", "--kubeconfig", config, "--all-contexts", "-o", "table", "-o", "json="+plans, "-o", "fleet="+rows)
	if code != exitPartial {
		t.Fatalf("exit code %d\n%s%s", code, out, errOut)
	}
	f := readFleetFile(t, rows)
	unread := map[string]string{"gone": "refused", "expired": "does not accept the credentials", "refused": "nothing to evaluate"}
	for i, name := range []string{"expired", "gone", "prod-eu", "prod-us", "refused", "some"} {
		c := &f.Clusters[i]
		if c.Name != name || !strings.Contains(c.Error, unread[name]) || (c.Error == "") != (unread[name] == "") {
			t.Errorf("cluster %d is %q with the error %q", i, c.Name, c.Error)
		}
		if !strings.Contains(out, "\n"+name+" ") {
			t.Errorf("the table has no row of %s:\n%s", name, out)
		}
		if unread[name] == "" {
			_, alone, _ := run(t, deps, "plan", "--kubeconfig", config, "--context", name, "-o", "json")
			if got, err := os.ReadFile(filepath.Join(plans, name+".json")); err != nil || string(got) != alone {
				t.Errorf("the plan of %s is not that of a run of its own: %v", name, err)
			}
			continue
		}
		if !strings.Contains(errOut, name+": warning: it could not be read: ") || !strings.Contains(out, name+": "+c.Error) {
			t.Errorf("nothing says that %s could not be read:\n%s%s", name, out, errOut)
		}
	}
	if len(f.Clusters) != 6 || f.Clusters[5].Gaps == 0 {
		t.Errorf("%d clusters, and %d gaps in that which does not show its pods", len(f.Clusters), f.Clusters[5].Gaps)
	}
	files, err := os.ReadDir(plans)
	if err != nil || len(files) != 3 {
		t.Errorf("%d files, %v", len(files), err)
	}
	if !strings.Contains(errOut, "3 clusters could not be read, and 1 was not read whole") {
		t.Errorf("the error is\n%s", errOut)
	}
	if code, _, errOut := run(t, deps, "plan", "--kubeconfig", config, "--context=prod-eu", "--context=prod-us", "--target-version=v1.20"); code != exitDone || strings.Count(errOut, ": warning: ") < 2 {
		t.Errorf("with an old target: exit code %d\n%s", code, errOut)
	}
	if code, _, errOut := run(t, deps, "plan", "--kubeconfig", config, "--all-contexts", "--allow-partial"); code != exitDone {
		t.Errorf("with --allow-partial: exit code %d\n%s", code, errOut)
	}
	code, out, errOut = run(t, deps, "plan", "--kubeconfig", config, "--context", "prod-us", "--context", "prod-eu", "--no-headers", "--fail-on=privileged,change")
	if code != exitFindings || strings.Count(out, "\n") != 2 || !strings.HasPrefix(out, "prod-eu ") || !strings.Contains(errOut, "prod-us: --fail-on=") {
		t.Errorf("two contexts: exit code %d\n%s%s", code, out, errOut)
	}
}

// TestReportOfContexts compares the report on the clusters of contexts with that on their saved plans.
func TestReportOfContexts(t *testing.T) {
	t.Parallel()
	config, deps, plans := brokenFleet(t), fleetDeps(), filepath.Join(t.TempDir(), "plans")
	contexts := []string{"--kubeconfig", config, "--context", "prod-eu", "--context", "some", "--context", "prod-us"}
	run(t, deps, append([]string{"plan", "-o", "json=" + plans}, contexts...)...)
	withoutCommand := func(text string) string {
		return strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.Contains(line, `"command": "psp2pss report`) }), "\n")
	}
	for _, format := range []string{"fleet", "json", "csv"} {
		args := []string{"-o", format, "--to=v1.30"}
		if format == "csv" {
			args = append(args, "--sections=namespaces")
		}
		code, merged, errOut := run(t, deps, slices.Concat([]string{"report", "--merge", plans}, args)...)
		if code != exitPartial || merged == "" {
			t.Fatalf("exit code %d\n%s", code, errOut)
		}
		code, direct, errOut := run(t, deps, slices.Concat([]string{"report"}, contexts, args)...)
		if code != exitPartial || withoutCommand(direct) != withoutCommand(merged) {
			t.Errorf("-o %s: exit code %d, another report than that of the plans\n%s", format, code, errOut)
		}
	}
	code, out, errOut := run(t, deps, "report", "--kubeconfig", config, "--all-contexts", "-o", "json")
	var r handover.Report
	if err := json.Unmarshal([]byte(out), &r); code != exitPartial || err != nil || len(r.Sections[0].Tables[0].Rows) != 6 {
		t.Errorf("exit code %d, %v\n%s", code, err, errOut)
	}
	if want := "psp2pss report --kubeconfig=" + config + " --all-contexts=true"; !strings.HasPrefix(r.Cover.Command, "psp2pss report --kubeconfig=") || !strings.Contains(r.Cover.Command, "--all-contexts") {
		t.Errorf("the report was made by %q, want %q", r.Cover.Command, want)
	}
}

// TestShardsOfContexts splits the contexts of a kubeconfig into parts, which merge into what one run gives.
func TestShardsOfContexts(t *testing.T) {
	t.Parallel()
	config, deps, dir := brokenFleet(t), fleetDeps(), t.TempDir()
	_, whole, _ := run(t, deps, "plan", "--kubeconfig", config, "--all-contexts", "-o", "fleet")
	for _, parts := range []int{1, 4, 9} {
		rows := filepath.Join(dir, fmt.Sprint(parts))
		if err := os.Mkdir(rows, 0o700); err != nil {
			t.Fatal(err)
		}
		seen := 0
		for i := range parts {
			row := filepath.Join(rows, fmt.Sprintf("%d.json", i))
			code, _, errOut := run(t, deps, "plan", "--kubeconfig", config, "--all-contexts", "--shard", fmt.Sprintf("%d/%d", i, parts), "-o", "fleet="+row)
			f := readFleetFile(t, row)
			seen += len(f.Clusters)
			if len(f.Clusters) > (6+parts-1)/parts || len(f.Clusters) == 0 && (code != exitPartial || !strings.Contains(errOut, "nothing to evaluate")) {
				t.Errorf("part %d of %d: exit code %d, %d clusters\n%s", i, parts, code, len(f.Clusters), errOut)
			}
		}
		if _, merged, _ := run(t, deps, "report", "--merge", rows, "-o", "fleet"); merged != whole || seen != 6 {
			t.Errorf("%d parts have %d clusters, and do not merge into the whole", parts, seen)
		}
	}
}

// TestSameClusterTwice reads two clusters under several contexts, which is an error that names them all.
func TestSameClusterTwice(t *testing.T) {
	t.Parallel()
	url, other := clusterServer(t, "uid", "/"), clusterServer(t, "uid-test", "/")
	config := contextsConfig(t, map[string]string{"admin": url, "prod": url, "root": url, "test": other, "test-admin": other})
	for _, verb := range []string{"plan", "report", "gate", "snapshot"} {
		code, out, errOut := run(t, fleetDeps(), verb, "--kubeconfig", config, "--all-contexts")
		for _, pair := range []string{`"admin" and "prod"`, `"admin" and "root"`, `"test" and "test-admin"`} {
			if code != exitFailed || out != "" || !strings.Contains(errOut, pair+" are one cluster") {
				t.Errorf("%s: exit code %d, want one that names %s\n%s%s", verb, code, pair, out, errOut)
			}
		}
	}
}

// fakeFleet is a kubeconfig with contexts of these names, and dependencies that read each from load.
func fakeFleet(t *testing.T, load func(context.Context, string) error, names ...string) (string, Deps) {
	t.Helper()
	servers := map[string]string{}
	for _, name := range names {
		servers[name] = "https://" + "cluster.example"
	}
	deps := fleetDeps()
	deps.LoadInventory = func(ctx context.Context, o SourceOptions) (*inventory.Inventory, error) {
		if err := load(ctx, o.Context); err != nil {
			return nil, err
		}
		b := inventory.NewBuilder()
		return b.Build(inventory.Source{Kind: inventory.SourceCluster, Name: o.Context, ServerVersion: "v1.24.17"}), nil
	}
	return contextsConfig(t, servers), deps
}

// TestParallelContexts counts how many clusters are read at once: as many as --parallel says, and never more.
func TestParallelContexts(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 3, 4} {
		var mu sync.Mutex
		var inFlight, most, begun int
		full := make(chan struct{})
		load := func(ctx context.Context, _ string) error {
			mu.Lock()
			begun++
			inFlight++
			most = max(most, inFlight)
			if begun == parallel {
				close(full)
			}
			mu.Unlock()
			select { // the first ones wait for each other
			case <-full:
			case <-ctx.Done():
			}
			mu.Lock()
			defer mu.Unlock()
			inFlight--
			return ctx.Err()
		}
		config, deps := fakeFleet(t, load, "a", "b", "c", "d", "e", "f", "g", "h", "i")
		if code, _, errOut := run(t, deps, "plan", "--kubeconfig", config, "--all-contexts", "--parallel", fmt.Sprint(parallel)); code != exitDone {
			t.Errorf("exit code %d\n%s", code, errOut)
		}
		if most != parallel || begun != 9 {
			t.Errorf("--parallel=%d: %d of %d were read at once", parallel, most, begun)
		}
	}
}

// TestContextsDoNotShareInput checks that no program that gets credentials may ask for input while another one could: what is typed for one
// cluster could go to the program of another.
func TestContextsDoNotShareInput(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--all-contexts"}, "several clusters are read at once; sign in before, or read one after the other with --parallel=1"},
		{[]string{"--all-contexts", "--parallel=1"}, ""},
		{[]string{"--all-contexts", "--shard=0/2"}, ""},
		{[]string{"--context=a"}, ""},
	} {
		config, deps := fakeFleet(t, func(context.Context, string) error { return nil }, "a", "b")
		load := deps.LoadInventory
		deps.LoadInventory = func(ctx context.Context, o SourceOptions) (*inventory.Inventory, error) {
			if got := o.connection().NoInput; got != tt.want {
				t.Errorf("%q: no input, since %q, want %q", tt.args, got, tt.want)
			}
			return load(ctx, o)
		}
		if code, _, errOut := run(t, deps, append([]string{"plan", "--allow-partial", "--kubeconfig", config}, tt.args...)...); code != exitDone {
			t.Errorf("%q: exit code %d\n%s", tt.args, code, errOut)
		}
	}
}

// TestInterruptedContexts ends a run on clusters that never answer, as Ctrl-C does: it ends them all, writes nothing, and says no cluster
// could not be read.
func TestInterruptedContexts(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{}, 100)
	silent := func() string {
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			asked <- struct{}{}
			<-r.Context().Done()
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	config := contextsConfig(t, map[string]string{"a": silent(), "b": silent(), "c": silent(), "d": silent(), "e": silent()})
	go func() {
		<-asked
		cancel()
	}()
	rows := filepath.Join(t.TempDir(), "rows.json")
	streams, out, errOut := BufferStreams("")
	code := Run(ctx, streams, fleetDeps(), []string{"plan", "--kubeconfig", config, "--all-contexts", "-o", "table", "-o", "fleet=" + rows})
	if _, err := os.Stat(rows); code != exitFailed || out.Len() > 0 || !os.IsNotExist(err) || strings.Contains(errOut.String(), "could not be read") || !strings.Contains(errOut.String(), "interrupted") {
		t.Errorf("exit code %d\n%s%s", code, out, errOut)
	}
}

// TestTimeoutOfContexts has one cluster take too long, and then all of them.
func TestTimeoutOfContexts(t *testing.T) {
	t.Parallel()
	config, deps := fakeFleet(t, func(_ context.Context, name string) error {
		if name == "slow" {
			return fmt.Errorf("listing pods: %w", context.DeadlineExceeded)
		}
		return nil
	}, "fast", "slow")
	code, out, errOut := run(t, deps, "plan", "--kubeconfig", config, "--all-contexts")
	if code != exitPartial || !strings.Contains(out, "slow: listing pods: context deadline exceeded; allow more time with --timeout") || strings.Contains(out, "fast: ") {
		t.Errorf("exit code %d\n%s%s", code, out, errOut)
	}
	config, deps = fakeFleet(t, func(ctx context.Context, _ string) error {
		<-ctx.Done()
		return ctx.Err()
	}, "a", "b", "c", "d", "e", "f")
	code, out, errOut = run(t, deps, "plan", "--kubeconfig", config, "--all-contexts", "--timeout=1ns")
	if code != exitPartial || strings.Count(out, "allow more time with --timeout") != 6 || strings.Contains(errOut, "interrupted") {
		t.Errorf("exit code %d\n%s%s", code, out, errOut)
	}
}

// TestHostileContextNames writes the plans of contexts whose names would leave the folder, be hidden, or fall together: each has one file,
// in the folder.
func TestHostileContextNames(t *testing.T) {
	t.Parallel()
	names := []string{
		"prod", "Prod", "PROD", "../outside", "..", ".hidden", "/etc/passwd", "a/b", "a_b", "a:b", `a\b`, "con", "aux.txt", "-n", "~", "x\x1b[31my", "two\nlines",
		"arn:aws:eks:eu-central-1:123456789012:cluster/prod", strings.Repeat("x", 300), strings.Repeat("x", 299) + "y", strings.Repeat("ü", 300), " ", "prod.json", "prod~",
	}
	config, deps := fakeFleet(t, func(context.Context, string) error { return nil }, append(names, "")...)
	dir := t.TempDir()
	plans := filepath.Join(dir, "plans")
	code, out, errOut := run(t, deps, "plan", "--kubeconfig", config, "--all-contexts", "-o", "table", "-o", "json="+plans, "-o", "yaml="+filepath.Join(dir, "yaml"))
	if code != exitPartial || strings.ContainsAny(out+errOut, "\x1b") || strings.Count(out, "the context has no name") != 1 {
		t.Fatalf("exit code %d\n%q\n%q", code, out, errOut)
	}
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Dir(path) != plans {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		plan, err := migrate.ReadPlan(bytes.NewReader(data))
		if err != nil {
			return err
		}
		found[plan.Source.Name] = true
		return nil
	})
	entries, readErr := os.ReadDir(dir)
	if err != nil || readErr != nil || len(entries) != 2 || len(found) != len(names) {
		t.Errorf("%v, %v: %d plans of %d contexts, and %d entries beside them", err, readErr, len(found), len(names), len(entries))
	}
}

// TestOneContextAtATime gives two contexts to every command that answers for one cluster, by flags and by the environment: it is wrong use,
// and nothing is read.
func TestOneContextAtATime(t *testing.T) {
	t.Parallel()
	several := map[string]bool{}
	forEachCommand(t, func(path string, cmd *cobra.Command) {
		switch {
		case cmd.Flags().Lookup(contextFlag) == nil:
			return
		case cmd.Flags().Lookup(allContextsFlag) != nil:
			several[path] = true
			return
		}
		for _, env := range []map[string]string{nil, {"PSP2PSS_CONTEXT": "prod,other"}} {
			e := newErrand(t)
			e.deps.LookupEnv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
			args := slices.DeleteFunc(e.line(path), func(arg string) bool { return strings.HasPrefix(arg, "--context") })
			given := "PSP2PSS_CONTEXT"
			if env == nil {
				args, given = append(args, "--context=prod", "--context=other"), "--context"
			}
			code, out, errOut := e.run(t.Context(), nil, args...)
			if code != exitUsage || out != "" || e.asked > 0 || !strings.Contains(errOut, given+" names 2 contexts, and psp2pss "+path+" is about one cluster") {
				t.Errorf("%q: exit code %d, %d sources were read\n%s%s", args, code, e.asked, out, errOut)
			}
		}
	})
	if len(several) != 4 || !several["plan"] || !several["report"] || !several["gate"] || !several["snapshot"] {
		t.Errorf("several clusters are read by %v", several)
	}
}

// TestWrongUseOfContexts gives what cannot be asked of several clusters.
func TestWrongUseOfContexts(t *testing.T) {
	t.Parallel()
	config, deps := fakeFleet(t, func(context.Context, string) error {
		t.Error("a cluster was read")
		return nil
	}, "a", "b")
	all := []string{"plan", "--kubeconfig", config, "--all-contexts"}
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{append(all, "--context", "a"), "--all-contexts and --context exclude each other"},
		{append(all, "--demo"), "--all-contexts and --demo exclude each other"},
		{append(all, "-f", "x.yaml"), "--all-contexts and --filename exclude each other"},
		{append(all, "--plan", "x.json"), "takes several plans"},
		{append(all, "--server", "https://a.example"), "every context would lead to one cluster"},
		{append(all, "--cluster", "a"), "every context would lead to one cluster"},
		{append(all, "--user", "u"), "users of its own"},
		{append(all, "--token", "secret"), "one token is not sent to several clusters"},
		{append(all, "-n", "shop"), "compared as wholes"},
		{append(all, "--redact", "key"), "pseudonyms"},
		{append(all, "--diff", "old.json"), "an earlier one of the same cluster"},
		{append(all, "--audit-log", "log"), "a log is that of one cluster"},
		{append(all, "--shard", "2/2"), "it is no part of a whole"},
		{append(all, "--shard", "-1/2"), "it is no part of a whole"},
		{append(all, "--shard", "1"), "it is no part of a whole"},
		{append(all, "--parallel", "5"), "give a number from 1 to 4"},
		{append(all, "--parallel", "0"), "give a number from 1 to 4"},
		{append(all, "-o", "json"), "name a folder"},
		{append(all, "-o", "json=plans", "-o", "fleet=./plans/rows.json"), "name another place"},
		{append(all, "-o", "json="+dir, "-o", "fleet="+filepath.Join(link, "a.json")), "name another place"},
		{[]string{"plan", "--kubeconfig", config, "--context", "a", "-o", "fleet=a.json"}, "add --all-contexts, name several with --context, or add --shard=0/1 to a single one"},
		{[]string{"plan", "--demo", "-o", "fleet"}, "-o fleet writes a row for each of several clusters"},
		{append(all, "-o", "wide"), "-o wide is the form of one cluster"},
		{append(all, "-o", "commands"), "-o commands is the form of one cluster"},
		{append(all, "-o", "jsonpath={.kind}"), "-o jsonpath is the form of one cluster"},
		{append(all, "-o", "nosuch"), "nosuch"},
		{append(all, "--fail-on=new-blocker"), "new-blocker"},
		{[]string{"plan", "--kubeconfig", config, "--context", "a", "--context", "a"}, "stands twice"},
		{[]string{"plan", "--kubeconfig", config, "--shard", "0/2"}, "add --all-contexts"},
		{[]string{"plan", "--kubeconfig", config, "--parallel", "2"}, "add --all-contexts"},
		{[]string{"report", "--kubeconfig", config, "--all-contexts", "--sections", "workloads"}, "clusters"},
		{[]string{"report", "--kubeconfig", config, "--all-contexts", "--fail-on=change"}, "compares with none"},
		{[]string{"report", "--merge", config, "--all-contexts"}, "exclude each other"},
		{[]string{"gate", "--kubeconfig", config, "--all-contexts", "-o", "commands"}, "-o commands is the form of one cluster"},
		{[]string{"gate", "--kubeconfig", config, "--all-contexts", "-o", "admission-config"}, "-o admission-config is the form of one cluster"},
		{[]string{"snapshot", "--kubeconfig", config, "--all-contexts", "--print-script"}, "the script is for one cluster"},
		{[]string{"snapshot", "--kubeconfig", config, "--all-contexts", "-o", "archive"}, "name a folder"},
	} {
		if code, out, errOut := run(t, deps, test.args...); code != exitUsage || out != "" || !strings.Contains(errOut, test.want) || strings.Contains(errOut, "secret") {
			t.Errorf("%q: exit code %d, want %q\n%s%s", test.args, code, test.want, out, errOut)
		}
	}
	for _, args := range [][]string{
		{"plan", "--kubeconfig", config, "--context", "a", "--context", "nosuch"},
		{"plan", "--kubeconfig", contextsConfig(t, nil), "--all-contexts"},
		append(all, "--admission-config", "nosuch.yaml"),
	} {
		if code, out, errOut := run(t, deps, args...); code != exitFailed || out != "" || errOut == "" {
			t.Errorf("%q: exit code %d\n%s%s", args, code, out, errOut)
		}
	}
}

// TestContextsFromEnvironment has variables ask for several clusters, beside flags that do not.
func TestContextsFromEnvironment(t *testing.T) {
	t.Parallel()
	config, deps := fakeFleet(t, func(context.Context, string) error { return nil }, "a", "b", "c")
	for _, test := range []struct {
		env  map[string]string
		args []string
		want int // lines without headers; 0 for an answer on one source
	}{
		{map[string]string{"PSP2PSS_ALL_CONTEXTS": "true"}, nil, 3},
		{map[string]string{"PSP2PSS_CONTEXT": "a,c"}, nil, 2},
		{map[string]string{"PSP2PSS_CONTEXT": "a,c"}, []string{"--all-contexts"}, 3},
		{map[string]string{"PSP2PSS_ALL_CONTEXTS": "true"}, []string{"--context=a", "--context=b"}, 2},
		{map[string]string{"PSP2PSS_ALL_CONTEXTS": "true", "PSP2PSS_SHARD": "1/2"}, nil, 1},
		{map[string]string{"PSP2PSS_ALL_CONTEXTS": "true", "PSP2PSS_TOKEN": "secret"}, []string{"--all-contexts"}, 3},
		{map[string]string{"PSP2PSS_ALL_CONTEXTS": "true"}, []string{"--demo"}, 0},
		{map[string]string{"PSP2PSS_CONTEXT": "a,b"}, []string{"--demo"}, 0},
		{map[string]string{"PSP2PSS_ALL_CONTEXTS": "true"}, []string{"--context=a"}, 0},
	} {
		deps.LookupEnv = func(name string) (string, bool) {
			v, ok := test.env[name]
			return v, ok
		}
		demo := deps
		if slices.Contains(test.args, "--demo") {
			demo.LoadInventory = loadInventory
		} else {
			test.args = append(test.args, "--kubeconfig", config)
		}
		code, out, errOut := run(t, demo, append([]string{"plan", "--no-headers"}, test.args...)...)
		if isRow := strings.HasPrefix(out, "a ") || strings.HasPrefix(out, "b "); isRow != (test.want > 0) || test.want > 0 && (strings.Count(out, "\n") != test.want || code != exitDone) {
			t.Errorf("%v %q: exit code %d\n%s%s", test.env, test.args, code, out, errOut)
		}
	}
}

// TestGateOfContexts asks the gate about six clusters: each has its answer, and the worst decides the exit code.
func TestGateOfContexts(t *testing.T) {
	t.Parallel()
	config, deps := brokenFleet(t), fleetDeps()
	code, out, errOut := run(t, deps, "gate", "--kubeconfig", config, "--all-contexts", "--to=v1.25")
	if code != exitFindings || !strings.Contains(errOut, "not ready: 3 clusters (prod-eu, prod-us, some)") || !strings.Contains(errOut, "not read: 3 clusters (expired, gone, refused)") || !strings.Contains(out, "\nprod-eu ") {
		t.Errorf("exit code %d\n%s%s", code, out, errOut)
	}
	code, out, errOut = run(t, deps, "gate", "--kubeconfig", config, "--all-contexts", "--to=v1.25", "-o", "json")
	var answers fleet.Answers
	if err := json.Unmarshal([]byte(out), &answers); err != nil || code != exitFindings || len(answers.Clusters) != 6 {
		t.Fatalf("exit code %d, %v\n%s", code, err, errOut)
	}
	checkOutput(t, filepath.FromSlash("../migrate/fleet/answers.schema.json"), deps, "gate", "--kubeconfig", config, "--all-contexts")
	for _, c := range answers.Clusters {
		if (c.Result == nil) != (c.Error != "") || (c.Error != "") != slices.Contains([]string{"gone", "expired", "refused"}, c.Name) {
			t.Errorf("%s has the error %q", c.Name, c.Error)
		}
		if c.Result == nil {
			continue
		}
		_, alone, _ := run(t, deps, "gate", "--kubeconfig", config, "--context", c.Name, "--to=v1.25", "-o", "json")
		var one any
		var its bytes.Buffer
		if err := json.Unmarshal([]byte(alone), &one); err != nil {
			t.Fatal(err)
		}
		if err := json.NewEncoder(&its).Encode(c.Result); err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(its.Bytes(), &got); err != nil || !reflect.DeepEqual(got, one) {
			t.Errorf("the answer on %s is not that of a run of its own: %v\n%v\n%v", c.Name, err, got, one)
		}
	}
	code, out, errOut = run(t, deps, "gate", "--kubeconfig", config, "--all-contexts", "-o", "custom-columns=NAME:.name,PASS:.result.pass")
	if code != exitFindings || strings.Count(out, "\n") != 7 {
		t.Errorf("exit code %d\n%s%s", code, out, errOut)
	}
	if code, _, errOut := run(t, deps, "gate", "--kubeconfig", config, "--context=gone", "--context=expired"); code != exitPartial {
		t.Errorf("where none could be read: exit code %d\n%s", code, errOut)
	}
	if code, _, errOut := run(t, deps, "gate", "--kubeconfig", config, "--context=gone", "--context=expired", "--allow-partial"); code != exitDone {
		t.Errorf("where none could be read, and may: exit code %d\n%s", code, errOut)
	}
}

// TestSnapshotOfContexts writes an archive of each cluster, as runs of their own do, and reports on them together.
func TestSnapshotOfContexts(t *testing.T) {
	t.Parallel()
	config, deps, dir := brokenFleet(t), fleetDeps(), t.TempDir()
	folder, plans := filepath.Join(dir, "snapshots"), filepath.Join(dir, "plans")
	code, out, errOut := run(t, deps, "snapshot", "--kubeconfig", config, "--all-contexts", "-o", "table", "-o", "archive="+folder)
	if code != exitPartial || !strings.Contains(errOut, "3 clusters could not be read, and 1 was not read whole") || !strings.Contains(out, "\ngone ") {
		t.Fatalf("exit code %d\n%s%s", code, out, errOut)
	}
	if err := os.Mkdir(plans, 0o700); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range []string{"prod-eu", "prod-us", "some"} {
		archive, alone := filepath.Join(folder, name+snapshotEnding), filepath.Join(dir, name+snapshotEnding)
		run(t, deps, "snapshot", "--kubeconfig", config, "--context", name, "-o", "archive="+alone)
		got, err := os.ReadFile(archive)
		want, errAlone := os.ReadFile(alone)
		if err != nil || errAlone != nil || !bytes.Equal(got, want) {
			t.Errorf("the archive of %s is not that of a run of its own: %v, %v", name, err, errAlone)
		}
		run(t, deps, "plan", "-f", archive, "-o", "json="+filepath.Join(plans, name+".json"))
	}
	_, ofPlans, _ := run(t, deps, "report", "--merge", plans, "-o", "fleet")
	code, ofSnapshots, errOut := run(t, deps, "report", "--merge", folder, "-o", "fleet")
	if code != exitPartial || ofSnapshots != ofPlans || strings.Count(ofPlans, `"uid"`) != 3 {
		t.Errorf("exit code %d: a report on snapshots is not that on their plans\n%s", code, errOut)
	}
	cut, err := os.ReadFile(filepath.Join(folder, "prod-eu"+snapshotEnding))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "cut"+snapshotEnding), cut[:len(cut)/2], 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, out, _ = run(t, deps, "report", "--merge", folder, "--merge", filepath.Join(plans, "some.json"), "-o", "fleet")
	f, err := fleet.Read([]byte(out))
	if err != nil || len(f.Clusters) != 4 || f.Clusters[0].Name != "cut" || f.Clusters[0].Error == "" {
		t.Errorf("%v: a snapshot that is cut off is not a cluster that was not seen, or a plan and the snapshot of one cluster are two:\n%s", err, out)
	}
}

// TestReportOfGathered reports on the clusters that kubectl gather wrote, as a folder and as an archive. Where one cluster is wanted, such a
// dump is wrong use.
func TestReportOfGathered(t *testing.T) {
	t.Parallel()
	input, err := fixtures.DemoInput()
	if err != nil {
		t.Fatal(err)
	}
	all, err := dumps.Objects(input)
	if err != nil {
		t.Fatal(err)
	}
	deps, dir, folder := fleetDeps(), t.TempDir(), filepath.Join(t.TempDir(), "gather")
	laidOut := dumps.Gather(all, "dr1", "dr2")
	for _, f := range laidOut {
		path := filepath.Join(folder, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var packed bytes.Buffer
	if err := dumps.TarGzip(&packed, laidOut); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, "gather.tar.gz")
	if err := os.WriteFile(archive, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, text, _ := run(t, deps, "plan", "--demo", "-o", "json")
	demo, err := migrate.ReadPlan(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, archive} {
		code, out, errOut := run(t, deps, "report", "--merge", path, "-o", "fleet")
		f, err := fleet.Read([]byte(out))
		if err != nil || code != exitDone && code != exitPartial || len(f.Clusters) != 2 {
			t.Fatalf("exit code %d, %v\n%s", code, err, errOut)
		}
		for i, name := range []string{"dr1", "dr2"} {
			c := &f.Clusters[i]
			if c.Name != filepath.Join(path, name) || c.Error != "" || len(c.Namespaces) != len(demo.Namespaces) || len(c.Policies) != len(demo.Policies) {
				t.Errorf("cluster %d is %q with the error %q, %d namespaces and %d policies", i, c.Name, c.Error, len(c.Namespaces), len(c.Policies))
			}
		}
		code, out, errOut = run(t, deps, "plan", "-f", path)
		if code != exitUsage || out != "" || !strings.Contains(errOut, "holds 2 clusters") || !strings.Contains(errOut, "report --merge") || !strings.Contains(errOut, filepath.Join(path, "dr1")) {
			t.Errorf("exit code %d\n%s%s", code, out, errOut)
		}
	}
	code, out, errOut := run(t, deps, "plan", "-R", "-f", filepath.Join(folder, "dr1"), "-o", "name")
	if code == exitFailed || code == exitUsage || out == "" {
		t.Errorf("one of them by itself: exit code %d\n%s%s", code, out, errOut)
	}
}

// TestContextsAreDropped reads clusters one after the other, and looks whether what was read of the earlier ones is still in memory.
func TestContextsAreDropped(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c", "d", "e", "f"}
	config, deps := fakeFleet(t, func(context.Context, string) error { return nil }, names...)
	load := deps.LoadInventory
	var read []weak.Pointer[inventory.Inventory]
	kept := 0
	deps.LoadInventory = func(ctx context.Context, o SourceOptions) (*inventory.Inventory, error) {
		runtime.GC()
		for _, earlier := range read[:max(0, len(read)-1)] { // the last one may still be on a stack
			if earlier.Value() != nil {
				kept++
			}
		}
		inv, err := load(ctx, o)
		read = append(read, weak.Make(inv))
		return inv, err
	}
	code, _, errOut := run(t, deps, "plan", "--kubeconfig", config, "--all-contexts", "--parallel=1")
	if code != exitDone || len(read) != len(names) || kept > 0 {
		t.Errorf("exit code %d, %d clusters, of which earlier ones were in memory %d times\n%s", code, len(read), kept, errOut)
	}
}

// TestProgressNamesContexts has two clusters say what they are at on one progress line.
func TestProgressNamesContexts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	line := &progressLine{out: &out}
	shared := &fleetProgress{line: line, all: 7}
	streams := Streams{ErrOut: &out}
	for _, name := range []string{"prod-eu", "prod-us"} {
		m := &fleetMember{name: name, fleet: shared}
		streams.member = m
		p := streams.startProgress("reading what is there")
		p.update("listing pods")
		p.printAbove("warning: something")
		p.close()
		m.end()
	}
	if want := "1 of 7 clusters done; prod-us: listing pods"; line.text != want || line.over {
		t.Errorf("the line says %q, want %q", line.text, want)
	}
	if want := "prod-eu: warning: something\nprod-us: warning: something\n"; out.String() != want {
		t.Errorf("above the line is %q, want %q", out.String(), want)
	}
}
