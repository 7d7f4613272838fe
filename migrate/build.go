package migrate

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate"
	"github.com/psp2pss/psp2pss/simulate/psp"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// EmptyNamespaces says what decides for a namespace in which nothing runs.
type EmptyNamespaces string

// The choices. EmptyAuto is policies, unless the input cannot tell an empty namespace from one that was not saved.
const (
	EmptyAuto       EmptyNamespaces = ""
	EmptyPolicies   EmptyNamespaces = "policies"
	EmptyRestricted EmptyNamespaces = "restricted"
	EmptyBaseline   EmptyNamespaces = "baseline"
	EmptySkip       EmptyNamespaces = "skip"
)

// Options of Build. The zero value is a sensible run: workloads decide, at v1.25 or at the server's own newer minor.
type Options struct {
	// Target is the version whose standards apply; the zero value chooses (see DefaultTarget).
	Target api.Version
	// Basis is workloads if empty.
	Basis           Basis
	EmptyNamespaces EmptyNamespaces
	// Enforce, Audit and Warn override the recommended level of a mode; empty leaves the rule.
	Enforce, Audit, Warn api.Level
	// Admission is the API server's admission configuration; nil where it is not known.
	Admission *Admission
	// AllowPartial recommends enforce even where a gap touches the namespace.
	AllowPartial bool
}

// Build joins what the policies mean, who may use them and what runs into a Plan. It fails only where CheckTarget refuses
// the target version, and where the library's own checks cannot be set up; whatever could not be read or judged is a gap
// in the Plan.
func Build(inv *inventory.Inventory, opts Options) (*Plan, error) {
	if err := CheckTarget(opts.Target, inv.Source.ServerVersion); err != nil {
		return nil, err
	}
	b, err := newBuilder(inv, opts)
	if err != nil {
		return nil, err
	}
	plan := &Plan{
		APIVersion:    APIVersion,
		Kind:          Kind,
		TargetVersion: b.target.String(),
		Source:        inv.Source,
		Basis:         cmp.Or(opts.Basis, BasisWorkloads),
		Admission:     opts.Admission,
		Cautions:      b.cautions,
		Skipped:       inv.Skipped,
		FinishedPods:  inv.FinishedPods,
	}
	plan.Gaps = b.gaps()
	plan.Notes = slices.Concat(notes(slices.Concat(inv.Notes, b.injections.notes)), writerNotes(inv.LabelWriters))
	plan.LabelWriters = inv.LabelWriters
	plan.Policies = b.policies()
	plan.Drift = b.drift()
	plan.Administrators = b.administrators()
	plan.UsersOfEveryPolicy = b.usersOfEvery()
	tellAPIServers(plan, inv, opts)
	for _, f := range b.grants.Dangling {
		plan.Dangling = append(plan.Dangling, Finding{What: f.What, Why: f.Why, Unread: b.grants.Unread[f.What]})
	}
	plan.Namespaces = b.namespaces(plan.Gaps)
	for _, text := range []string{b.ownersUnknown(plan.Namespaces), b.sccPods()} {
		if text != "" {
			plan.Cautions = append(plan.Cautions, text)
		}
	}
	plan.Cautions = append(plan.Cautions, b.cautionCreatorsEverywhere(plan.Namespaces)...)
	plan.Causes = causes(plan.Namespaces)
	return plan, nil
}

func newBuilder(inv *inventory.Inventory, opts Options) (*builder, error) {
	judge, err := simulate.NewSimulator(inv.Policies)
	if err != nil {
		return nil, fmt.Errorf("setting up the checks of the standards: %w", err)
	}
	b := &builder{
		inv: inv, opts: opts, judge: judge, grants: access.Resolve(inv), lost: map[lostKey][]Lost{}, raises: map[raiseKey]Raise{},
		named: map[*access.Usable]*usable{}, allowed: map[*access.NamespacePolicy]*permitted{},
	}
	b.changePoints, b.allVersions = pss.VersionsWithChanges(), pss.VersionsAfterPSP()
	b.versions(inv.Source.ServerVersion)
	b.exemptUsers()
	b.cautionTemplates()
	b.indexPolicies()
	switch server, known := serverMinor(inv.Source.ServerVersion); {
	case known && !server.Older(OldestTarget()):
		b.unasked = true
	case idle(inv) && !enablesPolicies(inv):
		b.unasked = true
		b.cautions = append(b.cautions, "there are policies, and no pod that was read was admitted by one: PodSecurityPolicy admission seems to be off, so nothing is said of what it would do")
	}
	b.automount = map[accountKey]*bool{}
	for _, a := range inv.ServiceAccounts {
		if a.Automount != nil {
			b.automount[accountKey{a.Namespace, a.Name}] = a.Automount
		}
	}
	b.foreseeInjections()
	return b, nil
}

// builder holds what the steps of one Build share.
type builder struct {
	inv    *inventory.Inventory
	opts   Options
	judge  *simulate.Simulator
	grants *access.Grants

	// target is the version whose standards apply; enforceAt are all versions at which enforce must hold: an older
	// server takes a newer pin for its own latest.
	target    api.Version
	enforceAt []api.Version
	cautions  []string
	// server is the version that a label without one, or "latest", stands for: the server's where it is known, v1.24 where
	// policies show that it is old, else the newest that is known here.
	server api.Version
	// changePoints are the versions from v1.25 on at which some check changes; allVersions are all of them.
	changePoints, allVersions []api.Version

	assessed map[string]mapping.Assessment
	byName   map[string]*pspparse.Policy
	// unasked: the server does not ask policies, because it is past them or idle.
	unasked bool
	// automount of the accounts that say it.
	automount map[accountKey]*bool
	// injections are what is foreseen to be added to pods.
	injections *injections
	lost       map[lostKey][]Lost
	raises     map[raiseKey]Raise
	// What follows is known by the answer of access that it is made of: many workloads and namespaces share one.
	named   map[*access.Usable]*usable
	allowed map[*access.NamespacePolicy]*permitted
}

// usable are policies that a workload may use.
type usable struct {
	names []string
	set   psp.Usable
}

// permitted is what the policies of a namespace come to.
type permitted struct {
	level   api.Level
	by      []string
	apart   []SetApart
	loosest string // the first that makes the level what it is
	// lost is what they have and a level has not.
	lost map[api.Level][]Lost
}

type lostKey struct {
	policy string
	level  api.Level
}

// OldestTarget is the first version without PodSecurityPolicy, the default target for files and for older servers.
func OldestTarget() api.Version { return api.MajorMinorVersion(1, 25) }

func lastWithPolicies() api.Version { return api.MajorMinorVersion(1, 24) }

// versions settles target and enforceAt, and the cautions that come with them.
func (b *builder) versions(serverVersion string) {
	server, known := serverMinor(serverVersion)
	b.target = b.opts.Target
	if b.target == (api.Version{}) {
		b.target = OldestTarget()
		if known && b.target.Older(server) {
			b.target = server
		}
	}
	newest := pss.NewestVersion()
	b.enforceAt = []api.Version{b.target}
	switch {
	case b.target.Latest():
		b.cautions = append(b.cautions, fmt.Sprintf("the target version is latest: the labels will follow every upgrade of the server, while this plan knows the standards up to %s", newest))
	case newest.Older(b.target):
		b.cautions = append(b.cautions, fmt.Sprintf("the target version %s is newer than the standards known here (%s): the checks of %s were applied", b.target, newest, newest))
	}
	if text := OldTarget(b.target); text != "" {
		b.cautions = append(b.cautions, text)
	}
	if known && newest.Older(server) {
		b.cautions = append(b.cautions, fmt.Sprintf("the server is %s and the newest standards known here are %s: a check that is newer was not applied", server, newest))
	}
	if !known && (len(b.inv.Policies) > 0 || mayHavePolicies(b.inv)) {
		// Who still has policies is not past v1.24 yet; the checks of v1.23 and v1.24 are the same.
		server, known = lastWithPolicies(), true
	}
	if known && (b.target.Latest() || server.Older(b.target)) && server.Older(newest) {
		b.enforceAt = append(b.enforceAt, server)
	}
	b.server = newest
	if known {
		b.server = server
	}
}

// serverMinor reads "v1.24.17-eks-0a1b2c" as 1.24.
func serverMinor(gitVersion string) (api.Version, bool) {
	var major, minor int
	if n, err := fmt.Sscanf(gitVersion, "v%d.%d", &major, &minor); n != 2 || err != nil || major != 1 {
		return api.Version{}, false
	}
	return api.MajorMinorVersion(major, minor), true
}

func (b *builder) indexPolicies() {
	b.assessed = make(map[string]mapping.Assessment, len(b.inv.Policies))
	b.byName = make(map[string]*pspparse.Policy, len(b.inv.Policies))
	for _, p := range b.inv.Policies {
		b.assessed[p.Name] = mapping.Assess(p, b.target)
		b.byName[p.Name] = p
	}
}

// gaps joins what the readers and the RBAC resolution could not settle.
func (b *builder) gaps() []Gap {
	all := slices.Concat(b.inv.Gaps, b.grants.Unjudged, b.injections.gaps)
	out := make([]Gap, 0, len(all))
	for _, g := range all {
		affects := slices.Clone(g.Namespaces)
		if affects == nil {
			affects = []string{}
		}
		out = append(out, Gap{What: g.What, Why: g.Why, Affects: affects, Changes: string(g.Changes), Position: g.Position})
	}
	slices.SortStableFunc(out, func(x, y Gap) int {
		return cmp.Or(comparePosition(x.Position, y.Position), cmp.Compare(x.What, y.What), cmp.Compare(x.Why, y.Why))
	})
	return out
}

func notes(in []inventory.Note) []Note {
	var out []Note
	for _, n := range in {
		out = append(out, Note(n))
	}
	return out
}

func comparePosition(x, y pspparse.Position) int {
	return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
}

// NothingToJudge is true for an input without a policy, a namespace or a workload: it must not be taken for a clean
// cluster.
func (p *Plan) NothingToJudge() bool {
	return len(p.Policies) == 0 && len(p.Namespaces) == 0
}
