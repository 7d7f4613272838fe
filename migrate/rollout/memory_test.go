package rollout

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// memory is a cluster in memory, as far as a roll-out sees one: names, UIDs, resource versions, and field managers of
// labels. Server-side apply and the handing over of fields by an update are what the real servers of the e2e tests do.
type memory struct {
	t       *testing.T
	objects map[string]*unstructured.Unstructured
	version int
	// writes that were let through to the store, dry runs aside.
	writes []string
	// hook, if set, is asked before each request ("patch namespaces/a") and may fail it, or change the cluster; heard is
	// called when the server has done it, and may lose the answer. made changes what a write makes of labels.
	hook, heard func(request string) error
	// warned, if set, has the warnings that come with the answer to a request.
	warned func(request string) []string
	made   func(labels map[string]string)
	// annotated are annotations that a write leaves, whatever there was.
	annotated map[string]string
	// created changes what is created.
	created func(*unstructured.Unstructured)
}

func newMemory(t *testing.T) *memory {
	m := &memory{t: t, objects: map[string]*unstructured.Unstructured{}}
	m.namespace("kube-system", "admin", nil)
	return m
}

// namespace creates one whose labels are owned by a manager; without a manager nobody owns anything.
func (m *memory) namespace(name, manager string, labels map[string]string) {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetAPIVersion("v1")
	u.SetKind("Namespace")
	u.SetName(name)
	all := map[string]string{"kubernetes.io/metadata.name": name}
	maps.Copy(all, labels)
	u.SetLabels(all)
	if manager != "" {
		u.SetManagedFields(managedBy(m.t, entryKey{manager, metav1.ManagedFieldsOperationUpdate}, slices.Sorted(maps.Keys(all))))
	}
	m.store("namespaces/"+name, u, true)
}

func (m *memory) store(path string, u *unstructured.Unstructured, fresh bool) {
	m.version++
	if fresh {
		u.SetUID(types.UID("uid-" + strconv.Itoa(m.version)))
	}
	u.SetResourceVersion(strconv.Itoa(m.version))
	m.objects[path] = u
}

// label is somebody's kubectl label.
func (m *memory) label(namespace, manager, key string, value *string) {
	ns := m.objects["namespaces/"+namespace].DeepCopy()
	labels := ns.GetLabels()
	if value == nil {
		delete(labels, key)
	} else {
		labels[key] = *value
	}
	ns.SetLabels(labels)
	m.update("namespaces/"+namespace, ns, manager)
}

// state is all that can be compared: without resource versions and the times of managers.
func (m *memory) state() map[string]any {
	out := map[string]any{}
	for path, u := range m.objects {
		u = u.DeepCopy()
		u.SetResourceVersion("")
		entries := u.GetManagedFields()
		slices.SortFunc(entries, func(a, b metav1.ManagedFieldsEntry) int {
			return strings.Compare(a.Manager+string(a.Operation), b.Manager+string(b.Operation))
		})
		u.SetManagedFields(entries)
		out[path] = u.Object
	}
	return out
}

// labelsOf are those of Pod Security.
func (m *memory) labelsOf(namespace string) map[string]string {
	out := map[string]string{}
	for k, v := range m.objects["namespaces/"+namespace].GetLabels() {
		if rest, ok := strings.CutPrefix(k, "pod-security.kubernetes.io/"); ok {
			out[rest] = v
		}
	}
	return out
}

func (m *memory) Resource(r schema.GroupVersionResource) dynamic.NamespaceableResourceInterface {
	return &memoryResource{m: m, resource: r}
}

// memoryResource answers what a roll-out asks; anything else is a nil pointer.
type memoryResource struct {
	dynamic.NamespaceableResourceInterface
	m         *memory
	resource  schema.GroupVersionResource
	namespace string
}

func (r *memoryResource) Namespace(ns string) dynamic.ResourceInterface {
	return &memoryResource{m: r.m, resource: r.resource, namespace: ns}
}

func (r *memoryResource) path(name string) string {
	if r.namespace != "" {
		name = r.namespace + "/" + name
	}
	return r.resource.Resource + "/" + name
}

// request is one round trip. do is not reached if the hook, or the context, says so; its result is lost if heard says so.
func (r *memoryResource) request(ctx context.Context, verb, name string, do func(path string) (*unstructured.Unstructured, error)) (*unstructured.Unstructured, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	request := verb + " " + r.path(name)
	if r.m.warned != nil {
		for _, text := range r.m.warned(request) {
			WarningCollector{}.HandleWarningHeaderWithContext(ctx, 299, "", text)
		}
	}
	if r.m.hook != nil {
		if err := r.m.hook(request); err != nil {
			return nil, err
		}
	}
	u, err := do(r.path(name))
	if err == nil && r.m.heard != nil {
		err = r.m.heard(request)
	}
	if err != nil || u == nil {
		return nil, err
	}
	return u.DeepCopy(), nil
}

// write is a request that changes something, or would in a dry run.
func (r *memoryResource) write(ctx context.Context, verb, name string, dryRun []string, do func(path string) (*unstructured.Unstructured, error)) (*unstructured.Unstructured, error) {
	return r.request(ctx, verb, name, func(path string) (*unstructured.Unstructured, error) {
		if len(dryRun) == 0 {
			u, err := do(path)
			if err == nil {
				r.m.writes = append(r.m.writes, verb+" "+path)
			}
			return u, err
		}
		kept, version := maps.Clone(r.m.objects), r.m.version
		u, err := do(path)
		r.m.objects, r.m.version = kept, version
		return u, err
	})
}

func (r *memoryResource) notFound(name string) error {
	return apierrors.NewNotFound(r.resource.GroupResource(), name)
}

func (r *memoryResource) conflict(name, why string) error {
	return apierrors.NewConflict(r.resource.GroupResource(), name, fmt.Errorf("%s", why))
}

func (r *memoryResource) Get(ctx context.Context, name string, _ metav1.GetOptions, _ ...string) (*unstructured.Unstructured, error) {
	return r.request(ctx, "get", name, func(path string) (*unstructured.Unstructured, error) {
		if u, ok := r.m.objects[path]; ok {
			return u, nil
		}
		return nil, r.notFound(name)
	})
}

func (r *memoryResource) List(ctx context.Context, _ metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	list := &unstructured.UnstructuredList{}
	_, err := r.request(ctx, "list", "", func(string) (*unstructured.Unstructured, error) {
		for _, path := range slices.Sorted(maps.Keys(r.m.objects)) {
			if strings.HasPrefix(path, r.resource.Resource+"/") {
				list.Items = append(list.Items, *r.m.objects[path].DeepCopy())
			}
		}
		return nil, nil
	})
	return list, err
}

func (r *memoryResource) Create(ctx context.Context, u *unstructured.Unstructured, o metav1.CreateOptions, _ ...string) (*unstructured.Unstructured, error) {
	return r.write(ctx, "create", u.GetName(), o.DryRun, func(path string) (*unstructured.Unstructured, error) {
		if _, ok := r.m.objects[path]; ok {
			return nil, apierrors.NewAlreadyExists(r.resource.GroupResource(), u.GetName())
		}
		made := u.DeepCopy()
		unstructured.RemoveNestedField(made.Object, "spec", "allowedProcMountTypes") // as every server does by default
		if r.m.created != nil {
			r.m.created(made)
		}
		r.m.store(path, made, true)
		return made, nil
	})
}

func (r *memoryResource) Update(ctx context.Context, u *unstructured.Unstructured, o metav1.UpdateOptions, _ ...string) (*unstructured.Unstructured, error) {
	return r.write(ctx, "update", u.GetName(), o.DryRun, func(path string) (*unstructured.Unstructured, error) {
		is, ok := r.m.objects[path]
		switch {
		case !ok:
			return nil, r.notFound(u.GetName())
		case is.GetUID() != u.GetUID(), is.GetResourceVersion() != u.GetResourceVersion():
			return nil, r.conflict(u.GetName(), "the object has been modified")
		}
		r.m.update(path, u.DeepCopy(), o.FieldManager)
		return r.m.objects[path], nil
	})
}

func (r *memoryResource) Delete(ctx context.Context, name string, o metav1.DeleteOptions, _ ...string) error {
	_, err := r.write(ctx, "delete", name, o.DryRun, func(path string) (*unstructured.Unstructured, error) {
		is, ok := r.m.objects[path]
		switch p := o.Preconditions; {
		case !ok:
			return nil, r.notFound(name)
		case p != nil && (p.UID != nil && *p.UID != is.GetUID() || p.ResourceVersion != nil && *p.ResourceVersion != is.GetResourceVersion()):
			return nil, r.conflict(name, "the precondition does not hold")
		}
		delete(r.m.objects, path)
		return nil, nil
	})
	return err
}

func (r *memoryResource) Patch(ctx context.Context, name string, pt types.PatchType, data []byte, o metav1.PatchOptions, _ ...string) (*unstructured.Unstructured, error) {
	if pt == types.MergePatchType && o.Force == nil {
		return r.merge(ctx, name, data, o)
	}
	if pt != types.ApplyPatchType || o.Force == nil {
		r.m.t.Fatalf("a patch of type %s, force %v", pt, o.Force)
	}
	return r.write(ctx, "patch", name, o.DryRun, func(path string) (*unstructured.Unstructured, error) {
		var body unstructured.Unstructured
		if err := json.Unmarshal(data, &body.Object); err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		is, ok := r.m.objects[path]
		switch {
		case !ok:
			return nil, r.notFound(name)
		case is.GetUID() != body.GetUID(), is.GetResourceVersion() != body.GetResourceVersion():
			return nil, r.conflict(name, "the object has been modified")
		}
		return r.m.apply(path, body.GetLabels(), o.FieldManager, *o.Force)
	})
}

// merge patches labels and managers.
func (r *memoryResource) merge(ctx context.Context, name string, data []byte, o metav1.PatchOptions) (*unstructured.Unstructured, error) {
	return r.write(ctx, "patch", name, o.DryRun, func(path string) (*unstructured.Unstructured, error) {
		var body struct {
			Metadata struct {
				UID             types.UID
				ResourceVersion string
				Labels          map[string]*string
				ManagedFields   *[]metav1.ManagedFieldsEntry
			}
		}
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&body); err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		is, ok := r.m.objects[path]
		switch {
		case !ok:
			return nil, r.notFound(name)
		case is.GetUID() != body.Metadata.UID, is.GetResourceVersion() != body.Metadata.ResourceVersion:
			return nil, r.conflict(name, "the object has been modified")
		}
		u := is.DeepCopy()
		labels := u.GetLabels()
		for key, value := range body.Metadata.Labels {
			if value == nil {
				delete(labels, key)
			} else {
				labels[key] = *value
			}
		}
		u.SetLabels(labels)
		if err := r.m.psa(name, is.GetLabels(), labels); err != nil {
			return nil, err
		}
		if entries := body.Metadata.ManagedFields; entries != nil {
			u.SetManagedFields(*entries)
		}
		r.m.update(path, u, o.FieldManager)
		return r.m.objects[path], nil
	})
}

// entryKey tells one entry of managedFields from another here.
type entryKey struct {
	manager   string
	operation metav1.ManagedFieldsOperationType
}

// managers are the labels that each owns.
func (m *memory) managers(u *unstructured.Unstructured) map[entryKey][]string {
	out := map[entryKey][]string{}
	for _, e := range u.GetManagedFields() {
		if e.FieldsV1 == nil {
			continue
		}
		var set fieldpath.Set
		if err := set.FromJSON(e.FieldsV1.GetRawReader()); err != nil {
			m.t.Fatal(err)
		}
		set.Leaves().Iterate(func(p fieldpath.Path) {
			if len(p) == 3 && *p[1].FieldName == "labels" {
				k := entryKey{e.Manager, e.Operation}
				out[k] = append(out[k], *p[2].FieldName)
			}
		})
	}
	return out
}

func managedBy(t *testing.T, k entryKey, keys []string) []metav1.ManagedFieldsEntry {
	t.Helper()
	set := fieldpath.NewSet()
	for _, key := range keys {
		set.Insert(fieldpath.MakePathOrDie("metadata", "labels", key))
	}
	raw, err := set.ToJSON()
	if err != nil {
		t.Fatal(err)
	}
	return []metav1.ManagedFieldsEntry{{
		Manager: k.manager, Operation: k.operation, APIVersion: "v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(string(raw)),
	}}
}

func (m *memory) setManagers(u *unstructured.Unstructured, managers map[entryKey][]string) {
	var entries []metav1.ManagedFieldsEntry
	for k, keys := range managers {
		if len(keys) > 0 {
			entries = append(entries, managedBy(m.t, k, keys)...)
		}
	}
	u.SetManagedFields(entries)
}

// disown takes a label from all but one.
func disown(managers map[entryKey][]string, key string, but entryKey) {
	for k := range managers {
		if k != but {
			managers[k] = slices.DeleteFunc(slices.Clone(managers[k]), func(s string) bool { return s == key })
		}
	}
}

// update makes changed labels the manager's, and takes over the managers that were sent.
func (m *memory) update(path string, u *unstructured.Unstructured, manager string) {
	is := m.objects[path]
	managers, own := m.managers(u), entryKey{manager, metav1.ManagedFieldsOperationUpdate}
	for key, value := range u.GetLabels() {
		if before, ok := is.GetLabels()[key]; !ok || before != value {
			disown(managers, key, own)
			managers[own] = append(managers[own], key)
			slices.Sort(managers[own])
			managers[own] = slices.Compact(managers[own])
		}
	}
	for key := range is.GetLabels() {
		if _, ok := u.GetLabels()[key]; !ok {
			disown(managers, key, entryKey{})
		}
	}
	m.admit(u)
	m.setManagers(u, managers)
	m.store(path, u, false)
}

// admit is mutating admission: it comes after managers are settled, so that what it changes is put down to nobody.
func (m *memory) admit(u *unstructured.Unstructured) {
	if m.made != nil {
		labels := u.GetLabels()
		m.made(labels)
		u.SetLabels(labels)
	}
	if m.annotated != nil {
		u.SetAnnotations(m.annotated)
	}
}

// psa is Pod Security admission's word on a change of labels.
func (m *memory) psa(name string, is, will map[string]string) error {
	_, before := api.PolicyToEvaluate(is, api.Policy{})
	_, after := api.PolicyToEvaluate(will, api.Policy{})
	if len(after) > 0 && (len(before) == 0 || !reflect.DeepEqual(before, after)) {
		return apierrors.NewInvalid(schema.GroupKind{Kind: "Namespace"}, name, after)
	}
	return nil
}

// apply is server-side apply of labels.
func (m *memory) apply(path string, labels map[string]string, manager string, force bool) (*unstructured.Unstructured, error) {
	u := m.objects[path].DeepCopy()
	is, managers, own := u.GetLabels(), m.managers(u), entryKey{manager, metav1.ManagedFieldsOperationApply}
	if len(u.GetManagedFields()) == 0 {
		managers[entryKey{"before-first-apply", metav1.ManagedFieldsOperationUpdate}] = slices.Sorted(maps.Keys(is))
	}
	var causes []metav1.StatusCause
	for key, value := range labels {
		for k, keys := range managers {
			if k != own && slices.Contains(keys, key) && is[key] != value {
				causes = append(causes, metav1.StatusCause{Type: metav1.CauseTypeFieldManagerConflict, Message: k.manager, Field: key})
				if force {
					disown(managers, key, own)
				}
			}
		}
	}
	if len(causes) > 0 && !force {
		return nil, apierrors.NewApplyConflict(causes, "Apply failed with conflicts")
	}
	for _, key := range managers[own] {
		if _, ok := labels[key]; !ok {
			delete(is, key)
		}
	}
	maps.Copy(is, labels)
	if err := m.psa(u.GetName(), m.objects[path].GetLabels(), is); err != nil {
		return nil, err
	}
	managers[own] = slices.Sorted(maps.Keys(labels))
	u.SetLabels(is)
	m.admit(u)
	m.setManagers(u, managers)
	m.store(path, u, false)
	return m.objects[path], nil
}
