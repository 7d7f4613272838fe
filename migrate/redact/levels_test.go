package redact_test

import (
	"fmt"
	"io"
	"testing"
)

// Workloads of two levels keep a namespace down: those that are named for the second begin with those of the first, each in its order.
func TestWorkloadsOfTwoLevels(t *testing.T) {
	t.Parallel()
	p := planOfText(t, func(w io.Writer) error {
		for i, name := range []string{"zebra", "yak", "ant", "bee", "cow", "dog"} {
			security := "{runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}"
			if i < 4 {
				security = []string{"{privileged: true}", "{}"}[i/2]
			}
			if _, err := fmt.Fprintf(w, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: %s, namespace: farm}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i, securityContext: %s}]}}}}\n---\n", name, security); err != nil {
				return err
			}
		}
		return nil
	})
	if n := len(p.Namespaces[0].LevelWithout); n != 2 {
		t.Fatalf("%d levels without workloads", n)
	}
	checkRedaction(t, p)
}

// Names that Kubernetes has for other things: a plan with them is redacted like any other.
func TestNamesThatStayElsewhere(t *testing.T) {
	t.Parallel()
	checkRedaction(t, planOfText(t, func(w io.Writer) error {
		for _, name := range []string{"apps", "batch", "policy", "team", "tier", "secrets", "monitoring", "kill", "chown", "nodes", "masters", "calico", "node-exporter", "istio-proxy", "istio-injection", "container-t", "baseline", "coredns", "inject", "psp", "dapr", "helm", "argo", "configmap", "emptydir", "authenticated", "enabled", "latest", "hostpath", "statefulset", "use"} {
			if _, err := fmt.Fprintf(w, `
{apiVersion: v1, kind: Namespace, metadata: {name: %[1]s, labels: {team: %[1]s, istio-injection: enabled, linkerd.io/inject: enabled, pod-security.kubernetes.io/%[1]s: baseline}}}
---
{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {name: %[1]s}, spec: {volumes: [%[1]s, secret], allowedCapabilities: [%[1]s, kill], seLinux: {rule: RunAsAny}, runAsUser: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}, fsGroup: {rule: RunAsAny}}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: %[1]s}, rules: [{apiGroups: [apps, batch, policy, %[1]s], resources: [secrets, nodes, podsecuritypolicies, pods, %[1]s], verbs: [use, create, %[1]s]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: %[1]s}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %[1]s}, subjects: [{kind: Group, name: "system:%[1]s", apiGroup: rbac.authorization.k8s.io}, {kind: Group, name: "%[1]s", apiGroup: rbac.authorization.k8s.io}, {kind: ServiceAccount, name: %[1]s, namespace: %[1]s}, {kind: %[1]s, name: %[1]s}]}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: %[1]s, namespace: %[1]s, annotations: {meta.helm.sh/release-name: %[1]s}, labels: {app.kubernetes.io/managed-by: Helm}}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, app: %[1]s}}, spec: {serviceAccountName: %[1]s, containers: [{name: %[1]s, image: x/calico/node}, {name: istio-proxy, image: node-exporter}], volumes: [{name: %[1]s, secret: {secretName: %[1]s}}]}}}}
---
`, name); err != nil {
				return err
			}
		}
		return nil
	}))
}
