package custom_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// object is an object in the namespace shop.
func object(apiVersion, kind, body string) string {
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: it, namespace: shop}\n%s\n", apiVersion, kind, body)
}

// What is known to hold no pod is counted, and what has no template although it has the key says nothing, beside a compliant
// Deployment.
func TestNoTemplates(t *testing.T) {
	t.Parallel()
	for name, doc := range map[string]string{
		"SealedSecret":             object("bitnami.com/v1alpha1", "SealedSecret", "spec: {encryptedData: {a: AgB}, template: {type: Opaque, metadata: {labels: {a: b}}, data: {containers: x}}}"),
		"ExternalSecret":           object("external-secrets.io/v1beta1", "ExternalSecret", "spec: {target: {name: s, template: {type: Opaque, metadata: {annotations: {a: b}}, data: {a: '{{ .a }}'}}}}"),
		"ApplicationSet":           object("argoproj.io/v1alpha1", "ApplicationSet", "spec: {generators: [{list: {elements: [{cluster: a}]}}], template: {metadata: {name: x}, spec: {project: default, source: {repoURL: r, helm: {valuesObject: {securityContext: {runAsUser: 0}}}}, destination: {namespace: shop}}}}"),
		"MachineDeployment":        object("cluster.x-k8s.io/v1beta1", "MachineDeployment", "spec: {clusterName: c, template: {metadata: {labels: {a: b}}, spec: {clusterName: c, version: v1.25.0, bootstrap: {configRef: {kind: KubeadmConfigTemplate, name: b}}}}}"),
		"ConstraintTemplate":       object("templates.gatekeeper.sh/v1", "ConstraintTemplate", "spec: {crd: {spec: {names: {kind: K8sPSPPrivileged}, validation: {openAPIV3Schema: {properties: {containers: {type: array}}}}}}, targets: [{target: admission.k8s.gatekeeper.sh, rego: 'input.review.object.spec.containers[_]'}]}"),
		"K8sPSPHostNamespace":      object("constraints.gatekeeper.sh/v1beta1", "K8sPSPHostNamespace", "spec: {parameters: {privileged: true, hostNetwork: true, volumes: [hostPath]}}"),
		"ClusterPolicy":            object("kyverno.io/v1", "ClusterPolicy", "spec: {rules: [{name: a, validate: {pattern: {spec: {hostPID: false, containers: [{name: '*', image: '*', securityContext: {privileged: false}}]}}}}, {name: g, generate: {kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, name: d, namespace: x, data: {spec: {podSelector: {}}}}}]}"),
		"ClusterAdmissionPolicy":   object("policies.kubewarden.io/v1", "ClusterAdmissionPolicy", "spec: {settings: {privileged: true, hostPath: /tmp}}"),
		"CustomResourceDefinition": object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {versions: [{schema: {openAPIV3Schema: {example: {containers: [{name: a, image: b}]}}}}]}"),
		"ControllerRevision":       object("apps/v1", "ControllerRevision", "data: {spec: {template: {spec: {containers: [{name: a, image: b}]}}}}"),
		"PersistentVolume":         object("v1", "PersistentVolume", "spec: {hostPath: {path: /data}}"),
		"Service":                  object("v1", "Service", "spec: {ports: [{port: 80}], selector: {app: web}}"),
		"PodMetrics":               object("metrics.k8s.io/v1beta1", "PodMetrics", "containers: [{name: a, usage: {cpu: 1m}}]"),
		"ServiceMonitor":           object("monitoring.coreos.com/v1", "ServiceMonitor", "spec: {endpoints: [{port: web}]}"),
		"HelmRelease":              object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "spec: {values: {securityContext: {runAsUser: 0}, sidecars: [{image: a}]}}"),
		"VirtualService":           object("networking.istio.io/v1", "VirtualService", "spec: {hosts: [a]}"),
		"NodePool":                 object("karpenter.sh/v1", "NodePool", "spec: {template: {spec: {requirements: [], taints: []}}}"),
		"Widget":                   object("example.com/v1", "Widget", "spec: {template: {metadata: {name: a}, spec: {size: 3, volumes: 2}}, container: web, steps: [{setWeight: 3}, {name: x}], privileged: sometimes, hostPath: relative, containers: 3}\nstatus: {containers: [{name: a, image: b}]}"),
		"VolumeClaims":             object("example.com/v1", "VolumeClaims", "spec: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce]}}}"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := "  enforce \"restricted\"\n"
			if !slices.Contains([]string{"K8sPSPHostNamespace", "ClusterPolicy", "ClusterAdmissionPolicy"}, name) { // these are read
				want += "  skipped " + name + "\n"
			}
			if diff := cmp.Diff(want, told(planOf(t, compliant, doc))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Objects of kinds that nobody knows: whole templates are judged, anything less is a gap that names the path.
func TestUnknownKinds(t *testing.T) {
	t.Parallel()
	const (
		ends     = ": what it runs or grants is not evaluated here; read what it makes from the cluster (-f of a dump, or --context)"
		template = "{metadata: {labels: {a: b}}, spec: {hostNetwork: true, containers: [{name: c, image: i}]}}"
	)
	gap := func(why string) string {
		return "  enforce \"\"\n  gap Widget \"shop/it\": the kind \"Widget\" of example.com/v1 is not known, and " + why + ends + " [\"shop\"]\n"
	}
	for name, test := range map[string]struct{ body, want string }{
		"a whole template":                         {"spec: {template: " + template + "}", "  Widget at spec.template: privileged; host namespaces hostNetwork=true\n  enforce \"privileged\"\n"},
		"a template that the kind names otherwise": {"spec: {workers: [{pod: " + template + "}]}", "  Widget at spec.workers[0].pod: privileged; host namespaces hostNetwork=true\n  enforce \"privileged\"\n"},
		"a template and more": {
			"spec: {template: " + template + ", sidecars: [{image: i}]}",
			"  Widget at spec.template: privileged; host namespaces hostNetwork=true\n" + strings.Replace(gap("it has sidecars at spec.sidecars"), `enforce ""`, `enforce "privileged"`, 1),
		},
		"a template whose container has no image": {"spec: {template: {metadata: {}, spec: {containers: [{name: c}]}}}", gap("it has part of a pod template at spec.template")},
		"a template without containers":           {"spec: {template: {spec: {serviceAccountName: a, tolerations: []}}}", gap("it has part of a pod template at spec.template")},
		"what looks like a pod":                   {"spec: {containers: [{name: c, image: i}]}", gap("it has containers at spec.containers")},
		"a container without a name":              {"spec: {containers: [{image: i}]}", gap("it has containers at spec.containers")},
		"containers by name":                      {"spec: {extraContainers: {a: {image: i}}}", gap("it has containers at spec.extraContainers")},
		"init containers":                         {"spec: {deep: [{initContainers: [{name: a, command: [sh]}]}]}", gap("it has containers at spec.deep[0].initContainers")},
		"one container":                           {"spec: {container: {image: i}}", gap("it has a container at spec.container")},
		"steps":                                   {"spec: {steps: [{name: a, image: i}]}", gap("it has steps at spec.steps")},
		"a security context":                      {"spec: {securityContext: {runAsUser: 0}}", gap("it has a security context at spec.securityContext")},
		"an empty security context":               {"spec: {podSecurityContext: {}}", gap("it has a security context at spec.podSecurityContext")},
		"privileged":                              {"spec: {agent: {privileged: true}}", gap("it has privileged at spec.agent.privileged")},
		"a host path":                             {"spec: {volumes: [{name: a, hostPath: {path: /}}]}", gap("it has hostPath at spec.volumes[0].hostPath")},
		"a host path as text":                     {"spec: {logs: {hostPath: /var/log}}", gap("it has hostPath at spec.logs.hostPath")},
		"host network":                            {"spec: {hostNetwork: false}", gap("it has hostNetwork at spec.hostNetwork")},
		"host PID":                                {"spec: {hostPID: true}", gap("it has hostPID at spec.hostPID")},
		"host IPC":                                {"spec: {hostIPC: true}", gap("it has hostIPC at spec.hostIPC")},
		"a pod template in part":                  {"spec: {podTemplate: {metadata: {labels: {a: b}}}}", gap("it has part of a pod template at spec.podTemplate")},
		"privileged as text":                      {"spec: {agent: {privileged: 'true'}}", gap("it has privileged at spec.agent.privileged")},
		"snake case":                              {"spec: {host_network: true}", gap("it has host_network at spec.host_network")},
		"a security context in snake case":        {"spec: {security_context: {run_as_user: 0}}", gap("it has a security context at spec.security_context")},
		"nothing of a pod":                        {"spec: {image: i, replicas: 3}", "  enforce \"restricted\"\n  skipped Widget\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, told(planOf(t, compliant, object("example.com/v1", "Widget", test.body)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A whole pod template is a gap in a kind of another project that is known to make no pods; policies, and parts of templates,
// are not.
func TestTemplatesWherePodsAreNotKnown(t *testing.T) {
	t.Parallel()
	const template = "spec: {template: {spec: {containers: [{name: c, image: i}]}}}"
	for doc, want := range map[string]string{
		object("cilium.io/v2", "CiliumAgent", template):                           "  enforce \"\"\n  gap CiliumAgent \"shop/it\": the kind \"CiliumAgent\" of cilium.io/v2 is not known to make pods, and it has a pod template at spec.template: what it runs is not evaluated here; read what it makes from the cluster (-f of a dump, or --context) [\"shop\"]\n",
		object("cilium.io/v2", "CiliumAgent", "spec: {containers: [{image: i}]}"): "  enforce \"restricted\"\n  skipped CiliumAgent\n",
		object("policies.kubewarden.io/v1", "AdmissionPolicyGroup", template):     "  enforce \"restricted\"\n  skipped AdmissionPolicyGroup\n",
	} {
		if diff := cmp.Diff(want, told(planOf(t, compliant, doc))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// An object within another one of the same namespace is judged there, and one without pods says nothing.
func TestObjectsWithinOfOneNamespace(t *testing.T) {
	t.Parallel()
	const rollout = "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: r, namespace: shop}, spec: {template: {spec: {hostPID: true, containers: [{name: c, image: i}]}}}}"
	const other = "{apiVersion: example.com/v1, kind: Config, metadata: {name: r, namespace: bank}, spec: {size: 3}}"
	want := "  ManifestWork at spec.workload.manifests[0].spec.template: privileged; host namespaces hostPID=true\n  enforce \"privileged\"\n"
	doc := object("work.open-cluster-management.io/v1", "ManifestWork", "spec: {workload: {manifests: ["+rollout+", "+other+"]}}")
	if diff := cmp.Diff(want, told(planOf(t, compliant, doc))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Objects within objects touch the namespaces that they name.
func TestObjectsWithin(t *testing.T) {
	t.Parallel()
	const pod = "{apiVersion: v1, kind: Pod, metadata: {name: p%s}, spec: {containers: [{name: c, image: i}]}}"
	in := func(namespace string) string {
		if namespace != "" {
			namespace = ", namespace: " + namespace
		}
		return fmt.Sprintf(pod, namespace)
	}
	for name, test := range map[string]struct{ doc, want string }{
		"in its own namespace":   {object("work.open-cluster-management.io/v1", "ManifestWork", "spec: {workload: {manifests: ["+in("")+"]}}"), `["shop"]`},
		"in another namespace":   {object("template.openshift.io/v1", "Template", "objects: ["+in("bank")+"]"), `["bank" "shop"]`},
		"in no namespace":        {"apiVersion: example.com/v1\nkind: Bundle\nmetadata: {name: b}\nspec: {objects: [" + in("") + "]}", `["*"]`},
		"all name their own":     {"apiVersion: example.com/v1\nkind: Bundle\nmetadata: {name: b}\nspec: {objects: [" + in("bank") + ", " + in("shop") + "]}", `["bank" "shop"]`},
		"a policy that makes it": {"apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: b}\nspec: {rules: [{generate: {apiVersion: apps/v1, kind: Deployment, name: d, namespace: '{{request.object.metadata.name}}', data: {spec: {template: {spec: {securityContext: {}}}}}}}]}", `["*"]`},
		"values of a chart":      {object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "spec: {targetNamespace: bank, values: {template: {spec: {containers: [{name: c, image: i}]}}}}"), `["bank" "shop"]`},
		"a custom object":        {object("work.open-cluster-management.io/v1", "ManifestWork", "spec: {workload: {manifests: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: r, namespace: bank}, spec: {template: {spec: {containers: [{name: c, image: i}]}}}}]}}"), `["bank" "shop"]`},
		"part of one":            {object("work.open-cluster-management.io/v1", "ManifestWork", "spec: {workload: {manifests: [{apiVersion: tekton.dev/v1, kind: Task, metadata: {name: r, namespace: bank}, spec: {steps: [{image: i}]}}]}}"), `["bank" "shop"]`},
		"a bundle in a bundle":   {"apiVersion: example.com/v1\nkind: Bundle\nmetadata: {name: b}\nspec: {objects: [{apiVersion: example.com/v1, kind: Bundle, metadata: {name: c, namespace: bank}, spec: {objects: [" + in("") + "]}}]}", `["bank"]`},
		"a template beside it":   {"apiVersion: example.com/v1\nkind: Bundle\nmetadata: {name: b}\nspec: {template: {spec: {containers: [{name: c, image: i}]}}, objects: [" + in("bank") + "]}", `["*"]`},
		"a whole workload":       {object("workload.codeflare.dev/v1beta2", "AppWrapper", "spec: {components: [{template: {apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {containers: [{name: c, image: i}]}}}}}]}"), `["shop"]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := planOf(t, compliant, test.doc)
			got := told(p)
			if len(p.Gaps) != 1 || !strings.HasSuffix(strings.TrimSpace(strings.Split(got, "  skipped")[0]), test.want) {
				t.Errorf("want one gap that touches %s, got\n%s", test.want, got)
			}
		})
	}
}
