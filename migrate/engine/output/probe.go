package output

import (
	"encoding/json"
	"fmt"

	"github.com/psp2pss/psp2pss/migrate/engine/cel"
)

// probeFile is the file of the pod whose dry run tells whether a set is in force. It is in a folder below, so that nobody applies it
// with the rest.
const probeFile = "probe/pod.yaml"

// ProbePod returns, as JSON, the pod whose dry run tells whether a set is in force. An error is one of encoding.
func ProbePod() (json.RawMessage, error) {
	text, err := json.Marshal(probePod())
	if err != nil {
		return nil, fmt.Errorf("writing the pod %s: %w", cel.ProbePod, err)
	}
	return text, nil
}

// podManifest is a pod as it is written into a file.
type podManifest struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       map[string]any `json:"spec"`
}

// probePod returns the pod whose dry run tells whether a set is in force. It meets every level of the Pod Security Standards, so that
// no label refuses it first. What a policy adds to containers that do not drop it, CAP_SYS_ADMIN by this very name, does not go with
// allowPrivilegeEscalation: false, so that an API server would refuse the pod as invalid.
func probePod() podManifest {
	type m = map[string]any
	return podManifest{"v1", "Pod", m{"name": cel.ProbePod}, m{
		"securityContext": m{"runAsNonRoot": true, "seccompProfile": m{"type": "RuntimeDefault"}},
		"containers": []any{m{
			"name": "probe", "image": "registry.k8s.io/pause:3.10",
			"securityContext": m{"allowPrivilegeEscalation": false, "capabilities": m{"drop": []any{"ALL", "CAP_SYS_ADMIN"}}},
		}},
	}}
}
