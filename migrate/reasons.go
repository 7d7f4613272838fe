package migrate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// explainOlderServer adds a reason to a namespace whose level only the server's own, older version of the standards
// keeps down: such a server reads a newer version label as its latest.
func (b *planBuilder) explainOlderServer(ns *Namespace, workloads []inventory.Workload) {
	if len(b.enforceAt) < 2 {
		return
	}
	var atTarget api.Level
	for i := range workloads {
		atTarget = levels.LeastStrict(atTarget, b.evaluator.AfterPSP(&workloads[i], b.target).Level)
	}
	if levels.Looser(ns.NeededLevel, atTarget) {
		ns.Reasons = append(ns.Reasons, message.New("older-server", "server", b.enforceAt[1], "target", b.target, "level", atTarget))
	}
}

// computeLevelPerVersion computes the needed level of a namespace at every version from v1.25 to the newest known, and
// says where it changes.
func (b *planBuilder) computeLevelPerVersion(ns *Namespace, workloads []inventory.Workload) {
	if len(workloads) == 0 {
		return
	}
	points := b.changePoints
	at := make([]api.Level, len(points))
	for i, v := range points {
		for j := range workloads {
			at[i] = levels.LeastStrict(at[i], b.evaluator.AfterPSP(&workloads[j], v).Level)
		}
		if i > 0 && at[i] != at[i-1] {
			b.explainLevelChange(ns, workloads, points[i-1], v, at[i-1], at[i])
		}
	}
	next := 0
	for _, v := range b.allVersions {
		for next+1 < len(points) && !v.Older(points[next+1]) {
			next++
		}
		if n := len(ns.LevelByVersion); n > 0 && ns.LevelByVersion[n-1].Needed == at[next] {
			ns.LevelByVersion[n-1].To = v.String()
			continue
		}
		ns.LevelByVersion = append(ns.LevelByVersion, VersionLevel{From: v.String(), To: v.String(), Needed: at[next]})
	}
}

// explainLevelChange adds a reason that names the check by which the needed level of a namespace differs between two
// versions.
func (b *planBuilder) explainLevelChange(ns *Namespace, workloads []inventory.Workload, before, v api.Version, was, is api.Level) {
	stricter, looserAt := was, v
	if levels.Looser(was, is) {
		stricter, looserAt = is, before
	}
	var names []string
	var first string
	for i := range workloads {
		w := &workloads[i]
		for _, vio := range b.evaluator.AfterPSP(w, looserAt).Violations {
			// At the other version everything meets the stricter level: what keeps from it here is new or gone there.
			if !levels.Looser(stricter, vio.Level) {
				names = append(names, vio.Check)
				if first == "" {
					first = strings.ToLower(w.Kind) + "/" + w.Name
				}
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	text := message.New("level-changes", "version", v, "level", is, "before", was, "checks", names, "workload", first)
	if levels.Looser(is, was) {
		ns.Cautions = append(ns.Cautions, text)
	} else {
		ns.Reasons = append(ns.Reasons, text)
	}
}

// addReasonsAndCautions adds to a namespace of the Plan its sentences: why this level, what holds it back, and what to
// be careful about.
func (b *planBuilder) addReasonsAndCautions(ns *Namespace, by *permittedLevel) {
	ns.Reasons = append(b.levelReasons(ns, by), ns.Reasons...)
	b.cautionGaps(ns)
	if n := countEstimatedWorkloads(ns.Workloads); n > 0 {
		ns.Cautions = append(ns.Cautions, message.New("level-estimated", "n", n))
	}
	b.cautionInjections(ns)
	cautionPSPRefusals(ns)
	cautionDebugContainers(ns)
	cautionEnforceBreakage(ns)
	b.cautionUnreadRoles(ns)
	b.cautionPodCreators(ns)
}

// cautionUnreadRoles warns where policies decide and some that may be used here are not known: files need not hold the
// roles that their bindings name. In a live cluster a role that was not read does not exist.
func (b *planBuilder) cautionUnreadRoles(ns *Namespace) {
	unread := b.grants.BindingsToMissingRoles[ns.Name]
	decides := ns.NeededLevel == "" || b.opts.Basis == BasisPolicies || b.opts.Basis == BasisBoth
	if len(unread) == 0 || !decides || b.inv.Source.Origin() != inventory.SourceFiles {
		return
	}
	ns.Cautions = append(ns.Cautions, message.New("roles-unread", "bindings", unread))
}

// cautionPSPRefusals adds a caution on live pods that PSP admission would not admit again, or not with the same values,
// today.
func cautionPSPRefusals(ns *Namespace) {
	var refused, drifted []WorkloadRef
	for _, w := range ns.Workloads {
		ref := WorkloadRef{w.Kind, w.Name}
		if len(w.Refused) > 0 {
			refused = append(refused, ref)
		}
		if len(w.AdmissionDrift) > 0 && w.Kind != "Pod" { // who created those is not known
			drifted = append(drifted, ref)
		}
	}
	if len(refused) > 0 {
		ns.Cautions = append(ns.Cautions, message.New("psp-refuses-pods", "workloads", workloadNames(refused)))
	}
	if len(drifted) > 0 {
		ns.Cautions = append(ns.Cautions, message.New("psp-admission-drift", "workloads", workloadNames(drifted)))
	}
}

// joinFirst joins names with commas for a sentence of the Plan; of more than the limit it counts the others.
func joinFirst(names []string, limit int) string {
	if len(names) > limit {
		names = append(slices.Clone(names[:limit]), fmt.Sprintf("%d more", len(names)-limit))
	}
	return strings.Join(names, ", ")
}

// cautionEnforceBreakage adds a caution on what the recommended enforce level would refuse, and where it is looser than
// today's, whether anything that runs asks for that.
func cautionEnforceBreakage(ns *Namespace) {
	today, enforce := ns.EffectivePolicyToday().Enforce.Level, api.Level(ns.RecommendedLabels.Enforce)
	label, byConfiguration, _ := ns.labelOrigin(api.EnforceLevelLabel)
	switch {
	case ns.Action != ActionLoosen || !levels.Looser(enforce, today): // keepNewerPins has told of a looser version
	case len(workloadsRefusedAt(ns.Workloads, today)) > 0:
		ns.Cautions = append(ns.Cautions, message.New("loosens-what-runs", "today", today, "label", label, "byConfiguration", byConfiguration, "level", enforce))
	case levels.Looser(ns.NeededLevel, today):
		ns.Cautions = append(ns.Cautions, message.New("loosens-exempt", "today", today, "label", label, "byConfiguration", byConfiguration, "level", enforce))
	default:
		ns.Cautions = append(ns.Cautions, message.New("loosens-needlessly", "today", today, "label", label, "byConfiguration", byConfiguration, "level", enforce))
	}
	if refused := workloadsRefusedAt(ns.Workloads, enforce); len(refused) > 0 && !ns.Exempt {
		ns.Cautions = append(ns.Cautions, message.New("enforce-refuses-workloads", "level", enforce, "workloads", workloadNames(refused), "all", len(ns.Workloads), "needed", ns.NeededLevel))
	}
}

// levelReasons returns the reasons for the recommended level of a namespace, one or two sentences.
func (b *planBuilder) levelReasons(ns *Namespace, by *permittedLevel) []message.Message {
	var out []message.Message
	switch ns.NeededLevel {
	case "":
		return emptyNamespaceReasons(ns)
	case api.LevelRestricted:
		out = append(out, message.New("restricted-met"))
	default:
		refs := workloadsBelowLevel(workloadsCountingForLevel(ns.Workloads), levels.NextStricter(ns.NeededLevel))
		out = append(out, message.New("level-needed", "level", ns.NeededLevel, "workloads", workloadNames(refs), "next", levels.NextStricter(ns.NeededLevel)))
	}
	for _, w := range ns.LevelWithout {
		out = append(out, message.New("level-without-workloads", "workloads", workloadNames(w.Workloads), "level", w.Level))
	}
	if levels.Looser(ns.NeededLevel, ns.AchievableLevel) {
		out = append(out, message.New("level-achievable", "level", ns.AchievableLevel, "barePods", changedBarePods(ns)))
	}
	switch {
	case levels.Looser(ns.PermittedLevel, ns.NeededLevel):
		out = append(out, message.New("needed-stricter-than-permitted", "needed", ns.NeededLevel, "permitted", ns.PermittedLevel, "policy", by.loosestPolicy))
	case levels.Looser(ns.NeededLevel, ns.PermittedLevel):
		out = append(out, message.New("needed-looser-than-permitted", "needed", ns.NeededLevel, "permitted", ns.PermittedLevel, "policy", by.loosestPolicy))
	}
	if ns.PermittedLevel == "" && b.opts.Basis == BasisPolicies && b.opts.Enforce == "" {
		out = append(out, message.New("no-policy-for-namespace"))
	}
	return out
}

// emptyNamespaceReasons returns the reasons for the recommended level of a namespace in which nothing runs, as far as
// was read.
func emptyNamespaceReasons(ns *Namespace) []message.Message {
	nothing := nothingRunsReason(ns)
	if ns.HasUncertainPart(inventory.PartWorkloads) && len(ns.Workloads) == 0 {
		nothing = message.New("empty-as-far-as-read")
	}
	switch enforce := ns.RecommendedLabels.Enforce; {
	case ns.DecidedBy == nil && ns.Complete:
		return nil
	case ns.DecidedBy == nil:
		return []message.Message{nothing}
	case ns.DecidedBy.Policy != "":
		return []message.Message{message.New("empty-by-policy", "empty", nothing.Text, "policy", ns.DecidedBy.Policy, "level", ns.PermittedLevel)}
	case enforce == "":
		return []message.Message{nothing}
	case ns.DecidedBy.Basis == BasisOverride:
		return []message.Message{message.New("empty-by-override", "empty", nothing.Text)}
	default:
		return []message.Message{message.New("empty-kept-strict", "empty", nothing.Text, "level", enforce)}
	}
}

// workloadsBelowLevel returns the workloads of a namespace of the Plan whose level after PSP is looser than a level.
func workloadsBelowLevel(workloads []Workload, level api.Level) []WorkloadRef {
	var out []WorkloadRef
	for _, w := range workloads {
		if levels.Looser(w.Levels.AfterPSP, level) {
			out = append(out, WorkloadRef{w.Kind, w.Name})
		}
	}
	return out
}

// countEstimatedWorkloads returns how many workloads of a namespace of the Plan have an estimated level after PSP.
func countEstimatedWorkloads(workloads []Workload) int {
	n := 0
	for _, w := range workloads {
		if w.LevelEstimated {
			n++
		}
	}
	return n
}

// changedBarePods returns the names of the bare pods of a namespace of the Plan whose level rests on what a policy sets in them. No
// patch changes them.
func changedBarePods(ns *Namespace) []string {
	var pods []WorkloadRef
	for _, w := range workloadsCountingForLevel(ns.Workloads) {
		if w.Kind == "Pod" && levels.Looser(w.Levels.AfterPSP, w.Levels.AsAdmitted) {
			pods = append(pods, WorkloadRef{w.Kind, w.Name})
		}
	}
	return workloadNames(pods)
}
