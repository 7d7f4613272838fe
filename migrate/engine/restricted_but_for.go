package engine

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// buildRestrictedButFor makes the sets that add to labels those checks of the next stricter level that what runs meets. It returns
// an error where the checks of the standards cannot be set up.
func (b *builder) buildRestrictedButFor() error {
	evaluator, err := pss.NewEvaluator()
	if err != nil {
		return fmt.Errorf("setting up the checks of the standards: %w", err)
	}
	bySet := map[string]int{}
	var strictest, exempt, unread []string
	failing := map[string][]string{}
	for _, ns := range b.namespaces {
		label := b.labelOf(ns)
		switch {
		case ns.Exempt:
			exempt = append(exempt, ns.Name)
			continue
		case ns.RecommendedLabels.Enforce == "" || ns.HasUncertainPart(inventory.PartWorkloads):
			unread = append(unread, ns.Name)
			continue
		case label.Level == api.LevelRestricted:
			strictest = append(strictest, ns.Name)
			continue
		}
		checks := b.checksBeyond(ns, label, evaluator)
		if len(checks) == 0 {
			next := string(levels.NextStricter(label.Level))
			failing[next] = append(failing[next], ns.Name)
			continue
		}
		key := fmt.Sprint(label, checks)
		at, known := bySet[key]
		if !known {
			at = len(b.table.Sets)
			bySet[key] = at
			b.table.Sets = append(b.table.Sets, Set{Level: label.Level, Version: label.Version.String(), Checks: checks})
		}
		b.table.Sets[at].Namespaces = append(b.table.Sets[at].Namespaces, ns.Name)
	}
	if len(strictest) > 0 {
		b.nothing(message.New("engine-strictest-level", "namespaces", strictest), strictest)
	}
	for _, level := range levels.LooseToStrict() {
		if names := failing[string(level)]; len(names) > 0 {
			b.nothing(message.New("engine-no-check-met", "level", level, "namespaces", names), names)
		}
	}
	if len(exempt) > 0 {
		b.leaveOut(message.New("engine-exempt-namespaces", "namespaces", exempt), exempt)
	}
	if len(unread) > 0 {
		b.leaveOut(message.New("engine-workloads-not-known", "namespaces", unread), unread)
	}
	return nil
}

// checksBeyond returns the checks of the level above a label that a namespace can be held to: those that all of its workloads meet, and
// with exceptions those that a few fail. It says which it leaves out.
func (b *builder) checksBeyond(ns *migrate.Namespace, label api.LevelVersion, evaluator *pss.Evaluator) []LevelCheck {
	failedBy := map[string][]string{}
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		if w.Exempt != nil && w.Exempt.RuntimeClass != "" {
			continue // the label does not hold for it either
		}
		name := w.Kind + "/" + w.Name
		for _, v := range w.Violations {
			if list := failedBy[v.Check]; len(list) == 0 || list[len(list)-1] != name {
				failedBy[v.Check] = append(list, name)
			}
		}
	}
	has := evaluator.Checks(label)
	var out []LevelCheck
	for _, id := range evaluator.Checks(api.LevelVersion{Level: levels.NextStricter(label.Level), Version: label.Version}) {
		if slices.Contains(has, id) {
			continue
		}
		failed := failedBy[id]
		if len(failed) > b.opts.MaxExceptions {
			b.table.LeftOut = append(b.table.LeftOut, Remark{
				Message: message.New("engine-check-failed", "check", id, "workloads", failed, "namespace", ns.Name), Field: id, Namespaces: []string{ns.Name},
			})
			continue
		}
		slices.SortFunc(failed, strings.Compare)
		out = append(out, LevelCheck{ID: id, ExceptWorkloads: failed})
	}
	return out
}
