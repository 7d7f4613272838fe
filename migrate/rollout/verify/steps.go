package verify

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// checkSteps returns a result for each step of the journal that came to no end, and for each role binding of the bypass that
// is gone since. A step is ok whose labels, or role binding, are there all the same. labels are those of the namespaces.
func (v *Verification) checkSteps(ctx context.Context, labels map[string]map[string]string) []CheckResult {
	if v.Journal == nil {
		return nil
	}
	var out []CheckResult
	selected, states := v.selectedNamespaces(), v.Journal.StepStates()
	bindings, unread := v.bypassBindings(ctx)
	for i := range v.Journal.Steps {
		s := &v.Journal.Steps[i]
		r := CheckResult{Namespace: s.Namespace, Check: CheckSteps}
		switch {
		case !selected[s.Namespace]:
			continue
		case s.Create == nil:
			have, exists := labels[s.Namespace]
			r.Status, r.Reason = labelStepStatus(s, &states[i], have, exists)
		default:
			r.Workload = strings.ToLower(s.Create.Kind) + "/" + s.Create.Name
			r.Status, r.Reason = bypassStepStatus(s, &states[i], bindings[s.Namespace], unread)
		}
		if r.Reason != "" {
			r.Reason = string(s.Stage) + ": " + r.Reason
			out = append(out, r)
		}
	}
	return out
}

// unfinishedStatus returns the status of a roll-out step that came to no end; the reason is "" if it did, or if its
// namespace was cancelled before it was begun.
func unfinishedStatus(state *rollout.StepState) (status CheckStatus, reason string) {
	const goBack, goOn = "go on with 'rollback'", "go on with 'rollout --resume'"
	switch last := state.LastEvent; {
	case last == rollout.Undone, last == rollout.Done && !state.RollbackBegun, !state.MayBeApplied && state.NamespaceCancelled:
		return StatusOK, ""
	case last == rollout.Undoing:
		return StatusUnknown, "taking it back was cut off: " + goBack
	case last == rollout.NotReverted:
		return StatusNotOK, "not reverted by the rollback: " + state.Reason
	case last == rollout.Altered:
		return StatusNotOK, "altered: " + state.Reason
	case last == rollout.Refused:
		return StatusNotOK, "refused: " + state.Reason
	case state.RollbackBegun:
		return StatusUnknown, "not taken back yet: " + goBack
	case last == rollout.Begun && state.NamespaceCancelled:
		return StatusUnknown, "begun, and cut off: " + goBack
	case last == rollout.Begun:
		return StatusUnknown, "begun, and cut off: " + goOn
	}
	return StatusUnknown, "not taken yet: " + goOn
}

// labelStepStatus returns the status of an unfinished roll-out step that changes labels, by those that the namespace
// has if it exists.
func labelStepStatus(s *rollout.Step, state *rollout.StepState, have map[string]string, exists bool) (status CheckStatus, reason string) {
	status, reason = unfinishedStatus(state)
	if reason != "" && exists && len(differingLabels(expectedLabelsOfStep(s, state), have)) == 0 {
		return StatusOK, reason + "; by now its labels are as they are to be"
	}
	return status, reason
}

// bypassStepStatus returns the status of an unfinished roll-out step that creates an object of the bypass, by whether
// the namespace has its role binding. For the objects that all namespaces share only the journal is asked.
func bypassStepStatus(s *rollout.Step, state *rollout.StepState, isBound bool, unread error) (status CheckStatus, reason string) {
	status, reason = unfinishedStatus(state)
	switch last := state.LastEvent; {
	case state.RollbackBegun || s.Namespace == "":
	case last == rollout.Done && unread != nil:
		return StatusUnknown, unreadText("list", rollout.RoleBindings().Resource, rollout.RoleBindings().Group, unread)
	case last == rollout.Done && !isBound:
		return StatusNotOK, "it was created, and is gone"
	case last == rollout.Begun && isBound:
		return StatusOK, reason + "; by now it is there"
	}
	return status, reason
}

// bypassBindings returns the namespaces to verify that have the role binding of the bypass. It lists them only if the
// journal has a step that creates one.
func (v *Verification) bypassBindings(ctx context.Context) (map[string]bool, error) {
	if !slices.ContainsFunc(v.Journal.Steps, func(s rollout.Step) bool { return s.Create != nil && s.Namespace != "" }) {
		return nil, nil
	}
	found, err := listAllPages(ctx, v.Client.Resource(rollout.RoleBindings()), "metadata.name="+rollout.BypassName, func(string) bool { return true },
		func(u *unstructured.Unstructured) (string, error) {
			if u.GetName() != rollout.BypassName {
				return "", nil
			}
			return u.GetNamespace(), nil
		})
	return namespaceNameSet(found), err
}

// selectedNamespaces returns the namespaces to verify. "", for the objects that the bypass of all namespaces shares, is
// among them if all namespaces of the journal are.
func (v *Verification) selectedNamespaces() map[string]bool {
	out := namespaceNameSet(v.Namespaces)
	out[""] = !slices.ContainsFunc(v.Journal.Steps, func(s rollout.Step) bool { return s.Namespace != "" && !out[s.Namespace] })
	return out
}
