package difference

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// workloadKey names a workload of a namespace in a Plan. Where names are still to be generated several have one; they are numbered.
type workloadKey struct {
	kind, name string
	number     int
}

// compareKeys orders the workloads of a namespace by kind, name and number.
func compareKeys(x, y workloadKey) int {
	return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.name, y.name), cmp.Compare(x.number, y.number))
}

// object returns the name of a workload for a Change.
func (k workloadKey) object() string { return k.kind + "/" + k.name }

// phrase returns the name of a workload as sentences have it: deployment/web.
func (k workloadKey) phrase() string { return strings.ToLower(k.kind) + "/" + k.name }

// workloadsOf returns the workloads of a namespace of a Plan by their keys.
func workloadsOf(ns *migrate.Namespace) map[workloadKey]*migrate.Workload {
	if ns == nil {
		return nil
	}
	out := make(map[workloadKey]*migrate.Workload, len(ns.Workloads))
	seen := map[workloadKey]int{}
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		key := workloadKey{kind: w.Kind, name: w.Name}
		key.number, seen[key] = seen[key], seen[key]+1
		out[key] = w
	}
	return out
}

// eachWorkload visits the workloads of a namespace that either Plan has, in their order; one that a Plan does not have is nil.
func (p *namespacePair) eachWorkload(visit func(key workloadKey, before, after *migrate.Workload)) {
	before, after := workloadsOf(p.before), workloadsOf(p.after)
	keys := make([]workloadKey, 0, len(after))
	for key := range after {
		keys = append(keys, key)
	}
	for key := range before {
		if after[key] == nil {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, compareKeys)
	for _, key := range keys {
		visit(key, before[key], after[key])
	}
}

// afterPSP returns the level of a workload's pods after PSP; "" for none.
func afterPSP(w *migrate.Workload) api.Level {
	if w == nil || w.Evaluation == nil {
		return ""
	}
	return w.Levels.AfterPSP
}

// failedChecks returns the checks that a workload fails.
func failedChecks(w *migrate.Workload) []string {
	if w == nil || w.Evaluation == nil {
		return nil
	}
	var out []string
	for i := range w.Violations {
		out = append(out, w.Violations[i].Check)
	}
	return out
}

// blockingChecks returns, by workload, the checks for which a namespace of a Plan stays below the next stricter level.
func blockingChecks(ns *migrate.Namespace) map[migrate.WorkloadRef][]string {
	out := map[migrate.WorkloadRef][]string{}
	if ns == nil {
		return out
	}
	for i := range ns.Blockers {
		b := &ns.Blockers[i]
		for _, ref := range b.Workloads {
			out[ref] = append(out[ref], b.Check)
		}
	}
	return out
}

// hidesRunning reports whether one of the two Plans may not have read what runs in a namespace: of what it does not have, by any gap; of
// what both have, by a gap that the other Plan does not have, since one that both have hides the same of it.
func (s *side) hidesRunning(p *namespacePair, hidden, inBoth bool) bool {
	if inBoth {
		return s.ownGaps.of(p.name, inventory.PartWorkloads, inventory.PartPolicies)
	}
	return hidden || s.mayHide(p.name, inventory.PartWorkloads, inventory.PartPolicies)
}

// compareWorkloads compares what runs in a namespace of two Plans, and what of it keeps the namespace from its next level.
func (c *comparison) compareWorkloads(p *namespacePair) {
	unseenBefore, unseenAfter := unseen(p.before), unseen(p.after)
	blockedBefore, blockedAfter := blockingChecks(p.before), blockingChecks(p.after)
	compared := map[migrate.WorkloadRef]bool{}
	p.eachWorkload(func(key workloadKey, before, after *migrate.Workload) {
		ref := migrate.WorkloadRef{Kind: key.kind, Name: key.name}
		inBoth := before != nil && after != nil
		w := workloadPair{
			namespacePair: p, key: key, before: before, after: after,
			hiddenBefore: c.before.hidesRunning(p, p.hiddenBefore, inBoth) || before == nil && unseenBefore[ref],
			hiddenAfter:  c.after.hidesRunning(p, p.hiddenAfter, inBoth) || after == nil && unseenAfter[ref],
		}
		c.compareWorkload(&w)
		if c.sameStandards && !compared[ref] {
			c.compareBlockers(&w, blockedBefore[ref], blockedAfter[ref])
		}
		compared[ref] = true
	})
}

// unseen returns the objects of custom kinds in a namespace of which no pod was seen.
func unseen(ns *migrate.Namespace) map[migrate.WorkloadRef]bool {
	out := map[migrate.WorkloadRef]bool{}
	for _, ref := range none(ns).UnseenWorkloads {
		out[ref] = true
	}
	return out
}

// workloadPair is one workload of a namespace in two Plans; nil in one that does not have it.
type workloadPair struct {
	*namespacePair
	key           workloadKey
	before, after *migrate.Workload
	// hiddenBefore and hiddenAfter: what is not in the Plan may not have been read.
	hiddenBefore, hiddenAfter bool
}

// compareWorkload keeps what changed of one workload: whether it is there, its level and the checks that it fails.
func (c *comparison) compareWorkload(w *workloadPair) {
	change := Change{Kind: KindWorkload, Op: OpChanged, Namespace: w.name, Object: w.key.object(), Direction: Neither}
	if c.sameStandards {
		change.Before, change.After = string(afterPSP(w.before)), string(afterPSP(w.after))
		failedBefore, failedAfter := failedChecks(w.before), failedChecks(w.after)
		change.Added, change.Removed = itemsOnlyIn(failedAfter, failedBefore), itemsOnlyIn(failedBefore, failedAfter)
	}
	if w.before == nil || w.after == nil {
		change.Op, change.Direction = existence(w.before != nil, w.hiddenBefore, w.hiddenAfter, Neither)
		change.Consequence = w.existenceMessage(&change)
		c.add(change)
		return
	}
	if change.Before == change.After && len(change.Added)+len(change.Removed) == 0 {
		return
	}
	change.Direction = levelDirection(knownLevel{afterPSP(w.before), !w.hiddenBefore}, knownLevel{afterPSP(w.after), !w.hiddenAfter})
	if len(change.Removed) > 0 && w.hiddenAfter || len(change.Added) > 0 && w.hiddenBefore {
		change.Direction = Unknown
	}
	change.Consequence = w.checksMessage(&change)
	c.add(change)
}

// existenceMessage returns the sentence on a workload that one of two Plans has.
func (w *workloadPair) existenceMessage(change *Change) message.Message {
	switch change.Op {
	case OpAdded:
		return message.New("difference-workload-new", "workload", w.key.phrase(), "namespace", w.name, "level", change.After, "checks", change.Added)
	case OpRemoved:
		return message.New("difference-workload-gone", "workload", w.key.phrase(), "namespace", w.name, "level", change.Before, "needed", len(change.Removed) > 0)
	case OpUnreadNow:
		return message.New("difference-workload-unread-now", "workload", w.key.phrase(), "namespace", w.name)
	}
	return message.New("difference-workload-unread-before", "workload", w.key.phrase(), "namespace", w.name, "level", change.After)
}

// checksMessage returns the sentence on a workload that fails other checks than before.
func (w *workloadPair) checksMessage(change *Change) message.Message {
	level := change.Before != change.After
	switch {
	case change.Direction == Unknown:
		return message.New("difference-workload-unsure", "workload", w.key.phrase(), "namespace", w.name, "added", change.Added, "removed", change.Removed)
	case len(change.Added) == 0 && len(change.Removed) > 0:
		return message.New("difference-workload-fixed", "workload", w.key.phrase(), "namespace", w.name, "removed", change.Removed, "before", change.Before, "after", change.After, "level", level,
			"left", itemsOnlyIn(failedChecks(w.after), nil))
	}
	return message.New("difference-workload-worse", "workload", w.key.phrase(), "namespace", w.name, "added", change.Added, "removed", change.Removed,
		"before", change.Before, "after", change.After, "level", level)
}

// compareBlockers keeps which checks of a workload keep its namespace from the next level now and did not before, and the other way round.
// A blocker is new if the workload did not fail the check before: else it blocks because the namespace has another next level.
func (c *comparison) compareBlockers(w *workloadPair, before, after []string) {
	added, removed := itemsOnlyIn(after, before), itemsOnlyIn(before, after)
	if len(added)+len(removed) == 0 {
		return
	}
	change := Change{Kind: KindBlocker, Op: OpChanged, Namespace: w.name, Object: w.key.object(), Added: added, Removed: removed, Direction: Neither}
	newly := itemsOnlyIn(added, failedChecks(w.before))
	cleared := itemsOnlyIn(removed, failedChecks(w.after))
	if len(newly) > 0 && w.hiddenBefore || len(cleared) > 0 && w.hiddenAfter {
		change.Direction = Unknown
	}
	if !w.hiddenBefore {
		change.NewBlockers = newly
	}
	change.Consequence = w.blockerMessage(&change, cleared)
	c.add(change)
}

// blockerMessage returns the sentence on a workload that keeps its namespace from the next level for other checks than before.
func (w *workloadPair) blockerMessage(change *Change, cleared []string) message.Message {
	next := string(levels.NextStricter(none(w.namespacePair.after).NeededLevel))
	was := string(levels.NextStricter(none(w.namespacePair.before).NeededLevel))
	switch {
	case len(change.NewBlockers) > 0:
		return message.New("difference-blocker-new", "workload", w.key.phrase(), "namespace", w.name, "level", next, "checks", change.NewBlockers, "isNew", w.before == nil)
	case change.Direction == Unknown:
		return message.New("difference-blocker-unsure", "workload", w.key.phrase(), "namespace", w.name, "added", change.Added, "removed", change.Removed)
	case len(change.Added) == 0 && len(cleared) > 0:
		return message.New("difference-blocker-gone", "workload", w.key.phrase(), "namespace", w.name, "level", was, "checks", cleared, "isGone", w.after == nil)
	}
	return message.New("difference-blocker-moved", "workload", w.key.phrase(), "namespace", w.name, "level", next, "added", change.Added, "removed", change.Removed)
}

// causes are the workloads for which a namespace needs another level than before: those that were fixed or went, and those that came or
// need more.
type causes struct{ fixed, gone, added, worse []string }

// levelCauses returns the workloads for which a level of a namespace that rests on what runs changed as it did.
func levelCauses(p *namespacePair, change *Change) causes {
	var out causes
	if !p.inBoth() || change.Direction != Looser && change.Direction != Stricter {
		return out
	}
	was, is := api.Level(change.Before), api.Level(change.After)
	p.eachWorkload(func(key workloadKey, before, after *migrate.Workload) {
		b, a := afterPSP(before), afterPSP(after)
		switch {
		case change.Direction == Stricter && levels.Looser(b, is) && after == nil:
			out.gone = append(out.gone, key.phrase())
		case change.Direction == Stricter && levels.Looser(b, is) && !levels.Looser(a, is):
			out.fixed = append(out.fixed, key.phrase())
		case change.Direction == Looser && levels.Looser(a, was) && before == nil:
			out.added = append(out.added, key.phrase())
		case change.Direction == Looser && levels.Looser(a, was) && !levels.Looser(b, was):
			out.worse = append(out.worse, key.phrase())
		}
	})
	return out
}
