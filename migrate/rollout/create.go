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

// on is where an object of the bypass lives.
func (o *Object) on(client dynamic.Interface) dynamic.ResourceInterface {
	if o.Namespace == "" {
		return client.Resource(o.resource())
	}
	return client.Resource(o.resource()).Namespace(o.Namespace)
}

// create makes an object of the bypass, unless it is there.
func (r *Runner) create(ctx context.Context, i int, s *Step, out *Outcome) error {
	return r.attempts(ctx, func() error { return r.createOnce(ctx, i, s, out) })
}

func (r *Runner) createOnce(ctx context.Context, i int, s *Step, out *Outcome) error {
	there, err := s.Create.on(r.Client).Get(ctx, s.Create.Name, metav1.GetOptions{})
	found := err == nil
	if !found && !apierrors.IsNotFound(err) {
		return err
	}
	err = r.mayBypass(ctx, s)
	var refused *refusal
	switch {
	case errors.As(err, &refused) && found && r.made(there):
		return &refusal{Altered, "it was created, and now " + refused.why}
	case err != nil:
		return err
	case found:
		return r.isThere(i, s, there, out)
	}
	if err := r.lock.held(ctx); err != nil {
		return err
	}
	id, options := "", metav1.CreateOptions{FieldManager: Manager}
	if r.Journal == nil {
		options.DryRun = []string{metav1.DryRunAll}
	} else {
		id = r.Journal.ID
	}
	if err := r.Journal.record(Entry{Step: i, Event: Begun, Before: &Found{}}); err != nil {
		return err
	}
	made, err := s.Create.on(r.Client).Create(ctx, s.Create.object(id), options)
	if apierrors.IsAlreadyExists(err) { // by the attempt before this one, or by somebody else
		if there, err = s.Create.on(r.Client).Get(ctx, s.Create.Name, metav1.GetOptions{}); err == nil {
			return r.isThere(i, s, there, out)
		}
	}
	if apierrors.IsNotFound(err) && s.Create.Kind == policyKind {
		return refuse("this server serves no PodSecurityPolicy: there is nothing to be let past")
	}
	if err != nil {
		return err
	}
	return s.Create.asAsked(made)
}

// asAsked refuses an object that admission made another one of on its way in. What was created stays to be taken back.
func (o *Object) asAsked(made *unstructured.Unstructured) error {
	var parts []string
	for key, want := range o.content() {
		if !covers(made.Object[key], want) {
			parts = append(parts, key)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	slices.Sort(parts)
	return &refusal{Altered, fmt.Sprintf("the server took it, and %s of it is not what was asked for: probably a mutating webhook or policy changed it", strings.Join(parts, " and "))}
}

// isThere accepts an object that does what the step's would: ours if its journal is, else one that is not ours to delete.
func (r *Runner) isThere(i int, s *Step, there *unstructured.Unstructured, out *Outcome) error {
	if r.made(there) { // by an attempt whose answer was lost, or before the run was cut off
		return nil
	}
	out.Already = true
	for key, want := range s.Create.content() {
		if !covers(there.Object[key], want) {
			return refuse("%s exists and is another one than is needed here: look at it, and rename or delete it", s.Create)
		}
	}
	return r.Journal.record(Entry{Step: i, Event: Begun, Before: &Found{Exists: true, UID: string(there.GetUID())}})
}

// made is true for an object that this roll-out created.
func (r *Runner) made(there *unstructured.Unstructured) bool {
	return r.Journal != nil && there.GetAnnotations()[journalAnnotation] == r.Journal.ID
}

// covers is true if is says what want says. Servers fill in defaults, and drop a field whose feature is off: v1.24 does so
// with allowedProcMountTypes.
func covers(is, want any) bool {
	wanted, ok := want.(map[string]any)
	if !ok {
		return equality.Semantic.DeepEqual(is, want)
	}
	got, ok := is.(map[string]any)
	if !ok {
		return false
	}
	for key, value := range wanted {
		if have, there := got[key]; !covers(have, value) && (there || key != "allowedProcMountTypes") {
			return false
		}
	}
	return true
}

// mayBypass refuses to let a namespace past the policies whose level is not enforced: then nothing would hold its pods.
func (r *Runner) mayBypass(ctx context.Context, s *Step) error {
	if s.Namespace == "" || r.enforced[s.Namespace] {
		return nil
	}
	ns, err := namespaces(r.Client).Get(ctx, s.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return refuse("the namespace is gone")
	case err != nil:
		return err
	case ns.GetDeletionTimestamp() != nil:
		return refuse("the namespace is being deleted")
	}
	level, err := api.ParseLevel(ns.GetLabels()[api.EnforceLevelLabel])
	switch {
	case err != nil:
		return refuse("its enforce label is not on: without it and the policies nothing would hold its pods")
	case api.CompareLevels(level, s.Level) < 0:
		return refuse("its enforce label is %s by now, and the plan's is %s: less than was planned would hold its pods", level, s.Level)
	}
	return nil
}
