package migrate

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/evidence"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate"
	"github.com/psp2pss/psp2pss/simulate/psp"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// EmptyNamespaces is the rule by which Build chooses the level of a namespace in which nothing runs.
type EmptyNamespaces string

// The choices. EmptyAuto is policies, unless the input does not distinguish an empty namespace from one that was not saved.
const (
	EmptyAuto       EmptyNamespaces = ""
	EmptyPolicies   EmptyNamespaces = "policies"
	EmptyRestricted EmptyNamespaces = "restricted"
	EmptyBaseline   EmptyNamespaces = "baseline"
	EmptySkip       EmptyNamespaces = "skip"
)

// Options are the options of Build. The zero value is a sensible run: workloads decide, at v1.25 or at the server's own
// newer minor.
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
	// Evidence is what audit logs say; nil where none was given.
	Evidence *evidence.Log
	// AllowPartial recommends enforce even where a gap touches the namespace.
	AllowPartial bool
}

// Build joins what the policies mean, who may use them and what runs into a Plan. It returns an error only where
// CheckTarget refuses the target version, and where the library's own checks cannot be set up; whatever could not be
// read or evaluated is a gap in the Plan.
func Build(inv *inventory.Inventory, opts Options) (*Plan, error) {
	if err := CheckTargetVersion(opts.Target, inv.Source.ServerVersion); err != nil {
		return nil, err
	}
	opts.Admission = arrangedAdmission(opts.Admission)
	b, err := newPlanBuilder(inv, opts)
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
		SkippedKinds:  inv.Skipped,
		FinishedPods:  inv.FinishedPods,
	}
	plan.Gaps = b.planGaps()
	plan.Notes = slices.Concat(planNotes(slices.Concat(inv.Notes, b.injections.notes)), labelWriterNotes(inv.LabelWriters))
	plan.LabelWriters = inv.LabelWriters
	plan.Policies = b.buildPolicies()
	plan.StandardsDrift = b.standardsDrift()
	b.addGrants(plan)
	plan.APIServers = inv.APIServers
	plan.GeneratedPolicies = inv.GeneratedPolicies
	addAPIServerFindings(plan, inv, opts)
	for _, f := range b.grants.Dangling {
		plan.IneffectiveGrants = append(plan.IneffectiveGrants, ineffectiveGrant(f, b.grants.MissingRoles[f.Object]))
	}
	plan.Namespaces = b.buildNamespaces(plan.Gaps)
	plan.Cautions = slices.Concat(plan.Cautions, b.cautionUnknownOwners(plan.Namespaces), b.cautionSCCPods(), b.cautionPodCreatorsEverywhere(plan.Namespaces))
	b.addAuditEvidence(plan)
	plan.BlockingViolations = countBlockingViolations(plan.Namespaces)
	b.evaluations = nil // the plan has what is left of it
	plan.ArrangeRemarks()
	plan.IndexShared()
	return plan, nil
}

// newPlanBuilder returns a builder of the Plan for an inventory. It returns an error where the checks of the Pod
// Security Standards cannot be set up.
func newPlanBuilder(inv *inventory.Inventory, opts Options) (*planBuilder, error) {
	evaluator, err := simulate.NewSimulator(inv.Policies)
	if err != nil {
		return nil, fmt.Errorf("setting up the checks of the standards: %w", err)
	}
	b := &planBuilder{
		inv: inv, opts: opts, evaluator: evaluator, grants: access.Resolve(inv), lostByPolicy: map[policyAndLevel][]*policyLoss{}, lostByPolicies: map[policyAndLevel][]LostConstraint{}, stricterEditsCache: map[stricterEditsCacheKey]StricterEdits{},
		usablePoliciesCache: map[*access.UsablePolicy]*usablePolicies{}, permittedLevelCache: map[*access.NamespacePolicy]*permittedLevel{},
	}
	b.changePoints, b.allVersions = pss.VersionsWithChanges(), pss.VersionsAfterPSP()
	b.chooseVersions(inv.Source.ServerVersion)
	b.cautionExemptUsers()
	b.cautionRancherTemplates()
	b.assessPolicies()
	switch server, known := parseServerMinor(inv.Source.ServerVersion); {
	case known && !server.Older(FirstVersionWithoutPSP()):
		b.pspInactive = true
	case pspPluginSeemsOff(inv) && !enablesPodSecurityPolicy(inv):
		b.pspInactive = true
		b.cautions = append(b.cautions, message.New("psp-admission-seems-off"))
	}
	b.automountTokens = map[serviceAccountKey]*bool{}
	for _, a := range inv.ServiceAccounts {
		if a.Automount != nil {
			b.automountTokens[serviceAccountKey{a.Namespace, a.Name}] = a.Automount
		}
	}
	b.predictInjections()
	b.evaluations = newEvaluationCache()
	return b, nil
}

// planBuilder holds what the steps of one Build share.
type planBuilder struct {
	inv       *inventory.Inventory
	opts      Options
	evaluator *simulate.Simulator
	grants    *access.Grants

	// target is the version whose standards apply; enforceAt are all versions at which enforce must hold: an older
	// server takes a newer pin for its own latest.
	target    api.Version
	enforceAt []api.Version
	cautions  []message.Message
	// serverStandards is the version that a label without one, or "latest", stands for: the server's where it is known, v1.24 where
	// policies show that it is old, else the newest that is known here.
	serverStandards api.Version
	// changePoints are the versions from v1.25 on at which some check changes; allVersions are all of them.
	changePoints, allVersions []api.Version

	assessments    map[string]mapping.Assessment
	policiesByName map[string]*pspparse.Policy
	// pspInactive: the server does not ask policies, because it is past them or idle.
	pspInactive bool
	// automountTokens of the accounts that say it.
	automountTokens map[serviceAccountKey]*bool
	// injections are what webhooks are expected to add to pods.
	injections *predictedInjections
	// evaluations of workloads, once for those that are alike.
	evaluations *evaluationCache
	// lostByPolicy is what one policy has and a level has not, lostByPolicies what several have, named in one text.
	lostByPolicy       map[policyAndLevel][]*policyLoss
	lostByPolicies     map[policyAndLevel][]LostConstraint
	stricterEditsCache map[stricterEditsCacheKey]StricterEdits
	// What follows is known by the answer of access that it is made of: many workloads and namespaces share one.
	usablePoliciesCache map[*access.UsablePolicy]*usablePolicies
	permittedLevelCache map[*access.NamespacePolicy]*permittedLevel
}

// usablePolicies are the PodSecurityPolicies that a workload of the Plan may use.
type usablePolicies struct {
	names []string
	set   psp.UsablePolicies
}

// permittedLevel is the level that, for a Plan, the policies usable in a namespace permit, with the policies that count
// for it.
type permittedLevel struct {
	level            api.Level
	countedPolicies  []string
	excludedPolicies []ExcludedPolicy
	loosestPolicy    string // the first that makes the level what it is
}

// policyAndLevel is a PodSecurityPolicy and a level of the standards, as the key of a planner's cache.
type policyAndLevel struct {
	policy string
	level  api.Level
}

// FirstVersionWithoutPSP is the first version without PodSecurityPolicy, a Plan's default target for files and for
// older servers.
func FirstVersionWithoutPSP() api.Version { return api.MajorMinorVersion(1, 25) }

// lastVersionWithPSP returns, for a Plan, the last Kubernetes release that serves PodSecurityPolicies, v1.24.
func lastVersionWithPSP() api.Version { return api.MajorMinorVersion(1, 24) }

// chooseVersions sets the target version of the Plan, the versions at which enforce must hold, and the cautions on
// them.
func (b *planBuilder) chooseVersions(serverVersion string) {
	server, known := parseServerMinor(serverVersion)
	b.target = b.opts.Target
	if b.target == (api.Version{}) {
		b.target = FirstVersionWithoutPSP()
		if known && b.target.Older(server) {
			b.target = server
		}
	}
	newest := pss.NewestVersion()
	b.enforceAt = []api.Version{b.target}
	switch {
	case b.target.Latest():
		b.cautions = append(b.cautions, message.New("target-latest", "newest", newest))
	case newest.Older(b.target):
		b.cautions = append(b.cautions, message.New("target-newer-than-standards", "target", b.target, "newest", newest))
	}
	b.cautions = append(b.cautions, OldTargetCaution(b.target)...)
	if known && newest.Older(server) {
		b.cautions = append(b.cautions, message.New("server-newer-than-standards", "server", server, "newest", newest))
	}
	if !known && (len(b.inv.Policies) > 0 || anyPolicyUnread(b.inv)) {
		// Who still has policies is not past v1.24 yet; the checks of v1.23 and v1.24 are the same.
		server, known = lastVersionWithPSP(), true
	}
	if known && (b.target.Latest() || server.Older(b.target)) && server.Older(newest) {
		b.enforceAt = append(b.enforceAt, server)
	}
	b.serverStandards = newest
	if known {
		b.serverStandards = server
	}
}

// parseServerMinor returns, for a Plan's target, the minor version of an API server's gitVersion: 1.24 for
// "v1.24.17-eks-0a1b2c".
func parseServerMinor(gitVersion string) (api.Version, bool) {
	v, err := version.ParseGeneric(gitVersion)
	if err != nil || v.Major() != 1 {
		return api.Version{}, false
	}
	return api.MajorMinorVersion(1, int(v.Minor())), true
}

// assessPolicies compares every PodSecurityPolicy of the inventory with the standards at the target version of the
// Plan.
func (b *planBuilder) assessPolicies() {
	b.assessments = make(map[string]mapping.Assessment, len(b.inv.Policies))
	b.policiesByName = make(map[string]*pspparse.Policy, len(b.inv.Policies))
	for _, p := range b.inv.Policies {
		b.assessments[p.Name] = mapping.Assess(p, b.target)
		b.policiesByName[p.Name] = p
	}
}

// planGaps returns the gaps of the Plan: what the readers could not read, and roles whose rules are not known.
func (b *planBuilder) planGaps() []Gap {
	all := slices.Concat(b.inv.Gaps, b.grants.UnresolvedRoles, b.injections.gaps)
	out := make([]Gap, 0, len(all))
	for _, g := range all {
		affects := slices.Clone(g.Namespaces)
		if affects == nil {
			affects = []string{}
		}
		out = append(out, Gap{Message: g.Why, What: g.What, Affects: affects, Changes: string(g.Affects), Position: g.Position})
	}
	slices.SortStableFunc(out, func(x, y Gap) int {
		return cmp.Or(comparePositions(x.Position, y.Position), cmp.Compare(x.What, y.What), message.Compare(x.Message, y.Message))
	})
	return out
}

// planNotes returns the notes of the readers in the form of the Plan.
func planNotes(in []inventory.Note) []Note {
	var out []Note
	for _, n := range in {
		out = append(out, Note{Message: n.Why, What: n.What, Position: n.Position})
	}
	return out
}

// ArrangeRemarks sorts the notes of the Plan, and its cautions and those of its namespaces that say the same of several objects, by what
// they say. So their order tells nothing of the names that stood there before pseudonyms. What is said of the modes keeps the
// order of the modes: enforce is the most important.
func (p *Plan) ArrangeRemarks() {
	slices.SortStableFunc(p.Notes, func(x, y Note) int {
		return cmp.Or(comparePositions(x.Position, y.Position), cmp.Compare(x.What, y.What), message.Compare(x.Message, y.Message))
	})
	message.Arrange(p.Cautions)
	for i := range p.Namespaces {
		message.Arrange(p.Namespaces[i].Cautions)
	}
}

// comparePositions orders the positions of a Plan by file, then line.
func comparePositions(x, y pspparse.Position) int {
	return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
}

// NothingRead reports whether the Plan has no policy, no namespace and no workload: it must not be taken for a clean
// cluster.
func (p *Plan) NothingRead() bool {
	return len(p.Policies) == 0 && len(p.Namespaces) == 0
}
