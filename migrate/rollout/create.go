package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/pod-security-admission/api"
)

// resourceClient is where an object of the bypass lives.
func (o *BypassObject) resourceClient(client dynamic.Interface) dynamic.ResourceInterface {
	if o.Namespace == "" {
		return client.Resource(o.resource())
	}
	return client.Resource(o.resource()).Namespace(o.Namespace)
}

// createBypassObject makes an object of the bypass, unless it is there.
func (r *Runner) createBypassObject(ctx context.Context, i int, s *Step, out *Outcome) error {
	return r.retryWrite(ctx, func() error { return r.createBypassObjectOnce(ctx, i, s, out) })
}

func (r *Runner) createBypassObjectOnce(ctx context.Context, i int, s *Step, out *Outcome) error {
	there, err := s.Create.resourceClient(r.Client).Get(ctx, s.Create.Name, metav1.GetOptions{})
	found := err == nil
	if !found && !apierrors.IsNotFound(err) {
		return err
	}
	err = r.checkLevelEnforced(ctx, s)
	var refused *stepRefusal
	switch {
	case errors.As(err, &refused) && found && r.createdByJournal(there):
		return &stepRefusal{Altered, "it was created, and now " + refused.reason}
	case err != nil:
		return err
	case found:
		return r.acceptExistingObject(i, s, there, out)
	}
	if err := r.lock.checkHeld(ctx); err != nil {
		return err
	}
	id, options := "", metav1.CreateOptions{FieldManager: FieldManager}
	if r.Journal == nil {
		options.DryRun = []string{metav1.DryRunAll}
	} else {
		id = r.Journal.ID
	}
	if err := r.Journal.record(JournalEntry{Step: i, Event: Begun, Before: &ObservedState{}}); err != nil {
		return err
	}
	made, err := s.Create.resourceClient(r.Client).Create(ctx, s.Create.manifest(id), options)
	if apierrors.IsAlreadyExists(err) { // by the attempt before this one, or by somebody else
		if there, err = s.Create.resourceClient(r.Client).Get(ctx, s.Create.Name, metav1.GetOptions{}); err == nil {
			return r.acceptExistingObject(i, s, there, out)
		}
	}
	if apierrors.IsNotFound(err) && s.Create.Kind == podSecurityPolicyKind {
		return newStepRefusal("this server serves no PodSecurityPolicy: there is nothing to be let past")
	}
	if err != nil {
		return err
	}
	return s.Create.checkCreated(made)
}

// checkCreated refuses an object that admission made another one of on its way in. What was created stays to be taken back.
func (o *BypassObject) checkCreated(made *unstructured.Unstructured) error {
	var parts []string
	for key, want := range o.fields() {
		if !containsFields(made.Object[key], want) {
			parts = append(parts, key)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	slices.Sort(parts)
	return &stepRefusal{Altered, fmt.Sprintf("the server took it, and %s of it is not what was asked for: probably a mutating webhook or policy changed it", strings.Join(parts, " and "))}
}

// acceptExistingObject accepts an object that does what the step's would: ours if its journal is, else one that is not ours to delete.
func (r *Runner) acceptExistingObject(i int, s *Step, there *unstructured.Unstructured, out *Outcome) error {
	if r.createdByJournal(there) { // by an attempt whose answer was lost, or before the run was cut off
		return nil
	}
	out.AlreadyDone = true
	for key, want := range s.Create.fields() {
		if !containsFields(there.Object[key], want) {
			return newStepRefusal("%s exists and is another one than is needed here: look at it, and rename or delete it", s.Create)
		}
	}
	return r.Journal.record(JournalEntry{Step: i, Event: Begun, Before: &ObservedState{Exists: true, UID: string(there.GetUID())}})
}

// createdByJournal is true for an object that this roll-out created.
func (r *Runner) createdByJournal(there *unstructured.Unstructured) bool {
	return r.Journal != nil && there.GetAnnotations()[journalAnnotation] == r.Journal.ID
}

// containsFields is true if is says what want says. Servers fill in defaults, and drop a field whose feature is off: v1.24 does so
// with allowedProcMountTypes.
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
		if have, there := got[key]; !containsFields(have, value) && (there || key != "allowedProcMountTypes") {
			return false
		}
	}
	return true
}

// checkLevelEnforced refuses to let a namespace past the policies whose level is not enforced: then nothing would hold its pods.
func (r *Runner) checkLevelEnforced(ctx context.Context, s *Step) error {
	if s.Namespace == "" || r.dryRunEnforced[s.Namespace] {
		return nil
	}
	ns, err := namespaceClient(r.Client).Get(ctx, s.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return newStepRefusal("the namespace is gone")
	case err != nil:
		return err
	case ns.GetDeletionTimestamp() != nil:
		return newStepRefusal("the namespace is being deleted")
	}
	level, err := api.ParseLevel(ns.GetLabels()[api.EnforceLevelLabel])
	switch {
	case err != nil:
		return newStepRefusal("its enforce label is not on: without it and the policies nothing would hold its pods")
	case api.CompareLevels(level, s.Level) < 0:
		return newStepRefusal("its enforce label is %s by now, and the plan's is %s: less than was planned would hold its pods", level, s.Level)
	}
	return nil
}
