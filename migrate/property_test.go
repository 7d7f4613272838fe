package migrate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// rounds of every property; the seeds are fixed, so a failure can be had again.
const rounds = 100

// tries returns how many of n random trials a test makes: all of them, and with -short, which is for the race detector, every seventh.
// What a trial says of the others is for the whole run.
func tries(n int) int {
	if testing.Short() {
		return n / 7
	}
	return n
}

// random makes small inputs in which everything meets everything: few names, many kinds.
type random struct {
	*rand.Rand
	t *testing.T
}

func newRandom(t *testing.T, seed int) *random {
	return &random{rand.New(rand.NewPCG(uint64(seed), 7)), t}
}

func pick[T any](r *random, from ...T) T { return from[r.IntN(len(from))] }

func (r *random) home() string { return pick(r, "a", "b", "kube-system") }

func (r *random) pod() corev1.PodSpec {
	extra := pick(r, probed, tuned, userNamespaced, func(*corev1.PodSpec) {})
	spec := pick(r, plain(), hardened(), hardened(extra), hostNetworked(), windows())
	return as(pick(r, "", "web", "runner"), spec)
}

func (r *random) workload() object {
	id := fmt.Sprintf("%s/w%d", r.home(), r.IntN(5))
	if r.IntN(3) == 0 {
		return running(id, pick(r, "", "tight", "base", "gone"), r.pod())
	}
	return template(pick(r, "Deployment", "DaemonSet", "CronJob"), id, r.pod())
}

func (r *random) subject() rbacv1.Subject {
	return pick(r, everybody(), everyAccountOf(r.home()), account(r.home()+"/runner"), account(r.home()+"/default"),
		group("ops"), account("kube-system/replicaset-controller"))
}

func (r *random) namespace() object {
	return namespace(r.home(), pick(r,
		nil, []string{"enforce=baseline"}, []string{"enforce=restricted", "enforce-version=v1.25"}, []string{"enforce=wrong", "team=x"},
		[]string{"enforce=privileged", "audit=", "warn-version=1.25"})...)
}

// objects are one input. The same object twice, or two of one name that differ, is wanted too.
func (r *random) objects() []object { return append(r.policies(false), r.otherObjects()...) }

// policies are those of one input, perhaps some with a spec that is not what their name says, and some left out.
func (r *random) policies(changed bool) []object {
	var out []object
	for name, spec := range map[string]string{"open": anythingGoes, "base": baselineLike, "tight": restrictedLike, "never": admitsNothing, "eks.privileged": anythingGoes} {
		if changed && r.IntN(6) == 0 {
			continue
		}
		if changed && r.IntN(3) == 0 {
			spec = pick(r, anythingGoes, baselineLike, restrictedLike, admitsNothing)
		}
		out = append(out, policy(r.t, name, spec))
	}
	return out
}

// otherObjects are the objects of one input that are no policies.
func (r *random) otherObjects() []object {
	var out []object
	for range r.IntN(6) {
		out = append(out, grant(pick(r, "open", "base", "tight", "never", "eks.privileged", ""), pick(r, "", "a", "b"), r.subject()))
	}
	for range r.IntN(2) {
		out = append(out, podCreator(pick(r, "", "a"), account("a/runner")))
	}
	for range r.IntN(4) {
		out = append(out, r.namespace())
	}
	for range r.IntN(6) {
		out = append(out, r.workload())
	}
	if r.IntN(4) == 0 {
		out = append(out, gap("pods", pick(r, "a", "b", inventory.AllNamespaces)))
	}
	if r.IntN(4) == 0 {
		out = append(out, missing(pick(r, inventory.PartGrants, inventory.PartPolicies, inventory.PartWorkloads, inventory.PartLabels), pick(r, "a", inventory.AllNamespaces)))
	}
	return out
}

func (r *random) source() inventory.Source {
	return pick(r, fromFiles(), cluster("v1.24.1"), cluster("v1.30.2"), cluster("v1.99.0"))
}

func (r *random) options() Options {
	level := func() api.Level { return pick(r, "", "", "", privileged, baseline, restricted) }
	return Options{
		Target:          pick(r, api.Version{}, api.LatestVersion(), api.MajorMinorVersion(1, 24), api.MajorMinorVersion(1, 33), api.MajorMinorVersion(1, 18)),
		Basis:           pick(r, "", BasisWorkloads, BasisPolicies, BasisBoth),
		EmptyNamespaces: pick(r, EmptyAuto, EmptyPolicies, EmptyRestricted, EmptyBaseline, EmptySkip),
		Enforce:         level(), Audit: level(), Warn: level(),
		AllowPartial: r.IntN(2) == 0,
	}
}

func encode(t *testing.T, p *Plan) []byte {
	t.Helper()
	data, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestOrderOfInputNeverMatters(t *testing.T) {
	t.Parallel()
	for seed := range tries(rounds) {
		r := newRandom(t, seed)
		source, opts, objects := r.source(), r.options(), r.objects()
		want := encode(t, build(t, source, opts, objects...))
		r.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
		if diff := cmp.Diff(string(want), string(encode(t, build(t, source, opts, objects...)))); diff != "" {
			t.Fatalf("seed %d: another order, another plan (-want +got):\n%s", seed, diff)
		}
	}
}

func TestEveryPlanRoundTrips(t *testing.T) {
	t.Parallel()
	for seed := range tries(rounds) {
		r := newRandom(t, seed)
		p := build(t, r.source(), r.options(), r.objects()...)
		data := encode(t, p)
		back, err := ReadPlan(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if diff := cmp.Diff(p, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
		if !bytes.Equal(data, encode(t, back)) {
			t.Fatalf("seed %d: the plan is written in other bytes once it was read", seed)
		}
	}
}

// One workload more can only ask for more room.
func TestAddingAWorkloadNeverTightens(t *testing.T) {
	t.Parallel()
	for seed := range tries(rounds) {
		r := newRandom(t, seed)
		source, opts, objects := r.source(), r.options(), r.objects()
		before := build(t, source, opts, objects...)
		after := build(t, source, opts, append(objects, deployment("a/one-more", r.pod()))...)
		for _, ns := range before.Namespaces {
			now := only(t, after, ns.Name)
			if levels.Looser(ns.NeededLevel, now.NeededLevel) || ns.NeededLevel != "" && now.NeededLevel == "" {
				t.Fatalf("seed %d: namespace %s needed %s, and with one workload more %s", seed, ns.Name, ns.NeededLevel, now.NeededLevel)
			}
			for _, v := range pss.VersionsAfterPSP() {
				if was, is := neededAt(&ns, v), neededAt(&now, v); levels.Looser(was, is) {
					t.Fatalf("seed %d: namespace %s needed %s at %s, and with one workload more %s", seed, ns.Name, was, v, is)
				}
			}
		}
	}
}

// neededAt is the needed level at one version of the standards.
func neededAt(ns *Namespace, v api.Version) api.Level {
	for _, l := range ns.LevelByVersion {
		if l.Holds(v) {
			return l.Needed
		}
	}
	return ""
}

// A gap that can change the level withholds enforce, and nothing else: warn, audit and what else is known stay.
func TestAGapWithholdsEnforce(t *testing.T) {
	t.Parallel()
	for seed := range tries(rounds) {
		r := newRandom(t, seed)
		source, opts, objects := r.source(), r.options(), r.objects()
		p := build(t, source, opts, objects...)
		touches := func(g Gap, name string) bool {
			return slices.Contains(g.Affects, name) || slices.Contains(g.Affects, inventory.AllNamespaces)
		}
		for _, ns := range p.Namespaces {
			hidden := func(parts ...string) bool {
				return slices.ContainsFunc(p.Gaps, func(g Gap) bool {
					return touches(g, ns.Name) && (g.Changes == "" || slices.Contains(parts, g.Changes))
				})
			}
			for _, part := range []string{"grants", "labels", "policies", "workloads"} {
				if slices.Contains(ns.UncertainParts, part) != hidden(part) {
					t.Fatalf("seed %d: namespace %s: %q are uncertain, hidden by a gap are %s: %v", seed, ns.Name, ns.UncertainParts, part, hidden(part))
				}
			}
			byPolicies := opts.Basis == BasisPolicies || opts.Basis == BasisBoth && ns.NeededLevel != "" ||
				ns.NeededLevel == "" && (opts.EmptyNamespaces == EmptyAuto || opts.EmptyNamespaces == EmptyPolicies)
			touched := hidden("workloads") || byPolicies && hidden("grants", "policies")
			if ns.NeededLevel == privileged && opts.Basis != BasisPolicies {
				touched = false // nothing is looser
			}
			if ns.Complete == touched {
				t.Fatalf("seed %d: namespace %s: complete is %v, its level can change: %v", seed, ns.Name, ns.Complete, touched)
			}
			rec := ns.RecommendedLabels
			if touched && !opts.AllowPartial && rec.Enforce+rec.EnforceVersion != "" {
				t.Fatalf("seed %d: namespace %s is touched by a gap and gets %+v", seed, ns.Name, rec)
			}
			left := ns.Action == ActionSkip
			if (rec.Warn == "" || rec.WarnVersion == "" || rec.Audit == "" || rec.AuditVersion == "") != left {
				t.Fatalf("seed %d: namespace %s, action %s, gets %+v", seed, ns.Name, ns.Action, rec)
			}
			if withheld := rec.Enforce == "" && !left; withheld != (ns.Action == ActionWithheld) || withheld && (!touched || opts.AllowPartial) {
				t.Fatalf("seed %d: namespace %s, action %s, gets %+v", seed, ns.Name, ns.Action, rec)
			}
		}
	}
}

// No outage: left to itself the tool enforces nothing that a workload would not meet, at any version that will judge it.
func TestEnforceHoldsForEveryWorkload(t *testing.T) {
	t.Parallel()
	for seed := range tries(rounds) {
		r := newRandom(t, seed)
		source, opts, objects := r.source(), r.options(), r.objects()
		opts.Basis, opts.Enforce = BasisWorkloads, ""
		b := inventory.NewBuilder()
		for _, add := range objects {
			add(b)
		}
		inv := b.Build(source)
		p, err := Build(inv, opts)
		if err != nil {
			t.Fatal(err)
		}
		judge, err := simulate.NewSimulator(inv.Policies)
		if err != nil {
			t.Fatal(err)
		}
		at, err := api.ParseVersion(p.TargetVersion)
		if err != nil {
			t.Fatal(err)
		}
		judging := []api.Version{at}
		if server, ok := parseServerMinor(source.ServerVersion); ok && (at.Latest() || server.Older(at)) {
			judging = append(judging, server)
		}
		for i := range inv.Workloads {
			w := &inv.Workloads[i]
			enforce := api.Level(only(t, p, w.Namespace).RecommendedLabels.Enforce)
			for _, v := range judging {
				if day := judge.AfterPSP(w, v).Level; levels.Looser(day, enforce) {
					t.Fatalf("seed %d: enforce=%s for %s/%s, which is %s at %s", seed, enforce, w.Namespace, w.Name, day, v)
				}
			}
		}
	}
}

// What is selected is told as it would be without; only the causes are counted anew.
func TestSelectChangesNothingInANamespace(t *testing.T) {
	t.Parallel()
	for seed := range tries(rounds) {
		r := newRandom(t, seed)
		p := build(t, r.source(), r.options(), r.objects()...)
		before := encode(t, p)
		scope := NamespaceScope{
			Namespaces: pick(r, nil, []string{"a"}, []string{"b", "kube-system"}, []string{"nowhere"}),
			Exclude:    pick(r, nil, []string{"a"}, []string{"b", "nowhere"}),
			Selector:   pick(r, nil, labels.Everything(), labels.SelectorFromSet(labels.Set{"team": "x"})),
		}
		got := p.SelectNamespaces(scope)
		if !bytes.Equal(before, encode(t, p)) {
			t.Fatalf("seed %d: selecting changed the plan selected from", seed)
		}
		var want []Namespace
		for _, ns := range p.Namespaces {
			named := len(scope.Namespaces) == 0 || slices.Contains(scope.Namespaces, ns.Name)
			matches := scope.Selector == nil || scope.Selector.Empty() || ns.Labels["team"] == "x" && !ns.ObjectNotRead
			if named && matches && !slices.Contains(scope.Exclude, ns.Name) {
				want = append(want, ns)
			}
		}
		if diff := cmp.Diff(want, got.Namespaces, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d, scope %+v (-want +got):\n%s", seed, scope, diff)
		}
		if got.Namespaces == nil {
			t.Fatal("an empty selection is null")
		}
		if left := len(p.Namespaces) - len(want); got.NamespacesLeftOut != left {
			t.Fatalf("seed %d, scope %+v: %d namespaces left out, want %d", seed, scope, got.NamespacesLeftOut, left)
		}
		rest := *got
		rest.NamespacesLeftOut = 0
		rest.Namespaces, rest.BlockingViolations = p.Namespaces, p.BlockingViolations
		rest.Evaluations, rest.LostSets = p.Evaluations, p.LostSets
		if diff := cmp.Diff(p, &rest); diff != "" {
			t.Fatalf("seed %d: something else changed (-want +got):\n%s", seed, diff)
		}
		again := *got
		again.IndexShared()
		if diff := cmp.Diff(again, *got); diff != "" {
			t.Fatalf("seed %d: what the selected namespaces refer to (-want +got):\n%s", seed, diff)
		}
		if diff := cmp.Diff(countBlockingViolations(want), got.BlockingViolations); diff != "" {
			t.Fatalf("seed %d: causes (-want +got):\n%s", seed, diff)
		}
	}
}

// A level is one of the three, or absent; "none" only for cover. And what people read are sentences.
func TestLevelsAndSentences(t *testing.T) {
	t.Parallel()
	for seed := range tries(rounds) {
		r := newRandom(t, seed)
		p := build(t, r.source(), r.options(), r.objects()...)
		for i := range p.Namespaces {
			p.Namespaces[i].CurrentLabels = PodSecurityLabels{} // as they stand, wrong ones included
		}
		var tree any
		if err := json.Unmarshal(encode(t, p), &tree); err != nil {
			t.Fatal(err)
		}
		for _, problem := range walk("", "", tree) {
			t.Errorf("seed %d: %s", seed, problem)
		}
	}
}

// walk finds what should not be in a plan, with its path.
func walk(path, key string, tree any) []string {
	var out []string
	switch v := tree.(type) {
	case map[string]any:
		for k, x := range v {
			out = append(out, walk(path+"."+k, k, x)...)
		}
	case []any:
		for i, x := range v {
			out = append(out, walk(fmt.Sprintf("%s[%d]", path, i), key, x)...)
		}
	case nil:
		out = append(out, path+" is null")
	case string:
		switch key {
		case "closest", "safe", "held", "cover", "level", "permitted", "needed", "achievable", "asWritten", "asAdmitted", "dayAfter", "enforce", "audit", "warn":
			if levels.Rank(api.Level(v)) < 0 && (key != "cover" || v != "none") {
				out = append(out, fmt.Sprintf("%s is %q", path, v))
			}
		case "reasons", "cautions":
			if bad := notASentence(v); bad != "" {
				out = append(out, fmt.Sprintf("%s: %s: %q", path, bad, v))
			}
		}
	}
	return out
}

func notASentence(text string) string {
	for _, bad := range []string{"%!", "  ", "()", "( ", " )", "(,", ", ,", "==", " .", "= ", ": :", "; ;"} {
		if strings.Contains(text, bad) {
			return fmt.Sprintf("%q in it", bad)
		}
	}
	switch {
	case len(strings.Fields(text)) < 3:
		return "hardly a sentence"
	case strings.TrimSpace(text) != text || strings.HasSuffix(text, ":") || strings.HasSuffix(text, ",") || strings.HasSuffix(text, "."):
		return "open at its end"
	case strings.ContainsAny(text, "\n\t"):
		return "more than one line"
	}
	return ""
}
