package cluster

import (
	"encoding/json"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// decodedObject is one object of a list, ready to enter the inventory.
type decodedObject struct {
	key objectKey
	add func(inventory.Sink)
}

// objectKey names an object within its kind.
type objectKey struct{ namespace, name string }

// objectDecoder makes an entry of the bytes of one object.
type objectDecoder func([]byte, objectEncoding) (decodedObject, error)

// protobufObject is a pointer to an API type that protobuf can fill.
type protobufObject[T any] interface {
	*T
	metav1.Object
	Unmarshal([]byte) error
}

// decoderFor decodes one concrete type.
func decoderFor[T any, P protobufObject[T]](add func(inventory.Sink, P)) objectDecoder {
	return func(data []byte, c objectEncoding) (decodedObject, error) {
		x, err := decodeObject[T, P](data, c)
		if err != nil {
			return decodedObject{}, err
		}
		return decodedObject{
			key: objectKey{x.GetNamespace(), x.GetName()},
			add: func(b inventory.Sink) { add(b, x) },
		}, nil
	}
}

func decodeObject[T any, P protobufObject[T]](data []byte, c objectEncoding) (P, error) {
	if err := checkDecodedSize(reflect.TypeFor[T](), data, c); err != nil {
		return nil, err
	}
	x := P(new(T))
	if c == jsonEncoding {
		if err := decodeJSON(data, x); err != nil {
			return nil, err
		}
	} else if err := x.Unmarshal(data); err != nil {
		return nil, malformedAnswerError("an item: " + err.Error())
	}
	if x.GetName() == "" {
		return nil, malformedAnswerError("an item has no name")
	}
	return x, nil
}

// podSecurityPolicyDecoder decodes a PodSecurityPolicy, whose types left k8s.io/api: it is asked for in JSON, and the one decoder of
// policies reads it. Items of a list do not repeat their kind, which that decoder wants to see.
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
