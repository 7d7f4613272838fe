package check

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	appsv1beta1 "k8s.io/api/apps/v1beta1"
	appsv1beta2 "k8s.io/api/apps/v1beta2"
	batchv1 "k8s.io/api/batch/v1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	corev1 "k8s.io/api/core/v1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// workloadType returns the Go type of a workload kind of the Kubernetes API; nil for a kind that is not known.
func workloadType(apiVersion, kind string) reflect.Type {
	switch apiVersion + "/" + kind {
	case "v1/Pod":
		return reflect.TypeFor[corev1.Pod]()
	case "v1/PodTemplate":
		return reflect.TypeFor[corev1.PodTemplate]()
	case "v1/ReplicationController":
		return reflect.TypeFor[corev1.ReplicationController]()
	case "apps/v1/Deployment":
		return reflect.TypeFor[appsv1.Deployment]()
	case "apps/v1/StatefulSet":
		return reflect.TypeFor[appsv1.StatefulSet]()
	case "apps/v1/DaemonSet":
		return reflect.TypeFor[appsv1.DaemonSet]()
	case "apps/v1/ReplicaSet":
		return reflect.TypeFor[appsv1.ReplicaSet]()
	case "batch/v1/Job":
		return reflect.TypeFor[batchv1.Job]()
	case "batch/v1/CronJob":
		return reflect.TypeFor[batchv1.CronJob]()
	}
	return oldWorkloadType(apiVersion, kind)
}

// oldWorkloadType returns the Go type of a workload kind in a version of the Kubernetes API that newer servers do not serve; nil for
// another.
func oldWorkloadType(apiVersion, kind string) reflect.Type {
	switch apiVersion + "/" + kind {
	case "extensions/v1beta1/Deployment":
		return reflect.TypeFor[extensionsv1beta1.Deployment]()
	case "extensions/v1beta1/DaemonSet":
		return reflect.TypeFor[extensionsv1beta1.DaemonSet]()
	case "extensions/v1beta1/ReplicaSet":
		return reflect.TypeFor[extensionsv1beta1.ReplicaSet]()
	case "apps/v1beta1/Deployment":
		return reflect.TypeFor[appsv1beta1.Deployment]()
	case "apps/v1beta1/StatefulSet":
		return reflect.TypeFor[appsv1beta1.StatefulSet]()
	case "apps/v1beta2/Deployment":
		return reflect.TypeFor[appsv1beta2.Deployment]()
	case "apps/v1beta2/StatefulSet":
		return reflect.TypeFor[appsv1beta2.StatefulSet]()
	case "apps/v1beta2/DaemonSet":
		return reflect.TypeFor[appsv1beta2.DaemonSet]()
	case "apps/v1beta2/ReplicaSet":
		return reflect.TypeFor[appsv1beta2.ReplicaSet]()
	case "batch/v1beta1/CronJob":
		return reflect.TypeFor[batchv1beta1.CronJob]()
	}
	return nil
}

// apiFields are the fields of one object of the Kubernetes API by name.
type apiFields map[string]apiField

// apiField is a field of an object of the Kubernetes API: the fields of the object in it, or of the items of its list. They are nil for
// what may hold anything, and for what holds no object.
type apiField struct {
	name   string
	fields apiFields
	list   bool
}

// step returns the step of a path through a field of the API, with [] for the items of a list.
func (f apiField) step() string {
	if f.list {
		return f.name + "[]"
	}
	return f.name
}

// apiFieldReader reads the fields of the types of the Kubernetes API, each once.
type apiFieldReader map[reflect.Type]apiFields

// ofKind returns the fields of a workload kind; nil for a kind that is not known. What a server writes, the status, may hold anything.
func (r apiFieldReader) ofKind(apiVersion, kind string) apiFields {
	t := workloadType(apiVersion, kind)
	if t == nil {
		return nil
	}
	fields, known := r[t]
	if !known {
		fields = r.of(t)
		fields["status"] = apiField{}
	}
	return fields
}

// of returns the fields of a type of the API.
func (r apiFieldReader) of(t reflect.Type) apiFields {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	if fields, known := r[t]; known {
		return fields
	}
	fields := apiFields{}
	r[t] = fields
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "" && (strings.Contains(options, "inline") || f.Anonymous):
			maps.Copy(fields, r.of(f.Type))
		case name != "" && name != "-":
			fields[name] = apiField{name, r.of(f.Type), f.Type.Kind() == reflect.Slice}
		}
	}
	return fields
}

// depthOfMeant is how deep below an object a field of the API is looked for that may be meant.
const depthOfMeant = 2

// meantField returns what a field that the API does not have may be meant for: a field of the same object whose name is nearly the
// same; else one of the same name below it, or around it, by its path from the root. It is "" where nothing suggests itself. Around are
// the fields whose objects the unknown one is in, the outermost first: the root has no name.
func meantField(name string, around []apiField) string {
	last := len(around) - 1
	if near := pspparse.SuggestName(name, slices.Sorted(maps.Keys(around[last].fields))); near != "" {
		return near
	}
	for i := last; i >= max(0, last-depthOfMeant); i-- {
		for depth := range depthOfMeant + 1 {
			if path := pathOfField(around[i].fields, name, depth); path != "" {
				for ; i > 0; i-- {
					path = around[i].step() + "." + path
				}
				return path
			}
		}
	}
	return ""
}

// pathOfField returns the path of a field of the API that is so many objects below another, the first in alphabetical order; "" if
// there is none.
func pathOfField(fields apiFields, name string, depth int) string {
	if _, ok := fields[name]; depth == 0 {
		if ok {
			return name
		}
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if path := pathOfField(fields[key].fields, name, depth-1); path != "" {
			return fields[key].step() + "." + path
		}
	}
	return ""
}
