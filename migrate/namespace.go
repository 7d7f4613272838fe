package migrate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// namespaces gives every namespace its recommendation, by name. Inventory workloads are sorted by namespace, so each
// namespace has one run of them.
func (b *builder) namespaces(gaps []Gap) []Namespace {
	doubts := doubtsOf(gaps)
	runs := map[string][]inventory.Workload{}
	for start := 0; start < len(b.inv.Workloads); {
		end := start
		for end < len(b.inv.Workloads) && b.inv.Workloads[end].Namespace == b.inv.Workloads[start].Namespace {
			end++
		}
		runs[b.inv.Workloads[start].Namespace] = b.inv.Workloads[start:end]
		start = end
	}
	out := make([]Namespace, 0, len(b.inv.Namespaces))
	for i := range b.inv.Namespaces {
		ns := &b.inv.Namespaces[i]
		out = append(out, b.namespace(ns, runs[ns.Name], doubts.of(ns.Name)))
	}
	return out
}

// namespace judges what runs, resolves what is permitted, and decides.
func (b *builder) namespace(ns *inventory.Namespace, workloads []inventory.Workload, in doubt) Namespace {
	out := Namespace{
		Name:      ns.Name,
		System:    system(ns.Name),
		Labels:    ns.Labels,
		Owner:     owner(ns),
		Uncertain: in.parts(),

		ClientApplied: clientApplied(ns),
		ServerApplied: ns.ServerApplied,
		Terminating:   ns.Terminating,
	}
	out.Current, out.Cautions = currentLabels(ns.Labels)
	out.Writers, out.Cautions = ns.Writers, append(out.Cautions, writerCautions(ns)...)
	if out.Unread = !ns.Declared; out.Unread {
		out.Cautions = append(out.Cautions, labelsUnknown(in))
	}
	b.configure(&out)
	out.Cautions = append(out.Cautions, b.misplaced(ns)...)
	judged := readOnes{all: workloads}
	for i := range workloads {
		w := b.workload(&workloads[i], in)
		judged.next(w.decides())
		if untold(&workloads[i], &w) {
			out.Unseen = append(out.Unseen, WorkloadRef{w.Kind, w.Name})
			continue
		}
		out.Workloads = append(out.Workloads, w)
		out.Observed = append(out.Observed, w.Observed...)
	}
	slices.Sort(out.Observed)
	out.Observed = slices.Compact(out.Observed)

	counted := deciding(out.Workloads)
	out.Needed = needed(counted)
	out.Complete = b.complete(in, out.Needed)
	if b.foreseeable(in) {
		out.Achievable = achievable(counted)
	}
	out.Blockers = blockers(counted, out.Needed)
	out.Without = without(counted, out.Needed)
	permitted := b.permitted(&out, workloads)
	b.olderServer(&out, judged.deciding())
	b.atOldestTarget(&out, judged.deciding())
	b.acrossVersions(&out, judged.deciding())
	b.decide(&out, permitted)
	b.caution(&out, permitted)
	cautionExempt(&out)
	out.Cautions = append(out.Cautions, ownerCautions(ns, &out)...)
	out.Lost = b.covering(ns.Name, b.namespaceLost(&out, permitted))
	out.AlsoRefusing = b.alsoRefusing(ns.Name)
	out.Cautions, out.Blockers = orEmpty(out.Cautions), orEmpty(out.Blockers)
	out.Workloads, out.Versions = orEmpty(out.Workloads), orEmpty(out.Versions)
	return out
}

// clientApplied is nil where no server has stored what was read: a manifest has no record of what is applied, and may be it.
func clientApplied(ns *inventory.Namespace) *bool {
	if ns.UID == "" && !ns.ClientApplied {
		return nil
	}
	applied := ns.ClientApplied
	return &applied
}

// permitted is the least strict closest level over the policies that count. What everybody may use, or every
// controller, is set apart where it is no stricter than anything goes; what only administrators may use is told once for
// the whole plan.
func (b *builder) permitted(ns *Namespace, workloads []inventory.Workload) *permitted {
	answer := b.grants.Namespace(ns.Name, workloads)
	known := b.allowed[first(answer)]
	if known == nil {
		known = b.permittedBy(answer)
		if b.grants.Shared(answer) {
			b.allowed[first(answer)] = known
		}
	}
	ns.Permitted, ns.PermittedBy, ns.SetApart = known.level, b.starred(known.by), known.apart
	return known
}

func (b *builder) permittedBy(answer access.NamespaceAccess) *permitted {
	p := &permitted{lost: map[api.Level][]Lost{}}
	for _, u := range answer {
		a := b.assessed[u.Policy]
		if a.Closest == "" || !u.Counted && !u.Everybody {
			continue
		}
		if why := b.setApart(u, a); why != "" {
			p.apart = append(p.apart, SetApart{Policy: u.Policy, Closest: a.Closest, Why: why})
			continue
		}
		p.by = append(p.by, u.Policy)
		if l := leastStrict(p.level, a.Closest); l != p.level {
			p.level, p.loosest = l, u.Policy
		}
	}
	alike := func(s SetApart) bool { return s.Why == p.apart[0].Why && s.Closest == p.apart[0].Closest }
	if all := len(b.byName); all > fewPolicies && len(p.apart) == all && !slices.ContainsFunc(p.apart, func(s SetApart) bool { return !alike(s) }) {
		p.apart = []SetApart{{Policy: EveryPolicy, Closest: p.apart[0].Closest, Why: p.apart[0].Why}}
	}
	return p
}

// setApart says why a usable policy does not count here; "" if it does.
func (b *builder) setApart(u access.NamespacePolicy, a mapping.Assessment) string {
	if u.Counted && !u.Controllers {
		return ""
	}
	who := "everybody may use it everywhere"
	if u.Counted {
		who = "the controllers that create pods may use it everywhere"
	}
	provider := ""
	if p := b.byName[u.Policy]; p != nil {
		provider = p.Provider()
	}
	switch {
	case provider != "":
		return who + ", a default of " + provider
	case a.Closest == api.LevelPrivileged:
		return who
	default:
		return ""
	}
}

// decide applies the recommendation rules: the basis, empty namespaces, overrides, gaps.
func (b *builder) decide(ns *Namespace, by *permitted) {
	if leaveTerminating(ns) {
		return
	}
	enforce, decision := b.enforce(ns, by)
	if b.opts.Enforce != "" && enforce != "" {
		enforce, decision = b.opts.Enforce, &Decision{Basis: BasisOverride}
	}
	mayRun := decision != nil && decision.Basis == BasisEmpty && b.opts.EmptyNamespaces == EmptyAuto && ns.Unsure(inventory.Workloads)
	withheld := !ns.Complete && (!b.opts.AllowPartial || mayRun)
	if enforce == "" {
		ns.Action = ActionSkip
		return
	}
	ns.DecidedBy = decision
	version := b.target.String()
	ns.Recommended = Labels{
		Enforce: string(enforce), EnforceVersion: version,
		Audit: string(override(b.opts.Audit)), AuditVersion: version,
		Warn: string(override(b.opts.Warn)), WarnVersion: version,
	}
	loosened := b.keepNewerPins(ns)
	if withheld {
		if decision.Basis == BasisEmpty {
			ns.DecidedBy = nil // what could not be read may run here
		}
		ns.Recommended.Enforce, ns.Recommended.EnforceVersion = "", ""
	}
	ns.Action = action(ns, loosened)
}

func override(l api.Level) api.Level {
	if l == "" {
		return api.LevelRestricted
	}
	return l
}

// enforce is the level by the rules, before overrides; "" leaves the namespace alone.
func (b *builder) enforce(ns *Namespace, by *permitted) (api.Level, *Decision) {
	if ns.Needed == "" {
		return b.enforceEmpty(ns, by)
	}
	byWorkloads := &Decision{Basis: BasisWorkloads, Workload: firstAt(deciding(ns.Workloads), ns.Needed)}
	byPolicies := &Decision{Basis: BasisPolicies, Policy: by.loosest}
	switch b.opts.Basis {
	case BasisPolicies:
		if ns.Permitted != "" {
			return ns.Permitted, byPolicies
		}
	case BasisBoth:
		switch {
		case ns.Permitted == "":
		case looser(ns.Permitted, ns.Needed):
			return ns.Permitted, byPolicies
		case ns.Permitted == ns.Needed:
			return ns.Needed, &Decision{Basis: BasisBoth, Workload: byWorkloads.Workload, Policy: byPolicies.Policy}
		}
	}
	return ns.Needed, byWorkloads
}

// enforceEmpty decides for a namespace in which nothing runs. Files that hold not a single workload cannot tell an
// empty namespace from one that was not saved, and files seldom hold a system namespace whole: such are left alone
// unless the caller says what empty ones should get.
func (b *builder) enforceEmpty(ns *Namespace, by *permitted) (api.Level, *Decision) {
	switch b.opts.EmptyNamespaces {
	case EmptySkip:
		ns.Reasons = append(ns.Reasons, nothingRuns(ns)+", and empty namespaces are left alone as asked")
		return "", nil
	case EmptyRestricted:
		return api.LevelRestricted, &Decision{Basis: BasisEmpty}
	case EmptyBaseline:
		return api.LevelBaseline, &Decision{Basis: BasisEmpty}
	case EmptyAuto:
		if b.inv.Source.Kind == inventory.SourceFiles && len(ns.Workloads) == 0 && (ns.System || !slices.Contains(b.inv.Kinds, "Pod")) {
			if ns.Unsure(inventory.Workloads) {
				return "", nil // the gap is told
			}
			ns.Cautions = append(ns.Cautions, "nothing that runs here is among the files, and they do not show that the namespace is empty: read its pods too, or say --empty-namespaces=policies")
			return "", nil
		}
	}
	if ns.Permitted != "" {
		return ns.Permitted, &Decision{Basis: BasisEmpty, Policy: by.loosest}
	}
	for _, s := range ns.SetApart {
		if s.Closest == api.LevelPrivileged {
			ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s yet, and until now %s let everything in (%s): what is deployed next has to meet restricted", nothingRuns(ns), policyOrEvery(s.Policy), s.Why))
			break
		}
	}
	return api.LevelRestricted, &Decision{Basis: BasisEmpty}
}

// keepNewerPins keeps the version of a label, or of a default in its place, whose level is the recommended one and that is
// newer than the target: an older version may lack a check, and taking it would loosen silently. Where what runs does not
// meet the newer version, the target's is recommended and counts as loosening, unless the namespace is exempt.
func (b *builder) keepNewerPins(ns *Namespace) (loosened bool) {
	today, rec := ns.stated(), &ns.Recommended
	for _, m := range []struct {
		mode, label            string
		today                  api.LevelVersion
		wantLevel, wantVersion *string
		holds                  bool
	}{
		{"enforce", api.EnforceLevelLabel, today.Enforce, &rec.Enforce, &rec.EnforceVersion, false},
		{"audit", api.AuditLevelLabel, today.Audit, &rec.Audit, &rec.AuditVersion, true},
		{"warn", api.WarnLevelLabel, today.Warn, &rec.Warn, &rec.WarnVersion, true},
	} {
		_, labelled := ns.Standing(m.label)
		if !labelled && ns.Effective == nil || string(m.today.Level) != *m.wantLevel {
			continue
		}
		stands, follows := m.today.Version, m.today.Version.Latest()
		if follows {
			stands = b.server
		}
		dropped := pss.AddedChecks(m.today.Level, b.target, stands)
		if len(dropped) == 0 {
			continue
		}
		said := fmt.Sprintf("today's %s=%s%s", m.mode, m.today.Level, ns.sayer(m.label))
		checks := strings.Join(dropped, ", ")
		switch {
		case follows && ns.Exempt:
		case follows:
			ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s follows the server's own version; pinned to %s it lacks %s where the server is newer", said, b.target, checks))
		case m.holds || meets(ns, m.today.Level, stands):
			*m.wantVersion = stands.String()
			ns.Reasons = append(ns.Reasons, fmt.Sprintf("the newer version of today's %s %s is kept: %s does not have %s", m.mode, map[bool]string{true: "label", false: "default"}[labelled], b.target, checks))
		case !ns.Exempt:
			loosened = true
			ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s at %s is stricter than at %s, which does not have %s: what runs here would not be admitted again", said, stands, b.target, checks))
		}
	}
	return loosened
}

// meets is true if all that runs is known to meet the level at a version of the standards; before v1.25, which is where
// Versions begin, nothing is known.
func meets(ns *Namespace, l api.Level, v api.Version) bool {
	var at api.Level
	for _, known := range ns.Versions {
		if first, err := api.ParseVersion(known.Version); err == nil && !v.Older(first) {
			at = known.Needed
		}
	}
	return len(deciding(ns.Workloads)) == 0 || strictness(at) >= strictness(l)
}

// firstAt names the first workload at a level, for a level that something holds the namespace at.
func firstAt(workloads []Workload, level api.Level) *WorkloadRef {
	if level == api.LevelRestricted {
		return nil
	}
	for _, w := range workloads {
		if w.Level.DayAfter == level {
			return &WorkloadRef{Kind: w.Kind, Name: w.Name}
		}
	}
	return nil
}

// action compares what is recommended with what is there.
func action(ns *Namespace, loosened bool) Action {
	cur, rec := ns.Current, ns.Recommended
	switch {
	case rec.Enforce == "":
		return ActionWithheld
	case loosened || looser(api.Level(rec.Enforce), ns.Today().Enforce.Level):
		return ActionLoosen
	case cur == rec:
		return ActionUnchanged
	}
	for _, key := range LabelKeys() {
		if have, there := ns.Standing(key); there && have != rec.Get(key) {
			return ActionChange
		}
	}
	return ActionAdd
}

// namespaceLost joins what the policies in use have and the recommended level has not.
func (b *builder) namespaceLost(ns *Namespace, permitted *permitted) []Lost {
	level := api.Level(ns.Recommended.Enforce)
	if level == "" {
		level = ns.Needed
	}
	if level == "" {
		return nil
	}
	if len(ns.Observed) > 0 {
		return b.lostBy(ns.Observed, level)
	}
	out, known := permitted.lost[level]
	if !known {
		out = b.lostBy(permitted.by, level)
		permitted.lost[level] = out
	}
	return out
}

func (b *builder) lostBy(names []string, level api.Level) []Lost {
	var all []Lost
	for _, name := range names {
		all = append(all, b.lostAt(name, level)...)
	}
	out := mergeLost(all)
	for i := range out {
		out[i].Policies = b.starred(out[i].Policies)
	}
	return out
}

func policyOrEvery(name string) string {
	if name == EveryPolicy {
		return "every policy"
	}
	return "policy " + name
}

func (b *builder) lostAt(name string, level api.Level) []Lost {
	key := lostKey{name, level}
	if l, ok := b.lost[key]; ok {
		return l
	}
	var out []Lost
	if p := b.byName[name]; p != nil {
		for _, l := range mapping.LostAt(p, b.target, level) {
			if l.Class == mapping.Drift {
				continue
			}
			one := planLost(l)
			one.Policies = []string{name}
			out = append(out, one)
		}
	}
	b.lost[key] = out
	return out
}

func joinRefs(refs []WorkloadRef) string {
	const limit = 3
	names := make([]string, 0, limit)
	for i, r := range refs {
		if i == limit {
			names = append(names, fmt.Sprintf("%d more", len(refs)-limit))
			break
		}
		names = append(names, strings.ToLower(r.Kind)+"/"+r.Name)
	}
	return strings.Join(names, ", ")
}
