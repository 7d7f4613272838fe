package migrate

import (
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/access"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// buildNamespaces builds every namespace of the Plan with its recommendation, by name. Inventory workloads are sorted
// by namespace, so each namespace has one run of them.
func (b *planBuilder) buildNamespaces(gaps []Gap) []Namespace {
	doubts := uncertaintyFromGaps(gaps)
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
		out = append(out, b.buildNamespace(ns, runs[ns.Name], doubts.inNamespace(ns.Name)))
	}
	return out
}

// buildNamespace builds one namespace of the Plan: it evaluates its workloads, resolves the permitted level, and
// decides the labels.
func (b *planBuilder) buildNamespace(ns *inventory.Namespace, workloads []inventory.Workload, in uncertainParts) Namespace {
	out := Namespace{
		Name:           ns.Name,
		System:         IsSystemNamespace(ns.Name),
		Labels:         ns.Labels,
		LabelOwner:     labelOwner(ns),
		UncertainParts: in.partNames(),

		ClientApplied: hasLastAppliedRecord(ns),
		ServerApplied: ns.ServerApplied,
		Terminating:   ns.Terminating,
		Position:      ns.Position,
	}
	out.CurrentLabels, out.Cautions = readPodSecurityLabels(ns.Labels)
	out.LabelWriters, out.Cautions = ns.LabelWriters, append(out.Cautions, labelWriterCautions(ns)...)
	if out.ObjectNotRead = !ns.Declared; out.ObjectNotRead {
		out.Cautions = append(out.Cautions, labelsUnknownCaution(in))
	}
	b.applyAdmissionConfig(&out)
	out.Cautions = append(out.Cautions, b.misplacedLabelCautions(ns)...)
	counting := countingWorkloads{read: workloads}
	for i := range workloads {
		w := b.buildWorkload(&workloads[i], in)
		counting.addNext(w.countsForLevel())
		if isUnseenWorkload(&workloads[i], &w) {
			out.UnseenWorkloads = append(out.UnseenWorkloads, WorkloadRef{w.Kind, w.Name})
			continue
		}
		out.Workloads = append(out.Workloads, w)
		out.ObservedPolicies = append(out.ObservedPolicies, w.ObservedPolicies...)
	}
	slices.Sort(out.ObservedPolicies)
	out.ObservedPolicies = slices.Compact(out.ObservedPolicies)

	counted := workloadsCountingForLevel(out.Workloads)
	out.NeededLevel = neededLevel(counted)
	out.Complete = b.levelIsCertain(in, out.NeededLevel)
	if b.canPredictAdmission(in) {
		out.AchievableLevel = achievableLevel(counted)
	}
	out.Blockers = levelBlockers(counted, out.NeededLevel)
	out.LevelWithout = levelsWithoutWorkloads(counted, out.NeededLevel)
	permitted := b.setPermittedLevel(&out, workloads)
	b.explainOlderServer(&out, counting.list())
	b.explainOldTarget(&out, counting.list())
	b.computeLevelPerVersion(&out, counting.list())
	b.decideLabels(&out, permitted)
	b.addReasonsAndCautions(&out, permitted)
	cautionExemptions(&out)
	out.Cautions = append(out.Cautions, labelOwnerCautions(ns, &out)...)
	out.Lost = b.addPossibleCover(ns.Name, b.lostConstraints(&out, permitted))
	out.AlsoRefusedBy, out.AlsoRefusedByOthers = b.alsoRefusedBy(ns.Name)
	out.Cautions, out.Blockers = emptyIfNil(out.Cautions), emptyIfNil(out.Blockers)
	out.Workloads, out.LevelByVersion = emptyIfNil(out.Workloads), emptyIfNil(out.LevelByVersion)
	return out
}

// hasLastAppliedRecord reports, for a Plan, whether kubectl has left a record of a client-side apply on the namespace;
// nil where no server has stored what was read: a manifest has no record of what is applied, and may be it.
func hasLastAppliedRecord(ns *inventory.Namespace) *bool {
	if ns.UID == "" && !ns.ClientApplied {
		return nil
	}
	applied := ns.ClientApplied
	return &applied
}

// setPermittedLevel sets in a namespace of the Plan the least strict closest level of the policies that count there.
// What everybody may use, or every controller, is excluded where it is privileged or a provider's default; what only
// administrators may use is in the Plan once for all namespaces.
func (b *planBuilder) setPermittedLevel(ns *Namespace, workloads []inventory.Workload) *permittedLevel {
	answer := b.grants.NamespaceAccess(ns.Name, workloads)
	known := b.permittedLevelCache[firstItem(answer)]
	if known == nil {
		known = b.computePermittedLevel(answer)
		if b.grants.IsShared(answer) {
			b.permittedLevelCache[firstItem(answer)] = known
		}
	}
	ns.PermittedLevel, ns.PermittedBy, ns.ExcludedPolicies = known.level, b.abbreviateEveryPolicy(known.countedPolicies), known.excludedPolicies
	return known
}

// comesBefore reports whether one PodSecurityPolicy has pseudonyms in place of its name and comes before another by its real one. The others
// are read in the order of their names.
func (b *planBuilder) comesBefore(policy, other string) bool {
	return b.policiesByName[policy].Order < b.policiesByName[other].Order
}

// computePermittedLevel returns the level that policies permit in a namespace of the Plan, with the policies that count
// for it and those that do not.
func (b *planBuilder) computePermittedLevel(answer access.NamespaceAccess) *permittedLevel {
	p := &permittedLevel{}
	for _, u := range answer {
		a := b.assessments[u.Policy]
		if a.Closest == "" || !u.Counted && !u.Everybody {
			continue
		}
		if why, excluded := b.exclusionReason(u, a); excluded {
			p.excludedPolicies = append(p.excludedPolicies, ExcludedPolicy{Policy: u.Policy, Closest: a.Closest, Why: why})
			continue
		}
		p.countedPolicies = append(p.countedPolicies, u.Policy)
		if l := levels.LeastStrict(p.level, a.Closest); l != p.level || l == a.Closest && b.comesBefore(u.Policy, p.loosestPolicy) {
			p.level, p.loosestPolicy = l, u.Policy
		}
	}
	alike := func(s ExcludedPolicy) bool {
		return s.Why.Text == p.excludedPolicies[0].Why.Text && s.Closest == p.excludedPolicies[0].Closest
	}
	if all := len(b.policiesByName); all > maxPoliciesListed && len(p.excludedPolicies) == all && !slices.ContainsFunc(p.excludedPolicies, func(s ExcludedPolicy) bool { return !alike(s) }) {
		p.excludedPolicies = []ExcludedPolicy{{Policy: EveryPolicy, Closest: p.excludedPolicies[0].Closest, Why: p.excludedPolicies[0].Why}}
	}
	return p
}

// exclusionReason returns why a usable policy does not count for the permitted level of a namespace, and false if it
// does count.
func (b *planBuilder) exclusionReason(u access.NamespacePolicy, a mapping.Assessment) (message.Message, bool) {
	if u.Counted && !u.OnlyControllers {
		return message.Message{}, false
	}
	provider := ""
	if p := b.policiesByName[u.Policy]; p != nil {
		provider = p.Provider()
	}
	if provider == "" && a.Closest != api.LevelPrivileged {
		return message.Message{}, false
	}
	if u.Counted {
		return message.New("excluded-controllers", "provider", provider), true
	}
	return message.New("excluded-everybody", "provider", provider), true
}

// decideLabels sets the recommended labels of a namespace by the rules: the basis, empty namespaces, overrides, gaps.
func (b *planBuilder) decideLabels(ns *Namespace, by *permittedLevel) {
	if skipTerminatingNamespace(ns) {
		return
	}
	enforce, decision := b.decideEnforceLevel(ns, by)
	if b.opts.Enforce != "" && enforce != "" {
		enforce, decision = b.opts.Enforce, &EnforceDecision{Basis: BasisOverride}
	}
	mayRun := decision != nil && decision.Basis == BasisEmpty && b.opts.EmptyNamespaces == EmptyAuto && ns.HasUncertainPart(inventory.PartWorkloads)
	withheld := !ns.Complete && (!b.opts.AllowPartial || mayRun)
	if enforce == "" {
		ns.Action = ActionSkip
		return
	}
	ns.DecidedBy = decision
	version := b.target.String()
	ns.RecommendedLabels = PodSecurityLabels{
		Enforce: string(enforce), EnforceVersion: version,
		Audit: string(levelOrRestricted(b.opts.Audit)), AuditVersion: version,
		Warn: string(levelOrRestricted(b.opts.Warn)), WarnVersion: version,
	}
	loosened := b.keepNewerVersionPins(ns)
	if withheld {
		if decision.Basis == BasisEmpty {
			ns.DecidedBy = nil // what could not be read may run here
		}
		ns.RecommendedLabels.Enforce, ns.RecommendedLabels.EnforceVersion = "", ""
	}
	ns.Action = compareWithCurrent(ns, loosened)
}

// levelOrRestricted returns the level that a Plan's namespace needs, restricted where nothing needs a looser one.
func levelOrRestricted(l api.Level) api.Level {
	if l == "" {
		return api.LevelRestricted
	}
	return l
}

// decideEnforceLevel returns the enforce level that the rules give a namespace, before overrides; "" recommends none.
func (b *planBuilder) decideEnforceLevel(ns *Namespace, by *permittedLevel) (api.Level, *EnforceDecision) {
	if ns.NeededLevel == "" {
		return b.decideEmptyNamespace(ns, by)
	}
	byWorkloads := &EnforceDecision{Basis: BasisWorkloads, Workload: firstWorkloadAtLevel(workloadsCountingForLevel(ns.Workloads), ns.NeededLevel)}
	byPolicies := &EnforceDecision{Basis: BasisPolicies, Policy: by.loosestPolicy}
	switch b.opts.Basis {
	case BasisPolicies:
		if ns.PermittedLevel != "" {
			return ns.PermittedLevel, byPolicies
		}
	case BasisBoth:
		switch {
		case ns.PermittedLevel == "":
		case levels.Looser(ns.PermittedLevel, ns.NeededLevel):
			return ns.PermittedLevel, byPolicies
		case ns.PermittedLevel == ns.NeededLevel:
			return ns.NeededLevel, &EnforceDecision{Basis: BasisBoth, Workload: byWorkloads.Workload, Policy: byPolicies.Policy}
		}
	}
	return ns.NeededLevel, byWorkloads
}

// decideEmptyNamespace returns the enforce level of a namespace in which nothing runs. Files that hold not a single
// workload do not distinguish an empty namespace from one that was not saved, and files rarely hold a whole system namespace:
// such are left alone unless the caller says what empty ones should get.
func (b *planBuilder) decideEmptyNamespace(ns *Namespace, by *permittedLevel) (api.Level, *EnforceDecision) {
	switch b.opts.EmptyNamespaces {
	case EmptySkip:
		ns.Reasons = append(ns.Reasons, message.New("empty-left-alone", "empty", nothingRunsReason(ns).Text))
		return "", nil
	case EmptyRestricted:
		return api.LevelRestricted, &EnforceDecision{Basis: BasisEmpty}
	case EmptyBaseline:
		return api.LevelBaseline, &EnforceDecision{Basis: BasisEmpty}
	case EmptyAuto:
		if b.inv.Source.Origin() == inventory.SourceFiles && len(ns.Workloads) == 0 && (ns.System || !slices.Contains(b.inv.KindsRead, "Pod")) {
			if ns.HasUncertainPart(inventory.PartWorkloads) {
				return "", nil // the gap is in the Plan
			}
			ns.Cautions = append(ns.Cautions, message.New("empty-not-shown"))
			return "", nil
		}
	}
	if ns.PermittedLevel != "" {
		return ns.PermittedLevel, &EnforceDecision{Basis: BasisEmpty, Policy: by.loosestPolicy}
	}
	for _, s := range ns.ExcludedPolicies {
		if s.Closest == api.LevelPrivileged {
			ns.Cautions = append(ns.Cautions, message.New("empty-until-now-open", "empty", nothingRunsReason(ns).Text, "policy", strings.TrimPrefix(s.Policy, EveryPolicy), "why", s.Why.Text))
			break
		}
	}
	return api.LevelRestricted, &EnforceDecision{Basis: BasisEmpty}
}

// keepNewerVersionPins keeps the version of a Pod Security label of a namespace, or of a default in its place, whose
// level is the recommended one and that is newer than the target: an older version may lack a check, and taking it
// would loosen silently. Where what runs does not meet the newer version, the target's is recommended and counts as
// loosening, unless the namespace is exempt.
func (b *planBuilder) keepNewerVersionPins(ns *Namespace) (loosened bool) {
	today, rec := ns.policyFromLabels(), &ns.RecommendedLabels
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
		_, labelled := ns.LabelValue(m.label)
		if !labelled && ns.EffectiveLabels == nil || string(m.today.Level) != *m.wantLevel {
			continue
		}
		stands, follows := m.today.Version, m.today.Version.Latest()
		if follows {
			stands = b.serverStandards
		}
		dropped := pss.AddedChecks(m.today.Level, b.target, stands)
		if len(dropped) == 0 {
			continue
		}
		label, byConfiguration, byDefault := ns.labelOrigin(m.label)
		switch {
		case follows && ns.Exempt:
		case follows:
			ns.Cautions = append(ns.Cautions, message.New("version-follows-server", "mode", m.mode, "level", m.today.Level,
				"label", label, "byConfiguration", byConfiguration, "byDefault", byDefault, "target", b.target, "checks", dropped))
		case m.holds || workloadsMeetLevel(ns, m.today.Level, stands):
			*m.wantVersion = stands.String()
			ns.Reasons = append(ns.Reasons, message.New("newer-version-kept", "mode", m.mode, "origin", map[bool]string{true: "label", false: "default"}[labelled], "target", b.target, "checks", dropped))
		case !ns.Exempt:
			loosened = true
			ns.Cautions = append(ns.Cautions, message.New("version-loosened", "mode", m.mode, "level", m.today.Level,
				"label", label, "byConfiguration", byConfiguration, "byDefault", byDefault, "version", stands, "target", b.target, "checks", dropped))
		}
	}
	return loosened
}

// workloadsMeetLevel reports whether all workloads of a namespace are known to meet the level at a version of the
// standards; before v1.25, which is where Versions begin, nothing is known.
func workloadsMeetLevel(ns *Namespace, l api.Level, v api.Version) bool {
	var at api.Level
	for _, known := range ns.LevelByVersion {
		if first, err := api.ParseVersion(known.From); err == nil && !v.Older(first) {
			at = known.Needed
		}
	}
	return len(workloadsCountingForLevel(ns.Workloads)) == 0 || levels.Rank(at) >= levels.Rank(l)
}

// firstWorkloadAtLevel returns the first workload whose level after PSP is the given one, as the one that decides for
// its namespace; nil for restricted.
func firstWorkloadAtLevel(workloads []Workload, level api.Level) *WorkloadRef {
	if level == api.LevelRestricted {
		return nil
	}
	for _, w := range workloads {
		if w.Levels.AfterPSP == level {
			return &WorkloadRef{Kind: w.Kind, Name: w.Name}
		}
	}
	return nil
}

// ArrangeDecision sets which workload the namespace's level is decided by, the first of several in the order of the workloads.
func (ns *Namespace) ArrangeDecision() {
	if ns.DecidedBy != nil && ns.DecidedBy.Workload != nil {
		ns.DecidedBy.Workload = firstWorkloadAtLevel(workloadsCountingForLevel(ns.Workloads), ns.NeededLevel)
	}
}

// compareWithCurrent returns the Action of a namespace, from its recommended Pod Security labels and the current ones.
func compareWithCurrent(ns *Namespace, loosened bool) Action {
	cur, rec := ns.CurrentLabels, ns.RecommendedLabels
	switch {
	case rec.Enforce == "":
		return ActionWithheld
	case loosened || levels.Looser(api.Level(rec.Enforce), ns.EffectivePolicyToday().Enforce.Level):
		return ActionLoosen
	case cur == rec:
		return ActionUnchanged
	}
	for _, key := range inventory.PodSecurityLabelKeys() {
		if have, there := ns.LabelValue(key); there && have != rec.Get(key) {
			return ActionChange
		}
	}
	return ActionAdd
}

// lostConstraints returns the constraints that the policies in use in a namespace have and its recommended level has
// not.
func (b *planBuilder) lostConstraints(ns *Namespace, permitted *permittedLevel) []LostConstraint {
	level := api.Level(ns.RecommendedLabels.Enforce)
	if level == "" {
		level = ns.NeededLevel
	}
	if level == "" {
		return nil
	}
	if len(ns.ObservedPolicies) > 0 {
		return b.lostConstraintsOfPolicies(ns.ObservedPolicies, level)
	}
	return b.lostConstraintsOfPolicies(permitted.countedPolicies, level)
}

// lostConstraintsOfPolicies returns what some policies have and a level has not, each constraint once. Callers must not change
// the answer.
func (b *planBuilder) lostConstraintsOfPolicies(names []string, level api.Level) []LostConstraint {
	key := policyAndLevel{strings.Join(names, "\x00"), level}
	if known, ok := b.lostByPolicies[key]; ok {
		return known
	}
	var all []*policyLoss
	for _, name := range names {
		all = append(all, b.policyLosses(name, level)...)
	}
	out := mergePolicyLosses(all)
	for i := range out {
		out[i].Policies = b.abbreviateEveryPolicy(out[i].Policies)
	}
	b.lostByPolicies[key] = out
	return out
}

// policyLosses returns what a policy has and a level has not, without what is only the age of a standard.
func (b *planBuilder) policyLosses(name string, level api.Level) []*policyLoss {
	key := policyAndLevel{name, level}
	if l, ok := b.lostByPolicy[key]; ok {
		return l
	}
	var out []*policyLoss
	if p := b.policiesByName[name]; p != nil {
		for _, l := range mapping.LostConstraintsAt(p, b.target, level) {
			if l.Class != mapping.DriftLoss {
				out = append(out, newPolicyLoss(l, name))
			}
		}
	}
	b.lostByPolicy[key] = out
	return out
}

// workloadNames returns the names of workloads of the Plan as kubectl writes them: "deployment/api".
func workloadNames(refs []WorkloadRef) []string {
	out := make([]string, 0, len(refs))
	for _, r := range refs {
		out = append(out, strings.ToLower(r.Kind)+"/"+r.Name)
	}
	return out
}
