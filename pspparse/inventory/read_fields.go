package inventory

import (
	"bytes"
	"reflect"

	corev1 "k8s.io/api/core/v1"
)

// The functions of this file return for a reader of protobuf which fields a Builder reads, so that it need not decode the others. They
// return the types that JSON is decoded into: there is one list of fields.

// PodFields returns a struct type whose JSON names are the fields of a Pod that an inventory needs, with the labels or
// without them.
func PodFields(labels bool) reflect.Type {
	type status struct {
		Phase corev1.PodPhase `json:"phase"`
	}
	if labels {
		return reflect.TypeFor[struct {
			Metadata objectMetaWithLabels `json:"metadata"`
			Spec     podSpecJSON          `json:"spec"`
			Status   status               `json:"status"`
		}]()
	}
	return reflect.TypeFor[struct {
		Metadata ObjectMeta  `json:"metadata"`
		Spec     podSpecJSON `json:"spec"`
		Status   status      `json:"status"`
	}]()
}

// WorkloadFields returns a struct type whose JSON names are the fields that a Builder reads of an object with a pod template.
func WorkloadFields() reflect.Type { return reflect.TypeFor[workloadJSON]() }

// NeedsPodLabels reports from an encoded Pod whether an inventory may need its labels: one of them may be a misplaced
// label of Pod Security.
func NeedsPodLabels(data []byte) bool { return mayHavePodSecurityKey(data) }

// NeedsWholePod reports from an encoded Pod whether an inventory may need fields that PodFields lacks: the command line
// of an API server.
func NeedsWholePod(data []byte) bool { return bytes.Contains(data, []byte(kubeAPIServer)) }
