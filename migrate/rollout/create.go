package rollout

import (
	"context"

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
	const most = 5
	for attempt := 1; ; attempt++ {
		err := r.createOnce(ctx, i, s, out)
		switch {
		case err == nil:
			return nil
		case mayPass(err) && attempt < most:
			if r.pause(ctx, attempt) != nil {
				return err
			}
		case apierrors.IsNotFound(err) && s.Create.Kind == "PodSecurityPolicy":
			return refuse("this server serves no PodSecurityPolicy: there is nothing to be let past")
		default:
			return judge(err)
		}
	}
}

func (r *Runner) createOnce(ctx context.Context, i int, s *Step, out *Outcome) error {
	if err := r.mayBypass(ctx, s); err != nil {
		return err
	}
	there, err := s.Create.on(r.Client).Get(ctx, s.Create.Name, metav1.GetOptions{})
	switch {
	case err == nil:
		return r.isThere(i, s, there, out)
	case !apierrors.IsNotFound(err):
		return err
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
	_, err = s.Create.on(r.Client).Create(ctx, s.Create.object(id), options)
	if apierrors.IsAlreadyExists(err) { // by the attempt before this one, or by somebody else
		if there, err = s.Create.on(r.Client).Get(ctx, s.Create.Name, metav1.GetOptions{}); err == nil {
			return r.isThere(i, s, there, out)
		}
	}
	return err
}

// isThere accepts an object that does what the step's would: ours if its journal is, else one that is not ours to delete.
func (r *Runner) isThere(i int, s *Step, there *unstructured.Unstructured, out *Outcome) error {
	out.Already = true
	if r.Journal != nil && there.GetAnnotations()[journalAnnotation] == r.Journal.ID {
		return nil
	}
	for key, want := range s.Create.content() {
		if !covers(there.Object[key], want) {
			return refuse("%s exists and is another one than is needed here: look at it, and rename or delete it", s.Create)
		}
	}
	return r.Journal.record(Entry{Step: i, Event: Begun, Before: &Found{Exists: true, UID: string(there.GetUID())}})
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
	if _, err := api.ParseLevel(ns.GetLabels()[api.EnforceLevelLabel]); err != nil {
		return refuse("its enforce label is not on: without it and the policies nothing would hold its pods")
	}
	return nil
}
