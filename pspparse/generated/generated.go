// Package generated owns the marks by which objects are known again that the command generate wrote: their labels and annotations, and
// the checksum of what a policy writes into pods. Who writes objects and who reads them share it, and it knows nothing of either. It is
// pure.
package generated

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
)

// What every object is found by.
const (
	// ManagedByLabel has the value ManagedBy on all that the command generate writes, so that it can be removed by label.
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedBy      = "psp2pss"
	// SetLabel has the name of the set that the object belongs to, or its beginning and a hash.
	SetLabel = "psp2pss.dev/set"
	// ModeLabel has the mode of the set; the guards of labels have none.
	ModeLabel = "psp2pss.dev/mode"
	// GuardSet is the set of what guards the labels of namespaces.
	GuardSet = "guards"
)

// Modes returns the values that the ModeLabel can have.
func Modes() []string { return []string{"delta", "continuity", "restricted-but-for"} }

// Kinds returns the kinds of admission policies, and of their bindings, that the command generate writes.
func Kinds() []string {
	return []string{"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
}

// What says of a MutatingAdmissionPolicy for pods whether it is as it was written, and what follows from that.
const (
	// ChecksumAnnotation has the Checksum of the object.
	ChecksumAnnotation = "psp2pss.dev/checksum"
	// LoosensAnnotation has the fields of the policies by which it writes something for which a pod may need a looser level of the
	// Pod Security Standards, with commas between them. It is absent where there are none.
	LoosensAnnotation = "psp2pss.dev/loosens"
)

// mutator is what of a MutatingAdmissionPolicy decides what it writes into a pod, with the marks. API servers write defaults into other
// fields.
type mutator struct {
	Metadata struct {
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		MatchConditions []expression `json:"matchConditions"`
		Variables       []expression `json:"variables"`
		Mutations       []struct {
			ApplyConfiguration expression `json:"applyConfiguration"`
			JSONPatch          expression `json:"jsonPatch"`
		} `json:"mutations"`
	} `json:"spec"`
}

// expression is an expression of an admission policy, with its name where it has one.
type expression struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

// Checksum returns the checksum of a MutatingAdmissionPolicy, given as JSON: of its conditions, variables and mutations, and of what the
// LoosensAnnotation says. It is the same for the object as an API server stores it. It returns an error for what is no such object.
func Checksum(object []byte) (string, error) {
	m, err := decode(object)
	if err != nil {
		return "", err
	}
	return m.checksum()
}

// AsWritten reports whether a MutatingAdmissionPolicy, given as JSON, has the checksum of what it says, so that nobody has changed it by
// hand since it was generated; loosens are then the fields of its LoosensAnnotation. Somebody who makes the checksum anew deceives it.
func AsWritten(object []byte) (is bool, loosens []string) {
	m, err := decode(object)
	if err != nil {
		return false, nil
	}
	want, err := m.checksum()
	if err != nil || m.Metadata.Annotations[ChecksumAnnotation] != want {
		return false, nil
	}
	if list := m.Metadata.Annotations[LoosensAnnotation]; list != "" {
		loosens = strings.Split(list, ",")
	}
	return true, loosens
}

// decode returns what counts of a MutatingAdmissionPolicy that is given as JSON.
func decode(object []byte) (*mutator, error) {
	var m mutator
	if err := json.Unmarshal(object, &m); err != nil {
		return nil, fmt.Errorf("reading a MutatingAdmissionPolicy: %w", err)
	}
	return &m, nil
}

// checksum returns the checksum of the policy.
func (m *mutator) checksum() (string, error) {
	text, err := json.Marshal([]any{m.Spec.MatchConditions, m.Spec.Variables, m.Spec.Mutations, m.Metadata.Annotations[LoosensAnnotation]})
	if err != nil {
		return "", fmt.Errorf("writing a MutatingAdmissionPolicy: %w", err)
	}
	const digits = 32
	return fmt.Sprintf("%x", sha256.Sum256(text))[:digits], nil
}
