package migrate

import (
	compare "cmp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

const (
	privileged = api.LevelPrivileged
	baseline   = api.LevelBaseline
	restricted = api.LevelRestricted
)

// told is what a reader sees of a decision.
type told struct {
	Permitted, Needed api.Level
	Decided           *EnforceDecision
	Enforce           string
	Action            Action
	Reasons, Cautions []string
}

func tell(ns Namespace) told {
	return told{ns.PermittedLevel, ns.NeededLevel, ns.DecidedBy, ns.RecommendedLabels.Enforce, ns.Action, message.Texts(ns.Reasons), message.Texts(ns.Cautions)}
}

func ref(kind, name string) *WorkloadRef { return &WorkloadRef{Kind: kind, Name: name} }

// What decides for a namespace in which something runs: the basis.
func TestBasis(t *testing.T) {
	t.Parallel()
	lax := []object{namespace("a"), deployment("a/web", plain())}
	good := []object{namespace("a"), deployment("a/web", hardened())}
	permits := func(name, spec string) []object {
		return []object{policy(t, name, spec), grant(name, "a", everyAccountOf("a"))}
	}
	const (
		laxNeeds = "what runs here needs baseline: deployment/web does not meet restricted"
		allMeet  = "everything that runs here meets restricted after PSP"
	)
	tests := map[string]struct {
		basis   Basis
		enforce api.Level
		objects [][]object
		want    told
	}{
		"workloads, the default": {
			objects: [][]object{lax, permits("open", anythingGoes)},
			want: told{
				Permitted: privileged, Needed: baseline, Enforce: "baseline", Action: ActionAdd,
				Decided: &EnforceDecision{Basis: BasisWorkloads, Workload: ref("Deployment", "web")},
				Reasons: []string{laxNeeds, "needed (baseline) is stricter than what the policies permit (privileged, by open)"},
			},
		},
		"workloads that all meet restricted: none of them decides": {
			basis: BasisWorkloads, objects: [][]object{good},
			want: told{Needed: restricted, Enforce: "restricted", Action: ActionAdd, Decided: &EnforceDecision{Basis: BasisWorkloads}, Reasons: []string{allMeet}},
		},
		"policies, looser": {
			basis: BasisPolicies, objects: [][]object{lax, permits("open", anythingGoes)},
			want: told{
				Permitted: privileged, Needed: baseline, Enforce: "privileged", Action: ActionAdd,
				Decided: &EnforceDecision{Basis: BasisPolicies, Policy: "open"},
				Reasons: []string{laxNeeds, "needed (baseline) is stricter than what the policies permit (privileged, by open)"},
			},
		},
		"policies, stricter: they break what runs": {
			basis: BasisPolicies, objects: [][]object{lax, permits("tight", restrictedLike)},
			want: told{
				Permitted: restricted, Needed: baseline, Enforce: "restricted", Action: ActionAdd,
				Decided:  &EnforceDecision{Basis: BasisPolicies, Policy: "tight"},
				Reasons:  []string{laxNeeds, writeDown, "needed (baseline) is looser than what the policies permit (restricted, by tight)"},
				Cautions: []string{"enforce=restricted would refuse 1 workload of 1: what runs here needs baseline"},
			},
		},
		"policies, the loosest of several, the first by name": {
			basis: BasisPolicies, objects: [][]object{good, permits("b1", baselineLike), permits("a-tight", restrictedLike), permits("b0", baselineLike)},
			want: told{
				Permitted: baseline, Needed: restricted, Enforce: "baseline", Action: ActionAdd,
				Decided: &EnforceDecision{Basis: BasisPolicies, Policy: "b0"},
				Reasons: []string{allMeet, "needed (restricted) is stricter than what the policies permit (baseline, by b0)"},
			},
		},
		"policies, none: what runs decides": {
			basis: BasisPolicies, objects: [][]object{lax},
			want: told{
				Needed: baseline, Enforce: "baseline", Action: ActionAdd,
				Decided: &EnforceDecision{Basis: BasisWorkloads, Workload: ref("Deployment", "web")},
				Reasons: []string{laxNeeds, "no policy is meant for this namespace: what runs here decides"},
			},
		},
		"policies, only one that admits nothing": {
			basis: BasisPolicies, objects: [][]object{good, permits("never", admitsNothing)},
			want: told{
				Needed: restricted, Enforce: "restricted", Action: ActionAdd, Decided: &EnforceDecision{Basis: BasisWorkloads},
				Reasons:  []string{allMeet, "no policy is meant for this namespace: what runs here decides"},
				Cautions: []string{refusedToday},
			},
		},
		"policies, none, but a level is asked for": {
			basis: BasisPolicies, enforce: baseline, objects: [][]object{lax},
			want: told{Needed: baseline, Enforce: "baseline", Action: ActionAdd, Decided: &EnforceDecision{Basis: BasisOverride}, Reasons: []string{laxNeeds}},
		},
		"workloads, no policy": {
			objects: [][]object{lax},
			want: told{
				Needed: baseline, Enforce: "baseline", Action: ActionAdd, Reasons: []string{laxNeeds},
				Decided: &EnforceDecision{Basis: BasisWorkloads, Workload: ref("Deployment", "web")},
			},
		},
		"both, policies looser": {
			basis: BasisBoth, objects: [][]object{good, permits("base", baselineLike)},
			want: told{
				Permitted: baseline, Needed: restricted, Enforce: "baseline", Action: ActionAdd,
				Decided:  &EnforceDecision{Basis: BasisPolicies, Policy: "base"},
				Reasons:  []string{allMeet, "needed (restricted) is stricter than what the policies permit (baseline, by base)"},
				Cautions: []string{refusedToday}, // it sets a seccomp profile, which that policy does not allow
			},
		},
		"both, workloads looser": {
			basis: BasisBoth, objects: [][]object{lax, permits("tight", restrictedLike)},
			want: told{
				Permitted: restricted, Needed: baseline, Enforce: "baseline", Action: ActionAdd,
				Decided: &EnforceDecision{Basis: BasisWorkloads, Workload: ref("Deployment", "web")},
				Reasons: []string{laxNeeds, writeDown, "needed (baseline) is looser than what the policies permit (restricted, by tight)"},
			},
		},
		"both, equal": {
			basis: BasisBoth, objects: [][]object{lax, permits("base", baselineLike)},
			want: told{
				Permitted: baseline, Needed: baseline, Enforce: "baseline", Action: ActionAdd,
				Decided: &EnforceDecision{Basis: BasisBoth, Workload: ref("Deployment", "web"), Policy: "base"},
				Reasons: []string{laxNeeds},
			},
		},
		"both, no policy": {
			basis: BasisBoth, objects: [][]object{good},
			want: told{Needed: restricted, Enforce: "restricted", Action: ActionAdd, Decided: &EnforceDecision{Basis: BasisWorkloads}, Reasons: []string{allMeet}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all []object
			for _, some := range tt.objects {
				all = append(all, some...)
			}
			p := build(t, cluster("v1.24.1"), Options{Basis: tt.basis, Enforce: tt.enforce}, all...)
			if want := compare.Or(tt.basis, BasisWorkloads); p.Basis != want {
				t.Errorf("the plan says basis %q, want %q", p.Basis, want)
			}
			if diff := cmp.Diff(tt.want, tell(only(t, p, "a")), cmpopts.EquateEmpty(), messageText()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The levels that a user asks for, and what is said of what they break.
func TestOverrides(t *testing.T) {
	t.Parallel()
	host := deployment("a/agent", hostNetworked())
	lax, good := deployment("a/web", plain()), deployment("a/good", hardened())
	asked := &EnforceDecision{Basis: BasisOverride}
	tests := map[string]struct {
		opts        Options
		objects     []object
		recommended PodSecurityLabels
		decided     *EnforceDecision
		action      Action
		cautions    []string
	}{
		"enforce too strict for some": {
			opts: Options{Enforce: restricted}, objects: []object{namespace("a"), host, lax, good},
			recommended: pinned(restricted, restricted, "v1.25"), decided: asked, action: ActionAdd,
			cautions: []string{"enforce=restricted would refuse 2 workloads of 3: what runs here needs privileged"},
		},
		"enforce too strict for one": {
			opts: Options{Enforce: baseline}, objects: []object{namespace("a"), host, lax, good},
			recommended: pinned(baseline, restricted, "v1.25"), decided: asked, action: ActionAdd,
			cautions: []string{"enforce=baseline would refuse 1 workload of 3: what runs here needs privileged"},
		},
		"enforce looser than needed breaks nothing": {
			opts: Options{Enforce: privileged}, objects: []object{namespace("a"), good},
			recommended: pinned(privileged, restricted, "v1.25"), decided: asked, action: ActionAdd,
		},
		"enforce looser than today, though nothing asks for it": {
			opts: Options{Enforce: baseline}, objects: []object{namespace("a", "enforce=restricted"), good},
			recommended: pinned(baseline, restricted, "v1.25"), decided: asked, action: ActionLoosen,
			cautions: []string{"today's enforce=restricted is stricter than baseline, and nothing that runs here asks for less: loosen it only on purpose"},
		},
		"enforce looser than today and too strict still": {
			opts: Options{Enforce: baseline}, objects: []object{namespace("a", "enforce=restricted"), host},
			recommended: pinned(baseline, restricted, "v1.25"), decided: asked, action: ActionLoosen,
			cautions: []string{
				"today's enforce=restricted is stricter than baseline: what runs here would not be admitted again; loosen it only on purpose, or mend the workloads first",
				"enforce=baseline would refuse 1 workload of 1: what runs here needs privileged",
			},
		},
		"enforce for an empty namespace": {
			opts: Options{Enforce: baseline}, objects: []object{namespace("a"), deployment("b/web", plain())},
			recommended: pinned(baseline, restricted, "v1.25"), decided: asked, action: ActionAdd,
		},
		"enforce does not reach what is left alone": {
			opts: Options{Enforce: baseline, EmptyNamespaces: EmptySkip}, objects: []object{namespace("a")},
			action: ActionSkip,
		},
		"enforce does not reach past a gap": {
			opts: Options{Enforce: baseline}, objects: []object{namespace("a"), good, gap("pods", "a")},
			recommended: pinned("", restricted, "v1.25"), decided: asked, action: ActionWithheld,
			cautions: []string{"not everything could be read (see gaps): the needed level is an upper bound, and no enforce is recommended"},
		},
		"warn and audit refuse nothing": {
			opts: Options{Warn: baseline, Audit: privileged}, objects: []object{namespace("a"), lax},
			recommended: PodSecurityLabels{"baseline", "v1.25", "privileged", "v1.25", "baseline", "v1.25"},
			decided:     &EnforceDecision{Basis: BasisWorkloads, Workload: ref("Deployment", "web")}, action: ActionAdd,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := only(t, build(t, cluster("v1.24.1"), tt.opts, tt.objects...), "a")
			type result struct {
				Recommended PodSecurityLabels
				Decided     *EnforceDecision
				Action      Action
				Cautions    []string
			}
			want := result{tt.recommended, tt.decided, tt.action, tt.cautions}
			if diff := cmp.Diff(want, result{ns.RecommendedLabels, ns.DecidedBy, ns.Action, message.Texts(ns.Cautions)}, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Labels that are already there, in what is recommended beside them.
func TestPresentLabels(t *testing.T) {
	t.Parallel()
	six := []string{"enforce=baseline", "enforce-version=v1.25", "audit=restricted", "audit-version=v1.25", "warn=restricted", "warn-version=v1.25"}
	tests := map[string]struct {
		objects  []object
		action   Action
		cautions []string
	}{
		"unchanged":      {[]object{namespace("a", six...), deployment("a/web", plain())}, ActionUnchanged, nil},
		"some to add":    {[]object{namespace("a", six[:2]...), deployment("a/web", plain())}, ActionAdd, nil},
		"one to tighten": {[]object{namespace("a", six...), deployment("a/web", hardened())}, ActionChange, nil},
		"stricter than what runs": {
			[]object{namespace("a", six...), deployment("a/web", hostNetworked())},
			ActionLoosen,
			[]string{"today's enforce=baseline is stricter than privileged: what runs here would not be admitted again; loosen it only on purpose, or mend the workloads first"},
		},
		"stricter than the policies, and nothing runs": {
			[]object{namespace("a", six...), policy(t, "open", anythingGoes), grant("open", "a", everyAccountOf("a"))},
			ActionLoosen,
			[]string{"today's enforce=baseline is stricter than privileged, and nothing that runs here asks for less: loosen it only on purpose"},
		},
		"not read": {
			[]object{deployment("a/web", plain())},
			ActionAdd,
			[]string{"the Namespace object was not read: its present labels are not known"},
		},
		"misspelt": {
			[]object{namespace("a", inventory.PodSecurityLabelPrefix+"enforced=x"), deployment("a/web", plain())},
			ActionAdd,
			[]string{`the label "pod-security.kubernetes.io/enforced" is unknown under this prefix and the server ignores it; pod-security.kubernetes.io/enforce is meant`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := only(t, build(t, cluster("v1.24.1"), Options{}, tt.objects...), "a")
			if ns.Action != tt.action {
				t.Errorf("action = %q, want %q", ns.Action, tt.action)
			}
			if diff := cmp.Diff(tt.cautions, message.Texts(ns.Cautions), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("cautions (-want +got):\n%s", diff)
			}
		})
	}
}

// Who else writes the namespace's labels, and which namespaces are a platform's.
func TestOwnerAndSystemReachThePlan(t *testing.T) {
	t.Parallel()
	owned := func(b *inventory.Builder) {
		b.AddNamespace(inventory.Namespace{Name: "a", Annotations: map[string]string{"argocd.argoproj.io/tracking-id": "x"}})
	}
	p := build(t, cluster("v1.24.1"), Options{}, owned, namespace("kube-system", "team=x"), namespace("calico-system"), namespace("kubeflow"), namespace("openshift-dns"))
	type row struct {
		Name, Owner string
		System      bool
		Labels      map[string]string
	}
	want := []row{
		{Name: "a", Owner: "Argo CD"},
		{Name: "calico-system", System: true},
		{Name: "kube-system", System: true, Labels: map[string]string{"team": "x"}},
		{Name: "kubeflow"},
		{Name: "openshift-dns", System: true},
	}
	var got []row
	for _, ns := range p.Namespaces {
		r := row{Name: ns.Name, Owner: ns.LabelOwner, System: ns.System}
		if len(ns.Labels) > 0 {
			r.Labels = ns.Labels
		}
		got = append(got, r)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNothingToJudge(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		objects []object
		want    bool
	}{
		"nothing":          {nil, true},
		"only gaps":        {[]object{gap("pods", "*")}, true},
		"only accounts":    {[]object{func(b *inventory.Builder) { b.AddServiceAccount(inventory.ServiceAccount{Namespace: "a", Name: "x"}) }}, true},
		"only a namespace": {[]object{namespace("a")}, false},
		"only a policy":    {[]object{policy(t, "p", baselineLike)}, false},
	} {
		if got := build(t, fromFiles(), Options{}, tt.objects...).NothingRead(); got != tt.want {
			t.Errorf("%s: NothingToJudge = %v, want %v", name, got, tt.want)
		}
	}
}

// Which version of the standards is applied, and the cautions that come with it.
func TestTargetVersion(t *testing.T) {
	t.Parallel()
	newest := pss.NewestVersion().String()
	const beyond = "v1.99"
	latestCaution := "the target version is latest: the labels will follow every upgrade of the server, while this plan knows the standards up to " + newest
	targetBeyond := "the target version " + beyond + " is newer than the standards known here (" + newest + "): the checks of " + newest + " were applied"
	serverBeyond := "the server is " + beyond + " and the newest standards known here are " + newest + ": a check that is newer was not applied"
	tests := map[string]struct {
		source   inventory.Source
		target   api.Version
		want     string
		cautions []string
	}{
		"files":                   {source: fromFiles(), want: "v1.25"},
		"an older server":         {source: cluster("v1.21.3-gke.1"), want: "v1.25"},
		"a newer server":          {source: cluster("v1.30.0"), want: "v1.30"},
		"a server of no version":  {source: cluster("dev"), want: "v1.25"},
		"as asked, files":         {source: fromFiles(), target: api.MajorMinorVersion(1, 24), want: "v1.24"},
		"as asked, a newer one":   {source: cluster("v1.30.0"), target: api.MajorMinorVersion(1, 25), want: "v1.25"},
		"latest":                  {source: fromFiles(), target: api.LatestVersion(), want: "latest", cautions: []string{latestCaution}},
		"newest":                  {source: fromFiles(), target: pss.NewestVersion(), want: newest},
		"a server beyond":         {source: cluster(beyond + ".0"), want: beyond, cautions: []string{targetBeyond, serverBeyond}},
		"a server beyond, pinned": {source: cluster(beyond + ".0"), target: api.MajorMinorVersion(1, 30), want: "v1.30", cautions: []string{serverBeyond}},
		"a server beyond, latest": {source: cluster(beyond + ".0"), target: api.LatestVersion(), want: "latest", cautions: []string{latestCaution, serverBeyond}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := build(t, tt.source, Options{Target: tt.target}, namespace("a"), deployment("a/web", plain()))
			if p.TargetVersion != tt.want {
				t.Errorf("target version = %q, want %q", p.TargetVersion, tt.want)
			}
			if diff := cmp.Diff(tt.cautions, message.Texts(p.Cautions), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("cautions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(pinned(baseline, restricted, tt.want), only(t, p, "a").RecommendedLabels, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("recommended (-want +got):\n%s", diff)
			}
		})
	}
}
