package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"
)

// TestPlacesOfPieces finds the fields of custom resources that state a part of a pod, and takes out what is written there only.
func TestPlacesOfPieces(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		text string
		want []string
	}{
		"a TaskRun": {`{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: r}, spec: {podTemplate: {hostNetwork: true, securityContext: {runAsUser: 0}}, taskSpec: {steps: [{name: s, image: i}]}}}`, []string{
			"hostNamespaces spec.podTemplate.hostNetwork remove", "runAsUser spec.podTemplate.securityContext.runAsUser remove",
		}},
		"a Kafka": {`{apiVersion: kafka.strimzi.io/v1beta2, kind: Kafka, metadata: {name: r}, spec: {kafka: {template: {pod: {securityContext: {runAsUser: 0}}, kafkaContainer: {securityContext: {privileged: true}}}}}}`, []string{
			"privileged spec.kafka.template.kafkaContainer.securityContext.privileged remove", "runAsUser spec.kafka.template.pod.securityContext.runAsUser remove",
		}},
		"a Task": {`{apiVersion: tekton.dev/v1, kind: Task, metadata: {name: r}, spec: {steps: [{name: s, image: i, securityContext: {privileged: true}}], volumes: [{name: u}, {name: v, hostPath: {path: /}}]}}`, []string{
			"privileged spec.steps[0].securityContext.privileged of s remove", "restrictedVolumes spec.volumes[1].hostPath remove",
		}},
		"a CronWorkflow": {`{apiVersion: argoproj.io/v1alpha1, kind: CronWorkflow, metadata: {name: r}, spec: {workflowSpec: {templates: [{name: a, container: {image: i, securityContext: {capabilities: {add: [CHOWN, SYS_ADMIN]}}}}, {name: b, script: {image: i, source: x}, volumes: [{name: h, hostPath: {path: /}}]}]}}}`, []string{
			"capabilities_restricted spec.workflowSpec.templates[0].container.securityContext.capabilities.add[0] remove",
			"capabilities_restricted spec.workflowSpec.templates[0].container.securityContext.capabilities.add[1] remove",
			"restrictedVolumes spec.workflowSpec.templates[1].volumes[0].hostPath remove",
		}},
		"a Prometheus": {`{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, metadata: {name: r}, spec: {hostNetwork: true, securityContext: {sysctls: [{name: kernel.a, value: "1"}], runAsNonRoot: false}, containers: [{name: x, ports: [{containerPort: 2}, {containerPort: 1, hostPort: 1}], securityContext: {privileged: true}}]}}`, []string{
			"hostNamespaces spec.hostNetwork remove", "hostPorts spec.containers[0].ports[1].hostPort of x remove", "hostPorts spec.hostNetwork remove",
			"privileged spec.containers[0].securityContext.privileged of x remove", "runAsNonRoot spec.securityContext.runAsNonRoot", "sysctls spec.securityContext.sysctls[0] remove",
		}},
		"a SparkApplication": {`{apiVersion: sparkoperator.k8s.io/v1beta2, kind: SparkApplication, metadata: {name: r}, spec: {driver: {hostNetwork: true, podSecurityContext: {runAsUser: 0}}, executor: {hostNetwork: true}}}`, []string{
			"hostNamespaces spec.driver.hostNetwork remove", "hostNamespaces spec.executor.hostNetwork remove", "runAsUser spec.driver.podSecurityContext.runAsUser remove",
		}},
		"an Elasticsearch": {`{apiVersion: elasticsearch.k8s.elastic.co/v1, kind: Elasticsearch, metadata: {name: r}, spec: {nodeSets: [{name: n, podTemplate: {metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/s: unconfined}}, spec: {initContainers: [{name: s, securityContext: {privileged: true}}]}}}]}}`, []string{
			"appArmorProfile spec.nodeSets[0].podTemplate.metadata.annotations[container.apparmor.security.beta.kubernetes.io/s] remove",
			"privileged spec.nodeSets[0].podTemplate.spec.initContainers[0].securityContext.privileged of s remove",
		}},
		"a patch": {`{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {name: r}, spec: {podSpecPatch: 'hostPID: true'}}`, []string{"hostNamespaces spec.podSpecPatch.hostPID"}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range checkText(t, test.text, Options{Level: api.LevelRestricted}).Findings {
				for _, p := range f.Places {
					line := f.Rule + " " + p.Field
					if p.Container != "" {
						line += " of " + p.Container
					}
					if p.Edit != nil {
						line += " " + p.Edit.Op
					}
					if p.Missing {
						line += " missing"
					}
					got = append(got, line)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestMessagesOfPieces calls a security context that may be of the pod no container.
func TestMessagesOfPieces(t *testing.T) {
	t.Parallel()
	text := `{apiVersion: sparkoperator.k8s.io/v1beta2, kind: SparkApplication, metadata: {name: r}, spec: {driver: {podSecurityContext: {runAsUser: 0}, sidecars: [{name: x, image: i, securityContext: {privileged: true}}]}, executor: {podSecurityContext: {runAsUser: 0}}}}`
	var got []string
	for _, f := range checkText(t, text, Options{Level: api.LevelRestricted}).Findings {
		got = append(got, f.Message)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{
		`privileged (container "x" must not set securityContext.privileged=true)`,
		`runAsUser=0 (spec.driver.podSecurityContext, spec.executor.podSecurityContext must not set runAsUser=0)`,
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTemplatesOfCharts finds the file of a chart in the comment that is nearest above an object.
func TestTemplatesOfCharts(t *testing.T) {
	t.Parallel()
	object := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostPID: true, containers: [{name: c, image: i}]}\n"
	for text, want := range map[string]string{
		"# Source: s/templates/a.yaml\n---\n# Source: s/templates/b.yaml\n" + object:               "s/templates/b.yaml",
		"---\n# Source: s/templates/a.yaml\n# a comment\n---\n# Source: b.yaml\n" + object:         "b.yaml",
		"---\n# Source: s/templates/a.yaml\n\n# a comment\n" + object:                              "s/templates/a.yaml",
		object + "---\n# Source: s/templates/b.yaml\n":                                             "",
		strings.Replace(object, "kind", "# Source: s/templates/a.yaml\nkind", 1):                   "",
		"# Source: s/templates/a.yaml\n" + strings.Replace(object, "kind", "# Source: s\nkind", 1): "s/templates/a.yaml",
	} {
		if r := checkText(t, text, Options{Level: api.LevelBaseline}); len(r.Findings) != 1 || r.Findings[0].Object.Template != want {
			t.Errorf("%q is of %v, want %q", text, r.Findings, want)
		}
	}
}

// TestExceptionsOnTemplates notes annotations that ask for an exception on a pod template, where they are not read.
func TestExceptionsOnTemplates(t *testing.T) {
	t.Parallel()
	const template = "template:\n    metadata: {annotations: {psp2pss.dev/allow.hostNamespaces: why, a: b}}\n    spec: {hostPID: true, containers: [{name: c, image: i}]}\n"
	const text = `: the annotation "psp2pss.dev/allow.hostNamespaces" stands on the pod template, where it is not read: write it in metadata.annotations of the `
	for title, test := range map[string]struct {
		text string
		want []string
	}{
		"a Deployment":         {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: a}\nspec:\n  " + template, []string{"-:6 Deployment a/d" + text + "Deployment"}},
		"a Deployment's own":   {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, annotations: {psp2pss.dev/allow.hostNamespaces: why}}\nspec:\n  " + strings.Replace(template, "psp2pss.dev", "x", 1), nil},
		"a Rollout":            {"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: d}\nspec:\n  " + template, []string{"-:6 Rollout d" + text + "Rollout"}},
		"a pod":                {"apiVersion: v1\nkind: Pod\nmetadata: {name: d, annotations: {psp2pss.dev/allow.hostNamespaces: why}}\nspec: {hostPID: true, containers: [{name: c, image: i}]}\n", nil},
		"a part of a template": {"apiVersion: elasticsearch.k8s.elastic.co/v1\nkind: Elasticsearch\nmetadata: {name: d}\nspec:\n  " + strings.Replace(template, "template", "podTemplate", 1), []string{"-:6 Elasticsearch d" + text + "Elasticsearch"}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, n := range checkText(t, test.text, Options{Level: api.LevelBaseline}).Notes {
				got = append(got, fmt.Sprintf("%s:%d %s: %s", n.Position.File, n.Position.Line, n.What, n.Text))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
