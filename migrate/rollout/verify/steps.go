package verify

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/message"
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
		if r.Reason.ID != "" {
			out = append(out, r)
		}
	}
	return out
}

// unfinishedStatus returns how, to a verification, it stands with a step that came to no end; the reason has no id if
// it did, or if its namespace was cancelled before it was begun.
func unfinishedStatus(s *rollout.Step, state *rollout.StepState) (status CheckStatus, reason message.Message) {
	switch last := state.LastEvent; {
	case last == rollout.Undone, last == rollout.Done && !state.RollbackBegun, !state.MayBeApplied && state.NamespaceCancelled:
		return StatusOK, message.Message{}
	case last == rollout.Undoing:
		return StatusUnknown, message.New("verify-undo-cut-off", "stage", s.Stage)
	case last == rollout.NotReverted:
		return StatusNotOK, message.New("verify-step-not-reverted", "stage", s.Stage, "reason", state.Reason)
	case last == rollout.Altered:
		return StatusNotOK, message.New("verify-step-altered", "stage", s.Stage, "reason", state.Reason)
	case last == rollout.Refused:
		return StatusNotOK, message.New("verify-step-refused", "stage", s.Stage, "reason", state.Reason)
	case state.RollbackBegun:
		return StatusUnknown, message.New("verify-step-not-taken-back", "stage", s.Stage)
	case last == rollout.Begun:
		return StatusUnknown, message.New("verify-step-cut-off", "stage", s.Stage, "cancelled", state.NamespaceCancelled)
	}
	return StatusUnknown, message.New("verify-step-not-taken", "stage", s.Stage)
}

// labelStepStatus returns how, to a verification, it stands with a step that changes labels, by those that the
// namespace has if it exists.
func labelStepStatus(s *rollout.Step, state *rollout.StepState, have map[string]string, exists bool) (status CheckStatus, reason message.Message) {
	status, reason = unfinishedStatus(s, state)
	if reason.ID != "" && exists && len(differingLabels(expectedLabelsOfStep(s, state), have)) == 0 {
		return StatusOK, reason.With("labelsFit", true)
	}
	return status, reason
}

// bypassStepStatus returns how, to a verification, it stands with a step that creates an object of the bypass, by
// whether the namespace has its role binding. For the objects that all namespaces share only the journal is asked.
func bypassStepStatus(s *rollout.Step, state *rollout.StepState, isBound bool, unread error) (status CheckStatus, reason message.Message) {
	status, reason = unfinishedStatus(s, state)
	switch last := state.LastEvent; {
	case state.RollbackBegun || s.Namespace == "":
	case last == rollout.Done && unread != nil:
		return StatusUnknown, unreadReason("list", rollout.RoleBindings().Resource, rollout.RoleBindings().Group, unread).With("stage", s.Stage)
	case last == rollout.Done && !isBound:
		return StatusNotOK, message.New("verify-step-gone", "stage", s.Stage)
	case last == rollout.Begun && isBound:
		return StatusOK, reason.With("bound", true)
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
