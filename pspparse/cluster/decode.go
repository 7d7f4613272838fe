package cluster

import (
	"encoding/json"
	"io"
	"reflect"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// decodedObject is one object of a cluster's list, ready to enter the inventory.
type decodedObject struct {
	// key is its name within its kind.
	key objectKey
	// add puts it into the inventory, once.
	add func(inventory.Sink)
}

// objectKey is the namespace and name of an object of a cluster's list.
type objectKey struct{ namespace, name string }

// objectDecoder decodes the bytes of one object of an API server's list. It may overwrite them.
type objectDecoder func([]byte, objectEncoding) (decodedObject, error)

// protobufObject is a pointer to an API type that an API server's protobuf decodes into.
type protobufObject[T any] interface {
	*T
	metav1.Object
	Unmarshal([]byte) error
}

// decoderFor returns a decoder of the API server's objects of one type, whose objects add puts into the inventory.
func decoderFor[T any, P protobufObject[T]](add func(inventory.Sink, P)) objectDecoder {
	return filteredDecoder(func() fieldFilter { return nil }, add)
}

// filteredDecoder returns a decoder of the API server's objects of one type that decodes of protobuf only what the
// returned filter leaves; all of it if that is nil.
func filteredDecoder[T any, P protobufObject[T]](filter func() fieldFilter, add func(inventory.Sink, P)) objectDecoder {
	return func(data []byte, c objectEncoding) (decodedObject, error) {
		x := P(new(T))
		if err := decodeObject(data, c, filter(), x); err != nil {
			return decodedObject{}, err
		}
		return decodedObject{
			key: objectKey{x.GetNamespace(), x.GetName()},
			add: func(b inventory.Sink) { add(b, x) },
		}, nil
	}
}

// podDecoder returns a decoder of the pods that an API server lists. A cluster has far more pods than anything else, so
// it uses their memory again once they are in the inventory, which keeps nothing of a spec.
func podDecoder() objectDecoder {
	pod := reflect.TypeFor[corev1.Pod]()
	filter, withLabels := lazyFieldFilter(pod, inventory.PodFields(false)), lazyFieldFilter(pod, inventory.PodFields(true))
	var used sync.Pool // of *corev1.Pod
	return func(data []byte, c objectEncoding) (decodedObject, error) {
		if c != protobufEncoding || inventory.NeedsWholePod(data) {
			return decoderFor(addPod)(data, c)
		}
		p, ok := used.Get().(*corev1.Pod)
		if !ok {
			p = new(corev1.Pod)
		}
		emptyPod(p)
		leave, long := filter, len(data) > uncheckedObjectBytes
		if inventory.NeedsPodLabels(data) {
			leave = withLabels
		}
		if err := decodeObject(data, c, leave(), p); err != nil {
			return decodedObject{}, err
		}
		return decodedObject{key: objectKey{p.Namespace, p.Name}, add: func(b inventory.Sink) {
			addPod(b, p)
			if !long { // long lists are rare, and would be kept for nothing
				used.Put(p)
			}
		}}, nil
	}
}

// emptyPod empties a decoded pod before the next one of the list is decoded into it, and leaves it the memory of its
// longest lists.
func emptyPod(p *corev1.Pod) {
	*p = corev1.Pod{Spec: corev1.PodSpec{
		Volumes: p.Spec.Volumes[:0], Containers: p.Spec.Containers[:0], InitContainers: p.Spec.InitContainers[:0],
	}}
}

// decodeObject decodes one object of an API server's list into an empty value of its API type. Of protobuf it decodes
// what the filter leaves, or all of it without one; it overwrites data then.
func decodeObject[T any, P protobufObject[T]](data []byte, c objectEncoding, filter fieldFilter, into P) error {
	if err := checkDecodedSize(reflect.TypeFor[T](), data, c); err != nil {
		return err
	}
	if err := unmarshalObject(data, c, filter, into); err != nil {
		return err
	}
	if into.GetName() == "" {
		return malformedAnswerError("an item has no name")
	}
	return nil
}

// unmarshalObject decodes one object of an API server's list without a check of the result.
func unmarshalObject[T any, P protobufObject[T]](data []byte, c objectEncoding, filter fieldFilter, into P) error {
	if c == jsonEncoding {
		return decodeJSON(data, into)
	}
	if filter != nil {
		var ok bool
		if data, ok = filter.apply(data); !ok {
			return malformedAnswerError("an item: " + io.ErrUnexpectedEOF.Error())
		}
	}
	if err := into.Unmarshal(data); err != nil {
		return malformedAnswerError("an item: " + err.Error())
	}
	return nil
}

// podSecurityPolicyDecoder returns a decoder of PodSecurityPolicies, whose types left k8s.io/api: they are asked for in JSON,
// and package pspparse reads them. Items of a list do not repeat their kind, which that wants to see.
func podSecurityPolicyDecoder(gv schema.GroupVersion) objectDecoder {
	return func(data []byte, c objectEncoding) (decodedObject, error) {
		if c != jsonEncoding {
			return decodedObject{}, malformedAnswerError("a policy that is not JSON")
		}
		if err := checkDecodedSize(nil, data, c); err != nil {
			return decodedObject{}, err
		}
		var fields map[string]any
		if err := decodeJSON(data, &fields); err != nil {
			return decodedObject{}, err
		}
		var named struct {
			Metadata struct {
				Name string `json:"name"`
			} `json:"metadata"`
		}
		if err := decodeJSON(data, &named); err != nil {
			return decodedObject{}, err
		}
		if named.Metadata.Name == "" {
			return decodedObject{}, malformedAnswerError("a policy without a name")
		}
		fields["apiVersion"], fields["kind"] = gv.String(), "PodSecurityPolicy"
		whole, err := json.Marshal(fields)
		if err != nil {
			return decodedObject{}, malformedAnswerError("a policy: " + err.Error())
		}
		name := named.Metadata.Name
		return decodedObject{key: objectKey{name: name}, add: func(b inventory.Sink) { addPodSecurityPolicy(b, name, whole) }}, nil
	}
}
