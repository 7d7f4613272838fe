package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// bypassStep is the action of a roll-out step that creates one object of the bypass.
type bypassStep struct {
	runner *Runner
	index  int
	step   *Step
}

// check returns an error unless the step's object is one that a bypass is made of.
func (a *bypassStep) check() error {
	s := a.step
	if s.Stage != StageBypass {
		return fmt.Errorf("the stage %s creates nothing", s.Stage)
	}
	if _, err := api.ParseLevel(string(s.Level)); err != nil && s.Namespace != "" {
		return errors.New("it does not say which level has to be enforced before")
	}
	for _, o := range append(sharedBypassObjects(s.Create.Policy), bypassBinding(s.Create.Policy, s.Namespace)) {
		if o == *s.Create && o.Namespace == s.Namespace && isBypassPolicyName(o.Policy) {
			return nil
		}
	}
	return fmt.Errorf("%s is no part of a bypass", s.Create)
}

// describe returns the name of the bypass object that the step creates.
func (a *bypassStep) describe() string { return "create " + a.step.Create.String() }

// apply creates the roll-out's bypass object in the cluster, unless it exists and does the same. A binding needs the
// level of its namespace to be enforced.
func (a *bypassStep) apply(ctx context.Context, out *Outcome) error {
	return a.runner.retryWrite(ctx, func() error { return a.applyOnce(ctx, out) })
}

// applyOnce makes one attempt to create the step's bypass object in the cluster.
func (a *bypassStep) applyOnce(ctx context.Context, out *Outcome) error {
	r, objects := a.runner, a.objects()
	existing, err := objects.Get(ctx, a.step.Create.Name, metav1.GetOptions{})
	exists := err == nil
	if !exists && !apierrors.IsNotFound(err) {
		return err
	}
	err = a.checkLevelEnforced(ctx)
	var refused *stepRefusal
	switch {
	case errors.As(err, &refused) && exists && a.isOurs(existing):
		return &stepRefusal{Altered, message.New("rollout-created-and-refused", "reason", refused.reason.Text, "reasonId", refused.reason.ID)}
	case err != nil:
		return err
	case exists:
		return a.acceptExisting(existing, out)
	}
	if err := r.lock.checkHeld(ctx); err != nil {
		return err
	}
	journalID, options := "", metav1.CreateOptions{FieldManager: FieldManager}
	if r.Journal == nil {
		options.DryRun = []string{metav1.DryRunAll}
	} else {
		journalID = r.Journal.ID
	}
	if err := r.Journal.record(JournalEntry{Step: a.index, Event: Begun, Before: &ObservedState{}}); err != nil {
		return err
	}
	created, err := objects.Create(ctx, a.step.Create.manifest(journalID), options)
	if apierrors.IsAlreadyExists(err) { // by the attempt before this one, or by somebody else
		if existing, err = objects.Get(ctx, a.step.Create.Name, metav1.GetOptions{}); err == nil {
			return a.acceptExisting(existing, out)
		}
	}
	if apierrors.IsNotFound(err) && a.step.Create.Kind == podSecurityPolicyKind {
		return newStepRefusal(message.New("rollout-no-policies-served"))
	}
	if err != nil {
		return err
	}
	return a.step.Create.checkCreated(created)
}

// acceptExisting accepts an existing object that does what the bypass object of the step would. It is deleted by a
// rollback only if this roll-out created it. It returns a *stepRefusal for an object that does something else.
func (a *bypassStep) acceptExisting(existing *unstructured.Unstructured, out *Outcome) error {
	if a.isOurs(existing) { // created by an attempt whose answer was lost, or before the run was cut off
		return nil
	}
	out.AlreadyDone = true
	for key, want := range a.step.Create.fields() {
		if !containsFields(existing.Object[key], want) {
			return newStepRefusal(message.New("rollout-object-exists", "object", a.step.Create))
		}
	}
	return a.runner.Journal.record(JournalEntry{Step: a.index, Event: Begun, Before: &ObservedState{Exists: true, UID: string(existing.GetUID())}})
}

// checkLevelEnforced returns a *stepRefusal if the namespace does not enforce the level of the step: without it and the
// policies nothing would hold its pods.
func (a *bypassStep) checkLevelEnforced(ctx context.Context) error {
	s := a.step
	if s.Namespace == "" || a.runner.dryRunEnforced[s.Namespace] {
		return nil
	}
	ns, err := namespaceClient(a.runner.Client).Get(ctx, s.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return newStepRefusal(message.New("rollout-namespace-gone"))
	case err != nil:
		return err
	case ns.GetDeletionTimestamp() != nil:
		return newStepRefusal(message.New("rollout-namespace-terminating"))
	}
	level, err := api.ParseLevel(ns.GetLabels()[api.EnforceLevelLabel])
	switch {
	case err != nil:
		return newStepRefusal(message.New("rollout-not-enforced"))
	case api.CompareLevels(level, s.Level) < 0:
		return newStepRefusal(message.New("rollout-enforced-looser", "level", level, "planned", s.Level))
	}
	return nil
}

// undo deletes the step's bypass object from the cluster, if this roll-out created it and no namespace needs it.
func (a *bypassStep) undo(ctx context.Context, _ RollbackScope, out *Outcome) error {
	r, objects := a.runner, a.objects()
	if r.Journal.progress[a.index].observed.Exists {
		out.Reason = message.New("rollback-object-existed")
		return nil
	}
	existing, err := objects.Get(ctx, a.step.Create.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case !a.isOurs(existing):
		return newStepRefusal(message.New("rollback-object-replaced", "object", a.step.Create))
	}
	if a.step.Namespace == "" {
		if err := r.checkBypassUnused(ctx); err != nil {
			return err
		}
	}
	if err := r.lock.checkHeld(ctx); err != nil {
		return err
	}
	if err := r.Journal.record(JournalEntry{Step: a.index, Event: Undoing}); err != nil {
		return err
	}
	uid := existing.GetUID()
	err = objects.Delete(ctx, a.step.Create.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// objects returns the client for the objects of the kind that the bypass step creates.
func (a *bypassStep) objects() dynamic.ResourceInterface {
	return a.step.Create.resourceClient(a.runner.Client)
}

// isOurs reports whether this roll-out created a bypass object, by its annotation.
func (a *bypassStep) isOurs(object *unstructured.Unstructured) bool {
	return a.runner.Journal != nil && object.GetAnnotations()[journalAnnotation] == a.runner.Journal.ID
}

// checkBypassUnused returns a *stepRefusal if a namespace has a binding of the bypass, whichever roll-out created it: the policy
// and the role have to stay until then.
func (r *Runner) checkBypassUnused(ctx context.Context) error {
	bindings, err := r.Client.Resource(RoleBindings()).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + BypassName})
	if apierrors.IsForbidden(err) {
		return newStepRefusal(message.New("rollback-need-unknown", "error", err))
	}
	if err != nil {
		return err
	}
	var namespaces []string
	for i := range bindings.Items {
		if bindings.Items[i].GetName() == BypassName {
			namespaces = append(namespaces, bindings.Items[i].GetNamespace())
		}
	}
	if len(namespaces) > 0 {
		slices.Sort(namespaces)
		return newStepRefusal(message.New("rollback-bypass-in-use", "namespaces", namespaces))
	}
	return nil
}

// resourceClient returns the client for the objects of the kind and namespace of an object of the bypass.
func (o *BypassObject) resourceClient(client dynamic.Interface) dynamic.ResourceInterface {
	if o.Namespace == "" {
		return client.Resource(o.resource())
	}
	return client.Resource(o.resource()).Namespace(o.Namespace)
}

// checkCreated returns a *stepRefusal if admission changed an object as it was created. What was created stays, and a rollback
// deletes it.
func (o *BypassObject) checkCreated(created *unstructured.Unstructured) error {
	var changed []string
	for key, want := range o.fields() {
		if !containsFields(created.Object[key], want) {
			changed = append(changed, key)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	slices.Sort(changed)
	return &stepRefusal{Altered, message.New("rollout-object-altered", "fields", changed)}
}

// containsFields reports, before a roll-out's step, whether a bypass object in the cluster has all fields of the one to
// create, with the same values. Servers set defaults, and drop a field whose feature is off: v1.24 does so with
// allowedProcMountTypes.
func containsFields(is, want any) bool {
	wanted, ok := want.(map[string]any)
	if !ok {
		return equality.Semantic.DeepEqual(is, want)
	}
	got, ok := is.(map[string]any)
	if !ok {
		return false
	}
	for key, value := range wanted {
		if have, exists := got[key]; !containsFields(have, value) && (exists || key != "allowedProcMountTypes") {
			return false
		}
	}
	return true
}
