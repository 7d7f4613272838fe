package rollout

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// IsAsWritten reports whether an object of a set of admission policies is as a step of a roll-out left it, by what the journal has of
// that. Labels and annotations do not count, which others may add to.
func IsAsWritten(u *unstructured.Unstructured, written json.RawMessage) bool {
	return sameWithoutMetadata(contentOf(u), written)
}

// IsAsFound reports whether an object of a set of admission policies is as a step of a roll-out found it.
func (s *ObservedState) IsAsFound(u *unstructured.Unstructured) bool {
	return s.Exists && sameWithoutMetadata(contentOf(u), s.content())
}

// sameWithoutMetadata reports, to a verification, whether two results of contentOf are equal but for labels and annotations.
func sameWithoutMetadata(a, b json.RawMessage) bool {
	var is, was map[string]any
	if json.Unmarshal(a, &is) != nil || json.Unmarshal(b, &was) != nil || is == nil || was == nil {
		return false
	}
	for _, content := range []map[string]any{is, was} {
		delete(content, "labels")
		delete(content, "annotations")
	}
	return equality.Semantic.DeepEqual(is, was)
}
