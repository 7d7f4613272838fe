package migrate_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// What the level of a namespace refuses for debug containers is told with what to do about each pod.
func TestCautionDebugged(t *testing.T) {
	const (
		strict  = `securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, containers: [{name: c, image: i, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]`
		debug   = `, ephemeralContainers: [{name: debugger-x, image: i, securityContext: {privileged: true}}]`
		running = `, nodeName: n}, status: {phase: Running}}`
		bare    = `{apiVersion: v1, kind: Pod, metadata: {name: d, namespace: web, uid: d}, spec: {` + strict + debug + running
		second  = `{apiVersion: v1, kind: Pod, metadata: {name: e, namespace: web, uid: e}, spec: {` + strict + debug + running
		host    = `{apiVersion: v1, kind: Pod, metadata: {name: h, namespace: web, uid: h}, spec: {hostNetwork: true, ` + strict + running
		loose   = `{apiVersion: v1, kind: Pod, metadata: {name: l, namespace: web, uid: l}, spec: {containers: [{name: c, image: i}]` + running
		api     = `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: api, namespace: web, uid: r}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {` + strict + `}}}}`
		owned   = `{apiVersion: v1, kind: Pod, metadata: {name: api-x, namespace: web, uid: x, labels: {a: b}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: api, uid: r, controller: true}]}, spec: {` + strict + debug + running
	)
	for name, test := range map[string]struct {
		objects []string
		labels  string
		want    string
	}{
		"a bare pod":                           {objects: []string{bare}, want: `restricted refuses the debug containers (kubectl debug) of pod/d. They go with the pod and decide no level, but as long as they are there restricted refuses that pod new debug containers and new images, too: since nothing makes it again, recreate it from its manifest`},
		"bare pods":                            {objects: []string{bare, second}, want: `restricted refuses the debug containers (kubectl debug) of pod/d, pod/e. They go with the pods and decide no level, but as long as they are there restricted refuses those pods new debug containers and new images, too: since nothing makes them again, recreate them from their manifests`},
		"of a set":                             {objects: []string{api, owned}, want: `restricted refuses the debug containers (kubectl debug) of pod/api-x (replicaset/api). They go with the pod and decide no level, but as long as they are there restricted refuses that pod new debug containers and new images, too: delete the pod`},
		"one of each":                          {objects: []string{api, owned, bare}, want: `restricted refuses the debug containers (kubectl debug) of pod/api-x (replicaset/api), pod/d. They go with the pods and decide no level, but as long as they are there restricted refuses those pods new debug containers and new images, too: delete pod/api-x (replicaset/api); recreate pod/d from its manifest, since nothing makes it again`},
		"at baseline":                          {objects: []string{bare, loose}, want: `baseline refuses the debug containers (kubectl debug) of pod/d. They go with the pod and decide no level, but as long as they are there baseline refuses that pod new debug containers and new images, too: since nothing makes it again, recreate it from its manifest`},
		"at privileged, nothing is refused":    {objects: []string{bare, host}},
		"at privileged, where today's does so": {objects: []string{bare, host}, labels: `, labels: {pod-security.kubernetes.io/enforce: baseline}`, want: `baseline refuses the debug containers (kubectl debug) of pod/d. They go with the pod and decide no level, but as long as they are there baseline refuses that pod new debug containers and new images, too: since nothing makes it again, recreate it from its manifest`},
	} {
		t.Run(name, func(t *testing.T) {
			ns := `{apiVersion: v1, kind: Namespace, metadata: {name: web` + test.labels + `}}`
			plan := built(t, inventory.SourceCluster, append([]string{ns}, test.objects...)...)
			got := ""
			if i := slices.IndexFunc(plan.Namespaces[0].Cautions, func(c message.Message) bool { return c.ID == "debug-containers-refused" }); i >= 0 {
				got = plan.Namespaces[0].Cautions[i].Text
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
