package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// namespaceReader lists, for the verification, objects in namespaces, or in all of them if none is named.
type namespaceReader struct {
	client     dynamic.Interface
	namespaces []string
	in         map[string]bool
}

// newNamespaceReader returns the reader of the namespaces to verify.
func newNamespaceReader(client dynamic.Interface, namespaces []string) *namespaceReader {
	return &namespaceReader{client: client, namespaces: namespaces, in: namespaceNameSet(namespaces)}
}

// namespaceNameSet returns the names of namespaces to verify as a set.
func namespaceNameSet(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// snapshot is what one reading of controllers, events and pods found.
type snapshot struct {
	controllers []controller
	// pods and refusals are by the UID of the controller.
	pods     map[types.UID]podCount
	refusals map[types.UID]refusalEvent
	unread   []unreadResource
}

// podCount is the number of a controller's pods that are neither finished nor being deleted, and of those that are being
// deleted.
type podCount struct{ present, terminating int }

// refusalEvent is the last event about a controller that could not create a pod.
type refusalEvent struct {
	version string
	message string
}

// unreadResource is an API resource that the verification could not list in a namespace; in all, if that is empty.
type unreadResource struct {
	namespace, resource, group string
	err                        error
}

// reason says what a verification could not read, and which permission to grant.
func (u *unreadResource) reason() message.Message {
	return unreadReason("list", u.resource, u.group, u.err)
}

// unreadReason says what a verification could not read, and which permission to grant.
func unreadReason(verb, resource, group string, err error) message.Message {
	if group != "" {
		resource += "." + group
	}
	if !apierrors.IsForbidden(err) {
		verb = ""
	}
	return message.New("verify-unread", "resource", resource, "error", err, "grant", verb)
}

// affects reports whether the resource could not be listed in a namespace to verify.
func (u *unreadResource) affects(namespace string) bool {
	return u.namespace == "" || u.namespace == namespace
}

// podsUnread reports, for a verification, whether the pods of a namespace could not be listed.
func (s *snapshot) podsUnread(namespace string) bool {
	return slices.ContainsFunc(s.unread, func(u unreadResource) bool { return u.resource == "pods" && u.affects(namespace) })
}

// unreadError returns an error of the verification for each resource that could not be listed, with the namespaces and
// the server's words for the first one; nil if there is none.
func (s *snapshot) unreadError() error {
	var errs []error
	done := map[[3]string]bool{}
	for i := range s.unread {
		u := &s.unread[i]
		if done[u.key()] {
			continue
		}
		done[u.key()] = true
		var in []string
		for k := range s.unread {
			if s.unread[k].key() == u.key() {
				in = append(in, s.unread[k].namespace)
			}
		}
		errs = append(errs, fmt.Errorf("in %s: %s", namespacesText(in), u.reason()))
	}
	return errors.Join(errs...)
}

// key returns, for a verification, a text that is the same for resources that could not be listed for the same reason.
func (u *unreadResource) key() [3]string {
	return [3]string{u.resource, u.group, string(apierrors.ReasonForError(u.err))}
}

// namespacesText returns the text on the first few namespaces to verify; the one without a name stands for all.
func namespacesText(names []string) string {
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

// observeControllers lists controllers first, then events, and pods last: a pod that comes in between makes no controller
// look short of pods.
func (v *namespaceReader) observeControllers(ctx context.Context) *snapshot {
	s := v.listControllers(ctx, false)
	events, failed := listInNamespaces(ctx, v, schema.GroupVersionResource{Version: "v1", Resource: "events"}, "reason="+failedCreate, readEvent)
	s.addUnread("events", "", failed)
	s.refusals = map[types.UID]refusalEvent{}
	for _, e := range events {
		if e.Reason == failedCreate && isOlderResourceVersion(s.refusals[e.InvolvedObject.UID].version, e.ResourceVersion) {
			s.refusals[e.InvolvedObject.UID] = refusalEvent{e.ResourceVersion, e.Message}
		}
	}
	pods, failed := listInNamespaces(ctx, v, podResource(), "", readPod)
	s.addUnread("pods", "", failed)
	s.pods = map[types.UID]podCount{}
	for _, p := range pods {
		t := s.pods[p.controller]
		t.present += p.count.present
		t.terminating += p.count.terminating
		s.pods[p.controller] = t
	}
	return s
}

// failedCreate is the reason, of an event or a condition, that a controller gives if it could not create a pod.
const failedCreate = "FailedCreate"

// namespaceResource returns the API resource of Namespaces, which the verification reads.
func namespaceResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
}

// podResource returns the API resource of Pods, which the verification reads.
func podResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "pods"}
}

// listControllers lists the controllers of the namespaces; with templates also PodTemplates, and a pod of each template.
func (v *namespaceReader) listControllers(ctx context.Context, templates bool) *snapshot {
	s := &snapshot{}
	read := readersByKind()
	for _, k := range rollout.ControllerKinds() {
		if k.Kind == "PodTemplate" && !templates {
			continue
		}
		found, failed := listInNamespaces(ctx, v, k.Resource, "", func(u *unstructured.Unstructured) (controller, error) { return read[k.Kind](u, templates) })
		s.controllers = append(s.controllers, found...)
		s.addUnread(k.Resource.Resource, k.Resource.Group, failed)
	}
	return s
}

// addUnread records that the verification could not list a resource in some namespaces.
func (s *snapshot) addUnread(resource, group string, failed map[string]error) {
	for ns, err := range failed {
		s.unread = append(s.unread, unreadResource{ns, resource, group, err})
	}
	slices.SortFunc(s.unread, func(a, b unreadResource) int {
		return strings.Compare(a.namespace+"/"+a.resource, b.namespace+"/"+b.resource)
	})
}

// isOlderResourceVersion reports whether an object to verify is older than another by its resourceVersion; these are
// numbers that grow. Clocks may differ.
func isOlderResourceVersion(a, b string) bool {
	return len(a) < len(b) || len(a) == len(b) && a < b
}

// readEvent decodes an event about a controller to verify.
func readEvent(u *unstructured.Unstructured) (corev1.Event, error) {
	var e corev1.Event
	return e, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &e)
}

// ownedPod is a pod as a verification counts it for its controller.
type ownedPod struct {
	controller types.UID
	count      podCount
}

// readPod reads how a pod counts for its controller. A finished pod, and one without a controller, do not count.
func readPod(u *unstructured.Unstructured) (ownedPod, error) {
	phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
	owner := metav1.GetControllerOfNoCopy(u)
	switch {
	case owner == nil || phase == string(corev1.PodSucceeded) || phase == string(corev1.PodFailed):
		return ownedPod{}, nil
	case u.GetDeletionTimestamp() != nil:
		return ownedPod{owner.UID, podCount{terminating: 1}}, nil
	}
	return ownedPod{owner.UID, podCount{present: 1}}, nil
}

// namespaceLabels returns the labels to verify of the namespaces that exist, and an error for each that could not be
// read.
func (v *namespaceReader) namespaceLabels(ctx context.Context) (is map[string]map[string]string, failed map[string]error) {
	is, failed = map[string]map[string]string{}, map[string]error{}
	if len(v.namespaces) > maxSingleLists {
		all, err := listAllPages(ctx, v.client.Resource(namespaceResource()), "", func(string) bool { return true }, func(u *unstructured.Unstructured) (*unstructured.Unstructured, error) { return u, nil })
		for _, ns := range all {
			is[ns.GetName()] = ns.GetLabels()
		}
		if err == nil {
			return is, failed
		}
	}
	for _, name := range v.namespaces {
		var ns *unstructured.Unstructured
		err := rollout.RetryTransient(ctx, func() (err error) {
			ns, err = v.client.Resource(namespaceResource()).Get(ctx, name, metav1.GetOptions{})
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

// maxSingleLists is the number of namespaces up to which each is listed alone; more are listed at once.
const maxSingleLists = 20

// listInNamespaces lists a resource in the namespaces to verify and picks from every object what is needed of it. It
// returns an error for each namespace that could not be listed.
func listInNamespaces[T any](ctx context.Context, v *namespaceReader, r schema.GroupVersionResource, field string, pick func(*unstructured.Unstructured) (T, error)) ([]T, map[string]error) {
	if len(v.namespaces) == 0 || len(v.namespaces) > maxSingleLists {
		out, err := listAllPages(ctx, v.client.Resource(r), field, v.includes, pick)
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
		out, err := listAllPages(ctx, v.client.Resource(r).Namespace(ns), field, v.includes, pick)
		if err != nil {
			failed[ns] = err
			continue
		}
		all = append(all, out...)
	}
	return all, failed
}

// includes reports whether a namespace is among those to verify.
func (v *namespaceReader) includes(namespace string) bool {
	return len(v.namespaces) == 0 || v.in[namespace]
}

// listAllPages lists objects for the verification page by page, and begins again if a page is too old to go on from. On
// an error it returns nothing: half a list would look like a whole one.
func listAllPages[T any](ctx context.Context, from dynamic.ResourceInterface, field string, includes func(string) bool, pick func(*unstructured.Unstructured) (T, error)) ([]T, error) {
	const page, restarts = 500, 3
	var out []T
	options := metav1.ListOptions{Limit: page, FieldSelector: field}
	for restarted := 0; ; {
		var got *unstructured.UnstructuredList
		err := rollout.RetryTransient(ctx, func() (err error) {
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
