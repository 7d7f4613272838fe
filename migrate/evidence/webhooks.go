package evidence

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
)

// The audit annotations of mutating webhooks, each with the round and the index of its call behind it
// (k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go).
const (
	mutationPrefix = "mutation.webhook.admission.k8s.io/"
	patchPrefix    = "patch.webhook.admission.k8s.io/"
)

// withWebhooks returns a pod as it was sent, with the patches of webhooks that an audit event has. known is false where a webhook
// changed something that the event does not show, and where its patch builds on what admission had put there.
func withWebhooks(sent *corev1.Pod, annotations map[string]string) (patched *corev1.Pod, known bool) {
	var calls [][2]int
	for key, value := range annotations {
		name, ok := strings.CutPrefix(key, mutationPrefix)
		if !ok {
			continue
		}
		var called struct {
			Mutated bool `json:"mutated"`
		}
		var call [2]int
		if json.Unmarshal([]byte(value), &called) != nil {
			return nil, false
		}
		if _, err := fmt.Sscanf(name, "round_%d_index_%d", &call[0], &call[1]); err != nil {
			return nil, false
		}
		if called.Mutated {
			calls = append(calls, call)
		}
	}
	if len(calls) == 0 {
		return sent, true
	}
	slices.SortFunc(calls, func(x, y [2]int) int { return slices.Compare(x[:], y[:]) })
	text, err := json.Marshal(withParents(sent))
	if err != nil {
		return nil, false
	}
	for _, call := range calls {
		if text, err = applyPatch(text, annotations[fmt.Sprintf("%sround_%d_index_%d", patchPrefix, call[0], call[1])]); err != nil {
			return nil, false
		}
	}
	var out corev1.Pod
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, false
	}
	return &out, true
}

// applyPatch applies the patch in an audit annotation to a pod as JSON.
func applyPatch(pod []byte, annotation string) ([]byte, error) {
	var logged struct {
		Patch json.RawMessage `json:"patch"`
	}
	if err := json.Unmarshal([]byte(annotation), &logged); err != nil {
		return nil, err
	}
	patch, err := jsonpatch.DecodePatch(logged.Patch)
	if err != nil {
		return nil, err
	}
	return patch.Apply(pod)
}

// withParents returns a copy of a pod with the empty objects that a patch may put something into, since the API server has filled them
// in before it calls webhooks.
func withParents(sent *corev1.Pod) *corev1.Pod {
	pod := sent.DeepCopy()
	if pod.Spec.SecurityContext == nil {
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if list[i].SecurityContext == nil {
				list[i].SecurityContext = &corev1.SecurityContext{}
			}
		}
	}
	return pod
}
