package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// documentHeader is the apiVersion, kind and position of a document to decode into the inventory.
type documentHeader struct {
	apiVersion, kind string
	position         pspparse.Position
}

// DecodeError is the error for a document that could not be decoded into the inventory.
type DecodeError struct {
	// Kind, Namespace and Name are as far as they could be read. Namespace is "" for cluster-scoped kinds and where it is
	// not known.
	Kind, Namespace, Name string
	// Path leads to a value of the wrong type, by keys of maps and indexes of lists; nil for other errors.
	Path []string
	Err  error
}

// Error returns the object that could not be decoded, and the reason.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("reading %s: %v", describeObject(e.Kind, e.Namespace, e.Name), e.Err)
}

// Unwrap returns the error of decoding an object, for errors.Is and errors.As.
func (e *DecodeError) Unwrap() error { return e.Err }

// Gap returns the gap of the inventory for an object that could not be decoded. It touches the namespace that the
// object is in, or that it is, if that is known, else all.
func (e *DecodeError) Gap(at pspparse.Position) Gap {
	namespace := e.Namespace
	if e.Kind == "Namespace" {
		namespace = e.Name
	}
	return Gap{What: describeObject(e.Kind, e.Namespace, e.Name), Why: message.New("object-invalid", "error", e.Err), Position: at, Namespaces: touchedNamespaces(namespace), Affects: PartOfKind("", e.Kind)}
}

// newDecodeError returns the decoding error of an object with what can be read of its name. A name that is given twice,
// or of the wrong type, is left out.
func newDecodeError(kind string, data []byte, err error) *DecodeError {
	var o struct {
		Metadata struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"metadata"`
	}
	strict, _ := kjson.UnmarshalStrict(data, &o, kjson.DisallowDuplicateFields) // whatever it finds helps
	for _, twice := range strict {
		var field kjson.FieldError
		if !errors.As(twice, &field) {
			continue
		}
		switch field.FieldPath() {
		case "metadata":
			o.Metadata.Name, o.Metadata.Namespace = "", ""
		case "metadata.name":
			o.Metadata.Name = ""
		case "metadata.namespace":
			o.Metadata.Namespace = ""
		}
	}
	e := &DecodeError{Kind: kind, Name: o.Metadata.Name, Err: err}
	var wrong *wrongTypeError
	if errors.As(err, &wrong) {
		e.Path = wrong.path
	}
	switch kind {
	case "Namespace":
	case "ClusterRole", "ClusterRoleBinding", "PodSecurityPolicy":
	default:
		e.Namespace = o.Metadata.Namespace
	}
	return e
}

// unmarshalStrict decodes an object of the inventory from JSON. It returns an error for a duplicate key, and for a
// wrong type with the path of the field.
func unmarshalStrict(data []byte, into any) error {
	strict, err := kjson.UnmarshalStrict(data, into, kjson.DisallowDuplicateFields)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return newWrongTypeError(data, wrong)
	case err != nil:
		return fmt.Errorf("reading JSON: %w", err)
	case len(strict) > 0:
		return fmt.Errorf("%w: a key may be given once", strict[0])
	}
	return nil
}

// expectedTypeName returns, for the error of decoding an object, the JSON type that a field's Go type is decoded from.
func expectedTypeName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "a boolean"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "an integer that fits in " + t.Kind().String()
	}
	return "of another type"
}

// foundTypeName returns, for the error of decoding an object, the JSON type of a value that a decoder refused.
func foundTypeName(value string) string {
	switch {
	case strings.HasPrefix(value, "number "):
		return strings.TrimPrefix(value, "number ")
	case value == "bool":
		return "a boolean"
	case value == "array":
		return "a list"
	case value == "object":
		return "an object"
	}
	return "a " + value
}

// decodePod decodes a Pod from JSON into the inventory.
func (b *Builder) decodePod(data []byte, from documentHeader) error {
	var pod struct {
		Metadata ObjectMeta  `json:"metadata"`
		Spec     podSpecJSON `json:"spec"`
		Status   struct {
			Phase corev1.PodPhase `json:"phase"`
		} `json:"status"`
	}
	if err := unmarshalStrict(data, &pod); err != nil {
		return err
	}
	b.decodeAPIServer(pod.Metadata, data, pod.Status.Phase, from.position)
	if err := pod.Spec.checkSize(); err != nil {
		return err
	}
	if !storedByServer(&pod.Metadata, data) {
		pod.Metadata.Labels = labelsOf(data)
		b.addPodManifest(pod.Metadata, pod.Spec.toPodSpec(), from.position)
		return nil
	}
	if mayHavePodSecurityKey(data) {
		pod.Metadata.Labels = labelsOf(data)
	}
	b.AddPod(pod.Metadata, pod.Spec.toPodSpec(), pod.Status.Phase, from.position)
	return nil
}

// storedByServer reports whether a server has ever had a pod, by what only servers, schedulers and kubelets write. All other
// pods are manifests, which no admission has seen. This is the one place that decides it.
func storedByServer(m *ObjectMeta, data []byte) bool {
	_, mirror := m.Annotations[mirrorAnnotation]
	if m.UID != "" || mirror || m.Annotations[admittedByAnnotation] != "" {
		return true
	}
	var pod struct {
		Metadata struct {
			ResourceVersion any `json:"resourceVersion"`
		} `json:"metadata"`
		Spec struct {
			NodeName any `json:"nodeName"`
		} `json:"spec"`
		Status map[string]json.RawMessage `json:"status"` // tools write an empty one into manifests
	}
	if kjson.UnmarshalCaseSensitivePreserveInts(data, &pod) != nil {
		return true // decodePod has read it already
	}
	set := func(v any) bool { return v != nil && v != "" }
	return set(pod.Metadata.ResourceVersion) || set(pod.Spec.NodeName) || len(pod.Status) > 0
}

// labelsOf returns the labels of an object from its JSON; nil where they cannot be decoded.
func labelsOf(data []byte) map[string]string {
	var o struct {
		Metadata struct {
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
	}
	if kjson.UnmarshalCaseSensitivePreserveInts(data, &o) != nil {
		return nil
	}
	return o.Metadata.Labels
}

// decodeNamespace decodes a Namespace from JSON into the inventory.
func (b *Builder) decodeNamespace(data []byte, from documentHeader) error {
	var n struct {
		Metadata struct {
			Name          string                      `json:"name"`
			UID           string                      `json:"uid"`
			Labels        map[string]string           `json:"labels"`
			Annotations   map[string]string           `json:"annotations"`
			ManagedFields []metav1.ManagedFieldsEntry `json:"managedFields"`
			Deleted       string                      `json:"deletionTimestamp"`
		} `json:"metadata"`
		Status struct {
			Phase corev1.NamespacePhase `json:"phase"`
		} `json:"status"`
	}
	if err := unmarshalStrict(data, &n); err != nil {
		return err
	}
	b.AddNamespace(Namespace{
		Name: n.Metadata.Name, UID: n.Metadata.UID, ClientApplied: ClientApplied(n.Metadata.Annotations, n.Metadata.ManagedFields),
		Labels: n.Metadata.Labels, Annotations: withoutLastApplied(n.Metadata.Annotations),
		OwnersUnknown: n.Metadata.UID != "" && len(n.Metadata.ManagedFields) == 0,
		LabelManagers: LabelManagers(n.Metadata.ManagedFields), ServerApplied: ServerApplied(n.Metadata.ManagedFields), Position: from.position,
		Terminating: n.Metadata.Deleted != "" || n.Status.Phase == corev1.NamespaceTerminating,
	})
	return nil
}

// The field managers of 'kubectl apply' without --server-side and with it.
const (
	// clientSideApply is the field manager of 'kubectl apply'.
	clientSideApply = "kubectl-client-side-apply"
	// serverSideApply is the field manager of 'kubectl apply --server-side'.
	serverSideApply = "kubectl"
)

// ClientApplied reports whether a namespace has the record of a client-side apply: the annotation, or what is left in
// managedFields where somebody has removed that.
func ClientApplied(annotations map[string]string, entries []metav1.ManagedFieldsEntry) bool {
	if _, ok := annotations[corev1.LastAppliedConfigAnnotation]; ok {
		return true
	}
	return hasManagedFields(entries, clientSideApply, metav1.ManagedFieldsOperationUpdate)
}

// ServerApplied reports, to decode a Namespace for the inventory, whether kubectl has applied a namespace with
// --server-side and under its own field manager.
func ServerApplied(entries []metav1.ManagedFieldsEntry) bool {
	return hasManagedFields(entries, serverSideApply, metav1.ManagedFieldsOperationApply)
}

// hasManagedFields reports whether a field manager has fields of an object in its managedFields by an operation.
func hasManagedFields(entries []metav1.ManagedFieldsEntry, manager string, operation metav1.ManagedFieldsOperationType) bool {
	return slices.ContainsFunc(entries, func(e metav1.ManagedFieldsEntry) bool { return e.Manager == manager && e.Operation == operation })
}

// withoutLastApplied removes kubectl's last-applied annotation from an object's annotations, and returns nil where none
// are left.
func withoutLastApplied(annotations map[string]string) map[string]string {
	delete(annotations, corev1.LastAppliedConfigAnnotation)
	if len(annotations) == 0 {
		return nil
	}
	return annotations
}

// LabelManagers returns the field managers that own each label of an object, sorted, by the key of the label.
func LabelManagers(entries []metav1.ManagedFieldsEntry) map[string][]string {
	var out map[string][]string
	for i := range entries {
		if entries[i].FieldsV1 == nil {
			continue
		}
		var fields struct {
			Metadata struct {
				Labels map[string]json.RawMessage `json:"f:labels"`
			} `json:"f:metadata"`
		}
		if json.Unmarshal(entries[i].FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		for key := range fields.Metadata.Labels {
			key, ok := strings.CutPrefix(key, "f:")
			if !ok {
				continue
			}
			if out == nil {
				out = map[string][]string{}
			}
			out[key] = append(out[key], entries[i].Manager)
		}
	}
	for key, managers := range out {
		slices.Sort(managers)
		out[key] = slices.Compact(managers)
	}
	return out
}

// decodeServiceAccount decodes a ServiceAccount from JSON into the inventory.
func (b *Builder) decodeServiceAccount(data []byte, from documentHeader) error {
	var s struct {
		Metadata  ObjectMeta `json:"metadata"`
		Automount *bool      `json:"automountServiceAccountToken"`
	}
	if err := unmarshalStrict(data, &s); err != nil {
		return err
	}
	b.AddServiceAccount(ServiceAccount{Namespace: s.Metadata.Namespace, Name: s.Metadata.Name, Automount: s.Automount, Position: from.position})
	return nil
}

// rbacNamespace returns the namespace under which the inventory has an RBAC object; "" for a cluster-scoped kind, with
// a note if the object names one.
func (b *Builder) rbacNamespace(from documentHeader, namespace, name string) string {
	if !strings.HasPrefix(from.kind, "Cluster") {
		return b.namespaceOrDefault(namespace, from.position)
	}
	if namespace != "" {
		b.AddNote(Note{
			What: describeObject(from.kind, "", name), Position: from.position,
			Why: message.New("rbac-namespace-ignored", "namespace", quote(namespace), "kind", from.kind),
		})
	}
	return ""
}

// decodeRole decodes a Role or ClusterRole from JSON into the inventory.
func (b *Builder) decodeRole(data []byte, from documentHeader) error {
	var r struct {
		metav1.TypeMeta
		Metadata    metav1.ObjectMeta       `json:"metadata"`
		Rules       []rbacv1.PolicyRule     `json:"rules"`
		Aggregation *rbacv1.AggregationRule `json:"aggregationRule"`
	}
	if err := unmarshalStrict(data, &r); err != nil {
		return err
	}
	namespace := b.rbacNamespace(from, r.Metadata.Namespace, r.Metadata.Name)
	b.noteUnknownRuleFields(data, &r, describeObject(from.kind, namespace, r.Metadata.Name), from.position)
	b.AddRole(Role{
		Namespace: namespace, Name: r.Metadata.Name, Labels: r.Metadata.Labels,
		Rules: r.Rules, Aggregation: r.Aggregation, Stored: r.Metadata.UID != "", Position: from.position,
	})
	return nil
}

// noteUnknownRuleFields adds to the inventory notes of fields in the rules of a role that the API server ignores: a
// misspelt one grants more, or less, than its author meant.
func (b *Builder) noteUnknownRuleFields(data []byte, into any, what string, at pspparse.Position) {
	strict, err := kjson.UnmarshalStrict(data, into, kjson.DisallowUnknownFields)
	if err != nil {
		return
	}
	found := 0
	for _, e := range strict {
		var field kjson.FieldError
		if !errors.As(e, &field) || !strings.HasPrefix(field.FieldPath(), "rules[") {
			continue
		}
		if found++; found <= maxUnknownFields {
			b.AddNote(Note{What: what, Position: at, Why: message.New("rbac-field-unknown", "field", quote(field.FieldPath()))})
		}
	}
	if found > maxUnknownFields {
		b.AddNote(Note{What: what, Position: at, Why: message.New("rbac-fields-unknown", "limit", maxUnknownFields)})
	}
}

// maxUnknownFields is how many unknown fields of one role have a note.
const maxUnknownFields = 10

// decodeBinding decodes a RoleBinding or ClusterRoleBinding from JSON into the inventory.
func (b *Builder) decodeBinding(data []byte, from documentHeader) error {
	var x struct {
		Metadata ObjectMeta `json:"metadata"`
		RoleRef  struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"roleRef"`
		Subjects []*struct {
			rbacv1.Subject
			// APIVersion is what v1alpha1 has instead of an apiGroup.
			APIVersion string `json:"apiVersion"`
		} `json:"subjects"`
	}
	if err := unmarshalStrict(data, &x); err != nil {
		return err
	}
	binding := Binding{
		Namespace: b.rbacNamespace(from, x.Metadata.Namespace, x.Metadata.Name), Name: x.Metadata.Name,
		RoleKind: x.RoleRef.Kind, RoleName: x.RoleRef.Name, Position: from.position,
	}
	var nulls []int
	binding.Subjects = make([]rbacv1.Subject, 0, len(x.Subjects))
	for i, s := range x.Subjects {
		if s == nil {
			nulls = append(nulls, i)
			continue
		}
		subject := s.Subject
		if strings.HasSuffix(from.apiVersion, "/v1alpha1") {
			subject.APIGroup = groupOf(s.APIVersion)
			if subject.Kind == rbacv1.UserKind && subject.Name == "*" { // as the API server converts it
				subject = rbacv1.Subject{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: "system:authenticated"}
			}
		}
		binding.Subjects = append(binding.Subjects, subject)
	}
	b.noteNullSubjects(describeObject(from.kind, binding.Namespace, x.Metadata.Name), nulls, from.position)
	b.AddBinding(binding)
	return nil
}

// noteNullSubjects adds to the inventory a note of the subjects of a binding that are null.
func (b *Builder) noteNullSubjects(what string, nulls []int, at pspparse.Position) {
	if len(nulls) > 0 {
		b.AddNote(Note{What: what, Position: at, Why: message.New("subjects-null", "index", nulls[0], "n", len(nulls), "more", len(nulls)-1)})
	}
}
