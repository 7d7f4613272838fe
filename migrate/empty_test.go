package migrate

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// A namespace in which nothing runs: every choice, with files and with a cluster, for a system namespace and another.
func TestEmptyNamespaces(t *testing.T) {
	t.Parallel()
	const (
		notShown = "nothing that runs here is among the files, and they do not show that the namespace is empty: read its pods too, or say --empty-namespaces=policies"
		letIn    = "nothing runs here yet, and until now policy open let everything in (everybody may use it everywhere): what is deployed next has to meet restricted"
		safe     = "nothing runs here: restricted keeps it so that what comes is safe"
	)
	byPolicy := &EnforceDecision{Basis: BasisEmpty, Policy: "base"}
	byRule := &EnforceDecision{Basis: BasisEmpty}
	fromPolicy := told{Permitted: baseline, Decided: byPolicy, Enforce: "baseline", Action: ActionAdd, Reasons: []string{"nothing runs here; policy base permits baseline"}}
	byDefault := told{Decided: byRule, Enforce: "restricted", Action: ActionAdd, Reasons: []string{safe}}
	busy, barePod := deployment("busy/web", plain()), running("busy/pod", "", plain())
	base := []object{policy(t, "base", baselineLike), grant("base", "a", everyAccountOf("a")), grant("base", "kube-public", everyAccountOf("kube-public"))}
	open := []object{policy(t, "open", anythingGoes), grant("open", "", everybody())}
	tests := []struct {
		name      string
		empty     EmptyNamespaces
		source    inventory.Source
		namespace string
		objects   []object
		want      told
	}{
		{"auto, cluster, a policy", EmptyAuto, cluster("v1.24.1"), "a", base, fromPolicy},
		{"auto, cluster, no policy", EmptyAuto, cluster("v1.24.1"), "a", nil, byDefault},
		{
			"auto, cluster, everything was let in", EmptyAuto, cluster("v1.24.1"), "a", open,
			told{Decided: byRule, Enforce: "restricted", Action: ActionAdd, Reasons: []string{safe}, Cautions: []string{letIn}},
		},
		{"auto, cluster, a system namespace", EmptyAuto, cluster("v1.24.1"), "kube-public", base, fromPolicy},
		{"auto, files with pods, a policy", EmptyAuto, fromFiles(), "a", append(slices.Clone(base), barePod), fromPolicy},
		{"auto, files with pods, no policy", EmptyAuto, fromFiles(), "a", []object{barePod}, byDefault},
		{"auto, files with workloads but no pod", EmptyAuto, fromFiles(), "a", append(slices.Clone(base), busy), told{Permitted: baseline, Action: ActionSkip, Cautions: []string{notShown}}},
		{
			"auto, files with workloads, a system namespace", EmptyAuto, fromFiles(), "kube-public", append(slices.Clone(base), barePod),
			told{Permitted: baseline, Action: ActionSkip, Cautions: []string{notShown}},
		},
		{"auto, files without workloads", EmptyAuto, fromFiles(), "a", base, told{Permitted: baseline, Action: ActionSkip, Cautions: []string{notShown}}},
		{"auto, files and a cluster", EmptyAuto, inventory.Source{Kind: inventory.SourceFilesAndCluster}, "a", base, fromPolicy},
		{"policies, files without workloads", EmptyPolicies, fromFiles(), "a", base, fromPolicy},
		{"policies, a system namespace of files", EmptyPolicies, fromFiles(), "kube-public", base, fromPolicy},
		{"policies, none", EmptyPolicies, fromFiles(), "a", nil, byDefault},
		{
			"policies, everything was let in", EmptyPolicies, fromFiles(), "a", open,
			told{Decided: byRule, Enforce: "restricted", Action: ActionAdd, Reasons: []string{safe}, Cautions: []string{letIn}},
		},
		{
			"policies, a provider let only restricted in", EmptyPolicies, fromFiles(), "a",
			[]object{policy(t, "global-restricted-psp", restrictedLike), grant("global-restricted-psp", "", everybody())},
			byDefault,
		},
		{
			"restricted, whatever the policy", EmptyRestricted, fromFiles(), "a", base,
			told{Permitted: baseline, Decided: byRule, Enforce: "restricted", Action: ActionAdd, Reasons: []string{safe}},
		},
		{
			"baseline", EmptyBaseline, fromFiles(), "a", nil,
			told{Decided: byRule, Enforce: "baseline", Action: ActionAdd, Reasons: []string{"nothing runs here: baseline keeps it so that what comes is safe"}},
		},
		{
			"skip", EmptySkip, cluster("v1.24.1"), "a", base,
			told{Permitted: baseline, Action: ActionSkip, Reasons: []string{"nothing runs here, and empty namespaces are left alone as asked"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			objects := append([]object{namespace(tt.namespace)}, tt.objects...)
			ns := only(t, build(t, tt.source, Options{EmptyNamespaces: tt.empty}, objects...), tt.namespace)
			if diff := cmp.Diff(tt.want, tell(ns), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if ns.Action == ActionSkip && ns.RecommendedLabels != (PodSecurityLabels{}) {
				t.Errorf("what is left alone gets labels: %+v", ns.RecommendedLabels)
			}
			if len(ns.LevelByVersion) > 0 || len(ns.Blockers) > 0 {
				t.Errorf("an empty namespace has versions %v and blockers %v", ns.LevelByVersion, ns.Blockers)
			}
		})
	}
}

// None of the choices touches a namespace in which something runs.
func TestEmptyNamespacesLeaveTheOthers(t *testing.T) {
	t.Parallel()
	for _, empty := range []EmptyNamespaces{EmptyAuto, EmptyPolicies, EmptyRestricted, EmptyBaseline, EmptySkip} {
		ns := only(t, build(t, fromFiles(), Options{EmptyNamespaces: empty}, running("kube-system/p", "", plain())), "kube-system")
		want := &EnforceDecision{Basis: BasisWorkloads, Workload: ref("Pod", "p")}
		if diff := cmp.Diff(want, ns.DecidedBy, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", empty, diff)
		}
	}
}

// What could not be read touches one namespace, all, or none that there is.
func TestGaps(t *testing.T) {
	t.Parallel()
	const (
		upper     = "not everything could be read (see gaps): the needed level is an upper bound"
		mayRun    = "not everything could be read (see gaps): something may run here after all"
		noEnforce = ", and no enforce is recommended"

		permitsRuns    = "not everything could be read (see gaps): more or less may be permitted here than is shown; the level rests on what runs"
		permitsDecides = "not everything could be read (see gaps): more or less may be permitted here than is shown, and that decides"

		meets = "everything that runs here meets restricted after PSP"
	)
	byWorkloads := &EnforceDecision{Basis: BasisWorkloads}
	runs := []object{namespace("a"), deployment("a/web", hardened()), deployment("b/web", hardened())}
	permits := []object{namespace("a"), policy(t, "base", baselineLike), grant("base", "a", everyAccountOf("a"))}
	tests := []struct {
		name    string
		opts    Options
		objects []object
		want    told
		affects [][]string
	}{
		{
			"its own",
			Options{},
			append(slices.Clone(runs), gap("Deployment x", "a")),
			told{Needed: restricted, Decided: byWorkloads, Action: ActionWithheld, Reasons: []string{meets}, Cautions: []string{upper + noEnforce}},
			[][]string{{"a"}},
		},
		{
			"all",
			Options{},
			append(slices.Clone(runs), gap("pods", inventory.AllNamespaces)),
			told{Needed: restricted, Decided: byWorkloads, Action: ActionWithheld, Reasons: []string{meets}, Cautions: []string{upper + noEnforce}},
			[][]string{{"*"}},
		},
		{
			"partial will do",
			Options{AllowPartial: true},
			append(slices.Clone(runs), gap("pods", inventory.AllNamespaces)),
			told{Needed: restricted, Decided: byWorkloads, Enforce: "restricted", Action: ActionAdd, Reasons: []string{meets}, Cautions: []string{upper}},
			[][]string{{"*"}},
		},
		{
			"another's",
			Options{},
			append(slices.Clone(runs), gap("Deployment x", "b")),
			told{Needed: restricted, Decided: byWorkloads, Enforce: "restricted", Action: ActionAdd, Reasons: []string{meets}},
			[][]string{{"b"}},
		},
		{
			"nobody's",
			Options{},
			append(slices.Clone(runs), gap("Namespace X")),
			told{Needed: restricted, Decided: byWorkloads, Enforce: "restricted", Action: ActionAdd, Reasons: []string{meets}},
			[][]string{{}},
		},
		{
			"its grants, where what runs decides",
			Options{},
			append(slices.Clone(runs), missing(inventory.PartGrants, "a")),
			told{Needed: restricted, Decided: byWorkloads, Enforce: "restricted", Action: ActionAdd, Reasons: []string{meets}, Cautions: []string{permitsRuns}},
			[][]string{{"a"}},
		},
		{
			"policies, where they decide too",
			Options{Basis: BasisBoth},
			append(slices.Clone(runs), missing(inventory.PartPolicies, inventory.AllNamespaces)),
			told{Needed: restricted, Decided: byWorkloads, Action: ActionWithheld, Reasons: []string{meets}, Cautions: []string{permitsDecides + noEnforce}},
			[][]string{{"*"}},
		},
		{
			"its grants, where nothing runs",
			Options{},
			append(slices.Clone(permits), missing(inventory.PartGrants, "a")),
			told{Permitted: baseline, Action: ActionWithheld, Reasons: []string{"nothing runs here"}, Cautions: []string{permitsDecides + noEnforce}},
			[][]string{{"a"}},
		},
		{
			"its grants, where nothing runs and partial will do",
			Options{AllowPartial: true},
			append(slices.Clone(permits), missing(inventory.PartGrants, "a")),
			told{
				Permitted: baseline, Decided: &EnforceDecision{Basis: BasisEmpty, Policy: "base"}, Enforce: "baseline", Action: ActionAdd,
				Reasons: []string{"nothing runs here; policy base permits baseline"}, Cautions: []string{permitsDecides},
			},
			[][]string{{"a"}},
		},
		{
			"what runs, where privileged is needed anyway",
			Options{},
			[]object{namespace("a"), deployment("a/web", hostNetworked()), missing(inventory.PartWorkloads, "a")},
			told{
				Needed: privileged, Decided: &EnforceDecision{Basis: BasisWorkloads, Workload: ref("Deployment", "web")}, Enforce: "privileged", Action: ActionAdd,
				Reasons:  []string{"what runs here needs privileged: deployment/web does not meet baseline"},
				Cautions: []string{"not everything could be read (see gaps): more may run here than is shown"},
			},
			[][]string{{"a"}},
		},
		{
			"its labels",
			Options{},
			[]object{deployment("a/web", hardened()), missing(inventory.PartLabels, "a")},
			told{
				Needed: restricted, Decided: byWorkloads, Enforce: "restricted", Action: ActionAdd, Reasons: []string{meets},
				Cautions: []string{"its Pod Security labels are not known (see gaps): the level may be looser than today's"},
			},
			[][]string{{"a"}},
		},
		{
			"nothing runs, by policy",
			Options{},
			append(slices.Clone(permits), gap("pods", "a")),
			told{
				Permitted: baseline, Action: ActionWithheld,
				Reasons: []string{"nothing that was read runs here"}, Cautions: []string{mayRun + noEnforce},
			},
			[][]string{{"a"}},
		},
		{
			"nothing runs, as asked whatever the policy",
			Options{EmptyNamespaces: EmptyRestricted, Warn: baseline},
			append(slices.Clone(permits), gap("pods", "a")),
			told{
				Permitted: baseline, Action: ActionWithheld,
				Reasons: []string{"nothing that was read runs here"}, Cautions: []string{mayRun + noEnforce},
			},
			[][]string{{"a"}},
		},
		{
			"nothing runs, and partial will not do",
			Options{AllowPartial: true},
			[]object{namespace("a"), gap("pods", "a")},
			told{Action: ActionWithheld, Reasons: []string{"nothing that was read runs here"}, Cautions: []string{mayRun}},
			[][]string{{"a"}},
		},
		{
			"nothing runs, a level is asked for",
			Options{AllowPartial: true, Enforce: baseline},
			[]object{namespace("a"), gap("pods", "a")},
			told{
				Decided: &EnforceDecision{Basis: BasisOverride}, Enforce: "baseline", Action: ActionAdd,
				Reasons: []string{"nothing that was read runs here; the level is the one asked for"}, Cautions: []string{mayRun},
			},
			[][]string{{"a"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := build(t, cluster("v1.24.1"), tt.opts, tt.objects...)
			ns := only(t, p, "a")
			if diff := cmp.Diff(tt.want, tell(ns), cmpopts.EquateEmpty(), messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tt.want.Action == ActionWithheld {
				want := pinned("", restricted, "v1.25")
				if tt.opts.Warn != "" {
					want.Warn = string(tt.opts.Warn)
				}
				if diff := cmp.Diff(want, ns.RecommendedLabels, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("warn and audit are recommended all the same (-want +got):\n%s", diff)
				}
			}
			var affects [][]string
			for _, g := range p.Gaps {
				affects = append(affects, g.Affects)
			}
			if diff := cmp.Diff(tt.affects, affects, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("affects (-want +got):\n%s", diff)
			}
		})
	}
}
