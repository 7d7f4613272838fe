package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/pod-security-admission/api"
)

const enforceLabel = api.EnforceLevelLabel

// viewer reads what is in namespaces, or in all where none is named.
type viewer struct {
	client     dynamic.Interface
	namespaces []string
	in         map[string]bool
}

func newViewer(client dynamic.Interface, namespaces []string) *viewer {
	return &viewer{client: client, namespaces: namespaces, in: setOf(namespaces)}
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// scene is what one look saw.
type scene struct {
	makers []maker
	// pods are counted, and refusals told, by the UID of the controller.
	pods     map[types.UID]tally
	refusals map[types.UID]refusalEvent
	unread   []unread
}

// tally counts a controller's pods that are neither finished nor being deleted, and those that are being deleted.
type tally struct{ there, leaving int }

// refusalEvent is the last that events tell of a controller that could not create a pod.
type refusalEvent struct {
	version string
	message string
}

// unread is a kind that could not be listed in a namespace; in all, if that is empty.
type unread struct {
	namespace, resource, group string
	err                        error
}

// String says what could not be read, and what to grant for it.
func (u *unread) String() string { return unreadText("list", u.resource, u.group, u.err) }

func unreadText(verb, resource, group string, err error) string {
	if group != "" {
		resource += "." + group
	}
	text := fmt.Sprintf("%s could not be read: %s", resource, err)
	if apierrors.IsForbidden(err) {
		text += fmt.Sprintf("; grant: %s %s", verb, resource)
	}
	return text
}

// in is true if it is missing in a namespace.
func (u *unread) in(namespace string) bool { return u.namespace == "" || u.namespace == namespace }

// blind is true for a namespace whose pods could not be counted.
func (s *scene) blind(namespace string) bool {
	return slices.ContainsFunc(s.unread, func(u unread) bool { return u.resource == "pods" && u.in(namespace) })
}

// unreadError says of every kind that could not be read where that was, and the server's words of the first namespace.
func (s *scene) unreadError() error {
	var errs []error
	told := map[[3]string]bool{}
	for i := range s.unread {
		u := &s.unread[i]
		if told[u.like()] {
			continue
		}
		told[u.like()] = true
		var in []string
		for k := range s.unread {
			if s.unread[k].like() == u.like() {
				in = append(in, s.unread[k].namespace)
			}
		}
		errs = append(errs, fmt.Errorf("in %s: %s", whereText(in), u))
	}
	return errors.Join(errs...)
}

// like is the same for what could not be read for the same reason.
func (u *unread) like() [3]string {
	return [3]string{u.resource, u.group, string(apierrors.ReasonForError(u.err))}
}

// whereText names the first few namespaces; the one without a name stands for all.
func whereText(names []string) string {
	const most = 5
	switch {
	case names[0] == "":
		return "all namespaces"
	case len(names) == 1:
		return fmt.Sprintf("namespace %q", names[0])
	}
	var quoted []string
	for _, name := range names[:min(len(names), most)] {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	text := "namespaces " + strings.Join(quoted, ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}

// look lists controllers first and pods last: a pod that comes in between does not make a controller look short.
func (v *viewer) look(ctx context.Context) *scene {
	s := v.makers(ctx, false)
	events, failed := each(ctx, v, schema.GroupVersionResource{Version: "v1", Resource: "events"}, "reason="+failedCreate, readEvent)
	s.note("events", "", failed)
	s.refusals = map[types.UID]refusalEvent{}
	for _, e := range events {
		if e.Reason == failedCreate && older(s.refusals[e.InvolvedObject.UID].version, e.ResourceVersion) {
			s.refusals[e.InvolvedObject.UID] = refusalEvent{e.ResourceVersion, e.Message}
		}
	}
	pods, failed := each(ctx, v, podResource(), "", readPod)
	s.note("pods", "", failed)
	s.pods = map[types.UID]tally{}
	for _, p := range pods {
		t := s.pods[p.maker]
		t.there += p.tally.there
		t.leaving += p.tally.leaving
		s.pods[p.maker] = t
	}
	return s
}

// failedCreate is the reason, of an event or a condition, that a controller gives where it could not create a pod.
const failedCreate = "FailedCreate"

func podResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "pods"}
}

// makers lists what makes pods; a template that nothing makes pods of by itself is of use only for the template.
func (v *viewer) makers(ctx context.Context, templates bool) *scene {
	s := &scene{}
	for _, k := range makerKinds() {
		if k.kind == "PodTemplate" && !templates {
			continue
		}
		makers, failed := each(ctx, v, k.resource, "", func(u *unstructured.Unstructured) (maker, error) { return k.read(u, templates) })
		s.makers = append(s.makers, makers...)
		s.note(k.resource.Resource, k.resource.Group, failed)
	}
	return s
}

func (s *scene) note(resource, group string, failed map[string]error) {
	for ns, err := range failed {
		s.unread = append(s.unread, unread{ns, resource, group, err})
	}
	slices.SortFunc(s.unread, func(a, b unread) int {
		return strings.Compare(a.namespace+"/"+a.resource, b.namespace+"/"+b.resource)
	})
}

// older compares resourceVersions, which are numbers that grow: clocks may differ.
func older(a, b string) bool {
	return len(a) < len(b) || len(a) == len(b) && a < b
}

func readEvent(u *unstructured.Unstructured) (corev1.Event, error) {
	var e corev1.Event
	return e, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &e)
}

type seenPod struct {
	maker types.UID
	tally tally
}

func readPod(u *unstructured.Unstructured) (seenPod, error) {
	phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
	owner := metav1.GetControllerOfNoCopy(u)
	switch {
	case owner == nil || phase == string(corev1.PodSucceeded) || phase == string(corev1.PodFailed):
		return seenPod{}, nil
	case u.GetDeletionTimestamp() != nil:
		return seenPod{owner.UID, tally{leaving: 1}}, nil
	}
	return seenPod{owner.UID, tally{there: 1}}, nil
}

// labels are those of the namespaces that there are, and why others could not be read.
func (v *viewer) labels(ctx context.Context) (is map[string]map[string]string, failed map[string]error) {
	is, failed = map[string]map[string]string{}, map[string]error{}
	if len(v.namespaces) > listedSingly {
		all, err := list(ctx, namespaces(v.client), "", func(string) bool { return true }, func(u *unstructured.Unstructured) (*unstructured.Unstructured, error) { return u, nil })
		for _, ns := range all {
			is[ns.GetName()] = ns.GetLabels()
		}
		if err == nil {
			return is, failed
		}
	}
	for _, name := range v.namespaces {
		var ns *unstructured.Unstructured
		err := patiently(ctx, func() (err error) {
			ns, err = namespaces(v.client).Get(ctx, name, metav1.GetOptions{})
			return err
		})
		switch {
		case err == nil:
			is[name] = ns.GetLabels()
		case !apierrors.IsNotFound(err):
			failed[name] = err
		}
	}
	return is, failed
}

// listedSingly is the number of namespaces up to which each is listed by itself; all together are listed at once.
const listedSingly = 20

// each lists a resource in the namespaces and picks from every object what is needed of it. It returns the namespaces
// that could not be listed.
func each[T any](ctx context.Context, v *viewer, r schema.GroupVersionResource, field string, pick func(*unstructured.Unstructured) (T, error)) ([]T, map[string]error) {
	if len(v.namespaces) == 0 || len(v.namespaces) > listedSingly {
		out, err := list(ctx, v.client.Resource(r), field, v.includes, pick)
		switch {
		case err == nil:
			return out, nil
		case len(v.namespaces) == 0:
			return nil, map[string]error{"": err}
		case !apierrors.IsForbidden(err): // who may not list in all namespaces may perhaps in each
			failed := map[string]error{}
			for _, ns := range v.namespaces {
				failed[ns] = err
			}
			return nil, failed
		}
	}
	var all []T
	failed := map[string]error{}
	for _, ns := range v.namespaces {
		out, err := list(ctx, v.client.Resource(r).Namespace(ns), field, v.includes, pick)
		if err != nil {
			failed[ns] = err
			continue
		}
		all = append(all, out...)
	}
	return all, failed
}

func (v *viewer) includes(namespace string) bool {
	return len(v.namespaces) == 0 || v.in[namespace]
}

// list reads page by page, and begins again where a page was too old to go on from: half a list is none.
func list[T any](ctx context.Context, from dynamic.ResourceInterface, field string, includes func(string) bool, pick func(*unstructured.Unstructured) (T, error)) ([]T, error) {
	const page, restarts = 500, 3
	var out []T
	options := metav1.ListOptions{Limit: page, FieldSelector: field}
	for restarted := 0; ; {
		var got *unstructured.UnstructuredList
		err := patiently(ctx, func() (err error) {
			got, err = from.List(ctx, options)
			return err
		})
		if apierrors.IsResourceExpired(err) && options.Continue != "" && restarted < restarts {
			restarted++
			out, options.Continue = nil, ""
			continue
		}
		if err != nil {
			return nil, err
		}
		for i := range got.Items {
			if !includes(got.Items[i].GetNamespace()) {
				continue
			}
			picked, err := pick(&got.Items[i])
			if err != nil {
				return nil, fmt.Errorf("decoding %s %s/%s: %w", got.Items[i].GetKind(), got.Items[i].GetNamespace(), got.Items[i].GetName(), err)
			}
			out = append(out, picked)
		}
		if options.Continue = got.GetContinue(); options.Continue == "" {
			return out, nil
		}
	}
}

// patiently tries again what another attempt may get past.
func patiently(ctx context.Context, do func() error) error {
	const most, first = 4, 200 * time.Millisecond
	for attempt := 0; ; attempt++ {
		err := do()
		if err == nil || !mayPass(err) || attempt == most-1 || !sleep(ctx, first<<attempt) {
			return err
		}
	}
}
