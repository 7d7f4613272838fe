package rollout

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
)

func namespaceClient(client dynamic.Interface) dynamic.ResourceInterface {
	return client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
}

// applyLabels puts the labels of a step on, if the namespace is still as the plan saw it.
func (r *Runner) applyLabels(ctx context.Context, i int, s *Step, out *Outcome) error {
	if s.Stage == StageEnforce && r.Recheck != nil {
		var ns *unstructured.Unstructured
		err := r.retryWrite(ctx, func() (err error) {
			ns, _, err = r.namespaceToLabel(ctx, i, s, out)
			return err
		})
		if err != nil || ns == nil {
			return err
		}
		if err := r.recheckWorkloads(ctx, s, ns.GetLabels()); err != nil {
			return err
		}
	}
	// The recheck took a while: where others write all the time, only what is looked at just before can be written to.
	return r.retryWrite(ctx, func() error { return r.applyLabelsOnce(ctx, i, s, out) })
}

func (r *Runner) applyLabelsOnce(ctx context.Context, i int, s *Step, out *Outcome) error {
	ns, found, err := r.namespaceToLabel(ctx, i, s, out)
	if err != nil || ns == nil {
		return err
	}
	body, err := namespaceApplyBody(s, ns)
	if err != nil {
		return err
	}
	if err := r.lock.checkHeld(ctx); err != nil {
		return err
	}
	if err := r.Journal.record(JournalEntry{Step: i, Event: Begun, Before: found}); err != nil {
		return err
	}
	// Whose labels these are was settled above, at this very resourceVersion.
	force := out.OverriddenOwners != "" || len(ns.GetManagedFields()) == 0 || slices.ContainsFunc(found.Owners, LabelOwner.predatesFieldManagers)
	made, err := namespaceClient(r.Client).Patch(ctx, s.Namespace, types.ApplyPatchType, body, r.patchOptions(force))
	if err != nil {
		return err
	}
	if out.AdmissionChanges, err = findAdmissionChanges(s, ns, made); err != nil {
		return err
	}
	if at, _ := compareLabels(s.Labels, made.GetLabels()); at != labelsAsPlanned {
		return &stepRefusal{Altered, "the server took it, and something made this of it: " + describeLabelDifferences(s, made.GetLabels()) + "; " + r.likelyMutators(ctx)}
	}
	return nil
}

// namespaceToLabel looks at the namespace: nil if there is nothing left to do, an error if it must not be written to.
func (r *Runner) namespaceToLabel(ctx context.Context, i int, s *Step, out *Outcome) (*unstructured.Unstructured, *ObservedState, error) {
	ns, err := namespaceClient(r.Client).Get(ctx, s.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, newStepRefusal("the namespace is gone")
	case err != nil:
		return nil, nil, err
	case ns.GetDeletionTimestamp() != nil:
		return nil, nil, newStepRefusal("the namespace is being deleted")
	}
	at, why := compareLabels(s.Labels, ns.GetLabels())
	switch {
	case at == labelsAsPlanned:
		out.AlreadyDone = !r.begunBefore(i)
		out.AdmissionChanges, err = r.unrecordedAdmissionChanges(i, s, ns)
		return nil, nil, err
	case at == labelsDiffer && r.begunBefore(i) && ownsAnyLabel(s, ns):
		if out.AdmissionChanges, err = r.unrecordedAdmissionChanges(i, s, ns); err != nil {
			return nil, nil, err
		}
		return nil, nil, &stepRefusal{Altered, "it was written, and has been changed since: " + describeLabelDifferences(s, ns.GetLabels())}
	case at == labelsDiffer:
		return nil, nil, newStepRefusal("the namespace has changed since the plan was made: %s", why)
	}
	if err := checkInvalidLabels(s, ns.GetLabels()); err != nil {
		return nil, nil, err
	}
	found, err := observeNamespace(s, ns)
	if err != nil {
		return nil, nil, err
	}
	theirs := describeOverriddenOwners(s, found.Owners)
	if theirs != "" && !r.Force {
		return nil, nil, newStepRefusal("%s: leave them to it, or take over with --force", theirs)
	}
	out.OverriddenOwners = theirs
	return ns, found, nil
}

// begunBefore is true if the step was begun before: an answer was lost, or a run cut off.
func (r *Runner) begunBefore(i int) bool { return r.Journal != nil && r.Journal.MayBeApplied(i) }

// ownsAnyLabel is true if any of the step's labels is there by our having applied it.
func ownsAnyLabel(s *Step, ns *unstructured.Unstructured) bool {
	have, err := ownAppliedLabels(ns.GetManagedFields(), ns.GetLabels())
	return err != nil || slices.ContainsFunc(s.labelKeys(), func(key string) bool { _, ok := have[key]; return ok })
}

func (r *Runner) patchOptions(force bool) metav1.PatchOptions {
	o := metav1.PatchOptions{FieldManager: FieldManager, Force: &force}
	if r.Journal == nil {
		o.DryRun = []string{metav1.DryRunAll}
	}
	return o
}

// labelState says where labels stand between before and after.
type labelState int

const (
	labelsAsBefore labelState = iota
	labelsAsPlanned
	labelsDiffer
)

// compareLabels tells whether all labels are as planned before or after. One write puts all of them on, so anything between is
// somebody else's work.
func compareLabels(changes []LabelChange, is map[string]string) (labelState, string) {
	before, after, why := true, true, ""
	for _, c := range changes {
		value := labelValue(is, c.Key)
		before = before && equalLabelValues(value, c.Before)
		after = after && equalLabelValues(value, c.After)
		if !equalLabelValues(value, c.Before) && why == "" {
			why = fmt.Sprintf("%s was %s and is %s", c.Key, quoteLabelValue(c.Before), quoteLabelValue(value))
		}
	}
	switch {
	case after:
		return labelsAsPlanned, ""
	case before:
		return labelsAsBefore, ""
	}
	return labelsDiffer, why
}

func labelValue(labels map[string]string, key string) *string {
	if value, ok := labels[key]; ok {
		return &value
	}
	return nil
}

func equalLabelValues(a, b *string) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

func quoteLabelValue(value *string) string {
	if value == nil {
		return "absent"
	}
	return fmt.Sprintf("%q", *value)
}

// observeNamespace notes how the namespace was found.
func observeNamespace(s *Step, ns *unstructured.Unstructured) (*ObservedState, error) {
	f := &ObservedState{UID: string(ns.GetUID()), ResourceVersion: ns.GetResourceVersion(), Labels: map[string]*string{}, OtherLabels: ns.GetLabels()}
	for _, c := range s.Labels {
		f.Labels[c.Key] = labelValue(ns.GetLabels(), c.Key)
		delete(f.OtherLabels, c.Key)
	}
	var err error
	f.Owners, err = labelOwners(ns.GetManagedFields(), s.labelKeys())
	return f, err
}

func (s *Step) labelKeys() []string {
	keys := make([]string, 0, len(s.Labels))
	for _, c := range s.Labels {
		keys = append(keys, c.Key)
	}
	return keys
}

// describeLabelDifferences tells the labels that are not as a step would have them.
func describeLabelDifferences(s *Step, is map[string]string) string {
	var parts []string
	for _, c := range s.Labels {
		if value := labelValue(is, c.Key); !equalLabelValues(value, c.After) {
			parts = append(parts, fmt.Sprintf("%s is %s, not %s", c.Key, quoteLabelValue(value), quoteLabelValue(c.After)))
		}
	}
	return strings.Join(parts, "; ")
}

// predatesFieldManagers is true for the manager to which a server puts down what is older than field managers.
func (o LabelOwner) predatesFieldManagers() bool { return o.Manager == "before-first-apply" }

// isOwnApply is true for what an earlier roll-out applied.
func (o LabelOwner) isOwnApply() bool {
	return o.Manager == FieldManager && o.Operation == string(metav1.ManagedFieldsOperationApply) && o.Subresource == ""
}

// describeOverriddenOwners says whose labels would get another value; "" if nobody's.
func describeOverriddenOwners(s *Step, owners []LabelOwner) string {
	var parts []string
	for _, o := range owners {
		var keys []string
		for _, c := range s.Labels {
			if c.Before != nil && !equalLabelValues(c.Before, c.After) && slices.Contains(o.Keys, c.Key) {
				keys = append(keys, c.Key)
			}
		}
		if len(keys) > 0 && !o.predatesFieldManagers() && !o.isOwnApply() {
			parts = append(parts, fmt.Sprintf("field manager %q owns %s", o.Manager, strings.Join(keys, ", ")))
		}
	}
	return strings.Join(parts, "; ")
}

// namespaceApplyBody is the namespace with all labels that are to be ours: what is applied no more would be taken off. Its UID and
// resourceVersion are those that were looked at, so that nothing else is written to.
func namespaceApplyBody(s *Step, ns *unstructured.Unstructured) ([]byte, error) {
	labels, err := ownAppliedLabels(ns.GetManagedFields(), ns.GetLabels())
	if err != nil {
		return nil, err
	}
	for _, c := range s.Labels {
		if c.After != nil {
			labels[c.Key] = *c.After
		} else {
			delete(labels, c.Key)
		}
	}
	return json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{
		"name": ns.GetName(), "uid": ns.GetUID(), "resourceVersion": ns.GetResourceVersion(), "labels": labels,
	}})
}

// recheckWorkloads refuses to enforce a level that something which is there by now does not meet. A step that changes only one of
// the level and its version goes with the other as it is.
func (r *Runner) recheckWorkloads(ctx context.Context, s *Step, is map[string]string) error {
	after := s.labelsAfter(is)
	level := after[api.EnforceLevelLabel]
	if level == string(api.LevelPrivileged) {
		return nil
	}
	now, err := r.Recheck(ctx, s.Namespace, level, after[api.EnforceVersionLabel])
	if err != nil {
		return fmt.Errorf("looking at what runs in it now: %w", err)
	}
	if !now.Complete {
		return newStepRefusal("what runs in it now could not be read whole")
	}
	if broken := newViolations(now, api.Level(level), r.KnownViolations); len(broken) > 0 && !now.Exempt {
		return newStepRefusal("since the plan was made something came that would not meet %s: %s", level, strings.Join(broken, ", "))
	}
	return nil
}

// labelsAfter are labels as they are once the step is taken.
func (s *Step) labelsAfter(is map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, is)
	for _, c := range s.Labels {
		if c.After != nil {
			out[c.Key] = *c.After
		}
	}
	return out
}

// newViolations are the workloads below a level that are not among those known.
func newViolations(ns *migrate.Namespace, level api.Level, known []string) []string {
	var out []string
	for i := range ns.Workloads {
		w := &ns.Workloads[i]
		if w.Exempt != nil || w.Levels.AfterPSP == "" || api.CompareLevels(w.Levels.AfterPSP, level) >= 0 {
			continue
		}
		if !slices.Contains(known, workloadKey(ns.Name, w)) {
			out = append(out, strings.ToLower(w.Kind)+"/"+w.Name)
		}
	}
	return out
}

func workloadKey(namespace string, w *migrate.Workload) string {
	return namespace + "/" + strings.ToLower(w.Kind) + "/" + w.Name
}

// KnownViolations are the workloads of a Plan that do not meet the level that their namespace is to get, for Header.Known.
func KnownViolations(plan *migrate.Plan) []string {
	var out []string
	for i := range plan.Namespaces {
		ns := &plan.Namespaces[i]
		if ns.RecommendedLabels.Enforce == "" {
			continue
		}
		for k := range ns.Workloads {
			if w := &ns.Workloads[k]; w.Levels.AfterPSP != "" && api.CompareLevels(w.Levels.AfterPSP, api.Level(ns.RecommendedLabels.Enforce)) < 0 {
				out = append(out, workloadKey(ns.Name, w))
			}
		}
	}
	return out
}
