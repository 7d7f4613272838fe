package cluster

import (
	"encoding/json"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// entry is one object of a list, ready to enter the inventory.
type entry struct {
	key key
	add func(*inventory.Builder)
}

// key names an object within its kind.
type key struct{ namespace, name string }

// decoder makes an entry of the bytes of one object.
type decoder func([]byte, coding) (entry, error)

// object is a pointer to an API type that protobuf can fill.
type object[T any] interface {
	*T
	metav1.Object
	Unmarshal([]byte) error
}

// of decodes one concrete type.
func of[T any, P object[T]](add func(*inventory.Builder, P)) decoder {
	return func(data []byte, c coding) (entry, error) {
		x, err := decodeAs[T, P](data, c)
		if err != nil {
			return entry{}, err
		}
		return entry{
			key: key{x.GetNamespace(), x.GetName()},
			add: func(b *inventory.Builder) { add(b, x) },
		}, nil
	}
}

func decodeAs[T any, P object[T]](data []byte, c coding) (P, error) {
	if err := checkWeight(reflect.TypeFor[T](), data, c); err != nil {
		return nil, err
	}
	x := P(new(T))
	if c == inJSON {
		if err := decodeJSON(data, x); err != nil {
			return nil, err
		}
	} else if err := x.Unmarshal(data); err != nil {
		return nil, malformed("an item: " + err.Error())
	}
	if x.GetName() == "" {
		return nil, malformed("an item has no name")
	}
	return x, nil
}

// policy decodes a PodSecurityPolicy, whose types left k8s.io/api: it is asked for in JSON, and the one decoder of
// policies reads it. Items of a list do not repeat their kind, which that decoder wants to see.
func policy(gv schema.GroupVersion) decoder {
	return func(data []byte, c coding) (entry, error) {
		if c != inJSON {
			return entry{}, malformed("a policy that is not JSON")
		}
		if err := checkWeight(nil, data, c); err != nil {
			return entry{}, err
		}
		var fields map[string]any
		if err := decodeJSON(data, &fields); err != nil {
			return entry{}, err
		}
		var named struct {
			Metadata struct {
				Name string `json:"name"`
			} `json:"metadata"`
		}
		if err := decodeJSON(data, &named); err != nil {
			return entry{}, err
		}
		if named.Metadata.Name == "" {
			return entry{}, malformed("a policy without a name")
		}
		fields["apiVersion"], fields["kind"] = gv.String(), "PodSecurityPolicy"
		whole, err := json.Marshal(fields)
		if err != nil {
			return entry{}, malformed("a policy: " + err.Error())
		}
		name := named.Metadata.Name
		return entry{key: key{name: name}, add: func(b *inventory.Builder) { addPolicy(b, name, whole) }}, nil
	}
}
