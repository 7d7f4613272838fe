package migrate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// explainOlderServer says so where only the server's own, older version of the standards keeps the level down: it takes the
// newer pin for its latest.
func (b *planBuilder) explainOlderServer(ns *Namespace, workloads []inventory.Workload) {
	if len(b.enforceAt) < 2 {
		return
	}
	var atTarget api.Level
	for i := range workloads {
		atTarget = looserLevel(atTarget, b.evaluator.AfterPSP(&workloads[i], b.target).Level)
	}
	if isLooserLevel(ns.NeededLevel, atTarget) {
		ns.Reasons = append(ns.Reasons, fmt.Sprintf("a server of %s takes the newer pin for its own version until it is upgraded; by %s alone the namespace would need %s", b.enforceAt[1], b.target, atTarget))
	}
}

// computeLevelPerVersion computes the needed level at every version from v1.25 to the newest known, and says where it changes.
func (b *planBuilder) computeLevelPerVersion(ns *Namespace, workloads []inventory.Workload) {
	if len(workloads) == 0 {
		return
	}
	points := b.changePoints
	at := make([]api.Level, len(points))
	for i, v := range points {
		for j := range workloads {
			at[i] = looserLevel(at[i], b.evaluator.AfterPSP(&workloads[j], v).Level)
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

// explainLevelChange names the check that makes the needed level differ between two versions.
func (b *planBuilder) explainLevelChange(ns *Namespace, workloads []inventory.Workload, before, v api.Version, was, is api.Level) {
	stricter, looserAt := was, v
	if isLooserLevel(was, is) {
		stricter, looserAt = is, before
	}
	var names []string
	var first string
	for i := range workloads {
		w := &workloads[i]
		for _, vio := range b.evaluator.AfterPSP(w, looserAt).Violations {
			// At the other version everything meets the stricter level: what keeps from it here is new or gone there.
			if !isLooserLevel(stricter, vio.Level) {
				names = append(names, vio.Check)
				if first == "" {
					first = strings.ToLower(w.Kind) + "/" + w.Name
				}
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	because := ""
	if len(names) > 0 {
		because = fmt.Sprintf(" (%s, %s)", strings.Join(names, ", "), first)
	}
	text := fmt.Sprintf("from %s of the standards on the namespace needs %s instead of %s%s", v, is, was, because)
	if isLooserLevel(is, was) {
		ns.Cautions = append(ns.Cautions, text)
	} else {
		ns.Reasons = append(ns.Reasons, text)
	}
}

// addReasonsAndCautions adds the sentences that a reader needs: why this level, what holds it back, and what to be careful about.
func (b *planBuilder) addReasonsAndCautions(ns *Namespace, by *permittedLevel) {
	ns.Reasons = append(b.levelReasons(ns, by), ns.Reasons...)
	b.cautionGaps(ns)
	if n := countEstimatedWorkloads(ns.Workloads); n > 0 {
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s estimated: a policy had already changed the pods that were seen, and what their author wrote is not known", countNoun(n, "workload is", "workloads are")))
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
	if len(unread) == 0 || !decides || b.inv.Source.Kind != inventory.SourceFiles {
		return
	}
	ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s to a role that was not read (%s): more may be permitted here than is shown", countNoun(len(unread), "binding points", "bindings point"), joinFirst(unread, 3)))
}

// cautionPSPRefusals tells of what PSP admission would not do again today.
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
	if n := len(refused); n > 0 {
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("no usable policy would admit the pods of %s today: %s cannot be created while policies are enforced", joinWorkloadRefs(refused), pluralVerb(n, "it", "they")))
	}
	if len(drifted) > 0 {
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("live pods of %s were admitted otherwise than they would be today: explain workload says how", joinWorkloadRefs(drifted)))
	}
}

func joinFirst(names []string, limit int) string {
	if len(names) > limit {
		names = append(slices.Clone(names[:limit]), fmt.Sprintf("%d more", len(names)-limit))
	}
	return strings.Join(names, ", ")
}

// cautionEnforceBreakage says what the enforce level would refuse, and where it is looser than today's, whether anything that
// runs asks for that.
func cautionEnforceBreakage(ns *Namespace) {
	today, enforce := ns.EffectivePolicyToday().Enforce.Level, api.Level(ns.RecommendedLabels.Enforce)
	said := fmt.Sprintf("today's enforce=%s%s", today, ns.labelOriginText(api.EnforceLevelLabel))
	switch {
	case ns.Action != ActionLoosen || !isLooserLevel(enforce, today): // keepNewerPins has told of a looser version
	case len(workloadsRefusedAt(ns.Workloads, today)) > 0:
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s is stricter than %s: what runs here would not be admitted again; loosen it only on purpose, or mend the workloads first", said, enforce))
	case isLooserLevel(ns.NeededLevel, today):
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s is stricter than %s, and what runs here and does not meet it is exempt: loosen it only on purpose", said, enforce))
	default:
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s is stricter than %s, and nothing that runs here asks for less: loosen it only on purpose", said, enforce))
	}
	if refused := workloadsRefusedAt(ns.Workloads, enforce); len(refused) > 0 && !ns.Exempt {
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("enforce=%s would refuse %s of %d: what runs here needs %s", enforce, countNoun(len(refused), "workload", "workloads"), len(ns.Workloads), ns.NeededLevel))
	}
}

// levelReasons explain the level in one or two sentences.
func (b *planBuilder) levelReasons(ns *Namespace, by *permittedLevel) []string {
	var out []string
	switch ns.NeededLevel {
	case "":
		return emptyNamespaceReasons(ns)
	case api.LevelRestricted:
		out = append(out, "everything that runs here meets restricted on the day after")
	default:
		refs := workloadsBelowLevel(workloadsCountingForLevel(ns.Workloads), nextStricterLevel(ns.NeededLevel))
		out = append(out, fmt.Sprintf("what runs here needs %s: %s %s not meet %s", ns.NeededLevel, joinWorkloadRefs(refs), pluralVerb(len(refs), "does", "do"), nextStricterLevel(ns.NeededLevel)))
	}
	for _, w := range ns.LevelWithout {
		out = append(out, fmt.Sprintf("without %s this namespace would be %s", joinWorkloadRefs(w.Workloads), w.Level))
	}
	if isLooserLevel(ns.NeededLevel, ns.AchievableLevel) {
		out = append(out, fmt.Sprintf("it would be %s if templates stated what policies fill in today: patch writes that down", ns.AchievableLevel))
	}
	if ns.PermittedLevel != "" && ns.PermittedLevel != ns.NeededLevel {
		which := "stricter than what the policies permit"
		if isLooserLevel(ns.NeededLevel, ns.PermittedLevel) {
			which = "looser than what the policies permit"
		}
		out = append(out, fmt.Sprintf("needed (%s) is %s (%s, by %s)", ns.NeededLevel, which, ns.PermittedLevel, by.loosestPolicy))
	}
	if ns.PermittedLevel == "" && b.opts.Basis == BasisPolicies && b.opts.Enforce == "" {
		out = append(out, "no policy is meant for this namespace: what runs here decides")
	}
	return out
}

// emptyNamespaceReasons explain the level where nothing runs, as far as was read.
func emptyNamespaceReasons(ns *Namespace) []string {
	nothing := nothingRunsText(ns)
	if ns.IsUncertain(inventory.PartWorkloads) && len(ns.Workloads) == 0 {
		nothing = "nothing that was read runs here"
	}
	switch enforce := ns.RecommendedLabels.Enforce; {
	case ns.DecidedBy == nil && !ns.Complete:
		return []string{nothing}
	case ns.DecidedBy == nil:
		return nil
	case ns.DecidedBy.Policy != "":
		return []string{fmt.Sprintf("%s; policy %s permits %s", nothing, ns.DecidedBy.Policy, ns.PermittedLevel)}
	case enforce == "":
		return []string{nothing}
	case ns.DecidedBy.Basis == BasisOverride:
		return []string{nothing + "; the level is the one asked for"}
	default:
		return []string{fmt.Sprintf("%s: %s keeps it so that what comes is safe", nothing, enforce)}
	}
}

func workloadsBelowLevel(workloads []Workload, level api.Level) []WorkloadRef {
	var out []WorkloadRef
	for _, w := range workloads {
		if isLooserLevel(w.Levels.AfterPSP, level) {
			out = append(out, WorkloadRef{w.Kind, w.Name})
		}
	}
	return out
}

func countEstimatedWorkloads(workloads []Workload) int {
	n := 0
	for _, w := range workloads {
		if w.LevelEstimated {
			n++
		}
	}
	return n
}

func countNoun(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func pluralVerb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
