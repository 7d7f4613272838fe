package fleet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/fleet"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/migrate/handover/html"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate"
)

// planOf makes the plan of the files of a scenario, as of a cluster with this name and UID.
func planOf(t testing.TB, input, name, uid string) *migrate.Plan {
	t.Helper()
	b := inventory.NewBuilder()
	b.SameLevels = simulate.SameLevelAfterPSP
	if err := (&files.Reader{Paths: []string{input}, Recursive: true}).Read(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	inv := b.Build(inventory.Source{Kind: inventory.SourceCluster, Name: name, ServerVersion: "v1.24.17"})
	inv.Source.UID = uid
	p, err := migrate.Build(inv, migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// summarise asks the gate about a plan and returns its cluster of a fleet.
func summarise(t testing.TB, p *migrate.Plan) fleet.Cluster {
	t.Helper()
	answer := gate.Evaluate(p, gate.Facts{HelmReleases: gate.HelmReleases{NotInPlan: true}}, gate.Options{To: gate.DefaultRelease(p), Tool: "psp2pss"})
	c, err := fleet.Summarise("unnamed", p, answer)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// scenarios returns the plans of all scenarios of fixtures, each as a cluster of its own.
func scenarios(t testing.TB) []*migrate.Plan {
	t.Helper()
	inputs, err := filepath.Glob("../../fixtures/*/input")
	if err != nil || len(inputs) < 10 {
		t.Fatalf("%q, %v", inputs, err)
	}
	var plans []*migrate.Plan
	for i, input := range inputs {
		plans = append(plans, planOf(t, input, filepath.Base(filepath.Dir(input)), fmt.Sprintf("uid-%d", i)))
	}
	return plans
}

// textOf returns a Fleet as it is written.
func textOf(t testing.TB, f *fleet.Fleet) string {
	t.Helper()
	var b bytes.Buffer
	if err := fleet.Write(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func merge(t testing.TB, fleets ...*fleet.Fleet) *fleet.Fleet {
	t.Helper()
	f, err := fleet.Merge(fleets...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestEverySplitMergesAlike merges ten clusters, of which some could not be read, have one name, or no UID, by every split into two
// parts, in either order and written and read between, and by random trees of merges in which parts may overlap.
func TestEverySplitMergesAlike(t *testing.T) {
	t.Parallel()
	var all []*fleet.Fleet
	for i, p := range scenarios(t)[:8] {
		c := summarise(t, p)
		switch i {
		case 3, 4:
			c.Name = "same"
		case 5, 6:
			c.Name, c.UID = "same", ""
		}
		all = append(all, fleet.Of(c))
	}
	all = append(all, fleet.Of(fleet.Unread("gone", "no answer")), fleet.Of(fleet.Unread("same", "no answer")))
	want := textOf(t, merge(t, all...))
	reread := func(f *fleet.Fleet) *fleet.Fleet {
		read, err := fleet.Read([]byte(textOf(t, f)))
		if err != nil {
			t.Fatal(err)
		}
		return read
	}
	step, trees := 1, 200
	if testing.Short() { // a share of it
		step, trees = 37, 10
	}
	for split := 0; split < 1<<len(all); split += step {
		var parts [2][]*fleet.Fleet
		for i, f := range all {
			parts[split>>i&1] = append(parts[split>>i&1], f)
		}
		first, second := reread(merge(t, parts[0]...)), merge(t, parts[1]...)
		if got := textOf(t, merge(t, second, first)); got != want {
			t.Fatalf("split %b:\n%s", split, cmp.Diff(want, got))
		}
	}
	r := rand.New(rand.NewPCG(23, 1))
	for range trees {
		nodes := slices.Clone(all)
		for range 3 { // parts that overlap
			nodes = append(nodes, nodes[r.IntN(len(nodes))])
		}
		for len(nodes) > 1 {
			r.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
			n := min(len(nodes), 2+r.IntN(3))
			nodes = append(nodes[n:], merge(t, nodes[:n]...))
		}
		if got := textOf(t, nodes[0]); got != want {
			t.Fatalf("a tree of merges:\n%s", cmp.Diff(want, got))
		}
	}
	if n := len(merge(t, all...).Clusters); n != 9 {
		t.Errorf("%d clusters, want 9: the one that could not be read gives way to those of its name that were", n)
	}
}

// TestWriteIsOneDocument compares what is written one cluster after the other with the whole as the library writes it.
func TestWriteIsOneDocument(t *testing.T) {
	t.Parallel()
	c := summarise(t, planOf(t, "../../fixtures/demo/input", "a <b> & \u2028", "1"))
	other := c
	other.Name, other.UID = "b", ""
	for _, clusters := range [][]fleet.Cluster{{}, {c}, {c, other, fleet.Unread("c", "x\n\"y\"")}} {
		f := &fleet.Fleet{APIVersion: migrate.APIVersion, Kind: fleet.Kind, Clusters: clusters}
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		if err := e.Encode(f); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), textOf(t, f)); diff != "" {
			t.Errorf("%d clusters (-want +got):\n%s", len(clusters), diff)
		}
	}
}

// TestClusterReadTwice refuses two readings of one cluster that differ, by name and UID.
func TestClusterReadTwice(t *testing.T) {
	t.Parallel()
	c := summarise(t, planOf(t, "../../fixtures/demo/input", "prod", "1-2-3"))
	admin, later := c, c
	admin.Name, later.Gaps = "prod-admin", 7
	for _, test := range []struct {
		other fleet.Cluster
		want  string
	}{
		{admin, `"prod" and "prod-admin" are one cluster`},
		{later, `the cluster "prod" was read twice, and not alike`},
	} {
		_, err := fleet.Merge(fleet.Of(c), fleet.Of(test.other))
		var twice *fleet.TwiceError
		if !errors.As(err, &twice) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
	_, err := fleet.Merge(fleet.Of(c), fleet.Of(admin), fleet.Of(later))
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("three readings of one cluster: %v, want two lines", err)
	}
	if n := len(merge(t, fleet.Of(c), fleet.Of(c)).Clusters); n != 1 {
		t.Errorf("the same summary twice makes %d clusters", n)
	}
}

// TestSummaryIsThePlans recounts what a cluster of a Fleet says from its Plan.
func TestSummaryIsThePlans(t *testing.T) {
	t.Parallel()
	for _, p := range scenarios(t) {
		c := summarise(t, p)
		if len(c.Namespaces) != len(p.Namespaces) || len(c.Policies) != len(p.Policies) || c.Gaps != len(p.Gaps) {
			t.Errorf("%s: %d namespaces, %d policies, %d gaps; the plan has %d, %d, %d", c.Name, len(c.Namespaces), len(c.Policies), c.Gaps, len(p.Namespaces), len(p.Policies), len(p.Gaps))
		}
		workloads, failing := 0, map[string]bool{}
		for i := range p.Namespaces {
			ns := &p.Namespaces[i]
			workloads += len(ns.Workloads)
			if ns.RecommendedLabels.Enforce != "" && ns.Action != migrate.ActionLoosen && ns.RecommendedLabels.Enforce != c.Namespaces[i].Recommended {
				t.Errorf("%s: %s is recommended for %s, and the plan says %s", c.Name, c.Namespaces[i].Recommended, ns.Name, ns.RecommendedLabels.Enforce)
			}
			if migrate.IsSystemNamespace(ns.Name) {
				continue
			}
			for _, b := range ns.Blockers {
				for _, ref := range b.Workloads {
					failing[ref.Kind+"/"+ref.Name+" "+b.Check] = true
				}
			}
		}
		if c.Workloads != workloads {
			t.Errorf("%s: %d workloads, the plan has %d", c.Name, c.Workloads, workloads)
		}
		got := map[string]bool{}
		for _, f := range c.Fixes {
			for _, check := range f.Checks {
				got[f.Kind+"/"+f.Name+" "+check] = true
			}
		}
		if diff := cmp.Diff(failing, got); diff != "" {
			t.Errorf("%s: fixes (-blockers of the plan +fixes):\n%s", c.Name, diff)
		}
	}
}

// TestPolicyContent tells policies of one name apart by what they do, and by nothing else.
func TestPolicyContent(t *testing.T) {
	t.Parallel()
	content := func(change func(*migrate.Policy)) string {
		p := planOf(t, "../../fixtures/demo/input", "demo", "")
		change(&p.Policies[0])
		return summarise(t, p).Policies[0].Content
	}
	same := content(func(*migrate.Policy) {})
	for name, test := range map[string]struct {
		change func(*migrate.Policy)
		same   bool
	}{
		"described anew": {func(p *migrate.Policy) { p.Annotations = map[string]string{"kubernetes.io/description": "other"} }, len(same) == 0},
		"elsewhere":      {func(p *migrate.Policy) { p.Position.Line += 7 }, true},
		"host network":   {func(p *migrate.Policy) { p.Spec.HostNetwork = !p.Spec.HostNetwork }, false},
		"another profile": {func(p *migrate.Policy) {
			p.Annotations = map[string]string{"seccomp.security.alpha.kubernetes.io/allowedProfileNames": "runtime/x"}
		}, false},
	} {
		if got := content(test.change); (got == same) != test.same {
			t.Errorf("%s: %s, before %s", name, got, same)
		}
	}
}

// TestReportOnFleet recounts the report on a fleet from its clusters, and has every form draw it.
func TestReportOnFleet(t *testing.T) {
	t.Parallel()
	var fleets []*fleet.Fleet
	for _, p := range scenarios(t) {
		fleets = append(fleets, fleet.Of(summarise(t, p)))
	}
	fleets = append(fleets, fleet.Of(fleet.Unread("gone\x1b[31m", "no <b>answer</b>")))
	f := merge(t, fleets...)
	r := fleet.Report(f, fleet.ReportOptions{Command: "psp2pss report --merge plans"})
	var namespaces, today, recommended, statements int
	for _, c := range f.Clusters {
		namespaces += len(c.Namespaces)
		statements += len(c.Unseen)
	}
	for _, l := range r.Summary.Levels {
		today += l.Today
		recommended += l.Recommended
	}
	if r.Summary.Namespaces != namespaces || today != namespaces || recommended != namespaces {
		t.Errorf("%d namespaces, %d at a level today and %d as recommended, want %d", r.Summary.Namespaces, today, recommended, namespaces)
	}
	if r.Summary.Verdict.Status != "not-ready" || !strings.Contains(r.Summary.Verdict.Text, "1 could not be read") {
		t.Errorf("verdict %+v", r.Summary.Verdict)
	}
	tables := map[string]*handover.Table{}
	for _, s := range r.Sections {
		tables[s.ID] = s.Tables[0]
	}
	if got := len(tables["clusters"].Rows); got != len(f.Clusters) {
		t.Errorf("%d rows of clusters, want %d", got, len(f.Clusters))
	}
	if got := len(tables["unseen"].Rows); got != statements+1 {
		t.Errorf("%d rows of what was not seen, want %d", got, statements+1)
	}
	last := 1 << 30
	for _, row := range tables["fixes"].Rows {
		if n := row.Cells[2].Number; n > last || n == 0 || n != len(row.Cells[7].Rows) {
			t.Errorf("fix %q serves %d clusters, after one that serves %d, and names %d", row.Cells[0].Text, n, last, len(row.Cells[7].Rows))
		} else {
			last = n
		}
	}
	inPolicies := 0
	for _, row := range tables["policies"].Rows {
		inPolicies += row.Cells[4].Number
	}
	ofPlans := 0
	for _, c := range f.Clusters {
		ofPlans += len(c.Policies)
	}
	if inPolicies != ofPlans {
		t.Errorf("%d policies in clusters, want %d", inPolicies, ofPlans)
	}
	var page, md, doc bytes.Buffer
	if err := errors.Join(html.Write(&page, r), handover.WriteMarkdown(&md, r), handover.WriteJSON(&doc, r)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "<b>answer</b>") || strings.ContainsRune(page.String()+md.String(), '\x1b') {
		t.Error("what was read is not escaped")
	}
}

// TestNamespacesThatDiffer shows names whose namespaces are not at one level, and no others.
func TestNamespacesThatDiffer(t *testing.T) {
	t.Parallel()
	cluster := func(name string, namespaces ...fleet.Namespace) *fleet.Fleet {
		c := fleet.Unread(name, "")
		c.Namespaces = namespaces
		return fleet.Of(c)
	}
	f := merge(t,
		cluster("a", fleet.Namespace{Name: "alike", Today: "none", Recommended: "baseline", WithPatches: "baseline"}, fleet.Namespace{Name: "other", Today: "none", Recommended: "baseline", WithPatches: "baseline"}, fleet.Namespace{Name: "only-a", Today: "none", Recommended: "baseline", WithPatches: "baseline"}),
		cluster("b", fleet.Namespace{Name: "alike", Today: "none", Recommended: "baseline", WithPatches: "restricted"}, fleet.Namespace{Name: "other", Today: "none", Recommended: "privileged", WithPatches: "baseline"}),
		cluster("c", fleet.Namespace{Name: "alike", Today: "none", Recommended: "baseline", WithPatches: "restricted"}, fleet.Namespace{Name: "other", Today: "none", Recommended: "privileged", WithPatches: "baseline"}),
	)
	r := fleet.Report(f, fleet.ReportOptions{Sections: []string{"namespaces"}})
	var got []string
	for _, row := range r.Sections[0].Tables[0].Rows {
		got = append(got, row.Cells[0].Text+": "+row.Cells[3].Text)
	}
	if diff := cmp.Diff([]string{"other: privileged in 2, baseline in 1"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Of 2 names that more than one cluster has, 1 is not at one level."}, r.Sections[0].Text); diff != "" {
		t.Error(diff)
	}
}

// TestReadRefuses reads documents that are no Fleet.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	good := textOf(t, fleet.Of(summarise(t, planOf(t, "../../fixtures/demo/input", "demo", ""))))
	for name, text := range map[string]string{
		"empty":          "",
		"cut":            good[:len(good)/2],
		"another kind":   strings.Replace(good, `"kind": "Fleet"`, `"kind": "Plan"`, 1),
		"newer":          strings.Replace(good, `psp2pss.dev/v1"`, `psp2pss.dev/v2"`, 1),
		"key twice":      strings.Replace(good, `"kind": "Fleet"`, `"kind": "Fleet", "kind": "Fleet"`, 1),
		"no clusters":    `{"apiVersion":"psp2pss.dev/v1","kind":"Fleet"}`,
		"status":         strings.Replace(good, `"status": "not-ready"`, `"status": "fine"`, 1),
		"negative":       strings.Replace(good, `"gaps": 0`, `"gaps": -1`, 1),
		"no namespaces":  strings.Replace(good, `"namespaces": [`, `"spaces": [`, 1),
		"text in number": strings.Replace(good, `"gaps": 0`, `"gaps": "0"`, 1),
		"level":          strings.Replace(good, `"today": "none"`, `"today": "strict"`, 1),
	} {
		if text == good {
			t.Errorf("%s: nothing is wrong with it", name)
		}
		if f, err := fleet.Read([]byte(text)); err == nil {
			t.Errorf("%s: read as %d clusters", name, len(f.Clusters))
		}
	}
	f, err := fleet.Read([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(good, textOf(t, f)); diff != "" {
		t.Error(diff)
	}
}
