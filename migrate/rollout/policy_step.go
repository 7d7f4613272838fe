package rollout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// policyStep is the action of a roll-out step that puts an object of a set of admission policies on the cluster, or has a binding of
// one refuse.
type policyStep struct {
	runner *Runner
	index  int
	step   *Step
}

// check returns an error unless the step's object is one that 'generate' writes.
func (a *policyStep) check() error {
	s, o := a.step, a.step.Policy
	switch {
	case s.Stage != StagePolicies || s.Namespace != "":
		return fmt.Errorf("the stage %s installs no policy", s.Stage)
	case o.Action != InstallPolicy && o.Action != DenyPolicy:
		return fmt.Errorf("there is no action %q", o.Action)
	case o.Action == DenyPolicy && (o.Kind != validatingBindingKind || !o.MayDeny):
		return fmt.Errorf("%s refuses nothing", o)
	}
	u, err := o.object()
	switch {
	case err != nil:
		return err
	case u.GetKind() != o.Kind || u.GetName() != o.Name || u.GetAPIVersion() != o.APIVersion:
		return fmt.Errorf("%s has the manifest of something else", o)
	case o.Kind == validatingBindingKind && isDenying(u) != (o.Action == DenyPolicy):
		return fmt.Errorf("the action %s of %s does not go with its manifest", o.Action, o)
	case o.Probe != nil && (len(o.Probe.Pod) == 0 || o.Probe.Says == "" || o.Probe.Begins == ""):
		return errors.New("it does not say how to ask whether it is in force")
	}
	return CheckPolicyObject(u)
}

// describe returns the name of the step's object and what is done to it.
func (a *policyStep) describe() string {
	if a.step.Policy.Action == DenyPolicy {
		return "have " + a.step.Policy.String() + " refuse"
	}
	return "install " + a.step.Policy.String()
}

// apply puts the step's object on the cluster, unless it is there as it is to be, and waits until it is in force.
func (a *policyStep) apply(ctx context.Context, out *Outcome) error {
	if err := a.runner.retryWrite(ctx, func() error { return a.applyOnce(ctx, out) }); err != nil || a.runner.Journal == nil {
		return err
	}
	var err error
	out.Reason, err = a.awaitInForce(ctx)
	return err
}

// applyOnce makes one attempt to put the step's object on the cluster. A dry run tells what the API server would make of it, with the
// values that it fills in: if that is what is there, there is nothing to do.
func (a *policyStep) applyOnce(ctx context.Context, out *Outcome) error {
	r, o, objects := a.runner, a.step.Policy, a.objects()
	existing, err := objects.Get(ctx, o.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return a.create(ctx, out)
	}
	if err != nil {
		return err
	}
	if !isGeneratedPolicy(existing) {
		return newStepRefusal(message.New("rollout-policy-foreign", "object", o))
	}
	same, wanted, err := a.isAsWritten(ctx, existing)
	switch {
	case err != nil:
		return err
	case same:
		out.AlreadyDone, out.written = !r.begunBefore(a.index), contentOf(existing)
		return nil
	}
	if err := a.checkMayChange(ctx, existing); err != nil {
		return err
	}
	if r.Journal == nil {
		return nil
	}
	before, err := a.beforeChange(existing)
	if err != nil {
		return err
	}
	if err := r.lock.checkHeld(ctx); err != nil {
		return err
	}
	if err := r.Journal.record(JournalEntry{Step: a.index, Event: Begun, Before: before}); err != nil {
		return err
	}
	made, err := objects.Update(ctx, wanted, metav1.UpdateOptions{FieldManager: FieldManager})
	if err != nil {
		return err
	}
	return a.checkMade(made, wanted, out)
}

// create creates the step's object, after a dry run of that.
func (a *policyStep) create(ctx context.Context, out *Outcome) error {
	r, o, objects := a.runner, a.step.Policy, a.objects()
	if o.Action == DenyPolicy && r.Journal != nil {
		return newStepRefusal(message.New("rollout-policy-gone", "object", o))
	}
	u, err := o.object()
	if err != nil {
		return err
	}
	_, err = objects.Create(ctx, u, metav1.CreateOptions{FieldManager: FieldManager, DryRun: []string{metav1.DryRunAll}})
	switch {
	case apierrors.IsNotFound(err):
		return newStepRefusal(message.New("rollout-policy-not-served", "version", o.APIVersion))
	case err != nil || r.Journal == nil:
		return err
	}
	if err := r.lock.checkHeld(ctx); err != nil {
		return err
	}
	if err := r.Journal.record(JournalEntry{Step: a.index, Event: Begun, Before: &ObservedState{}}); err != nil {
		return err
	}
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[journalAnnotation] = r.Journal.ID
	u.SetAnnotations(annotations)
	made, err := objects.Create(ctx, u, metav1.CreateOptions{FieldManager: FieldManager})
	if apierrors.IsAlreadyExists(err) { // somebody else was faster, or the answer to the attempt before this one was lost
		return apierrors.NewConflict(o.Resource().GroupResource(), o.Name, err)
	}
	if err != nil {
		return err
	}
	return a.checkMade(made, u, out)
}

// checkMade returns a *stepRefusal if admission made something else of the step's object than was asked for.
func (a *policyStep) checkMade(made, wanted *unstructured.Unstructured, out *Outcome) error {
	out.written = contentOf(made)
	var changed []string
	for _, key := range slices.Sorted(maps.Keys(wanted.Object)) {
		if !slices.Contains([]string{"apiVersion", "kind", "metadata", "status"}, key) && !hasAllOf(made.Object[key], wanted.Object[key]) {
			changed = append(changed, key)
		}
	}
	if len(changed) > 0 {
		return &stepRefusal{Altered, message.New("rollout-object-altered", "fields", changed)}
	}
	return nil
}

// hasAllOf reports, after a roll-out's step, whether a value of the server has all that was asked for, beside what it fills in.
func hasAllOf(is, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		got, ok := is.(map[string]any)
		for key, value := range want {
			if !ok || !hasAllOf(got[key], value) {
				return false
			}
		}
		return true
	case []any:
		got, ok := is.([]any)
		if len(want) == 0 && is == nil {
			return true // servers drop empty lists
		}
		if !ok || len(got) != len(want) {
			return false
		}
		for i := range want {
			if !hasAllOf(got[i], want[i]) {
				return false
			}
		}
		return true
	}
	return equality.Semantic.DeepEqual(is, want)
}

// checkMayChange returns a *stepRefusal if the step would change what refuses already, though the roll-out is not to end so. What was
// begun before and is neither as it was nor as it is to be was changed by somebody since.
func (a *policyStep) checkMayChange(ctx context.Context, existing *unstructured.Unstructured) error {
	r, o := a.runner, a.step.Policy
	if r.begunBefore(a.index) {
		before := r.Journal.progress[a.index].observed
		ours := !before.Exists && existing.GetAnnotations()[journalAnnotation] == r.Journal.ID
		if ours || before.Exists && !bytes.Equal(before.content(), contentOf(existing)) {
			return &stepRefusal{Altered, message.New("rollout-policy-changed-since", "object", o)}
		}
	}
	if o.MayDeny || o.Kind != validatingBindingKind && o.Kind != validatingPolicyKind {
		return nil
	}
	binding := existing
	if o.Kind == validatingPolicyKind {
		of := PolicyObject{APIVersion: o.APIVersion, Kind: validatingBindingKind}
		var err error
		binding, err = of.Client(r.Client).Get(ctx, o.Name, metav1.GetOptions{}) // a set gives both the same name
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	if isDenying(binding) {
		return newStepRefusal(message.New("rollout-policy-denies", "object", o))
	}
	return nil
}

// beforeChange returns the state of an object that a rollback puts back: what the journal has of an earlier attempt, or all of it.
func (a *policyStep) beforeChange(existing *unstructured.Unstructured) (*ObservedState, error) {
	if a.runner.begunBefore(a.index) {
		if before := a.runner.Journal.progress[a.index].observed; before.Exists {
			return before, nil
		}
	}
	kept := existing.DeepCopy()
	kept.SetManagedFields(nil)
	text, err := json.Marshal(kept.Object)
	if err != nil {
		return nil, fmt.Errorf("keeping %s as it is: %w", a.step.Policy, err)
	}
	return &ObservedState{Exists: true, UID: string(existing.GetUID()), ResourceVersion: existing.GetResourceVersion(), Object: text}, nil
}

// isAsWritten asks the API server, in a dry run, what it would make of an existing object if the step were taken on it, and reports
// whether that is what is there. wanted is the object to update it with.
func (a *policyStep) isAsWritten(ctx context.Context, existing *unstructured.Unstructured) (same bool, wanted *unstructured.Unstructured, err error) {
	if wanted, err = a.wanted(existing); err != nil {
		return false, nil, err
	}
	would, err := a.objects().Update(ctx, wanted, metav1.UpdateOptions{FieldManager: FieldManager, DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return false, nil, err
	}
	return bytes.Equal(contentOf(would), contentOf(existing)), wanted, nil
}

// wanted returns an existing object as the step leaves it: with the content of the manifest, and with the labels and annotations that
// others have put on it. A binding that refuses goes on to refuse.
func (a *policyStep) wanted(existing *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	o := a.step.Policy
	manifest, err := o.object()
	if err != nil {
		return nil, err
	}
	if o.Kind == validatingBindingKind && o.Action == InstallPolicy && o.MayDeny && isDenying(existing) {
		if err := setActions(manifest, validationActions(existing)...); err != nil {
			return nil, err
		}
	}
	wanted := withContent(existing, manifest)
	wanted.SetLabels(overlaid(existing.GetLabels(), manifest.GetLabels()))
	wanted.SetAnnotations(overlaid(existing.GetAnnotations(), manifest.GetAnnotations()))
	return wanted, nil
}

// withContent returns a roll-out's object with all of another one but its metadata.
func withContent(u, content *unstructured.Unstructured) *unstructured.Unstructured {
	out := u.DeepCopy()
	for key := range u.Object {
		if !slices.Contains([]string{"apiVersion", "kind", "metadata", "status"}, key) {
			delete(out.Object, key)
		}
	}
	for key, value := range content.DeepCopy().Object {
		if !slices.Contains([]string{"apiVersion", "kind", "metadata", "status"}, key) {
			out.Object[key] = value
		}
	}
	return out
}

// overlaid returns labels or annotations of a roll-out's object, with others over them.
func overlaid(under, over map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, under)
	maps.Copy(out, over)
	return out
}

// contentOf returns, as JSON, all of an object that a roll-out writes: without what the server keeps of it.
func contentOf(u *unstructured.Unstructured) json.RawMessage {
	content := map[string]any{}
	for key, value := range u.Object {
		if !slices.Contains([]string{"apiVersion", "kind", "metadata", "status"}, key) {
			content[key] = value
		}
	}
	for key, values := range map[string]map[string]string{"labels": u.GetLabels(), "annotations": u.GetAnnotations()} {
		if len(values) > 0 {
			content[key] = values
		}
	}
	text, err := json.Marshal(content)
	if err != nil { // it came as JSON
		return nil
	}
	return text
}

// objects returns the client for the objects of the kind that the step installs.
func (a *policyStep) objects() dynamic.ResourceInterface {
	return a.step.Policy.Client(a.runner.Client)
}
