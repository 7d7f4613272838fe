package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// planRow is a line of the report's table of namespaces, about one of them or about several whose lines are alike.
type planRow struct {
	names []string
	rank  rowRank
	// today and enforce are the cells on the level that is enforced today and the one to enforce.
	today, enforce string
	// before is what the text on the workloads begins with.
	before string
	// workload is the one that decides, by its short name, and workloads the number of all that stand in the way. It is ""
	// where none does, and in a line about namespaces in which different ones do.
	workload  string
	workloads int
	// why is what stands in the way in the words of Pod Security admission, or why nothing does; more is the number of the
	// other checks, -1 where it is not the same in all namespaces of the line.
	why  string
	more int
	// remarks are what else changes the line; platform is true for namespaces of Kubernetes or of a provider.
	remarks  []string
	platform bool
}

// rowRank is the place of a line in the report's table of namespaces: the worst is first.
type rowRank int

// The ranks, in the order of the table.
const (
	rankUnknown rowRank = iota
	rankRefusing
	rankLoosened
	rankPrivileged
	rankBaseline
	rankRestricted
	rankSkipped
)

// rankOf returns the place of a namespace in the report's table: not known, asked to refuse what runs, labelled stricter
// than what runs today, and then by the level to enforce.
func rankOf(ns *migrate.Namespace) rowRank {
	level := api.Level(ns.RecommendedLabels.Enforce)
	switch {
	case ns.Action == migrate.ActionWithheld, level == "" && !ns.Terminating && ns.HasUncertainPart(inventory.PartWorkloads):
		return rankUnknown
	case ns.Action == migrate.ActionSkip || level == "":
		return rankSkipped
	case levels.Looser(ns.NeededLevel, level) && !ns.Exempt:
		return rankRefusing
	case labels.WithholdsLoosening(ns):
		return rankLoosened
	}
	return rankPrivileged + rowRank(max(levels.Rank(level), 0))
}

// rows returns the lines of the report's table of namespaces, the worst first and then by name.
func (s *planScreen) rows() []planRow {
	rows := make([]planRow, len(s.plan.Namespaces))
	gaps := s.firstGaps()
	for i := range s.plan.Namespaces {
		ns := &s.plan.Namespaces[i]
		rows[i] = planRow{names: []string{ns.Name}, rank: rankOf(ns), today: s.todayAt(ns), enforce: enforceCell(ns), platform: ns.System}
		rows[i].setWhy(ns, gaps)
		rows[i].remarks = s.remarksOn(ns)
	}
	slices.SortFunc(rows, func(a, b planRow) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.names[0], b.names[0]))
	})
	return rows
}

// todayCell returns the table cell for the enforce level that a namespace has today: from its label, or the admission
// configuration.
func todayCell(ns *migrate.Namespace) string {
	label := phrases.CurrentLabel(ns, api.EnforceLevelLabel)
	switch {
	case ns.Exempt:
		return "exempt"
	case label == "" && ns.EffectiveLabels != nil:
		return ns.EffectiveLabels.Enforce + " (default)"
	case label == "" && ns.ObjectNotRead:
		return "unknown"
	case label == "":
		return "none"
	case levels.Rank(api.Level(label)) < 0:
		return label + " (invalid)"
	}
	return label
}

// todayAt returns todayCell, and where the level is the recommended one, or stays, with the version of the label if that is
// not the target of the report: then the version is the difference.
func (s *planScreen) todayAt(ns *migrate.Namespace) string {
	cell, version := todayCell(ns), phrases.CurrentLabel(ns, api.EnforceVersionLabel)
	if version == "" || version == s.plan.TargetVersion || cell != ns.RecommendedLabels.Enforce && rankOf(ns) != rankLoosened || cell != phrases.CurrentLabel(ns, api.EnforceLevelLabel) {
		return cell
	}
	return phrases.LevelVersion(cell, version)
}

// enforceCell returns the table cell for the enforce level that is recommended for a namespace.
func enforceCell(ns *migrate.Namespace) string {
	switch rankOf(ns) {
	case rankUnknown:
		return "unknown"
	case rankSkipped:
		if todayCell(ns) == "none" {
			return "not set"
		}
		return "as today"
	case rankLoosened:
		return "as today"
	}
	return ns.RecommendedLabels.Enforce
}

// setWhy sets what stands in the way of the next level of a namespace in its line of the report.
func (r *planRow) setWhy(ns *migrate.Namespace, gaps map[string]string) {
	recommended := api.Level(ns.RecommendedLabels.Enforce)
	switch {
	case r.rank == rankUnknown:
		r.why = "gap: " + cmp.Or(gaps[ns.Name], gaps["*"], strings.Join(ns.UncertainParts, ", "))
	case ns.Terminating:
		r.why = "it is being deleted"
	case r.rank == rankLoosened:
		r.setBlockers(ns)
		r.before = fmt.Sprintf("needs %s for ", recommended)
	case r.rank == rankRefusing:
		r.setBlockers(ns)
		r.before = decisionWords(ns) + " refuses "
	case levels.Looser(recommended, ns.NeededLevel):
		r.why = "what runs meets " + string(ns.NeededLevel)
	case len(ns.Blockers) > 0:
		r.setBlockers(ns)
	case ns.NeededLevel == "":
		r.why = phrases.EmptyNamespacePhrase(ns)
	default:
		r.why = "nothing"
	}
}

// decisionWords returns the report's words for what decided a level other than the one that everything meets.
func decisionWords(ns *migrate.Namespace) string {
	switch d := ns.DecidedBy; {
	case d != nil && d.Basis == migrate.BasisOverride:
		return "--enforce"
	case d != nil && d.Policy != "":
		return phrases.ObjectName("psp", d.Policy)
	}
	return "the level"
}

// setBlockers sets the workload that decides, the check of it that weighs most, and the numbers of the others.
func (r *planRow) setBlockers(ns *migrate.Namespace) {
	blocked, checks := blockedWorkloads(ns), map[string]bool{}
	for _, b := range ns.Blockers {
		checks[b.Check] = true
	}
	var decides migrate.WorkloadRef
	if d := ns.DecidedBy; d != nil && d.Workload != nil && blocked[*d.Workload] {
		decides = *d.Workload
	} else if len(ns.Blockers) > 0 && len(ns.Blockers[0].Workloads) > 0 {
		decides = ns.Blockers[0].Workloads[0]
	}
	var first *migrate.Blocker
	for i := range ns.Blockers {
		b := &ns.Blockers[i]
		if slices.Contains(b.Workloads, decides) && (first == nil || checkWeight(b.Check) < checkWeight(first.Check)) {
			first = b
		}
	}
	if first == nil {
		return
	}
	r.workload, r.workloads, r.why, r.more = shortObjectName(decides), len(blocked), first.Reason, len(checks)-1
}

// shortObjectName returns the name of a workload in a report as kubectl takes it, with the short name of its kind:
// deploy/web.
func shortObjectName(ref migrate.WorkloadRef) string {
	if k, ok := inventory.WorkloadKindOf(ref.Kind); ok && k.ShortName != "" {
		return phrases.ObjectName(k.ShortName, ref.Name)
	}
	return phrases.ObjectName(ref.Kind, ref.Name)
}

// checkWeight returns the place of a check among those that a line of the report can name: the one that is hardest to
// give up is first, since it says most about the workload.
func checkWeight(check string) int {
	order := []string{
		"privileged", "hostNamespaces", "windowsHostProcess", "hostPathVolumes", "capabilities_baseline", "hostPorts",
		"hostProbesAndHostLifecycle", "procMount", "sysctls", "appArmorProfile", "seLinuxOptions", "seccompProfile_baseline",
		"runAsUser", "runAsNonRoot", "restrictedVolumes", "procMount_restricted", "seccompProfile_restricted", "capabilities_restricted", "allowPrivilegeEscalation",
	}
	if at := slices.Index(order, check); at >= 0 {
		return at
	}
	return len(order)
}

// remarksOn returns what else changes the line of a namespace in the report: the level after 'patch --keep', what decided
// but what runs, other labels than without flags, exemptions, the owner of its labels.
func (s *planScreen) remarksOn(ns *migrate.Namespace) []string {
	var out []string
	if by := injectorsThatDecide(ns); len(by) > 0 {
		out = append(out, "if "+english.First(by, 2)+" "+english.Plural(len(by), "injects", "inject"))
	}
	if isEstimated(ns) {
		out = append(out, "estimated")
	}
	if level := s.levelAfterKeep(ns); level != "" {
		out = append(out, "patch --keep reaches "+string(level))
	}
	if d := ns.DecidedBy; d != nil && rankOf(ns) > rankRefusing {
		switch {
		case d.Basis == migrate.BasisOverride:
			out = append(out, "asked for with --enforce")
		case d.Policy != "":
			out = append(out, phrases.ObjectName("psp", d.Policy)+" permits it")
		}
	}
	if other := otherModes(ns); other != "" {
		out = append(out, other)
	}
	exempt := 0
	for i := range ns.Workloads {
		if ns.Workloads[i].Exempt != nil {
			exempt++
		}
	}
	if exempt > 0 {
		out = append(out, english.Count(exempt, "workload is exempt", "workloads are exempt"))
	}
	if ns.LabelOwner != "" {
		out = append(out, ns.LabelOwner+" writes its labels")
	}
	return out
}

// decides reports whether a workload needs the level that its namespace in the report needs, so that no stricter one is
// possible.
func decides(ns *migrate.Namespace, w *migrate.Workload) bool {
	return ns.NeededLevel != "" && w.Evaluation != nil && w.Exempt == nil && w.Levels.AfterPSP == ns.NeededLevel
}

// isEstimated reports whether the level of a namespace in the report rests on what a policy is assumed to have set.
func isEstimated(ns *migrate.Namespace) bool {
	for i := range ns.Workloads {
		if w := &ns.Workloads[i]; decides(ns, w) && w.LevelEstimated {
			return true
		}
	}
	return false
}

// injectorsThatDecide returns what is taken to add containers to pods of a namespace in the report, where these
// containers can have no stricter level than it needs and no live pod shows them.
func injectorsThatDecide(ns *migrate.Namespace) []string {
	var out []string
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		if !decides(ns, w) || ns.NeededLevel == api.LevelRestricted {
			continue
		}
		for _, in := range w.Injections {
			if in.Level == ns.NeededLevel && !slices.Contains(out, in.Injector) {
				out = append(out, in.Injector)
			}
		}
	}
	slices.Sort(out)
	return out
}

// otherModes returns the report's text on the warn and audit levels of a namespace that are not restricted, as they are
// without flags; "" for none.
func otherModes(ns *migrate.Namespace) string {
	var out []string
	for _, mode := range [][2]string{{"warn", ns.RecommendedLabels.Warn}, {"audit", ns.RecommendedLabels.Audit}} {
		if mode[1] != "" && mode[1] != string(api.LevelRestricted) {
			out = append(out, mode[0]+"="+mode[1])
		}
	}
	return strings.Join(out, " ")
}

// levelAfterKeep returns the level that a namespace of the report reaches once 'patch --keep' is applied; "" where that
// is none that is stricter than what it needs now.
func (s *planScreen) levelAfterKeep(ns *migrate.Namespace) api.Level {
	return levelAfterKeep(ns, s.patched)
}

// levelAfterKeep returns, for a report, the level that a namespace reaches once what 'patch --keep' writes is applied to the
// patched workloads; "" where that is none that is stricter than what it needs now.
func levelAfterKeep(ns *migrate.Namespace, patched map[patch.WorkloadRef]bool) api.Level {
	if !levels.Looser(ns.NeededLevel, ns.AchievableLevel) {
		return ""
	}
	var out api.Level
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		switch {
		case w.Exempt != nil && w.Exempt.RuntimeClass != "":
		case patched[patch.WorkloadRef{Namespace: ns.Name, Kind: w.Kind, Name: w.Name}] && w.Levels.AsAdmitted != "":
			out = levels.LeastStrict(out, w.Levels.AsAdmitted)
		default:
			out = levels.LeastStrict(out, w.Levels.AfterPSP)
		}
	}
	if !levels.Looser(ns.NeededLevel, out) {
		return ""
	}
	return out
}
