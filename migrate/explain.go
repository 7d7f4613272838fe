package migrate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// olderServer says so where only the server's own, older version of the standards keeps the level down: it takes the
// newer pin for its latest.
func (b *builder) olderServer(ns *Namespace, workloads []inventory.Workload) {
	if len(b.enforceAt) < 2 {
		return
	}
	var atTarget api.Level
	for i := range workloads {
		atTarget = leastStrict(atTarget, b.judge.AfterPSP(&workloads[i], b.target).Level)
	}
	if looser(ns.Needed, atTarget) {
		ns.Reasons = append(ns.Reasons, fmt.Sprintf("a server of %s takes the newer pin for its own version until it is upgraded; by %s alone the namespace would need %s", b.enforceAt[1], b.target, atTarget))
	}
}

// acrossVersions computes the needed level at every version from v1.25 to the newest known, and says where it changes.
func (b *builder) acrossVersions(ns *Namespace, workloads []inventory.Workload) {
	if len(workloads) == 0 {
		return
	}
	points := b.changePoints
	at := make([]api.Level, len(points))
	for i, v := range points {
		for j := range workloads {
			at[i] = leastStrict(at[i], b.judge.AfterPSP(&workloads[j], v).Level)
		}
		if i > 0 && at[i] != at[i-1] {
			b.explainChange(ns, workloads, points[i-1], v, at[i-1], at[i])
		}
	}
	next := 0
	for _, v := range b.allVersions {
		for next+1 < len(points) && !v.Older(points[next+1]) {
			next++
		}
		ns.Versions = append(ns.Versions, VersionLevel{Version: v.String(), Needed: at[next]})
	}
}

// explainChange names the check that makes the needed level differ between two versions.
func (b *builder) explainChange(ns *Namespace, workloads []inventory.Workload, before, v api.Version, was, is api.Level) {
	stricter, looserAt := was, v
	if looser(was, is) {
		stricter, looserAt = is, before
	}
	var names []string
	var first string
	for i := range workloads {
		w := &workloads[i]
		for _, vio := range b.judge.AfterPSP(w, looserAt).Violations {
			// At the other version everything meets the stricter level: what keeps from it here is new or gone there.
			if !looser(stricter, vio.Level) {
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
	if looser(is, was) {
		ns.Cautions = append(ns.Cautions, text)
	} else {
		ns.Reasons = append(ns.Reasons, text)
	}
}

// caution adds the sentences that a reader needs: why this level, what holds it back, and what to be careful about.
func (b *builder) caution(ns *Namespace, by *permitted) {
	ns.Reasons = append(b.reasons(ns, by), ns.Reasons...)
	b.cautionGaps(ns)
	if n := countEstimated(ns.Workloads); n > 0 {
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s estimated: a policy had already changed the pods that were seen, and what their author wrote is not known", plural(n, "workload is", "workloads are")))
	}
	b.cautionInjections(ns)
	cautionForesight(ns)
	cautionDebugged(ns)
	cautionBreakage(ns)
	b.cautionUnreadRoles(ns)
	b.cautionCreators(ns)
}

// cautionUnreadRoles warns where policies decide and some that may be used here are not known: files need not hold the
// roles that their bindings name. In a live cluster a role that was not read does not exist.
func (b *builder) cautionUnreadRoles(ns *Namespace) {
	unread := b.grants.UnreadRoles[ns.Name]
	decides := ns.Needed == "" || b.opts.Basis == BasisPolicies || b.opts.Basis == BasisBoth
	if len(unread) == 0 || !decides || b.inv.Source.Kind != inventory.SourceFiles {
		return
	}
	ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s to a role that was not read (%s): more may be permitted here than is shown", plural(len(unread), "binding points", "bindings point"), firstOf(unread, 3)))
}

// cautionForesight tells of what PSP admission would not do again today.
func cautionForesight(ns *Namespace) {
	var refused, drifted []WorkloadRef
	for _, w := range ns.Workloads {
		ref := WorkloadRef{w.Kind, w.Name}
		if len(w.Refused) > 0 {
			refused = append(refused, ref)
		}
		if len(w.PolicyDrift) > 0 && w.Kind != "Pod" { // who created those is not known
			drifted = append(drifted, ref)
		}
	}
	if n := len(refused); n > 0 {
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("no usable policy would admit the pods of %s today: %s cannot be created while policies are enforced", joinRefs(refused), verb(n, "it", "they")))
	}
	if len(drifted) > 0 {
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("live pods of %s were admitted otherwise than they would be today: explain workload says how", joinRefs(drifted)))
	}
}

func firstOf(names []string, limit int) string {
	if len(names) > limit {
		names = append(slices.Clone(names[:limit]), fmt.Sprintf("%d more", len(names)-limit))
	}
	return strings.Join(names, ", ")
}

// cautionBreakage says what the enforce level would refuse, and where it is looser than today's, whether anything that
// runs asks for that.
func cautionBreakage(ns *Namespace) {
	today, enforce := ns.Today().Enforce.Level, api.Level(ns.Recommended.Enforce)
	said := fmt.Sprintf("today's enforce=%s%s", today, ns.sayer(api.EnforceLevelLabel))
	switch {
	case ns.Action != ActionLoosen || !looser(enforce, today): // keepNewerPins has told of a looser version
	case len(checkedBelow(ns.Workloads, today)) > 0:
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s is stricter than %s: what runs here would not be admitted again; loosen it only on purpose, or mend the workloads first", said, enforce))
	case looser(ns.Needed, today):
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s is stricter than %s, and what runs here and does not meet it is exempt: loosen it only on purpose", said, enforce))
	default:
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("%s is stricter than %s, and nothing that runs here asks for less: loosen it only on purpose", said, enforce))
	}
	if refused := checkedBelow(ns.Workloads, enforce); len(refused) > 0 && !ns.Exempt {
		ns.Cautions = append(ns.Cautions, fmt.Sprintf("enforce=%s would refuse %s of %d: what runs here needs %s", enforce, plural(len(refused), "workload", "workloads"), len(ns.Workloads), ns.Needed))
	}
}

// reasons explain the level in one or two sentences.
func (b *builder) reasons(ns *Namespace, by *permitted) []string {
	var out []string
	switch ns.Needed {
	case "":
		return reasonsEmpty(ns)
	case api.LevelRestricted:
		out = append(out, "everything that runs here meets restricted on the day after")
	default:
		refs := below(deciding(ns.Workloads), nextStricter(ns.Needed))
		out = append(out, fmt.Sprintf("what runs here needs %s: %s %s not meet %s", ns.Needed, joinRefs(refs), verb(len(refs), "does", "do"), nextStricter(ns.Needed)))
	}
	for _, w := range ns.Without {
		out = append(out, fmt.Sprintf("without %s this namespace would be %s", joinRefs(w.Workloads), w.Level))
	}
	if looser(ns.Needed, ns.Achievable) {
		out = append(out, fmt.Sprintf("it would be %s if templates stated what policies fill in today: patch writes that down", ns.Achievable))
	}
	if ns.Permitted != "" && ns.Permitted != ns.Needed {
		which := "stricter than what the policies permit"
		if looser(ns.Needed, ns.Permitted) {
			which = "looser than what the policies permit"
		}
		out = append(out, fmt.Sprintf("needed (%s) is %s (%s, by %s)", ns.Needed, which, ns.Permitted, by.loosest))
	}
	if ns.Permitted == "" && b.opts.Basis == BasisPolicies && b.opts.Enforce == "" {
		out = append(out, "no policy is meant for this namespace: what runs here decides")
	}
	return out
}

// reasonsEmpty explain the level where nothing runs, as far as was read.
func reasonsEmpty(ns *Namespace) []string {
	nothing := nothingRuns(ns)
	if ns.Unsure(inventory.Workloads) && len(ns.Workloads) == 0 {
		nothing = "nothing that was read runs here"
	}
	switch enforce := ns.Recommended.Enforce; {
	case ns.DecidedBy == nil && !ns.Complete:
		return []string{nothing}
	case ns.DecidedBy == nil:
		return nil
	case ns.DecidedBy.Policy != "":
		return []string{fmt.Sprintf("%s; policy %s permits %s", nothing, ns.DecidedBy.Policy, ns.Permitted)}
	case enforce == "":
		return []string{nothing}
	case ns.DecidedBy.Basis == BasisOverride:
		return []string{nothing + "; the level is the one asked for"}
	default:
		return []string{fmt.Sprintf("%s: %s keeps it so that what comes is safe", nothing, enforce)}
	}
}

func below(workloads []Workload, level api.Level) []WorkloadRef {
	var out []WorkloadRef
	for _, w := range workloads {
		if looser(w.Level.DayAfter, level) {
			out = append(out, WorkloadRef{w.Kind, w.Name})
		}
	}
	return out
}

func countEstimated(workloads []Workload) int {
	n := 0
	for _, w := range workloads {
		if w.Estimated {
			n++
		}
	}
	return n
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
